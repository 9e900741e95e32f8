//! Owns the run in which nothing goes wrong: a plain worker on the same inputs, as in a replay, whose outputs every other run
//! must have to the byte.

use super::client::Client;
use super::follower::{Seen, records};
use super::log::{EmbeddedLog, TopicConfig};
use super::preset::Preset;
use crate::runtime::{BatchLimits, Record, Records, TopicId, Worker, WorkerRules};
use crate::wire::Header;

/// Compares what was committed of the outputs, partition by partition, with what a plain worker makes of the inputs.
///
/// # Errors
/// What differs.
pub(super) fn compare(log: &EmbeddedLog, preset: &Preset) -> Result<(), String> {
    let plain = run(log, preset)?;
    let outputs = preset.topics().outputs;
    let topics =
        [outputs.alerts, outputs.limit_proposals, outputs.limit_changes, outputs.order_decisions, outputs.dead_letters];
    for partition in 0..preset.partitions {
        for topic in topics {
            let name = &preset.topics().names[usize::from(topic.0)];
            let (mut found, mut wanted) = (records(log, topic, partition), records(&plain, topic, partition));
            // Offsets differ, and the places in the inputs that dead letters name: aborted records take some.
            for seen in found.iter_mut().chain(&mut wanted) {
                seen.offset = 0;
                seen.headers.retain(|(name, _)| name != crate::runtime::outbox::dead_letter::OFFSET);
            }
            if let Some(place) =
                (0..found.len().max(wanted.len())).find(|place| found.get(*place) != wanted.get(*place))
            {
                let text = |seen: Option<&Seen>| seen.map_or("nothing".to_owned(), |seen| format!("{seen:?}"));
                return Err(format!(
                    "record {place} of partition {partition} of {name} is\n  {}\nand where nothing goes wrong it is\n  {}",
                    text(found.get(place)),
                    text(wanted.get(place))
                ));
            }
        }
    }
    Ok(())
}

/// A log in which a plain worker has gone over the inputs.
fn run(log: &EmbeddedLog, preset: &Preset) -> Result<EmbeddedLog, String> {
    let mut topics = preset.topics();
    let config = TopicConfig { partitions: preset.partitions, retained_bytes_max: None };
    let plain = EmbeddedLog::new(&vec![config; topics.names.len()]);
    topics.outputs.journal = None;
    let inputs: Vec<TopicId> = (0..topics.inputs.len() as u16).map(TopicId).collect();
    for &topic in &inputs {
        for partition in 0..preset.partitions {
            let mut copies = Records::default();
            for seen in records(log, topic, partition) {
                let headers: Vec<Header<'_>> =
                    seen.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
                copies.push(&Record {
                    topic,
                    partition,
                    offset: 0,
                    time_ms: seen.time_ms,
                    key: seen.key.as_deref(),
                    value: seen.value.as_deref(),
                    headers: crate::runtime::Headers::Listed(&headers),
                });
            }
            plain.append(topic, partition, copies).map_err(|error| error.to_string())?;
        }
        plain.close(topic);
    }
    let mut decode = preset.decode();
    decode.now = preset.wall();
    let partitions: Vec<u32> = (0..preset.partitions).collect();
    let client = Client::new(&plain, "plain", &inputs, &partitions);
    let rules = WorkerRules { topics, decode, params: Preset::params(1), limits: BatchLimits::default() };
    let mut worker = Worker::new(client, rules, partitions);
    while !worker.log().is_at_end() {
        worker.turn().map_err(|failed| failed.error.to_string())?;
    }
    Ok(plain)
}
