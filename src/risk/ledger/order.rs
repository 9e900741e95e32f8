//! Owns orders, and what of them is billed; and incidents, which are kept to be known again.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use super::hold::{Hold, Holding};
use super::slots::SellerNumber;
use crate::base::{Currency, Day, Money, StoredSum, Sum};
use crate::event::IncidentKind;

/// An order, known or only referred to so far: 64 bytes beside its id.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Order {
    /// Its id.
    pub id: CompactString,
    amount: Money,
    /// What invoices bill of it in further currencies: hardly ever anything.
    billed_otherwise: Option<Box<BilledOtherwise>>,
    /// Room kept for it, or asked for, before it was placed.
    hold: Option<Box<Hold>>,
    /// What invoices bill of it, in the currency of the first of them.
    billed: StoredSum,
    billed_in: Option<Currency>,
    /// `None` until the order itself arrives.
    currency: Option<Currency>,
    /// [`Day::MIN`] where none was given.
    expected_on: Day,
    placed_on: Day,
    /// Its seller.
    pub seller: SellerNumber,
    /// Whether it was cancelled, for ever.
    pub cancelled: bool,
}

/// What invoices bill of an order in further currencies.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
struct BilledOtherwise(Vec<(Currency, Sum)>);

/// What an `order.placed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placing {
    /// Its amount.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
    /// When it is expected to be billed.
    pub expected_on: Option<Day>,
}

impl Order {
    /// An order that something refers to, or that is about to arrive.
    #[must_use]
    pub fn referred(id: &str, seller: SellerNumber) -> Order {
        Order {
            id: id.into(),
            amount: Money::ZERO,
            billed_otherwise: None,
            hold: None,
            billed: Sum::ZERO.into(),
            billed_in: None,
            currency: None,
            expected_on: Day::MIN,
            placed_on: Day::MIN,
            seller,
            cancelled: false,
        }
    }

    /// What the order said when it arrived, if it has.
    #[must_use]
    pub fn placing(&self) -> Option<Placing> {
        let expected_on = (self.expected_on != Day::MIN).then_some(self.expected_on);
        self.currency.map(|currency| Placing { amount: self.amount, currency, expected_on })
    }

    /// Whether nothing of it is left to be billed, and it was placed, or asked to be held, before a day. One that invoices
    /// alone name is kept by them, or not at all; one cancelled ahead of its arrival stays.
    #[must_use]
    pub fn is_closed_before(&self, day: Day) -> bool {
        if self.hold().is_some_and(|hold| hold.is_kept_from(day)) {
            return false;
        }
        let nothing_left = self.pending().is_none_or(|(_, pending)| pending.is_zero());
        let only_named = self.currency.is_none() && !self.cancelled;
        only_named || (self.currency.is_some() && nothing_left && self.placed_on < day)
    }

    /// Its hold, in force or not.
    #[must_use]
    pub fn hold(&self) -> Option<&Hold> {
        self.hold.as_deref()
    }

    /// What was asked to be held of it, if anything was.
    #[must_use]
    pub fn holding(&self) -> Option<Holding> {
        self.hold().map(Hold::said)
    }

    /// A hold is asked for.
    pub fn ask_hold(&mut self, hold: Hold) {
        self.hold = Some(Box::new(hold));
    }

    /// Its hold counts from now on.
    pub fn grant_hold(&mut self) {
        if let Some(hold) = &mut self.hold {
            hold.grant();
        }
    }

    /// Its hold no longer counts.
    pub fn end_hold(&mut self) {
        if let Some(hold) = &mut self.hold {
            hold.end();
        }
    }

    /// The order is cancelled, for ever.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.end_hold();
    }

    /// The order arrives, in the place of its hold.
    pub fn place(&mut self, placing: Placing, on: Day) {
        self.end_hold();
        self.amount = placing.amount;
        self.currency = Some(placing.currency);
        self.expected_on = placing.expected_on.unwrap_or(Day::MIN);
        self.placed_on = on;
    }

    /// Counts a change of what invoices in `currency` bill of it.
    pub fn bill(&mut self, currency: Currency, change: Sum) {
        if *self.billed_in.get_or_insert(currency) == currency {
            self.billed = (Sum::from(self.billed) + change).into();
            return;
        }
        let BilledOtherwise(others) = &mut **self.billed_otherwise.get_or_insert_default();
        match others.iter_mut().find(|(other, _)| *other == currency) {
            Some((_, sum)) => *sum += change,
            None => others.push((currency, change)),
        }
    }

    /// What is still to be billed, with its currency: of the order, or of its hold while that is in force.
    #[must_use]
    pub fn pending(&self) -> Option<(Currency, Sum)> {
        if self.cancelled {
            return None;
        }
        let held =
            || self.hold().filter(|hold| hold.is_in_force()).map(|hold| (hold.said().amount, hold.said().currency));
        let (amount, currency) = self.currency.map(|currency| (self.amount, currency)).or_else(held)?;
        Some((currency, self.unbilled(amount, currency)))
    }

    /// What of an amount in a currency is not billed yet.
    #[must_use]
    pub fn unbilled(&self, amount: Money, currency: Currency) -> Sum {
        let mut others = self.billed_otherwise.iter().flat_map(|others| others.0.iter());
        let billed = match self.billed_in == Some(currency) {
            true => self.billed.into(),
            false => others.find(|(other, _)| *other == currency).map_or(Sum::ZERO, |(_, sum)| *sum),
        };
        (amount.sum() - billed).or_zero()
    }
}

/// An incident: at most 64 bytes beside its id.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Incident {
    /// Its id.
    pub id: CompactString,
    /// What it says.
    pub reported: Reported,
    /// The day of the event.
    pub reported_on: Day,
}

/// What an `incident.reported` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reported {
    /// Its kind.
    pub kind: IncidentKind,
    /// The amount at stake.
    pub amount: Option<Money>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// How long it was overdue.
    pub days_overdue: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_documents_take_at_most_64_bytes_beside_their_id() {
        let id = size_of::<CompactString>();
        assert!(size_of::<Incident>() - id <= 64);
        assert!(size_of::<Order>() - id <= 64);
    }
}
