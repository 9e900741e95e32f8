//! Owns forgetting: documents that are closed and older than the retention go, and the rest closes ranks.
//!
//! Totals stay as they are: a forgotten invoice has nothing open, and what it absorbed stays absorbed. A document that is
//! kept keeps those that it names (an allocation its payment, a payment and a credit note their invoices, an invoice its
//! order), so that none ever names what is gone; only an invoice may outlive a payment, which then counts as
//! [`PaymentSlot::FORGOTTEN`].

use super::Ledger;
use super::payment::Reversal;
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
    /// Forgets closed documents dated before a day. Gives where invoices went, if anything was forgotten.
    pub fn forget(&mut self, before: Day) -> Option<Moved<InvoiceSlot>> {
        let incidents = self.documents.incidents.len();
        self.documents.incidents.retain(|incident| incident.reported_on >= before);
        let kept = self.kept(before);
        let all = [&kept.invoices, &kept.payments, &kept.allocations, &kept.credit_notes, &kept.orders];
        let all_kept = all.iter().all(|kinds| kinds.iter().all(|kept| *kept));
        if all_kept && self.documents.incidents.len() == incidents {
            return None;
        }
        self.remember_arrears(&kept, before);
        let invoices = moved(&kept.invoices, InvoiceSlot::at);
        self.close_ranks(&kept, &invoices);
        self.documents.reindex();
        Some(invoices)
    }

    /// What is young or open, and what that names.
    fn kept(&self, before: Day) -> Kept {
        let documents = &self.documents;
        let mut kept = Kept {
            invoices: documents.invoices.iter().map(|invoice| !invoice.is_closed_before(before)).collect(),
            payments: (0..documents.payments.len())
                .map(|place| !self.is_closed_before(PaymentSlot::at(place), before))
                .collect(),
            allocations: documents.allocations.iter().map(|later| later.allocated_on >= before).collect(),
            credit_notes: documents.credit_notes.iter().map(|note| note.credited_on >= before).collect(),
            orders: documents.orders.iter().map(|order| !order.is_closed_before(before)).collect(),
        };
        for (later, _) in documents.allocations.iter().zip(&kept.allocations).filter(|(_, kept)| **kept) {
            kept.payments[later.payment.index()] = true;
        }
        // A payment that is kept keeps its allocations, or it would look unspent.
        for (place, later) in documents.allocations.iter().enumerate() {
            kept.allocations[place] |= kept.payments[later.payment.index()];
        }
        let payments = documents.payments.iter().zip(&kept.payments).filter(|(_, kept)| **kept);
        let allocations = documents.allocations.iter().zip(&kept.allocations).filter(|(_, kept)| **kept);
        let shares = payments.flat_map(|(payment, _)| &payment.shares);
        let shares = shares.chain(allocations.flat_map(|(later, _)| &later.shares));
        let notes = documents.credit_notes.iter().zip(&kept.credit_notes).filter(|(_, kept)| **kept);
        for invoice in shares.map(|share| share.invoice).chain(notes.map(|(note, _)| note.invoice)) {
            kept.invoices[invoice.index()] = true;
        }
        for (invoice, _) in documents.invoices.iter().zip(&kept.invoices).filter(|(_, kept)| **kept) {
            if let Some(order) = invoice.order() {
                kept.orders[order.index()] = true;
            }
        }
        kept
    }

    /// Whether a payment was received before a day and nothing of it is pending: it is wholly spent on invoices that are
    /// there in its currency (what is unapplied can still be allocated, or go back), or it was reversed and what it had
    /// paid is settled otherwise.
    fn is_closed_before(&self, slot: PaymentSlot, day: Day) -> bool {
        let payment = &self.documents.payments[slot.index()];
        let Some(currency) = payment.currency.filter(|_| payment.received_on < day) else { return false };
        let mut standings =
            self.documents.invoices_of(slot).into_iter().map(|invoice| self.invoice(invoice).standing());
        match payment.reversed {
            Reversal::Reversed => {
                standings.all(|standing| standing.is_some_and(|standing| standing.residual.is_zero()))
            }
            Reversal::None => {
                let lands = standings.all(|standing| standing.is_some_and(|standing| standing.currency == currency));
                lands && self.documents.allocated_of(slot) >= payment.amount.sum()
            }
        }
    }

    /// That a forgotten invoice was settled late still bars the cover of what was issued meanwhile.
    fn remember_arrears(&mut self, kept: &Kept, before: Day) {
        let arrears = self.arrears.get_or_insert_default();
        for (invoice, _) in self.documents.invoices.iter().zip(&kept.invoices).filter(|(_, kept)| !**kept) {
            if let Some(settled_on) = invoice.standing().and_then(|standing| standing.settled_on) {
                arrears.forgotten(invoice.due_on(), settled_on);
            }
        }
        let invoices = self.documents.invoices.iter().zip(&kept.invoices);
        let oldest = invoices.filter(|(invoice, kept)| **kept && invoice.is_known()).map(|(i, _)| i.issued_on()).min();
        // Nothing issued before `before` can arrive any more.
        arrears.forget_before(oldest.unwrap_or(Day::MAX).min(before));
        arrears.unsettled();
    }

    fn close_ranks(&mut self, kept: &Kept, invoices: &Moved<InvoiceSlot>) {
        let payments = moved(&kept.payments, PaymentSlot::at);
        let allocations = moved(&kept.allocations, AllocationSlot::at);
        let orders = moved(&kept.orders, OrderSlot::at);
        let invoice_at = |slot: InvoiceSlot| invoices[slot.index()].expect("what is kept names what is kept");
        let payment_at = |slot: PaymentSlot| match slot {
            PaymentSlot::FORGOTTEN => slot,
            _ => payments[slot.index()].unwrap_or(PaymentSlot::FORGOTTEN),
        };
        let documents = &mut self.documents;
        retain(&mut documents.invoices, &kept.invoices);
        retain(&mut documents.payments, &kept.payments);
        retain(&mut documents.allocations, &kept.allocations);
        retain(&mut documents.credit_notes, &kept.credit_notes);
        retain(&mut documents.orders, &kept.orders);
        for invoice in &mut documents.invoices {
            invoice.move_references(payment_at, |slot| orders[slot.index()]);
        }
        for payment in &mut documents.payments {
            payment.shares.iter_mut().for_each(|share| share.invoice = invoice_at(share.invoice));
            payment.last_allocation = payment.last_allocation.and_then(|slot| allocations[slot.index()]);
        }
        for later in &mut documents.allocations {
            later.shares.iter_mut().for_each(|share| share.invoice = invoice_at(share.invoice));
            later.payment = payment_at(later.payment);
            later.earlier = later.earlier.and_then(|slot| allocations[slot.index()]);
        }
        for note in &mut documents.credit_notes {
            note.invoice = invoice_at(note.invoice);
        }
        self.unpaid.iter_mut().for_each(|slot| *slot = invoice_at(*slot));
        self.move_held(|slot| orders[slot.index()].expect("an order whose hold is in force is kept"));
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
