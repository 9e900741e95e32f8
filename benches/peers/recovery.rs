//! From the start after kill -9 to the first position committed beyond those before, every buyer having its ten open invoices.

use std::ops::Range;

use vigie::io::clock::{Stopwatch, pause};

use crate::Bench;
use crate::follow::follow;
use crate::kafka::{Progress, delete_topics};
use crate::preload::preload;
use crate::side::{Clock, Run, Running, Side};
use crate::stream::Stream;
use crate::support::Outcome;
use crate::table::Figure;

/// A minute of events at 5,000 a second, taken since the start before: what is newer than vigie's snapshots.
const MINUTE_EVENTS: u64 = 300_000;
/// Events under way when the process is killed.
const UNDER_WAY: u64 = 100_000;
/// How often positions are looked at.
const LOOK_MS: u64 = 5;
/// A recovery that takes longer has failed.
const LONGEST_SECONDS: f64 = 600.0;

/// Measures all sides that keep state. Each has its own input, which grows from round to round.
pub fn recovery(bench: &mut Bench<'_>) -> Outcome<()> {
    let stream = Stream::of(bench.arguments.buyers);
    println!(
        "recovery: {} buyers, {MINUTE_EVENTS} events since an orderly restart, {UNDER_WAY} under way",
        stream.buyers
    );
    for side in bench.arguments.jobs() {
        let topic = format!("recovery.{}.input", side.name());
        bench.make_input(&topic)?;
        preload(bench.broker, &topic, stream, 0..stream.filled())?;
        let folder = bench.folder()?;
        let run = bench.run(side, "recovery", 0, &topic, folder.path(), Clock::Event);
        run.prepare()?;
        let mut running = run.start()?;
        let progress = Progress::of(run.broker, &run.name, &run.input)?;
        follow(&mut running, &progress, progress.records)?;
        running.terminate()?;
        rounds(bench, side, &run, stream)?;
        delete_topics(bench.broker, &[&run.name, &topic])?;
    }
    Ok(())
}

fn rounds(bench: &mut Bench<'_>, side: Side, run: &Run<'_>, stream: Stream) -> Outcome<()> {
    let mut next = stream.filled();
    for _ in 0..bench.arguments.runs {
        let mut running = run.start()?;
        preload(run.broker, &run.input, stream, next..next + MINUTE_EVENTS)?;
        next += MINUTE_EVENTS;
        let progress = Progress::of(run.broker, &run.name, &run.input)?;
        follow(&mut running, &progress, progress.records)?;
        kill_amid(run, stream, running, next..next + UNDER_WAY)?;
        next += UNDER_WAY;

        let progress = Progress::of(run.broker, &run.name, &run.input)?;
        let before = progress.committed()?;
        let since = Stopwatch::start();
        let mut running = run.start()?;
        reach(&mut running, &progress, before + 1, &since)?;
        let recovered = since.seconds();
        reach(&mut running, &progress, progress.records, &since)?;
        bench.table.tell(side, &[(Figure::Recovery, recovered), (Figure::CaughtUp, since.seconds())]);
        running.terminate()?;
    }
    Ok(())
}

/// Kills a side while it takes events, and sends the rest of them.
fn kill_amid(run: &Run<'_>, stream: Stream, mut running: Running, numbers: Range<u64>) -> Outcome<()> {
    let progress = Progress::of(run.broker, &run.name, &run.input)?;
    let taken = progress.committed()?;
    let middle = numbers.start + (numbers.end - numbers.start) / 2;
    preload(run.broker, &run.input, stream, numbers.start..middle)?;
    reach(&mut running, &progress, taken + 1, &Stopwatch::start())?;
    running.kill()?;
    preload(run.broker, &run.input, stream, middle..numbers.end)
}

/// Waits until a side has committed so many records.
fn reach(running: &mut Running, progress: &Progress, records: u64, since: &Stopwatch) -> Outcome<()> {
    while progress.committed()? < records {
        running.must_live()?;
        if since.seconds() > LONGEST_SECONDS {
            return Err(format!("not at {records} records after {LONGEST_SECONDS} s").into());
        }
        pause(LOOK_MS);
    }
    Ok(())
}
