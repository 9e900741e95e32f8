//! The port of the runtime on a real broker: transactions, the group, reading again, and what is wrong at the start.

use std::time::{Duration, Instant};

use vigie::event::Topic;
use vigie::io::kafka::topics::{self, Made, Role, TopicPlan};
use vigie::io::kafka::{CommittedReader, Fetching, GroupProtocol, KafkaLog, OpenError, Properties, Sender, Settings};
use vigie::runtime::batch::BatchLimits;
use vigie::runtime::{
    Batch, Bounds, CommittedLog, GroupLog, Headers, Log, LogError, OutputTopics, Polled, Position, Record, Records,
    TopicId, Topics,
};
use vigie::wire::Header;

use crate::broker::{Broker, BrokerOptions, User};
use crate::client::{self, WAIT_MAX, fresh};

const INVOICES: TopicId = TopicId(0);
const PAYMENTS: TopicId = TopicId(1);
const OUTPUT: TopicId = TopicId(2);

/// Two inputs and an output of its own, and a group of its own.
struct Stage {
    broker: &'static Broker,
    settings: Settings,
    topics: Topics,
}

impl Stage {
    fn new(partitions: u32) -> Stage {
        let broker = Broker::shared();
        let names = ["invoices", "payments", "output"].map(fresh).to_vec();
        for name in &names {
            broker.create_topic(name, partitions as i32, &[]);
        }
        let group = fresh("group");
        let settings = Settings {
            group: group.clone(),
            prefix: group,
            turn_ms: 50,
            session_timeout_ms: 6_000,
            ..Settings::new(&broker.bootstrap(), "a")
        };
        Stage { broker, settings, topics: topics(names, partitions) }
    }

    fn of(&self, instance: &str) -> Settings {
        Settings { instance: instance.to_owned(), ..self.settings.clone() }
    }

    fn open(&self) -> KafkaLog {
        KafkaLog::open(&self.settings, &self.topics).unwrap()
    }

    fn name(&self, topic: TopicId) -> &str {
        &self.topics.names[usize::from(topic.0)]
    }

    fn produce(&self, topic: TopicId, partition: i32, values: std::ops::Range<i64>) {
        let record =
            |value: i64| client::Record::new(self.name(topic), partition, value.to_string()).timestamp(1_000 + value);
        self.broker.produce(&values.map(record).collect::<Vec<_>>());
    }

    fn outputs(&self) -> Vec<String> {
        self.broker.read_committed(self.name(OUTPUT)).iter().map(|record| record.text().to_owned()).collect()
    }
}

fn topics(names: Vec<String>, partitions: u32) -> Topics {
    let outputs = OutputTopics {
        alerts: OUTPUT,
        limit_proposals: OUTPUT,
        limit_changes: OUTPUT,
        order_decisions: OUTPUT,
        exposures: OUTPUT,
        history: None,
        dead_letters: OUTPUT,
        journal: None,
    };
    Topics { names, inputs: vec![Some(Topic::Invoices), Some(Topic::Payments)], outputs, partitions }
}

fn batch() -> Batch {
    Batch::new(BatchLimits { records_max: 1_000, bytes_max: 1 << 20, held_max: 100_000 })
}

/// Polls until the group says something.
fn change(log: &mut KafkaLog) -> Polled {
    let mut batch = batch();
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        match log.poll(&mut batch).unwrap() {
            Polled::Records => assert!(Instant::now() < deadline, "the group says nothing"),
            change => return change,
        }
    }
}

fn positions(partition: u32, invoices: i64, payments: i64) -> [Position; 2] {
    [Position { topic: INVOICES, partition, next: invoices }, Position { topic: PAYMENTS, partition, next: payments }]
}

/// Polls until these many records are there, and gives them as topic, partition, offset and value.
fn poll(log: &mut KafkaLog, count: usize) -> Vec<(u16, u32, i64, String)> {
    let mut batch = batch();
    let deadline = Instant::now() + WAIT_MAX;
    while batch.len() < count {
        assert_eq!(log.poll(&mut batch).unwrap(), Polled::Records);
        assert!(Instant::now() < deadline, "{} of {count} records came", batch.len());
    }
    records(&batch)
}

