//! Owns the accepted part of a random file: a handful of buyers with everything that can befall them, in small id spaces.

use std::collections::HashSet;

use crate::dice::Dice;
use crate::probe::probe;
use crate::spelling::{Event, Value};

pub const DAY_NS: i64 = 86_400_000_000_000;
/// Days on which invoices are issued and covers begin, where they are many.
const WIDE_DAYS: i64 = 60;
/// The same where they are few, so that one date often falls on the very day of another.
const NARROW_DAYS: i64 = 12;

const BUYERS: &[&str] = &["B1", "B10", "B2", "Bé", "a\"b", "a\\b/c", "𝔅 🏢", " ", "b1", "\u{FF21}", "日本商事"];
const SELLERS: &[&str] = &["", "", "S1", "S1", "Sé", "S10"];
const RATED: &[&str] = &["USD", "GBP", "JPY", "KWD", "XAU"];
const RATELESS: &[&str] = &["ZZZ", "TRY"];
const SOURCES: &[&str] = &["/erp", "/erp", "/ERP", "é", "/bank"];

pub struct World {
    pub dice: Dice,
    pub base: String,
    pub first_day: i32,
    pub events: Vec<Event>,
    /// Days of the present buyer: [`WIDE_DAYS`] or [`NARROW_DAYS`].
    days: i64,
    named: u32,
    /// (time, id, source) of each event: where facts agree in all three, the contract does not say which holds.
    known: HashSet<(i64, String, String)>,
    /// Buyers and sellers that have their documents.
    traded: HashSet<(String, String)>,
    /// Instants that many facts share, so that ids and sources decide.
    crowded: Vec<i64>,
}

/// The invoice, its amount and currency, what is left to settle, and when it is due.
struct Invoice {
    id: String,
    amount: i128,
    currency: String,
    due_day: i32,
}

/// Part of an invoice that is paid or credited.
struct Part {
    invoice: String,
    amount: i128,
    currency: String,
    day: i32,
}

/// Draws the documents, marks and facts of a file, in no particular order.
pub fn draw(mut dice: Dice) -> World {
    let first_day = 20_000 + dice.between(0, 400) as i32;
    let base = dice.pick(&["EUR", "EUR", "EUR", "USD"]).to_owned();
    let crowded = (0..6).map(|_| i64::from(first_day + dice.between(0, 100) as i32) * DAY_NS).collect();
    let (events, known, traded) = (Vec::new(), HashSet::new(), HashSet::new());
    let mut world = World { dice, base, first_day, events, days: WIDE_DAYS, named: 0, known, traded, crowded };
    let mut buyers: Vec<String> = BUYERS.iter().map(|name| (*name).to_owned()).collect();
    buyers.push("é".repeat(64));
    world.dice.shuffle(&mut buyers);
    let count = world.dice.between(2, 4) as usize;
    world.rates();
    world.ticks();
    for buyer in &buyers[..count] {
        world.buyer(buyer);
    }
    for number in 0..world.dice.between(6, 16) {
        probe(&mut world, &format!("probe {number}"));
    }
    world
}

impl World {
    fn buyer(&mut self, buyer: &str) {
        let scale = self.dice.pick(&[0, 0, 0, 1, 2, 3, 3]);
        self.days = self.dice.pick(&[WIDE_DAYS, NARROW_DAYS]);
        for _ in 0..self.dice.between(1, 4) {
            let seller = self.dice.pick(SELLERS);
            self.trade(buyer, seller, scale);
        }
        for number in 1..=self.dice.between(1, 8) {
            let id = format!("C{number}");
            if self.dice.chance(45) { self.plain_cover(buyer, &id, scale) } else { self.cover(buyer, &id, scale) }
        }
        self.limits(buyer, scale);
        self.signals(buyer);
    }

    /// Orders, invoices and payments with one seller.
    fn trade(&mut self, buyer: &str, seller: &str, scale: u8) {
        if !self.traded.insert((buyer.to_owned(), seller.to_owned())) {
            return;
        }
        for number in 1..=3 {
            self.order(buyer, seller, &format!("O{number}"), scale);
        }
        let mut parts = Vec::new();
        for number in 1..=self.dice.between(4, 10) {
            let invoice = self.invoice(buyer, seller, number, scale);
            self.fate(buyer, seller, &invoice, &mut parts);
        }
        self.payments(buyer, seller, parts, scale);
    }

