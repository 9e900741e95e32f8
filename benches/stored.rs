//! How long it takes to store a portfolio of open invoices, all told, and to restore it: ten of each buyer, who is described
//! and has a limit, in twelve shards, one after another in one thread.
//!
//! `cargo bench --bench stored [-- BUYERS]`. Run otherwise than by `cargo bench`, it does next to nothing.

mod portfolio;

use portfolio::{OPEN_INVOICES, Portfolio};
use vigie::io::clock::Stopwatch;
use vigie::risk::Shard;
use vigie::risk::stored::{StateHash, StoredError, Storing};

/// As the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BUYERS: u32 = 80_000;
/// Buyers where nobody asked for a measurement.
const BUYERS_OF_A_TEST: u32 = 100;
/// What is asked of a shard at a time while it is stored.
const RUN_BYTES: usize = 1 << 20;
const REPETITIONS: usize = 5;

/// A stored shard.
struct Stored {
    head: Vec<u8>,
    runs: Vec<Vec<u8>>,
}

fn main() -> Result<(), String> {
    let mut portfolio = Portfolio::new(buyers()?);
    portfolio.fill();
    let (buyers, hash) = (portfolio.buyers.len(), portfolio.state_hash());
    let (mut storing_s, mut restoring_s, mut hashing_s, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..REPETITIONS {
        let stopwatch = Stopwatch::start();
        let all: Vec<Stored> = portfolio.shards_mut().map(store).collect();
        storing_s.push(stopwatch.seconds());
        bytes = all.iter().map(|stored| stored.head.len() + stored.runs.iter().map(Vec::len).sum::<usize>()).sum();
        let stopwatch = Stopwatch::start();
        let hashes: Result<Vec<u128>, StoredError> = all.iter().map(hash_of).collect();
        hashing_s.push(stopwatch.seconds());
        let stopwatch = Stopwatch::start();
        let restored: Result<Vec<Shard>, StoredError> = all.iter().map(restore).collect();
        restoring_s.push(stopwatch.seconds());
        let restored = restored.map_err(|error| error.to_string())?;
        let states: Vec<u128> = restored.iter().map(Shard::state_hash).collect();
        assert_eq!(Ok(&states), hashes.as_ref(), "the restored shards are others");
    }
    assert_eq!(portfolio.state_hash(), hash, "storing changed the shards");
    println!("{buyers} buyers, {} open invoices, state {hash:032x}", buyers * OPEN_INVOICES as usize);
    println!("{bytes} bytes, {} a buyer", bytes / buyers);
    for (name, mut seconds) in [("store", storing_s), ("hash from bytes", hashing_s), ("restore", restoring_s)] {
        seconds.sort_unstable_by(f64::total_cmp);
        println!(
            "  {name:<16}{:.3} s (median of {REPETITIONS}), {:.3} s at least",
            seconds[REPETITIONS / 2],
            seconds[0]
        );
    }
    Ok(())
}

fn store(shard: &mut Shard) -> Stored {
    let mut stored = Stored { head: Vec::new(), runs: Vec::new() };
    shard.begin_storing();
    shard.store_head(&mut stored.head);
    let mut storing = Storing::More;
    while storing == Storing::More {
        let mut run = Vec::with_capacity(RUN_BYTES + RUN_BYTES / 8);
        storing = shard.store_some(RUN_BYTES, &mut run);
        stored.runs.push(run);
    }
    stored
}

fn hash_of(stored: &Stored) -> Result<u128, StoredError> {
    let mut hash = StateHash::of_head(&stored.head);
    stored.runs.iter().try_for_each(|run| hash.take_buyers(run))?;
    Ok(hash.finish())
}

fn restore(stored: &Stored) -> Result<Shard, StoredError> {
    let mut restoring = Shard::restore(&stored.head)?;
    stored.runs.iter().try_for_each(|run| restoring.restore_buyers(run))?;
    restoring.finish_restore()
}

/// `cargo bench` says that a measurement is wanted, and whoever started it may name the number of buyers.
fn buyers() -> Result<u32, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(BUYERS_OF_A_TEST);
    }
    match arguments.iter().find(|argument| !argument.starts_with('-')) {
        None => Ok(BUYERS),
        Some(number) => match number.parse() {
            Ok(buyers @ 1..) => Ok(buyers),
            _ => Err(format!("{number} is no number of buyers: give one from 1 up")),
        },
    }
}