fn records(batch: &Batch) -> Vec<(u16, u32, i64, String)> {
    let mut all: Vec<_> = batch
        .records()
        .iter()
        .map(|record| {
            let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            (record.topic.0, record.partition, record.offset, value)
        })
        .collect();
    all.sort_by_key(|(topic, partition, ..)| (*partition, *topic));
    all
}

fn output(partition: u32, value: &str) -> Record<'_> {
    Record {
        topic: OUTPUT,
        partition,
        offset: 0,
        time_ms: 1_234,
        key: Some(b"key"),
        value: Some(value.as_bytes()),
        headers: Headers::NONE,
    }
}

#[test]
fn what_is_committed_is_read_with_its_positions_and_what_is_aborted_is_not() {
    let stage = Stage::new(1);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    assert_eq!(log.committed(INVOICES, 0).unwrap(), None);

    log.begin().unwrap();
    log.send(&output(0, "aborted")).unwrap();
    log.send_offsets(&positions(0, 7, 8)).unwrap();
    log.abort().unwrap();
    assert_eq!(log.committed(INVOICES, 0).unwrap(), None);

    log.begin().unwrap();
    let headers = [Header { name: "content-type", value: Some(b"text") }, Header { name: "empty", value: None }];
    log.send(&Record { headers: Headers::Listed(&headers), ..output(0, "committed") }).unwrap();
    log.send_offsets(&positions(0, 3, 4)).unwrap();
    log.commit().unwrap();
    assert_eq!(log.committed(INVOICES, 0).unwrap(), Some(3));
    assert_eq!(log.committed(PAYMENTS, 0).unwrap(), Some(4));

    let read = stage.broker.read_committed(stage.name(OUTPUT));
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].text(), read[0].timestamp), ("committed", Some(1_234)));
    assert_eq!(read[0].key.as_deref(), Some(&b"key"[..]));
    let headers = [("content-type".to_owned(), Some(b"text".to_vec())), ("empty".to_owned(), None)];
    assert_eq!(read[0].headers, headers);
    assert_eq!(stage.broker.read_uncommitted(stage.name(OUTPUT)).len(), 2);
}

#[test]
fn a_range_is_read_again_whatever_lies_between_its_records() {
    let stage = Stage::new(1);
    let mut log = stage.open();
    for value in 0..6 {
        log.begin().unwrap();
        log.send(&output(0, &value.to_string())).unwrap();
        if value % 2 == 0 { log.commit().unwrap() } else { log.abort().unwrap() }
    }
    // Each transaction takes an offset for its end, those of the aborted ones included.
    let bounds = log.bounds(OUTPUT, 0).unwrap();
    assert_eq!(bounds, Bounds { first: 0, end: 12 });
    for step in [1, 3, 12] {
        let (mut next, mut read) = (0, Vec::new());
        while next < bounds.end {
            let to = (next + step).min(bounds.end);
            let mut records = Records::default();
            while next < to {
                next = log.read(OUTPUT, 0, next, to, &mut records).unwrap();
            }
            assert_eq!(next, to);
            read.extend(records.iter().map(|record| (record.offset, record.value.unwrap().to_vec())));
        }
        assert_eq!(read, [(0, b"0".to_vec()), (4, b"2".to_vec()), (8, b"4".to_vec())], "in steps of {step}");
    }
    // While one is open, the end is before it.
    log.begin().unwrap();
    log.send(&output(0, "open")).unwrap();
    log.send_offsets(&positions(0, 1, 1)).unwrap_err();
    assert_eq!(log.bounds(OUTPUT, 0).unwrap().end, 12);
    log.abort().unwrap_or_else(|error| assert!(matches!(error, LogError::Abort(_)), "{error:?}"));
}

