//! Turns of any size give the same bytes.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn event(id: u32, type_name: &str, buyer: u32, second: u32, data: &str) -> String {
    let time = format!("2026-01-{:02}T{:02}:{:02}:00Z", second / 1440 + 1, second / 60 % 24, second % 60);
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"{}","source":"t","type":"{}","subject":"b{}","time":"{}","data":{}}}"#,
            "\n"
        ),
        id, type_name, buyer, time, data
    )
}

fn events() -> String {
    let mut lines = String::new();
    for id in 0..600 {
        let (buyer, second) = (id % 7, id * 37);
        let invoice = format!(
            r#"{{"invoice_id":"F{id}","amount":{},"currency":"EUR","issued_on":"2026-01-01","due_on":"2026-01-{:02}"}}"#,
            id + 1,
            id % 27 + 1
        );
        lines.push_str(&match id % 5 {
            0 => event(id, "limit.set", buyer, second, &format!(r#"{{"amount":{},"currency":"EUR"}}"#, id % 50)),
            4 => event(id, "clock.tick", buyer, second, "{}"),
            3 if id % 3 == 0 => "not an event\n\n".to_owned(),
            _ => event(id, "invoice.issued", buyer, second, &invoice),
        });
    }
    lines
}

#[test]
fn turns_of_any_size_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("events.jsonl"), events()).expect("written");
    let files = |records_max: usize, bytes_max: usize| {
        let mut line = vec!["replay".to_owned(), path("events.jsonl").display().to_string()];
        for name in ["report.jsonl", "outputs.jsonl", "dead-letters.jsonl", "summary.json"] {
            let flag = name.split_once('.').expect("an ending").0;
            line.extend([format!("--{flag}"), path(name).display().to_string()]);
        }
        line.extend(["--now", "2026-06-01T00:00:00Z", "--partitions", "3", "--threads", "2"].map(str::to_owned));
        let arguments = Command::try_parse_from(line).expect("arguments").arguments;
        replay(&arguments, BatchLimits { records_max, bytes_max, ..BatchLimits::default() }).expect("replayed");
        let text = |name: &str| std::fs::read_to_string(path(name)).expect("read");
        let summary: serde_json::Value = serde_json::from_str(&text("summary.json")).expect("JSON");
        let summary = (summary["state_hash"].clone(), summary["applied"].clone(), summary["outputs"].clone());
        (text("report.jsonl"), text("outputs.jsonl"), text("dead-letters.jsonl"), summary)
    };
    let one = files(1, 1 << 20);
    assert_eq!(one.0.lines().count(), 7);
    assert!(one.1.lines().count() > 50);
    assert_eq!(one.2.lines().count(), 40);
    for (records_max, bytes_max) in [(2, 1 << 20), (100, 1000), (100_000, 1 << 30)] {
        assert_eq!(files(records_max, bytes_max), one, "{records_max} records, {bytes_max} bytes");
    }
}
