//! Owns a service: a worker that a group gives partitions, and takes them away; that brings each to where it was, takes turns
//! with all of them, writes the journal and snapshots, and can be killed at any moment.

mod follow;
mod plan;
mod recovery;
mod replay;
mod slot;
mod snapshots;
mod storm;
mod turns;
mod untold;
mod watch;

use std::collections::BTreeMap;

pub use self::follow::{FollowError, FollowFrom, Followed, Follower};
pub use self::storm::StormLimits;

use self::recovery::{Progress, Recovery};
use self::replay::Means;
use self::slot::{Made, Slot};
use self::snapshots::Taking;
use super::batch::{Batch, BatchLimits};
use super::log::{GroupLog, LogError, Polled, Position};
use super::observed::{Observed, Phase, RENEWAL_REASONS};
use super::outbox::Topics;
use super::point::Point;
use super::records::TopicId;
use super::store::SnapshotStore;
use super::turn::{Desk, retry};
use crate::base::Instant;
use crate::risk::Params;
use crate::wire::DecodeRules;

/// What moves the clock of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockRule {
    /// The times of its events, and the wall clock at the end of every turn.
    Live,
    /// The times of its events alone.
    Event,
}

/// What a shard without a past does with what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColdStart {
    /// It reads it in silence, and then tells what holds.
    Silent,
    /// It tells everything on the way.
    Full,
}

/// What a service goes by. Of all this only the params change results, and the journal keeps those.
#[derive(Debug, Clone)]
pub struct ServiceRules {
    /// The topics; the journal is one of them.
    pub topics: Topics,
    /// What decoding holds a record to.
    pub decode: DecodeRules,
    /// The params that turns are to be taken with.
    pub params: Params,
    /// How much one turn takes on.
    pub limits: BatchLimits,
    /// Who takes the turns, for the journal.
    pub instance: String,
    /// Whose turns they are: entries of other groups in the journal are passed over.
    pub group: String,
    /// What moves the clock.
    pub clock: ClockRule,
    /// How a shard without a past begins.
    pub cold_start: ColdStart,
    /// How many refused records are too many.
    pub storm: StormLimits,
    /// A buyer's figures are told at most once in this time.
    pub exposures_interval_ms: u32,
    /// Figures that a worker tells in a second at most, all its shards together; a tenth of that while more records wait.
    pub exposures_per_second_max: u64,
    /// A live shard without records takes a turn after this time.
    pub idle_turn_ms: u32,
    /// How long from one snapshot of a shard to the next.
    pub snapshot_interval_ms: u64,
    /// Snapshots that are kept of each shard.
    pub snapshot_generations: usize,
    /// Bytes of a snapshot that are stored within one turn.
    pub snapshot_slice_bytes: usize,
    /// How long a pass over all buyers takes, for the figures of the portfolio.
    pub pass_ms: u64,
    /// Buyers that are named among the figures of a shard.
    pub most_retained_max: usize,
}

impl ServiceRules {
    /// The documented defaults.
    #[must_use]
    pub fn new(topics: Topics, decode: DecodeRules, params: Params, instance: String) -> ServiceRules {
        ServiceRules {
            topics,
            decode,
            params,
            limits: BatchLimits { records_max: 16_384, bytes_max: 8 << 20, held_max: 4096 },
            instance,
            group: "vigie".to_owned(),
            clock: ClockRule::Live,
            cold_start: ColdStart::Silent,
            storm: StormLimits::default(),
            exposures_interval_ms: 1000,
            exposures_per_second_max: 5000,
            idle_turn_ms: 1000,
            snapshot_interval_ms: 60_000,
            snapshot_generations: 3,
            snapshot_slice_bytes: 1 << 20,
            pass_ms: 30_000,
            most_retained_max: 50,
        }
    }
}

/// A partition of this worker.
enum Place {
    Live(Box<Slot>),
    Recovering(Recovery),
    Stopped(String),
}

/// Something that the operator should know, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It is as it should be.
    Told(String),
    /// Somebody should look at it.
    Warned(String),
    /// Somebody must look at it.
    Failed(String),
}

