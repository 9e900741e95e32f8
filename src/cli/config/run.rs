//! Owns the checked configuration of the engine.

use super::arguments::RunArguments;
use super::kafka::{self, KafkaConfig};
use super::settings::{self, Settings};
use crate::base::Currency;
use crate::cli::{CliError, params};
use crate::io::snapshots::{NAME_BYTES_MAX, SnapshotLocation, is_safe_name};
use crate::risk::Params;
use crate::runtime::{ClockRule, ColdStart, StormLimits};

/// What a live service forgets after, where its params do not say.
const RETENTION_DAYS: u16 = 730;

/// How the engine runs.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// How Kafka is reached.
    pub kafka: KafkaConfig,
    /// What changes results.
    pub params: Params,
    /// Workers, before partitions are known; see [`RunConfig::workers`].
    pub threads: u32,
    /// This instance's name: letters, digits, `.`, `_` and `-`.
    pub instance: String,
    /// What moves time on.
    pub clock: ClockRule,
    /// What a start from nothing tells.
    pub cold_start: ColdStart,
    /// How long a turn gathers records.
    pub turn_ms: u32,
    /// How often at most the figures of a buyer go out.
    pub exposures_interval_ms: u32,
    /// Where snapshots lie.
    pub snapshots: SnapshotLocation,
    /// How often a shard is snapshot.
    pub snapshot_interval_seconds: u32,
    /// How many snapshots of a shard are kept.
    pub snapshot_generations: usize,
    /// Where the process tells of itself, as `host:port`; `None`: nowhere.
    pub metrics: Option<String>,
    /// The largest value of a record.
    pub value_bytes_max: usize,
    /// How far an event's time may be ahead of the wall clock.
    pub skew_ms: u32,
    /// How many refused records stop a partition.
    pub storm: StormLimits,
    /// Buyers that metrics name by their id.
    pub top_buyers_max: usize,
}

impl RunConfig {
    /// Reads file, environment and flags, and checks what they say.
    ///
    /// # Errors
    /// When a file cannot be read, or a setting is unknown or wrong: which, where it was said, and what is expected.
    pub fn read(arguments: &RunArguments) -> Result<RunConfig, CliError> {
        RunConfig::check(&kafka::read(&arguments.kafka, arguments.flags(), &settings::environment)?)
    }

    /// Workers for so many partitions: one that had none would be idle.
    #[must_use]
    pub fn workers(&self, partitions: u32) -> u32 {
        self.threads.min(partitions).max(1)
    }

    pub(super) fn check(settings: &Settings) -> Result<RunConfig, CliError> {
        let whole = |key, most| settings.get(key).whole::<u32>(0..=most);
        let clock = settings.get("clock").one_of(&[("live", ClockRule::Live), ("event", ClockRule::Event)])?;
        let by_clock = match clock {
            ClockRule::Live => ColdStart::Silent,
            ClockRule::Event => ColdStart::Full,
        };
        let cold_starts = [("silent", ColdStart::Silent), ("full", ColdStart::Full), ("", by_clock)];
        let threads = match whole("threads", 256)? {
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            threads => threads,
        };
        let snapshots = settings.get("snapshots");
        Ok(RunConfig {
            kafka: KafkaConfig::check(settings)?,
            params: params(settings, clock)?,
            threads,
            instance: instance(settings)?,
            clock,
            cold_start: settings.get("cold_start").one_of(&cold_starts)?,
            turn_ms: settings.get("turn_ms").whole(1..=10_000)?,
            exposures_interval_ms: whole("exposures_interval_ms", 3_600_000)?,
            // What it says is not repeated: a URL may hold a secret, where it should not.
            snapshots: SnapshotLocation::parse(snapshots.text())
                .map_err(|error| CliError::Wrong(format!("{}: {error}", snapshots.place())))?,
            snapshot_interval_seconds: settings.get("snapshot_interval_seconds").whole(1..=86_400)?,
            snapshot_generations: settings.get("snapshot_generations").whole(3..=1000)?,
            metrics: metrics(settings)?,
            value_bytes_max: settings.get("limits.value_bytes_max").whole(1 << 10..=16 << 20)?,
            skew_ms: whole("limits.future_seconds_max", 86_400)? * 1000,
            storm: StormLimits {
                refused_pct: settings.get("limits.dead_letters_pct_max").whole(0..=100)?,
                refused_max: settings.get("limits.dead_letters_max").whole(1..=1_000_000)?,
            },
            top_buyers_max: settings.get("limits.top_buyers_max").whole(0..=1000)?,
        })
    }
}

fn params(settings: &Settings, clock: ClockRule) -> Result<Params, CliError> {
    let (path, base) = (settings.get("params"), settings.get("base"));
    let currency = match base.text() {
        "" => None,
        text => Some(Currency::parse(text).ok_or_else(|| base.wrong(&"three letters A to Z"))?),
    };
    let path = Some(path.text()).filter(|path| !path.is_empty()).map(std::path::Path::new);
    let params = params::read(path, currency)?;
    let by_clock = match clock {
        ClockRule::Live => Some(RETENTION_DAYS),
        ClockRule::Event => None,
    };
    Ok(Params { retention_days: params.retention_days.or(by_clock), ..params })
}

fn instance(settings: &Settings) -> Result<String, CliError> {
    let setting = settings.get("instance");
    let expected = format!("1 to {NAME_BYTES_MAX} letters, digits, '.', '_' and '-'");
    if !setting.text().is_empty() {
        return setting.text_if(&expected, is_safe_name);
    }
    let host = gethostname::gethostname();
    host.to_str().filter(|name| is_safe_name(name)).map(str::to_owned).ok_or_else(|| {
        CliError::Wrong(format!("the host's name {host:?} cannot name this instance: give --instance, {expected}"))
    })
}

fn metrics(settings: &Settings) -> Result<Option<String>, CliError> {
    let setting = settings.get("metrics");
    let is_address =
        |text: &str| text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match setting.text() {
        "off" => Ok(None),
        _ => setting.text_if("host:port or off", is_address).map(Some),
    }
}
