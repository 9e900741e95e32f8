//! Owns the settings of a connection to Kafka: what a user may set, what is refused, and what each client of ours gets.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

/// How a worker reaches Kafka and takes part in its group.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Brokers to begin with, `host:port` with commas between.
    pub brokers: String,
    /// What the names of topics, transactional ids and clients begin with.
    pub prefix: String,
    /// The consumer group.
    pub group: String,
    /// The process among those of the group; it stays the same over restarts, and no other has it.
    pub instance: String,
    /// The worker's thread in its process.
    pub thread: u32,
    /// How long a poll collects records, at most.
    pub turn_ms: u32,
    /// How the group shares out its partitions.
    pub protocol: GroupProtocol,
    /// After how long without a sign of life the group takes the partitions of a member. Not used by
    /// [`GroupProtocol::Consumer`]: there it is the broker's setting.
    pub session_timeout_ms: u32,
    /// How long a member may go without polling.
    pub poll_interval_max_ms: u32,
    /// After how long the broker aborts an open transaction: so long a dead worker holds up readers.
    pub transaction_timeout_ms: u32,
    /// How long one call waits for the broker.
    pub call_timeout_ms: u32,
    /// How long opening may take before it fails with what is wrong.
    pub open_timeout_ms: u32,
    /// How the outputs are compressed: `none`, `gzip`, `lz4`, `snappy` or `zstd`.
    pub compression: String,
    /// About how much is fetched ahead, over all partitions of a worker.
    pub prefetch_bytes: usize,
    /// How records are taken from the client.
    pub fetching: Fetching,
    /// Whatever else librdkafka is to be told.
    pub properties: Properties,
}

/// How the group shares out its partitions. In both, a partition number goes to one member, whatever the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupProtocol {
    /// The members do, by `range`; a member has its place by name, and takes it again after a restart.
    #[default]
    Classic,
    /// The broker does, by `range` (Apache Kafka 4.0 or newer).
    Consumer,
}

/// How records are taken from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fetching {
    /// Many at a time, from a queue for each partition.
    #[default]
    Batches,
    /// One at a time, through safe code alone: slower, with the same outcome.
    Messages,
}

/// How long a request waits for its answer, where the user says nothing else.
const SOCKET_TIMEOUT_MS: u32 = 10_000;

/// Heartbeats in a session. A member hears by the answer of one that the group shares out anew, and until it has heard, whoever
/// joins waits, and what it does meanwhile for partitions that it will lose is done twice.
const HEARTBEATS: u32 = 20;

impl Settings {
    /// The settings that a service begins with.
    #[must_use]
    pub fn new(brokers: &str, instance: &str) -> Settings {
        Settings {
            brokers: brokers.to_owned(),
            prefix: "vigie".to_owned(),
            group: "vigie".to_owned(),
            instance: instance.to_owned(),
            thread: 0,
            turn_ms: 100,
            protocol: GroupProtocol::Classic,
            session_timeout_ms: 10_000,
            poll_interval_max_ms: 60_000,
            transaction_timeout_ms: 10_000,
            call_timeout_ms: 5_000,
            open_timeout_ms: 15_000,
            compression: "lz4".to_owned(),
            prefetch_bytes: 64 << 20,
            fetching: Fetching::Batches,
            properties: Properties::default(),
        }
    }

    /// Its name in the group: of this process and thread alone, and the same after a restart.
    #[must_use]
    pub fn member(&self) -> String {
        format!("{}-{}", self.instance, self.thread)
    }

    /// The id that its transactions go by: who comes again with it ends what its former self left open.
    #[must_use]
    pub fn transactional_id(&self) -> String {
        format!("{}-{}-{}", self.group, self.instance, self.thread)
    }

    /// What every client gets. `role` tells them apart in the broker's logs.
    fn client(&self, role: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", format!("{}-{role}", self.transactional_id()))
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", SOCKET_TIMEOUT_MS.to_string())
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("log.connection.close", "false");
        for (key, value) in &self.properties.values {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.brokers).set("allow.auto.create.topics", "false");
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }

    /// For the administration of topics.
    pub(super) fn for_admin(&self) -> ClientConfig {
        self.client("admin")
    }

