//! Owns the command `vigie generate`: a seeded portfolio's events to a file, and what is known of it to another.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hashbrown::HashMap;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CliError;
use crate::base::Day;
use crate::event::Event;
use crate::io::files::{FileError, Output};
use crate::wire::encode_event;
use crate::workload::render::buyer_id;
use crate::workload::{BUYERS_MAX, DAYS_MAX, PRESETS, Plan, Portfolio, Preset, Workload};

/// Writes a seeded portfolio's events, one a line, in order of time.
///
/// The same preset, seed and options give the same bytes on every machine. One buyer in a hundred slides into insolvency in a
/// known way, which --truth tells; two events in a thousand arrive late (by two days at most), and one in a thousand twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Presets:
  small       200 buyers, a year, about 10,000 events
  wholesaler  80,000 buyers (11,000 named and insured), a year, over 2,000,000 events
  million     1,000,000 buyers, 75 days, about 12,000,000 events, 10 open invoices a buyer

Example:
  vigie generate --preset small --seed 7 --output small.jsonl.zst --truth truth.jsonl")]
pub struct Arguments {
    /// The kind of portfolio: small, wholesaler or million.
    #[arg(long, value_parser = preset)]
    preset: &'static Preset,
    /// The seed of all chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the events go; `-` is standard output, .gz and .zst are compressed.
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Where the known deteriorations go: buyer, onset, insolvency, procedure and pattern, one a line.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Buyers, instead of the preset's; as large a share of them is named.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(BUYERS_MAX)))]
    buyers: Option<u32>,
    /// Days of history, instead of the preset's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
    days: Option<u16>,
    /// The first day; by default 2025-01-01.
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Day>,
}

impl Arguments {
    fn plan(&self) -> Result<Plan, CliError> {
        let wrong = |error: crate::workload::PlanError| CliError::Wrong(error.to_string());
        let plan = Plan::new(self.preset, self.seed);
        let plan = plan.with_buyers(self.buyers.unwrap_or(plan.buyers())).map_err(wrong)?;
        plan.with_days(self.from.unwrap_or(plan.from()), self.days.unwrap_or(plan.days())).map_err(wrong)
    }
}

pub(super) fn preset(text: &str) -> Result<&'static Preset, String> {
    let names = || PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    PRESETS.iter().find(|preset| preset.name == text).ok_or_else(|| format!("choose one of {}", names()))
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "write a day of 1970 to 2199 as YYYY-MM-DD".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the options make no plan, or a file cannot be written. A reader that goes away (`| head`) is no error.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let plan = arguments.plan()?;
    if arguments.truth.as_ref() == Some(&arguments.output) {
        let name = arguments.output.display();
        return Err(CliError::Wrong(format!("--output and --truth both name {name}: name two files")));
    }
    let truth = arguments.truth.as_ref().map(|path| truth_in(path, plan)).transpose()?;
    let mut events = Output::create(&arguments.output)?;
    let mut written = Written::default();
    let result = write_events(plan, &mut events, &mut written);
    let result = result.map_err(|source| FileError::system("write", &arguments.output, source));
    let end = result.and_then(|()| events.finish());
    if let Some(truth) = truth {
        truth.finish()?;
    }
    match end {
        Err(FileError::System { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {}
        end => {
            end?;
            eprint!("{}", written.summary(plan.buyers()));
        }
    }
    Ok(())
}

/// The truth, written but not yet under its name, which it gets with the events.
fn truth_in(path: &Path, plan: Plan) -> Result<Output, CliError> {
    let mut truth = Output::create(path)?;
    let written = write_truth(&Portfolio::new(plan), &mut truth);
    written.map_err(|source| FileError::system("write", path, source))?;
    Ok(truth)
}

/// What was written.
#[derive(Debug, Default)]
struct Written {
    bytes: u64,
    by_type: HashMap<&'static str, u64>,
}

impl Written {
    fn summary(&self, buyers: u32) -> String {
        let mut by_type: Vec<_> = self.by_type.iter().collect();
        by_type.sort_by_key(|(name, _)| **name);
        let mut text = String::new();
        for (name, count) in &by_type {
            text.push_str(&format!("{count:>12}  {name}\n"));
        }
        let events: u64 = self.by_type.values().sum();
        text.push_str(&format!("{events:>12}  events of {buyers} buyers, {} bytes\n", self.bytes));
        text
    }
}

fn write_events(plan: Plan, output: &mut Output, written: &mut Written) -> io::Result<()> {
    let bar = progress(plan, output.path());
    let mut workload = Workload::new(plan);
    let mut line = Vec::new();
    let mut write = |event: &Event<'_>| {
        line.clear();
        encode_event(event, &mut line);
        line.push(b'\n');
        written.bytes += line.len() as u64;
        *written.by_type.entry(event.body.spec().name).or_default() += 1;
        output.write_all(&line)
    };
    while workload.next_day(&mut write)? {
        bar.set_position(workload.days_lived().into());
    }
    bar.finish_and_clear();
    Ok(())
}

/// A bar of days on a terminal; nothing in a pipe, nor where the events themselves go to the terminal.
fn progress(plan: Plan, output: &Path) -> ProgressBar {
    if output == Path::new("-") && io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(plan.days().into()), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} day {pos} of {len}, {eta} left").expect("the template is sound");
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn write_truth(portfolio: &Portfolio, output: &mut Output) -> io::Result<()> {
    let calendar = portfolio.calendar();
    for number in 0..portfolio.plan().buyers() {
        let Some(distress) = portfolio.distress(number) else { continue };
        let line = serde_json::json!({
            "buyer_id": buyer_id(number),
            "onset": calendar.day(distress.onset).to_string(),
            "insolvency": calendar.day(distress.insolvency).to_string(),
            "procedure": distress.procedure.as_str(),
            "pattern": distress.pattern.name,
        });
        writeln!(output, "{line}")?;
    }
    Ok(())
}
