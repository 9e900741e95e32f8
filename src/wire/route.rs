//! Owns where a record belongs: the partition of a key as Kafka's clients choose it, and a cheap look at a value for the
//! buyer it is about.

use std::borrow::Cow;

use bumpalo::Bump;

use super::envelope::{Envelope, Value};
use super::{general, scan, types};
use crate::event::Body;

/// Where a value belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route<'a> {
    /// To the shard of this buyer.
    Buyer(Cow<'a, str>),
    /// To every shard: it has no buyer.
    EveryShard,
    /// Nobody can tell; decoding will refuse it.
    Unreadable,
}

/// Looks at a structured CloudEvent for the buyer it is about, without decoding it. Whenever decoding succeeds, this
/// agrees with it; of a value that decoding refuses it may say anything.
#[must_use]
pub fn route(value: &[u8]) -> Route<'_> {
    let mut look = Look { bytes: value, at: 0 };
    match look.route() {
        Some(route) => route,
        None => route_any(value),
    }
}

/// The partition that Kafka's clients choose for a key: murmur2, without its sign, modulo the number of partitions.
///
/// # Panics
/// When there are no partitions.
#[must_use]
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

/// The 32-bit murmur2 hash with the seed of Kafka's clients.
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const FACTOR: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(FACTOR) ^ mixed.wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

/// The slow way, for values with escapes in their attributes.
#[cold]
fn route_any(value: &[u8]) -> Route<'static> {
    let scratch = Bump::new();
    let envelope = std::str::from_utf8(value)
        .ok()
        .and_then(|text| general::read(text, &scratch).ok())
        .and_then(|value| Envelope::of(value).ok());
    match envelope.map(|envelope| (envelope.kind, envelope.subject)) {
        Some((Value::Text(kind), _)) if has_no_buyer(kind) => Route::EveryShard,
        Some((Value::Text(_), Value::Text(subject))) => Route::Buyer(Cow::Owned(subject.to_owned())),
        _ => Route::Unreadable,
    }
}

fn has_no_buyer(kind: &str) -> bool {
    types::place_of(kind).is_some_and(|place| !Body::SPECS[place].has_buyer)
}

/// A look at the outermost level of an object. `None` gives up.
struct Look<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Look<'a> {
    /// Reads until both the type and the subject are known: what follows cannot give either a second time, or decoding
    /// refuses the value.
    fn route(&mut self) -> Option<Route<'a>> {
        let (mut kind, mut subject) = (None, None);
        let mut before = b'{';
        while self.next()? == before && self.next()? == b'"' {
            before = b',';
            let name = self.plain_string()?;
            if self.next()? != b':' {
                return None;
            }
            match name {
                b"type" => kind = Some(self.text()?),
                // On a type without a buyer the subject may be anything.
                b"subject" if self.peek()? == b'"' => subject = Some(self.text()?),
                _ => self.skip_value()?,
            }
            match (kind, subject) {
                (Some(kind), _) if has_no_buyer(kind) => return Some(Route::EveryShard),
                (Some(_), Some(subject)) => return Some(Route::Buyer(Cow::Borrowed(subject))),
                _ => {}
            }
        }
        None
    }

    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// A string value, without escapes.
    fn text(&mut self) -> Option<&'a str> {
        if self.next()? != b'"' {
            return None;
        }
        std::str::from_utf8(self.plain_string()?).ok()
    }

    /// The string whose opening quote was taken, without escapes.
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let end = start + scan::end_of_plain(&self.bytes[start..]);
        self.at = end + 1;
        (self.bytes.get(end) == Some(&b'"')).then(|| &self.bytes[start..end])
    }

    /// Steps over a value of any kind.
    fn skip_value(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.next()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.checked_sub(1)?,
                // A bare word or number ends before what separates it from the next.
                _ if open == 0 => {
                    while !matches!(self.bytes.get(self.at)?, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                        self.at += 1;
                    }
                }
                _ => {}
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// Steps over the rest of a string whose opening quote was taken, with or without escapes.
    fn skip_string(&mut self) -> Option<()> {
        loop {
            self.at += scan::end_of_plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' if self.at + 2 <= self.bytes.len() => self.at += 2,
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_gives_what_kafkas_own_clients_give() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
        assert_eq!(partition_of(b"foobar", 12), ((-790_332_482_i32 & 0x7fff_ffff) % 12) as u32);
    }

    #[test]
    fn a_look_finds_the_buyer_wherever_it_stands() {
        let buyer = |value: &'static str| route(value.as_bytes());
        let expected = Route::Buyer(Cow::Borrowed("B1"));
        for value in [
            r#"{"subject":"B1","type":"limit.removed"}"#,
            r#" { "type" : "limit.removed" , "subject" : "B1" , broken"#,
            r#"{"n":-1.5e3,"b":true,"z":null,"type":"x","l":[1,{"subject":"no"},"]"],"subject":"B1"}"#,
            r#"{"data":{"subject":"no","s":"a\"}","type":"fx.rate"},"type":"limit.removed","subject":"B1"}"#,
            r#"{"typ\u0065":"limit.removed","subject":"B1"}"#,
            r#"{"type":"limit.removed","subject":"\u00421"}"#,
        ] {
            assert_eq!(buyer(value), expected, "{value}");
        }
        assert_eq!(buyer(r#"{"subject":5,"type":"fx.rate"}"#), Route::EveryShard);
        assert_eq!(buyer(r#"{"type":"clock.tick"}"#), Route::EveryShard);
        for value in ["", "{", "[]", "{}", r#"{"type":"limit.removed"}"#, r#"{"type":"limit.removed","subject":5}"#] {
            assert_eq!(buyer(value), Route::Unreadable, "{value}");
        }
    }
}
