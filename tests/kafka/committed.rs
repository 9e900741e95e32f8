//! All that a reader of committed records sees of a scene, once nothing is under way any more.

use std::collections::BTreeMap;

use crate::broker::Broker;
use crate::client::OwnedRecord;
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
