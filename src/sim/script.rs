//! Owns the inputs of a simulation: a small portfolio's events with trouble among them, and records that must be refused.

use bumpalo::Bump;

use super::preset::{Preset, Spread, stream};
use crate::base::Instant;
use crate::base::time::SECOND_NS;
use crate::event::{Effect, EffectBody, Event, Topic};
use crate::risk::Shard;
use crate::runtime::{ClockRule, Headers, Record, Records, TopicId};
use crate::wire::{self, decode_record, encode_event, partition_of};
use crate::workload::random::Draws;
use crate::workload::{PRESETS, Plan, Workload};

/// A record of an input.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) topic: TopicId,
    pub(super) partition: u32,
    /// When it happens, and is written.
    pub(super) at: Instant,
    pub(super) key: Option<Vec<u8>>,
    /// `None`: a tombstone.
    pub(super) value: Option<Vec<u8>>,
}

impl Item {
    pub(super) fn push_to(&self, records: &mut Records) {
        records.push(&Record {
            topic: self.topic,
            partition: self.partition,
            offset: 0,
            time_ms: self.at.nanos().div_euclid(1_000_000),
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: Headers::NONE,
        });
    }
}

/// Writes the inputs of a preset.
struct Writer<'a> {
    preset: &'a Preset,
    draws: Draws,
    items: Vec<Item>,
    troubles: u32,
}

/// The inputs of a preset, in the order in which they are written.
pub(super) fn script(preset: &Preset) -> Vec<Item> {
    let draws = preset.draws(stream::SCRIPT);
    let mut writer = Writer { preset, draws, items: Vec::new(), troubles: 0 };
    let plan = Plan::new(&PRESETS[0], preset.seed).with_buyers(preset.buyers).expect("a few buyers");
    let plan = plan.with_days(Preset::first_day(), preset.days).expect("a few days");
    let written: Result<(), std::convert::Infallible> = Workload::new(plan).stream(&mut |event| {
        writer.take(event);
        Ok(())
    });
    written.expect("nothing refuses an event");
    let mut items = writer.items;
    if preset.is_comparable() {
        items = with_decisions(preset, items);
    }
    items
}

/// Ticks on all shards at the start of a day.
pub(super) fn ticks(preset: &Preset, at: Instant) -> Vec<Item> {
    let value = format!(
        r#"{{"specversion":"1.0","id":"end-{at}","source":"/clock","type":"clock.tick","time":"{at}","data":{{}}}}"#
    );
    let tick =
        |partition| Item { topic: TopicId(0), partition, at, key: None, value: Some(value.clone().into_bytes()) };
    (0..preset.partitions).map(tick).collect()
}

/// An arbiter's decision on a proposal, as a record.
pub(super) fn decision(
    preset: &Preset,
    (buyer, proposal, version): (&str, &str, u64),
    at: Instant,
    draws: &mut Draws,
) -> Item {
    let (kind, number) = (*draws.pick(&["approved", "approved", "rejected"]), draws.below(1_000_000));
    let value = format!(
        r#"{{"specversion":"1.0","id":"decision-{number}","source":"/desk","type":"proposal.{kind}","subject":"{buyer}","time":"{at}","data":{{"proposal_id":"{proposal}","version":{version},"decided_by":"anna"}}}}"#
    );
    Item {
        topic: topic_of(preset, Some(Topic::Decisions)),
        partition: partition_of(buyer.as_bytes(), preset.partitions),
        at,
        key: Some(buyer.as_bytes().to_vec()),
        value: Some(value.into_bytes()),
    }
}

fn topic_of(preset: &Preset, home: Option<Topic>) -> TopicId {
    let place = |home: Topic| Topic::ALL.iter().position(|topic| *topic == home).unwrap_or(0);
    match preset.spread {
        Spread::OneTopic => TopicId(0),
        Spread::HomeTopics => TopicId(home.map_or(0, place) as u16),
    }
}

