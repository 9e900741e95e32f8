//! Owns the topics themselves: how each is to be made, whether they are so, and whether they stay so.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use super::listener::Listener;
use super::open::{self, OpenError};
use super::settings::Settings;
use crate::runtime::LogError;

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Events come in by it.
    Input,
    /// What happens goes out by it.
    Output,
    /// The last figures of each buyer go out by it.
    Exposures,
    /// Refused records go out by it.
    DeadLetters,
    /// It says what each turn read, for recovery.
    Journal,
}

/// A topic and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
}

/// What is not as it should be with a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The topic.
    pub topic: String,
    /// How it is and how it should be, in a sentence.
    pub text: String,
    /// The command that mends it, or what else to do.
    pub mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. Mend it: {}", self.topic, self.text, self.mend)
    }
}

/// What became of a topic that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New,
    /// It was there: it is left as it is.
    Kept,
}

const DAY_MS: i64 = 86_400_000;
/// Inputs and journal must reach back further than the snapshots that a recovery may begin with.
const RETENTION_MIN_MS: i64 = 7 * DAY_MS;
/// How long a call of the administration may take.
const ADMIN_MAX: Duration = Duration::from_secs(30);

impl Role {
    /// How long its records are kept, in milliseconds; -1 is for ever.
    const fn retention_ms(self) -> i64 {
        match self {
            // A service without a snapshot reads the inputs from the beginning, and a reader the outputs.
            Role::Input | Role::Output | Role::Exposures => -1,
            // A dead letter keeps the time of its record, which may be long ago.
            Role::DeadLetters => -1,
            Role::Journal => 90 * DAY_MS,
        }
    }

    const fn cleanup_policy(self) -> &'static str {
        match self {
            Role::Exposures => "compact",
            Role::Input | Role::Output | Role::DeadLetters | Role::Journal => "delete",
        }
    }

    /// The settings that a topic is made with, where it has this many copies.
    #[must_use]
    pub fn settings(self, replication: u32) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("cleanup.policy", self.cleanup_policy().to_owned()),
            ("min.insync.replicas", insync_min(replication).to_string()),
            // The time that its sender gives a record: a history that is loaded later keeps its order.
            ("message.timestamp.type", "CreateTime".to_owned()),
        ];
        if self != Role::Exposures {
            settings.push(("retention.ms", self.retention_ms().to_string()));
        }
        settings
    }
}

/// Of so many copies, one may be missing.
fn insync_min(replication: u32) -> u32 {
    if replication > 2 { replication - 1 } else { 1 }
}

/// Makes the topics that are not there; those that are there are left as they are.
///
/// # Errors
/// When the broker cannot be used, or refuses.
pub fn create(
    settings: &Settings,
    plans: &[TopicPlan],
    partitions: u32,
    replication: u32,
) -> Result<Vec<(String, Made)>, OpenError> {
    // Asked of a client that says in one line what is wrong with the broker.
    match super::KafkaLog::partitions(settings, &plans.iter().map(|plan| plan.name.clone()).collect::<Vec<_>>()) {
        Ok(_) | Err(OpenError::MissingTopics(_) | OpenError::UnequalPartitions(_)) => {}
        Err(error) => return Err(error),
    }
    let configs: Vec<_> = plans.iter().map(|plan| plan.role.settings(replication)).collect();
    let new: Vec<NewTopic<'_>> = plans
        .iter()
        .zip(&configs)
        .map(|(plan, config)| {
            let topic = NewTopic::new(&plan.name, partitions as i32, TopicReplication::Fixed(replication as i32));
            config.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
        })
        .collect();
    let admin = admin(settings)?;
    let answers = wait(admin.create_topics(&new, &options()))?;
    let made = |answer| match answer {
        Ok(name) => Ok((name, Made::New)),
        Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => Ok((name, Made::Kept)),
        Err((name, code)) => Err(LogError::Fatal(format!("{name} cannot be made: {code}")).into()),
    };
    answers.into_iter().map(made).collect()
}

