//! The codec from outside: one test per refusal code in the contract's order, and a table of tricky inputs.

use bumpalo::Bump;
use vigie::base::{Currency, Day, Instant, Money};
use vigie::event::{Body, RefusalCode, Topic};
use vigie::wire::{DecodeRules, Header, Record, TopicRule, decode_record, decode_value, encode_event, partition_of};

use RefusalCode::{FutureTime, InvalidField, KeyMismatch, Malformed, MissingField, TooLarge, UnknownType, WrongTopic};

const INVOICE: &str = r#"{"specversion":"1.0","id":"e1","source":"erp","type":"invoice.issued","time":"2026-03-01T10:00:00Z","subject":"B1","data":{"invoice_id":"I1","amount":"8400.00","net_amount":7000,"currency":"EUR","issued_on":"2026-03-01","due_on":"2026-04-30"}}"#;
const COVER: &str = r#"{"specversion":"1.0","id":"e2","source":"erp","type":"cover.granted","time":"2026-03-01T10:00:00Z","subject":"B1","data":{"cover_id":"C1","layer":"primary","amount":1e5,"currency":"EUR","insured_pct":90,"valid_from":"2026-01-01","valid_to":"2026-12-31","max_extension_days":30.0}}"#;
const PAYMENT: &str = r#"{"specversion":"1.0","id":"e3","source":"bank","type":"payment.received","time":"2026-03-01T10:00:00Z","subject":"B1","data":{"payment_id":"P1","amount":10,"currency":"EUR","received_on":"2026-03-01","allocations":[{"invoice_id":"I1","amount":"4.5"}]}}"#;
const RATE: &str = r#"{"specversion":"1.0","id":"e4","source":"ecb","type":"fx.rate","time":"2026-03-01T10:00:00Z","data":{"currency":"USD","rate":"0.9213"}}"#;

fn rules() -> DecodeRules {
    let now = Instant::parse("2026-03-01T10:00:00Z").expect("an instant");
    DecodeRules::new(Currency::parse("EUR").expect("a currency"), now)
}

/// The code that a value is refused with, and its sentence; `Ok` when it is taken.
fn outcome(value: &[u8]) -> Result<(), (RefusalCode, String)> {
    decode_value(value, &rules(), &Bump::new()).map(|_| ()).map_err(|refusal| (refusal.code, refusal.message))
}

fn code(value: impl AsRef<[u8]>) -> Option<RefusalCode> {
    let refused = outcome(value.as_ref()).err();
    if let Some((_, message)) = &refused {
        assert!(message.ends_with('.') && message.len() < 400, "no plain sentence: {message}");
    }
    refused.map(|(code, _)| code)
}

/// `text` with one part replaced, which must be there.
fn with(text: &str, part: &str, other: &str) -> String {
    assert!(text.contains(part), "{part} is not in {text}");
    text.replacen(part, other, 1)
}

/// Checks a text with each of some parts replaced by others.
fn check(text: &str, changes: &[(&str, &str, Option<RefusalCode>)]) {
    for (part, other, expected) in changes {
        let changed = with(text, part, other);
        assert_eq!(code(&changed), *expected, "{part} -> {other}: {:?}", outcome(changed.as_bytes()));
    }
}

#[test]
fn an_invoice_is_read_to_its_types() {
    let scratch = Bump::new();
    let event = decode_value(INVOICE.as_bytes(), &rules(), &scratch).expect("an event");
    assert_eq!((event.id, event.source, event.subject), ("e1", "erp", "B1"));
    assert_eq!(event.time.to_string(), "2026-03-01T10:00:00Z");
    let Body::InvoiceIssued(invoice) = event.body else { panic!("{event:?}") };
    assert_eq!((invoice.seller_id, invoice.invoice_id.as_str()), ("", "I1"));
    assert_eq!(invoice.amount, Money::parse("8400").expect("money"));
    assert_eq!(invoice.net_amount, Money::parse("7e3").ok());
    assert_eq!(Some(invoice.due_on), Day::parse("2026-04-30"));
    assert_eq!(invoice.order_id, None);
}

