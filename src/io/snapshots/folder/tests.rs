//! Tries snapshots in a folder: full disks, missing rights, folders that vanish, crashes at every point.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;

use super::super::tests::{save, serves};
use super::super::{SnapshotHandle, SnapshotLocation, Snapshots};
use super::*;
use crate::runtime::SnapshotStore;

const NAME: SnapshotName = SnapshotName { partition: 0, epoch: 1 };

fn open(folder: &Path) -> SnapshotHandle {
    let location = SnapshotLocation::Folder(folder.to_owned());
    Snapshots::open(&location, "vigie", "host-1").expect("opened").handle(Arc::new(|_| {}))
}

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_keeps_snapshots_and_is_made_where_it_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("not/there/yet");
    let location = SnapshotLocation::Folder(place.clone());
    serves(&Snapshots::open(&location, "vigie", "host-1").expect("opened"));
    let names = ["09", "10", "11"].map(|epoch| format!("vigie/00003/000000000000000000{epoch}.snapshot"));
    assert_eq!(files(&place), names, "no other file is left");
}

#[test]
fn the_points_are_passed_in_order_and_each_finds_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let location = SnapshotLocation::Folder(folder.path().to_owned());
    let snapshots = Snapshots::open(&location, "vigie", "host-1").expect("opened");
    let hook = {
        let (seen, folder) = (Arc::clone(&seen), folder.path().to_owned());
        move |point: Point| seen.lock().expect("unlocked").push((point, files(&folder)))
    };
    assert_eq!(save(&mut snapshots.handle(Arc::new(hook)), NAME, vec![1], 3).outcome, Ok(()));
    let finished = "vigie/00000/00000000000000000001.snapshot";
    let temporary = format!("{finished}.host-1.0.tmp");
    let expected = [
        (Point::BeforeSnapshotWrite, vec![]),
        (Point::AfterSnapshotWrite, vec![temporary.clone()]),
        (Point::AfterSnapshotFsync, vec![temporary]),
        (Point::AfterSnapshotRename, vec![finished.to_owned()]),
    ];
    assert_eq!(*seen.lock().expect("unlocked"), expected);
}

#[test]
fn what_a_crash_leaves_is_never_listed_and_gone_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut handle = open(folder.path());
    assert_eq!(save(&mut handle, NAME, vec![1], 3).outcome, Ok(()));
    let partition = folder.path().join("vigie/00000");
    let left = |name: &str| fs::write(partition.join(name), b"half").expect("written");
    let (of_another, of_a_namesake) =
        ("00000000000000000002.snapshot.host-2.0.tmp", "00000000000000000002.snapshot.other.host-1.0.tmp");
    left("00000000000000000002.snapshot.host-1.7.tmp");
    left(of_another);
    left(of_a_namesake);
    let old = partition.join("00000000000000000003.snapshot.host-3.0.tmp");
    fs::write(&old, b"half").expect("written");
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(&old).expect("opened").set_modified(long_ago).expect("dated");
    assert_eq!(handle.list(0), Ok(vec![1]));
    let mut handle = open(folder.path());
    assert_eq!(handle.list(0), Ok(vec![1]));
    let expected =
        ["00000000000000000001.snapshot", of_another, of_a_namesake].map(|name| format!("vigie/00000/{name}"));
    assert_eq!(files(folder.path()), expected, "what others write now is theirs");
}

#[test]
fn a_folder_that_vanished_is_told_and_not_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut handle = open(folder.path());
    fs::remove_dir_all(folder.path().join("vigie")).expect("removed");
    let error = save(&mut handle, NAME, vec![1], 3).outcome.expect_err("failed").0;
    assert!(error.contains("vigie: it is not there") && error.contains("mounted"), "{error}");
    assert!(handle.list(0).expect_err("failed").0.contains("it is not there"));
    assert!(!folder.path().join("vigie").exists());
}

#[test]
fn a_place_that_is_no_folder_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("written");
    let error = Snapshots::open(&SnapshotLocation::Folder(file), "vigie", "host-1").expect_err("refused").0;
    assert!(error.starts_with("cannot make the folder "), "{error}");
}

#[test]
fn what_reads_back_other_than_written_loses_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vigie/00000/00000000000000000001.snapshot");
    for spoilt in [&b"abX"[..], b"ab", b"abcd", b""] {
        let location = SnapshotLocation::Folder(folder.path().to_owned());
        let snapshots = Snapshots::open(&location, "vigie", "host-1").expect("opened");
        let target = path.clone();
        let spoil = move |point| {
            if point == Point::AfterSnapshotRename {
                fs::write(&target, spoilt).expect("spoilt");
            }
        };
        let saved = save(&mut snapshots.handle(Arc::new(spoil)), NAME, b"abc".to_vec(), 3);
        assert!(saved.outcome.expect_err("failed").0.contains("reads back other"), "{spoilt:?}");
        assert!(!path.exists());
    }
}

