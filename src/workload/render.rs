//! Owns how what happened is told: notes of the book to typed events, with ids, names and amounts written out.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::book::{CoverTerms, DayBook, Document, Note, Parts, What};
use super::calendar::DayIndex;
use super::portfolio::{COUNTRIES, Portfolio};
use crate::base::money::UNIT;
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};
use crate::event::input::{
    BuyerDescribed, ClockTick, CoverAmended, CoverDeclared, CoverGranted, CoverWithdrawn, FinancialsPublished, FxRate,
    IncidentReported, InsolvencyClosed, InsolvencyOpened, InvoiceCancelled, InvoiceCredited, InvoiceDisputeSettled,
    InvoiceDisputed, InvoiceIssued, InvoiceRescheduled, InvoiceWrittenOff, LimitRemoved, LimitSet, OrderCancelled,
    OrderPlaced, PaymentAllocated, PaymentReceived, PaymentReversed, RatingChanged,
};
use crate::event::{Allocation, Body, Country, Event, Id, Layer};

const SECOND_NS: i64 = crate::base::time::SECOND_NS;
/// 1/10,000 units in a cent.
const CENT: i64 = UNIT / 100;
const INSURERS: [&str; 3] = ["Assurance Nord", "Kreditschutz AG", "Atlantic Credit"];
/// Probability of default by grade, in 10^-9.
const PD_BY_GRADE: [u32; 10] =
    [200_000, 500_000, 1_000_000, 2_500_000, 6_000_000, 15_000_000, 35_000_000, 80_000_000, 180_000_000, 1_000_000_000];
/// The policy terms that insurers grant: share insured, longest payment term, extension, time to declare.
const MAX_PAYMENT_TERM_DAYS: u16 = 120;
const MAX_EXTENSION_DAYS: u16 = 60;
const DECLARE_WITHIN_DAYS: u16 = 30;

/// A buyer's id.
#[must_use]
pub fn buyer_id(number: u32) -> String {
    buyer_id_in(number, &Bump::new()).to_owned()
}

fn buyer_id_in(number: u32, bump: &Bump) -> &str {
    numbered("B-", number, 7, bump)
}

/// Tells notes, one after the other, out of one small store.
#[derive(Debug, Default)]
pub struct Teller {
    bump: Bump,
}

impl Teller {
    /// Tells one note of the book.
    ///
    /// # Errors
    /// What `sink` answers.
    #[inline]
    pub fn tell<E>(
        &mut self,
        portfolio: &Portfolio,
        book: &DayBook,
        note: &Note,
        sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bump.reset();
        let telling = Telling { portfolio, book, note, bump: &self.bump };
        let event = Event {
            time: portfolio.calendar().day(note.day).start().plus_nanos(i64::from(note.second) * SECOND_NS),
            id: telling.event_id(),
            source: telling.source(),
            subject: buyer_id_in(note.buyer, &self.bump),
            body: telling.body(),
        };
        sink(&event)
    }

    /// Tells that a day begins.
    ///
    /// # Errors
    /// What `sink` answers.
    pub fn tell_tick<E>(&mut self, day: Day, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        self.bump.reset();
        let id = format!("tick-{day}");
        sink(&Event { time: day.start(), id: &id, source: "/clock", subject: "", body: Body::ClockTick(ClockTick {}) })
    }

    /// Tells a rate in millionths, at the beginning of a day.
    ///
    /// # Errors
    /// What `sink` answers.
    ///
    /// # Panics
    /// When the rate is 0.
    pub fn tell_rate<E>(
        &mut self,
        day: Day,
        currency: &str,
        rate_millionths: u32,
        sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bump.reset();
        let id = format!("fx-{currency}-{day}");
        let (whole, part) = (rate_millionths / 1_000_000, rate_millionths % 1_000_000);
        let rate = format!("{whole}.{part:06}");
        let body = Body::FxRate(FxRate {
            currency: Currency::parse(currency).expect("the table holds currencies"),
            rate: Rate::parse(&rate).expect("a few digits over 0 are a rate"),
        });
        let time: Instant = day.start();
        sink(&Event { time, id: &id, source: "/treasury", subject: "", body })
    }
}

