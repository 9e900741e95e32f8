//! `vigie load` on a real broker, beside a monitor: what it says of itself against what is in the topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use vigie::base::{Day, Instant};

use crate::broker::Broker;
use crate::client::{OwnedRecord, Record};
use crate::committed::Committed;
use crate::monitor::{MONITOR_MAX, Monitor};
use crate::scene::{Clock, INPUTS, OUTPUTS, Scene, Way, await_that};

const PARTITIONS: u32 = 3;
/// A portfolio of some hundred events.
const PORTFOLIO: [&str; 8] = ["--preset", "small", "--buyers", "40", "--days", "60", "--seed", "3"];

fn load(scene: &Scene, flags: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_vigie"));
    process.current_dir(scene.folder()).arg("load").args(flags);
    process.args(["--brokers", &scene.brokers, "--prefix", &scene.prefix]).output().unwrap()
}

/// What a load that must do its work says of itself.
fn loaded(scene: &Scene, flags: &[&str]) -> Value {
    let output = load(scene, &[flags, &["--summary", "summary.json"]].concat());
    let (table, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{flags:?}: {log}");
    assert!(table.contains("events sent") && table.contains("p99.9"), "{table}");
    serde_json::from_str(&fs::read_to_string(scene.folder().join("summary.json")).unwrap()).unwrap()
}

/// What a load says that must fail, in one line.
fn refused(scene: &Scene, code: i32, flags: &[&str]) -> String {
    let output = load(scene, flags);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
    let told: Vec<&str> = said.lines().filter(|line| line.starts_with("vigie: ")).collect();
    assert_eq!(told.len(), 1, "{said}");
    told[0].to_owned()
}

fn count(summary: &Value, key: &str) -> u64 {
    summary.pointer(key).and_then(Value::as_u64).unwrap_or_else(|| panic!("{key} is no count: {summary}"))
}

/// Days ago, as a date.
fn day_ago(days: i32) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let today: Day = Instant::from_nanos(since.as_nanos() as i64).day();
    today.plus(-days).to_string()
}

fn inputs(seen: &Committed) -> impl Iterator<Item = (&'static str, &OwnedRecord)> {
    let names = INPUTS.iter().map(|(name, _)| *name);
    names.zip(&seen.inputs).flat_map(|(name, partitions)| partitions.iter().flatten().map(move |record| (name, record)))
}

/// An event's source and id.
fn name(event: &Value) -> (String, String) {
    (event["source"].as_str().unwrap().to_owned(), event["id"].as_str().unwrap().to_owned())
}

