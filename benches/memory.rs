//! How much memory a portfolio of open invoices takes, all told: ten of each buyer, who is described and has a limit.
//!
//! `cargo bench --bench memory [-- BUYERS]`: the number of buyers, or `million`. Beside the figures it prints the state
//! hash, which says whether what was kept is the same. Run otherwise than by `cargo bench`, it does next to nothing.

mod portfolio;

use std::error::Error;

use portfolio::{OPEN_INVOICES, Portfolio};
use vigie::io::clock::Stopwatch;

/// As the binary: what an allocator adds is part of the answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BUYERS: u32 = 80_000;
const MILLION: u32 = 1_000_000;
/// Buyers where nobody asked for a measurement.
const BUYERS_OF_A_TEST: u32 = 100;
const STATUS: &str = "/proc/self/status";

fn main() -> Result<(), Box<dyn Error>> {
    let buyers = buyers()?;
    let mut portfolio = Portfolio::new(buyers);
    let before = kilobytes("VmRSS")?;
    let stopwatch = Stopwatch::start();
    portfolio.fill();
    let seconds = stopwatch.seconds();
    let (after, peak) = (kilobytes("VmRSS")?, kilobytes("VmHWM")?);
    let invoices = u64::from(buyers) * u64::from(OPEN_INVOICES);
    println!("{buyers} buyers, {invoices} open invoices, applied in {seconds:.1} s, {} effects", portfolio.effects);
    println!(
        "{} bytes resident an open invoice; {} MB resident, {} MB of them before the first event, {} MB at the peak",
        after.saturating_sub(before) * 1024 / invoices,
        after / 1024,
        before / 1024,
        peak / 1024
    );
    println!("state {:032x}", portfolio.state_hash());
    Ok(())
}

/// How many buyers: `cargo bench` says that a measurement is wanted, and whoever started it may name a number.
fn buyers() -> Result<u32, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(BUYERS_OF_A_TEST);
    }
    match arguments.iter().find(|argument| !argument.starts_with('-')).map(String::as_str) {
        None => Ok(BUYERS),
        Some("million") => Ok(MILLION),
        Some(number) => match number.parse() {
            Ok(buyers @ 1..) => Ok(buyers),
            _ => Err(format!("{number} is no number of buyers: give one from 1 up, or million")),
        },
    }
}

/// A line of the process's status.
fn kilobytes(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string(STATUS).map_err(|error| format!("cannot read {STATUS}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.strip_suffix("kB"));
    Ok(line.ok_or_else(|| format!("{STATUS} has no {name}"))?.trim().parse()?)
}