/// One note being told.
struct Telling<'a> {
    portfolio: &'a Portfolio,
    book: &'a DayBook,
    note: &'a Note,
    bump: &'a Bump,
}

impl<'a> Telling<'a> {
    fn event_id(&self) -> &'a str {
        let mut text = BumpString::with_capacity_in(24, self.bump);
        push_padded(&mut text, self.note.buyer, 7);
        text.push('-');
        push_padded(&mut text, self.note.event, 5);
        text.into_bump_str()
    }

    fn source(&self) -> &'a str {
        if let (Some(seller), false) = (self.note.seller, matches!(self.note.what, What::CoverGranted { .. })) {
            return numbered("/erp/S", u32::from(seller) + 1, 2, self.bump);
        }
        match self.note.what {
            What::CoverGranted { .. } | What::CoverAmended { .. } | What::CoverWithdrawn { .. } => "/insurer",
            What::LimitSet { .. } | What::LimitRemoved => "/credit-desk",
            What::RatingChanged { agency, .. } => agency,
            What::BuyerDescribed => "/master-data",
            _ => "/register",
        }
    }

    fn seller_id(&self) -> &'a str {
        self.note.seller.map_or("", |seller| numbered("S", u32::from(seller) + 1, 2, self.bump))
    }

    fn body(&self) -> Body<'a> {
        match self.note.what {
            What::InvoiceIssued { .. }
            | What::InvoiceCredited { .. }
            | What::InvoiceCancelled { .. }
            | What::InvoiceWrittenOff { .. }
            | What::InvoiceRescheduled { .. }
            | What::InvoiceDisputed { .. }
            | What::InvoiceDisputeSettled { .. } => self.invoice(),
            What::OrderPlaced { .. }
            | What::OrderCancelled { .. }
            | What::PaymentReceived { .. }
            | What::PaymentAllocated { .. }
            | What::PaymentReversed { .. } => self.order_or_payment(),
            What::LimitSet { .. }
            | What::LimitRemoved
            | What::CoverGranted { .. }
            | What::CoverAmended { .. }
            | What::CoverWithdrawn { .. }
            | What::CoverDeclared { .. } => self.limit_or_cover(),
            _ => self.signal(),
        }
    }

    fn invoice(&self) -> Body<'a> {
        let (seller_id, note) = (self.seller_id(), self.note);
        let id = |invoice| self.document("F-", invoice);
        match note.what {
            What::InvoiceIssued { invoice, cents, net_cents, due, order } => Body::InvoiceIssued(InvoiceIssued {
                seller_id,
                invoice_id: id(invoice),
                amount: money(cents),
                net_amount: net_cents.map(money),
                currency: note.currency,
                issued_on: self.today(),
                due_on: self.day(due),
                order_id: order.map(|order| self.document("O-", order)),
            }),
            What::InvoiceCredited { invoice, note, cents } => Body::InvoiceCredited(InvoiceCredited {
                seller_id,
                invoice_id: id(invoice),
                credit_note_id: self.document("C-", note),
                amount: money(cents),
                credited_on: self.today(),
            }),
            What::InvoiceCancelled { invoice } => {
                Body::InvoiceCancelled(InvoiceCancelled { seller_id, invoice_id: id(invoice) })
            }
            What::InvoiceWrittenOff { invoice, reason } => {
                Body::InvoiceWrittenOff(InvoiceWrittenOff { seller_id, invoice_id: id(invoice), reason: Some(reason) })
            }
            What::InvoiceRescheduled { invoice, due } => {
                let due_on = self.day(due);
                Body::InvoiceRescheduled(InvoiceRescheduled { seller_id, invoice_id: id(invoice), due_on })
            }
            What::InvoiceDisputed { invoice, reason } => {
                Body::InvoiceDisputed(InvoiceDisputed { seller_id, invoice_id: id(invoice), reason: Some(reason) })
            }
            What::InvoiceDisputeSettled { invoice } => {
                Body::InvoiceDisputeSettled(InvoiceDisputeSettled { seller_id, invoice_id: id(invoice) })
            }
            _ => unreachable!("the caller hands over invoices alone"),
        }
    }

    fn order_or_payment(&self) -> Body<'a> {
        let (seller_id, currency) = (self.seller_id(), self.note.currency);
        match self.note.what {
            What::OrderPlaced { order, cents, expected } => Body::OrderPlaced(OrderPlaced {
                seller_id,
                order_id: self.document("O-", order),
                amount: money(cents),
                currency,
                expected_on: Some(self.day(expected)),
            }),
            What::OrderCancelled { order } => {
                Body::OrderCancelled(OrderCancelled { seller_id, order_id: self.document("O-", order) })
            }
            What::PaymentReceived { payment, cents, parts } => Body::PaymentReceived(PaymentReceived {
                seller_id,
                payment_id: self.document("P-", payment),
                amount: money(cents),
                currency,
                received_on: self.today(),
                allocations: Some(self.allocations(parts)).filter(|allocations| !allocations.is_empty()),
            }),
            What::PaymentAllocated { payment, allocation, parts } => Body::PaymentAllocated(PaymentAllocated {
                seller_id,
                payment_id: self.document("P-", payment),
                allocation_id: self.document("A-", allocation),
                allocated_on: self.today(),
                allocations: self.allocations(parts),
            }),
            What::PaymentReversed { payment, reason } => Body::PaymentReversed(PaymentReversed {
                seller_id,
                payment_id: self.document("P-", payment),
                reason: Some(reason),
            }),
            _ => unreachable!("the caller hands over orders and payments alone"),
        }
    }

    fn limit_or_cover(&self) -> Body<'a> {
        match self.note.what {
            What::LimitSet { amount, reason } => Body::LimitSet(LimitSet {
                amount: whole(amount),
                currency: self.note.currency,
                reason: Some(reason),
                decided_by: Some(numbered("desk-", 1 + self.note.buyer % 9, 2, self.bump)),
            }),
            What::LimitRemoved => Body::LimitRemoved(LimitRemoved {}),
            What::CoverGranted { cover, terms } => Body::CoverGranted(self.cover(cover, terms)),
            What::CoverAmended { cover, amount, effective } => Body::CoverAmended(CoverAmended {
                cover_id: self.cover_id(cover),
                amount: whole(amount),
                effective_on: self.day(effective),
            }),
            What::CoverWithdrawn { cover, effective } => {
                let effective_on = self.day(effective);
                Body::CoverWithdrawn(CoverWithdrawn { cover_id: self.cover_id(cover), effective_on })
            }
            What::CoverDeclared { cover, invoice } => Body::CoverDeclared(CoverDeclared {
                cover_id: self.cover_id(cover),
                seller_id: self.seller_id(),
                invoice_id: self.document("F-", invoice),
                declared_on: self.today(),
            }),
            _ => unreachable!("the caller hands over limits and covers alone"),
        }
    }

    fn signal(&self) -> Body<'a> {
        match self.note.what {
            What::BuyerDescribed => self.description(),
            What::RatingChanged { agency, grade } => Body::RatingChanged(RatingChanged {
                agency: id(agency),
                grade,
                pd: Some(PD_BY_GRADE[usize::from(grade) - 1]),
            }),
            What::FinancialsPublished { sales, health, spread } => {
                let year = self.portfolio.calendar().first_year()
                    + i32::from(self.portfolio.calendar().years_since_first(self.note.day));
                let period_end = Day::from_calendar(year - 1, 12, 31).unwrap_or(self.today());
                Body::FinancialsPublished(accounts(sales, health.into(), spread.into(), period_end, self.note.currency))
            }
            What::InsolvencyOpened { procedure } => {
                Body::InsolvencyOpened(InsolvencyOpened { procedure, opened_on: self.today() })
            }
            What::InsolvencyClosed => Body::InsolvencyClosed(InsolvencyClosed { closed_on: self.today() }),
            What::IncidentReported { incident, kind, amount, days_overdue } => {
                Body::IncidentReported(IncidentReported {
                    incident_id: self.document("I-", incident),
                    kind,
                    amount: Some(whole(amount)),
                    currency: Some(self.note.currency),
                    days_overdue: Some(days_overdue),
                })
            }
            _ => unreachable!("the caller hands over signals alone"),
        }
    }

    fn description(&self) -> Body<'a> {
        let profile = self.portfolio.profile(self.note.buyer);
        let country = &COUNTRIES[usize::from(profile.country)];
        let description = self.portfolio.description(self.note.buyer);
        let mut name = BumpString::with_capacity_in(48, self.bump);
        for word in description.name {
            name.push_str(word);
            name.push(' ');
        }
        name.push_str(country.legal_form);
        Body::BuyerDescribed(BuyerDescribed {
            name: Some(name.into_bump_str()),
            country: Country::parse(country.code),
            segment: Some(profile.segment),
            parent_id: description.parent.map(|parent| id(buyer_id_in(parent, self.bump))),
            sector: Some(description.sector),
        })
    }

    fn cover(&self, cover: u8, terms: CoverTerms) -> CoverGranted<'a> {
        let insurer = self.note.buyer as usize % INSURERS.len();
        let is_whole_policy = terms.layer != Layer::SingleRisk;
        CoverGranted {
            seller_id: self.seller_id(),
            cover_id: self.cover_id(cover),
            layer: terms.layer,
            amount: whole(terms.amount),
            currency: self.note.currency,
            insured_pct: Percent::parse("90").expect("90 is a percentage"),
            valid_from: self.portfolio.calendar().day(0).plus(terms.valid_from.into()),
            valid_to: terms.valid_to.map(|day| self.day(day)),
            order_id: terms.order.map(|order| self.document("O-", order)),
            max_payment_term_days: Some(MAX_PAYMENT_TERM_DAYS),
            max_extension_days: is_whole_policy.then_some(MAX_EXTENSION_DAYS),
            declare_within_days: is_whole_policy.then_some(DECLARE_WITHIN_DAYS),
            insurer: Some(INSURERS[insurer]),
            policy_id: Some(numbered("POL-", 101 + insurer as u32, 4, self.bump)),
        }
    }

    fn today(&self) -> Day {
        self.day(self.note.day)
    }

    fn day(&self, day: DayIndex) -> Day {
        self.portfolio.calendar().day(day)
    }

    fn cover_id(&self, cover: u8) -> Id<'a> {
        let mut text = BumpString::with_capacity_in(16, self.bump);
        text.push_str("K-");
        push_padded(&mut text, self.note.buyer, 7);
        text.push('-');
        push_padded(&mut text, cover.into(), 1);
        id(text.into_bump_str())
    }

    /// A document's id: its kind, the year of its issue, its number.
    fn document(&self, kind: &str, document: Document) -> Id<'a> {
        let year = self.portfolio.calendar().first_year() + i32::from(document.years());
        let mut text = BumpString::with_capacity_in(16, self.bump);
        text.push_str(kind);
        push_padded(&mut text, year.unsigned_abs(), 4);
        text.push('-');
        push_padded(&mut text, document.number(), 7);
        id(text.into_bump_str())
    }

    fn allocations(&self, parts: Parts) -> &'a [Allocation<'a>] {
        let parts = self.book.parts(parts);
        let mut allocations = BumpVec::with_capacity_in(parts.len(), self.bump);
        allocations.extend(
            parts
                .iter()
                .map(|part| Allocation { invoice_id: self.document("F-", part.invoice), amount: money(part.cents) }),
        );
        allocations.into_bump_slice()
    }
}