    /// For the member of the group: it never fetches, so only what concerns the group matters.
    pub(super) fn for_group(&self) -> ClientConfig {
        let mut config = self.client("group");
        read_committed(&mut config);
        config
            .set("group.id", &self.group)
            .set("group.instance.id", self.member())
            .set("max.poll.interval.ms", self.poll_interval_max_ms.to_string());
        match self.protocol {
            GroupProtocol::Classic => config
                .set("group.protocol", "classic")
                .set("partition.assignment.strategy", "range")
                .set("session.timeout.ms", self.session_timeout_ms.to_string())
                .set("heartbeat.interval.ms", (self.session_timeout_ms / HEARTBEATS).clamp(100, 1_000).to_string()),
            GroupProtocol::Consumer => config.set("group.protocol", "consumer").set("group.remote.assignor", "range"),
        };
        config
    }

    /// For reading partitions from a given offset on, `streams` at a time.
    pub(super) fn for_reading(&self, role: &str, streams: usize) -> ClientConfig {
        const KILOBYTES_MIN: usize = 512;
        const KILOBYTES_MAX: usize = 16 << 10;
        let kilobytes = (self.prefetch_bytes / streams.max(1) / 1024).clamp(KILOBYTES_MIN, KILOBYTES_MAX);
        let mut config = self.client(role);
        // Where the user says nothing else. The queues are one for each partition.
        for (key, value) in [
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "20"),
            ("queued.max.messages.kbytes", &kilobytes.to_string()),
        ] {
            if !self.properties.values.contains_key(key) {
                config.set(key, value);
            }
        }
        read_committed(&mut config);
        if self.fetching == Fetching::Messages {
            // It never joins; a client that is given its partitions needs the name of a group all the same.
            config.set("group.id", &self.group);
        }
        config
    }

    /// For following partitions as they grow: as for reading, but the broker holds a question back for so long while there is
    /// nothing, and answers with the first record.
    pub(super) fn for_following(&self, role: &str, streams: usize, longest_ms: u32) -> ClientConfig {
        let mut config = self.for_reading(role, streams);
        for (key, value) in [("fetch.wait.max.ms", longest_ms.to_string()), ("fetch.min.bytes", "1".to_owned())] {
            if !self.properties.values.contains_key(key) {
                config.set(key, value);
            }
        }
        config
    }

    /// For reading the inputs as they come. The broker waits a little for more before it answers, unless there is much: an
    /// answer for every few records costs both sides more than the records do. So a record may come that much later, but an
    /// idle input is not asked for more often than it would be.
    pub(super) fn for_inputs(&self, streams: usize) -> ClientConfig {
        const ENOUGH_BYTES: u32 = 64 << 10;
        const TURN_SHARE: u32 = 10;
        let wait_ms = (self.turn_ms / TURN_SHARE).clamp(5, 20);
        let mut config = self.for_reading("inputs", streams);
        for (key, value) in [("fetch.min.bytes", ENOUGH_BYTES), ("fetch.wait.max.ms", wait_ms)] {
            if !self.properties.values.contains_key(key) {
                config.set(key, value.to_string());
            }
        }
        config
    }

    /// For the transactions.
    pub(super) fn for_transactions(&self) -> ClientConfig {
        let mut config = self.for_sending("producer");
        config
            .set("transactional.id", self.transactional_id())
            .set("transaction.timeout.ms", self.transaction_timeout_ms.to_string())
            .set("message.timeout.ms", self.transaction_timeout_ms.to_string());
        // No request of a transaction waits longer than the transaction may take: librdkafka insists.
        if !self.properties.values.contains_key("socket.timeout.ms") {
            config.set("socket.timeout.ms", SOCKET_TIMEOUT_MS.min(self.transaction_timeout_ms).to_string());
        }
        // A connection that fails is told only the first time within 30 s, except as a debug line: and each one may mean a
        // second copy of the end of a transaction. There are few of these lines while all is well.
        config.set(
            "debug",
            match self.properties.values.get("debug") {
                Some(more) => format!("broker,{more}"),
                None => "broker".to_owned(),
            },
        );
        config.set("log.connection.close", "true").set_log_level(RDKafkaLogLevel::Debug);
        config
    }

    /// For sending without transactions.
    pub(super) fn for_sending(&self, role: &str) -> ClientConfig {
        let mut config = self.client(role);
        for (key, value) in [
            ("linger.ms", "0"),
            ("compression.type", self.compression.as_str()),
            // The broker refuses a transaction's first requests while it still writes down the end of the one before.
            ("retry.backoff.ms", "5"),
        ] {
            if !self.properties.values.contains_key(key) {
                config.set(key, value);
            }
        }
        config.set("enable.idempotence", "true").set("delivery.report.only.error", "true");
        config
    }
}

