//! Input topics, filled before anybody is measured.

use std::ops::Range;
use std::time::Duration;

use vigie::io::kafka::{Sender, Settings};

use crate::stream::Stream;
use crate::support::broker::Broker;
use crate::support::sending::{record, send};
use crate::support::{Outcome, PARTITIONS};

/// Ticks come so much after the last event: they close its second.
const TICK_AFTER_MS: i64 = 2_000;

/// Writes events of a stream to a topic, as fast as it takes.
pub fn preload(broker: &Broker, topic: &str, stream: Stream, numbers: Range<u64>) -> Outcome<()> {
    let mut sender = Sender::open(&Settings::new(&broker.address(), "preload"))?;
    let (mut buyer, mut value) = (String::new(), String::new());
    for number in numbers {
        stream.write(number, stream.time_ms(number), &mut buyer, &mut value);
        send(&mut sender, topic, &buyer, written_ms(), value.as_bytes())?;
    }
    Ok(sender.flush(Duration::from_secs(120))?)
}

/// Writes a tick to each partition: without one, vigie's clock stays within the second of the last event, which is judged when
/// it is over. The peers skip it.
pub fn tick(broker: &Broker, topic: &str, stream: Stream, number: u64) -> Outcome<()> {
    let mut sender = Sender::open(&Settings::new(&broker.address(), "preload"))?;
    let time = crate::support::rfc3339(stream.time_ms(number) + TICK_AFTER_MS);
    for partition in 0..PARTITIONS {
        let value = format!(
            r#"{{"specversion":"1.0","id":"tick-{partition}","source":"bench","type":"clock.tick","time":"{time}","data":{{}}}}"#
        );
        sender.send(topic, &record(partition, None, written_ms(), value.as_bytes()))?;
    }
    Ok(sender.flush(Duration::from_secs(60))?)
}

/// Records are written now, whenever their events happened: what is old by its record's time, the broker deletes.
fn written_ms() -> i64 {
    (crate::support::micros() / 1000) as i64
}
