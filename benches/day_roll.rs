//! How long it takes when a day begins: every buyer whose invoices pass a class of age, or for whom a month ends, is aged,
//! scored and judged. Nobody pays, so that all 80,000 buyers have more and more invoices past due.
//!
//! `cargo bench --bench day_roll [-- BUYERS]`. All in one thread, over twelve shards; a turn lets one shard pass midnight.
//! Run otherwise than by `cargo bench`, it does next to nothing.

mod portfolio;

use portfolio::Portfolio;
use vigie::io::clock::Stopwatch;

/// As the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BUYERS: u32 = 80_000;
/// Buyers where nobody asked for a measurement.
const BUYERS_OF_A_TEST: u32 = 100;
/// Days that begin: the last invoices are over 90 days past due then.
const DAYS: i32 = 150;
/// The busiest days that are shown.
const SHOWN: usize = 5;

/// How a day began.
struct Day {
    day: vigie::base::Day,
    whole_ms: f64,
    longest_turn_ms: f64,
    effects: usize,
}

fn main() -> Result<(), String> {
    let mut portfolio = Portfolio::new(buyers()?);
    portfolio.fill();
    let first = portfolio.now.day();
    let mut days: Vec<Day> = (1..=DAYS).map(|after| begin(&mut portfolio, first.plus(after))).collect();
    let mean = days.iter().map(|day| day.whole_ms).sum::<f64>() / f64::from(DAYS);
    println!("{} buyers, {DAYS} days: {mean:.1} ms a day on average; the busiest:", portfolio.buyers.len());
    days.sort_by(|a, b| b.whole_ms.total_cmp(&a.whole_ms));
    for Day { day, whole_ms, longest_turn_ms, effects } in &days[..SHOWN] {
        println!("  {day}  {whole_ms:6.1} ms in all, {longest_turn_ms:5.1} ms the longest turn, {effects} effects");
    }
    let longest = days.iter().map(|day| day.longest_turn_ms).fold(0.0, f64::max);
    println!("longest turn of all: {longest:.1} ms; state {:032x}", portfolio.state_hash());
    Ok(())
}

fn begin(portfolio: &mut Portfolio, day: vigie::base::Day) -> Day {
    let (mut whole_ms, mut longest_turn_ms, mut effects) = (0.0, 0.0_f64, 0);
    let mut told = Vec::new();
    for shard in portfolio.shards_mut() {
        let stopwatch = Stopwatch::start();
        shard.advance(day.start(), &mut told);
        let ms = stopwatch.seconds() * 1000.0;
        whole_ms += ms;
        longest_turn_ms = longest_turn_ms.max(ms);
        effects += told.len();
        told.clear();
    }
    Day { day, whole_ms, longest_turn_ms, effects }
}

/// `cargo bench` says that a measurement is wanted, and whoever started it may name the number of buyers.
fn buyers() -> Result<u32, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(BUYERS_OF_A_TEST);
    }
    match arguments.iter().find(|argument| !argument.starts_with('-')) {
        None => Ok(BUYERS),
        Some(number) => number.parse().map_err(|_| format!("{number} is no number of buyers")),
    }
}
