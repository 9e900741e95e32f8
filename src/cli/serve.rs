//! Owns the command `vigie serve`: the read model from the output topics, the API and the console.

pub(super) mod feed;

use tracing::info;

use self::feed::Plan;
use super::CliError;
use super::config::{KafkaArguments, ServeArguments, ServeConfig};
use crate::base::Currency;
use crate::io::logging;
use crate::io::signals;

/// Answers for what the engine has told: exposure, alerts and proposals of every buyer, decisions on them, order checks.
///
/// It reads the output topics from their beginning and keeps them in memory, so any number of these can run. Decisions are
/// written to the topic of decisions, and the engine takes them from there. It listens on this machine alone unless it is told
/// otherwise, and then only with a way to know who asks: `vigie token new` makes a token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie serve --brokers kafka:9092\n  \
    vigie serve --listen 0.0.0.0:9470 --tokens tokens.txt --tls-cert vigie.pem --tls-key vigie.key")]
pub struct Arguments {
    #[command(flatten)]
    kafka: KafkaArguments,
    #[command(flatten)]
    serve: ServeArguments,
    /// The base currency of the engine's figures.
    #[arg(long, value_name = "CODE", default_value = "EUR", value_parser = currency)]
    base: Currency,
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| "three letters A to Z".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the configuration are wrong, or Kafka cannot be used.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (kafka, serve) = ServeConfig::with_kafka(&arguments.kafka, &arguments.serve)?;
    logging::begin(kafka.log_format, kafka.log_level).map_err(|error| CliError::Failed(error.to_string()))?;
    let stop = signals::listen().map_err(|error| CliError::Failed(format!("signals cannot be handled: {error}")))?;
    let plan = Plan { kafka: &kafka, serve: &serve, base: arguments.base, engine: None };
    feed::serve(&plan, &stop)?;
    info!("vigie has ended");
    Ok(())
}
