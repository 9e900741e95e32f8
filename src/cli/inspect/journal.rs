//! Owns `vigie inspect journal`: the turns that a service took, checked, and the order in which it saw its events.

use std::path::PathBuf;

use super::order::{self, OrderError, Ordered};
use super::outputs::Outputs;
use super::{CliError, Lines, Scene, failed, not_followed};
use crate::cli::config::RunArguments;
use crate::cli::progress;
use crate::io::files::Output;
use crate::io::snapshots::Snapshots;
use crate::runtime::journal::{Entry, SEMANTICS};
use crate::runtime::{CommittedLog, FollowError, FollowFrom, Follower, Past, PastTurn, TopicId, Topics};

/// Tells the turns of the journal, one a line, and checks that they hang together: each follows the one before, by its number
/// and by its hash, reads on where that had left off, and says what became of every record.
///
/// --verify also reads the inputs again and compares them with the checksums, and takes the turns again, from the first or the
/// oldest snapshot, and compares what comes of them with the journal's hashes and, record by record, with the output topics.
/// For that the flags that change what counts (--any-topic, and the limits of vigie.toml) must be those of the service.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie inspect journal --partition 3\n  \
    vigie inspect journal --verify --json > turns.jsonl\n  \
    vigie inspect journal --order events.jsonl.zst && vigie replay events.jsonl.zst --partitions 12 --outputs outputs.jsonl")]
pub struct Arguments {
    /// A partition; may be given several times. Default: all.
    #[arg(long = "partition", value_name = "N")]
    partitions: Vec<u32>,
    /// Reads inputs and outputs too, and compares them.
    #[arg(long)]
    verify: bool,
    /// Writes the events in the order in which they were seen, as structured CloudEvents, one a line, in place of the turns.
    /// `vigie replay` of that file with as many partitions makes the same outputs, buyer by buyer.
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// Tells the turns as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    run: RunArguments,
}

/// Runs the command.
///
/// # Errors
/// When Kafka cannot be read, something does not agree, or the order cannot be written as a file.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut scene = Scene::open(&arguments.run)?;
    let partitions = scene.partitions(&arguments.partitions)?;
    if let Some(path) = &arguments.order {
        if !arguments.verify {
            return write_order(&mut scene, &partitions, path);
        }
        write_order(&mut scene, &partitions, path)?;
    }
    let mut report =
        Report { lines: Lines::new(), json: arguments.json, is_quiet: arguments.order.is_some(), wrong: 0, turns: 0 };
    for &partition in &partitions {
        look_through(&mut scene, partition, arguments.verify, &mut report)?;
        if arguments.verify {
            take_again(&mut scene, partition, &mut report)?;
        }
    }
    report.lines.flush()?;
    let checked = if arguments.verify { "checked with inputs and outputs" } else { "checked" };
    match report.wrong {
        0 => {
            eprintln!("{} turns of {} partitions, {checked}: all agree", report.turns, partitions.len());
            Ok(())
        }
        wrong => Err(failed(format_args!("{wrong} things are wrong in {} turns: they stand above", report.turns))),
    }
}

/// What is told on the way.
struct Report {
    lines: Lines,
    json: bool,
    is_quiet: bool,
    wrong: u64,
    turns: u64,
}

impl Report {
    fn wrong(&mut self, partition: u32, turn: Option<u64>, what: &str) -> Result<(), CliError> {
        self.wrong += 1;
        self.lines.flush()?;
        match turn {
            Some(turn) => eprintln!("partition {partition}, turn {turn}: {what}"),
            None => eprintln!("partition {partition}: {what}"),
        }
        Ok(())
    }
}

