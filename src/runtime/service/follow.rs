//! Owns a follower: a shard brought along its journal from outside, beside the service or without it, to look at what it was
//! at any moment. It takes turns again by the code of a recovery, and writes nothing.

use super::ServiceRules;
use super::recovery::{last_entry, restore_one};
use super::replay::{Halt, Means, Ready, Replay};
use super::slot::{Orders, Tell};
use crate::base::Instant;
use crate::event::Effect;
use crate::risk::Shard;
use crate::runtime::journal::{Entry, Mode, is_of};
use crate::runtime::log::{CommittedLog, LogError};
use crate::runtime::records::{Records, TopicId};
use crate::runtime::store::{SnapshotName, SnapshotStore};
use crate::runtime::turn::Desk;
use crate::wire::encode_effect;

/// Times on end that nothing can be read before a follower gives up.
const NOTHING_MAX: u32 = 100;

/// Why a shard cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is there cannot be taken again, or does not agree: why, and what to do.
    #[error("{0}")]
    Differs(String),
}

impl From<Halt> for FollowError {
    fn from(halt: Halt) -> FollowError {
        match halt {
            Halt::Log(error) => FollowError::Log(error),
            Halt::Stop(why) => FollowError::Differs(why),
        }
    }
}

/// Where a follower begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowFrom {
    /// The newest snapshot that is whole.
    Newest,
    /// The newest whole snapshot whose clock is not after a moment.
    Before(Instant),
    /// The first turn of the journal, or where that is gone the oldest whole snapshot.
    Beginning,
}

/// A shard that is brought along its journal, as far as that went when it began.
pub struct Follower {
    replay: Replay,
    rules: ServiceRules,
    desk: Desk,
    notices: Vec<String>,
    nothing: u32,
    /// The turn of the snapshot that it began with; 0 without one.
    begun_with: u64,
}

impl Follower {
    /// Begins. `None` where the journal of the partition is empty.
    ///
    /// # Errors
    /// When the log or the store cannot be read, or the journal cannot be followed from there.
    pub fn open<L: CommittedLog, S: SnapshotStore>(
        log: &mut L,
        store: &mut S,
        rules: ServiceRules,
        partition: u32,
        from: FollowFrom,
    ) -> Result<Option<Follower>, FollowError> {
        let journal = rules.topics.outputs.journal;
        let journal = journal.ok_or_else(|| FollowError::Differs("there is no journal".to_owned()))?;
        let bounds = log.bounds(journal, partition)?;
        let Some((last, _)) = last_entry(log, (journal, partition), &rules.group, bounds.first, bounds.end)? else {
            return Ok(None);
        };
        let epochs = store.list(partition).map_err(|error| FollowError::Differs(error.to_string()))?;
        let mut notices = Vec::new();
        let mut found = None;
        if from == FollowFrom::Beginning
            && first_epoch(log, (journal, partition), &rules.group, bounds.first, bounds.end)? != Some(1)
        {
            found = restore(store, partition, epochs.iter().rev(), None, &rules, &mut notices);
        } else if from != FollowFrom::Beginning {
            let latest = if let FollowFrom::Before(at) = from { Some(at) } else { None };
            let epochs = epochs.iter().filter(|epoch| **epoch <= last.epoch);
            found = restore(store, partition, epochs, latest, &rules, &mut notices);
        }
        let begun_with = found.as_ref().map_or(0, |(slot, ..)| slot.epoch);
        let mut desk = Desk {
            topics: rules.topics.clone(),
            rules: rules.decode.clone(),
            scratch: bumpalo::Bump::new(),
            effects: Vec::new(),
        };
        let inputs = (0..rules.topics.inputs.len()).map(|topic| TopicId(topic as u16));
        let ends = inputs.map(|topic| log.bounds(topic, partition).map(|bounds| bounds.end));
        let ends = ends.collect::<Result<Vec<i64>, LogError>>()?;
        let means = Means { rules: &rules, desk: &mut desk, notices: &mut notices };
        let replay = Replay::new(log, partition, found, (bounds.first, bounds.end), last.epoch, ends, &means)?;
        Ok(Some(Follower { replay, rules, desk, notices, nothing: 0, begun_with }))
    }

