//! What can be seen of a service from outside, on the embedded log: its turns, and a shard as of any moment.

use std::collections::BTreeMap;

use vigie::base::{Currency, Instant};
use vigie::event::{Event, Topic};
use vigie::risk::{Params, Shard};
use vigie::runtime::journal::{Entry, Outputs};
use vigie::runtime::{
    Batch, BatchLimits, Bounds, ClockRule, ColdStart, CommittedLog, FollowError, FollowFrom, Follower, GroupLog,
    Headers, Log, LogError, OutputTopics, Past, Polled, Position, Record, Records, Saved, Service, ServiceRules,
    SnapshotName, SnapshotStore, StoreError, TopicId, Topics,
};
use vigie::sim::{Client, EmbeddedLog, TopicConfig};
use vigie::wire::{DecodeRules, TopicRule, decode_value, encode_effect, encode_event};
use vigie::workload::{PRESETS, Plan, Workload};

const JOURNAL: TopicId = TopicId(7);
const GROUP: &str = "vigie";

fn topics() -> Topics {
    let names = [
        "invoices",
        "payments",
        "alerts",
        "proposals",
        "changes",
        "exposures",
        "dead-letters",
        "journal",
        "order-decisions",
    ];
    let outputs = OutputTopics {
        alerts: TopicId(2),
        limit_proposals: TopicId(3),
        limit_changes: TopicId(4),
        order_decisions: TopicId(8),
        exposures: TopicId(5),
        history: None,
        dead_letters: TopicId(6),
        journal: Some(JOURNAL),
    };
    let inputs = vec![Some(Topic::Invoices), Some(Topic::Payments)];
    Topics { names: names.map(str::to_owned).to_vec(), inputs, outputs, partitions: 1 }
}

fn rules(clock: ClockRule) -> ServiceRules {
    let base = Currency::parse("EUR").unwrap();
    let decode = DecodeRules { topics: TopicRule::Any, ..DecodeRules::new(base, Instant::MIN) };
    ServiceRules {
        clock,
        cold_start: ColdStart::Full,
        limits: BatchLimits { records_max: 97, ..BatchLimits::default() },
        snapshot_interval_ms: 0,
        snapshot_generations: 1000,
        idle_turn_ms: 0,
        group: GROUP.to_owned(),
        ..ServiceRules::new(topics(), decode, Params::new(base), "a".to_owned())
    }
}

/// A client that is given its partition by a group of one.
struct Member {
    client: Client,
    is_given: bool,
    /// The next offset of each input.
    next: [i64; 2],
}

impl Member {
    fn new(log: &EmbeddedLog) -> Member {
        Member { client: Client::new(log, "a", &[], &[]), is_given: false, next: [0, 0] }
    }
}

impl Log for Member {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        if !std::mem::replace(&mut self.is_given, true) {
            return Ok(Polled::Assigned(vec![0]));
        }
        let polled = self.client.poll(batch)?;
        for record in batch.records().iter() {
            let next = &mut self.next[usize::from(record.topic.0)];
            *next = (*next).max(record.offset + 1);
        }
        for topic in [TopicId(0), TopicId(1)] {
            if self.next[usize::from(topic.0)] >= self.client.bounds(topic, 0)?.end {
                batch.reached_end(topic, 0);
            }
        }
        Ok(polled)
    }

    fn begin(&mut self) -> Result<(), LogError> {
        self.client.begin()
    }

    fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        self.client.send(record)
    }

    fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        self.client.send_offsets(positions)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.client.commit()
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.client.abort()
    }

    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        self.client.committed(topic, partition)
    }
}

impl CommittedLog for Member {
    fn bounds(&mut self, topic: TopicId, partition: u32) -> Result<Bounds, LogError> {
        self.client.bounds(topic, partition)
    }

    fn read(
        &mut self,
        topic: TopicId,
        partition: u32,
        from: i64,
        to: i64,
        records: &mut Records,
    ) -> Result<i64, LogError> {
        self.client.read(topic, partition, from, to, records)
    }
}

impl GroupLog for Member {
    fn written(&mut self, topic: TopicId, partition: u32) -> Result<i64, LogError> {
        self.client.written(topic, partition)
    }

    fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        self.client.start(partition, positions)
    }

    fn stop(&mut self, partition: u32) -> Result<(), LogError> {
        self.client.stop(partition)
    }

    fn renew(&mut self) -> Result<(), LogError> {
        self.client.renew()
    }

    fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        self.client.heard_end(topic, partition)
    }

    fn now(&mut self) -> Instant {
        self.client.now()
    }

    fn elapsed_ns(&mut self) -> u64 {
        self.client.elapsed_ns()
    }
}

/// Snapshots in memory.
#[derive(Default, Clone)]
struct Shelf {
    kept: BTreeMap<u64, Vec<u8>>,
    saved: Vec<Saved>,
}

impl SnapshotStore for Shelf {
    fn list(&mut self, _partition: u32) -> Result<Vec<u64>, StoreError> {
        Ok(self.kept.keys().rev().copied().collect())
    }

    fn load(&mut self, name: SnapshotName) -> Result<Vec<u8>, StoreError> {
        self.kept.get(&name.epoch).cloned().ok_or_else(|| StoreError("there is none".to_owned()))
    }

    fn is_busy(&self) -> bool {
        false
    }

    fn save(&mut self, name: SnapshotName, bytes: Vec<u8>, _generations: usize) {
        self.saved.push(Saved { name, bytes: bytes.len() as u64, outcome: Ok(()) });
        self.kept.insert(name.epoch, bytes);
    }

    fn saved(&mut self) -> Vec<Saved> {
        std::mem::take(&mut self.saved)
    }

    fn wait(&mut self) {}
}

/// The events of a small portfolio, one a line.
fn lines() -> Vec<String> {
    let plan = Plan::new(&PRESETS[0], 3).with_buyers(6).unwrap();
    let mut lines = Vec::new();
    let mut keep = |event: &Event<'_>| -> Result<(), std::convert::Infallible> {
        let mut line = Vec::new();
        encode_event(event, &mut line);
        lines.push(String::from_utf8(line).unwrap());
        Ok(())
    };
    Workload::new(plan).stream(&mut keep).unwrap();
    lines
}

/// Puts events into the two inputs, payments apart from the rest. The time of a record is its number.
fn feed(log: &EmbeddedLog, lines: &[String], first: usize) {
    for (number, line) in lines.iter().enumerate() {
        let mut records = Records::default();
        let buyer = line.split("\"subject\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let topic = TopicId(u16::from(line.contains("\"type\":\"payment.")));
        records.push(&Record {
            topic,
            partition: 0,
            offset: 0,
            time_ms: (first + number) as i64,
            key: buyer.map(str::as_bytes),
            value: Some(line.as_bytes()),
            headers: Headers::NONE,
        });
        log.append(topic, 0, records).unwrap();
    }
}