/// Goes through the turns of a partition without a state.
fn look_through(scene: &mut Scene, partition: u32, verify: bool, report: &mut Report) -> Result<(), CliError> {
    let Scene { log, rules, .. } = scene;
    let topics = &rules.topics;
    let mut past = Past::open(log, topics, &rules.group, partition)?;
    let mut is_first = true;
    while let Some(PastTurn { offset, entry, flaws }) = past.next_turn(log)? {
        report.turns += 1;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                report.wrong(partition, None, &format!("the journal cannot be read at offset {offset}: {error}"))?;
                continue;
            }
        };
        if std::mem::take(&mut is_first) && entry.epoch != 1 {
            eprintln!("partition {partition}: the journal begins at turn {}", entry.epoch);
        }
        if !report.is_quiet {
            let line =
                if report.json { json(partition, offset, &entry, topics) } else { text(partition, &entry, topics) };
            if !report.lines.say(format_args!("{line}"))? {
                return Ok(());
            }
        }
        for flaw in flaws {
            report.wrong(partition, Some(entry.epoch), &flaw)?;
        }
        if verify {
            check_inputs(log, &mut past, topics, partition, &entry, report)?;
        }
    }
    Ok(())
}

/// Reads again what a turn read.
fn check_inputs(
    log: &mut impl CommittedLog,
    past: &mut Past,
    topics: &Topics,
    partition: u32,
    entry: &Entry,
    report: &mut Report,
) -> Result<(), CliError> {
    if entry.ranges.iter().any(|range| usize::from(range.topic) >= topics.inputs.len()) {
        return Ok(());
    }
    let found = past.read(log, entry)?;
    for (then, now) in entry.ranges.iter().zip(found).filter(|(then, now)| *then != now) {
        let name = &topics.names[usize::from(then.topic)];
        let first = past.first_of(TopicId(then.topic));
        let (from, to, records) = (then.from, then.to, then.records);
        let is = match now.records {
            _ if first > from => format!("the topic begins at offset {first} by now"),
            same if same == records => "as many are there, and not the same".to_owned(),
            other => format!("{other} are there"),
        };
        report.wrong(
            partition,
            Some(entry.epoch),
            &format!("it read {records} records of {name} from {from} to {to}; {is}"),
        )?;
    }
    Ok(())
}

/// Takes the turns of a partition again, and compares what comes of them with the journal and with the outputs.
fn take_again(scene: &mut Scene, partition: u32, report: &mut Report) -> Result<(), CliError> {
    let Scene { log, rules, config } = scene;
    let mut outputs = Outputs::open(log, &rules.topics, partition)?;
    let snapshots = Snapshots::open_to_read(&config.snapshots, &config.kafka.group).map_err(failed)?;
    let mut store = snapshots.handle(std::sync::Arc::new(|_| {}));
    let opened = Follower::open(log, &mut store, rules.clone(), partition, FollowFrom::Beginning);
    let mut follower = match opened {
        Ok(Some(follower)) => follower,
        Ok(None) => return Ok(()),
        Err(FollowError::Log(error)) => return Err(error.into()),
        Err(error) => return report.wrong(partition, None, &not_followed(error)),
    };
    match follower.begun_with() {
        0 => outputs.begin_with_the_first(),
        turn => eprintln!("partition {partition}: turns are taken again from the snapshot of turn {turn} on"),
    }
    let (mut compared, mut skipped) = (0_u64, 0_u64);
    loop {
        let entry = match follower.step(log) {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(FollowError::Log(error)) => return Err(error.into()),
            Err(error) => return report.wrong(partition, None, &not_followed(error)),
        };
        follower.take_notices().iter().for_each(|notice| eprintln!("{notice}"));
        if entry.semantics != SEMANTICS {
            skipped += 1;
            continue;
        }
        if skipped == 0 {
            if let Some(wrong) = outputs.compare(log, follower.outputs())? {
                return report.wrong(partition, Some(entry.epoch), &wrong);
            }
            compared += u64::from(entry.outputs.records);
        }
    }
    if skipped > 0 {
        eprintln!(
            "partition {partition}: {skipped} turns of other semantics: outputs are compared up to the first of them"
        );
        return Ok(());
    }
    let journal = rules.topics.outputs.journal.unwrap_or(TopicId(0));
    // What a running service has added meanwhile is not wrong.
    let is_still = log.bounds(journal, partition)?.end == follower.journal_end();
    for (name, offset) in outputs.left(log)?.into_iter().filter(|_| is_still) {
        report.wrong(partition, None, &format!("{name} has a record at offset {offset} that no turn made"))?;
    }
    if !report.is_quiet {
        eprintln!("partition {partition}: {compared} outputs compared");
    }
    Ok(())
}

