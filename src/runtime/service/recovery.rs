//! Owns the recovery of a partition: the newest good snapshot, then the turns of the journal taken again, with what they put
//! out dropped and compared. Nothing is told, and nothing goes live, before all of it agrees.

use super::plan::{Found, Plan, plan};
use super::replay::{Halt, Means, Replay, TAIL_OFFSETS, decode};
use super::slot::{Slot, Stage};
use super::{ClockRule, ColdStart, ServiceRules};
use crate::risk::Shard;
use crate::risk::buyer::Voice;
use crate::runtime::journal::{Entry, is_of};
use crate::runtime::log::{CommittedLog, GroupLog, LogError, read_all};
use crate::runtime::point::Point;
use crate::runtime::records::{Records, TopicId};
use crate::runtime::snapshot::Snapshot;
use crate::runtime::store::{SnapshotName, SnapshotStore};

/// How long the positions of a committed turn may take to show.
const MARKS_NS: u64 = 30_000_000_000;

/// A partition on its way back.
pub(super) struct Recovery {
    pub(super) partition: u32,
    pub(super) begun_ns: u64,
    parked: Option<Box<Slot>>,
    replay: Option<Box<Replay>>,
}

/// How far a recovery has come.
pub(super) enum Progress {
    /// There is more to do.
    Again,
    /// It has to wait, for this reason.
    NotYet(String),
    /// It is done.
    Done(Box<Slot>),
    /// It cannot be done: why, and what to do.
    Stopped(String),
}

impl Recovery {
    /// Of a partition of which a shard may be kept from before.
    pub(super) fn new(partition: u32, parked: Option<Box<Slot>>, begun_ns: u64) -> Recovery {
        Recovery { partition, begun_ns, parked, replay: None }
    }

    /// Goes a step further: some megabytes of records at most.
    ///
    /// # Errors
    /// When the log fails other than for a while.
    pub(super) fn step<L: GroupLog, S: SnapshotStore>(
        &mut self,
        log: &mut L,
        store: &mut S,
        means: &mut Means<'_>,
    ) -> Result<Progress, LogError> {
        let done = match &mut self.replay {
            None => self.begin(log, store, means),
            Some(replay) => match replay.step(log, means) {
                Ok(true) => Ok(Progress::Done(self.replay.take().expect("it is there").slot)),
                Ok(false) => Ok(Progress::Again),
                Err(halt) => Err(halt),
            },
        };
        match done {
            Ok(Progress::Done(slot)) => {
                log.pass(Point::RecoveryDone)?;
                match missing(log, &slot, means.rules) {
                    Ok(None) => Ok(self.check(slot, means)),
                    Ok(Some(why)) => Ok(Progress::Stopped(why)),
                    Err(LogError::Retry(why)) => {
                        self.parked = Some(slot);
                        Ok(Progress::NotYet(why))
                    }
                    Err(error) => Err(error),
                }
            }
            Ok(progress) => Ok(progress),
            Err(Halt::Stop(why)) => Ok(Progress::Stopped(why)),
            Err(Halt::Log(LogError::Retry(why))) => Ok(Progress::NotYet(why)),
            Err(Halt::Log(error)) => Err(error),
        }
    }

    /// Whether the shard can go on with the params that the service was given.
    fn check(&self, mut slot: Box<Slot>, means: &Means<'_>) -> Progress {
        match slot.shard.accepts(&means.rules.params) {
            Ok(()) => {
                slot.params_due = slot.epoch == 0 || *slot.shard.params() != means.rules.params;
                Progress::Done(slot)
            }
            Err(error) => Progress::Stopped(error.to_string()),
        }
    }