fn time_of(line: &str) -> Instant {
    let text = line.split("\"time\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    Instant::parse(text).unwrap()
}

fn new_log() -> EmbeddedLog {
    EmbeddedLog::new(&vec![TopicConfig { partitions: 1, retained_bytes_max: None }; 9])
}

/// Runs a service over the events, in steps; with the live clock each step ends at the time of its last event.
fn served(clock: ClockRule, lines: &[String]) -> (EmbeddedLog, Shelf, u128) {
    let log = new_log();
    log.set_now(Instant::parse("2199-01-01T00:00:00Z").unwrap());
    // So that a poll at the end does not wait.
    let inputs = [TopicId(0), TopicId(1)];
    inputs.iter().for_each(|topic| log.close(*topic));
    let is_read = |topic: &TopicId| log.committed(*topic, 0).unwrap_or(0) == log.end(*topic, 0);
    let mut service = Service::new(Member::new(&log), Shelf::default(), rules(clock));
    let mut fed = 0;
    for step in lines.chunks(if clock == ClockRule::Live { 150 } else { lines.len() }) {
        if clock == ClockRule::Live {
            let latest = step.iter().map(|line| time_of(line)).max().unwrap();
            log.set_now(if fed == 0 { latest } else { latest.max(log.now()) });
        }
        feed(&log, step, fed);
        fed += step.len();
        let mut turns = 0;
        while !inputs.iter().all(is_read) || !service.is_live() {
            service.turn().unwrap();
            turns += 1;
            assert!(turns < 10_000, "{:?}", service.take_notices());
        }
    }
    assert!(service.is_live(), "{:?}", service.take_notices());
    let hash = service.state_hashes()[&0];
    (log, service.store().clone(), hash)
}

fn follow(log: &EmbeddedLog, shelf: &Shelf, clock: ClockRule, from: FollowFrom) -> Follower {
    let mut reader = Member::new(log);
    Follower::open(&mut reader, &mut shelf.clone(), rules(clock), 0, from).unwrap().unwrap()
}

/// The figures of a buyer by a shard that is told its events one by one until a moment.
fn twin(lines: &[String], buyer: &str, at: Instant) -> Option<Vec<u8>> {
    let rules = rules(ClockRule::Event);
    let decode = DecodeRules { now: Instant::parse("2199-01-01T00:00:00Z").unwrap(), ..rules.decode };
    let mut shard = Shard::new(rules.params);
    let mut effects = Vec::new();
    for line in lines {
        let scratch = bumpalo::Bump::new();
        let event = decode_value(line.as_bytes(), &decode, &scratch).unwrap();
        if event.time > at && event.body.spec().name != "fx.rate" {
            break;
        }
        shard.apply(&event, &mut effects);
    }
    shard.clock()?;
    shard.advance(at, &mut effects);
    effects.clear();
    shard.tell_exposures_of(&[shard.place_of(buyer)?], &mut effects);
    let mut json = Vec::new();
    encode_effect(&effects[0], &mut json);
    Some(json)
}

#[test]
fn a_buyer_as_of_any_moment_is_what_its_events_until_then_make_of_it() {
    let lines = lines();
    let (log, shelf, _) = served(ClockRule::Event, &lines);
    assert!(shelf.kept.len() > 3, "{} snapshots", shelf.kept.len());
    let buyers: Vec<&str> =
        lines.iter().filter_map(|line| line.split("\"subject\":\"").nth(1)?.split('"').next()).collect();
    let last = lines.iter().map(|line| time_of(line)).max().unwrap();
    let mut moments: Vec<Instant> = lines.iter().step_by(37).map(|line| time_of(line)).collect();
    moments.extend(moments.clone().iter().map(|at| at.plus_nanos(-1)));
    moments.extend([last, last.plus_nanos(90 * 86_400 * 1_000_000_000)]);
    let mut known = 0;
    for (number, at) in moments.into_iter().enumerate() {
        let buyer = buyers[number * 31 % buyers.len()];
        let follower = follow(&log, &shelf, ClockRule::Event, FollowFrom::Before(at));
        let mut followed = follower.finish(&mut Member::new(&log), Some(at)).unwrap();
        let text = |json: Option<Vec<u8>>| json.map(|json| String::from_utf8(json).unwrap());
        let figures = followed.figures(buyer);
        known += u32::from(figures.is_some());
        assert_eq!(text(figures), text(twin(&lines, buyer, at)), "{buyer} at {at}");
    }
    assert!(known > 20);
}

#[test]
fn by_the_wall_clock_too_it_comes_to_the_same_from_wherever_it_begins() {
    let lines = lines();
    let (log, shelf, hash) = served(ClockRule::Live, &lines);
    let end = |from| follow(&log, &shelf, ClockRule::Live, from).finish(&mut Member::new(&log), None).unwrap();
    let (newest, first) = (end(FollowFrom::Newest), end(FollowFrom::Beginning));
    assert!(newest.begun_with() > first.begun_with() && first.begun_with() == 0);
    assert_eq!((newest.shard().state_hash(), first.shard().state_hash()), (hash, hash));
    for line in lines.iter().step_by(301) {
        let at = time_of(line);
        let by = |from| {
            let follower = follow(&log, &shelf, ClockRule::Live, from);
            let followed = follower.finish(&mut Member::new(&log), Some(at)).unwrap();
            (followed.shard().clock(), followed.shard().state_hash())
        };
        assert_eq!(by(FollowFrom::Before(at)), by(FollowFrom::Beginning), "{at}");
    }
}

#[test]
fn turns_taken_again_put_out_what_lies_in_the_topics() {
    let lines = lines();
    let (log, shelf, _) = served(ClockRule::Event, &lines);
    let mut reader = Member::new(&log);
    let mut follower = follow(&log, &shelf, ClockRule::Event, FollowFrom::Beginning);
    let mut made = [0, 0, 0];
    while let Some(entry) = follower.step(&mut reader).unwrap() {
        assert_eq!(Outputs::of(follower.outputs(), 0), entry.outputs);
        for record in follower.outputs().iter() {
            made[usize::from(record.topic.0) - 2] += 1;
        }
    }
    let count = |topic| {
        let mut records = Records::default();
        let end = CommittedLog::bounds(&mut Member::new(&log), topic, 0).unwrap().end;
        vigie::runtime::log::read_all(&mut Member::new(&log), topic, 0, 0, end, &mut records).unwrap();
        records.len()
    };
    assert!(made[0] > 10);
    assert_eq!(made, [count(TopicId(2)), count(TopicId(3)), count(TopicId(4))]);
}

#[test]
fn a_follower_says_where_the_past_is_another() {
    let lines = lines();
    let (log, shelf, _) = served(ClockRule::Event, &lines);
    log.trim(TopicId(0), 0, 5);
    let opened =
        Follower::open(&mut Member::new(&log), &mut Shelf::default(), rules(ClockRule::Event), 0, FollowFrom::Newest);
    let ended = opened.unwrap().unwrap().finish(&mut Member::new(&log), None);
    assert!(ended.is_err(), "the first turns cannot be read");
    let other = ServiceRules {
        decode: DecodeRules { topics: TopicRule::Home, ..rules(ClockRule::Event).decode },
        ..rules(ClockRule::Event)
    };
    let oldest = *shelf.kept.keys().next().unwrap();
    let mut one = Shelf { kept: shelf.kept.iter().take(1).map(|(k, v)| (*k, v.clone())).collect(), saved: Vec::new() };
    let follower = Follower::open(&mut Member::new(&log), &mut one, other, 0, FollowFrom::Newest).unwrap().unwrap();
    assert_eq!(follower.begun_with(), oldest);
    match follower.finish(&mut Member::new(&log), None) {
        Err(FollowError::Differs(why)) => assert!(why.contains("taken again, has other counts"), "{why}"),
        _ => panic!("other rules make something else"),
    }
}

/// The journal of a service, entry by entry.
fn entries(log: &EmbeddedLog) -> Vec<Entry> {
    let mut past = Past::open(&mut Member::new(log), &topics(), GROUP, 0).unwrap();
    let mut entries = Vec::new();
    while let Some(turn) = past.next_turn(&mut Member::new(log)).unwrap() {
        assert_eq!(turn.flaws, [""; 0]);
        let entry = turn.entry.unwrap();
        assert_eq!(past.read(&mut Member::new(log), &entry).unwrap(), entry.ranges);
        entries.push(entry);
    }
    entries
}

/// What is said of a journal of these entries.
fn flaws(entries: &[Entry]) -> Vec<String> {
    let log = new_log();
    let (mut records, mut bytes) = (Records::default(), Vec::new());
    for entry in entries {
        bytes.clear();
        entry.encode(&mut bytes);
        records.push(&Record {
            topic: JOURNAL,
            partition: 0,
            offset: 0,
            time_ms: 0,
            key: Some(GROUP.as_bytes()),
            value: Some(&bytes),
            headers: Headers::NONE,
        });
    }
    log.append(JOURNAL, 0, records).unwrap();
    let mut past = Past::open(&mut Member::new(&log), &topics(), GROUP, 0).unwrap();
    let mut flaws = Vec::new();
    while let Some(turn) = past.next_turn(&mut Member::new(&log)).unwrap() {
        flaws.extend(turn.flaws);
    }
    flaws
}

#[test]
fn what_does_not_hang_together_in_a_journal_is_found_without_a_state() {
    let lines = lines();
    let (log, ..) = served(ClockRule::Event, &lines);
    let entries = entries(&log);
    assert!(entries.len() > 6);
    assert_eq!(flaws(&entries), [""; 0]);
    let with = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut changed = entries.clone();
        change(&mut changed);
        flaws(&changed).join("; ")
    };
    let missing = with(&|entries| drop(entries.remove(3)));
    assert!(missing.contains("it follows turn 3: turns are missing") && missing.contains("had come to"), "{missing}");
    let exchanged = with(&|entries| entries[3].judgements ^= 1);
    assert_eq!(exchanged, "it does not name the turn before it as that is: one of them was exchanged");
    let counted = with(&|entries| entries.last_mut().unwrap().counts.applied += 1);
    assert!(counted.contains("records, and says what became of"), "{counted}");
    let back = with(&|entries| entries.last_mut().unwrap().clock = None);
    assert_eq!(back, "its clock ran backwards");
    let first = with(&|entries| entries.truncate(1));
    assert_eq!(first, "");
    let named = with(&|entries| entries[0].previous = 1);
    assert!(named.contains("it names a turn before it, and is the first"), "{named}");
}