    fn order(&mut self, buyer: &str, seller: &str, id: &str, scale: u8) {
        let (amount, currency, day) = (self.amount(scale), self.currency(), self.issue_day());
        if self.dice.chance(75) {
            let mut data = vec![("order_id", id.into()), ("amount", amount), ("currency", currency.as_str().into())];
            if self.dice.chance(40) {
                data.push(("expected_on", Value::date(day + 20)));
            }
            self.seller_event("order.placed", buyer, seller, day, data);
        }
        if self.dice.chance(15) {
            self.seller_event("order.cancelled", buyer, seller, day + 9, vec![("order_id", id.into())]);
        }
    }

    fn invoice(&mut self, buyer: &str, seller: &str, number: i64, scale: u8) -> Invoice {
        let (id, currency, day) = (format!("F{number}"), self.currency(), self.issue_day());
        let units = self.units(scale);
        let due_day = day + self.span(&[0, 0, 5, 10, 15, 30, 30, 60]);
        let mut data = vec![
            ("invoice_id", id.as_str().into()),
            ("amount", Value::money(units)),
            ("currency", currency.as_str().into()),
            ("issued_on", Value::date(day)),
            ("due_on", Value::date(due_day)),
        ];
        match self.dice.below(10) {
            0..=2 => data.push(("net_amount", Value::money((units * 5 / 6).max(1)))),
            3 => data.push(("net_amount", Value::money(i128::from(self.dice.next()) % units + 1))),
            _ => {}
        }
        if self.dice.chance(50) {
            data.push(("order_id", format!("O{}", self.dice.between(1, 4)).as_str().into()));
        }
        if self.dice.chance(94) {
            self.seller_event("invoice.issued", buyer, seller, day, data);
        }
        Invoice { id, amount: units, currency, due_day }
    }

    /// What becomes of an invoice: marks, facts, credit notes, and the parts of it that are to be paid.
    fn fate(&mut self, buyer: &str, seller: &str, invoice: &Invoice, parts: &mut Vec<Part>) {
        let named = || ("invoice_id", Value::from(invoice.id.as_str()));
        let due = invoice.due_day;
        if self.dice.chance(8) {
            self.seller_event("invoice.cancelled", buyer, seller, due, vec![named()]);
        }
        if self.dice.chance(9) {
            self.seller_event("invoice.written_off", buyer, seller, due + 50, vec![named(), ("reason", "gone".into())]);
        }
        for _ in 0..self.dice.pick(&[0, 0, 0, 0, 1, 1, 2, 4]) {
            let to = self.due_around(due);
            self.seller_fact("invoice.rescheduled", buyer, seller, vec![named(), ("due_on", Value::date(to))]);
        }
        for _ in 0..self.dice.pick(&[0, 0, 0, 0, 0, 1, 2, 3]) {
            let kind = self.dice.pick(&["invoice.disputed", "invoice.disputed", "invoice.dispute_settled"]);
            self.seller_fact(kind, buyer, seller, vec![named()]);
        }
        let settled = match self.dice.below(10) {
            0..=3 => invoice.amount,
            4 | 5 => invoice.amount * self.dice.between(1, 99) as i128 / 100,
            6 => invoice.amount + invoice.amount / 7 + 1,
            _ => 0,
        };
        self.settle(buyer, seller, invoice, settled, parts);
    }

    /// Splits what is settled of an invoice into credit notes and parts to be paid.
    fn settle(&mut self, buyer: &str, seller: &str, invoice: &Invoice, settled: i128, parts: &mut Vec<Part>) {
        let named = || ("invoice_id", Value::from(invoice.id.as_str()));
        let due = invoice.due_day;
        let mut left = settled.min(MONEY_MAX);
        for number in 0..self.dice.between(1, 4) {
            let amount = if number == 3 || self.dice.chance(50) { left } else { left / 2 };
            if amount == 0 {
                break;
            }
            left -= amount;
            let day = due + self.dice.between(-self.days / 5, self.days + 10) as i32;
            if self.dice.chance(15) {
                let id = format!("K{}-{number}", invoice.id);
                let data = vec![
                    named(),
                    ("credit_note_id", id.as_str().into()),
                    ("amount", Value::money(amount)),
                    ("credited_on", Value::date(day)),
                ];
                self.seller_event("invoice.credited", buyer, seller, day, data);
            } else {
                let currency = if self.dice.chance(93) { invoice.currency.clone() } else { self.currency() };
                parts.push(Part { invoice: invoice.id.clone(), amount, currency, day });
            }
        }
    }

