//! Owns the embedded log as one worker sees it: the consumer of its partitions and its transactional producer.

use crate::base::Instant;
use crate::runtime::{
    Batch, Bounds, CommittedLog, GroupLog, Log, LogError, Polled, Position, Record, Records, TopicId,
};

use crate::runtime::log::READ_BYTES;

use super::log::{EmbeddedLog, Isolation, Producer};

/// One worker's consumer and producer.
#[derive(Debug)]
pub struct Client {
    log: EmbeddedLog,
    producer: Producer,
    owned: Vec<Position>,
    /// The place in `owned` to poll first: each has its turn.
    first: usize,
    sent_positions: Vec<Position>,
}

impl Client {
    /// A client that owns `partitions` of each input topic and goes on from their committed positions.
    #[must_use]
    pub fn new(log: &EmbeddedLog, transactional_id: &str, inputs: &[TopicId], partitions: &[u32]) -> Client {
        let producer = log.producer(transactional_id);
        let pairs = partitions.iter().flat_map(|partition| inputs.iter().map(move |topic| (*topic, *partition)));
        let owned = pairs.map(|(topic, partition)| {
            let next = log.committed(topic, partition).unwrap_or(0);
            Position { topic, partition, next }
        });
        Client { owned: owned.collect(), log: log.clone(), producer, first: 0, sent_positions: Vec::new() }
    }

    /// Whether every input topic is closed and was polled to its end.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        // Closed first: what was appended before is then seen.
        self.owned.iter().all(|at| self.log.is_closed(at.topic))
            && self.owned.iter().all(|at| at.next >= self.log.end(at.topic, at.partition))
    }
}

impl Log for Client {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        let seen = self.log.changes();
        let count = self.owned.len();
        for step in 0..count {
            let place = (self.first + step) % count;
            let at = &mut self.owned[place];
            let mut full = false;
            at.next = self.log.read(at.topic, at.partition, at.next, Isolation::Committed, |record| {
                full = !batch.has_room_for(record);
                if !full {
                    batch.push(record);
                }
                !full
            })?;
            if full {
                self.first = (place + 1) % count;
                break;
            }
        }
        if batch.is_empty() && !self.is_at_end() {
            self.log.wait(seen);
        }
        Ok(Polled::Records)
    }

    fn begin(&mut self) -> Result<(), LogError> {
        self.sent_positions.clear();
        self.producer.begin()
    }

    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        self.producer.send(record)
    }

    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        self.producer.send_offsets(positions)?;
        self.sent_positions.extend_from_slice(positions);
        Ok(())
    }

    /// Commits, and lets go of what is consumed of bounded topics.
    fn commit(&mut self) -> Result<(), LogError> {
        self.producer.commit()?;
        for at in self.sent_positions.drain(..).filter(|at| self.log.is_bounded(at.topic)) {
            self.log.trim(at.topic, at.partition, at.next);
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.producer.abort()
    }

    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        Ok(self.log.committed(topic, partition))
    }
}

impl CommittedLog for Client {
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError> {
        Ok(self.log.bounds(topic, partition))
    }

    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError> {
        let mut bytes = 0;
        let next = self.log.read(topic, partition, from, Isolation::Committed, |record| {
            let take = record.offset < to && bytes < READ_BYTES;
            if take {
                bytes += record.bytes();
                records.push(record);
            }
            take
        })?;
        Ok(next.min(to))
    }
}

impl GroupLog for Client {
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError> {
        Ok(self.log.end(topic, partition))
    }

    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        self.stop(partition)?;
        self.owned.extend_from_slice(positions);
        Ok(())
    }

    fn stop(&mut self, partition: u32) -> Result<(), LogError> {
        self.owned.retain(|at| at.partition != partition);
        self.first = 0;
        Ok(())
    }

    fn renew(&mut self) -> Result<(), LogError> {
        self.producer = self.log.producer(self.producer.id());
        Ok(())
    }

    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        Some(self.log.end(topic, partition))
    }

    fn now(&mut self) -> Instant {
        self.log.now()
    }

    fn elapsed_ns(&mut self) -> u64 {
        self.log.now().nanos().unsigned_abs()
    }
}
