//! Owns a worker's place in its consumer group: which partitions it is given and loses, and what is committed for them.
//!
//! The member of the group fetches nothing: its partitions are paused as soon as it has them, and are read by another
//! client ([`super::inputs`]). So a rebalance never touches what is being read of partitions that stay, records never come
//! between the events of the group, and how often the group is polled is what `max.poll.interval.ms` measures.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaRespErr;

use super::error;
use super::listener::Listener;
use super::queue;
use super::settings::{GroupProtocol, Settings};
use crate::io::clock::Stopwatch;
use crate::runtime::{LogError, Polled, Position};

/// A member of the group.
pub(super) struct Group {
    consumer: BaseConsumer<Member>,
    names: Arc<[String]>,
    inputs: usize,
    partitions: u32,
    protocol: GroupProtocol,
    member: String,
    call_timeout: Duration,
    /// By partition, the input topics of it that the group has given.
    given: BTreeMap<u32, BTreeSet<usize>>,
    /// Partitions of which it has given all topics, and of which that was told.
    owned: BTreeSet<u32>,
    told: VecDeque<Polled>,
    /// Runs while some partition is given in part.
    partly: Option<Stopwatch>,
}

/// How long some topics of a partition may be with another member: with [`GroupProtocol::Consumer`] they come one by one.
const PARTLY_MAX_SECONDS: f64 = 60.0;
/// So often in a row the client says that there is nothing before it is believed: it says so too where it was only its log.
const QUIET_MAX: usize = 3;

/// What the group does to a member.
#[derive(Debug)]
enum Change {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
    Failed(String),
}

/// Listens to the group. It only notes what happens: who polls acts on it.
#[derive(Debug, Default)]
pub(super) struct Member {
    listener: Listener,
    changes: Mutex<Vec<Change>>,
}

impl Group {
    /// Joins. The first `inputs` of the topics are those that the group shares out.
    pub(super) fn join(
        settings: &Settings,
        names: Arc<[String]>,
        inputs: usize,
        partitions: u32,
    ) -> KafkaResult<Group> {
        let consumer: BaseConsumer<Member> = settings.for_group().create_with_context(Member::default())?;
        let topics: Vec<&str> = names[..inputs].iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        Ok(Group {
            consumer,
            names,
            inputs,
            partitions,
            protocol: settings.protocol,
            member: settings.member(),
            call_timeout: Duration::from_millis(settings.call_timeout_ms.into()),
            given: BTreeMap::new(),
            owned: BTreeSet::new(),
            told: VecDeque::new(),
            partly: None,
        })
    }

    /// Hears what the group has to say, without waiting.
    pub(super) fn serve(&mut self) -> Result<(), LogError> {
        let mut quiet = 0;
        while quiet < QUIET_MAX {
            match self.consumer.poll(Duration::ZERO) {
                // It fetches nothing; what slipped in before the pause is read elsewhere.
                Some(Ok(_)) | Some(Err(KafkaError::PartitionEOF(_))) => {}
                Some(Err(error)) => {
                    if let Some(error) = error::of_consumption(&error, &self.member) {
                        return Err(error);
                    }
                }
                None if self.consumer.context().has_changes() => {}
                None => quiet += 1,
            }
            for change in self.consumer.context().take_changes() {
                self.take(change)?;
            }
        }
        match self.partly {
            Some(since) if since.seconds() > PARTLY_MAX_SECONDS => Err(self.divided()),
            _ => Ok(()),
        }
    }

