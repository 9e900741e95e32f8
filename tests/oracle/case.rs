//! Owns a case: the lines of one random file, in an order of arrival, and the settings they are replayed with.

use crate::broken;
use crate::dice::Dice;
use crate::spelling::{self, Event, Value, date, line};
use crate::world::{DAY_NS, MONEY_MAX, World, draw};

/// What a file holds besides what befalls its buyers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Documents with the id of another and other content: the first to arrive stays, so the order matters.
    Conflicts,
    /// Nothing that depends on the order of arrival.
    AnyOrder,
}

impl Kind {
    /// The first word of its golden files.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Conflicts => "conflicts",
            Kind::AnyOrder => "any-order",
        }
    }
}

pub struct Case {
    pub kind: Kind,
    /// Without their ends of line.
    pub lines: Vec<Vec<u8>>,
    pub now: String,
    pub as_of: String,
    pub base: String,
}

/// Seeds that are kept as golden files, of each kind.
pub const GOLDEN_SEEDS: u64 = 6;
const DOCUMENTS: &[&str] = &[
    "invoice.issued",
    "invoice.credited",
    "payment.received",
    "payment.allocated",
    "order.placed",
    "cover.granted",
    "incident.reported",
];
/// The field that names each of them.
const DOCUMENT_IDS: &[&str] =
    &["invoice_id", "credit_note_id", "payment_id", "allocation_id", "order_id", "cover_id", "incident_id"];
/// How far ahead of now an event may be.
const SKEW_NS: i64 = 600_000_000_000;

/// The file of a seed.
pub fn case(seed: u64, kind: Kind) -> Case {
    let mut world = draw(Dice::new(seed, kind as u64));
    let last_day = world.first_day + world.dice.between(90, 250) as i32;
    let close_ns = i64::from(last_day) * DAY_NS + world.dice.between(0, DAY_NS - 1);
    let now_ns = close_ns - world.dice.pick(&[SKEW_NS, 0, -DAY_NS]);
    end_before(&mut world, close_ns);
    repeat(&mut world, kind, close_ns);
    let mut events = std::mem::take(&mut world.events);
    arrange(&mut events, &mut world.dice);
    let closing = closing_event(&mut world, close_ns);
    let place = if kind == Kind::AnyOrder { world.dice.below(events.len()) } else { events.len() };
    events.insert(place, closing);
    if kind == Kind::Conflicts {
        after_the_close(&mut world, &mut events, close_ns, now_ns);
    }
    let mut lines: Vec<Vec<u8>> = events.iter().map(|event| line(event, &mut world.dice).into_bytes()).collect();
    repeat_lines(&mut lines, kind, &mut world.dice);
    for _ in 0..lines.len() / 8 {
        let model = model(&mut world, &events, kind);
        let broken = broken::line(&model, &world.base, now_ns + SKEW_NS + 1, &mut world.dice);
        let place = world.dice.below(lines.len() + 1);
        lines.insert(place, broken);
    }
    for line in &mut lines {
        if world.dice.chance(5) {
            line.push(b'\r');
        }
    }
    let as_of = date(world.first_day + world.dice.between(-10, 260) as i32);
    Case { kind, lines, now: spelling::time(now_ns, &mut Dice::new(seed, 9)), as_of, base: world.base }
}

/// Has everything told before the close, whatever day it is about.
fn end_before(world: &mut World, close_ns: i64) {
    for place in 0..world.events.len() {
        if world.events[place].time_ns >= close_ns {
            let time_ns = close_ns - world.dice.between(1, 30 * DAY_NS);
            let (id, source) = world.name_event(time_ns);
            let event = &mut world.events[place];
            (event.time_ns, event.id, event.source) = (time_ns, id, source);
        }
    }
}

/// Documents that come again: the same under another event id, time and spelling, or with other content.
fn repeat(world: &mut World, kind: Kind, close_ns: i64) {
    for place in 0..world.events.len() {
        let event = world.events[place].clone();
        if !DOCUMENTS.contains(&event.kind.as_str()) || world.dice.chance(75) {
            continue;
        }
        let mut again = event;
        again.time_ns = (again.time_ns + world.dice.between(-5 * DAY_NS, 5 * DAY_NS)).min(close_ns - DAY_NS);
        (again.id, again.source) = world.name_event(again.time_ns);
        if kind == Kind::Conflicts && world.dice.chance(40) {
            alter(&mut again, &mut world.dice);
        } else if again.kind == "payment.received" && !again.data.iter().any(|(name, _)| name == "allocations") {
            again.data.push(("allocations".to_owned(), Value::Allocations(Vec::new())));
        }
        world.events.push(again);
    }
}