/// Looks at the topics, and says what is not as it should be.
///
/// # Errors
/// When the broker cannot be used, or does not tell.
pub fn check(settings: &Settings, plans: &[TopicPlan]) -> Result<Vec<Finding>, OpenError> {
    let names: Vec<String> = plans.iter().map(|plan| plan.name.clone()).collect();
    let mut findings = Vec::new();
    match super::KafkaLog::partitions(settings, &names) {
        Ok(_) => {}
        Err(OpenError::MissingTopics(missing)) => {
            return Ok(missing
                .into_iter()
                .map(|topic| Finding {
                    topic,
                    text: "it is not there".to_owned(),
                    mend: "vigie topics create".to_owned(),
                })
                .collect());
        }
        Err(OpenError::UnequalPartitions(counts)) => findings.extend(unequal(settings, &counts)),
        Err(error) => return Err(error),
    }
    let admin = admin(settings)?;
    let metadata = admin.inner().fetch_metadata(None, ADMIN_MAX).map_err(said)?;
    let specifiers: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let answers = wait(admin.describe_configs(&specifiers, &options()))?;
    for (plan, answer) in plans.iter().zip(answers) {
        let resource = answer.map_err(|code| {
            LogError::Fatal(format!(
                "{} does not tell its settings: {code}; allow this user DescribeConfigs",
                plan.name
            ))
        })?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == plan.name);
        let replication = topic.and_then(|topic| topic.partitions().first()).map_or(1, |first| first.replicas().len());
        findings.extend(judge(settings, plan, replication as u32, &values(&resource)));
    }
    Ok(findings)
}

fn values(resource: &ConfigResource) -> BTreeMap<String, String> {
    resource.entries.iter().filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn unequal(settings: &Settings, counts: &[(String, u32)]) -> Vec<Finding> {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let fewer = counts.iter().filter(|(_, count)| *count < most);
    let finding = |(topic, count): &(String, u32)| Finding {
        topic: topic.clone(),
        text: format!("it has {count} partitions, and others have {most}"),
        mend: format!(
            "kafka-topics.sh --bootstrap-server {} --alter --topic {topic} --partitions {most} (before anything was written to it: \
             a key of a topic that has records must not move)",
            settings.brokers
        ),
    };
    fewer.map(finding).collect()
}

/// Compares the settings of a topic with those it should have.
fn judge(settings: &Settings, plan: &TopicPlan, replication: u32, is: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |key: &str, should: &str, why: &str| {
        let value = is.get(key).map_or("not told", String::as_str);
        findings.push(Finding {
            topic: plan.name.clone(),
            text: format!("{key} is {value} and should be {should}: {why}"),
            mend: format!(
                "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {key}={should}",
                settings.brokers, plan.name
            ),
        });
    };
    let policy = plan.role.cleanup_policy();
    if is.get("cleanup.policy").is_none_or(|is| is != policy) {
        find(
            "cleanup.policy",
            policy,
            match plan.role {
                Role::Exposures => "only the last row of a buyer is of use",
                _ => "a record must not be replaced by a later one of its key",
            },
        );
    }
    let insync = insync_min(replication);
    if is.get("min.insync.replicas").and_then(|is| is.parse().ok()) != Some(insync) {
        find(
            "min.insync.replicas",
            &insync.to_string(),
            "so many copies must hold what is committed, and one may be missing",
        );
    }
    let retention = is.get("retention.ms").and_then(|is| is.parse::<i64>().ok());
    let is_short = retention.is_none_or(|is| (0..RETENTION_MIN_MS).contains(&is));
    if matches!(plan.role, Role::Input | Role::Journal) && is_short {
        let should = plan.role.retention_ms().to_string();
        find("retention.ms", &should, "a recovery reads again what came after the oldest usable snapshot");
    }
    if is.get("message.timestamp.type").is_none_or(|is| is != "CreateTime") && plan.role != Role::Input {
        find("message.timestamp.type", "CreateTime", "the time of an output is the clock at its judgement");
    }
    findings
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ADMIN_MAX)).request_timeout(Some(ADMIN_MAX))
}

