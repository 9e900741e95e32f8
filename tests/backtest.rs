//! `vigie backtest` through the built binary: what it finds on a made-up portfolio, its report, and how it fails.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const NOW: &str = "2027-01-01T00:00:00Z";

/// A folder with a portfolio in it, and the binary run there.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a folder") }
    }

    /// With `events.jsonl` and `truth.jsonl` of a small portfolio.
    fn small() -> Bench {
        let bench = Bench::new();
        let made =
            bench.command("generate", &["--preset", "small", "--output", "events.jsonl", "--truth", "truth.jsonl"]);
        assert!(made.status.success(), "{}", stderr(&made));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Output {
        let mut vigie = Command::new(env!("CARGO_BIN_EXE_vigie"));
        vigie.current_dir(self.folder.path()).arg(command).args(arguments);
        vigie.stdin(Stdio::null()).output().expect("the binary runs")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command("backtest", &[&["--now", NOW], arguments].concat())
    }

    fn table(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn summary(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--summary", "-"]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn invoice(number: u32, buyer: &str, issued: &str, due: &str) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"i{0}","source":"test","type":"invoice.issued","subject":"{1}","#,
            r#""time":"{2}T08:00:00Z","data":{{"invoice_id":"I{0}","amount":100,"currency":"EUR","#,
            r#""issued_on":"{2}","due_on":"{3}"}}}}"#,
            "\n"
        ),
        number, buyer, issued, due
    )
}

fn payment(number: u32, buyer: &str, day: &str) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"p{0}","source":"test","type":"payment.received","subject":"{1}","#,
            r#""time":"{2}T09:00:00Z","data":{{"payment_id":"P{0}","amount":100,"currency":"EUR","received_on":"{2}","#,
            r#""allocations":[{{"invoice_id":"I{0}","amount":100}}]}}}}"#,
            "\n"
        ),
        number, buyer, day
    )
}

#[test]
fn a_buyer_that_always_pays_late_is_told_from_one_that_never_does() {
    let bench = Bench::new();
    let mut events = String::new();
    for month in 1..=9 {
        let (issued, due) = (format!("2025-{month:02}-01"), format!("2025-{month:02}-05"));
        events += &invoice(month, "prompt", &issued, &due);
        events += &invoice(100 + month, "late", &issued, &due);
        events += &payment(month, "prompt", &due);
        events += &payment(100 + month, "late", &format!("2025-{month:02}-20"));
    }
    fs::write(bench.path("events.jsonl"), events).expect("written");
    let found = bench.summary(&["events.jsonl", "--label", "late>10"]);
    // Of each buyer the first three invoices are no cases.
    assert_eq!(found["cases"]["positive"], 6);
    assert_eq!(found["cases"]["negative"], 6);
    assert_eq!(found["cases"]["without_history"], 6);
    let measure = |name: &str| {
        let rows = found["measures"].as_array().expect("rows");
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(measure("prior mean delay")["auc"], 1.0);
    assert_eq!(measure("prior mean delay")["average_precision"], 1.0);
    assert_eq!(measure("share late")["auc"], 1.0);
    assert_eq!(measure("days overdue now")["auc"], 0.5);
    assert_eq!(found["end"], "2025-09-20");
    assert_eq!(bench.summary(&["events.jsonl", "--label", "late>15"])["cases"]["positive"], 0);
    assert_eq!(bench.summary(&["events.jsonl", "--label", "late>14"])["cases"]["positive"], 6);
}

#[test]
fn a_made_up_portfolio_is_told_in_a_table_of_120_columns() {
    let bench = Bench::small();
    let table = bench.table(&["events.jsonl", "--label", "insolvency", "--truth", "truth.jsonl"]);
    for line in [
        "warned 30 days or more before insolvency",
        "median lead time, in days",
        "false alerts per 1,000 healthy buyers a month",
        "prior mean delay",
        "worst of the last 20",
        "days overdue now",
        "deterioration alerts: all",
        "deterioration alerts: slow_slide",
    ] {
        assert!(table.contains(line), "no {line:?} in\n{table}");
    }
    let widest = table.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|widest| widest <= 120), "{widest:?} columns:\n{table}");
    let late = bench.table(&["events.jsonl"]);
    assert!(late.contains("late>30") && late.contains("w/o top"), "{late}");
    assert!(late.lines().all(|line| line.chars().count() <= 120), "{late}");
}

#[test]
fn known_deteriorations_are_those_that_became_insolvent() {
    let bench = Bench::small();
    let found = bench.summary(&["events.jsonl", "--label", "insolvency", "--truth", "truth.jsonl"]);
    let known = bench.text("truth.jsonl").lines().count();
    assert!(known > 0);
    let warnings = &found["sets"][0]["warnings"];
    assert_eq!(warnings[0]["known"]["all"]["befallen"], known);
    assert_eq!(warnings[0]["warned"]["befallen"], known);
    assert_eq!(warnings[1]["name"], "alerts of any kind");
    // Rules speak in such a portfolio, and most of what they say is on healthy buyers.
    assert!(warnings[1]["raised"].as_u64() > Some(50), "{warnings}");
    assert!(warnings[1]["false_per_1000_a_month"].as_f64() > Some(1.0), "{warnings}");
    // The twelve month starts after the first day; those whose 180 days are not seen are unknown.
    let cases = &found["cases"];
    let counted: u64 = ["positive", "negative", "unknown"].iter().filter_map(|name| cases[name].as_u64()).sum();
    assert!(cases["unknown"].as_u64() > Some(0) && counted <= 12 * 200, "{cases}");
}

