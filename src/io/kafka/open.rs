//! Owns what can be wrong at the start, in one line each: nobody answers, the user is refused, the broker is not trusted,
//! topics are missing or unequal.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaRespErr;

use super::listener::Listener;
use super::settings::Settings;
use crate::io::clock::Stopwatch;
use crate::runtime::LogError;

/// Why Kafka cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The settings do not go together, or name a file that is not there.
    #[error("the settings of Kafka cannot be used: {0}")]
    Settings(String),
    /// Nobody answers.
    #[error("no broker answers at {brokers}: {reason}")]
    Unreachable {
        /// Where it was tried.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// The broker refuses the user.
    #[error(
        "the broker at {brokers} refuses this user: {reason}. Check sasl.mechanism, sasl.username and sasl.password"
    )]
    Refused {
        /// Where it was tried.
        brokers: String,
        /// What the broker says.
        reason: String,
    },
    /// There is no TLS to be had with the broker, or it is not who it should be.
    #[error("the broker at {brokers} is not trusted: {reason}. Check ssl.ca.location and security.protocol")]
    Untrusted {
        /// Where it was tried.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// Topics are not there.
    #[error("not there: {}. Make the topics with `vigie topics create`", .0.join(", "))]
    MissingTopics(Vec<String>),
    /// Topics that must have the same number of partitions do not.
    #[error("the topics must all have the same number of partitions, and have: {}", counts(.0))]
    UnequalPartitions(Vec<(String, u32)>),
    /// The log says no.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl OpenError {
    /// Whether it may pass by itself, so that trying again makes sense.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            OpenError::Unreachable { .. } | OpenError::MissingTopics(_) => true,
            OpenError::Log(error) => matches!(error, LogError::Retry(_)),
            OpenError::Settings(_)
            | OpenError::Refused { .. }
            | OpenError::Untrusted { .. }
            | OpenError::UnequalPartitions(_) => false,
        }
    }
}

fn counts(topics: &[(String, u32)]) -> String {
    topics.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Asks again so often while nobody answers.
const SLICE: Duration = Duration::from_millis(500);
/// Lines of a client that are heard in one go.
const EVENTS_MAX: usize = 100;

/// Makes a client of these settings.
pub(super) fn make(config: &ClientConfig) -> Result<Arc<BaseConsumer<Listener>>, OpenError> {
    config.create_with_context(Listener::default()).map(Arc::new).map_err(|error| unusable(&error))
}

/// Settings that make no client. The text of the client is kept from saying values: they may be secrets.
pub(super) fn unusable(error: &KafkaError) -> OpenError {
    OpenError::Settings(match error {
        KafkaError::ClientConfig(_, _, key, _) => format!("{key} has a value that is not accepted"),
        KafkaError::ClientCreation(said) => said.clone(),
        other => other.to_string(),
    })
}

/// The number of partitions that all these topics have.
pub(super) fn partitions(
    consumer: &BaseConsumer<Listener>,
    settings: &Settings,
    names: &[String],
) -> Result<u32, OpenError> {
    let mut counts = Vec::with_capacity(names.len());
    let mut missing = Vec::new();
    for name in names {
        let metadata = ask(consumer, settings, name)?;
        match count(&metadata, name) {
            Ok(count) => counts.push((name.clone(), count)),
            Err(code) if is_missing(code) => missing.push(name.clone()),
            Err(code) => {
                let text = format!("{name} cannot be used: {code}; allow this user to describe it");
                return Err(LogError::Fatal(text).into());
            }
        }
    }
    if !missing.is_empty() {
        missing.dedup();
        return Err(OpenError::MissingTopics(missing));
    }
    match counts.first() {
        Some((_, first)) if counts.iter().all(|(_, count)| count == first) => Ok(*first),
        _ => {
            counts.dedup();
            Err(OpenError::UnequalPartitions(counts))
        }
    }
}

fn is_missing(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)
}

/// How many partitions a topic has, by an answer of the broker.
pub(super) fn count(metadata: &Metadata, name: &str) -> Result<u32, RDKafkaErrorCode> {
    let topic = metadata.topics().iter().find(|topic| topic.name() == name);
    let topic = topic.ok_or(RDKafkaErrorCode::UnknownTopicOrPartition)?;
    match topic.error() {
        // A leader that is not there for the moment is no other number of partitions.
        None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) => Ok(topic.partitions().len() as u32),
        Some(error) => Err(error.into()),
    }
}

/// Asks about a topic until somebody answers, for as long as opening may take; what no waiting mends is told at once.
fn ask(consumer: &BaseConsumer<Listener>, settings: &Settings, name: &str) -> Result<Metadata, OpenError> {
    let since = Stopwatch::start();
    loop {
        let error = match consumer.fetch_metadata(Some(name), SLICE) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        hear(consumer);
        let reason = consumer.context().reason();
        let (brokers, code) = (settings.brokers.clone(), reason.as_ref().map(|(code, _)| *code));
        let is_over = since.seconds() * 1000.0 > f64::from(settings.open_timeout_ms);
        let reason = reason.map_or_else(|| error.to_string(), |(_, reason)| reason);
        match code {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
                return Err(OpenError::Refused { brokers, reason });
            }
            Some(RDKafkaErrorCode::SSL) => return Err(OpenError::Untrusted { brokers, reason }),
            _ if is_over => return Err(OpenError::Unreachable { brokers, reason }),
            _ => {}
        }
    }
}

/// Hears what a client without a group has to say, without waiting.
fn hear(consumer: &BaseConsumer<Listener>) {
    // A line of the log is heard within the call, which then answers that there is nothing: so it is not asked when to stop.
    for _ in 0..EVENTS_MAX {
        consumer.poll(Duration::ZERO);
    }
}