#[test]
fn an_event_is_written_compactly_with_money_in_strings() {
    let scratch = Bump::new();
    for (value, written) in [
        (INVOICE.to_owned(), with(INVOICE, "7000", "\"7000.00\"")),
        (with(PAYMENT, ":10,", ":10.12340,"), with(&with(PAYMENT, ":10,", ":\"10.1234\","), "4.5", "4.50")),
        (with(RATE, "\"0.9213\"", "150"), with(RATE, "0.9213", "150")),
        (
            with(COVER, ":90,", ":\"85.50\","),
            with(&with(&with(COVER, "1e5", "\"100000.00\""), ":90,", ":\"85.5\","), "30.0", "30"),
        ),
        (
            with(INVOICE, "e1", "a\\u0000\\t\\/é\\\"\\\\"),
            with(&with(INVOICE, "e1", "a\\u0000\\t/é\\\"\\\\"), "7000", "\"7000.00\""),
        ),
    ] {
        let event = decode_value(value.as_bytes(), &rules(), &scratch).expect("an event");
        let mut line = Vec::new();
        encode_event(&event, &mut line);
        assert_eq!(String::from_utf8(line).as_deref(), Ok(written.as_str()));
    }
}

#[test]
fn too_large_comes_before_all_else() {
    let padded = |length: usize| format!("{INVOICE}{}", " ".repeat(length - INVOICE.len()));
    assert_eq!(code(padded(65_536)), None);
    assert_eq!(code(padded(65_537)), Some(TooLarge));
    assert_eq!(code(vec![0xff; 65_537]), Some(TooLarge));
    assert_eq!(code(vec![0xff; 65_536]), Some(Malformed));
    let nested =
        |depth: usize| with(INVOICE, "\"id\"", &format!("\"x\":{}{},\"id\"", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(code(nested(15)), None);
    assert_eq!(code(nested(16)), Some(TooLarge));
    let in_string = |depth: usize| with(INVOICE, "\"id\"", &format!("\"x\":\"{}\",\"id\"", "{".repeat(depth)));
    assert_eq!(code(in_string(500)), None);
    assert_eq!(code(with(INVOICE, "\"id\"", &format!("\"x\":\"\\\"{}\",\"id\"", "{[".repeat(500)))), None);
    assert_eq!(code("[".repeat(16)), Some(Malformed));
    assert_eq!(code("[".repeat(17)), Some(TooLarge), "counted before parsing");
    assert_eq!(code([b"\xff".as_slice(), "[".repeat(17).as_bytes()].concat()), Some(TooLarge));
    let wide = with(INVOICE, "\"id\"", &format!("\"x\":[{}[]],\"id\"", "[],".repeat(100)));
    assert_eq!(code(wide), None, "many brackets side by side are not deep");
}

#[test]
fn what_is_no_cloudevent_is_malformed() {
    for value in ["", " ", "{}", "[]", "null", "1", "\"a\"", "{", "nul", "\u{feff}{}", "{\"a\":1,}", "{'a':1}"] {
        assert_eq!(code(value), Some(Malformed), "{value:?}");
    }
    check(
        INVOICE,
        &[
            ("\"1.0\"", "\"1.9\"", None),
            ("\"1.0\"", "\"1.10\"", None),
            ("\"1.0\"", "\"0.3\"", Some(Malformed)),
            ("\"1.0\"", "\"2.0\"", Some(Malformed)),
            ("\"1.0\"", "\"1.\"", Some(Malformed)),
            ("\"1.0\"", "\"1\"", Some(Malformed)),
            ("\"1.0\"", "\"1.0 \"", Some(Malformed)),
            ("\"1.0\"", "\"1.0.1\"", Some(Malformed)),
            ("\"1.0\"", "1.0", Some(Malformed)),
            ("\"specversion\":\"1.0\",", "", Some(Malformed)),
            ("\"e1\"", "\"\"", Some(Malformed)),
            ("\"e1\"", "1", Some(Malformed)),
            ("\"e1\"", "null", Some(Malformed)),
            ("\"erp\"", "\"\"", Some(Malformed)),
            ("\"erp\"", "{}", Some(Malformed)),
            ("\"invoice.issued\"", "\"\"", Some(Malformed)),
            ("\"invoice.issued\"", "null", Some(Malformed)),
            ("\"B1\"", "\"\"", Some(Malformed)),
            ("\"B1\"", "null", Some(Malformed)),
            ("\"B1\"", "5", Some(Malformed)),
            ("\"B1\"", "\"B\\u0000\"", Some(Malformed)),
            ("\"B1\"", "\"B\\u0085\"", Some(Malformed)),
            ("\"subject\":\"B1\",", "", Some(Malformed)),
            (",\"data\":{", ",\"datum\":{", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"id\":\"e1\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"subject\":\"B1\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"data\":{}", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"i\\u0064\":\"e2\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":1,\"x\":2", None),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":1e999", None),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":NaN", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":01", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e\n1\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e\u{0}1\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e\\n1\"", None),
            ("\"id\":\"e1\"", "\"id\":\"e\u{7f}1\"", None),
            ("\"id\":\"e1\"", "\"\\u0069d\":\"e1\"", None),
            ("\"id\":\"e1\"", "\"id\":\"\\ud800\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"\\ude00\\ud83d\"", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"\\ud83d\\ude00\"", None),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":[{\"y\":\"\\udfff\"}]", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"x\":[{\"\\ud800\":1}]", Some(Malformed)),
            ("\"id\":\"e1\"", "\"id\":\"e1\",\"\\ud800\":1", Some(Malformed)),
            ("{\"invoice_id\"", "{\"note\":\"\\ud800\",\"invoice_id\"", Some(Malformed)),
        ],
    );
    assert_eq!(code(format!("{INVOICE}\r")), None);
    assert_eq!(code(format!("\n\t {INVOICE} \r\n")), None);
    assert_eq!(code(format!("{INVOICE}{{}}")), Some(Malformed));
    assert_eq!(code(format!("{INVOICE}\0")), Some(Malformed));
    assert_eq!(code(format!("\u{feff}{INVOICE}")), Some(Malformed));
    assert_eq!(code(&INVOICE.as_bytes()[..INVOICE.len() - 1]), Some(Malformed));
    assert_eq!(code([INVOICE.as_bytes(), b"\xff"].concat()), Some(Malformed));
}

