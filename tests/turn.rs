//! The worker's turn on the embedded log: what is counted, what is sent, and what an abort costs.

use vigie::base::{Currency, Instant};
use vigie::event::{RefusalCode, Topic};
use vigie::risk::Params;
use vigie::runtime::{
    Batch, BatchLimits, Headers, Log, LogError, OutputTopics, Polled, Position, Record, Records, TopicId, Topics,
    Worker, WorkerRules,
};
use vigie::sim::{Client, EmbeddedLog, Isolation, TopicConfig};
use vigie::wire::decode::TopicRule;
use vigie::wire::{DecodeRules, Header};

const INVOICES: TopicId = TopicId(0);
const LIMITS: TopicId = TopicId(1);
const ALERTS: TopicId = TopicId(2);
const LIMIT_CHANGES: TopicId = TopicId(3);
const EXPOSURES: TopicId = TopicId(4);
const DEAD: TopicId = TopicId(5);

fn log() -> EmbeddedLog {
    EmbeddedLog::new(&vec![TopicConfig { partitions: 1, retained_bytes_max: None }; 6])
}

fn rules(limits: BatchLimits) -> WorkerRules {
    let base = Currency::parse("EUR").expect("a currency");
    let names = ["invoices", "limits", "alerts", "limit-changes", "exposures", "dead-letters"];
    let outputs = OutputTopics {
        alerts: ALERTS,
        limit_proposals: ALERTS,
        limit_changes: LIMIT_CHANGES,
        order_decisions: ALERTS,
        history: None,
        exposures: EXPOSURES,
        dead_letters: DEAD,
        journal: None,
    };
    WorkerRules {
        topics: Topics {
            names: names.map(str::to_owned).to_vec(),
            inputs: vec![Some(Topic::Invoices), Some(Topic::Limits)],
            outputs,
            partitions: 1,
        },
        decode: DecodeRules::new(base, Instant::parse("2026-06-01T00:00:00Z").expect("an instant")),
        params: Params::new(base),
        limits,
    }
}

fn client(log: &EmbeddedLog) -> Client {
    Client::new(log, "worker", &[INVOICES, LIMITS], &[0])
}

fn event(type_name: &str, time: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{time}","source":"t","type":"{type_name}","subject":"b","time":"{time}","data":{data}}}"#
    )
}

