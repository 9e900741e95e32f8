//! Owns where snapshots lie: a folder, or a bucket of an object store; written apart from the worker's thread.
//!
//! A snapshot is `<group>/<partition>/<epoch>.snapshot`, numbers with leading zeros. It has that name only once it is
//! whole: a folder's is written under another name first, an object appears when its upload is complete. After that it is
//! read back and compared byte by byte, and only then are older ones deleted.

mod folder;
mod location;
mod remote;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use tracing::warn;

use self::folder::Folder;
pub use self::location::SnapshotLocation;
use self::remote::Remote;
use crate::base::Instant;
use crate::runtime::{Point, Saved, SnapshotName, SnapshotStore, StoreError};

/// Called as a snapshot being written comes to a point at which a test may want the process to break.
pub type PointHook = Arc<dyn Fn(Point) + Send + Sync>;

/// The ending of a finished snapshot's name.
const ENDING: &str = ".snapshot";
/// Digits of an epoch in a name.
const EPOCH_DIGITS: usize = 20;
/// The longest name of a group or an instance.
pub const NAME_BYTES_MAX: usize = 200;

/// The snapshots of a group, as one process sees them; each worker takes a handle of its own.
#[derive(Debug, Clone)]
pub struct Snapshots {
    store: Arc<Store>,
    handles: Arc<AtomicU32>,
}

/// A snapshot that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub name: SnapshotName,
    /// Its bytes.
    pub bytes: u64,
    /// When it was written.
    pub written: Instant,
}

#[derive(Debug)]
enum Store {
    Folder(Folder),
    Remote(Remote),
}

impl Snapshots {
    /// Opens the place: makes the folder where there is none, and removes what this instance left half-written.
    ///
    /// # Errors
    /// When the folder cannot be made or written, the store's settings are wrong, or a name has other characters than
    /// letters, digits, `.`, `_` and `-`.
    pub fn open(location: &SnapshotLocation, group: &str, instance: &str) -> Result<Snapshots, StoreError> {
        check_name("the group", group)?;
        check_name("the instance", instance)?;
        let store = match location {
            SnapshotLocation::Folder(path) => Store::Folder(Folder::open(path, group, instance)?),
            SnapshotLocation::Bucket(url) => Store::Remote(Remote::open(url, group, remote::variables())?),
        };
        Ok(Snapshots::on(store))
    }

    /// Opens the place to look at it, beside whoever writes there: nothing is made, tried or removed.
    ///
    /// # Errors
    /// When the group's name has other characters than letters, digits, `.`, `_` and `-`, or the store's settings are wrong.
    pub fn open_to_read(location: &SnapshotLocation, group: &str) -> Result<Snapshots, StoreError> {
        check_name("the group", group)?;
        let store = match location {
            SnapshotLocation::Folder(path) => Store::Folder(Folder::at(path, group)),
            SnapshotLocation::Bucket(url) => Store::Remote(Remote::open(url, group, remote::variables())?),
        };
        Ok(Snapshots::on(store))
    }

    /// Every finished snapshot of the group, in no order.
    ///
    /// # Errors
    /// When the place cannot be listed.
    pub fn all(&self) -> Result<Vec<Found>, StoreError> {
        match &*self.store {
            Store::Folder(folder) => folder.all(),
            Store::Remote(remote) => remote.all(),
        }
    }

    fn on(store: Store) -> Snapshots {
        Snapshots { store: Arc::new(store), handles: Arc::default() }
    }

    /// A handle for one worker; `hook` is called at the points of writing, on the thread that writes.
    #[must_use]
    pub fn handle(&self, hook: PointHook) -> SnapshotHandle {
        let number = self.handles.fetch_add(1, Ordering::Relaxed);
        SnapshotHandle { store: Arc::clone(&self.store), number, hook, writing: None, saved: Vec::new() }
    }
}

/// Whether a name is safe as part of a file's, an object's and a transactional id's.
#[must_use]
pub fn is_safe_name(name: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_safe) && name != "." && name != ".."
}

fn check_name(what: &str, name: &str) -> Result<(), StoreError> {
    if is_safe_name(name) {
        return Ok(());
    }
    Err(StoreError(format!(
        "{what} should be 1 to {NAME_BYTES_MAX} letters, digits, '.', '_' and '-', for snapshots are filed by it, and is {name:?}"
    )))
}

/// One worker's way to the snapshots.
pub struct SnapshotHandle {
    store: Arc<Store>,
    /// Distinguishes the temporary names of this process' workers.
    number: u32,
    hook: PointHook,
    writing: Option<Writing>,
    saved: Vec<Saved>,
}

