//! How long one event takes, from its line to its effects: decoding alone, applying alone (with the judgement that the next
//! event of its shard brings about), and both.
//!
//! `cargo bench --bench apply [-- LINES]`. All in one thread, over twelve shards of 80,000 buyers with ten open invoices
//! each; every event happens a second later than the one before it. Beside the times it prints the state hash, which says
//! whether the work was the same. Run otherwise than by `cargo bench`, it does next to nothing.

mod portfolio;

use std::hint::black_box;
use std::ops::Range;

use bumpalo::Bump;
use portfolio::{OPEN_INVOICES, Portfolio, amount, euro, event_id, invoice, invoice_id, shuffle};
use vigie::base::Instant;
use vigie::event::input::PaymentReceived;
use vigie::event::{Allocation, Body, Event, Id};
use vigie::io::clock::Stopwatch;
use vigie::risk::shard::ahead::GROUP;
use vigie::wire::{DecodeRules, decode_value, encode_event};
use vigie::workload::random::Chance;

/// As the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The round in which the portfolio's first invoices were issued, and the first that was not.
const ROUND_OF_OLDEST: u32 = 2;
const ROUNDS_FILLED: u32 = ROUND_OF_OLDEST + OPEN_INVOICES;
const SECOND_NS: i64 = 1_000_000_000;
/// Lines that a turn takes.
const TURN: usize = 2048;

/// How much is measured.
struct Size {
    buyers: u32,
    lines: u32,
    repetitions: usize,
}

const FULL: Size = Size { buyers: 80_000, lines: 400_000, repetitions: 7 };
/// Where nobody asked for a measurement.
const TINY: Size = Size { buyers: 100, lines: 400, repetitions: 1 };

fn main() -> Result<(), String> {
    let size = size()?;
    let mut filled = Portfolio::new(size.buyers);
    filled.fill();
    let traffics = [
        ("invoices alone", invoices(&filled, size.lines)),
        ("invoices, and payments that settle them", invoices_and_payments(&filled, size.lines)),
    ];
    drop(filled);
    for (name, lines) in traffics {
        println!("{name}: {} lines of {} bytes, {} buyers", lines.places.len(), lines.mean_bytes(), size.buyers);
        measure(&lines, &size);
    }
    Ok(())
}

/// `cargo bench` says that a measurement is wanted, and whoever started it may name a number of lines.
fn size() -> Result<Size, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(TINY);
    }
    match arguments.iter().find(|argument| !argument.starts_with('-')) {
        None => Ok(FULL),
        Some(number) => match number.parse() {
            Ok(lines @ 1..) => Ok(Size { lines, ..FULL }),
            _ => Err(format!("{number} is no number of lines: give one from 1 up")),
        },
    }
}

/// Does one thing with all lines and gives the nanoseconds an event took.
type Way = fn(&Lines, &mut Portfolio) -> f64;

/// Measures each of the three ways in turn, from the same state each time.
fn measure(lines: &Lines, size: &Size) {
    let ways: [(&str, Way); 3] = [("decode", decode), ("apply", apply), ("both", decode_and_apply)];
    let mut nanos: [Vec<f64>; 3] = Default::default();
    let (mut effects, mut states) = (0, Vec::new());
    for _ in 0..size.repetitions {
        for ((_, way), nanos) in ways.iter().zip(&mut nanos) {
            let mut portfolio = Portfolio::new(size.buyers);
            portfolio.fill();
            let before = portfolio.effects;
            nanos.push(way(lines, &mut portfolio) * 1e9 / lines.places.len() as f64);
            effects = portfolio.effects - before;
            states.push(portfolio.state_hash());
        }
    }
    for ((name, _), nanos) in ways.iter().zip(&mut nanos) {
        nanos.sort_unstable_by(f64::total_cmp);
        let (median, least) = (nanos[nanos.len() / 2], nanos[0]);
        println!("  {name:<8}{median:>6.0} ns an event (median of {}), {least:.0} at least", nanos.len());
    }
    let state = states[1];
    assert!(states.iter().enumerate().all(|(at, other)| at % 3 == 0 || *other == state), "the states differ");
    println!("  {effects} effects, state {state:032x}");
}

/// Decodes alone.
fn decode(lines: &Lines, _: &mut Portfolio) -> f64 {
    let (rules, mut scratch) = (rules(), Bump::with_capacity(1 << 16));
    let stopwatch = Stopwatch::start();
    for (range, _) in &lines.places {
        let event = decode_value(&lines.bytes[range.clone()], &rules, &scratch);
        black_box(event.as_ref().expect("an event"));
        scratch.reset();
    }
    stopwatch.seconds()
}

/// Applies alone: events are decoded outside the measured time.
fn apply(lines: &Lines, portfolio: &mut Portfolio) -> f64 {
    let mut seconds = 0.0;
    in_turns(lines, |turn, rules, scratch| {
        let events = decoded(lines, turn, rules, scratch);
        let stopwatch = Stopwatch::start();
        apply_group(&events, portfolio);
        seconds += stopwatch.seconds();
    });
    seconds
}