#[test]
fn a_partition_is_delivered_from_its_start_until_its_stop_and_no_more() {
    let stage = Stage::new(1);
    stage.produce(INVOICES, 0, 0..10);
    stage.produce(PAYMENTS, 0, 100..103);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    let mut batch = batch();
    assert_eq!(log.poll(&mut batch).unwrap(), Polled::Records);
    assert!(batch.is_empty(), "nothing is delivered before the start");

    log.start(0, &positions(0, 8, 2)).unwrap();
    let expected = [(0, 0, 8, "8"), (0, 0, 9, "9"), (1, 0, 2, "102")].map(|(t, p, o, v)| (t, p, o, v.to_owned()));
    assert_eq!(poll(&mut log, 3), expected);
    assert_eq!((log.heard_end(INVOICES, 0), log.heard_end(PAYMENTS, 0)), (Some(10), Some(3)));

    log.stop(0).unwrap();
    stage.produce(INVOICES, 0, 10..11);
    assert_eq!(log.poll(&mut batch).unwrap(), Polled::Records);
    assert!(batch.is_empty(), "nothing is delivered after the stop");

    log.start(0, &positions(0, 9, 3)).unwrap();
    let expected = [(0, 0, 9, "9"), (0, 0, 10, "10")].map(|(t, p, o, v)| (t, p, o, v.to_owned()));
    assert_eq!(poll(&mut log, 2), expected);
    let deadline = Instant::now() + WAIT_MAX;
    while !batch.is_drained(PAYMENTS, 0) {
        assert!(Instant::now() < deadline, "an input without records is known to have none");
        log.poll(&mut batch).unwrap();
    }
}

#[test]
fn two_members_share_the_partitions_and_the_one_that_stays_gets_all() {
    for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
        let stage = Stage::new(4);
        let settings = |instance| Settings { protocol, ..stage.of(instance) };
        let mut first = KafkaLog::open(&settings("a"), &stage.topics).unwrap();
        let mut owned = [Vec::new(), Vec::new()];
        while owned[0].len() < 4 {
            follow(&mut first, &mut owned[0]);
        }
        first.start(3, &positions(3, 0, 0)).unwrap();
        let mut second = KafkaLog::open(&settings("b"), &stage.topics).unwrap();
        let deadline = Instant::now() + WAIT_MAX;
        while owned[0].len() != 2 || owned[1].len() != 2 {
            assert!(Instant::now() < deadline, "{owned:?}");
            follow(&mut first, &mut owned[0]);
            follow(&mut second, &mut owned[1]);
        }
        let mut all = owned.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
        let lost = owned[1][0];
        assert!(matches!(first.start(lost, &positions(lost, 0, 0)), Err(LogError::Abort(_))));
        drop(second);
        if protocol == GroupProtocol::Consumer {
            // The broker alone says when it gives up a member that has a name: after 45 s.
            continue;
        }
        while owned[0].len() < 4 {
            assert!(Instant::now() < deadline, "{protocol:?}: {owned:?}");
            follow(&mut first, &mut owned[0]);
        }
    }
}

/// Polls once and keeps count of what is owned.
fn follow(log: &mut KafkaLog, owned: &mut Vec<u32>) {
    match log.poll(&mut batch()).unwrap() {
        Polled::Records => {}
        Polled::Assigned(partitions) => owned.extend(partitions),
        Polled::Revoked(partitions) => owned.retain(|partition| !partitions.contains(partition)),
    }
    owned.sort_unstable();
}