fn admin(settings: &Settings) -> Result<AdminClient<Listener>, OpenError> {
    settings.for_admin().create_with_context(Listener::default()).map_err(|error| open::unusable(&error))
}

fn said(error: rdkafka::error::KafkaError) -> LogError {
    LogError::Fatal(format!("the topics cannot be administered: {error}"))
}

/// Waits for an answer of the administration.
fn wait<T>(answer: impl Future<Output = KafkaResult<T>>) -> Result<T, LogError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| LogError::Fatal(format!("there is no room for another task: {error}")))?;
    runtime.block_on(answer).map_err(said)
}

/// Watches the numbers of partitions, off the path of the records.
pub(super) struct Watch {
    found: Arc<OnceLock<String>>,
    /// Ends the thread by being dropped.
    _stop: SyncSender<()>,
}

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it waits for an answer; without one it looks again the next time.
const LOOK_MAX: Duration = Duration::from_secs(5);

impl Watch {
    pub(super) fn start(consumer: &Arc<BaseConsumer<Listener>>, names: Arc<[String]>, partitions: u32) -> Watch {
        let (stop, stopped) = sync_channel(1);
        let found = Arc::new(OnceLock::new());
        let (finds, consumer) = (Arc::clone(&found), Arc::downgrade(consumer));
        std::thread::spawn(move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if let Some(text) = look(&consumer, &names, partitions) {
                    finds.get_or_init(|| text);
                    return;
                }
            }
        });
        Watch { found, _stop: stop }
    }

    /// Whether all is as it was.
    pub(super) fn check(&self) -> Result<(), LogError> {
        match self.found.get() {
            None => Ok(()),
            Some(text) => Err(LogError::Fatal(text.clone())),
        }
    }
}

fn look(consumer: &Weak<BaseConsumer<Listener>>, names: &[String], partitions: u32) -> Option<String> {
    let consumer = consumer.upgrade()?;
    names.iter().find_map(|name| {
        let metadata = consumer.fetch_metadata(Some(name), LOOK_MAX).ok()?;
        let count = open::count(&metadata, name).ok()?;
        (count != partitions).then(|| {
            format!(
                "{name} has {count} partitions now and had {partitions}: keys go to other partitions, so that events of a buyer no \
                 longer meet. Stop the senders, and follow the operations page: \"more partitions\""
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(role: Role) -> TopicPlan {
        TopicPlan { name: "vigie.x".to_owned(), role }
    }

    fn judged(role: Role, replication: u32, change: &[(&str, &str)]) -> Vec<String> {
        let mut is: BTreeMap<String, String> =
            role.settings(replication).into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        is.extend(change.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let findings = judge(&Settings::new("b:9092", "a"), &plan(role), replication, &is);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_made_passes_the_check() {
        for role in [Role::Input, Role::Output, Role::Exposures, Role::DeadLetters, Role::Journal] {
            for replication in [1, 2, 3, 5] {
                assert_eq!(judged(role, replication, &[]), Vec::<String>::new(), "{role:?} {replication}");
            }
        }
    }

    #[test]
    fn what_is_found_says_how_it_is_how_it_should_be_and_what_mends_it() {
        assert_eq!(
            judged(Role::Input, 3, &[("cleanup.policy", "compact")]),
            [
                "vigie.x: cleanup.policy is compact and should be delete: a record must not be replaced by a later one of its key. \
              Mend it: kafka-configs.sh --bootstrap-server b:9092 --alter --entity-type topics --entity-name vigie.x --add-config \
              cleanup.policy=delete"
            ]
        );
        for (role, key, value) in [
            (Role::Exposures, "cleanup.policy", "delete"),
            (Role::Output, "min.insync.replicas", "1"),
            (Role::Journal, "retention.ms", "3600000"),
            (Role::Output, "message.timestamp.type", "LogAppendTime"),
        ] {
            let found = judged(role, 3, &[(key, value)]);
            assert!(found.len() == 1 && found[0].contains(&format!("{key} is {value} and should be")), "{found:?}");
        }
        assert!(judged(Role::Journal, 3, &[("retention.ms", "-1")]).is_empty());
    }
}