#[test]
fn a_time_is_an_instant_with_an_offset() {
    let malformed = Some(Malformed);
    let cases = [
        ("2026-03-01T10:00:00+00:00", None),
        ("2026-03-01t10:00:00.123456789z", None),
        ("2026-03-01T12:00:00+02:00", None),
        ("1970-01-01T00:00:00+23:59", None),
        ("2026-02-28T23:59:60Z", malformed),
        ("2026-03-01T10:00:00", malformed),
        ("2026-03-01T10:00:00.1234567891Z", malformed),
        ("2026-02-29T10:00:00Z", malformed),
        ("1969-12-31T23:59:59Z", malformed),
        ("2026-03-01", malformed),
        ("", malformed),
        ("2199-12-31T23:59:59Z", Some(FutureTime)),
        ("2200-01-01T00:00:00Z", malformed),
    ];
    for (time, expected) in cases {
        check(INVOICE, &[("2026-03-01T10:00:00Z", time, expected)]);
    }
    check(INVOICE, &[("\"2026-03-01T10:00:00Z\"", "1772359200", malformed), ("\"time\":", "\"tide\":", malformed)]);
}

#[test]
fn malformed_comes_before_unknown_type_and_that_before_the_fields() {
    check(
        INVOICE,
        &[
            ("invoice.issued", "invoice.imagined", Some(UnknownType)),
            ("invoice.issued", "Invoice.Issued", Some(UnknownType)),
            ("invoice.issued\"", "invoice.imagined\",\"subject\":\"B2\"", Some(Malformed)),
        ],
    );
    let unknown = with(INVOICE, "invoice.issued", "alert.raised");
    check(
        &unknown,
        &[
            ("\"B1\"", "\"\"", Some(Malformed)),
            ("2026-03-01T10", "2026-03-01T25", Some(Malformed)),
            ("\"invoice_id\":\"I1\",", "", Some(UnknownType)),
            ("2026-03-01T10", "2036-03-01T10", Some(UnknownType)),
        ],
    );
}

#[test]
fn a_missing_field_comes_before_an_invalid_one() {
    check(
        INVOICE,
        &[
            ("\"invoice_id\":\"I1\",", "", Some(MissingField)),
            ("\"I1\"", "null", Some(MissingField)),
            ("\"invoice_id\"", "\"Invoice_id\"", Some(MissingField)),
            ("\"net_amount\":7000", "\"net_amount\":null", None),
            ("\"due_on\"", "\"amount\":1,\"due\"", Some(MissingField)),
        ],
    );
    check(&with(INVOICE, "8400.00", "-1"), &[(",\"due_on\":\"2026-04-30\"", "", Some(MissingField))]);
    check(
        COVER,
        &[
            ("primary", "single_risk", Some(MissingField)),
            ("\"primary\"", "\"single_risk\",\"order_id\":null", Some(MissingField)),
            ("\"primary\"", "\"single_risk\",\"order_id\":\"O1\"", None),
            ("\"primary\"", "\"single_risk\",\"order_id\":\"\"", Some(InvalidField)),
        ],
    );
    check(
        &with(COVER, "primary", "single_risk"),
        &[
            ("1e5", "-1", Some(MissingField)),
            ("\"valid_to\":", "\"cover_id\":\"C1\",\"valid_to\":", Some(MissingField)),
        ],
    );
    let (code, message) = outcome(with(INVOICE, "\"I1\"", "null").as_bytes()).expect_err("a refusal");
    assert_eq!(code, MissingField);
    assert_eq!(
        message,
        "data.invoice_id is missing: it should be a string of 1 to 128 bytes without control characters."
    );
}

