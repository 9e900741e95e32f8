//! From the start after kill -9 to the first new alert that can be read, every buyer having its ten open invoices.

use std::ops::Range;
use std::time::Duration;

use vigie::io::clock::{Stopwatch, pause};
use vigie::io::kafka::{Begin, Follower, Settings};

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
/// How often positions are looked at, before the kill.
const LOOK_MS: u64 = 5;
/// How long a look at the alerts waits, after it.
const LOOK: Duration = Duration::from_millis(20);
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

        let mut alerts =
            Follower::open(&Settings::new(&run.broker.address(), "bench"), &[run.output()], Begin::AtEnd, (0, 1))?;
        let since = Stopwatch::start();
        let mut running = run.start()?;
        let mut is_told = false;
        while !is_told {
            running.must_live()?;
            if since.seconds() > LONGEST_SECONDS {
                return Err(format!("no new alert {LONGEST_SECONDS} s after the start").into());
            }
            alerts.hear(LOOK, &mut |_| is_told = true)?;
        }
        bench.table.tell(side, &[(Figure::Recovery, since.seconds())]);
        let progress = Progress::of(run.broker, &run.name, &run.input)?;
        follow(&mut running, &progress, progress.records)?;
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
    while progress.committed()? <= taken {
        running.must_live()?;
        pause(LOOK_MS);
    }
    running.kill()?;
    preload(run.broker, &run.input, stream, middle..numbers.end)
}
