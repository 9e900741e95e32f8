//! Pure and seeded: the embedded log, on which replays and simulations run.

mod follower;
mod group;
mod member;
mod partition;
mod plain;
mod preset;
mod script;
mod shelf;
mod world;

pub mod client;
pub mod fault;
pub mod log;
pub mod naive;
pub mod simulation;

pub use client::Client;
pub use fault::{Coverage, Fault};
pub use log::{EmbeddedLog, Isolation, Producer, TopicConfig};
pub use simulation::{Simulated, Simulation};
pub use world::Mistake;
