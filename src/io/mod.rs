//! The imperative shell: everything that touches the world outside the process.

pub mod clock;
pub mod files;
pub mod http;
pub mod kafka;
pub mod logging;
pub mod metrics;
pub mod read_side;
pub mod signals;
pub mod snapshots;
