//! Owns the command `vigie load`: events to Kafka by a plan, and how fast they and what they cause came through.

mod latency;
mod plan;
mod progress;
mod renew;
mod report;
mod rewrite;
mod sending;
mod shift;
mod source;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ArgGroup;

use self::latency::{Outputs, Watcher};
use self::plan::Pace;
use self::report::{Expected, Summary};
use self::sending::{Course, Done, End, Sending, Targets, by_type};
use self::shift::ShiftTo;
use self::source::Origin;
use super::config::{KafkaArguments, KafkaConfig};
use super::{CliError, generate};
use crate::base::time::SECOND_NS;
use crate::event::{Topic, TypeSpec};
use crate::io::clock::{self, Stopwatch};
use crate::io::files::{FileError, Output};
use crate::io::kafka::{Begin, BulkSender, Follower, KafkaLog, OpenError, Settings};
use crate::io::{logging, signals};
use crate::workload;

/// Outputs are over when none came for so long.
const QUIET_SECONDS: f64 = 3.0;
/// How long topics may take to be there.
const PATIENCE_SECONDS: f64 = 3.0;
/// A pause between two looks, for topics or for further outputs.
const LOOK_MS: u64 = 20;

/// Sends events to Kafka and tells how fast they, and what they cause, came through.
///
/// Each event goes to the home topic of its type and to the partition of its buyer (murmur2 of the id, which is the key); ticks
/// and rates, which have no buyer, go to every partition. Ticks, at home anywhere, go where the rates go. Without --shift-to and
/// --repeat the bytes of a line are sent as they are. What is no event with a type and a buyer is not sent, but counted and named.
///
/// With --rate or --speed every event has a planned time, and latencies count from that: when Kafka or this command stalls, what
/// should have been sent meanwhile counts as late. Flat out an event is planned for the moment it is read.
///
/// The latency of an event is that of its first output: the topics of --outputs are read (read_committed, from their ends at the
/// start), and an output's data.caused_by names the event. Outputs that only the clock caused, or other events, are counted apart.
/// SIGINT or SIGTERM ends the sending and tells what came of it; a second one ends at once.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("events").required(true).args(["files", "preset"])))]
#[command(after_help = "\
Examples:
  vigie load --preset wholesaler --rate 20000 --duration 60 --summary load.json
  vigie load events.jsonl.zst --shift-to now --speed 1
  vigie load events.jsonl --repeat 10 --outputs none
  vigie load --preset small --rate 2000 --expect-rate 1900 --expect-p99-ms 500   # a check for CI
  vigie load events.jsonl --topic all-events --outputs peer-alerts,alerts")]
