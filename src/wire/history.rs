//! Owns the history of scores: a row for each change of a buyer's score, read back from the output that tells it.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::table::{Column, Format, Kind, Row, TableError, TableWriter, Value};
use crate::base::Instant;
use crate::event::{Grade, Points, Scored};

/// A buyer's score from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The buyer.
    pub buyer_id: String,
    /// The clock at the judgement that changed it.
    pub at: Instant,
    /// The score since.
    pub scored: Scored,
}

/// Writes a history in one format. Rows are to come in order of instant and buyer.
pub type HistoryWriter<W> = TableWriter<HistoryRow, W>;

/// The format that a history's name asks for by its ending; `-` (standard output) is JSON lines.
///
/// # Errors
/// When the ending is none of the known ones.
pub fn format_of(path: &Path) -> Result<Format, TableError> {
    const ENDINGS: &str = "end its name in .jsonl (also with .gz or .zst after it), or in .parquet";
    let format = Format::of(path).filter(|format| *format != Format::Csv);
    format.ok_or_else(|| TableError::Ending(HistoryRow::TABLE, path.display().to_string(), ENDINGS))
}

impl Row for HistoryRow {
    const TABLE: &'static str = "history";
    const COLUMNS: &'static [Column<HistoryRow>] = &[
        Column::new("buyer_id", Kind::Text, |row| Value::Text(Some(&row.buyer_id))),
        Column::new("at", Kind::Instant, |row| Value::Instant(row.at)),
        Column::new("score", Kind::Points, |row| Value::Points(row.scored.score)),
        Column::new("grade", Kind::Text, |row| Value::Text(Some(row.scored.grade.as_str()))),
        Column::new("slow", Kind::Points, |row| Value::Points(row.scored.slow)),
        Column::new("fail", Kind::Points, |row| Value::Points(row.scored.fail)),
    ];

    fn buyer_id(&self) -> &str {
        &self.buyer_id
    }
}

/// What is read of a `score.changed`.
#[derive(Deserialize)]
struct Told<'a> {
    time: &'a str,
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: Said<'a>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    score: &'a RawValue,
    #[serde(borrow)]
    slow: &'a RawValue,
    #[serde(borrow)]
    fail: &'a RawValue,
    grade: &'a str,
}

impl HistoryRow {
    /// The row that an output tells; `None` where it is no `score.changed` as vigie writes it.
    #[must_use]
    pub fn read(output: &[u8]) -> Option<HistoryRow> {
        let Told { time, subject, data } = serde_json::from_slice(output).ok()?;
        let scored = Scored {
            score: Points::parse(data.score.get())?,
            slow: Points::parse(data.slow.get())?,
            fail: Points::parse(data.fail.get())?,
            grade: Grade::parse(data.grade)?,
        };
        Some(HistoryRow { buyer_id: subject.into_owned(), at: Instant::parse(time)?, scored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, Effect, EffectBody};
    use crate::wire::encode_effect;

    #[test]
    fn a_change_is_read_back_as_it_was_told() {
        let scored = Scored {
            score: Points::from_quarters(163),
            slow: Points::MAX,
            fail: Points::from_quarters(2),
            grade: Grade::D,
        };
        let at = Instant::parse("2026-03-01T10:00:00.000000001Z").expect("an instant");
        let row = HistoryRow { buyer_id: "b\"\u{1}é".to_owned(), at, scored };
        let effect = Effect {
            buyer_id: row.buyer_id.clone(),
            at,
            sequence: 0,
            caused_by: Cause::Clock,
            params_version: 1,
            body: EffectBody::ScoreChanged(scored),
        };
        let mut output = Vec::new();
        encode_effect(&effect, &mut output);
        assert_eq!(HistoryRow::read(&output), Some(row));
    }

    #[test]
    fn what_is_no_change_of_a_score_is_no_row() {
        for output in ["", "{}", r#"{"time":"2026-03-01T10:00:00Z","subject":"b","data":{"score":1}}"#] {
            assert_eq!(HistoryRow::read(output.as_bytes()), None, "{output}");
        }
    }
}
