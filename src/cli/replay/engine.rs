//! Owns the run of a replay: one thread feeds the embedded log, workers on it take turns until its end.
//!
//! The end is a tick on all shards, at the greatest of their clocks, or at the start of the day that the report is as of
//! where that is later. So every shard ends on one clock, the buyers of its last instant are judged, and what falls due
//! until then has fired. The state hash is taken then; after that every buyer's figures are told.

use std::io;
use std::thread;

use crate::base::{Day, Instant};
use crate::event::Topic;
use crate::risk::Shard;
use crate::runtime::{Counts, LogError, NotCommitted, OutputTopics, Record, TopicId, Topics, Worker, WorkerRules};
use crate::sim::{Client, EmbeddedLog, Isolation, TopicConfig};

use super::drain::{Drain, Keep};
use super::feed::{Fed, Feed, FeedError};
use crate::io::clock::Stopwatch;

/// The input topic: the lines of the files.
const LINES: TopicId = TopicId(0);
/// All outputs of a shard in one topic, so that they keep their order.
const OUTPUTS: TopicId = TopicId(1);
/// Refused lines.
const DEAD_LETTERS: TopicId = TopicId(2);
/// Changes of scores, where they are wanted.
const HISTORY: TopicId = TopicId(3);
/// What the log retains of the lines: the feed waits while the workers are this far behind.
pub const RETAINED_BYTES_MAX: usize = 64 << 20;

/// Buyers whose figures are told in one turn at the end.
const EXPOSURES_MAX: usize = 4096;

/// The topics of a replay.
#[must_use]
pub fn topics(partitions: u32, keep: &Keep) -> Topics {
    let outputs = OutputTopics {
        alerts: OUTPUTS,
        limit_proposals: OUTPUTS,
        limit_changes: OUTPUTS,
        order_decisions: OUTPUTS,
        exposures: OUTPUTS,
        history: keep.history.is_some().then_some(HISTORY),
        dead_letters: DEAD_LETTERS,
        journal: None,
    };
    let names = ["lines", "outputs", "dead-letters", "history"].map(str::to_owned).to_vec();
    Topics { names, inputs: vec![None::<Topic>], outputs, partitions }
}

/// What a run goes by.
pub struct Plan {
    /// What the workers go by.
    pub rules: WorkerRules,
    /// How many workers.
    pub threads: u32,
    /// What is to be kept of outputs.
    pub keep: Keep,
    /// The day that the report is as of, where it is named.
    pub as_of: Option<Day>,
}

/// Why a run failed.
#[derive(Debug)]
pub enum RunError {
    /// The files could not be fed.
    Feed(FeedError),
    /// A turn was not committed.
    Turn(NotCommitted),
    /// The log could not be read.
    Log(LogError),
    /// Outputs could not be spooled.
    Spool(io::Error),
}

/// A run that worked.
pub struct Run {
    /// What was fed.
    pub fed: Fed,
    /// The shards, in order of partition.
    pub shards: Vec<EndedShard>,
    /// The day that the report is as of; `None`: no event was accepted.
    pub as_of: Option<Day>,
    /// How long it took until the last record was applied.
    pub seconds: f64,
}

/// A shard at the end.
pub struct EndedShard {
    /// The shard.
    pub shard: Shard,
    /// What it counted.
    pub counts: Counts,
    /// What was kept of its outputs.
    pub drain: Drain,
    /// The hash of its state.
    pub state_hash: u128,
}

/// Runs `plan`; `feed` reads the files.
///
/// # Errors
/// When files cannot be fed, or outputs cannot be spooled.
pub fn run(plan: &Plan, feed: impl FnOnce(&mut Feed<'_>) -> Result<(), FeedError>) -> Result<Run, RunError> {
    let stopwatch = Stopwatch::start();
    let partitions = plan.rules.topics.partitions;
    let topic = |retained_bytes_max| TopicConfig { partitions, retained_bytes_max };
    let log = EmbeddedLog::new(&[topic(Some(RETAINED_BYTES_MAX)), topic(None), topic(None), topic(None)]);
    let threads = plan.threads.clamp(1, partitions);
    let mut lanes: Vec<Lane> = (0..threads).map(|thread| Lane::new(plan, &log, thread, threads)).collect();

    let fed = thread::scope(|scope| {
        let running: Vec<_> = lanes.iter_mut().map(|lane| scope.spawn(|| lane.run_to_end())).collect();
        let mut feeder = Feed::new(&log, LINES, partitions);
        let fed = feed(&mut feeder).and_then(|()| feeder.finish());
        if fed.is_err() {
            log.shut();
        }
        let ran: Result<Vec<()>, RunError> = running.into_iter().map(join).collect();
        // A worker that failed shuts the log, and the feed then fails of that.
        ran.and(fed.map_err(RunError::Feed))
    })?;
    let seconds = stopwatch.seconds();

    let greatest = lanes.iter().flat_map(Lane::clocks).max();
    let as_of = greatest.map(|greatest| plan.as_of.unwrap_or(greatest.day()));
    let end = greatest.max(as_of.map(Day::start));
    thread::scope(|scope| {
        let running: Vec<_> = lanes.iter_mut().map(|lane| scope.spawn(move || lane.end(end))).collect();
        running.into_iter().map(join).collect::<Result<Vec<()>, RunError>>()
    })?;
    let mut shards: Vec<(u32, EndedShard)> = lanes.into_iter().flat_map(Lane::into_shards).collect();
    shards.sort_unstable_by_key(|(partition, _)| *partition);
    Ok(Run { fed, shards: shards.into_iter().map(|(_, shard)| shard).collect(), as_of, seconds })
}

fn join<T>(running: thread::ScopedJoinHandle<'_, T>) -> T {
    running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A worker with what is kept of its shards' outputs.
struct Lane {
    log: EmbeddedLog,
    worker: Worker<Client>,
    outlets: Vec<Outlet>,
}

/// How far the outputs of a shard are read, and what was kept of them.
struct Outlet {
    partition: u32,
    outputs_at: i64,
    dead_letters_at: i64,
    history_at: i64,
    drain: Drain,
    state_hash: u128,
}

/// Shuts the log when a lane ends otherwise than well, so that nobody waits for it.
struct ShutUnlessDone<'a> {
    log: &'a EmbeddedLog,
    is_done: bool,
}

impl Drop for ShutUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.log.shut();
        }
    }
}

