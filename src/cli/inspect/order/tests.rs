//! The order as a file, from journals made by hand.

use super::*;
use crate::base::{Currency, Instant};
use crate::event::Topic;
use crate::risk::Params;
use crate::runtime::journal::{EntryCounts, Outputs, Range, SEMANTICS};
use crate::runtime::{Headers, OutputTopics, Records, TopicId};
use crate::sim::{Client, EmbeddedLog, TopicConfig};
use crate::wire::{TopicRule, partition_of};

const PARTITIONS: u32 = 2;
const JOURNAL: TopicId = TopicId(2);

fn topics() -> Topics {
    let outputs = OutputTopics {
        alerts: JOURNAL,
        limit_proposals: JOURNAL,
        limit_changes: JOURNAL,
        order_decisions: JOURNAL,
        exposures: JOURNAL,
        history: None,
        dead_letters: JOURNAL,
        journal: Some(JOURNAL),
    };
    let inputs = vec![Some(Topic::Invoices), Some(Topic::Payments)];
    Topics {
        names: ["invoices", "payments", "journal"].map(str::to_owned).to_vec(),
        inputs,
        outputs,
        partitions: PARTITIONS,
    }
}

/// A record that a turn read: its topic, time, key, value and headers.
type Read<'a> = (u16, i64, &'a str, &'a str, &'a [(&'a str, &'a str)]);

/// What is written of each partition, as it stands in the inputs.
struct Stage {
    log: EmbeddedLog,
    last: [Option<Entry>; PARTITIONS as usize],
}

impl Stage {
    fn new() -> Stage {
        Stage {
            log: EmbeddedLog::new(&vec![TopicConfig { partitions: PARTITIONS, retained_bytes_max: None }; 3]),
            last: [None, None],
        }
    }

    /// A turn of a partition that read these records: topic, time, key and value.
    fn turn(&mut self, partition: u32, read: &[(u16, i64, &str, &str)]) {
        let read: Vec<_> =
            read.iter().map(|(topic, time, key, value)| (*topic, *time, *key, *value, &[][..])).collect();
        self.turn_with(partition, &read);
    }

