//! Owns a table as Parquet or as an Arrow stream: exact decimals, in row groups or batches of bounded size.

use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampNanosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Column, Kind, MONEY_PLACES, RATIO_PLACES, Row, TableError, Value};
use crate::event::{Points, TenthDays};

/// Rows handed over to the encoder at a time.
const BATCH_ROWS_MAX: usize = 8_192;
/// Rows in a row group, which is held in memory until it is whole.
const GROUP_ROWS_MAX: usize = 65_536;
/// Digits of a decimal column, the most that 128 bits hold in full.
const DIGITS: u8 = 38;
/// The zone of every instant.
const UTC: &str = "UTC";

/// Where batches of rows go.
enum Batches<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Arrow(Box<StreamWriter<W>>),
}

/// Writes rows as Parquet, or as an Arrow stream.
pub(super) struct ParquetWriter<R: Row, W: Write + Send> {
    writer: Batches<W>,
    schema: SchemaRef,
    cells: Vec<Cells>,
    rows: usize,
    kind: PhantomData<R>,
}

impl<R: Row, W: Write + Send> ParquetWriter<R, W> {
    pub(super) fn new(out: W) -> Result<ParquetWriter<R, W>, TableError> {
        let schema: SchemaRef = Arc::new(Schema::new(R::COLUMNS.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS_MAX))
            .set_created_by("vigie".to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(parquet_error::<R>)?;
        Ok(ParquetWriter::of(Batches::Parquet(Box::new(writer)), schema))
    }

    /// The same rows as a stream of Arrow's own format.
    pub(super) fn arrow(out: W) -> Result<ParquetWriter<R, W>, TableError> {
        let schema: SchemaRef = Arc::new(Schema::new(R::COLUMNS.iter().map(field).collect::<Vec<_>>()));
        let writer = StreamWriter::try_new(out, &schema).map_err(|error| TableError::Arrow(R::TABLE, error))?;
        Ok(ParquetWriter::of(Batches::Arrow(Box::new(writer)), schema))
    }

    fn of(writer: Batches<W>, schema: SchemaRef) -> ParquetWriter<R, W> {
        let cells = R::COLUMNS.iter().map(|column| Cells::new(column.kind)).collect();
        ParquetWriter { writer, schema, cells, rows: 0, kind: PhantomData }
    }

    pub(super) fn write(&mut self, row: &R) -> Result<(), TableError> {
        // A figure that does not fit must be found before any cell of its row is taken.
        for column in R::COLUMNS {
            if !fits(&(column.value)(row)) {
                let buyer_id = row.buyer_id().to_owned();
                return Err(TableError::Digits { table: R::TABLE, column: column.name, buyer_id });
            }
        }
        for (cells, column) in self.cells.iter_mut().zip(R::COLUMNS) {
            cells.push((column.value)(row));
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS_MAX { self.hand_over() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<W, TableError> {
        self.hand_over()?;
        match self.writer {
            Batches::Parquet(writer) => writer.into_inner().map_err(parquet_error::<R>),
            Batches::Arrow(writer) => writer.into_inner().map_err(|error| TableError::Arrow(R::TABLE, error)),
        }
    }

    fn hand_over(&mut self) -> Result<(), TableError> {
        let arrow_error = |error| TableError::Arrow(R::TABLE, error);
        let arrays = self.cells.iter_mut().map(Cells::finish).collect::<Result<Vec<_>, ArrowError>>();
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(Arc::clone(&self.schema), arrays));
        let batch = batch.map_err(arrow_error)?;
        match &mut self.writer {
            Batches::Parquet(writer) => writer.write(&batch).map_err(parquet_error::<R>)?,
            Batches::Arrow(writer) => writer.write(&batch).map_err(arrow_error)?,
        }
        self.rows = 0;
        Ok(())
    }
}

fn parquet_error<R: Row>(error: ParquetError) -> TableError {
    TableError::Parquet(R::TABLE, error)
}

fn field<R>(column: &Column<R>) -> Field {
    let kind = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Date => DataType::Date32,
        Kind::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
        Kind::Money => DataType::Decimal128(DIGITS, MONEY_PLACES as i8),
        Kind::Ratio => DataType::Decimal128(DIGITS, RATIO_PLACES as i8),
        Kind::TenthDays => DataType::Decimal128(DIGITS, TenthDays::PLACES as i8),
        // Quarters of a point are exact in binary, and as plain numbers as they are in JSON.
        Kind::Points => DataType::Float64,
        Kind::Days => DataType::Int32,
        Kind::Count => DataType::Int64,
        Kind::Flag => DataType::Boolean,
    };
    Field::new(column.name, kind, column.nullable)
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
    Instant(TimestampNanosecondBuilder),
    Points(Float64Builder),
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
            Kind::Instant => Cells::Instant(TimestampNanosecondBuilder::new().with_timezone(UTC)),
            Kind::Points => Cells::Points(Float64Builder::new()),
            Kind::TenthDays => Cells::Decimal(Decimal128Builder::new(), TenthDays::PLACES),
            Kind::Money => Cells::Decimal(Decimal128Builder::new(), MONEY_PLACES),
            Kind::Ratio => Cells::Decimal(Decimal128Builder::new(), RATIO_PLACES),
            Kind::Days => Cells::Days(Int32Builder::new()),
            Kind::Count => Cells::Count(Int64Builder::new()),
            Kind::Flag => Cells::Flag(BooleanBuilder::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Cells::Text(cells), Value::Text(text)) => cells.append_option(text),
            (Cells::Instant(cells), Value::Instant(instant)) => cells.append_value(instant.nanos()),
            (Cells::Points(cells), Value::Points(points)) => {
                cells.append_value(f64::from(points.quarters()) / f64::from(Points::PARTS));
            }
            (Cells::Decimal(cells, _), Value::TenthDays(days)) => {
                cells.append_option(days.map(|days| i128::from(days.0)));
            }
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
            Cells::Instant(cells) => Arc::new(cells.finish()),
            Cells::Points(cells) => Arc::new(cells.finish()),
            Cells::Decimal(cells, places) => Arc::new(cells.finish().with_precision_and_scale(DIGITS, *places as i8)?),
            Cells::Days(cells) => Arc::new(cells.finish()),
            Cells::Count(cells) => Arc::new(cells.finish()),
            Cells::Flag(cells) => Arc::new(cells.finish()),
        })
    }
}
