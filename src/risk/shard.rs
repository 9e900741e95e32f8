//! Owns a shard: the buyers of one partition, their clock, and the order in which they are judged.

use crate::base::{Day, Instant};
use crate::event::{Effect, Event, Refusal, ReportRow};

use super::params::Params;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Applied,
    /// It was known already, with the same content: nothing changed.
    Duplicate,
    /// It changed nothing, and goes to the dead letters.
    Refused(Refusal),
}

/// The buyers of one partition.
pub struct Shard {
    params: Params,
    clock: Option<Instant>,
}

impl Shard {
    /// A shard without buyers.
    #[must_use]
    pub fn new(params: Params) -> Shard {
        Shard { params, clock: None }
    }

    /// Applies one event: moves the clock to its time, with all that falls due on the way, and then the ledger.
    pub fn apply(&mut self, event: &Event<'_>, effects: &mut Vec<Effect>) -> Outcome {
        let _ = (&self.params, effects);
        self.clock = self.clock.max(Some(event.time));
        Outcome::Applied
    }

    /// Closes the instant and moves the clock to `to`, with all that falls due on the way; never backwards.
    pub fn advance(&mut self, to: Instant, effects: &mut Vec<Effect>) {
        let _ = effects;
        self.clock = self.clock.max(Some(to));
    }

    /// The clock; `None` before the first accepted event.
    #[must_use]
    pub fn clock(&self) -> Option<Instant> {
        self.clock
    }

    /// Buyers known.
    #[must_use]
    pub fn buyers(&self) -> usize {
        0
    }

    /// Hands over the report, a row a buyer in order of buyer id by bytes, aged to `as_of`.
    pub fn report(&self, as_of: Day, row: &mut dyn FnMut(ReportRow)) {
        let _ = (as_of, row);
    }

    /// Tells every buyer's figures in full (`exposure.updated`), in order of buyer id by bytes, as of the clock.
    pub fn tell_exposures(&mut self, effects: &mut Vec<Effect>) {
        let _ = effects;
    }

    /// A hash of the whole state, made of its stored bytes.
    #[must_use]
    pub fn state_hash(&self) -> u128 {
        0
    }
}