/// A snapshot on its way.
struct Writing {
    name: SnapshotName,
    bytes: u64,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl SnapshotHandle {
    /// Notes what became of the snapshot that was handed over, once that is known.
    fn collect(&mut self) {
        let finished = self.writing.take_if(|writing| writing.thread.is_finished());
        let Some(Writing { name, bytes, thread }) = finished else { return };
        self.saved.push(Saved { name, bytes, outcome: joined(thread) });
    }
}

impl SnapshotStore for SnapshotHandle {
    fn list(&mut self, partition: u32) -> Result<Vec<u64>, StoreError> {
        self.store.list(partition)
    }

    fn load(&mut self, name: SnapshotName) -> Result<Vec<u8>, StoreError> {
        match &*self.store {
            Store::Folder(folder) => folder.load(name),
            Store::Remote(remote) => remote.load(name),
        }
    }

    fn is_busy(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| !writing.thread.is_finished())
    }

    fn save(&mut self, name: SnapshotName, bytes: Vec<u8>, generations: usize) {
        self.collect();
        assert!(self.writing.is_none(), "a snapshot is still being written");
        let length = bytes.len() as u64;
        let (store, number, hook) = (Arc::clone(&self.store), self.number, Arc::clone(&self.hook));
        let write = move || store.save(name, bytes, generations, number, &hook);
        match std::thread::Builder::new().name("snapshot".to_owned()).spawn(write) {
            Ok(thread) => self.writing = Some(Writing { name, bytes: length, thread }),
            Err(error) => {
                let outcome = Err(StoreError(format!("no thread can be started to write a snapshot: {error}")));
                self.saved.push(Saved { name, bytes: length, outcome });
            }
        }
    }

    fn saved(&mut self) -> Vec<Saved> {
        self.collect();
        std::mem::take(&mut self.saved)
    }

    fn wait(&mut self) {
        if let Some(Writing { name, bytes, thread }) = self.writing.take() {
            self.saved.push(Saved { name, bytes, outcome: joined(thread) });
        }
    }
}

/// What the thread that wrote a snapshot says of it.
fn joined(thread: JoinHandle<Result<(), StoreError>>) -> Result<(), StoreError> {
    thread.join().unwrap_or_else(|_| {
        Err(StoreError("writing a snapshot ended in a panic: what it says stands above in the log".to_owned()))
    })
}

impl Store {
    fn list(&self, partition: u32) -> Result<Vec<u64>, StoreError> {
        let mut epochs = match self {
            Store::Folder(folder) => folder.list(partition)?,
            Store::Remote(remote) => remote.list(partition)?,
        };
        epochs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(epochs)
    }

    fn save(
        &self,
        name: SnapshotName,
        bytes: Vec<u8>,
        generations: usize,
        number: u32,
        hook: &PointHook,
    ) -> Result<(), StoreError> {
        match self {
            Store::Folder(folder) => folder.write(name, &bytes, number, hook)?,
            Store::Remote(remote) => remote.write(name, bytes, hook)?,
        }
        // The snapshot is there: that an older one cannot be deleted is no failure of it, but fills the place.
        if let Err(error) = self.delete_older(name, generations) {
            warn!(partition = name.partition, epoch = name.epoch, "older snapshots stay: {error}");
        }
        Ok(())
    }

    fn delete_older(&self, name: SnapshotName, generations: usize) -> Result<(), StoreError> {
        for epoch in surplus(&self.list(name.partition)?, name.epoch, generations) {
            let older = SnapshotName { epoch, ..name };
            match self {
                Store::Folder(folder) => folder.delete(older)?,
                Store::Remote(remote) => remote.delete(older)?,
            }
        }
        Ok(())
    }
}

/// Of epochs, newest first, those that go once `written` is there: older than it, and beyond `generations` with it.
fn surplus(epochs: &[u64], written: u64, generations: usize) -> impl Iterator<Item = u64> {
    epochs.iter().copied().filter(move |epoch| *epoch < written).skip(generations.saturating_sub(1))
}

fn file_name(epoch: u64) -> String {
    format!("{epoch:0EPOCH_DIGITS$}{ENDING}")
}

fn folder_name(partition: u32) -> String {
    format!("{partition:05}")
}

/// The partition that a folder's name tells; nothing else has one.
fn partition_of(folder_name: &str) -> Option<u32> {
    let is_number = folder_name.len() == 5 && folder_name.bytes().all(|byte| byte.is_ascii_digit());
    folder_name.parse().ok().filter(|_| is_number)
}

