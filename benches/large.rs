//! How long turns take that are all about one very large buyer: 100,000 open invoices, with and without covers, of one seller
//! and of 10,000.
//!
//! `cargo bench --bench large [-- INVOICES]`. A turn has a hundred events, half invoices and half payments that settle the
//! oldest. By the wall clock a turn is a tenth of a second and judges the buyer once; by the clock of events each event is a
//! second of its own, and judged. Then a day begins, and the buyer's figures are told.

use bumpalo::Bump;
use vigie::base::{Currency, Day, Instant};
use vigie::event::Effect;
use vigie::io::clock::Stopwatch;
use vigie::risk::shard::ahead::GROUP;
use vigie::risk::{Outcome, Params, Shard};
use vigie::wire::{DecodeRules, decode_value};

/// As the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const INVOICES: u64 = 100_000;
/// Where nobody asked for a measurement.
const TINY: u64 = 200;
/// Pairs of an invoice and a payment in a turn.
const PAIRS: u64 = 50;
const TURNS: u64 = 100;
const TURN_NS: i64 = 100_000_000;
const SECOND_NS: i64 = 1_000_000_000;
const SELLERS: u64 = 10_000;

/// By which clock the turns go.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Wall,
    Events,
}

fn main() {
    let invoices = invoices();
    println!(
        "one buyer with {invoices} open invoices, {} events a turn: median and longest of {TURNS} turns",
        2 * PAIRS
    );
    for (name, sellers, covers) in [
        ("one seller, no cover", 1, 0),
        ("one seller, a primary and a top-up cover", 1, 2),
        ("10,000 sellers, two covers", SELLERS, 2),
    ] {
        println!("{name}:");
        let mut large = Large::new(invoices, sellers, covers);
        for clock in [Clock::Wall, Clock::Events] {
            let mut turns_ms: Vec<f64> = (0..TURNS).map(|_| large.turn(clock)).collect();
            turns_ms.sort_by(f64::total_cmp);
            let longest = turns_ms[turns_ms.len() - 1];
            println!("  clock of {clock:<6?}  {:8.2} ms, {longest:8.2} ms", turns_ms[turns_ms.len() / 2]);
        }
        let day_ms = large.timed(|shard, clock, effects| shard.advance(clock.day().plus(1).start(), effects));
        let told_ms = large.timed(|shard, _, effects| shard.tell_exposures(effects));
        println!("  a day begins    {day_ms:8.2} ms; its figures are told {told_ms:8.2} ms");
    }
}

/// `cargo bench` says that a measurement is wanted, and whoever started it may name a number.
fn invoices() -> u64 {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return TINY;
    }
    arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(INVOICES)
}

/// A shard that knows one buyer.
struct Large {
    shard: Shard,
    now: Instant,
    sellers: u64,
    /// Invoices issued, and the first that is not paid.
    issued: u64,
    unpaid: u64,
    effects: Vec<Effect>,
}

impl Large {
    fn new(invoices: u64, sellers: u64, covers: u64) -> Large {
        let shard = Shard::new(Params::new(Currency::parse("EUR").expect("a currency")));
        let now = Day::parse("2026-01-05").expect("a day").start();
        let mut large = Large { shard, now, sellers, issued: 0, unpaid: 0, effects: Vec::new() };
        let mut lines = vec![large.line("limit.set", r#"{"amount":"9000000.00","currency":"EUR"}"#)];
        lines.extend((0..covers).map(|number| {
            let layer = ["primary", "top_up"][number as usize % 2];
            large.line(
                "cover.granted",
                &format!(
                    r#"{{"cover_id":"C-{number}","layer":"{layer}","amount":"4000000.00","currency":"EUR","insured_pct":90,"valid_from":"2025-01-01","max_payment_term_days":120,"max_extension_days":60}}"#
                ),
            )
        }));
        for _ in 0..invoices {
            lines.push(large.invoice());
        }
        large.apply(&lines);
        large.shard.advance(large.now.plus_nanos(SECOND_NS), &mut large.effects);
        large.effects.clear();
        large
    }

    fn line(&self, kind: &str, data: &str) -> String {
        let (now, id) = (self.now, self.issued + self.unpaid);
        format!(
            r#"{{"specversion":"1.0","id":"{kind}-{id}-{data_len}","source":"bench","type":"{kind}","time":"{now}","subject":"B-1","data":{data}}}"#,
            data_len = data.len()
        )
    }

    fn invoice(&mut self) -> String {
        let (number, today) = (self.issued, self.now.day());
        let data = format!(
            r#"{{"seller_id":"S{}","invoice_id":"F-{number}","amount":"100.50","currency":"EUR","issued_on":"{today}","due_on":"{}"}}"#,
            number % self.sellers,
            today.plus(30 + (number % 60) as i32)
        );
        let line = self.line("invoice.issued", &data);
        self.issued += 1;
        line
    }

    fn payment(&mut self) -> String {
        let (number, today) = (self.unpaid, self.now.day());
        let data = format!(
            r#"{{"seller_id":"S{}","payment_id":"P-{number}","amount":"100.50","currency":"EUR","received_on":"{today}","allocations":[{{"invoice_id":"F-{number}","amount":"100.50"}}]}}"#,
            number % self.sellers
        );
        let line = self.line("payment.received", &data);
        self.unpaid += 1;
        line
    }

    fn apply(&mut self, lines: &[String]) {
        let rules =
            DecodeRules::new(Currency::parse("EUR").expect("a currency"), self.now.plus_nanos(3600 * SECOND_NS));
        let mut scratch = Bump::new();
        for group in lines.chunks(GROUP) {
            let decoded = group.iter().map(|line| decode_value(line.as_bytes(), &rules, &scratch).expect("an event"));
            let events: Vec<_> = decoded.collect();
            self.shard.look_ahead(events.iter());
            for event in &events {
                let outcome = self.shard.apply(event, &mut self.effects);
                assert!(outcome == Outcome::Applied, "{outcome:?}: {event:?}");
            }
            drop(events);
            scratch.reset();
        }
    }

    /// Takes a turn; gives the milliseconds that it took.
    fn turn(&mut self, clock: Clock) -> f64 {
        let mut lines = Vec::new();
        for _ in 0..PAIRS {
            for is_invoice in [true, false] {
                let step_ns = match clock {
                    Clock::Wall => TURN_NS / (2 * PAIRS as i64),
                    Clock::Events => SECOND_NS,
                };
                self.now = self.now.plus_nanos(step_ns);
                lines.push(if is_invoice { self.invoice() } else { self.payment() });
            }
        }
        let stopwatch = Stopwatch::start();
        self.apply(&lines);
        if let Clock::Wall = clock {
            self.shard.advance(self.now, &mut self.effects);
        }
        let ms = stopwatch.seconds() * 1000.0;
        self.effects.clear();
        ms
    }

    fn timed(&mut self, work: impl FnOnce(&mut Shard, Instant, &mut Vec<Effect>)) -> f64 {
        let stopwatch = Stopwatch::start();
        work(&mut self.shard, self.now, &mut self.effects);
        let ms = stopwatch.seconds() * 1000.0;
        self.effects.clear();
        ms
    }
}
