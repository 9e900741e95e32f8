//! Owns the fast reader of JSON: strict, borrowing, for the plain values that senders write.
//!
//! It reads correct JSON without escapes and gives up (`None`) on everything else: a backslash, an error, a nesting too
//! deep. Giving up says nothing about the value; the general reader then decides.

use bumpalo::Bump;
use bumpalo::collections::Vec;

use super::envelope::Value;

/// Reads a whole text as one JSON value, brackets nested at most `nesting_max` deep.
pub fn read<'a>(text: &'a str, nesting_max: usize, scratch: &'a Bump) -> Option<Value<'a>> {
    let scanner = Scanner { text, bytes: text.as_bytes(), scratch };
    let (value, at) = scanner.value(0, nesting_max)?;
    (scanner.skip_space(at) == text.len()).then_some(value)
}

/// Room that an object or list begins with; most have fewer members.
const MEMBERS_USUAL: usize = 12;
const ITEMS_USUAL: usize = 4;

/// Each method takes the place to read at and gives the one behind what it read: so it stays in a register.
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    scratch: &'a Bump,
}

impl<'a> Scanner<'a> {
    #[inline]
    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    /// The next byte that is no space.
    #[inline]
    fn next(&self, at: usize) -> Option<(u8, usize)> {
        let byte = *self.bytes.get(at)?;
        if byte > b' ' {
            return Some((byte, at + 1));
        }
        let at = self.skip_space(at);
        Some((*self.bytes.get(at)?, at + 1))
    }

    /// Whether these two bytes come next: what stands between most members.
    #[inline]
    fn comes(&self, pair: [u8; 2], at: usize) -> bool {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk) == Some(&pair)
    }

    fn value(&self, at: usize, nesting_left: usize) -> Option<(Value<'a>, usize)> {
        let (byte, at) = self.next(at)?;
        match byte {
            b'"' => self.string(at).map(|(text, at)| (Value::Text(text), at)),
            b'{' => self.object(at, nesting_left.checked_sub(1)?),
            b'[' => self.list(at, nesting_left.checked_sub(1)?),
            b't' => self.word(at, "rue", Value::Bool(true)),
            b'f' => self.word(at, "alse", Value::Bool(false)),
            b'n' => self.word(at, "ull", Value::Null),
            b'-' | b'0'..=b'9' => self.number(at - 1),
            _ => None,
        }
    }

    fn object(&self, at: usize, nesting_left: usize) -> Option<(Value<'a>, usize)> {
        let mut at = match self.next(at)? {
            (b'}', at) => return Some((Value::Object(&[]), at)),
            (b'"', at) => at,
            _ => return None,
        };
        let mut members = Vec::with_capacity_in(MEMBERS_USUAL, self.scratch);
        loop {
            let (name, behind) = self.string(at)?;
            let (value, behind) = if self.comes(*b":\"", behind) {
                self.string(behind + 2).map(|(text, behind)| (Value::Text(text), behind))?
            } else {
                match self.next(behind)? {
                    (b':', behind) => self.value(behind, nesting_left)?,
                    _ => return None,
                }
            };
            members.push((name, value));
            if self.comes(*b",\"", behind) {
                at = behind + 2;
                continue;
            }
            at = match self.next(behind)? {
                (b'}', behind) => return Some((Value::Object(members.into_bump_slice()), behind)),
                (b',', behind) => match self.next(behind)? {
                    (b'"', behind) => behind,
                    _ => return None,
                },
                _ => return None,
            };
        }
    }

    fn list(&self, at: usize, nesting_left: usize) -> Option<(Value<'a>, usize)> {
        let mut at = self.skip_space(at);
        if self.bytes.get(at) == Some(&b']') {
            return Some((Value::List(&[]), at + 1));
        }
        let mut items = Vec::with_capacity_in(ITEMS_USUAL, self.scratch);
        loop {
            let (item, behind) = self.value(at, nesting_left)?;
            items.push(item);
            at = match self.next(behind)? {
                (b',', behind) => behind,
                (b']', behind) => return Some((Value::List(items.into_bump_slice()), behind)),
                _ => return None,
            };
        }
    }

    /// The string whose opening quote was read; none when it holds an escape or a control character.
    #[inline(always)]
    fn string(&self, start: usize) -> Option<(&'a str, usize)> {
        let rest = self.text.get(start..)?;
        let length = end_of_plain(rest.as_bytes());
        let (text, behind) = rest.split_at_checked(length)?;
        (behind.as_bytes().first() == Some(&b'"')).then_some((text, start + length + 1))
    }

    fn number(&self, start: usize) -> Option<(Value<'a>, usize)> {
        let end = start + number_length(&self.bytes[start..])?;
        self.text.get(start..end).map(|text| (Value::Number(text), end))
    }

    fn word(&self, at: usize, rest: &str, value: Value<'a>) -> Option<(Value<'a>, usize)> {
        self.bytes[at..].starts_with(rest.as_bytes()).then_some((value, at + rest.len()))
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes come before the first quote, backslash or control character.
#[inline(always)]
pub fn end_of_plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let ends = ends(u64::from_le_bytes(*chunk));
        if ends != 0 {
            return bytes.len() - rest.len() + (ends.trailing_zeros() / u8::BITS) as usize;
        }
        rest = behind;
    }
    bytes.len() - rest.len() + end_of_few(rest)
}

/// The same for the last few bytes of a value, where strings seldom end.
#[cold]
fn end_of_few(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(bytes.len())
}

/// Marks the bytes of a word that end a plain string: the lowest mark is exact, those above it may be false. On strings
/// as short as these this is a third faster than comparing 16 bytes at once.
#[inline(always)]
const fn ends(word: u64) -> u64 {
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
        let mut bytes = [0_u8; 40];
        for place in 0..40 {
            for end in 0..=255_u8 {
                for fill in [b'a', 0x80, 0xff, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0xa2, 0xdc] {
                    bytes.fill(fill);
                    bytes[place] = end;
                    let plain = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(40);
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
