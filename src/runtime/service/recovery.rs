//! Owns the recovery of a partition: the newest good snapshot, then the turns of the journal taken again, with what they put
//! out dropped and compared. Nothing is told, and nothing goes live, before all of it agrees.

use std::collections::VecDeque;

use super::plan::{Found, Plan, plan};
use super::slot::{Made, Orders, Slot, Stage, Tell};
use super::{ClockRule, ColdStart, ServiceRules};
use crate::risk::buyer::Voice;
use crate::risk::{Params, Shard};
use crate::runtime::batch::{Batch, Take};
use crate::runtime::journal::{Entry, Range, SEMANTICS, is_of};
use crate::runtime::log::{CommittedLog, GroupLog, LogError, read_all};
use crate::runtime::point::Point;
use crate::runtime::records::{Record, Records, TopicId};
use crate::runtime::snapshot::Snapshot;
use crate::runtime::store::{SnapshotName, SnapshotStore};
use crate::runtime::turn::Desk;

/// Offsets of the journal that are looked at first for its last entry; each further look takes eight times as many.
const TAIL_OFFSETS: i64 = 256;

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
    /// It has to wait for something.
    NotYet,
    /// It is done.
    Done(Box<Slot>),
    /// It cannot be done: why, and what to do.
    Stopped(String),
}

/// Why a step of a recovery went no further.
#[derive(Debug)]
pub(super) enum Halt {
    Log(LogError),
    Stop(String),
}

impl From<LogError> for Halt {
    fn from(error: LogError) -> Halt {
        Halt::Log(error)
    }
}

/// Whether a turn can be taken again.
pub(super) enum Ready {
    /// There are no more.
    End,
    /// Something of it is still to be read.
    NotYet,
    /// It can.
    Turn,
}

/// Turns of the journal, taken again.
pub(super) struct Replay {
    pub(super) slot: Box<Slot>,
    journal_next: i64,
    /// Where it began to read the journal, and where that begins and ends.
    journal_from: i64,
    journal_first: i64,
    pub(super) journal_end: i64,
    /// The turn of the snapshot; 0 without one.
    restored: u64,
    /// The last turn.
    last: u64,
    entries: VecDeque<(Entry, u128)>,
    scratch: Records,
    inputs: Vec<Ahead>,
    pub(super) batch: Batch,
    pub(super) made: Made,
    /// Whether some turn was taken with other semantics, or a snapshot would be made from the beginning.
    is_upgrade: bool,
}

/// The records of one input, read ahead.
struct Ahead {
    records: Records,
    at: usize,
    next: i64,
    /// The committed position: what lies beyond is no part of the past.
    end: i64,
}

/// What a recovery needs besides the log and the store.
pub(super) struct Means<'a> {
    pub(super) rules: &'a ServiceRules,
    pub(super) desk: &'a mut Desk,
    /// What the operator should know.
    pub(super) notices: &'a mut Vec<String>,
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
                    Err(LogError::Retry(_)) => {
                        self.parked = Some(slot);
                        Ok(Progress::NotYet)
                    }
                    Err(error) => Err(error),
                }
            }
            Ok(progress) => Ok(progress),
            Err(Halt::Stop(why)) => Ok(Progress::Stopped(why)),
            Err(Halt::Log(LogError::Retry(_))) => Ok(Progress::NotYet),
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
        let bounds = log.bounds(journal, partition)?;
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
                check_positions(&last, &committed, means.rules)?;
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

