//! Owns the reading of partitions message by message: the obvious twin of [`super::queue`], through safe code alone.
//!
//! It gives the same records; it knows the end of a place only once the client says so. A client for each topic, because the
//! word for an end names the partition and not the topic.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message, OwnedMessage};
use rdkafka::topic_partition_list::Offset;

use super::error;
use super::listener::Listener;
use super::source::{Answer, Place, Places, Source, Taken};
use crate::runtime::{Headers, LogError, Record, TopicId};
use crate::wire::Header;

/// Reads places, all of a topic through one client.
pub(super) struct Messages {
    config: ClientConfig,
    names: Arc<[String]>,
    consumers: Vec<Option<BaseConsumer<Listener>>>,
    streams: Places<Stream>,
}

#[derive(Debug)]
struct Stream {
    heard: VecDeque<Heard>,
    next: i64,
    is_at_end: bool,
    is_paused: bool,
}

#[derive(Debug)]
enum Heard {
    Message(OwnedMessage),
    End,
    Failed(LogError),
}

/// Messages of a place that wait to be taken before no more are fetched.
const WAITING_MAX: usize = 10_000;
/// Messages taken from a client in one go, at most.
const PUMPED_MAX: usize = 4_096;

impl Messages {
    /// Reads with clients of these settings; topics are known by their place in `names`.
    pub(super) fn new(config: ClientConfig, names: Arc<[String]>) -> Messages {
        let consumers = names.iter().map(|_| None).collect();
        Messages { config, names, consumers, streams: Places::default() }
    }

    fn list(&self, place: Place, offset: Offset) -> Result<TopicPartitionList, LogError> {
        let mut list = TopicPartitionList::new();
        let name = &self.names[usize::from(place.topic.0)];
        list.add_partition_offset(name, place.partition as i32, offset).map_err(|error| fatal(name, &error))?;
        Ok(list)
    }

    /// Takes what the clients have.
    fn pump(&mut self) {
        for (topic, consumer) in self.consumers.iter().enumerate() {
            let Some(consumer) = consumer else { continue };
            let topic = TopicId(topic as u16);
            for _ in 0..PUMPED_MAX {
                let (partition, heard) = match consumer.poll(Duration::ZERO) {
                    None => break,
                    Some(Ok(message)) => (message.partition(), Heard::Message(message.detach())),
                    Some(Err(KafkaError::PartitionEOF(partition))) => (partition, Heard::End),
                    Some(Err(error)) => {
                        let name = &self.names[usize::from(topic.0)];
                        let Some(code) = error.rdkafka_error_code() else { continue };
                        let failed = self.streams.open().filter(|place| place.topic == topic).find_map(|place| {
                            let next = self.streams.get(place).map_or(-1, |stream| stream.next);
                            error::of_partition(code, name, place.partition, next).map(|error| (place, error))
                        });
                        let Some((place, error)) = failed else { continue };
                        (place.partition as i32, Heard::Failed(error))
                    }
                };
                let place = Place { topic, partition: partition as u32 };
                if let Some(stream) = self.streams.get_mut(place) {
                    stream.heard.push_back(heard);
                }
            }
        }
        self.hold_back();
    }

    /// Fetches nothing more of places of which too much waits.
    fn hold_back(&mut self) {
        let places: Vec<Place> = self.streams.open().collect();
        for place in places {
            let Some(stream) = self.streams.get(place) else { continue };
            let waiting = stream.heard.len();
            let is_over = if stream.is_paused { waiting > WAITING_MAX / 2 } else { waiting > WAITING_MAX };
            let (Ok(list), Some(consumer)) =
                (self.list(place, Offset::Invalid), &self.consumers[usize::from(place.topic.0)])
            else {
                continue;
            };
            let changed = match (is_over, stream.is_paused) {
                (true, false) => consumer.pause(&list),
                (false, true) => consumer.resume(&list),
                _ => continue,
            };
            match changed {
                Ok(()) => {
                    if let Some(stream) = self.streams.get_mut(place) {
                        stream.is_paused = is_over;
                    }
                }
                Err(error) => tracing::warn!("a partition cannot be paused: {error}"),
            }
        }
    }
}

