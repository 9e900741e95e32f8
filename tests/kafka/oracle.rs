//! Whether the outputs are exactly those that they must be: by the journal (whatever the order of arrival and the clock), and
//! by a replay of the same events that nothing disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use vigie::runtime::outbox::dead_letter::CODE;

use crate::client::OwnedRecord;
use crate::committed::Committed;
use crate::follower::{Complaint, Expected, Followed, follow};
use crate::producer::Line;
use crate::scene::{INPUTS, Scene};

/// What an oracle finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is as it must be.
    Exact(Summary),
    /// So far it is, but figures wait to be told, or records to be read.
    Unfinished(String),
    /// It is not.
    Wrong(Complaint),
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub turns: u64,
    pub inputs: usize,
    pub outputs: usize,
    pub exposures: usize,
    pub dead_letters: usize,
}

/// Asks the journal: every output must be what its turns made of the inputs, and every input in exactly one turn.
pub fn by_the_journal(seen: &Committed) -> Verdict {
    match judge(seen) {
        Ok(verdict) => verdict,
        Err(complaint) => Verdict::Wrong(complaint),
    }
}

fn judge(seen: &Committed) -> Result<Verdict, Complaint> {
    let mut summary = Summary::default();
    let mut unfinished = None;
    for partition in 0..seen.partitions {
        let followed = follow(seen, partition)?;
        outputs_are_those(seen, partition, &followed)?;
        if let Some(text) = positions_are_those(seen, partition, &followed)? {
            unfinished = Some(text);
        }
        if let Some(buyer) = followed.untold.first() {
            unfinished = Some(format!("partition {partition}: the figures of {buyer} moved and were not told"));
        }
        summary.turns += followed.turns;
        summary.inputs += followed.order.len();
    }
    ids_are_unique(seen)?;
    if let Some(text) = unfinished {
        return Ok(Verdict::Unfinished(text));
    }
    summary.exposures = seen.count("exposures");
    summary.dead_letters = seen.count("dead-letters");
    summary.outputs = OUTPUTS_OF_JUDGEMENT.iter().map(|name| seen.count(name)).sum();
    Ok(Verdict::Exact(summary))
}

/// The outputs that a replay gives too, byte by byte.
const OUTPUTS_OF_JUDGEMENT: [&str; 4] = ["alerts", "limit-proposals", "limit-changes", "order-decisions"];

fn outputs_are_those(seen: &Committed, partition: u32, followed: &Followed) -> Result<(), Complaint> {
    for name in OUTPUTS_OF_JUDGEMENT.into_iter().chain(["dead-letters"]) {
        let there = &seen.outputs[name][partition as usize];
        let expected = followed.outputs.get(name).map_or(&[][..], Vec::as_slice);
        for (place, record) in there.iter().enumerate() {
            match expected.get(place) {
                Some(expected) if is_that(record, expected) => {}
                Some(expected) => {
                    let text = |value: &Option<Vec<u8>>| {
                        String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned()
                    };
                    return Err(format!(
                        "{name}-{partition} at {}: there is\n{}\nand should be\n{}",
                        record.offset,
                        text(&record.value),
                        text(&expected.value)
                    ));
                }
                None => return Err(format!("{name}-{partition} at {}: there should be nothing more", record.offset)),
            }
        }
        if there.len() < expected.len() {
            return Err(format!("{name}-{partition} ends {} records early", expected.len() - there.len()));
        }
    }
    Ok(())
}

fn is_that(record: &OwnedRecord, expected: &Expected) -> bool {
    let OwnedRecord { key, value, headers, timestamp, .. } = record;
    let is_then = expected.timestamp.is_none_or(|then| Some(then) == *timestamp);
    (key, value, headers) == (&expected.key, &expected.value, &expected.headers) && is_then
}

/// The group must stand where the journal ends; what is beyond is still to be read.
fn positions_are_those(seen: &Committed, partition: u32, followed: &Followed) -> Result<Option<String>, Complaint> {
    let mut unread = None;
    for (topic, (name, _)) in INPUTS.iter().enumerate() {
        let read_to = followed.positions.get(&topic).copied().unwrap_or(0);
        let committed = seen.positions[&(topic, partition)].unwrap_or(0);
        if committed != read_to {
            return Err(format!(
                "{name}-{partition}: the group stands at {committed}, and the journal ends at {read_to}"
            ));
        }
        let inputs = &seen.inputs[topic][partition as usize];
        let end = inputs.last().map_or(0, |record| record.offset + 1);
        if end != read_to {
            unread = Some(format!("{name}-{partition} is read to {read_to} of {end}"));
        }
    }
    Ok(unread)
}

fn ids_are_unique(seen: &Committed) -> Result<(), Complaint> {
    let mut ids = BTreeSet::new();
    for name in OUTPUTS_OF_JUDGEMENT.into_iter().chain(["exposures"]) {
        for record in seen.outputs[name].iter().flatten() {
            let id = id_of(record.value.as_deref().unwrap_or_default());
            if !ids.insert(id.clone()) {
                return Err(format!(
                    "{name}-{} at {}: there are two outputs of the id {id}",
                    record.partition, record.offset
                ));
            }
        }
    }
    Ok(())
}

