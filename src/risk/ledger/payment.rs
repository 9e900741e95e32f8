//! Owns payments, what they are allocated to, and credit notes.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use super::slots::{AllocationSlot, InvoiceSlot, PaymentSlot, SellerNumber};
use crate::base::{Currency, Day, Money};

/// What of a payment goes to one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// The invoice.
    pub invoice: InvoiceSlot,
    /// How much, in the payment's currency.
    pub amount: Money,
}

/// A payment, known or only referred to so far: 48 bytes beside its id, and 16 a share.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Payment {
    /// Its id.
    pub id: CompactString,
    /// Its amount; 0 until the payment itself arrives.
    pub amount: Money,
    /// What it says itself that it pays, sorted.
    pub shares: Box<[Share]>,
    /// The newest of the allocations made later, each of which names the one before.
    pub last_allocation: Option<AllocationSlot>,
    /// The day on which it was received; [`Day::MIN`] until it arrives.
    pub received_on: Day,
    /// Its seller.
    pub seller: SellerNumber,
    /// Its currency; `None` until the payment itself arrives.
    pub currency: Option<Currency>,
    /// Whether it was reversed, for ever.
    pub reversed: Reversal,
}

/// Whether a payment was reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reversal {
    /// It stands.
    None,
    /// It was reversed.
    Reversed,
}

impl Payment {
    /// A payment that something refers to, or that is about to arrive.
    #[must_use]
    pub fn referred(id: &str, seller: SellerNumber) -> Payment {
        Payment {
            id: id.into(),
            amount: Money::ZERO,
            shares: Box::default(),
            last_allocation: None,
            received_on: Day::MIN,
            seller,
            currency: None,
            reversed: Reversal::None,
        }
    }

    /// Its currency, if it has arrived and stands.
    #[must_use]
    pub fn counting(&self) -> Option<Currency> {
        self.currency.filter(|_| self.reversed == Reversal::None)
    }
}

/// An allocation made after its payment: 36 bytes beside its id, and 16 a share.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct LaterAllocation {
    /// Its id.
    pub id: CompactString,
    /// What it pays, sorted.
    pub shares: Box<[Share]>,
    /// Its payment.
    pub payment: PaymentSlot,
    /// The allocation of the same payment that came before this one.
    pub earlier: Option<AllocationSlot>,
    /// Its day.
    pub allocated_on: Day,
    /// Its seller.
    pub seller: SellerNumber,
}

/// A credit note: 24 bytes beside its id.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct CreditNote {
    /// Its id.
    pub id: CompactString,
    /// What it credits, in the invoice's currency.
    pub amount: Money,
    /// The invoice.
    pub invoice: InvoiceSlot,
    /// Its day.
    pub credited_on: Day,
    /// Its seller.
    pub seller: SellerNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_documents_take_at_most_64_bytes_beside_their_id() {
        let id = size_of::<CompactString>();
        assert!(size_of::<Payment>() - id + size_of::<Share>() <= 64);
        assert!(size_of::<LaterAllocation>() - id + size_of::<Share>() <= 64);
        assert!(size_of::<CreditNote>() - id <= 64);
    }
}
