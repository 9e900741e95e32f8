//! Owns what a replay says of itself at the end: the summary as JSON, or a short table for a person.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3Default;

use crate::event::{AlertKind, Severity};
use crate::runtime::Counts;
use crate::wire::portfolio::PortfolioView;

use super::engine::{EndedShard, Run};
use super::text::{columns, line, thousands};

/// The summary, its keys as the contract names and orders them, then the portfolio.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Events that counted.
    pub applied: u64,
    /// Events known already.
    pub duplicate: u64,
    /// Empty lines.
    pub skipped: u64,
    /// Refused lines, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Output events, by type.
    pub outputs: BTreeMap<&'static str, u64>,
    /// A hash of the state of all shards, in order.
    pub state_hash: String,
    /// Lines that were applied in a second.
    pub events_per_second: u64,
    /// The view of the portfolio; `None` without buyers. Beyond the contract.
    pub portfolio: Option<PortfolioView>,
}

impl Summary {
    /// The summary of a run, its portfolio aside. A line without a buyer acts on all shards and counts once.
    pub fn of(run: &Run) -> Summary {
        let mut total = Counts::default();
        let mut hash = Xxh3Default::new();
        for (partition, EndedShard { counts, state_hash, .. }) in run.shards.iter().enumerate() {
            let mut counts = counts.clone();
            if partition > 0 {
                counts.copies = Default::default();
            }
            total.add(&counts);
            hash.update(&state_hash.to_le_bytes());
        }
        let mut tally = total.own.clone();
        tally.add(&total.copies);
        let events = total.records() as f64;
        Summary {
            applied: tally.applied,
            duplicate: tally.duplicate,
            skipped: total.skipped + run.fed.empty,
            refused: tally.refused.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            outputs: total.outputs,
            state_hash: format!("{:032x}", hash.digest128()),
            events_per_second: if events > 0.0 { (events / run.seconds.max(1e-9)) as u64 } else { 0 },
            portfolio: None,
        }
    }

    /// Refused lines in all.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Its part of the table.
    pub fn table(&self, lines: u64, seconds: f64) -> String {
        let mut out = format!(
            "{} lines in {seconds:.1} s, {} events a second\n\n",
            thousands(lines),
            thousands(self.events_per_second)
        );
        for (name, count) in [("applied", self.applied), ("duplicate", self.duplicate), ("skipped", self.skipped)] {
            line(&mut out, name, &thousands(count));
        }
        line(&mut out, "refused", &thousands(self.refused_total()));
        for (code, count) in &self.refused {
            line(&mut out, &format!("  {code}"), &thousands(*count));
        }
        line(&mut out, "output events", &thousands(self.outputs.values().sum()));
        for (type_name, count) in &self.outputs {
            line(&mut out, &format!("  {type_name}"), &thousands(*count));
        }
        out.push_str(&format!("  {:<16}{}\n\n", "state hash", self.state_hash));
        out
    }
}

/// The table of open alerts, by kind and severity.
pub fn alerts_table(alerts: impl Iterator<Item = (AlertKind, Severity)>) -> String {
    let mut counts: BTreeMap<AlertKind, BTreeMap<Severity, u64>> = BTreeMap::new();
    for (kind, severity) in alerts {
        *counts.entry(kind).or_default().entry(severity).or_default() += 1;
    }
    if counts.is_empty() {
        return "\nNo open alerts.\n".to_owned();
    }
    let mut out = "\nOpen alerts\n\n".to_owned();
    let head = std::iter::once("kind").chain(Severity::ALL.iter().map(|severity| severity.as_str()));
    let mut rows = vec![head.map(str::to_owned).collect::<Vec<String>>()];
    for (kind, of_kind) in counts {
        let cells = Severity::ALL.iter().map(|severity| thousands(of_kind.get(severity).copied().unwrap_or(0)));
        rows.push(std::iter::once(kind.as_str().to_owned()).chain(cells).collect());
    }
    columns(&mut out, rows);
    out
}
