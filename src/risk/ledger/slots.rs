//! Owns the places of a buyer's documents: where each is kept, by kind, so that one kind's place cannot be taken for another's.

use std::num::NonZeroU32;

use borsh::{BorshDeserialize, BorshSerialize};

macro_rules! slots {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The place at `index` of its list.
            ///
            /// # Panics
            /// Beyond 4 billion documents of one buyer.
            #[must_use]
            #[inline]
            pub fn at(index: usize) -> $name {
                let next = u32::try_from(index + 1).expect("a buyer has under 4 billion documents");
                $name(NonZeroU32::new(next).expect("one more than an index is not 0"))
            }

            /// Its index in its list.
            #[must_use]
            #[inline]
            pub const fn index(self) -> usize {
                self.0.get() as usize - 1
            }
        }
    )*};
}

impl PaymentSlot {
    /// The place of a payment that was forgotten: what it paid stays paid.
    pub const FORGOTTEN: PaymentSlot = PaymentSlot(NonZeroU32::MAX);
}

slots! {
    /// A seller among the buyer's sellers.
    SellerNumber
    /// An invoice.
    InvoiceSlot
    /// A credit note.
    CreditNoteSlot
    /// A payment.
    PaymentSlot
    /// An allocation made after its payment.
    AllocationSlot
    /// An order.
    OrderSlot
    /// An incident.
    IncidentSlot
}
