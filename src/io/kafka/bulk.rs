//! Owns sending in bulk with word of each delivery: records in the order of each partition, none twice, without transactions, and
//! without waiting inside a call.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::error;
use super::listener::Listener;
use super::open::{self, OpenError};
use super::settings::Settings;
use crate::runtime::LogError;

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// Every in-sync replica has it.
    Acknowledged,
    /// It was given up, and why.
    Failed(String),
}

/// Is told what became of each record, in the thread that sends.
pub trait OnDelivery: Send + Sync {
    /// A record was acknowledged or given up. `token` is what it was sent with.
    fn delivered(&self, token: usize, outcome: Delivered);
}

/// What became of handing a record over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// It is on its way.
    Taken,
    /// The client has too many under way: later.
    Full,
}

/// Sends records in bulk, with all acknowledgements and none twice.
pub struct BulkSender<T: OnDelivery + 'static> {
    producer: BaseProducer<Told<T>>,
}

struct Told<T> {
    listener: Listener,
    heard: Arc<T>,
}

impl<T: OnDelivery + 'static> BulkSender<T> {
    /// Makes one; the broker is asked for nothing yet. A record waits for others of its partition for `linger_ms` at most.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn open(settings: &Settings, linger_ms: u32, heard: Arc<T>) -> Result<BulkSender<T>, OpenError> {
        let mut config = settings.for_sending("load");
        config.set("linger.ms", linger_ms.to_string()).set("delivery.report.only.error", "false");
        let producer = config.create_with_context(Told { listener: Listener::default(), heard });
        Ok(BulkSender { producer: producer.map_err(|error| open::unusable(&error))? })
    }

    /// Hands a record to the client. `token` comes back with the word of its delivery.
    ///
    /// # Errors
    /// When the client takes no more, now or later.
    pub fn send(
        &self,
        topic: &str,
        partition: u32,
        record: (Option<&[u8]>, &[u8]),
        time_ms: i64,
        token: usize,
    ) -> Result<Handed, LogError> {
        let (key, value) = record;
        let mut base = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, token);
        base.partition = Some(partition as i32);
        base.timestamp = Some(time_ms);
        base.key = key;
        base.payload = Some(value);
        match self.producer.send(base) {
            Ok(()) => Ok(Handed::Taken),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(Handed::Full),
            Err((KafkaError::MessageProduction(code @ RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                self.producer.context().heard.delivered(token, Delivered::Failed(code.to_string()));
                Ok(Handed::Taken)
            }
            Err((error, _)) => {
                let doing = format!("sending a record to {topic}, partition {partition}");
                Err(error::of_transaction(&error, &doing))
            }
        }
    }

    /// Hears of deliveries, for no longer than this.
    pub fn hear(&self, longest: Duration) {
        self.producer.poll(longest);
    }

    /// Records that are on their way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        usize::try_from(self.producer.in_flight_count()).unwrap_or(0)
    }
}

impl<T: OnDelivery> ClientContext for Told<T> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.listener.note_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.listener.note_error(&error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl<T: OnDelivery> ProducerContext for Told<T> {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let outcome = match result {
            Ok(_) => Delivered::Acknowledged,
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                Delivered::Failed(format!("{}, partition {}: {code}", message.topic(), message.partition()))
            }
        };
        self.heard.delivered(token, outcome);
    }
}
