//! Owns the command `vigie backtest`: how early and how well the scores and alerts would have warned, on a history.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::findings::Findings;
use self::gather::{Gathered, Gathering, Plan};
use self::label::Label;
use super::{CliError, params, progress};
use crate::base::{Currency, Instant};
use crate::io::clock;
use crate::io::files::{FileError, Output};
use crate::risk::Params;

mod chart;
mod findings;
mod gather;
mod html;
mod label;
mod lines;
mod metrics;
mod names;
mod observer;
mod summary;
mod tables;
mod text;
mod truth;
mod warning;
mod watch;

/// Days within which a failure is to be foretold, where nothing else is said.
const HORIZON_DAYS: u16 = 180;
/// The longest horizon, in days.
const HORIZON_DAYS_MAX: i64 = 3650;
/// Rule sets that are held side by side.
const SETS_MAX: usize = 2;
/// Lines between two looks at the progress bar.
const LINES_A_TICK: u64 = 4096;

/// Tells how early and how well the scores and alerts would have warned, side by side with plain baselines.
///
/// FILES hold one structured CloudEvent a line, in the order in which they arrived. Scores and alerts are taken only from what
/// was known at the time. For `late>N` a case is an invoice, looked at just before its issue; for `insolvency` and
/// `written_off` it is a buyer at the start of a month.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie backtest events.jsonl.zst --label 'late>30' --report backtest.html\n  \
    vigie generate --preset small --output small.jsonl --truth truth.jsonl\n  \
    vigie backtest small.jsonl --label insolvency --truth truth.jsonl\n  \
    vigie backtest events.jsonl --params now.toml --params stricter.toml")]
pub struct Arguments {
    /// Events, one a line; `.gz`, `.zst` and `-` (standard input) are understood.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// What is to be foretold: written_off, late>N (days; in quotes) or insolvency.
    #[arg(long, value_name = "LABEL", default_value_t = Label::DEFAULT, value_parser = Label::parse)]
    label: Label,
    /// Within how many days it must come true. Default: 180 for written_off and insolvency, none for late>N.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=HORIZON_DAYS_MAX))]
    horizon: Option<u16>,
    /// Settled invoices that a buyer must have before an invoice of it is a case (late>N).
    #[arg(long, value_name = "N", default_value_t = 3)]
    min_history: u16,
    /// The params: TOML, over the documented defaults. Given twice, two rule sets are held side by side.
    #[arg(long, value_name = "FILE")]
    params: Vec<PathBuf>,
    /// The currency that figures are reported in; goes before the params. Default: EUR.
    #[arg(long, value_name = "CURRENCY", value_parser = currency)]
    base: Option<Currency>,
    /// Stands in for the wall clock where events are refused for being of the future.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Instant>,
    /// Known deteriorations, as `vigie generate --truth` writes them: adds how early each was seen.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Where the report goes: one self-contained HTML file with curves.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where the findings go as JSON.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// What is told of a backtest, and what it is told of.
pub struct Told<'a> {
    /// The files, as they were named.
    pub files: Vec<String>,
    /// The rule sets in words, in order.
    pub sets: Vec<String>,
    /// Their versions.
    pub versions: Vec<u32>,
    /// The base currency.
    pub base: Currency,
    /// The history.
    pub gathered: &'a Gathered,
    /// What was found.
    pub findings: &'a Findings,
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).ok_or_else(|| "should be three letters A to Z".to_owned())
}

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| "should be an RFC 3339 instant with an offset: 2026-03-01T10:00:00Z".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the params are wrong, a file cannot be read, nothing in the files moves the clock, or an output
/// cannot be written. Nothing half-written is left then.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    check_paths(arguments)?;
    let sets = rule_sets(arguments)?;
    let known = arguments.truth.as_deref().map(truth::read).transpose()?;
    let create = |path: &Option<PathBuf>| path.as_deref().map(Output::create).transpose();
    let (report, summary) = (create(&arguments.report)?, create(&arguments.summary)?);

    let versions: Vec<u32> = sets.iter().map(|set| set.version).collect();
    let base = sets[0].base;
    let gathered = gather(arguments, sets)?;
    let findings = findings::find(&gathered, known.as_deref());

    let files = arguments.files.iter().map(|path| path.display().to_string()).collect();
    let told =
        Told { files, sets: set_names(arguments, &versions), versions, base, gathered: &gathered, findings: &findings };
    let to_standard =
        [&arguments.report, &arguments.summary].iter().any(|path| path.as_deref() == Some(Path::new("-")));
    if !to_standard {
        print(&text::render(&tables::facts(&told), &tables::tables(&told)))?;
    }
    write(report, || html::render(&told))?;
    write(summary, || format!("{:#}\n", summary::json_of(&told)))
}

