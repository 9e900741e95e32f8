//! Owns the points at which a test may break a worker: each is a place where another thing holds than a moment before.

/// A point in the life of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// Before records are polled.
    BeforePoll,
    /// Records were polled, and are in no shard yet.
    AfterPoll,
    /// The records are in the shards, and nobody outside knows.
    AfterApply,
    /// A transaction has begun.
    AfterBegin,
    /// Outputs were sent.
    AfterSend,
    /// The journal was sent.
    AfterJournal,
    /// The positions were sent.
    AfterOffsets,
    /// The end of the transaction is on its way, and its answer is not there yet.
    CommitSent,
    /// The transaction is committed, and the worker has not noted it.
    CommitAcknowledged,
    /// A snapshot is about to be written.
    BeforeSnapshotWrite,
    /// A snapshot is written under a temporary name.
    AfterSnapshotWrite,
    /// A snapshot is on the disk for good under a temporary name.
    AfterSnapshotFsync,
    /// A snapshot has its name.
    AfterSnapshotRename,
    /// A recovery begins.
    RecoveryBegun,
    /// A recovery knows what was committed.
    RecoveryPlanned,
    /// A recovery has restored a snapshot.
    RecoveryRestored,
    /// A recovery has read an entry of the journal again.
    RecoveryEntry,
    /// A recovery is done, and the partition is about to go live.
    RecoveryDone,
    /// The group gave partitions.
    Assigned,
    /// The group took partitions away.
    Revoked,
}

impl Point {
    /// Every point.
    pub const ALL: [Point; 20] = [
        Point::BeforePoll,
        Point::AfterPoll,
        Point::AfterApply,
        Point::AfterBegin,
        Point::AfterSend,
        Point::AfterJournal,
        Point::AfterOffsets,
        Point::CommitSent,
        Point::CommitAcknowledged,
        Point::BeforeSnapshotWrite,
        Point::AfterSnapshotWrite,
        Point::AfterSnapshotFsync,
        Point::AfterSnapshotRename,
        Point::RecoveryBegun,
        Point::RecoveryPlanned,
        Point::RecoveryRestored,
        Point::RecoveryEntry,
        Point::RecoveryDone,
        Point::Assigned,
        Point::Revoked,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Point::BeforePoll => "before_poll",
            Point::AfterPoll => "after_poll",
            Point::AfterApply => "after_apply",
            Point::AfterBegin => "after_begin",
            Point::AfterSend => "after_send",
            Point::AfterJournal => "after_journal",
            Point::AfterOffsets => "after_offsets",
            Point::CommitSent => "commit_sent",
            Point::CommitAcknowledged => "commit_acknowledged",
            Point::BeforeSnapshotWrite => "before_snapshot_write",
            Point::AfterSnapshotWrite => "after_snapshot_write",
            Point::AfterSnapshotFsync => "after_snapshot_fsync",
            Point::AfterSnapshotRename => "after_snapshot_rename",
            Point::RecoveryBegun => "recovery_begun",
            Point::RecoveryPlanned => "recovery_planned",
            Point::RecoveryRestored => "recovery_restored",
            Point::RecoveryEntry => "recovery_entry",
            Point::RecoveryDone => "recovery_done",
            Point::Assigned => "assigned",
            Point::Revoked => "revoked",
        }
    }
}
