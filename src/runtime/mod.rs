//! The deterministic shell: polls a log in bounded batches, applies them to shards, and commits what came of it.
//!
//! Synchronous, and blind to what the log is: Kafka, or the embedded log of `vigie replay` and the simulator.

pub mod batch;
pub mod counts;
pub mod journal;
pub mod log;
pub mod observed;
pub mod outbox;
pub mod past;
pub mod point;
pub mod records;
pub mod service;
pub mod snapshot;
pub mod store;
pub mod turn;
pub mod worker;

pub use batch::{Batch, BatchLimits};
pub use counts::{Counts, Tally};
pub use log::{Bounds, CommittedLog, GroupLog, Log, LogError, Polled, Position};
pub use observed::Observed;
pub use outbox::{OutputTopics, Topics};
pub use past::{Past, PastTurn};
pub use point::Point;
pub use records::{Headers, Record, Records, TopicId};
pub use service::{
    ClockRule, ColdStart, FollowError, FollowFrom, Followed, Follower, Notice, Service, ServiceRules, StormLimits,
};
pub use store::{Saved, SnapshotName, SnapshotStore, StoreError};
pub use turn::{Applied, Committed, NotCommitted, OwnedShard};
pub use worker::{Worker, WorkerRules};
