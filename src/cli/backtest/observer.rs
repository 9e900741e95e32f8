//! Owns what plain baselines know of a buyer: settled invoices and how late they were, what is overdue, what befell it.
//!
//! It goes by the applied events alone and shares no code with the engine's own measures, so that the two can be compared.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::label::InvoiceEnd;
use crate::base::hash::stable_hash;
use crate::base::{Currency, Day, Instant, Money};
use crate::event::{Allocation, Body, Event, Id};

/// The plain measures, in order.
pub const BASELINES: [&str; 5] =
    ["prior mean delay", "exponential mean delay", "worst of the last 20", "share late", "days overdue now"];
/// How much the newest delay counts in the exponential mean.
const ALPHA: f64 = 0.3;
/// Payments that the worst is looked for among.
const WORST_OF: usize = 20;
/// The payment of a share that is a credit note.
const CREDIT_NOTE: u32 = u32::MAX;

/// Every buyer as plain baselines see it.
#[derive(Debug, Default)]
pub struct Observer {
    buyers: Vec<Seen>,
    invoices: Vec<Invoice>,
    payments: Vec<Payment>,
    /// Where a document is, by the hash of its buyer, kind, seller and id.
    places: HashMap<u128, u32>,
}

/// One buyer.
#[derive(Debug, Default)]
struct Seen {
    /// Days late of each settled invoice, in the order in which that became known; negative when early.
    delays: Vec<(u32, i32)>,
    sum_days: i64,
    late: u32,
    exponential_days: f64,
    /// How many open invoices are due on each day.
    open_by_due: BTreeMap<Day, u32>,
    first_document: Option<Day>,
    insolvency: Option<Instant>,
    written_off: Option<Instant>,
}

#[derive(Debug)]
struct Invoice {
    buyer: u32,
    /// `None` while it is only named by others.
    known: Option<Known>,
    is_cancelled: bool,
    is_written_off: bool,
    /// The day on which what was paid and credited reached the amount.
    settled_on: Option<Day>,
    shares: Vec<Share>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    amount: Money,
    currency: Currency,
    issued_on: Day,
    due_on: Day,
}

/// What a payment or a credit note gives to an invoice.
#[derive(Debug, Clone, Copy)]
struct Share {
    payment: u32,
    amount: Money,
    day: Day,
}

#[derive(Debug, Default)]
struct Payment {
    currency: Option<Currency>,
    is_reversed: bool,
    invoices: Vec<u32>,
}

impl Seen {
    fn add(&mut self, invoice: u32, days: i32) {
        self.exponential_days = self.exponential_after(days);
        self.delays.push((invoice, days));
        self.sum_days += i64::from(days);
        self.late += u32::from(days > 0);
    }

    fn exponential_after(&self, days: i32) -> f64 {
        let days = f64::from(days);
        if self.delays.is_empty() { days } else { self.exponential_days + ALPHA * (days - self.exponential_days) }
    }

    /// Takes a delay back, as a payment was reversed, and reckons the others anew.
    fn remove(&mut self, invoice: u32) {
        let delays = std::mem::take(&mut self.delays);
        (self.sum_days, self.late, self.exponential_days) = (0, 0, 0.0);
        for (other, days) in delays.into_iter().filter(|(other, _)| *other != invoice) {
            self.add(other, days);
        }
    }

    fn set_open(&mut self, due_on: Day, open: bool) {
        let count = self.open_by_due.entry(due_on).or_default();
        *count = if open { *count + 1 } else { *count - 1 };
        if *count == 0 {
            self.open_by_due.remove(&due_on);
        }
    }

    fn baselines(&self, today: Day) -> [f64; BASELINES.len()] {
        let count = self.delays.len().max(1) as f64;
        let recent = &self.delays[self.delays.len().saturating_sub(WORST_OF)..];
        let worst = recent.iter().map(|(_, days)| *days).max().unwrap_or(0);
        let overdue = self.open_by_due.keys().next().map_or(0, |due| today.since(*due).max(0));
        [
            self.sum_days as f64 / count,
            self.exponential_days,
            f64::from(worst),
            f64::from(self.late) / count,
            f64::from(overdue),
        ]
    }
}

impl Observer {
    /// Buyers seen.
    #[must_use]
    pub fn buyers(&self) -> u32 {
        self.buyers.len() as u32
    }