fn fatal(name: &str, error: &KafkaError) -> LogError {
    LogError::Fatal(format!("{name} cannot be read: {error}"))
}

impl Source for Messages {
    fn open(&mut self, place: Place, from: i64) -> Result<(), LogError> {
        self.close(place);
        let list = self.list(place, Offset::Offset(from))?;
        let topic = usize::from(place.topic.0);
        if self.consumers[topic].is_none() {
            let consumer = self.config.create_with_context(Listener::default());
            self.consumers[topic] = Some(consumer.map_err(|error| fatal(&self.names[topic], &error))?);
        }
        let consumer = self.consumers[topic].as_ref().expect("it was made just now");
        consumer.incremental_assign(&list).map_err(|error| fatal(&self.names[topic], &error))?;
        let stream = Stream { heard: VecDeque::new(), next: from, is_at_end: false, is_paused: false };
        self.streams.insert(place, stream);
        Ok(())
    }

    fn close(&mut self, place: Place) {
        if self.streams.remove(place).is_none() {
            return;
        }
        if let (Ok(list), Some(consumer)) =
            (self.list(place, Offset::Invalid), &self.consumers[usize::from(place.topic.0)])
            && let Err(error) = consumer.incremental_unassign(&list)
        {
            tracing::warn!("{} cannot be stopped: {error}", self.names[usize::from(place.topic.0)]);
        }
    }

    fn take(
        &mut self,
        place: Place,
        max: usize,
        accept: &mut dyn FnMut(&Record<'_>) -> Answer,
    ) -> Result<Taken, LogError> {
        let Some(stream) = self.streams.get_mut(place) else { return Ok(Taken { records: 0, is_empty: true }) };
        let mut records = 0;
        while records < max {
            match stream.heard.pop_front() {
                None => return Ok(Taken { records, is_empty: true }),
                Some(Heard::End) => stream.is_at_end = true,
                Some(Heard::Failed(error)) => return Err(error),
                // What was fetched before the place was opened anew.
                Some(Heard::Message(message)) if message.offset() < stream.next => {}
                Some(Heard::Message(message)) => {
                    if with_record(&message, place, accept) == Answer::NotNow {
                        stream.heard.push_front(Heard::Message(message));
                        return Ok(Taken { records, is_empty: false });
                    }
                    stream.next = message.offset() + 1;
                    stream.is_at_end = false;
                    records += 1;
                }
            }
        }
        Ok(Taken { records, is_empty: false })
    }

    fn next(&self, place: Place) -> Option<i64> {
        self.streams.get(place).map(|stream| stream.next)
    }

    fn reached_end(&mut self, place: Place) -> Option<i64> {
        self.streams.get(place).filter(|stream| stream.is_at_end).map(|stream| stream.next)
    }

    fn heard_end(&mut self, place: Place) -> Option<i64> {
        self.reached_end(place)
    }

    #[expect(clippy::disallowed_methods, reason = "it waits for the network, within the time of a turn")]
    fn wait(&mut self, longest: Duration) {
        std::thread::sleep(longest.min(Duration::from_millis(1)));
    }

    fn serve(&mut self) -> Result<(), LogError> {
        self.pump();
        Ok(())
    }
}

fn with_record(message: &OwnedMessage, place: Place, accept: &mut dyn FnMut(&Record<'_>) -> Answer) -> Answer {
    let listed: Vec<Header<'_>> = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| Header { name: header.key, value: header.value }).collect()
    });
    accept(&Record {
        topic: place.topic,
        partition: place.partition,
        offset: message.offset(),
        time_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key(),
        value: message.payload(),
        headers: Headers::Listed(&listed),
    })
}
