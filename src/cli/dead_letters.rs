//! Owns the command `vigie dead-letters`: what was refused and why, and the way back to its input topic once it is mended.

mod letter;
mod list;
mod replay;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use self::letter::Letter;
use super::CliError;
use super::config::{KafkaArguments, KafkaConfig};
use super::replay::instant;
use crate::base::Instant;
use crate::io::kafka::{CommittedReader, KafkaLog, Settings};
use crate::runtime::{Bounds, CommittedLog, LogError, Records, TopicId};

/// Lists refused records, or sends them back to their input topics.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::Arguments),
    Replay(replay::Arguments),
}

/// Which of them.
#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Those of this code, such as unknown_type.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Those that came by this input topic, with or without the prefix.
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Those of this buyer, by their key.
    #[arg(long, value_name = "BUYER_ID")]
    buyer: Option<String>,
    /// Those written at this moment or later, by the time of the record that was refused.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Instant>,
    /// The first so many, in order of partition and offset.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Filter {
    fn takes(&self, letter: &Letter<'_>, prefix: &str) -> bool {
        let is_topic = |wanted: &String| {
            letter.topic.is_some_and(|topic| topic == wanted || topic.strip_prefix(prefix) == Some(wanted.as_str()))
        };
        self.code.as_deref().is_none_or(|code| letter.code == Some(code))
            && self.topic.as_ref().is_none_or(is_topic)
            && self.buyer.as_deref().is_none_or(|buyer| letter.record.key == Some(buyer.as_bytes()))
            && self.since.is_none_or(|since| letter.record.time_ms.saturating_mul(1_000_000) >= since.nanos())
    }
}

/// Runs the command.
///
/// # Errors
/// When Kafka cannot be used, or a record cannot be sent.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.action {
        Action::List(arguments) => list::run(arguments),
        Action::Replay(arguments) => replay::run(arguments),
    }
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// The dead letters of a service, and how its inputs are reached.
struct Office {
    config: KafkaConfig,
    settings: Settings,
    log: CommittedReader,
    partitions: u32,
}

/// The dead letters, as the reader knows them.
const LETTERS: TopicId = TopicId(0);

impl Office {
    fn open(arguments: &KafkaArguments) -> Result<Office, CliError> {
        let config = KafkaConfig::read(arguments)?;
        let settings = config.reach("dead-letters", 0);
        let name = config.topics.dead_letters.clone();
        let mut names: Vec<String> = config.topics.inputs.iter().map(|input| input.name.clone()).collect();
        names.push(name.clone());
        let partitions = KafkaLog::partitions(&settings, &names).map_err(failed)?;
        let log = CommittedReader::open(&settings, &[name]).map_err(failed)?;
        Ok(Office { config, settings, log, partitions })
    }

    /// What the names of topics begin with: as much as that of the dead letters has before its own.
    fn prefix(&self) -> String {
        let name = &self.config.topics.dead_letters;
        name.strip_suffix("dead-letters").unwrap_or_default().to_owned()
    }
}

/// Calls with every dead letter that is there at the start, partition by partition. What is sent back and refused again
/// meanwhile comes after that, and is left for another time. The call says whether it wants more.
fn each<L: CommittedLog>(
    log: &mut L,
    partitions: u32,
    mut take: impl FnMut(&Letter<'_>) -> Result<bool, CliError>,
) -> Result<(), CliError> {
    let bounds = (0..partitions).map(|partition| log.bounds(LETTERS, partition));
    let bounds = bounds.collect::<Result<Vec<Bounds>, LogError>>().map_err(failed)?;
    let mut records = Records::default();
    for (partition, Bounds { first, end }) in bounds.into_iter().enumerate() {
        let (mut next, mut nothing) = (first, 0);
        while next < end {
            records.clear();
            let after = log.read(LETTERS, partition as u32, next, end, &mut records).map_err(failed)?;
            nothing = if after == next { nothing + 1 } else { 0 };
            if nothing > NOTHING_MAX {
                return Err(failed("the dead letters give nothing: try again"));
            }
            next = after;
            for record in records.iter() {
                if !take(&Letter::read(record))? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Times on end that nothing can be read before the topic is given up.
const NOTHING_MAX: u32 = 100;
