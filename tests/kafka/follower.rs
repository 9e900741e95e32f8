//! The monitor again, in slow and obvious code of its own: it follows the committed journal through the committed inputs,
//! and says what must have come out. Of the engine it takes the functional core and the codec alone.

use std::collections::{BTreeMap, BTreeSet};

use vigie::base::hash::StableHasher;
use vigie::event::{Effect, EffectBody, Topic};
use vigie::risk::buyer::Voice;
use vigie::risk::{Outcome, Shard};
use vigie::runtime::journal::{Entry, Mode, SEMANTICS};
use vigie::runtime::outbox::dead_letter;
use vigie::wire::output::{CONTENT_TYPE, OutputTopic, encode_effect, output_topic};
use vigie::wire::{DecodeRules, Header, Record, TopicRule, decode_record};

use crate::client::OwnedRecord;
use crate::committed::Committed;
use crate::scene::{INPUTS, OUTPUTS, Way};

/// What is wrong, in a sentence.
pub type Complaint = String;

/// A record that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Of a dead letter: when its original was written.
    pub timestamp: Option<i64>,
}

/// What a partition must have put out.
#[derive(Debug, Default)]
pub struct Followed {
    /// By output topic, figures of buyers left out.
    pub outputs: BTreeMap<&'static str, Vec<Expected>>,
    /// The position after the last turn, by input topic that was read; and where the first turn began.
    pub positions: BTreeMap<usize, i64>,
    /// Buyers whose figures moved and were not told since.
    pub untold: BTreeSet<String>,
    pub turns: u64,
    /// Records in the order in which they were applied: topic and offset.
    pub order: Vec<(usize, i64)>,
}

/// A shard that follows its journal.
struct Follower<'a> {
    seen: &'a Committed,
    partition: usize,
    shard: Option<Shard>,
    previous: u128,
    told: usize,
    followed: Followed,
}

/// Follows a partition to the end of its journal.
pub fn follow(seen: &Committed, partition: u32) -> Result<Followed, Complaint> {
    let partition = partition as usize;
    let followed = Followed::default();
    let mut follower = Follower { seen, partition, shard: None, previous: 0, told: 0, followed };
    for record in &seen.journal[partition] {
        let epoch = follower.followed.turns + 1;
        follower.turn(record).map_err(|complaint| format!("partition {partition}, turn {epoch}: {complaint}"))?;
    }
    let rows = seen.outputs["exposures"][partition].len();
    if follower.told != rows {
        return Err(format!(
            "partition {partition}: the journal tells of {} rows of figures, not {rows}",
            follower.told
        ));
    }
    Ok(follower.followed)
}

