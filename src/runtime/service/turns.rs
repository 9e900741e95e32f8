//! Owns the turns of a service: which of its partitions take one, how, and the transaction that makes them hold.

use std::ops::Range;

use super::slot::{HoldBack, Made, Orders, Slot, Stage, Tell};
use super::{ClockRule, Place, Service, ServiceRules};
use crate::base::Instant;
use crate::risk::buyer::Voice;
use crate::runtime::journal::Mode;
use crate::runtime::log::{GroupLog, Log, LogError, Position};
use crate::runtime::point::Point;
use crate::runtime::records::{Headers, Record, TopicId};
use crate::runtime::store::SnapshotStore;
use crate::runtime::turn::retry;

/// Turns on end for which a live shard waits for topics that are behind.
const HELD_TURNS_MAX: u32 = 10;
/// Of the figures that a worker may tell, one in so many is told while more records wait.
const BUSY_SHARE: u64 = 10;
/// Of the shards of a worker that have more figures to tell than a turn allows, one in so many tells some in a turn, and so many
/// times as many: each partition that a transaction writes to costs it a request and a mark.
const TELLING_SHARE: usize = 3;
/// What a worker may tell for the time since its last turn, it may not save up for longer than this.
const SAVED_NS: u64 = 1_000_000_000;

impl<L: GroupLog, S: SnapshotStore> Service<L, S> {
    /// Takes a turn with every partition that has something to do, and commits them together. Gives the number of records.
    pub(super) fn take_turns(&mut self) -> Result<usize, LogError> {
        let begun_ns = self.log.elapsed_ns();
        self.now = self.now.max(self.log.now());
        let inputs = self.rules.topics.inputs.len();
        let (places, hold_back) = (&self.places, hold_back(&self.rules));
        self.batch.settle(inputs, |partition| match places.get(&partition) {
            Some(Place::Live(slot)) => slot.take(hold_back),
            _ => crate::runtime::batch::Take::Nothing,
        });
        let order = self.batch.order().to_vec();
        self.made.clear();
        let (mut touched, mut storms, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = Vec::new();
        let (mut at, mut is_midnight_taken) = (0, false);
        let is_full = self.batch.is_full();
        let exposures_max = self.exposures_max(begun_ns, is_full);
        let telling_share = TELLING_SHARE.min(self.places.len().max(1));
        self.telling = (self.telling + 1) % telling_share;
        let waiting = self.batch.partitions();
        for (index, (&partition, place)) in self.places.iter_mut().enumerate() {
            let Place::Live(slot) = place else { continue };
            // Whoever can tell all that waits does so at once.
            let exposures_max = match slot.untold.len() > exposures_max {
                true if index % telling_share == self.telling => exposures_max.saturating_mul(telling_share),
                true => 0,
                false => exposures_max,
            };
            let run = run_of(&order[at..], |place| self.batch.get(*place).partition == partition);
            let run = at + run.start..at + run.end;
            at = run.end;
            note_held(slot, run.is_empty() && waiting.binary_search(&partition).is_ok());
            let is_reached = slot.reaches_end(&self.batch, &order[run.clone()]);
            let turn = Turn { now: self.now, now_ns: begun_ns, exposures_max, has_records: !run.is_empty() };
            let Some(orders) = slot.orders(&self.rules, turn, &mut is_midnight_taken) else {
                if is_reached {
                    slot.reach_end();
                }
                continue;
            };
            let (mode, mark) = (orders.mode, Mark::of(&self.made));
            let mut entry = slot.take_turn(&self.batch, &order[run.clone()], orders, &mut self.desk, &mut self.made);
            let refused = u64::from(entry.counts.refused);
            if let Some(refused) = slot.storm.pass(run.len() as u64, refused, self.rules.storm) {
                mark.back(&mut self.made);
                storms.push((partition, refused));
                continue;
            }
            entry.instance.clone_from(&self.rules.instance);
            slot.settle(&entry, &mut bytes);
            if is_reached && !matches!(mode, Mode::Raise | Mode::RaiseLive) {
                slot.reach_end();
            }
            slot.log.turn_at_ns = begun_ns;
            self.made.journal.push(&Record {
                topic: self.rules.topics.outputs.journal.expect("a service has a journal"),
                partition,
                offset: 0,
                time_ms: entry.now.nanos().div_euclid(1_000_000),
                key: Some(self.rules.group.as_bytes()),
                value: Some(&bytes),
                headers: Headers::NONE,
            });
            slot.push_positions(entry.ranges.iter().map(|range| range.topic), &mut positions);
            touched.push(partition);
        }
        self.log.pass(Point::AfterApply)?;
        let commit_ns = self.log.elapsed_ns();
        let sent = if touched.is_empty() { Ok(()) } else { transact(&mut self.log, &self.made, &positions) };
        let records = match sent {
            Ok(()) => {
                if !touched.is_empty() {
                    let ended_ns = self.log.elapsed_ns();
                    self.note_committed(order.len(), begun_ns, commit_ns, ended_ns);
                }
                self.batch.release();
                order.len()
            }
            Err(error) => {
                let mut partitions = self.batch.partitions();
                partitions.extend(touched);
                partitions.sort_unstable();
                partitions.dedup();
                self.fail(&partitions, error)?;
                0
            }
        };
        for (partition, refused) in storms {
            self.stop(partition, storm_text(refused))?;
        }
        Ok(records)
    }

    /// How many figures each live shard may tell in a turn that begins now: its share of what the worker may tell for the time
    /// since its last turn, so that shorter turns tell no more in all.
    fn exposures_max(&mut self, now_ns: u64, is_full: bool) -> usize {
        let since_ns = now_ns.saturating_sub(std::mem::replace(&mut self.turned_at_ns, now_ns)).min(SAVED_NS);
        let shards = self.places.len().max(1) as u64;
        let most = self.rules.exposures_per_second_max * since_ns / 1_000_000_000 / shards;
        usize::try_from(if is_full { most / BUSY_SHARE } else { most }).unwrap_or(usize::MAX).max(1)
    }

    fn note_committed(&mut self, records: usize, begun_ns: u64, commit_ns: u64, ended_ns: u64) {
        let Self { observed, made, batch, .. } = self;
        observed.turns += 1;
        observed.counts.add(&made.counts);
        for (topic, tally) in made.topics.iter().enumerate().filter(|(_, tally)| tally.records() > 0) {
            let sum = observed.events.entry(TopicId(topic as u16)).or_default();
            sum.applied += tally.applied;
            sum.duplicate += tally.duplicate;
            sum.refused += tally.refused;
            sum.skipped += tally.skipped;
        }
        observed.commit_ns.push(ended_ns - commit_ns);
        if records > 0 {
            observed.turn_ns.push(ended_ns - begun_ns);
            let now_ms = self.log.now().nanos().div_euclid(1_000_000);
            for time_ms in batch.times_taken() {
                observed.latency.note(now_ms.saturating_sub(time_ms).max(0).unsigned_abs());
            }
        }
    }
}

/// What a slot decides by whether and how to take a turn.
struct Turn {
    now: Instant,
    now_ns: u64,
    /// Figures that it may tell.
    exposures_max: usize,
    has_records: bool,
}

impl Slot {
    /// How it is to take its turn; `None` where it has nothing to do.
    fn orders(&self, rules: &ServiceRules, turn: Turn, is_midnight_taken: &mut bool) -> Option<Orders> {
        let Turn { now, now_ns, exposures_max, has_records } = turn;
        let mode = match (&self.stage, rules.clock) {
            (Stage::Catching { voice: Voice::Quiet, .. }, _) => Mode::Quiet,
            (Stage::Catching { voice: Voice::Told, .. }, _) => Mode::Event,
            (Stage::Raising, ClockRule::Event) => Mode::Raise,
            (Stage::Raising, ClockRule::Live) => Mode::RaiseLive,
            (Stage::Going, ClockRule::Event) => Mode::Event,
            (Stage::Going, ClockRule::Live) => Mode::Live,
        };
        let ends = match &self.stage {
            Stage::Catching { ends, .. } => Some(ends.clone()),
            Stage::Raising | Stage::Going => None,
        };
        let now = self.now.max(match mode {
            Mode::Live => self.until_midnight(now, is_midnight_taken),
            _ => now,
        });
        let exposures_max = match &self.stage {
            Stage::Going => exposures_max,
            Stage::Catching { .. } | Stage::Raising => 0,
        };
        let interval_ms = i64::from(rules.exposures_interval_ms);
        let tells = self.untold.due(now.nanos().div_euclid(1_000_000), interval_ms, exposures_max.min(1)) > 0;
        let is_fresh = now_ns.saturating_sub(self.log.turn_at_ns) < u64::from(rules.idle_turn_ms) * 1_000_000;
        let raises = self.stage == Stage::Raising;
        if !has_records && !raises && !tells && (mode != Mode::Live || is_fresh) {
            return None;
        }
        let params = self.params_due.then(|| rules.params.clone());
        Some(Orders { mode, ends, now, params, tell: Tell::Due { interval_ms, max: exposures_max } })
    }

