//! Owns the counters of a shard: plain numbers, added to when a turn is committed and not before.

use std::collections::BTreeMap;

use crate::event::RefusalCode;

/// What became of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that counted.
    pub applied: u64,
    /// Records known already.
    pub duplicate: u64,
    /// Records refused, by code.
    pub refused: BTreeMap<RefusalCode, u64>,
}

/// What a shard has committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records about one buyer, and those that nobody can read.
    pub own: Tally,
    /// Records without a buyer, of which every shard gets a copy.
    pub copies: Tally,
    /// Records without a value.
    pub skipped: u64,
    /// Output events, by type.
    pub outputs: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: &Tally) {
        self.applied += other.applied;
        self.duplicate += other.duplicate;
        for (code, count) in &other.refused {
            *self.refused.entry(*code).or_default() += count;
        }
    }
}

impl Counts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Counts) {
        self.own.add(&other.own);
        self.copies.add(&other.copies);
        self.skipped += other.skipped;
        for (type_name, count) in &other.outputs {
            *self.outputs.entry(type_name).or_default() += count;
        }
    }

    /// Records counted.
    #[must_use]
    pub fn records(&self) -> u64 {
        let tally = |tally: &Tally| tally.applied + tally.duplicate + tally.refused.values().sum::<u64>();
        tally(&self.own) + tally(&self.copies) + self.skipped
    }
}
