//! Owns the port to a log: what a worker needs of Kafka, and no more.
//!
//! One value stands for one worker's consumer and its transactional producer, and lives on the worker's thread. The
//! topics are known by number; who makes the log knows their names.

use super::batch::Batch;
use super::point::Point;
use super::records::{Record, Records, TopicId};
use crate::base::Instant;

/// Why the log did not do what it was asked, by what is to be done about it. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The same call may succeed later: call it again.
    #[error("{0}")]
    Retry(String),
    /// This transaction cannot be committed: abort it, drop its shards and recover them.
    #[error("{0}")]
    Abort(String),
    /// Another producer has taken this one's place: drop everything, and own nothing before the log says so.
    #[error("{0}")]
    Fenced(String),
    /// Nothing helps but a person: stop.
    #[error("{0}")]
    Fatal(String),
}

/// The offset of the next record to read of a partition: the last one's plus 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The topic.
    pub topic: TopicId,
    /// The partition.
    pub partition: u32,
    /// The next offset.
    pub next: i64,
}

/// What a poll brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// Records, or none within the wait.
    Records,
    /// The group gave these partitions to this worker, in order. Nothing of them is delivered before [`GroupLog::start`].
    Assigned(Vec<u32>),
    /// The group took these partitions away, in order: nothing of them is delivered any more, and the transaction that is
    /// open for them, if there is one, cannot be committed.
    Revoked(Vec<u32>),
}

/// The offsets between which a partition has records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that is still there.
    pub first: i64,
    /// The offset after the last record of which it is decided whether it is committed.
    pub end: i64,
}

/// A log with transactions, as one worker sees it.
///
/// The records of a transaction (outputs, dead letters, journal) and its positions hold together or not at all. After a
/// call of a transaction failed other than with [`LogError::Retry`], a service calls [`GroupLog::renew`] before anything else,
/// and reads back what was committed: the log may know no better than it.
pub trait Log {
    /// Puts the next records of the started partitions into `batch`, each partition of a topic in order of offset, until
    /// the batch is full or the turn's time is over; says with [`Batch::reached_end`] where a topic has no more. Takes
    /// none of a topic and partition that the batch does not want ([`Batch::wants`]). Where the group has changed
    /// something it says that instead, and puts nothing into the batch.
    ///
    /// # Errors
    /// When the log cannot be read. Nothing was put into the batch then that a later call would give again.
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError>;

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the producer may not, or not now.
    fn begin(&mut self) -> Result<(), LogError>;

    /// Sends a record to the topic and partition that it names. Its offset is the log's to give.
    ///
    /// # Errors
    /// When the producer may not, or the transaction is lost.
    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError>;

    /// Makes the positions of the inputs part of the transaction.
    ///
    /// # Errors
    /// When the producer may not, or the partitions are no longer owned.
    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError>;

    /// Commits the transaction.
    ///
    /// # Errors
    /// When it is not plainly committed.
    fn commit(&mut self) -> Result<(), LogError>;

    /// Aborts the transaction.
    ///
    /// # Errors
    /// When it is not plainly aborted.
    fn abort(&mut self) -> Result<(), LogError>;

    /// The committed position of a partition; `None` before the first commit. While a transaction with a position of this
    /// partition is open, whoever's it is, this asks to be called again.
    ///
    /// # Errors
    /// When the log cannot tell, or not yet.
    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError>;

    /// Says that the worker has come to a point at which a test may want it to break.
    ///
    /// # Errors
    /// When it is to break here.
    fn pass(&mut self, point: Point) -> Result<(), LogError> {
        let _ = point;
        Ok(())
    }
}

/// What is committed in a log, for whoever only looks at it, or reads again what was read before.
pub trait CommittedLog {
    /// Where a partition begins and ends for a reader of committed records.
    ///
    /// # Errors
    /// When the log cannot tell.
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError>;

    /// Reads committed records of any partition, whoever owns it, from offset `from` on and below `to`, into `records`,
    /// until some [`READ_BYTES`] were read, and gives the offset to go on from: `to` once nothing more is below it. A call
    /// that goes on where the last one for the partition ended is cheap. An empty answer short of `to` means: again.
    ///
    /// # Errors
    /// When the log cannot be read, or what was there is gone.
    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError>;
}

/// What a service needs of a log beyond its turns: partitions that a group gives and takes, and a new producer.
pub trait GroupLog: Log + CommittedLog {
    /// The offset after the last record written to a partition, of an open transaction or not: never below
    /// [`Bounds::end`], and above it while something is not decided.
    ///
    /// # Errors
    /// When the log cannot tell.
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError>;

    /// Delivers the inputs of an assigned partition from these positions on, one for each input topic.
    ///
    /// # Errors
    /// When the log cannot, or the partition is not assigned.
    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError>;

    /// Delivers nothing of an assigned partition any more, until it is started again.
    ///
    /// # Errors
    /// When the log cannot.
    fn stop(&mut self, partition: u32) -> Result<(), LogError>;

    /// Takes a new producer in the place of the old one: what that left open is ended, and nothing that it still has under
    /// way counts.
    ///
    /// # Errors
    /// When there is none to be had, now or ever.
    fn renew(&mut self) -> Result<(), LogError>;

    /// The end of a partition as last heard of, without asking; `None` when nothing was heard yet.
    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64>;

    /// The wall clock.
    fn now(&mut self) -> Instant;

    /// Nanoseconds since some moment before the log was made, by a clock that nobody sets.
    fn elapsed_ns(&mut self) -> u64;
}

/// Times on end that nothing comes before [`read_all`] asks to be called again.
const EMPTY_MAX: u32 = 20;

/// Reads all committed records of a partition between two offsets.
///
/// # Errors
/// When the log cannot be read, what was there is gone, or nothing comes for too long.
pub fn read_all<L: CommittedLog>(
    log: &mut L,
    topic: TopicId,
    partition: u32,
    from: i64,
    to: i64,
    records: &mut Records,
) -> Result<(), LogError> {
    let (mut next, mut empty) = (from, 0);
    while next < to {
        let after = log.read(topic, partition, next, to, records)?;
        empty = if after == next { empty + 1 } else { 0 };
        if empty > EMPTY_MAX {
            return Err(LogError::Retry("the log gives nothing".to_owned()));
        }
        next = after;
    }
    Ok(())
}

/// About as much as one [`CommittedLog::read`] gives.
pub const READ_BYTES: usize = 1 << 20;