    /// The wall clock, or the end of its day where another shard of the thread passes midnight in this turn.
    fn until_midnight(&self, now: Instant, is_midnight_taken: &mut bool) -> Instant {
        match self.shard.clock() {
            Some(clock) if clock.day() < now.day() => {
                if std::mem::replace(is_midnight_taken, true) {
                    clock.day().plus(1).start().plus_nanos(-1)
                } else {
                    now
                }
            }
            _ => now,
        }
    }

    /// Whether a turn with these records brings it to the end of what was there before it began.
    fn reaches_end(&self, batch: &crate::runtime::batch::Batch, places: &[u32]) -> bool {
        let Stage::Catching { ends, .. } = &self.stage else { return false };
        let mut positions = self.positions.clone();
        for place in places {
            let record = batch.get(*place);
            positions[usize::from(record.topic.0)] = record.offset + 1;
        }
        positions.iter().zip(ends).enumerate().all(|(topic, (position, end))| {
            position >= end || batch.has_none_below(TopicId(topic as u16), self.partition, *end)
        })
    }

    fn reach_end(&mut self) {
        let Stage::Catching { voice, .. } = &self.stage else { return };
        self.stage = if *voice == Voice::Quiet { Stage::Raising } else { Stage::Going };
    }

    /// Adds the positions of these topics; of the first input where there are none: so the group decides over every turn who
    /// may take it.
    fn push_positions(&self, topics: impl Iterator<Item = u16>, positions: &mut Vec<Position>) {
        let before = positions.len();
        let partition = self.partition;
        let position =
            |topic: u16| Position { topic: TopicId(topic), partition, next: self.positions[usize::from(topic)] };
        positions.extend(topics.map(position));
        if positions.len() == before {
            positions.push(position(0));
        }
    }
}

/// Where what was made stood before a turn.
struct Mark {
    records: usize,
    counts: crate::runtime::Counts,
    topics: Vec<crate::runtime::observed::TopicTally>,
}

impl Mark {
    fn of(made: &Made) -> Mark {
        Mark { records: made.outbox.records.len(), counts: made.counts.clone(), topics: made.topics.clone() }
    }

