//! The rules of the embedded log, one by one, and all together under any interleaving.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use vigie::runtime::{Headers, LogError, Position, Record, Records, TopicId};
use vigie::sim::{EmbeddedLog, Isolation, TopicConfig};

const IN: TopicId = TopicId(0);
const OUT: TopicId = TopicId(1);

fn log() -> EmbeddedLog {
    let topic = TopicConfig { partitions: 2, retained_bytes_max: None };
    EmbeddedLog::new(&[topic.clone(), topic])
}

fn record(partition: u32, value: &[u8]) -> Record<'_> {
    Record { topic: OUT, partition, offset: 0, time_ms: 0, key: None, value: Some(value), headers: Headers::NONE }
}

fn block(values: &[&str]) -> Records {
    let mut records = Records::default();
    values.iter().for_each(|value| records.push(&record(0, value.as_bytes())));
    records
}

fn read_from(log: &EmbeddedLog, partition: u32, from: i64, isolation: Isolation) -> (Vec<String>, i64) {
    let mut seen = Vec::new();
    let next = log.read(OUT, partition, from, isolation, |record| {
        seen.push(String::from_utf8_lossy(record.value.expect("a value")).into_owned());
        true
    });
    (seen, next.expect("readable"))
}

fn committed(log: &EmbeddedLog) -> Vec<String> {
    read_from(log, 0, 0, Isolation::Committed).0
}

#[test]
fn what_is_committed_is_seen_and_what_is_aborted_is_not() {
    let log = log();
    let mut producer = log.producer("a");
    producer.begin().expect("begun");
    producer.send(&record(0, b"kept")).expect("sent");
    producer.flush().expect("flushed");
    assert_eq!(committed(&log), [""; 0], "nothing is seen before the commit");
    producer.commit().expect("committed");
    producer.begin().expect("begun");
    producer.send(&record(0, b"dropped")).expect("sent");
    producer.flush().expect("flushed");
    producer.abort().expect("aborted");
    producer.begin().expect("begun");
    producer.send(&record(0, b"kept too")).expect("sent");
    producer.commit().expect("committed");
    assert_eq!(committed(&log), ["kept", "kept too"]);
    assert_eq!(read_from(&log, 0, 0, Isolation::Uncommitted).0, ["kept", "dropped", "kept too"]);
}

#[test]
fn a_reader_waits_at_the_first_open_transaction_and_goes_on_without_gaps() {
    let log = log();
    let (mut slow, mut quick) = (log.producer("slow"), log.producer("quick"));
    slow.begin().expect("begun");
    slow.send(&record(0, b"slow")).expect("sent");
    slow.flush().expect("flushed");
    quick.begin().expect("begun");
    quick.send(&record(0, b"quick")).expect("sent");
    quick.commit().expect("committed");
    let (seen, next) = read_from(&log, 0, 0, Isolation::Committed);
    assert_eq!((seen, next), (vec![], 0), "the open transaction holds back what stands behind it");
    slow.abort().expect("aborted");
    let (seen, next) = read_from(&log, 0, next, Isolation::Committed);
    assert_eq!(seen, ["quick"]);
    assert_eq!(next, log.end(OUT, 0));
    assert_eq!(read_from(&log, 0, next, Isolation::Committed), (vec![], next));
}

#[test]
fn positions_move_only_with_a_commit() {
    let log = log();
    let mut producer = log.producer("a");
    let at = |next| Position { topic: IN, partition: 1, next };
    producer.begin().expect("begun");
    producer.send_offsets(&[at(5)]).expect("sent");
    producer.abort().expect("aborted");
    assert_eq!(log.committed(IN, 1), None);
    producer.begin().expect("begun");
    producer.send_offsets(&[at(7)]).expect("sent");
    assert_eq!(log.committed(IN, 1), None);
    producer.commit().expect("committed");
    assert_eq!((log.committed(IN, 1), log.committed(IN, 0)), (Some(7), None));
}

#[test]
fn a_later_producer_of_the_same_id_fences_the_earlier_and_aborts_what_it_left() {
    let log = log();
    let mut old = log.producer("a");
    old.begin().expect("begun");
    old.send(&record(0, b"old")).expect("sent");
    old.send_offsets(&[Position { topic: IN, partition: 0, next: 9 }]).expect("sent");
    old.flush().expect("flushed");
    let mut new = log.producer("a");
    let mut other = log.producer("b");
    for answer in [old.flush(), old.commit(), old.abort(), old.begin(), old.send_offsets(&[])] {
        assert!(matches!(answer, Err(LogError::Fenced(_))), "{answer:?}");
    }
    new.begin().expect("begun");
    new.send(&record(0, b"new")).expect("sent");
    new.commit().expect("committed");
    other.begin().expect("another id is not fenced");
    other.abort().expect("aborted");
    assert_eq!(committed(&log), ["new"]);
    assert_eq!(log.committed(IN, 0), None);
}