    fn begin<L: GroupLog, S: SnapshotStore>(
        &mut self,
        log: &mut L,
        store: &mut S,
        means: &mut Means<'_>,
    ) -> Result<Progress, Halt> {
        log.pass(Point::RecoveryBegun)?;
        let (partition, inputs) = (self.partition, means.rules.topics.inputs.len());
        let topics = (0..inputs).map(|topic| TopicId(topic as u16));
        let committed = topics.map(|topic| log.committed(topic, partition)).collect::<Result<Vec<_>, _>>()?;
        let journal = means.rules.topics.outputs.journal.ok_or_else(|| Halt::Stop("it has no journal".to_owned()))?;
        // The marks that end a transaction are written partition by partition: positions may show before the turn that they are
        // of. So the journal is read only once all that was written when the positions were known is decided. What may still
        // commit had its positions in its transaction before that, and nothing of it is written later.
        // Both are asked each time: who stood still between may find more of both.
        let written = log.written(journal, partition)?;
        let bounds = log.bounds(journal, partition)?;
        if bounds.end < written {
            let name = &means.rules.topics.names[usize::from(journal.0)];
            return Err(LogError::Retry(format!(
                "{name} is decided up to {}, and written up to {written}: a transaction is still to be ended",
                bounds.end
            ))
            .into());
        }
        let last = last_entry(log, (journal, partition), &means.rules.group, bounds.first, bounds.end)?;
        let parked = self.parked.as_ref().map(|slot| (slot.epoch, slot.entry));
        let resumes = last.as_ref().map(|(entry, hash)| (entry.epoch, *hash)).is_some_and(|last| Some(last) == parked);
        let snapshots = match resumes {
            true => Vec::new(),
            false => store.list(partition).map_err(|error| {
                Halt::Stop(format!("its snapshots cannot be listed: {error}. Mend that and start again"))
            })?,
        };
        let found = Found {
            has_positions: committed.iter().any(Option::is_some),
            last: last.as_ref().map(|(entry, hash)| (entry.epoch, *hash)),
            parked,
            snapshots,
        };
        let plan = plan(&found);
        log.pass(Point::RecoveryPlanned)?;
        match (plan, last) {
            (Plan::Resume, Some(_)) => {
                let parked = self.parked.take().expect("a plan resumes what is parked");
                return Ok(Progress::Done(parked));
            }
            (Plan::Stop(why), _) => return Err(Halt::Stop(why)),
            (Plan::Replay(snapshots), Some((last, _))) => {
                self.parked = None;
                let waited_ns = log.elapsed_ns().saturating_sub(self.begun_ns);
                if let Err(halt) = check_positions(&last, &committed, means.rules) {
                    // The marks that end a transaction are written partition by partition, and a broker that was killed may
                    // still have to write those of the positions.
                    return Err(match halt {
                        Halt::Stop(why) if is_behind(&last, &committed) && waited_ns < MARKS_NS => {
                            LogError::Retry(why).into()
                        }
                        halt => halt,
                    });
                }
                let restored = restore(store, partition, &snapshots, means)?;
                log.pass(Point::RecoveryRestored)?;
                let ends = committed.iter().map(|position| position.unwrap_or(i64::MIN)).collect();
                let replay =
                    Replay::new(log, partition, restored, (bounds.first, bounds.end), last.epoch, ends, means)?;
                self.replay = Some(Box::new(replay));
                return Ok(Progress::Again);
            }
            (Plan::Begin | Plan::Resume | Plan::Replay(_), _) => {}
        }
        self.parked = None;
        Ok(Progress::Done(Box::new(fresh(log, partition, means.rules)?)))
    }
}

/// Why what was not read yet cannot be read any more, if so.
fn missing<L: GroupLog>(log: &mut L, slot: &Slot, rules: &ServiceRules) -> Result<Option<String>, LogError> {
    for (topic, &position) in slot.positions.iter().enumerate() {
        let bounds = log.bounds(TopicId(topic as u16), slot.partition)?;
        // The mark at the end of a transaction takes an offset, and is no record: of a topic that is empty by now, one offset
        // more is taken for that.
        let is_mark = bounds.first == bounds.end && bounds.first == position + 1;
        if bounds.first > position && !is_mark {
            let (name, first) = (&rules.topics.names[topic], bounds.first);
            return Ok(Some(format!(
                "{name} begins at offset {first}, and was read up to {position}: what came between was deleted before it was \
                 read. Restore those records, or give a new --group to start afresh"
            )));
        }
    }
    Ok(None)
}

