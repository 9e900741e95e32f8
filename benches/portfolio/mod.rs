//! The portfolio of the benchmarks: buyers with a description, a limit and ten open invoices each, in twelve shards.

use vigie::base::hash::StableHasher;
use vigie::base::{Currency, Day, Instant, Money};
use vigie::event::input::{BuyerDescribed, InvoiceIssued, LimitSet};
use vigie::event::{Body, Country, Effect, Event, Id, Segment};
use vigie::risk::{Outcome, Params, Shard};
use vigie::wire::partition_of;
use vigie::workload::random::{Chance, Draws};

/// Open invoices of each buyer.
pub const OPEN_INVOICES: u32 = 10;
/// Shards, as many as a replay has.
const SHARDS: u32 = 12;
/// The first event's day. What follows in a month sees no invoice overdue and no month end.
const START: &str = "2025-01-06";
/// Days that the portfolio takes to come about.
const DAYS: i64 = 12;
const DAY_NS: i64 = 86_400_000_000_000;
const TERM_DAYS: i32 = 30;
/// 10^-4 units in a unit.
const UNIT: i64 = 10_000;
/// Every buyer's limit; ten invoices come to half of it.
const LIMIT: i64 = 100_000 * UNIT;

/// Shards with their buyers.
pub struct Portfolio {
    /// The buyers, as events name them.
    pub buyers: Vec<Buyer>,
    /// When the last event happened.
    pub now: Instant,
    /// Effects so far.
    pub effects: u64,
    shards: Vec<Shard>,
    order: Vec<u32>,
    told: Vec<Effect>,
}

/// A buyer, as events name it.
pub struct Buyer {
    /// Its id.
    pub id: String,
    /// Its shard.
    pub shard: u32,
}

impl Portfolio {
    /// Shards that know no buyer yet.
    pub fn new(buyers: u32) -> Portfolio {
        let buyer = |place| {
            let id = format!("FR-{place:07}");
            Buyer { shard: partition_of(id.as_bytes(), SHARDS), id }
        };
        Portfolio {
            buyers: (0..buyers).map(buyer).collect(),
            order: (0..buyers).collect(),
            now: Day::parse(START).expect("a day").start(),
            effects: 0,
            shards: (0..SHARDS).map(|_| Shard::new(Params::new(euro()))).collect(),
            told: Vec::new(),
        }
    }

    /// Describes every buyer, sets its limit and issues its invoices, one a buyer and round, each round in another order: so
    /// the documents of many buyers lie among each other, as those that come day by day do.
    pub fn fill(&mut self) {
        let rounds = 2 + OPEN_INVOICES;
        let step_ns = DAYS * DAY_NS / (self.order.len() as i64 * i64::from(rounds));
        let mut draws = Chance::new(1).draws(0, 0);
        for round in 0..rounds {
            shuffle(&mut self.order, &mut draws);
            for at in 0..self.order.len() {
                self.now = self.now.plus_nanos(step_ns);
                let place = self.order[at];
                let Buyer { id: subject, shard } = &self.buyers[place as usize];
                let (id, name) = (event_id(round, place), format!("Comptoir {subject} SA"));
                let invoice_id = invoice_id(place, round);
                let body = match round {
                    0 => described(&name),
                    1 => limit(),
                    _ => invoice(&invoice_id, amount(place, round), self.now),
                };
                let event = Event { time: self.now, id: &id, source: "erp/north", subject, body };
                let shard = &mut self.shards[*shard as usize];
                apply(shard, &event, &mut self.told, &mut self.effects);
            }
        }
    }

    /// Applies one more event.
    ///
    /// # Panics
    /// When it does not count.
    #[inline]
    #[allow(dead_code, reason = "the benchmark of memory has no use for it")]
    pub fn apply(&mut self, shard: u32, event: &Event<'_>) {
        apply(&mut self.shards[shard as usize], event, &mut self.told, &mut self.effects);
    }

    /// Looks ahead to events that are about to be applied, all of one shard.
    #[allow(dead_code, reason = "the benchmark of memory has no use for it")]
    pub fn look_ahead(&self, shard: u32, events: &[(Event<'_>, u32)]) {
        self.shards[shard as usize].look_ahead(events.iter().map(|(event, _)| event));
    }

    /// The shards.
    #[allow(dead_code, reason = "only days begin shard by shard")]
    pub fn shards_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.shards.iter_mut()
    }

    /// The hash of all shards' states, in order.
    pub fn state_hash(&self) -> u128 {
        let mut hasher = StableHasher::default();
        self.shards.iter().for_each(|shard| hasher.part(&shard.state_hash().to_le_bytes()));
        hasher.finish()
    }
}

#[inline]
fn apply(shard: &mut Shard, event: &Event<'_>, told: &mut Vec<Effect>, effects: &mut u64) {
    let outcome = shard.apply(event, told);
    assert!(outcome == Outcome::Applied, "{outcome:?}: {event:?}");
    *effects += told.len() as u64;
    told.clear();
}

/// Puts places into an order in which all are as likely as each other.
pub fn shuffle(places: &mut [u32], draws: &mut Draws) {
    for last in (1..places.len()).rev() {
        places.swap(last, draws.below(last as u32 + 1) as usize);
    }
}

/// The id of an event of a buyer.
pub fn event_id(round: u32, place: u32) -> String {
    format!("e{round:04x}-{place:08x}")
}

/// The id of an invoice: `F-2025-0012345`.
pub fn invoice_id(place: u32, round: u32) -> String {
    format!("F-2025-{:07}", u64::from(place) * 16 + u64::from(round))
}

/// The amount of an invoice: 100 to 9,999.99.
pub fn amount(place: u32, round: u32) -> Money {
    let cents = 10_000 + (u64::from(place) * 7_919 + u64::from(round) * 104_729) % 990_000;
    Money::from_units(cents as i64 * UNIT / 100).expect("money")
}

/// An invoice issued on the day of `time`.
pub fn invoice(invoice_id: &str, amount: Money, time: Instant) -> Body<'_> {
    let issued_on = time.day();
    Body::InvoiceIssued(InvoiceIssued {
        seller_id: "",
        invoice_id: Id::parse(invoice_id).expect("an id"),
        amount,
        net_amount: None,
        currency: euro(),
        issued_on,
        due_on: issued_on.plus(TERM_DAYS),
        order_id: None,
    })
}

/// The base currency.
pub fn euro() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn described(name: &str) -> Body<'_> {
    Body::BuyerDescribed(BuyerDescribed {
        name: Some(name),
        country: Country::parse("FR"),
        segment: Some(Segment::Named),
        parent_id: None,
        sector: Some("wholesale"),
    })
}

fn limit<'a>() -> Body<'a> {
    let amount = Money::from_units(LIMIT).expect("money");
    Body::LimitSet(LimitSet { amount, currency: euro(), reason: None, decided_by: Some("m.durand") })
}
