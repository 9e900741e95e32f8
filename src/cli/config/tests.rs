//! Tries the configuration: the defaults are the contract's, each layer goes before the one below, errors say where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches};

use super::settings::Settings;
use super::*;
use crate::cli::CliError;
use crate::event::Topic;
use crate::io::kafka::Properties;
use crate::io::logging::{LogFormat, LogLevel};
use crate::io::snapshots::SnapshotLocation;
use crate::runtime::{ClockRule, ColdStart, StormLimits};
use crate::wire::{DecodeRules, TopicRule};

/// A folder with a file of settings, and an environment.
struct Bench {
    folder: tempfile::TempDir,
    environment: BTreeMap<&'static str, &'static str>,
}

impl Bench {
    fn new(text: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("vigie.toml"), text).expect("written");
        Bench { folder, environment: BTreeMap::new() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("vigie.toml")
    }

    fn run(&self, flags: &[&str]) -> Result<RunConfig, String> {
        let environment = |name: &str| self.environment.get(name).map(|value| (*value).to_owned());
        let read = Settings::read(Some(&self.path()), &environment, arguments(flags).flags());
        read.and_then(|settings| RunConfig::check(&settings)).map_err(|error| {
            assert!(matches!(error, CliError::Wrong(_)), "{error}");
            error.to_string().replace(&self.path().display().to_string(), "vigie.toml")
        })
    }

    #[track_caller]
    fn refuses(&self, flags: &[&str], expected: &str) {
        assert_eq!(self.run(flags).expect_err("refused"), expected);
    }
}

fn command() -> clap::Command {
    RunArguments::augment_args(clap::Command::new("run"))
}

fn arguments(flags: &[&str]) -> RunArguments {
    let all = ["run"].iter().chain(flags);
    RunArguments::from_arg_matches(&command().get_matches_from(all)).expect("arguments")
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = Bench::new("").run(&["--instance", "host"]).expect("right");
    let kafka = &config.kafka;
    assert_eq!((&*kafka.brokers, &*kafka.group), ("localhost:9092", "vigie"));
    assert_eq!((kafka.topic_rule, kafka.when_unavailable), (TopicRule::Home, WhenUnavailable::Wait));
    assert_eq!((kafka.log_format, kafka.log_level), (LogFormat::Text, LogLevel::Info));
    assert_eq!(kafka.properties, Properties::default());
    let inputs: Vec<(&str, Topic)> = kafka.topics.inputs.iter().map(|input| (&*input.name, input.home)).collect();
    let expected = Topic::ALL.iter().map(|topic| (format!("vigie.{}", topic.as_str()), *topic)).collect::<Vec<_>>();
    assert_eq!(inputs, expected.iter().map(|(name, topic)| (&**name, *topic)).collect::<Vec<_>>());
    let TopicNames {
        inputs: _,
        alerts,
        limit_proposals,
        limit_changes,
        order_decisions,
        exposures,
        dead_letters,
        journal,
    } = &kafka.topics;
    assert_eq!(&**order_decisions, "vigie.order-decisions");
    assert_eq!((&**alerts, &**limit_proposals), ("vigie.alerts", "vigie.limit-proposals"));
    assert_eq!((&**limit_changes, &**exposures), ("vigie.limit-changes", "vigie.exposures"));
    assert_eq!((&**dead_letters, &**journal), ("vigie.dead-letters", "vigie.journal"));

    assert_eq!((config.clock, config.cold_start), (ClockRule::Live, ColdStart::Silent));
    assert_eq!((config.turn_ms, config.exposures_interval_ms), (100, 1000));
    assert_eq!(config.snapshots, SnapshotLocation::Folder("vigie-state".into()));
    assert_eq!((config.snapshot_interval_seconds, config.snapshot_generations), (60, 3));
    assert_eq!(config.metrics.as_deref(), Some("127.0.0.1:9464"));
    assert_eq!((config.value_bytes_max, config.skew_ms), (DecodeRules::VALUE_BYTES_MAX, DecodeRules::SKEW_MS));
    assert_eq!((config.storm, config.top_buyers_max), (StormLimits { refused_pct: 20, refused_max: 1000 }, 50));
    assert_eq!((config.params.base.as_str(), config.params.retention_days), ("EUR", Some(730)));
    assert!(config.threads >= 1);
    assert_eq!((config.workers(1), config.workers(0)), (1, 1));
}