/// Changes one field, or the seller.
fn alter(event: &mut Event, dice: &mut Dice) {
    if event.kind == "cover.granted" && dice.chance(30) {
        event.data.retain(|(name, _)| name != "seller_id");
        return event.data.push(("seller_id".to_owned(), dice.pick(&["S1", "S9"]).into()));
    }
    let place = dice.below(event.data.len());
    let value = &mut event.data[place].1;
    match value {
        Value::Decimal(units, _) if *units < MONEY_MAX => *units += 1,
        Value::Decimal(units, _) => *units -= 1,
        Value::Whole(number) => *number = (*number + 1).min(3650),
        Value::Allocations(list) if list.is_empty() => list.push(("F1".to_owned(), 1)),
        Value::Allocations(list) => list[0].1 += 1,
        Value::Text(_) | Value::Raw(_) => {
            event.data.remove(place);
        }
    }
}

/// Puts the events in an order of arrival: by time, nearly by time, or none.
fn arrange(events: &mut [Event], dice: &mut Dice) {
    let lateness_ns = match dice.below(3) {
        0 => 0,
        1 => 20 * DAY_NS,
        _ => return dice.shuffle(events),
    };
    events.sort_by_cached_key(|event| event.time_ns + dice.between(0, lateness_ns));
}

/// The accepted event with the greatest time: a tick, or anything that is accepted wherever it stands.
fn closing_event(world: &mut World, time_ns: i64) -> Event {
    let (id, source) = world.name_event(time_ns);
    let (kind, data) = match world.dice.below(3) {
        0 => ("rating.changed", vec![("agency", Value::from("Z")), ("grade", Value::Whole(3))]),
        1 => ("limit.removed", vec![]),
        _ => ("clock.tick", vec![]),
    };
    let data = data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let buyer = world.dice.pick(&["B1", "only this", "B2"]);
    Event { id, source, kind: kind.to_owned(), time_ns, subject: Some(buyer.into()), data }
}

/// What moves no clock, at a later time than all that does: duplicates, conflicts and rates.
fn after_the_close(world: &mut World, events: &mut Vec<Event>, close_ns: i64, now_ns: i64) {
    for _ in 0..world.dice.below(4) {
        let mut event = world.dice.pick(events);
        if !DOCUMENTS.contains(&event.kind.as_str()) && event.kind != "fx.rate" {
            continue;
        }
        event.time_ns = (close_ns + 2 * DAY_NS).min(now_ns + SKEW_NS);
        (event.id, event.source) = world.name_event(event.time_ns);
        events.push(event);
    }
}

/// An event to be broken. Where the order must not matter it bears names of its own, as not all that is broken is refused.
fn model(world: &mut World, events: &[Event], kind: Kind) -> Event {
    let mut model = world.dice.pick(events);
    (model.id, model.source) = world.name_event(model.time_ns);
    if kind == Kind::AnyOrder || world.dice.chance(50) {
        let place = DOCUMENTS.iter().position(|name| *name == model.kind);
        let named = place.and_then(|place| model.data.iter_mut().find(|(name, _)| name == DOCUMENT_IDS[place]));
        if let Some((_, id)) = named {
            *id = format!("W{}-{}", world.dice.below(1_000_000), model.id.len()).as_str().into();
        }
    }
    model
}

/// Lines that come twice to the byte, some far apart.
fn repeat_lines(lines: &mut Vec<Vec<u8>>, kind: Kind, dice: &mut Dice) {
    for _ in 0..lines.len() / 10 {
        let from = dice.below(lines.len());
        let line = lines[from].clone();
        let to = match kind {
            Kind::Conflicts => from + dice.below(lines.len() - from) + 1,
            Kind::AnyOrder => dice.below(lines.len() + 1),
        };
        lines.insert(to, line);
    }
}
