//! From when an event was planned to be sent to when its alert can be read, by `vigie load`, with every buyer's ten invoices open.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Bench;
use crate::follow::follow;
use crate::kafka::{Progress, delete_topics};
use crate::preload::preload;
use crate::side::{Clock, Run};
use crate::stream::Stream;
use crate::support::{Outcome, micros};
use crate::table::Figure;

/// No latency counts of what is sent so soon, while connections are made and caches are cold.
const WARM_UP_SECONDS: u64 = 5;
/// A side whose p99 is above this does not hold the rate: what waits for it grows.
const HELD_P99_MS: f64 = 2_000.0;
/// What is tried in turn where a rate is not held, as shares of it.
const SHARES: [f64; 4] = [1.0, 0.6, 0.35, 0.2];
/// The two rates of the table, in events a second, and where they stand in it.
const RATES: [(u64, Figure, Figure); 2] =
    [(20_000, Figure::LowerP50, Figure::LowerP99), (100_000, Figure::HigherP50, Figure::HigherP99)];

/// What came of one attempt at a rate.
struct Attempt {
    p50: f64,
    p99: f64,
}

/// Measures all sides that tell alerts, interleaved.
pub fn latency(bench: &mut Bench<'_>) -> Outcome<()> {
    println!("latency: {} s a rate, of which the first {WARM_UP_SECONDS} do not count", bench.arguments.seconds);
    for round in 0..bench.arguments.runs {
        for side in bench.arguments.jobs() {
            let stream = Stream::of(bench.arguments.buyers).until_now();
            let topic = format!("latency.{round}.{}.input", side.name());
            bench.make_input(&topic)?;
            preload(bench.broker, &topic, stream, 0..stream.filled())?;
            let folder = bench.folder()?;
            let run = bench.run(side, "latency", round, &topic, folder.path(), Clock::Live);
            run.prepare()?;
            let mut running = run.start()?;
            let progress = Progress::of(run.broker, &run.name, &run.input)?;
            follow(&mut running, &progress, progress.records)?;
            let mut next = stream.filled();
            for (rate, p50, p99) in RATES {
                for held in SHARES.map(|share| (rate as f64 * share) as u64) {
                    let attempt = attempt(&run, stream, &mut next, held, bench.arguments.seconds)?;
                    follow(&mut running, &progress, records(&run)?)?;
                    if attempt.p99 <= HELD_P99_MS {
                        bench.table.tell(side, &[(p50, attempt.p50), (p99, attempt.p99)]);
                        if held < rate {
                            bench.table.note(format!(
                                "{} does not hold {rate} events/s in round {}: its latencies there are at {held}/s.",
                                side.title(),
                                round + 1
                            ));
                        }
                        break;
                    }
                    println!("  {}: p99 {:.0} ms at {held}/s, which is not held", side.title(), attempt.p99);
                }
            }
            running.terminate()?;
            delete_topics(bench.broker, &[&run.name, &topic])?;
        }
    }
    Ok(())
}

fn records(run: &Run<'_>) -> Outcome<u64> {
    Ok(Progress::of(run.broker, &run.name, &run.input)?.records)
}

/// Sends events at a rate, and says how long their alerts took.
fn attempt(run: &Run<'_>, stream: Stream, next: &mut u64, rate: u64, seconds: u64) -> Outcome<Attempt> {
    let events = run.folder.join("events.jsonl");
    let summary = run.folder.join("load.json");
    let count = rate * (WARM_UP_SECONDS + seconds);
    write_events(&events, stream, *next, count, rate)?;
    *next += count;
    let loaded = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .arg("load")
        .arg(&events)
        .args(["--brokers", &run.broker.address(), "--topic", &run.input, "--outputs", &run.output()])
        .args(["--rate", &rate.to_string(), "--warm-up", &WARM_UP_SECONDS.to_string(), "--log-level", "warn"])
        .arg("--summary")
        .arg(&summary)
        .stdout(Stdio::null())
        .status()?;
    if !loaded.success() {
        return Err("vigie load failed; what it said is above".into());
    }
    let told: Value = serde_json::from_slice(&std::fs::read(&summary)?)?;
    let of = |name: &str| told["latency_ms"][name].as_f64().unwrap_or(f64::INFINITY);
    Ok(Attempt { p50: of("p50"), p99: of("p99") })
}

/// Events whose times pass as fast as they will be sent, from now on.
fn write_events(path: &Path, stream: Stream, from: u64, count: u64, rate: u64) -> Outcome<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let (mut buyer, mut value) = (String::new(), String::new());
    let now_ms = (micros() / 1000) as i64;
    for number in 0..count {
        stream.write(from + number, now_ms + (number * 1000 / rate) as i64, &mut buyer, &mut value);
        writeln!(out, "{value}")?;
    }
    Ok(out.flush()?)
}