fn check_paths(arguments: &Arguments) -> Result<(), CliError> {
    let Arguments { files, truth, report, summary, params, .. } = arguments;
    let read: Vec<&PathBuf> = files.iter().chain(truth).chain(params).collect();
    let standard = Path::new("-");
    if read.iter().filter(|path| **path == standard).count() > 1 {
        return Err(CliError::Wrong("standard input (-) can be read once: it is named twice".to_owned()));
    }
    if report.is_some() && report == summary {
        return Err(CliError::Wrong("--report and --summary name the same file: give each its own".to_owned()));
    }
    for path in [report, summary].into_iter().flatten().filter(|path| *path != standard) {
        if read.contains(&path) {
            return Err(CliError::Wrong(format!("{} is read and cannot be written too", path.display())));
        }
    }
    Ok(())
}

fn rule_sets(arguments: &Arguments) -> Result<Vec<Params>, CliError> {
    let read = |path: Option<&Path>| params::read(path, arguments.base);
    let sets = match arguments.params.as_slice() {
        [] => vec![read(None)?],
        paths if paths.len() <= SETS_MAX => paths.iter().map(|path| read(Some(path))).collect::<Result<Vec<_>, _>>()?,
        paths => {
            let count = paths.len();
            return Err(CliError::Wrong(format!("--params is given {count} times: at most {SETS_MAX} are compared")));
        }
    };
    if sets.iter().any(|set| set.base != sets[0].base) {
        let message = "the two params name different base currencies: name one with --base";
        return Err(CliError::Wrong(message.to_owned()));
    }
    Ok(sets)
}

fn set_names(arguments: &Arguments, versions: &[u32]) -> Vec<String> {
    let name = |(number, version): (usize, &u32)| {
        let letter = if versions.len() > 1 { ["A: ", "B: "][number] } else { "" };
        let file = arguments.params.get(number).and_then(|path| path.file_name());
        let file = file.map_or_else(|| "defaults".into(), |name| name.to_string_lossy());
        format!("{letter}{file}, version {version}")
    };
    versions.iter().enumerate().map(name).collect()
}

fn gather(arguments: &Arguments, sets: Vec<Params>) -> Result<Gathered, CliError> {
    let horizon = match arguments.label {
        Label::Late { .. } => arguments.horizon,
        Label::Fails(_) => Some(arguments.horizon.unwrap_or(HORIZON_DAYS)),
    };
    let plan = Plan { label: arguments.label, horizon, min_history: arguments.min_history.into() };
    let now = arguments.now.unwrap_or_else(clock::wall_clock);
    let mut gathering = Gathering::new(plan, sets, now);
    let (bar, count) = (progress::bar(&arguments.files), Arc::new(AtomicU64::new(0)));
    let mut lines = 0_u64;
    for path in &arguments.files {
        lines::each_line(path, &count, &mut |line| {
            gathering.line(line);
            lines += 1;
            if lines.is_multiple_of(LINES_A_TICK) {
                bar.set_position(count.load(Ordering::Relaxed));
            }
        })?;
    }
    bar.finish_and_clear();
    let counts = gathering.counts.clone();
    gathering.finish().ok_or_else(|| {
        let refused: Vec<String> = counts.refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let refused =
            if refused.is_empty() { "none was refused".to_owned() } else { format!("refused: {}", refused.join(", ")) };
        CliError::Failed(format!(
            "no event of the {lines} lines moves the clock ({refused}): there is no history to test on"
        ))
    })
}

/// Prints to standard output. A reader that goes away (`| head`) is no error.
fn print(text: &str) -> Result<(), CliError> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn write(file: Option<Output>, text: impl FnOnce() -> String) -> Result<(), CliError> {
    let Some(mut file) = file else { return Ok(()) };
    file.write_all(text().as_bytes()).map_err(|error| FileError::system("write", file.path(), error))?;
    Ok(file.finish()?)
}
