//! Owns forgetting: documents that are closed and older than the retention go, and the rest closes ranks.
//!
//! Totals stay as they are: a forgotten invoice has nothing open, and what it absorbed stays absorbed.

use super::Ledger;
use super::slots::{AllocationSlot, InvoiceSlot, OrderSlot, PaymentSlot};
use crate::base::Day;

/// Where each document of a kind went: its new place, or none where it is forgotten.
pub type Moved<T> = Vec<Option<T>>;

/// Which documents are kept, by their places.
struct Kept {
    invoices: Vec<bool>,
    payments: Vec<bool>,
    allocations: Vec<bool>,
    credit_notes: Vec<bool>,
    orders: Vec<bool>,
}

impl Ledger {
    /// Forgets closed documents dated before a day, with everything they refer to and that refers to them; a document that
    /// is young or open keeps those it is tied to. Gives where invoices went, if anything was forgotten.
    pub fn forget(&mut self, before: Day) -> Option<Moved<InvoiceSlot>> {
        // What was settled while an open invoice was issued may still bar its cover.
        let oldest_open = self.unpaid.first().map_or(Day::MAX, |slot| self.invoice(*slot).issued_on());
        let before = before.min(oldest_open);
        let kept = self.kept(before);
        self.documents.incidents.retain(|incident| incident.reported_on >= before);
        let all = [&kept.invoices, &kept.payments, &kept.allocations, &kept.credit_notes, &kept.orders];
        if all.iter().all(|kinds| kinds.iter().all(|kept| *kept)) {
            self.documents.reindex();
            return None;
        }
        let invoices = moved(&kept.invoices, InvoiceSlot::at);
        self.close_ranks(&kept, &invoices);
        self.documents.reindex();
        self.arrears.unsettled();
        Some(invoices)
    }

    /// What is young or open, and what is tied to it.
    fn kept(&self, before: Day) -> Kept {
        let documents = &self.documents;
        let mut kept = Kept {
            invoices: documents.invoices.iter().map(|invoice| !invoice.is_closed_before(before)).collect(),
            payments: documents.payments.iter().map(|payment| payment.received_on >= before).collect(),
            allocations: documents.allocations.iter().map(|later| later.allocated_on >= before).collect(),
            credit_notes: documents.credit_notes.iter().map(|note| note.credited_on >= before).collect(),
            orders: documents.orders.iter().map(|order| !order.is_closed_before(before)).collect(),
        };
        // A payment without a date was only referred to: it may still arrive.
        for (kept, payment) in kept.payments.iter_mut().zip(&documents.payments) {
            *kept |= payment.currency.is_none();
        }
        while self.keep_tied(&mut kept) {}
        kept
    }

    /// Keeps what is tied to something kept; tells whether that was anything more.
    fn keep_tied(&self, kept: &mut Kept) -> bool {
        let documents = &self.documents;
        let mut more = false;
        let mut tie = |a: &mut bool, b: &mut bool| {
            more |= *a != *b;
            (*a, *b) = (*a || *b, *a || *b);
        };
        for (place, note) in documents.credit_notes.iter().enumerate() {
            tie(&mut kept.credit_notes[place], &mut kept.invoices[note.invoice.index()]);
        }
        for (place, payment) in documents.payments.iter().enumerate() {
            for share in &payment.shares {
                tie(&mut kept.payments[place], &mut kept.invoices[share.invoice.index()]);
            }
        }
        for (place, later) in documents.allocations.iter().enumerate() {
            tie(&mut kept.allocations[place], &mut kept.payments[later.payment.index()]);
            for share in &later.shares {
                tie(&mut kept.allocations[place], &mut kept.invoices[share.invoice.index()]);
            }
        }
        for (place, invoice) in documents.invoices.iter().enumerate() {
            if let Some(order) = invoice.order() {
                tie(&mut kept.invoices[place], &mut kept.orders[order.index()]);
            }
        }
        more
    }

    fn close_ranks(&mut self, kept: &Kept, invoices: &Moved<InvoiceSlot>) {
        let payments = moved(&kept.payments, PaymentSlot::at);
        let allocations = moved(&kept.allocations, AllocationSlot::at);
        let orders = moved(&kept.orders, OrderSlot::at);
        let invoice_at = |slot: InvoiceSlot| invoices[slot.index()].expect("what is kept refers to what is kept");
        let documents = &mut self.documents;
        retain(&mut documents.invoices, &kept.invoices);
        retain(&mut documents.payments, &kept.payments);
        retain(&mut documents.allocations, &kept.allocations);
        retain(&mut documents.credit_notes, &kept.credit_notes);
        retain(&mut documents.orders, &kept.orders);
        for invoice in &mut documents.invoices {
            invoice.move_references(|slot| payments[slot.index()], |slot| orders[slot.index()]);
        }
        for payment in &mut documents.payments {
            payment.shares.iter_mut().for_each(|share| share.invoice = invoice_at(share.invoice));
            payment.last_allocation = payment.last_allocation.and_then(|slot| allocations[slot.index()]);
        }
        for later in &mut documents.allocations {
            later.shares.iter_mut().for_each(|share| share.invoice = invoice_at(share.invoice));
            later.payment = payments[later.payment.index()].expect("what is kept refers to what is kept");
            later.earlier = later.earlier.and_then(|slot| allocations[slot.index()]);
        }
        for note in &mut documents.credit_notes {
            note.invoice = invoice_at(note.invoice);
        }
        self.unpaid.iter_mut().for_each(|slot| *slot = invoice_at(*slot));
        self.reversed = self.reversed.iter().filter_map(|slot| payments[slot.index()]).collect();
    }
}

fn moved<T>(kept: &[bool], slot: fn(usize) -> T) -> Moved<T> {
    let mut next = 0;
    kept.iter()
        .map(|kept| {
            kept.then(|| {
                next += 1;
                slot(next - 1)
            })
        })
        .collect()
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    list.retain(|_| kept.next().is_some_and(|kept| *kept));
    list.shrink_to_fit();
}
