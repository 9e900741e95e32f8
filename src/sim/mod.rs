//! Pure and seeded: the embedded log, on which replays and simulations run.

mod partition;

pub mod client;
pub mod log;
pub mod naive;

pub use client::Client;
pub use log::{EmbeddedLog, Isolation, Producer, TopicConfig};
