//! Owns the shared shape between bytes and events: a JSON value that borrows, and the attributes of a CloudEvent.
//!
//! Two readers make it (`scan`, fast and strict, and `general`, which decides what the first leaves); all that follows
//! is the same for both.

use crate::event::{Refusal, RefusalCode};

/// A JSON value. Numbers keep their text: nothing passes through a float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`, or nothing there.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string, unescaped.
    Text(&'a str),
    /// A list.
    List(&'a [Value<'a>]),
    /// An object, its members in order; a key may stand there twice.
    Object(&'a [(&'a str, Value<'a>)]),
}

/// Characters of input that a refusal shows at most.
const SHOWN_CHARS_MAX: usize = 60;

impl Value<'_> {
    /// What it is, for a refusal's sentence; long texts are cut.
    pub fn shown(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(text) => cut(text),
            Value::Text(text) => format!("\"{}\"", cut(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        }
    }
}

/// The beginning of a text, without control characters.
pub fn cut(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_CHARS_MAX).map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// The attributes of a CloudEvent, unchecked; what is absent is null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Envelope<'a> {
    pub specversion: Value<'a>,
    pub id: Value<'a>,
    pub source: Value<'a>,
    pub kind: Value<'a>,
    pub time: Value<'a>,
    pub subject: Value<'a>,
    pub data: Value<'a>,
    seen: u8,
    twice: Option<&'static str>,
}

impl<'a> Envelope<'a> {
    /// An envelope with nothing in it.
    pub const EMPTY: Envelope<'a> = Envelope {
        specversion: Value::Null,
        id: Value::Null,
        source: Value::Null,
        kind: Value::Null,
        time: Value::Null,
        subject: Value::Null,
        data: Value::Null,
        twice: None,
        seen: 0,
    };

    /// The envelope of a structured event.
    pub fn of(value: Value<'a>) -> Result<Envelope<'a>, Refusal> {
        let Value::Object(members) = value else {
            return Err(malformed(format!("The value should be a JSON object, and is {}.", value.shown())));
        };
        let mut envelope = Envelope::EMPTY;
        for (name, value) in members {
            envelope.set(name, *value);
        }
        Ok(envelope)
    }

    /// Takes an attribute; one that the contract does not name is ignored.
    #[inline]
    pub fn set(&mut self, name: &str, value: Value<'a>) {
        let (name, bit, slot) = match name {
            "specversion" => ("specversion", 1, &mut self.specversion),
            "id" => ("id", 2, &mut self.id),
            "source" => ("source", 4, &mut self.source),
            "type" => ("type", 8, &mut self.kind),
            "time" => ("time", 16, &mut self.time),
            "subject" => ("subject", 32, &mut self.subject),
            "data" => ("data", 64, &mut self.data),
            _ => return,
        };
        *slot = value;
        if self.seen & bit != 0 {
            self.twice = Some(name);
        }
        self.seen |= bit;
    }

    /// An attribute that was given twice, if one was.
    pub const fn twice(&self) -> Option<&'static str> {
        self.twice
    }
}

/// The refusal of what is no CloudEvent.
#[cold]
pub fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Malformed, message)
}
