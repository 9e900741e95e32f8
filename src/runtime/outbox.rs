//! Owns what a turn sends: effects encoded, and refused records on their way to the dead letters.

use crate::base::Instant;
use crate::event::{Effect, Refusal, Topic};
use crate::wire::output::{CONTENT_TYPE, OutputTopic, encode_effect, output_topic};
use crate::wire::{Header, Route, route};

use super::counts::{Counts, Tally};
use super::records::{Headers, Record, Records, TopicId};

/// The topics of a log, by their number.
#[derive(Debug, Clone)]
pub struct Topics {
    /// Their names, which the dead letters tell.
    pub names: Vec<String>,
    /// What the topic of each number brings in; `None`: lines of files, which have no key and no home.
    pub inputs: Vec<Option<Topic>>,
    /// Where outputs go.
    pub outputs: OutputTopics,
    /// How many partitions each has: they are all the same.
    pub partitions: u32,
}

/// Where outputs go. Several may be one.
#[derive(Debug, Clone, Copy)]
pub struct OutputTopics {
    /// Alerts.
    pub alerts: TopicId,
    /// Proposed limit reductions.
    pub limit_proposals: TopicId,
    /// Changed limits.
    pub limit_changes: TopicId,
    /// Whether room is kept for orders.
    pub order_decisions: TopicId,
    /// Figures.
    pub exposures: TopicId,
    /// Changes of scores; `None`: nobody keeps a history of them.
    pub history: Option<TopicId>,
    /// Refused records.
    pub dead_letters: TopicId,
    /// What each turn read and made of it; `None`: nobody will read it again.
    pub journal: Option<TopicId>,
}

impl OutputTopics {
    fn of(&self, topic: OutputTopic) -> Option<TopicId> {
        match topic {
            OutputTopic::Alerts => Some(self.alerts),
            OutputTopic::LimitProposals => Some(self.limit_proposals),
            OutputTopic::LimitChanges => Some(self.limit_changes),
            OutputTopic::OrderDecisions => Some(self.order_decisions),
            OutputTopic::Exposures => Some(self.exposures),
            OutputTopic::History => self.history,
        }
    }
}

/// The names of the headers that a dead letter gets, and what they say.
pub mod dead_letter {
    /// The code of the refusal.
    pub const CODE: &str = "vigie.error.code";
    /// The refusal in a sentence.
    pub const MESSAGE: &str = "vigie.error.message";
    /// The topic that the record came by.
    pub const TOPIC: &str = "vigie.error.topic";
    /// Its partition there.
    pub const PARTITION: &str = "vigie.error.partition";
    /// Its offset there.
    pub const OFFSET: &str = "vigie.error.offset";
}

/// The records that a turn sends, and the buffers they are made in.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) records: Records,
    json: Vec<u8>,
}

impl Outbox {
    /// Encodes `effects` of the shard of `partition` and leaves none.
    pub(super) fn take(&mut self, effects: &mut Vec<Effect>, topics: &Topics, partition: u32, counts: &mut Counts) {
        for effect in effects.drain(..) {
            let kind = output_topic(&effect.body);
            let Some(topic) = topics.outputs.of(kind) else { continue };
            // A history of scores is kept beside the outputs, and is none of them.
            if kind != OutputTopic::History {
                *counts.outputs.entry(effect.body.type_name()).or_default() += 1;
            }
            self.json.clear();
            encode_effect(&effect, &mut self.json);
            let headers = [Header { name: "content-type", value: Some(CONTENT_TYPE.as_bytes()) }];
            self.records.push(&Record {
                topic,
                partition,
                offset: 0,
                time_ms: milliseconds(effect.at),
                key: Some(effect.buyer_id.as_bytes()),
                value: Some(&self.json),
                headers: Headers::Listed(&headers),
            });
        }
    }

    /// Counts a refused record and sends it whole to the dead letters, with what was wrong and where it stood.
    #[cold]
    pub(super) fn refuse(&mut self, record: &Record<'_>, refusal: &Refusal, topics: &Topics, counts: &mut Counts) {
        let tally: &mut Tally = match record.value.map(route) {
            Some(Route::EveryShard) => &mut counts.copies,
            _ => &mut counts.own,
        };
        *tally.refused.entry(refusal.code).or_default() += 1;
        let (partition, offset) = (record.partition.to_string(), record.offset.to_string());
        let mut headers: Vec<Header<'_>> = record.headers.iter().collect();
        headers.extend(
            [
                (dead_letter::CODE, refusal.code.as_str()),
                (dead_letter::MESSAGE, &refusal.message),
                (dead_letter::TOPIC, &topics.names[usize::from(record.topic.0)]),
                (dead_letter::PARTITION, &partition),
                (dead_letter::OFFSET, &offset),
            ]
            .map(|(name, value)| Header { name, value: Some(value.as_bytes()) }),
        );
        self.records.push(&Record {
            topic: topics.outputs.dead_letters,
            headers: Headers::Listed(&headers),
            ..*record
        });
    }
}

fn milliseconds(instant: Instant) -> i64 {
    instant.nanos().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::effect::LimitChangeCause;
    use crate::event::{Cause, EffectBody, LimitChange, Scored};

    fn topics(history: Option<TopicId>) -> Topics {
        let outputs = OutputTopics {
            alerts: TopicId(1),
            limit_proposals: TopicId(2),
            limit_changes: TopicId(3),
            order_decisions: TopicId(6),
            exposures: TopicId(4),
            history,
            dead_letters: TopicId(5),
            journal: None,
        };
        Topics { names: Vec::new(), inputs: Vec::new(), outputs, partitions: 1 }
    }

    fn effects() -> Vec<Effect> {
        let change = LimitChange {
            old_limit: None,
            new_limit: None,
            effective_at: Instant::MIN,
            cause: LimitChangeCause::Removed,
            proposal_id: None,
            decided_by: None,
        };
        let effect = |body| Effect {
            buyer_id: "b".to_owned(),
            at: Instant::from_nanos(0),
            sequence: 1,
            caused_by: Cause::Clock,
            params_version: 1,
            body,
        };
        [EffectBody::LimitChanged(change), EffectBody::ScoreChanged(Scored::HEALTHY)].map(effect).into()
    }

    #[test]
    fn a_history_is_sent_only_where_it_has_a_topic_and_never_counted() {
        for (history, sent) in [(None, vec![TopicId(3)]), (Some(TopicId(9)), vec![TopicId(3), TopicId(9)])] {
            let (mut outbox, mut counts) = (Outbox::default(), Counts::default());
            outbox.take(&mut effects(), &topics(history), 0, &mut counts);
            let told: Vec<TopicId> = outbox.records.iter().map(|record| record.topic).collect();
            assert_eq!(told, sent);
            assert_eq!(counts.outputs.into_iter().collect::<Vec<_>>(), [("limit.changed", 1)]);
        }
    }
}
