//! Owns the two stories that the demo tells, day by day, among everything else that happens.
//!
//! A reseller orders for Christmas: its primary cover carries 40 % of it, and a top-up above it brings that to 80 %. And a maker
//! of machine tools sells one machine for far more than its buyer's limit: a single-risk cover carries that one order.

use super::days::Told;
use crate::base::{Currency, Day, Money, Percent};
use crate::event::input::{
    BuyerDescribed, CoverGranted, InvoiceIssued, LimitSet, OrderPlaced, PaymentReceived, RatingChanged,
};
use crate::event::{Allocation, Body, Country, Event, Id, Layer, Segment};

/// The reseller of the first story.
pub const CHRISTMAS: &str = "STORY-CHRISTMAS";
/// The buyer of the machine.
pub const MACHINE: &str = "STORY-MACHINE";

const SOURCE: &str = "/demo/stories";
const CHRISTMAS_ORDER: &str = "XMAS-ORDER";
const MACHINE_ORDER: &str = "MACHINE-ORDER";
const MAX_TERM_DAYS: u16 = 120;
const EXTENSION_DAYS: u16 = 60;

/// A day of a story, before it has a name and a time.
struct Scene<'a> {
    day: Day,
    base: Currency,
    told: Vec<Told>,
    buyer_id: &'a str,
    hour: i64,
}

impl Scene<'_> {
    /// Tells something at the next hour of the day.
    fn tell(&mut self, body: Body<'_>) {
        let id = format!("{}-{}-{}", self.buyer_id, self.day, self.hour);
        let time = self.day.start().plus_nanos(self.hour * 3_600_000_000_000);
        let event = Event { time, id: &id, source: SOURCE, subject: self.buyer_id, body };
        self.told.push(Told::of(&event));
        self.hour += 1;
    }

    fn describe(&mut self, name: &str, country: &str, sector: &str) {
        let country = Country::parse(country);
        let (segment, parent_id) = (Some(Segment::Named), None);
        self.tell(Body::BuyerDescribed(BuyerDescribed {
            name: Some(name),
            country,
            segment,
            parent_id,
            sector: Some(sector),
        }));
        self.tell(Body::RatingChanged(RatingChanged { agency: id("Bureau North"), grade: 4, pd: None }));
    }

    fn limit(&mut self, amount: i64, reason: &str) {
        let limit =
            LimitSet { amount: money(amount), currency: self.base, reason: Some(reason), decided_by: Some("m.keller") };
        self.tell(Body::LimitSet(limit));
    }

    fn cover(&mut self, cover_id: &str, layer: Layer, amount: i64, order_id: Option<&str>) {
        self.tell(Body::CoverGranted(CoverGranted {
            seller_id: "",
            cover_id: id(cover_id),
            layer,
            amount: money(amount),
            currency: self.base,
            insured_pct: Percent::parse("90").expect("a percentage"),
            valid_from: self.day,
            valid_to: Some(self.day.plus(365)),
            order_id: order_id.map(id),
            max_payment_term_days: Some(if layer == Layer::SingleRisk { 365 } else { MAX_TERM_DAYS }),
            max_extension_days: Some(EXTENSION_DAYS),
            declare_within_days: Some(30),
            insurer: Some(if layer == Layer::Primary { "First Credit" } else { "Second Look" }),
            policy_id: None,
        }));
    }

    fn order(&mut self, order_id: &str, amount: i64, days: i32) {
        self.tell(Body::OrderPlaced(OrderPlaced {
            seller_id: "",
            order_id: id(order_id),
            amount: money(amount),
            currency: self.base,
            expected_on: Some(self.day.plus(days)),
        }));
    }

    fn invoice(&mut self, invoice_id: &str, amount: i64, term_days: i32, order_id: Option<&str>) {
        self.tell(Body::InvoiceIssued(InvoiceIssued {
            seller_id: "",
            invoice_id: id(invoice_id),
            amount: money(amount),
            net_amount: None,
            currency: self.base,
            issued_on: self.day,
            due_on: self.day.plus(term_days),
            order_id: order_id.map(id),
        }));
    }

    /// Pays invoices in full.
    fn payment(&mut self, payment_id: &str, invoices: &[(&str, i64)]) {
        let parts: Vec<Allocation<'_>> = invoices
            .iter()
            .map(|(invoice_id, amount)| Allocation { invoice_id: id(invoice_id), amount: money(*amount) })
            .collect();
        let amount = invoices.iter().map(|(_, amount)| amount).sum();
        self.tell(Body::PaymentReceived(PaymentReceived {
            seller_id: "",
            payment_id: id(payment_id),
            amount: money(amount),
            currency: self.base,
            received_on: self.day,
            allocations: Some(&parts),
        }));
    }
}

