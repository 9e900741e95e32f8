//! Owns the command `vigie replay`: events from files through the engine, on the embedded log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use indicatif::ProgressBar;

use self::drain::{Drain, Keep, REFUSED_SHOWN_MAX, Refused, RefusedLine, Spool};
use self::engine::{EndedShard, Plan, Run, RunError};
use self::feed::{Fed, Feed, FeedError};
use self::summary::Summary;
use super::{CliError, params, progress};
use crate::base::{Currency, Day, Instant};
use crate::io::clock;
use crate::io::files::{FileError, Output};
use crate::runtime::{BatchLimits, NotCommitted, WorkerRules};
use crate::wire::DecodeRules;
use crate::wire::history::{self, HistoryWriter};
use crate::wire::output::push_json_string;
use crate::wire::portfolio::{Portfolio, PortfolioView};
use crate::wire::report::{self, ReportWriter};
use crate::wire::table::TableError;

mod drain;
mod engine;
mod feed;
mod merge;
mod portfolio;
mod summary;
#[cfg(test)]
mod tests;
pub(super) mod text;

/// Partitions at most: each may have three spools open.
const PARTITIONS_MAX: i64 = 256;
/// Workers at most.
const THREADS_MAX: i64 = 256;

/// Runs events from files through the engine and tells what came of them.
///
/// FILES hold one structured CloudEvent a line, in the order in which they arrived. The clock is that of the events: the
/// same files and the same number of partitions give the same bytes in every file, whatever the machine and the threads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie replay events.jsonl.zst\n  \
    vigie replay 2025.jsonl 2026.jsonl.gz --as-of 2026-03-31 --report report.csv --outputs outputs.jsonl\n  \
    vigie replay events.jsonl --history scores.parquet\n  \
    vigie generate --preset wholesaler --seed 1 | vigie replay - --summary -")]
pub struct Arguments {
    /// Events, one a line; `.gz`, `.zst` and `-` (standard input) are understood.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Today, for the report; what falls due until its start fires first. Default: the day of the greatest clock.
    #[arg(long, value_name = "DATE", value_parser = day)]
    as_of: Option<Day>,
    /// Stands in for the wall clock where events are refused for being of the future.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Instant>,
    /// The currency that figures are reported in; goes before the params. Default: EUR.
    #[arg(long, value_name = "CURRENCY", value_parser = currency)]
    base: Option<Currency>,
    /// The params: TOML, over the documented defaults.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Shards, as many as the topics of Kafka would have partitions.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=PARTITIONS_MAX))]
    partitions: u32,
    /// Workers; they change nothing but the speed. Default: one a core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=THREADS_MAX))]
    threads: Option<u32>,
    /// Where the report goes: one row a buyer, as .jsonl, .csv or .parquet.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where the output events go, one a line (.jsonl), shard by shard.
    #[arg(long, value_name = "FILE")]
    outputs: Option<PathBuf>,
    /// Where the history of scores goes: a row for each change of a buyer's, as .jsonl or .parquet.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Where the refused lines go, each with its file, line, code and a sentence (.jsonl); without it the first are shown.
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<PathBuf>,
    /// Where the counts go as JSON, in place of the table on standard error.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

pub(super) fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "should be a day of 1970 to 2199 as YYYY-MM-DD".to_owned())
}

pub(super) fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| "should be an RFC 3339 instant with an offset: 2026-03-01T10:00:00Z".to_owned())
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| "should be three letters A to Z".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the params are wrong, a file cannot be read, or an output cannot be written. Nothing half-written
/// is left then.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    replay(arguments, BatchLimits::default())
}