fn limit(time: &str, amount: u32) -> String {
    event("limit.set", time, &format!(r#"{{"amount":{amount},"currency":"EUR"}}"#))
}

/// Appends one record, written at `time_ms`.
fn append(log: &EmbeddedLog, topic: TopicId, time_ms: i64, key: &str, value: Option<&str>, headers: &[Header<'_>]) {
    let mut records = Records::default();
    records.push(&Record {
        topic,
        partition: 0,
        offset: 0,
        time_ms,
        key: Some(key.as_bytes()),
        value: value.map(str::as_bytes),
        headers: Headers::Listed(headers),
    });
    log.append(topic, 0, records).expect("appended");
}

fn values(log: &EmbeddedLog, topic: TopicId) -> Vec<serde_json::Value> {
    let mut values = Vec::new();
    log.read(topic, 0, 0, Isolation::Committed, |record| {
        values.push(serde_json::from_slice(record.value.expect("a value")).expect("JSON"));
        true
    })
    .expect("readable");
    values
}

#[test]
fn a_turn_applies_by_record_time_and_never_before_an_earlier_record_of_the_topic() {
    let log = log();
    let credit = |day: u32, number: u32| {
        let time = format!("2026-01-{day:02}T00:00:00Z");
        limit(&time, number)
    };
    // Each sets a limit a day later than the one before, so the old limits tell the order in which they were applied.
    append(&log, LIMITS, 1, "b", Some(&credit(2, 20)), &[]);
    append(&log, LIMITS, 9, "b", Some(&credit(3, 30)), &[]);
    append(&log, LIMITS, 5, "b", Some(&credit(4, 40)), &[]);
    append(&log, INVOICES, 1, "b", Some(&credit(1, 10)), &[]);
    let mut rules = rules(BatchLimits::default());
    rules.decode.topics = TopicRule::Any;
    let mut worker = Worker::new(client(&log), rules, [0]);
    assert_eq!(worker.turn().expect("committed"), 4);
    worker.tick(Instant::parse("2026-01-05T00:00:00Z").expect("an instant")).expect("committed");
    let changes: Vec<String> = values(&log, LIMIT_CHANGES)
        .iter()
        .map(|change| format!("{} {}", change["data"]["old_limit"], change["data"]["new_limit"]))
        .collect();
    assert_eq!(changes, [r#"null "10.00""#, r#""10.00" "20.00""#, r#""20.00" "30.00""#, r#""30.00" "40.00""#]);
    assert_eq!((log.committed(INVOICES, 0), log.committed(LIMITS, 0)), (Some(1), Some(3)));
}

#[test]
fn a_refused_record_goes_whole_to_the_dead_letters_with_what_was_wrong() {
    let log = log();
    append(&log, INVOICES, 1, "b", None, &[]);
    let value = limit("2026-01-01T00:00:00Z", 5);
    append(&log, INVOICES, 77, "b", Some(&value), &[Header { name: "trace", value: Some(b"x") }]);
    append(&log, LIMITS, 78, "c", Some(&value), &[]);
    append(&log, LIMITS, 79, "b", Some(&value), &[]);
    let mut worker = Worker::new(client(&log), rules(BatchLimits::default()), [0]);
    assert_eq!(worker.turn().expect("committed"), 4);
    let counts = &worker.shards()[0].counts;
    assert_eq!((counts.own.applied, counts.skipped, counts.records()), (1, 1, 4));
    assert_eq!(counts.own.refused[&RefusalCode::WrongTopic], 1);
    assert_eq!(counts.own.refused[&RefusalCode::KeyMismatch], 1);
    let mut dead = Vec::new();
    log.read(DEAD, 0, 0, Isolation::Committed, |record| {
        assert_eq!(record.value, Some(value.as_bytes()));
        let header = |header: Header<'_>| {
            format!("{}={}", header.name, String::from_utf8_lossy(header.value.unwrap_or_default()))
        };
        let headers: Vec<String> = record.headers.iter().map(header).collect();
        dead.push((record.time_ms, record.key.map(<[u8]>::to_vec), headers));
        true
    })
    .expect("readable");
    let (time_ms, key, headers) = &dead[0];
    assert_eq!((*time_ms, key.as_deref()), (77, Some(&b"b"[..])));
    assert_eq!((&headers[0][..], &headers[1][..]), ("trace=x", "vigie.error.code=wrong_topic"));
    assert!(headers[2].starts_with("vigie.error.message="), "{headers:?}");
    let place = ["vigie.error.topic=invoices", "vigie.error.partition=0", "vigie.error.offset=1"];
    assert_eq!(headers[3..], place);
    assert_eq!(dead[1].1.as_deref(), Some(&b"c"[..]));
    assert_eq!(dead[1].2[0], "vigie.error.code=key_mismatch");
}

#[test]
fn batches_keep_to_their_limits_and_a_larger_record_goes_alone() {
    let log = log();
    for day in 1..=5 {
        append(&log, LIMITS, day, "b", Some(&limit(&format!("2026-01-0{day}T00:00:00Z"), 1)), &[]);
    }
    let sizes = |limits: BatchLimits| {
        // A worker of its own id, which commits nothing: each reads from the start.
        let mut client = Client::new(&log, "reader", &[INVOICES, LIMITS], &[0]);
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 5 {
            let mut batch = Batch::new(limits);
            client.poll(&mut batch).expect("polled");
            sizes.push(batch.len());
        }
        sizes
    };
    assert_eq!(sizes(BatchLimits { records_max: 2, bytes_max: 1 << 20, held_max: 9 }), [2, 2, 1]);
    assert_eq!(sizes(BatchLimits { records_max: 5, bytes_max: 1 << 20, held_max: 9 }), [5]);
    assert_eq!(sizes(BatchLimits { records_max: 5, bytes_max: 1, held_max: 9 }), [1; 5]);
}

/// A log that fails on demand.
struct Failing {
    client: Client,
    commits: Vec<Result<(), LogError>>,
    aborts: usize,
}

impl Log for Failing {
    fn poll(&mut self, batch: &mut Batch) -> Result<Polled, LogError> {
        self.client.poll(batch)
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
        match self.commits.pop() {
            None | Some(Ok(())) => self.client.commit(),
            Some(failed) => failed,
        }
    }
    fn abort(&mut self) -> Result<(), LogError> {
        self.aborts += 1;
        self.client.abort()
    }
    fn committed(&mut self, topic: TopicId, partition: u32) -> Result<Option<i64>, LogError> {
        self.client.committed(topic, partition)
    }
}

fn failing(log: &EmbeddedLog, commits: Vec<Result<(), LogError>>) -> Worker<Failing> {
    append(log, LIMITS, 1, "b", Some(&limit("2026-01-01T00:00:00Z", 10)), &[]);
    append(log, LIMITS, 2, "b", Some(&limit("2026-01-02T00:00:00Z", 20)), &[]);
    Worker::new(Failing { client: client(log), commits, aborts: 0 }, rules(BatchLimits::default()), [0])
}

#[test]
fn after_an_abort_nothing_is_seen_counted_or_kept() {
    let log = log();
    let mut worker = failing(&log, vec![Err(LogError::Abort("rebalanced".to_owned()))]);
    let failed = worker.turn().expect_err("aborted");
    assert_eq!(failed.error, LogError::Abort("rebalanced".to_owned()));
    assert_eq!(failed.partitions, [0]);
    assert!(worker.shards().is_empty(), "its shard is ahead of the log");
    assert_eq!(worker.log().aborts, 1);
    assert_eq!((values(&log, LIMIT_CHANGES).len(), log.committed(LIMITS, 0)), (0, None));

    // A new worker begins where the log stands, and finds the same.
    let mut next = Worker::new(client(&log), rules(BatchLimits::default()), [0]);
    assert_eq!(next.turn().expect("committed"), 2);
    assert_eq!(next.shards()[0].counts.own.applied, 2);
    assert_eq!((values(&log, LIMIT_CHANGES).len(), log.committed(LIMITS, 0)), (1, Some(2)));
}

#[test]
fn what_the_log_asks_to_call_again_is_called_again_within_a_limit() {
    let log_ = log();
    let again = || Err(LogError::Retry("not now".to_owned()));
    let mut worker = failing(&log_, vec![again(), again()]);
    assert_eq!(worker.turn().expect("committed"), 2);
    assert_eq!((worker.shards()[0].counts.own.applied, worker.log().aborts), (2, 0));

    let log = log();
    let mut worker = failing(&log, (0..100).map(|_| again()).collect());
    assert_eq!(worker.turn().expect_err("given up").error, LogError::Retry("not now".to_owned()));
    assert!(worker.shards().is_empty());
}

#[test]
fn a_fenced_worker_stops_without_an_abort() {
    let log = log();
    let mut worker = failing(&log, Vec::new());
    let _successor = log.producer("worker");
    let failed = worker.turn().expect_err("fenced");
    assert!(matches!(failed.error, LogError::Fenced(_)), "{failed:?}");
    assert_eq!((worker.shards().len(), worker.log().aborts), (0, 0));
}
