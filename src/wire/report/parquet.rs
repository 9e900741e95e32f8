//! Owns the report as Parquet: exact decimals, in row groups of bounded size.

use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{COLUMNS, Column, Kind, MONEY_PLACES, RATIO_PLACES, ReportError, Value};
use crate::event::ReportRow;

/// Rows handed over to the encoder at a time.
const BATCH_ROWS_MAX: usize = 8_192;
/// Rows in a row group, which is held in memory until it is whole.
const GROUP_ROWS_MAX: usize = 65_536;
/// Digits of a decimal column, the most that 128 bits hold in full.
const DIGITS: u8 = 38;

/// Writes rows as Parquet.
pub(super) struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    cells: Vec<Cells>,
    rows: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(out: W) -> Result<ParquetWriter<W>, ReportError> {
        let schema: SchemaRef = Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS_MAX))
            .set_created_by("vigie".to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
        let cells = COLUMNS.iter().map(|column| Cells::new(column.kind)).collect();
        Ok(ParquetWriter { writer, schema, cells, rows: 0 })
    }

    pub(super) fn write(&mut self, row: &ReportRow) -> Result<(), ReportError> {
        // A figure that does not fit must be found before any cell of its row is taken.
        for column in COLUMNS {
            if !fits(&(column.value)(row)) {
                return Err(ReportError::Digits { column: column.name, buyer_id: row.buyer_id.clone() });
            }
        }
        for (cells, column) in self.cells.iter_mut().zip(COLUMNS) {
            cells.push((column.value)(row));
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS_MAX { self.hand_over() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<W, ReportError> {
        self.hand_over()?;
        Ok(self.writer.into_inner()?)
    }

    fn hand_over(&mut self) -> Result<(), ReportError> {
        let arrays = self.cells.iter_mut().map(Cells::finish).collect::<Result<Vec<_>, ArrowError>>()?;
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        self.rows = 0;
        Ok(())
    }
}

fn field(column: &Column) -> Field {
    let nullable = matches!(column.name, "limit" | "utilisation");
    let kind = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Date => DataType::Date32,
        Kind::Money => DataType::Decimal128(DIGITS, MONEY_PLACES as i8),
        Kind::Ratio => DataType::Decimal128(DIGITS, RATIO_PLACES as i8),
        Kind::Days => DataType::Int32,
        Kind::Count => DataType::Int64,
        Kind::Flag => DataType::Boolean,
    };
    Field::new(column.name, kind, nullable)
}

fn fits(value: &Value<'_>) -> bool {
    let units = match value {
        Value::Money(money) => money.map(|cents| cents.0),
        Value::Ratio(ratio) => *ratio,
        _ => None,
    };
    units.is_none_or(|units| units.unsigned_abs() < 10_u128.pow(u32::from(DIGITS)))
}

/// The cells of one column that have not been handed over yet.
enum Cells {
    Text(StringBuilder),
    Date(Date32Builder),
    Decimal(Decimal128Builder, usize),
    Days(Int32Builder),
    Count(Int64Builder),
    Flag(BooleanBuilder),
}

impl Cells {
    fn new(kind: Kind) -> Cells {
        match kind {
            Kind::Text => Cells::Text(StringBuilder::new()),
            Kind::Date => Cells::Date(Date32Builder::new()),
            Kind::Money => Cells::Decimal(Decimal128Builder::new(), MONEY_PLACES),
            Kind::Ratio => Cells::Decimal(Decimal128Builder::new(), RATIO_PLACES),
            Kind::Days => Cells::Days(Int32Builder::new()),
            Kind::Count => Cells::Count(Int64Builder::new()),
            Kind::Flag => Cells::Flag(BooleanBuilder::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Cells::Text(cells), Value::Text(text)) => cells.append_value(text),
            (Cells::Date(cells), Value::Date(day)) => cells.append_value(day.number()),
            (Cells::Decimal(cells, _), Value::Money(money)) => cells.append_option(money.map(|cents| cents.0)),
            (Cells::Decimal(cells, _), Value::Ratio(ratio)) => cells.append_option(ratio),
            (Cells::Days(cells), Value::Days(days)) => cells.append_value(days),
            (Cells::Count(cells), Value::Count(count)) => {
                cells.append_value(i64::try_from(count).expect("a count in memory fits 63 bits"));
            }
            (Cells::Flag(cells), Value::Flag(flag)) => cells.append_value(flag),
            _ => unreachable!("a column's value is of the column's kind"),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Cells::Text(cells) => Arc::new(cells.finish()),
            Cells::Date(cells) => Arc::new(cells.finish()),
            Cells::Decimal(cells, places) => Arc::new(cells.finish().with_precision_and_scale(DIGITS, *places as i8)?),
            Cells::Days(cells) => Arc::new(cells.finish()),
            Cells::Count(cells) => Arc::new(cells.finish()),
            Cells::Flag(cells) => Arc::new(cells.finish()),
        })
    }
}
