//! Owns report rows to bytes: one table of columns, written as JSON lines, CSV or Parquet.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use crate::base::decimal::push_fixed;
use crate::base::{Cents, Day};
use crate::event::ReportRow;
use parquet::ParquetWriter;

mod parquet;

/// Decimals of a `limit`, an `exposure` and other money.
const MONEY_PLACES: usize = 2;
/// Decimals of `utilisation`.
const RATIO_PLACES: usize = 4;

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file's ending names no known format.
    #[error(
        "cannot tell the report's format from {0:?}: end its name in .jsonl or .csv (each also with .gz or .zst after it), \
         or in .parquet"
    )]
    Ending(String),
    /// The bytes cannot be written.
    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),
    /// The CSV cannot be written.
    #[error("cannot write the report: {0}")]
    Csv(#[from] csv::Error),
    /// The Parquet file cannot be written.
    #[error("cannot write the report: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The columns do not make a batch.
    #[error("cannot write the report: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A figure has more digits than a Parquet decimal holds.
    #[error("cannot write the report: {column} of buyer {buyer_id:?} has over 38 digits; write it as .jsonl or .csv")]
    Digits {
        /// The column.
        column: &'static str,
        /// The buyer.
        buyer_id: String,
    },
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header; null is empty.
    Csv,
    /// Parquet with exact decimals.
    Parquet,
}

impl ReportFormat {
    /// The format that a file's name asks for by its ending; `-` (standard output) is JSON lines. `.gz` and `.zst` after
    /// a text format are the business of whoever opens the file.
    ///
    /// # Errors
    /// When the ending is none of the known ones.
    pub fn of(path: &Path) -> Result<ReportFormat, ReportError> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let text = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match text.rsplit_once('.') {
            None if name == "-" => Ok(ReportFormat::JsonLines),
            Some((_, "jsonl")) => Ok(ReportFormat::JsonLines),
            Some((_, "csv")) => Ok(ReportFormat::Csv),
            Some((_, "parquet")) if text.len() == name.len() => Ok(ReportFormat::Parquet),
            _ => Err(ReportError::Ending(path.display().to_string())),
        }
    }
}

/// Writes report rows in one format.
pub struct ReportWriter<W: Write + Send> {
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    JsonLines { out: W, line: String },
    Csv { out: Box<csv::Writer<W>>, cell: String },
    Parquet(Box<ParquetWriter<W>>),
}

impl<W: Write + Send> ReportWriter<W> {
    /// Begins a report.
    ///
    /// # Errors
    /// When its head cannot be written.
    pub fn new(format: ReportFormat, out: W) -> Result<ReportWriter<W>, ReportError> {
        let sink = match format {
            ReportFormat::JsonLines => Sink::JsonLines { out, line: String::new() },
            ReportFormat::Csv => {
                let mut out = csv::Writer::from_writer(out);
                out.write_record(COLUMNS.iter().map(|column| column.name))?;
                Sink::Csv { out: Box::new(out), cell: String::new() }
            }
            ReportFormat::Parquet => Sink::Parquet(Box::new(ParquetWriter::new(out)?)),
        };
        Ok(ReportWriter { sink })
    }

    /// Writes one row. Rows are to come in order of `buyer_id` by bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &ReportRow) -> Result<(), ReportError> {
        match &mut self.sink {
            Sink::JsonLines { out, line } => {
                line.clear();
                push_json(line, row);
                line.push('\n');
                out.write_all(line.as_bytes())?;
            }
            Sink::Csv { out, cell } => {
                for column in COLUMNS {
                    cell.clear();
                    (column.value)(row).push_plain(cell);
                    out.write_field(&*cell)?;
                }
                out.write_record(None::<&[u8]>)?;
            }
            Sink::Parquet(writer) => writer.write(row)?,
        }
        Ok(())
    }

    /// Writes what is left and gives back what was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<W, ReportError> {
        match self.sink {
            Sink::JsonLines { mut out, .. } => {
                out.flush()?;
                Ok(out)
            }
            Sink::Csv { out, .. } => Ok(out.into_inner().map_err(csv::IntoInnerError::into_error)?),
            Sink::Parquet(writer) => writer.finish(),
        }
    }
}

/// Writes a row as a JSON object, its keys in the order of the contract.
pub fn push_json(out: &mut String, row: &ReportRow) {
    for (place, column) in COLUMNS.iter().enumerate() {
        out.push_str(if place == 0 { "{\"" } else { ",\"" });
        out.push_str(column.name);
        out.push_str("\":");
        (column.value)(row).push_json(out);
    }
    out.push('}');
}

