//! Owns what is asked of a ledger restored from bytes: that no document names another that is not there.

use super::documents::Documents;
use super::slots::{InvoiceSlot, OrderSlot, PaymentSlot, SellerNumber};
use super::{Invoice, Ledger};

impl Ledger {
    /// What is wrong with a restored ledger, if anything is: a place that nothing is at, or a list that a search would be
    /// lost in. That its sums are right nobody can see here: for that whoever keeps the bytes keeps a checksum.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let documents = &self.documents;
        if !documents.is_closed() {
            return Some("a document names another that is not there");
        }
        let mut reversed = self.reversed.iter();
        if !reversed.all(|slot| slot.index() < documents.payments.len()) {
            return Some("a payment was reversed that is not there");
        }
        (!self.lists_unpaid()).then_some("the list of unpaid invoices is not that of the invoices")
    }

    /// Whether the invoices with a residual are listed, each once, in order.
    fn lists_unpaid(&self) -> bool {
        let is_unpaid = |invoice: &Invoice| invoice.standing().is_some_and(|standing| !standing.residual.is_zero());
        let place = |slot: &InvoiceSlot| slot.index() < self.documents.invoices.len();
        let key = |slot: &InvoiceSlot| {
            let invoice = self.invoice(*slot);
            (invoice.issued_on(), self.documents.seller_id(invoice.seller), invoice.id.as_str())
        };
        self.unpaid.iter().all(place)
            && self.unpaid.iter().all(|slot| is_unpaid(self.invoice(*slot)))
            && self.unpaid.is_sorted_by(|one, next| key(one) < key(next))
            && self.documents.invoices.iter().filter(|invoice| is_unpaid(invoice)).count() == self.unpaid.len()
    }
}

impl Documents {
    /// Whether every document names only what is there. Of what is paid, a forgotten payment is as good as one.
    fn is_closed(&self) -> bool {
        let seller = |seller: SellerNumber| seller.index() < self.sellers.len();
        let invoice = |slot: InvoiceSlot| slot.index() < self.invoices.len();
        let order = |slot: OrderSlot| slot.index() < self.orders.len();
        let payment = |slot: PaymentSlot| slot.index() < self.payments.len();
        let paid_by = |slot: PaymentSlot| slot == PaymentSlot::FORGOTTEN || payment(slot);
        let invoices = self
            .invoices
            .iter()
            .all(|known| seller(known.seller) && known.order().is_none_or(order) && known.payments().all(paid_by));
        let credit_notes = self.credit_notes.iter().all(|note| seller(note.seller) && invoice(note.invoice));
        let payments = self.payments.iter().all(|known| {
            seller(known.seller)
                && known.shares.iter().all(|share| invoice(share.invoice))
                && known.last_allocation.is_none_or(|slot| slot.index() < self.allocations.len())
        });
        // An allocation names an earlier one, so that whoever follows them comes to an end.
        let allocations = self.allocations.iter().enumerate().all(|(place, later)| {
            seller(later.seller)
                && payment(later.payment)
                && later.shares.iter().all(|share| invoice(share.invoice))
                && later.earlier.is_none_or(|slot| slot.index() < place)
        });
        invoices && credit_notes && payments && allocations && self.orders.iter().all(|known| seller(known.seller))
    }
}
