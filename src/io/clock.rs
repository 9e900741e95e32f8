//! Owns the clocks: the only place where the wall clock or a stopwatch is read.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::Instant;

/// The wall clock, now. A clock set before 1970 reads as 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where clocks are read")]
pub fn wall_clock() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where clocks are read")]
    pub fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Waits for about so many nanoseconds: for the world outside, never for a deadline of the engine.
#[expect(clippy::disallowed_methods, reason = "this is where clocks are waited for")]
pub fn pause_nanos(pause_ns: u64) {
    std::thread::sleep(std::time::Duration::from_nanos(pause_ns));
}

/// Waits so many milliseconds: for the world outside, never for a deadline of the engine.
#[expect(clippy::disallowed_methods, reason = "this is where clocks are waited for")]
pub fn pause(pause_ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(pause_ms));
}