/// One column of the report.
struct Column {
    name: &'static str,
    kind: Kind,
    value: for<'a> fn(&'a ReportRow) -> Value<'a>,
}

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Date,
    Money,
    Ratio,
    Days,
    Count,
    Flag,
}

/// One cell. Money is in 10^-2, a ratio in 10^-4.
enum Value<'a> {
    Text(&'a str),
    Date(Day),
    Money(Option<Cents>),
    Ratio(Option<i128>),
    Days(i32),
    Count(usize),
    Flag(bool),
}

impl Value<'_> {
    /// As in a CSV cell: null is empty.
    fn push_plain(&self, out: &mut String) {
        const WRITTEN: &str = "a string takes any text";
        match self {
            Value::Text(text) => out.push_str(text),
            Value::Date(day) => write!(out, "{day}").expect(WRITTEN),
            Value::Money(money) => money.iter().for_each(|cents| push_fixed(out, cents.0, MONEY_PLACES)),
            Value::Ratio(ratio) => ratio.iter().for_each(|ratio| push_fixed(out, *ratio, RATIO_PLACES)),
            Value::Days(days) => write!(out, "{days}").expect(WRITTEN),
            Value::Count(count) => write!(out, "{count}").expect(WRITTEN),
            Value::Flag(flag) => write!(out, "{flag}").expect(WRITTEN),
        }
    }

    /// As in a JSON object: text, dates and decimals are strings.
    fn push_json(&self, out: &mut String) {
        match self {
            Value::Text(text) => out.push_str(&serde_json::Value::from(*text).to_string()),
            Value::Money(None) | Value::Ratio(None) => out.push_str("null"),
            Value::Date(_) | Value::Money(_) | Value::Ratio(_) => {
                out.push('"');
                self.push_plain(out);
                out.push('"');
            }
            Value::Days(_) | Value::Count(_) | Value::Flag(_) => self.push_plain(out),
        }
    }
}

/// The columns, in the contract's order. Further ones go after these.
const COLUMNS: &[Column] = &[
    column("buyer_id", Kind::Text, |row| Value::Text(&row.buyer_id)),
    column("as_of", Kind::Date, |row| Value::Date(row.as_of)),
    column("currency", Kind::Text, |row| Value::Text(row.currency.as_str())),
    money("outstanding", |row| Value::Money(Some(row.outstanding))),
    money("not_due", |row| Value::Money(Some(row.not_due))),
    money("overdue_1_30", |row| Value::Money(Some(row.overdue[0]))),
    money("overdue_31_60", |row| Value::Money(Some(row.overdue[1]))),
    money("overdue_61_90", |row| Value::Money(Some(row.overdue[2]))),
    money("overdue_over_90", |row| Value::Money(Some(row.overdue[3]))),
    column("oldest_overdue_days", Kind::Days, |row| Value::Days(row.oldest_overdue_days)),
    money("disputed", |row| Value::Money(Some(row.disputed))),
    money("written_off", |row| Value::Money(Some(row.written_off))),
    money("unapplied", |row| Value::Money(Some(row.unapplied))),
    money("orders", |row| Value::Money(Some(row.orders))),
    money("exposure", |row| Value::Money(Some(row.exposure))),
    money("limit", |row| Value::Money(row.limit)),
    column("utilisation", Kind::Ratio, |row| Value::Ratio(row.utilisation)),
    money("insured_single_risk", |row| Value::Money(Some(row.insured_single_risk))),
    money("insured_primary", |row| Value::Money(Some(row.insured_primary))),
    money("insured_top_up", |row| Value::Money(Some(row.insured_top_up))),
    money("indemnifiable", |row| Value::Money(Some(row.indemnifiable))),
    money("retained", |row| Value::Money(Some(row.retained))),
    column("open_invoices", Kind::Count, |row| Value::Count(row.open_invoices)),
    column("fx_missing", Kind::Flag, |row| Value::Flag(row.fx_missing)),
];

const fn column(name: &'static str, kind: Kind, value: for<'a> fn(&'a ReportRow) -> Value<'a>) -> Column {
    Column { name, kind, value }
}

const fn money(name: &'static str, value: for<'a> fn(&'a ReportRow) -> Value<'a>) -> Column {
    column(name, Kind::Money, value)
}
