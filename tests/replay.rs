//! `vigie replay` through the built binary: what it counts, what it writes, and how it fails.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const NOW: &str = "2026-06-01T00:00:00Z";

/// A folder with events in it, and the binary run there.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.current_dir(self.folder.path()).args(["replay", "--now", NOW]).args(arguments);
        command.stdin(Stdio::null()).output().expect("the binary runs")
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

fn event(id: u32, type_name: &str, buyer: &str, time: &str, data: &str) -> String {
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"e{}","source":"test","type":"{}","subject":"{}","time":"{}","data":{}}}"#,
            "\n"
        ),
        id, type_name, buyer, time, data
    )
}

/// A portfolio's year: limits, covers, invoices, payments, ticks and rates, and lines that must be refused.
fn portfolio() -> String {
    let mut lines = String::new();
    let mut id = 0;
    let mut push = |type_name: &str, buyer: &str, time: &str, data: &str| {
        id += 1;
        lines.push_str(&event(id, type_name, buyer, time, data));
    };
    for buyer in 0..40 {
        let buyer = format!("buyer-{buyer}");
        push("limit.set", &buyer, "2025-01-01T08:00:00Z", r#"{"amount":"1000","currency":"EUR"}"#);
        let cover = r#"{"cover_id":"c","layer":"primary","amount":"800","currency":"EUR","insured_pct":"90",
            "valid_from":"2025-01-01","valid_to":"2026-12-31","max_extension_days":30,"declare_within_days":20}"#;
        push("cover.granted", &buyer, "2025-01-01T08:00:00Z", &cover.replace('\n', " "));
    }
    for day in 1..=28 {
        let date = format!("2025-02-{day:02}");
        push("fx.rate", "", &format!("{date}T00:00:01Z"), r#"{"currency":"USD","rate":"0.9"}"#);
        for buyer in 0..40 {
            let (buyer, time) = (format!("buyer-{buyer}"), format!("{date}T09:{buyer:02}:00Z"));
            let currency = if day % 5 == 0 { "USD" } else { "EUR" };
            let invoice = format!(
                r#"{{"invoice_id":"F{day}","amount":"{}","currency":"{currency}","issued_on":"{date}","due_on":"2025-03-{day:02}"}}"#,
                30 + day * 3
            );
            push("invoice.issued", &buyer, &time, &invoice);
            if day % 3 == 0 {
                push("invoice.issued", &buyer, &time, &invoice);
            }
            if day % 2 == 0 {
                let payment = format!(
                    r#"{{"payment_id":"P{day}","amount":"20","currency":"EUR","received_on":"{date}","allocations":[{{"invoice_id":"F{}","amount":"20"}}]}}"#,
                    day - 1
                );
                push("payment.received", &buyer, &time, &payment);
            }
        }
        if day == 14 {
            push("invoice.issued", "buyer-1", &format!("{date}T10:00:00Z"), r#"{"invoice_id":"F14"}"#);
            push("fx.rate", "", &format!("{date}T10:00:00Z"), r#"{"currency":"USD","rate":"-1"}"#);
        }
    }
    push("clock.tick", "", "2025-06-01T00:00:00Z", "{}");
    lines
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let files = |threads: &str| {
        let output = bench.run(&[
            "events.jsonl",
            "--threads",
            threads,
            "--report",
            "r.jsonl",
            "--outputs",
            "o.jsonl",
            "--dead-letters",
            "d.jsonl",
            "--history",
            "h.jsonl",
            "--summary",
            "s.json",
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stderr(&output), "", "quiet in a pipe");
        let mut summary: Value = serde_json::from_str(&bench.text("s.json")).expect("JSON");
        summary.as_object_mut().expect("an object").remove("events_per_second").expect("a speed");
        [
            bench.text("r.jsonl"),
            bench.text("o.jsonl"),
            bench.text("d.jsonl"),
            bench.text("h.jsonl"),
            summary.to_string(),
        ]
    };
    let one = files("1");
    assert_eq!(one[0].lines().count(), 40, "a row a buyer");
    assert!(one[1].lines().count() > 80, "at least a limit and the figures of each buyer");
    assert_eq!(one[2].lines().count(), 2);
    for threads in ["2", "3", "12"] {
        assert_eq!(files(threads), one, "{threads} threads");
    }
}

#[test]
fn a_history_changes_nothing_else_and_is_in_order_of_time() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let files = |history: &[&str]| {
        let wanted = ["events.jsonl", "--outputs", "o.jsonl", "--report", "r.jsonl"];
        let mut summary = bench.summary(&[&wanted, history].concat());
        summary.as_object_mut().expect("an object").remove("events_per_second").expect("a speed");
        (bench.text("o.jsonl"), bench.text("r.jsonl"), summary)
    };
    let without = files(&[]);
    assert!(!without.0.contains("score.changed"));
    for name in ["h.jsonl", "h.jsonl.zst", "h.parquet"] {
        assert!(files(&["--history", name]) == without, "{name} changed what else is written");
        assert!(bench.path(name).exists());
    }
    let packed = fs::read(bench.path("h.jsonl.zst")).expect("read");
    assert_eq!(zstd::decode_all(&packed[..]).expect("decoded"), bench.text("h.jsonl").as_bytes());
    let rows: Vec<Value> =
        bench.text("h.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let key = |row: &Value| (row["at"].as_str().map(str::to_owned), row["buyer_id"].as_str().map(str::to_owned));
    assert!(rows.is_sorted_by_key(key));
    assert!(rows.len() > 40, "every buyer is overdue at the end: {}", rows.len());
}

#[test]
fn the_summary_and_the_table_show_the_portfolio() {
    let bench = Bench::new();
    let described =
        |id: u32, buyer: &str, data: &str| event(id, "buyer.described", buyer, "2025-01-01T07:00:00Z", data);
    let mut events = described(9001, "buyer-1", r#"{"country":"FR","segment":"named","sector":"toys"}"#);
    events.push_str(&described(9002, "buyer-2", r#"{"country":"DE","segment":"unnamed","sector":"toys"}"#));
    events.push_str(&portfolio());
    bench.write("events.jsonl", events.as_bytes());
    let summary = bench.summary(&["events.jsonl", "--report", "r.jsonl"]);
    let view = &summary["portfolio"];
    let cents = |value: &Value| -> i64 { value.as_str().expect("money").replace('.', "").parse().expect("cents") };
    let rows: Vec<Value> =
        bench.text("r.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for column in ["outstanding", "overdue_1_30", "overdue_over_90", "exposure", "retained", "expected_loss"] {
        let sum: i64 = rows.iter().map(|row| cents(&row[column])).sum();
        assert_eq!(cents(&view["totals"][column]), sum, "{column}");
    }
    for dimension in ["segment", "country", "sector", "grade"] {
        let groups = view[format!("by_{dimension}")]["groups"].as_array().expect("groups");
        let sum: i64 = groups.iter().map(|group| cents(&group["exposure"])).sum();
        assert_eq!(sum, cents(&view["totals"]["exposure"]), "{dimension}");
    }
    assert_eq!(view["concentration"]["top_10"].as_array().map(Vec::len), Some(10));
    let shown = stderr(&bench.run(&["events.jsonl"]));
    for part in ["expected loss", "concentration (HHI)", "By segment", "By country", "toys", "(unknown)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("By seller"), "nobody named a seller: {shown}");
    let table = shown.split_once("Portfolio on").expect("a table").1;
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
}

#[test]
fn the_report_tells_how_fast_money_comes_in_and_what_may_be_lost() {
    let bench = Bench::new();
    let invoice = |id: u32, amount: u32, issued_on: &str, due_on: &str| {
        let data = format!(
            r#"{{"invoice_id":"F{id}","amount":{amount},"currency":"EUR","issued_on":"{issued_on}","due_on":"{due_on}"}}"#
        );
        event(id, "invoice.issued", "b", &format!("{issued_on}T09:00:00Z"), &data)
    };
    let payment = |id: u32, invoice: u32, on: &str| {
        let data = format!(
            r#"{{"payment_id":"P{id}","amount":60,"currency":"EUR","received_on":"{on}","allocations":[{{"invoice_id":"F{invoice}","amount":60}}]}}"#
        );
        event(id, "payment.received", "b", &format!("{on}T09:00:00Z"), &data)
    };
    let lines = [
        // Settled ten days late.
        invoice(1, 60, "2025-01-01", "2025-01-31"),
        payment(2, 1, "2025-02-10"),
        // Sales of 90, 120 and 100; 60 of the first paid, so that 250 is owed at the end of June.
        invoice(3, 90, "2025-04-10", "2025-05-10"),
        invoice(4, 120, "2025-05-10", "2025-07-01"),
        payment(5, 3, "2025-05-20"),
        invoice(6, 100, "2025-06-10", "2025-07-10"),
        event(
            7,
            "insolvency.opened",
            "b",
            "2025-06-20T09:00:00Z",
            r#"{"procedure":"receivership","opened_on":"2025-06-20"}"#,
        ),
        event(8, "limit.set", "without invoices", "2025-06-20T09:00:00Z", r#"{"amount":1,"currency":"EUR"}"#),
    ];
    bench.write("events.jsonl", lines.concat().as_bytes());
    let output = bench.run(&["events.jsonl", "--as-of", "2025-06-30", "--report", "-", "--outputs", "o.jsonl"]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let wanted = [
        ("dso", "72.6", "250 x 90 / 310"),
        ("dso_countback", "71.0", "June, May and a third of April"),
        ("average_days_delinquent", "8.7", "30 x 90 / 310"),
        ("days_beyond_terms", "23.7", "(60 x 10 + 30 x 51) / 90"),
        ("expected_loss", "200.00", "it is insolvent: 250 x 80 %"),
    ];
    for (column, value, why) in wanted {
        assert_eq!(rows[0][column], value, "{column}: {why}");
        let unknown = if column == "expected_loss" { Value::from("0.00") } else { Value::Null };
        assert_eq!(rows[1][column], unknown, "{column} of a buyer without invoices");
    }
    let told = bench.text("o.jsonl");
    let told =
        told.lines().filter(|line| line.contains("exposure.updated")).find(|line| line.contains(r#""subject":"b""#));
    let told: Value = serde_json::from_str(told.expect("its figures")).expect("JSON");
    for (column, ..) in wanted {
        assert_eq!(told["data"][column], rows[0][column], "{column}");
    }
}

#[test]
fn the_number_of_partitions_does_not_change_the_report() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let report = |partitions: &str| {
        let output = bench.run(&["events.jsonl", "--partitions", partitions, "--report", "-"]);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let one = report("1");
    assert_eq!(one.lines().count(), 40);
    assert_eq!(report("12"), one);
    assert_eq!(report("256"), one);
}

#[test]
fn outputs_come_shard_by_shard_and_every_buyer_is_told_once_at_the_end() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let output = bench.run(&["events.jsonl", "--partitions", "3", "--outputs", "-", "--summary", "s.json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let outputs: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let shard_of = |event: &Value| vigie::wire::partition_of(event["subject"].as_str().expect("text").as_bytes(), 3);
    assert!(outputs.is_sorted_by_key(shard_of));
    let mut told: Vec<&str> = outputs
        .iter()
        .filter(|event| event["type"] == "exposure.updated")
        .map(|event| event["subject"].as_str().expect("text"))
        .collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 40);
    let summary: Value = serde_json::from_str(&bench.text("s.json")).expect("JSON");
    let counted: u64 = summary["outputs"].as_object().expect("an object").values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, outputs.len() as u64);
}

#[test]
fn compressed_files_and_standard_input_are_read_like_plain_ones() {
    let bench = Bench::new();
    let events = portfolio();
    bench.write("plain.jsonl", events.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(events.as_bytes()).expect("written");
    bench.write("small.jsonl.gz", &gzip.finish().expect("finished"));
    bench.write("small.jsonl.zst", &zstd::encode_all(events.as_bytes(), 1).expect("encoded"));
    let plain = bench.summary(&["plain.jsonl"]);
    for name in ["small.jsonl.gz", "small.jsonl.zst"] {
        let summary = bench.summary(&[name]);
        for key in ["applied", "duplicate", "refused", "state_hash"] {
            assert_eq!(summary[key], plain[key], "{name}: {key}");
        }
    }
    let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["replay", "--now", NOW, "-", "--summary", "-"])
        .stdin(fs::File::open(bench.path("plain.jsonl")).expect("opened"))
        .output()
        .expect("the binary runs");
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["state_hash"], plain["state_hash"]);
}

#[test]
fn several_files_are_one_stream() {
    let bench = Bench::new();
    let events = portfolio();
    let half = events[..events.len() / 2].rfind('\n').expect("a line") + 1;
    bench.write("whole.jsonl", events.as_bytes());
    bench.write("a.jsonl", &events.as_bytes()[..half]);
    bench.write("b.jsonl", &events.as_bytes()[half..]);
    let (whole, parts) = (bench.summary(&["whole.jsonl"]), bench.summary(&["a.jsonl", "b.jsonl"]));
    assert_eq!((&whole["state_hash"], &whole["applied"]), (&parts["state_hash"], &parts["applied"]));
}

#[test]
fn a_line_without_a_buyer_acts_on_all_shards_and_counts_once() {
    let bench = Bench::new();
    let mut lines = event(1, "fx.rate", "", "2026-01-01T00:00:00Z", r#"{"currency":"USD","rate":"0.9"}"#);
    lines.push_str(&event(2, "clock.tick", "", "2026-01-01T00:00:00Z", "{}"));
    lines.push_str(&event(3, "fx.rate", "", "2026-01-01T00:00:00Z", r#"{"currency":"USD","rate":"0"}"#));
    lines.push_str("\n\r\nno event\r\n");
    bench.write("events.jsonl", lines.as_bytes());
    for partitions in ["1", "12"] {
        let output = bench.run(&["events.jsonl", "--partitions", partitions, "--summary", "-"]);
        let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(summary["applied"], 2);
        assert_eq!(summary["skipped"], 2);
        assert_eq!(summary["refused"], serde_json::json!({"malformed": 1, "invalid_field": 1}));
        let shown = stderr(&output);
        let refused: Vec<&str> = shown.lines().collect();
        assert_eq!(refused.len(), 2, "{shown}");
        assert!(refused[0].starts_with("events.jsonl:3: invalid_field: "), "{shown}");
        assert!(refused[1].starts_with("events.jsonl:6: malformed: "), "{shown}");
    }
}

#[test]
fn refused_lines_are_named_by_file_and_line() {
    let bench = Bench::new();
    bench.write("a.jsonl", "x\n".repeat(15).as_bytes());
    bench.write("b.jsonl", "\ny \u{1f600} \"quoted\"\n".repeat(10).as_bytes());
    let output = bench.run(&["a.jsonl", "b.jsonl", "--summary", "s.json"]);
    let shown = stderr(&output);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 21, "{shown}");
    assert!(lines[14].starts_with("a.jsonl:15: malformed: "), "{shown}");
    assert!(lines[15].starts_with("b.jsonl:2: malformed: "), "{shown}");
    assert_eq!(lines[20], "and 5 more refused: --dead-letters FILE names them all");

    let output = bench.run(&["a.jsonl", "b.jsonl", "--summary", "s.json", "--dead-letters", "d.jsonl"]);
    assert_eq!(stderr(&output), "");
    let dead: Vec<Value> =
        bench.text("d.jsonl").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(dead.len(), 25);
    assert_eq!((&dead[24]["file"], &dead[24]["line"]), (&Value::from("b.jsonl"), &Value::from(20)));
    assert_eq!((&dead[24]["code"], &dead[24]["value"]), (&Value::from("malformed"), &Value::from("y 😀 \"quoted\"")));
    assert!(dead[24]["message"].as_str().is_some_and(|message| message.ends_with('.')));
}

#[test]
fn a_line_beyond_every_limit_is_refused_and_the_next_is_read() {
    let bench = Bench::new();
    let mut lines = "a".repeat(3_500_000);
    lines.push('\n');
    lines.push_str(&event(1, "clock.tick", "", "2026-01-01T00:00:00Z", "{}"));
    lines.push_str(&"b".repeat(1 << 20));
    lines.push('\n');
    lines.push_str(&event(2, "clock.tick", "", "2026-01-02T00:00:00Z", "{}"));
    lines.push_str("a last line without its end");
    bench.write("events.jsonl", lines.as_bytes());
    let output = bench.run(&["events.jsonl", "--summary", "-"]);
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["applied"], 2);
    assert_eq!(summary["refused"], serde_json::json!({"malformed": 1, "too_large": 2}));
    assert!(stderr(&output).contains("events.jsonl:3: too_large: "), "{}", stderr(&output));
    assert!(stderr(&output).contains("events.jsonl:5: malformed: "), "{}", stderr(&output));
}

#[test]
fn what_is_ahead_of_now_is_refused() {
    let bench = Bench::new();
    bench.write("events.jsonl", event(1, "clock.tick", "", "2026-06-01T00:10:01Z", "{}").as_bytes());
    assert_eq!(bench.summary(&["events.jsonl"])["refused"], serde_json::json!({"future_time": 1}));
    bench.write("events.jsonl", event(1, "clock.tick", "", "2026-06-01T00:10:00Z", "{}").as_bytes());
    assert_eq!(bench.summary(&["events.jsonl"])["applied"], 1);
}

#[test]
fn nothing_accepted_is_an_empty_report() {
    let bench = Bench::new();
    bench.write("empty.jsonl", b"");
    let output = bench.run(&["empty.jsonl", "--report", "r.csv", "--outputs", "o.jsonl", "--summary", "-"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let keys: Vec<&String> = summary.as_object().expect("an object").keys().collect();
    let wanted =
        ["applied", "duplicate", "skipped", "refused", "outputs", "state_hash", "events_per_second", "portfolio"];
    assert_eq!(keys, wanted);
    assert_eq!(summary["portfolio"], Value::Null);
    assert_eq!((&summary["applied"], &summary["events_per_second"]), (&Value::from(0), &Value::from(0)));
    assert_eq!((bench.text("r.csv").lines().count(), bench.text("o.jsonl")), (1, String::new()), "a head alone");
}

#[test]
fn without_a_summary_a_table_is_shown() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let output = bench.run(&["events.jsonl", "--as-of", "2025-06-01"]);
    let shown = stderr(&output);
    assert!(output.status.success(), "{shown}");
    assert_eq!(output.stdout, b"");
    for part in ["applied", "Portfolio on 2025-06-01, in EUR", "retained", "Open alerts", "limit_exceeded"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn as_of_moves_the_clock_to_the_start_of_its_day() {
    let bench = Bench::new();
    let invoice = r#"{"invoice_id":"F","amount":"10","currency":"EUR","issued_on":"2026-01-01","due_on":"2026-01-31"}"#;
    bench.write("events.jsonl", event(1, "invoice.issued", "b", "2026-01-01T10:00:00Z", invoice).as_bytes());
    let told = |arguments: &[&str]| {
        let output = bench.run(&[&["events.jsonl", "--summary", "s.json", "--outputs", "-"], arguments].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("one output")
    };
    let end = told(&[]);
    assert_eq!((&end["time"], &end["data"]["as_of"]), (&"2026-01-01T10:00:00Z".into(), &"2026-01-01".into()));
    let later = told(&["--as-of", "2026-02-02"]);
    assert_eq!((&later["time"], &later["data"]["overdue_1_30"]), (&"2026-02-02T00:00:00Z".into(), &"10.00".into()));
    let output = bench.run(&["events.jsonl", "--as-of", "2025-12-31", "--report", "-", "--summary", "s.json"]);
    let row: Value = serde_json::from_slice(&output.stdout).expect("a row");
    assert_eq!(row["as_of"], "2025-12-31", "it sets today and filters nothing");
    assert_eq!(row["outstanding"], "10.00");
}

#[test]
fn a_replay_that_cannot_work_says_why_and_leaves_nothing() {
    let bench = Bench::new();
    let good = portfolio();
    bench.write("good.jsonl", good.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(good.as_bytes()).expect("written");
    let gzip = gzip.finish().expect("finished");
    bench.write("cut.jsonl.gz", &gzip[..gzip.len() / 2]);
    bench.write("no.jsonl.zst", b"no frame");
    bench.write("params.toml", b"[alerts]\nunheard_of = 1\n");
    fs::create_dir(bench.path("folder")).expect("made");
    let names = |bench: &Bench| {
        let mut names: Vec<_> =
            fs::read_dir(bench.folder.path()).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let before = names(&bench);
    let cases: &[(&[&str], i32, &str)] = &[
        (&["missing.jsonl"], 1, "cannot read missing.jsonl: "),
        (&["folder"], 1, "cannot read folder: it is a folder"),
        (&["good.jsonl", "cut.jsonl.gz"], 1, "cannot read cut.jsonl.gz: "),
        (&["no.jsonl.zst"], 1, "cannot read no.jsonl.zst: "),
        (&["good.jsonl", "--report", "missing/r.csv"], 1, "cannot write missing/r.csv: "),
        (&["good.jsonl", "--report", "r.txt"], 2, "r.txt"),
        (&["good.jsonl", "--params", "params.toml"], 2, "unheard_of"),
        (&["good.jsonl", "--params", "missing.toml"], 2, "missing.toml"),
        (&["good.jsonl", "--outputs", "-", "--summary", "-"], 2, "named for two outputs"),
        (&["good.jsonl", "--outputs", "good.jsonl"], 2, "is read and cannot be written too"),
        (&["-", "-"], 2, "standard input"),
        (&["good.jsonl", "--as-of", "2026-02-30"], 2, "2026-02-30"),
        (&["good.jsonl", "--base", "euro"], 2, "euro"),
        (&["good.jsonl", "--partitions", "0"], 2, "--partitions"),
        (&["good.jsonl", "--partitions", "257"], 2, "--partitions"),
        (&["good.jsonl", "--threads", "0"], 2, "--threads"),
        (&["good.jsonl", "--history", "h.csv"], 2, "cannot tell the history's format from \"h.csv\""),
        (&["good.jsonl", "--history", "missing/h.jsonl"], 1, "cannot write missing/h.jsonl: "),
        (&["good.jsonl", "--history", "-", "--outputs", "-"], 2, "named for two outputs"),
        (&["good.jsonl", "--history", "good.jsonl"], 2, "is read and cannot be written too"),
        (&["missing.jsonl", "--history", "h.parquet"], 1, "cannot read missing.jsonl: "),
        (&[], 2, "FILES"),
    ];
    for (arguments, code, said) in cases {
        let all = [*arguments, &["--dead-letters", "left.jsonl"]].concat();
        let output = bench.run(&all);
        let shown = stderr(&output);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {shown}");
        assert!(shown.contains(said), "{arguments:?}: {shown}");
        assert!(*code == 2 || shown.lines().count() == 1, "one line: {shown}");
        assert_eq!(names(&bench), before, "{arguments:?} left something");
    }
}

#[test]
fn params_change_what_comes_out_and_every_output_names_their_version() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    bench.write("params.toml", b"version = 42\nbase = 'USD'\n");
    let output = bench.run(&["events.jsonl", "--params", "params.toml", "--outputs", "o.jsonl", "--summary", "s.json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = bench.text("o.jsonl");
    let last: Value = serde_json::from_str(text.lines().last().expect("an output")).expect("JSON");
    assert_eq!((&last["data"]["params_version"], &last["data"]["currency"]), (&42.into(), &"USD".into()));
}

#[test]
fn outputs_may_be_compressed() {
    let bench = Bench::new();
    bench.write("events.jsonl", portfolio().as_bytes());
    let plain = bench.run(&["events.jsonl", "--outputs", "-", "--summary", "s.json"]).stdout;
    let output = bench.run(&["events.jsonl", "--outputs", "o.jsonl.zst", "--summary", "s.json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let packed = fs::read(Path::new(&bench.path("o.jsonl.zst"))).expect("read");
    assert_eq!(zstd::decode_all(&packed[..]).expect("decoded"), plain);
}