impl Follower<'_> {
    fn turn(&mut self, record: &OwnedRecord) -> Result<(), Complaint> {
        let bytes = record.value.as_deref().unwrap_or_default();
        let entry = Entry::decode(bytes).map_err(|error| error.to_string())?;
        demand("number of the turn", &entry.epoch, &(self.followed.turns + 1))?;
        demand("hash of the entry before", &entry.previous, &self.previous)?;
        demand("semantics", &entry.semantics, &SEMANTICS)?;
        self.previous = Entry::hash(bytes);
        self.followed.turns += 1;

        let order = self.records(&entry)?;
        let mut shard = match (self.shard.take(), &entry.params) {
            (None, None) => return Err("the first turn names no params".to_owned()),
            (None, Some(params)) => {
                let mut shard = Shard::new(params.clone());
                shard.watch_figures();
                shard
            }
            (Some(mut shard), Some(params)) => {
                shard.change_params(params.clone());
                shard
            }
            (Some(shard), None) => shard,
        };
        let mut turn = Turn { seen: self.seen, entry: &entry, sent: Vec::new(), counts: [0; 4] };
        turn.take(&mut shard, &order)?;
        let Turn { sent, counts: [applied, duplicate, refused, skipped], .. } = turn;
        let said = entry.counts;
        demand(
            "counts",
            &[said.applied, said.duplicate, said.refused, said.skipped],
            &[applied, duplicate, refused, skipped],
        )?;
        demand("clock", &entry.clock, &shard.clock())?;
        demand("hash of judgements", &entry.judgements, &shard.judgements())?;
        demand("outputs", &(entry.outputs.records as usize, entry.outputs.hash), &(sent.len(), hash(&sent)))?;
        for (name, expected) in sent {
            self.followed.outputs.entry(name).or_default().push(expected);
        }
        self.tell(&mut shard, entry.exposures as usize)?;
        self.shard = Some(shard);
        Ok(())
    }

    /// The records of a turn, in the order in which they count.
    fn records(&mut self, entry: &Entry) -> Result<Vec<(usize, OwnedRecord)>, Complaint> {
        let mut dated = Vec::new();
        for range in &entry.ranges {
            let topic = usize::from(range.topic);
            let (name, _) = INPUTS.get(topic).ok_or_else(|| format!("there is no input topic {topic}"))?;
            let position = self.followed.positions.entry(topic).or_insert(0);
            demand(&format!("position in {name}"), &range.from, position)?;
            *position = range.to;
            let all = &self.seen.inputs[topic][self.partition];
            let run: Vec<&OwnedRecord> =
                all.iter().filter(|record| (range.from..range.to).contains(&record.offset)).collect();
            demand(&format!("records of {name}"), &(range.records as usize), &run.len())?;
            demand(&format!("end in {name}"), &run.last().map(|record| record.offset + 1), &Some(range.to))?;
            let mut written = i64::MIN;
            for record in run {
                // A record counts as written no earlier than those before it in its topic.
                written = written.max(record.timestamp.unwrap_or_default());
                dated.push((written, topic, record.clone()));
            }
        }
        dated.sort_by_key(|(written, topic, record)| (*written, *topic, record.offset));
        let order: Vec<(usize, OwnedRecord)> = dated.into_iter().map(|(_, topic, record)| (topic, record)).collect();
        self.followed.order.extend(order.iter().map(|(topic, record)| (*topic, record.offset)));
        Ok(order)
    }

    /// The next rows of figures must be those of now.
    fn tell(&mut self, shard: &mut Shard, count: usize) -> Result<(), Complaint> {
        let mut moved = Vec::new();
        shard.take_moved(|place| moved.push(place as usize));
        self.followed.untold.extend(moved.into_iter().map(|place| shard.buyer_id(place).to_owned()));
        let rows = &self.seen.outputs["exposures"][self.partition];
        for _ in 0..count {
            let row = rows.get(self.told).ok_or("rows of figures are missing")?;
            self.told += 1;
            let buyer = String::from_utf8_lossy(row.key.as_deref().unwrap_or_default()).into_owned();
            let place =
                shard.place_of(&buyer).ok_or_else(|| format!("there are figures of {buyer}, who is unknown"))?;
            let mut effects = Vec::new();
            shard.tell_exposures_of(&[place], &mut effects);
            let now = without_id(&encoded(&effects[0]));
            let told = without_id(row.value.as_deref().unwrap_or_default());
            if now != told {
                let text = String::from_utf8_lossy;
                return Err(format!(
                    "the figures of {buyer} at {} are\n{}\nand not\n{}",
                    row.offset,
                    text(&now),
                    text(&told)
                ));
            }
            if !self.followed.untold.remove(&buyer) {
                return Err(format!("the figures of {buyer} at {} are told, and had not moved", row.offset));
            }
        }
        Ok(())
    }
}

/// A turn that is taken again.
struct Turn<'a> {
    seen: &'a Committed,
    entry: &'a Entry,
    sent: Vec<(&'static str, Expected)>,
    /// Applied, duplicate, refused, skipped.
    counts: [u32; 4],
}

