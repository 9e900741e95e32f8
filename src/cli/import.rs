//! Owns the command `vigie import`: an ERP's CSV extract to events, by a map of its columns.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use self::gather::{Gather, ROWS_MAX, Summary};
use self::map::{Map, Rows};
use self::rating::Company;
use self::row::{Invoice, Record};
use super::CliError;
use crate::base::Day;
use crate::io::files::{FileError, Output};
use crate::wire;

mod agency;
mod cell;
mod events;
mod gather;
mod map;
mod rating;
mod row;
mod table;

/// How often the progress is drawn.
const PROGRESS_MS: u64 = 200;

/// Turns a CSV extract of invoices, or of companies' ratings, into events, earliest first, ready for `vigie replay`.
///
/// The map names the columns, how dates and amounts are written, what codes mean and what to do with odd rows. A row that
/// cannot be used is told on standard error by file, line and column; the rest goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie import --map sap items.csv --output events.jsonl.zst\n  \
    vigie import --map our-erp.toml closed.csv open.csv --summary summary.json | vigie replay -\n  \
    vigie import --map our-ratings.toml companies.csv --as-of 2023-12-31 --output ratings.jsonl")]
pub struct Arguments {
    /// A map's file, or a map that comes along: highradius, nuclea, nuclea_companies, odoo, sage, sap.
    #[arg(long, value_name = "MAP")]
    map: PathBuf,
    /// Extracts: CSV with a header, in UTF-8; `.gz`, `.zst` and `-` are understood.
    #[arg(required = true, value_name = "CSV")]
    files: Vec<PathBuf>,
    /// The day of ratings that have no date, in place of the map's: what is reckoned with them may know the future.
    #[arg(long, value_name = "DATE", value_parser = super::replay::day)]
    as_of: Option<Day>,
    /// Where the events go, one a line; `.gz`, `.zst` and `-` are understood.
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Where the numbers go as JSON, besides the table on standard error.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the map are wrong, a file cannot be read or written, or no row of the extract could be used.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    check_paths(arguments)?;
    let map = Map::find(&arguments.map, arguments.as_of)?;
    match map.rows {
        Rows::Invoices => import::<Invoice>(arguments, &map),
        Rows::Ratings(_) => import::<Company>(arguments, &map),
    }
}

fn import<R: Record>(arguments: &Arguments, map: &Map) -> Result<(), CliError> {
    let bar = progress();
    let mut gather = Gather::<R>::new(map, ROWS_MAX);
    for path in &arguments.files {
        gather.read(path, &bar)?;
    }
    bar.finish_and_clear();
    let (records, mut summary) = gather.finish();
    let nothing = summary.rows > 0 && summary.used == 0;
    if !nothing {
        write_events(&arguments.output, &records, map, &mut summary)?;
    }
    if let Some(undated) = &summary.undated {
        eprintln!(
            "{}: {} ratings have no date and are taken as of {}: what is reckoned with them may know the future",
            arguments.map.display(),
            undated.ratings,
            undated.as_of
        );
    }
    eprint!("{}", table_of(&summary));
    if let Some(path) = &arguments.summary {
        write_summary(path, &summary)?;
    }
    if nothing {
        return Err(CliError::Failed(format!("none of the {} rows could be used: is it the right map?", summary.rows)));
    }
    Ok(())
}

/// Nothing is read from where something is written, and two things are not written to one place.
fn check_paths(arguments: &Arguments) -> Result<(), CliError> {
    let Arguments { output, summary, files, .. } = arguments;
    if summary.as_ref() == Some(output) {
        return Err(CliError::Wrong(format!("--output and --summary are both {}; name two places", output.display())));
    }
    let written = |path: &&PathBuf| *path != Path::new("-") && (*path == output || Some(*path) == summary.as_ref());
    match files.iter().find(written) {
        Some(path) => Err(CliError::Wrong(format!("{} would be overwritten; write somewhere else", path.display()))),
        None => Ok(()),
    }
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows read, {elapsed}").expect("a sound template");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(PROGRESS_MS));
    bar
}

fn write_events<R: Record>(path: &Path, records: &[R], map: &Map, summary: &mut Summary) -> Result<(), CliError> {
    let mut output = Output::create(path)?;
    let mut line = Vec::new();
    R::tell(records, map, |event| {
        line.clear();
        wire::encode_event(event, &mut line);
        line.push(b'\n');
        *summary.events.entry(event.body.spec().name).or_default() += 1;
        output.write_all(&line).map_err(|error| FileError::system("write", path, error))
    })?;
    Ok(output.finish()?)
}

fn write_summary(path: &Path, summary: &Summary) -> Result<(), CliError> {
    let mut output = Output::create(path)?;
    let text = serde_json::to_string_pretty(summary).expect("numbers and names make JSON");
    writeln!(output, "{text}").map_err(|error| FileError::system("write", path, error))?;
    Ok(output.finish()?)
}

/// The numbers for a person.
fn table_of(summary: &Summary) -> String {
    let mut out = String::new();
    let mut line = |name: &str, count: u64| writeln!(out, "{name:<32}{count:>12}").expect("a string takes any text");
    line("rows", summary.rows);
    line("  used", summary.used);
    line("  refused", summary.refused.values().sum());
    summary.refused.iter().for_each(|(reason, count)| line(&format!("    {reason}"), *count));
    summary.mended.iter().for_each(|(rule, count)| line(&format!("  mended: {rule}"), *count));
    summary.currencies.iter().for_each(|(currency, count)| line(&format!("  in {currency}"), *count));
    if let Some(undated) = &summary.undated {
        line(&format!("  undated, as of {}", undated.as_of), undated.ratings);
    }
    line("events", summary.events.values().sum());
    summary.events.iter().for_each(|(name, count)| line(&format!("  {name}"), *count));
    out
}
