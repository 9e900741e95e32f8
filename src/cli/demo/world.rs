//! Owns the demo's world: its log in memory, its simulated clock, and the way of records into it and out of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::LOOK_MS;
use super::days::{Days, Told};
use super::kept::Kept;
use crate::base::{Currency, Instant};
use crate::cli::CliError;
use crate::event::Topic;
use crate::io::clock::{self, Stopwatch};
use crate::io::http::api::{NotWritten, Outlet, Writing, Written};
use crate::io::read_side::Feeder;
use crate::io::signals::StopFlag;
use crate::runtime::{Headers, LogError, OutputTopics, Record, Records, TopicId, Topics};
use crate::sim::{EmbeddedLog, Isolation, TopicConfig};
use crate::view::Fed;
use crate::wire::partition_of;

/// Partitions of every topic.
pub const PARTITIONS: u32 = 4;
/// Bytes that an input topic retains at most: what is consumed is let go.
const RETAINED_BYTES_MAX: usize = 256 << 20;

/// A decision: where it was written, and what.
type Decided = (Written, Vec<u8>);

/// A clone is another handle of the same world.
#[derive(Clone)]
pub struct World {
    log: EmbeddedLog,
    topics: Arc<Topics>,
    base: Currency,
    clock: Arc<Clock>,
    /// Decisions for the read model: the log lets go of an input once the engine has it.
    decided: Arc<Mutex<Vec<Decided>>>,
    /// Milliseconds up to which everything is told that is written so early. What is later is not to be read yet: so no topic of the
    /// past is read further than another.
    whole_until_ms: Arc<AtomicI64>,
}

/// The simulated clock: it stands until the past is told.
struct Clock {
    start: Instant,
    speed: u32,
    since: Stopwatch,
    /// When it began to go, in nanoseconds of the stopwatch; negative before.
    began_ns: AtomicI64,
}

impl World {
    /// A world at `now`, in which time passes so many times faster once it lives.
    pub fn new(base: Currency, now: Instant, speed: u32) -> World {
        let inputs = Topic::ALL.iter().map(|topic| topic.as_str().to_owned());
        let outputs =
            ["alerts", "limit-proposals", "limit-changes", "order-decisions", "exposures", "dead-letters", "journal"];
        let names: Vec<String> = inputs.chain(outputs.map(str::to_owned)).map(|name| format!("vigie.{name}")).collect();
        let first = Topic::ALL.len() as u16;
        let topics = Topics {
            inputs: Topic::ALL.iter().copied().map(Some).collect(),
            outputs: OutputTopics {
                alerts: TopicId(first),
                limit_proposals: TopicId(first + 1),
                limit_changes: TopicId(first + 2),
                order_decisions: TopicId(first + 3),
                exposures: TopicId(first + 4),
                history: None,
                dead_letters: TopicId(first + 5),
                journal: Some(TopicId(first + 6)),
            },
            partitions: PARTITIONS,
            names,
        };
        // Snapshots are never read here, so inputs may go once they are consumed.
        let config = |place: usize| TopicConfig {
            partitions: PARTITIONS,
            retained_bytes_max: (place < Topic::ALL.len()).then_some(RETAINED_BYTES_MAX),
        };
        let log = EmbeddedLog::new(&(0..topics.names.len()).map(config).collect::<Vec<_>>());
        log.set_now(now);
        let clock = Clock { start: now, speed, since: Stopwatch::start(), began_ns: AtomicI64::new(-1) };
        let whole_until_ms = Arc::new(AtomicI64::new(i64::MIN));
        World { log, topics: Arc::new(topics), base, clock: Arc::new(clock), decided: Arc::default(), whole_until_ms }
    }

    /// The log.
    pub fn log(&self) -> &EmbeddedLog {
        &self.log
    }

    /// Milliseconds up to which everything is there that is written so early.
    pub fn whole_until_ms(&self) -> i64 {
        self.whole_until_ms.load(Ordering::Acquire)
    }

