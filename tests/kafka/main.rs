//! What needs a real Apache Kafka: each test starts a broker of its own, or shares one that it does not harm.
#![expect(clippy::disallowed_methods, reason = "the tests wait for servers, in real time")]

mod broker;
mod certificates;
mod client;
mod committed;
mod dice;
mod faults;
mod follower;
mod harness;
mod level;
mod load;
mod log;
mod lost;
mod monitor;
mod oracle;
mod producer;
mod proxy;
mod same_bytes;
mod scene;
mod serve;
mod settle;
mod snapshots;
mod tools;
