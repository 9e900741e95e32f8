//! Owns `vigie inspect snapshot`: which snapshots there are, and what is in them.

use super::{CliError, Lines, failed};
use crate::base::Instant;
use crate::cli::config::{RunArguments, RunConfig};
use crate::io::clock::wall_clock;
use crate::io::snapshots::{Found, Snapshots};
use crate::risk::Shard;
use crate::risk::stored::StateHash;
use crate::runtime::snapshot::Snapshot;
use crate::runtime::store::SnapshotStore;

/// Lists the snapshots of the group and whether each is whole; with a partition it tells what is in each of that one's.
///
/// It needs no Kafka: the snapshots alone are read, each of them whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie inspect snapshot\n  \
    vigie inspect snapshot 3 --snapshots s3://bucket/vigie --group vigie")]
pub struct Arguments {
    /// The partition to look into.
    #[arg(value_name = "PARTITION")]
    partition: Option<u32>,
    #[command(flatten)]
    run: RunArguments,
}

/// Runs the command.
///
/// # Errors
/// When the snapshots cannot be read, or one of them is damaged.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let config = RunConfig::read(&arguments.run)?;
    let snapshots = Snapshots::open_to_read(&config.snapshots, &config.kafka.group).map_err(failed)?;
    let mut store = snapshots.handle(std::sync::Arc::new(|_| {}));
    let mut found = snapshots.all().map_err(failed)?;
    found.retain(|found| arguments.partition.is_none_or(|partition| found.name.partition == partition));
    found.sort_unstable_by_key(|found| (found.name.partition, std::cmp::Reverse(found.name.epoch)));
    let mut lines = Lines::new();
    if found.is_empty() {
        let of = arguments.partition.map_or_else(String::new, |partition| format!(" of partition {partition}"));
        lines.say(format_args!("there are no snapshots{of} of the group {}", config.kafka.group))?;
    } else if arguments.partition.is_none() {
        lines.say(format_args!("{:>9}  {:>12}  {:>14}  {:>10}  state", "partition", "turn", "bytes", "age"))?;
    }
    let (now, mut damaged) = (wall_clock(), 0);
    for one in &found {
        // One that a newer has driven out since it was listed is no damage.
        let bytes = match store.load(one.name) {
            Ok(bytes) => bytes,
            Err(_) if !snapshots.all().map_err(failed)?.iter().any(|left| left.name == one.name) => continue,
            Err(error) => return Err(failed(error)),
        };
        let read = read(&bytes);
        damaged += u32::from(read.is_err());
        let is_read_on = match arguments.partition {
            None => list(&mut lines, one, &read, now)?,
            Some(_) => describe(&mut lines, one, &read, now)?,
        };
        if !is_read_on {
            break;
        }
    }
    lines.flush()?;
    match damaged {
        0 => Ok(()),
        count => Err(failed(format_args!(
            "{count} snapshots are damaged: a recovery passes them over. Delete them once there are newer ones"
        ))),
    }
}

/// What is in a snapshot.
struct Read {
    standing: crate::runtime::snapshot::Standing,
    clock: Option<Instant>,
    buyers: usize,
    params_version: u32,
    base: String,
    head_bytes: usize,
}

/// Reads a snapshot and restores the shard in it, as a recovery would.
fn read(bytes: &[u8]) -> Result<Read, String> {
    let Snapshot { standing, head, buyers } = Snapshot::read(bytes).map_err(|error| error.to_string())?;
    let mut hash = StateHash::of_head(head);
    hash.take_buyers(buyers).map_err(|error| error.to_string())?;
    if hash.finish() != standing.state_hash {
        return Err("the hash of its state does not agree".to_owned());
    }
    let mut restoring = Shard::restore(head).map_err(|error| error.to_string())?;
    restoring.restore_buyers(buyers).map_err(|error| error.to_string())?;
    let shard = restoring.finish_restore().map_err(|error| error.to_string())?;
    let (clock, buyers) = (shard.clock(), shard.buyers());
    let (params_version, base) = (shard.params().version, shard.params().base.as_str().to_owned());
    Ok(Read { standing, clock, buyers, params_version, base, head_bytes: head.len() })
}

fn list(lines: &mut Lines, one: &Found, read: &Result<Read, String>, now: Instant) -> Result<bool, CliError> {
    let state = match read {
        Ok(_) => "whole".to_owned(),
        Err(why) => format!("damaged: {why}"),
    };
    let Found { name, bytes, written } = one;
    lines.say(format_args!(
        "{:>9}  {:>12}  {bytes:>14}  {:>10}  {state}",
        name.partition,
        name.epoch,
        age(*written, now)
    ))
}

fn describe(lines: &mut Lines, one: &Found, read: &Result<Read, String>, now: Instant) -> Result<bool, CliError> {
    let Found { name, bytes, written } = one;
    let (partition, epoch) = (name.partition, name.epoch);
    lines.say(format_args!(
        "partition {partition}, turn {epoch}: {bytes} bytes, written {written}, {} ago",
        age(*written, now)
    ))?;
    let Read { standing, clock, buyers, params_version, base, head_bytes } = match read {
        Ok(read) => read,
        Err(why) => return lines.say(format_args!("  damaged: {why}")),
    };
    let clock = clock.map_or_else(|| "none yet".to_owned(), |clock| clock.to_string());
    let ends = standing.ends.as_ref().map_or_else(|| "none".to_owned(), |ends| format!("{ends:?}"));
    let own = if (standing.partition, standing.epoch) == (partition, epoch) { "" } else { " (not what it is named)" };
    for (name, value) in [
        (
            "state",
            format!(
                "whole: turn {} of partition {} of {}{own}",
                standing.epoch, standing.partition, standing.partitions
            ),
        ),
        ("clock", clock),
        ("buyers", buyers.to_string()),
        ("params", format!("version {params_version}, in {base}")),
        ("semantics", standing.semantics.to_string()),
        ("mode", standing.mode.as_str().to_owned()),
        ("wall clock", standing.now.to_string()),
        ("positions", format!("{:?}", standing.positions)),
        ("reads silently up to", ends),
        ("journal", format!("after entry {:032x}, from offset {} on", standing.entry, standing.journal_next)),
        ("figures untold", standing.untold.len().to_string()),
        ("head bytes", head_bytes.to_string()),
        ("state hash", format!("{:032x}, that of its bytes", standing.state_hash)),
    ] {
        lines.say(format_args!("  {name:<22}{value}"))?;
    }
    lines.say(format_args!(""))
}

/// How long ago something was, in words.
fn age(then: Instant, now: Instant) -> String {
    let seconds = now.nanos().saturating_sub(then.nanos()).max(0) / 1_000_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        let of = |seconds: i64| age(Instant::from_nanos(0), Instant::from_nanos(seconds * 1_000_000_000));
        assert_eq!([of(-5), of(119), of(120), of(7200), of(172_800)], ["0 s", "119 s", "2 min", "2 h", "2 days"]);
    }
}
