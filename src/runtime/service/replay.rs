//! Owns the turns of the journal that are taken again: what they read is read again, what they put out is dropped, and what
//! comes of them is compared. The first difference ends it.

use std::collections::VecDeque;

use super::ServiceRules;
use super::slot::{Made, Orders, Slot, Stage, Tell};
use crate::risk::{Params, Shard};
use crate::runtime::batch::{Batch, Take};
use crate::runtime::journal::{Entry, Range, SEMANTICS, is_of};
use crate::runtime::log::{CommittedLog, GroupLog, LogError};
use crate::runtime::point::Point;
use crate::runtime::records::{Record, Records, TopicId};
use crate::runtime::turn::Desk;

/// Offsets of the journal that are looked at first for its last entry, and more where that is not enough.
pub(super) const TAIL_OFFSETS: i64 = 256;

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

pub(super) fn decode(record: &Record<'_>) -> Result<(Entry, u128), Halt> {
    let bytes = record.value.unwrap_or_default();
    let entry = Entry::decode(bytes)
        .map_err(|error| Halt::Stop(format!("the journal cannot be read at offset {}: {error}", record.offset)))?;
    Ok((entry, Entry::hash(bytes)))
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
    pub(super) fn step<L: GroupLog>(&mut self, log: &mut L, means: &mut Means<'_>) -> Result<bool, Halt> {
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
        let is_read = self.read_inputs(log, &entry.ranges.clone(), means.rules)?;
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
    pub(super) fn begin_unread<L: GroupLog>(&mut self, log: &mut L) -> Result<(), LogError> {
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
    fn read_inputs<L: CommittedLog>(
        &mut self,
        log: &mut L,
        ranges: &[Range],
        rules: &ServiceRules,
    ) -> Result<bool, Halt> {
        for range in ranges {
            let partition = self.slot.partition;
            let topic = usize::from(range.topic);
            if self.inputs.get(topic).is_some_and(|ahead| ahead.next == i64::MIN) {
                let first = log.bounds(TopicId(range.topic), partition)?.first;
                self.inputs[topic].next = range.from;
                self.check_reach(topic, first, rules)?;
            }
            let Some(ahead) = self.inputs.get_mut(topic) else {
                return Err(Halt::Stop(format!("the journal names an input topic number {topic}")));
            };
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
