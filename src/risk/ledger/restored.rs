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
        if !self.lists_held() {
            return Some("the list of holds is not that of the orders");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Currency, Day, Money};
    use crate::event::input::{InvoiceCredited, InvoiceIssued, OrderPlaced, PaymentAllocated, PaymentReceived};
    use crate::event::{Allocation, Body, Event, Id};
    use crate::risk::ledger::Seen;
    use crate::risk::ledger::slots::AllocationSlot;

    /// One of each: an invoice of an order, which a payment, an allocation and a credit note leave something of.
    fn ledger() -> Ledger {
        let (seller_id, id, day) = ("", Id::parse("1").expect("an id"), Day::from_number(20_000));
        let (amount, currency) = (Money::from_units(1000).expect("money"), Currency::parse("EUR").expect("a currency"));
        let part = Money::from_units(10).expect("money");
        let shares = [Allocation { invoice_id: id, amount: part }];
        let all = [
            Body::OrderPlaced(OrderPlaced { seller_id, order_id: id, amount, currency, expected_on: None }),
            Body::InvoiceIssued(InvoiceIssued {
                seller_id,
                invoice_id: id,
                amount,
                net_amount: None,
                currency,
                issued_on: day,
                due_on: day,
                order_id: Some(id),
            }),
            Body::PaymentReceived(PaymentReceived {
                seller_id,
                payment_id: id,
                amount,
                currency,
                received_on: day,
                allocations: Some(&shares),
            }),
            Body::PaymentAllocated(PaymentAllocated {
                seller_id,
                payment_id: id,
                allocation_id: id,
                allocated_on: day,
                allocations: &shares,
            }),
            Body::InvoiceCredited(InvoiceCredited {
                seller_id,
                invoice_id: id,
                credit_note_id: id,
                amount: part,
                credited_on: day,
            }),
        ];
        let mut ledger = Ledger::default();
        for body in all {
            let event = Event { time: day.start(), id: "e", source: "s", subject: "B", body };
            ledger.apply(&event, day, &mut Seen::default());
        }
        ledger
    }

    #[test]
    fn whatever_names_what_is_not_there_is_found() {
        assert_eq!(ledger().flaw(), None);
        let (seller, invoice, payment) = (SellerNumber::at(1), InvoiceSlot::at(1), PaymentSlot::at(1));
        let wrongs: [fn(&mut Ledger, SellerNumber, InvoiceSlot, PaymentSlot); 15] = [
            |ledger, seller, _, _| ledger.documents.invoices[0].seller = seller,
            |ledger, seller, _, _| ledger.documents.credit_notes[0].seller = seller,
            |ledger, seller, _, _| ledger.documents.payments[0].seller = seller,
            |ledger, seller, _, _| ledger.documents.allocations[0].seller = seller,
            |ledger, seller, _, _| ledger.documents.orders[0].seller = seller,
            |ledger, _, invoice, _| ledger.documents.credit_notes[0].invoice = invoice,
            |ledger, _, invoice, _| ledger.documents.payments[0].shares[0].invoice = invoice,
            |ledger, _, invoice, _| ledger.documents.allocations[0].shares[0].invoice = invoice,
            |ledger, _, _, payment| ledger.documents.allocations[0].payment = payment,
            |ledger, _, _, _| ledger.documents.allocations[0].earlier = Some(AllocationSlot::at(0)),
            |ledger, _, _, _| ledger.documents.payments[0].last_allocation = Some(AllocationSlot::at(1)),
            |ledger, _, _, _| ledger.documents.orders.clear(),
            |ledger, _, _, payment| ledger.documents.invoices[0].move_references(|_| payment, Some),
            |ledger, _, _, payment| ledger.reversed.push(payment),
            |ledger, _, invoice, _| ledger.unpaid[0] = invoice,
        ];
        for (number, wrong) in wrongs.into_iter().enumerate() {
            let mut ledger = ledger();
            wrong(&mut ledger, seller, invoice, payment);
            assert!(ledger.flaw().is_some(), "the wrong of number {number}");
        }
        let mut forgetful = ledger();
        forgetful.documents.invoices[0].move_references(|_| PaymentSlot::FORGOTTEN, Some);
        assert_eq!(forgetful.flaw(), None);
        let mut unlisted = ledger();
        unlisted.unpaid.clear();
        assert!(unlisted.flaw().is_some());
        let mut listed_twice = ledger();
        listed_twice.unpaid.push(InvoiceSlot::at(0));
        assert!(listed_twice.flaw().is_some());
    }
}
