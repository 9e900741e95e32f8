//! Owns a worker: a log, the shards of the partitions that it owns, and the turns that it takes with them.

use crate::base::Instant;
use crate::risk::{Params, Shard};
use crate::wire::DecodeRules;

use super::batch::BatchLimits;
use super::log::{Log, LogError};
use super::outbox::Topics;
use super::turn::{Applied, Desk, NotCommitted, OwnedShard, Turn};

/// What a worker goes by.
#[derive(Debug, Clone)]
pub struct WorkerRules {
    /// The topics.
    pub topics: Topics,
    /// What decoding holds a record to.
    pub decode: DecodeRules,
    /// The params that its shards begin with.
    pub params: Params,
    /// How much one turn takes on.
    pub limits: BatchLimits,
}

/// A log and the shards of its partitions, on one thread. What it shows between turns is committed.
pub struct Worker<L> {
    log: L,
    shards: Vec<OwnedShard>,
    desk: Desk,
    /// Nothing while a turn is out, and after one that was not committed.
    turn: Option<Turn>,
    limits: BatchLimits,
}

impl<L: Log> Worker<L> {
    /// A worker on `log` with an empty shard for each of `partitions`.
    #[must_use]
    pub fn new(log: L, rules: WorkerRules, partitions: impl IntoIterator<Item = u32>) -> Worker<L> {
        let WorkerRules { topics, decode, params, limits } = rules;
        let owned = |partition| {
            let mut shard = Shard::new(params.clone());
            if topics.outputs.history.is_some() {
                shard.keep_history();
            }
            OwnedShard { partition, shard, counts: Default::default() }
        };
        let mut shards: Vec<OwnedShard> = partitions.into_iter().map(owned).collect();
        shards.sort_unstable_by_key(|owned| owned.partition);
        let desk = Desk { topics, rules: decode, scratch: bumpalo::Bump::new(), effects: Vec::new() };
        Worker { log, shards, desk, turn: None, limits }
    }

    /// Takes one turn: polls a batch, applies it, commits it. Gives the number of records in it.
    ///
    /// # Errors
    /// When the log cannot be read (no shard has moved), or the turn was not committed: its shards are dropped then, and
    /// must be recovered.
    pub fn turn(&mut self) -> Result<usize, NotCommitted> {
        let mut turn = self.next_turn();
        match self.log.poll(&mut turn.batch) {
            Ok(_) => {}
            Err(LogError::Retry(_)) if turn.batch.is_empty() => {}
            Err(error) => return Err(NotCommitted { error, partitions: Vec::new() }),
        }
        let records = turn.batch.len();
        let applied = turn.apply(&mut self.shards, &mut self.desk);
        self.commit(applied)?;
        Ok(records)
    }

    /// Moves every shard's clock to `to`, as a `clock.tick` on each would: what falls due on the way happens, and the
    /// buyers of the last instant are judged.
    ///
    /// # Errors
    /// When the turn was not committed: its shards are dropped.
    pub fn tick(&mut self, to: Instant) -> Result<(), NotCommitted> {
        let turn = self.next_turn();
        let applied = turn.work(&mut self.shards, &mut self.desk, |shard, effects| shard.advance(to, effects));
        self.commit(applied)
    }

    /// Tells the figures of buyers, at places in their shard, of the shard at `place` in [`Worker::shards`].
    ///
    /// # Errors
    /// When the turn was not committed: its shard is dropped.
    ///
    /// # Panics
    /// When there is no such shard.
    pub fn tell_exposures(&mut self, place: usize, buyers: &[usize]) -> Result<(), NotCommitted> {
        let turn = self.next_turn();
        let applied = turn.work(&mut self.shards[place..=place], &mut self.desk, |shard, effects| {
            shard.tell_exposures_of(buyers, effects);
        });
        self.commit(applied)
    }

    /// The shards, in order of partition, as last committed.
    #[must_use]
    pub fn shards(&self) -> &[OwnedShard] {
        &self.shards
    }

    /// The places of a shard's buyers in order of buyer id by bytes.
    pub fn in_order(&mut self, place: usize) -> Vec<usize> {
        self.shards[place].shard.in_order()
    }

    /// The shards, for good.
    #[must_use]
    pub fn into_shards(self) -> Vec<OwnedShard> {
        self.shards
    }

    /// The log.
    pub fn log(&mut self) -> &mut L {
        &mut self.log
    }

    fn next_turn(&mut self) -> Turn {
        self.turn.take().unwrap_or_else(|| Turn::new(self.limits))
    }

    fn commit(&mut self, applied: Applied) -> Result<(), NotCommitted> {
        match applied.commit(&mut self.log) {
            Ok(committed) => {
                self.turn = Some(committed.settle(&mut self.shards));
                Ok(())
            }
            Err(failed) => {
                self.shards.retain(|owned| !failed.partitions.contains(&owned.partition));
                Err(failed)
            }
        }
    }
}