fn decode(record: &Record<'_>) -> Result<(Entry, u128), Halt> {
    let bytes = record.value.unwrap_or_default();
    let entry = Entry::decode(bytes)
        .map_err(|error| Halt::Stop(format!("the journal cannot be read at offset {}: {error}", record.offset)))?;
    Ok((entry, Entry::hash(bytes)))
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

impl Replay {
    pub(super) fn new<L: CommittedLog>(
        log: &mut L,
        partition: u32,
        restored: Option<(Slot, i64, u64)>,
        (journal_first, journal_end): (i64, i64),
        last: u64,
        ends: Vec<i64>,
        means: &Means<'_>,
    ) -> Result<Replay, Halt> {
        let rules = means.rules;
        let (slot, journal_next) = match restored {
            Some((mut slot, next, bytes)) => {
                slot.log.snapshot_epoch = slot.epoch;
                slot.log.snapshot_bytes = bytes;
                slot.log.kept_positions.push_back(slot.positions.clone());
                (slot, next)
            }
            None => {
                let positions = vec![i64::MIN; rules.topics.inputs.len()];
                (Slot::new(partition, Shard::new(rules.params.clone()), positions, Stage::Going), journal_first)
            }
        };
        let restored = slot.epoch;
        let inputs = ends.iter().zip(&slot.positions).map(|(end, next)| Ahead {
            records: Records::default(),
            at: 0,
            next: *next,
            end: *end,
        });
        let replay = Replay {
            inputs: inputs.collect(),
            slot: Box::new(slot),
            journal_next,
            journal_from: journal_next,
            journal_first,
            journal_end,
            restored,
            last,
            entries: VecDeque::new(),
            scratch: Records::default(),
            batch: Batch::new(rules.limits),
            made: Made::default(),
            is_upgrade: false,
        };
        for topic in 0..replay.inputs.len() {
            let first = log.bounds(TopicId(topic as u16), partition)?.first;
            replay.check_reach(topic, first, rules)?;
        }
        Ok(replay)
    }

    /// Whether an input still has what is to be read again.
    fn check_reach(&self, topic: usize, first: i64, rules: &ServiceRules) -> Result<(), Halt> {
        let Ahead { next, end, .. } = self.inputs[topic];
        if self.slot.epoch == self.last || next == i64::MIN || next >= end || first <= next {
            return Ok(());
        }
        let (name, epoch) = (&rules.topics.names[topic], self.slot.epoch);
        Err(Halt::Stop(format!(
            "{name} begins at offset {first}, and the turns after {epoch} have to be read again from {next} on: its retention \
             is too short for the snapshots. Restore the records, or give a new --group to start afresh"
        )))
    }

    /// Takes some turns again; says whether that was all.
    fn step<L: GroupLog>(&mut self, log: &mut L, means: &mut Means<'_>) -> Result<bool, Halt> {
        match self.look_ahead(log, means)? {
            Ready::End => {
                self.begin_unread(log)?;
                Ok(true)
            }
            Ready::NotYet => Ok(false),
            Ready::Turn => {
                self.take_next(means)?;
                log.pass(Point::RecoveryEntry)?;
                Ok(false)
            }
        }
    }

    /// Reads what the next turn needs; says whether all of it is there.
    pub(super) fn look_ahead<L: CommittedLog>(&mut self, log: &mut L, means: &Means<'_>) -> Result<Ready, Halt> {
        if self.entries.is_empty() {
            if self.slot.epoch == self.last {
                return Ok(Ready::End);
            }
            self.read_entries(log, means)?;
        }
        let Some((entry, _)) = self.entries.front() else { return Ok(Ready::NotYet) };
        let is_read = self.read_inputs(log, &entry.ranges.clone())?;
        Ok(if is_read { Ready::Turn } else { Ready::NotYet })
    }

    /// The turn that is to be taken next, where it is read already.
    pub(super) fn next_entry(&self) -> Option<&Entry> {
        self.entries.front().map(|(entry, _)| entry)
    }

    /// Takes the turn again that was read, and compares what comes of it.
    ///
    /// # Panics
    /// When [`Replay::look_ahead`] has not said that there is one.
    pub(super) fn take_next(&mut self, means: &mut Means<'_>) -> Result<(), Halt> {
        let (entry, hash) = self.entries.pop_front().expect("a turn is taken once it is read");
        let again = self.take_again(&entry, means);
        self.compare(&entry, &again, means)?;
        self.slot.follow(&entry, hash);
        Ok(())
    }

    /// Sets the positions of the inputs of which no turn has read anything: where the group stands, or at their beginning.
    fn begin_unread<L: GroupLog>(&mut self, log: &mut L) -> Result<(), LogError> {
        let partition = self.slot.partition;
        for (topic, (position, ahead)) in self.slot.positions.iter_mut().zip(&self.inputs).enumerate() {
            if *position == i64::MIN {
                let first = log.bounds(TopicId(topic as u16), partition)?.first;
                *position = first.max(ahead.end);
            }
        }
        Ok(())
    }

    fn read_entries<L: CommittedLog>(&mut self, log: &mut L, means: &Means<'_>) -> Result<(), Halt> {
        let journal = means.rules.topics.outputs.journal.ok_or_else(|| Halt::Stop("it has no journal".to_owned()))?;
        let (partition, last) = (self.slot.partition, self.last);
        if self.journal_next >= self.journal_end {
            let epoch = self.slot.epoch;
            if self.goes_back() {
                return Ok(());
            }
            return Err(Halt::Stop(format!("the journal ends after turn {epoch}, and its last turn was {last}")));
        }
        self.scratch.clear();
        let (from, end) = (self.journal_next, self.journal_end);
        self.journal_next = log.read(journal, partition, from, end, &mut self.scratch)?;
        let records = std::mem::take(&mut self.scratch);
        for record in records.iter().filter(|record| is_of(&means.rules.group, record)) {
            let (entry, hash) = decode(&record)?;
            let (epoch, previous) =
                self.entries.back().map_or((self.slot.epoch, self.slot.entry), |(e, h)| (e.epoch, *h));
            if entry.epoch <= self.slot.epoch {
                continue;
            }
            if entry.epoch != epoch + 1 || entry.previous != previous {
                let found = entry.epoch;
                if found > epoch + 1 && self.entries.is_empty() && self.goes_back() {
                    return Ok(());
                }
                return Err(Halt::Stop(match epoch {
                    0 => format!(
                        "no snapshot can be used, and its journal begins at turn {found}: give the folder that has the \
                         snapshots, or a new --group to start afresh"
                    ),
                    _ => format!(
                        "after turn {epoch} the journal has turn {found}, which does not follow it: entries were lost, or \
                         somebody else wrote to it. Give a new --group to start afresh"
                    ),
                }));
            }
            self.entries.push_back((entry, hash));
        }
        self.scratch = records;
        Ok(())
    }

    /// Begins to read the journal further back, where the first turn after the snapshot was not found; says whether it can. A
    /// snapshot may name an offset beyond that turn: one who no longer had the partition, and did not know, took it.
    fn goes_back(&mut self) -> bool {
        let is_first = self.slot.epoch == self.restored;
        if !is_first || self.journal_from == self.journal_first {
            return false;
        }
        let read = self.journal_end - self.journal_from;
        self.journal_from = self.journal_from.saturating_sub(TAIL_OFFSETS.max(read)).max(self.journal_first);
        self.journal_next = self.journal_from;
        true
    }

    /// Reads what is missing of some ranges; says whether all of it is there.
    fn read_inputs<L: CommittedLog>(&mut self, log: &mut L, ranges: &[Range]) -> Result<bool, Halt> {
        for range in ranges {
            let partition = self.slot.partition;
            let Some(ahead) = self.inputs.get_mut(usize::from(range.topic)) else {
                return Err(Halt::Stop(format!("the journal names an input topic number {}", range.topic)));
            };
            if ahead.next == i64::MIN {
                ahead.next = range.from;
            }
            if ahead.next < range.to {
                ahead.shorten();
                let end = ahead.end.max(range.to);
                ahead.next = log.read(TopicId(range.topic), partition, ahead.next, end, &mut ahead.records)?;
                if ahead.next < range.to {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn take_again(&mut self, entry: &Entry, means: &mut Means<'_>) -> Entry {
        self.gather(entry, means.rules);
        let orders = Orders {
            mode: entry.mode,
            ends: entry.ends.clone(),
            now: entry.now,
            params: entry.params.clone(),
            tell: Tell::Again(entry.exposures),
        };
        self.made.clear();
        let places = self.batch.order().to_vec();
        let again = self.slot.take_turn(&self.batch, &places, orders, means.desk, &mut self.made);
        self.batch.release();
        again
    }

    /// Puts what a turn read into the batch, in its order.
    pub(super) fn gather(&mut self, entry: &Entry, rules: &ServiceRules) {
        if self.slot.epoch == 0 {
            let params: Params = entry.params.clone().unwrap_or_else(|| rules.params.clone());
            self.slot.shard = Shard::new(params);
            self.slot.shard.watch_figures();
        }
        for range in &entry.ranges {
            let ahead = &mut self.inputs[usize::from(range.topic)];
            let position = &mut self.slot.positions[usize::from(range.topic)];
            if *position == i64::MIN {
                *position = range.from;
            }
            while ahead.at < ahead.records.len() && ahead.records.get(ahead.at).offset < range.to {
                self.batch.push(&ahead.records.get(ahead.at));
                ahead.at += 1;
            }
        }
        self.batch.settle(rules.topics.inputs.len(), |_| Take::All);
    }

    fn compare(&mut self, entry: &Entry, again: &Entry, means: &mut Means<'_>) -> Result<(), Halt> {
        let epoch = entry.epoch;
        if let Some((then, now)) = differing_inputs(entry, again) {
            let name = &means.rules.topics.names[usize::from(then.topic)];
            let Range { from, to, records, .. } = then;
            let found = now.map_or_else(
                || "none of them".to_owned(),
                |now| match now.records {
                    same if same == *records => "as many, but not the same,".to_owned(),
                    other => format!("{other} of them"),
                },
            );
            return Err(Halt::Stop(format!(
                "turn {epoch} read {records} records of {name} from offset {from} to {to}, and {found} are there now: records \
                 of an input were deleted, compacted or replaced. Restore them, or give a new --group to start afresh"
            )));
        }
        if entry.semantics != SEMANTICS {
            if !std::mem::replace(&mut self.is_upgrade, true) {
                let partition = self.slot.partition;
                means.notices.push(format!(
                    "partition {partition}: its turns from {epoch} on were taken with other rules (semantics {}): they are \
                     taken again by those of this program ({SEMANTICS}), without comparing what comes of them",
                    entry.semantics
                ));
            }
            return Ok(());
        }
        let what = match () {
            () if entry.counts != again.counts => "counts of its records",
            () if entry.clock != again.clock => "clock",
            () if entry.outputs != again.outputs => "outputs",
            () if entry.judgements != again.judgements => "judgements",
            () => return Ok(()),
        };
        Err(Halt::Stop(format!(
            "turn {epoch}, taken again, has other {what} than it had: nothing is told before somebody has looked at it. Start \
             the program that took it (semantics {}), keep the journal and the snapshots, and report it",
            entry.semantics
        )))
    }
}

/// The first range that is not what it was.
fn differing_inputs<'a>(entry: &'a Entry, again: &'a Entry) -> Option<(&'a Range, Option<&'a Range>)> {
    let of = |topic: u16| again.ranges.iter().find(|range| range.topic == topic);
    entry.ranges.iter().map(|range| (range, of(range.topic))).find(|(then, now)| Some(*then) != *now)
}

impl Ahead {
    /// Drops what was taken, where that is most of it.
    fn shorten(&mut self) {
        if self.at == self.records.len() {
            self.records.clear();
            self.at = 0;
        } else if self.at * 2 > self.records.len() {
            let mut rest = Records::default();
            (self.at..self.records.len()).for_each(|index| rest.push(&self.records.get(index)));
            self.records = rest;
            self.at = 0;
        }
    }
}
