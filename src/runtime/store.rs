//! Owns the port to where snapshots lie: the bytes of one state of one shard, by its partition and epoch.

/// Names a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName {
    /// The partition of its shard.
    pub partition: u32,
    /// The turns that its shard had committed: it is the state after the last of them.
    pub epoch: u64,
}

/// A snapshot could not be listed, read or written. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// What became of a snapshot that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Which one.
    pub name: SnapshotName,
    /// Its bytes.
    pub bytes: u64,
    /// Whether it is there, read back and found whole.
    pub outcome: Result<(), StoreError>,
}

/// Where snapshots lie, for one worker. Writing happens apart from the worker's thread: it hands a snapshot over and asks
/// later what became of it. A snapshot has its name only once it is whole and on the disk.
pub trait SnapshotStore {
    /// The epochs of the snapshots of a partition, newest first. What was never finished is not among them.
    ///
    /// # Errors
    /// When the store cannot be listed.
    fn list(&mut self, partition: u32) -> Result<Vec<u64>, StoreError>;

    /// The bytes of a snapshot, as they lie there: whether they are whole is the reader's to check.
    ///
    /// # Errors
    /// When it cannot be read.
    fn load(&mut self, name: SnapshotName) -> Result<Vec<u8>, StoreError>;

    /// Whether a snapshot that was handed over is still being written: another one has to wait.
    fn is_busy(&self) -> bool;

    /// Hands a snapshot over to be written. Once it is there, older ones of its partition are deleted, except for the
    /// newest `generations`.
    ///
    /// # Panics
    /// When one is still being written.
    fn save(&mut self, name: SnapshotName, bytes: Vec<u8>, generations: usize);

    /// What became of snapshots since it was last asked.
    fn saved(&mut self) -> Vec<Saved>;

    /// Waits until what was handed over is written, or cannot be.
    fn wait(&mut self);
}