pub struct Arguments {
    /// Events, one a line, file after file; .gz, .zst and `-` (standard input) are understood.
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// A generated portfolio in the place of files: small, wholesaler or million (see `vigie generate`).
    #[arg(long, value_name = "NAME", value_parser = generate::preset)]
    preset: Option<&'static workload::Preset>,
    /// The seed of the portfolio. Default: 1.
    #[arg(long, value_name = "N", conflicts_with = "files")]
    seed: Option<u64>,
    /// Buyers, instead of the preset's.
    #[arg(long, value_name = "N", conflicts_with = "files")]
    buyers: Option<u32>,
    /// Days of history, instead of the preset's.
    #[arg(long, value_name = "N", conflicts_with = "files")]
    days: Option<u16>,
    /// Events a second. Without this and --speed: flat out.
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "speed")]
    rate: Option<f64>,
    /// So many times as fast as the events' times: 1 as they happened, 3600 an hour a second. Late events go with those before.
    #[arg(long, value_name = "X", value_parser = positive)]
    speed: Option<f64>,
    /// Shifts all times and dates by a whole number of days, the most that leaves the first event not after this: `now`, a day or
    /// an RFC 3339 instant. So with `now` the first event happens within the last 24 hours, at its own hour of the day, and with
    /// --speed 1 none is ever ahead of the wall clock. At a higher speed events overtake the clock, and a monitor refuses what is
    /// over 10 minutes ahead (future_time): name an earlier day, so that the stream ends today.
    #[arg(long, value_name = "now|DATE|INSTANT", value_parser = ShiftTo::parse)]
    shift_to: Option<ShiftTo>,
    /// Sends everything so many times. Each loop is later by the days that the first took, and has fresh ids: those of events,
    /// invoices, credit notes, orders, payments, allocations, covers and incidents end with -r2, -r3 ... Buyers and sellers stay.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=ROUNDS_MAX))]
    repeat: u32,
    /// Ends the sending after so long.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    duration: Option<f64>,
    /// No latency counts of what is planned within so long of the start, while connections are made and caches are cold.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = not_negative)]
    warm_up: f64,
    /// Sends every event to this one topic: one of the input topics by its usual name (invoices), or any by its whole name.
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,
    /// The topics whose outputs are matched with events, with commas: by their usual names, or any by their whole names; none for
    /// no latencies. (exposures names causes too, but tells of a buyer at most once a second.)
    #[arg(long, value_name = "LIST", default_value = "alerts,limit-proposals,limit-changes")]
    outputs: String,
    /// How long to wait at the end for outputs that are still to come, at most: it ends sooner when none came for 3 seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = not_negative)]
    drain: f64,
    /// Events that are remembered, in which an output's cause is looked for; beyond that the older half is forgotten, and counted. About
    /// 40 bytes each.
    #[arg(long, value_name = "N", default_value_t = 4_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight_max: u32,
    /// How records are compressed: none, gzip, lz4, snappy or zstd.
    #[arg(long, value_name = "NAME", default_value = "lz4", value_parser = ["none", "gzip", "lz4", "snappy", "zstd"])]
    compression: String,
    /// How long a record waits for others of its partition, to go out with them. It counts in every latency.
    #[arg(long, value_name = "MS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    linger_ms: u32,
    /// Where what came of it goes as JSON, besides the table; `-` for standard output, in the place of the table.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Fails (exit code 1) where the p99 from event to output is above this, or could not be measured.
    #[arg(long, value_name = "N", value_parser = positive)]
    expect_p99_ms: Option<f64>,
    /// Fails (exit code 1) where fewer events a second were sent, counted from the start to the last acknowledgement: leave some
    /// room to --rate.
    #[arg(long, value_name = "N", value_parser = positive)]
    expect_rate: Option<f64>,
    #[command(flatten)]
    kafka: KafkaArguments,
}

/// Loops at most.
const ROUNDS_MAX: i64 = 10_000;

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or("should be a number over 0".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0).ok_or("should be a number".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the arguments are wrong, Kafka cannot be used, a file cannot be read, a record was not delivered, or the load was not as
/// expected.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    check(arguments)?;
    let config = KafkaConfig::read(&arguments.kafka)?;
    logging::begin(config.log_format, config.log_level).map_err(failed)?;
    let origin = origin(arguments)?;
    let stop = signals::listen().map_err(|error| failed(format_args!("signals cannot be handled: {error}")))?;
    let settings = Settings { compression: arguments.compression.clone(), ..config.reach("load", 0) };
    let targets = targets(arguments, &config, &settings)?;
    let follower = match outputs(arguments, &config) {
        names if names.is_empty() => None,
        names => Some(patiently(|| Follower::open(&settings, &names, Begin::AtEnd, (0, 1)))?),
    };
    let summary_file = arguments.summary.as_deref().map(Output::create).transpose()?;

    let course = course(arguments);
    let chunks = source::start(origin, course.rounds);
    let (watch, began) = (Stopwatch::start(), clock::wall_clock());
    let watcher = follower.map(|follower| Watcher::start(follower, watch, arguments.in_flight_max as usize));
    let open = |tally| BulkSender::open(&settings, arguments.linger_ms, tally).map_err(failed);
    let sending = Sending::new(open, (watch, began), targets, watcher, stop, &course)?;
    let (done, error) = sending.run(&chunks);
    tell(arguments, done, error, summary_file)
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// Tries for a moment: a broker knows topics that were made just now a little later.
fn patiently<T>(mut open: impl FnMut() -> Result<T, OpenError>) -> Result<T, CliError> {
    let since = Stopwatch::start();
    loop {
        match open() {
            Ok(opened) => return Ok(opened),
            Err(error) if error.may_pass() && since.seconds() < PATIENCE_SECONDS => clock::pause(LOOK_MS),
            Err(error) => return Err(unusable(error)),
        }
    }
}

/// What is wrong with topics, and what to do about it.
fn unusable(error: OpenError) -> CliError {
    match error {
        OpenError::UnequalPartitions(_) => failed(format_args!("{error}. `vigie topics check` says how to mend it")),
        error => failed(error),
    }
}

fn check(arguments: &Arguments) -> Result<(), CliError> {
    let is_standard = |path: &&PathBuf| *path == Path::new("-");
    let standard_inputs = arguments.files.iter().filter(is_standard).count();
    if standard_inputs > 1 || (standard_inputs > 0 && arguments.repeat > 1) {
        return Err(CliError::Wrong(
            "standard input (-) can be read once: name a file where it is needed again".to_owned(),
        ));
    }
    if let Some(summary) = arguments.summary.as_ref().filter(|path| *path != Path::new("-"))
        && arguments.files.contains(summary)
    {
        return Err(CliError::Wrong(format!("{} is read and cannot be written too", summary.display())));
    }
    if arguments.expect_p99_ms.is_some() && arguments.outputs == "none" {
        return Err(CliError::Wrong(
            "--expect-p99-ms needs outputs to measure by: leave --outputs none out".to_owned(),
        ));
    }
    if arguments.topic.as_ref().is_some_and(String::is_empty) {
        return Err(CliError::Wrong("--topic should be the name of a topic, and is empty".to_owned()));
    }
    Ok(())
}

fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND_NS as f64) as u64
}

