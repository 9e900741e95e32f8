//! Owns a shard in service: where it stands in its inputs and its journal, and how it takes a turn. A recovery takes the same
//! turns again by the same code.

use std::collections::VecDeque;
use std::sync::Arc;

use super::storm::Storm;
use super::untold::Untold;
use crate::base::Instant;
use crate::risk::buyer::Voice;
use crate::risk::{Params, Shard};
use crate::runtime::batch::{Batch, Take};
use crate::runtime::counts::Counts;
use crate::runtime::journal::{Entry, EntryCounts, Mode, Outputs, Range, SEMANTICS};
use crate::runtime::observed::{Figures, TopicTally};
use crate::runtime::outbox::Outbox;
use crate::runtime::records::{Record, Records};
use crate::runtime::snapshot::Standing;
use crate::runtime::turn::{Desk, Fate, apply_all};

/// A shard and where it stands.
pub(super) struct Slot {
    pub(super) partition: u32,
    pub(super) shard: Shard,
    /// Turns taken.
    pub(super) epoch: u64,
    /// The hash of the last turn's journal entry; 0 before the first.
    pub(super) entry: u128,
    /// The position in each input topic.
    pub(super) positions: Vec<i64>,
    pub(super) stage: Stage,
    /// How the last turn was taken.
    pub(super) mode: Mode,
    /// The wall clock of the last turn: it never runs backwards.
    pub(super) now: Instant,
    pub(super) untold: Untold,
    pub(super) storm: Storm,
    /// Whether the params that the service was given are to replace its own with the next turn.
    pub(super) params_due: bool,
    /// What is known of it besides its state.
    pub(super) log: SlotLog,
}

/// What a shard is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// It reads what was there before it began.
    Catching {
        /// Where that ends, by input topic.
        ends: Vec<i64>,
        /// Whether it tells what it finds on the way.
        voice: Voice,
    },
    /// It has read that in silence, and is to tell what holds.
    Raising,
    /// It goes on as long as events come.
    Going,
}

impl Stage {
    fn after(mode: Mode, ends: Option<&Vec<i64>>) -> Stage {
        let voice = if mode == Mode::Quiet { Voice::Quiet } else { Voice::Told };
        ends.map_or(Stage::Going, |ends| Stage::Catching { ends: ends.clone(), voice })
    }
}

/// What is noted of a slot beside its state.
#[derive(Debug, Default)]
pub(super) struct SlotLog {
    /// When it took its last turn, on the clock that nobody sets.
    pub(super) turn_at_ns: u64,
    /// When a snapshot was last begun; `None`: the next is due at once.
    pub(super) snapshot_at_ns: Option<u64>,
    /// When, of which turn and how large the last snapshot is that is stored.
    pub(super) stored_at_ns: Option<u64>,
    pub(super) snapshot_epoch: u64,
    pub(super) snapshot_bytes: u64,
    /// The positions of the snapshots that are kept, as far as they are known, oldest first.
    pub(super) kept_positions: VecDeque<Vec<i64>>,
    /// When the last record that it applied was written.
    pub(super) last_record_ms: i64,
    /// Turns on end in which records waited for other topics and none was taken.
    pub(super) held_turns: u32,
    /// The pass over its buyers: how far it is, what it has found, and what the last one had found.
    pub(super) pass_at: usize,
    pub(super) pass: Figures,
    pub(super) figures: Arc<Figures>,
}

/// How a turn is to be taken.
pub(super) struct Orders {
    pub(super) mode: Mode,
    pub(super) ends: Option<Vec<i64>>,
    pub(super) now: Instant,
    pub(super) params: Option<Params>,
    pub(super) tell: Tell,
}

/// How many buyers' figures to tell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tell {
    /// Those that were not told within the interval, at most so many.
    Due { interval_ms: i64, max: usize },
    /// As many as were told before: without telling them again.
    Again(u32),
}

/// What turns put out, until it is sent.
#[derive(Default)]
pub(super) struct Made {
    pub(super) outbox: Outbox,
    pub(super) journal: Records,
    pub(super) counts: Counts,
    /// By input topic.
    pub(super) topics: Vec<TopicTally>,
}

impl Made {
    pub(super) fn clear(&mut self) {
        self.outbox.records.clear();
        self.journal.clear();
        self.counts = Counts::default();
        self.topics.clear();
    }
}