#[test]
fn a_failed_write_leaves_no_file_whatever_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    for at in [Point::BeforeSnapshotWrite, Point::AfterSnapshotWrite, Point::AfterSnapshotFsync] {
        let place = Folder::open(folder.path(), "vigie", "host-1").expect("opened");
        let hook: PointHook = Arc::new(move |point| assert!(point != at, "at a fail point"));
        let panicked = catch_unwind(AssertUnwindSafe(|| place.write(NAME, b"abc", 0, &hook)));
        assert!(panicked.is_err());
        assert_eq!(files(folder.path()), [""; 0], "{at:?}");
    }
}

/// A child process of this test alone, which finds in `VIGIE_TEST_FOLDER` where to write; `shell` begins it with "$@".
#[cfg(unix)]
fn child(test: &str, shell: &str, folder: &Path) -> std::process::Output {
    Command::new("sh")
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("io::snapshots::folder::tests::{test}"), "--nocapture"])
        .env("VIGIE_TEST_FOLDER", folder)
        .output()
        .expect("a shell")
}

#[expect(clippy::disallowed_methods, reason = "a test tells its child where to write")]
fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os("VIGIE_TEST_FOLDER").map(PathBuf::from)
}

/// Writes until nothing more fits, and expects what a full disk must leave.
fn fill(folder: &Path, bytes: usize, sentence: &str) {
    let mut handle = open(folder);
    assert_eq!(save(&mut handle, NAME, vec![1; 1000], 3).outcome, Ok(()));
    let error = save(&mut handle, SnapshotName { epoch: 2, ..NAME }, vec![2; bytes], 3).outcome.expect_err("failed").0;
    assert!(error.contains(sentence), "{error}");
    assert_eq!(handle.list(0), Ok(vec![1]), "the older one serves");
    assert_eq!(files(folder), ["vigie/00000/00000000000000000001.snapshot"], "nothing half-written is left");
    let name = SnapshotName { epoch: 3, ..NAME };
    assert_eq!(save(&mut handle, name, vec![3; 1000], 3).outcome, Ok(()), "and a smaller one fits again");
}

#[cfg(unix)]
#[test]
fn a_file_over_the_limit_is_an_outcome_and_leaves_nothing() {
    if let Some(folder) = folder_of_child() {
        return fill(&folder, 200_000, "it is larger than a file may be here");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "a_file_over_the_limit_is_an_outcome_and_leaves_nothing";
    let output = child(test, "trap '' XFSZ; ulimit -f 16; exec \"$@\"", folder.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(files(folder.path()).len(), 2, "the child has written");
}

/// Needs a file system of its own, which the child mounts where it may; elsewhere the test above stands for it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_outcome_and_leaves_nothing() {
    if let Some(folder) = folder_of_child() {
        fill(&folder, 2_000_000, "the disk is full");
        println!("a disk was full");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let test = "a_full_disk_is_an_outcome_and_leaves_nothing";
    let shell = "mount -t tmpfs -o size=512k vigie-test \"$VIGIE_TEST_FOLDER\" || exit 77; exec \"$@\"";
    let mut output = None;
    for unshare in ["unshare -m", "unshare -rm"] {
        let shell = format!("exec {unshare} sh -c '{shell}' sh \"$@\"");
        let tried = child(test, &shell, folder.path());
        let has_run = String::from_utf8_lossy(&tried.stdout).contains("running 1 test");
        if has_run {
            output = Some(tried);
            break;
        }
    }
    match output {
        Some(output) => {
            assert!(output.status.success(), "{output:?}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("a disk was full"), "{output:?}");
        }
        None => eprintln!("not tried: no file system can be mounted here"),
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("closed");
    fs::create_dir(&place).expect("made");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o555)).expect("closed");
    let error = match Snapshots::open(&SnapshotLocation::Folder(place.clone()), "vigie", "host-1") {
        Err(error) => error,
        // Root may write anywhere: the system's answer to others is given in its place.
        Ok(_) => explain("make the folder", &place, &io::Error::from(ErrorKind::PermissionDenied)),
    };
    assert!(error.0.starts_with(&format!("cannot make the folder {}", place.display())), "{error}");
    assert!(error.0.contains("not allowed") && error.0.contains("Let the user"), "{error}");
}
