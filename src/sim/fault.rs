//! Owns what can go wrong in a simulation, and how often each of it did.

use std::collections::BTreeMap;

use crate::runtime::Point;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// Something that goes wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $($(#[doc = $doc])* $variant,)* }

        impl Fault {
            /// Every one.
            pub const ALL: &[Fault] = &[$(Fault::$variant),*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }
        }
    };
}

faults! {
    /// A member is killed between two turns.
    Killed = "killed",
    /// A member is stopped as it should be, and leaves the group.
    Left = "left",
    /// A member stands still, beyond its session and its transactions, and then goes on.
    StoodStill = "stood_still",
    /// The group shares its partitions out anew, for no reason of ours.
    Shaken = "shaken",
    /// A member was not heard of for a session, and was put out.
    PutOut = "put_out",
    /// A member was told that it no longer has its partitions, after others got them.
    Lost = "lost",
    /// Another producer took the place of a member's.
    Fenced = "fenced",
    /// A transaction was open for too long and was aborted.
    TimedOut = "transaction_timed_out",
    /// A transaction could not begin, or a record not be sent, for a moment.
    CallAgain = "call_again",
    /// A transaction was lost before its end.
    SendFailed = "send_failed",
    /// Positions of an old generation were refused.
    OldGeneration = "old_generation",
    /// A commit was answered with an error, and had committed.
    CommittedUnheard = "committed_unheard",
    /// A commit was answered with an error, and had not committed.
    NotCommitted = "not_committed",
    /// The positions of a commit showed before its records did.
    MarksLate = "marks_late",
    /// A commit took so long that it had to be called again.
    CommitSlow = "commit_slow",
    /// An abort was answered with an error.
    AbortFailed = "abort_failed",
    /// A late commit came when a new producer was there, and was refused.
    LateCommitRefused = "late_commit_refused",
    /// A late commit came while its transaction was still open.
    LateCommitTaken = "late_commit_taken",
    /// No new producer was to be had for a moment.
    RenewFailed = "renew_failed",
    /// A poll failed.
    PollFailed = "poll_failed",
    /// A poll gave a part of what there was.
    PollShort = "poll_short",
    /// A topic came later than others.
    TopicLate = "topic_late",
    /// A topic's partition was delivered no more, and passed for read to its end.
    InputStuck = "input_stuck",
    /// A question to the log had to be asked again.
    AskAgain = "ask_again",
    /// Records that were asked for again came in part, or not at once.
    ReadShort = "read_short",
    /// A recovery had to wait for a transaction that was not decided.
    Undecided = "undecided",
    /// A snapshot could not be written: the disk was full.
    DiskFull = "disk_full",
    /// A snapshot took long to write.
    SnapshotLate = "snapshot_late",
    /// A snapshot could not be read for a moment.
    LoadFailed = "load_failed",
    /// A snapshot was cut short.
    SnapshotCut = "snapshot_cut",
    /// A bit of a snapshot was flipped.
    SnapshotFlipped = "snapshot_flipped",
    /// A snapshot was empty.
    SnapshotEmpty = "snapshot_empty",
    /// A snapshot was lost.
    SnapshotLost = "snapshot_lost",
    /// The wall clock was set back.
    WallBack = "wall_back",
    /// A member came back with other params.
    ParamsChanged = "params_changed",
    /// Everything was stopped at once and began again from what is stored.
    AllRestarted = "all_restarted",
    /// An input has records of an aborted transaction.
    InputAborted = "input_aborted",
}

/// What happened in simulations, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Faults.
    pub faults: BTreeMap<Fault, u64>,
    /// The points at which members were killed.
    pub points: BTreeMap<Point, u64>,
    /// Turns committed.
    pub turns: u64,
    /// Records of the inputs.
    pub records: u64,
    /// Outputs, figures of buyers and dead letters included.
    pub outputs: u64,
    /// Transactions that were not committed at once.
    pub aborts: u64,
    /// Times that partitions were shared out.
    pub rebalances: u64,
    /// Partitions brought to where they were.
    pub recoveries: u64,
    /// Snapshots stored.
    pub snapshots: u64,
    /// Proposals that were decided.
    pub decisions: u64,
}

impl Coverage {
    /// Notes a fault.
    pub fn note(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Coverage) {
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (point, count) in &other.points {
            *self.points.entry(*point).or_default() += count;
        }
        self.turns += other.turns;
        self.records += other.records;
        self.outputs += other.outputs;
        self.aborts += other.aborts;
        self.rebalances += other.rebalances;
        self.recoveries += other.recoveries;
        self.snapshots += other.snapshots;
        self.decisions += other.decisions;
    }

    /// Members that died in the middle of something.
    #[must_use]
    pub fn crashes(&self) -> u64 {
        self.points.values().sum::<u64>() + self.faults.get(&Fault::Killed).copied().unwrap_or(0)
    }

    /// Snapshots that were damaged or lost.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        let kinds =
            [Fault::SnapshotCut, Fault::SnapshotFlipped, Fault::SnapshotEmpty, Fault::SnapshotLost, Fault::DiskFull];
        kinds.iter().filter_map(|kind| self.faults.get(kind)).sum()
    }
}