#[test]
fn a_load_is_acknowledged_and_its_outputs_are_matched_with_its_events() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    let monitor = Monitor::ready(&scene, "a");
    let from = day_ago(100);
    let paced = ["--rate", "500", "--drain", "120", "--shift-to", &from];
    let summary = loaded(&scene, &[&PORTFOLIO[..], &paced].concat());
    await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
    monitor.terminate();

    let seen = Committed::read(broker, &scene);
    let mut events: BTreeMap<(String, String), BTreeSet<Option<i64>>> = BTreeMap::new();
    let mut bytes = 0;
    for (topic, record) in inputs(&seen) {
        let event: Value = serde_json::from_str(record.text()).unwrap();
        bytes += record.text().len() + record.key.as_ref().map_or(0, Vec::len);
        events.entry(name(&event)).or_default().insert(record.timestamp);
        match event["type"].as_str().unwrap() {
            "fx.rate" | "clock.tick" => assert_eq!((record.key.as_deref(), topic), (None, "fx-rates")),
            kind => {
                assert_eq!(record.key.as_deref(), event["subject"].as_str().map(str::as_bytes));
                assert_eq!(topic == "payments", kind.starts_with("payment."), "{kind} on {topic}");
            }
        }
    }
    assert_eq!(count(&summary, "/records"), inputs(&seen).count() as u64);
    assert_eq!(count(&summary, "/acknowledged"), count(&summary, "/records"));
    assert_eq!((count(&summary, "/failed"), count(&summary, "/unreadable")), (0, 0));
    assert_eq!(count(&summary, "/bytes"), bytes as u64);
    // The portfolio says a few things twice; copies of an event without a buyer have one time.
    assert!(count(&summary, "/sent") >= events.len() as u64 && events.len() > 300);
    assert!(events.iter().filter(|((source, _), _)| source == "/clock").all(|(_, times)| times.len() == 1));
    assert!(events.contains_key(&("/clock".to_owned(), "tick-2025-01-01".to_owned())), "ids stay");
    let first = inputs(&seen).find(|(_, record)| record.text().contains("tick-2025-01-01")).unwrap().1;
    assert!(first.text().contains(&format!(r#""time":"{from}T00:00:00Z""#)), "{}", first.text());

    let read = count(&summary, "/outputs/read");
    let parts = ["matched", "further", "by_clock", "unknown", "unreadable", "of_warm_up"];
    let [matched, _, _, unknown, unreadable, of_warm_up] =
        parts.map(|part| count(&summary, &format!("/outputs/{part}")));
    assert_eq!(read, parts.iter().map(|part| count(&summary, &format!("/outputs/{part}"))).sum::<u64>());
    assert_eq!((unknown, unreadable, of_warm_up), (0, 0, 0));
    // It may have gone before the last outputs of a slow machine.
    let followed = OUTPUTS[..3].iter().flat_map(|name| seen.outputs[name].iter().flatten());
    let outputs: Vec<Value> = followed.map(|record| serde_json::from_str(record.text()).unwrap()).collect();
    let causes = outputs.iter().map(|output| &output["data"]["caused_by"]).filter(|cause| cause.is_object());
    let causes: BTreeSet<(String, String)> = causes.map(name).collect();
    assert!((1..=outputs.len() as u64).contains(&read), "{read} of {}", outputs.len());
    assert!((1..=causes.len() as u64).contains(&matched), "{matched} of {}", causes.len());
    assert!(causes.iter().all(|cause| events.contains_key(cause)));
    if read == outputs.len() as u64 {
        assert_eq!(matched, causes.len() as u64);
    }
    assert_eq!(count(&summary, "/latency_ms/count"), matched);
    assert_eq!(count(&summary, "/ack_latency_ms/count"), count(&summary, "/acknowledged"));
    let percentile = |name: &str| summary["latency_ms"][name].as_f64().unwrap();
    let percentiles = ["p50", "p90", "p99", "p99_9", "max"].map(percentile);
    assert!(percentiles.is_sorted() && percentiles[0] > 0.0, "{percentiles:?}");
    assert!(summary["achieved_rate"].as_f64().unwrap() > 0.0 && summary["planned_rate"] == 500.0);
    assert!(summary["behind_plan_max_ms"].as_f64().is_some());
}

#[test]
fn loops_have_fresh_ids_and_nothing_of_them_is_a_duplicate_or_refused() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    let file = unrepeated(&scene);
    let monitor = Monitor::ready(&scene, "a");
    let summary = loaded(&scene, &[&file, "--repeat", "2", "--outputs", "none", "--shift-to", &day_ago(200)]);
    await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
    monitor.terminate();

    let lines = fs::read_to_string(scene.folder().join(&file)).unwrap().lines().count() as u64;
    assert_eq!(count(&summary, "/sent"), 2 * lines);
    assert_eq!((&summary["latency_ms"], &summary["outputs"]), (&Value::Null, &Value::Null));
    let seen = Committed::read(broker, &scene);
    assert_eq!(seen.count("dead-letters"), 0);
    let mut names = BTreeSet::new();
    let mut subjects: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    let mut times: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    for (_, record) in inputs(&seen) {
        let event: Value = serde_json::from_str(record.text()).unwrap();
        let is_second = event["id"].as_str().unwrap().ends_with("-r2");
        let names_second = record.text().matches("-r2\"").count() > 1;
        let is_document = event["data"].get("invoice_id").is_some() || event["data"].get("payment_id").is_some();
        assert_eq!(names_second && is_document, is_second && is_document, "{event}");
        times.entry(is_second).or_default().insert(event["time"].as_str().unwrap().to_owned());
        if let Some(subject) = event["subject"].as_str() {
            subjects.entry(is_second).or_default().insert(subject.to_owned());
            assert!(names.insert(name(&event)), "twice: {event}");
        }
    }
    assert_eq!(subjects[&false], subjects[&true], "the buyers stay");
    assert!(times[&false].last() < times[&true].first(), "a loop follows the other: {times:?}");
    let journal = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .current_dir(scene.folder())
        .args(["inspect", "journal", "--json", "--brokers", &scene.brokers, "--prefix", &scene.prefix])
        .args(["--group", &scene.group, "--snapshots"])
        .arg(scene.snapshots())
        .output()
        .unwrap();
    let turns = String::from_utf8(journal.stdout).unwrap();
    let sum = |key: &str| turns.lines().map(|turn| count(&serde_json::from_str(turn).unwrap(), key)).sum::<u64>();
    assert_eq!((sum("/counts/duplicate"), sum("/counts/applied")), (0, count(&summary, "/records")));
}

/// A file of a portfolio's events, each once.
fn unrepeated(scene: &Scene) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    let generated = command.arg("generate").args(PORTFOLIO).output().unwrap();
    let mut known = BTreeSet::new();
    let is_new = |line: &&str| known.insert(name(&serde_json::from_str(line).unwrap()));
    let text = String::from_utf8(generated.stdout).unwrap();
    let lines: Vec<&str> = text.lines().filter(is_new).collect();
    fs::write(scene.folder().join("events.jsonl"), lines.join("\n")).unwrap();
    "events.jsonl".to_owned()
}