impl Slot {
    /// A shard that has taken no turn, at these positions.
    pub(super) fn new(partition: u32, shard: Shard, positions: Vec<i64>, stage: Stage) -> Slot {
        let mut slot = Slot {
            partition,
            shard,
            epoch: 0,
            entry: 0,
            positions,
            stage,
            mode: Mode::Event,
            now: Instant::MIN,
            untold: Untold::default(),
            storm: Storm::default(),
            params_due: true,
            log: SlotLog::default(),
        };
        slot.shard.watch_figures();
        slot
    }

    /// A shard as it was stored.
    pub(super) fn restored(shard: Shard, standing: Standing) -> Slot {
        let Standing { partition, epoch, entry, positions, mode, ends, now, untold, .. } = standing;
        let stage = Stage::after(mode, ends.as_ref());
        let mut slot = Slot { epoch, entry, mode, now, ..Slot::new(partition, shard, positions, stage) };
        for buyer_id in &untold {
            if let Some(place) = slot.shard.place_of(buyer_id) {
                slot.untold.mark(place as u32);
            }
        }
        slot
    }

    /// What a snapshot of it says of where it stands; the hash of the state is still to be reckoned.
    pub(super) fn standing(&self, partitions: u32, journal_next: i64) -> Standing {
        let ends = match &self.stage {
            Stage::Catching { ends, .. } => Some(ends.clone()),
            Stage::Raising | Stage::Going => None,
        };
        Standing {
            partition: self.partition,
            partitions,
            epoch: self.epoch,
            entry: self.entry,
            journal_next,
            positions: self.positions.clone(),
            mode: self.mode,
            ends,
            now: self.now,
            untold: self.untold.iter().map(|place| self.shard.buyer_id(place as usize).to_owned()).collect(),
            semantics: SEMANTICS,
            state_hash: 0,
        }
    }

