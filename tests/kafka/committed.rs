//! All that a reader of committed records sees of a scene, once nothing is under way any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::Broker;
use crate::client::{OwnedRecord, owned};
use crate::scene::{INPUTS, JOURNAL, OUTPUTS, Positions, Scene, Way};

/// The records of a topic, by partition, each in its order.
pub type ByPartition = Vec<Vec<OwnedRecord>>;

/// Inputs, outputs, journal and positions of a scene.
#[derive(Debug, Clone)]
pub struct Committed {
    pub prefix: String,
    pub partitions: u32,
    pub way: Way,
    /// In the order of [`INPUTS`].
    pub inputs: Vec<ByPartition>,
    /// By the name of [`OUTPUTS`].
    pub outputs: BTreeMap<&'static str, ByPartition>,
    pub journal: ByPartition,
    /// The group's, by input topic and partition.
    pub positions: Positions,
}

impl Committed {
    /// Reads all of it.
    pub fn read(broker: &Broker, scene: &Scene) -> Committed {
        let read = |name: &str| by_partition(broker.read_committed(&scene.topic(name)), scene.partitions);
        Committed {
            prefix: scene.prefix.clone(),
            partitions: scene.partitions,
            way: scene.way,
            inputs: INPUTS.iter().map(|(name, _)| read(name)).collect(),
            outputs: OUTPUTS.into_iter().map(|name| (name, read(name))).collect(),
            journal: read(JOURNAL),
            positions: scene.positions(broker),
        }
    }

    /// How many outputs there are of a topic.
    pub fn count(&self, name: &str) -> usize {
        self.outputs[name].iter().map(Vec::len).sum()
    }
}

/// How many records of the outputs and the journal were written in vain: those of transactions that were aborted.
pub fn aborted(broker: &Broker, scene: &Scene) -> usize {
    let count = |name: &str| {
        let topic = scene.topic(name);
        broker.read_uncommitted(&topic).len() - broker.read_committed(&topic).len()
    };
    OUTPUTS.into_iter().chain([JOURNAL]).map(count).sum()
}

fn by_partition(records: Vec<OwnedRecord>, partitions: u32) -> ByPartition {
    let mut parted = vec![Vec::new(); partitions as usize];
    for record in records {
        parted[record.partition as usize].push(record);
    }
    parted
}

/// A reader of committed records that is there all the time: what it sees as it comes must be what is there in the end.
pub struct Watcher {
    wanted: Arc<AtomicUsize>,
    thread: JoinHandle<BTreeMap<(String, i32), Vec<OwnedRecord>>>,
}

impl Watcher {
    /// Begins to read all outputs and the journal.
    pub fn start(broker: &Broker, scene: &Scene) -> Watcher {
        let mut config = broker.client();
        config.set("group.id", "watcher").set("enable.auto.commit", "false").set("isolation.level", "read_committed");
        let consumer: BaseConsumer = config.set("fetch.wait.max.ms", "50").create().unwrap();
        let mut from = TopicPartitionList::new();
        for name in OUTPUTS.into_iter().chain([JOURNAL]) {
            for partition in 0..scene.partitions {
                from.add_partition_offset(&scene.topic(name), partition as i32, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&from).unwrap();
        let wanted = Arc::new(AtomicUsize::new(usize::MAX));
        let wants = Arc::clone(&wanted);
        let thread = std::thread::spawn(move || {
            let mut seen: BTreeMap<(String, i32), Vec<OwnedRecord>> = BTreeMap::new();
            // Once it is known how much there is, it reads what is left, and a little on for what should not be there.
            let (mut quiet, mut total) = (0, 0);
            while quiet < if total < wants.load(Ordering::Relaxed) { MISSING_POLLS } else { QUIET_POLLS } {
                match consumer.poll(Duration::from_millis(100)) {
                    Some(Ok(message)) => {
                        let record = owned(&message);
                        seen.entry((record.topic.clone(), record.partition)).or_default().push(record);
                        (quiet, total) = (0, total + 1);
                    }
                    // A broker that is gone comes back.
                    Some(Err(_)) => {}
                    None => quiet += u32::from(wants.load(Ordering::Relaxed) < usize::MAX),
                }
            }
            seen
        });
        Watcher { wanted, thread }
    }

    /// Compares what it saw with what is there in the end; it may not have come to the last records.
    pub fn finish(self, seen: &Committed) -> Result<(), String> {
        let outputs: usize = seen.outputs.values().flatten().map(Vec::len).sum();
        let journal: usize = seen.journal.iter().map(Vec::len).sum();
        self.wanted.store(outputs + journal, Ordering::Relaxed);
        let watched = self.thread.join().unwrap();
        let all = seen.outputs.iter().map(|(name, records)| (*name, records)).chain([(JOURNAL, &seen.journal)]);
        for (name, partition, there) in all.flat_map(|(name, records)| {
            records.iter().enumerate().map(move |(partition, records)| (name, partition as i32, records))
        }) {
            let watched = watched.get(&(format!("{}{name}", seen.prefix), partition)).map_or(&[][..], Vec::as_slice);
            if !there.starts_with(watched) {
                let same = watched.iter().zip(there).take_while(|(a, b)| a == b).count();
                return Err(format!(
                    "{name}-{partition}: a reader saw other records as they came, from number {same} on"
                ));
            }
            if watched.len() < there.len() {
                return Err(format!("{name}-{partition}: a reader saw {} of {} records", watched.len(), there.len()));
            }
        }
        Ok(())
    }
}

/// Polls on end without a record after which there are no more.
const QUIET_POLLS: u32 = 10;
/// The same while some are known to be missing: a client may take its time to find a broker again.
const MISSING_POLLS: u32 = 600;