    /// The same with headers.
    fn turn_with(&mut self, partition: u32, read: &[Read<'_>]) {
        let mut ranges: Vec<Range> = Vec::new();
        for (topic, time_ms, key, value, headers) in read {
            let topic = TopicId(*topic);
            let headers: Vec<Header<'_>> =
                headers.iter().map(|(name, value)| Header { name, value: Some(value.as_bytes()) }).collect();
            let offset = self.log.end(topic, partition);
            let record = Record {
                topic,
                partition,
                offset,
                time_ms: *time_ms,
                key: (!key.is_empty()).then_some(key.as_bytes()),
                value: (!value.is_empty()).then_some(value.as_bytes()),
                headers: Headers::Listed(&headers),
            };
            let mut records = Records::default();
            records.push(&record);
            let place = ranges.iter().position(|range| range.topic == topic.0).unwrap_or_else(|| {
                ranges.push(Range::empty(topic, offset));
                ranges.len() - 1
            });
            ranges[place].take(&record, records.raw(0));
            self.log.append(topic, partition, records).unwrap();
        }
        ranges.sort_by_key(|range| range.topic);
        let last = &self.last[partition as usize];
        let mut bytes = Vec::new();
        let previous = last.as_ref().map_or(0, |last| {
            last.encode(&mut bytes);
            Entry::hash(&bytes)
        });
        let entry = Entry {
            epoch: last.as_ref().map_or(1, |last| last.epoch + 1),
            previous,
            instance: "a".to_owned(),
            semantics: SEMANTICS,
            params: last.is_none().then(|| Params::new(Currency::parse("EUR").unwrap())),
            mode: Mode::Event,
            ends: None,
            now: Instant::parse("2026-06-01T00:00:00Z").unwrap(),
            counts: EntryCounts { applied: read.len() as u32, ..EntryCounts::default() },
            ranges,
            clock: None,
            outputs: Outputs::default(),
            exposures: 0,
            judgements: 0,
        };
        bytes.clear();
        entry.encode(&mut bytes);
        let mut records = Records::default();
        records.push(&Record {
            topic: JOURNAL,
            partition,
            offset: 0,
            time_ms: 0,
            key: Some(b"vigie"),
            value: Some(&bytes),
            headers: Headers::NONE,
        });
        self.log.append(JOURNAL, partition, records).unwrap();
        self.last[partition as usize] = Some(entry);
    }

    fn written(&self, partitions: &[u32]) -> Result<(String, Ordered), OrderError> {
        let base = Currency::parse("EUR").unwrap();
        let decode = DecodeRules { topics: TopicRule::Home, ..DecodeRules::new(base, Instant::MIN) };
        let rules = ServiceRules::new(topics(), decode, Params::new(base), "inspect".to_owned());
        let mut client = Client::new(&self.log, "inspect", &[], &[]);
        let mut out = Vec::new();
        let ordered = write(&mut client, &rules, partitions, &mut out, &mut || {})?;
        Ok((String::from_utf8(out).unwrap(), ordered))
    }
}

/// A buyer of a partition.
fn buyer(partition: u32) -> String {
    (0..).map(|number| format!("B{number}")).find(|id| partition_of(id.as_bytes(), PARTITIONS) == partition).unwrap()
}

fn invoice(id: &str, buyer: &str) -> String {
    event(id, "invoice.cancelled", buyer, "2026-01-01T00:00:00Z", "{\"invoice_id\":\"F\"}")
}

fn payment(id: &str, buyer: &str) -> String {
    event(id, "payment.reversed", buyer, "2026-01-01T00:00:00Z", "{\"payment_id\":\"P\"}")
}

fn tick(id: &str) -> String {
    event(id, "clock.tick", "", "2026-01-02T00:00:00Z", "{}")
}

fn event(id: &str, kind: &str, buyer: &str, time: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"{kind}","subject":"{buyer}","time":"{time}","data":{data}}}"#
    )
}

fn ids(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(line))
        .collect()
}

#[test]
fn partitions_meet_at_their_copies_and_each_keeps_its_order() {
    let (zero, one) = (buyer(0), buyer(1));
    let mut stage = Stage::new();
    // In a turn the order is by time, then topic; in a topic none goes before an earlier one.
    stage.turn(
        0,
        &[
            (1, 5, &zero, &payment("a3", &zero)),
            (0, 1, &zero, &invoice("a1", &zero)),
            (0, 5, &zero, &invoice("a2", &zero)),
        ],
    );
    stage.turn(0, &[(0, 2, "", &tick("t1")), (0, 1, &zero, &invoice("a4", &zero))]);
    stage
        .turn(1, &[(1, 1, &one, &payment("b1", &one)), (1, 2, "any", &tick("t1")), (1, 3, &one, &payment("b2", &one))]);
    stage.turn(1, &[(0, 1, "", &tick("t2"))]);
    stage.turn(0, &[(0, 9, "", &tick("t2"))]);
    let (text, ordered) = stage.written(&[0, 1]).unwrap();
    assert_eq!(ids(&text), ["a1", "a2", "a3", "b1", "t1", "a4", "b2", "t2"]);
    assert_eq!((ordered.turns, ordered.lines, ordered.copies), (5, 6, 2));
    assert_eq!(ordered.doubts(), [""; 0]);
    assert_eq!(ids(&stage.written(&[1]).unwrap().0), ["b1", "t1", "b2", "t2"]);
}

