//! The report in each of its formats says the same, exactly.

use std::io::Write;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use vigie::base::Instant;
use vigie::base::{Cents, Currency, Day};
use vigie::event::{BuyerProfile, Country, Further, Grade, Points, ReportLine, ReportRow, Scored, Segment, TenthDays};
use vigie::wire::history::{self, HistoryRow, HistoryWriter};
use vigie::wire::report::{self, ReportWriter};
use vigie::wire::table::{Format, TableError};

/// Every column: those of the contract in its order, then the further ones.
const NAMES: &str = "buyer_id,as_of,currency,outstanding,not_due,overdue_1_30,overdue_31_60,overdue_61_90,overdue_over_90,\
oldest_overdue_days,disputed,written_off,unapplied,orders,exposure,limit,utilisation,insured_single_risk,insured_primary,\
insured_top_up,indemnifiable,retained,open_invoices,fx_missing,score,grade,slow,fail,days_beyond_terms,dso,dso_countback,\
average_days_delinquent,expected_loss,name,country,segment,sector,parent_id";

/// A line; without a limit, nothing is known of the buyer's payments and of who it is either.
fn line(buyer_id: &str, limit: Option<i128>) -> ReportLine {
    let known = |days: i32| limit.map(|_| TenthDays(days));
    let further = Further {
        days_beyond_terms: known(-125),
        dso: known(453),
        dso_countback: known(710),
        average_days_delinquent: known(5),
        expected_loss: Cents(15),
        receivable: Cents(0),
        billed_recently: Cents(0),
    };
    let text = |text: &str| limit.map(|_| text.to_owned());
    let profile = BuyerProfile {
        name: text("Müller, \"Söhne\""),
        country: limit.and(Country::parse("DE")),
        segment: limit.map(|_| Segment::Named),
        parent_id: text("P-1"),
        sector: text("toys"),
    };
    ReportLine { row: row(buyer_id, limit), further, profile, sellers: Vec::new() }
}

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
        scored: Scored {
            score: Points::from_quarters(163),
            slow: Points::from_quarters(166),
            fail: Points::whole(7),
            grade: Grade::D,
        },
    }
}

fn written(format: Format, lines: &[ReportLine]) -> Vec<u8> {
    let mut writer = ReportWriter::new(format, Vec::new()).expect("begun");
    for line in lines {
        writer.write(line).expect("written");
    }
    writer.finish().expect("finished")
}

#[test]
fn a_json_line_has_the_keys_of_the_contract_in_its_order() {
    let bytes = written(Format::JsonLines, &[line("B\"1\u{7}é", Some(81_000)), line("B2", None)]);
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
         \"fx_missing\":false,\"score\":40.75,\"grade\":\"D\",\"slow\":41.5,\"fail\":7,\
         \"days_beyond_terms\":\"-12.5\",\"dso\":\"45.3\",\"dso_countback\":\"71.0\",\
         \"average_days_delinquent\":\"0.5\",\"expected_loss\":\"0.15\",\"name\":\"Müller, \\\"Söhne\\\"\",\
         \"country\":\"DE\",\"segment\":\"named\",\"sector\":\"toys\",\"parent_id\":\"P-1\"}"
    );
    assert!(lines[1].contains("\"limit\":null,\"utilisation\":null,"), "{}", lines[1]);
    assert!(lines[1].contains("\"fx_missing\":true,\"score\":40.75,"), "{}", lines[1]);
    let unknown = "\"days_beyond_terms\":null,\"dso\":null,\"dso_countback\":null,\"average_days_delinquent\":null,\
        \"expected_loss\":\"0.15\",\"name\":null,\"country\":null,\"segment\":null,\"sector\":null,\"parent_id\":null}";
    assert!(lines[1].ends_with(unknown), "{}", lines[1]);
    let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(lines[0]).expect("JSON");
    assert_eq!(parsed.keys().cloned().collect::<Vec<_>>().join(","), NAMES);
    assert_eq!(lines.len(), 2);
}

