//! Owns the flags of the commands that use Kafka: each is a setting of the same name, and goes before it.

use std::path::PathBuf;

use super::settings::{Flags, Value};

/// How Kafka is reached.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Kafka (also settings of vigie.toml, and VIGIE_... in the environment)")]
pub struct KafkaArguments {
    /// The servers to ask first, with commas. Default: localhost:9092.
    #[arg(long, value_name = "HOST:PORT,...")]
    brokers: Option<String>,
    /// What the names of all topics begin with. Default: vigie and a dot.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// The consumer group. Default: vigie.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The file of settings. Default: vigie.toml, where there is one.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Lines of the log: text or json. Default: text.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// How much is logged: error, warn, info, debug or trace. Default: info.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// How the engine runs.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Engine (also settings of vigie.toml, and VIGIE_... in the environment)")]
pub struct RunArguments {
    /// The params: TOML, over the documented defaults.
    #[arg(long, value_name = "FILE")]
    params: Option<String>,
    /// The currency that figures are reported in; goes before the params. Default: EUR.
    #[arg(long, value_name = "CURRENCY")]
    base: Option<String>,
    /// Workers; never more than partitions. Default: one a core.
    #[arg(long, value_name = "N")]
    threads: Option<i64>,
    /// Takes any type of event on any input topic.
    #[arg(long)]
    any_topic: bool,
    /// What a start from nothing tells of what was there before: silent or full. Default: silent with the live clock.
    #[arg(long, value_name = "HOW")]
    cold_start: Option<String>,
    /// Where snapshots lie: a folder, s3://, gs:// or az://. Default: the folder vigie-state.
    #[arg(long, value_name = "URL")]
    snapshots: Option<String>,
    /// What moves time on: live or event. Default: live.
    #[arg(long, value_name = "CLOCK")]
    clock: Option<String>,
    /// How long a turn gathers records, in milliseconds. Default: 100.
    #[arg(long, value_name = "MS")]
    turn_ms: Option<i64>,
    /// This instance's name in the group. Default: the host's name.
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Where /metrics, /live and /ready are answered; off for nowhere. Default: 127.0.0.1:9464.
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,
    #[command(flatten)]
    pub(super) kafka: KafkaArguments,
}

impl KafkaArguments {
    pub(super) fn flags(&self) -> Flags {
        let KafkaArguments { brokers, prefix, group, config: _, log_format, log_level } = self;
        vec![
            ("brokers", text(brokers)),
            ("prefix", text(prefix)),
            ("group", text(group)),
            ("log_format", text(log_format)),
            ("log_level", text(log_level)),
        ]
    }
}

impl RunArguments {
    /// How Kafka is reached.
    #[must_use]
    pub fn kafka(&self) -> &KafkaArguments {
        &self.kafka
    }

    pub(super) fn flags(&self) -> Flags {
        let RunArguments {
            params,
            base,
            threads,
            any_topic,
            cold_start,
            snapshots,
            clock,
            turn_ms,
            instance,
            metrics,
            kafka,
        } = self;
        let mut flags = vec![
            ("params", text(params)),
            ("base", text(base)),
            ("threads", threads.map(Value::Whole)),
            ("any_topic", any_topic.then_some(Value::Switch(true))),
            ("cold_start", text(cold_start)),
            ("snapshots", text(snapshots)),
            ("clock", text(clock)),
            ("turn_ms", turn_ms.map(Value::Whole)),
            ("instance", text(instance)),
            ("metrics", text(metrics)),
        ];
        flags.extend(kafka.flags());
        flags
    }
}

fn text(flag: &Option<String>) -> Option<Value> {
    flag.clone().map(Value::Text)
}
