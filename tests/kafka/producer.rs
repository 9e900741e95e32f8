//! A sender of events: a generated portfolio that goes on living while faults happen, at a rate, until it is told to stop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::producer::Producer;
use vigie::base::{Currency, Day, Instant};
use vigie::event::{Body, Event, Topic};
use vigie::wire::{DecodeRules, decode_value, encode_event, partition_of};
use vigie::workload::{PRESETS, Plan, Workload};

use crate::broker::Broker;
use crate::client::{Record, RecordProducer, producer, send_all};
use crate::scene::{Clock, INPUTS, Scene, Way};

/// One buyer in this many events is spoken of in a way that nobody understands.
const BROKEN_EVERY: u64 = 61;
/// Days that the portfolio lives: more than a test lasts.
const DAYS: u16 = 3650;
/// What is sent at a time.
const BEATS_A_SECOND: u64 = 50;
/// The closing tick is later than all else by the clock that topics are merged by.
const AFTER_ALL: Duration = Duration::from_millis(50);
/// How long a broker may be gone before what was sent to it is given up.
const DELIVERY_MS_MAX: &str = "600000";

/// An event as it is sent.
#[derive(Debug, Clone)]
pub struct Line {
    /// The home topic of its type; none for a tick.
    pub home: Option<Topic>,
    /// The buyer; none where a copy goes to every partition.
    pub buyer: Option<String>,
    pub value: Vec<u8>,
}

/// The events of a portfolio, one after another.
pub struct Events {
    workload: Workload,
    waiting: VecDeque<Line>,
    latest: Instant,
    given: u64,
}

impl Events {
    /// Of so many buyers, whose life begins on some day.
    pub fn new(seed: u64, buyers: u32, from: Day, days: u16) -> Events {
        let plan = Plan::new(&PRESETS[0], seed).with_buyers(buyers).unwrap().with_days(from, days).unwrap();
        Events { workload: Workload::new(plan), waiting: VecDeque::new(), latest: Instant::MIN, given: 0 }
    }

    /// For a scene: on the event clock it may be any time that is over; on the live clock it is the last months.
    pub fn of(scene: &Scene, seed: u64, buyers: u32) -> Events {
        match scene.clock {
            Clock::Event => Events::new(seed, buyers, Day::from_calendar(2015, 1, 1).unwrap(), DAYS),
            // As many events in less time: more buyers. What is older than the retention would be too late.
            Clock::Live => Events::new(seed, 4 * buyers, today().plus(-700), 700),
        }
    }

    /// So many of them, and ticks that close the last instant.
    pub fn take(mut self, count: usize) -> Vec<Line> {
        let mut lines: Vec<Line> = std::iter::from_fn(|| self.next_line()).take(count).collect();
        lines.push(self.closing_tick());
        lines
    }

    fn next_line(&mut self) -> Option<Line> {
        self.given += 1;
        while self.waiting.is_empty() {
            let (waiting, latest) = (&mut self.waiting, &mut self.latest);
            let mut tell = |event: &Event<'_>| {
                *latest = (*latest).max(event.time);
                waiting.push_back(line(event));
                Ok::<(), ()>(())
            };
            if !self.workload.next_day(&mut tell).unwrap() && self.waiting.is_empty() {
                return None;
            }
        }
        if self.given.is_multiple_of(BROKEN_EVERY)
            && let Some(broken) = self.waiting.front().and_then(|line| broken(line, self.given))
        {
            return Some(broken);
        }
        self.waiting.pop_front()
    }

    /// Moves the clocks two seconds past the latest event.
    fn closing_tick(&self) -> Line {
        let time = self.latest.plus_nanos(2_000_000_000);
        let tick = format!(
            r#"{{"specversion":"1.0","id":"the-end","source":"test","type":"clock.tick","time":"{time}","data":{{}}}}"#
        );
        let rules = DecodeRules::new(Currency::parse("EUR").unwrap(), Instant::MAX);
        let scratch = bumpalo::Bump::new();
        assert!(matches!(decode_value(tick.as_bytes(), &rules, &scratch), Ok(Event { body: Body::ClockTick(_), .. })));
        Line { home: None, buyer: None, value: tick.into_bytes() }
    }
}

fn today() -> Day {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Instant::from_nanos(since.as_nanos() as i64).day()
}

fn line(event: &Event<'_>) -> Line {
    let spec = event.body.spec();
    let mut value = Vec::new();
    encode_event(event, &mut value);
    Line { home: spec.topic, buyer: spec.has_buyer.then(|| event.subject.to_owned()), value }
}

/// A line that is refused, made of one that is not.
fn broken(of: &Line, number: u64) -> Option<Line> {
    of.buyer.as_ref()?;
    let text = String::from_utf8(of.value.clone()).unwrap();
    let text = match number % 3 {
        0 => text.replacen(r#""type":""#, r#""type":"unheard."#, 1),
        1 => text.replacen(r#""specversion":"1.0""#, r#""specversion":"7.0""#, 1),
        _ => format!("{text}}}"),
    };
    Some(Line { value: text.into_bytes(), ..of.clone() })
}

/// The records that a line becomes.
pub fn records(scene: &Scene, line: &Line) -> Vec<Record> {
    let home = line.home.filter(|_| scene.way == Way::HomeTopics).unwrap_or(Topic::Invoices);
    let (name, _) = INPUTS.iter().find(|(_, topic)| *topic == home).unwrap();
    let topic = scene.topic(name);
    match &line.buyer {
        Some(buyer) => {
            let partition = partition_of(buyer.as_bytes(), scene.partitions);
            vec![Record::new(&topic, partition as i32, &line.value).key(buyer)]
        }
        None => (0..scene.partitions).map(|partition| Record::new(&topic, partition as i32, &line.value)).collect(),
    }
}

/// A sender that neither loses nor repeats anything, however long the broker is gone.
fn patient(broker: &Broker) -> RecordProducer {
    producer(broker.client().set("enable.idempotence", "true").set("message.timeout.ms", DELIVERY_MS_MAX))
}

/// Sends lines as fast as it goes, the last one later than the others.
pub fn send(broker: &Broker, scene: &Scene, lines: &[Line]) {
    let producer = patient(broker);
    for (place, line) in lines.iter().enumerate() {
        if place + 1 == lines.len() {
            std::thread::sleep(AFTER_ALL);
        }
        send_all(&producer, &records(scene, line));
    }
    finish(&producer);
}

fn finish(producer: &RecordProducer) {
    producer.flush(Duration::from_secs(600)).unwrap();
    producer.context().check();
}

/// A sender on a thread of its own.
pub struct LiveProducer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Line>>,
}

impl LiveProducer {
    /// Begins to send, so many events a second.
    pub fn start(broker: &Broker, scene: &Arc<Scene>, mut events: Events, rate: u64) -> LiveProducer {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, scene, producer) = (Arc::clone(&stop), Arc::clone(scene), patient(broker));
        let thread = std::thread::spawn(move || {
            let mut lines = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for _ in 0..rate.div_ceil(BEATS_A_SECOND) {
                    let Some(line) = events.next_line() else { break };
                    send_all(&producer, &records(&scene, &line));
                    lines.push(line);
                }
                std::thread::sleep(Duration::from_millis(1000 / BEATS_A_SECOND));
            }
            std::thread::sleep(AFTER_ALL);
            let tick = events.closing_tick();
            send_all(&producer, &records(&scene, &tick));
            lines.push(tick);
            finish(&producer);
            lines
        });
        LiveProducer { stop, thread }
    }

    /// Ends with ticks that close the last instant; gives all that was sent, in order.
    pub fn finish(self) -> Vec<Line> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
