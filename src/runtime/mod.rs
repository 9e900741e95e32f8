//! The deterministic shell: polls a log in bounded batches, applies them to shards, and commits what came of it.
//!
//! Synchronous, and blind to what the log is: Kafka, or the embedded log of `vigie replay` and the simulator.

pub mod counts;
pub mod log;
pub mod outbox;
pub mod records;
pub mod turn;
pub mod worker;

pub use counts::{Counts, Tally};
pub use log::{Log, LogError, Position};
pub use outbox::{OutputTopics, Topics};
pub use records::{Headers, Record, Records, TopicId};
pub use turn::{Applied, Batch, BatchLimits, Committed, NotCommitted, OwnedShard};
pub use worker::{Worker, WorkerRules};