fn course(arguments: &Arguments) -> Course {
    let pace = match (arguments.rate, arguments.speed) {
        (Some(rate), _) => Pace::Rate(rate),
        (None, Some(speed)) => Pace::Speed(speed),
        (None, None) => Pace::FlatOut,
    };
    Course {
        pace,
        shift_to: arguments.shift_to,
        rounds: arguments.repeat,
        duration_ns: arguments.duration.map(nanos),
        warm_up_ns: nanos(arguments.warm_up),
    }
}

fn origin(arguments: &Arguments) -> Result<Origin, CliError> {
    let Some(preset) = arguments.preset else { return Ok(Origin::Files(arguments.files.clone())) };
    let wrong = |error: workload::PlanError| CliError::Wrong(error.to_string());
    let plan = workload::Plan::new(preset, arguments.seed.unwrap_or(1));
    let plan = plan.with_buyers(arguments.buyers.unwrap_or(plan.buyers())).map_err(wrong)?;
    let plan = plan.with_days(plan.from(), arguments.days.unwrap_or(plan.days())).map_err(wrong)?;
    Ok(Origin::Portfolio(plan))
}

/// The topic of each type.
fn targets(arguments: &Arguments, config: &KafkaConfig, settings: &Settings) -> Result<Targets, CliError> {
    let inputs = &config.topics.inputs;
    // Where several homes share a topic, any type may be on any.
    let at_home = |home: Topic| {
        let input = inputs.iter().find(|input| input.home == home).unwrap_or(&inputs[0]);
        input.name.clone()
    };
    let named = arguments.topic.as_ref().map(|name| {
        let home = Topic::ALL.iter().find(|topic| topic.as_str() == name);
        home.map_or_else(|| name.clone(), |home| at_home(*home))
    });
    let names: Vec<String> = match &named {
        Some(name) => vec![name.clone()],
        None => inputs.iter().map(|input| input.name.clone()).collect(),
    };
    let partitions = patiently(|| KafkaLog::partitions(settings, &names))?;
    let topic =
        |spec: &'static TypeSpec| named.clone().unwrap_or_else(|| at_home(spec.topic.unwrap_or(Topic::FxRates)));
    Ok(Targets { by_type: by_type(topic), other: named.clone(), partitions })
}

/// The whole names of the topics that are followed.
fn outputs(arguments: &Arguments, config: &KafkaConfig) -> Vec<String> {
    if arguments.outputs == "none" {
        return Vec::new();
    }
    let topics = &config.topics;
    let whole = |name: &str| match name {
        "alerts" => topics.alerts.clone(),
        "limit-proposals" => topics.limit_proposals.clone(),
        "limit-changes" => topics.limit_changes.clone(),
        "order-decisions" => topics.order_decisions.clone(),
        "exposures" => topics.exposures.clone(),
        name => name.to_owned(),
    };
    let mut names: Vec<String> =
        arguments.outputs.split(',').map(str::trim).filter(|name| !name.is_empty()).map(whole).collect();
    names.sort();
    names.dedup();
    names
}