fn read_committed(config: &mut ClientConfig) {
    config
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("check.crcs", "true");
}

/// Settings of librdkafka that are passed on as they are. Values never show: they may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties {
    values: BTreeMap<String, String>,
}

/// Why a setting of librdkafka is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[kafka.properties] {key}: {reason}")]
pub struct RefusedProperty {
    /// The setting.
    pub key: String,
    /// Why, and what to do instead.
    pub reason: String,
}

/// Settings that are refused, and why.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &[
            "enable.auto.commit",
            "auto.commit.enable",
            "auto.commit.interval.ms",
            "enable.auto.offset.store",
            "offset.store.method",
        ],
        "positions are committed with the outputs, in one transaction, and never by themselves",
    ),
    (&["isolation.level"], "inputs are always read committed: an aborted record must not count"),
    (&["auto.offset.reset"], "a position that is gone stops the partition: it must not be skipped in silence"),
    (
        &["partition.assignment.strategy", "group.protocol", "group.remote.assignor"],
        "a partition number must go to one member whatever the topic, which `range` alone does; choose between `classic` and \
         `consumer` by `protocol`",
    ),
    (&["group.id"], "use `group`"),
    (&["group.instance.id"], "use `instance`"),
    (&["transactional.id"], "it is made of `group`, `instance` and the thread"),
    (&["transaction.timeout.ms", "message.timeout.ms", "delivery.timeout.ms"], "use `transaction_timeout_ms`"),
    (&["session.timeout.ms", "heartbeat.interval.ms"], "use `session_timeout_ms`"),
    (&["max.poll.interval.ms"], "use `poll_interval_max_ms`"),
    (
        &[
            "acks",
            "request.required.acks",
            "enable.idempotence",
            "enable.gapless.guarantee",
            "retries",
            "message.send.max.retries",
        ],
        "a transaction needs all acknowledgements and every repetition, and has them",
    ),
    (&["enable.partition.eof"], "the end of a partition is how a topic is known to have no more"),
    (&["allow.auto.create.topics"], "topics are made on purpose: `vigie topics create`"),
    (&["bootstrap.servers", "metadata.broker.list"], "use `brokers`"),
    (&["check.crcs"], "checksums are always checked"),
    (&["log.queue", "log_level", "log.connection.close"], "it is how trouble on the way of a commit is noticed"),
    (&["delivery.report.only.error"], "it is set as the transactions need it"),
    (&["statistics.interval.ms"], "nothing reads them: the figures are at /metrics"),
    (&["plugin.library.paths"], "no foreign code is loaded"),
];

impl Properties {
    /// Takes the settings of a user.
    ///
    /// # Errors
    /// With the first that would break exactly-once or that has a setting of its own, or that librdkafka does not know.
    pub fn new(values: BTreeMap<String, String>) -> Result<Properties, RefusedProperty> {
        for (key, value) in &values {
            if let Some((_, reason)) = REFUSED.iter().find(|(keys, _)| keys.contains(&key.as_str())) {
                return Err(RefusedProperty { key: key.clone(), reason: (*reason).to_owned() });
            }
            let mut config = ClientConfig::new();
            // The client's own words may hold the value, which may be a secret.
            if let Err(rdkafka::error::KafkaError::ClientConfig(_, said, ..)) =
                config.set(key, value).create_native_config()
            {
                let is_unknown = said.starts_with("No such configuration property");
                let reason =
                    if is_unknown { "librdkafka has no such setting" } else { "librdkafka does not accept its value" };
                return Err(RefusedProperty { key: key.clone(), reason: reason.to_owned() });
            }
        }
        Ok(Properties { values })
    }