/// Decodes and applies.
fn decode_and_apply(lines: &Lines, portfolio: &mut Portfolio) -> f64 {
    let stopwatch = Stopwatch::start();
    in_turns(lines, |group, rules, scratch| apply_group(&decoded(lines, group, rules, scratch), portfolio));
    stopwatch.seconds()
}

/// Takes the lines as a service does: so many at a time, shard by shard, in groups.
fn in_turns(lines: &Lines, mut take: impl FnMut(&[Place], &DecodeRules, &Bump)) {
    let (rules, mut scratch) = (rules(), Bump::with_capacity(1 << 20));
    for places in lines.places.chunks(TURN) {
        let mut places = places.to_vec();
        places.sort_by_key(|(_, shard)| *shard);
        for run in places.chunk_by(|a, b| a.1 == b.1) {
            for group in run.chunks(GROUP) {
                take(group, &rules, &scratch);
                scratch.reset();
            }
        }
    }
}

fn decoded<'a>(lines: &'a Lines, group: &[Place], rules: &DecodeRules, scratch: &'a Bump) -> Vec<(Event<'a>, u32)> {
    let decoded = group.iter().map(|(range, shard)| {
        let event = decode_value(&lines.bytes[range.clone()], rules, scratch);
        (event.expect("an event"), *shard)
    });
    decoded.collect()
}

fn apply_group(events: &[(Event<'_>, u32)], portfolio: &mut Portfolio) {
    portfolio.look_ahead(events[0].1, events);
    for (event, shard) in events {
        portfolio.apply(*shard, event);
    }
}

fn rules() -> DecodeRules {
    DecodeRules::new(euro(), Instant::parse("2030-01-01T00:00:00Z").expect("an instant"))
}

/// Where a line is, and its shard.
type Place = (Range<usize>, u32);

/// Lines in order of time, each with its shard.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl Lines {
    /// When the next event happens: a second after the last.
    fn next_time(&self, filled: &Portfolio) -> Instant {
        filled.now.plus_nanos((self.places.len() as i64 + 1) * SECOND_NS)
    }

    /// Adds the next event, of the buyer at `place`.
    fn push(&mut self, filled: &Portfolio, place: u32, body: Body<'_>) {
        let (time, buyer) = (self.next_time(filled), &filled.buyers[place as usize]);
        let id = event_id(0xffff, self.places.len() as u32);
        let event = Event { time, id: &id, source: "erp/north", subject: &buyer.id, body };
        let start = self.bytes.len();
        encode_event(&event, &mut self.bytes);
        self.places.push((start..self.bytes.len(), buyer.shard));
    }

    fn push_invoice(&mut self, filled: &Portfolio, place: u32, round: u32) {
        let (id, time) = (invoice_id(place, round), self.next_time(filled));
        self.push(filled, place, invoice(&id, amount(place, round), time));
    }

    fn push_payment(&mut self, filled: &Portfolio, place: u32, round: u32) {
        let (id, amount) = (invoice_id(place, round), amount(place, round));
        let payment = format!("Z-2025-{:07}", self.places.len());
        let allocations = [Allocation { invoice_id: Id::parse(&id).expect("an id"), amount }];
        let body = PaymentReceived {
            seller_id: "",
            payment_id: Id::parse(&payment).expect("an id"),
            amount,
            currency: euro(),
            received_on: self.next_time(filled).day(),
            allocations: Some(&allocations),
        };
        self.push(filled, place, Body::PaymentReceived(body));
    }

    fn mean_bytes(&self) -> usize {
        self.bytes.len() / self.places.len().max(1)
    }
}

/// Invoices of buyers drawn at random, each as likely as the next: what is open grows.
fn invoices(filled: &Portfolio, count: u32) -> Lines {
    let (mut lines, mut draws) = (Lines::default(), Chance::new(2).draws(0, 0));
    let mut rounds = vec![ROUNDS_FILLED; filled.buyers.len()];
    for _ in 0..count {
        let place = draws.below(filled.buyers.len() as u32);
        let round = &mut rounds[place as usize];
        lines.push_invoice(filled, place, *round);
        *round += 1;
    }
    lines
}

/// An invoice of one buyer, then a payment of another that settles its oldest, in shuffled order: every buyer goes from ten
/// open invoices to nine or eleven, and back.
fn invoices_and_payments(filled: &Portfolio, count: u32) -> Lines {
    let mut lines = Lines::default();
    let mut order: Vec<u32> = (0..filled.buyers.len() as u32).collect();
    shuffle(&mut order, &mut Chance::new(3).draws(0, 0));
    for number in 0..count as usize / 2 {
        // Each has had as many as there were whole rounds of the order: a buyer's turn to pay is half an order off.
        let (round, half) = ((number / order.len()) as u32, number + order.len() / 2);
        lines.push_invoice(filled, order[number % order.len()], ROUNDS_FILLED + round);
        lines.push_payment(filled, order[half % order.len()], ROUND_OF_OLDEST + round);
    }
    lines
}
