//! Owns the probes: buyers with few documents on few days, each a small experiment in cover, where dates and halves of a cent meet.

use crate::spelling::Value;
use crate::world::{Data, World};

/// Days on which everything of a probe happens.
const DAYS: i64 = 8;
/// In 1/10,000. At the rate 0.125 some are half a cent, others half a unit of the last place.
const FINE: &[i128] = &[400, 400, 1_200, 2_000, 2_800, 4, 12, 20];
const ROUND: &[i128] = &[10_000, 1_000_000, 1_000_000, 3_000_000];

struct Probe<'a> {
    world: &'a mut World,
    buyer: &'a str,
    amounts: &'static [i128],
    /// How many documents in a hundred are in a foreign currency.
    foreign_pct: usize,
}

/// Draws one probe.
pub fn probe(world: &mut World, buyer: &str) {
    let (amounts, foreign_pct) = if world.dice.chance(40) { (FINE, 60) } else { (ROUND, 8) };
    Probe { world, buyer, amounts, foreign_pct }.draw();
}

impl Probe<'_> {
    fn draw(&mut self) {
        for number in 1..=self.world.dice.between(2, 5) {
            self.invoice(&format!("F{number}"));
        }
        for number in 1..=self.world.dice.between(1, 4) {
            self.cover(&format!("C{number}"));
        }
        if self.world.dice.chance(15) {
            let procedure = self.world.dice.pick(&["conciliation", "safeguard", "liquidation"]);
            let opened = self.day(0, DAYS);
            self.world.fact(
                "insolvency.opened",
                self.buyer,
                vec![("procedure", procedure.into()), ("opened_on", Value::date(opened))],
            );
        }
        if self.world.dice.chance(20) {
            let data = vec![("payment_id", "P".into()), ("amount", self.amount()), ("received_on", Value::date(100))];
            self.in_currency("payment.received", "", data);
        }
    }

    fn invoice(&mut self, id: &str) {
        let issued = self.day(0, DAYS);
        let due = issued + self.world.dice.between(0, 3) as i32;
        let seller = self.world.dice.pick(&["", "", "", "S1"]);
        let amount = self.amount();
        let currency = self.currency();
        let mut data = vec![
            ("invoice_id", id.into()),
            ("amount", amount.clone()),
            ("currency", currency.as_str().into()),
            ("issued_on", Value::date(issued)),
            ("due_on", Value::date(due)),
        ];
        if self.world.dice.chance(50) {
            data.push(("order_id", "O1".into()));
        }
        if let (Value::Decimal(units, places), true) = (&amount, self.world.dice.chance(25)) {
            data.push(("net_amount", Value::Decimal(units * 3 / 4, *places)));
        }
        self.world.seller_event("invoice.issued", self.buyer, seller, issued, data);
        if let (Value::Decimal(units, _), true) = (&amount, self.world.dice.chance(55)) {
            self.settle(seller, id, *units, &currency, due);
        }
        if self.world.dice.chance(6) {
            let to = Value::date(due + 3);
            self.world.fact(
                "invoice.rescheduled",
                self.buyer,
                vec![("invoice_id", id.into()), ("due_on", to), ("seller_id", seller.into())],
            );
        }
        if self.world.dice.chance(5) {
            self.world.fact(
                "invoice.disputed",
                self.buyer,
                vec![("invoice_id", id.into()), ("seller_id", seller.into())],
            );
        }
    }

    /// Settles an invoice to the last unit: by a payment, a later allocation, a credit note, or some of these on different days.
    fn settle(&mut self, seller: &str, invoice: &str, units: i128, currency: &str, due: i32) {
        let parts = if self.world.dice.chance(50) { vec![units] } else { vec![units / 2, units - units / 2] };
        for (place, part) in parts.into_iter().filter(|part| *part > 0).enumerate() {
            let on = due + self.world.dice.between(0, 6) as i32;
            let (money, date) = (Value::money(part), Value::date(on));
            let (name, list) = (format!("{invoice}-{place}"), Value::Allocations(vec![(invoice.to_owned(), part)]));
            if self.world.dice.chance(25) {
                let data = vec![
                    ("invoice_id", invoice.into()),
                    ("credit_note_id", name.as_str().into()),
                    ("amount", money),
                    ("credited_on", date),
                ];
                self.world.seller_event("invoice.credited", self.buyer, seller, on, data);
                continue;
            }
            let mut data = vec![("payment_id", name.as_str().into()), ("amount", money), ("currency", currency.into())];
            if self.world.dice.chance(60) {
                data.extend([("received_on", date), ("allocations", list)]);
                self.world.seller_event("payment.received", self.buyer, seller, on, data);
            } else {
                let received = on - self.world.dice.between(-2, 4) as i32;
                data.push(("received_on", Value::date(received)));
                self.world.seller_event("payment.received", self.buyer, seller, received, data);
                let data = vec![
                    ("payment_id", name.as_str().into()),
                    ("allocation_id", name.as_str().into()),
                    ("allocated_on", date),
                    ("allocations", list),
                ];
                self.world.seller_event("payment.allocated", self.buyer, seller, on, data);
            }
        }
    }

    fn cover(&mut self, id: &str) {
        let layer = self.world.dice.pick(&["primary", "primary", "top_up", "single_risk"]);
        let from = self.day(-2, 3);
        let percent = self.world.dice.pick(&[900_000, 1_000_000, 850_001]);
        let mut data = vec![
            ("cover_id", id.into()),
            ("layer", layer.into()),
            ("amount", self.amount()),
            ("insured_pct", Value::Decimal(percent, 4)),
            ("valid_from", Value::date(from)),
        ];
        if layer == "single_risk" {
            data.push(("order_id", "O1".into()));
        }
        if self.world.dice.chance(30) {
            data.push(("valid_to", Value::date(from + self.world.dice.between(0, DAYS) as i32)));
        }
        if self.world.dice.chance(50) {
            data.push(("max_extension_days", Value::Whole(self.world.dice.between(0, 3))));
        }
        if self.world.dice.chance(20) {
            data.push(("max_payment_term_days", Value::Whole(self.world.dice.between(0, 3))));
        }
        let seller = if self.world.dice.chance(85) { "" } else { "S1" };
        self.in_currency("cover.granted", seller, data);
        for _ in 0..self.world.dice.pick(&[0, 0, 1, 2]) {
            let to = if self.world.dice.chance(30) { Value::money(0) } else { self.amount() };
            let on = Value::date(self.day(0, DAYS));
            self.world.fact(
                "cover.amended",
                self.buyer,
                vec![("cover_id", id.into()), ("amount", to), ("effective_on", on)],
            );
        }
        if self.world.dice.chance(20) {
            let on = Value::date(self.day(0, DAYS + 2));
            self.world.fact("cover.withdrawn", self.buyer, vec![("cover_id", id.into()), ("effective_on", on)]);
        }
    }

    fn in_currency(&mut self, kind: &str, seller: &str, mut data: Data) {
        let currency = self.currency();
        data.push(("currency", currency.as_str().into()));
        let on = self.day(0, DAYS);
        self.world.seller_event(kind, self.buyer, seller, on, data);
    }

    fn day(&mut self, low: i64, high: i64) -> i32 {
        self.world.first_day + self.world.dice.between(low, high) as i32
    }

    fn amount(&mut self) -> Value {
        Value::money(self.world.dice.pick(self.amounts))
    }

    fn currency(&mut self) -> String {
        if self.world.dice.chance(self.foreign_pct) { "GBP".to_owned() } else { self.world.base.clone() }
    }
}
