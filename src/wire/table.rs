//! Owns rows to bytes: one table of columns a kind of row, written as JSON lines, CSV or Parquet.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use self::parquet::ParquetWriter;
use crate::base::decimal::push_fixed;
use crate::base::{Cents, Day, Instant};
use crate::event::{Points, TenthDays};

mod parquet;

/// Decimals of a `limit`, an `exposure` and other money.
const MONEY_PLACES: usize = 2;
/// Decimals of `utilisation`.
const RATIO_PLACES: usize = 4;

/// Why a table cannot be written. The first field names it: "report".
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file's ending names no format that the table is written in.
    #[error("cannot tell the {0}'s format from {1:?}: {2}")]
    Ending(&'static str, String, &'static str),
    /// The bytes cannot be written.
    #[error("cannot write the {0}: {1}")]
    Write(&'static str, #[source] io::Error),
    /// The CSV cannot be written.
    #[error("cannot write the {0}: {1}")]
    Csv(&'static str, #[source] csv::Error),
    /// The Parquet file cannot be written.
    #[error("cannot write the {0}: {1}")]
    Parquet(&'static str, #[source] ::parquet::errors::ParquetError),
    /// The columns do not make a batch.
    #[error("cannot write the {0}: {1}")]
    Arrow(&'static str, #[source] arrow_schema::ArrowError),
    /// A figure has more digits than a Parquet decimal holds.
    #[error("cannot write the {table}: {column} of buyer {buyer_id:?} has over 38 digits; write it as .jsonl or .csv")]
    Digits {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The buyer.
        buyer_id: String,
    },
}

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header; null is empty.
    Csv,
    /// Parquet with exact decimals.
    Parquet,
    /// A stream of Arrow's own format, with exact decimals.
    Arrow,
}

impl Format {
    /// The format that a file's name asks for by its ending; `-` (standard output) is JSON lines. `.gz` and `.zst` after
    /// a text format are the business of whoever opens the file.
    pub(super) fn of(path: &Path) -> Option<Format> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let text = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match text.rsplit_once('.') {
            None if name == "-" => Some(Format::JsonLines),
            Some((_, "jsonl")) => Some(Format::JsonLines),
            Some((_, "csv")) => Some(Format::Csv),
            Some((_, "parquet")) if text.len() == name.len() => Some(Format::Parquet),
            _ => None,
        }
    }
}

/// A kind of row.
pub trait Row: Sized + 'static {
    /// What the table is called.
    const TABLE: &'static str;
    /// Its columns.
    const COLUMNS: &'static [Column<Self>];

    /// The buyer that the row is about.
    fn buyer_id(&self) -> &str;
}

/// Writes rows of one kind in one format.
pub struct TableWriter<R: Row, W: Write + Send> {
    sink: Sink<R, W>,
}

enum Sink<R: Row, W: Write + Send> {
    JsonLines { out: W, line: String },
    Csv { out: Box<csv::Writer<W>>, cell: String },
    Parquet(Box<ParquetWriter<R, W>>),
}

impl<R: Row, W: Write + Send> TableWriter<R, W> {
    /// Begins a table.
    ///
    /// # Errors
    /// When its head cannot be written.
    pub fn new(format: Format, out: W) -> Result<TableWriter<R, W>, TableError> {
        let sink = match format {
            Format::JsonLines => Sink::JsonLines { out, line: String::new() },
            Format::Csv => {
                let mut out = csv::Writer::from_writer(out);
                out.write_record(R::COLUMNS.iter().map(|column| column.name)).map_err(csv_error::<R>)?;
                Sink::Csv { out: Box::new(out), cell: String::new() }
            }
            Format::Parquet => Sink::Parquet(Box::new(ParquetWriter::new(out)?)),
            Format::Arrow => Sink::Parquet(Box::new(ParquetWriter::arrow(out)?)),
        };
        Ok(TableWriter { sink })
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, row: &R) -> Result<(), TableError> {
        match &mut self.sink {
            Sink::JsonLines { out, line } => {
                line.clear();
                push_json(line, row);
                line.push('\n');
                out.write_all(line.as_bytes()).map_err(write_error::<R>)?;
            }
            Sink::Csv { out, cell } => {
                for column in R::COLUMNS {
                    cell.clear();
                    (column.value)(row).push_plain(cell);
                    out.write_field(&*cell).map_err(csv_error::<R>)?;
                }
                out.write_record(None::<&[u8]>).map_err(csv_error::<R>)?;
            }
            Sink::Parquet(writer) => writer.write(row)?,
        }
        Ok(())
    }