#[test]
fn the_report_is_one_file_that_stands_alone() {
    let bench = Bench::small();
    let arguments = ["events.jsonl", "--label", "insolvency", "--truth", "truth.jsonl", "--report", "report.html"];
    bench.table(&arguments);
    let report = bench.text("report.html");
    for banned in ["<script", "http://", "https://", "src=", "url(", "@import", "<link", "NaN", ">inf", "\"inf"] {
        assert!(!report.contains(banned), "the report has {banned}");
    }
    assert_well_formed(&report);
    for needed in ["<title>", "<desc>", "scope=\"col\"", "scope=\"row\"", "prefers-color-scheme:dark", "@media print"] {
        assert!(report.contains(needed), "the report has no {needed}");
    }
    assert_eq!(report.matches("<svg").count(), 4);
    assert_eq!(report.matches("<svg").count(), report.matches("<desc>").count());
}

#[test]
fn the_same_history_gives_the_same_findings() {
    let bench = Bench::small();
    let arguments = ["events.jsonl", "--report", "a.html", "--summary", "a.json"];
    let first = bench.table(&arguments);
    let second = bench.table(&arguments.map(|argument| match argument {
        "a.html" => "b.html",
        "a.json" => "b.json",
        other => other,
    }));
    assert_eq!(first, second);
    assert_eq!(bench.text("a.html"), bench.text("b.html"));
    assert_eq!(bench.text("a.json"), bench.text("b.json"));
    let packed = bench.command("generate", &["--preset", "small", "--output", "events.jsonl.zst"]);
    assert!(packed.status.success());
    let read = bench.summary(&["events.jsonl.zst"]);
    assert_eq!(read, serde_json::from_str::<Value>(&bench.text("a.json")).expect("JSON"));
}

#[test]
fn two_rule_sets_stand_side_by_side_on_the_same_history() {
    let bench = Bench::small();
    fs::write(bench.path("now.toml"), "version = 3\n").expect("written");
    fs::write(bench.path("lax.toml"), "version = 4\n[alerts]\nstop_ahead_days = 0\n").expect("written");
    let found = bench.summary(&["events.jsonl", "--params", "now.toml", "--params", "lax.toml"]);
    let sets = found["sets"].as_array().expect("sets");
    assert_eq!((sets[0]["version"].as_u64(), sets[1]["version"].as_u64()), (Some(3), Some(4)));
    let ahead = |set: usize| sets[set]["alerts"]["cover_stop_ahead"]["warning"].as_u64().unwrap_or(0);
    assert!(ahead(0) > ahead(1), "{} and {}", ahead(0), ahead(1));
    assert_eq!(sets[0]["alerts"]["limit_exceeded"], sets[1]["alerts"]["limit_exceeded"]);
    // Alone, the first finds the same as beside the second.
    let alone = bench.summary(&["events.jsonl", "--params", "now.toml"]);
    assert_eq!(alone["sets"][0], sets[0]);
    let table = bench.table(&["events.jsonl", "--params", "now.toml", "--params", "lax.toml", "--report", "r.html"]);
    assert!(table.contains("A: now.toml, version 3") && table.contains("B: lax.toml, version 4"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    assert_well_formed(&bench.text("r.html"));
}

#[test]
fn wrong_arguments_are_named_and_end_with_2() {
    let bench = Bench::small();
    fs::write(bench.path("p.toml"), "").expect("written");
    fs::write(bench.path("q.toml"), "base = 'USD'\n").expect("written");
    fs::write(bench.path("wrong.jsonl"), "{}\n").expect("written");
    let cases: &[(&[&str], &str)] = &[
        (&["events.jsonl", "--label", "late>x"], "'late>30'"),
        (&["events.jsonl", "--label", "soon"], "insolvency"),
        (&["events.jsonl", "--horizon", "0"], "1..=3650"),
        (&["events.jsonl", "--base", "euro"], "three letters"),
        (&["events.jsonl", "--params", "p.toml", "--params", "p.toml", "--params", "p.toml"], "3 times: at most 2"),
        (&["events.jsonl", "--params", "p.toml", "--params", "q.toml"], "--base"),
        (&["events.jsonl", "--params", "missing.toml"], "missing.toml"),
        (&["events.jsonl", "--truth", "wrong.jsonl"], "wrong.jsonl: entry 1"),
        (&["-", "-"], "named twice"),
        (&["events.jsonl", "--report", "events.jsonl"], "read and cannot be written"),
        (&["events.jsonl", "--report", "a", "--summary", "a"], "the same file"),
        (&[], "FILES"),
    ];
    for (arguments, named) in cases {
        let output = bench.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_history_that_cannot_be_read_ends_with_1_and_leaves_nothing() {
    let bench = Bench::new();
    let output = bench.run(&["missing.jsonl", "--report", "report.html"]);
    assert_eq!((output.status.code(), bench.path("report.html").exists()), (Some(1), false));
    assert!(stderr(&output).contains("cannot read missing.jsonl"), "{}", stderr(&output));
    fs::write(bench.path("empty.jsonl"), "\n{}\n").expect("written");
    let output = bench.run(&["empty.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("refused: 1 malformed"), "{}", stderr(&output));
}

/// Checks that every element that is opened is closed in order, and that attributes are quoted.
fn assert_well_formed(html: &str) {
    const VOID: [&str; 1] = ["meta"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        assert!(!name.is_empty(), "a bare <");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}
