//! Owns an invoice: what was billed, what it absorbed, and how it stands.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use super::slots::{OrderSlot, PaymentSlot, SellerNumber};
use crate::base::{Currency, Day, Money, Sum};
use crate::event::Event;
use crate::event::input::InvoiceIssued;
use crate::risk::fact::Fact;

/// An invoice, known or only referred to so far: 64 bytes beside its id. A closed one stays as it is.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Invoice {
    /// Its id.
    pub id: CompactString,
    /// What was billed; 0 until the invoice itself arrives.
    amount: Money,
    /// The amount without tax; 0 where none was given.
    net: Money,
    /// The one payment that it absorbed, while there is no `extra`; 0 for none.
    allocated: Money,
    /// What few invoices have.
    extra: Option<Box<Extra>>,
    /// The day of issue.
    issued_on: Day,
    /// The due date as invoiced.
    due_on: Day,
    /// The latest day of what it absorbed.
    absorbed_on: Day,
    /// Where `allocated` comes from.
    paid_by: Option<PaymentSlot>,
    /// Its seller.
    pub seller: SellerNumber,
    /// The order that it bills.
    order: Option<OrderSlot>,
    /// Its currency; `None` until the invoice itself arrives.
    currency: Option<Currency>,
    mark: Mark,
}

/// What was said of an invoice for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Mark {
    None,
    WrittenOff,
    Cancelled,
    CancelledAndWrittenOff,
}

/// What few invoices have: several absorptions, credit notes, another due date, a dispute, or references ahead of the invoice.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
struct Extra {
    credits: Sum,
    allocated: Sum,
    absorptions: Vec<Absorption>,
    due: Option<Fact<Day>>,
    dispute: Option<Fact<Dispute>>,
}

/// Whether the buyer disputes an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Dispute {
    /// It does.
    Open,
    /// It no longer does.
    Settled,
}

/// What an invoice absorbs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Absorption {
    /// Where it comes from.
    pub from: Absorbed,
    /// How much.
    pub amount: Money,
    /// The day of the payment, allocation or credit note.
    pub on: Day,
}

/// Where an absorbed amount comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Absorbed {
    /// A credit note, in the invoice's currency.
    Credit,
    /// A payment in this currency.
    Payment(PaymentSlot, Currency),
}

/// What an `invoice.issued` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Billing {
    /// What is to be paid.
    pub amount: Money,
    /// The amount without tax.
    pub net: Option<Money>,
    /// The currency.
    pub currency: Currency,
    /// The day of issue.
    pub issued_on: Day,
    /// The due date.
    pub due_on: Day,
    /// The order that it bills.
    pub order: Option<OrderSlot>,
}

impl Billing {
    /// What an event says, whose order is at this place.
    #[must_use]
    pub fn said(said: &InvoiceIssued<'_>, order: Option<OrderSlot>) -> Billing {
        Billing {
            amount: said.amount,
            net: said.net_amount,
            currency: said.currency,
            issued_on: said.issued_on,
            due_on: said.due_on,
            order,
        }
    }
}

/// What a known invoice adds to its buyer's totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its currency.
    pub currency: Currency,
    /// Its due date, as rescheduled.
    pub due: Day,
    /// What was billed, 0 when cancelled.
    pub billed: Sum,
    /// What is left to be paid, written off or not.
    pub residual: Sum,
    /// What is open.
    pub open: Sum,
    /// Its part in what is paid or credited and not absorbed: credits - billed + residual.
    pub unapplied: Sum,
    /// Whether it is disputed.
    pub disputed: bool,
    /// The day on which it was settled, if it is.
    pub settled_on: Option<Day>,
}

impl Invoice {
    /// An invoice that something refers to, or that is about to be billed.
    #[must_use]
    pub fn referred(id: &str, seller: SellerNumber) -> Invoice {
        Invoice {
            id: id.into(),
            amount: Money::ZERO,
            net: Money::ZERO,
            allocated: Money::ZERO,
            extra: None,
            issued_on: Day::MIN,
            due_on: Day::MIN,
            absorbed_on: Day::MIN,
            paid_by: None,
            seller,
            order: None,
            currency: None,
            mark: Mark::None,
        }
    }