/// Waits for the outputs that are still to come, and tells what came of it all.
fn tell(arguments: &Arguments, done: Done, error: Option<CliError>, file: Option<Output>) -> Result<(), CliError> {
    let Done { sent, deliveries, plan, watcher, watch, progress } = done;
    let mut error = error;
    let mut outputs: Option<Outputs> = None;
    if let Some(watcher) = watcher {
        if sent.end != End::Failed {
            progress
                .say(format!("waiting for outputs that are still to come, for {} seconds at most", arguments.drain));
            drain(&watcher, watch, arguments.drain);
        }
        match watcher.finish() {
            Ok(found) => outputs = Some(found),
            Err(failure) => error = error.or(Some(failed(format_args!("the outputs cannot be read: {failure}")))),
        }
    }
    progress.end();
    let summary = Summary::of(&sent, &deliveries, &plan, outputs.as_ref());
    let is_table = arguments.summary.as_deref() != Some(Path::new("-"));
    if let Some(mut file) = file {
        let written = write_json(&summary, &mut file);
        written.map_err(|source| FileError::system("write", file.path(), source))?;
        file.finish()?;
    }
    if is_table {
        print!("{}", summary.table());
    }
    for line in &sent.shown {
        eprintln!("not sent: {line}");
    }
    let more = sent.unreadable - sent.shown.len() as u64;
    if more > 0 {
        eprintln!("not sent: {more} more lines");
    }
    if let Some(error) = error {
        return Err(error);
    }
    if let Some(why) = deliveries.first_failure {
        return Err(failed(format_args!(
            "{} of {} records were not delivered; the first: {why}",
            deliveries.failed, sent.records
        )));
    }
    let expected = Expected { p99_ms: arguments.expect_p99_ms, rate: arguments.expect_rate };
    let misses = expected.misses(&summary);
    if misses.is_empty() { Ok(()) } else { Err(failed(misses.join("; "))) }
}

fn write_json(summary: &Summary, file: &mut Output) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *file, summary)?;
    file.write_all(b"\n")
}

/// Waits until no output came for a while, or for so long.
fn drain(watcher: &Watcher, watch: Stopwatch, seconds_max: f64) {
    let since = Stopwatch::start();
    while since.seconds() < seconds_max && !watcher.has_ended() {
        let quiet = |last_ns: u64| watch.nanos().saturating_sub(last_ns) as f64 / SECOND_NS as f64;
        let is_quiet =
            since.seconds() > QUIET_SECONDS && watcher.last_ns().is_some_and(|last| quiet(last) > QUIET_SECONDS);
        if is_quiet {
            return;
        }
        clock::pause(LOOK_MS);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Line::try_parse_from(std::iter::once("load").chain(line.split_whitespace())).map(|line| line.arguments)
    }

    fn checked(line: &str) -> Result<(), String> {
        check(&parsed(line).expect("parsed")).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        for line in [
            "",
            "a --preset small",
            "a --rate 1 --speed 1",
            "a --seed 1",
            "a --rate 0",
            "a --rate nan",
            "a --speed -1",
            "a --duration inf",
            "a --repeat 0",
            "a --shift-to today",
            "a --in-flight-max 0",
            "a --compression best",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(checked("- -").is_err_and(|error| error.contains("read once")));
        assert!(checked("- --repeat 2").is_err_and(|error| error.contains("read once")));
        assert!(checked("a --summary a").is_err_and(|error| error.contains("cannot be written")));
        assert!(checked("a --outputs none --expect-p99-ms 5").is_err_and(|error| error.contains("--outputs none")));
        assert_eq!(checked("a - --summary - --outputs none --expect-rate 5"), Ok(()));
    }

    #[test]
    fn the_course_is_as_the_flags_say() {
        let pace = |line: &str| course(&parsed(line).expect("parsed")).pace;
        assert_eq!(pace("a"), Pace::FlatOut);
        assert_eq!(pace("a --rate 2.5"), Pace::Rate(2.5));
        assert_eq!(pace("a --speed 60"), Pace::Speed(60.0));
        let course = course(&parsed("a --duration 1.5 --warm-up 0.25 --repeat 3").expect("parsed"));
        assert_eq!((course.duration_ns, course.warm_up_ns, course.rounds), (Some(1_500_000_000), 250_000_000, 3));
    }
}
