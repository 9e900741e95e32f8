//! Owns the report: its columns, those of the contract and the further ones after them.

use std::path::Path;

use crate::event::ReportLine;

use super::table::{Column, Format, Kind, Row, TableError, TableWriter, Value};

/// Writes the report in one format. Lines are to come in order of `buyer_id` by bytes.
pub type ReportWriter<W> = TableWriter<ReportLine, W>;

/// The format that a report's name asks for by its ending; `-` (standard output) is JSON lines.
///
/// # Errors
/// When the ending is none of the known ones.
pub fn format_of(path: &Path) -> Result<Format, TableError> {
    const ENDINGS: &str = "end its name in .jsonl or .csv (each also with .gz or .zst after it), or in .parquet";
    Format::of(path).ok_or_else(|| TableError::Ending(ReportLine::TABLE, path.display().to_string(), ENDINGS))
}

impl Row for ReportLine {
    const TABLE: &'static str = "report";
    const COLUMNS: &'static [Column<ReportLine>] = COLUMNS;

    fn buyer_id(&self) -> &str {
        &self.row.buyer_id
    }
}

/// The columns, in the contract's order, then the further ones.
const COLUMNS: &[Column<ReportLine>] = &[
    Column::new("buyer_id", Kind::Text, |line| Value::Text(Some(&line.row.buyer_id))),
    Column::new("as_of", Kind::Date, |line| Value::Date(line.row.as_of)),
    Column::new("currency", Kind::Text, |line| Value::Text(Some(line.row.currency.as_str()))),
    Column::money("outstanding", |line| Value::Money(Some(line.row.outstanding))),
    Column::money("not_due", |line| Value::Money(Some(line.row.not_due))),
    Column::money("overdue_1_30", |line| Value::Money(Some(line.row.overdue[0]))),
    Column::money("overdue_31_60", |line| Value::Money(Some(line.row.overdue[1]))),
    Column::money("overdue_61_90", |line| Value::Money(Some(line.row.overdue[2]))),
    Column::money("overdue_over_90", |line| Value::Money(Some(line.row.overdue[3]))),
    Column::new("oldest_overdue_days", Kind::Days, |line| Value::Days(line.row.oldest_overdue_days)),
    Column::money("disputed", |line| Value::Money(Some(line.row.disputed))),
    Column::money("written_off", |line| Value::Money(Some(line.row.written_off))),
    Column::money("unapplied", |line| Value::Money(Some(line.row.unapplied))),
    Column::money("orders", |line| Value::Money(Some(line.row.orders))),
    Column::money("exposure", |line| Value::Money(Some(line.row.exposure))),
    or_null("limit", Kind::Money, |line| Value::Money(line.row.limit)),
    or_null("utilisation", Kind::Ratio, |line| Value::Ratio(line.row.utilisation)),
    Column::money("insured_single_risk", |line| Value::Money(Some(line.row.insured_single_risk))),
    Column::money("insured_primary", |line| Value::Money(Some(line.row.insured_primary))),
    Column::money("insured_top_up", |line| Value::Money(Some(line.row.insured_top_up))),
    Column::money("indemnifiable", |line| Value::Money(Some(line.row.indemnifiable))),
    Column::money("retained", |line| Value::Money(Some(line.row.retained))),
    Column::new("open_invoices", Kind::Count, |line| Value::Count(line.row.open_invoices)),
    Column::new("fx_missing", Kind::Flag, |line| Value::Flag(line.row.fx_missing)),
    Column::new("score", Kind::Points, |line| Value::Points(line.row.scored.score)),
    Column::new("grade", Kind::Text, |line| Value::Text(Some(line.row.scored.grade.as_str()))),
    Column::new("slow", Kind::Points, |line| Value::Points(line.row.scored.slow)),
    Column::new("fail", Kind::Points, |line| Value::Points(line.row.scored.fail)),
    or_null("days_beyond_terms", Kind::TenthDays, |line| Value::TenthDays(line.further.days_beyond_terms)),
    or_null("dso", Kind::TenthDays, |line| Value::TenthDays(line.further.dso)),
    or_null("dso_countback", Kind::TenthDays, |line| Value::TenthDays(line.further.dso_countback)),
    or_null("average_days_delinquent", Kind::TenthDays, |line| Value::TenthDays(line.further.average_days_delinquent)),
    Column::money("expected_loss", |line| Value::Money(Some(line.further.expected_loss))),
    or_null("name", Kind::Text, |line| Value::Text(line.profile.name.as_deref())),
    or_null("country", Kind::Text, |line| Value::Text(line.profile.country.as_ref().map(|country| country.as_str()))),
    or_null("segment", Kind::Text, |line| Value::Text(line.profile.segment.map(|segment| segment.as_str()))),
    or_null("sector", Kind::Text, |line| Value::Text(line.profile.sector.as_deref())),
    or_null("parent_id", Kind::Text, |line| Value::Text(line.profile.parent_id.as_deref())),
];

const fn or_null(name: &'static str, kind: Kind, value: for<'a> fn(&'a ReportLine) -> Value<'a>) -> Column<ReportLine> {
    Column::new(name, kind, value).or_null()
}
