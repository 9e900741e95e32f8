//! Owns the slow, obvious twin of the service: it reads the committed journal and inputs from the first record on, makes of them
//! what must come out, and holds against it what did. It shares no code with the turns or the recovery of a service.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bumpalo::Bump;

use super::log::{EmbeddedLog, Isolation};
use super::preset::Preset;
use crate::base::Instant;
use crate::event::{Effect, Refusal};
use crate::risk::buyer::Voice;
use crate::risk::{Outcome, Shard};
use crate::runtime::journal::{Entry, EntryCounts, Mode, SEMANTICS};
use crate::runtime::outbox::dead_letter;
use crate::runtime::{ServiceRules, TopicId, Topics};
use crate::wire::output::{CONTENT_TYPE, encode_effect, output_topic};
use crate::wire::{self, DecodeRules, OutputTopic, decode_record};

/// A record as a reader of committed records sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) offset: i64,
    pub(super) time_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or(b"nothing")).into_owned()
    }

    /// The same but for its offset.
    fn says_as(&self, other: &Seen) -> bool {
        let of = |seen: &Seen| (seen.time_ms, seen.key.clone(), seen.value.clone(), seen.headers.clone());
        of(self) == of(other)
    }
}

/// The committed records of a partition.
pub(super) fn records(log: &EmbeddedLog, topic: TopicId, partition: u32) -> Vec<Seen> {
    let mut records = Vec::new();
    let read = log.read(topic, partition, 0, Isolation::Committed, |record| {
        let headers = record.headers.iter().map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
        records.push(Seen {
            offset: record.offset,
            time_ms: record.time_ms,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
        });
        true
    });
    read.expect("a simulated log keeps everything");
    records
}

/// What was found of a partition.
pub(super) struct Followed {
    pub(super) shard: Shard,
    /// Turns in the journal.
    pub(super) turns: u64,
    /// Outputs of all kinds.
    pub(super) outputs: u64,
}

/// Follows one partition.
pub(super) struct Follower<'a> {
    log: &'a EmbeddedLog,
    topics: Topics,
    decode: DecodeRules,
    interval_ms: i64,
    partition: u32,
    shard: Shard,
    inputs: Vec<Vec<Seen>>,
    /// By input topic: the end of the last range.
    positions: Vec<i64>,
    outputs: BTreeMap<TopicId, std::vec::IntoIter<Seen>>,
    /// The last figures told of each buyer: the tenure, the wall clock, the record.
    told: BTreeMap<Vec<u8>, (u64, Instant, Seen)>,
    /// Whose figures moved and are not told yet, in the order in which they are to be told.
    owed: VecDeque<u32>,
    ids: BTreeSet<Vec<u8>>,
    taken: u64,
}

impl<'a> Follower<'a> {
    pub(super) fn new(log: &'a EmbeddedLog, preset: &Preset, partition: u32) -> Follower<'a> {
        let topics = preset.topics();
        let rules: ServiceRules = preset.service_rules(0, 1);
        let inputs = (0..topics.inputs.len()).map(|topic| records(log, TopicId(topic as u16), partition)).collect();
        let first = topics.inputs.len() as u16;
        let last = topics.outputs.dead_letters.0;
        let outputs = (first..=last).map(|topic| (TopicId(topic), records(log, TopicId(topic), partition).into_iter()));
        Follower {
            log,
            decode: preset.decode(),
            interval_ms: i64::from(rules.exposures_interval_ms),
            partition,
            shard: Shard::new(rules.params),
            inputs,
            positions: vec![0; topics.inputs.len()],
            outputs: outputs.collect(),
            topics,
            told: BTreeMap::new(),
            owed: VecDeque::new(),
            ids: BTreeSet::new(),
            taken: 0,
        }
    }

    /// Follows the journal to its end. `tenures` says by which tenure each entry was written.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(super) fn follow(mut self, tenures: &BTreeMap<u128, u64>) -> Result<Followed, String> {
        let journal = self.topics.outputs.journal.expect("a service has a journal");
        let (mut epoch, mut hash, mut now) = (0, 0, Instant::MIN);
        for record in records(self.log, journal, self.partition) {
            let bytes = record.value.unwrap_or_default();
            let entry = Entry::decode(&bytes).map_err(|error| format!("after turn {epoch}: {error}"))?;
            if (entry.epoch, entry.previous) != (epoch + 1, hash) {
                return Err(format!(
                    "after turn {epoch} the journal has turn {}, which does not follow it",
                    entry.epoch
                ));
            }
            if entry.now < now || entry.semantics != SEMANTICS {
                return Err(format!("turn {} goes by {}, after {now}", entry.epoch, entry.now));
            }
            (epoch, hash, now) = (entry.epoch, Entry::hash(&bytes), entry.now);
            let tenure = tenures.get(&hash).copied().unwrap_or(0);
            self.turn(&entry, tenure).map_err(|what| format!("turn {epoch}: {what}"))?;
        }
        self.check_end()?;
        Ok(Followed { shard: self.shard, turns: epoch, outputs: self.taken })
    }