impl Writer<'_> {
    fn take(&mut self, event: &Event<'_>) {
        let mut value = Vec::new();
        encode_event(event, &mut value);
        let topic = topic_of(self.preset, event.body.spec().topic);
        if !event.body.spec().has_buyer {
            for partition in 0..self.preset.partitions {
                let value = Some(value.clone());
                self.items.push(Item { topic, partition, at: event.time, key: None, value });
            }
            return;
        }
        let item = self.of_buyer(event.subject, topic, event.time, value);
        self.mangle(&item);
        self.items.push(item);
        if self.draws.happens(200) {
            self.trouble(event.subject, event.time);
        }
    }

    fn of_buyer(&self, buyer: &str, topic: TopicId, at: Instant, value: Vec<u8>) -> Item {
        let partition = partition_of(buyer.as_bytes(), self.preset.partitions);
        Item { topic, partition, at, key: Some(buyer.as_bytes().to_vec()), value: Some(value) }
    }

    /// Now and then something comes before a record that is like it, and is to be counted, refused or skipped.
    fn mangle(&mut self, item: &Item) {
        match self.draws.below(60) {
            0 => self.items.push(item.clone()),
            1 => self.items.push(Item { value: None, ..item.clone() }),
            2 => self.items.push(Item { value: Some(b"{\"not\": an event".to_vec()), ..item.clone() }),
            3 => self.items.push(Item { key: Some(b"somebody else".to_vec()), ..item.clone() }),
            4 => {
                let topics = if self.preset.spread == Spread::OneTopic { 1 } else { Topic::ALL.len() as u32 };
                let topic = TopicId(self.draws.below(topics) as u16);
                self.items.push(Item { topic, ..item.clone() });
            }
            5 if !self.items.is_empty() => {
                let count = self.items.len() as u32;
                let again = self.items[self.draws.below(count) as usize].clone();
                self.items.push(Item { at: item.at, ..again });
            }
            _ => {}
        }
    }

    /// A buyer gets into trouble, or what is said of it is at odds with what was said.
    fn trouble(&mut self, buyer: &str, at: Instant) {
        self.troubles += 1;
        let number = self.troubles;
        let day = at.day();
        let known = number / 2;
        let (kind, home, data) = match self.draws.below(12) {
            0 => ("limit.set", Topic::Limits, r#"{"amount":"5000","currency":"EUR"}"#.to_owned()),
            1 | 2 => (
                "rating.changed",
                Topic::Signals,
                format!(r#"{{"agency":"A{}","grade":{}}}"#, number % 2, 6 + self.draws.below(5)),
            ),
            3 => {
                ("insolvency.opened", Topic::Signals, format!(r#"{{"procedure":"receivership","opened_on":"{day}"}}"#))
            }
            4 => ("insolvency.closed", Topic::Signals, format!(r#"{{"closed_on":"{day}"}}"#)),
            5 => (
                "incident.reported",
                Topic::Signals,
                format!(r#"{{"incident_id":"I{known}","kind":"unpaid","amount":"{}","currency":"EUR"}}"#, 100 + number),
            ),
            6..9 => {
                let lasts = i64::from(self.draws.between(-1, 200_000)) * SECOND_NS;
                let (amount, until) = (1000 * (1 + self.draws.below(300)), at.plus_nanos(lasts));
                let held =
                    format!(r#"{{"order_id":"H{known}","amount":"{amount}","currency":"EUR","expires_at":"{until}"}}"#);
                ("order.held", Topic::Invoices, held)
            }
            _ => (
                "invoice.issued",
                Topic::Invoices,
                format!(
                    r#"{{"invoice_id":"X{known}","amount":"{}","currency":"EUR","issued_on":"{day}","due_on":"{}"}}"#,
                    1000 * (1 + self.draws.below(300)),
                    day.plus(self.draws.between(0, 5))
                ),
            ),
        };
        let seconds = match self.draws.below(8) {
            // Some are late, and with the live clock some are of the future.
            0 => -100_000,
            1 if self.preset.clock == ClockRule::Live => self.draws.between(300, 900),
            _ => 0,
        };
        let time = at.plus_nanos(i64::from(seconds) * SECOND_NS);
        let value = format!(
            r#"{{"specversion":"1.0","id":"t{number}","source":"/trouble","type":"{kind}","subject":"{buyer}","time":"{time}","data":{data}}}"#
        );
        let item = self.of_buyer(buyer, topic_of(self.preset, Some(home)), at, value.into_bytes());
        self.items.push(item);
    }
}

/// Puts decisions among the items: of proposals that come out of them where nothing goes wrong.
fn with_decisions(preset: &Preset, items: Vec<Item>) -> Vec<Item> {
    let mut draws = preset.draws(stream::SCRIPT + 100);
    let mut shards: Vec<Shard> = (0..preset.partitions).map(|_| Shard::new(Preset::params(1))).collect();
    let mut decode = preset.decode();
    decode.now = preset.wall();
    let mut with = Vec::with_capacity(items.len());
    let mut waiting: Vec<(u32, Item)> = Vec::new();
    let mut effects = Vec::new();
    for item in items {
        apply(&item, &mut shards, preset, &decode, &mut effects);
        let at = item.at;
        with.push(item);
        for effect in effects.drain(..) {
            if let (true, Some((proposal, version))) = (draws.happens(800), proposed(&effect)) {
                let decided = decision(preset, (&effect.buyer_id, proposal, version.into()), at, &mut draws);
                waiting.push((draws.below(8), decided));
            }
        }
        while let Some(place) = waiting.iter().position(|(left, _)| *left == 0) {
            let (_, mut decided) = waiting.remove(place);
            decided.at = at;
            apply(&decided, &mut shards, preset, &decode, &mut effects);
            with.push(decided);
        }
        waiting.iter_mut().for_each(|(left, _)| *left -= 1);
    }
    with
}

fn proposed(effect: &Effect) -> Option<(&str, u32)> {
    match &effect.body {
        EffectBody::LimitReductionProposed(notice) => Some((&notice.proposal_id, notice.version)),
        _ => None,
    }
}

fn apply(item: &Item, shards: &mut [Shard], preset: &Preset, decode: &wire::DecodeRules, effects: &mut Vec<Effect>) {
    let Some(value) = &item.value else { return };
    let scratch = Bump::new();
    let record = wire::Record {
        topic: Topic::Invoices,
        partition: item.partition,
        partitions: preset.partitions,
        key: item.key.as_deref(),
        headers: &[],
        value,
    };
    if let Ok(event) = decode_record(&record, decode, &scratch) {
        shards[item.partition as usize].apply(&event, effects);
    }
}
