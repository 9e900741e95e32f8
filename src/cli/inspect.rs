//! Owns the command `vigie inspect`: what an operator can look at beside the service, or while it is down. It writes nothing to
//! Kafka and nothing to the snapshots.

mod buyer;
mod journal;
mod order;
mod outputs;
mod snapshot;

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

use clap::Subcommand;

use super::CliError;
use super::config::{RunArguments, RunConfig};
use super::run::{Named, rules};
use crate::io::kafka::{CommittedReader, KafkaLog, Settings};
use crate::runtime::{FollowError, LogError, ServiceRules, Topics};

/// Looks at snapshots, at a buyer as of any moment, and at the journal. It changes nothing, and may run beside the service.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Snapshot(snapshot::Arguments),
    Buyer(buyer::Arguments),
    Journal(journal::Arguments),
}

/// Runs the command.
///
/// # Errors
/// When Kafka or the snapshots cannot be read, or what is found there is not as it should be.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.what {
        What::Snapshot(arguments) => snapshot::run(arguments),
        What::Buyer(arguments) => buyer::run(arguments),
        What::Journal(arguments) => journal::run(arguments),
    }
}

/// A service's topics and rules, and a reader of what is committed in them.
struct Scene {
    config: RunConfig,
    rules: ServiceRules,
    log: CommittedReader,
}

impl Scene {
    fn open(arguments: &RunArguments) -> Result<Scene, CliError> {
        let config = RunConfig::read(arguments)?;
        let settings: Settings = config.kafka.reach("inspect", 0);
        let names = Named::of(&config);
        let partitions = KafkaLog::partitions(&settings, &names.all).map_err(failed)?;
        let log = CommittedReader::open(&settings, &names.all).map_err(failed)?;
        let rules = rules(&config, names.topics(partitions));
        Ok(Scene { config, rules, log })
    }

    fn topics(&self) -> &Topics {
        &self.rules.topics
    }

    /// The partitions that were named, or all.
    fn partitions(&self, named: &[u32]) -> Result<Vec<u32>, CliError> {
        let count = self.topics().partitions;
        if let Some(partition) = named.iter().find(|partition| **partition >= count) {
            return Err(CliError::Wrong(format!(
                "there is no partition {partition}: the topics have 0 to {}",
                count - 1
            )));
        }
        let mut partitions = if named.is_empty() { (0..count).collect() } else { named.to_vec() };
        partitions.sort_unstable();
        partitions.dedup();
        Ok(partitions)
    }
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// A shard that cannot be followed. Flags that are not those of the service make other counts of the same records.
fn not_followed(error: FollowError) -> String {
    match error {
        FollowError::Log(error) => error.to_string(),
        FollowError::Differs(why) => {
            format!("{why}. Are --any-topic, the names of topics and the limits of vigie.toml those of the service?")
        }
    }
}

impl From<LogError> for CliError {
    fn from(error: LogError) -> CliError {
        failed(error)
    }
}

/// Standard output, line by line. Whoever reads it may have had enough: that ends the command well.
struct Lines {
    out: BufWriter<StdoutLock<'static>>,
    is_over: bool,
}

impl Lines {
    fn new() -> Lines {
        Lines { out: BufWriter::new(io::stdout().lock()), is_over: false }
    }

    /// Writes a line; says whether anybody still reads.
    fn say(&mut self, line: std::fmt::Arguments<'_>) -> Result<bool, CliError> {
        let written = self.out.write_fmt(line).and_then(|()| self.out.write_all(b"\n"));
        self.check(written)
    }

    fn flush(&mut self) -> Result<(), CliError> {
        let flushed = self.out.flush();
        self.check(flushed).map(|_| ())
    }

    fn check(&mut self, written: io::Result<()>) -> Result<bool, CliError> {
        match written {
            Ok(()) => Ok(!self.is_over),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_over = true;
                Ok(false)
            }
            Err(error) => Err(failed(format_args!("cannot write to standard output: {error}"))),
        }
    }
}
