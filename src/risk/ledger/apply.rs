//! Owns what each event does to a ledger: a few steps, none of which looks at how many documents there are.

use super::Ledger;
use super::invoice::{Absorbed, Absorption, Billing, Dispute, Standing};
use super::order::{Incident, Placing, Reported};
use super::payment::{CreditNote, LaterAllocation, Reversal, Share};
use super::settlement::{Seen, Settlement, SettlementTurn, Touch};
use super::slots::{InvoiceSlot, PaymentSlot, SellerNumber};
use crate::base::{Currency, Day, Sum};
use crate::event::input::{
    IncidentReported, InvoiceCredited, InvoiceIssued, OrderPlaced, PaymentAllocated, PaymentReceived,
};
use crate::event::{Allocation, Body, Event, Id};

impl Ledger {
    /// Applies a document that is not known yet, a mark or a fact about invoices, orders, payments and incidents.
    /// Other events leave the ledger as it is. What it settles, or settles no more, is left in `seen`.
    pub fn apply(&mut self, event: &Event<'_>, today: Day, seen: &mut Seen) {
        self.totals.start(today);
        seen.settlements.clear();
        seen.touch = Touch::Anything;
        match &event.body {
            Body::InvoiceIssued(said) => self.issue(said, today, seen),
            Body::InvoiceCredited(said) => self.credit(said),
            Body::InvoiceCancelled(said) => self.mark(said.seller_id, said.invoice_id, |invoice| invoice.cancel()),
            Body::InvoiceWrittenOff(said) => self.mark(said.seller_id, said.invoice_id, |invoice| invoice.write_off()),
            Body::InvoiceRescheduled(said) => {
                self.mark(said.seller_id, said.invoice_id, |invoice| invoice.reschedule(event, said.due_on));
            }
            Body::InvoiceDisputed(said) => {
                self.mark(said.seller_id, said.invoice_id, |invoice| invoice.dispute(event, Dispute::Open));
            }
            Body::InvoiceDisputeSettled(said) => {
                self.mark(said.seller_id, said.invoice_id, |invoice| invoice.dispute(event, Dispute::Settled));
            }
            Body::OrderPlaced(said) => {
                seen.touch = Touch::Exposure;
                self.place(said, event.time.day());
            }
            Body::OrderCancelled(said) => {
                let seller = self.documents.seller(said.seller_id);
                let slot = self.documents.order(seller, said.order_id.as_str());
                self.change_order(slot, super::order::Order::cancel);
                self.unlist_ended_holds();
            }
            Body::PaymentReceived(said) => self.receive(said, seen),
            Body::PaymentAllocated(said) => self.allocate_later(said, seen),
            Body::PaymentReversed(said) => {
                let seller = self.documents.seller(said.seller_id);
                let slot = self.documents.payment(seller, said.payment_id.as_str());
                self.reverse(slot, seen);
            }
            Body::IncidentReported(said) => self.report_incident(said, event.time.day()),
            _ => {}
        }
    }

    /// An invoice by its name, made as referred to where it is not there yet.
    pub fn refer_to_invoice(&mut self, seller_id: &str, invoice_id: &str) -> InvoiceSlot {
        let seller = self.documents.seller(seller_id);
        self.documents.invoice(seller, invoice_id)
    }

    fn mark(&mut self, seller_id: &str, invoice_id: Id<'_>, change: impl FnOnce(&mut super::Invoice)) {
        let slot = self.refer_to_invoice(seller_id, invoice_id.as_str());
        self.change(slot, change);
    }

    fn issue(&mut self, said: &InvoiceIssued<'_>, today: Day, seen: &mut Seen) {
        let seller = self.documents.seller(said.seller_id);
        let order = said.order_id.map(|id| self.documents.order(seller, id.as_str()));
        let slot = self.documents.invoice(seller, said.invoice_id.as_str());
        let billing = Billing::said(said, order);
        let (_, after) = self.change(slot, |invoice| invoice.bill(billing));
        let Some(after) = after else { return };
        if after.unapplied < Sum::ZERO {
            // Paid ahead of its arrival.
            let on = self.invoice(slot).absorbed_on();
            seen.settlements.push(settlement(&after, Sum::ZERO - after.unapplied, on));
        } else if after.due >= today && after.open == after.residual && !after.disputed {
            seen.touch = Touch::Exposure;
        }
    }

    fn credit(&mut self, said: &InvoiceCredited<'_>) {
        let seller = self.documents.seller(said.seller_id);
        let invoice = self.documents.invoice(seller, said.invoice_id.as_str());
        self.documents.add_credit_note(CreditNote {
            id: said.credit_note_id.as_str().into(),
            seller,
            invoice,
            amount: said.amount,
            credited_on: said.credited_on,
        });
        let absorption = Absorption { from: Absorbed::Credit, amount: said.amount, on: said.credited_on };
        self.change(invoice, |invoice| invoice.absorb(absorption));
    }

    fn place(&mut self, said: &OrderPlaced<'_>, on: Day) {
        let seller = self.documents.seller(said.seller_id);
        let slot = self.documents.order(seller, said.order_id.as_str());
        let placing = Placing { amount: said.amount, currency: said.currency, expected_on: said.expected_on };
        self.change_order(slot, |order| order.place(placing, on));
        self.unlist_ended_holds();
    }