    /// Pays the parts, one to three at a time, at once or by later allocations, with more or less cash than that takes.
    fn payments(&mut self, buyer: &str, seller: &str, mut parts: Vec<Part>, scale: u8) {
        self.dice.shuffle(&mut parts);
        let mut number = 0;
        while let Some(first) = parts.pop() {
            let mut bundle = vec![first];
            for _ in 0..self.dice.below(3) {
                let alike = parts.iter().position(|part| part.currency == bundle[0].currency);
                bundle.extend(alike.map(|at| parts.remove(at)));
            }
            number += 1;
            self.payment(buyer, seller, number, &bundle);
        }
        if self.dice.chance(50) {
            let day = self.issue_day() + 30;
            let part = Part { invoice: "F99".to_owned(), amount: self.units(scale), currency: self.currency(), day };
            self.payment(buyer, seller, number + 1, &[part]);
        }
    }

    fn payment(&mut self, buyer: &str, seller: &str, number: i64, bundle: &[Part]) {
        let id = format!("P{number}");
        let day = bundle[0].day;
        let sum: i128 = bundle.iter().map(|part| part.amount).sum();
        let amount = match self.dice.below(10) {
            0 => sum / 3,
            1 => sum + self.units(0),
            _ => sum,
        };
        let mut data = vec![
            ("payment_id", id.as_str().into()),
            ("amount", Value::money(amount.clamp(1, MONEY_MAX))),
            ("currency", bundle[0].currency.as_str().into()),
            ("received_on", Value::date(day)),
        ];
        let mut list: Vec<(String, i128)> = bundle.iter().map(|part| (part.invoice.clone(), part.amount)).collect();
        if self.dice.chance(15) && list[0].1 > 1 {
            let (invoice, amount) = list[0].clone();
            list[0].1 = amount / 2;
            list.push((invoice, amount - amount / 2));
        }
        let later = if self.dice.chance(30) { list.split_off(self.dice.below(list.len() + 1)) } else { Vec::new() };
        if !list.is_empty() || self.dice.chance(30) {
            data.push(("allocations", Value::Allocations(list)));
        }
        if self.dice.chance(95) {
            self.seller_event("payment.received", buyer, seller, day, data);
        }
        for (place, chunk) in later.chunks(2).enumerate() {
            let on = bundle[bundle.len() - 1].day + self.dice.between(0, self.days / 2) as i32;
            let data = vec![
                ("payment_id", id.as_str().into()),
                ("allocation_id", format!("A{number}-{place}").as_str().into()),
                ("allocated_on", Value::date(on)),
                ("allocations", Value::Allocations(chunk.to_vec())),
            ];
            self.seller_event("payment.allocated", buyer, seller, on, data);
        }
        if self.dice.chance(12) {
            self.seller_event("payment.reversed", buyer, seller, day + 20, vec![("payment_id", id.as_str().into())]);
        }
    }

    /// A cover that insures most of what it could, so that layers fill up and spill over.
    fn plain_cover(&mut self, buyer: &str, id: &str, scale: u8) {
        let layer = self.dice.pick(&["primary", "primary", "top_up", "top_up", "single_risk"]);
        let currency = if scale == 3 { self.currency() } else { self.base.clone() };
        let mut data = vec![
            ("cover_id", id.into()),
            ("layer", layer.into()),
            ("amount", self.amount(scale)),
            ("currency", currency.as_str().into()),
            ("insured_pct", Value::Decimal(self.dice.pick(&[900_000, 850_001, 1_000_000]), 4)),
            ("valid_from", Value::date(self.first_day - 10)),
        ];
        if layer == "single_risk" {
            data.push(("order_id", format!("O{}", self.dice.between(1, 3)).as_str().into()));
        }
        if self.dice.chance(30) {
            data.push(("max_extension_days", Value::Whole(self.span(&[0, 5, 10, 30]).into())));
        }
        self.seller_event("cover.granted", buyer, "", self.first_day, data);
        let changes_from = self.first_day + self.span(&[10, 30]);
        if self.dice.chance(30) {
            self.cover_changes(buyer, id, changes_from, scale);
        }
    }

