//! What is owed: a buyer's documents, their exact totals by currency, and their ageing. The order of arrival changes nothing.

mod apply;
mod arrears;
pub mod documents;
mod forget;
pub mod hold;
pub mod invoice;
mod known;
pub mod order;
pub mod payment;
mod restored;
pub mod settlement;
pub mod slots;
pub mod totals;
mod touching;

use borsh::{BorshDeserialize, BorshSerialize};

pub use arrears::Arrears;
pub use documents::Documents;
pub use hold::{Held, Hold, Holding};
pub use invoice::{Invoice, Standing};
pub use known::Known;
pub use settlement::{Seen, Settlement, SettlementTurn, Touch};
pub use slots::{InvoiceSlot, OrderSlot, PaymentSlot, SellerNumber};
pub use totals::{AGE_STARTS, AGES, Totals, TotalsByCurrency, bucket};

use crate::base::{Currency, Day, Sum};

/// What one buyer owes.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct Ledger {
    documents: Documents,
    totals: TotalsByCurrency,
    /// Invoices with a residual, written off or not, in the order in which cover looks at them: day of issue, seller, id.
    unpaid: Vec<InvoiceSlot>,
    /// Kept only where somebody asks: for a buyer with covers.
    arrears: Option<Box<Arrears>>,
    /// Payments reversed since the last judgement.
    reversed: Vec<PaymentSlot>,
    /// Orders whose hold is in force; `None`: there is none.
    held: Option<Box<Held>>,
}

