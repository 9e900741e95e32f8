//! Owns a member of the simulated group: the consumer and the producer of one service, and what goes wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use super::fault::Fault;
use super::group::Heard;
use super::log::{EmbeddedLog, Isolation, Producer};
use super::simulation::Stage;
use super::world::{Fate, Mistake, Shared, World};
use crate::base::Instant;
use crate::base::hash::stable_hash;
use crate::runtime::journal::Entry;
use crate::runtime::{
    Batch, Bounds, CommittedLog, GroupLog, Log, LogError, Point, Polled, Position, Record, Records, TopicId, Topics,
};

/// What a call takes at most, in nanoseconds.
const CALL_NS: u32 = 200_000;
/// The most records that a poll gives of a topic and partition where it gives a part.
const SHORT_MAX: u32 = 4;
/// Steps that the others take at most while it stands still.
const STILL_STEPS_MAX: u32 = 60;
/// Out of a thousand polls of a partition, those that give all there is while nothing goes wrong.
const WHOLE_PER_MILLE: u32 = 600;
/// How often late marks of commits are written before a question is answered.
const LATE_MARK_PER_MILLE: u32 = 200;

/// One service's consumer and producer.
pub(super) struct Member {
    world: Shared,
    /// Where the others are, who go on while it stands still.
    stage: Weak<Stage>,
    fate: Rc<Fate>,
    topics: Topics,
    instance: u32,
    /// Differs from process to process.
    process: u64,
    /// How far its wall clock is off.
    wall_off_ns: i64,
    seat: Option<u32>,
    generation: u32,
    /// What the group gave it, as far as it has heard.
    owned: Vec<u32>,
    /// The next offset of what it delivers.
    started: BTreeMap<(TopicId, u32), i64>,
    /// Of these, what is not delivered any more until it is started anew, and passes for read.
    stuck: BTreeSet<(TopicId, u32)>,
    /// The number of each partition's present tenure.
    tenures: BTreeMap<u32, u64>,
    producer: Producer,
    /// What became of a commit that is to be called again.
    slow: Option<Slow>,
    /// Records that wait for the end of a transaction, where a mistake wants that.
    held: Records,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slow {
    Committed,
    Waiting,
}

fn killed(point: &str) -> LogError {
    LogError::Fatal(format!("killed at {point}"))
}

/// What the log says of a transaction that it does not know is, to its producer, the end of it.
fn as_of_producer(error: LogError) -> LogError {
    match error {
        LogError::Fatal(text) => LogError::Fenced(text),
        other => other,
    }
}

impl Member {
    pub(super) fn new(
        world: &Shared,
        stage: &Weak<Stage>,
        fate: &Rc<Fate>,
        topics: &Topics,
        instance: u32,
        process: u64,
    ) -> Member {
        let id = Member::transactional_id(instance);
        let mut of_world = world.borrow_mut();
        let wall_off_ns = i64::from(of_world.draws.between(-2_000, 2_000)) * 1_000_000;
        let producer = of_world.log.producer(&id);
        of_world.ended(&id);
        drop(of_world);
        Member {
            world: Rc::clone(world),
            stage: Weak::clone(stage),
            fate: Rc::clone(fate),
            topics: topics.clone(),
            instance,
            process,
            wall_off_ns,
            seat: None,
            generation: 0,
            owned: Vec::new(),
            started: BTreeMap::new(),
            stuck: BTreeSet::new(),
            tenures: BTreeMap::new(),
            producer,
            slow: None,
            held: Records::default(),
        }
    }

    /// Whether it died.
    pub(super) fn is_dead(&self) -> bool {
        self.fate.died_at.get().is_some()
    }

    /// Now and then it stands still in the middle of what it does, and the others go on.
    fn stand_still(&self) {
        let mut world = self.world.borrow_mut();
        if world.strikes(Fault::StoodStill, 1) {
            let steps = 1 + world.draws.below(STILL_STEPS_MAX);
            drop(world);
            if let Some(stage) = self.stage.upgrade() {
                stage.go_on(steps);
            }
        }
    }

    /// Leaves the group, where it is in it.
    pub(super) fn leave(&mut self) {
        if let Some(seat) = self.seat.take() {
            let mut world = self.world.borrow_mut();
            let now_ns = world.elapsed_ns();
            world.group.leave(seat, now_ns);
        }
    }

    pub(super) fn transactional_id(instance: u32) -> String {
        format!("vigie-m{instance}")
    }

    fn id(&self) -> String {
        Member::transactional_id(self.instance)
    }