/// Accounts whose figures add up, by sales in whole units, health (0 to 100) and some spread (0 to 99).
fn accounts(sales: u64, health: i128, spread: i128, period_end: Day, currency: Currency) -> FinancialsPublished {
    let figure = |units: i128| {
        let text = units.to_string();
        Some(SignedMoney::parse(&text).expect("sales of under 10^12 units make figures within bounds"))
    };
    let sales = i128::from(sales);
    let total_assets = sales * (50 + spread / 2) / 100;
    let equity = total_assets * (health / 2 - 6) / 100;
    let total_liabilities = total_assets - equity;
    let current_assets = total_assets * (55 + spread / 4) / 100;
    let current_liabilities = total_liabilities * (85 - health / 3) / 100;
    let depreciation = total_assets * 4 / 100;
    let ebit = sales * (health / 8 - 3) / 100;
    let financial_expenses = (total_liabilities - current_liabilities) * 5 / 100 + current_liabilities / 100;
    let before_tax = ebit - financial_expenses;
    FinancialsPublished {
        period_end,
        currency,
        total_assets: figure(total_assets),
        current_assets: figure(current_assets),
        current_liabilities: figure(current_liabilities),
        total_liabilities: figure(total_liabilities),
        retained_earnings: figure(equity * 60 / 100),
        ebit: figure(ebit),
        equity: figure(equity),
        sales: figure(sales),
        net_income: figure(if before_tax > 0 { before_tax * 75 / 100 } else { before_tax }),
        cash: figure(current_assets * (3 + health / 6) / 100),
        inventory: figure(current_assets * 35 / 100),
        depreciation: figure(depreciation),
        financial_expenses: figure(financial_expenses),
    }
}

