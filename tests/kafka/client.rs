//! What a test does with a broker beside the engine: makes topics, writes records in bulk, reads what is committed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::Broker;

/// How long a call on a broker that is up may take, however slow the machine.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// A record to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    pub partition: i32,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// In milliseconds since 1970; the present when there is none.
    pub timestamp: Option<i64>,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRecord {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A producer that remembers what could not be delivered.
pub type RecordProducer = ThreadedProducer<Deliveries>;

/// What a producer could not deliver, and the errors the client told.
#[derive(Debug, Default)]
pub struct Deliveries {
    failed: Mutex<Vec<String>>,
    told: Mutex<Vec<(KafkaError, String)>>,
}

/// A name for a topic, group or transactional id that no other test uses.
pub fn fresh(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Record {
    /// A record without key and headers.
    pub fn new(topic: &str, partition: i32, value: impl AsRef<[u8]>) -> Record {
        Record { topic: topic.to_owned(), partition, value: Some(value.as_ref().to_vec()), ..Record::default() }
    }

    pub fn key(mut self, key: impl AsRef<[u8]>) -> Record {
        self.key = Some(key.as_ref().to_vec());
        self
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Record {
        self.headers.push((name.to_owned(), Some(value.as_ref().to_vec())));
        self
    }

    pub fn timestamp(mut self, timestamp_ms: i64) -> Record {
        self.timestamp = Some(timestamp_ms);
        self
    }
}

impl OwnedRecord {
    /// The value as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value.as_deref().expect("the record has a value")).expect("the value is text")
    }
}

impl Broker {
    /// Makes a topic with its settings.
    pub fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(WAIT_MAX)).request_timeout(Some(WAIT_MAX));
        let results = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(admin.create_topics([&topic], &options))
            .unwrap();
        for result in results {
            result.unwrap_or_else(|(name, code)| panic!("topic {name} cannot be made: {code}"));
        }
    }

    /// Writes records, each partition's in their order, and waits until the broker has them.
    pub fn produce(&self, records: &[Record]) {
        let producer = producer(self.client().set("enable.idempotence", "true"));
        send_all(&producer, records);
        producer.flush(WAIT_MAX).unwrap();
        producer.context().check();
    }

    /// A producer of transactions, which has fenced those that had its id before.
    pub fn transactional(&self, id: &str) -> RecordProducer {
        let producer = producer(self.client().set("transactional.id", id));
        producer.init_transactions(WAIT_MAX).unwrap();
        producer
    }

    /// All records of a topic that are committed by now, partition by partition, each in its order.
    pub fn read_committed(&self, topic: &str) -> Vec<OwnedRecord> {
        read(self.client().set("isolation.level", "read_committed"), topic)
    }

    /// All records of a topic, those of aborted and open transactions included.
    pub fn read_uncommitted(&self, topic: &str) -> Vec<OwnedRecord> {
        read(self.client().set("isolation.level", "read_uncommitted"), topic)
    }
}

/// A producer with these settings that sends without delay.
pub fn producer(config: &mut ClientConfig) -> RecordProducer {
    config.set("linger.ms", "0").create_with_context(Deliveries::default()).unwrap()
}

/// Hands records to a producer, and waits where its queue is full.
pub fn send_all(producer: &RecordProducer, records: &[Record]) {
    let deadline = Instant::now() + WAIT_MAX;
    for record in records {
        loop {
            match producer.send(base_record(record)) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((error, _)) => panic!("a record cannot be sent to {}: {error}", record.topic),
            }
        }
    }
}

fn base_record(record: &Record) -> BaseRecord<'_, [u8], [u8]> {
    let mut base = BaseRecord::to(&record.topic).partition(record.partition);
    base.key = record.key.as_deref();
    base.payload = record.value.as_deref();
    base.timestamp = record.timestamp;
    if !record.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        base.headers = Some(
            record
                .headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() })),
        );
    }
    base
}

/// Reads a topic from its beginning until each partition has been read to its end once.
fn read(config: &mut ClientConfig, topic: &str) -> Vec<OwnedRecord> {
    let consumer: BaseConsumer = config
        // Nothing is committed; a consumer must have a group all the same.
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("check.crcs", "true")
        .set("fetch.wait.max.ms", "10")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), WAIT_MAX).unwrap();
    let topic_metadata = &metadata.topics()[0];
    assert!(topic_metadata.error().is_none(), "{topic} cannot be read: {:?}", topic_metadata.error());
    let partitions = topic_metadata.partitions().len();
    let mut from = TopicPartitionList::new();
    for partition in 0..partitions {
        from.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&from).unwrap();

    let mut records = vec![Vec::new(); partitions];
    let mut is_read = vec![false; partitions];
    let deadline = Instant::now() + WAIT_MAX;
    while is_read.contains(&false) {
        assert!(Instant::now() < deadline, "{topic} was not read within {WAIT_MAX:?}: {is_read:?}");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let partition = message.partition() as usize;
                if !is_read[partition] {
                    records[partition].push(owned(&message));
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => is_read[partition as usize] = true,
            Some(Err(error)) => panic!("{topic} cannot be read: {error}"),
            None => {}
        }
    }
    records.concat()
}

/// A copy of a record.
pub fn owned(message: &BorrowedMessage<'_>) -> OwnedRecord {
    let header = |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    OwnedRecord {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
    }
}

impl Deliveries {
    /// Panics with what was not delivered.
    pub fn check(&self) {
        let failed = self.failed.lock().unwrap();
        assert!(failed.is_empty(), "{} records were not delivered; the first: {}", failed.len(), failed[0]);
    }

    /// The errors that the client has told so far, with their reasons.
    pub fn told(&self) -> Vec<(KafkaError, String)> {
        self.told.lock().unwrap().clone()
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        self.told.lock().unwrap().push((error, reason.to_owned()));
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            self.failed.lock().unwrap().push(format!("{}-{}: {error}", message.topic(), message.partition()));
        }
    }
}