    /// What the invoice said when it arrived, if it has.
    #[must_use]
    pub fn billing(&self) -> Option<Billing> {
        self.currency.map(|currency| Billing {
            amount: self.amount,
            net: (self.net != Money::ZERO).then_some(self.net),
            currency,
            issued_on: self.issued_on,
            due_on: self.due_on,
            order: self.order,
        })
    }

    /// The day of issue; [`Day::MIN`] until the invoice arrives.
    #[must_use]
    #[inline]
    pub fn issued_on(&self) -> Day {
        self.issued_on
    }

    /// The due date as invoiced; [`Day::MIN`] until the invoice arrives.
    #[must_use]
    #[inline]
    pub fn due_on(&self) -> Day {
        self.due_on
    }

    /// The latest day of what it absorbed; [`Day::MIN`] while that is nothing.
    #[must_use]
    #[inline]
    pub fn absorbed_on(&self) -> Day {
        self.absorbed_on
    }

    /// The order that it bills.
    #[must_use]
    #[inline]
    pub fn order(&self) -> Option<OrderSlot> {
        self.order
    }

    /// The payments that it absorbed, or keeps until it arrives, as often as they brought something.
    pub fn payments(&self) -> impl Iterator<Item = PaymentSlot> {
        let absorptions = self.extra.iter().flat_map(|extra| &extra.absorptions);
        let several = absorptions.filter_map(|absorption| match absorption.from {
            Absorbed::Payment(slot, _) => Some(slot),
            Absorbed::Credit => None,
        });
        self.paid_by.into_iter().chain(several)
    }

    /// What it was billed at, and the part of it without tax: the share that cover reckons with.
    #[must_use]
    #[inline]
    pub fn net_share(&self) -> (Money, Money) {
        (if self.net == Money::ZERO { self.amount } else { self.net }, self.amount)
    }

    /// Whether the invoice itself has arrived.
    #[must_use]
    #[inline]
    pub fn is_known(&self) -> bool {
        self.currency.is_some()
    }

    /// Whether it was written off.
    #[must_use]
    #[inline]
    pub fn is_written_off(&self) -> bool {
        matches!(self.mark, Mark::WrittenOff | Mark::CancelledAndWrittenOff)
    }

    fn is_cancelled(&self) -> bool {
        matches!(self.mark, Mark::Cancelled | Mark::CancelledAndWrittenOff)
    }

    /// How it stands; `None` until the invoice arrives.
    #[must_use]
    #[inline]
    pub fn standing(&self) -> Option<Standing> {
        let currency = self.currency?;
        let (credits, allocated, due, disputed) = match &self.extra {
            None => (Sum::ZERO, self.allocated.sum(), self.due_on, false),
            Some(extra) => (
                extra.credits,
                extra.allocated,
                extra.due.as_ref().map_or(self.due_on, |due| *due.value()),
                extra.dispute.as_ref().is_some_and(|dispute| *dispute.value() == Dispute::Open),
            ),
        };
        let (billed, credits) = if self.is_cancelled() { (Sum::ZERO, Sum::ZERO) } else { (self.amount.sum(), credits) };
        let residual = (billed - credits - allocated).or_zero();
        let settled = residual.is_zero() && !self.is_cancelled();
        Some(Standing {
            currency,
            due,
            billed,
            residual,
            open: if self.is_written_off() { Sum::ZERO } else { residual },
            unapplied: credits - billed + residual,
            disputed,
            settled_on: settled.then_some(self.absorbed_on),
        })
    }

    /// The invoice arrives: what was kept for it and counts in its currency takes effect.
    pub fn bill(&mut self, billing: Billing) {
        self.amount = billing.amount;
        self.net = billing.net.unwrap_or_default();
        self.currency = Some(billing.currency);
        self.issued_on = billing.issued_on;
        self.due_on = billing.due_on;
        self.order = billing.order;
        let kept = self.extra.as_mut().map(|extra| std::mem::take(&mut extra.absorptions));
        for absorption in kept.into_iter().flatten() {
            self.absorb(absorption);
        }
    }

    /// Cancelled, for ever.
    pub fn cancel(&mut self) {
        self.mark = if self.is_written_off() { Mark::CancelledAndWrittenOff } else { Mark::Cancelled };
    }

    /// Written off, for ever.
    pub fn write_off(&mut self) {
        self.mark = if self.is_cancelled() { Mark::CancelledAndWrittenOff } else { Mark::WrittenOff };
    }

