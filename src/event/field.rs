//! Owns the kinds of fields that inbound events are made of, and the two ports through which a codec reads and writes them.

use crate::base::stored::restored;
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};

/// An id: 1 to 128 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The longest id in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Takes a text as an id, if it is one.
    #[must_use]
    #[inline]
    pub fn parse(text: &'a str) -> Option<Id<'a>> {
        // Every byte is looked at, without an end on the way: so many are looked at together.
        let plain = text.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte));
        let fits = !text.is_empty() && text.len() <= Id::BYTES_MAX;
        (fits && (plain || !text.chars().any(char::is_control))).then_some(Id(text))
    }

    /// Its text.
    #[must_use]
    #[inline]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// Two letters A to Z: ISO 3166 alpha-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, borsh::BorshSerialize)]
pub struct Country([u8; 2]);

restored!(Country, [u8; 2], "country", Country::from_letters);

impl Country {
    /// Reads two letters A to Z.
    #[must_use]
    pub fn parse(text: &str) -> Option<Country> {
        Country::from_letters(text.as_bytes().try_into().ok()?)
    }

    fn from_letters(letters: [u8; 2]) -> Option<Country> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Country(letters))
    }

    /// Its two letters.
    ///
    /// # Panics
    /// Never: a country is made of ASCII letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country is ASCII letters")
    }
}

/// What of a payment goes to which invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allocation<'a> {
    /// The invoice, of the payment's seller.
    pub invoice_id: Id<'a>,
    /// The amount, in the payment's currency.
    pub amount: Money,
}

/// Declares an enumeration whose members have a name on the wire.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, borsh::BorshSerialize, borsh::BorshDeserialize)]
        pub enum $name { $($(#[$member_doc])* $member),* }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [$name] = &[$($name::$member),*];

            /// The member of this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$member),)* _ => None }
            }

            /// Its name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$member => $text),* }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// Which layer of cover a document grants, in the order in which layers are used.
    Layer {
        /// Cover of one order.
        SingleRisk = "single_risk",
        /// The primary insurer's limit on the buyer.
        Primary = "primary",
        /// A further limit above the primary one.
        TopUp = "top_up",
    }
}

named! {
    /// Whether the insurer knows the buyer by name.
    Segment {
        /// Insured under a limit of its own.
        Named = "named",
        /// Within the policy's blanket limit, or not insured.
        Unnamed = "unnamed",
    }
}

named! {
    /// The kind of insolvency procedure.
    Procedure {
        /// An agreed procedure ahead of insolvency: a warning, cover stays.
        Conciliation = "conciliation",
        /// Protection on the debtor's own demand.
        Safeguard = "safeguard",
        /// Administration by the court.
        Receivership = "receivership",
        /// Winding up.
        Liquidation = "liquidation",
    }
}

named! {
    /// The kind of incident reported by a bank, a court or a credit bureau.
    IncidentKind {
        /// A debt left unpaid.
        Unpaid = "unpaid",
        /// A payment that the bank refused.
        RejectedPayment = "rejected_payment",
        /// A bill of exchange protested.
        Protest = "protest",
        /// A law suit.
        Litigation = "litigation",
    }
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Absent or null is a `missing_field`.
    Needed,
    /// May be absent or null.
    Optional,
}

/// One field of an inbound type.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// Its name in `data`.
    pub name: &'static str,
    /// Whether it must be there.
    pub presence: Presence,
    /// What it holds.
    pub kind: FieldKind,
    /// What it means, in a sentence.
    pub doc: &'static str,
}

/// Declares the kinds of fields once: the enumeration, the reading port and the writing port.
macro_rules! field_kinds {
    ($($(#[$doc:meta])* $kind:ident, $method:ident: $type:ty;)*) => {
        /// The kind of a field: what it holds and which values it takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FieldKind { $($(#[$doc])* $kind),* }

        /// The port through which a codec hands over the fields of one record, by their place in the type's table.
        pub trait FieldReader<'a> {
            /// Why a field cannot be had.
            type Error;
            $($(#[$doc])*
            ///
            /// # Errors
            /// When the field is there and is not of this kind.
            fn $method(&mut self, index: usize) -> Result<Option<$type>, Self::Error>;)*
            /// The error for a needed field that is absent.
            fn missing(&self, index: usize) -> Self::Error;
        }

        /// The port through which a codec takes the fields of one record.
        pub trait FieldWriter<'a> {
            $($(#[$doc])*
            fn $method(&mut self, name: &'static str, value: $type);)*
        }
    };
}

field_kinds! {
    /// An id: 1 to 128 bytes of UTF-8, no control character.
    Id, id: Id<'a>;
    /// A seller: an id, or "" for none.
    Seller, seller: &'a str;
    /// Any string.
    Text, text: &'a str;
    /// Money over 0.
    Amount, amount: Money;
    /// Money of 0 or more.
    AmountOrZero, amount_or_zero: Money;
    /// Money of either sign, up to 10^18.
    SignedAmount, signed_amount: SignedMoney;
    /// A calendar day.
    Date, date: Day;
    /// An RFC 3339 instant with an offset.
    Instant, instant: Instant;
    /// Three letters A to Z.
    Currency, currency: Currency;
    /// 0 to 100, at most 4 decimals.
    Percent, percent: Percent;
    /// Over 0 and under 10^9, at most 12 decimals.
    Rate, rate: Rate;
    /// 0 to 1, kept in 10^-9.
    Share, share: u32;
    /// A whole number of days, 0 to 3650.
    Days, days: u16;
    /// A whole number, 1 (best) to 10 (in default).
    Grade, grade: u8;
    /// A whole number, 1 to 10^9.
    Version, version: u32;
    /// Two letters A to Z.
    Country, country: Country;
    /// `primary`, `top_up` or `single_risk`.
    Layer, layer: Layer;
    /// `named` or `unnamed`.
    Segment, segment: Segment;
    /// `conciliation`, `safeguard`, `receivership` or `liquidation`.
    Procedure, procedure: Procedure;
    /// `unpaid`, `rejected_payment`, `protest` or `litigation`.
    IncidentKind, incident_kind: IncidentKind;
    /// A list of allocations, possibly empty.
    Allocations, allocations: &'a [Allocation<'a>];
    /// A list of at least one allocation.
    SomeAllocations, some_allocations: &'a [Allocation<'a>];
}
