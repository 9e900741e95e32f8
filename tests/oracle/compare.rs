//! Owns the comparison: what the binary makes of a file, and where that differs from what is wanted.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Map, Value};

/// The report's columns that the contract names, in its order. Others may follow.
pub const COLUMNS: &[&str] = &[
    "buyer_id",
    "as_of",
    "currency",
    "outstanding",
    "not_due",
    "overdue_1_30",
    "overdue_31_60",
    "overdue_61_90",
    "overdue_over_90",
    "oldest_overdue_days",
    "disputed",
    "written_off",
    "unapplied",
    "orders",
    "exposure",
    "limit",
    "utilisation",
    "insured_single_risk",
    "insured_primary",
    "insured_top_up",
    "indemnifiable",
    "retained",
    "open_invoices",
    "fx_missing",
];

/// How a file is replayed.
#[derive(Clone, Debug)]
pub struct Settings {
    pub now: String,
    pub as_of: Option<String>,
    pub base: String,
}

/// What a file comes to: the report's rows, and how many records were applied, duplicate, skipped, and refused by code.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub rows: Vec<Map<String, Value>>,
    pub counts: BTreeMap<String, u64>,
}

/// The lines as a file, each ended by a line feed.
pub fn file(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// What the binary makes of a file.
pub fn ours(lines: &[Vec<u8>], settings: &Settings, partitions: u32) -> Result<Answer, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("events.jsonl"), file(lines)).map_err(|error| error.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    command.arg("replay").arg(path("events.jsonl"));
    command.arg("--report").arg(path("report.jsonl")).arg("--summary").arg(path("summary.json"));
    command.args(["--now", &settings.now, "--base", &settings.base, "--partitions", &partitions.to_string()]);
    if let Some(as_of) = &settings.as_of {
        command.args(["--as-of", as_of]);
    }
    run(command)?;
    let read = |name: &str| fs::read_to_string(path(name)).map_err(|error| format!("{name}: {error}"));
    let summary: Value = serde_json::from_str(&read("summary.json")?).map_err(|error| format!("summary: {error}"))?;
    Ok(Answer { rows: rows(&read("report.jsonl")?)?, counts: counts(&summary)? })
}

/// Runs a program to its end; where it fails, with the last lines that it told.
pub fn run(mut command: Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{:?} does not start: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(output);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = told.lines().rev().take(12).collect();
    Err(format!("{command:?} ends with {}:\n{}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join("\n")))
}

/// A row in each line.
pub fn rows(text: &str) -> Result<Vec<Map<String, Value>>, String> {
    let row = |line: &str| serde_json::from_str(line).map_err(|error| format!("the row {line:?}: {error}"));
    text.lines().map(row).collect()
}

/// `applied`, `duplicate`, `skipped`, and the codes that refused at least one.
pub fn counts(summary: &Value) -> Result<BTreeMap<String, u64>, String> {
    let mut counts = BTreeMap::new();
    for name in ["applied", "duplicate", "skipped"] {
        let count = summary[name].as_u64().ok_or_else(|| format!("no count {name:?} in {summary}"))?;
        counts.insert(name.to_owned(), count);
    }
    let refused = summary["refused"].as_object().ok_or_else(|| format!("no \"refused\" in {summary}"))?;
    for (code, count) in refused {
        let count = count.as_u64().ok_or_else(|| format!("refused {code:?} is {count}"))?;
        if count > 0 {
            counts.insert(format!("refused {code}"), count);
        }
    }
    Ok(counts)
}

/// The first few differences, each in a line; none when the answers agree.
pub fn differences(wanted: &Answer, found: &Answer) -> Vec<String> {
    let mut told = Vec::new();
    for name in wanted.counts.keys().chain(found.counts.keys().filter(|name| !wanted.counts.contains_key(*name))) {
        let (want, have) = (wanted.counts.get(name).unwrap_or(&0), found.counts.get(name).unwrap_or(&0));
        if want != have {
            told.push(format!("count {name:?}: the oracle has {want}, vigie {have}"));
        }
    }
    let buyers = |answer: &Answer| answer.rows.iter().map(|row| row["buyer_id"].clone()).collect::<Vec<_>>();
    if buyers(wanted) != buyers(found) {
        told.push(format!("buyers: the oracle has {:?}, vigie {:?}", buyers(wanted), buyers(found)));
        return told;
    }
    for (want, have) in wanted.rows.iter().zip(&found.rows) {
        let names: Vec<&str> = have.keys().take(COLUMNS.len()).map(String::as_str).collect();
        if names != COLUMNS {
            told.push(format!("columns: the contract has {COLUMNS:?}, vigie {names:?}"));
            return told;
        }
        for column in COLUMNS.iter().filter(|column| want.get(**column) != have.get(**column)) {
            let (want_value, have_value) = (&want[*column], &have[*column]);
            told.push(format!("buyer {} {column}: the oracle has {want_value}, vigie {have_value}", want["buyer_id"]));
        }
    }
    told
}
