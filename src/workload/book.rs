//! Owns the day's book: what happens on a day, noted in a few bytes each, and the little disorder in which it arrives.

use super::calendar::DayIndex;
use super::random::Draws;
use crate::base::Currency;
use crate::event::{IncidentKind, Layer, Procedure};

/// Seconds in a day.
pub const DAY_SECONDS: u32 = 86_400;
/// Of all events, those that arrive late, in thousandths.
pub const LATE_PER_MILLE: u32 = 2;
/// Of all events, those that arrive twice, in thousandths.
pub const TWICE_PER_MILLE: u32 = 1;
/// The longest that an event is late, in seconds: two days.
pub const LATE_SECONDS_MAX: u32 = 2 * DAY_SECONDS;

/// A document's number within its buyer and the year of its issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Document(u32);

impl Document {
    const NUMBER_BITS: u32 = 24;

    /// The document of a number, issued so many years after the history's first.
    #[must_use]
    pub fn new(years: u8, number: u32) -> Document {
        Document(u32::from(years) << Document::NUMBER_BITS | (number & ((1 << Document::NUMBER_BITS) - 1)))
    }

    /// The document in 32 bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The document of its bits.
    #[must_use]
    pub fn from_bits(bits: u32) -> Document {
        Document(bits)
    }

    /// Years from the first of the history to that of its issue.
    #[must_use]
    pub fn years(self) -> u8 {
        (self.0 >> Document::NUMBER_BITS) as u8
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0 & ((1 << Document::NUMBER_BITS) - 1)
    }
}

/// What of a payment goes to an invoice, in cents.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The invoice.
    pub invoice: Document,
    /// The amount.
    pub cents: i64,
}

/// A run of parts in the day's book.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    start: u32,
    count: u32,
}

/// What happened. Amounts of documents are in cents, limits and covers in whole units.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields are those of the contract's types")]
pub enum What {
    InvoiceIssued { invoice: Document, cents: i64, net_cents: Option<i64>, due: DayIndex, order: Option<Document> },
    InvoiceCredited { invoice: Document, note: Document, cents: i64 },
    InvoiceCancelled { invoice: Document },
    InvoiceWrittenOff { invoice: Document, reason: &'static str },
    InvoiceRescheduled { invoice: Document, due: DayIndex },
    InvoiceDisputed { invoice: Document, reason: &'static str },
    InvoiceDisputeSettled { invoice: Document },
    OrderPlaced { order: Document, cents: i64, expected: DayIndex },
    OrderCancelled { order: Document },
    PaymentReceived { payment: Document, cents: i64, parts: Parts },
    PaymentAllocated { payment: Document, allocation: Document, parts: Parts },
    PaymentReversed { payment: Document, reason: &'static str },
    LimitSet { amount: u32, reason: &'static str },
    LimitRemoved,
    CoverGranted { cover: u8, terms: CoverTerms },
    CoverAmended { cover: u8, amount: u32, effective: DayIndex },
    CoverWithdrawn { cover: u8, effective: DayIndex },
    CoverDeclared { cover: u8, invoice: Document },
    BuyerDescribed,
    RatingChanged { agency: &'static str, grade: u8 },
    FinancialsPublished { sales: u64, health: u8, spread: u8 },
    InsolvencyOpened { procedure: Procedure },
    InsolvencyClosed,
    IncidentReported { incident: Document, kind: IncidentKind, amount: u32, days_overdue: u16 },
}

/// What an insurer grants.
#[derive(Debug, Clone, Copy)]
pub struct CoverTerms {
    /// The layer.
    pub layer: Layer,
    /// What it insures at most.
    pub amount: u32,
    /// The first day of issue, which may lie before the history.
    pub valid_from: i16,
    /// The last day of issue.
    pub valid_to: Option<DayIndex>,
    /// The order that it insures.
    pub order: Option<Document>,
}

/// One thing that happened, and when it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Note {
    /// The second of the book's day in which it arrives.
    pub arrival: u32,
    /// The day on which it happened.
    pub day: DayIndex,
    /// The second of that day.
    pub second: u32,
    /// The buyer.
    pub buyer: u32,
    /// Its number among the buyer's events.
    pub event: u32,
    /// The seller whose document it is about.
    pub seller: Option<u8>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What happened.
    pub what: What,
}

/// An event on its way to a later day.
#[derive(Debug)]
struct Late {
    day: DayIndex,
    note: Note,
    parts: Vec<Part>,
}

/// What arrives on a day.
#[derive(Debug, Default)]
pub struct DayBook {
    notes: Vec<Note>,
    parts: Vec<Part>,
    late: Vec<Late>,
}

impl DayBook {
    /// Begins a day with what is late from earlier ones.
    pub fn begin(&mut self, day: DayIndex) {
        self.notes.clear();
        self.parts.clear();
        for late in self.late.extract_if(.., |late| late.day <= day) {
            let start = self.parts.len() as u32;
            self.parts.extend_from_slice(&late.parts);
            let mut note = late.note;
            if let What::PaymentReceived { parts, .. } | What::PaymentAllocated { parts, .. } = &mut note.what {
                parts.start = start;
            }
            self.notes.push(note);
        }
    }

    /// Notes what arrives as it happens.
    pub fn add(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Notes what happened today; now and then it arrives late, or twice.
    #[inline]
    pub fn add_with_disorder(&mut self, note: Note, draws: &mut Draws) {
        let roll = draws.below(1000);
        if roll >= LATE_PER_MILLE {
            self.notes.push(note);
        }
        if roll < LATE_PER_MILLE + TWICE_PER_MILLE {
            // Most are minutes late, some days.
            let longest = if draws.happens(700) { 3600 } else { LATE_SECONDS_MAX };
            self.add_later(note, 1 + draws.below(longest));
        }
    }

    fn add_later(&mut self, note: Note, late_seconds: u32) {
        let arrival = note.second + late_seconds;
        let (days, arrival) = (arrival / DAY_SECONDS, arrival % DAY_SECONDS);
        let note = Note { arrival, ..note };
        if days == 0 {
            self.notes.push(note);
            return;
        }
        let parts = match note.what {
            What::PaymentReceived { parts, .. } | What::PaymentAllocated { parts, .. } => self.parts(parts).to_vec(),
            _ => Vec::new(),
        };
        self.late.push(Late { day: note.day + days as DayIndex, note, parts });
    }

    /// Keeps the parts of a payment.
    pub fn keep_parts(&mut self, parts: &[Part]) -> Parts {
        let start = self.parts.len() as u32;
        self.parts.extend_from_slice(parts);
        Parts { start, count: parts.len() as u32 }
    }

    /// The parts of a payment.
    #[must_use]
    pub fn parts(&self, parts: Parts) -> &[Part] {
        &self.parts[parts.start as usize..(parts.start + parts.count) as usize]
    }

    /// Puts the day in order of arrival.
    pub fn sort(&mut self) {
        self.notes.sort_unstable_by_key(|note| (note.arrival, note.buyer, note.event));
    }

    /// The day, in order of arrival once it is sorted.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Forgets what was noted, but not what is late.
    pub fn clear(&mut self) {
        self.notes.clear();
        self.parts.clear();
    }
}
