//! Owns the command `vigie run`: the engine on Kafka, a worker a thread, with its metrics and its end.

mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{error, info, warn};

use self::worker::Worker;
use super::CliError;
use super::config::{RunArguments, RunConfig, ServeArguments, ServeConfig, WhenUnavailable};
use super::serve::feed;
use crate::event::Topic;
use crate::io::clock;
use crate::io::http::{self, HttpServer};
use crate::io::kafka::{KafkaLog, OpenError, Settings};
use crate::io::logging;
use crate::io::metrics::{Metrics, MetricsSettings};
use crate::io::signals::{self, StopAtEnd, StopFlag};
use crate::io::snapshots::Snapshots;
use crate::runtime::{OutputTopics, ServiceRules, TopicId, Topics};
use crate::wire::DecodeRules;

/// Seconds from one try to reach Kafka to the next.
pub(super) const AGAIN_SECONDS: u64 = 2;

/// Watches the input topics: keeps every buyer's exposure and tells alerts, proposals and limits, exactly once.
///
/// It reads as a member of a consumer group: the more processes run with the same group, the fewer partitions each has.
/// SIGTERM ends it after its turn and a last snapshot; a second one at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie run --brokers kafka:9092\n  \
    vigie run --config vigie.toml --snapshots s3://bucket/vigie --threads 4\n  \
    vigie run --clock event --any-topic --turn-ms 10")]
pub struct Arguments {
    #[command(flatten)]
    run: RunArguments,
    /// Answers API and console from the same process too, as `vigie serve` does.
    #[arg(long)]
    serve: bool,
    #[command(flatten)]
    http: ServeArguments,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the configuration are wrong, or something only a person can mend ends a worker.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let config = RunConfig::read(&arguments.run)?;
    logging::begin(config.kafka.log_format, config.kafka.log_level)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(file) = &config.kafka.file {
        info!("settings are read from {}", file.display());
    }
    if let Some(setting) = config.kafka.properties.insecure() {
        warn!(
            "{setting}: whoever answers is believed to be the broker. For a trial alone: take it out of [kafka.properties]"
        );
    }
    let stop = signals::listen().map_err(|error| CliError::Failed(format!("signals cannot be handled: {error}")))?;
    let names = Named::of(&config);
    let settings = config.kafka.reach(&config.instance, config.turn_ms);
    let snapshots = Snapshots::open(&config.snapshots, &config.kafka.group, &config.instance)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let metrics = Arc::new(Metrics::new(MetricsSettings {
        topics: names.all.clone(),
        inputs: (0..names.inputs.len() as u16).map(TopicId).collect(),
        base: config.params.base,
        most_retained_max: config.top_buyers_max,
    }));
    let server =
        config.metrics.as_deref().map(|address| HttpServer::start(address, http::router(Arc::clone(&metrics))));
    let server = server.transpose().map_err(|error| CliError::Failed(error.to_string()))?;
    if let Some(server) = &server {
        info!("metrics, /live and /ready at http://{}", server.address());
    }
    let read_side = arguments.serve.then(|| ServeConfig::with_kafka(arguments.run.kafka(), &arguments.http));
    let read_side = read_side.transpose()?;
    let ended = std::thread::scope(|scope| {
        let reading = read_side.map(|(kafka, serve)| {
            let (stop, engine) = (stop.clone(), Arc::clone(&metrics));
            let base = config.params.base;
            scope.spawn(move || {
                let _ending = StopAtEnd(stop.clone());
                feed::serve(&feed::Plan { kafka: &kafka, serve: &serve, base, engine: Some(engine) }, &stop)
            })
        });
        let ending = StopAtEnd(stop.clone());
        let ended = serve(&config, &settings, &names, &snapshots, &metrics, &stop);
        drop(ending);
        let read =
            reading.map_or(Ok(()), |reading| reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.and(read)
    });
    if let Some(server) = server {
        server.stop();
    }
    ended
}

/// Runs the workers until they are asked to end, or one of them must.
fn serve(
    config: &RunConfig,
    settings: &Settings,
    names: &Named,
    snapshots: &Snapshots,
    metrics: &Arc<Metrics>,
    stop: &StopFlag,
) -> Result<(), CliError> {
    let Some(partitions) = reach(config, settings, names, stop)? else { return Ok(()) };
    let rules = rules(config, names.topics(partitions));
    let workers = config.workers(partitions);
    info!(workers, partitions, group = config.kafka.group, instance = config.instance, "vigie runs");
    let has_failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..workers {
            let mut settings = settings.clone();
            settings.thread = number;
            let worker = Worker {
                number: number as usize,
                settings,
                rules: rules.clone(),
                snapshots: snapshots.clone(),
                metrics: Arc::clone(metrics),
                stop: stop.clone(),
                when_unavailable: config.kafka.when_unavailable,
            };
            let has_failed = &has_failed;
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            let spawned = thread.spawn_scoped(scope, move || {
                // A worker that ends ends the process, so that nobody takes a part of the work for the whole.
                let ending = Ending(worker.stop.clone(), has_failed);
                match worker.run() {
                    Ok(()) => std::mem::forget(ending),
                    Err(why) => error!("worker {number} has ended: {why}"),
                }
            });
            if let Err(error) = spawned {
                error!("worker {number} cannot be started: {error}");
                has_failed.store(true, Ordering::Relaxed);
                stop.set();
            }
        }
    });
    if has_failed.load(Ordering::Relaxed) {
        return Err(CliError::Failed("a worker has ended: what it says stands above in the log".to_owned()));
    }
    info!("vigie has ended");
    Ok(())
}