#[test]
fn other_copies_or_another_order_of_them_are_refused_and_each_partition_alone_is_not() {
    for (of_zero, of_one) in [(vec!["t1", "t2"], vec!["t2", "t1"]), (vec!["t1"], vec![]), (vec!["t1"], vec!["t3"])] {
        let mut stage = Stage::new();
        for (partition, copies) in [(0, of_zero), (1, of_one)] {
            let id = buyer(partition);
            stage.turn(partition, &[(0, 0, &id, &invoice("x", &id))]);
            for copy in copies {
                stage.turn(partition, &[(0, 1, "", &tick(copy))]);
            }
        }
        let error = stage.written(&[0, 1]).unwrap_err().to_string();
        assert!(error.contains("the partitions differ: partition 0 has") && error.contains("--partition N"), "{error}");
        assert!(stage.written(&[0]).is_ok() && stage.written(&[1]).is_ok());
    }
}

#[test]
fn what_a_file_would_let_through_or_cannot_say_is_left_out() {
    let (zero, one) = (buyer(0), buyer(1));
    let late = event("late", "invoice.cancelled", &zero, "2026-06-01T00:20:00Z", "{\"invoice_id\":\"F\"}");
    let mut stage = Stage::new();
    stage.turn(
        0,
        &[
            (0, 0, &zero, &invoice("one", &zero).replace(",\"data\"", ",\n \"data\"")),
            (0, 0, &zero, &payment("wrong topic", &zero)),
            (0, 0, &zero, &invoice("another's", &one)),
            (0, 0, &one, &invoice("wrong partition", &one)),
            (0, 0, &zero, &late),
            (0, 0, &zero, ""),
            (0, 0, &zero, "no event"),
            (0, 0, &zero, "nor\nthis"),
            (0, 0, &zero, &event("unknown", "invoice.lost", &zero, "2026-01-01T00:00:00Z", "{}")),
        ],
    );
    let (text, ordered) = stage.written(&[0]).unwrap();
    assert_eq!(ids(&text), ["one", "no event", "unknown"]);
    assert_eq!(
        ordered.left_out.into_iter().collect::<Vec<_>>(),
        [
            ("future_time", 1),
            ("key_mismatch", 2),
            ("no value (tombstones)", 1),
            ("refused, and not of one line", 1),
            ("wrong_topic", 1)
        ]
    );
}

#[test]
fn a_value_in_binary_mode_becomes_a_structured_event() {
    let zero = buyer(0);
    let headers: &[(&str, &str)] = &[
        ("ce_specversion", "1.0"),
        ("ce_id", "one"),
        ("ce_source", "s"),
        ("ce_type", "invoice.cancelled"),
        ("ce_time", "2026-01-01T00:00:00Z"),
        ("ce_subject", &zero),
    ];
    let mut stage = Stage::new();
    stage.turn_with(0, &[(0, 0, &zero, "{\"invoice_id\":\"F\"}", headers)]);
    let (text, _) = stage.written(&[0]).unwrap();
    let scratch = Bump::new();
    let rules = DecodeRules::new(Currency::parse("EUR").unwrap(), Instant::MAX);
    let of = |text: &str| format!("{:?}", wire::decode_value(text.trim_end().as_bytes(), &rules, &scratch).unwrap());
    assert_eq!(of(&text), of(&invoice("one", &zero)));
}

#[test]
fn what_is_no_longer_as_the_journal_says_is_no_order() {
    let zero = buyer(0);
    let mut stage = Stage::new();
    stage.turn(0, &[(0, 0, &zero, &invoice("a", &zero))]);
    stage.turn(0, &[(0, 0, &zero, &invoice("b", &zero))]);
    let refusal = |stage: &Stage| stage.written(&[0]).unwrap_err().to_string();
    stage.log.trim(TopicId(0), 0, 1);
    assert!(refusal(&stage).contains("turn 1 read 1 records of invoices from offset 0 to 1"), "{}", refusal(&stage));
    stage.log.trim(JOURNAL, 0, 1);
    assert!(refusal(&stage).contains("its journal begins at turn 2"), "{}", refusal(&stage));
}
