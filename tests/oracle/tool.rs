//! Owns the command behind `make oracle` and `make golden`: random files against the reference implementation.

mod broken;
mod case;
mod compare;
mod dice;
mod golden;
mod probe;
mod reference;
mod shrink;
mod spelling;
mod world;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, thread};

use case::{Case, Kind, case};
use clap::{Parser, Subcommand};
use compare::{Answer, Settings, differences, file, ours};
use dice::Dice;
use reference::oracle;

/// Runs of the two programs that shrinking a file may take.
const SHRINK_ATTEMPTS_MAX: usize = 400;
/// Differences that are printed of one file.
const PRINTED_MAX: usize = 8;
/// Lines that are printed of a shrunk file.
const LINES_PRINTED_MAX: usize = 25;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Replays random files with vigie and with the reference implementation, and compares reports and counts.
    Compare {
        /// The reference implementation.
        #[arg(long)]
        oracle: PathBuf,
        /// How many seeds.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Seeds at a time.
        #[arg(long, default_value_t = 2)]
        jobs: u64,
    },
    /// Writes the golden files: random files, and what the reference implementation makes of them.
    Golden {
        /// The reference implementation.
        #[arg(long)]
        oracle: PathBuf,
        /// The folder of the golden files.
        #[arg(long)]
        folder: PathBuf,
    },
    /// Writes a file of a seed to standard output.
    Show {
        /// The seed.
        #[arg(long)]
        seed: u64,
        /// The one without conflicts.
        #[arg(long)]
        any_order: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Action::Compare { oracle, seeds, from, jobs } => compare_seeds(&oracle, from, seeds, jobs),
        Action::Golden { oracle, folder } => golden::write(&oracle, &folder),
        Action::Show { seed, any_order } => {
            let kind = if any_order { Kind::AnyOrder } else { Kind::Conflicts };
            std::io::stdout().write_all(&file(&case(seed, kind).lines)).map_err(|error| error.to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn compare_seeds(script: &Path, from: u64, seeds: u64, jobs: u64) -> Result<(), String> {
    let (next, failed) = (AtomicU64::new(from), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    match check_seed(script, seed) {
                        Ok(records) => eprintln!("seed {seed}: {records} lines agree"),
                        Err(why) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            eprintln!("seed {seed}: {why}\nto repeat: make oracle SEEDS=1 FROM={seed}\n");
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        0 => {
            println!("{seeds} seeds from {from} on: every report and count is the reference implementation's");
            Ok(())
        }
        count => Err(format!("{count} of {seeds} seeds differ")),
    }
}

/// All the ways in which the files of a seed are replayed: how many lines agree, or where the first way differs.
fn check_seed(script: &Path, seed: u64) -> Result<usize, String> {
    let strict = case(seed, Kind::Conflicts);
    check(script, seed, &strict, None, &[12, 1])?;
    check(script, seed, &strict, Some(&strict.as_of), &[if seed.is_multiple_of(2) { 12 } else { 1 }])?;
    let mut loose = case(seed, Kind::AnyOrder);
    let as_of = loose.as_of.clone();
    let wanted = check(script, seed, &loose, Some(&as_of), &[12])?;
    Dice::new(seed, 77).shuffle(&mut loose.lines);
    let found = ours(&loose.lines, &settings(&loose, Some(&as_of)), 3)?;
    let told = differences(&wanted, &found);
    if told.is_empty() {
        return Ok(strict.lines.len() + loose.lines.len());
    }
    explain(script, seed, &loose, Some(&as_of), 3, &told)
}

fn settings(case: &Case, as_of: Option<&str>) -> Settings {
    Settings { now: case.now.clone(), as_of: as_of.map(str::to_owned), base: case.base.clone() }
}

fn check(script: &Path, seed: u64, case: &Case, as_of: Option<&str>, partitions: &[u32]) -> Result<Answer, String> {
    let settings = settings(case, as_of);
    let wanted = oracle(script, &case.lines, &settings)?;
    for count in partitions {
        let told = differences(&wanted, &ours(&case.lines, &settings, *count)?);
        if !told.is_empty() {
            return explain(script, seed, case, as_of, *count, &told);
        }
    }
    Ok(wanted)
}

/// Says where the answers differ, shrinks the file that shows it, and keeps that file.
fn explain<T>(
    script: &Path,
    seed: u64,
    case: &Case,
    as_of: Option<&str>,
    partitions: u32,
    told: &[String],
) -> Result<T, String> {
    let settings = settings(case, as_of);
    let mut shows = |lines: &[Vec<u8>]| match (oracle(script, lines, &settings), ours(lines, &settings, partitions)) {
        (Ok(wanted), Ok(found)) => !differences(&wanted, &found).is_empty(),
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    };
    let small = shrink::shrink(&case.lines, SHRINK_ATTEMPTS_MAX, &mut shows);
    let left = match (oracle(script, &small, &settings), ours(&small, &settings, partitions)) {
        (Ok(wanted), Ok(found)) => differences(&wanted, &found),
        (_, Err(why)) | (Err(why), _) => vec![why],
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    let path = folder.join(format!("{seed}-{:?}.jsonl", case.kind));
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, file(&small))).map_err(|error| error.to_string())?;
    let mut shown = told[..told.len().min(PRINTED_MAX)].to_vec();
    let as_of = as_of.map_or_else(String::new, |day| format!(" --as-of {day}"));
    shown.push(format!("with --now {} --base {} --partitions {partitions}{as_of}", case.now, case.base));
    shown.push(format!("{} of {} lines show it, in {}", small.len(), case.lines.len(), path.display()));
    if small.len() <= LINES_PRINTED_MAX {
        shown.extend(small.iter().map(|line| format!("    {}", String::from_utf8_lossy(&line[..line.len().min(600)]))));
    }
    shown.extend(left.iter().take(PRINTED_MAX).map(|line| format!("  {line}")));
    Err(format!("{:?}: they differ\n  {}", case.kind, shown.join("\n  ")))
}