/// Ends the other workers too, when it is dropped: also by a panic.
struct Ending<'a>(StopFlag, &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
        self.0.set();
    }
}

/// How many partitions the topics have, once Kafka is there; `None` where the process is asked to end before.
fn reach(config: &RunConfig, settings: &Settings, names: &Named, stop: &StopFlag) -> Result<Option<u32>, CliError> {
    while !stop.is_set() {
        match KafkaLog::partitions(settings, &names.all) {
            Ok(partitions) => return Ok(Some(partitions)),
            Err(error) if tries_again(&error, config.kafka.when_unavailable) => {
                error!("{error}. It is tried again in {AGAIN_SECONDS} seconds");
                pause(stop);
            }
            Err(error) => return Err(CliError::Failed(error.to_string())),
        }
    }
    Ok(None)
}

pub(super) fn tries_again(error: &OpenError, when_unavailable: WhenUnavailable) -> bool {
    error.may_pass() && when_unavailable == WhenUnavailable::Wait
}

/// Waits a moment, or until the process is asked to end.
fn pause(stop: &StopFlag) {
    const STEP_MS: u64 = 50;
    let mut left_ms = AGAIN_SECONDS * 1000;
    while left_ms > 0 && !stop.is_set() {
        clock::pause(STEP_MS);
        left_ms -= STEP_MS;
    }
}

pub(super) fn rules(config: &RunConfig, topics: Topics) -> ServiceRules {
    let decode = DecodeRules {
        value_bytes_max: config.value_bytes_max,
        skew_ms: config.skew_ms,
        topics: config.kafka.topic_rule,
        ..DecodeRules::new(config.params.base, clock::wall_clock())
    };
    ServiceRules {
        group: config.kafka.group.clone(),
        clock: config.clock,
        cold_start: config.cold_start,
        storm: config.storm,
        exposures_interval_ms: config.exposures_interval_ms,
        snapshot_interval_ms: u64::from(config.snapshot_interval_seconds) * 1000,
        snapshot_generations: config.snapshot_generations,
        most_retained_max: config.top_buyers_max,
        ..ServiceRules::new(topics, decode, config.params.clone(), config.instance.clone())
    }
}

/// The topics by their names: the inputs first, in the contract's order, then the outputs.
pub(super) struct Named {
    pub(super) all: Vec<String>,
    inputs: Vec<Topic>,
}

impl Named {
    pub(super) fn of(config: &RunConfig) -> Named {
        let topics = &config.kafka.topics;
        let mut all: Vec<String> = topics.inputs.iter().map(|input| input.name.clone()).collect();
        let outputs = [
            &topics.alerts,
            &topics.limit_proposals,
            &topics.limit_changes,
            &topics.order_decisions,
            &topics.exposures,
            &topics.dead_letters,
            &topics.journal,
        ];
        all.extend(outputs.map(String::clone));
        Named { all, inputs: topics.inputs.iter().map(|input| input.home).collect() }
    }

    pub(super) fn topics(&self, partitions: u32) -> Topics {
        let output = |place: u16| TopicId(self.inputs.len() as u16 + place);
        Topics {
            names: self.all.clone(),
            inputs: self.inputs.iter().copied().map(Some).collect(),
            outputs: OutputTopics {
                alerts: output(0),
                limit_proposals: output(1),
                limit_changes: output(2),
                order_decisions: output(3),
                exposures: output(4),
                history: None,
                dead_letters: output(5),
                journal: Some(output(6)),
            },
            partitions,
        }
    }
}
