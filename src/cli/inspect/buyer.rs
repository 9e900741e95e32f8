//! Owns `vigie inspect buyer`: a buyer's figures as of now, or of any moment that the journal reaches.

use super::{CliError, Scene, failed, not_followed};
use crate::base::Instant;
use crate::cli::config::RunArguments;
use crate::cli::replay::instant;
use crate::io::snapshots::Snapshots;
use crate::runtime::{FollowFrom, Follower};
use crate::wire::partition_of;

/// Tells the figures of a buyer, its score with the reasons, and its covers, as `exposure.updated` has them.
///
/// They are brought from the newest snapshot before the moment along the journal, turn by turn as the service took them. The
/// flags that change what counts (--any-topic, and the limits of vigie.toml) must be those of the service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie inspect buyer B00042\n  \
    vigie inspect buyer B00042 --at 2026-03-01T00:00:00Z --snapshots s3://bucket/vigie | jq .data.score")]
pub struct Arguments {
    /// The buyer.
    #[arg(value_name = "BUYER_ID")]
    buyer_id: String,
    /// The moment, on the clock of its shard: RFC 3339 with an offset. After the last turn it is as if nothing more came until
    /// then. Default: the end of the last turn.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    at: Option<Instant>,
    #[command(flatten)]
    run: RunArguments,
}

/// Runs the command.
///
/// # Errors
/// When the buyer is not known at that moment, or the journal cannot be followed to it.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut scene = Scene::open(&arguments.run)?;
    let Arguments { buyer_id, at, .. } = arguments;
    let partition = partition_of(buyer_id.as_bytes(), scene.topics().partitions);
    let snapshots = Snapshots::open_to_read(&scene.config.snapshots, &scene.config.kafka.group).map_err(failed)?;
    let mut store = snapshots.handle(std::sync::Arc::new(|_| {}));
    let from = at.map_or(FollowFrom::Newest, FollowFrom::Before);
    let follower = Follower::open(&mut scene.log, &mut store, scene.rules, partition, from);
    let follower = follower.map_err(|error| failed(not_followed(error)))?;
    let Some(follower) = follower else {
        return Err(failed(format_args!("the journal of partition {partition}, the buyer's, is empty")));
    };
    let mut followed = follower.finish(&mut scene.log, *at).map_err(|error| failed(not_followed(error)))?;
    for notice in followed.notices() {
        eprintln!("{notice}");
    }
    let (begun_with, epoch) = (followed.begun_with(), followed.epoch());
    let clock = followed.shard().clock().map_or_else(|| "no event yet".to_owned(), |clock| clock.to_string());
    let from = if begun_with == 0 { "the first turn".to_owned() } else { format!("the snapshot of turn {begun_with}") };
    eprintln!("partition {partition}, from {from} to turn {epoch}, clock {clock}");
    let Some(figures) = followed.figures(buyer_id) else {
        return Err(failed(format_args!("there is no buyer {buyer_id} in partition {partition} at that moment")));
    };
    println!("{}", String::from_utf8_lossy(&figures));
    Ok(())
}
