//! vigie beside what people would use in its place, and beside the floor that all stand on: the same job, topics and machine, in
//! the same run. `make bench` runs it; `benches/peers/README.md` says what is measured and how.

#[allow(dead_code, reason = "each benchmark takes what it needs")]
#[path = "../support/mod.rs"]
mod support;

mod check;
mod cost;
mod follow;
mod kafka;
mod latency;
mod machine;
mod memory;
mod preload;
mod recovery;
mod side;
mod stream;
mod table;

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use tempfile::TempDir;
use vigie::io::kafka::{Settings, drain};

use side::{Clock, Run, Side};
use support::Outcome;
use support::broker::Broker;
use table::Table;

/// Measures vigie, its peers and the floor.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// What is measured, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "cost,latency,memory,recovery")]
    parts: Vec<Part>,
    /// Who is, with commas between; NAME.MS commits every so many milliseconds, and not every 100. Default: all.
    #[arg(long, value_delimiter = ',')]
    sides: Vec<Side>,
    /// Events preloaded for the cost.
    #[arg(long, default_value_t = 3_000_000)]
    events: u64,
    /// Buyers, except in the larger memory.
    #[arg(long, default_value_t = 80_000)]
    buyers: u64,
    /// Buyers in the larger memory.
    #[arg(long, default_value_t = 1_000_000)]
    many_buyers: u64,
    /// Seconds that latencies are taken at each rate.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Memory for the heap of each peer's Java.
    #[arg(long, default_value = "1g")]
    heap: String,
    /// The same with the many buyers.
    #[arg(long, default_value = "4g")]
    many_heap: String,
    /// Rounds, in each of which every side runs once. Figures are medians.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// `cargo bench` says it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Events a second, CPU an event, bytes an event.
    Cost,
    /// From an event to its alert.
    Latency,
    /// With few buyers and with many.
    Memory,
    /// After kill -9.
    Recovery,
}

impl Arguments {
    /// The sides that keep state and tell alerts.
    fn jobs(&self) -> Vec<Side> {
        self.sides.iter().copied().filter(|side| side.does_the_job()).collect()
    }
}

/// What the parts work with.
pub struct Bench<'a> {
    arguments: Arguments,
    broker: &'a Broker,
    table: Table,
    log: PathBuf,
}

impl<'a> Bench<'a> {
    /// Names a run, and what it works with.
    fn run(&self, side: Side, part: &str, round: u32, input: &str, folder: &Path, clock: Clock) -> Run<'a> {
        Run {
            broker: self.broker,
            side,
            input: input.to_owned(),
            name: format!("run.{part}.{round}.{}", side.name()),
            folder: folder.to_owned(),
            heap: self.arguments.heap.clone(),
            clock,
            log: self.log.clone(),
        }
    }

    /// A folder for a run's state, gone with its handle.
    fn folder(&self) -> Outcome<TempDir> {
        Ok(tempfile::Builder::new().prefix("run-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
    }

    fn make_input(&self, topic: &str) -> Outcome<()> {
        kafka::make_topics(self.broker, &[topic])
    }
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, brokers, topic] = &words[..]
        && mode == "drain"
    {
        println!("{}", drain(&Settings::new(brokers, "drain"), topic)?);
        return Ok(());
    }
    let mut arguments = Arguments::parse();
    if arguments.sides.is_empty() {
        arguments.sides = Side::all();
    }
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&results)?;
    let log = results.join("sides.log");
    File::create(&log)?;
    println!("{}", machine::told(&arguments));
    let broker = Broker::start()?;
    let mut bench = Bench { arguments, broker: &broker, table: Table::default(), log };
    let outcome = parts(&mut bench);
    // What was measured before something failed is worth having.
    let text = format!("{}\n{}", machine::told(&bench.arguments), bench.table.markdown());
    let file = results.join("peers.md");
    std::fs::write(&file, &text)?;
    println!("\n{text}\nwritten to {}; what the sides said is in {}", file.display(), bench.log.display());
    outcome
}

fn parts(bench: &mut Bench<'_>) -> Outcome<()> {
    for part in bench.arguments.parts.clone() {
        match part {
            Part::Cost => cost::costs(bench)?,
            Part::Latency => latency::latency(bench)?,
            Part::Memory => memory::memory(bench)?,
            Part::Recovery => recovery::recovery(bench)?,
        }
    }
    Ok(())
}