    /// Writes what is left and gives back what was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<W, TableError> {
        match self.sink {
            Sink::JsonLines { mut out, .. } => {
                out.flush().map_err(write_error::<R>)?;
                Ok(out)
            }
            Sink::Csv { out, .. } => out.into_inner().map_err(|error| write_error::<R>(error.into_error())),
            Sink::Parquet(writer) => writer.finish(),
        }
    }
}

fn write_error<R: Row>(error: io::Error) -> TableError {
    TableError::Write(R::TABLE, error)
}

fn csv_error<R: Row>(error: csv::Error) -> TableError {
    TableError::Csv(R::TABLE, error)
}

/// Writes a row as a JSON object, its keys in the order of the columns.
pub fn push_json<R: Row>(out: &mut String, row: &R) {
    for (place, column) in R::COLUMNS.iter().enumerate() {
        out.push_str(if place == 0 { "{\"" } else { ",\"" });
        out.push_str(column.name);
        out.push_str("\":");
        (column.value)(row).push_json(out);
    }
    out.push('}');
}

/// One column.
pub struct Column<R: 'static> {
    name: &'static str,
    kind: Kind,
    nullable: bool,
    value: for<'a> fn(&'a R) -> Value<'a>,
}

impl<R> Column<R> {
    /// A column in which every row has a value.
    pub(super) const fn new(name: &'static str, kind: Kind, value: for<'a> fn(&'a R) -> Value<'a>) -> Column<R> {
        Column { name, kind, nullable: false, value }
    }

    /// A column of money in which every row has a value.
    pub(super) const fn money(name: &'static str, value: for<'a> fn(&'a R) -> Value<'a>) -> Column<R> {
        Column::new(name, Kind::Money, value)
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a row may have no value in it.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// The cell of a row.
    #[must_use]
    pub fn value<'a>(&self, row: &'a R) -> Value<'a> {
        (self.value)(row)
    }

    /// The same column, where a row may have no value.
    pub(super) const fn or_null(self) -> Column<R> {
        Column { nullable: true, ..self }
    }
}

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Date,
    Instant,
    Money,
    Ratio,
    Days,
    TenthDays,
    Points,
    Count,
    Flag,
}

/// One cell. Money is in 10^-2, a ratio in 10^-4.
pub enum Value<'a> {
    /// Text, or nothing.
    Text(Option<&'a str>),
    /// A day.
    Date(Day),
    /// An instant.
    Instant(Instant),
    /// Money, or nothing.
    Money(Option<Cents>),
    /// A ratio, or nothing.
    Ratio(Option<i128>),
    /// Whole days.
    Days(i32),
    /// Days to a tenth, or nothing.
    TenthDays(Option<TenthDays>),
    /// Points of a score.
    Points(Points),
    /// A count.
    Count(usize),
    /// Yes or no.
    Flag(bool),
}

impl Value<'_> {
    /// As in a CSV cell: null is empty.
    fn push_plain(&self, out: &mut String) {
        const WRITTEN: &str = "a string takes any text";
        match self {
            Value::Text(text) => out.push_str(text.unwrap_or_default()),
            Value::Date(day) => write!(out, "{day}").expect(WRITTEN),
            Value::Instant(instant) => write!(out, "{instant}").expect(WRITTEN),
            Value::Money(money) => money.iter().for_each(|cents| push_fixed(out, cents.0, MONEY_PLACES)),
            Value::Ratio(ratio) => ratio.iter().for_each(|ratio| push_fixed(out, *ratio, RATIO_PLACES)),
            Value::Days(days) => write!(out, "{days}").expect(WRITTEN),
            Value::TenthDays(days) => {
                days.iter().for_each(|days| push_fixed(out, i128::from(days.0), TenthDays::PLACES));
            }
            Value::Points(points) => write!(out, "{points}").expect(WRITTEN),
            Value::Count(count) => write!(out, "{count}").expect(WRITTEN),
            Value::Flag(flag) => write!(out, "{flag}").expect(WRITTEN),
        }
    }

    /// As in a JSON object: text, dates, money, ratios and days to a tenth are strings; points are numbers.
    pub fn push_json(&self, out: &mut String) {
        match self {
            Value::Text(None) | Value::Money(None) | Value::Ratio(None) | Value::TenthDays(None) => {
                out.push_str("null");
            }
            Value::Text(Some(text)) => out.push_str(&serde_json::Value::from(*text).to_string()),
            Value::Date(_) | Value::Instant(_) | Value::Money(_) | Value::Ratio(_) | Value::TenthDays(_) => {
                out.push('"');
                self.push_plain(out);
                out.push('"');
            }
            Value::Days(_) | Value::Points(_) | Value::Count(_) | Value::Flag(_) => self.push_plain(out),
        }
    }
}
