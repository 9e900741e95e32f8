//! The laws that hold of a shard whatever is said to it, over random sequences of events.
//!
//! `PROPTEST_CASES` sets how many sequences each law is tried on (256 by default). A sequence that breaks a law is shrunk and
//! shown as the lines of JSON that `vigie replay` takes.

mod effects;
mod extremes;
mod forgetting;
mod found;
mod holds;
mod ledger;
mod payers;
mod proposals;
mod reckoned;
mod score;
mod stored;
mod sums;
mod told;
mod trade;
mod worse;

use proptest::test_runner::Config;
use vigie::base::{Currency, Day, Instant};
use vigie::event::{Effect, Grade, ReportRow, Scored};
use vigie::risk::params::Weighing;
use vigie::risk::{Outcome, Params, Shard};

use told::Told;

/// A law tried on all the cases asked for. Sequences that broke one are kept in tests of their own, not in files of seeds.
fn every_case() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

fn eur() -> Currency {
    told::currency("EUR")
}

fn shard() -> Shard {
    Shard::new(lively())
}

/// The documented params, but for proposals: nothing may be retained of anybody, and no cut is too small.
fn lively() -> Params {
    let mut params = Params::new(eur());
    let levels = &mut params.proposals;
    levels.retained_from = Grade::A;
    (levels.retained_named, levels.retained_unnamed) = ([0; 6], [0; 6]);
    (levels.step_min, levels.min_cut_amount, levels.weigh_margin) = (1, 0, Weighing::Told);
    params
}

/// Applies all events.
fn tell(shard: &mut Shard, all: &[Told], effects: &mut Vec<Effect>) -> Vec<Outcome> {
    all.iter().map(|told| shard.apply(&told.event(), effects)).collect()
}

fn rows(shard: &mut Shard, as_of: Day) -> Vec<ReportRow> {
    let mut rows = Vec::new();
    shard.report(as_of, &mut |row| rows.push(row));
    rows
}

/// The rows as the ledger alone makes them: a score depends on when things were known, and the slow twin has none.
fn ledger_rows(shard: &mut Shard, as_of: Day) -> Vec<ReportRow> {
    rows(shard, as_of).into_iter().map(|row| ReportRow { scored: Scored::HEALTHY, ..row }).collect()
}

fn today(shard: &Shard) -> Day {
    shard.clock().unwrap_or(Instant::from_nanos(0)).day()
}
