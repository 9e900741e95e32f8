//! Owns the outline of a structured event: where its attributes and the fields of its data stand in its bytes, so that they can
//! be looked at, or put in another's place, and everything else stays as it was written.
//!
//! An outline is a look and no check: of a value that decoding refuses it may say anything.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::scan;

/// Where a value stands; a string with its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// Where the attributes of an event stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outline {
    /// `id`.
    pub id: Option<Span>,
    /// `source`.
    pub source: Option<Span>,
    /// `type`.
    pub kind: Option<Span>,
    /// `time`.
    pub time: Option<Span>,
    /// `subject`.
    pub subject: Option<Span>,
    /// `data`.
    pub data: Option<Span>,
}

impl Outline {
    /// Looks for all attributes. `None`: it is no object.
    #[must_use]
    pub fn of(value: &[u8]) -> Option<Outline> {
        let mut outline = Outline::default();
        members(value, 0, &mut |name, span| {
            outline.set(name, span);
            ControlFlow::Continue(())
        })?;
        Some(outline)
    }

    /// Looks until all attributes but `data` are found, which senders write last.
    #[must_use]
    pub fn of_attributes(value: &[u8]) -> Option<Outline> {
        let mut outline = Outline::default();
        members(value, 0, &mut |name, span| {
            outline.set(name, span);
            let Outline { id, source, kind, time, subject, data: _ } = &outline;
            let are_found = [id, source, kind, time, subject].iter().all(|span| span.is_some());
            if are_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Some(outline)
    }

    fn set(&mut self, name: &[u8], span: Span) {
        let slot = match name {
            b"id" => &mut self.id,
            b"source" => &mut self.source,
            b"type" => &mut self.kind,
            b"time" => &mut self.time,
            b"subject" => &mut self.subject,
            b"data" => &mut self.data,
            _ => return,
        };
        *slot = Some(span);
    }
}

/// The text of a string. `None`: it is none.
#[must_use]
pub fn text_at(value: &[u8], span: Span) -> Option<Cow<'_, str>> {
    let written = value.get(span.start..span.end)?;
    let inner = written.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(written).ok().map(Cow::Owned)
}

/// Calls with the name and the place of each member of the object that stands at a place, until the call has enough. `None`: there
/// is no object.
#[inline]
pub fn members(value: &[u8], at: usize, each: &mut impl FnMut(&[u8], Span) -> ControlFlow<()>) -> Option<()> {
    let mut scan = Scan { bytes: value, at };
    if scan.next()? != b'{' {
        return None;
    }
    if scan.peek()? == b'}' {
        return Some(());
    }
    loop {
        if scan.peek()? != b'"' {
            return None;
        }
        let start = scan.at;
        let spelling = scan.string()?;
        let name = Span { start, end: scan.at };
        if scan.next()? != b':' {
            return None;
        }
        let span = scan.span()?;
        let flow = match spelling {
            Spelling::Plain => each(&value[name.start + 1..name.end - 1], span),
            Spelling::Escaped => each(text_at(value, name)?.as_bytes(), span),
        };
        if flow.is_break() {
            return Some(());
        }
        match scan.next()? {
            b',' => {}
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

/// Calls with each item of the list that stands at a place. `None`: there is no list.
pub fn items(value: &[u8], at: usize, each: &mut impl FnMut(Span)) -> Option<()> {
    let mut scan = Scan { bytes: value, at };
    if scan.next()? != b'[' {
        return None;
    }
    if scan.peek()? == b']' {
        return Some(());
    }
    loop {
        each(scan.span()?);
        match scan.next()? {
            b',' => {}
            b']' => return Some(()),
            _ => return None,
        }
    }
}

/// How a string is written.
enum Spelling {
    Plain,
    Escaped,
}

/// A walk over bytes. `None` gives up.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Steps over a value of any kind.
    #[inline]
    fn span(&mut self) -> Option<Span> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.brackets()?,
            b'}' | b']' | b',' | b':' => return None,
            _ => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                self.at += self.bytes[start..].iter().position(ends)?;
            }
        }
        Some(Span { start, end: self.at })
    }

