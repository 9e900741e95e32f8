//! Owns the read side on Kafka: the topics that it reads, the thread that feeds it, and the server that answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tracing::{error, info, warn};

use crate::base::Currency;
use crate::cli::CliError;
use crate::cli::config::{KafkaConfig, ServeConfig};
use crate::cli::run::tries_again;
use crate::event::Topic;
use crate::io::clock::{self, Stopwatch};
use crate::io::http::api::{CHANGES_MAX, NotWritten, Outlet, ReadSide, Writing, Written};
use crate::io::http::read_side;
use crate::io::kafka::{Begin, EventOutlet, Follower, KafkaLog, OpenError, Settings};
use crate::io::metrics::Metrics;
use crate::io::metrics::read_side::ReadSideMetrics;
use crate::io::read_side::Feeder;
use crate::io::signals::{StopAtEnd, StopFlag};
use crate::runtime::{LogError, TopicId};
use crate::view::Fed;
use crate::wire::partition_of;

/// Readers at most: each has its share of the partitions.
const READERS_MAX: usize = 4;
/// How long one wait for records may take: after it the end of the process is looked for.
const WAIT_MS: u64 = 200;
/// Seconds from one try to reach Kafka to the next.
const AGAIN_SECONDS: u64 = 2;
/// How long what is being written may take at the end.
const SETTLE_SECONDS: u64 = 5;

/// What a read side goes by.
pub struct Plan<'a> {
    /// How Kafka is reached.
    pub kafka: &'a KafkaConfig,
    /// How it is reached itself.
    pub serve: &'a ServeConfig,
    /// The base currency.
    pub base: Currency,
    /// The metrics of the engine, where it runs in the same process.
    pub engine: Option<Arc<Metrics>>,
}

impl Plan<'_> {
    /// The topics that are read, and what each brings.
    fn topics(&self) -> Vec<(Fed, String)> {
        let topics = &self.kafka.topics;
        let decisions = topics.inputs.iter().find(|input| input.home == Topic::Decisions);
        let mut read = vec![
            (Fed::Exposures, topics.exposures.clone()),
            (Fed::Alerts, topics.alerts.clone()),
            (Fed::LimitProposals, topics.limit_proposals.clone()),
            (Fed::LimitChanges, topics.limit_changes.clone()),
            (Fed::OrderDecisions, topics.order_decisions.clone()),
        ];
        // Where all inputs share one topic, it is not read for the few decisions in it.
        read.extend(decisions.map(|input| (Fed::Decisions, input.name.clone())));
        read
    }

    fn settings(&self) -> Settings {
        self.kafka.reach("serve", 0)
    }
}

/// Reads and answers until the process is asked to end.
///
/// # Errors
/// When the address cannot be listened on, or Kafka cannot be used.
pub fn serve(plan: &Plan<'_>, stop: &StopFlag) -> Result<(), CliError> {
    let settings = plan.settings();
    let inputs: Vec<String> = plan.kafka.topics.inputs.iter().map(|input| input.name.clone()).collect();
    let metrics = match plan.engine {
        Some(_) => ReadSideMetrics::beside_engine(plan.base),
        None => ReadSideMetrics::alone(plan.base),
    };
    let feeder = Feeder::new(metrics, CHANGES_MAX);
    let producer = EventOutlet::open(&settings).map_err(|error| CliError::Failed(error.to_string()))?;
    let outlet = Arc::new(KafkaOutlet {
        producer,
        names: plan.kafka.topics.inputs.iter().map(|input| (input.home, input.name.clone())).collect(),
        partitions: std::sync::OnceLock::new(),
    });
    let side = ReadSide {
        model: Arc::clone(&feeder.model),
        changes: feeder.changes.clone(),
        outlet: Box::new(Arc::clone(&outlet)),
        metrics: Arc::clone(&feeder.metrics),
        base: plan.base,
        rules: plan.serve.checks,
        stories: &[],
        now: Box::new(clock::wall_clock),
    };
    let server = plan.serve.start(read_side(side, feeder.clone(), plan.engine.clone()))?;
    info!("API and console at {}://{}/", plan.serve.scheme(), server.address());
    let ended = read(plan, &settings, &inputs, &outlet, &feeder, stop);
    server.stop();
    outlet.producer.settle(Duration::from_secs(SETTLE_SECONDS));
    ended
}

