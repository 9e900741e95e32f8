//! Owns which lines of a ledger an event is going to touch (see [`crate::risk::shard::ahead`]).

use super::Ledger;
use super::slots::{InvoiceSlot, SellerNumber};
use crate::event::{Allocation, Body};
use crate::risk::shard::ahead::touch;

/// Allocations of a payment that are looked ahead for.
const ALLOCATIONS_MAX: usize = 2;

impl Ledger {
    /// Fetches the totals, where the index will look for the documents that are named, and the ends of the lists.
    pub fn touch_lists(&self, body: &Body<'_>) {
        if let Some(totals) = self.totals().first() {
            touch(totals.currency);
            touch(totals.outstanding);
            touch(totals.written_off);
            touch(totals.overdue[1]);
            touch(totals.overdue[5]);
        }
        if let Some(last) = self.unpaid.last() {
            touch(*last);
        }
        let documents = &self.documents;
        if let Some(seller) = documents.sellers.first() {
            touch(seller.len());
        }
        // Most buyers have one seller; of another's documents the first look takes longer.
        let first = SellerNumber::at(0);
        match body {
            Body::InvoiceIssued(said) => documents.touch_invoice_index(first, said.invoice_id.as_str()),
            Body::PaymentReceived(said) => {
                documents.touch_payment_index(first, said.payment_id.as_str());
                for allocation in allocations(said.allocations) {
                    documents.touch_invoice_index(first, allocation.invoice_id.as_str());
                }
                if let Some(payment) = documents.payments.last() {
                    touch(payment.received_on);
                }
            }
            _ => {}
        }
    }

    /// Fetches the documents themselves.
    pub fn touch_documents(&self, body: &Body<'_>) {
        match body {
            Body::InvoiceIssued(_) => {
                if let Some(last) = self.unpaid.last() {
                    self.touch_invoice(*last);
                }
                if let Some(invoice) = self.documents.invoices.last() {
                    touch(invoice.seller);
                }
            }
            Body::PaymentReceived(said) => {
                for allocation in allocations(said.allocations) {
                    let seller = SellerNumber::at(0);
                    if let Some(slot) = self.documents.find_invoice(seller, allocation.invoice_id.as_str()) {
                        self.touch_invoice(slot);
                    }
                }
            }
            _ => {}
        }
    }

    fn touch_invoice(&self, slot: InvoiceSlot) {
        let invoice = self.invoice(slot);
        touch(invoice.id.len());
        touch(invoice.issued_on());
        touch(invoice.seller);
    }
}

fn allocations<'a>(said: Option<&'a [Allocation<'a>]>) -> impl Iterator<Item = &'a Allocation<'a>> {
    said.unwrap_or_default().iter().take(ALLOCATIONS_MAX)
}