    /// Takes a turn again, and holds what came out against it.
    fn turn(&mut self, entry: &Entry, tenure: u64) -> Result<(), String> {
        if let Some(params) = &entry.params {
            if entry.epoch == 1 {
                self.shard = Shard::new(params.clone());
            }
            self.shard.change_params(params.clone());
        }
        self.shard.watch_figures();
        self.shard.speak(if entry.mode == Mode::Quiet { Voice::Quiet } else { Voice::Told });
        if entry.mode == Mode::Live {
            self.shard.go_by_wall(entry.now);
        }
        let mut effects = Vec::new();
        let mut counts = EntryCounts::default();
        for (topic, record) in self.ranges(entry)? {
            let taken = self.apply(topic, &record, entry.now, &mut effects);
            match taken {
                None => counts.skipped += 1,
                Some(Outcome::Applied) => counts.applied += 1,
                Some(Outcome::Duplicate) => counts.duplicate += 1,
                Some(Outcome::Refused(refusal)) => {
                    counts.refused += 1;
                    self.expect_effects(&mut effects)?;
                    self.expect_dead_letter(topic, &record, &refusal)?;
                }
            }
            self.expect_effects(&mut effects)?;
        }
        match entry.mode {
            Mode::Event | Mode::Quiet => {}
            Mode::Live => self.shard.advance(entry.now, &mut effects),
            Mode::Raise => self.shard.judge_all(&mut effects),
            Mode::RaiseLive => {
                self.shard.speak(Voice::Quiet);
                self.shard.go_by_wall(entry.now);
                self.shard.advance(entry.now, &mut effects);
                self.shard.speak(Voice::Told);
                self.shard.judge_all(&mut effects);
            }
        }
        self.expect_effects(&mut effects)?;
        let (clock, judgements) = (self.shard.clock(), self.shard.judgements());
        if (entry.counts, entry.clock, entry.judgements) != (counts, clock, judgements) {
            return Err(format!(
                "the journal says {:?}, clock {:?}, judgements {:x}; it should be {counts:?}, {clock:?}, {judgements:x}",
                entry.counts, entry.clock, entry.judgements
            ));
        }
        let owed = &mut self.owed;
        self.shard.take_moved(|place| {
            if !owed.contains(&place) {
                owed.push_back(place);
            }
        });
        (0..entry.exposures).try_for_each(|_| self.check_told(entry.now, tenure))
    }

    /// The records of a turn, in the order of the contract: by when they count as written, topic, offset.
    fn ranges(&mut self, entry: &Entry) -> Result<Vec<(TopicId, Seen)>, String> {
        let mut taken = Vec::new();
        for range in &entry.ranges {
            let topic = usize::from(range.topic);
            if range.from != self.positions[topic] {
                let (at, from) = (self.positions[topic], range.from);
                return Err(format!("input {topic} was read up to {at} and goes on from {from}"));
            }
            self.positions[topic] = range.to;
            let within = |seen: &&Seen| (range.from..range.to).contains(&seen.offset);
            let mut written_ms = i64::MIN;
            let before = taken.len();
            for seen in self.inputs[topic].iter().filter(within) {
                written_ms = written_ms.max(seen.time_ms);
                taken.push((written_ms, TopicId(range.topic), seen.clone()));
            }
            if taken.len() - before != range.records as usize {
                let found = taken.len() - before;
                return Err(format!("input {topic} has {found} records in {range:?}"));
            }
        }
        taken.sort_by_key(|(written_ms, topic, seen)| (*written_ms, *topic, seen.offset));
        Ok(taken.into_iter().map(|(_, topic, seen)| (topic, seen)).collect())
    }

