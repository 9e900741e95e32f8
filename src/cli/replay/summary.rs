//! Owns what a replay says of itself at the end: the summary as JSON, or a short table for a person.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3Default;

use crate::base::money::grouped;
use crate::base::{Cents, Currency, Day};
use crate::event::{AlertKind, ReportRow, Severity};
use crate::runtime::Counts;

use super::engine::{EndedShard, Run};

/// Buyers in the table of the worst.
const WORST_MAX: usize = 10;

/// The summary, its keys as the contract names and orders them.
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
}

impl Summary {
    /// The summary of a run. A line without a buyer acts on all shards and counts once.
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

/// The sums of all buyers, and the worst of them.
#[derive(Debug, Default)]
pub struct Portfolio {
    head: Option<(Day, Currency)>,
    buyers: u64,
    outstanding: i128,
    exposure: i128,
    overdue: [i128; 4],
    insured: i128,
    retained: i128,
    worst: Vec<Worst>,
}

#[derive(Debug)]
struct Worst {
    buyer_id: String,
    exposure: Cents,
    overdue: i128,
    oldest_overdue_days: i32,
    retained: Cents,
}

impl Portfolio {
    /// Adds a buyer.
    pub fn add(&mut self, row: &ReportRow) {
        self.head = Some((row.as_of, row.currency));
        self.buyers += 1;
        self.outstanding += row.outstanding.0;
        self.exposure += row.exposure.0;
        for (total, part) in self.overdue.iter_mut().zip(row.overdue) {
            *total += part.0;
        }
        self.insured += row.insured_single_risk.0 + row.insured_primary.0 + row.insured_top_up.0;
        self.retained += row.retained.0;
        let overdue: i128 = row.overdue.iter().map(|part| part.0).sum();
        let rank = |worst: &Worst| (worst.retained.0, worst.overdue);
        let place = self.worst.partition_point(|worst| rank(worst) >= (row.retained.0, overdue));
        if place < WORST_MAX && (row.retained.0, overdue) > (0, 0) {
            let worst = Worst {
                buyer_id: row.buyer_id.clone(),
                exposure: row.exposure,
                overdue,
                oldest_overdue_days: row.oldest_overdue_days,
                retained: row.retained,
            };
            self.worst.insert(place, worst);
            self.worst.truncate(WORST_MAX);
        }
    }

    /// Its part of the table.
    pub fn table(&self) -> String {
        let Some((as_of, currency)) = self.head else { return "No buyers.\n".to_owned() };
        let mut out = format!("Portfolio on {as_of}, in {currency}\n\n");
        line(&mut out, "buyers", &thousands(self.buyers));
        let amounts = [
            ("outstanding", self.outstanding),
            ("exposure", self.exposure),
            ("overdue 1-30 days", self.overdue[0]),
            ("overdue 31-60 days", self.overdue[1]),
            ("overdue 61-90 days", self.overdue[2]),
            ("overdue over 90 days", self.overdue[3]),
            ("insured", self.insured),
            ("retained", self.retained),
        ];
        for (name, amount) in amounts {
            line(&mut out, name, &money(amount));
        }
        if !self.worst.is_empty() {
            out.push_str("\nBuyers with the most retained, then overdue\n\n");
            let head = ["buyer", "retained", "overdue", "oldest days", "exposure"].map(str::to_owned).to_vec();
            let rows = self.worst.iter().map(|worst| {
                vec![
                    shortened(&worst.buyer_id),
                    money(worst.retained.0),
                    money(worst.overdue),
                    worst.oldest_overdue_days.to_string(),
                    money(worst.exposure.0),
                ]
            });
            columns(&mut out, std::iter::once(head).chain(rows).collect());
        }
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

fn line(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("  {name:<24}{value:>24}\n"));
}

/// Rows of equal length in columns: the first to the left, the others to the right.
fn columns(out: &mut String, rows: Vec<Vec<String>>) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for row in &rows {
        out.push_str(&format!("  {:<1$}", row[0], widths[0]));
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            out.push_str(&format!("  {cell:>width$}"));
        }
        out.push('\n');
    }
}

fn money(cents: i128) -> String {
    grouped(cents * 100)
}

fn thousands(count: u64) -> String {
    let text = grouped(i128::from(count) * 10_000);
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

/// A buyer's id, cut where it would break the table.
fn shortened(id: &str) -> String {
    const CHARS_MAX: usize = 32;
    let mut chars = id.chars();
    let head: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}