#[test]
fn a_load_that_is_asked_to_end_waits_for_no_more_events_and_tells_what_it_did() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    // A topic that was made just now cannot be read at once, but written it can.
    let limits = scene.topic("limits");
    let first: Vec<Record> =
        (0..PARTITIONS).map(|partition| Record::new(&limits, partition as i32, "before")).collect();
    broker.produce(&first);
    let mut process = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .current_dir(scene.folder())
        .args(["load", "-", "--outputs", "none", "--brokers", &scene.brokers, "--prefix", &scene.prefix])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // More may come for ever.
    let mut events = process.stdin.take().unwrap();
    events.write_all(b"{\"type\":\"limit.removed\",\"subject\":\"B\"}\n{\"type\":\"clock.ti").unwrap();
    await_that("the event is sent", MONITOR_MAX, || broker.read_committed(&limits).len() == first.len() + 1);
    let interrupted = Command::new("sh").args(["-c", &format!("kill -INT {}", process.id())]).status().unwrap();
    assert!(interrupted.success());
    let output = process.wait_with_output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && table.starts_with("Ended when it was asked to"), "{table}");
    drop(events);
}

#[test]
fn what_was_expected_and_not_met_or_not_measured_fails_with_a_sentence() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    let few = ["--preset", "small", "--buyers", "3", "--days", "5", "--drain", "0"];
    let rate = refused(&scene, 1, &[&few[..], &["--expect-rate", "1e12"]].concat());
    assert!(rate.starts_with("vigie: at least 1000000000000 events a second were expected, and there were "), "{rate}");
    let p99 = refused(&scene, 1, &[&few[..], &["--expect-p99-ms", "1e9"]].concat());
    assert!(p99.contains("nothing could be measured"), "nobody writes outputs: {p99}");
    let met = load(&scene, &[&few[..], &["--expect-rate", "0.000001"]].concat());
    assert!(met.status.success());
    refused(&scene, 2, &[&few[..], &["--expect-p99-ms", "5", "--outputs", "none"]].concat());
}

#[test]
fn lines_that_are_no_events_are_named_and_the_rest_goes_to_the_topic_that_is_named() {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    let other = scene.topic("elsewhere");
    broker.create_topic(&other, 2, &[]);
    let spaced = r#" { "subject" : "B1", "type": "limit.set", "id":"1", "source":"/x", "data": {"amount": 1.50} } "#;
    fs::write(scene.folder().join("mixed.jsonl"), format!("nothing\n\n{spaced}\n{{\"type\":\"limit.set\"}}\n"))
        .unwrap();
    let output = load(&scene, &["mixed.jsonl", "--topic", &other, "--outputs", "none", "--summary", "-"]);
    let (json, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{log}");
    let summary: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((count(&summary, "/sent"), count(&summary, "/unreadable")), (1, 2));
    assert!(log.contains("not sent: mixed.jsonl:1: it is no JSON object"), "{log}");
    assert!(log.contains("not sent: mixed.jsonl:4: it has no subject"), "{log}");
    let records = broker.read_committed(&other);
    assert_eq!(records.iter().map(OwnedRecord::text).collect::<Vec<_>>(), [spaced], "byte for byte");

    let missing = refused(&scene, 1, &["mixed.jsonl", "--topic", "not.there"]);
    assert!(missing.contains("not there: not.there"), "{missing}");
    broker.create_topic("uneven.invoices", 2, &[]);
    for (name, _) in &INPUTS[1..] {
        broker.create_topic(&format!("uneven.{name}"), 3, &[]);
    }
    let mut uneven = Scene::new(broker, PARTITIONS, Way::HomeTopics, Clock::Live);
    uneven.prefix = "uneven.".to_owned();
    let unequal = refused(&uneven, 1, &["mixed.jsonl", "--outputs", "none"]);
    assert!(unequal.contains("uneven.invoices 2") && unequal.contains("vigie topics check"), "{unequal}");
    let gone = refused(&scene, 1, &["gone.jsonl", "--outputs", "none"]);
    assert!(gone.contains("cannot read gone.jsonl"), "{gone}");
}
