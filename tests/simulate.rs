//! The service under faults: many seeds, each a world in which members are killed, fenced, moved and lied to; and deliberate
//! mistakes, each of which must be found.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use vigie::runtime::Point;
use vigie::sim::{Coverage, Fault, Mistake, Simulated, Simulation};

const SEEDS: u64 = 2000;
/// Seeds within which a mistake must be found.
const MISTAKE_SEEDS: u64 = 500;

fn run(seed: u64, mistake: Option<Mistake>) -> Simulated {
    Simulation { seed, mistake, tell: None }.run()
}

/// Runs seeds on all cores; what comes is in order of seed.
fn run_all(seeds: u64) -> Vec<(u64, Simulated)> {
    let next = AtomicU64::new(1);
    let one = || {
        let mut done = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return done;
            }
            done.push((seed, run(seed, None)));
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut all: Vec<(u64, Simulated)> = thread::scope(|scope| {
        let running: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        running.into_iter().flat_map(|running| running.join().expect("a simulation ends")).collect()
    });
    all.sort_by_key(|(seed, _)| *seed);
    all
}

#[test]
fn whatever_goes_wrong_everything_comes_out_exactly_once() {
    let all = run_all(SEEDS);
    let failed: Vec<String> = all
        .iter()
        .filter_map(|(seed, simulated)| simulated.failure.as_ref().map(|failure| (seed, failure)))
        .map(|(seed, failure)| format!("{failure}\nto see it again: vigie simulate --seeds 1 --from {seed} --trace"))
        .collect();
    assert!(failed.is_empty(), "{} of {SEEDS} seeds failed; the first:\n{}", failed.len(), failed[0]);

    let mut coverage = Coverage::default();
    all.iter().for_each(|(_, simulated)| coverage.add(&simulated.coverage));
    println!("{coverage:#?}");
    let unmet: Vec<&str> =
        Fault::ALL.iter().filter(|fault| !coverage.faults.contains_key(fault)).map(|fault| fault.as_str()).collect();
    assert!(unmet.is_empty(), "these faults never happened: {unmet:?}");
    let unmet: Vec<&str> =
        Point::ALL.iter().filter(|point| !coverage.points.contains_key(point)).map(|point| point.as_str()).collect();
    assert!(unmet.is_empty(), "nobody was ever killed at {unmet:?}");
    assert!(coverage.decisions > 0 && coverage.aborts > 0 && coverage.damaged() > 0);
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 1..=20 {
        let (first, again) = (run(seed, None), run(seed, None));
        assert_eq!((first.trace, &first.coverage), (again.trace, &again.coverage), "seed {seed}");
        assert_ne!(first.trace, run(seed + 1, None).trace);
    }
}

#[test]
fn every_deliberate_mistake_is_found() {
    for mistake in Mistake::ALL {
        let failure = |seed| Some((seed, run(seed, Some(mistake)).failure?));
        let Some((seed, failure)) = (1..=MISTAKE_SEEDS).find_map(failure) else { panic!("nobody noticed {mistake:?}") };
        assert_eq!(run(seed, None).failure, None, "seed {seed} fails of itself");
        let line: String = failure.lines().next().unwrap_or_default().chars().take(160).collect();
        println!("{mistake:?}: seed {seed}: {line}");
    }
}
