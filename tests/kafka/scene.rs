//! Where a test plays: topics, a group and a folder of its own, and how the events come in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use vigie::event::Topic;

use crate::broker::Broker;
use crate::client::{WAIT_MAX, fresh};

/// The input topics in their order, before the prefix.
pub const INPUTS: [(&str, Topic); 6] = [
    ("invoices", Topic::Invoices),
    ("payments", Topic::Payments),
    ("signals", Topic::Signals),
    ("limits", Topic::Limits),
    ("decisions", Topic::Decisions),
    ("fx-rates", Topic::FxRates),
];

/// The output topics, before the prefix; the journal aside.
pub const OUTPUTS: [&str; 6] =
    ["alerts", "limit-proposals", "limit-changes", "order-decisions", "exposures", "dead-letters"];

/// The journal, before the prefix.
pub const JOURNAL: &str = "journal";

/// On which topics the events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All on one, `invoices`.
    OneTopic,
    /// Each on the home topic of its type.
    HomeTopics,
}

/// What moves the clocks of the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Event,
    Live,
}

/// The group's committed positions, by input topic and partition.
pub type Positions = BTreeMap<(usize, u32), Option<i64>>;

/// Short times, so that much happens in a test: a snapshot a second, and the dead are missed soon.
const SETTINGS: &str = "\
snapshot_interval_seconds = 1
exposures_interval_ms = 200
[kafka]
session_timeout_ms = 3000
transaction_timeout_ms = 3000
";

/// Topics, a group and a folder that no other test has.
#[derive(Debug)]
pub struct Scene {
    /// Where the monitor finds Kafka.
    pub brokers: String,
    pub prefix: String,
    pub group: String,
    pub partitions: u32,
    pub way: Way,
    pub clock: Clock,
    /// Workers of each instance.
    pub threads: u32,
    /// What `vigie.toml` says besides what flags do.
    pub settings: String,
    folder: PathBuf,
}

impl Scene {
    /// Makes the topics.
    pub fn new(broker: &Broker, partitions: u32, way: Way, clock: Clock) -> Scene {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("{}/scenes/{}-{number}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
        fs::create_dir_all(&folder).unwrap();
        let name = fresh("scene");
        let scene = Scene {
            brokers: broker.bootstrap(),
            prefix: format!("{name}."),
            group: name,
            partitions,
            way,
            clock,
            threads: 1,
            settings: SETTINGS.to_owned(),
            folder: folder.into(),
        };
        let topics: Vec<String> = INPUTS
            .map(|(name, _)| name)
            .into_iter()
            .chain(OUTPUTS)
            .chain([JOURNAL])
            .map(|name| scene.topic(name))
            .collect();
        create(broker, &topics, partitions);
        scene
    }

    /// The full name of a topic.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A place for files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where all instances keep their snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.folder.join("snapshots")
    }

    /// The group's committed positions, by input topic and partition.
    pub fn positions(&self, broker: &Broker) -> Positions {
        let consumer = self.observer(broker);
        self.positions_by(&consumer)
    }

    fn positions_by(&self, consumer: &BaseConsumer) -> Positions {
        let mut asked = TopicPartitionList::new();
        for (name, _) in INPUTS {
            asked.add_partition_range(&self.topic(name), 0, self.partitions as i32 - 1);
        }
        // This list must not outlive its consumer, or keeps that from ending.
        let committed = consumer.committed_offsets(asked, WAIT_MAX).expect("the group's positions can be read");
        let mut positions = Positions::new();
        for (topic, (name, _)) in INPUTS.iter().enumerate() {
            for partition in 0..self.partitions {
                let found = committed.find_partition(&self.topic(name), partition as i32).unwrap();
                positions.insert((topic, partition), found.offset().to_raw().filter(|offset| *offset >= 0));
            }
        }
        positions
    }

    /// Where the partitions of a topic end.
    pub fn ends(&self, broker: &Broker, name: &str) -> Vec<i64> {
        self.ends_by(&self.observer(broker), name)
    }

    fn ends_by(&self, consumer: &BaseConsumer, name: &str) -> Vec<i64> {
        let end = |partition| consumer.fetch_watermarks(&self.topic(name), partition as i32, WAIT_MAX).unwrap().1;
        (0..self.partitions).map(end).collect()
    }

    /// Where the inputs end, by input topic and partition.
    pub fn input_ends(&self, broker: &Broker) -> BTreeMap<(usize, u32), i64> {
        self.input_ends_by(&self.observer(broker))
    }

    fn input_ends_by(&self, consumer: &BaseConsumer) -> BTreeMap<(usize, u32), i64> {
        let of = |(topic, (name, _)): (usize, &(&str, Topic))| {
            let ends = self.ends_by(consumer, name);
            ends.into_iter()
                .enumerate()
                .map(move |(partition, end)| ((topic, partition as u32), end))
                .collect::<Vec<_>>()
        };
        INPUTS.iter().enumerate().flat_map(of).collect()
    }

    /// How many records of the inputs the group has not committed.
    pub fn lag(&self, broker: &Broker) -> i64 {
        let consumer = self.observer(broker);
        let positions = self.positions_by(&consumer);
        let ends = self.input_ends_by(&consumer);
        ends.iter().map(|(at, end)| end - positions[at].unwrap_or(0)).sum()
    }

    /// A consumer that asks and never joins.
    fn observer(&self, broker: &Broker) -> BaseConsumer {
        broker.client().set("group.id", &self.group).set("enable.auto.commit", "false").create().unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}, its logs and snapshots are in {}", self.prefix, self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}

fn create(broker: &Broker, names: &[String], partitions: u32) {
    // Records have the times of their events: kept for ever, or the broker deletes what is old. No topic is compacted, so
    // that the oracles see every row.
    let new = |name| {
        NewTopic::new(name, partitions as i32, TopicReplication::Fixed(1))
            .set("retention.ms", "-1")
            .set("segment.ms", "9000000000000")
    };
    let topics: Vec<NewTopic<'_>> = names.iter().map(|name| new(name)).collect();
    let admin: AdminClient<DefaultClientContext> = broker.client().create().unwrap();
    let options = AdminOptions::new().operation_timeout(Some(WAIT_MAX)).request_timeout(Some(WAIT_MAX));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for result in runtime.block_on(admin.create_topics(&topics, &options)).unwrap() {
        result.unwrap_or_else(|(name, code)| panic!("topic {name} cannot be made: {code}"));
    }
}

/// Waits until something holds, however slow the machine; says what did not come true.
pub fn await_that(what: &str, most: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + most;
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "not within {most:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