    /// Takes the next turn, and checks that what comes of it is what came of it then. `None`: there are no more.
    ///
    /// # Errors
    /// When the log cannot be read, or something does not agree.
    pub fn step<L: CommittedLog>(&mut self, log: &mut L) -> Result<Option<Entry>, FollowError> {
        let Some(entry) = self.next_turn(log)? else { return Ok(None) };
        let mut means = Means { rules: &self.rules, desk: &mut self.desk, notices: &mut self.notices };
        self.replay.take_next(&mut means)?;
        Ok(Some(entry))
    }

    /// Brings it to a moment: through the turns that ended until then, the records of the next one that did not move the clock
    /// past it, and on to the moment itself. Without one: to the end of the last turn. It cannot go on after that.
    ///
    /// # Errors
    /// When the log cannot be read, or something does not agree.
    pub fn finish<L: CommittedLog>(mut self, log: &mut L, at: Option<Instant>) -> Result<Followed, FollowError> {
        while let Some(entry) = self.next_turn(log)? {
            if at.is_some_and(|at| entry.clock.is_some_and(|clock| clock > at)) {
                self.take_part(&entry, at.expect("a moment was given"))?;
                break;
            }
            self.step(log)?;
        }
        let Follower { replay, mut desk, notices, begun_with, .. } = self;
        let (epoch, mut shard) = (replay.slot.epoch, replay.slot.shard);
        if let Some(to) = at.or(shard.clock()).filter(|_| shard.clock().is_some()) {
            shard.advance(to, &mut desk.effects);
            desk.effects.clear();
        }
        Ok(Followed { shard, epoch, begun_with, notices })
    }

    /// What the last turn put out, figures of buyers left out.
    #[must_use]
    pub fn outputs(&self) -> &Records {
        &self.replay.made.outbox.records
    }

    /// The turn of the snapshot that it began with; 0 without one.
    #[must_use]
    pub fn begun_with(&self) -> u64 {
        self.begun_with
    }

    /// Where the journal ended when it began.
    #[must_use]
    pub fn journal_end(&self) -> i64 {
        self.replay.journal_end
    }

    /// What the operator should know, since it was last asked.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Reads until the next turn can be taken.
    fn next_turn<L: CommittedLog>(&mut self, log: &mut L) -> Result<Option<Entry>, FollowError> {
        loop {
            let means = Means { rules: &self.rules, desk: &mut self.desk, notices: &mut self.notices };
            match self.replay.look_ahead(log, &means) {
                Ok(Ready::End) => return Ok(None),
                Ok(Ready::Turn) => break,
                Ok(Ready::NotYet) | Err(Halt::Log(LogError::Retry(_))) if self.nothing < NOTHING_MAX => {
                    self.nothing += 1;
                }
                Ok(Ready::NotYet) => {
                    let epoch = self.replay.slot.epoch;
                    return Err(LogError::Retry(format!("nothing comes of the turn after {epoch}: try again")).into());
                }
                Err(halt) => return Err(halt.into()),
            }
        }
        self.nothing = 0;
        Ok(self.replay.next_entry().cloned())
    }

    /// Takes those records of the next turn again that leave the clock at a moment or before it. It finds them by taking one
    /// after another until one moves the clock past it, and then those before that one once more.
    fn take_part(&mut self, entry: &Entry, at: Instant) -> Result<(), FollowError> {
        let Follower { replay, rules, desk, .. } = self;
        replay.gather(entry, rules);
        let places = replay.batch.order().to_vec();
        let slot = &mut replay.slot;
        let before = copy(&mut slot.shard).map_err(FollowError::Differs)?;
        let orders = |params| {
            // What a turn does after its records comes after the moment.
            let mode = if entry.mode == Mode::Quiet { Mode::Quiet } else { Mode::Event };
            Orders { mode, ends: entry.ends.clone(), now: entry.now, params, tell: Tell::Again(0) }
        };
        let go_by_wall = |shard: &mut Shard| {
            if entry.mode == Mode::Live {
                shard.go_by_wall(entry.now);
            }
        };
        go_by_wall(&mut slot.shard);
        let (mut kept, mut params) = (0, entry.params.clone());
        for place in &places {
            slot.take_turn(&replay.batch, &[*place], orders(params.take()), desk, &mut replay.made);
            if slot.shard.clock().is_some_and(|clock| clock > at) {
                break;
            }
            kept += 1;
        }
        if kept < places.len() {
            slot.shard = before;
            slot.shard.watch_figures();
            go_by_wall(&mut slot.shard);
            slot.take_turn(&replay.batch, &places[..kept], orders(entry.params.clone()), desk, &mut replay.made);
        }
        replay.made.clear();
        Ok(())
    }
}

