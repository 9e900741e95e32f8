//! `vigie import` through the binary: extracts of made-up rows, their events, and what is told of rows that cannot be used.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use vigie::base::{Currency, Instant};
use vigie::wire::{DecodeRules, decode_value};

/// A map with every field and strict rules.
const MAP: &str = r#"
name = "test"
dates = ["%Y-%m-%d"]
currency = "EUR"
may_be_absent = ["seller", "net_amount", "currency", "name", "cleared_on", "paid_amount", "kind"]
[columns]
buyer = "buyer"
seller = "seller"
document = "doc"
name = "name"
issued_on = "issued"
due_on = "due"
amount = "amount"
net_amount = "net"
currency = "cur"
cleared_on = "cleared"
paid_amount = "paid"
kind = "state"
[kinds]
"" = "open"
P = "paid"
C = "cancelled"
W = "written_off"
X = "protested"
L = "lapsed"
"#;
const HEADER: &str = "buyer,seller,doc,name,issued,due,amount,net,cur,cleared,paid,state\n";

/// A folder with extracts, in which the program runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        desk.put("map.toml", MAP);
        desk
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Desk {
        std::fs::write(self.0.path().join(name), content).expect("written");
        self
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.current_dir(self.0.path()).arg("import").args(arguments.split_whitespace());
        command
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("listed");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// Lines of standard error that are not the table of numbers.
fn told(output: &Output) -> Vec<String> {
    let is_told = |line: &&str| line.contains(": ") && !line.starts_with(' ');
    stderr(output).lines().filter(is_told).map(str::to_owned).collect()
}

/// The events, each decoded by the contract and then shown in few words: "day subject type data".
fn events(output: &Output, base: &str) -> Vec<String> {
    let rules = DecodeRules::new(Currency::parse(base).expect("a currency"), Instant::MAX);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.lines().map(|line| shown(line, &rules)).collect()
}

fn shown(line: &str, rules: &DecodeRules) -> String {
    let scratch = bumpalo::Bump::new();
    if let Err(refusal) = decode_value(line.as_bytes(), rules, &scratch) {
        panic!("{refusal}: {line}");
    }
    let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {} {}", text("time"), text("subject"), text("type"), event["data"])
}

fn summary(desk: &Desk) -> serde_json::Value {
    let text = std::fs::read(desk.0.path().join("s.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let refused: u64 =
        summary["refused"].as_object().expect("reasons").values().filter_map(|count| count.as_u64()).sum();
    assert_eq!(summary["rows"].as_u64(), summary["used"].as_u64().map(|used| used + refused), "{summary}");
    summary
}

#[test]
fn every_kind_of_row_becomes_its_events_earliest_first() {
    let desk = Desk::new();
    desk.put(
        "a.csv",
        format!(
            "{HEADER}B1,S1,1,Fig & Co,2024-01-10,2024-02-10,100,80.00,USD,2024-02-12,100.00,P\n\
             B1,S1,2,Fig Ltd,2024-01-08,2024-02-08,50.5,,,,,\n\
             B2,,1,,2024-01-09,2024-02-09,10,,,2024-01-10,,C\n\
             B2,,2,,2024-01-09,2024-02-09,11,,,2024-06-01,,W\n\
             B2,,3,,2024-01-09,2024-02-09,12,,,2024-03-01,,X\n\
             B2,S1,3,,2024-01-09,2024-02-09,13,,,2024-02-10,,L\n\
             B2,S1,4,,2024-01-09,2024-02-09,14,,,2024-02-09,,L\n\
             B2,S1,5,,2024-01-09,2024-02-09,15,,,2024-01-01,,P\n\
             B2,S1,6,,2024-01-09,2024-02-09,16,,,2024-02-20,6,P\n"
        ),
    );
    let output = desk.run("--map map.toml a.csv --summary s.json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(told(&output), Vec::<String>::new());
    let wanted = r#"2024-01-01T12:00:00Z B2 payment.received {"seller_id":"S1","payment_id":"5","amount":"15.00","currency":"EUR","received_on":"2024-01-01","allocations":[{"invoice_id":"5","amount":"15.00"}]}
2024-01-08T12:00:00Z B1 buyer.described {"name":"Fig Ltd"}
2024-01-08T12:00:00Z B1 invoice.issued {"seller_id":"S1","invoice_id":"2","amount":"50.50","currency":"EUR","issued_on":"2024-01-08","due_on":"2024-02-08"}
2024-01-09T12:00:00Z B2 invoice.issued {"invoice_id":"1","amount":"10.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"invoice_id":"2","amount":"11.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"invoice_id":"3","amount":"12.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"seller_id":"S1","invoice_id":"3","amount":"13.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"seller_id":"S1","invoice_id":"4","amount":"14.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"seller_id":"S1","invoice_id":"5","amount":"15.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-09T12:00:00Z B2 invoice.issued {"seller_id":"S1","invoice_id":"6","amount":"16.00","currency":"EUR","issued_on":"2024-01-09","due_on":"2024-02-09"}
2024-01-10T12:00:00Z B1 buyer.described {"name":"Fig & Co"}
2024-01-10T12:00:00Z B1 invoice.issued {"seller_id":"S1","invoice_id":"1","amount":"100.00","net_amount":"80.00","currency":"USD","issued_on":"2024-01-10","due_on":"2024-02-10"}
2024-01-10T12:00:00Z B2 invoice.cancelled {"invoice_id":"1"}
2024-02-10T12:00:00Z B2 incident.reported {"incident_id":"S1:3","kind":"unpaid","amount":"13.00","currency":"EUR","days_overdue":1}
2024-02-12T12:00:00Z B1 payment.received {"seller_id":"S1","payment_id":"1","amount":"100.00","currency":"USD","received_on":"2024-02-12","allocations":[{"invoice_id":"1","amount":"100.00"}]}
2024-02-20T12:00:00Z B2 payment.received {"seller_id":"S1","payment_id":"6","amount":"6.00","currency":"EUR","received_on":"2024-02-20","allocations":[{"invoice_id":"6","amount":"6.00"}]}
2024-03-01T12:00:00Z B2 incident.reported {"incident_id":"3","kind":"protest","amount":"12.00","currency":"EUR","days_overdue":21}
2024-06-01T12:00:00Z B2 invoice.written_off {"invoice_id":"2"}"#;
    assert_eq!(events(&output, "GBP").join("\n"), wanted);
    assert_eq!(
        summary(&desk).to_string(),
        r#"{"rows":9,"used":9,"refused":{},"mended":{},"currencies":{"EUR":8,"USD":1},"events":{"buyer.described":2,"incident.reported":2,"invoice.cancelled":1,"invoice.issued":9,"invoice.written_off":1,"payment.received":3}}"#
    );
}

#[test]
fn each_wrong_row_is_told_by_line_and_column_and_the_rest_goes_on() {
    let long = "x".repeat(129);
    let cases: &[(&str, &str)] = &[
        (
            "B,S,1,,2024-01-01,2024-02-01,5,,,,",
            "12: refused: 11 cells where the header has 12: is a quote or a delimiter astray?",
        ),
        (
            "B,S,1,,2024-01-01,2024-02-01,5,,,,,,",
            "13: refused: 13 cells where the header has 12: is a quote or a delimiter astray?",
        ),
        ("B,S,1,,2024-01-01,2024-02-01,,,,,,", "7: refused: amount: is empty"),
        ("B,S, ,,2024-01-01,2024-02-01,5,,,,,", "3: refused: doc: is empty"),
        ("B,S,1,,,2024-02-01,5,,,,,", "5: refused: issued: is empty"),
        ("B,S,1,,2024-01-01,2024-02-01,5,,,,,P", "10: refused: cleared: is empty"),
        (
            "B\u{7}C,S,1,,2024-01-01,2024-02-01,5,,,,,",
            "1: refused: buyer: \"B\\u{7}C\" is no id: 1 to 128 bytes, no control character",
        ),
        (
            "B,S,1,,2024-01-01,31/01/2024,5,,,,,",
            "6: refused: due: \"31/01/2024\" is no date of 1970 to 2199 in the form %Y-%m-%d",
        ),
        (
            "B,S,1,,2024-01-01,2024-02-30,5,,,,,",
            "6: refused: due: \"2024-02-30\" is no date of 1970 to 2199 in the form %Y-%m-%d",
        ),
        (
            "B,S,1,,2024-01-01,2024-02-01,\"5,00\",,,,,",
            "7: refused: amount: \"5,00\" is no number as the map has them, such as \"1234.56\"",
        ),
        ("B,S,1,,2024-01-01,2024-02-01,5.00001,,,,,", "7: refused: amount: \"5.00001\" has too many digits"),
        (
            "B,S,1,,2024-01-01,2024-02-01,100000000000000.01,,,,,",
            "7: refused: amount: \"100000000000000.01\" is out of range",
        ),
        ("B,S,1,,2024-01-01,2024-02-01,0.00,,,,,", "7: refused: amount: \"0.00\" is nothing: an invoice is over 0"),
        (
            "B,S,1,,2024-01-01,2024-02-01,5,,,2024-02-01,0,P",
            "11: refused: paid: \"0\" is nothing, of an invoice that is paid: give its code another kind",
        ),
        (
            "B,S,1,,2024-01-01,2024-02-01,-5,,,,,",
            "7: refused: amount: \"-5\" is under 0: a credit note is no invoice, leave it out of the extract",
        ),
        ("B,S,1,,2024-01-01,2024-02-01,5,,Euro,,,", "9: refused: cur: \"Euro\" is no currency of three letters A to Z"),
        (
            "B,S,1,,2024-01-01,2024-02-01,5,,,,,Z",
            "12: refused: state: \"Z\" is none of the map's kinds: \"\", \"C\", \"L\", \"P\", \"W\", \"X\"",
        ),
        (
            "B,S,1,,2024-02-02,2024-02-01,5,,,,,",
            "5: refused: issued: issued on 2024-02-02, after it is due on 2024-02-01",
        ),
        ("B,S,1,,2024-01-01,2024-02-01,5,5.01,,,,", "8: refused: net: \"5.01\" is over the amount"),
        ("B,S,ok,,2024-01-01,2024-02-01,5,,,,,", "3: refused: doc: \"ok\" is the same as at a.csv:2: skipped"),
        (
            "B,S,ok,,2024-01-01,2024-02-01,6,,,,,",
            "3: refused: doc: \"ok\" stands at a.csv:2 already, of the same buyer and seller, with other content; keep one of the two",
        ),
    ];
    let mut text = format!("{HEADER}B,S,ok,,2024-01-01,2024-02-01,5,,,,,\n").into_bytes();
    let mut wanted: Vec<String> = Vec::new();
    for (at, (row, message)) in cases.iter().enumerate() {
        text.extend_from_slice(row.as_bytes());
        text.push(b'\n');
        wanted.push(format!("a.csv:{}:{message}", at + 3));
    }
    let line = cases.len() + 3;
    text.extend_from_slice(b"B,S,1,\xff\xe9,2024-01-01,2024-02-01,5,,,,,\n");
    wanted.push(format!("a.csv:{line}:4: refused: name: \"\u{fffd}\u{fffd}\" is not UTF-8; convert the file"));
    text.extend_from_slice(format!("{long},S,1,,2024-01-01,2024-02-01,5,,,,,\n").as_bytes());
    let cut = "x".repeat(60);
    wanted.push(format!(
        "a.csv:{}:1: refused: buyer: \"{cut}\"... is no id: 1 to 128 bytes, no control character",
        line + 1
    ));
    text.extend_from_slice(b"B,S,last,,2024-01-01,2024-02-01,5,,,,,\n");
    let desk = Desk::new();
    let output = desk.put("a.csv", text).run("--map map.toml a.csv --output out.jsonl --summary s.json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(told(&output).join("\n"), wanted.join("\n"));
    let counts = summary(&desk);
    assert_eq!(
        counts["refused"].to_string(),
        r#"{"amount":3,"conflict":1,"currency":1,"date":2,"due_before_issue":1,"duplicate":1,"empty":4,"id":2,"negative_amount":1,"net_over_amount":1,"not_utf8":1,"unknown_kind":1,"width":2,"zero_amount":2}"#
    );
    assert_eq!((counts["used"].as_u64(), counts["events"].to_string().as_str()), (Some(2), r#"{"invoice.issued":2}"#));
}

#[test]
fn the_rules_of_the_map_mend_odd_rows_and_say_so() {
    let rows = format!(
        "{HEADER}B,S,1,,2024-02-03,2024-02-01,5,,,,,\n\
         B,S,2,,2024-01-01,2024-02-01,100,,,2024-02-05,101.5,P\n\
         B,S,3,,2024-01-01,2024-02-01,100,,,2024-02-05,97,P\n\
         B,S,4,,2024-01-01,2024-02-01,0,,,,,\n"
    );
    let desk = Desk::new();
    desk.put("a.csv", &rows);
    let rules = "[rules]\ndue_before_issue = \"mend_issue\"\npaid_over_nominal = \"drop\"\npaid_under_nominal = \"credit\"\n\
                 zero_amount = \"skip\"\n";
    desk.put("mend.toml", format!("{MAP}{rules}"));
    let output = desk.run("--map mend.toml a.csv --summary s.json");
    assert_eq!(
        told(&output).join("\n"),
        "a.csv:2:5: mended: issued: issued on 2024-02-03, after it is due on 2024-02-01: taken as issued on 2024-02-01\n\
         a.csv:3:11: mended: paid: \"101.5\" is over the amount: the rest is left out as interest\n\
         a.csv:4:11: mended: paid: \"97\" is under the amount: the rest is let off by a credit note"
    );
    let wanted = r#"2024-02-01T12:00:00Z B invoice.issued {"seller_id":"S","invoice_id":"1","amount":"5.00","currency":"EUR","issued_on":"2024-02-01","due_on":"2024-02-01"}
2024-02-05T12:00:00Z B payment.received {"seller_id":"S","payment_id":"2","amount":"100.00","currency":"EUR","received_on":"2024-02-05","allocations":[{"invoice_id":"2","amount":"100.00"}]}
2024-02-05T12:00:00Z B payment.received {"seller_id":"S","payment_id":"3","amount":"97.00","currency":"EUR","received_on":"2024-02-05","allocations":[{"invoice_id":"3","amount":"97.00"}]}
2024-02-05T12:00:00Z B invoice.credited {"seller_id":"S","invoice_id":"3","credit_note_id":"3","amount":"3.00","credited_on":"2024-02-05"}"#;
    assert_eq!(events(&output, "EUR")[2..].join("\n"), wanted);
    let counts = summary(&desk);
    assert_eq!(counts["mended"].to_string(), r#"{"due_before_issue":1,"paid_over_nominal":1,"paid_under_nominal":1}"#);
    assert_eq!(counts["refused"].to_string(), r#"{"zero_amount":1}"#);

    let unallocated = desk.run("--map map.toml a.csv");
    let overpaid = r#"{"seller_id":"S","payment_id":"2","amount":"101.50","currency":"EUR","received_on":"2024-02-05","allocations":[{"invoice_id":"2","amount":"100.00"}]}"#;
    assert!(events(&unallocated, "EUR").iter().any(|event| event.ends_with(overpaid)), "{unallocated:?}");
    assert!(
        told(&unallocated).contains(
            &"a.csv:3:11: mended: paid: \"101.5\" is over the amount: the rest is left unallocated".to_owned()
        )
    );
    let output =
        desk.put("no.toml", format!("{MAP}[rules]\npaid_over_nominal = \"refuse\"\n")).run("--map no.toml a.csv");
    assert!(
        told(&output).contains(&"a.csv:3:11: refused: paid: \"101.5\" is over the amount".to_owned()),
        "{output:?}"
    );
}

#[test]
fn lines_are_counted_past_crlf_blank_lines_quoted_line_ends_and_a_byte_order_mark() {
    let desk = Desk::new();
    let head = "\u{feff}buyer , doc,issued,due,amount\r\n";
    let text = format!(
        "{head}\r\n\n\"B\",\"1\nof 2\",2024-01-01,2024-02-01,\"5\"\r\nB,2,bad,2024-02-01,5\r\n  \r\n\
         \"B\n\n\",\"3\nof\n3\",bad,2024-02-01,5\r\nB,4,bad,2024-02-01,5"
    );
    let output = desk.put("a.csv", text).run("--map map.toml a.csv");
    let told: Vec<String> = told(&output).into_iter().filter(|line| line.contains("refused")).collect();
    let why = "3: refused: issued: \"bad\" is no date of 1970 to 2199 in the form %Y-%m-%d";
    let control = "2: refused: doc: \"1\\nof 2\" is no id: 1 to 128 bytes, no control character";
    assert_eq!(
        told,
        [format!("a.csv:4:{control}"), format!("a.csv:6:{why}"), format!("a.csv:8:{why}"), format!("a.csv:13:{why}")]
    );
}

#[test]
fn decimal_commas_thousands_delimiters_and_several_date_forms_are_read() {
    let desk = Desk::new();
    let map = "name = \"t\"\ndates = [\"%d/%m/%Y\", \"%Y%m%d\"]\ntime_of_day = \"08:30:00\"\ndelimiter = \"\\t\"\ndecimal = \",\"\n\
               thousands = \".\"\ncurrency = \"CHF\"\nseller = \"ZH\"\n[columns]\nbuyer = \"b\"\ndocument = \"d\"\n\
               issued_on = \"i\"\ndue_on = \"u\"\namount = \"a\"\n[rates]\nCHF = \"1.05\"\nUSD = \"0.9\"\n";
    let rows = "b\td\ti\tu\ta\nB\t1\t20240229\t31/03/2024\t1.234.567,8\n";
    let output = desk.put("m.toml", map).put("a.csv", rows).run("--map m.toml a.csv");
    let wanted = r#"2024-02-29T08:30:00Z - fx.rate {"currency":"CHF","rate":"1.05"}
2024-02-29T08:30:00Z B invoice.issued {"seller_id":"ZH","invoice_id":"1","amount":"1234567.80","currency":"CHF","issued_on":"2024-02-29","due_on":"2024-03-31"}"#;
    assert_eq!(events(&output, "EUR").join("\n"), wanted, "{}", stderr(&output));
}

#[test]
fn a_name_is_told_when_it_changes_by_day_of_issue() {
    let row = |doc: u8, name: &str, day: u8| format!("B,S,{doc},{name},2024-01-{day:02},2024-02-01,5,,,,,\n");
    let rows = [
        row(1, "Old", 1),
        row(2, "", 2),
        row(3, "Old", 3),
        row(4, "Zed", 5),
        row(5, "Abe", 5),
        row(6, "Abe", 6),
        row(7, "Old", 4),
    ];
    let desk = Desk::new();
    let output = desk.put("a.csv", format!("{HEADER}{}", rows.concat())).run("--map map.toml a.csv");
    let told: Vec<String> = events(&output, "EUR").into_iter().filter(|event| event.contains("described")).collect();
    assert_eq!(
        told,
        [
            "2024-01-01T12:00:00Z B buyer.described {\"name\":\"Old\"}",
            "2024-01-05T12:00:00Z B buyer.described {\"name\":\"Abe\"}"
        ]
    );
}

#[test]
fn ids_come_from_content_and_not_from_files() {
    let desk = Desk::new();
    let (one, two) =
        ("B,S,1,Fig,2024-01-01,2024-02-01,5,,,,,\n", "B,S,2,Fig,2024-01-02,2024-02-01,5,,,2024-02-02,,P\n");
    desk.put("a.csv", format!("{HEADER}{one}")).put("b.csv", format!("{HEADER}{two}"));
    desk.put("ab.csv", format!("{HEADER}{two}{one}"));
    let apart = desk.run("--map map.toml b.csv a.csv");
    let together = desk.run("--map map.toml ab.csv");
    assert_eq!(apart.stdout, together.stdout);
    let text = String::from_utf8(apart.stdout).expect("text");
    let ids: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|event| {
            format!("{} {}", event["source"].as_str().expect("a source"), event["id"].as_str().expect("an id"))
        })
        .collect();
    assert_eq!(
        ids,
        [
            "urn:vigie:import:test buyer.described:B:2024-01-01",
            "urn:vigie:import:test invoice.issued:B:S:1",
            "urn:vigie:import:test invoice.issued:B:S:2",
            "urn:vigie:import:test payment.received:B:S:2"
        ]
    );
}

#[test]
fn one_map_reads_extracts_with_and_without_optional_columns() {
    let desk = Desk::new();
    desk.put("open.csv", "doc,buyer,due,issued,amount,other\n2,B,2024-02-01,2024-01-02,7,\n");
    desk.put("closed.csv", "buyer,doc,issued,due,amount,cleared\nB,1,2024-01-01,2024-02-01,5,2024-02-03\n");
    let output = desk.run("--map map.toml closed.csv open.csv --summary s.json");
    assert_eq!(summary(&desk)["events"].to_string(), r#"{"invoice.issued":2,"payment.received":1}"#);
    let told = told(&output);
    assert!(
        told.contains(&"open.csv:1: there is no column \"cleared\": read without the cleared_on".to_owned()),
        "{told:?}"
    );
    assert!(!told.iter().any(|line| line.starts_with("closed.csv") && line.contains("cleared")), "{told:?}");
}

#[test]
fn what_cannot_be_imported_ends_in_one_line_and_leaves_nothing_half_written() {
    let desk = Desk::new();
    let good = format!("{HEADER}B,S,1,,2024-01-01,2024-02-01,5,,,,,\n");
    desk.put("good.csv", &good).put("empty.csv", "").put("blank.csv", "\n\r\n  \n");
    desk.put("headless.csv", "B,S,1,,2024-01-01,2024-02-01,5,,,,,\n");
    desk.put("lacks.csv", "buyer;doc;issued;due;amount\n").put("latin.csv", b"buyer,doc,issued,due,amount,\xe9\n");
    desk.put("twice.csv", "buyer,doc,issued,due,amount,doc\n").put("none.csv", format!("{HEADER}B,S\n"));
    desk.put("quote.csv", format!("{good}\"{}", "x\n".repeat(1 << 20)));
    desk.put("bad.toml", "name = ").put("cut.csv.gz", &gzipped(good.as_bytes())[..30]);
    std::fs::create_dir(desk.0.path().join("folder.csv")).expect("a folder");
    let before = desk.names();
    let names = "is it the header, and the delimiter the map's?";
    let cases = [
        ("--map map.toml empty.csv", 1, "empty.csv: is empty: its first line should name the columns".to_owned()),
        ("--map map.toml blank.csv", 1, "blank.csv: is empty: its first line should name the columns".to_owned()),
        ("--map map.toml headless.csv", 1, format!("headless.csv:1: there is no column \"buyer\", the map's buyer; the first line names \"B\", \"S\", \"1\", \"\", \"2024-01-01\", \"2024-02-01\", \"5\", \"\", \"\", \"\", \"\", \"\": {names}")),
        ("--map map.toml lacks.csv", 1, format!("lacks.csv:1: there is no column \"buyer\", the map's buyer; the first line names \"buyer;doc;issued;due;amount\": {names}")),
        ("--map map.toml latin.csv", 1, "latin.csv:1: the names of the columns are not UTF-8; convert the file".to_owned()),
        ("--map map.toml twice.csv", 1, "twice.csv:1: two columns are called \"doc\"; rename one".to_owned()),
        ("--map map.toml missing.csv", 1, "cannot read missing.csv: No such file or directory (os error 2)".to_owned()),
        ("--map map.toml folder.csv", 1, "cannot read folder.csv: it is a folder; name the files in it".to_owned()),
        ("--map map.toml cut.csv.gz", 1, "cannot read cut.csv.gz: incomplete deflate stream".to_owned()),
        ("--map map.toml good.csv cut.csv.gz", 1, "cannot read cut.csv.gz: incomplete deflate stream".to_owned()),
        ("--map map.toml quote.csv", 1, "quote.csv:3: a record of over 1048576 bytes begins here: is a quote not closed?".to_owned()),
        ("--map map.toml none.csv", 1, "none of the 1 rows could be used: is it the right map?".to_owned()),
        ("--map nomap.toml good.csv", 2, "cannot read nomap.toml: No such file or directory (os error 2); the maps that come with the program are highradius, nuclea, nuclea_companies, odoo, sage, sap".to_owned()),
        ("--map bad.toml good.csv", 2, "map bad.toml:1: string values must be quoted, expected literal string".to_owned()),
        ("--map map.toml good.csv --summary out.jsonl", 2, "--output and --summary are both out.jsonl; name two places".to_owned()),
        ("--map map.toml out.jsonl", 2, "out.jsonl would be overwritten; write somewhere else".to_owned()),
    ];
    for (arguments, code, message) in cases {
        let output = desk.run(&format!("{arguments} --output out.jsonl"));
        let last = stderr(&output).lines().last().unwrap_or_default().to_owned();
        assert_eq!(last, format!("vigie: {message}"), "{arguments}");
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert_eq!(desk.names(), before, "{arguments}");
    }
    assert_eq!(desk.run("good.csv").status.code(), Some(2), "--map is needed");
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

#[test]
fn compressed_files_and_pipes_are_read_and_written() {
    let desk = Desk::new();
    let good = format!("{HEADER}B,S,1,,2024-01-01,2024-02-01,5,,,,,\n");
    let plain = desk.put("good.csv", &good).run("--map map.toml good.csv").stdout;
    assert!(!plain.is_empty());
    desk.put("good.csv.gz", gzipped(good.as_bytes()));
    assert!(desk.run("--map map.toml good.csv.gz --output out.jsonl.zst").status.success());
    let written = std::fs::read(desk.0.path().join("out.jsonl.zst")).expect("written");
    assert_eq!(zstd::decode_all(&written[..]).expect("zstd"), plain);
    let mut child = desk
        .command("--map map.toml - --output -")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(good.as_bytes()).expect("written");
    assert_eq!(child.wait_with_output().expect("output").stdout, plain);
}

#[test]
fn a_header_alone_is_an_extract_without_rows() {
    let desk = Desk::new();
    let output = desk.put("a.csv", HEADER).run("--map map.toml a.csv --output out.jsonl --summary s.json");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(std::fs::read(desk.0.path().join("out.jsonl")).expect("written"), b"");
    assert_eq!(summary(&desk)["rows"], 0);
}

/// Imports rows by a shipped map and shows its events as "day buyer type".
fn shipped(map: &str, base: &str, rows: &str) -> Vec<String> {
    let desk = Desk::new();
    let output = desk.put("a.csv", rows).run(&format!("--map {map} a.csv"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let events = events(&output, base);
    events.iter().map(|event| event.replace("T12:00:00Z", "")).collect()
}

#[test]
fn the_map_highradius_reads_closed_and_open_invoices() {
    let closed = "business_code,cust_number,name_customer,invoice_id,posting_date,due_in_date,clear_date,invoice_currency,total_open_amount\n\
                  U9,77,,D1,2019-01-01,2019-01-31,2019-02-02,CAD,10.5\n";
    let wanted = r#"2019-01-01 - fx.rate {"currency":"CAD","rate":"0.75"}
2019-01-01 77 invoice.issued {"seller_id":"U9","invoice_id":"D1","amount":"10.50","currency":"CAD","issued_on":"2019-01-01","due_on":"2019-01-31"}
2019-02-02 77 payment.received {"seller_id":"U9","payment_id":"D1","amount":"10.50","currency":"CAD","received_on":"2019-02-02","allocations":[{"invoice_id":"D1","amount":"10.50"}]}"#;
    assert_eq!(shipped("highradius", "USD", closed).join("\n"), wanted);
    let open = "business_code,cust_number,name_customer,doc_id,posting_date,due_in_date,invoice_currency,total_open_amount,cust_payment_terms,invoice_id\n\
                U9,77,NIL co,5,2020-03-30,2020-03-26,USD,8,N30,5\n";
    let wanted = r#"2020-03-26 77 buyer.described {"name":"NIL co"}
2020-03-26 77 invoice.issued {"seller_id":"U9","invoice_id":"5","amount":"8.00","currency":"USD","issued_on":"2020-03-26","due_on":"2020-03-26"}"#;
    assert_eq!(shipped("highradius", "USD", open).join("\n"), wanted);
}

#[test]
fn the_map_nuclea_reads_each_code_of_a_boleto() {
    let row = |doc: &str, ended: &str, paid: &str, code: &str| {
        format!("{doc},P,C,2024-04-01,2024-05-10,{ended},100.0,{paid},{code},DM\n")
    };
    let rows = [
        "id_boleto,id_pagador,id_beneficiario,dt_emissao,dt_vencimento,dt_pagamento,vlr_nominal,vlr_baixa,tipo_baixa,tipo_especie\n".to_owned(),
        row("a", "2024-05-10", "100.0", "0 - Baixa integral interbancaria"),
        row("b", "2024-05-12", "102.5", "1 - Baixa integral intrabancaria"),
        row("c", "2024-05-11", "90.0", "9 - Baixa integral interbancaria - Liquidacao via STR"),
        row("d", "2024-04-15", "", "5 - Baixa integral por solicitacao do cedente"),
        row("e", "2024-06-10", "", "6 - Baixa integral por envio para protesto"),
        row("f", "2024-07-10", "", "7 - Baixa integral por decurso de prazo"),
        row("g", "2024-07-11", "", "8 - Baixa integral por solicitacao da instituicao destinataria"),
        row("h", "", "", ""),
    ];
    let events = shipped("nuclea", "BRL", &rows.concat());
    assert_eq!(events.iter().filter(|event| event.starts_with("2024-04-01 P invoice.issued")).count(), 8);
    let wanted = r#"2024-04-15 P invoice.cancelled {"seller_id":"C","invoice_id":"d"}
2024-05-10 P payment.received {"seller_id":"C","payment_id":"a","amount":"100.00","currency":"BRL","received_on":"2024-05-10","allocations":[{"invoice_id":"a","amount":"100.00"}]}
2024-05-11 P payment.received {"seller_id":"C","payment_id":"c","amount":"90.00","currency":"BRL","received_on":"2024-05-11","allocations":[{"invoice_id":"c","amount":"90.00"}]}
2024-05-11 P invoice.credited {"seller_id":"C","invoice_id":"c","credit_note_id":"c","amount":"10.00","credited_on":"2024-05-11"}
2024-05-12 P payment.received {"seller_id":"C","payment_id":"b","amount":"100.00","currency":"BRL","received_on":"2024-05-12","allocations":[{"invoice_id":"b","amount":"100.00"}]}
2024-06-10 P incident.reported {"incident_id":"C:e","kind":"protest","amount":"100.00","currency":"BRL","days_overdue":31}
2024-07-10 P incident.reported {"incident_id":"C:f","kind":"unpaid","amount":"100.00","currency":"BRL","days_overdue":61}
2024-07-11 P incident.reported {"incident_id":"C:g","kind":"unpaid","amount":"100.00","currency":"BRL","days_overdue":62}"#;
    assert_eq!(events[8..].join("\n"), wanted);
}

#[test]
fn the_example_maps_read_extracts_of_their_erps() {
    let sap = "Account;Company Code;Document Number;Document Date;Net Due Date;Amount in doc. curr.;Document currency;Clearing date\n\
               10042;FR01;1800000001;05.01.2024;04.02.2024;1.234,50;EUR;\n";
    let wanted = r#"2024-01-05 10042 invoice.issued {"seller_id":"FR01","invoice_id":"1800000001","amount":"1234.50","currency":"EUR","issued_on":"2024-01-05","due_on":"2024-02-04"}"#;
    assert_eq!(shipped("sap", "EUR", sap).join("\n"), wanted);

    let sage = "Code client;N° pièce;Date pièce;Date échéance;Montant TTC;Montant HT;Date règlement;Montant réglé\n\
                C01;FA0007;05/01/24;04/02/2024;1 200,00;1 000,00;10/02/2024;700,00\n";
    let wanted = r#"2024-01-05 C01 invoice.issued {"invoice_id":"FA0007","amount":"1200.00","net_amount":"1000.00","currency":"EUR","issued_on":"2024-01-05","due_on":"2024-02-04"}
2024-02-10 C01 payment.received {"payment_id":"FA0007","amount":"700.00","currency":"EUR","received_on":"2024-02-10","allocations":[{"invoice_id":"FA0007","amount":"700.00"}]}"#;
    assert_eq!(shipped("sage", "EUR", sage).join("\n"), wanted);

    let odoo = "Number,Partner/ID,Partner,Invoice/Bill Date,Due Date,Untaxed Amount,Total,Currency,Payment Status,Payment Date,Amount Paid\n\
                INV/1,7,Fig,2024-01-05,2024-02-04,100.0,120.0,EUR,partial,2024-02-10 09:00:00,20.0\n\
                INV/2,7,Fig,2024-01-06,2024-02-05,100.0,120.0,EUR,not_paid,,0.0\n";
    let wanted = r#"2024-01-05 7 buyer.described {"name":"Fig"}
2024-01-05 7 invoice.issued {"invoice_id":"INV/1","amount":"120.00","net_amount":"100.00","currency":"EUR","issued_on":"2024-01-05","due_on":"2024-02-04"}
2024-01-06 7 invoice.issued {"invoice_id":"INV/2","amount":"120.00","net_amount":"100.00","currency":"EUR","issued_on":"2024-01-06","due_on":"2024-02-05"}
2024-02-10 7 payment.received {"payment_id":"INV/1","amount":"20.00","currency":"EUR","received_on":"2024-02-10","allocations":[{"invoice_id":"INV/1","amount":"20.00"}]}"#;
    assert_eq!(shipped("odoo", "EUR", odoo).join("\n"), wanted);
}

#[test]
fn every_map_that_is_shipped_is_found_by_its_name_and_told_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/maps");
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("the description");
    let desk = Desk::new();
    let help = String::from_utf8(desk.run("--help").stdout).expect("text");
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(help.contains(&format!(" {name}")), "{name} is not in the help");
        assert!(readme.contains(&format!("| `{name}.toml` |")), "{name} is not in README.md");
        let output = stderr(&desk.run(&format!("--map {name} missing.csv")));
        assert!(output.starts_with("vigie: cannot read missing.csv"), "{output}");
    }
}

#[test]
fn the_description_of_maps_shows_the_example_maps_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/maps");
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("the description");
    for name in ["sap", "sage", "odoo"] {
        let map = std::fs::read_to_string(folder.join(format!("{name}.toml"))).expect("a map");
        assert!(readme.contains(&format!("```toml\n# {name}.toml\n{map}```\n")), "{name}.toml differs from README.md");
    }
}
