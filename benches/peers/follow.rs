//! Looks at a side while it works, by what it has committed.

use vigie::io::clock::{Stopwatch, pause};

use crate::kafka::Progress;
use crate::side::Running;
use crate::support::Outcome;

/// How often a side is looked at.
const LOOK_MS: u64 = 50;
/// A side that commits nothing for so long hangs.
const STUCK_SECONDS: f64 = 180.0;

/// How far a side was at a moment, and what it had taken until then.
#[derive(Debug)]
pub struct Sample {
    /// Seconds since it was looked at first.
    pub wall: f64,
    /// CPU seconds of the process.
    pub cpu: f64,
    /// Records committed.
    pub events: f64,
}

/// Looks at a side until it has committed so many records. Each sample is of the moment at which a commit was first seen.
pub fn follow(running: &mut Running, progress: &Progress, records: u64) -> Outcome<Vec<Sample>> {
    let (since, mut samples) = (Stopwatch::start(), Vec::<Sample>::new());
    let mut moved = 0.0;
    loop {
        running.must_live()?;
        let committed = progress.committed()?;
        let sample = Sample { wall: since.seconds(), cpu: running.cpu()?, events: committed as f64 };
        if samples.last().is_none_or(|last| last.events < sample.events) {
            moved = sample.wall;
            samples.push(sample);
        } else if sample.wall - moved > STUCK_SECONDS {
            return Err(format!("stuck at {committed} of {records} records for {STUCK_SECONDS} s").into());
        }
        if committed >= records {
            return Ok(samples);
        }
        pause(LOOK_MS);
    }
}
