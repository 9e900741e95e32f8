//! Owns the command `vigie demo`: all of vigie in one process, on a log in memory, with a portfolio that lives on.

mod days;
mod kept;
mod log;
mod stories;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use tracing::{error, info, warn};

use self::days::Days;
use self::kept::Kept;
use self::log::SoleLog;
use self::world::World;
use super::CliError;
use super::config::{ServeArguments, ServeConfig};
use crate::base::Currency;
use crate::io::clock;
use crate::io::http::api::{CHANGES_MAX, ReadSide};
use crate::io::http::read_side;
use crate::io::logging::{self, LogFormat, LogLevel};
use crate::io::metrics::read_side::ReadSideMetrics;
use crate::io::metrics::{Metrics, MetricsSettings};
use crate::io::read_side::Feeder;
use crate::io::signals::{self, StopAtEnd, StopFlag};
use crate::io::snapshots::{SnapshotLocation, Snapshots};
use crate::risk::Params;
use crate::runtime::service::{ClockRule, ColdStart};
use crate::runtime::{LogError, Notice, Service, ServiceRules, TopicId};
use crate::wire::DecodeRules;

/// How long one look for what is new may be from the next.
const LOOK_MS: u64 = 20;
/// Buyers that metrics name by their id.
const TOP_BUYERS: usize = 20;
/// Seconds from one snapshot to the next: a demo shows them.
const SNAPSHOT_MS: u64 = 15_000;
/// How long the last snapshots may take.
const LAST_SNAPSHOTS_NS: u64 = 2_000_000_000;

/// Shows all of vigie in one process, without a server or any configuration.
///
/// A made-up portfolio has lived through its past and lives on: simulated days pass, invoices are issued and paid or not, alerts
/// and proposals come. API, console and metrics are at the address that it prints; what is decided there counts. Two stories are
/// told in it: a reseller's Christmas order (buyer STORY-CHRISTMAS) and a single large order (buyer STORY-MACHINE).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie demo\n  \
    vigie demo --speed 86400     a simulated day a second\n  \
    vigie demo --buyers 5000 --port 9470")]
pub struct Arguments {
    /// How many times faster than real time simulated days pass: 3600 is an hour a second.
    #[arg(long, value_name = "TIMES", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=864_000))]
    speed: u32,
    /// Buyers of the portfolio.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    buyers: u32,
    /// Days that the portfolio has lived through before.
    #[arg(long, value_name = "DAYS", default_value_t = 240, value_parser = clap::value_parser!(u16).range(1..=3000))]
    past_days: u16,
    /// What chance goes by: the same seed makes the same portfolio.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The port of 127.0.0.1 to answer at; 0 takes a free one.
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Keeps every output event, one a line (.jsonl; .gz and .zst compressed): the file is whole once the demo has ended.
    #[arg(long, value_name = "FILE")]
    outputs: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArguments,
}

/// Runs the command.
///
/// # Errors
/// When the address cannot be listened on, or the engine ends.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    logging::begin(LogFormat::Text, LogLevel::Warn).map_err(|error| CliError::Failed(error.to_string()))?;
    let stop = signals::listen().map_err(|error| CliError::Failed(format!("signals cannot be handled: {error}")))?;
    let serve = match arguments.port {
        Some(port) => ServeConfig::read(&arguments.serve.clone().on_port(port), None)?,
        None => ServeConfig::read(&arguments.serve, None)?,
    };
    let mut kept = Kept::begin(arguments.outputs.as_deref())?;
    let params = Params::new(Currency::parse("EUR").expect("a currency"));
    let base = params.base;
    let days = Days::new(arguments.seed, arguments.buyers, arguments.past_days, clock::wall_clock().day())
        .map_err(|error| CliError::Wrong(error.to_string()))?;
    let world = World::new(base, days.now(), arguments.speed);
    let metrics = Arc::new(Metrics::new(MetricsSettings {
        topics: world.topics().names.clone(),
        inputs: (0..world.topics().inputs.len() as u16).map(TopicId).collect(),
        base,
        most_retained_max: TOP_BUYERS,
    }));
    let feeder = Feeder::new(ReadSideMetrics::beside_engine(base), CHANGES_MAX);
    let now = world.clone();
    let side = ReadSide {
        model: Arc::clone(&feeder.model),
        changes: feeder.changes.clone(),
        outlet: Box::new(world.clone()),
        metrics: Arc::clone(&feeder.metrics),
        base,
        rules: serve.checks,
        stories: &[("christmas_order", stories::CHRISTMAS), ("single_order", stories::MACHINE)],
        now: Box::new(move || now.now()),
    };
    let folder = tempfile::tempdir().map_err(|error| CliError::Failed(format!("no folder for snapshots: {error}")))?;
    let location = SnapshotLocation::parse(&folder.path().display().to_string());
    let snapshots = location.and_then(|location| Snapshots::open(&location, "vigie", "demo"));
    let snapshots = snapshots.map_err(|error| CliError::Failed(error.to_string()))?;
    let server = serve.start(read_side(side, feeder.clone(), Some(Arc::clone(&metrics))))?;
    println!("{}://{}/", serve.scheme(), server.address());
    println!("A simulated hour passes every {} s. Ctrl-C ends it.", per_hour(arguments.speed));

    let engine = Engine { world: world.clone(), params, snapshots, metrics, stop: stop.clone() };
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let _ending = StopAtEnd(stop.clone());
            engine.run()
        });
        let reading = scope.spawn(|| {
            let _ending = StopAtEnd(stop.clone());
            world.feed(&feeder, &mut kept, &stop)
        });
        let ending = StopAtEnd(stop.clone());
        let lived = world.live(days, &stop);
        drop(ending);
        let ran = running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let fed = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ran.and(lived).map_err(|error| CliError::Failed(error.to_string())).and(fed)
    });
    server.stop();
    ended.and_then(|()| kept.finish())
}

/// Real seconds to a simulated hour, to two decimals.
fn per_hour(speed: u32) -> String {
    let hundredths = 360_000 / speed;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The engine of the demo.
struct Engine {
    world: World,
    params: Params,
    snapshots: Snapshots,
    metrics: Arc<Metrics>,
    stop: StopFlag,
}

impl Engine {
    /// Takes turns until the process is asked to end.
    fn run(&self) -> Result<(), LogError> {
        let decode = DecodeRules::new(self.params.base, self.world.now());
        let rules = ServiceRules {
            clock: ClockRule::Event,
            cold_start: ColdStart::Full,
            snapshot_interval_ms: SNAPSHOT_MS,
            pass_ms: 5_000,
            most_retained_max: TOP_BUYERS,
            ..ServiceRules::new(self.world.topics().clone(), decode, self.params.clone(), "demo".to_owned())
        };
        let store = self.snapshots.handle(Arc::new(|_| ()));
        let mut service = Service::new(SoleLog::new(&self.world), store, rules);
        let ended = loop {
            if self.stop.is_set() {
                break service.finish(LAST_SNAPSHOTS_NS);
            }
            if let Err(error) = service.turn() {
                break Err(error);
            }
            for notice in service.take_notices() {
                match notice {
                    Notice::Told(text) => info!("{text}"),
                    Notice::Warned(text) => warn!("{text}"),
                    Notice::Failed(text) => error!("{text}"),
                }
            }
            self.metrics.flush(0, service.take_observed());
        };
        self.metrics.flush(0, service.take_observed());
        ended
    }
}
