//! Owns the file of known deteriorations that `vigie generate --truth` writes.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::lines;
use super::names::Names;
use crate::base::Day;
use crate::cli::CliError;

/// A known deterioration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deterioration {
    /// The buyer.
    pub buyer: u32,
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

/// Reads the known deteriorations; buyers that the history does not know are left out.
///
/// # Errors
/// When the file cannot be read, or a line of it is not as `generate` writes them.
pub fn read(path: &Path, names: &Names) -> Result<Vec<Deterioration>, CliError> {
    let mut known = Vec::new();
    let mut wrong = None;
    let mut number = 0;
    lines::each_line(path, &Arc::default(), &mut |line| {
        number += 1;
        match parse(line, names) {
            Ok(deterioration) => known.extend(deterioration),
            Err(error) => {
                wrong.get_or_insert(format!("{}: entry {number}: {error}", path.display()));
            }
        }
    })?;
    wrong.map_or(Ok(known), |error| Err(CliError::Wrong(error)))
}

fn parse(line: &[u8], names: &Names) -> Result<Option<Deterioration>, String> {
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("should be as vigie generate --truth writes it: {error}"))?;
    let day = |name: &str, text: &str| {
        Day::parse(text).ok_or_else(|| format!("{name} should be a day as YYYY-MM-DD, and is {text:?}"))
    };
    let (onset, insolvency) = (day("onset", &line.onset)?, day("insolvency", &line.insolvency)?);
    Ok(names.find(&line.buyer_id).map(|buyer| Deterioration { buyer, onset, insolvency, pattern: line.pattern }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_deteriorations_of_known_buyers_are_read() {
        let mut names = Names::default();
        names.number("a");
        let line = r#"{"buyer_id":"a","onset":"2026-01-01","insolvency":"2026-04-01","procedure":"liquidation","pattern":"slow_slide"}"#;
        let read = parse(line.as_bytes(), &names).expect("read").expect("known");
        assert_eq!((read.buyer, read.insolvency.since(read.onset), read.pattern.as_str()), (0, 90, "slow_slide"));
        let stranger = line.replace("\"a\"", "\"b\"");
        assert_eq!(parse(stranger.as_bytes(), &names), Ok(None));
    }

    #[test]
    fn a_line_that_is_not_one_is_named() {
        let names = Names::default();
        assert!(parse(b"{}", &names).expect_err("no line").contains("generate --truth"));
        let line = br#"{"buyer_id":"a","onset":"yesterday","insolvency":"2026-04-01"}"#;
        assert!(parse(line, &names).expect_err("no day").contains("onset should be a day"));
    }
}