#[test]
fn a_field_of_the_wrong_kind_or_out_of_range_is_invalid() {
    let invalid = Some(InvalidField);
    let (longest, too_long) = (format!("\"{}\"", "é".repeat(64)), format!("\"{}a\"", "é".repeat(64)));
    check(
        INVOICE,
        &[
            ("\"I1\"", "1", invalid),
            ("\"I1\"", "\"\"", invalid),
            ("\"I1\"", "\"a\\tb\"", invalid),
            ("\"I1\"", "\"a\u{7f}b\"", invalid),
            ("\"I1\"", &longest, None),
            ("\"I1\"", &too_long, invalid),
            ("\"8400.00\"", "8400.00", None),
            ("\"8400.00\"", "\"84e2\"", None),
            ("\"8400.00\"", "84E+2", None),
            ("\"8400.00\"", "\"100000000000000\"", None),
            ("\"8400.00\"", "\"100000000000000.0001\"", invalid),
            ("\"8400.00\"", "8400.00010000", None),
            ("\"8400.00\"", "8400.00001", invalid),
            ("\"8400.00\"", "1e-5", invalid),
            ("\"8400.00\"", "\"+8400\"", invalid),
            ("\"8400.00\"", "\" 8400\"", invalid),
            ("\"8400.00\"", "\"08400\"", invalid),
            ("\"8400.00\"", "\"8400.\"", invalid),
            ("\"8400.00\"", "\"\"", invalid),
            ("\"8400.00\"", "0", invalid),
            ("\"8400.00\"", "-0.0", invalid),
            ("\"8400.00\"", "-8400", invalid),
            ("\"8400.00\"", "1e999999999999", invalid),
            ("\"8400.00\"", "true", invalid),
            ("\"8400.00\"", "[]", invalid),
            ("\"EUR\"", "\"eur\"", invalid),
            ("\"EUR\"", "\"EURO\"", invalid),
            ("\"EUR\"", "978", invalid),
            ("2026-04-30", "2026-04-31", invalid),
            ("2026-04-30", "2200-01-01", invalid),
            ("2026-04-30", "2026-03-01", None),
            ("2026-04-30", "2026-02-28", invalid),
            (":7000", ":8400", None),
            (":7000", ":8400.0001", invalid),
            ("\"data\":{", "\"data\":{\"seller_id\":\"\",", None),
            ("\"data\":{", "\"data\":{\"seller_id\":\"S\\u0001\",", invalid),
            ("\"data\":{", "\"data\":{\"seller_id\":7,", invalid),
            ("\"data\":{", "\"data\":{\"currency\":\"EUR\",", invalid),
            ("\"data\":{", "\"data\":{\"order_id\":null,\"order_id\":null,", invalid),
            ("\"data\":{", "\"data\":{\"other\":1,\"other\":{},", None),
        ],
    );
    check(
        COVER,
        &[
            ("30.0", "\"30\"", invalid),
            ("30.0", "3e1", None),
            ("30.0", "30.5", invalid),
            ("30.0", "3650", None),
            ("30.0", "3651", invalid),
            ("30.0", "-0", None),
            ("30.0", "-1", invalid),
            ("primary", "secondary", invalid),
            (":90,", ":\"90.0001\",", None),
            (":90,", ":90.00001,", invalid),
            (":90,", ":100.0001,", invalid),
            (":90,", ":0,", None),
            ("2026-12-31", "2025-12-31", invalid),
            ("2026-12-31", "2026-01-01", None),
        ],
    );
    check(
        PAYMENT,
        &[
            ("[{\"invoice_id\":\"I1\",\"amount\":\"4.5\"}]", "[]", None),
            ("[{\"invoice_id\":\"I1\",\"amount\":\"4.5\"}]", "{}", invalid),
            ("[{\"invoice_id\":\"I1\",\"amount\":\"4.5\"}]", "[null]", invalid),
            ("{\"invoice_id\":\"I1\",", "{", invalid),
            ("{\"invoice_id\":\"I1\",", "{\"invoice_id\":null,", invalid),
            ("{\"invoice_id\":\"I1\",", "{\"invoice_id\":\"I1\",\"invoice_id\":\"I1\",", invalid),
            ("{\"invoice_id\":\"I1\",", "{\"invoice_id\":\"I1\",\"x\":1,\"x\":2,", None),
            ("\"4.5\"", "0", invalid),
        ],
    );
    check(
        RATE,
        &[
            ("USD", "EUR", invalid),
            ("\"0.9213\"", "0.000000000001", None),
            ("\"0.9213\"", "0.0000000000001", invalid),
            ("\"0.9213\"", "1e9", invalid),
            ("\"0.9213\"", "0", invalid),
        ],
    );
    let allocated = with(
        &with(PAYMENT, "payment.received", "payment.allocated"),
        "\"amount\":10,\"currency\":\"EUR\",\"received_on\"",
        "\"allocation_id\":\"A1\",\"allocated_on\"",
    );
    assert_eq!(code(&allocated), None);
    check(&allocated, &[("[{\"invoice_id\":\"I1\",\"amount\":\"4.5\"}]", "[]", invalid)]);
    let (_, message) = outcome(with(INVOICE, "EUR", &"x".repeat(500)).as_bytes()).expect_err("a refusal");
    assert_eq!(message, format!("data.currency should be three letters A to Z, and is \"{}…\".", "x".repeat(60)));
}