/// A partition of which there is no past.
fn fresh<L: GroupLog>(log: &mut L, partition: u32, rules: &ServiceRules) -> Result<Slot, LogError> {
    let topics = (0..rules.topics.inputs.len()).map(|topic| TopicId(topic as u16));
    let bounds = topics.map(|topic| log.bounds(topic, partition)).collect::<Result<Vec<_>, _>>()?;
    let is_empty = bounds.iter().all(|bounds| bounds.first == bounds.end);
    let stage = match (rules.clock, rules.cold_start) {
        _ if is_empty => Stage::Going,
        (_, ColdStart::Silent) => {
            Stage::Catching { ends: bounds.iter().map(|bounds| bounds.end).collect(), voice: Voice::Quiet }
        }
        (ClockRule::Live, ColdStart::Full) => {
            Stage::Catching { ends: bounds.iter().map(|bounds| bounds.end).collect(), voice: Voice::Told }
        }
        (ClockRule::Event, ColdStart::Full) => Stage::Going,
    };
    let shard = Shard::new(rules.params.clone());
    Ok(Slot::new(partition, shard, bounds.iter().map(|bounds| bounds.first).collect(), stage))
}

/// The last entry of the group in a partition of the journal, and its hash.
pub(super) fn last_entry<L: CommittedLog>(
    log: &mut L,
    (journal, partition): (TopicId, u32),
    group: &str,
    first: i64,
    end: i64,
) -> Result<Option<(Entry, u128)>, Halt> {
    let mut span = TAIL_OFFSETS;
    let mut records = Records::default();
    loop {
        let from = end.saturating_sub(span).max(first);
        records.clear();
        read_all(log, journal, partition, from, end, &mut records)?;
        if let Some(last) = records.iter().rfind(|record| is_of(group, record)) {
            return Ok(Some(decode(&last)?));
        }
        if from == first {
            return Ok(None);
        }
        span = span.saturating_mul(8);
    }
}

/// Whether no position is beyond that of the last turn, and some are short of it.
fn is_behind(last: &Entry, committed: &[Option<i64>]) -> bool {
    let found = |topic: u16| committed.get(usize::from(topic)).copied().flatten().unwrap_or(i64::MIN);
    last.ranges.iter().all(|range| found(range.topic) <= range.to)
}

/// The group's positions and the journal are committed together, so they agree unless somebody moved one of them.
fn check_positions(last: &Entry, committed: &[Option<i64>], rules: &ServiceRules) -> Result<(), Halt> {
    for range in &last.ranges {
        let found = committed.get(usize::from(range.topic)).copied().flatten();
        if found != Some(range.to) {
            let name = &rules.topics.names[usize::from(range.topic)];
            let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
            let (epoch, to) = (last.epoch, range.to);
            return Err(Halt::Stop(format!(
                "the journal's last turn {epoch} read {name} up to {to}, but the group's committed position is {found}: \
                 somebody moved it. Set it to {to}, or give a new --group to start afresh"
            )));
        }
    }
    Ok(())
}

/// The newest snapshot that is whole, restored.
fn restore<S: SnapshotStore>(
    store: &mut S,
    partition: u32,
    epochs: &[u64],
    means: &mut Means<'_>,
) -> Result<Option<(Slot, i64, u64)>, Halt> {
    for &epoch in epochs {
        let name = SnapshotName { partition, epoch };
        let restored = store.load(name).map_err(|error| error.to_string()).and_then(|bytes| {
            restore_one(&bytes, name, means.rules).map(|(slot, next)| (slot, next, bytes.len() as u64))
        });
        match restored {
            Ok(restored) => return Ok(Some(restored)),
            Err(why) => {
                means.notices.push(format!("partition {partition}: the snapshot of turn {epoch} is passed over: {why}"))
            }
        }
    }
    Ok(None)
}

pub(super) fn restore_one(bytes: &[u8], name: SnapshotName, rules: &ServiceRules) -> Result<(Slot, i64), String> {
    let Snapshot { standing, head, buyers } = Snapshot::read(bytes).map_err(|error| error.to_string())?;
    let (epoch, partition, partitions) = (standing.epoch, standing.partition, standing.partitions);
    if (partition, epoch) != (name.partition, name.epoch) || partitions != rules.topics.partitions {
        return Err(format!("it is of turn {epoch} of partition {partition} of {partitions}"));
    }
    if standing.positions.len() != rules.topics.inputs.len() {
        return Err(format!("it is of {} input topics", standing.positions.len()));
    }
    let mut restoring = Shard::restore(head).map_err(|error| error.to_string())?;
    restoring.restore_buyers(buyers).map_err(|error| error.to_string())?;
    if restoring.state_hash() != standing.state_hash {
        return Err("the hash of its state does not agree".to_owned());
    }
    let shard = restoring.finish_restore().map_err(|error| error.to_string())?;
    let next = standing.journal_next;
    Ok((Slot::restored(shard, standing), next))
}