    /// How much of a batch it takes.
    pub(super) fn take(&self, hold_back: HoldBack) -> Take<'_> {
        match (&self.stage, hold_back) {
            (Stage::Catching { ends, .. }, _) => Take::MergedBelow(ends),
            // What holds is told before anything new is heard.
            (Stage::Raising, _) => Take::Nothing,
            (Stage::Going, HoldBack::Always) => Take::Merged,
            (Stage::Going, HoldBack::Turns(max)) if self.log.held_turns < max => Take::Merged,
            (Stage::Going, HoldBack::Turns(_)) => Take::All,
        }
    }

    /// Takes a turn with the records at `places` of `batch`, which are all of its partition and in order. What comes of it
    /// goes to `made`; the journal's entry is returned, and to be settled.
    pub(super) fn take_turn(
        &mut self,
        batch: &Batch,
        places: &[u32],
        orders: Orders,
        desk: &mut Desk,
        made: &mut Made,
    ) -> Entry {
        let Orders { mode, ends, now, params, tell } = orders;
        let sent_from = made.outbox.records.len();
        desk.rules.now = now;
        if let Some(params) = &params {
            self.shard.change_params(params.clone());
        }
        self.shard.speak(if mode == Mode::Quiet { Voice::Quiet } else { Voice::Told });
        if mode == Mode::Live {
            self.shard.go_by_wall(now);
        }
        let (ranges, counts) = self.apply(batch, places, desk, made);
        self.close(mode, now, desk);
        made.outbox.take(&mut desk.effects, &desk.topics, self.partition, &mut made.counts);
        let outputs = Outputs::of(&made.outbox.records, sent_from);
        let untold = &mut self.untold;
        self.shard.take_moved(|place| untold.mark(place));
        let exposures = self.tell(tell, now, desk, made);
        self.now = now;
        Entry {
            epoch: self.epoch + 1,
            previous: self.entry,
            instance: String::new(),
            semantics: SEMANTICS,
            params,
            mode,
            ends,
            now,
            ranges,
            counts,
            clock: self.shard.clock(),
            outputs,
            exposures,
            judgements: self.shard.judgements(),
        }
    }

    /// Notes that a turn was taken: its entry's bytes are returned, to be sent.
    pub(super) fn settle(&mut self, entry: &Entry, bytes: &mut Vec<u8>) {
        bytes.clear();
        entry.encode(bytes);
        self.follow(entry, Entry::hash(bytes));
    }

    /// Stands where the entry of a turn left it.
    pub(super) fn follow(&mut self, entry: &Entry, hash: u128) {
        self.epoch = entry.epoch;
        self.entry = hash;
        self.params_due &= entry.params.is_none();
        self.mode = entry.mode;
        self.stage = Stage::after(entry.mode, entry.ends.as_ref());
    }

    fn apply(&mut self, batch: &Batch, places: &[u32], desk: &mut Desk, made: &mut Made) -> (Vec<Range>, EntryCounts) {
        let Desk { topics, rules, scratch, effects } = desk;
        let mut ranges: Vec<Range> = Vec::with_capacity(topics.inputs.len().min(places.len()));
        let mut counts = EntryCounts::default();
        made.topics.resize(topics.inputs.len(), TopicTally::default());
        let (positions, log) = (&mut self.positions, &mut self.log);
        let Made { outbox, counts: told, topics: tallies, .. } = made;
        apply_all(batch, places, &mut self.shard, (topics, rules), scratch, effects, |place, record, came, effects| {
            note(positions, &mut ranges, record, batch.raw(place));
            log.last_record_ms = record.time_ms;
            let tally = &mut tallies[usize::from(record.topic.0)];
            match came {
                Ok(Some(fate)) => {
                    fate.count(told);
                    match fate {
                        Fate::Applied(_) => (tally.applied, counts.applied) = (tally.applied + 1, counts.applied + 1),
                        Fate::Duplicate(_) => {
                            (tally.duplicate, counts.duplicate) = (tally.duplicate + 1, counts.duplicate + 1);
                        }
                    }
                }
                Ok(None) => {
                    told.skipped += 1;
                    (tally.skipped, counts.skipped) = (tally.skipped + 1, counts.skipped + 1);
                }
                Err(refusal) => {
                    (tally.refused, counts.refused) = (tally.refused + 1, counts.refused + 1);
                    outbox.refuse(record, &refusal, topics, told);
                }
            }
            if !effects.is_empty() {
                outbox.take(effects, topics, record.partition, told);
            }
        });
        ranges.sort_unstable_by_key(|range| range.topic);
        (ranges, counts)
    }

    /// What a turn does after its records.
    fn close(&mut self, mode: Mode, now: Instant, desk: &mut Desk) {
        match mode {
            Mode::Event | Mode::Quiet => {}
            Mode::Live => self.shard.advance(now, &mut desk.effects),
            Mode::Raise => self.shard.judge_all(&mut desk.effects),
            Mode::RaiseLive => {
                self.shard.speak(Voice::Quiet);
                self.shard.go_by_wall(now);
                self.shard.advance(now, &mut desk.effects);
                self.shard.speak(Voice::Told);
                self.shard.judge_all(&mut desk.effects);
            }
        }
    }

    fn tell(&mut self, tell: Tell, now: Instant, desk: &mut Desk, made: &mut Made) -> u32 {
        let now_ms = now.nanos().div_euclid(1_000_000);
        match tell {
            Tell::Again(count) => {
                self.untold.take(count as usize, now_ms);
                count
            }
            Tell::Due { interval_ms, max } => {
                let count = self.untold.due(now_ms, interval_ms, max);
                if count > 0 {
                    let places = self.untold.take(count, now_ms);
                    // The clock may stand still over a restart; no two turns have one number.
                    self.shard.tell_exposures_as(self.epoch + 1, &places, &mut desk.effects);
                    made.outbox.take(&mut desk.effects, &desk.topics, self.partition, &mut made.counts);
                }
                count as u32
            }
        }
    }
}

/// Notes that a record was read.
#[inline]
fn note(positions: &mut [i64], ranges: &mut Vec<Range>, record: &Record<'_>, raw: &[u8]) {
    let position = &mut positions[usize::from(record.topic.0)];
    let range = match ranges.iter_mut().position(|range| range.topic == record.topic.0) {
        Some(place) => &mut ranges[place],
        None => {
            ranges.push(Range::empty(record.topic, *position));
            ranges.last_mut().expect("one was pushed")
        }
    };
    range.take(record, raw);
    *position = range.to;
}

/// How long a topic that runs ahead of the others is held back.
#[derive(Debug, Clone, Copy)]
pub(super) enum HoldBack {
    /// Until they have caught up.
    Always,
    /// For so many turns at most.
    Turns(u32),
}