#[test]
fn a_transaction_holds_in_every_partition_or_in_none() {
    let log = log();
    let mut producer = log.producer("a");
    for (value, is_kept) in [(&b"x"[..], true), (b"y", false), (b"z", true)] {
        producer.begin().expect("begun");
        producer.send(&record(0, value)).expect("sent");
        producer.send(&record(1, value)).expect("sent");
        if is_kept { producer.commit().expect("committed") } else { producer.abort().expect("aborted") }
    }
    for partition in [0, 1] {
        assert_eq!(read_from(&log, partition, 0, Isolation::Committed).0, ["x", "z"]);
    }
}

#[test]
fn calls_outside_of_a_transaction_are_refused() {
    let log = log();
    let mut producer = log.producer("a");
    for answer in [producer.commit(), producer.abort(), producer.flush(), producer.send_offsets(&[])] {
        assert!(matches!(answer, Err(LogError::Fatal(_))), "{answer:?}");
    }
    producer.begin().expect("begun");
    assert!(matches!(producer.begin(), Err(LogError::Fatal(_))));
}

#[test]
fn what_is_trimmed_is_gone_and_says_so() {
    let log = log();
    log.append(OUT, 0, block(&["a", "b"])).expect("appended");
    log.append(OUT, 0, block(&["c"])).expect("appended");
    log.trim(OUT, 0, 2);
    assert_eq!(log.retained_bytes(OUT), 1);
    assert_eq!(read_from(&log, 0, 2, Isolation::Committed), (vec!["c".to_owned()], 3));
    let error = log.read(OUT, 0, 1, Isolation::Committed, |_| true);
    assert!(matches!(error, Err(LogError::Fatal(_))), "{error:?}");
    log.trim(OUT, 0, 99);
    assert_eq!((log.retained_bytes(OUT), log.end(OUT, 0)), (0, 3), "trimming goes no further than the end");
}

#[test]
fn an_open_transaction_is_not_trimmed() {
    let log = log();
    let mut producer = log.producer("a");
    producer.begin().expect("begun");
    producer.send(&record(0, b"open")).expect("sent");
    producer.flush().expect("flushed");
    log.trim(OUT, 0, 99);
    producer.commit().expect("committed");
    assert_eq!(committed(&log), ["open"]);
}

#[test]
fn appending_waits_at_the_limit_until_what_is_consumed_is_trimmed() {
    let log = EmbeddedLog::new(&[TopicConfig { partitions: 1, retained_bytes_max: Some(4) }]);
    log.append(IN, 0, block(&["over the limit, alone"])).expect("a block over the limit goes in alone");
    let is_in = Arc::new(AtomicBool::new(false));
    let appending = {
        let (log, is_in) = (log.clone(), Arc::clone(&is_in));
        std::thread::spawn(move || {
            let offset = log.append(IN, 0, block(&["next"]));
            is_in.store(true, Ordering::SeqCst);
            offset
        })
    };
    (0..1000).for_each(|_| std::thread::yield_now());
    assert!(!is_in.load(Ordering::SeqCst), "it should wait");
    log.trim(IN, 0, 1);
    assert_eq!(appending.join().expect("joined"), Ok(1));
    assert_eq!(log.retained_bytes(IN), 4);
    let waiting = std::thread::spawn({
        let log = log.clone();
        move || log.append(IN, 0, block(&["never"]))
    });
    log.shut();
    assert!(matches!(waiting.join().expect("joined"), Err(LogError::Fatal(_))), "a shut log lets nobody wait");
}

/// What may happen to a log with two transactional ids.
#[derive(Debug, Clone)]
enum Step {
    Begin(usize),
    Send(usize, u32),
    Flush(usize),
    Offsets(usize),
    Commit(usize),
    Abort(usize),
    Replace(usize),
    Append(u32),
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let producer = 0..2_usize;
    prop_oneof![
        3 => producer.clone().prop_map(Step::Begin),
        6 => (producer.clone(), 0..2_u32).prop_map(|(producer, partition)| Step::Send(producer, partition)),
        3 => producer.clone().prop_map(Step::Flush),
        1 => producer.clone().prop_map(Step::Offsets),
        3 => producer.clone().prop_map(Step::Commit),
        1 => producer.clone().prop_map(Step::Abort),
        1 => producer.prop_map(Step::Replace),
        1 => (0..2_u32).prop_map(Step::Append),
        2 => Just(Step::Read),
    ]
}