fn id(text: &str) -> Id<'_> {
    Id::parse(text).expect("the ids of a story are ids")
}

/// Whole units of money.
fn money(units: i64) -> Money {
    Money::from_units(units * 10_000).expect("the amounts of a story are money")
}

/// What the stories tell of a day, `number` days from the demo's first (negative before it).
pub fn of_day(number: i32, day: Day, base: Currency) -> Vec<Told> {
    let scene = |buyer_id, hour| Scene { day, base, told: Vec::new(), buyer_id, hour };
    let mut christmas = scene(CHRISTMAS, 8);
    tell_christmas(number, &mut christmas);
    let mut machine = scene(MACHINE, 9);
    tell_machine(number, &mut machine);
    let mut told = christmas.told;
    told.append(&mut machine.told);
    told
}

fn tell_christmas(number: i32, scene: &mut Scene<'_>) {
    match number {
        -30 => {
            scene.describe("Comptoir des Jouets SA", "FR", "toys, wholesale");
            scene.limit(550_000, "The year's turnover and the primary cover");
            scene.cover("PRIMARY-CHRISTMAS", Layer::Primary, 200_000, None);
            scene.invoice("XMAS-EARLIER", 60_000, 25, None);
        }
        -3 => scene.payment("XMAS-EARLIER-PAID", &[("XMAS-EARLIER", 60_000)]),
        // Most of it would be borne by the seller.
        -1 => scene.order(CHRISTMAS_ORDER, 500_000, 4),
        1 => scene.cover("TOP-UP-CHRISTMAS", Layer::TopUp, 200_000, None),
        2 => scene.invoice("XMAS-1", 250_000, 60, Some(CHRISTMAS_ORDER)),
        3 => scene.invoice("XMAS-2", 150_000, 60, Some(CHRISTMAS_ORDER)),
        4 => scene.invoice("XMAS-3", 100_000, 60, Some(CHRISTMAS_ORDER)),
        // It sold what it bought.
        66 => scene.payment("XMAS-PAID", &[("XMAS-1", 250_000), ("XMAS-2", 150_000), ("XMAS-3", 100_000)]),
        _ => {}
    }
}

fn tell_machine(number: i32, scene: &mut Scene<'_>) {
    match number {
        -60 => {
            scene.describe("Fonderies du Rhin SAS", "FR", "metal castings");
            scene.limit(300_000, "Spare parts and service");
            scene.cover("PRIMARY-MACHINE", Layer::Primary, 300_000, None);
            scene.invoice("PARTS-1", 42_000, 30, None);
        }
        -28 => scene.payment("PARTS-1-PAID", &[("PARTS-1", 42_000)]),
        -5 => scene.invoice("PARTS-2", 38_000, 30, None),
        // Eight times the limit.
        -1 => scene.order(MACHINE_ORDER, 2_400_000, 3),
        1 => {
            scene.cover("SINGLE-RISK-MACHINE", Layer::SingleRisk, 2_400_000, Some(MACHINE_ORDER));
            scene.limit(2_750_000, "The single-risk cover carries the machine");
        }
        2 => scene.invoice("MACHINE-1", 2_400_000, 180, Some(MACHINE_ORDER)),
        24 => scene.payment("PARTS-2-PAID", &[("PARTS-2", 38_000)]),
        183 => scene.payment("MACHINE-PAID", &[("MACHINE-1", 2_400_000)]),
        _ => {}
    }
}
