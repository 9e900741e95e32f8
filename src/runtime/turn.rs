//! Owns a turn: a polled batch becomes applied, and what is applied becomes committed. Nothing else moves a shard.
//!
//! The stages are types, so that what is not committed cannot be taken for it: a batch, [`Applied`], [`Committed`].

use bumpalo::Bump;

use crate::event::{Effect, Event, Refusal};
use crate::risk::shard::ahead::GROUP;
use crate::risk::{Outcome, Shard};
use crate::wire::{self, DecodeRules, decode_record, decode_value};

use super::batch::{Batch, BatchLimits, Take};
use super::counts::Counts;
use super::log::{Log, LogError, Position};
use super::outbox::{Outbox, Topics};
use super::records::Record;

/// A shard and what it has committed.
pub struct OwnedShard {
    /// Its partition.
    pub partition: u32,
    /// The shard.
    pub shard: Shard,
    /// What it has committed.
    pub counts: Counts,
}

/// What applying needs besides the records: how to read them, and room to work in.
pub(super) struct Desk {
    pub(super) topics: Topics,
    pub(super) rules: DecodeRules,
    pub(super) scratch: Bump,
    pub(super) effects: Vec<Effect>,
}

/// The buffers of a turn, in whatever stage it is.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) batch: Batch,
    outbox: Outbox,
    positions: Vec<Position>,
    counts: Vec<(u32, Counts)>,
}

impl Turn {
    pub(super) fn new(limits: BatchLimits) -> Turn {
        Turn { batch: Batch::new(limits), outbox: Outbox::default(), positions: Vec::new(), counts: Vec::new() }
    }

    fn clear(&mut self) {
        self.batch.release();
        self.outbox.records.clear();
        self.positions.clear();
        self.counts.clear();
    }

    /// Applies the batch, each partition's records in their order to its shard. `shards` are in order of partition.
    ///
    /// # Panics
    /// When the log gave a record of a partition that is not owned.
    pub(super) fn apply(mut self, shards: &mut [OwnedShard], desk: &mut Desk) -> Applied {
        self.batch.settle(desk.topics.inputs.len(), |_| Take::All);
        let partition_at =
            |turn: &Turn, at: usize| turn.batch.order().get(at).map(|place| turn.batch.get(*place).partition);
        let mut at = 0;
        while let Some(partition) = partition_at(&self, at) {
            let mut end = at + 1;
            while partition_at(&self, end) == Some(partition) {
                end += 1;
            }
            let place = shards.binary_search_by_key(&partition, |owned| owned.partition);
            let shard = &mut shards[place.expect("the log gives records of owned partitions alone")].shard;
            let mut counts = Counts::default();
            self.apply_run(at..end, shard, desk, &mut counts);
            self.counts.push((partition, counts));
            at = end;
        }
        Applied(self)
    }

    /// Applies a run of records of one partition.
    fn apply_run(&mut self, run: std::ops::Range<usize>, shard: &mut Shard, desk: &mut Desk, counts: &mut Counts) {
        let Turn { batch, outbox, positions, .. } = self;
        let Desk { topics, rules, scratch, effects } = desk;
        let first_position = positions.len();
        let places = &batch.order()[run];
        apply_all(batch, places, shard, (topics, rules), scratch, effects, |_, record, came, effects| {
            move_on(positions, first_position, record);
            match came {
                Ok(Some(fate)) => fate.count(counts),
                Ok(None) => counts.skipped += 1,
                Err(refusal) => outbox.refuse(record, &refusal, topics, counts),
            }
            if !effects.is_empty() {
                outbox.take(effects, topics, record.partition, counts);
            }
        });
    }

    /// Does `work` on shards without any record: what it says is sent with the turn.
    pub(super) fn work(
        mut self,
        shards: &mut [OwnedShard],
        desk: &mut Desk,
        mut work: impl FnMut(&mut Shard, &mut Vec<Effect>),
    ) -> Applied {
        for OwnedShard { partition, shard, .. } in shards {
            let mut counts = Counts::default();
            work(shard, &mut desk.effects);
            self.outbox.take(&mut desk.effects, &desk.topics, *partition, &mut counts);
            self.counts.push((*partition, counts));
        }
        Applied(self)
    }
}

/// Notes that a record was read. The positions from `first` on are those of its partition.
#[inline]
fn move_on(positions: &mut Vec<Position>, first: usize, record: &Record<'_>) {
    let next = record.offset + 1;
    match positions[first..].iter_mut().find(|position| position.topic == record.topic) {
        Some(position) => position.next = position.next.max(next),
        None => positions.push(Position { topic: record.topic, partition: record.partition, next }),
    }
}

/// What became of a record that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Applied(Sent),
    Duplicate(Sent),
}

/// How often an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Once, to the partition of its buyer.
    Once,
    /// To every partition.
    ToAll,
}

impl Fate {
    /// Adds one to the count of such.
    pub(super) fn count(self, counts: &mut Counts) {
        let (sent, is_applied) = match self {
            Fate::Applied(sent) => (sent, true),
            Fate::Duplicate(sent) => (sent, false),
        };
        let tally = match sent {
            Sent::Once => &mut counts.own,
            Sent::ToAll => &mut counts.copies,
        };
        if is_applied {
            tally.applied += 1;
        } else {
            tally.duplicate += 1;
        }
    }
}

/// What comes of a record, in its order.
pub(super) type Came = Result<Option<Fate>, Refusal>;

