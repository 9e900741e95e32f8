//! Owns what a worker tells of itself: plain numbers, added up on its thread and handed over once a turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::counts::{Counts, Tally};
use super::records::TopicId;
use crate::base::Cents;
use crate::event::{AlertKind, Grade, ReportLine, Segment, Severity};

/// Why a new producer is taken: a transaction was aborted, was fenced, or could not be ended for now.
pub const RENEWAL_REASONS: [&str; 3] = ["aborted", "fenced", "retries"];

/// What happened since it was last taken, and how the partitions stand now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Turns committed.
    pub turns: u64,
    /// What became of the records of each input topic, committed turns alone.
    pub events: BTreeMap<TopicId, TopicTally>,
    /// Outputs and dead letters of committed turns, by type and code.
    pub counts: Counts,
    /// How long each turn with records took from the end of its poll to its commit, in nanoseconds.
    pub turn_ns: Vec<u64>,
    /// How long each commit took, in nanoseconds.
    pub commit_ns: Vec<u64>,
    /// Milliseconds from when a record was written to when what came of it was committed.
    pub latency: LatencyCounts,
    /// Assignments and revocations heard.
    pub rebalances: u64,
    /// New producers taken, by why.
    pub renewals: BTreeMap<&'static str, u64>,
    /// Recoveries done, in seconds.
    pub recovery_seconds: Vec<f64>,
    /// Snapshots written, and those that could not be.
    pub snapshots_saved: u64,
    /// Snapshots that could not be written or read back.
    pub snapshots_failed: u64,
    /// How each assigned partition stands.
    pub partitions: BTreeMap<u32, PartitionState>,
}

/// What became of the records of a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicTally {
    /// Records that counted.
    pub applied: u64,
    /// Records known already.
    pub duplicate: u64,
    /// Records refused.
    pub refused: u64,
    /// Records without a value.
    pub skipped: u64,
}

/// How an assigned partition stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartitionState {
    /// What it is doing.
    pub phase: Phase,
    /// Records that wait in each input topic.
    pub lag_records: BTreeMap<TopicId, i64>,
    /// How old the last record is that was applied, in seconds, while some wait; 0 when none does.
    pub lag_seconds: f64,
    /// Turns committed.
    pub epoch: u64,
    /// Buyers known.
    pub buyers: u64,
    /// The bytes of its last snapshot.
    pub state_bytes: u64,
    /// The age of its last snapshot, in seconds; `None` before there is one.
    pub snapshot_age_seconds: Option<f64>,
    /// The figures of its buyers, as of the last pass over them.
    pub figures: Arc<Figures>,
}

/// What a partition is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// It is brought to where it was.
    #[default]
    Recovering,
    /// It reads what was there before it began, and tells nothing yet.
    CatchingUp,
    /// It is live.
    Live,
    /// It is stopped, for this reason, until a person has helped.
    Stopped(String),
}

/// Counts of latencies, by upper bound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LatencyCounts {
    /// How many were at most as long as the bound of the same place in [`LatencyCounts::BOUNDS_MS`], and longer than the
    /// one before; the last counts those over all bounds.
    pub counts: [u64; LatencyCounts::BOUNDS_MS.len() + 1],
    /// Their sum.
    pub sum_ms: u64,
}

impl LatencyCounts {
    /// The bounds, in milliseconds.
    pub const BOUNDS_MS: [u64; 14] = [1, 2, 5, 10, 20, 50, 100, 150, 250, 500, 1000, 2500, 10_000, 60_000];

    /// Counts one of `ms`.
    #[inline]
    pub fn note(&mut self, ms: u64) {
        self.counts[LatencyCounts::BOUNDS_MS.partition_point(|bound| *bound < ms)] += 1;
        self.sum_ms += ms;
    }
}

/// The figures of many buyers, in the base currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Sums by segment (`None`: not told) and grade.
    pub sums: BTreeMap<(Option<Segment>, Grade), Sums>,
    /// Open alerts.
    pub alerts: BTreeMap<(AlertKind, Severity), u64>,
    /// The buyers of whom most is retained, most first.
    pub most_retained: Vec<(String, Cents)>,
}

/// Sums over buyers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Buyers.
    pub buyers: u64,
    /// Exposure.
    pub exposure: Cents,
    /// Open and overdue by 1-30, 31-60, 61-90 and over 90 days.
    pub overdue: [Cents; 4],
    /// What covers carry, all layers.
    pub insured: Cents,
    /// What would stay with the seller.
    pub retained: Cents,
    /// What is expected to be lost.
    pub expected_loss: Cents,
}

impl Figures {
    /// Adds a buyer; of those with most retained it keeps `most_retained_max`.
    pub fn add(&mut self, line: &ReportLine, most_retained_max: usize) {
        let row = &line.row;
        let sums = self.sums.entry((line.profile.segment, row.scored.grade)).or_default();
        sums.buyers += 1;
        sums.exposure.0 += row.exposure.0;
        for (sum, overdue) in sums.overdue.iter_mut().zip(row.overdue) {
            sum.0 += overdue.0;
        }
        sums.insured.0 += row.insured_single_risk.0 + row.insured_primary.0 + row.insured_top_up.0;
        sums.retained.0 += row.retained.0;
        sums.expected_loss.0 += line.further.expected_loss.0;
        if row.retained.0 > 0 {
            self.keep(&row.buyer_id, row.retained, most_retained_max);
        }
    }

    /// Adds other figures.
    pub fn merge(&mut self, other: &Figures, most_retained_max: usize) {
        for (group, more) in &other.sums {
            let sums = self.sums.entry(*group).or_default();
            sums.buyers += more.buyers;
            sums.exposure.0 += more.exposure.0;
            for (sum, overdue) in sums.overdue.iter_mut().zip(more.overdue) {
                sum.0 += overdue.0;
            }
            sums.insured.0 += more.insured.0;
            sums.retained.0 += more.retained.0;
            sums.expected_loss.0 += more.expected_loss.0;
        }
        for (alert, count) in &other.alerts {
            *self.alerts.entry(*alert).or_default() += count;
        }
        for (buyer_id, retained) in &other.most_retained {
            self.keep(buyer_id, *retained, most_retained_max);
        }
    }

    fn keep(&mut self, buyer_id: &str, retained: Cents, max: usize) {
        let place = self.most_retained.partition_point(|(id, kept)| (kept.0, buyer_id) > (retained.0, id));
        if place < max {
            self.most_retained.insert(place, (buyer_id.to_owned(), retained));
            self.most_retained.truncate(max);
        }
    }
}

impl TopicTally {
    /// All of them.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.applied + self.duplicate + self.refused + self.skipped
    }
}

impl Observed {
    /// Hands over what happened, and begins to count anew; how the partitions stand remains.
    pub fn take(&mut self) -> Observed {
        let partitions = self.partitions.clone();
        std::mem::replace(self, Observed { partitions, ..Observed::default() })
    }

    /// Dead letters of committed turns.
    #[must_use]
    pub fn refused(&self) -> Tally {
        let mut all = self.counts.own.clone();
        all.add(&self.counts.copies);
        all
    }
}