    /// Another due date, if `event` is the latest word on it.
    pub fn reschedule(&mut self, event: &Event<'_>, due_on: Day) {
        match &mut self.extra_mut().due {
            Some(fact) => fact.update(event, due_on),
            slot => *slot = Some(Fact::new(event, due_on)),
        }
    }

    /// Disputed or not, if `event` is the latest word on it.
    pub fn dispute(&mut self, event: &Event<'_>, dispute: Dispute) {
        match &mut self.extra_mut().dispute {
            Some(fact) => fact.update(event, dispute),
            slot => *slot = Some(Fact::new(event, dispute)),
        }
    }

    /// Takes a payment or a credit note. Until the invoice arrives it is kept; one in another currency counts for nothing.
    pub fn absorb(&mut self, absorption: Absorption) {
        let Some(currency) = self.currency else {
            self.extra_mut().absorptions.push(absorption);
            return;
        };
        match absorption.from {
            Absorbed::Payment(_, other) if other != currency => return,
            Absorbed::Payment(payment, _) if self.extra.is_none() && self.paid_by.is_none() => {
                self.allocated = absorption.amount;
                self.paid_by = Some(payment);
                self.absorbed_on = absorption.on;
                return;
            }
            Absorbed::Payment(..) => self.extra_mut().allocated += absorption.amount.sum(),
            Absorbed::Credit => self.extra_mut().credits += absorption.amount.sum(),
        }
        self.extra_mut().absorptions.push(absorption);
        self.absorbed_on = self.absorbed_on.max(absorption.on);
    }

    /// Gives back all that `payment`, in `currency`, brought.
    pub fn give_back(&mut self, payment: PaymentSlot, currency: Currency) {
        if self.currency.is_some_and(|own| own != currency) {
            return;
        }
        if self.paid_by == Some(payment) {
            (self.allocated, self.paid_by, self.absorbed_on) = (Money::ZERO, None, Day::MIN);
            return;
        }
        let Some(extra) = &mut self.extra else { return };
        let counts = self.currency.is_some();
        let (mut given_back, mut absorbed_on) = (Sum::ZERO, Day::MIN);
        extra.absorptions.retain(|absorption| {
            let from_it = matches!(absorption.from, Absorbed::Payment(slot, _) if slot == payment);
            if from_it {
                given_back += absorption.amount.sum();
            } else {
                absorbed_on = absorbed_on.max(absorption.on);
            }
            !from_it
        });
        if counts {
            extra.allocated -= given_back;
            self.absorbed_on = absorbed_on;
        }
    }

    /// Whether it is closed, and all that it says and absorbed is dated before a day.
    #[must_use]
    pub fn is_closed_before(&self, day: Day) -> bool {
        let closed = self.standing().is_some_and(|standing| standing.residual.is_zero());
        closed && self.issued_on < day && self.due_on < day && self.absorbed_on < day
    }

    /// Payments and orders moved to other places; a payment may be forgotten, what it paid stays paid.
    pub fn move_references(
        &mut self,
        payment: impl Fn(PaymentSlot) -> PaymentSlot,
        order: impl Fn(OrderSlot) -> Option<OrderSlot>,
    ) {
        self.order = self.order.and_then(order);
        self.paid_by = self.paid_by.map(&payment);
        for absorption in self.extra.iter_mut().flat_map(|extra| &mut extra.absorptions) {
            if let Absorbed::Payment(slot, _) = &mut absorption.from {
                *slot = payment(*slot);
            }
        }
    }

    /// What few invoices have, made where it is missing: a single payment moves into it.
    fn extra_mut(&mut self) -> &mut Extra {
        let (currency, on, amount) = (self.currency, self.absorbed_on, std::mem::take(&mut self.allocated));
        let paid_by = self.paid_by.take();
        let extra = self.extra.get_or_insert_default();
        if let (Some(payment), Some(currency)) = (paid_by, currency) {
            extra.allocated = amount.sum();
            extra.absorptions.push(Absorption { from: Absorbed::Payment(payment, currency), amount, on });
        }
        extra
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_takes_64_bytes_beside_its_id() {
        assert_eq!(size_of::<Invoice>() - size_of::<CompactString>(), 64);
    }
}