/// A worker of a group. What it shows between turns is committed.
pub struct Service<L, S> {
    log: L,
    store: S,
    rules: ServiceRules,
    desk: Desk,
    batch: Batch,
    made: Made,
    places: BTreeMap<u32, Place>,
    /// Shards whose partitions were taken away, until the group says who has them now.
    parked: BTreeMap<u32, Box<Slot>>,
    /// The snapshot that is being taken.
    taking: Option<Taking>,
    /// The positions of the snapshot that was handed over last.
    handed_over: Vec<i64>,
    /// Why a new producer must be had before anything else.
    renewal: Option<&'static str>,
    observed: Observed,
    notices: Vec<Notice>,
    now: Instant,
    /// When it was last told what a recovery waits for.
    waiting_told_ns: u64,
    /// When the last turn began.
    turned_at_ns: u64,
    /// Which share of the shards told figures in it.
    telling: usize,
    watched_at_ns: u64,
    reach_at_ns: Option<u64>,
    stall_at_ns: u64,
    /// Which input is asked next, and where each stood when it was asked last.
    stall_next: usize,
    stall_seen: BTreeMap<(u32, u16), i64>,
}

/// Turns without a snapshot after which one is due as soon as its shard is live.
const LONG_TURNS: u64 = 100;
/// How long a recovery waits before it is told what for, and until it is told again.
const WAITING_TOLD_NS: u64 = 10_000_000_000;
/// How long a recovery waits before the log is given up.
const WAITING_MAX_NS: u64 = 90_000_000_000;
/// How long recoveries may go on before the worker looks after its other partitions again.
const RECOVERY_SLICE_NS: u64 = 500_000_000;

impl<L: GroupLog, S: SnapshotStore> Service<L, S> {
    /// A worker that owns nothing yet.
    #[must_use]
    pub fn new(log: L, store: S, rules: ServiceRules) -> Service<L, S> {
        let desk = Desk {
            topics: rules.topics.clone(),
            rules: rules.decode.clone(),
            scratch: bumpalo::Bump::new(),
            effects: Vec::new(),
        };
        Service {
            log,
            store,
            batch: Batch::new(rules.limits),
            rules,
            desk,
            made: Made::default(),
            places: BTreeMap::new(),
            parked: BTreeMap::new(),
            taking: None,
            handed_over: Vec::new(),
            renewal: None,
            observed: Observed::default(),
            notices: Vec::new(),
            now: Instant::MIN,
            waiting_told_ns: 0,
            turned_at_ns: 0,
            telling: 0,
            watched_at_ns: 0,
            reach_at_ns: None,
            stall_at_ns: 0,
            stall_next: 0,
            stall_seen: BTreeMap::new(),
        }
    }

    /// Takes one turn with the partitions that are live, and brings those that are not a step further. Gives the number of
    /// records that were committed.
    ///
    /// # Errors
    /// When nothing helps but a person: the worker is of no more use.
    pub fn turn(&mut self) -> Result<usize, LogError> {
        self.log.pass(Point::BeforePoll)?;
        if !self.is_renewed()? {
            return Ok(0);
        }
        self.recover()?;
        match self.log.poll(&mut self.batch) {
            Ok(Polled::Records) => {}
            Err(LogError::Retry(_)) => {}
            Ok(Polled::Assigned(partitions)) => return self.assign(&partitions).map(|()| 0),
            Ok(Polled::Revoked(partitions)) => return self.revoke(&partitions).map(|()| 0),
            Err(error @ (LogError::Abort(_) | LogError::Fenced(_))) => {
                let all: Vec<u32> = self.places.keys().copied().collect();
                self.fail(&all, error)?;
                return Ok(0);
            }
            Err(error) => return Err(error),
        }
        self.log.pass(Point::AfterPoll)?;
        let records = self.take_turns()?;
        self.go_on_with_snapshots()?;
        self.watch()?;
        Ok(records)
    }

    /// Stores what is live and was not stored since its last turn, within a time, and waits until it is written: so the next
    /// start has nothing to read again.
    ///
    /// # Errors
    /// When the log fails.
    pub fn finish(&mut self, within_ns: u64) -> Result<(), LogError> {
        let until_ns = self.log.elapsed_ns().saturating_add(within_ns);
        self.store_all(until_ns)
    }

    /// What happened since it was last asked, and how the partitions stand.
    pub fn take_observed(&mut self) -> Observed {
        self.observed.take()
    }

    /// What the operator should know, since it was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The hash of the state of each live shard, by partition.
    #[must_use]
    pub fn state_hashes(&self) -> BTreeMap<u32, u128> {
        self.live().map(|slot| (slot.partition, slot.shard.state_hash())).collect()
    }