    /// Begins a call: it takes its time, and the dead make none.
    fn enter(&mut self) -> Result<std::cell::RefMut<'_, World>, LogError> {
        if let Some(point) = self.fate.died_at.get() {
            return Err(killed(point.as_str()));
        }
        let mut world = self.world.borrow_mut();
        let call_ns = u64::from(world.draws.below(CALL_NS));
        world.pass_time(call_ns);
        Ok(world)
    }

    fn log(&self) -> EmbeddedLog {
        self.world.borrow().log.clone()
    }

    /// Asks the log something that it may want to be asked again.
    fn ask(&mut self) -> Result<EmbeddedLog, LogError> {
        let mut world = self.enter()?;
        if world.draws.happens(LATE_MARK_PER_MILLE) {
            world.log.mark();
        }
        match world.strikes(Fault::AskAgain, 2) {
            true => Err(LogError::Retry("ask again".to_owned())),
            false => Ok(world.log.clone()),
        }
    }

    /// What the group has to say, before anything is polled.
    fn hear(&mut self) -> Option<Polled> {
        let mut world = self.world.borrow_mut();
        let now_ns = world.elapsed_ns();
        let Some(seat) = self.seat else {
            let is_static = world.is_static;
            self.seat = Some(world.group.join(self.instance, is_static, now_ns));
            return None;
        };
        match world.group.hear(seat, now_ns) {
            Heard::Unknown => {
                self.seat = None;
                if !self.owned.is_empty() {
                    world.note(Fault::Lost);
                }
            }
            Heard::Rejoin if self.owned.is_empty() => {
                world.group.rejoin(seat, now_ns);
                return None;
            }
            Heard::Rejoin => {}
            Heard::Settled(generation) if generation != self.generation => {
                self.generation = generation;
                self.owned = world.group.partitions_of(seat);
                let owned = self.owned.clone();
                return (!owned.is_empty()).then_some(Polled::Assigned(owned));
            }
            Heard::Settled(_) | Heard::Wait => return None,
        }
        drop(world);
        self.generation = 0;
        self.started.clear();
        self.stuck.clear();
        let owned = std::mem::take(&mut self.owned);
        (!owned.is_empty()).then_some(Polled::Revoked(owned))
    }

    /// Puts records of one partition of a topic into the batch; says whether the batch is full.
    fn deliver(&mut self, topic: TopicId, partition: u32, batch: &mut Batch) -> Result<bool, LogError> {
        if !batch.wants(topic, partition) {
            return Ok(false);
        }
        let mut world = self.world.borrow_mut();
        if world.strikes(Fault::TopicLate, 10) {
            return Ok(false);
        }
        if self.stuck.contains(&(topic, partition)) || world.strikes(Fault::InputStuck, 1) {
            self.stuck.insert((topic, partition));
            batch.reached_end(topic, partition);
            return Ok(false);
        }
        let is_short = world.trouble_per_mille > 0 && !world.draws.happens(WHOLE_PER_MILLE);
        let mut left = if is_short { 1 + world.draws.below(SHORT_MAX) } else { u32::MAX };
        let log = world.log.clone();
        drop(world);
        let Some(next) = self.started.get_mut(&(topic, partition)) else { return Ok(false) };
        let (mut is_full, mut is_cut) = (false, false);
        *next = log.read(topic, partition, *next, Isolation::Committed, |record| {
            is_full = !batch.has_room_for(record);
            is_cut = left == 0;
            if is_full || is_cut {
                return false;
            }
            left -= 1;
            batch.push(record);
            true
        })?;
        if is_cut {
            self.world.borrow_mut().note(Fault::PollShort);
        }
        if !is_full && !is_cut {
            batch.reached_end(topic, partition);
        }
        Ok(is_full)
    }

    /// Sends what a mistake had held back, in an order of this process.
    fn send_held(&mut self) -> Result<(), LogError> {
        let held = std::mem::take(&mut self.held);
        let process = self.process.to_le_bytes();
        let mut places: Vec<usize> = (0..held.len()).collect();
        places.sort_by_key(|place| stable_hash(&[&process, held.raw(*place)]));
        let producer = &mut self.producer;
        places.into_iter().try_for_each(|place| producer.send(&held.get(place)))
    }