fn money(cents: i64) -> Money {
    Money::from_units(cents * CENT).expect("amounts are made within the bounds of money")
}

fn whole(units: u32) -> Money {
    money(i64::from(units) * 100)
}

fn id(text: &str) -> Id<'_> {
    Id::parse(text).expect("ids are made of letters, digits and dashes")
}

fn numbered<'b>(prefix: &str, number: u32, width: usize, bump: &'b Bump) -> &'b str {
    let mut text = BumpString::with_capacity_in(16, bump);
    text.push_str(prefix);
    push_padded(&mut text, number, width);
    text.into_bump_str()
}

/// Writes a number with at least `width` digits.
fn push_padded(text: &mut BumpString<'_>, mut number: u32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut start = digits.len();
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let start = start.min(digits.len() - width);
    text.push_str(std::str::from_utf8(&digits[start..]).expect("digits are ASCII"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_add_up_whatever_the_health() {
        let day = Day::parse("2024-12-31").expect("a day");
        let eur = Currency::parse("EUR").expect("a currency");
        for health in 0..=100 {
            for spread in [0, 50, 99] {
                let of = |figure: Option<SignedMoney>| figure.expect("given").units();
                let accounts = accounts(12_345_678, health, spread, day, eur);
                assert_eq!(of(accounts.total_assets), of(accounts.equity) + of(accounts.total_liabilities));
                assert!(of(accounts.current_assets) <= of(accounts.total_assets));
                assert!(of(accounts.current_liabilities) <= of(accounts.total_liabilities));
                assert!(of(accounts.cash) + of(accounts.inventory) <= of(accounts.current_assets));
                assert!(of(accounts.net_income) < of(accounts.ebit));
            }
        }
    }

    #[test]
    fn numbers_are_padded_and_never_cut() {
        assert_eq!(buyer_id(42), "B-0000042");
        assert_eq!(buyer_id(12_345_678), "B-12345678");
        assert_eq!(buyer_id(0), "B-0000000");
    }
}