/// Writes the order, and says what a replay of it is worth.
fn write_order(scene: &mut Scene, partitions: &[u32], path: &std::path::Path) -> Result<(), CliError> {
    let Scene { log, rules, .. } = scene;
    let mut turns = 0;
    if let Some(journal) = rules.topics.outputs.journal {
        for &partition in partitions {
            let bounds = log.bounds(journal, partition)?;
            turns += (bounds.end - bounds.first).unsigned_abs();
        }
    }
    let mut file = Output::create(path)?;
    // A turn takes two: its entry and the end of its transaction.
    let bar = progress::counted(turns, "offsets of the journal");
    let written = order::write(log, rules, partitions, &mut file, &mut || bar.inc(2));
    bar.finish_and_clear();
    let ordered = written.map_err(|error| match error {
        OrderError::File(error) => crate::io::files::FileError::system("write", path, error).into(),
        other => failed(other),
    })?;
    file.finish()?;
    let Ordered { turns, lines, copies, left_out, .. } = &ordered;
    eprintln!("{turns} turns: {lines} lines, and {copies} rates and ticks of all shards");
    for (why, count) in left_out {
        eprintln!("left out: {count}, {why}");
    }
    for doubt in ordered.doubts() {
        eprintln!("note: {doubt}");
    }
    Ok(())
}

/// A turn as a line for a person.
fn text(partition: u32, entry: &Entry, topics: &Topics) -> String {
    let clock = entry.clock.map_or_else(|| "-".to_owned(), |clock| clock.to_string());
    let (epoch, mode, now) = (entry.epoch, entry.mode.as_str(), entry.now);
    let mut line = format!("{partition} turn {epoch} {mode} now {now} clock {clock}");
    for range in &entry.ranges {
        let name = topics.names.get(usize::from(range.topic)).map_or("?", String::as_str);
        line.push_str(&format!(" {name} {}..{} ({})", range.from, range.to, range.records));
    }
    let counts = entry.counts;
    for (name, count) in [
        ("applied", counts.applied),
        ("duplicate", counts.duplicate),
        ("refused", counts.refused),
        ("skipped", counts.skipped),
        ("outputs", entry.outputs.records),
        ("exposures", entry.exposures),
    ] {
        line.push_str(&format!(" {name} {count}"));
    }
    line.push_str(&format!(" judgements {:016x}", entry.judgements));
    if let Some(params) = &entry.params {
        line.push_str(&format!(" params {}", params.version));
    }
    line
}

/// A turn as a line of JSON.
fn json(partition: u32, offset: i64, entry: &Entry, topics: &Topics) -> String {
    let range = |range: &crate::runtime::journal::Range| {
        serde_json::json!({
            "topic": topics.names.get(usize::from(range.topic)),
            "from": range.from,
            "to": range.to,
            "records": range.records,
            "checksum": format!("{:016x}", range.checksum),
        })
    };
    serde_json::json!({
        "partition": partition,
        "offset": offset,
        "epoch": entry.epoch,
        "previous": format!("{:032x}", entry.previous),
        "instance": entry.instance,
        "semantics": entry.semantics,
        "mode": entry.mode.as_str(),
        "now": entry.now.to_string(),
        "clock": entry.clock.map(|clock| clock.to_string()),
        "params_version": entry.params.as_ref().map(|params| params.version),
        "ends": entry.ends,
        "ranges": entry.ranges.iter().map(range).collect::<Vec<_>>(),
        "counts": {
            "applied": entry.counts.applied,
            "duplicate": entry.counts.duplicate,
            "refused": entry.counts.refused,
            "skipped": entry.counts.skipped,
        },
        "outputs": { "records": entry.outputs.records, "hash": format!("{:032x}", entry.outputs.hash) },
        "exposures": entry.exposures,
        "judgements": format!("{:016x}", entry.judgements),
    })
    .to_string()
}
