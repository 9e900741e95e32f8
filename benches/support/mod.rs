//! What the benchmarks on Kafka share: a broker of their own, processes and what they take, pages of metrics, figures.

pub mod broker;
pub mod page;
pub mod process;
pub mod sending;

use std::error::Error;

use vigie::io::clock::wall_clock;

/// What a step of a benchmark gives, or why it could not.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Partitions of every topic.
pub const PARTITIONS: u32 = 12;

/// The middle one; of an even number the higher of two. Not a number where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds since 1970 by the wall clock.
pub fn micros() -> u64 {
    wall_clock().nanos().unsigned_abs() / 1000
}

/// An instant as events write it.
pub fn rfc3339(ms: i64) -> String {
    vigie::base::Instant::from_nanos(ms * 1_000_000).to_string()
}