    fn cover(&mut self, buyer: &str, id: &str, scale: u8) {
        let layer =
            self.dice.pick(&["primary", "primary", "primary", "top_up", "top_up", "single_risk", "single_risk"]);
        let from = self.first_day + self.span(&[-30, 0, 0, 0, 10, 20, 40]);
        let percent = self.dice.pick(&[900_000, 900_000, 955_000, 333_333, 0, 1_000_000, 1]);
        let times = self.dice.pick(&[1, 1, 3, 10]);
        let (amount, currency) = (Value::money((self.units(scale) * times).min(MONEY_MAX)), self.currency());
        let mut data = vec![
            ("cover_id", id.into()),
            ("layer", layer.into()),
            ("amount", amount),
            ("currency", currency.as_str().into()),
            ("insured_pct", Value::Decimal(percent, 4)),
            ("valid_from", Value::date(from)),
        ];
        if self.dice.chance(35) {
            data.push(("valid_to", Value::date(from + self.dice.between(0, self.days) as i32)));
        }
        if layer == "single_risk" || self.dice.chance(10) {
            data.push(("order_id", format!("O{}", self.dice.between(1, 4)).as_str().into()));
        }
        for (name, percent, days) in [
            ("max_payment_term_days", 25, [5, 10, 30, 60]),
            ("max_extension_days", 50, [0, 10, 30, 60]),
            ("declare_within_days", 30, [0, 5, 30, 3650]),
        ] {
            if self.dice.chance(percent) {
                data.push((name, Value::Whole(self.span(&days).into())));
            }
        }
        if self.dice.chance(20) {
            data.push(("insurer", "Assureur \"É\"\n".into()));
        }
        if self.dice.chance(90) {
            let seller = if self.dice.chance(65) { "" } else { self.dice.pick(SELLERS) };
            let day = self.first_day + self.dice.between(0, 30) as i32;
            self.seller_event("cover.granted", buyer, seller, day, data);
        }
        self.cover_changes(buyer, id, from, scale);
    }

    fn cover_changes(&mut self, buyer: &str, id: &str, from: i32, scale: u8) {
        for _ in 0..self.dice.pick(&[0, 0, 0, 1, 2, 3, 5]) {
            let amount = if self.dice.chance(25) { Value::money(0) } else { self.amount(scale) };
            let on = from + self.span(&[-5, 0, 10, 10, 10, 20, 30, 45]);
            let data = vec![("cover_id", id.into()), ("amount", amount), ("effective_on", Value::date(on))];
            self.fact("cover.amended", buyer, data);
        }
        for _ in 0..self.dice.pick(&[0, 0, 0, 0, 1, 1, 2]) {
            let on = if self.dice.chance(4) { 0 } else { from + self.dice.between(-3, self.days) as i32 };
            self.fact("cover.withdrawn", buyer, vec![("cover_id", id.into()), ("effective_on", Value::date(on))]);
        }
        if self.dice.chance(30) {
            let (day, seller) = (self.issue_day() + 40, self.dice.pick(SELLERS));
            let invoice = format!("F{}", self.dice.between(1, 6));
            let data = vec![
                ("cover_id", id.into()),
                ("invoice_id", invoice.as_str().into()),
                ("declared_on", Value::date(day)),
            ];
            self.seller_event("cover.declared", buyer, seller, day, data);
        }
    }

    fn limits(&mut self, buyer: &str, scale: u8) {
        for _ in 0..self.dice.pick(&[0, 1, 1, 2, 3]) {
            let amount = if self.dice.chance(15) { Value::money(0) } else { self.amount(scale) };
            let data =
                vec![("amount", amount), ("currency", self.currency().as_str().into()), ("decided_by", "".into())];
            self.fact("limit.set", buyer, data);
        }
        if self.dice.chance(25) {
            self.fact("limit.removed", buyer, vec![]);
        }
    }

