//! The operator's commands on a real broker: the order seen as a file, the journal verified, snapshots, a buyer as of a moment,
//! and dead letters there and back.

use std::fs;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::broker::Broker;
use crate::client::{OwnedRecord, Record};
use crate::committed::Committed;
use crate::monitor::{MONITOR_MAX, Monitor};
use crate::oracle::by_a_replay;
use crate::producer::{Events, Line, records};
use crate::scene::{Clock, Scene, Way, await_that};

const PARTITIONS: u32 = 3;
const EVENTS: usize = 2000;
const BUYERS: u32 = 60;

/// Runs a command of the operator against a scene.
fn vigie(scene: &Scene, command: &[&str], flags: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_vigie"));
    process.current_dir(scene.folder()).args(command).args(flags);
    process.args(["--brokers", &scene.brokers, "--prefix", &scene.prefix, "--group", &scene.group]);
    if command[0] == "inspect" {
        process.arg("--snapshots").arg(scene.snapshots());
        process.args(["--clock", "event"]);
        if scene.way == Way::OneTopic {
            process.arg("--any-topic");
        }
    }
    process.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The standard output of a command that must do its work.
fn told(scene: &Scene, command: &[&str], flags: &[&str]) -> String {
    let output = vigie(scene, command, flags);
    assert!(output.status.success(), "{command:?} {flags:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command says that must fail.
fn refused(scene: &Scene, command: &[&str], flags: &[&str]) -> String {
    let output = vigie(scene, command, flags);
    assert_eq!(output.status.code(), Some(1), "{command:?} {flags:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// Sends lines, each a millisecond after the one before: so the copies of one have one time in every partition.
fn send(broker: &Broker, scene: &Scene, lines: &[Line]) {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let first_ms = now_ms - lines.len() as i64;
    let timed = lines.iter().enumerate().flat_map(|(place, line)| {
        records(scene, line).into_iter().map(move |record| record.timestamp(first_ms + place as i64))
    });
    broker.produce(&timed.collect::<Vec<Record>>());
}

/// A scene whose events are read, and its monitor, which still runs.
fn read(way: Way) -> (Scene, Vec<Line>, Monitor) {
    let broker = Broker::shared();
    let scene = Scene::new(broker, PARTITIONS, way, Clock::Event);
    let lines = Events::of(&scene, 5, BUYERS).take(EVENTS);
    send(broker, &scene, &lines);
    let monitor = Monitor::ready(&scene, "a");
    await_that("all is read", MONITOR_MAX, || scene.lag(broker) == 0);
    (scene, lines, monitor)
}

fn journal_shows_what_was_seen(way: Way) {
    let broker = Broker::shared();
    let (scene, lines, monitor) = read(way);
    let buyers: Vec<&String> = lines.iter().filter_map(|line| line.buyer.as_ref()).collect();
    let beside = told(&scene, &["inspect", "buyer"], &[buyers[0]]);
    assert!(beside.contains("\"type\":\"exposure.updated\""), "beside the running service: {beside}");
    monitor.terminate();

    let seen = Committed::read(broker, &scene);
    let turns: usize = seen.journal.iter().map(Vec::len).sum();
    let told_turns = told(&scene, &["inspect", "journal", "--verify"], &[]);
    assert_eq!(told_turns.lines().count(), turns);
    for line in told(&scene, &["inspect", "journal"], &["--json", "--partition", "1"]).lines() {
        let turn: Value = serde_json::from_str(line).unwrap();
        assert_eq!((turn["partition"].as_u64(), turn["mode"].as_str()), (Some(1), Some("event")));
    }

    told(&scene, &["inspect", "journal"], &["--order", "order.jsonl.zst"]);
    told(&scene, &["inspect", "journal"], &["--order", "order.jsonl"]);
    let order = fs::read_to_string(scene.folder().join("order.jsonl")).unwrap();
    let line = |line: &str| Line { home: None, buyer: None, value: line.as_bytes().to_vec() };
    let order: Vec<Line> = order.lines().map(line).collect();
    assert_eq!(order.len(), lines.len());
    by_a_replay(&seen, &scene, &order).unwrap();

    // The replay that was compared ended on a tick of its greatest clock; so does this.
    let outputs = fs::read_to_string(scene.folder().join("outputs.jsonl")).unwrap();
    let figures: Vec<&str> = outputs.lines().filter(|line| line.contains("\"type\":\"exposure.updated\"")).collect();
    assert!(figures.len() > 20);
    for expected in figures.iter().step_by(9) {
        let event: Value = serde_json::from_str(expected).unwrap();
        let (buyer, at) = (event["subject"].as_str().unwrap(), event["time"].as_str().unwrap());
        assert_eq!(told(&scene, &["inspect", "buyer"], &[buyer, "--at", at]).trim_end(), *expected);
    }
    assert!(refused(&scene, &["inspect", "buyer"], &["nobody"]).contains("there is no buyer nobody"));
    snapshots_are_told(&scene);

    let stranger = Record::new(&scene.topic("alerts"), 1, "from somebody else").key("B");
    broker.produce(&[stranger]);
    let wrong = refused(&scene, &["inspect", "journal", "--verify"], &["--partition", "1"]);
    assert!(wrong.contains("that no turn made"), "{wrong}");
}

/// Snapshots are listed and described, and one that is damaged is told and passed over.
fn snapshots_are_told(scene: &Scene) {
    let list = told(scene, &["inspect", "snapshot"], &[]);
    let whole = list.lines().filter(|line| line.ends_with("  whole")).count();
    assert!(whole >= PARTITIONS as usize && whole + 1 == list.lines().count(), "{list}");
    let one = told(scene, &["inspect", "snapshot"], &["0"]);
    assert!(one.contains("  state hash") && one.contains("that of its bytes") && one.contains("  buyers"), "{one}");
    let folder = scene.snapshots().join(&scene.group).join("00000");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let newest = names.last().unwrap();
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    assert!(refused(scene, &["inspect", "snapshot"], &["0"]).contains("1 snapshots are damaged"));
    told(scene, &["inspect", "snapshot"], &["1"]);
}

#[test]
fn the_order_seen_on_one_topic_gives_the_same_bytes_and_a_buyer_is_what_the_replay_says() {
    journal_shows_what_was_seen(Way::OneTopic);
}

#[test]
fn the_order_seen_over_home_topics_gives_the_same_bytes_and_a_buyer_is_what_the_replay_says() {
    journal_shows_what_was_seen(Way::HomeTopics);
}

fn header<'a>(record: &'a OwnedRecord, name: &str) -> Option<&'a str> {
    let found = record.headers.iter().find(|(header, _)| header == name)?;
    std::str::from_utf8(found.1.as_deref()?).ok()
}

#[test]
fn dead_letters_are_listed_and_a_mended_one_comes_in_again() {
    let broker = Broker::shared();
    let (scene, _, monitor) = read(Way::HomeTopics);
    let letters = broker.read_committed(&scene.topic("dead-letters"));
    let output = vigie(&scene, &["dead-letters", "list"], &["--json"]);
    let list: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(letters.len() > 10 && list.len() == letters.len());
    let counts = text(&output.stderr);
    assert!(counts.contains("unknown_type") && counts.contains("malformed"), "{counts}");
    let two = told(&scene, &["dead-letters", "list"], &["--code", "unknown_type", "--limit", "2"]);
    assert_eq!(two.lines().filter(|line| line.contains(" unknown_type ")).count(), 2, "{two}");
    assert_eq!(told(&scene, &["dead-letters", "list"], &["--code", "too_late"]), "");

    let mut mended = list.iter().find(|letter| letter["code"] == "unknown_type").unwrap().clone();
    let place = format!("{}:{}", mended["partition"], mended["offset"]);
    let event = mended["value"].as_str().unwrap().replacen("\"type\":\"unheard.", "\"type\":\"", 1);
    mended["value"] = Value::String(event.clone());
    fs::write(scene.folder().join("mended.jsonl"), format!("{mended}\n")).unwrap();
    let topic = mended["original"]["topic"].as_str().unwrap();
    let before = broker.read_committed(topic).len();
    let dry = told(&scene, &["dead-letters", "replay"], &["--from-file", "mended.jsonl"]);
    assert!(dry.contains("1 dead letters to be sent back") && dry.contains("dry run"), "{dry}");
    assert_eq!(broker.read_committed(topic).len(), before, "nothing is sent without --yes");

    let sent = told(&scene, &["dead-letters", "replay"], &["--from-file", "mended.jsonl", "--yes"]);
    assert!(sent.starts_with("1 dead letters sent back\n") && sent.contains(topic), "{sent}");
    let records = broker.read_committed(topic);
    assert_eq!(records.len(), before + 1, "once");
    let back = records.iter().find(|record| header(record, "vigie.replayed").is_some()).unwrap();
    assert_eq!((header(back, "vigie.replayed"), back.text()), (Some(&place[..]), &event[..]));
    assert!(header(back, "vigie.error.code").is_none() && header(back, "vigie.replayed.time").is_some());
    let original = letters.iter().find(|letter| format!("{}:{}", letter.partition, letter.offset) == place).unwrap();
    assert_eq!((&back.key, back.partition), (&original.key, original.partition));

    await_that("what came again is read", MONITOR_MAX, || scene.lag(broker) == 0);
    assert_eq!(broker.read_committed(&scene.topic("dead-letters")).len(), letters.len(), "it counts now");
    fs::write(scene.folder().join("strange.jsonl"), "{\"partition\":0,\"offset\":999999,\"value\":\"{}\"}\n").unwrap();
    let strange = refused(&scene, &["dead-letters", "replay"], &["--from-file", "strange.jsonl", "--yes"]);
    assert!(strange.contains("1 letters of the file were not found"), "{strange}");
    monitor.terminate();
}
