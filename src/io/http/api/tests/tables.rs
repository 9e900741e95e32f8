//! The whole portfolio: its sums, and its table in every format.

use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn ids(batches: &[RecordBatch]) -> Vec<String> {
    let column = |batch: &RecordBatch| {
        let column = batch.column_by_name("buyer_id").expect("a column").clone();
        let text = arrow_array::cast::as_string_array(&column).clone();
        (0..text.len()).map(|row| text.value(row).to_owned()).collect::<Vec<_>>()
    };
    batches.iter().flat_map(column).collect()
}

#[tokio::test]
async fn the_whole_table_can_be_read_in_every_format_with_a_row_for_each_buyer() {
    let api = furnished();
    let expected: Vec<String> = (0..12).map(|number| format!("b-{number:02}")).collect();

    let answer = api.get("/v1/portfolio.csv").await;
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"portfolio.csv\"");
    let mut csv = csv::Reader::from_reader(&*answer.body);
    let place = csv.headers().expect("a head").iter().position(|name| name == "buyer_id").expect("a column");
    let read: Vec<String> = csv.records().map(|row| row.expect("a row")[place].to_owned()).collect();
    assert_eq!(read, expected);

    let answer = api.get("/v1/portfolio.parquet").await;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(answer.body)).expect("Parquet");
    let batches: Vec<RecordBatch> = reader.build().expect("a reader").map(|batch| batch.expect("rows")).collect();
    assert_eq!(ids(&batches), expected);
    let exposures = batches[0].column_by_name("exposure").expect("a column").clone();
    let exposures = exposures.as_primitive::<arrow_array::types::Decimal128Type>();
    assert_eq!((exposures.value(1), exposures.scale()), (701, 2), "exact decimals");

    let answer = api.get("/v1/portfolio.arrow").await;
    let reader = StreamReader::try_new(Cursor::new(answer.body), None).expect("Arrow");
    let batches: Vec<RecordBatch> = reader.map(|batch| batch.expect("rows")).collect();
    assert_eq!(ids(&batches), expected);

    for format in ["csv", "parquet", "arrow"] {
        let nothing = Api::new().get(&format!("/v1/portfolio.{format}")).await;
        assert_eq!(nothing.status, 200, "{format}");
    }
}

#[tokio::test]
async fn the_sums_are_those_of_the_rows() {
    let api = furnished();
    let cents = |value: &Value| value.as_str().expect("money").replace('.', "").parse::<i64>().expect("cents");
    let rows: i64 = api.column("/v1/buyers", "retained").await.iter().map(cents).sum();
    for by in ["segment", "grade", "country", "sector", "seller", "group"] {
        let sums = api.get(&format!("/v1/portfolio?by={by}")).await.ok();
        assert_eq!(cents(&sums["totals"]["retained"]), rows);
        assert!(sums["groups"].as_array().is_some_and(|groups| groups.len() > 1), "{by}");
    }
    let plain = api.get("/v1/portfolio").await.ok();
    assert_eq!(
        (&plain["groups"], &plain["base_currency"], &plain["as_of"]),
        (&json!([]), &json!("EUR"), &json!(at(62)))
    );
    assert_eq!((&plain["totals"]["open_alerts"], &plain["totals"]["open_proposals"]), (&json!(4), &json!(4)));
    let detail = api.get("/v1/portfolio?by=colour").await.refuses(400, "bad_request");
    assert!(detail.contains("sector"), "{detail}");
}