impl Turn<'_> {
    fn take(&mut self, shard: &mut Shard, order: &[(usize, OwnedRecord)]) -> Result<(), Complaint> {
        let (mode, now) = (self.entry.mode, self.entry.now);
        shard.speak(if mode == Mode::Quiet { Voice::Quiet } else { Voice::Told });
        if mode == Mode::Live {
            shard.go_by_wall(now);
        }
        let mut effects = Vec::new();
        for (topic, record) in order {
            self.apply(shard, *topic, record, &mut effects);
            self.send(&mut effects)?;
        }
        match mode {
            Mode::Event | Mode::Quiet => {}
            Mode::Live => shard.advance(now, &mut effects),
            Mode::Raise => shard.judge_all(&mut effects),
            Mode::RaiseLive => {
                shard.speak(Voice::Quiet);
                shard.go_by_wall(now);
                shard.advance(now, &mut effects);
                shard.speak(Voice::Told);
                shard.judge_all(&mut effects);
            }
        }
        self.send(&mut effects)
    }

    fn apply(&mut self, shard: &mut Shard, topic: usize, record: &OwnedRecord, effects: &mut Vec<Effect>) {
        let Some(value) = record.value.as_deref() else {
            self.counts[3] += 1;
            return;
        };
        let headers: Vec<Header<'_>> =
            record.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
        let mut rules = DecodeRules::new(shard.params().base, self.entry.now);
        rules.topics = if self.seen.way == Way::OneTopic { TopicRule::Any } else { TopicRule::Home };
        let (_, home): (&str, Topic) = INPUTS[topic];
        let (partition, partitions) = (record.partition as u32, self.seen.partitions);
        let key = record.key.as_deref();
        let scratch = bumpalo::Bump::new();
        let read = Record { topic: home, partition, partitions, key, headers: &headers, value };
        let outcome = match decode_record(&read, &rules, &scratch) {
            Ok(event) => shard.apply(&event, effects),
            Err(refusal) => Outcome::Refused(refusal),
        };
        match outcome {
            Outcome::Applied => self.counts[0] += 1,
            Outcome::Duplicate => self.counts[1] += 1,
            Outcome::Refused(refusal) => {
                self.counts[2] += 1;
                let (name, partition) = (format!("{}{}", self.seen.prefix, INPUTS[topic].0), partition.to_string());
                let offset = record.offset.to_string();
                let said = [
                    (dead_letter::CODE, refusal.code.as_str()),
                    (dead_letter::MESSAGE, &refusal.message),
                    (dead_letter::TOPIC, &name),
                    (dead_letter::PARTITION, &partition),
                    (dead_letter::OFFSET, &offset),
                ];
                let said = said.map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())));
                self.sent.push((
                    "dead-letters",
                    Expected {
                        key: record.key.clone(),
                        value: record.value.clone(),
                        headers: record.headers.iter().cloned().chain(said).collect(),
                        timestamp: record.timestamp,
                    },
                ));
            }
        }
    }

    fn send(&mut self, effects: &mut Vec<Effect>) -> Result<(), Complaint> {
        for effect in effects.drain(..) {
            let name = topic_of(&effect.body).ok_or("a history of scores is told, and nobody asked for one")?;
            let headers = vec![("content-type".to_owned(), Some(CONTENT_TYPE.as_bytes().to_vec()))];
            let (key, value) = (Some(effect.buyer_id.clone().into_bytes()), Some(encoded(&effect)));
            self.sent.push((name, Expected { key, value, headers, timestamp: None }));
        }
        Ok(())
    }
}

fn topic_of(body: &EffectBody) -> Option<&'static str> {
    match output_topic(body) {
        OutputTopic::Alerts => Some("alerts"),
        OutputTopic::LimitProposals => Some("limit-proposals"),
        OutputTopic::LimitChanges => Some("limit-changes"),
        OutputTopic::OrderDecisions => Some("order-decisions"),
        OutputTopic::Exposures => Some("exposures"),
        OutputTopic::History => None,
    }
}

fn encoded(effect: &Effect) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_effect(effect, &mut bytes);
    bytes
}

/// Figures are numbered by when they are told, which is nobody's promise.
fn without_id(row: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = br#"{"specversion":"1.0","id":""#;
    const ID_CHARACTERS: usize = 32;
    let mut row = row.to_vec();
    if row.starts_with(BEFORE) && row.len() > BEFORE.len() + ID_CHARACTERS {
        row[BEFORE.len()..BEFORE.len() + ID_CHARACTERS].fill(b'0');
    }
    row
}

/// The hash that the journal has of what a turn put out.
fn hash(sent: &[(&'static str, Expected)]) -> u128 {
    if sent.is_empty() {
        return 0;
    }
    let mut hasher = StableHasher::default();
    for (name, Expected { key, value, headers, .. }) in sent {
        let number = INPUTS.len() + OUTPUTS.iter().position(|output| output == name).unwrap();
        hasher.part(&(number as u16).to_le_bytes());
        let mut raw = [key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default()].concat();
        for (name, value) in headers {
            raw.extend_from_slice(name.as_bytes());
            raw.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        hasher.part(&raw);
    }
    hasher.finish()
}

/// Complains where the journal says something else.
fn demand<T: PartialEq + std::fmt::Debug>(what: &str, said: &T, is: &T) -> Result<(), Complaint> {
    if said == is { Ok(()) } else { Err(format!("the journal's {what}: {said:?}, and it is {is:?}")) }
}