    /// Takes back what a turn made.
    fn back(self, made: &mut Made) {
        made.outbox.records.truncate(self.records);
        made.counts = self.counts;
        made.topics = self.topics;
    }
}

fn hold_back(rules: &ServiceRules) -> HoldBack {
    match rules.clock {
        ClockRule::Event => HoldBack::Always,
        ClockRule::Live => HoldBack::Turns(HELD_TURNS_MAX),
    }
}

fn note_held(slot: &mut Slot, is_held: bool) {
    slot.log.held_turns = if is_held { slot.log.held_turns + 1 } else { 0 };
}

/// The run of places at the start for which something holds.
fn run_of(places: &[u32], is_of: impl Fn(&u32) -> bool) -> Range<usize> {
    0..places.iter().take_while(|place| is_of(place)).count()
}

fn storm_text(refused: u64) -> String {
    format!(
        "{refused} records on end were refused, most of all that came: a sender has changed what it writes, it seems. Nothing \
         of this turn was written or committed. Mend the sender, or raise storm_refused_max to let them go to the dead \
         letters, and start again"
    )
}

/// Sends what was made, the journal and the positions in one transaction.
fn transact<L: Log>(log: &mut L, made: &Made, positions: &[Position]) -> Result<(), LogError> {
    let sent = send(log, made, positions);
    if let Err(LogError::Abort(_) | LogError::Retry(_)) = &sent {
        // What is left open is ended by the next producer, whether or not this works.
        if let Err(fatal @ LogError::Fatal(_)) = log.abort() {
            return Err(fatal);
        }
    }
    sent
}

fn send<L: Log>(log: &mut L, made: &Made, positions: &[Position]) -> Result<(), LogError> {
    retry(|| log.begin())?;
    log.pass(Point::AfterBegin)?;
    for record in made.outbox.records.iter() {
        retry(|| log.send(&record))?;
    }
    log.pass(Point::AfterSend)?;
    // Before the journal: so whoever recovers a partition waits, for its positions, for every transaction that may still
    // add to its journal, and one that lost it adds nothing. Else its end would hide turns that were committed beyond.
    retry(|| log.send_offsets(positions))?;
    log.pass(Point::AfterOffsets)?;
    for record in made.journal.iter() {
        retry(|| log.send(&record))?;
    }
    log.pass(Point::AfterJournal)?;
    retry(|| log.commit())?;
    log.pass(Point::CommitAcknowledged)
}
