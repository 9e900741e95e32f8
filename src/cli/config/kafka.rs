//! Owns the checked configuration of whatever uses Kafka.

use std::path::{Path, PathBuf};

use super::arguments::KafkaArguments;
use super::settings::{self, Environment, Flags, Settings};
use crate::cli::CliError;
use crate::event::Topic;
use crate::io::kafka::{self, GroupProtocol, Properties};
use crate::io::logging::{LogFormat, LogLevel};
use crate::io::snapshots::{NAME_BYTES_MAX, is_safe_name};
use crate::wire::TopicRule;

/// The file of settings that is read where there is one and none is named.
const FILE: &str = "vigie.toml";
/// The longest name that Kafka gives a topic.
const TOPIC_BYTES_MAX: usize = 249;

/// How Kafka is reached, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// The file of settings that was read, if one was.
    pub file: Option<PathBuf>,
    /// The servers to ask first: `host:port`, several with commas.
    pub brokers: String,
    /// The consumer group: letters, digits, `.`, `_` and `-`.
    pub group: String,
    /// The topics.
    pub topics: TopicNames,
    /// Whether a type must be on its home topic.
    pub topic_rule: TopicRule,
    /// What happens when the brokers or the topics are not there at the start.
    pub when_unavailable: WhenUnavailable,
    /// How the members of the group agree.
    pub protocol: GroupProtocol,
    /// A member that is silent for so long is taken for dead.
    pub session_timeout_ms: u32,
    /// A transaction that is open for so long is aborted by the broker.
    pub transaction_timeout_ms: u32,
    /// A worker that takes so long between two polls leaves the group.
    pub poll_interval_max_ms: u32,
    /// Further settings of Kafka's client.
    pub properties: Properties,
    /// How a line of the log looks.
    pub log_format: LogFormat,
    /// How much is logged.
    pub log_level: LogLevel,
}

/// The whole names of the topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicNames {
    /// The input topics in the contract's order, each once.
    pub inputs: Vec<InputTopic>,
    /// Where alerts go.
    pub alerts: String,
    /// Where proposed limit reductions go.
    pub limit_proposals: String,
    /// Where changed limits go.
    pub limit_changes: String,
    /// Where it goes whether room is kept for orders.
    pub order_decisions: String,
    /// Where figures go; compacted.
    pub exposures: String,
    /// Where refused records go.
    pub dead_letters: String,
    /// What each turn read and made of it.
    pub journal: String,
}

/// An input topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputTopic {
    /// Its name.
    pub name: String,
    /// What is at home there. Where several share a topic, under [`TopicRule::Any`], the first of them.
    pub home: Topic,
}

/// What happens when the brokers or the topics are not there at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// It says so and tries again.
    Wait,
    /// It says so and ends.
    Exit,
}

impl KafkaConfig {
    /// Reads file, environment and flags, and checks what they say.
    ///
    /// # Errors
    /// When the file cannot be read, or a setting is unknown or wrong: which, where it was said, and what is expected.
    pub fn read(arguments: &KafkaArguments) -> Result<KafkaConfig, CliError> {
        KafkaConfig::check(&read(arguments, arguments.flags(), &settings::environment)?)
    }

    pub(super) fn check(settings: &Settings) -> Result<KafkaConfig, CliError> {
        let topic_rule = if settings.get("any_topic").is_on() { TopicRule::Any } else { TopicRule::Home };
        let waits = [("wait", WhenUnavailable::Wait), ("exit", WhenUnavailable::Exit)];
        let protocols = [("classic", GroupProtocol::Classic), ("consumer", GroupProtocol::Consumer)];
        let safe = format!("1 to {NAME_BYTES_MAX} letters, digits, '.', '_' and '-'");
        Ok(KafkaConfig {
            file: settings.file.clone(),
            brokers: settings.get("brokers").text_if("host:port, several with commas", are_brokers)?,
            group: settings.get("group").text_if(&safe, is_safe_name)?,
            topics: TopicNames::check(settings, topic_rule)?,
            topic_rule,
            when_unavailable: settings.get("when_unavailable").one_of(&waits)?,
            protocol: settings.get("kafka.protocol").one_of(&protocols)?,
            session_timeout_ms: settings.get("kafka.session_timeout_ms").whole(1000..=300_000)?,
            transaction_timeout_ms: settings.get("kafka.transaction_timeout_ms").whole(1000..=900_000)?,
            poll_interval_max_ms: settings.get("kafka.poll_interval_max_ms").whole(10_000..=3_600_000)?,
            properties: Properties::new(settings.properties()).map_err(|error| CliError::Wrong(error.to_string()))?,
            log_format: settings.get("log_format").one_of(LogFormat::NAMES)?,
            log_level: settings.get("log_level").one_of(LogLevel::NAMES)?,
        })
    }
}