#[test]
fn the_documented_file_says_of_each_setting_what_it_is() {
    let mut above = "";
    for line in DOCUMENTED.lines() {
        let is_topic = above.contains(" = \"") || above.starts_with("[topics]");
        if line.contains(" = ") && !line.starts_with('#') && !is_topic {
            assert!(above.starts_with("# "), "{line} has no word above it");
        }
        above = line;
    }
    let config = Bench::new(DOCUMENTED).run(&["--instance", "host"]).expect("it is a file of settings itself");
    let default = Bench::new("").run(&["--instance", "host"]).expect("right");
    assert_eq!(KafkaConfig { file: None, ..config.kafka }, KafkaConfig { file: None, ..default.kafka });
}

#[test]
fn every_flag_is_a_setting_and_goes_before_the_environment_and_that_before_the_file() {
    let flags: BTreeSet<String> = command()
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|name| *name != "config")
        .map(|name| name.replace('-', "_"))
        .collect();
    let said: BTreeSet<String> = arguments(&[]).flags().iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(flags, said);

    let mut bench = Bench::new("turn_ms = 10\ngroup = 'a'\nthreads = 3\n[limits]\ntop_buyers_max = 1\n");
    bench.environment =
        BTreeMap::from([("VIGIE_TURN_MS", "20"), ("VIGIE_LIMITS_TOP_BUYERS_MAX", "2"), ("VIGIE_GROUP", "")]);
    bench.environment.insert("VIGIE_PORT", "tcp://10.0.0.1:80");
    let config = bench.run(&["--turn-ms", "30", "--any-topic"]).expect("right");
    assert_eq!((config.turn_ms, config.top_buyers_max, config.threads), (30, 2, 3));
    assert_eq!((&*config.kafka.group, config.kafka.topic_rule), ("a", TopicRule::Any));
    assert_eq!(config.workers(2), 2);
    assert_eq!(bench.run(&[]).expect("right").turn_ms, 20);
}

