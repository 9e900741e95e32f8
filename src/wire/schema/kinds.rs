//! Owns the schema of each kind of field: the same ranges as the decoder's, as far as JSON Schema can say them.

use serde_json::{Value, json};

use crate::event::{FieldKind, IncidentKind, Layer, Procedure, Segment};
use crate::wire::fields::rule;

/// No control character.
const NO_CONTROL: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// A decimal of 0 or more in a string, in JSON's grammar.
const UNSIGNED: &str = r"^(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$";
/// A decimal of either sign in a string, in JSON's grammar.
const SIGNED: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$";
/// A day of 1970 to 2199; whether the month has it, a pattern cannot say.
pub const DATE: &str = r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";
/// An RFC 3339 instant with an offset.
pub const INSTANT: &str = concat!(
    r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
);

/// The name that a kind has among the definitions of a schema.
pub fn name(kind: FieldKind) -> String {
    let name = format!("{kind:?}");
    name[..1].to_ascii_lowercase() + &name[1..]
}

/// The schema of an id.
pub fn id() -> Value {
    kind(FieldKind::Id)
}

/// The schema of a kind.
pub fn kind(kind: FieldKind) -> Value {
    let mut schema = match kind {
        FieldKind::Id => json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": NO_CONTROL }),
        FieldKind::Seller => json!({ "type": "string", "maxLength": 128, "pattern": NO_CONTROL }),
        FieldKind::Text => json!({ "type": "string" }),
        FieldKind::Amount => {
            decimal(UNSIGNED, &json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 100_000_000_000_000_i64 }))
        }
        FieldKind::AmountOrZero => {
            decimal(UNSIGNED, &json!({ "type": "number", "minimum": 0, "maximum": 100_000_000_000_000_i64 }))
        }
        FieldKind::SignedAmount => {
            const MOST: i64 = 1_000_000_000_000_000_000;
            decimal(SIGNED, &json!({ "type": "number", "minimum": -MOST, "maximum": MOST }))
        }
        FieldKind::Date => json!({ "type": "string", "format": "date", "pattern": DATE }),
        FieldKind::Instant => json!({ "type": "string", "format": "date-time", "pattern": INSTANT }),
        FieldKind::Currency => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        FieldKind::Percent => decimal(UNSIGNED, &json!({ "type": "number", "minimum": 0, "maximum": 100 })),
        FieldKind::Rate => {
            decimal(UNSIGNED, &json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000_000 }))
        }
        FieldKind::Share => decimal(UNSIGNED, &json!({ "type": "number", "minimum": 0, "maximum": 1 })),
        FieldKind::Days => json!({ "type": "integer", "minimum": 0, "maximum": 3650 }),
        FieldKind::Grade => json!({ "type": "integer", "minimum": 1, "maximum": 10 }),
        FieldKind::Version => json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000_000 }),
        FieldKind::Country => json!({ "type": "string", "pattern": "^[A-Z]{2}$" }),
        FieldKind::Layer => one_of(Layer::ALL.iter().map(|member| member.as_str())),
        FieldKind::Segment => one_of(Segment::ALL.iter().map(|member| member.as_str())),
        FieldKind::Procedure => one_of(Procedure::ALL.iter().map(|member| member.as_str())),
        FieldKind::IncidentKind => one_of(IncidentKind::ALL.iter().map(|member| member.as_str())),
        FieldKind::Allocations => json!({ "type": "array", "items": allocation() }),
        FieldKind::SomeAllocations => json!({ "type": "array", "minItems": 1, "items": allocation() }),
    };
    schema["description"] = sentence(rule(kind)).into();
    schema
}

/// The schema of one of some names.
pub fn one_of<'n>(names: impl Iterator<Item = &'n str>) -> Value {
    json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

/// A decimal, as a JSON number or in a string; never read through a float either way.
fn decimal(pattern: &str, number: &Value) -> Value {
    json!({ "anyOf": [{ "type": "string", "pattern": pattern }, number] })
}

fn allocation() -> Value {
    json!({
        "type": "object",
        "required": ["invoice_id", "amount"],
        "properties": { "invoice_id": kind(FieldKind::Id), "amount": kind(FieldKind::Amount) }
    })
}

/// A description: it begins with a capital and ends with a full stop.
fn sentence(words: &str) -> String {
    format!("{}{}.", words[..1].to_ascii_uppercase(), &words[1..])
}
