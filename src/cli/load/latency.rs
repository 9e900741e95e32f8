//! Owns end-to-end latencies: from when an event was planned to be sent to when an output that it caused could be read.
//!
//! An output names its cause by source and id. Of the outputs of one event the one read first counts, the others are further ones;
//! the same event sent twice counts from the first time. What is in flight is kept as hashes, so many at most: the oldest are
//! forgotten first, and counted.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hashbrown::HashMap;
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::hash::quick_hash_of;
use crate::io::clock::Stopwatch;
use crate::io::kafka::Follower;
use crate::runtime::LogError;

/// Latencies are kept in microseconds up to this one, an hour; what took longer counts as this.
const MICROS_MAX: u64 = 3_600_000_000;
/// Digits of a latency that are kept.
const DIGITS: u8 = 3;
/// How long a wait for outputs is at most before the end is looked for.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// A histogram of latencies.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MICROS_MAX, DIGITS).expect("the bounds are in order and the digits few")
}

/// Counts a latency.
pub fn record(histogram: &mut Histogram<u64>, latency_ns: u64) {
    histogram.saturating_record((latency_ns / 1_000).max(1));
}

/// An event by its source and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventHash(u64);

impl EventHash {
    /// The hash of an event; `room` is used for that alone.
    pub fn of(source: &str, id: &str, room: &mut Vec<u8>) -> EventHash {
        room.clear();
        room.extend_from_slice(source.as_bytes());
        room.push(0);
        room.extend_from_slice(id.as_bytes());
        EventHash(quick_hash_of(room))
    }
}

/// What the sender tells the reader: events that are about to be sent, and when they were planned.
#[derive(Debug, Default)]
pub struct Announced(Mutex<Vec<(EventHash, u64)>>);

impl Announced {
    /// Tells of an event. It has to be told before it is sent.
    #[inline]
    pub fn tell(&self, event: EventHash, planned_ns: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((event, planned_ns));
    }