    fn apply(&mut self, topic: TopicId, seen: &Seen, now: Instant, effects: &mut Vec<Effect>) -> Option<Outcome> {
        let value = seen.value.as_deref()?;
        self.decode.now = now;
        let scratch = Bump::new();
        let headers: Vec<wire::Header<'_>> = Vec::new();
        let record = wire::Record {
            topic: self.topics.inputs[usize::from(topic.0)].expect("each input has a home"),
            partition: self.partition,
            partitions: self.topics.partitions,
            key: seen.key.as_deref(),
            headers: &headers,
            value,
        };
        Some(match decode_record(&record, &self.decode, &scratch) {
            Ok(event) => self.shard.apply(&event, effects),
            Err(refusal) => Outcome::Refused(refusal),
        })
    }

    fn next(&mut self, topic: TopicId) -> Result<Seen, String> {
        let name = &self.topics.names[usize::from(topic.0)];
        let next = self.outputs.get_mut(&topic).and_then(Iterator::next);
        self.taken += 1;
        let next = next.ok_or_else(|| format!("{name} has no more records, and should have one"))?;
        let id = next.value.as_deref().and_then(id_of).map(<[u8]>::to_vec);
        if topic != self.topics.outputs.dead_letters
            && let Some(id) = id
            && !self.ids.insert(id)
        {
            return Err(format!("the id of this output was there before: {}", next.text()));
        }
        Ok(next)
    }

    fn expect(&mut self, topic: TopicId, wanted: &Seen) -> Result<(), String> {
        let found = self.next(topic).map_err(|what| format!("{what}: {}", wanted.text()))?;
        if found.says_as(wanted) {
            return Ok(());
        }
        let name = &self.topics.names[usize::from(topic.0)];
        Err(format!("{name} has\n  {}\nand should have\n  {}", found.text(), wanted.text()))
    }

    fn expect_effects(&mut self, effects: &mut Vec<Effect>) -> Result<(), String> {
        effects.drain(..).try_for_each(|effect| {
            let outputs = &self.topics.outputs;
            let topic = match output_topic(&effect.body) {
                OutputTopic::Alerts => outputs.alerts,
                OutputTopic::LimitProposals => outputs.limit_proposals,
                OutputTopic::LimitChanges => outputs.limit_changes,
                OutputTopic::OrderDecisions => outputs.order_decisions,
                OutputTopic::Exposures | OutputTopic::History => return Ok(()),
            };
            let wanted = told(&effect);
            self.expect(topic, &wanted)
        })
    }

