//! Owns writing single events with word of where they lie: what the API writes for arbiters and ERPs.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use tokio::sync::oneshot;

use super::listener::Listener;
use super::open::{self, OpenError};
use super::settings::Settings;

/// How long a record may be under way before it is given up, in milliseconds.
const DELIVERY_MS: u32 = 8_000;

/// Where a record lies, or why it does not.
pub type Place = Result<(u32, i64), String>;

/// Writes events, each acknowledged by all in-sync replicas.
pub struct EventOutlet {
    producer: ThreadedProducer<Told>,
}

struct Told(Listener);

impl EventOutlet {
    /// Makes one; the broker is asked for nothing yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn open(settings: &Settings) -> Result<EventOutlet, OpenError> {
        let mut config = settings.for_sending("outlet");
        config.set("delivery.report.only.error", "false").set("message.timeout.ms", DELIVERY_MS.to_string());
        let producer = config.create_with_context(Told(Listener::default()));
        Ok(EventOutlet { producer: producer.map_err(|error| open::unusable(&error))? })
    }

    /// Writes an event to a topic, in the partition of its key, and tells where once it is there.
    #[must_use]
    pub fn write(&self, topic: &str, partition: u32, key: &str, value: &[u8]) -> oneshot::Receiver<Place> {
        let (tell, told) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(topic, Box::new(tell))
            .partition(partition as i32)
            .key(key.as_bytes())
            .payload(value);
        if let Err((error, record)) = self.producer.send(record) {
            // Whoever asked may have gone.
            record.delivery_opaque.send(Err(error.to_string())).ok();
        }
        told
    }

    /// Waits until everything is written or given up, no longer than this.
    pub fn settle(&self, longest: Duration) {
        if let Err(error) = self.producer.flush(longest) {
            tracing::warn!("what was to be written at the end may not be there: {error}");
        }
    }
}

impl ClientContext for Told {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.note_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note_error(&error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ProducerContext for Told {
    type DeliveryOpaque = Box<oneshot::Sender<Place>>;

    fn delivery(&self, result: &DeliveryResult<'_>, tell: Box<oneshot::Sender<Place>>) {
        use rdkafka::message::Message;
        let place = match result {
            Ok(message) => Ok((message.partition() as u32, message.offset())),
            Err((error, _)) => Err(error.to_string()),
        };
        // Whoever asked may have gone.
        tell.send(place).ok();
    }
}
