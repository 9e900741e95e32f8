//! Owns the terms of a judgement: what it is made with, what occasions it, what of it is told, and what it came to.

use crate::base::{BaseAmount, Day, Instant};
use crate::event::{Cause, Scored};
use crate::risk::behaviour::Pace;
use crate::risk::params::Params;
use crate::risk::rates::Rates;
use crate::risk::score::Yardstick;

/// What a judgement is made with.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The shard's clock.
    pub clock: Instant,
    /// What changes results.
    pub params: &'a Params,
    /// Rates.
    pub rates: &'a Rates,
    /// How fast the past fades.
    pub pace: &'a Pace,
    /// What occasions it.
    pub occasion: Occasion<'a>,
    /// Whether changes of scores are told.
    pub history: History,
    /// Whether alerts, proposals and limits are.
    pub voice: Voice,
}

impl<'a> Judging<'a> {
    /// What a score is reckoned with.
    pub(super) fn yardstick(&self) -> Yardstick<'a> {
        Yardstick { levels: &self.params.score, pace: self.pace, reckoned: self.params.reckon.score }
    }
}

/// What a judgement came to.
#[derive(Debug, Clone, Copy)]
pub struct Judgement {
    /// The next day on which time alone may change it.
    pub wake: Day,
    /// The buyer's exposure.
    pub exposure: BaseAmount,
    /// What of it the insurers would pay.
    pub indemnifiable: BaseAmount,
    /// The buyer's score.
    pub scored: Scored,
    /// Effects told of the buyer so far, exposures aside.
    pub sequence: u64,
}

/// Whether changes of scores are told, for whoever keeps a history of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// They are not.
    #[default]
    Untold,
    /// They are.
    Told,
}

/// Whether alerts, proposals and limits are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Voice {
    /// They are.
    #[default]
    Told,
    /// None is raised, made or told: what is judged is the past, before anybody listened.
    Quiet,
}

/// What occasions a judgement.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    /// A day begins.
    DayStart,
    /// A silent beginning is over.
    Raise,
    /// An instant closes in which a hold came to its end, and nothing else happened.
    HoldEnd,
    /// An instant closes in which something happened: the last event's source and id.
    Instant {
        /// Who sent it.
        source: &'a str,
        /// Its id.
        id: &'a str,
    },
}

impl Occasion<'_> {
    pub(super) fn cause(self) -> Cause {
        match self {
            Occasion::DayStart | Occasion::Raise | Occasion::HoldEnd => Cause::Clock,
            Occasion::Instant { source, id } => Cause::Event { source: source.to_owned(), id: id.to_owned() },
        }
    }
}
