//! Owns the command `vigie simulate`: seeds through the fault simulator, and what came of them.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::CliError;
use crate::base::hash::stable_hash;
use crate::sim::{Coverage, Simulated, Simulation};

/// Failing seeds that are shown.
const FAILURES_SHOWN_MAX: usize = 5;
/// Threads at most.
const THREADS_MAX: i64 = 256;

/// Runs the service on the embedded log under faults, and says whether everything came out exactly once.
///
/// Each seed is a world of its own: members of a group are killed at every point of their turns, fenced, moved, made to stand
/// still and lied to; snapshots are damaged and lost. In the end the committed outputs, the journal and the state must be what
/// a plain reading of the inputs makes of them. The same seed gives the same trace hash, on every machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie simulate --seeds 2000\n  \
    vigie simulate --seeds 1 --from 1234 --trace")]
pub struct Arguments {
    /// How many seeds.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,
    /// Threads; they change nothing but the speed. Default: one a core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=THREADS_MAX))]
    threads: Option<u32>,
    /// Tell on standard output what happens, step by step; with one seed.
    #[arg(long)]
    trace: bool,
}

/// What came of all seeds.
#[derive(Debug, Default)]
struct Sum {
    coverage: Coverage,
    /// By seed.
    traces: Vec<(u64, u128)>,
    failures: Vec<(u64, String)>,
}

impl Sum {
    fn take(&mut self, seed: u64, simulated: Simulated) {
        self.coverage.add(&simulated.coverage);
        self.traces.push((seed, simulated.trace));
        self.failures.extend(simulated.failure.map(|failure| (seed, failure)));
    }

    fn add(&mut self, other: Sum) {
        self.coverage.add(&other.coverage);
        self.traces.extend(other.traces);
        self.failures.extend(other.failures);
    }

    /// One hash of all seeds, whoever ran which.
    fn trace(&mut self) -> u128 {
        self.traces.sort_unstable();
        let bytes: Vec<u8> = self.traces.iter().flat_map(|(_, trace)| trace.to_le_bytes()).collect();
        stable_hash(&[&bytes])
    }

    fn summary(&mut self) -> String {
        let trace = self.trace();
        let Coverage { turns, records, outputs, aborts, rebalances, recoveries, snapshots, .. } = self.coverage;
        let rows = [
            ("seeds", self.traces.len() as u64),
            ("records", records),
            ("turns", turns),
            ("outputs", outputs),
            ("crashes", self.coverage.crashes()),
            ("aborts", aborts),
            ("rebalances", rebalances),
            ("snapshots", snapshots),
            ("snapshots damaged", self.coverage.damaged()),
            ("recoveries", recoveries),
            ("failed", self.failures.len() as u64),
        ];
        let mut text: String = rows.map(|(name, count)| format!("{count:>12}  {name}\n")).concat();
        text.push_str(&format!("{trace:032x}  trace hash\n"));
        text
    }
}

/// Runs the command.
///
/// # Errors
/// When something does not hold: the seed, what it is, and the command that repeats it.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    if arguments.trace && arguments.seeds > 1 {
        return Err(CliError::Wrong("--trace tells of one seed: give --seeds 1".to_owned()));
    }
    let end = arguments.from.checked_add(arguments.seeds);
    let end = end.ok_or_else(|| CliError::Wrong("--from and --seeds go beyond the last seed: lower one".to_owned()))?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get) as u32;
    let threads = arguments.threads.unwrap_or(cores).min(u32::try_from(arguments.seeds).unwrap_or(u32::MAX)).max(1);
    let (next, failed) = (AtomicU64::new(arguments.from), AtomicBool::new(false));
    let bar = bar(arguments);
    let one = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || (failed.load(Ordering::Relaxed) && sum.failures.len() >= FAILURES_SHOWN_MAX) {
                return sum;
            }
            let tell: Option<fn(&str)> = arguments.trace.then_some(|line| println!("{line}"));
            sum.take(seed, Simulation { seed, mistake: None, tell }.run());
            failed.fetch_or(!sum.failures.is_empty(), Ordering::Relaxed);
            bar.inc(1);
        }
    };
    let mut sum = Sum::default();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        for running in running {
            sum.add(running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    bar.finish_and_clear();
    eprint!("{}", sum.summary());
    told(sum.failures)
}

/// The failures in words, with the commands that repeat them.
fn told(mut failures: Vec<(u64, String)>) -> Result<(), CliError> {
    if failures.is_empty() {
        return Ok(());
    }
    failures.sort_unstable();
    let shown = failures.iter().take(FAILURES_SHOWN_MAX).map(|(seed, failure)| {
        format!("seed {seed}: {failure}\nto see it again: vigie simulate --seeds 1 --from {seed} --trace")
    });
    let shown: Vec<String> = shown.collect();
    Err(CliError::Failed(format!("{} seeds failed\n{}", failures.len(), shown.join("\n"))))
}

/// How far it is, on a terminal.
fn bar(arguments: &Arguments) -> ProgressBar {
    if arguments.trace {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(arguments.seeds), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} seed {pos} of {len}, {per_sec}, {eta} left");
    bar.set_style(style.expect("the template is right"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_seed_is_told_with_the_command_that_repeats_it() {
        let error = told(vec![(9, "b".to_owned()), (7, "a".to_owned())]).expect_err("two failed").to_string();
        assert!(error.starts_with("2 seeds failed\nseed 7: a\n"), "{error}");
        assert!(error.contains("vigie simulate --seeds 1 --from 7 --trace"), "{error}");
        assert!(told(Vec::new()).is_ok());
    }

    #[test]
    fn the_hash_of_many_seeds_does_not_depend_on_who_ran_which() {
        let sum = |traces: &[(u64, u128)]| Sum { traces: traces.to_vec(), ..Sum::default() }.trace();
        assert_eq!(sum(&[(1, 5), (2, 6)]), sum(&[(2, 6), (1, 5)]));
        assert_ne!(sum(&[(1, 5), (2, 6)]), sum(&[(1, 6), (2, 5)]));
    }
}