impl KafkaConfig {
    /// How a worker of an instance reaches Kafka.
    #[must_use]
    pub fn reach(&self, instance: &str, turn_ms: u32) -> kafka::Settings {
        kafka::Settings {
            group: self.group.clone(),
            turn_ms,
            protocol: self.protocol,
            session_timeout_ms: self.session_timeout_ms,
            transaction_timeout_ms: self.transaction_timeout_ms,
            poll_interval_max_ms: self.poll_interval_max_ms,
            properties: self.properties.clone(),
            ..kafka::Settings::new(&self.brokers, instance)
        }
    }
}

/// All settings as text, from the file that is named, or the one that is there.
pub(super) fn read(arguments: &KafkaArguments, flags: Flags, environment: Environment) -> Result<Settings, CliError> {
    let named = arguments.config.clone();
    let named = named.or_else(|| environment("VIGIE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
    let file = named.or_else(|| Some(PathBuf::from(FILE)).filter(|path: &PathBuf| Path::exists(path)));
    Settings::read(file.as_deref(), environment, flags)
}

impl TopicNames {
    fn check(settings: &Settings, rule: TopicRule) -> Result<TopicNames, CliError> {
        let expected = format!("at most {TOPIC_BYTES_MAX} letters, digits, '.', '_' and '-', the prefix included");
        let prefix = settings.get("prefix").text_if(&expected, |text| text.is_empty() || is_topic(text))?;
        let mut names: Vec<(String, &'static str)> = Vec::new();
        let mut name = |key: &'static str, may_share: bool| {
            let setting = settings.get(key);
            setting.text_if(&expected, |text| !text.is_empty() && is_topic(&format!("{prefix}{text}")))?;
            let name = format!("{prefix}{}", setting.text());
            if let Some((_, other)) = names.iter().find(|(taken, _)| *taken == name) {
                if may_share {
                    return Ok((name, None));
                }
                return Err(setting.wrong(&format_args!("another topic than that of {other}")));
            }
            names.push((name.clone(), key));
            Ok((name, Some(key)))
        };
        let mut inputs = Vec::new();
        for home in Topic::ALL {
            if let (name, Some(_)) = name(key_of(*home), rule == TopicRule::Any)? {
                inputs.push(InputTopic { name, home: *home });
            }
        }
        let mut own = |key| name(key, false).map(|(name, _)| name);
        Ok(TopicNames {
            inputs,
            alerts: own("topics.alerts")?,
            limit_proposals: own("topics.limit_proposals")?,
            limit_changes: own("topics.limit_changes")?,
            order_decisions: own("topics.order_decisions")?,
            exposures: own("topics.exposures")?,
            dead_letters: own("topics.dead_letters")?,
            journal: own("topics.journal")?,
        })
    }
}

const fn key_of(topic: Topic) -> &'static str {
    match topic {
        Topic::Invoices => "topics.invoices",
        Topic::Payments => "topics.payments",
        Topic::Signals => "topics.signals",
        Topic::Limits => "topics.limits",
        Topic::Decisions => "topics.decisions",
        Topic::FxRates => "topics.fx_rates",
    }
}

fn is_topic(name: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= TOPIC_BYTES_MAX && name.bytes().all(is_safe) && name != "." && name != ".."
}

fn are_brokers(text: &str) -> bool {
    let is_broker = |broker: &str| {
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        let has_host = |host: &str| !host.is_empty() && !host.contains(['@', '/', ' ']);
        broker.rsplit_once(':').is_some_and(|(host, port)| has_host(host) && is_port(port))
    };
    text.split(',').map(str::trim).all(is_broker)
}
