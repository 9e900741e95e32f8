//! Owns the file of known deteriorations that `vigie generate --truth` writes.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::lines;
use crate::base::Day;
use crate::cli::CliError;

/// A known deterioration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deterioration {
    /// The buyer.
    pub buyer_id: String,
    /// The day from which on it gets worse.
    pub onset: Day,
    /// The day of its insolvency.
    pub insolvency: Day,
    /// The way it gets worse.
    pub pattern: String,
}

/// A line of the file; it may say more.
#[derive(Deserialize)]
struct Line {
    buyer_id: String,
    onset: String,
    insolvency: String,
    #[serde(default)]
    pattern: String,
}

/// Reads the known deteriorations.
///
/// # Errors
/// When the file cannot be read, or a line of it is not as `generate` writes them.
pub fn read(path: &Path) -> Result<Vec<Deterioration>, CliError> {
    let mut known = Vec::new();
    let mut wrong = None;
    let mut number = 0;
    lines::each_line(path, &Arc::default(), &mut |line| {
        number += 1;
        match parse(line) {
            Ok(deterioration) => known.push(deterioration),
            Err(error) => {
                wrong.get_or_insert(format!("{}: entry {number}: {error}", path.display()));
            }
        }
    })?;
    wrong.map_or(Ok(known), |error| Err(CliError::Wrong(error)))
}

fn parse(line: &[u8]) -> Result<Deterioration, String> {
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("should be as vigie generate --truth writes it: {error}"))?;
    let day = |name: &str, text: &str| {
        Day::parse(text).ok_or_else(|| format!("{name} should be a day as YYYY-MM-DD, and is {text:?}"))
    };
    let (onset, insolvency) = (day("onset", &line.onset)?, day("insolvency", &line.insolvency)?);
    Ok(Deterioration { buyer_id: line.buyer_id, onset, insolvency, pattern: line.pattern })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_deterioration_is_read() {
        let line = br#"{"buyer_id":"a","onset":"2026-01-01","insolvency":"2026-04-01","procedure":"liquidation","pattern":"slow_slide"}"#;
        let read = parse(line).expect("read");
        let days = read.insolvency.since(read.onset);
        assert_eq!((read.buyer_id.as_str(), days, read.pattern.as_str()), ("a", 90, "slow_slide"));
    }

    #[test]
    fn a_line_that_is_not_one_is_named() {
        assert!(parse(b"{}").expect_err("no line").contains("generate --truth"));
        let line = br#"{"buyer_id":"a","onset":"yesterday","insolvency":"2026-04-01"}"#;
        assert!(parse(line).expect_err("no day").contains("onset should be a day"));
    }
}