impl Lane {
    fn new(plan: &Plan, log: &EmbeddedLog, thread: u32, threads: u32) -> Lane {
        let partitions = plan.rules.topics.partitions;
        let owned: Vec<u32> = (0..partitions).filter(|partition| partition % threads == thread).collect();
        let client = Client::new(log, &format!("replay-{thread}"), &[LINES], &owned);
        let outlet = |partition: &u32| Outlet {
            partition: *partition,
            outputs_at: 0,
            dead_letters_at: 0,
            history_at: 0,
            drain: Drain::new(&plan.keep),
            state_hash: 0,
        };
        let outlets = owned.iter().map(outlet).collect();
        Lane { log: log.clone(), worker: Worker::new(client, plan.rules.clone(), owned), outlets }
    }

    /// Takes turns until the lines are at their end.
    fn run_to_end(&mut self) -> Result<(), RunError> {
        let log = self.log.clone();
        let mut guard = ShutUnlessDone { log: &log, is_done: false };
        while !log.is_shut() {
            let records = self.worker.turn().map_err(RunError::Turn)?;
            self.drain()?;
            if records == 0 && self.worker.log().is_at_end() {
                break;
            }
        }
        guard.is_done = true;
        Ok(())
    }

    fn clocks(&self) -> impl Iterator<Item = Instant> {
        self.worker.shards().iter().filter_map(|owned| owned.shard.clock())
    }

    /// The end: a tick on all shards (where any event gave them a clock), then every buyer's figures.
    fn end(&mut self, at: Option<Instant>) -> Result<(), RunError> {
        if let Some(at) = at {
            self.worker.tick(at).map_err(RunError::Turn)?;
            self.drain()?;
        }
        for (outlet, owned) in self.outlets.iter_mut().zip(self.worker.shards()) {
            outlet.state_hash = owned.shard.state_hash();
        }
        for place in 0..self.outlets.len() {
            let buyers = self.worker.in_order(place);
            for buyers in buyers.chunks(EXPOSURES_MAX) {
                self.worker.tell_exposures(place, buyers).map_err(RunError::Turn)?;
                self.drain()?;
            }
        }
        Ok(())
    }

    /// Reads what was committed and lets the log forget it.
    fn drain(&mut self) -> Result<(), RunError> {
        for outlet in &mut self.outlets {
            let Outlet { partition, outputs_at, dead_letters_at, history_at, drain, .. } = outlet;
            take(&self.log, OUTPUTS, *partition, outputs_at, |record| drain.output(record))?;
            take(&self.log, DEAD_LETTERS, *partition, dead_letters_at, |record| drain.dead_letter(record))?;
            take(&self.log, HISTORY, *partition, history_at, |record| drain.history(record))?;
        }
        Ok(())
    }

    fn into_shards(self) -> impl Iterator<Item = (u32, EndedShard)> {
        self.outlets.into_iter().zip(self.worker.into_shards()).map(|(outlet, owned)| {
            let Outlet { drain, state_hash, partition, .. } = outlet;
            (partition, EndedShard { shard: owned.shard, counts: owned.counts, drain, state_hash })
        })
    }
}

/// Reads what was committed of a topic from `at` on, and lets the log forget it.
fn take(
    log: &EmbeddedLog,
    topic: TopicId,
    partition: u32,
    at: &mut i64,
    mut keep: impl FnMut(&Record<'_>) -> io::Result<()>,
) -> Result<(), RunError> {
    let mut kept = Ok(());
    let next = log.read(topic, partition, *at, Isolation::Committed, |record| {
        kept = keep(record);
        kept.is_ok()
    });
    kept.map_err(RunError::Spool)?;
    *at = next.map_err(RunError::Log)?;
    log.trim(topic, partition, *at);
    Ok(())
}