    fn take(&self, into: &mut Vec<(EventHash, u64)>) {
        into.clear();
        std::mem::swap(into, &mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What came of the outputs.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// From the plan of an event to its first output.
    pub latency: Histogram<u64>,
    /// Outputs that were read.
    pub read: u64,
    /// Of them, the first of an event that was sent.
    pub matched: u64,
    /// Of them, further ones of such an event.
    pub further: u64,
    /// Of them, those of events that were sent while all warmed up.
    pub of_warm_up: u64,
    /// Of them, those that only the clock caused.
    pub by_clock: u64,
    /// Of them, those of events that are not known: sent by others, or forgotten.
    pub unknown: u64,
    /// Of them, those that name no cause.
    pub unreadable: u64,
    /// Events that were forgotten before anything came of them: most have no output at all.
    pub forgotten: u64,
}

impl Outputs {
    fn new() -> Outputs {
        Outputs {
            latency: histogram(),
            read: 0,
            matched: 0,
            further: 0,
            of_warm_up: 0,
            by_clock: 0,
            unknown: 0,
            unreadable: 0,
            forgotten: 0,
        }
    }
}

/// Matches outputs with the events that caused them.
///
/// Events are kept in two generations: once the young one is half of what may be kept, the old one is forgotten as a whole. So
/// there is room for all from the start, and no moment at which a table is made anew while outputs wait.
#[derive(Debug)]
pub struct Matcher {
    young: Generation,
    old: Generation,
    generation_max: usize,
    room: Vec<u8>,
    outputs: Outputs,
}

/// Events that were sent about the same time.
#[derive(Debug)]
struct Generation {
    /// When each was planned; [`MATCHED`] once it has an output, [`WARM_UP`] where it does not count.
    planned_ns: HashMap<EventHash, u64>,
    matched: u64,
}

const MATCHED: u64 = u64::MAX;
/// Stands for the plan of an event whose latency does not count, because it was sent while all warmed up.
pub const WARM_UP: u64 = u64::MAX - 1;

impl Generation {
    fn with_room(events: usize) -> Generation {
        Generation { planned_ns: HashMap::with_capacity(events), matched: 0 }
    }
}

impl Matcher {
    /// Keeps so many events at most, and never fewer than half as many.
    pub fn new(in_flight_max: usize) -> Matcher {
        let generation_max = (in_flight_max / 2).max(1);
        let (young, old) = (Generation::with_room(generation_max), Generation::with_room(generation_max));
        Matcher { young, old, generation_max, room: Vec::new(), outputs: Outputs::new() }
    }

    /// Takes events that are sent.
    pub fn sent(&mut self, events: &[(EventHash, u64)]) {
        for (event, planned_ns) in events {
            if self.old.planned_ns.contains_key(event) {
                continue;
            }
            if self.young.planned_ns.len() >= self.generation_max && !self.young.planned_ns.contains_key(event) {
                self.outputs.forgotten += self.old.planned_ns.len() as u64 - self.old.matched;
                self.old.planned_ns.clear();
                self.old.matched = 0;
                std::mem::swap(&mut self.young, &mut self.old);
            }
            self.young.planned_ns.entry(*event).or_insert(*planned_ns);
        }
    }

    /// Takes an output that could be read at a moment. `more` is asked for events that were sent meanwhile.
    pub fn output(&mut self, value: &[u8], read_ns: u64, more: impl FnOnce(&mut Matcher)) {
        self.outputs.read += 1;
        let event = match cause_of(value) {
            Some(CausedBy::Event { source, id }) => EventHash::of(&source, &id, &mut self.room),
            Some(CausedBy::Clock) => {
                self.outputs.by_clock += 1;
                return;
            }
            None => {
                self.outputs.unreadable += 1;
                return;
            }
        };
        if !self.young.planned_ns.contains_key(&event) && !self.old.planned_ns.contains_key(&event) {
            more(self);
        }
        let Matcher { young, old, outputs, .. } = self;
        let generation = if young.planned_ns.contains_key(&event) { young } else { old };
        match generation.planned_ns.get_mut(&event) {
            None => outputs.unknown += 1,
            Some(planned_ns) if *planned_ns == MATCHED => outputs.further += 1,
            Some(planned_ns) if *planned_ns == WARM_UP => outputs.of_warm_up += 1,
            Some(planned_ns) => {
                outputs.matched += 1;
                generation.matched += 1;
                record(&mut outputs.latency, read_ns.saturating_sub(*planned_ns));
                *planned_ns = MATCHED;
            }
        }
    }

    /// What came of it.
    pub fn finish(self) -> Outputs {
        self.outputs
    }
}

/// What an output says caused it.
#[derive(Debug, PartialEq, Eq)]
enum CausedBy<'a> {
    Clock,
    Event { source: Cow<'a, str>, id: Cow<'a, str> },
}

fn cause_of(value: &[u8]) -> Option<CausedBy<'_>> {
    #[derive(Deserialize)]
    struct Output<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        caused_by: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        source: Cow<'a, str>,
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let text = std::str::from_utf8(value).ok()?;
    let cause = serde_json::from_str::<Output<'_>>(text).ok()?.data.caused_by.get();
    if cause == "\"clock\"" {
        return Some(CausedBy::Clock);
    }
    let Event { source, id } = serde_json::from_str(cause).ok()?;
    Some(CausedBy::Event { source, id })
}

/// Follows output topics in a thread of its own.
pub struct Watcher {
    thread: JoinHandle<Result<Outputs, LogError>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    announced: Announced,
    is_over: AtomicBool,
    read: AtomicU64,
    matched: AtomicU64,
    last_ns: AtomicU64,
}