    /// The setting that lets the broker be anybody, if there is one: for a trial, never for work.
    #[must_use]
    pub fn insecure(&self) -> Option<&'static str> {
        let is = |key: &str, value: &str| self.values.get(key).is_some_and(|set| set.eq_ignore_ascii_case(value));
        if is("enable.ssl.certificate.verification", "false") {
            Some("enable.ssl.certificate.verification = false")
        } else if is("ssl.endpoint.identification.algorithm", "none") {
            Some("ssl.endpoint.identification.algorithm = none")
        } else {
            None
        }
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Result<Properties, RefusedProperty> {
        Properties::new(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_would_break_exactly_once_is_refused_by_name() {
        for key in [
            "enable.auto.commit",
            "enable.auto.offset.store",
            "transactional.id",
            "isolation.level",
            "acks",
            "enable.idempotence",
            "auto.offset.reset",
            "group.id",
            "group.instance.id",
            "enable.partition.eof",
        ] {
            let refused = properties(&[(key, "x")]).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("[kafka.properties] {key}: ")), "{refused}");
        }
        for assignor in ["cooperative-sticky", "roundrobin"] {
            let refused = properties(&[("partition.assignment.strategy", assignor)]).unwrap_err();
            assert!(refused.reason.contains("`range`"), "{refused}");
        }
    }

    #[test]
    fn what_librdkafka_does_not_know_or_accept_is_refused_without_its_value() {
        let refused = properties(&[("sasl.pasword", "geheim")]).unwrap_err();
        assert_eq!(refused.to_string(), "[kafka.properties] sasl.pasword: librdkafka has no such setting");
        let refused = properties(&[("security.protocol", "geheim")]).unwrap_err();
        assert_eq!(refused.to_string(), "[kafka.properties] security.protocol: librdkafka does not accept its value");
    }

    #[test]
    fn other_settings_pass_and_their_values_never_show() {
        let properties = properties(&[
            ("security.protocol", "SASL_SSL"),
            ("sasl.password", "geheim"),
            ("ssl.key.pem", "-----BEGIN geheim"),
            ("fetch.wait.max.ms", "7"),
        ])
        .unwrap();
        let settings = Settings { properties, ..Settings::new("localhost:9092", "a") };
        let shown = format!("{settings:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("geheim"), "{shown}");
        for config in [settings.for_group(), settings.for_reading("fetch", 8), settings.for_transactions()] {
            assert_eq!(config.get("sasl.password"), Some("geheim"));
            assert!(config.create_native_config().is_ok());
        }
        assert_eq!(settings.for_reading("fetch", 8).get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(settings.for_inputs(8).get("fetch.wait.max.ms"), Some("7"));
    }

    #[test]
    fn the_effective_settings_are_those_of_exactly_once() {
        let settings = Settings { thread: 3, ..Settings::new("localhost:9092", "a") };
        for config in [settings.for_group(), settings.for_reading("fetch", 8)] {
            for (key, value) in [
                ("isolation.level", "read_committed"),
                ("enable.auto.commit", "false"),
                ("auto.offset.reset", "error"),
                ("allow.auto.create.topics", "false"),
                ("check.crcs", "true"),
            ] {
                assert_eq!(config.get(key), Some(value), "{key}");
            }
        }
        let producer = settings.for_transactions();
        assert_eq!(producer.get("transactional.id"), Some("vigie-a-3"));
        assert_eq!(producer.get("enable.idempotence"), Some("true"));
        let hasty = Settings { transaction_timeout_ms: 5_000, ..settings.clone() }.for_transactions();
        assert_eq!(hasty.get("socket.timeout.ms"), Some("5000"));
        assert_eq!(settings.for_group().get("group.instance.id"), Some("a-3"));
        assert_eq!(settings.for_group().get("heartbeat.interval.ms"), Some("500"));
        assert_eq!(settings.for_group().get("partition.assignment.strategy"), Some("range"));
        let broker = Settings { protocol: GroupProtocol::Consumer, ..settings };
        let group = broker.for_group();
        assert_eq!(group.get("group.remote.assignor"), Some("range"));
        assert_eq!((group.get("session.timeout.ms"), group.get("partition.assignment.strategy")), (None, None));
    }

    #[test]
    fn who_turns_the_check_of_the_broker_off_is_told() {
        assert_eq!(properties(&[]).unwrap().insecure(), None);
        let off = properties(&[("ssl.endpoint.identification.algorithm", "none")]).unwrap();
        assert_eq!(off.insecure(), Some("ssl.endpoint.identification.algorithm = none"));
    }
}