/// Decodes and applies the records at `places` of `batch`, which are all of one partition, in this order, and hands over what
/// came of each, with what it brought about: `None` for one without a value, which is skipped.
///
/// They go in groups: all of a group are decoded before the first is applied, so that what they will touch can be fetched
/// together.
pub(super) fn apply_all(
    batch: &Batch,
    places: &[u32],
    shard: &mut Shard,
    (topics, rules): (&Topics, &DecodeRules),
    scratch: &mut Bump,
    effects: &mut Vec<Effect>,
    mut came: impl FnMut(u32, &Record<'_>, Came, &mut Vec<Effect>),
) {
    for group in places.chunks(GROUP) {
        let mut events = bumpalo::collections::Vec::with_capacity_in(group.len(), scratch);
        for place in group {
            let record = batch.get(*place);
            events.push((record, record.value.map(|value| decode(&record, value, topics, rules, scratch))));
        }
        shard.look_ahead(events.iter().filter_map(|(_, event)| event.as_ref()?.as_ref().ok()));
        // An event is looked at where it lies: it is large, and moving it takes longer than a look.
        for (place, (record, event)) in group.iter().zip(&events) {
            let fate = match event {
                None => Ok(None),
                Some(Err(refusal)) => Err(refusal.clone()),
                Some(Ok(event)) => apply_one(event, shard, effects).map(Some),
            };
            came(*place, record, fate, effects);
        }
        drop(events);
        scratch.reset();
    }
}

fn decode<'a>(
    record: &Record<'a>,
    value: &'a [u8],
    topics: &Topics,
    rules: &DecodeRules,
    scratch: &'a Bump,
) -> Result<Event<'a>, Refusal> {
    let Some(topic) = topics.inputs[usize::from(record.topic.0)] else { return decode_value(value, rules, scratch) };
    let headers = bumpalo::collections::Vec::from_iter_in(record.headers.iter(), scratch).into_bump_slice();
    let Record { partition, key, .. } = *record;
    let record = wire::Record { topic, partition, partitions: topics.partitions, key, headers, value };
    decode_record(&record, rules, scratch)
}

#[inline]
fn apply_one(event: &Event<'_>, shard: &mut Shard, effects: &mut Vec<Effect>) -> Result<Fate, Refusal> {
    let sent = if event.body.spec().has_buyer { Sent::Once } else { Sent::ToAll };
    match shard.apply(event, effects) {
        Outcome::Applied => Ok(Fate::Applied(sent)),
        Outcome::Duplicate => Ok(Fate::Duplicate(sent)),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

/// A turn whose records moved its shards, and of which nobody outside may know yet.
#[derive(Debug)]
pub struct Applied(Turn);

/// A turn that holds: its outputs and positions are in the log.
#[derive(Debug)]
pub struct Committed(Turn);

/// A turn that does not hold, or of which nobody can tell: its shards are ahead of the log and must be dropped.
#[derive(Debug)]
pub struct NotCommitted {
    /// What the log said.
    pub error: LogError,
    /// The partitions whose shards are no longer valid.
    pub partitions: Vec<u32>,
}

/// Times that a call is repeated where the log asks for it.
const RETRIES_MAX: u32 = 10;

impl Applied {
    /// Sends outputs and positions in one transaction and commits it; a turn that has neither needs none.
    ///
    /// # Errors
    /// When it is not plainly committed.
    pub fn commit<L: Log>(self, log: &mut L) -> Result<Committed, NotCommitted> {
        match self.transact(log) {
            Ok(()) => Ok(Committed(self.0)),
            Err(error) => {
                let partitions = self.0.counts.iter().map(|(partition, _)| *partition).collect();
                // Once fenced or past help there is nothing to abort; else the reason is the first error, unless the
                // abort shows a worse one.
                let error = match error {
                    LogError::Abort(_) | LogError::Retry(_) => match retry(|| log.abort()) {
                        Err(worse @ (LogError::Fenced(_) | LogError::Fatal(_))) => worse,
                        _ => error,
                    },
                    LogError::Fenced(_) | LogError::Fatal(_) => error,
                };
                Err(NotCommitted { error, partitions })
            }
        }
    }

    fn transact<L: Log>(&self, log: &mut L) -> Result<(), LogError> {
        let Turn { outbox, positions, .. } = &self.0;
        if outbox.records.is_empty() && positions.is_empty() {
            return Ok(());
        }
        retry(|| log.begin())?;
        for record in outbox.records.iter() {
            retry(|| log.send(&record))?;
        }
        if !positions.is_empty() {
            retry(|| log.send_offsets(positions))?;
        }
        retry(|| log.commit())
    }
}

/// Calls until the answer is not [`LogError::Retry`], within a limit.
pub(super) fn retry(mut call: impl FnMut() -> Result<(), LogError>) -> Result<(), LogError> {
    let mut retries = 0;
    loop {
        match call() {
            Err(LogError::Retry(_)) if retries < RETRIES_MAX => retries += 1,
            answer => return answer,
        }
    }
}

impl Committed {
    /// Adds its counts to those of its shards and gives the buffers back.
    pub(super) fn settle(self, shards: &mut [OwnedShard]) -> Turn {
        let Committed(mut turn) = self;
        for (partition, counts) in &turn.counts {
            if let Ok(place) = shards.binary_search_by_key(partition, |owned| owned.partition) {
                shards[place].counts.add(counts);
            }
        }
        turn.clear();
        turn
    }
}