impl Watcher {
    /// Begins. `watch` is that of the plan.
    pub fn start(mut follower: Follower, watch: Stopwatch, in_flight_max: usize) -> Watcher {
        let shared: Arc<Shared> = Arc::default();
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut matcher = Matcher::new(in_flight_max);
            let mut fresh = Vec::new();
            while !own.is_over.load(Ordering::Acquire) {
                follower.hear(WAIT_MAX, &mut |record| {
                    let read_ns = watch.nanos();
                    matcher.output(record.value.unwrap_or_default(), read_ns, |matcher| {
                        own.announced.take(&mut fresh);
                        matcher.sent(&fresh);
                    });
                    own.last_ns.store(read_ns, Ordering::Relaxed);
                })?;
                own.announced.take(&mut fresh);
                matcher.sent(&fresh);
                own.read.store(matcher.outputs.read, Ordering::Relaxed);
                own.matched.store(matcher.outputs.matched, Ordering::Relaxed);
            }
            Ok(matcher.finish())
        });
        Watcher { thread, shared }
    }

    /// Tells of an event that is about to be sent.
    #[inline]
    pub fn announce(&self, event: EventHash, planned_ns: u64) {
        self.shared.announced.tell(event, planned_ns);
    }

    /// Outputs that were matched so far.
    pub fn matched(&self) -> u64 {
        self.shared.matched.load(Ordering::Relaxed)
    }

    /// When the last output was read, if one was.
    pub fn last_ns(&self) -> Option<u64> {
        let any = self.shared.read.load(Ordering::Relaxed) > 0;
        any.then(|| self.shared.last_ns.load(Ordering::Relaxed))
    }

    /// Whether it has ended by itself, which only an error makes it do.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When a topic could not be read.
    ///
    /// # Panics
    /// When its thread did.
    pub fn finish(self) -> Result<Outputs, LogError> {
        self.shared.is_over.store(true, Ordering::Release);
        self.thread.join().expect("the thread that reads outputs does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(id: &str) -> EventHash {
        EventHash::of("/erp", id, &mut Vec::new())
    }

    fn output(id: &str) -> Vec<u8> {
        format!(r#"{{"data":{{"reasons":[{{"x":"}}"}}],"caused_by":{{"source":"/erp","id":"{id}"}},"n":1}},"id":"o"}}"#)
            .into_bytes()
    }

    fn nothing(_: &mut Matcher) {}

    #[test]
    fn the_first_output_of_an_event_counts_from_its_plan() {
        let mut matcher = Matcher::new(10);
        matcher.sent(&[(hash("1"), 1_000_000), (hash("2"), 2_000_000), (hash("1"), 9_000_000)]);
        matcher.output(&output("1"), 4_000_000, nothing);
        matcher.output(&output("1"), 8_000_000, nothing);
        matcher.sent(&[(hash("1"), 8_500_000)]);
        matcher.output(&output("1"), 9_000_000, nothing);
        matcher.output(&output("3"), 9_000_000, nothing);
        matcher.output(br#"{"data":{"caused_by":"clock"}}"#, 9_000_000, nothing);
        matcher.output(b"no event", 9_000_000, nothing);
        matcher.output(br#"{"data":{"caused_by":null}}"#, 9_000_000, nothing);
        let outputs = matcher.finish();
        assert_eq!((outputs.read, outputs.matched, outputs.further), (7, 1, 2));
        assert_eq!((outputs.unknown, outputs.by_clock, outputs.unreadable, outputs.forgotten), (1, 1, 2, 0));
        assert!(outputs.latency.len() == 1 && outputs.latency.equivalent(outputs.latency.max(), 3_000));
    }

    #[test]
    fn an_event_that_was_told_a_moment_ago_is_asked_for() {
        let mut matcher = Matcher::new(10);
        matcher.output(&output("7"), 5_000_000, |matcher| matcher.sent(&[(hash("7"), 3_000_000)]));
        assert_eq!(matcher.finish().matched, 1);
    }

    #[test]
    fn no_more_are_kept_than_may_be_and_what_falls_out_is_counted() {
        let mut matcher = Matcher::new(4);
        let ids: Vec<String> = (0..5).map(|id| id.to_string()).collect();
        let sent: Vec<(EventHash, u64)> = ids.iter().map(|id| (hash(id), 0)).collect();
        matcher.sent(&sent[..4]);
        matcher.sent(&sent[..4]);
        matcher.output(&output("1"), 1, nothing);
        assert_eq!(matcher.outputs.forgotten, 0, "at the limit nothing is");
        matcher.sent(&sent[4..]);
        for id in &ids {
            matcher.output(&output(id), 1, nothing);
        }
        let outputs = matcher.finish();
        assert_eq!(outputs.forgotten, 1, "0 was forgotten; 1 too, but it had its output before");
        assert_eq!((outputs.matched, outputs.unknown), (4, 2));
    }

    #[test]
    fn what_was_sent_while_all_warmed_up_does_not_count() {
        let mut matcher = Matcher::new(4);
        matcher.sent(&[(hash("1"), WARM_UP)]);
        matcher.output(&output("1"), 1, nothing);
        let outputs = matcher.finish();
        assert_eq!((outputs.of_warm_up, outputs.matched, outputs.latency.len()), (1, 0, 0));
    }

    #[test]
    fn an_event_is_known_however_its_id_is_escaped() {
        let mut matcher = Matcher::new(3);
        matcher.sent(&[(hash("a\"é"), 0)]);
        matcher.output(br#"{"data":{"caused_by":{"id":"a\"\u00e9","source":"\/erp"}}}"#, 1, nothing);
        assert_eq!(matcher.finish().matched, 1);
    }

    #[test]
    fn source_and_id_do_not_run_into_each_other() {
        let mut room = Vec::new();
        assert_ne!(EventHash::of("/a", "b", &mut room), EventHash::of("/ab", "", &mut room));
    }

    #[test]
    fn a_latency_beyond_the_largest_counts_as_the_largest() {
        let mut histogram = histogram();
        record(&mut histogram, u64::MAX);
        record(&mut histogram, 0);
        assert_eq!(histogram.len(), 2);
        assert!(histogram.max() >= MICROS_MAX && histogram.min() == 1);
    }
}
