//! Tries snapshots in a bucket: one in memory, and one that speaks as much of S3 as is needed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};

use object_store::memory::InMemory;

use super::super::tests::{save, serves};
use super::super::{Snapshots, Store};
use super::*;
use crate::runtime::SnapshotStore;

fn in_memory() -> (Arc<InMemory>, Snapshots) {
    let store = Arc::new(InMemory::new());
    let remote = Remote::on(store.clone(), Path::from("a/vigie"), "memory".to_owned()).expect("a runtime");
    (store, Snapshots::on(Store::Remote(remote)))
}

#[test]
fn a_bucket_keeps_snapshots() {
    let (_, snapshots) = in_memory();
    serves(&snapshots);
}

#[test]
fn large_ones_go_up_in_parts_and_come_back_whole() {
    let (store, snapshots) = in_memory();
    let mut handle = snapshots.handle(Arc::new(|_| {}));
    let bytes: Vec<u8> = (0..WHOLE_BYTES_MAX + 12_345).map(|place| (place / 1000) as u8).collect();
    let name = SnapshotName { partition: 0, epoch: 1 };
    assert_eq!(save(&mut handle, name, bytes.clone(), 3).outcome, Ok(()));
    assert!(handle.load(name).expect("loaded") == bytes);
    let path = Path::from("a/vigie/00000/00000000000000000001.snapshot");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert_eq!(runtime.block_on(store.head(&path)).expect("there").size, bytes.len() as u64);
}

#[test]
fn what_reads_back_other_than_written_is_deleted_and_told() {
    let (store, snapshots) = in_memory();
    let spoil = move |point| {
        if point == Point::AfterSnapshotRename {
            let path = Path::from("a/vigie/00000/00000000000000000001.snapshot");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(store.put(&path, vec![1, 2, 4].into())).expect("spoilt");
        }
    };
    let mut handle = snapshots.handle(Arc::new(spoil));
    let error = save(&mut handle, SnapshotName { partition: 0, epoch: 1 }, vec![1, 2, 3], 3).outcome;
    assert!(error.expect_err("failed").0.contains("reads back other"));
    assert_eq!(handle.list(0), Ok(vec![]));
}