    fn signals(&mut self, buyer: &str) {
        for _ in 0..self.dice.pick(&[0, 0, 1, 2]) {
            let segment = self.dice.pick(&["named", "unnamed"]);
            let data = vec![("name", "Épicerie\t/ 食品".into()), ("country", "FR".into()), ("segment", segment.into())];
            self.fact("buyer.described", buyer, data);
        }
        for _ in 0..self.dice.pick(&[0, 1, 2]) {
            let grade = Value::Whole(self.dice.between(1, 10));
            let pd = Value::Decimal(self.dice.between(0, 1_000_000_000_000) as i128, 12);
            let agency = self.dice.pick(&["A", "B"]);
            self.fact("rating.changed", buyer, vec![("agency", agency.into()), ("grade", grade), ("pd", pd)]);
        }
        if self.dice.chance(35) {
            let day = self.first_day - self.dice.between(0, 400) as i32;
            let mut data = vec![("period_end", Value::date(day)), ("currency", self.currency().as_str().into())];
            for name in ["total_assets", "current_liabilities", "retained_earnings", "ebit", "equity", "sales"] {
                if self.dice.chance(60) {
                    let units = self.units(2) * 10_000;
                    data.push((name, Value::money(if self.dice.chance(30) { -units } else { units })));
                }
            }
            self.fact("financials.published", buyer, data);
        }
        for _ in 0..self.dice.pick(&[0, 0, 0, 0, 0, 1, 1, 2, 3]) {
            let day = self.issue_day();
            if self.dice.chance(60) {
                let kind = self.dice.pick(&["conciliation", "safeguard", "receivership", "liquidation"]);
                let data = vec![("procedure", kind.into()), ("opened_on", Value::date(day))];
                self.fact("insolvency.opened", buyer, data);
            } else {
                self.fact("insolvency.closed", buyer, vec![("closed_on", Value::date(day))]);
            }
        }
        for number in 0..self.dice.pick(&[0, 0, 1, 2]) {
            let kind = self.dice.pick(&["unpaid", "rejected_payment", "protest", "litigation"]);
            let mut data = vec![("incident_id", format!("I{number}").as_str().into()), ("kind", kind.into())];
            if self.dice.chance(60) {
                data.push(("amount", self.amount(0)));
                data.push(("currency", self.currency().as_str().into()));
                data.push(("days_overdue", Value::Whole(self.dice.between(0, 3650))));
            }
            let day = self.issue_day();
            self.document("incident.reported", buyer, day, data);
        }
        if self.dice.chance(30) {
            let kind = self.dice.pick(&["proposal.approved", "proposal.rejected"]);
            let data = vec![("proposal_id", "X1".into()), ("version", Value::Whole(1)), ("decided_by", "é".into())];
            self.fact(kind, buyer, data);
        }
    }

    /// Rates of most currencies, early and late, several at an instant; some currencies never have one.
    fn rates(&mut self) {
        let mut rated: Vec<&str> = RATED.iter().copied().chain(["EUR"]).collect();
        rated.retain(|currency| *currency != self.base);
        for currency in rated {
            if self.dice.chance(12) {
                continue;
            }
            for _ in 0..self.dice.between(1, 4) {
                let units: i128 = match currency {
                    "JPY" => self.dice.between(5_000_000_000, 7_000_000_000) as i128 + 1,
                    "XAU" => 999_999_999_999_999_999_999 - i128::from(self.dice.next() % 1_000_000_000),
                    "KWD" => self.dice.pick(&[1, 3_049_999_999_999]),
                    // Half a unit of the last place is rounded to even: these rates make many halves.
                    "GBP" => self.dice.pick(&[125_000_000_000, 125_000_000_000, 500_000_000_000, 1_250_000_000_000]),
                    _ => self.dice.between(600_000_000_000, 1_300_000_000_000) as i128,
                };
                let data = vec![("currency", currency.into()), ("rate", Value::Decimal(units, 12))];
                self.fact("fx.rate", "", data);
                self.any_subject();
            }
        }
    }

    fn ticks(&mut self) {
        for _ in 0..self.dice.between(1, 5) {
            self.fact("clock.tick", "", vec![]);
            self.any_subject();
        }
    }

    /// Where there is no buyer the subject may be anything at all.
    fn any_subject(&mut self) {
        let subjects = [None, None, Some(Value::from("B1")), Some(Value::from("")), Some(Value::Raw("[1]".to_owned()))];
        let subject = self.dice.pick(&subjects);
        self.events.last_mut().unwrap().subject = subject;
    }

    pub fn seller_event(&mut self, kind: &str, buyer: &str, seller: &str, day: i32, mut data: Data) {
        self.name_seller(seller, &mut data);
        self.document(kind, buyer, day, data);
    }

    fn seller_fact(&mut self, kind: &str, buyer: &str, seller: &str, mut data: Data) {
        self.name_seller(seller, &mut data);
        self.fact(kind, buyer, data);
    }

    /// No seller is `""` or absent.
    fn name_seller(&mut self, seller: &str, data: &mut Data) {
        if !seller.is_empty() || self.dice.chance(20) {
            data.push(("seller_id", seller.into()));
        }
    }

