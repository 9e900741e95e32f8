//! Owns the taking of snapshots: of committed state only, one shard at a time, a slice a turn, while the shard goes on.

use super::slot::Slot;
use super::{Notice, Place, Service};
use crate::risk::stored::{StateHash, Storing};
use crate::runtime::log::{GroupLog, LogError};
use crate::runtime::snapshot::{Standing, Writing};
use crate::runtime::store::{Saved, SnapshotName, SnapshotStore};

/// A snapshot in the making.
pub(super) struct Taking {
    standing: Standing,
    writing: Writing,
    hash: StateHash,
    slice: Vec<u8>,
}

impl Taking {
    /// Begins with the state of a shard as of now.
    fn of(slot: &mut Slot, partitions: u32, journal_next: i64) -> Taking {
        let mut head = Vec::new();
        slot.shard.begin_storing();
        slot.shard.store_head(&mut head);
        Taking {
            standing: slot.standing(partitions, journal_next),
            writing: Writing::new(&head),
            hash: StateHash::of_head(&head),
            slice: Vec::new(),
        }
    }

    /// Stores some more of the buyers; says whether those were the last.
    fn go_on(&mut self, slot: &mut Slot, slice_bytes: usize) -> bool {
        self.slice.clear();
        let storing = slot.shard.store_some(slice_bytes, &mut self.slice);
        self.hash.take_buyers(&self.slice).expect("a shard stores whole buyers");
        self.writing.buyers().extend_from_slice(&self.slice);
        storing == Storing::Done
    }
}

impl<L: GroupLog, S: SnapshotStore> Service<L, S> {
    /// Stores a slice of the snapshot that is being taken, or begins with the next that is due.
    pub(super) fn go_on_with_snapshots(&mut self) -> Result<(), LogError> {
        self.note_saved();
        if self.store.is_busy() {
            return Ok(());
        }
        let Some(mut taking) = self.taking.take() else { return self.begin_due() };
        let Some(Place::Live(slot)) = self.places.get_mut(&taking.standing.partition) else { return Ok(()) };
        if taking.go_on(slot, self.rules.snapshot_slice_bytes) {
            self.hand_over(taking);
        } else {
            self.taking = Some(taking);
        }
        Ok(())
    }

    /// Takes no more of a snapshot of this partition.
    pub(super) fn stop_taking(&mut self, partition: u32) {
        if self.taking.as_ref().is_some_and(|taking| taking.standing.partition == partition) {
            self.taking = None;
        }
        if let Some(Place::Live(slot)) = self.places.get_mut(&partition) {
            slot.shard.stop_storing();
        }
    }

    /// Stores every live shard that took a turn since its last snapshot, one after another, until some moment.
    pub(super) fn store_all(&mut self, until_ns: u64) -> Result<(), LogError> {
        let partitions: Vec<u32> = self.live().map(|slot| slot.partition).collect();
        for partition in partitions {
            self.stop_taking(partition);
            self.store.wait();
            self.note_saved();
            if self.log.elapsed_ns() > until_ns {
                self.notices.push(Notice::Warned(format!(
                    "partition {partition} and those after it are not stored: there was no time. The next start takes \
                     their last turns again"
                )));
                return Ok(());
            }
            if self.begin(partition)?
                && let (Some(mut taking), Some(Place::Live(slot))) =
                    (self.taking.take(), self.places.get_mut(&partition))
            {
                while !taking.go_on(slot, usize::MAX) {}
                self.hand_over(taking);
            }
        }
        self.store.wait();
        self.note_saved();
        Ok(())
    }

    /// Begins with the shard whose last snapshot is the oldest, if one is due.
    fn begin_due(&mut self) -> Result<(), LogError> {
        let now_ns = self.log.elapsed_ns();
        let interval_ns = self.rules.snapshot_interval_ms * 1_000_000;
        let is_due = |slot: &&Slot| {
            slot.epoch > slot.log.snapshot_epoch
                && slot.log.snapshot_at_ns.is_none_or(|at_ns| now_ns.saturating_sub(at_ns) >= interval_ns)
        };
        let due = self.live().filter(is_due).min_by_key(|slot| slot.log.snapshot_at_ns);
        match due.map(|slot| slot.partition) {
            Some(partition) => self.begin(partition).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Begins to store a shard; says whether it has.
    fn begin(&mut self, partition: u32) -> Result<bool, LogError> {
        let Some(journal) = self.rules.topics.outputs.journal else { return Ok(false) };
        let Some(Place::Live(slot)) = self.places.get_mut(&partition) else { return Ok(false) };
        if slot.epoch <= slot.log.snapshot_epoch {
            return Ok(false);
        }
        let journal_next = match self.log.bounds(journal, partition) {
            Ok(bounds) => bounds.end,
            Err(LogError::Retry(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        slot.log.snapshot_at_ns = Some(self.log.elapsed_ns());
        self.taking = Some(Taking::of(slot, self.rules.topics.partitions, journal_next));
        Ok(true)
    }

    fn hand_over(&mut self, mut taking: Taking) {
        taking.standing.state_hash = taking.hash.finish();
        self.handed_over.clone_from(&taking.standing.positions);
        let name = SnapshotName { partition: taking.standing.partition, epoch: taking.standing.epoch };
        self.store.save(name, taking.writing.finish(&taking.standing), self.rules.snapshot_generations);
    }

    /// Notes what became of snapshots that were handed over.
    fn note_saved(&mut self) {
        for Saved { name, bytes, outcome } in self.store.saved() {
            match outcome {
                Ok(()) => {
                    self.observed.snapshots_saved += 1;
                    if let Some(Place::Live(slot)) = self.places.get_mut(&name.partition) {
                        slot.log.snapshot_epoch = name.epoch;
                        slot.log.snapshot_bytes = bytes;
                        slot.log.stored_at_ns = slot.log.snapshot_at_ns;
                        let positions = std::mem::take(&mut self.handed_over);
                        slot.log.kept_positions.push_back(positions);
                        if slot.log.kept_positions.len() > self.rules.snapshot_generations {
                            slot.log.kept_positions.pop_front();
                        }
                    }
                }
                Err(error) => {
                    self.observed.snapshots_failed += 1;
                    let (partition, epoch) = (name.partition, name.epoch);
                    self.notices.push(Notice::Warned(format!(
                        "partition {partition}: the snapshot of turn {epoch} was not stored: {error}. The older ones are \
                         still there; the next is tried in its time"
                    )));
                }
            }
        }
    }
}