/// What ought to be: each record by the order in which it reached the log, and how its transaction ended.
#[derive(Debug, Default)]
struct Model {
    /// Per partition: the record, the transaction (0: none).
    placed: [Vec<(String, usize)>; 2],
    ended_well: std::collections::HashSet<usize>,
    ended_badly: std::collections::HashSet<usize>,
    open: [Option<OpenModel>; 2],
    transactions: usize,
    committed_position: Option<i64>,
}

#[derive(Debug, Default)]
struct OpenModel {
    number: usize,
    unsent: Vec<(u32, String)>,
    position: Option<i64>,
}

impl Model {
    fn flush(&mut self, producer: usize) {
        if let Some(open) = &mut self.open[producer] {
            // One partition after the other, each in the order of sending.
            for partition in [0, 1] {
                for (of, value) in &open.unsent {
                    if *of == partition {
                        self.placed[partition as usize].push((value.clone(), open.number));
                    }
                }
            }
            open.unsent.clear();
        }
    }

    /// What a reader of committed records sees: up to the first record of an open transaction.
    fn committed(&self, partition: usize) -> Vec<String> {
        let is_closed = |(_, number): &&(String, usize)| {
            *number == 0 || self.ended_well.contains(number) || self.ended_badly.contains(number)
        };
        let seen = self.placed[partition].iter().take_while(is_closed);
        seen.filter(|(_, number)| !self.ended_badly.contains(number)).map(|(value, _)| value.clone()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_interleaving_shows_readers_exactly_the_committed_records_in_order(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let log = log();
        let mut producers = [log.producer("0"), log.producer("1")];
        let mut model = Model::default();
        // A reader that goes along sees the same as one that comes late.
        let mut along = [(Vec::new(), 0), (Vec::new(), 0)];
        for (index, step) in steps.iter().enumerate() {
            let value = index.to_string();
            match step {
                Step::Begin(at) => {
                    let begun = producers[*at].begin();
                    prop_assert_eq!(begun.is_ok(), model.open[*at].is_none());
                    if begun.is_ok() {
                        model.transactions += 1;
                        model.open[*at] = Some(OpenModel { number: model.transactions, ..OpenModel::default() });
                    }
                }
                Step::Send(at, partition) => {
                    if let Some(open) = &mut model.open[*at] {
                        producers[*at].send(&record(*partition, value.as_bytes())).expect("sent");
                        open.unsent.push((*partition, value));
                    }
                }
                Step::Flush(at) => {
                    prop_assert_eq!(producers[*at].flush().is_ok(), model.open[*at].is_some());
                    model.flush(*at);
                }
                Step::Offsets(at) => {
                    let position = Position { topic: IN, partition: 0, next: index as i64 };
                    let sent = producers[*at].send_offsets(&[position]);
                    prop_assert_eq!(sent.is_ok(), model.open[*at].is_some());
                    if let Some(open) = &mut model.open[*at] {
                        open.position = Some(index as i64);
                    }
                }
                Step::Commit(at) => {
                    prop_assert_eq!(producers[*at].commit().is_ok(), model.open[*at].is_some());
                    model.flush(*at);
                    if let Some(open) = model.open[*at].take() {
                        model.ended_well.insert(open.number);
                        model.committed_position = open.position.or(model.committed_position);
                    }
                }
                Step::Abort(at) => {
                    prop_assert_eq!(producers[*at].abort().is_ok(), model.open[*at].is_some());
                    if let Some(open) = model.open[*at].take() {
                        model.ended_badly.insert(open.number);
                    }
                }
                Step::Replace(at) => {
                    let new = log.producer(&at.to_string());
                    let mut old = std::mem::replace(&mut producers[*at], new);
                    prop_assert!(matches!(old.commit(), Err(LogError::Fenced(_))));
                    if let Some(open) = model.open[*at].take() {
                        model.ended_badly.insert(open.number);
                    }
                }
                Step::Append(partition) => {
                    log.append(OUT, *partition, block(&[&value])).expect("appended");
                    model.placed[*partition as usize].push((value, 0));
                }
                Step::Read => {
                    for (partition, (seen, at)) in along.iter_mut().enumerate() {
                        let (more, next) = read_from(&log, partition as u32, *at, Isolation::Committed);
                        seen.extend(more);
                        *at = next;
                        prop_assert_eq!(&*seen, &model.committed(partition));
                    }
                }
            }
        }
        for partition in [0, 1] {
            let late = read_from(&log, partition, 0, Isolation::Committed).0;
            prop_assert_eq!(late, model.committed(partition as usize));
            let all: Vec<String> = model.placed[partition as usize].iter().map(|(value, _)| value.clone()).collect();
            prop_assert_eq!(read_from(&log, partition, 0, Isolation::Uncommitted).0, all);
        }
        prop_assert_eq!(log.committed(IN, 0), model.committed_position);
    }
}