    fn document(&mut self, kind: &str, buyer: &str, day: i32, data: Data) {
        let time_ns = i64::from(day) * DAY_NS + self.dice.between(0, 3 * DAY_NS);
        self.push(kind, buyer, time_ns, data);
    }

    /// A fact at any time, often at the very time of others.
    pub fn fact(&mut self, kind: &str, buyer: &str, data: Data) {
        if let Some(before) = self.events.last().filter(|before| before.kind == kind).cloned()
            && self.dice.chance(30)
        {
            let source = self.dice.pick(SOURCES).to_owned();
            if self.dice.chance(50) {
                return self.push(kind, buyer, before.time_ns, data);
            } else if self.known.insert((before.time_ns, before.id.clone(), source.clone())) {
                return self.push_named(kind, buyer, before.time_ns, (before.id, source), data);
            }
        }
        let time_ns = match self.dice.below(4) {
            0 | 1 => self.dice.pick(&self.crowded.clone()) + self.dice.pick(&[0, 0, 1, 999_999_999]),
            2 => i64::from(self.first_day) * DAY_NS + self.dice.between(0, 9_000_000) * 1_000_000_000,
            _ => i64::from(self.first_day) * DAY_NS + self.dice.between(0, 100 * DAY_NS),
        };
        self.push(kind, buyer, time_ns, data);
    }

    fn push(&mut self, kind: &str, buyer: &str, time_ns: i64, data: Data) {
        let (id, source) = self.name_event(time_ns);
        self.push_named(kind, buyer, time_ns, (id, source), data);
    }

    fn push_named(&mut self, kind: &str, buyer: &str, time_ns: i64, (id, source): (String, String), data: Data) {
        let data = data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let subject = Some(Value::from(buyer));
        self.events.push(Event { id, source, kind: kind.to_owned(), time_ns, subject, data });
    }

    /// An id and a source that no event of this time has; now and then the id of another, under another source.
    pub fn name_event(&mut self, time_ns: i64) -> (String, String) {
        loop {
            self.named += 1;
            let prefix = self.dice.pick(&["e", "E", "é", "0", "e\n", "\u{FFFD}", "𝔼"]);
            let id = match self.events.last() {
                Some(other) if self.dice.chance(15) => other.id.clone(),
                _ => format!("{prefix}{}", self.named % 97),
            };
            let source = self.dice.pick(SOURCES).to_owned();
            if self.known.insert((time_ns, id.clone(), source.clone())) {
                return (id, source);
            }
        }
    }

    fn issue_day(&mut self) -> i32 {
        self.first_day + self.dice.between(0, self.days) as i32
    }

    /// One of these numbers of days, a fifth of it where days are few.
    fn span(&mut self, days: &[i32]) -> i32 {
        let chosen = self.dice.pick(days);
        if self.days == NARROW_DAYS { chosen / 5 } else { chosen }
    }

    fn due_around(&mut self, due: i32) -> i32 {
        due + self.dice.between(-20, 60) as i32
    }

    fn currency(&mut self) -> String {
        match self.dice.below(20) {
            0..=13 => self.base.clone(),
            14 => self.dice.pick(RATELESS).to_owned(),
            15 => "EUR".to_owned(),
            16 | 17 => "GBP".to_owned(),
            _ => self.dice.pick(RATED).to_owned(),
        }
    }

    fn amount(&mut self, scale: u8) -> Value {
        Value::money(self.units(scale))
    }

    /// An amount in 1/10,000: usual (0), of any size (1), huge (2), tiny (3).
    fn units(&mut self, scale: u8) -> i128 {
        let usual = self.dice.between(1_000, 900_000) as i128 * 100;
        match (scale, self.dice.below(10)) {
            (2, 0..=5) => MONEY_MAX,
            (2, 6 | 7) => MONEY_MAX - i128::from(self.dice.next() % 1_000_000),
            (3, 0..=7) => i128::from(self.dice.between(1, 400)) * self.dice.pick(&[1, 25, 50, 1_000]),
            (1, 0..=2) => self.dice.between(1, 9) as i128,
            (1, 3 | 4) => i128::from(self.dice.next()) % MONEY_MAX + 1,
            (_, 0..=4) => usual / 1_000_000 * 1_000_000 + 1_000_000,
            (_, 5) => self.dice.between(1, 99_999) as i128,
            _ => usual,
        }
    }
}

pub type Data = Vec<(&'static str, Value)>;

/// The greatest amount: 10^14, in 1/10,000.
pub const MONEY_MAX: i128 = 1_000_000_000_000_000_000;