    /// How a commit goes.
    fn end(&mut self) -> Result<(), LogError> {
        let id = self.id();
        self.producer.flush().map_err(as_of_producer)?;
        let epoch = self.producer.epoch();
        if self.fate.meets(Point::CommitSent) {
            let mut world = self.world.borrow_mut();
            *world.seen.points.entry(Point::CommitSent).or_default() += 1;
            world.trace.note(format_args!("    m{} dies at commit_sent", self.instance));
            if world.draws.happens(500) {
                world.commit_later(&id, epoch);
            }
            return Err(killed(Point::CommitSent.as_str()));
        }
        let mut world = self.world.borrow_mut();
        if world.strikes(Fault::CommitSlow, 3) {
            self.slow = Some(if world.draws.happens(500) { Slow::Committed } else { Slow::Waiting });
            drop(world);
            if self.slow == Some(Slow::Committed) {
                self.commit_plainly()?;
            }
            return Err(LogError::Retry("the commit takes long: call it again".to_owned()));
        }
        if world.strikes(Fault::NotCommitted, 6) {
            // The request may have been lost, or be on its way still.
            if world.draws.happens(600) {
                world.commit_later(&id, epoch);
            }
            let is_kept = world.mistake == Some(Mistake::AbortedKept);
            drop(world);
            if is_kept {
                return self.producer.abort().map_err(as_of_producer);
            }
            return Err(LogError::Abort("the commit was not answered".to_owned()));
        }
        let is_unheard = world.strikes(Fault::CommittedUnheard, 6);
        if is_unheard && world.draws.happens(600) {
            // A copy of the request is on its way still.
            world.commit_later(&id, epoch);
        }
        let is_fenced = is_unheard && world.draws.happens(300);
        drop(world);
        self.commit_plainly()?;
        match (is_unheard, is_fenced) {
            (false, _) => Ok(()),
            (true, false) => Err(LogError::Abort("the commit was not answered".to_owned())),
            (true, true) => Err(LogError::Fenced("the producer is of no more use".to_owned())),
        }
    }

    fn commit_plainly(&mut self) -> Result<(), LogError> {
        let is_late = self.world.borrow_mut().strikes(Fault::MarksLate, 20);
        match is_late {
            true => self.producer.commit_marked_late(),
            false => self.producer.commit(),
        }
        .map_err(as_of_producer)?;
        let id = self.id();
        self.world.borrow_mut().ended(&id);
        Ok(())
    }

    /// Notes whose tenure a journal entry is of.
    fn note_tenure(&self, record: &Record<'_>) {
        if Some(record.topic) == self.topics.outputs.journal {
            let tenure = self.tenures.get(&record.partition).copied().unwrap_or(0);
            let hash = Entry::hash(record.value.unwrap_or_default());
            self.world.borrow_mut().tenures.insert(hash, tenure);
        }
    }
}

impl Log for Member {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        drop(self.enter()?);
        if let Some(polled) = self.hear() {
            let instance = self.instance;
            self.world.borrow_mut().trace.note(format_args!("    m{instance} hears {polled:?}"));
            return Ok(polled);
        }
        if self.world.borrow_mut().strikes(Fault::PollFailed, 1) {
            let is_lost = self.world.borrow_mut().draws.happens(300);
            let text = "the consumer failed".to_owned();
            return Err(if is_lost { LogError::Abort(text) } else { LogError::Retry(text) });
        }
        let all: Vec<(TopicId, u32)> = self.started.keys().copied().collect();
        if !all.is_empty() {
            let first = self.world.borrow_mut().draws.below(all.len() as u32) as usize;
            for step in 0..all.len() {
                let (topic, partition) = all[(first + step) % all.len()];
                if self.deliver(topic, partition, batch)? {
                    break;
                }
            }
        }
        Ok(Polled::Records)
    }

    fn begin(&mut self) -> Result<(), LogError> {
        let id = self.id();
        let mut world = self.enter()?;
        if world.strikes(Fault::CallAgain, 2) {
            return Err(LogError::Retry("begin again".to_owned()));
        }
        world.begun(&id);
        drop(world);
        self.slow = None;
        self.held.clear();
        self.producer.begin().map_err(as_of_producer)
    }

    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        let mut world = self.enter()?;
        if world.strikes(Fault::CallAgain, 1) {
            return Err(LogError::Retry("send again".to_owned()));
        }
        if world.strikes(Fault::SendFailed, 1) {
            return Err(LogError::Abort("a record was not delivered".to_owned()));
        }
        let mistake = world.mistake;
        drop(world);
        self.note_tenure(record);
        match mistake {
            Some(Mistake::OutsideTransaction) if record.topic == self.topics.outputs.alerts => {
                let mut records = Records::default();
                records.push(record);
                self.log().append(record.topic, record.partition, records).map(|_| ())
            }
            Some(Mistake::HashOrder) if Some(record.topic) != self.topics.outputs.journal => {
                self.held.push(record);
                Ok(())
            }
            _ => self.producer.send(record).map_err(as_of_producer),
        }
    }

    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        let (seat, generation) = (self.seat, self.generation);
        let mut world = self.enter()?;
        if world.strikes(Fault::CallAgain, 1) {
            return Err(LogError::Retry("send the positions again".to_owned()));
        }
        if !seat.is_some_and(|seat| world.group.takes(seat, generation)) {
            world.note(Fault::OldGeneration);
            return Err(LogError::Abort("the positions are of an old generation".to_owned()));
        }
        let mistake = world.mistake;
        drop(world);
        let mut positions = positions.to_vec();
        if mistake == Some(Mistake::LastNotNext) {
            positions.iter_mut().for_each(|position| position.next = (position.next - 1).max(0));
        }
        self.producer.send_offsets(&positions).map_err(as_of_producer)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        drop(self.enter()?);
        if !self.held.is_empty() {
            self.send_held()?;
        }
        match self.slow.take() {
            Some(Slow::Committed) => Ok(()),
            Some(Slow::Waiting) => self.commit_plainly(),
            None => self.end(),
        }
    }

    fn abort(&mut self) -> Result<(), LogError> {
        let id = self.id();
        let mut world = self.enter()?;
        if world.strikes(Fault::AbortFailed, 20) {
            let is_aborted = world.draws.happens(500);
            drop(world);
            if is_aborted {
                self.producer.abort().map_err(as_of_producer)?;
            }
            return Err(LogError::Abort("the abort was not answered".to_owned()));
        }
        drop(world);
        self.producer.abort().map_err(as_of_producer)?;
        self.world.borrow_mut().ended(&id);
        Ok(())
    }

    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        let log = self.ask()?;
        if log.is_undecided(topic, partition) {
            self.world.borrow_mut().note(Fault::Undecided);
            return Err(LogError::Retry("a transaction is not decided yet".to_owned()));
        }
        Ok(log.committed(topic, partition))
    }

    fn pass(&mut self, point: Point) -> Result<(), LogError> {
        drop(self.enter()?);
        self.stand_still();
        let is_sending = matches!(point, Point::AfterSend | Point::AfterJournal | Point::AfterOffsets);
        if is_sending && self.world.borrow_mut().draws.happens(500) {
            self.producer.flush().map_err(as_of_producer)?;
        }
        if !self.fate.meets(point) {
            return Ok(());
        }
        let mut world = self.world.borrow_mut();
        *world.seen.points.entry(point).or_default() += 1;
        world.trace.note(format_args!("    m{} dies at {}", self.instance, point.as_str()));
        Err(killed(point.as_str()))
    }
}

