//! vigie beside what people would use in its place, and beside the floor that all stand on: the same job, topics and machine, in
//! the same run. `make bench` runs it; `benches/peers/README.md` says what is measured and how.

#[allow(dead_code, reason = "each benchmark takes what it needs")]
#[path = "../support/mod.rs"]
mod support;

mod check;
mod cost;
mod kafka;
mod preload;
mod side;
mod stream;
mod table;

use std::path::Path;

use clap::{Parser, ValueEnum};
use vigie::io::kafka::{Settings, drain};

use side::{Clock, Run, Side};
use support::Outcome;
use support::broker::Broker;
use table::Table;

/// Measures vigie, its peers and the floor.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// What is measured, with commas between.
    #[arg(long, value_delimiter = ',', default_value = "cost")]
    parts: Vec<Part>,
    /// Who is, with commas between; NAME.MS commits every so many milliseconds, and not every 100. Default: all.
    #[arg(long, value_delimiter = ',')]
    sides: Vec<Side>,
    /// Events preloaded for the cost.
    #[arg(long, default_value_t = 4_400_000)]
    events: u64,
    /// Buyers, except in the larger memory.
    #[arg(long, default_value_t = 80_000)]
    buyers: u64,
    /// Buyers in the larger memory.
    #[arg(long, default_value_t = 1_000_000)]
    many_buyers: u64,
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
}

/// What the parts work with.
pub struct Bench<'a> {
    arguments: Arguments,
    broker: &'a Broker,
    table: Table,
}

impl<'a> Bench<'a> {
    /// Names a run, and what it works with.
    fn run<'r>(&self, side: Side, part: &str, round: u32, input: &'r str, folder: &'r Path, clock: Clock) -> Run<'r>
    where
        'a: 'r,
    {
        let name = format!("run.{part}.{round}.{}", side.name());
        Run { broker: self.broker, side, input, name, folder, heap: "1g", clock }
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
    let broker = Broker::start()?;
    let mut bench = Bench { arguments, broker: &broker, table: Table::default() };
    for part in bench.arguments.parts.clone() {
        match part {
            Part::Cost => cost::costs(&mut bench)?,
        }
    }
    println!("{}", bench.table.markdown());
    Ok(())
}
