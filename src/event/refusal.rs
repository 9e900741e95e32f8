//! Owns the business refusals: why a record changes nothing and goes to the dead letters. Codes are stable, never reused.

use super::field::named;

named! {
    /// Why a record is refused, in the order in which the checks run: the first that fails names the code.
    RefusalCode {
        /// Over the size limit, or nested too deep.
        TooLarge = "too_large",
        /// Not a CloudEvent in JSON.
        Malformed = "malformed",
        /// A type that the contract does not list.
        UnknownType = "unknown_type",
        /// A needed field is absent or null.
        MissingField = "missing_field",
        /// A field is of the wrong kind, out of its range or given twice.
        InvalidField = "invalid_field",
        /// The type is not at home on this topic.
        WrongTopic = "wrong_topic",
        /// The record key is not the subject, or the record is in the wrong partition for it.
        KeyMismatch = "key_mismatch",
        /// The event's time is too far ahead of the wall clock.
        FutureTime = "future_time",
        /// A new document so old that what is known of its time may have been forgotten.
        TooLate = "too_late",
        /// A document id that is known already, with other content.
        Conflict = "conflict",
        /// A decision on a proposal that is not open at this version.
        NotOpen = "not_open",
    }
}

/// A refused record: the code, and a sentence for the person who has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal with its sentence.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into() }
    }
}
