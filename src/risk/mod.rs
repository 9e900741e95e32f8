//! The functional core: events in, effects out. No I/O, no clock, no lock, no failure.
//!
//! Each part answers one question and knows only those before it: [`ledger`] what is owed, [`cover`] who bears it, [`alert`]
//! whom to tell, [`proposal`] what to do, [`deadlines`] when to look again. [`buyer`] composes them, [`shard`] dispatches.

pub mod alert;
pub mod behaviour;
pub mod buyer;
pub mod collection;
pub mod cover;
pub mod deadlines;
pub mod fact;
pub mod figures;
pub mod history;
pub mod ledger;
pub mod limit;
pub mod params;
pub mod proposal;
pub mod rates;
pub mod score;
pub mod shard;
pub mod signals;

pub use params::{AlertLevels, CourseLevels, LossLevels, Params, ProposalLevels, ScoreLevels};
pub use shard::{Outcome, Shard, stored};