    /// Invoices of a buyer that are settled, as far as is known.
    #[must_use]
    pub fn settled(&self, buyer: u32) -> usize {
        self.seen(buyer).map_or(0, |seen| seen.delays.len())
    }

    /// The plain measures of a buyer; 0 where nothing is known.
    #[must_use]
    pub fn baselines(&self, buyer: u32, today: Day) -> [f64; BASELINES.len()] {
        self.seen(buyer).map_or([0.0; BASELINES.len()], |seen| seen.baselines(today))
    }

    /// The day of a buyer's first document.
    #[must_use]
    pub fn first_document(&self, buyer: u32) -> Option<Day> {
        self.seen(buyer)?.first_document
    }

    /// When a buyer's first insolvency procedure was opened.
    #[must_use]
    pub fn insolvency(&self, buyer: u32) -> Option<Instant> {
        self.seen(buyer)?.insolvency
    }

    /// When an invoice of a buyer was first written off.
    #[must_use]
    pub fn written_off(&self, buyer: u32) -> Option<Instant> {
        self.seen(buyer)?.written_off
    }

    /// What is known of an invoice now.
    ///
    /// # Panics
    /// When no invoice has that number, or it never arrived.
    #[must_use]
    pub fn invoice(&self, number: u32) -> InvoiceEnd {
        let invoice = &self.invoices[number as usize];
        let known = invoice.known.expect("a number is given to an invoice that arrived");
        InvoiceEnd {
            issued_on: known.issued_on,
            due_on: known.due_on,
            settled_on: invoice.settled_on,
            is_cancelled: invoice.is_cancelled,
            is_written_off: invoice.is_written_off,
        }
    }

    /// Takes an event of a buyer that was applied. Gives the number of the invoice where one was issued.
    pub fn apply(&mut self, buyer: u32, event: &Event<'_>) -> Option<u32> {
        while self.buyers.len() <= buyer as usize {
            self.buyers.push(Seen::default());
        }
        self.note_document(buyer, event);
        match &event.body {
            Body::InvoiceIssued(said) => {
                let number = self.invoice_number(buyer, said.seller_id, said.invoice_id);
                self.change(number, |invoice| {
                    let (amount, currency) = (said.amount, said.currency);
                    let (issued_on, due_on) = (said.issued_on, said.due_on);
                    invoice.known = Some(Known { amount, currency, issued_on, due_on });
                });
                return Some(number);
            }
            Body::InvoiceCredited(said) => {
                let number = self.invoice_number(buyer, said.seller_id, said.invoice_id);
                let share = Share { payment: CREDIT_NOTE, amount: said.amount, day: said.credited_on };
                self.change(number, |invoice| invoice.shares.push(share));
            }
            Body::InvoiceCancelled(said) => {
                let number = self.invoice_number(buyer, said.seller_id, said.invoice_id);
                self.change(number, |invoice| invoice.is_cancelled = true);
            }
            Body::InvoiceWrittenOff(said) => {
                let number = self.invoice_number(buyer, said.seller_id, said.invoice_id);
                self.change(number, |invoice| invoice.is_written_off = true);
                first(&mut self.buyers[buyer as usize].written_off, event.time);
            }
            Body::PaymentReceived(said) => {
                let number = self.payment_number(buyer, said.seller_id, said.payment_id);
                self.payments[number as usize].currency = Some(said.currency);
                self.reckon_payment(number);
                self.allocate(buyer, said.seller_id, number, said.received_on, said.allocations.unwrap_or_default());
            }
            Body::PaymentAllocated(said) => {
                let number = self.payment_number(buyer, said.seller_id, said.payment_id);
                self.allocate(buyer, said.seller_id, number, said.allocated_on, said.allocations);
            }
            Body::PaymentReversed(said) => {
                let number = self.payment_number(buyer, said.seller_id, said.payment_id);
                self.payments[number as usize].is_reversed = true;
                self.reckon_payment(number);
            }
            Body::InsolvencyOpened(_) => first(&mut self.buyers[buyer as usize].insolvency, event.time),
            _ => {}
        }
        None
    }

    fn seen(&self, buyer: u32) -> Option<&Seen> {
        self.buyers.get(buyer as usize)
    }