#[test]
fn errors_say_where_and_what_is_expected() {
    let refuses = |text: &str, expected: &str| Bench::new(text).refuses(&["--instance", "host"], expected);
    refuses("\n\nturn_ms = 0", "vigie.toml:3: turn_ms should be 1 to 10000, and is 0");
    refuses("turn_ms = 'x'", "vigie.toml:1: turn_ms should be a whole number, and is text");
    refuses("turn_ms = 1.5", "vigie.toml:1: turn_ms should be text, a whole number, or true or false");
    refuses("clock = 'fast'", r#"vigie.toml:1: clock should be "live" or "event", and is "fast""#);
    refuses("snapshot_generations = 2", "vigie.toml:1: snapshot_generations should be 3 to 1000, and is 2");
    refuses("base = 'euro'", r#"vigie.toml:1: base should be three letters A to Z, and is "euro""#);
    refuses("metrics = '9464'", r#"vigie.toml:1: metrics should be host:port or off, and is "9464""#);
    refuses(
        "\n[limits]\nvalue_bytes = 5",
        "vigie.toml:3: limits.value_bytes is no setting; there are limits.dead_letters_max, limits.dead_letters_pct_max, \
         limits.future_seconds_max, limits.top_buyers_max, limits.value_bytes_max",
    );
    refuses(
        "[limit]\na = 5",
        "vigie.toml:2: limit.a is no setting, nor is there a table limit: there are topics, limits, serve, kafka and kafka.properties",
    );
    let bench = Bench::new("");
    bench.refuses(&["--turn-ms", "10001"], "--turn-ms should be 1 to 10000, and is 10001");
    bench.refuses(
        &["--brokers", "localhost"],
        r#"--brokers should be host:port, several with commas, and is "localhost""#,
    );
    bench.refuses(&["--group", "a/b"], r#"--group should be 1 to 200 letters, digits, '.', '_' and '-', and is "a/b""#);
    let mut bench = Bench::new("");
    bench.environment = BTreeMap::from([("VIGIE_TURN_MS", "soon")]);
    bench.refuses(&[], r#"VIGIE_TURN_MS should be a whole number, and is "soon""#);
    let syntax = Bench::new("a = 1\nb = = hunter2").run(&[]).expect_err("refused");
    assert!(syntax.starts_with("vigie.toml:2: ") && !syntax.contains("hunter2"), "{syntax}");
    let missing = Settings::read(Some(Path::new("/nowhere/vigie.toml")), &|_| None, Vec::new()).expect_err("refused");
    assert!(missing.to_string().starts_with("cannot read /nowhere/vigie.toml: "), "{missing}");
}

#[test]
fn secrets_come_from_files_and_the_environment_and_are_shown_nowhere() {
    let mut bench = Bench::new("");
    let secret = bench.folder.path().join("secret");
    std::fs::write(&secret, "hunter2\n").expect("written");
    let text = format!(
        "[kafka.properties]\nsasl.password = {{ file = {secret:?} }}\n'ssl.key.password' = {{ env = 'KEY' }}\n\
         sasl.username = 'vigie'\nenable.ssl.certificate.verification = true\nsocket.timeout.ms = 10000\n"
    );
    std::fs::write(bench.path(), &text).expect("written");
    bench.refuses(
        &["--instance", "host"],
        "vigie.toml:3: kafka.properties.ssl.key.password should be in the environment as KEY, which is not set",
    );
    bench.environment = BTreeMap::from([("KEY", "hunter3"), ("VIGIE_KAFKA_PROPERTIES_SASL_USERNAME", "x")]);
    let config = bench.run(&["--instance", "host"]).expect("right");
    let shown = format!("{config:?}");
    assert!(shown.contains("sasl.password") && !shown.contains("hunter"), "{shown}");
    let environment = |name: &str| bench.environment.get(name).map(|value| (*value).to_owned());
    let settings = Settings::read(Some(&bench.path()), &environment, Vec::new()).expect("read");
    assert!(!format!("{settings:?}").contains("hunter"));

    std::fs::write(bench.path(), format!("brokers = {{ file = {secret:?} }}")).expect("written");
    bench.refuses(
        &[],
        "vigie.toml:1: brokers should be host:port, several with commas, and what it was read from holds none",
    );
    std::fs::write(bench.path(), format!("turn_ms = {{ file = {secret:?} }}")).expect("written");
    let error = bench.run(&[]).expect_err("refused");
    assert!(error.contains("turn_ms should be a whole number, and what ") && !error.contains("hunter"), "{error}");
    std::fs::write(bench.path(), "group = { file = '/nowhere' }").expect("written");
    assert!(bench.run(&[]).expect_err("refused").starts_with("vigie.toml:1: group: cannot read /nowhere: "));
    std::fs::write(bench.path(), "snapshots = 's3://key:hunter2@bucket'").expect("written");
    let error = bench.run(&["--instance", "host"]).expect_err("refused");
    assert!(error.starts_with("vigie.toml:1: snapshots: ") && !error.contains("hunter"), "{error}");
}

#[test]
fn topics_are_told_apart_unless_any_type_may_come_by_any_of_them() {
    let text = "prefix = ''\n[topics]\ninvoices = 'all'\npayments = 'all'\nlimits = 'all'\n";
    let one = r#"vigie.toml:4: topics.payments should be another topic than that of topics.invoices, and is "all""#;
    Bench::new(text).refuses(&["--instance", "host"], one);
    let config = Bench::new(text).run(&["--instance", "host", "--any-topic"]).expect("right");
    let inputs: Vec<&str> = config.kafka.topics.inputs.iter().map(|input| &*input.name).collect();
    assert_eq!(inputs, ["all", "signals", "decisions", "fx-rates"]);
    Bench::new("[topics]\njournal = 'invoices'").refuses(
        &["--any-topic", "--instance", "host"],
        r#"vigie.toml:2: topics.journal should be another topic than that of topics.invoices, and is "invoices""#,
    );
    let expected = "at most 249 letters, digits, '.', '_' and '-', the prefix included";
    for name in ["", "a b", "a/b"] {
        Bench::new(&format!("[topics]\nalerts = '{name}'")).refuses(
            &["--instance", "host"],
            &format!("vigie.toml:2: topics.alerts should be {expected}, and is {name:?}"),
        );
    }
    assert!(Bench::new(&format!("prefix = '{}'", "x".repeat(245))).run(&["--instance", "host"]).is_err());
}

#[test]
fn the_clock_settles_what_a_cold_start_tells_and_what_is_forgotten() {
    let run = |flags: &[&str]| Bench::new("").run(&[flags, &["--instance", "host"]].concat()).expect("right");
    let config = run(&["--clock", "event"]);
    assert_eq!((config.clock, config.cold_start), (ClockRule::Event, ColdStart::Full));
    assert_eq!(config.params.retention_days, None, "as in a replay");
    assert_eq!(run(&["--clock", "event", "--cold-start", "silent"]).cold_start, ColdStart::Silent);
    assert_eq!(run(&["--cold-start", "full"]).cold_start, ColdStart::Full);
    assert_eq!(run(&["--metrics", "off"]).metrics, None);
    assert_eq!(run(&["--base", "CHF"]).params.base.as_str(), "CHF");
}

#[test]
fn an_instance_is_called_as_its_host_where_nothing_else_is_said() {
    assert_eq!(Bench::new("instance = 'blue-1'").run(&[]).expect("right").instance, "blue-1");
    let host = gethostname::gethostname().into_string().expect("UTF-8");
    match Bench::new("").run(&[]) {
        Ok(config) => assert_eq!(config.instance, host),
        Err(error) => assert!(error.contains("give --instance"), "{error}"),
    }
}
