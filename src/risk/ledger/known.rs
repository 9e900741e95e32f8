//! Owns the question whether a document is known already, with the same content or another.

use super::Ledger;
use super::hold::Holding;
use super::invoice::Billing;
use super::order::{Placing, Reported};
use super::payment::Share;
use super::slots::SellerNumber;
use crate::event::input::{
    IncidentReported, InvoiceCredited, InvoiceIssued, OrderHeld, OrderPlaced, PaymentAllocated, PaymentReceived,
};
use crate::event::{Allocation, Body};

/// Whether a document is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is new, or no document at all.
    New,
    /// It is known with the same content.
    Same,
    /// It is known with other content.
    Other,
}

impl Known {
    /// Compares what is known, if anything is, with what is said now.
    pub fn compare<T: PartialEq>(known: Option<T>, said: &T) -> Known {
        match known {
            None => Known::New,
            Some(known) if known == *said => Known::Same,
            Some(_) => Known::Other,
        }
    }
}

impl Ledger {
    /// Whether the document that `body` brings is known already. Covers are known elsewhere.
    #[must_use]
    pub fn known(&self, body: &Body<'_>) -> Known {
        let found = match body {
            Body::InvoiceIssued(said) => self.known_invoice(said),
            Body::InvoiceCredited(said) => self.known_credit_note(said),
            Body::OrderPlaced(said) => self.known_order(said),
            Body::OrderHeld(said) => self.known_hold(said),
            Body::PaymentReceived(said) => self.known_payment(said),
            Body::PaymentAllocated(said) => self.known_allocation(said),
            Body::IncidentReported(said) => self.known_incident(said),
            _ => None,
        };
        found.unwrap_or(Known::New)
    }

    fn known_invoice(&self, said: &InvoiceIssued<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let known = self.invoice(self.documents.find_invoice(seller, said.invoice_id.as_str())?).billing()?;
        let order = said.order_id.map(|id| self.documents.find_order(seller, id.as_str()));
        let Ok(order) = order.map_or(Ok(None), |slot| slot.map(Some).ok_or(())) else {
            // It names an order that no document of the buyer ever named.
            return Some(Known::Other);
        };
        let billing = Billing::said(said, order);
        Some(Known::compare(Some(known), &billing))
    }

    fn known_credit_note(&self, said: &InvoiceCredited<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let slot = self.documents.find_credit_note(seller, said.credit_note_id.as_str())?;
        let known = &self.documents.credit_notes[slot.index()];
        let invoice = self.documents.find_invoice(seller, said.invoice_id.as_str());
        let content = (Some(known.invoice), known.amount, known.credited_on);
        Some(Known::compare(Some(content), &(invoice, said.amount, said.credited_on)))
    }

    fn known_order(&self, said: &OrderPlaced<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let slot = self.documents.find_order(seller, said.order_id.as_str())?;
        let placing = Placing { amount: said.amount, currency: said.currency, expected_on: said.expected_on };
        Some(Known::compare(self.documents.orders[slot.index()].placing(), &placing))
    }

    fn known_hold(&self, said: &OrderHeld<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let slot = self.documents.find_order(seller, said.order_id.as_str())?;
        Some(Known::compare(self.documents.orders[slot.index()].holding(), &Holding::said(said)))
    }

    fn known_payment(&self, said: &PaymentReceived<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let slot = self.documents.find_payment(seller, said.payment_id.as_str())?;
        let known = &self.documents.payments[slot.index()];
        known.currency?;
        let content = (known.amount, known.currency, known.received_on);
        let same_shares = self.same_shares(seller, &known.shares, said.allocations.unwrap_or_default());
        let same = content == (said.amount, Some(said.currency), said.received_on) && same_shares;
        Some(if same { Known::Same } else { Known::Other })
    }

    fn known_allocation(&self, said: &PaymentAllocated<'_>) -> Option<Known> {
        let seller = self.documents.find_seller(said.seller_id)?;
        let slot = self.documents.find_allocation(seller, said.allocation_id.as_str())?;
        let known = &self.documents.allocations[slot.index()];
        let same_payment = self.documents.find_payment(seller, said.payment_id.as_str()) == Some(known.payment);
        let same_shares = self.same_shares(seller, &known.shares, said.allocations);
        let same = same_payment && known.allocated_on == said.allocated_on && same_shares;
        Some(if same { Known::Same } else { Known::Other })
    }

    fn known_incident(&self, said: &IncidentReported<'_>) -> Option<Known> {
        let slot = self.documents.find_incident(said.incident_id.as_str())?;
        let reported =
            Reported { kind: said.kind, amount: said.amount, currency: said.currency, days_overdue: said.days_overdue };
        Some(Known::compare(Some(self.documents.incidents[slot.index()].reported), &reported))
    }

    /// Whether allocations, in any order, are the shares that are known (which are sorted).
    fn same_shares(&self, seller: SellerNumber, known: &[Share], said: &[Allocation<'_>]) -> bool {
        let share = |allocation: &Allocation<'_>| {
            let invoice = self.documents.find_invoice(seller, allocation.invoice_id.as_str())?;
            Some(Share { invoice, amount: allocation.amount })
        };
        let said: Option<Vec<Share>> = said.iter().map(share).collect();
        said.is_some_and(|mut said| {
            said.sort_unstable();
            said == known
        })
    }
}