    /// The topics.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Real nanoseconds since the world was made.
    pub fn elapsed_ns(&self) -> u64 {
        self.clock.since.nanos()
    }

    /// Whether the past is told, and simulated days pass.
    fn has_begun(&self) -> bool {
        self.clock.began_ns.load(Ordering::Relaxed) >= 0
    }

    /// The simulated time.
    pub fn now(&self) -> Instant {
        let began_ns = self.clock.began_ns.load(Ordering::Relaxed);
        if began_ns < 0 {
            return self.clock.start;
        }
        let passed_ns = (self.elapsed_ns() as i64 - began_ns).max(0);
        self.clock.start.plus_nanos(passed_ns.saturating_mul(i64::from(self.clock.speed)))
    }

    /// Tells the past at once and then each day as it passes, until the process is asked to end.
    ///
    /// # Errors
    /// When the log takes no more.
    pub fn live(&self, mut days: Days, stop: &StopFlag) -> Result<(), LogError> {
        self.tell_past(days.past(self.base))?;
        self.tick()?;
        self.clock.began_ns.store(self.elapsed_ns() as i64, Ordering::Relaxed);
        while !stop.is_set() {
            let now = self.now();
            self.log.set_now(now);
            for told in days.until(now, self.base) {
                self.put(&told, now)?;
            }
            self.tick()?;
            // Far ahead of real time a tick would come too seldom for a day of its own.
            for _ in 0..10 {
                if !stop.is_set() {
                    clock::pause(LOOK_MS);
                }
            }
        }
        Ok(())
    }

    /// Writes what happened before, each record at its time: by that the engine knows which topic's is the next.
    fn tell_past(&self, past: Vec<Told>) -> Result<(), LogError> {
        let mut at = Instant::from_nanos(0);
        for told in past {
            // In order of arrival: an event that comes late is written after what came before it.
            at = at.max(told.time);
            self.whole_until_ms.store(millis(at) - 1, Ordering::Release);
            self.put(&told, at)?;
        }
        self.whole_until_ms.store(i64::MAX, Ordering::Release);
        Ok(())
    }

    /// Moves every shard's clock to now: with the clock of events time passes by events alone.
    fn tick(&self) -> Result<(), LogError> {
        let now = self.now();
        self.put(&Told::tick(now), now)
    }

    fn put(&self, told: &Told, at: Instant) -> Result<(), LogError> {
        let topic = TopicId(told.home as u16);
        match &told.buyer_id {
            Some(buyer_id) => {
                let partition = partition_of(buyer_id.as_bytes(), PARTITIONS);
                self.append(topic, partition, at, Some(buyer_id), &told.value).map(|_| ())
            }
            None => (0..PARTITIONS)
                .try_for_each(|partition| self.append(topic, partition, at, None, &told.value).map(|_| ())),
        }
    }

    fn append(
        &self,
        topic: TopicId,
        partition: u32,
        at: Instant,
        key: Option<&str>,
        value: &[u8],
    ) -> Result<i64, LogError> {
        let mut records = Records::default();
        records.push(&Record {
            topic,
            partition,
            offset: 0,
            time_ms: millis(at),
            key: key.map(str::as_bytes),
            value: Some(value),
            headers: Headers::Listed(&[]),
        });
        self.log.append(topic, partition, records)
    }