/// Feeds the read model until the process is asked to end: some readers, each with its share of the partitions.
fn read(
    plan: &Plan<'_>,
    settings: &Settings,
    inputs: &[String],
    outlet: &KafkaOutlet,
    feeder: &Feeder,
    stop: &StopFlag,
) -> Result<(), CliError> {
    let since = Stopwatch::start();
    let topics = plan.topics();
    let found = patiently(plan, stop, || {
        let names: Vec<String> = topics.iter().map(|(_, name)| name.clone()).collect();
        KafkaLog::partitions(settings, &names)?;
        KafkaLog::partitions(settings, inputs)
    })?;
    let Some(partitions) = found else { return Ok(()) };
    outlet.partitions.get_or_init(|| partitions);
    let readers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(READERS_MAX) as u32;
    let behind = AtomicU32::new(readers);
    std::thread::scope(|scope| {
        let (topics, behind) = (&topics, &behind);
        let read = |reader: u32| {
            let caught_up = || {
                if behind.fetch_sub(1, Ordering::AcqRel) == 1 {
                    feeder.caught_up();
                    info!("ready with {} buyers after {:.2} s", feeder.model.buyers(), since.seconds());
                }
            };
            let share = (reader, readers);
            let _ending = StopAtEnd(stop.clone());
            read_share(plan, settings, topics, share, feeder, stop, caught_up)
        };
        let running: Vec<_> = (0..readers).map(|reader| scope.spawn(move || read(reader))).collect();
        let ended =
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.fold(Ok(()), Result::and)
    })
}

/// Feeds a reader's share of the partitions.
fn read_share(
    plan: &Plan<'_>,
    settings: &Settings,
    topics: &[(Fed, String)],
    share: (u32, u32),
    feeder: &Feeder,
    stop: &StopFlag,
    caught_up: impl FnOnce(),
) -> Result<(), CliError> {
    let names: Vec<String> = topics.iter().map(|(_, name)| name.clone()).collect();
    let opened = patiently(plan, stop, || Follower::open(settings, &names, Begin::AtStart, share))?;
    let Some(mut follower) = opened else { return Ok(()) };
    let mut caught_up = Some(caught_up);
    while !stop.is_set() {
        let heard = follower.hear(Duration::from_millis(WAIT_MS), &mut |record| {
            let (fed, name) = &topics[usize::from(record.topic.0)];
            feeder.take(*fed, name, record);
        });
        match heard {
            Ok(()) => {}
            Err(LogError::Retry(text)) => {
                warn!("{text}. It is tried again");
                clock::pause(WAIT_MS);
            }
            Err(error) => return Err(CliError::Failed(format!("the output topics cannot be read: {error}"))),
        }
        if caught_up.is_some()
            && follower.has_caught_up()
            && let Some(caught_up) = caught_up.take()
        {
            caught_up();
        }
        let lag = |(place, name): (usize, &String)| (name.clone(), follower.lag(TopicId(place as u16)));
        feeder.set_lag(share.0 as usize, names.iter().enumerate().map(lag).collect::<BTreeMap<_, _>>());
    }
    Ok(())
}

/// Opens something on Kafka, again and again while it is not there; `None` where the process is asked to end before.
fn patiently<T>(
    plan: &Plan<'_>,
    stop: &StopFlag,
    mut open: impl FnMut() -> Result<T, OpenError>,
) -> Result<Option<T>, CliError> {
    while !stop.is_set() {
        match open() {
            Ok(opened) => return Ok(Some(opened)),
            Err(error) if tries_again(&error, plan.kafka.when_unavailable) => {
                error!("{error}. It is tried again in {AGAIN_SECONDS} seconds");
                clock::pause(AGAIN_SECONDS * 1000);
            }
            Err(error) => return Err(CliError::Failed(error.to_string())),
        }
    }
    Ok(None)
}

/// Writes decisions and holds to Kafka.
struct KafkaOutlet {
    producer: EventOutlet,
    names: Vec<(Topic, String)>,
    partitions: std::sync::OnceLock<u32>,
}

impl Outlet for Arc<KafkaOutlet> {
    fn write(&self, home: Topic, buyer_id: &str, value: Vec<u8>) -> Writing {
        let name = self.names.iter().find(|(of, _)| *of == home).or(self.names.first()).map(|(_, name)| name.clone());
        let (Some(topic), Some(partitions)) = (name, self.partitions.get()) else {
            return Box::pin(async { Err(NotWritten("Kafka was not reached yet".to_owned())) });
        };
        let partition = partition_of(buyer_id.as_bytes(), *partitions);
        let told = self.producer.write(&topic, partition, buyer_id, &value);
        Box::pin(async move {
            match told.await {
                Ok(Ok((partition, offset))) => Ok(Written { topic, partition, offset }),
                Ok(Err(why)) => Err(NotWritten(format!("{topic}, partition {partition}: {why}"))),
                Err(_) => Err(NotWritten("the process ends".to_owned())),
            }
        })
    }
}