fn id_of(value: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(value).expect("an output is JSON");
    event["id"].as_str().expect("an output has an id").to_owned()
}

/// Outputs by buyer and topic, each in order.
type ByBuyer = BTreeMap<(String, &'static str), Vec<Vec<u8>>>;

/// Compares with `vigie replay` of the same events in the same order: for one topic on the event clock.
pub fn by_a_replay(seen: &Committed, scene: &Scene, lines: &[Line]) -> Result<(), Complaint> {
    let values: Vec<&[u8]> = lines.iter().map(|line| line.value.as_slice()).collect();
    let partitions: Vec<u32> = (0..seen.partitions).collect();
    compare(seen, &partitions, replay(scene, &values))
}

/// Compares with a `vigie replay` for each partition of its events in the order in which they were seen, whatever the topics
/// they came by: on the event clock.
pub fn by_replays_of_the_order(seen: &Committed, scene: &Scene) -> Result<(), Complaint> {
    for partition in 0..seen.partitions {
        let followed = follow(seen, partition)?;
        let mut values = Vec::new();
        for (topic, offset) in &followed.order {
            let record = &seen.inputs[*topic][partition as usize][*offset as usize];
            values.push(record.value.as_deref().unwrap_or_default());
        }
        compare(seen, &[partition], replay(scene, &values))?;
    }
    Ok(())
}

fn compare(seen: &Committed, partitions: &[u32], (expected, refused): Replayed) -> Result<(), Complaint> {
    let records = |name: &'static str| partitions.iter().flat_map(|partition| &seen.outputs[name][*partition as usize]);
    let mut there = ByBuyer::new();
    for name in OUTPUTS_OF_JUDGEMENT {
        for record in records(name) {
            let value = record.value.clone().unwrap_or_default();
            let buyer = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
            there.entry((buyer, name)).or_default().push(value);
        }
    }
    for (at, outputs) in &expected {
        if there.get(at) != Some(outputs) {
            let found = there.get(at).map_or(&[][..], Vec::as_slice);
            let same = outputs.iter().zip(found).take_while(|(a, b)| a == b).count();
            let text = |of: Option<&Vec<u8>>| {
                of.map_or("nothing".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
            };
            let (should, is) = (text(outputs.get(same)), text(found.get(same)));
            return Err(format!("{at:?}, number {same}: a replay gives\n{should}\nand there is\n{is}"));
        }
    }
    if let Some((at, _)) = there.iter().find(|(at, _)| !expected.contains_key(*at)) {
        return Err(format!("{at:?}: a replay gives nothing of this"));
    }
    let mut codes = BTreeMap::new();
    for record in records("dead-letters") {
        let code = record.headers.iter().find(|(name, _)| name == CODE).and_then(|(_, code)| code.clone());
        *codes.entry(String::from_utf8_lossy(&code.unwrap_or_default()).into_owned()).or_insert(0_u64) += 1;
    }
    if codes == refused { Ok(()) } else { Err(format!("a replay refuses {refused:?}, and refused were {codes:?}")) }
}

/// What a replay gives: outputs, and refused lines by code.
type Replayed = (ByBuyer, BTreeMap<String, u64>);

/// What `vigie replay` makes of some lines: outputs, and refused lines by code.
fn replay(scene: &Scene, lines: &[&[u8]]) -> Replayed {
    let path = |name: &str| scene.folder().join(name);
    let file: Vec<u8> = lines.iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
    fs::write(path("events.jsonl"), file).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .arg("replay")
        .arg(path("events.jsonl"))
        .args(["--partitions", &scene.partitions.to_string()])
        .arg("--outputs")
        .arg(path("outputs.jsonl"))
        .arg("--summary")
        .arg(path("summary.json"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut outputs = ByBuyer::new();
    for line in fs::read(path("outputs.jsonl")).unwrap().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line).unwrap();
        let topic = match event["type"].as_str().unwrap() {
            kind if kind.starts_with("alert.") => "alerts",
            kind if kind.starts_with("limit.reduction") => "limit-proposals",
            "limit.changed" => "limit-changes",
            "order.hold_decided" => "order-decisions",
            _ => continue,
        };
        let buyer = event["subject"].as_str().unwrap().to_owned();
        outputs.entry((buyer, topic)).or_default().push(line.to_vec());
    }
    let summary: serde_json::Value = serde_json::from_slice(&fs::read(path("summary.json")).unwrap()).unwrap();
    let refused = summary["refused"].as_object().unwrap();
    let refused = refused.iter().map(|(code, count)| (code.clone(), count.as_u64().unwrap()));
    (outputs, refused.filter(|(_, count)| *count > 0).collect())
}