fn replay(arguments: &Arguments, limits: BatchLimits) -> Result<(), CliError> {
    check_paths(arguments)?;
    let plan = plan(arguments, limits)?;
    let mut files = Files::create(arguments)?;
    let progress = Progress::new(&arguments.files);
    let run = engine::run(&plan, |feed| arguments.files.iter().try_for_each(|path| progress.read(feed, path)));
    progress.end();
    let mut run = run.map_err(|error| failed(error, &plan.keep))?;

    let mut summary = Summary::of(&run);
    let portfolio = files.write_report(&mut run)?;
    summary.portfolio = PortfolioView::of(&portfolio);
    let (mut alerts, mut refused, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for EndedShard { drain: Drain { outputs, refused: of_shard, history, alerts: open }, .. } in run.shards {
        files.write_outputs(outputs)?;
        refused.push(of_shard);
        changes.extend(history);
        alerts.extend(open);
    }
    files.write_history(changes)?;
    let shown = files.write_refused(&run.fed, refused, summary.refused_total())?;
    files.write_summary(&summary)?;
    files.finish()?;
    eprint!("{shown}");
    if arguments.summary.is_none() {
        eprint!("{}{}", summary.table(run.fed.lines, run.seconds), portfolio::table(&portfolio));
        eprint!("{}", summary::alerts_table(alerts.iter().flat_map(drain::OpenAlerts::iter)));
    }
    Ok(())
}

/// Refuses paths that would get in each other's way.
fn check_paths(arguments: &Arguments) -> Result<(), CliError> {
    let Arguments { report, outputs, history, dead_letters, summary, files, .. } = arguments;
    let written: Vec<&PathBuf> = [report, outputs, history, dead_letters, summary].into_iter().flatten().collect();
    for (place, path) in written.iter().enumerate() {
        if written[..place].contains(path) {
            return Err(CliError::Wrong(format!("{} is named for two outputs: give each its own", path.display())));
        }
        if *path != Path::new("-") && files.contains(path) {
            return Err(CliError::Wrong(format!("{} is read and cannot be written too", path.display())));
        }
    }
    let standard_inputs = files.iter().filter(|path| *path == Path::new("-")).count();
    if standard_inputs > 1 {
        return Err(CliError::Wrong("standard input (-) can be read once: it is named twice".to_owned()));
    }
    Ok(())
}

fn plan(arguments: &Arguments, limits: BatchLimits) -> Result<Plan, CliError> {
    let params = params::read(arguments.params.as_deref(), arguments.base)?;
    let now = arguments.now.unwrap_or_else(clock::wall_clock);
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let keep = Keep {
        outputs: arguments.outputs.as_deref().map(spool_folder),
        dead_letters: arguments.dead_letters.as_deref().map(spool_folder),
        history: arguments.history.as_deref().map(spool_folder),
        alerts: arguments.summary.is_none(),
    };
    let topics = engine::topics(arguments.partitions, &keep);
    let decode = DecodeRules::new(params.base, now);
    let rules = WorkerRules { topics, decode, params, limits };
    Ok(Plan { rules, threads: arguments.threads.unwrap_or_else(cores), keep, as_of: arguments.as_of })
}

/// Spools lie on the disk that the file itself will need the room of.
fn spool_folder(path: &Path) -> PathBuf {
    match path.parent() {
        _ if path == Path::new("-") => std::env::temp_dir(),
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn failed(error: RunError, keep: &Keep) -> CliError {
    match error {
        RunError::Feed(FeedError::File(error)) => error.into(),
        RunError::Feed(FeedError::Log(error)) | RunError::Log(error) => {
            CliError::Failed(format!("the embedded log failed: {error}"))
        }
        RunError::Turn(NotCommitted { error, partitions }) => {
            CliError::Failed(format!("a turn of the partitions {partitions:?} was not committed: {error}"))
        }
        RunError::Spool(error) => {
            let folder = keep.outputs.as_ref().or(keep.dead_letters.as_ref()).or(keep.history.as_ref());
            let folder = folder.map_or_else(std::env::temp_dir, PathBuf::clone);
            CliError::Failed(format!("cannot write a temporary file in {}: {error}", folder.display()))
        }
    }
}

/// The files that a replay writes. They bear their names once all of them are whole.
struct Files {
    report: Option<ReportWriter<Output>>,
    outputs: Option<Output>,
    history: Option<HistoryWriter<Output>>,
    dead_letters: Option<Output>,
    summary: Option<Output>,
    written: Vec<Output>,
}

impl Files {
    fn create(arguments: &Arguments) -> Result<Files, CliError> {
        let wrong = |error: TableError| CliError::Wrong(error.to_string());
        let of_report = arguments.report.as_deref().map(report::format_of).transpose().map_err(wrong)?;
        let of_history = arguments.history.as_deref().map(history::format_of).transpose().map_err(wrong)?;
        let create = |path: &Option<PathBuf>| path.as_deref().map(Output::create).transpose();
        let report = create(&arguments.report)?.zip(of_report);
        let history = create(&arguments.history)?.zip(of_history);
        Ok(Files {
            report: report.map(|(file, of)| ReportWriter::new(of, file)).transpose().map_err(table_error)?,
            outputs: create(&arguments.outputs)?,
            history: history.map(|(file, of)| HistoryWriter::new(of, file)).transpose().map_err(table_error)?,
            dead_letters: create(&arguments.dead_letters)?,
            summary: create(&arguments.summary)?,
            written: Vec::new(),
        })
    }

    /// Writes the report, and sums it up.
    fn write_report(&mut self, run: &mut Run) -> Result<Portfolio, CliError> {
        let mut portfolio = Portfolio::default();
        if let Some(as_of) = run.as_of {
            let shards: Vec<_> = run.shards.iter_mut().map(|ended| &mut ended.shard).collect();
            merge::report(shards, as_of, |line| {
                portfolio.add(line);
                self.report.as_mut().map_or(Ok(()), |report| report.write(line))
            })
            .map_err(table_error)?;
        }
        if let Some(report) = self.report.take() {
            self.written.push(report.finish().map_err(table_error)?);
        }
        Ok(portfolio)
    }

    /// Writes the history of scores.
    fn write_history(&mut self, changes: Vec<Spool>) -> Result<(), CliError> {
        let Some(mut history) = self.history.take() else { return Ok(()) };
        merge::history(changes, |row| history.write(row).map_err(HistoryError::from))
            .map_err(|error| CliError::Failed(error.to_string()))?;
        self.written.push(history.finish().map_err(table_error)?);
        Ok(())
    }

    /// Appends what a shard put out.
    fn write_outputs(&mut self, spool: Option<Spool>) -> Result<(), CliError> {
        if let (Some(file), Some(spool)) = (&mut self.outputs, spool) {
            let copied = spool.into_reader().and_then(|mut reader| std::io::copy(&mut reader, file));
            copied.map_err(|error| FileError::system("write", file.path(), error))?;
        }
        Ok(())
    }

    /// Writes the refused lines, or gives the first of them to be shown.
    fn write_refused(&mut self, fed: &Fed, refused: Vec<Refused>, total: u64) -> Result<String, CliError> {
        let mut shown = String::new();
        let mut count = 0;
        let mut json = Vec::new();
        merge::refused(refused, |line| -> Result<(), std::io::Error> {
            if let Some(file) = &mut self.dead_letters {
                json.clear();
                push_refused(&mut json, fed, &line);
                file.write_all(&json)?;
            } else if count < REFUSED_SHOWN_MAX {
                let (path, number) = fed.place(line.line);
                shown.push_str(&format!("{}:{number}: {}: {}\n", path.display(), line.code, line.message));
                count += 1;
            }
            Ok(())
        })
        .map_err(|error| match &self.dead_letters {
            Some(file) => CliError::from(FileError::system("write", file.path(), error)),
            None => CliError::Failed(format!("cannot read refused lines back: {error}")),
        })?;
        let rest = total.saturating_sub(count as u64);
        if self.dead_letters.is_none() && rest > 0 {
            shown.push_str(&format!("and {rest} more refused: --dead-letters FILE names them all\n"));
        }
        self.written.extend(self.dead_letters.take());
        Ok(shown)
    }

    fn write_summary(&mut self, summary: &Summary) -> Result<(), CliError> {
        if let Some(mut file) = self.summary.take() {
            let text = serde_json::to_string_pretty(summary).expect("a summary is JSON");
            writeln!(file, "{text}").map_err(|error| FileError::system("write", file.path(), error))?;
            self.written.push(file);
        }
        Ok(())
    }

    /// Gives all files their names.
    fn finish(self) -> Result<(), CliError> {
        self.written.into_iter().chain(self.outputs).try_for_each(Output::finish)?;
        Ok(())
    }
}

fn table_error(error: TableError) -> CliError {
    CliError::Failed(error.to_string())
}

/// Why a history cannot be written.
#[derive(Debug, thiserror::Error)]
enum HistoryError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("cannot read the history's rows back: {0}")]
    Spool(#[from] std::io::Error),
}

/// Appends a refused line as a line of JSON.
fn push_refused(out: &mut Vec<u8>, fed: &Fed, line: &RefusedLine) {
    let (path, number) = fed.place(line.line);
    out.extend_from_slice(b"{\"file\":");
    push_json_string(out, &path.to_string_lossy());
    out.extend_from_slice(format!(",\"line\":{number},\"code\":\"{}\",\"message\":", line.code).as_bytes());
    push_json_string(out, &line.message);
    out.extend_from_slice(b",\"value\":");
    push_json_string(out, &String::from_utf8_lossy(&line.value));
    out.extend_from_slice(b"}\n");
}

/// How far the reading is, on a terminal.
struct Progress {
    bar: ProgressBar,
    count: Arc<AtomicU64>,
}

impl Progress {
    fn new(paths: &[PathBuf]) -> Progress {
        Progress { bar: progress::bar(paths), count: Arc::default() }
    }

    fn read(&self, feed: &mut Feed<'_>, path: &Path) -> Result<(), FeedError> {
        feed.read(path, &self.count, &mut |position| self.bar.set_position(position))
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
