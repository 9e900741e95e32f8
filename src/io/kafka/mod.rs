//! Owns Apache Kafka behind the ports of the runtime: nothing else in the crate knows that there is such a thing.
//!
//! One [`KafkaLog`] is one worker's: a member of the group (`group`), a client that reads the partitions it was given
//! (`inputs`), a producer of transactions (`producer`), and, when there is something to read again, a client for that
//! (`reader`). All of them live on the worker's thread; librdkafka's own threads do the talking.

pub mod bulk;
mod error;
pub mod fail;
mod follower;
mod group;
mod inputs;
mod listener;
mod message;
mod open;
pub mod outlet;
mod producer;
mod queue;
mod reader;
pub mod sender;
pub mod settings;
mod source;
pub mod topics;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::BaseConsumer;

pub use bulk::{BulkSender, Delivered, Handed, OnDelivery};
pub use follower::{Begin, Follower};
pub use open::OpenError;
pub use outlet::EventOutlet;
pub use queue::drain;
pub use sender::{CommittedReader, Sender};
pub use settings::{Fetching, GroupProtocol, Properties, RefusedProperty, Settings};

use crate::base::Instant;
use crate::io::clock::{Stopwatch, wall_clock};
use crate::runtime::{
    Batch, Bounds, CommittedLog, GroupLog, Log, LogError, Point, Polled, Position, Record, Records, TopicId, Topics,
};
use group::Group;
use inputs::Inputs;
use listener::Listener;
use message::Messages;
use producer::Transactions;
use queue::Queues;
use reader::Reader;
use source::{Place, Source};
use topics::Watch;

/// Kafka, as one worker sees it.
pub struct KafkaLog {
    settings: Settings,
    names: Arc<[String]>,
    inputs: Inputs,
    reader: Reader,
    transactions: Transactions,
    group: Group,
    watch: Watch,
    since: Stopwatch,
}

impl KafkaLog {
    /// Connects, checks the topics, takes a producer (which ends what a former self left open) and joins the group.
    ///
    /// # Errors
    /// With what is wrong, in one line.
    pub fn open(settings: &Settings, topics: &Topics) -> Result<KafkaLog, OpenError> {
        fail::arm().map_err(OpenError::Settings)?;
        let names: Arc<[String]> = topics.names.clone().into();
        let inputs = topics.inputs.len();
        let reader = Reader::new(settings, Arc::clone(&names)).map_err(|error| open::unusable(&error))?;
        let partitions = open::partitions(reader.asking(), settings, &names)?;
        if partitions != topics.partitions {
            let text = format!("the topics have {partitions} partitions, and {} were there before", topics.partitions);
            return Err(LogError::Fatal(text).into());
        }
        let mut transactions = Transactions::new(settings);
        transactions.renew()?;
        let source = source_of(settings, &names, inputs, partitions)?;
        let group =
            Group::join(settings, Arc::clone(&names), inputs, partitions).map_err(|error| open::unusable(&error))?;
        Ok(KafkaLog {
            inputs: Inputs::new(source, inputs, Duration::from_millis(settings.turn_ms.into())),
            watch: Watch::start(reader.asking(), Arc::clone(&names), partitions),
            reader,
            transactions,
            group,
            names,
            settings: settings.clone(),
            since: Stopwatch::start(),
        })
    }

    /// How many partitions the topics have, all of them the same number.
    ///
    /// # Errors
    /// With what is wrong, in one line: nobody answers, a topic is missing, or they have different numbers.
    pub fn partitions(settings: &Settings, names: &[String]) -> Result<u32, OpenError> {
        let consumer = open::make(settings.for_reading("survey", 1).remove("group.id"))?;
        open::partitions(&consumer, settings, names)
    }

    fn owned(&self, partition: u32) -> Result<(), LogError> {
        if self.group.owns(partition) {
            Ok(())
        } else {
            Err(LogError::Abort(format!("partition {partition} is not this member's")))
        }
    }
}

fn source_of(
    settings: &Settings,
    names: &Arc<[String]>,
    inputs: usize,
    partitions: u32,
) -> Result<Box<dyn Source>, OpenError> {
    let mut config = settings.for_inputs(inputs * partitions as usize);
    Ok(match settings.fetching {
        Fetching::Batches => Box::new(Queues::new(open::make(config.remove("group.id"))?, Arc::clone(names))),
        Fetching::Messages => Box::new(Messages::new(config, Arc::clone(names))),
    })
}

/// Hears what a client that reads has to say of itself, without waiting.
fn serve(consumer: &BaseConsumer<Listener>, member: &str) -> Result<(), LogError> {
    while let Some(heard) = consumer.poll(Duration::ZERO) {
        if let Err(said) = heard
            && let Some(error) = error::of_consumption(&said, member)
        {
            return Err(error);
        }
    }
    Ok(())
}

impl Log for KafkaLog {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        self.watch.check()?;
        let KafkaLog { group, inputs, .. } = self;
        group.serve()?;
        if let Some(change) = group.next_change() {
            if let Polled::Revoked(partitions) = &change {
                for partition in partitions {
                    inputs.stop(*partition);
                    self.reader.forget(*partition);
                }
            }
            return Ok(change);
        }
        inputs.poll(batch, || {
            group.serve()?;
            Ok(group.has_news())
        })?;
        Ok(Polled::Records)
    }

    fn begin(&mut self) -> Result<(), LogError> {
        self.transactions.begin()
    }

    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        let name = &self.names[usize::from(record.topic.0)];
        self.transactions.send(name, record)
    }

    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        let group = self.group.metadata(positions)?;
        self.transactions.send_offsets(&self.names, positions, &group)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        fail::commit_sent();
        self.transactions.commit()
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.transactions.abort()
    }

    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        self.group.committed(usize::from(topic.0), partition)
    }

    fn pass(&mut self, point: Point) -> Result<(), LogError> {
        fail::pass(point);
        Ok(())
    }
}

impl CommittedLog for KafkaLog {
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

impl GroupLog for KafkaLog {
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError> {
        self.reader.written(Place { topic, partition })
    }

    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        self.owned(partition)?;
        self.reader.forget(partition);
        self.inputs.start(partition, positions)
    }

    fn stop(&mut self, partition: u32) -> Result<(), LogError> {
        self.inputs.stop(partition);
        Ok(())
    }

    fn renew(&mut self) -> Result<(), LogError> {
        self.transactions.renew()
    }

    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        self.inputs.heard_end(topic, partition)
    }

    fn now(&mut self) -> Instant {
        wall_clock()
    }

    fn elapsed_ns(&mut self) -> u64 {
        self.since.nanos()
    }
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaLog").field("member", &self.settings.member()).finish_non_exhaustive()
    }
}