#[test]
fn debug_shows_no_credentials() {
    let (_, snapshots) = in_memory();
    assert!(format!("{snapshots:?}").contains(r#"Remote { place: "memory", .. }"#));
}
/// A server that speaks as much of S3 as snapshots need: objects by path, and parts of uploads.
#[derive(Clone, Default)]
struct FakeS3 {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// How many parts have come.
    parts: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl FakeS3 {
    fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let server = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A connection that breaks off is the client's to notice.
                std::thread::spawn(move || server.serve(&stream).unwrap_or(()));
            }
        });
        address
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let (mut reader, mut writer) = (BufReader::new(stream), stream);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first)? == 0 {
                return Ok(());
            }
            let mut line = String::new();
            while reader.read_line(&mut line)? > 2 {
                let header = line.to_ascii_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                assert!(!line.contains("hunter2"), "the secret itself is never sent");
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let mut words = first.split(' ');
            let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
            let (status, answer) = self.answer(method, target, body);
            let date = "Last-Modified: Sun, 22 Nov 2026 08:00:00 GMT";
            write!(writer, "HTTP/1.1 {status}\r\nETag: \"e\"\r\n{date}\r\nContent-Length: {}\r\n\r\n", answer.len())?;
            writer.write_all(&answer)?;
        }
    }

    fn answer(&self, method: &str, target: &str, body: Vec<u8>) -> (&'static str, Vec<u8>) {
        let lock = |table: &Arc<Mutex<BTreeMap<String, Vec<u8>>>>| {
            Arc::clone(table).lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        let keep = |table: &Arc<Mutex<BTreeMap<String, Vec<u8>>>>, key: String, value: Vec<u8>| {
            table.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.starts_with("/closed") {
            return ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>".into());
        }
        match (method, query) {
            ("PUT", "") => keep(&self.objects, path.to_owned(), body),
            ("PUT", _) => keep(&self.parts, query.to_owned(), body),
            ("POST", "uploads" | "uploads=") => {
                return (
                    "200 OK",
                    b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>".into(),
                );
            }
            ("POST", "delete" | "delete=") => {
                let text = String::from_utf8(body).expect("XML");
                for key in text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
                    let key = format!("/bucket/{key}");
                    self.objects.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                }
                return ("200 OK", b"<DeleteResult></DeleteResult>".into());
            }
            ("POST", _) => {
                let mut parts: Vec<(usize, Vec<u8>)> = lock(&self.parts)
                    .into_iter()
                    .map(|(query, part)| {
                        let number = query.split('&').find_map(|pair| pair.strip_prefix("partNumber="));
                        (number.expect("a part").parse().expect("its number"), part)
                    })
                    .collect();
                parts.sort();
                keep(&self.objects, path.to_owned(), parts.into_iter().flat_map(|(_, part)| part).collect());
                return (
                    "200 OK",
                    b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>".into(),
                );
            }
            ("GET", query) if query.contains("list-type=2") => {
                let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).expect("a prefix");
                let prefix = format!("/bucket/{}", prefix.replace("%2F", "/"));
                let listed = lock(&self.objects).into_iter().filter(|(key, _)| key.starts_with(&prefix));
                let entry = |(key, value): (String, Vec<u8>)| {
                    let (key, size) = (key.trim_start_matches("/bucket/").to_owned(), value.len());
                    format!(
                        "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>2026-11-22T08:00:00.000Z</LastModified><ETag>e</ETag></Contents>"
                    )
                };
                let entries: String = listed.map(entry).collect();
                return ("200 OK", format!("<ListBucketResult>{entries}</ListBucketResult>").into_bytes());
            }
            ("GET", _) => {
                return match lock(&self.objects).remove(path) {
                    Some(value) => ("200 OK", value),
                    None => ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>".into()),
                };
            }
            _ => return ("405 Method Not Allowed", Vec::new()),
        }
        ("200 OK", Vec::new())
    }
}

fn on_s3(url: &str, address: SocketAddr) -> Snapshots {
    let variables = [
        ("AWS_ENDPOINT", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hunter2".to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let remote = Remote::open(&Url::parse(url).expect("a URL"), "vigie", variables).expect("opened");
    Snapshots::on(Store::Remote(remote))
}

#[test]
fn a_bucket_of_s3_keeps_snapshots_with_settings_from_the_environment() {
    let server = FakeS3::default();
    let snapshots = on_s3("s3://bucket/state", server.listen());
    serves(&snapshots);
    let mut handle = snapshots.handle(Arc::new(|_| {}));
    let bytes: Vec<u8> = (0..WHOLE_BYTES_MAX + 1).map(|place| (place / 1000) as u8).collect();
    let name = SnapshotName { partition: 0, epoch: 1 };
    assert_eq!(save(&mut handle, name, bytes.clone(), 3).outcome, Ok(()));
    assert!(handle.load(name).expect("loaded") == bytes);
    assert_eq!(server.parts.lock().expect("unlocked").len(), 3, "it came in parts");
    let objects = server.objects.lock().expect("unlocked");
    assert_eq!(objects.keys().next().expect("one"), "/bucket/state/vigie/00000/00000000000000000001.snapshot");
}

#[test]
fn a_bucket_that_may_not_be_used_is_told_without_its_secret() {
    let snapshots = on_s3("s3://closed", FakeS3::default().listen());
    let mut handle = snapshots.handle(Arc::new(|_| {}));
    let error = save(&mut handle, SnapshotName { partition: 0, epoch: 1 }, vec![1], 3).outcome.expect_err("refused").0;
    assert!(error.contains("not allowed") && error.contains("Check the credentials"), "{error}");
    let error = handle.list(0).expect_err("refused").0;
    assert!(error.starts_with("cannot list vigie/00000 in s3://closed: ") && error.contains("AccessDenied"), "{error}");
    assert!(!format!("{error}{snapshots:?}").contains("hunter2"));
}