#[test]
fn types_without_a_buyer_need_no_subject() {
    check(
        RATE,
        &[
            ("\"id\"", "\"subject\":5,\"id\"", None),
            ("\"id\"", "\"subject\":\"B1\",\"id\"", None),
            ("\"id\"", "\"subject\":\"B1\",\"subject\":\"B1\",\"id\"", Some(Malformed)),
            ("fx.rate", "clock.tick", None),
            ("{\"currency\":\"USD\",\"rate\":\"0.9213\"}", "null", Some(Malformed)),
            ("{\"currency\":\"USD\",\"rate\":\"0.9213\"}", "{}", Some(MissingField)),
        ],
    );
    let scratch = Bump::new();
    let rate = with(RATE, "\"id\"", "\"subject\":\"B1\",\"id\"");
    assert_eq!(decode_value(rate.as_bytes(), &rules(), &scratch).map(|event| event.subject), Ok(""));
}

#[test]
fn the_future_begins_beyond_the_allowed_skew() {
    check(
        INVOICE,
        &[
            ("2026-03-01T10:00:00Z", "2026-03-01T10:10:00Z", None),
            ("2026-03-01T10:00:00Z", "2026-03-01T10:10:00.000000001Z", Some(FutureTime)),
            ("2026-03-01T10:00:00Z", "2026-03-01T11:10:00.000000001+01:00", Some(FutureTime)),
        ],
    );
    check(&with(INVOICE, "2026-03-01T10", "2027-03-01T10"), &[("8400.00", "x", Some(InvalidField))]);
}

/// The record of a value, where it belongs.
fn record(value: &[u8]) -> Record<'_> {
    let partition = partition_of(b"B1", 12);
    Record { topic: Topic::Invoices, partition, partitions: 12, key: Some(b"B1"), headers: &[], value }
}

fn record_code(record: &Record<'_>, rules: &DecodeRules) -> Option<RefusalCode> {
    decode_record(record, rules, &Bump::new()).err().map(|refusal| refusal.code)
}