#[test]
fn csv_has_a_header_and_leaves_null_empty() {
    let text = String::from_utf8(written(Format::Csv, &[line("a,\"b\"", None)])).expect("text");
    assert_eq!(
        text,
        format!(
            "{NAMES}\n\"a,\"\"b\"\"\",2026-03-01,EUR,1000.01,0.01,0.02,0.03,0.04,999.91,120,0.05,0.06,-0.07,0.08,1000.16,,,\
             0.09,0.10,0.11,0.12,0.13,14,true,40.75,D,41.5,7,,,,,0.15,,,,,\n"
        )
    );
    let empty = String::from_utf8(written(Format::Csv, &[])).expect("text");
    assert_eq!(empty, format!("{NAMES}\n"));
}

/// Reads a Parquet report back into lines.
fn read_back(bytes: Vec<u8>) -> (Vec<ReportLine>, usize) {
    read_rows(bytes, line_at)
}

/// Reads a Parquet file back into rows, and counts its row groups.
fn read_rows<T>(bytes: Vec<u8>, row_at: fn(&RecordBatch, usize) -> T) -> (Vec<T>, usize) {
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

fn line_at(batch: &RecordBatch, at: usize) -> ReportLine {
    let cell = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let maybe = |name| {
        let column = cell(name).as_string::<i32>();
        column.is_valid(at).then(|| column.value(at))
    };
    let text = |name| maybe(name).expect("a text");
    let decimal = |name, scale: i8| {
        let column = cell(name).as_primitive::<Decimal128Type>();
        assert_eq!((column.precision(), column.scale()), (38, scale), "{name}");
        column.is_valid(at).then(|| column.value(at))
    };
    let money = |name| Cents(decimal(name, 2).expect("a figure"));
    let days = |name| decimal(name, 1).map(|days| TenthDays(days as i32));
    let further = Further {
        days_beyond_terms: days("days_beyond_terms"),
        dso: days("dso"),
        dso_countback: days("dso_countback"),
        average_days_delinquent: days("average_days_delinquent"),
        expected_loss: money("expected_loss"),
        receivable: Cents(0),
        billed_recently: Cents(0),
    };
    let profile = BuyerProfile {
        name: maybe("name").map(str::to_owned),
        country: maybe("country").and_then(Country::parse),
        segment: maybe("segment").and_then(Segment::parse),
        parent_id: maybe("parent_id").map(str::to_owned),
        sector: maybe("sector").map(str::to_owned),
    };
    let row = ReportRow {
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
        scored: scored_at(batch, at),
    };
    ReportLine { row, further, profile, sellers: Vec::new() }
}

/// The score of a row, in quarters of a point, which binary numbers hold exactly.
fn scored_at(batch: &RecordBatch, at: usize) -> Scored {
    let cell = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let points = |name| {
        let quarters = cell(name).as_primitive::<Float64Type>().value(at) * 4.0;
        assert_eq!(quarters.fract(), 0.0, "{name}");
        Points::from_quarters(quarters as u16)
    };
    let grade = Grade::parse(cell("grade").as_string::<i32>().value(at)).expect("a grade");
    Scored { score: points("score"), slow: points("slow"), fail: points("fail"), grade }
}

#[test]
fn parquet_reads_back_as_the_rows_that_were_written() {
    let mut rows = vec![line("B1", Some(81_000)), line("B2", None), line("é", Some(0))];
    // 10^23 units, the largest invoice at the largest rate, and the widest figure that 38 digits hold.
    rows[0].row.outstanding = Cents(10_i128.pow(25));
    rows[1].row.unapplied = Cents(-(10_i128.pow(38) - 1));
    let (read, groups) = read_back(written(Format::Parquet, &rows));
    assert_eq!(read, rows);
    assert_eq!(groups, 1);
    assert_eq!(read_back(written(Format::Parquet, &[])).0, []);
}

#[test]
fn parquet_row_groups_are_bounded_so_that_memory_is() {
    let rows: Vec<ReportLine> = (0..65_537).map(|number| line(&format!("{number:06}"), None)).collect();
    let (read, groups) = read_back(written(Format::Parquet, &rows));
    assert!(read == rows, "the rows differ");
    assert_eq!(groups, 2);
}

#[test]
fn parquet_refuses_a_figure_of_over_38_digits_by_name() {
    let mut wide = line("B1", Some(1));
    wide.row.utilisation = Some(10_i128.pow(38));
    let mut writer = ReportWriter::new(Format::Parquet, Vec::new()).expect("begun");
    let error = writer.write(&wide).expect_err("an error");
    assert_eq!(
        error.to_string(),
        "cannot write the report: utilisation of buyer \"B1\" has over 38 digits; write it as .jsonl or .csv"
    );
    writer.write(&line("B2", None)).expect("the next row is taken whole");
    assert_eq!(read_back(writer.finish().expect("finished")).0, [line("B2", None)]);
}

#[test]
fn the_ending_of_the_name_picks_the_format() {
    let format = |name: &str| report::format_of(Path::new(name)).ok();
    for name in ["a.jsonl", "x/a.b.jsonl.gz", "a.jsonl.zst", "-"] {
        assert_eq!(format(name), Some(Format::JsonLines), "{name}");
    }
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        assert_eq!(format(name), Some(Format::Csv), "{name}");
    }
    assert_eq!(format("a.parquet"), Some(Format::Parquet));
    for name in ["a", "a.json", "a.parquet.gz", "jsonl", "", "a.gz"] {
        let error = report::format_of(Path::new(name)).expect_err("an error");
        assert!(matches!(error, TableError::Ending(..)));
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
    for format in [Format::JsonLines, Format::Csv, Format::Parquet] {
        let outcome = ReportWriter::new(format, Full(100)).and_then(|mut writer| {
            writer.write(&line("B1", None))?;
            writer.finish()
        });
        assert!(outcome.is_err(), "{format:?}");
    }
}

fn changes() -> Vec<HistoryRow> {
    let change = |buyer_id: &str, at: &str, quarters, grade| HistoryRow {
        buyer_id: buyer_id.to_owned(),
        at: Instant::parse(at).expect("an instant"),
        scored: Scored { score: Points::from_quarters(quarters), slow: Points::ZERO, fail: Points::MAX, grade },
    };
    vec![
        change("b\"1", "2026-03-01T00:00:00Z", 163, Grade::D),
        change("é", "1970-01-01T00:00:00.000000001+01:00", 0, Grade::A),
        change("b", "2199-12-31T23:59:59.999999999-23:59", 400, Grade::F),
    ]
}

fn history(format: Format) -> Vec<u8> {
    let mut writer = HistoryWriter::new(format, Vec::new()).expect("begun");
    changes().iter().for_each(|row| writer.write(row).expect("written"));
    writer.finish().expect("finished")
}

#[test]
fn a_history_is_written_with_scores_as_numbers() {
    assert_eq!(
        String::from_utf8(history(Format::JsonLines)).expect("text"),
        concat!(
            r#"{"buyer_id":"b\"1","at":"2026-03-01T00:00:00Z","score":40.75,"grade":"D","slow":0,"fail":100}"#,
            "\n",
            r#"{"buyer_id":"é","at":"1969-12-31T23:00:00.000000001Z","score":0,"grade":"A","slow":0,"fail":100}"#,
            "\n",
            r#"{"buyer_id":"b","at":"2200-01-01T23:58:59.999999999Z","score":100,"grade":"F","slow":0,"fail":100}"#,
            "\n"
        )
    );
    let (read, _) = read_rows(history(Format::Parquet), |batch, at| HistoryRow {
        buyer_id: batch.column(0).as_string::<i32>().value(at).to_owned(),
        at: Instant::from_nanos(batch.column(1).as_primitive::<TimestampNanosecondType>().value(at)),
        scored: scored_at(batch, at),
    });
    assert_eq!(read, changes());
}

#[test]
fn a_history_is_no_csv() {
    for (name, format) in [("h.jsonl", Format::JsonLines), ("-", Format::JsonLines), ("h.jsonl.zst", Format::JsonLines)]
        .into_iter()
        .chain([("h.parquet", Format::Parquet)])
    {
        assert_eq!(history::format_of(Path::new(name)).ok(), Some(format), "{name}");
    }
    for name in ["h.csv", "h.csv.gz", "h", "h.parquet.zst"] {
        let error = history::format_of(Path::new(name)).expect_err("an error");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot tell the history's format from {name:?}: end its name in .jsonl (also with .gz or .zst after it), or \
                 in .parquet"
            )
        );
    }
}
