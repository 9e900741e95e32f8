//! Owns the demo's log as its one worker sees it: the only member of its group, with every partition.

use super::LOOK_MS;
use super::world::{PARTITIONS, World};
use crate::base::Instant;
use crate::io::clock;
use crate::runtime::{
    Batch, Bounds, CommittedLog, GroupLog, Log, LogError, Polled, Position, Record, Records, TopicId,
};
use crate::sim::{Client, Isolation};

/// The worker's consumer and producer.
pub struct SoleLog {
    world: World,
    /// The producer, and the positions that hold.
    client: Client,
    /// What is delivered, and from where on.
    started: Vec<Position>,
    is_assigned: bool,
}

impl SoleLog {
    /// The only member of the group.
    pub fn new(world: &World) -> SoleLog {
        let client = Client::new(world.log(), "vigie-demo", &[], &[]);
        SoleLog { world: world.clone(), client, started: Vec::new(), is_assigned: false }
    }
}

impl Log for SoleLog {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        if !std::mem::replace(&mut self.is_assigned, true) {
            return Ok(Polled::Assigned((0..PARTITIONS).collect()));
        }
        let whole_until_ms = self.world.whole_until_ms();
        for at in &mut self.started {
            if !batch.wants(at.topic, at.partition) {
                continue;
            }
            let mut full = false;
            at.next = self.world.log().read(at.topic, at.partition, at.next, Isolation::Committed, |record| {
                let is_whole = record.time_ms <= whole_until_ms;
                full = is_whole && !batch.has_room_for(record);
                let takes = is_whole && !full;
                if takes {
                    batch.push(record);
                }
                takes
            })?;
            if !full {
                batch.reached_end(at.topic, at.partition);
            }
        }
        if batch.is_empty() {
            clock::pause(LOOK_MS);
        }
        Ok(Polled::Records)
    }

    fn begin(&mut self) -> Result<(), LogError> {
        self.client.begin()
    }

    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        self.client.send(record)
    }

    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        self.client.send_offsets(positions)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.client.commit()
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.client.abort()
    }

    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        self.client.committed(topic, partition)
    }
}

impl CommittedLog for SoleLog {
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError> {
        self.client.bounds(topic, partition)
    }

    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError> {
        self.client.read(topic, partition, from, to, records)
    }
}

impl GroupLog for SoleLog {
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError> {
        self.client.written(topic, partition)
    }

    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        self.stop(partition)?;
        self.started.extend_from_slice(positions);
        Ok(())
    }

    fn stop(&mut self, partition: u32) -> Result<(), LogError> {
        self.started.retain(|at| at.partition != partition);
        Ok(())
    }

    fn renew(&mut self) -> Result<(), LogError> {
        self.client.renew()
    }

    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        self.client.heard_end(topic, partition)
    }

    fn now(&mut self) -> Instant {
        // The log's own clock moves from look to look: what the API writes between two would seem to come from the future.
        self.world.now()
    }

    fn elapsed_ns(&mut self) -> u64 {
        self.world.elapsed_ns()
    }
}