    /// Whether every assigned partition is live, with nothing from before left to read.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.places.values().all(|place| matches!(place, Place::Live(slot) if slot.stage == slot::Stage::Going))
    }

    /// The log.
    pub fn log(&mut self) -> &mut L {
        &mut self.log
    }

    /// The store of snapshots.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    fn live(&self) -> impl Iterator<Item = &Slot> {
        self.places.values().filter_map(|place| match place {
            Place::Live(slot) => Some(&**slot),
            Place::Recovering(_) | Place::Stopped(_) => None,
        })
    }

    /// Takes a new producer where one is needed; says whether there is one.
    fn is_renewed(&mut self) -> Result<bool, LogError> {
        let Some(why) = self.renewal else { return Ok(true) };
        match self.log.renew() {
            Ok(()) => {
                *self.observed.renewals.entry(why).or_default() += 1;
                self.renewal = None;
                Ok(true)
            }
            Err(LogError::Retry(text) | LogError::Abort(text) | LogError::Fenced(text)) => {
                self.notices.push(Notice::Warned(format!("there is no producer yet: {text}")));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn assign(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        self.log.pass(Point::Assigned)?;
        self.observed.rebalances += 1;
        let begun_ns = self.log.elapsed_ns();
        for &partition in partitions {
            let parked = self.parked.remove(&partition);
            self.place(partition, Place::Recovering(Recovery::new(partition, parked, begun_ns)));
        }
        // Who has the others now will move them on.
        self.parked.clear();
        self.notices.push(Notice::Told(format!("assigned partitions {partitions:?}")));
        Ok(())
    }

    fn revoke(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        self.log.pass(Point::Revoked)?;
        self.observed.rebalances += 1;
        for partition in partitions {
            self.batch.forget(*partition);
            self.stop_taking(*partition);
            self.observed.partitions.remove(partition);
            if let Some(Place::Live(slot)) = self.places.remove(partition) {
                self.parked.insert(*partition, slot);
            }
        }
        self.notices.push(Notice::Told(format!("revoked partitions {partitions:?}")));
        Ok(())
    }

    /// Brings the partitions that are not live further, one after another.
    fn recover(&mut self) -> Result<(), LogError> {
        let begun_ns = self.log.elapsed_ns();
        let waiting = |place: &Place| matches!(place, Place::Recovering(_));
        let partitions: Vec<u32> =
            self.places.iter().filter(|(_, place)| waiting(place)).map(|(partition, _)| *partition).collect();
        for partition in partitions {
            while let Some(Place::Recovering(recovery)) = self.places.get_mut(&partition) {
                if self.log.elapsed_ns() - begun_ns > RECOVERY_SLICE_NS {
                    return Ok(());
                }
                let mut notices = Vec::new();
                let mut means = Means { rules: &self.rules, desk: &mut self.desk, notices: &mut notices };
                let progress = recovery.step(&mut self.log, &mut self.store, &mut means);
                let begun_ns = recovery.begun_ns;
                self.notices.extend(notices.into_iter().map(Notice::Warned));
                match progress? {
                    Progress::Again => {}
                    Progress::NotYet(why) => {
                        self.note_waiting(partition, begun_ns, &why)?;
                        break;
                    }
                    Progress::Done(slot) => {
                        self.go_live(slot, begun_ns)?;
                        // Where it cannot yet, the group has something to say first.
                        break;
                    }
                    Progress::Stopped(why) => self.stop(partition, why)?,
                }
            }
        }
        Ok(())
    }

    /// Says now and then what a recovery waits for, once it has waited for long; after too long the log is given up, since a
    /// new one may get an answer where this one gets none.
    fn note_waiting(&mut self, partition: u32, begun_ns: u64, why: &str) -> Result<(), LogError> {
        let now_ns = self.log.elapsed_ns();
        let last_ns = self.waiting_told_ns.max(begun_ns);
        if now_ns.saturating_sub(last_ns) > WAITING_TOLD_NS {
            self.waiting_told_ns = now_ns;
            let seconds = (now_ns - begun_ns) / 1_000_000_000;
            self.notices.push(Notice::Warned(format!("partition {partition} has waited {seconds} s to go on: {why}")));
            if let Err(error) = sweep(&mut self.log, partition) {
                self.fail(&[partition], error)?;
            }
        }
        if now_ns.saturating_sub(begun_ns) > WAITING_MAX_NS {
            return Err(LogError::Fatal(format!("partition {partition} has waited for too long to go on: {why}")));
        }
        Ok(())
    }

    fn go_live(&mut self, mut slot: Box<Slot>, begun_ns: u64) -> Result<(), LogError> {
        let partition = slot.partition;
        let position = |(topic, next): (usize, &i64)| Position { topic: TopicId(topic as u16), partition, next: *next };
        let positions: Vec<Position> = slot.positions.iter().enumerate().map(position).collect();
        match self.log.start(partition, &positions) {
            Ok(()) => {}
            Err(error @ LogError::Fatal(_)) => return Err(error),
            // It was taken away meanwhile, it seems: the next poll will say so, or this is tried again.
            Err(error) => {
                self.notices.push(Notice::Warned(format!("partition {partition} does not go on yet: {error}")));
                self.place(partition, Place::Recovering(Recovery::new(partition, Some(slot), begun_ns)));
                return Ok(());
            }
        }
        let now_ns = self.log.elapsed_ns();
        let seconds = (now_ns - begun_ns) as f64 / 1e9;
        self.observed.recovery_seconds.push(seconds);
        slot.log.turn_at_ns = now_ns;
        // What took long to read again is stored soon, so that it is not read again a second time.
        let is_long = slot.epoch > slot.log.snapshot_epoch + LONG_TURNS;
        slot.log.snapshot_at_ns = (!is_long).then_some(now_ns);
        self.notices.push(Notice::Told(format!(
            "partition {partition} goes on after turn {} with {} buyers, after {seconds:.2} s",
            slot.epoch,
            slot.shard.buyers()
        )));
        self.place(partition, Place::Live(slot));
        Ok(())
    }

    /// Stops a partition: nothing of it is read or written any more.
    fn stop(&mut self, partition: u32, why: String) -> Result<(), LogError> {
        self.stop_taking(partition);
        self.batch.forget(partition);
        self.log.stop(partition)?;
        self.notices.push(Notice::Failed(format!("partition {partition} is stopped: {why}")));
        self.place(partition, Place::Stopped(why));
        Ok(())
    }

    /// Some partitions may be ahead of the log: they are parked, and recovered, which finds out.
    fn fail(&mut self, partitions: &[u32], error: LogError) -> Result<(), LogError> {
        let [aborted, fenced, retries] = RENEWAL_REASONS;
        let (why, text) = match error {
            LogError::Retry(text) => (retries, text),
            LogError::Abort(text) => (aborted, text),
            LogError::Fenced(text) => (fenced, text),
            LogError::Fatal(_) => return Err(error),
        };
        self.notices
            .push(Notice::Warned(format!("a transaction for the partitions {partitions:?} was not committed: {text}")));
        self.renewal = Some(why);
        partitions.iter().try_for_each(|partition| self.park(*partition))
    }

    /// Takes a partition out of service where it is live, to be recovered from where it stands.
    fn park(&mut self, partition: u32) -> Result<(), LogError> {
        let begun_ns = self.log.elapsed_ns();
        self.stop_taking(partition);
        self.batch.forget(partition);
        match self.places.remove(&partition) {
            Some(Place::Live(slot)) => {
                self.log.stop(partition)?;
                self.place(partition, Place::Recovering(Recovery::new(partition, Some(slot), begun_ns)));
            }
            Some(place) => self.place(partition, place),
            None => {}
        }
        Ok(())
    }

    fn place(&mut self, partition: u32, place: Place) {
        let phase = match &place {
            Place::Live(slot) => watch::phase(slot),
            Place::Recovering(_) => Phase::Recovering,
            Place::Stopped(why) => Phase::Stopped(why.clone()),
        };
        let state = self.observed.partitions.entry(partition).or_default();
        state.phase = phase;
        self.places.insert(partition, place);
    }
}

/// Ends a transaction with a position of this partition, as aborted. A broker that is killed may lose the mark that ends an
/// aborted transaction in the log of the group's positions, and then says for ever that they are undecided (Kafka 4.3.0 to 4.4.0,
/// KAFKA-20734); the mark of a later transaction of the same producer ends what it left there.
fn sweep<L: GroupLog>(log: &mut L, partition: u32) -> Result<(), LogError> {
    retry(|| log.begin())?;
    // It is never committed, so that it says nothing.
    retry(|| log.send_offsets(&[Position { topic: TopicId(0), partition, next: 0 }]))?;
    retry(|| log.abort())
}