#[test]
fn a_record_must_be_on_the_home_topic_under_its_buyers_key_and_in_its_partition() {
    let good = record(INVOICE.as_bytes());
    let any = DecodeRules { topics: TopicRule::Any, ..rules() };
    assert_eq!(record_code(&good, &rules()), None);
    let elsewhere = Record { topic: Topic::Decisions, ..good };
    assert_eq!(record_code(&elsewhere, &rules()), Some(WrongTopic));
    assert_eq!(record_code(&elsewhere, &any), None);
    for key in [None, Some(b"".as_slice()), Some(b"B2"), Some(b"b1"), Some(b"\xff")] {
        assert_eq!(record_code(&Record { key, ..good }, &rules()), Some(KeyMismatch), "{key:?}");
    }
    assert_eq!(record_code(&Record { partition: (good.partition + 1) % 12, ..good }, &rules()), Some(KeyMismatch));
    let snooze = with(INVOICE, "invoice.issued", "alert.snoozed");
    let snooze = with(&snooze, r#""data":{"#, r#""data":{"alert_id":"a1","until":"2026-03-20","decided_by":"me","#);
    let snooze = Record { value: snooze.as_bytes(), ..good };
    assert_eq!(record_code(&snooze, &rules()), Some(WrongTopic));
    assert_eq!(record_code(&Record { topic: Topic::Decisions, ..snooze }, &rules()), None);
    let nobody = Record { topic: Topic::FxRates, key: Some(b"any"), partition: 3, value: RATE.as_bytes(), ..good };
    assert_eq!(record_code(&nobody, &rules()), None);
    assert_eq!(record_code(&Record { key: None, ..nobody }, &rules()), None);
    assert_eq!(record_code(&Record { topic: Topic::Signals, ..nobody }, &rules()), Some(WrongTopic));
    let tick = with(RATE, "fx.rate", "clock.tick");
    for topic in Topic::ALL {
        assert_eq!(record_code(&Record { topic: *topic, value: tick.as_bytes(), ..nobody }, &rules()), None);
    }
}

#[test]
fn a_record_is_refused_for_the_first_check_that_fails() {
    let late = with(INVOICE, "2026-03-01T10", "2027-03-01T10");
    let wrong = Record { topic: Topic::Payments, key: None, ..record(late.as_bytes()) };
    assert_eq!(record_code(&wrong, &rules()), Some(WrongTopic));
    assert_eq!(record_code(&Record { topic: Topic::Invoices, ..wrong }, &rules()), Some(KeyMismatch));
    assert_eq!(record_code(&record(late.as_bytes()), &rules()), Some(FutureTime));
    let invalid = with(&late, "8400.00", "x");
    assert_eq!(record_code(&Record { value: invalid.as_bytes(), ..wrong }, &rules()), Some(InvalidField));
}

#[test]
fn in_binary_mode_the_attributes_are_headers_and_the_value_is_data() {
    let header = |name: &'static str, value: &'static str| Header { name, value: Some(value.as_bytes()) };
    let headers = [
        header("content-type", "application/json"),
        header("ce_specversion", "1.0"),
        header("ce_id", "e1"),
        header("ce_source", "erp"),
        header("ce_type", "invoice.cancelled"),
        header("ce_time", "2026-03-01T10:00:00Z"),
        header("ce_subject", "B1"),
        header("ce_extra", "ignored"),
        header("traceparent", "ignored"),
    ];
    let binary = Record { headers: &headers, ..record(br#"{"invoice_id":"I\u0031"}"#) };
    let scratch = Bump::new();
    let event = decode_record(&binary, &rules(), &scratch).expect("an event");
    assert_eq!(
        (event.id, event.source, event.subject, event.body.spec().name),
        ("e1", "erp", "B1", "invoice.cancelled")
    );
    assert_eq!(record_code(&Record { value: b"{}", ..binary }, &rules()), Some(MissingField));
    for value in ["", "null", "[]", "{\"invoice_id\":\"I1\"} x"] {
        assert_eq!(record_code(&Record { value: value.as_bytes(), ..binary }, &rules()), Some(Malformed), "{value}");
    }
    for place in 1..7 {
        let mut changed = headers;
        changed[place].value = None;
        assert_eq!(record_code(&Record { headers: &changed, ..binary }, &rules()), Some(Malformed), "without {place}");
        changed[place].value = Some(b"\xff");
        assert_eq!(record_code(&Record { headers: &changed, ..binary }, &rules()), Some(Malformed), "bytes in {place}");
        changed[place] = headers[place];
        changed[8] = headers[place];
        assert_eq!(record_code(&Record { headers: &changed, ..binary }, &rules()), Some(Malformed), "twice {place}");
    }
    let mut structured = headers;
    structured[0] = header("Content-Type", "application/cloudevents+json; charset=UTF-8");
    assert_eq!(record_code(&Record { headers: &structured, ..binary }, &rules()), Some(Malformed));
    assert_eq!(record_code(&Record { headers: &structured, ..record(INVOICE.as_bytes()) }, &rules()), None);
    assert_eq!(record_code(&Record { headers: &headers[..1], ..record(INVOICE.as_bytes()) }, &rules()), None);
}