/// A shard as it was at a moment.
pub struct Followed {
    shard: Shard,
    epoch: u64,
    begun_with: u64,
    notices: Vec<String>,
}

impl Followed {
    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The last turn that is wholly in it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The turn of the snapshot that it was brought from; 0 without one.
    #[must_use]
    pub fn begun_with(&self) -> u64 {
        self.begun_with
    }

    /// What the operator should know.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The figures of a buyer, as `exposure.updated` tells them; `None` where it is not known.
    pub fn figures(&mut self, buyer_id: &str) -> Option<Vec<u8>> {
        let place = self.shard.place_of(buyer_id)?;
        let mut effects: Vec<Effect> = Vec::new();
        self.shard.tell_exposures_of(&[place], &mut effects);
        let mut json = Vec::new();
        encode_effect(effects.first()?, &mut json);
        Some(json)
    }
}

/// Another shard of the same state.
fn copy(shard: &mut Shard) -> Result<Shard, String> {
    let (mut head, mut buyers) = (Vec::new(), Vec::new());
    shard.begin_storing();
    shard.store_head(&mut head);
    shard.store_some(usize::MAX, &mut buyers);
    shard.stop_storing();
    let mut restoring = Shard::restore(&head).map_err(|error| error.to_string())?;
    restoring.restore_buyers(&buyers).map_err(|error| error.to_string())?;
    restoring.finish_restore().map_err(|error| error.to_string())
}

/// The first of some snapshots that is whole and whose clock is not after a moment.
fn restore<'a, S: SnapshotStore>(
    store: &mut S,
    partition: u32,
    epochs: impl Iterator<Item = &'a u64>,
    latest: Option<Instant>,
    rules: &ServiceRules,
    notices: &mut Vec<String>,
) -> Option<(super::slot::Slot, i64, u64)> {
    for &epoch in epochs {
        let name = SnapshotName { partition, epoch };
        let loaded = store.load(name).map_err(|error| error.to_string());
        match loaded.and_then(|bytes| restore_one(&bytes, name, rules).map(|found| (found, bytes.len() as u64))) {
            Ok(((slot, ..), _)) if latest.is_some_and(|latest| slot.shard.clock().is_some_and(|at| at > latest)) => {}
            Ok(((slot, next), bytes)) => return Some((slot, next, bytes)),
            Err(why) => {
                notices.push(format!("partition {partition}: the snapshot of turn {epoch} is passed over: {why}"))
            }
        }
    }
    None
}

/// The first turn that a partition of the journal still has.
fn first_epoch<L: CommittedLog>(
    log: &mut L,
    (journal, partition): (TopicId, u32),
    group: &str,
    first: i64,
    end: i64,
) -> Result<Option<u64>, FollowError> {
    let (mut records, mut next, mut nothing) = (Records::default(), first, 0);
    while next < end && !records.iter().any(|record| is_of(group, &record)) && nothing < NOTHING_MAX {
        records.clear();
        let after = log.read(journal, partition, next, end, &mut records)?;
        nothing = if after == next { nothing + 1 } else { 0 };
        next = after;
    }
    let entry = records.iter().find(|record| is_of(group, record));
    let entry = entry.map(|record| Entry::decode(record.value.unwrap_or_default()));
    entry.transpose().map(|entry| entry.map(|entry| entry.epoch)).map_err(|error| {
        FollowError::Differs(format!("the journal cannot be read at its beginning, offset {first}: {error}"))
    })
}
