//! Owns the port to a log: what a worker needs of Kafka, and no more.
//!
//! One value stands for one worker's consumer and its transactional producer, and lives on the worker's thread. The
//! topics are known by number; who makes the log knows their names.

use super::records::{Record, TopicId};
use super::turn::Batch;

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

/// A log with transactions, as one worker sees it.
///
/// The records of a transaction (outputs, dead letters, and whatever else is sent between `begin` and `commit`) and its
/// positions hold together or not at all.
pub trait Log {
    /// Puts the next records of the owned partitions into `batch`, each partition of a topic in order of offset, until
    /// the batch is full or no more is at hand. Waits a bounded while for the first; the batch may stay empty.
    ///
    /// # Errors
    /// When the log cannot be read. Nothing was put into the batch then that a later call would give again.
    fn poll(&mut self, batch: &mut Batch) -> Result<(), LogError>;

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

    /// The committed position of a partition; `None` before the first commit.
    ///
    /// # Errors
    /// When the log cannot tell.
    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError>;
}
