//! Owns `vigie dead-letters list`.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, Write};

use super::{Filter, Office, each, failed};
use crate::cli::CliError;
use crate::cli::config::KafkaArguments;

/// Tells what was refused: its place among the dead letters, the code, the topic, partition and offset that it came by, its key
/// and time, a sentence, and how its value begins. At the end stands how many there are of each code.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie dead-letters list --code unknown_type --since 2026-03-01T00:00:00Z\n  \
    vigie dead-letters list --topic invoices --json > letters.jsonl   # with whole values, to be mended and sent back")]
pub struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Tells them as JSON, one a line, with their headers and whole values.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kafka: KafkaArguments,
}

/// Runs the command.
///
/// # Errors
/// When Kafka cannot be read.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut office = Office::open(&arguments.kafka)?;
    let prefix = office.prefix();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut codes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut shown, mut is_read) = (0, true);
    each(&mut office.log, office.partitions, |letter| {
        if !arguments.filter.takes(letter, &prefix) {
            return Ok(true);
        }
        *codes.entry(letter.code.unwrap_or("?").to_owned()).or_default() += 1;
        if arguments.filter.limit.is_some_and(|limit| shown >= limit) {
            return Ok(true);
        }
        shown += 1;
        let line = if arguments.json { letter.json().to_string() } else { letter.text() };
        match writeln!(out, "{line}") {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                is_read = false;
                Ok(false)
            }
            Err(error) => Err(failed(format_args!("cannot write to standard output: {error}"))),
        }
    })?;
    if !is_read {
        return Ok(());
    }
    out.flush().map_err(|error| failed(format_args!("cannot write to standard output: {error}")))?;
    let total: u64 = codes.values().sum();
    eprintln!("{total} dead letters{}", if total > shown { format!(", {shown} of them shown") } else { String::new() });
    for (code, count) in codes {
        eprintln!("  {code:<16}{count:>12}");
    }
    Ok(())
}
