//! The most memory a side had until every buyer had its limit and its ten open invoices.

use crate::Bench;
use crate::follow::follow;
use crate::kafka::{Progress, delete_topics};
use crate::preload::preload;
use crate::side::Clock;
use crate::stream::Stream;
use crate::support::Outcome;
use crate::table::Figure;

/// Measures all sides that keep state, with few buyers and with many: with many each side runs once, for it takes long.
pub fn memory(bench: &mut Bench<'_>) -> Outcome<()> {
    let (few, many) = (bench.arguments.buyers, bench.arguments.many_buyers);
    let (runs, heap, many_heap) =
        (bench.arguments.runs, bench.arguments.heap.clone(), bench.arguments.many_heap.clone());
    with_buyers(bench, "memory-few", few, runs, &heap, Figure::MemoryFew)?;
    with_buyers(bench, "memory-many", many, 1, &many_heap, Figure::MemoryMany)
}

fn with_buyers(bench: &mut Bench<'_>, part: &str, buyers: u64, runs: u32, heap: &str, figure: Figure) -> Outcome<()> {
    if buyers == 0 {
        return Ok(());
    }
    let stream = Stream::of(buyers);
    let topic = format!("{part}.input");
    bench.make_input(&topic)?;
    preload(bench.broker, &topic, stream, 0..stream.filled())?;
    println!("{part}: {buyers} buyers, {} events preloaded; Java heaps of {heap}", stream.filled());
    for round in 0..runs {
        for side in bench.arguments.jobs() {
            let folder = bench.folder()?;
            let run = bench.run(side, part, round, &topic, folder.path(), Clock::Event).with_heap(heap);
            run.prepare()?;
            let progress = Progress::of(run.broker, &run.name, &run.input)?;
            let mut running = run.start()?;
            let samples = follow(&mut running, &progress, progress.records)?;
            let figures = [
                (figure, running.memory_peak()? as f64 / 1e6),
                (Figure::WholeSeconds, samples.last().map_or(f64::NAN, |last| last.wall)),
            ];
            running.kill()?;
            bench.table.tell(side, &figures);
            delete_topics(bench.broker, &[&run.name])?;
        }
    }
    delete_topics(bench.broker, &[&topic])
}
