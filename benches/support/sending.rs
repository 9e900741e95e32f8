//! Records as the benchmarks send them.

use vigie::io::kafka::Sender;
use vigie::runtime::{Headers, Record, TopicId};
use vigie::wire::partition_of;

use super::{Outcome, PARTITIONS};

/// Sends an event of a buyer to the partition it belongs in.
pub fn send(sender: &mut Sender, topic: &str, buyer: &str, time_ms: i64, value: &[u8]) -> Outcome<()> {
    let partition = partition_of(buyer.as_bytes(), PARTITIONS);
    Ok(sender.send(topic, &record(partition, Some(buyer.as_bytes()), time_ms, value))?)
}

/// A record without headers.
pub fn record<'a>(partition: u32, key: Option<&'a [u8]>, time_ms: i64, value: &'a [u8]) -> Record<'a> {
    Record { topic: TopicId(0), partition, offset: 0, time_ms, key, value: Some(value), headers: Headers::NONE }
}