#[test]
fn a_producer_whose_place_was_taken_is_fenced_and_a_new_one_works() {
    let stage = Stage::new(1);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    log.begin().unwrap();
    log.send(&output(0, "of the old one")).unwrap();
    log.send_offsets(&positions(0, 1, 1)).unwrap();
    let other = stage.broker.transactional(&stage.settings.transactional_id());
    let error = log.commit().unwrap_err();
    assert!(matches!(error, LogError::Fenced(_)), "{error:?}");
    assert!(matches!(log.begin(), Err(LogError::Abort(_))), "nothing is begun before the producer is renewed");
    log.renew().unwrap();
    drop(other);
    log.begin().unwrap();
    log.send(&output(0, "of the new one")).unwrap();
    log.send_offsets(&positions(0, 2, 2)).unwrap();
    log.commit().unwrap();
    assert_eq!(stage.outputs(), ["of the new one"]);
    assert_eq!(log.committed(INVOICES, 0).unwrap(), Some(2));
}

#[test]
fn positions_of_an_open_transaction_ask_to_be_called_again() {
    let stage = Stage::new(1);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    log.begin().unwrap();
    log.send_offsets(&positions(0, 1, 1)).unwrap();
    assert!(matches!(log.committed(INVOICES, 0), Err(LogError::Retry(_))));
    log.renew().unwrap();
    assert_eq!(log.committed(INVOICES, 0).unwrap(), None);
}

#[test]
fn a_member_that_the_group_gave_up_commits_no_positions_even_where_nobody_else_is_there() {
    let stage = Stage::new(1);
    let settings = Settings { session_timeout_ms: 2_000, poll_interval_max_ms: 2_000, ..stage.settings.clone() };
    let mut log = KafkaLog::open(&settings, &stage.topics).unwrap();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    // It goes without polling for longer than a member may.
    std::thread::sleep(Duration::from_secs(5));
    log.begin().unwrap();
    log.send(&output(0, "late")).unwrap();
    let error = log.send_offsets(&positions(0, 1, 1)).unwrap_err();
    assert!(matches!(error, LogError::Abort(_)), "{error:?}");
    log.abort().unwrap();
    assert_eq!(change(&mut log), Polled::Revoked(vec![0]));
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    assert_eq!(log.committed(INVOICES, 0).unwrap(), None);
    assert!(stage.outputs().is_empty());
}

#[test]
fn batches_and_single_messages_give_the_same_records() {
    let stage = Stage::new(2);
    let mut records = Vec::new();
    for number in 0..3_000 {
        let mut record =
            client::Record::new(stage.name(TopicId(number % 2)), i32::from(number % 3 == 0), number.to_string());
        record.timestamp = Some(i64::from(number) + 1);
        match number % 5 {
            0 => record.key = Some(format!("key {number}").into_bytes()),
            1 => record.key = Some(Vec::new()),
            2 => record.value = None,
            3 => record.value = Some(Vec::new()),
            _ => {
                record.headers =
                    (0..number % 23).map(|at| (format!("h{at}"), (at != 3).then(|| vec![at as u8]))).collect()
            }
        }
        records.push(record);
    }
    stage.broker.produce(&records);
    let read = |fetching| {
        let mut log = KafkaLog::open(&Settings { fetching, ..stage.of(&fresh("i")) }, &stage.topics).unwrap();
        assert_eq!(change(&mut log), Polled::Assigned(vec![0, 1]));
        for partition in [0, 1] {
            log.start(partition, &positions(partition, 5, 7)).unwrap();
        }
        let mut batch = Batch::new(BatchLimits { records_max: 10_000, bytes_max: 1 << 20, held_max: 10_000 });
        let deadline = Instant::now() + WAIT_MAX;
        let places = [(INVOICES, 0), (INVOICES, 1), (PAYMENTS, 0), (PAYMENTS, 1)];
        while batch.len() < 3_000 - 24 {
            assert!(Instant::now() < deadline, "{} records came", batch.len());
            log.poll(&mut batch).unwrap();
        }
        let mut all: Vec<_> = batch
            .records()
            .iter()
            .map(|record| {
                let headers: Vec<_> = record
                    .headers
                    .iter()
                    .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)))
                    .collect();
                let Record { topic, partition, offset, time_ms, key, value, .. } = record;
                (topic, partition, offset, time_ms, key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec), headers)
            })
            .collect();
        let is_in_order = places.iter().all(|(topic, partition)| {
            let of = all.iter().filter(|record| (record.0, record.1) == (*topic, *partition));
            of.map(|record| record.2).is_sorted()
        });
        assert!(is_in_order);
        all.sort();
        all
    };
    let (batches, messages) = (read(Fetching::Batches), read(Fetching::Messages));
    assert_eq!(batches.len(), 3_000 - 24);
    assert!(batches == messages, "they differ");
}

