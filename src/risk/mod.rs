//! The functional core: events in, effects out. No I/O, no clock, no lock, no failure.

pub mod params;
pub mod shard;

pub use params::{AlertLevels, Params};
pub use shard::{Outcome, Shard};
