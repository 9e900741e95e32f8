//! The report in each of its formats says the same, exactly.

use std::io::Write;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use vigie::base::{Cents, Currency, Day};
use vigie::event::ReportRow;
use vigie::wire::report::{ReportError, ReportFormat, ReportWriter};

/// Every column, in the contract's order.
const NAMES: &str = "buyer_id,as_of,currency,outstanding,not_due,overdue_1_30,overdue_31_60,overdue_61_90,overdue_over_90,\
oldest_overdue_days,disputed,written_off,unapplied,orders,exposure,limit,utilisation,insured_single_risk,insured_primary,\
insured_top_up,indemnifiable,retained,open_invoices,fx_missing";

fn row(buyer_id: &str, limit: Option<i128>) -> ReportRow {
    ReportRow {
        buyer_id: buyer_id.to_owned(),
        as_of: Day::parse("2026-03-01").expect("a day"),
        currency: Currency::parse("EUR").expect("a currency"),
        outstanding: Cents(100_001),
        not_due: Cents(1),
        overdue: [Cents(2), Cents(3), Cents(4), Cents(99_991)],
        oldest_overdue_days: 120,
        disputed: Cents(5),
        written_off: Cents(6),
        unapplied: Cents(-7),
        orders: Cents(8),
        exposure: Cents(100_016),
        limit: limit.map(Cents),
        utilisation: limit.map(|_| 12_345),
        insured_single_risk: Cents(9),
        insured_primary: Cents(10),
        insured_top_up: Cents(11),
        indemnifiable: Cents(12),
        retained: Cents(13),
        open_invoices: 14,
        fx_missing: limit.is_none(),
        scored: Scored::HEALTHY,
    }
}

fn written(format: ReportFormat, rows: &[ReportRow]) -> Vec<u8> {
    let mut writer = ReportWriter::new(format, Vec::new()).expect("begun");
    for row in rows {
        writer.write(row).expect("written");
    }
    writer.finish().expect("finished")
}

#[test]
fn a_json_line_has_the_keys_of_the_contract_in_its_order() {
    let bytes = written(ReportFormat::JsonLines, &[row("B\"1\u{7}é", Some(81_000)), row("B2", None)]);
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "{\"buyer_id\":\"B\\\"1\\u0007é\",\"as_of\":\"2026-03-01\",\"currency\":\"EUR\",\"outstanding\":\"1000.01\",\
         \"not_due\":\"0.01\",\"overdue_1_30\":\"0.02\",\"overdue_31_60\":\"0.03\",\"overdue_61_90\":\"0.04\",\
         \"overdue_over_90\":\"999.91\",\"oldest_overdue_days\":120,\"disputed\":\"0.05\",\"written_off\":\"0.06\",\
         \"unapplied\":\"-0.07\",\"orders\":\"0.08\",\"exposure\":\"1000.16\",\"limit\":\"810.00\",\
         \"utilisation\":\"1.2345\",\"insured_single_risk\":\"0.09\",\"insured_primary\":\"0.10\",\
         \"insured_top_up\":\"0.11\",\"indemnifiable\":\"0.12\",\"retained\":\"0.13\",\"open_invoices\":14,\
         \"fx_missing\":false}"
    );
    assert!(lines[1].contains("\"limit\":null,\"utilisation\":null,"), "{}", lines[1]);
    assert!(lines[1].ends_with("\"fx_missing\":true}"));
    let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(lines[0]).expect("JSON");
    assert_eq!(parsed.keys().cloned().collect::<Vec<_>>().join(","), NAMES);
    assert_eq!(lines.len(), 2);
}

#[test]
fn csv_has_a_header_and_leaves_null_empty() {
    let text = String::from_utf8(written(ReportFormat::Csv, &[row("a,\"b\"", None)])).expect("text");
    assert_eq!(
        text,
        format!(
            "{NAMES}\n\"a,\"\"b\"\"\",2026-03-01,EUR,1000.01,0.01,0.02,0.03,0.04,999.91,120,0.05,0.06,-0.07,0.08,1000.16,,,\
             0.09,0.10,0.11,0.12,0.13,14,true\n"
        )
    );
    let empty = String::from_utf8(written(ReportFormat::Csv, &[])).expect("text");
    assert_eq!(empty, format!("{NAMES}\n"));
}

/// Reads a Parquet report back into rows.
fn read_back(bytes: Vec<u8>) -> (Vec<ReportRow>, usize) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&bytes).expect("written");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let groups = builder.metadata().num_row_groups();
    let mut rows = Vec::new();
    for batch in builder.build().expect("a reader") {
        let batch = batch.expect("a batch");
        rows.extend((0..batch.num_rows()).map(|at| row_at(&batch, at)));
    }
    (rows, groups)
}