#[test]
fn a_topic_that_is_not_wanted_waits_and_comes_whole() {
    let stage = Stage::new(1);
    stage.produce(INVOICES, 0, 0..5_000);
    stage.produce(PAYMENTS, 0, 0..10);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    log.start(0, &positions(0, 0, 0)).unwrap();
    let limits = BatchLimits { records_max: 100_000, bytes_max: 1 << 24, held_max: 50 };
    let (mut seen, deadline) = (Vec::new(), Instant::now() + WAIT_MAX);
    while seen.len() < 5_000 {
        assert!(Instant::now() < deadline, "{} came", seen.len());
        let mut batch = Batch::new(limits);
        log.poll(&mut batch).unwrap();
        let of_invoices = batch.records().iter().filter(|record| record.topic == INVOICES).map(|record| record.offset);
        let before = seen.len();
        seen.extend(of_invoices);
        assert!(seen.len() - before <= 2_100, "it is not given far beyond what is wanted");
    }
    assert!(seen.iter().copied().eq(0..5_000));
}

#[test]
fn a_turn_is_committed_in_milliseconds() {
    const TURNS: i64 = 40;
    let stage = Stage::new(1);
    let mut log = stage.open();
    assert_eq!(change(&mut log), Polled::Assigned(vec![0]));
    let mut turn = 0;
    // Right after a commit the broker still writes down its end, and has the next transaction wait.
    for pause in [0, 1, 3, 10, 50].map(Duration::from_millis) {
        let (mut phases, mut commits) = ([Duration::ZERO; 3], Vec::new());
        for _ in 0..TURNS {
            std::thread::sleep(pause);
            turn += 1;
            let begun = Instant::now();
            log.begin().unwrap();
            for _ in 0..10 {
                log.send(&output(0, "x")).unwrap();
            }
            phases[0] += begun.elapsed();
            log.send_offsets(&positions(0, turn, turn)).unwrap();
            phases[1] += begun.elapsed();
            let commit = Instant::now();
            log.commit().unwrap();
            commits.push(commit.elapsed());
            phases[2] += begun.elapsed();
        }
        commits.sort();
        println!(
            "{TURNS} turns {pause:?} apart: up to sent, positions, committed {:.1?}; commit p50 {:.1?}, max {:.1?}",
            phases.map(|phase| phase / TURNS as u32),
            commits[commits.len() / 2],
            commits[commits.len() - 1]
        );
    }
    assert_eq!(stage.outputs().len() as i64, turn * 10);
}

