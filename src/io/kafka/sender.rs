//! Owns sending and reading beside the service: for commands that look at topics, or fill them.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, Producer};

use super::error;
use super::listener::Listener;
use super::open::{self, OpenError};
use super::producer;
use super::reader::Reader;
use super::settings::Settings;
use super::source::Place;
use crate::runtime::{Bounds, CommittedLog, LogError, Record, Records, TopicId};

/// Sends records in bulk, each partition's in order and none twice, without transactions.
pub struct Sender {
    producer: BaseProducer<Listener>,
    unheard: u32,
}

/// Records that are sent before the client is heard again.
const UNHEARD_MAX: u32 = 1_000;
/// How long a record waits for room in the queue.
const ROOM_WAIT_MAX_SECONDS: f64 = 60.0;

impl Sender {
    /// Makes one; the broker is asked for nothing yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn open(settings: &Settings) -> Result<Sender, OpenError> {
        let producer = settings.for_sending("sender").create_with_context(Listener::default());
        Ok(Sender { producer: producer.map_err(|error| open::unusable(&error))?, unheard: 0 })
    }

    /// Sends a record to a topic and the partition it names; waits where the client has too many under way.
    ///
    /// # Errors
    /// When it cannot be sent, or one before it was not delivered.
    pub fn send(&mut self, topic: &str, record: &Record<'_>) -> Result<(), LogError> {
        producer::send(&self.producer, topic, record, ROOM_WAIT_MAX_SECONDS)?;
        self.unheard += 1;
        if self.unheard >= UNHEARD_MAX {
            self.unheard = 0;
            self.producer.poll(Duration::ZERO);
            self.check()?;
        }
        Ok(())
    }

    /// Waits until the broker has all of it.
    ///
    /// # Errors
    /// When it has not within that time, or refused a record.
    pub fn flush(&mut self, longest: Duration) -> Result<(), LogError> {
        producer::settle(&self.producer, longest)?;
        self.check()
    }

    fn check(&self) -> Result<(), LogError> {
        match self.producer.context().take_undelivered() {
            None => Ok(()),
            Some((code, place)) => Err(error::of_production(code, &format!("a record for {place} was not delivered"))),
        }
    }
}

/// Reads what is committed in any topics, without a group.
pub struct CommittedReader {
    reader: Reader,
    counts: Vec<u32>,
}

impl CommittedReader {
    /// Connects, and finds how many partitions each topic has. The topics are known by their place in `names`.
    ///
    /// # Errors
    /// With what is wrong, in one line.
    pub fn open(settings: &Settings, names: &[String]) -> Result<CommittedReader, OpenError> {
        let reader = Reader::new(settings, Arc::from(names.to_vec())).map_err(|error| open::unusable(&error))?;
        let count = |name: &String| open::partitions(reader.asking(), settings, std::slice::from_ref(name));
        let counts = names.iter().map(count).collect::<Result<_, _>>()?;
        Ok(CommittedReader { reader, counts })
    }

    /// How many partitions a topic has.
    #[must_use]
    pub fn partitions(&self, topic: TopicId) -> u32 {
        self.counts[usize::from(topic.0)]
    }

    /// Calls with every record that is committed by now, partition by partition.
    ///
    /// # Errors
    /// When the log cannot be read, or the call says no.
    pub fn read_all<E: From<LogError>>(
        &mut self,
        topic: TopicId,
        mut each: impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut records = Records::default();
        for partition in 0..self.partitions(topic) {
            let Bounds { first, end } = self.bounds(topic, partition)?;
            let mut next = first;
            while next < end {
                records.clear();
                next = self.read(topic, partition, next, end, &mut records)?;
                for record in records.iter() {
                    each(&record)?;
                }
            }
            self.reader.forget(partition);
        }
        Ok(())
    }
}

impl CommittedLog for CommittedReader {
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError> {
        self.reader.bounds(Place { topic, partition })
    }

    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError> {
        self.reader.read(Place { topic, partition }, from, to, records)
    }
}