/// The epoch that a finished snapshot's name tells; nothing else has one.
fn epoch_of(file_name: &str) -> Option<u64> {
    let digits = file_name.strip_suffix(ENDING)?;
    let is_number = digits.len() == EPOCH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saves, waits, and gives the one outcome.
    pub(super) fn save(handle: &mut SnapshotHandle, name: SnapshotName, bytes: Vec<u8>, generations: usize) -> Saved {
        handle.save(name, bytes, generations);
        loop {
            let saved = handle.saved();
            if let [one] = &saved[..] {
                assert!(!handle.is_busy());
                return one.clone();
            }
            std::thread::yield_now();
        }
    }

    /// Tries what every place must do.
    pub(super) fn serves(snapshots: &Snapshots) {
        let mut handle = snapshots.handle(Arc::new(|_| {}));
        assert_eq!(handle.list(3), Ok(vec![]));
        let missing = handle.load(SnapshotName { partition: 3, epoch: 1 }).expect_err("there is none");
        assert!(missing.0.contains("is not there"), "{missing}");
        let body = |epoch: u64| vec![epoch as u8; 100_000];
        for epoch in [1, 2, 9, 10, 11] {
            let name = SnapshotName { partition: 3, epoch };
            let saved = save(&mut handle, name, body(epoch), 3);
            assert_eq!(saved, Saved { name, bytes: 100_000, outcome: Ok(()) });
        }
        assert_eq!(handle.list(3), Ok(vec![11, 10, 9]));
        let late = SnapshotName { partition: 3, epoch: 5 };
        assert_eq!(save(&mut handle, late, body(5), 1).outcome, Ok(()));
        assert_eq!(handle.list(3), Ok(vec![11, 10, 9, 5]), "what is newer stays, and what was just written");
        assert_eq!(handle.list(4), Ok(vec![]), "partitions are apart");
        let mut other = snapshots.handle(Arc::new(|_| {}));
        assert_eq!(other.load(SnapshotName { partition: 3, epoch: 10 }), Ok(body(10)));
        let again = SnapshotName { partition: 3, epoch: 11 };
        assert_eq!(save(&mut other, again, vec![7], 3).outcome, Ok(()), "the same name again is written over");
        assert_eq!(other.load(again), Ok(vec![7]));
    }

    #[test]
    fn a_name_tells_its_epoch_and_nothing_else_passes_for_one() {
        assert_eq!(file_name(42), "00000000000000000042.snapshot");
        assert_eq!(epoch_of(&file_name(u64::MAX)), Some(u64::MAX));
        for other in ["42.snapshot", "00000000000000000042.snapshot.a.1.tmp", "+0000000000000000042.snapshot", "x", ""]
        {
            assert_eq!(epoch_of(other), None, "{other}");
        }
        assert_eq!(epoch_of("99999999999999999999.snapshot"), None, "more than an epoch holds");
    }

    #[test]
    fn older_ones_beyond_the_generations_go_and_newer_ones_never() {
        let gone = |written, generations| surplus(&[9, 8, 7, 3, 2, 1], written, generations).collect::<Vec<_>>();
        assert_eq!(gone(9, 3), [3, 2, 1]);
        assert_eq!(gone(7, 2), [2, 1]);
        assert_eq!(gone(9, 0), [8, 7, 3, 2, 1], "the one just written stays whatever is asked");
        assert!(gone(1, 1).is_empty());
    }

    #[test]
    fn names_that_are_not_safe_in_a_path_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = SnapshotLocation::Folder(folder.path().to_owned());
        for group in ["", "..", "a/b", "a b", "é", &"x".repeat(NAME_BYTES_MAX + 1)] {
            let error = Snapshots::open(&location, group, "host").expect_err("refused").0;
            assert!(error.starts_with("the group should be 1 to 200 letters"), "{error}");
        }
        assert!(Snapshots::open(&location, "vigie", "a/b").expect_err("refused").0.starts_with("the instance"));
        assert!(Snapshots::open(&location, "vigie", "host-1.local").is_ok());
    }

    #[test]
    fn a_panic_of_the_writer_is_an_outcome() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = SnapshotLocation::Folder(folder.path().to_owned());
        let snapshots = Snapshots::open(&location, "vigie", "host").expect("opened");
        let mut handle = snapshots.handle(Arc::new(|_| panic!("at a fail point")));
        let saved = save(&mut handle, SnapshotName { partition: 0, epoch: 1 }, vec![1], 3);
        assert!(saved.outcome.expect_err("failed").0.contains("panic"));
        assert_eq!(handle.list(0), Ok(vec![]));
    }
}