impl CommittedLog for Member {
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError> {
        Ok(self.ask()?.bounds(topic, partition))
    }

    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError> {
        let log = self.ask()?;
        let is_short = self.world.borrow_mut().strikes(Fault::ReadShort, 10);
        let mut left = if is_short { self.world.borrow_mut().draws.below(SHORT_MAX) } else { u32::MAX };
        let next = log.read(topic, partition, from, Isolation::Committed, |record| {
            let takes = record.offset < to && left > 0;
            if takes {
                left -= 1;
                records.push(record);
            }
            takes
        })?;
        Ok(next.min(to))
    }
}

impl GroupLog for Member {
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError> {
        let log = self.ask()?;
        Ok(match self.world.borrow().mistake {
            Some(Mistake::EndNotAwaited) => log.bounds(topic, partition).end,
            _ => log.end(topic, partition),
        })
    }

    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        drop(self.enter()?);
        if !self.owned.contains(&partition) {
            return Err(LogError::Fatal(format!("partition {partition} was started, and is not assigned")));
        }
        for position in positions {
            self.started.insert((position.topic, partition), position.next);
        }
        let mut world = self.world.borrow_mut();
        world.last_tenure += 1;
        world.seen.recoveries += 1;
        self.tenures.insert(partition, world.last_tenure);
        Ok(())
    }

    fn stop(&mut self, partition: u32) -> Result<(), LogError> {
        drop(self.enter()?);
        self.started.retain(|(_, of), _| *of != partition);
        self.stuck.retain(|(_, of)| *of != partition);
        Ok(())
    }

    fn renew(&mut self) -> Result<(), LogError> {
        let id = self.id();
        let mut world = self.enter()?;
        if world.strikes(Fault::RenewFailed, 20) {
            return Err(LogError::Retry("no coordinator".to_owned()));
        }
        if world.mistake == Some(Mistake::OldProducer) {
            drop(world);
            // What is open is ended, as far as it is.
            return self.producer.abort().or(Ok(()));
        }
        world.ended(&id);
        let producer = world.log.producer(&id);
        drop(world);
        self.producer = producer;
        Ok(())
    }

    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        Some(self.log().bounds(topic, partition).end)
    }

    fn now(&mut self) -> Instant {
        self.world.borrow().wall().plus_nanos(self.wall_off_ns)
    }

    fn elapsed_ns(&mut self) -> u64 {
        let mut world = self.world.borrow_mut();
        let call_ns = u64::from(world.draws.below(CALL_NS / 20));
        world.pass_time(call_ns);
        world.elapsed_ns()
    }
}