#[test]
fn what_is_wrong_at_the_start_is_told_in_one_line() {
    let user = User { name: "vigie".to_owned(), password: "right".to_owned() };
    let broker = Broker::start(BrokerOptions { secure: Some(user), ..BrokerOptions::default() });
    let names = vec![fresh("one"), fresh("two"), fresh("three")];
    broker.create_topic(&names[0], 2, &[]);
    broker.create_topic(&names[1], 2, &[]);
    let settings = |password: &str, authority: &str| {
        let properties = [
            ("security.protocol", "SASL_SSL"),
            ("ssl.ca.location", authority),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            ("sasl.username", "vigie"),
            ("sasl.password", password),
        ];
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Settings {
            properties: Properties::new(properties).unwrap(),
            open_timeout_ms: 5_000,
            ..Settings::new(&broker.secure_bootstrap(), "a")
        }
    };
    let authority = broker.authority().to_str().unwrap();
    let ask = |settings: &Settings| KafkaLog::partitions(settings, &names);

    let error = ask(&settings("wrong", authority)).unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    assert!(!error.may_pass() && !error.to_string().contains('\n'), "{error}");
    println!("{error}");

    let stranger = Broker::start(BrokerOptions {
        secure: Some(User { name: "vigie".to_owned(), password: "right".to_owned() }),
        ..BrokerOptions::default()
    });
    let error = ask(&settings("right", stranger.authority().to_str().unwrap())).unwrap_err();
    assert!(matches!(error, OpenError::Untrusted { .. }), "{error}");
    println!("{error}");

    let error = ask(&settings("right", "/nowhere.pem")).unwrap_err();
    assert!(matches!(error, OpenError::Settings(_)), "{error}");
    println!("{error}");

    let error = ask(&settings("right", authority)).unwrap_err();
    assert_eq!(error, OpenError::MissingTopics(vec![names[2].clone()]));
    assert!(error.may_pass(), "somebody may be about to make it");

    broker.create_topic(&names[2], 3, &[]);
    let error = ask(&settings("right", authority)).unwrap_err();
    let counts = names.iter().cloned().zip([2, 2, 3]).collect();
    assert_eq!(error, OpenError::UnequalPartitions(counts));
    println!("{error}");

    drop(stranger);
    let down = Settings { open_timeout_ms: 1_000, ..Settings::new("127.0.0.1:1", "a") };
    let error = ask(&down).unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }) && error.may_pass(), "{error}");
    println!("{error}");
}

#[test]
fn topics_are_made_as_they_should_be_and_those_that_are_there_are_kept() {
    let broker = Broker::shared();
    let settings = Settings::new(&broker.bootstrap(), "a");
    let plan = |name: &str, role| TopicPlan { name: fresh(name), role };
    let plans = [
        plan("in", Role::Input),
        plan("out", Role::Output),
        plan("exposures", Role::Exposures),
        plan("journal", Role::Journal),
    ];
    let missing = topics::check(&settings, &plans).unwrap();
    assert_eq!(missing.len(), 4);
    broker.create_topic(&plans[0].name, 3, &[("cleanup.policy", "compact"), ("retention.ms", "1000")]);
    let made = topics::create(&settings, &plans, 3, 1).unwrap();
    assert_eq!(made.iter().map(|(_, made)| *made).collect::<Vec<_>>(), [Made::Kept, Made::New, Made::New, Made::New]);
    let findings = topics::check(&settings, &plans).unwrap();
    findings.iter().for_each(|finding| println!("{finding}"));
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding.topic == plans[0].name));
    assert_eq!(KafkaLog::partitions(&settings, &plans.map(|plan| plan.name)), Ok(3));
}

#[test]
fn a_log_can_be_opened_on_one_thread_and_used_on_another() {
    fn is_send<T: Send>() {}
    is_send::<KafkaLog>();
    is_send::<Sender>();
    is_send::<CommittedReader>();
}

#[test]
fn what_is_sent_in_bulk_is_read_to_the_ends() {
    let stage = Stage::new(2);
    let mut sender = Sender::open(&stage.settings).unwrap();
    for number in 0..5_000 {
        let value = number.to_string();
        sender.send(stage.name(OUTPUT), &output(number % 2, &value)).unwrap();
    }
    sender.flush(WAIT_MAX).unwrap();
    let mut reader = CommittedReader::open(&stage.settings, &[stage.name(OUTPUT).to_owned()]).unwrap();
    assert_eq!(reader.partitions(TopicId(0)), 2);
    let mut read = Vec::new();
    reader
        .read_all(TopicId(0), |record| -> Result<(), LogError> {
            read.push((record.partition, std::str::from_utf8(record.value.unwrap()).unwrap().parse::<u32>().unwrap()));
            Ok(())
        })
        .unwrap();
    let expected =
        (0..2).flat_map(|partition| (0..5_000).filter(move |n| n % 2 == partition).map(move |n| (partition, n)));
    assert!(read.into_iter().eq(expected));
}
