//! Flat out on a preloaded topic: events a second, CPU time an event, bytes that the broker keeps.

use vigie::io::clock::Stopwatch;

use crate::Bench;
use crate::check::check;
use crate::follow::{Sample, follow};
use crate::kafka::{Progress, bytes_on_disk, delete_topics};
use crate::preload::{preload, tick};
use crate::side::{Clock, Run};
use crate::stream::{Stream, WARM_UP};
use crate::support::Outcome;
use crate::table::Figure;

/// Of fewer samples no slope is made: a run that short is for trying things out.
const SAMPLES_MIN: usize = 5;
/// What the broker keeps for all groups and producers.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// Measures all sides, interleaved.
pub fn costs(bench: &mut Bench<'_>) -> Outcome<()> {
    let events = bench.arguments.events;
    let stream = Stream::within(bench.arguments.buyers, events);
    let topic = "cost.input";
    bench.make_input(topic)?;
    preload(bench.broker, topic, stream, 0..events)?;
    tick(bench.broker, topic, stream, events)?;
    let expected = stream.expected(events);
    println!(
        "cost: {events} events of {} buyers preloaded; they raise {} alerts and clear {}",
        stream.buyers, expected.raised, expected.cleared
    );
    for round in 0..bench.arguments.runs {
        for side in bench.arguments.sides.clone() {
            let folder = bench.folder()?;
            let run = bench.run(side, "cost", round, topic, folder.path(), Clock::Event);
            run.prepare()?;
            let figures = if side.does_the_job() { job(&run)? } else { floor(&run, events)? };
            if side.does_the_job() {
                check(&run, stream, &expected)?;
            }
            bench.table.tell(side, &figures);
            delete_topics(bench.broker, &[&run.name])?;
        }
    }
    delete_topics(bench.broker, &[topic])
}

/// The floor keeps no position: it is measured whole. Its start is a few milliseconds.
fn floor(run: &Run<'_>, events: u64) -> Outcome<Vec<(Figure, f64)>> {
    let since = Stopwatch::start();
    let cpu = run.start()?.finish()?;
    let events = events as f64;
    Ok(vec![(Figure::Rate, events / since.seconds()), (Figure::Cpu, cpu * 1e6 / events)])
}

fn job(run: &Run<'_>) -> Outcome<Vec<(Figure, f64)>> {
    let of_itself = [run.name.as_str()];
    let kept_before = bytes_on_disk(run.broker, &INTERNAL)?;
    let progress = Progress::of(run.broker, &run.name, &run.input)?;
    let mut running = run.start()?;
    let samples = follow(&mut running, &progress, progress.records)?;
    let kept_after = bytes_on_disk(run.broker, &INTERNAL)? + bytes_on_disk(run.broker, &of_itself)?;
    // The broker may have compacted its own meanwhile.
    let kept = kept_after.saturating_sub(kept_before);
    let peak = running.memory_peak()?;
    running.terminate()?;
    let records = progress.records as f64;
    let end = samples.last().ok_or("nothing was measured")?;
    // The last commit may come long after the last event: Flink's source waits up to 10 s for further records before it makes it.
    let is_steady = |sample: &&Sample| sample.events >= records * WARM_UP && sample.events < records;
    let steady: Vec<&Sample> = samples.iter().filter(is_steady).collect();
    let steady = if steady.len() < SAMPLES_MIN { samples.iter().collect() } else { steady };
    let cpu = slope(&steady, |sample| sample.cpu) * 1e6;
    let rate = 1.0 / slope(&steady, |sample| sample.wall);
    Ok(vec![
        (Figure::Rate, rate),
        (Figure::Cpu, cpu),
        (Figure::WholeCpu, end.cpu * 1e6 / records),
        (Figure::WholeSeconds, end.wall),
        (Figure::Bytes, kept as f64 / records),
        (Figure::MemoryAtCost, peak as f64 / 1e6),
    ])
}

/// What an event takes of something, by least squares over the samples: what is under way and not committed yet, and what a start
/// takes, is the same in all of them, and falls out.
fn slope(samples: &[&Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let mean = |value: &dyn Fn(&Sample) -> f64| samples.iter().map(|sample| value(sample)).sum::<f64>() / count;
    let (events_mean, mean_of) = (mean(&|sample| sample.events), mean(&|sample| of(sample)));
    let products = samples.iter().map(|sample| (sample.events - events_mean) * (of(sample) - mean_of)).sum::<f64>();
    let squares = samples.iter().map(|sample| (sample.events - events_mean).powi(2)).sum::<f64>();
    products / squares
}