    fn expect_dead_letter(&mut self, topic: TopicId, record: &Seen, refusal: &Refusal) -> Result<(), String> {
        let mut wanted = record.clone();
        let further = [
            (dead_letter::CODE, refusal.code.as_str().to_owned()),
            (dead_letter::MESSAGE, refusal.message.clone()),
            (dead_letter::TOPIC, self.topics.names[usize::from(topic.0)].clone()),
            (dead_letter::PARTITION, self.partition.to_string()),
            (dead_letter::OFFSET, record.offset.to_string()),
        ];
        wanted.headers.extend(further.map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))));
        self.expect(self.topics.outputs.dead_letters, &wanted)
    }

    /// The figures told next must be of the buyer that waits longest, those that it has now, and not told too soon.
    fn check_told(&mut self, now: Instant, tenure: u64) -> Result<(), String> {
        let found = self.next(self.topics.outputs.exposures)?;
        let buyer = found.key.clone().unwrap_or_default();
        let next = self.owed.pop_front().map(|place| self.shard.buyer_id(place as usize));
        if next.map(str::as_bytes) != Some(&buyer[..]) {
            return Err(format!("the figures of {next:?} are to be told next, and told is {}", found.text()));
        }
        let wanted = self.figures(&buyer)?;
        if figures_of(&found) != figures_of(&wanted) {
            return Err(format!("exposures has\n  {}\nand should have\n  {}", found.text(), wanted.text()));
        }
        let ms = |of: Instant| of.nanos().div_euclid(1_000_000);
        let before = self.told.insert(buyer.clone(), (tenure, now, found));
        match before {
            Some((same, at, _)) if same == tenure && ms(now) - ms(at) < self.interval_ms => {
                let buyer = String::from_utf8_lossy(&buyer).into_owned();
                Err(format!("the figures of {buyer} were told at {at} and again at {now}"))
            }
            _ => Ok(()),
        }
    }

    /// What is told of a buyer now.
    fn figures(&mut self, buyer: &[u8]) -> Result<Seen, String> {
        let buyer_id = std::str::from_utf8(buyer).map_err(|error| error.to_string())?;
        let place = self.shard.place_of(buyer_id).ok_or_else(|| format!("nobody knows the buyer {buyer_id}"))?;
        let mut effects = Vec::new();
        self.shard.tell_exposures_of(&[place], &mut effects);
        effects.first().map(told).ok_or_else(|| format!("there are no figures of {buyer_id}"))
    }

    /// At the end nothing is left over, and everybody's last figures are those of now.
    fn check_end(&mut self) -> Result<(), String> {
        for (topic, left) in &mut self.outputs {
            if let Some(more) = left.next() {
                return Err(format!(
                    "{} has more than it should: {}",
                    self.topics.names[usize::from(topic.0)],
                    more.text()
                ));
            }
        }
        for (topic, position) in self.positions.iter().enumerate() {
            let name = &self.topics.names[topic];
            if let Some(unread) = self.inputs[topic].iter().find(|seen| seen.offset >= *position) {
                return Err(format!("{name} was read up to {position}, and has a record at {}", unread.offset));
            }
            let committed = self.log.committed(TopicId(topic as u16), self.partition);
            if committed.unwrap_or(0) != *position {
                return Err(format!("{name} was read up to {position}, and the group stands at {committed:?}"));
            }
        }
        for place in self.shard.in_order() {
            let buyer = self.shard.buyer_id(place).as_bytes().to_vec();
            let now = self.figures(&buyer)?;
            match self.told.get(&buyer) {
                Some((.., last)) if figures_of(last) == figures_of(&now) => {}
                Some((.., last)) => {
                    return Err(format!("the figures told last are\n  {}\nand are now\n  {}", last.text(), now.text()));
                }
                None => return Err(format!("no figures were told of {}", String::from_utf8_lossy(&buyer))),
            }
        }
        Ok(())
    }
}

/// An effect as it is told.
fn told(effect: &Effect) -> Seen {
    let mut value = Vec::new();
    encode_effect(effect, &mut value);
    Seen {
        offset: 0,
        time_ms: effect.at.nanos().div_euclid(1_000_000),
        key: Some(effect.buyer_id.clone().into_bytes()),
        value: Some(value),
        headers: vec![("content-type".to_owned(), Some(CONTENT_TYPE.as_bytes().to_vec()))],
    }
}

/// What is told of a buyer, but for when and under which id.
fn figures_of(seen: &Seen) -> &[u8] {
    let value = seen.value.as_deref().unwrap_or_default();
    let start = value.windows(8).position(|bytes| bytes == b"\"data\":{").unwrap_or(0);
    &value[start..]
}

/// The id of an output.
fn id_of(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(br#"{"specversion":"1.0","id":""#)?.get(..32)
}

/// The proposal that a record tells, if it tells one: buyer, proposal, version.
pub(super) fn proposal_of(seen: &Seen) -> Option<(String, String, u64)> {
    let value: serde_json::Value = serde_json::from_slice(seen.value.as_deref()?).ok()?;
    let is_proposed = value["type"] == "limit.reduction_proposed";
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let data = &value["data"];
    is_proposed.then_some((text(&value["subject"])?, text(&data["proposal_id"])?, data["version"].as_u64()?))
}
