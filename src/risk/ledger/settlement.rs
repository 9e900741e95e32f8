//! Owns what an event settled, or settled no more: what a look at payment behaviour needs of it.

use crate::base::{Currency, Day, Sum};

/// What an event did to a ledger, as far as payment behaviour goes. Used again from event to event.
#[derive(Debug, Default)]
pub struct Seen {
    /// What it settled, or settled no more.
    pub settlements: Vec<Settlement>,
    /// What else it may have touched.
    pub touch: Touch,
}

/// What an event may have touched of what a score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touch {
    /// Exposure alone.
    #[default]
    Exposure,
    /// Anything.
    Anything,
}

/// A part of an invoice that was paid, or whose payment was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The invoice's due date, as rescheduled.
    pub due: Day,
    /// The day of the payment.
    pub on: Day,
    /// What was paid of it, in the invoice's currency.
    pub paid: Sum,
    /// What was billed.
    pub billed: Sum,
    /// The currency.
    pub currency: Currency,
    /// What became of the invoice.
    pub turn: SettlementTurn,
}

/// What a payment, or its end, made of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementTurn {
    /// It is settled.
    Settled,
    /// A part of it is still open.
    PartlyPaid,
    /// It is open again: the payment was reversed.
    TakenBack,
}

impl Settlement {
    /// How late it was paid, in days; negative where it was early.
    #[must_use]
    pub fn delay_days(&self) -> i32 {
        self.on.since(self.due)
    }
}
