//! Owns the fast reader of JSON: strict, borrowing, for the plain values that senders write.
//!
//! It reads correct JSON without escapes and gives up (`None`) on everything else: a backslash, an error, a nesting too
//! deep. Giving up says nothing about the value; the general reader then decides.

use bumpalo::Bump;
use bumpalo::collections::Vec;

use super::envelope::Value;

/// Reads a whole text as one JSON value, brackets nested at most `nesting_max` deep.
pub fn read<'a>(text: &'a str, nesting_max: usize, scratch: &'a Bump) -> Option<Value<'a>> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, scratch };
    let value = scanner.value(nesting_max)?;
    scanner.skip_space();
    (scanner.at == scanner.bytes.len()).then_some(value)
}

/// Room that an object or list begins with; most have fewer members.
const MEMBERS_USUAL: usize = 12;
const ITEMS_USUAL: usize = 4;

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    scratch: &'a Bump,
}

impl<'a> Scanner<'a> {
    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no space, taken.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        if matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip_space();
        }
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn value(&mut self, nesting_left: usize) -> Option<Value<'a>> {
        match self.next()? {
            b'"' => self.string().map(Value::Text),
            b'{' => self.object(nesting_left.checked_sub(1)?),
            b'[' => self.list(nesting_left.checked_sub(1)?),
            b't' => self.word("rue", Value::Bool(true)),
            b'f' => self.word("alse", Value::Bool(false)),
            b'n' => self.word("ull", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn object(&mut self, nesting_left: usize) -> Option<Value<'a>> {
        match self.next()? {
            b'}' => return Some(Value::Object(&[])),
            b'"' => {}
            _ => return None,
        }
        let mut members = Vec::with_capacity_in(MEMBERS_USUAL, self.scratch);
        loop {
            let name = self.string()?;
            if self.next()? != b':' {
                return None;
            }
            members.push((name, self.value(nesting_left)?));
            match self.next()? {
                b',' if self.next()? == b'"' => {}
                b'}' => return Some(Value::Object(members.into_bump_slice())),
                _ => return None,
            }
        }
    }

    fn list(&mut self, nesting_left: usize) -> Option<Value<'a>> {
        self.skip_space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Some(Value::List(&[]));
        }
        let mut items = Vec::with_capacity_in(ITEMS_USUAL, self.scratch);
        loop {
            items.push(self.value(nesting_left)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(Value::List(items.into_bump_slice())),
                _ => return None,
            }
        }
    }

    /// The string whose opening quote was taken; none when it holds an escape or a control character.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        let end = start + end_of_plain(&self.bytes[start..]);
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// The number whose first byte was taken.
    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at - 1;
        self.at = start + number_length(&self.bytes[start..])?;
        self.text.get(start..self.at).map(Value::Number)
    }

    fn word(&mut self, rest: &str, value: Value<'a>) -> Option<Value<'a>> {
        let found = self.bytes[self.at..].starts_with(rest.as_bytes());
        self.at += rest.len();
        found.then_some(value)
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes come before the first quote, backslash or control character.
#[inline]
pub fn end_of_plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let stops = stops(u64::from_le_bytes(chunk.try_into().expect("a chunk is 8 bytes")));
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// Marks the bytes of a word that end a plain string: the lowest mark is exact, those above it may be false.
#[inline]
const fn stops(word: u64) -> u64 {
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let quotes = quote.wrapping_sub(EACH) & !quote;
    let backslashes = backslash.wrapping_sub(EACH) & !backslash;
    let controls = word.wrapping_sub(EACH * 0x20) & !word;
    (quotes | backslashes | controls) & HIGH
}

/// The length of the JSON number that the bytes begin with.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let decimals = digits(at + 1);
        if decimals == 0 {
            return None;
        }
        at += 1 + decimals;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_string_ends_where_a_byte_by_byte_search_says() {
        let mut bytes = [0_u8; 24];
        for place in 0..24 {
            for end in 0..=255_u8 {
                for fill in [b'a', 0x80, 0xff, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0xa2, 0xdc] {
                    bytes.fill(fill);
                    bytes[place] = end;
                    let plain = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(24);
                    assert_eq!(end_of_plain(&bytes), plain, "{end:#x} at {place} in {fill:#x}");
                }
            }
        }
    }

    #[test]
    fn it_gives_up_on_what_is_not_plain() {
        let scratch = Bump::new();
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "1e",
            "-",
            "+1",
            ".5",
            "tru",
            "nul",
            "\"a",
            "\"\\n\"",
            "\"\n\"",
            "1 2",
            "[1}",
            "\u{feff}1",
            "[[[1]]]",
            "{\"a\":[{}]}",
            "NaN",
            "1_0",
            "0x1",
            "'a'",
        ] {
            assert_eq!(read(text, 2, &scratch), None, "{text:?}");
        }
    }

    #[test]
    fn it_reads_what_is_plain() {
        let scratch = Bump::new();
        let read = |text| read(text, 2, &scratch);
        assert_eq!(read(" -0.5E+3 "), Some(Value::Number("-0.5E+3")));
        assert_eq!(read("[]"), Some(Value::List(&[])));
        assert_eq!(read("[ ]\r\n"), Some(Value::List(&[])));
        assert_eq!(read("{ }"), Some(Value::Object(&[])));
        assert_eq!(
            read("[true,false , null]"),
            Some(Value::List(&[Value::Bool(true), Value::Bool(false), Value::Null]))
        );
        let members = [("é", Value::Text("ü")), ("é", Value::List(&[Value::Number("1e999")]))];
        assert_eq!(read("{\"é\" : \"ü\" ,\"é\":[1e999]}"), Some(Value::Object(&members)));
    }
}