    fn note_document(&mut self, buyer: u32, event: &Event<'_>) {
        let is_document = matches!(
            event.body,
            Body::InvoiceIssued(_) | Body::InvoiceCredited(_) | Body::OrderPlaced(_) | Body::PaymentReceived(_)
        );
        if is_document {
            let noted = &mut self.buyers[buyer as usize].first_document;
            *noted = Some(noted.map_or(event.time.day(), |day| day.min(event.time.day())));
        }
    }

    fn allocate(&mut self, buyer: u32, seller: &str, payment: u32, day: Day, allocations: &[Allocation<'_>]) {
        for allocation in allocations {
            let number = self.invoice_number(buyer, seller, allocation.invoice_id);
            self.payments[payment as usize].invoices.push(number);
            let share = Share { payment, amount: allocation.amount, day };
            self.change(number, |invoice| invoice.shares.push(share));
        }
    }

    fn invoice_number(&mut self, buyer: u32, seller: &str, id: Id<'_>) -> u32 {
        let next = self.invoices.len() as u32;
        let number = *self.places.entry(name(b"invoice", buyer, seller, id)).or_insert(next);
        if number == next {
            let (known, settled_on) = (None, None);
            let (is_cancelled, is_written_off) = (false, false);
            let shares = Vec::new();
            self.invoices.push(Invoice { buyer, known, is_cancelled, is_written_off, settled_on, shares });
        }
        number
    }

    fn payment_number(&mut self, buyer: u32, seller: &str, id: Id<'_>) -> u32 {
        let next = self.payments.len() as u32;
        let number = *self.places.entry(name(b"payment", buyer, seller, id)).or_insert(next);
        if number == next {
            self.payments.push(Payment::default());
        }
        number
    }

    /// Changes an invoice, and what its buyer's measures make of it.
    fn change(&mut self, number: u32, change: impl FnOnce(&mut Invoice)) {
        let before = self.invoices[number as usize].counted();
        change(&mut self.invoices[number as usize]);
        self.settle(number);
        let invoice = &self.invoices[number as usize];
        let (after, seen) = (invoice.counted(), &mut self.buyers[invoice.buyer as usize]);
        if before.delay_days != after.delay_days {
            if before.delay_days.is_some() {
                seen.remove(number);
            }
            if let Some(days) = after.delay_days {
                seen.add(number, days);
            }
        }
        if before.open_due != after.open_due {
            before.open_due.into_iter().for_each(|due| seen.set_open(due, false));
            after.open_due.into_iter().for_each(|due| seen.set_open(due, true));
        }
    }

    fn reckon_payment(&mut self, payment: u32) {
        let mut touched = self.payments[payment as usize].invoices.clone();
        touched.sort_unstable();
        touched.dedup();
        for number in touched {
            self.change(number, |_| {});
        }
    }

    /// Finds the day on which what counts of an invoice's shares, in order of their days, reached its amount.
    fn settle(&mut self, number: u32) {
        let invoice = &mut self.invoices[number as usize];
        let Some(known) = invoice.known else { return };
        invoice.shares.sort_by_key(|share| share.day);
        let payments = &self.payments;
        let counts = |share: &&Share| {
            share.payment == CREDIT_NOTE || {
                let payment = &payments[share.payment as usize];
                !payment.is_reversed && payment.currency == Some(known.currency)
            }
        };
        let mut paid = 0;
        let reached = invoice.shares.iter().filter(counts).find(|share| {
            paid += i128::from(share.amount.units());
            paid >= i128::from(known.amount.units())
        });
        invoice.settled_on = reached.map(|share| share.day);
    }
}

/// What an invoice is to its buyer's measures.
#[derive(PartialEq)]
struct Counted {
    delay_days: Option<i32>,
    open_due: Option<Day>,
}

impl Invoice {
    fn counted(&self) -> Counted {
        let known = self.known.filter(|_| !self.is_cancelled);
        let settled_on = self.settled_on;
        Counted {
            delay_days: known.and_then(|known| Some(settled_on?.since(known.due_on))),
            open_due: known.filter(|_| settled_on.is_none() && !self.is_written_off).map(|known| known.due_on),
        }
    }
}

fn first(noted: &mut Option<Instant>, time: Instant) {
    *noted = Some(noted.map_or(time, |earlier| earlier.min(time)));
}

fn name(kind: &[u8], buyer: u32, seller: &str, id: Id<'_>) -> u128 {
    stable_hash(&[kind, &buyer.to_le_bytes(), seller.as_bytes(), id.as_str().as_bytes()])
}

#[cfg(test)]
mod tests;