fn row_at(batch: &RecordBatch, at: usize) -> ReportRow {
    let cell = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let text = |name| cell(name).as_string::<i32>().value(at);
    let decimal = |name, scale: i8| {
        let column = cell(name).as_primitive::<Decimal128Type>();
        assert_eq!((column.precision(), column.scale()), (38, scale), "{name}");
        column.is_valid(at).then(|| column.value(at))
    };
    let money = |name| Cents(decimal(name, 2).expect("a figure"));
    ReportRow {
        buyer_id: text("buyer_id").to_owned(),
        as_of: Day::from_number(cell("as_of").as_primitive::<Date32Type>().value(at)),
        currency: Currency::parse(text("currency")).expect("a currency"),
        outstanding: money("outstanding"),
        not_due: money("not_due"),
        overdue: ["overdue_1_30", "overdue_31_60", "overdue_61_90", "overdue_over_90"].map(money),
        oldest_overdue_days: cell("oldest_overdue_days").as_primitive::<Int32Type>().value(at),
        disputed: money("disputed"),
        written_off: money("written_off"),
        unapplied: money("unapplied"),
        orders: money("orders"),
        exposure: money("exposure"),
        limit: decimal("limit", 2).map(Cents),
        utilisation: decimal("utilisation", 4),
        insured_single_risk: money("insured_single_risk"),
        insured_primary: money("insured_primary"),
        insured_top_up: money("insured_top_up"),
        indemnifiable: money("indemnifiable"),
        retained: money("retained"),
        open_invoices: cell("open_invoices").as_primitive::<Int64Type>().value(at) as usize,
        fx_missing: cell("fx_missing").as_boolean().value(at),
    }
}

#[test]
fn parquet_reads_back_as_the_rows_that_were_written() {
    let mut rows = vec![row("B1", Some(81_000)), row("B2", None), row("é", Some(0))];
    // 10^23 units, the largest invoice at the largest rate, and the widest figure that 38 digits hold.
    rows[0].outstanding = Cents(10_i128.pow(25));
    rows[1].unapplied = Cents(-(10_i128.pow(38) - 1));
    let (read, groups) = read_back(written(ReportFormat::Parquet, &rows));
    assert_eq!(read, rows);
    assert_eq!(groups, 1);
    assert_eq!(read_back(written(ReportFormat::Parquet, &[])).0, []);
}

#[test]
fn parquet_row_groups_are_bounded_so_that_memory_is() {
    let rows: Vec<ReportRow> = (0..65_537).map(|number| row(&format!("{number:06}"), None)).collect();
    let (read, groups) = read_back(written(ReportFormat::Parquet, &rows));
    assert!(read == rows, "the rows differ");
    assert_eq!(groups, 2);
}

#[test]
fn parquet_refuses_a_figure_of_over_38_digits_by_name() {
    let mut wide = row("B1", Some(1));
    wide.utilisation = Some(10_i128.pow(38));
    let mut writer = ReportWriter::new(ReportFormat::Parquet, Vec::new()).expect("begun");
    let error = writer.write(&wide).expect_err("an error");
    assert_eq!(
        error.to_string(),
        "cannot write the report: utilisation of buyer \"B1\" has over 38 digits; write it as .jsonl or .csv"
    );
    writer.write(&row("B2", None)).expect("the next row is taken whole");
    assert_eq!(read_back(writer.finish().expect("finished")).0, [row("B2", None)]);
}

#[test]
fn the_ending_of_the_name_picks_the_format() {
    let format = |name: &str| ReportFormat::of(Path::new(name)).ok();
    for name in ["a.jsonl", "x/a.b.jsonl.gz", "a.jsonl.zst", "-"] {
        assert_eq!(format(name), Some(ReportFormat::JsonLines), "{name}");
    }
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        assert_eq!(format(name), Some(ReportFormat::Csv), "{name}");
    }
    assert_eq!(format("a.parquet"), Some(ReportFormat::Parquet));
    for name in ["a", "a.json", "a.parquet.gz", "jsonl", "", "a.gz"] {
        let error = ReportFormat::of(Path::new(name)).expect_err("an error");
        assert!(matches!(error, ReportError::Ending(_)));
        assert_eq!(
            error.to_string(),
            format!(
                "cannot tell the report's format from {name:?}: end its name in .jsonl or .csv (each also with .gz or .zst \
                 after it), or in .parquet"
            )
        );
    }
}

/// A disk that takes only so much.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_in_every_format() {
    for format in [ReportFormat::JsonLines, ReportFormat::Csv, ReportFormat::Parquet] {
        let outcome = ReportWriter::new(format, Full(100)).and_then(|mut writer| {
            writer.write(&row("B1", None))?;
            writer.finish()
        });
        assert!(outcome.is_err(), "{format:?}");
    }
}