    fn receive(&mut self, said: &PaymentReceived<'_>, seen: &mut Seen) {
        let seller = self.documents.seller(said.seller_id);
        let shares = self.shares(seller, said.allocations.unwrap_or_default());
        let slot = self.documents.payment(seller, said.payment_id.as_str());
        let payment = &mut self.documents.payments[slot.index()];
        payment.amount = said.amount;
        payment.currency = Some(said.currency);
        payment.received_on = said.received_on;
        payment.shares = shares;
        if payment.reversed == Reversal::Reversed {
            self.reversed.push(slot);
            return;
        }
        self.totals.of(said.currency).unapplied += said.amount.sum();
        self.each_share(slot, |ledger, share, on| ledger.pay(slot, said.currency, share, on, seen));
    }

    fn allocate_later(&mut self, said: &PaymentAllocated<'_>, seen: &mut Seen) {
        let seller = self.documents.seller(said.seller_id);
        let shares = self.shares(seller, said.allocations);
        let payment = self.documents.payment(seller, said.payment_id.as_str());
        let earlier = self.documents.payments[payment.index()].last_allocation;
        let slot = self.documents.add_allocation(LaterAllocation {
            id: said.allocation_id.as_str().into(),
            shares: shares.clone(),
            payment,
            earlier,
            allocated_on: said.allocated_on,
            seller,
        });
        let payment_now = &mut self.documents.payments[payment.index()];
        payment_now.last_allocation = Some(slot);
        if let Some(currency) = payment_now.counting() {
            for share in shares {
                self.pay(payment, currency, share, said.allocated_on, seen);
            }
        }
    }

    fn reverse(&mut self, slot: PaymentSlot, seen: &mut Seen) {
        let payment = &mut self.documents.payments[slot.index()];
        let counted = payment.counting();
        payment.reversed = Reversal::Reversed;
        let Some(currency) = counted else { return };
        let (amount, on) = (payment.amount.sum(), payment.received_on);
        self.totals.of(currency).unapplied -= amount;
        self.reversed.push(slot);
        for invoice in self.documents.invoices_of(slot) {
            let stands = self.change(invoice, |invoice| invoice.give_back(slot, currency));
            if let (Some(before), Some(after)) = stands
                && after.residual > before.residual
            {
                let (paid, turn) = (after.residual - before.residual, SettlementTurn::TakenBack);
                seen.settlements.push(Settlement { turn, ..settlement(&after, paid, on) });
            }
        }
    }

    fn report_incident(&mut self, said: &IncidentReported<'_>, on: Day) {
        self.documents.add_incident(Incident {
            id: said.incident_id.as_str().into(),
            reported: Reported {
                kind: said.kind,
                amount: said.amount,
                currency: said.currency,
                days_overdue: said.days_overdue,
            },
            reported_on: on,
        });
    }

    fn pay(&mut self, payment: PaymentSlot, currency: Currency, share: Share, on: Day, seen: &mut Seen) {
        let absorption = Absorption { from: Absorbed::Payment(payment, currency), amount: share.amount, on };
        let stands = self.change(share.invoice, |invoice| invoice.absorb(absorption));
        if let (Some(before), Some(after)) = stands
            && after.residual < before.residual
        {
            seen.settlements.push(settlement(&after, before.residual - after.residual, on));
        }
    }

    /// Shows every share of a payment with its day: its own, and those of the allocations made later.
    fn each_share(&mut self, slot: PaymentSlot, mut show: impl FnMut(&mut Ledger, Share, Day)) {
        let payment = &self.documents.payments[slot.index()];
        let (received_on, count, mut next) = (payment.received_on, payment.shares.len(), payment.last_allocation);
        for place in 0..count {
            let share = self.documents.payments[slot.index()].shares[place];
            show(self, share, received_on);
        }
        while let Some(allocation) = next {
            let later = &self.documents.allocations[allocation.index()];
            let (allocated_on, count, earlier) = (later.allocated_on, later.shares.len(), later.earlier);
            for place in 0..count {
                let share = self.documents.allocations[allocation.index()].shares[place];
                show(self, share, allocated_on);
            }
            next = earlier;
        }
    }

    /// Allocations as shares, sorted; invoices not there yet are made as referred to.
    fn shares(&mut self, seller: SellerNumber, said: &[Allocation<'_>]) -> Box<[Share]> {
        let mut shares: Box<[Share]> = said
            .iter()
            .map(|allocation| Share {
                invoice: self.documents.invoice(seller, allocation.invoice_id.as_str()),
                amount: allocation.amount,
            })
            .collect();
        shares.sort_unstable();
        shares
    }
}

/// What a payment on a day settled of an invoice that now stands like this.
fn settlement(after: &Standing, paid: Sum, on: Day) -> Settlement {
    let turn = if after.residual.is_zero() { SettlementTurn::Settled } else { SettlementTurn::PartlyPaid };
    Settlement { due: after.due, on, paid, billed: after.billed, currency: after.currency, turn }
}