    /// Steps over a string whose opening quote is next.
    #[inline]
    fn string(&mut self) -> Option<Spelling> {
        self.at += 1;
        let mut spelling = Spelling::Plain;
        loop {
            self.at += scan::end_of_plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(spelling);
                }
                b'\\' if self.at + 2 <= self.bytes.len() => {
                    spelling = Spelling::Escaped;
                    self.at += 2;
                }
                _ => return None,
            }
        }
    }

    /// Steps over an object or a list whose opening bracket is next.
    fn brackets(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            self.at += memchr_bracket(&self.bytes[self.at..])?;
            match self.bytes[self.at] {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                _ => open = open.checked_sub(1)?,
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }
}

/// How far the next quote or bracket is.
#[inline]
fn memchr_bracket(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Option<Vec<String>> {
        let outline = Outline::of(value.as_bytes())?;
        let Outline { id, source, kind, time, subject, data } = outline;
        let text = |span: Option<Span>| span.map_or("-", |span| &value[span.start..span.end]).to_owned();
        Some([id, source, kind, time, subject, data].map(text).to_vec())
    }

    #[test]
    fn attributes_are_found_wherever_they_stand_and_however_they_are_written() {
        let plain = r#"{"specversion":"1.0","id":"1","source":"/e","type":"t","time":"2026-01-01T00:00:00Z","subject":"B","data":{"a":1}}"#;
        let loose = " {\n\t\"data\" : { \"id\":\"no\", \"l\":[{\"type\":\"no\"}, \"]}\\\"\" ] } , \"subject\":\"B\",\r\n\"time\" : \"x\",\
                     \"other\": -1.5e3 ,\"n\":null,\"ty\\u0070e\":\"t\" , \"source\":\"\\\\\", \"id\" : \"1\" } ";
        assert_eq!(
            shown(plain).expect("an outline"),
            ["\"1\"", "\"/e\"", "\"t\"", "\"2026-01-01T00:00:00Z\"", "\"B\"", "{\"a\":1}"]
        );
        assert_eq!(
            shown(loose).expect("an outline"),
            [
                "\"1\"",
                "\"\\\\\"",
                "\"t\"",
                "\"x\"",
                "\"B\"",
                "{ \"id\":\"no\", \"l\":[{\"type\":\"no\"}, \"]}\\\"\" ] }"
            ]
        );
        assert_eq!(shown("{}").expect("an outline"), ["-"; 6]);
        let attributes = Outline::of_attributes(plain.as_bytes()).expect("an outline");
        assert_eq!((attributes.data, attributes.id), (None, Outline::of(plain.as_bytes()).expect("the same").id));
    }

    #[test]
    fn what_is_no_object_has_no_outline() {
        for value in
            ["", " ", "[]", "1", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{a:1}", "{\"a\":1 2}", "{\"a\":\"", "{\"a\":{]"]
        {
            assert_eq!(shown(value), None, "{value}");
        }
    }

    #[test]
    fn every_beginning_of_an_event_is_looked_at_without_harm() {
        let value = r#"{"id":"a\"\\b","data":{"l":[{"x":"\u00e9"},[],null],"n":1.5},"type":"é"}"#.as_bytes();
        for end in 0..value.len() {
            assert_eq!(Outline::of(&value[..end]), None, "{end}");
        }
        assert!(Outline::of(value).is_some());
    }

    #[test]
    fn a_text_is_given_without_its_escapes() {
        let text = |value: &'static str| text_at(value.as_bytes(), Span { start: 0, end: value.len() });
        assert_eq!(text(r#""plain""#).as_deref(), Some("plain"));
        assert_eq!(text(r#""a\u0042\"c""#).as_deref(), Some("aB\"c"));
        assert_eq!(text("12"), None);
        assert_eq!(text(r#""\ud800""#), None);
    }

    #[test]
    fn items_are_given_one_by_one() {
        let value = br#" [ {"a":1} ,2, "x,]" ] "#;
        let mut found = Vec::new();
        items(value, 0, &mut |span| found.push(String::from_utf8_lossy(&value[span.start..span.end]).into_owned()));
        assert_eq!(found, ["{\"a\":1}", "2", "\"x,]\""]);
        assert_eq!(items(b"{}", 0, &mut |_| {}), None);
    }
}