impl Ledger {
    /// The documents.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Whether there is no document at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let documents = &self.documents;
        documents.invoices.is_empty()
            && documents.payments.is_empty()
            && documents.orders.is_empty()
            && documents.incidents.is_empty()
    }

    /// An invoice.
    #[must_use]
    #[inline]
    pub fn invoice(&self, slot: InvoiceSlot) -> &Invoice {
        &self.documents.invoices[slot.index()]
    }

    /// The totals by currency.
    #[must_use]
    #[inline]
    pub fn totals(&self) -> &[Totals] {
        self.totals.each()
    }

    /// Invoices with a residual, written off or not, with how they stand: by day of issue, seller and id.
    pub fn unpaid(&self) -> impl Iterator<Item = (InvoiceSlot, &Invoice, Standing)> {
        self.unpaid.iter().filter_map(|slot| {
            let invoice = self.invoice(*slot);
            Some((*slot, invoice, invoice.standing()?))
        })
    }

    /// The earliest due date, as invoiced, of the invoices with a residual.
    #[must_use]
    pub fn earliest_unpaid_due(&self) -> Option<Day> {
        self.unpaid.iter().map(|slot| self.invoice(*slot).due_on()).min()
    }

    /// The first and the last day of issue of the invoices with a residual.
    #[must_use]
    pub fn unpaid_issue_days(&self) -> Option<(Day, Day)> {
        let issued_on = |slot: &InvoiceSlot| self.invoice(*slot).issued_on();
        Some((issued_on(self.unpaid.first()?), issued_on(self.unpaid.last()?)))
    }

    /// Keeps late settlements of the past from now on: cover will ask for them.
    pub fn keep_arrears(&mut self) {
        self.arrears.get_or_insert_default();
    }

    /// Makes sure that the late settlements of the past all count in [`Ledger::arrears`], where they are kept.
    pub fn refresh_arrears(&mut self) {
        let invoices = &self.documents.invoices;
        if let Some(arrears) = &mut self.arrears {
            arrears.refresh(|| {
                invoices.iter().filter_map(|invoice| Some((invoice.due_on(), invoice.standing()?.settled_on?)))
            });
        }
    }

    /// The late settlements of the past; `None` before [`Ledger::keep_arrears`].
    #[must_use]
    pub fn arrears(&self) -> Option<&Arrears> {
        self.arrears.as_deref()
    }

    /// Takes the payments reversed since this was last asked.
    pub fn take_reversed(&mut self) -> Vec<PaymentSlot> {
        std::mem::take(&mut self.reversed)
    }

    /// Moves ageing to `today`.
    pub fn age(&mut self, today: Day) {
        let (documents, unpaid) = (&self.documents, &self.unpaid);
        self.totals.age(today, || unpaid.iter().filter_map(|slot| documents.invoices[slot.index()].standing()));
    }

    /// The totals, to be put back after somebody looked at them aged to another day: who looks leaves no trace.
    #[must_use]
    pub fn keep_totals(&self) -> TotalsByCurrency {
        self.totals.clone()
    }

    /// Puts back what [`Ledger::keep_totals`] gave.
    pub fn put_back_totals(&mut self, totals: TotalsByCurrency) {
        self.totals = totals;
    }

    /// The next day on which an open invoice passes into another class of age, as far as ageing has come.
    #[must_use]
    pub fn next_age_day(&self) -> Day {
        self.totals.ageing().until
    }

    /// Changes an invoice, and everything that counts it. Gives how it stood before and stands after.
    fn change(&mut self, slot: InvoiceSlot, change: impl FnOnce(&mut Invoice)) -> (Option<Standing>, Option<Standing>) {
        let invoice = &mut self.documents.invoices[slot.index()];
        let before = invoice.standing();
        change(invoice);
        let (after, order, due_on) = (invoice.standing(), invoice.order(), invoice.due_on());
        if before == after {
            return (before, after);
        }
        if let Some(before) = &before {
            self.totals.remove(before);
        }
        if let Some(after) = &after {
            self.totals.add(after);
        }
        self.note_settlement(due_on, before.and_then(|s| s.settled_on), after.and_then(|s| s.settled_on));
        let unpaid = |standing: Option<Standing>| standing.is_some_and(|standing| !standing.residual.is_zero());
        match (unpaid(before), unpaid(after)) {
            (false, true) => self.list_unpaid(slot),
            (true, false) => self.unlist_unpaid(slot),
            _ => {}
        }
        let billed = |standing: Option<Standing>| standing.map_or(Sum::ZERO, |standing| standing.billed);
        let billed_more = billed(after) - billed(before);
        if let (Some(order), Some(after), false) = (order, after, billed_more.is_zero()) {
            self.bill_order(order, after.currency, billed_more);
        }
        (before, after)
    }

    fn note_settlement(&mut self, due_on: Day, before: Option<Day>, after: Option<Day>) {
        let Some(arrears) = &mut self.arrears else { return };
        match (before, after) {
            (before, after) if before == after => {}
            (None, Some(settled_on)) => arrears.settled(due_on, settled_on),
            _ => arrears.unsettled(),
        }
    }

    fn list_unpaid(&mut self, slot: InvoiceSlot) {
        let place = self.unpaid_place(slot);
        if self.unpaid.len() == self.unpaid.capacity() {
            const STEP_MIN: usize = 2;
            self.unpaid.reserve_exact((self.unpaid.len() / 4).max(STEP_MIN));
        }
        self.unpaid.insert(place, slot);
    }

    fn unlist_unpaid(&mut self, slot: InvoiceSlot) {
        let place = self.unpaid_place(slot);
        assert_eq!(self.unpaid.get(place), Some(&slot), "an unpaid invoice is listed");
        self.unpaid.remove(place);
    }

    /// Where an invoice stands, or would stand, among the unpaid ones. New ones mostly stand at the end.
    fn unpaid_place(&self, slot: InvoiceSlot) -> usize {
        let key = |slot: InvoiceSlot| {
            let invoice = self.invoice(slot);
            (invoice.issued_on(), self.documents.seller_id(invoice.seller), invoice.id.as_str())
        };
        let own = key(slot);
        match self.unpaid.last() {
            Some(last) if key(*last) < own => self.unpaid.len(),
            _ => self.unpaid.partition_point(|other| key(*other) < own),
        }
    }

    fn bill_order(&mut self, slot: OrderSlot, currency: Currency, change: Sum) {
        self.change_order(slot, |order| order.bill(currency, change));
    }

    fn change_order(&mut self, slot: OrderSlot, change: impl FnOnce(&mut order::Order)) {
        let order = &mut self.documents.orders[slot.index()];
        let before = order.pending();
        change(order);
        let after = order.pending();
        if let Some((currency, pending)) = before {
            self.totals.of(currency).pending -= pending;
        }
        if let Some((currency, pending)) = after {
            self.totals.of(currency).pending += pending;
        }
    }
}