    /// Whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.told.is_empty()
    }

    /// What the group has changed, one thing at a time.
    pub(super) fn next_change(&mut self) -> Option<Polled> {
        self.told.pop_front()
    }

    /// Whether the group has given a partition, and that was told.
    pub(super) fn owns(&self, partition: u32) -> bool {
        self.owned.contains(&partition)
            && !self.told.iter().any(|told| matches!(told, Polled::Assigned(list) if list.contains(&partition)))
    }

    /// What a transaction with these positions needs to know of the group, as of now: it is another one after each rebalance.
    /// Only while this member has the partitions, and is in the group: what comes from nowhere the broker takes, as long as
    /// the group has no members.
    pub(super) fn metadata(&mut self, positions: &[Position]) -> Result<ConsumerGroupMetadata, LogError> {
        self.serve()?;
        if let Some(lost) = positions.iter().find(|position| !self.owns(position.partition)) {
            return Err(LogError::Abort(format!("partition {} is not this member's any more", lost.partition)));
        }
        let generation = queue::generation(&self.consumer);
        let metadata = self.consumer.group_metadata();
        match metadata {
            // Generations never come back: between two that are the same there was no other.
            Some(metadata) if generation >= 0 && queue::generation(&self.consumer) == generation => Ok(metadata),
            _ => Err(LogError::Abort("this member is not in the group now".to_owned())),
        }
    }

    /// The committed position of a place.
    pub(super) fn committed(&self, topic: usize, partition: u32) -> Result<Option<i64>, LogError> {
        let name = &self.names[topic];
        let doing = || format!("asking for the committed position of {name}, partition {partition}");
        let mut list = TopicPartitionList::new();
        list.add_partition(name, partition as i32);
        // The answer is dropped within this call: one that outlives its consumer keeps it from ever being dropped.
        let answer = self
            .consumer
            .committed_offsets(list, self.call_timeout)
            .map_err(|error| error::of_question(&error, &doing()))?;
        let element = answer.find_partition(name, partition as i32);
        let element = element.ok_or_else(|| LogError::Retry(format!("{}: no answer", doing())))?;
        element.error().map_err(|error| error::of_question(&error, &doing()))?;
        match element.offset() {
            Offset::Offset(next) => Ok(Some(next)),
            Offset::Invalid => Ok(None),
            other => Err(LogError::Fatal(format!("{}: the answer is {other:?}", doing()))),
        }
    }

    fn take(&mut self, change: Change) -> Result<(), LogError> {
        match change {
            Change::Failed(text) => return Err(LogError::Fatal(text)),
            Change::Assigned(list) => {
                for (topic, partition) in self.known(&list)? {
                    self.given.entry(partition).or_default().insert(topic);
                }
                let whole = self
                    .given
                    .iter()
                    .filter(|(_, topics)| topics.len() == self.inputs)
                    .map(|(partition, _)| *partition);
                let new: Vec<u32> = whole.filter(|partition| !self.owned.contains(partition)).collect();
                self.owned.extend(&new);
                if !new.is_empty() {
                    self.told.push_back(Polled::Assigned(new));
                }
            }
            Change::Revoked(list) => {
                let mut gone = BTreeSet::new();
                for (topic, partition) in self.known(&list)? {
                    if let Some(topics) = self.given.get_mut(&partition) {
                        topics.remove(&topic);
                    }
                    if self.owned.remove(&partition) {
                        gone.insert(partition);
                    }
                }
                self.given.retain(|_, topics| !topics.is_empty());
                if !gone.is_empty() {
                    self.told.push_back(Polled::Revoked(gone.into_iter().collect()));
                }
            }
        }
        let is_partly = self.given.values().any(|topics| topics.len() < self.inputs);
        if is_partly && self.protocol == GroupProtocol::Classic {
            return Err(self.divided());
        }
        if !is_partly {
            self.partly = None;
        } else if self.partly.is_none() {
            self.partly = Some(Stopwatch::start());
        }
        Ok(())
    }

    /// The same places, by number of topic.
    fn known(&self, list: &[(String, i32)]) -> Result<Vec<(usize, u32)>, LogError> {
        let known = |(name, partition): &(String, i32)| {
            let topic = self.names[..self.inputs].iter().position(|own| own == name);
            let partition = u32::try_from(*partition).ok().filter(|partition| *partition < self.partitions);
            topic.zip(partition).ok_or_else(|| {
                LogError::Fatal(format!(
                    "the group gave {name}, partition {}, which was not there at the start: the number of partitions changed. \
                     See the operations page: \"more partitions\"",
                    self::number(list, name)
                ))
            })
        };
        list.iter().map(known).collect()
    }

    /// The group has given some topics of a partition to another member.
    fn divided(&self) -> LogError {
        let parts = self.given.iter().filter(|(_, topics)| topics.len() < self.inputs);
        let parts = parts.map(|(partition, topics)| {
            let missing = (0..self.inputs).filter(|topic| !topics.contains(topic));
            let missing: Vec<&str> = missing.map(|topic| self.names[topic].as_str()).collect();
            format!("of partition {partition} not {}", missing.join(", "))
        });
        let parts: Vec<String> = parts.collect();
        LogError::Fatal(format!(
            "the group gave this member only some topics of a partition: {}. All members must have the same version and settings, \
             and all topics the same number of partitions",
            parts.join("; ")
        ))
    }
}

/// The last partition of a topic in a list.
fn number(list: &[(String, i32)], name: &str) -> i32 {
    list.iter().filter(|(topic, _)| topic == name).map(|(_, partition)| *partition).max().unwrap_or(-1)
}

impl Member {
    fn has_changes(&self) -> bool {
        !self.changes().is_empty()
    }

    fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes())
    }

    fn changes(&self) -> MutexGuard<'_, Vec<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.listener.note_line(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.listener.note_error(&error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Member>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let places = list.elements().iter().map(|place| (place.topic().to_owned(), place.partition())).collect();
        let is_one_by_one = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let (done, change) = if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            // The group wants to see the list assigned; where its reading would begin is of no matter, for it is paused.
            let mut assign = || {
                list.set_all_offsets(Offset::End)?;
                if is_one_by_one {
                    consumer.incremental_assign(list)?
                } else {
                    consumer.assign(list)?
                }
                if list.count() == 0 { Ok(()) } else { consumer.pause(list) }
            };
            (assign(), Change::Assigned(places))
        } else {
            if consumer.assignment_lost() {
                tracing::warn!("the group has given this member's partitions away: it was not heard of in time");
            }
            let unassign = || if is_one_by_one { consumer.incremental_unassign(list) } else { consumer.unassign() };
            (unassign(), Change::Revoked(places))
        };
        let change = match done {
            Ok(()) => change,
            Err(error) => Change::Failed(format!("the partitions that the group gave or took cannot be set: {error}")),
        };
        self.changes().push(change);
    }
}
