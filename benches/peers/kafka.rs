//! What the benchmark asks of the broker itself: topics made and gone, how far a group is, how large things are on disk.

use std::fs;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;
use vigie::io::clock::pause;

use crate::support::broker::Broker;
use crate::support::{Outcome, PARTITIONS};

/// How long one request may take: the broker may have a great deal to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the broker may take to clear up.
const CLEARED_AFTER_MS: u64 = 1_500;

/// Makes topics of ordinary settings.
pub fn make_topics(broker: &Broker, names: &[&str]) -> Outcome<()> {
    let new: Vec<_> =
        names.iter().map(|name| NewTopic::new(name, PARTITIONS as i32, TopicReplication::Fixed(1))).collect();
    for answer in wait(admin(broker)?.create_topics(&new, &options()))? {
        answer.map_err(|(name, code)| format!("{name} cannot be made: {code}"))?;
    }
    Ok(())
}

/// Deletes every topic whose name begins with one of these.
pub fn delete_topics(broker: &Broker, prefixes: &[&str]) -> Outcome<()> {
    let admin = admin(broker)?;
    let metadata = admin.inner().fetch_metadata(None, PATIENCE)?;
    let names: Vec<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
    let named: Vec<&str> =
        names.into_iter().filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))).collect();
    for answer in wait(admin.delete_topics(&named, &options()))? {
        match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((name, code)) => return Err(format!("{name} cannot be deleted: {code}").into()),
        }
    }
    // Its files go a moment later, and would be the next one's disk traffic.
    pause(CLEARED_AFTER_MS);
    Ok(())
}

/// How far a group is on a topic, by what it has committed.
pub struct Progress {
    consumer: BaseConsumer,
    places: TopicPartitionList,
    /// Records of the topic.
    pub records: u64,
}

impl Progress {
    /// Of a group that need not be there yet, on a topic as it ends now.
    pub fn of(broker: &Broker, group: &str, topic: &str) -> Outcome<Progress> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.address())
            .set("group.id", group)
            // What is committed so far; not: wait for the transaction that is open.
            .set("isolation.level", "read_uncommitted")
            .create()?;
        let mut places = TopicPartitionList::new();
        places.add_partition_range(topic, 0, PARTITIONS as i32 - 1);
        let mut progress = Progress { consumer, places, records: 0 };
        progress.look_again(topic)?;
        Ok(progress)
    }

    /// Finds the topic's ends anew.
    pub fn look_again(&mut self, topic: &str) -> Outcome<()> {
        self.records = 0;
        for partition in 0..PARTITIONS as i32 {
            self.records += self.consumer.fetch_watermarks(topic, partition, PATIENCE)?.1.unsigned_abs();
        }
        Ok(())
    }

    /// Records taken and committed so far.
    pub fn committed(&self) -> Outcome<u64> {
        let committed = self.consumer.committed_offsets(self.places.clone(), PATIENCE)?;
        let of = |offset| if let Offset::Offset(offset) = offset { offset.unsigned_abs() } else { 0 };
        Ok(committed.elements().iter().map(|place| of(place.offset())).sum())
    }
}

/// Bytes of records on the broker's disk, of the topics whose name begins so.
pub fn bytes_on_disk(broker: &Broker, prefixes: &[&str]) -> Outcome<u64> {
    let mut bytes = 0;
    for folder in fs::read_dir(broker.topics_folder())? {
        let folder = folder?;
        let name = folder.file_name().to_string_lossy().into_owned();
        if !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            // Indexes are made in advance, with nothing in them.
            if file.path().extension().is_some_and(|extension| extension == "log") {
                bytes += file.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}

fn admin(broker: &Broker) -> Outcome<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new().set("bootstrap.servers", broker.address()).create()?)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

fn wait<T>(answer: impl Future<Output = rdkafka::error::KafkaResult<T>>) -> Outcome<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(answer)?)
}