    /// A decision as the topic has it.
    fn decision<'a>(&self, written: &Written, value: &'a [u8]) -> Record<'a> {
        Record {
            topic: TopicId(Topic::Decisions as u16),
            partition: written.partition,
            offset: written.offset,
            time_ms: self.now().nanos() / 1_000_000,
            key: None,
            value: Some(value),
            headers: Headers::Listed(&[]),
        }
    }

    /// Feeds the read model with what is committed, and keeps it, until the process is asked to end.
    ///
    /// # Errors
    /// When the log cannot be read, or what it holds not be kept.
    pub fn feed(&self, feeder: &Feeder, kept: &mut Kept, stop: &StopFlag) -> Result<(), CliError> {
        let outputs = self.topics.outputs;
        let topics = [
            (Fed::Exposures, outputs.exposures),
            (Fed::Alerts, outputs.alerts),
            (Fed::LimitProposals, outputs.limit_proposals),
            (Fed::LimitChanges, outputs.limit_changes),
            (Fed::OrderDecisions, outputs.order_decisions),
        ];
        let mut next = [[0; PARTITIONS as usize]; 5];
        while !stop.is_set() {
            let mut count = 0;
            let mut lag_records = BTreeMap::new();
            for ((fed, topic), next) in topics.iter().zip(&mut next) {
                let name = &self.topics.names[usize::from(topic.0)];
                for (partition, next) in (0..).zip(next) {
                    let mut written = Ok(());
                    let read = self.log.read(*topic, partition, *next, Isolation::Committed, |record| {
                        feeder.take(*fed, name, record);
                        written = kept.take(record);
                        count += 1;
                        written.is_ok()
                    });
                    written?;
                    *next = read.map_err(|error| CliError::Failed(format!("the outputs cannot be read: {error}")))?;
                    // Everything told stays in the read model; the log may let it go.
                    self.log.trim(*topic, partition, *next);
                    let waiting = (self.log.end(*topic, partition) - *next).max(0) as u64;
                    *lag_records.entry(name.clone()).or_default() += waiting;
                }
            }
            feeder.set_lag(0, lag_records);
            let decided = std::mem::take(&mut *self.decided.lock().unwrap_or_else(PoisonError::into_inner));
            for (written, value) in &decided {
                feeder.take(Fed::Decisions, &written.topic, &self.decision(written, value));
            }
            if !feeder.is_ready() && self.has_begun() {
                feeder.caught_up();
            }
            if count == 0 {
                clock::pause(LOOK_MS);
            }
        }
        Ok(())
    }
}

fn millis(at: Instant) -> i64 {
    at.nanos() / 1_000_000
}

impl Outlet for World {
    fn write(&self, home: Topic, buyer_id: &str, value: Vec<u8>) -> Writing {
        // It would come in the midst of the past, and bring the time of today there.
        if !self.has_begun() {
            return Box::pin(std::future::ready(Err(NotWritten("the past is still being told".to_owned()))));
        }
        let topic = TopicId(home as u16);
        let partition = partition_of(buyer_id.as_bytes(), PARTITIONS);
        let written = self.append(topic, partition, self.now(), Some(buyer_id), &value);
        let topic = self.topics.names[usize::from(topic.0)].clone();
        let written = written.map(|offset| Written { topic, partition, offset });
        if let (Ok(written), Topic::Decisions) = (&written, home) {
            self.decided.lock().unwrap_or_else(PoisonError::into_inner).push((written.clone(), value));
        }
        Box::pin(std::future::ready(written.map_err(|error| NotWritten(error.to_string()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Day;

    #[test]
    fn the_past_is_written_at_the_times_at_which_it_happened() {
        let base = Currency::parse("EUR").expect("a currency");
        let mut days = Days::new(1, 20, 40, Day::parse("2026-11-22").expect("a day")).expect("a portfolio");
        let world = World::new(base, days.now(), 3600);
        assert_eq!(world.whole_until_ms(), i64::MIN, "nothing may be read before anything is told");
        world.tell_past(days.past(base)).expect("there is room");
        let mut times = Vec::new();
        let invoices = TopicId(Topic::Invoices as u16);
        for partition in 0..PARTITIONS {
            let mut last = 0;
            let take = |record: &Record<'_>| {
                assert!(record.time_ms >= last, "in order of arrival");
                last = record.time_ms;
                times.push(last);
                true
            };
            world.log.read(invoices, partition, 0, Isolation::Committed, take).expect("it is there");
        }
        let days_between = (times.iter().max().expect("some") - times.iter().min().expect("some")) / 86_400_000;
        assert!((30..=40).contains(&days_between), "{days_between}");
        assert_eq!(world.whole_until_ms(), i64::MAX);
    }
}
