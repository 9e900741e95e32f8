//! Owns the way from any record to one line of a file: the structured CloudEvent that says the same.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::decode::{Header, attribute_name, is_binary};
use super::encode::push_text;

/// A record's value as one line that says the same as the record. `None` where there is no such line: it is empty, what has
/// line ends in it is no JSON, or what the headers say is no text.
#[must_use]
pub fn structured_line<'a>(headers: &[Header<'_>], value: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let value = one_line(value)?;
    if !is_binary(headers) {
        return Some(value);
    }
    // What is no JSON by itself could become some among what is written around it.
    serde_json::from_slice::<&RawValue>(&value).ok()?;
    let mut line = Vec::with_capacity(value.len() + 256);
    for header in headers {
        let Some(name) = attribute_name(header) else { continue };
        line.extend_from_slice(if line.is_empty() { b"{" } else { b"," });
        push_text(&mut line, name);
        line.push(b':');
        match header.value {
            None => line.extend_from_slice(b"null"),
            Some(text) => push_text(&mut line, std::str::from_utf8(text).ok()?),
        }
    }
    line.extend_from_slice(b",\"data\":");
    line.extend_from_slice(&value);
    line.push(b'}');
    Some(Cow::Owned(line))
}

/// A value without line ends: in JSON they are but space between its parts.
fn one_line(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if value.is_empty() {
        return None;
    }
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !value.iter().any(is_end) {
        return Some(Cow::Borrowed(value));
    }
    serde_json::from_slice::<&RawValue>(value).ok()?;
    Some(Cow::Owned(value.iter().map(|byte| if is_end(byte) { b' ' } else { *byte }).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(headers: &[(&'static str, &'static str)], value: &str) -> Option<String> {
        let header = |(name, value): &(&'static str, &'static str)| Header { name, value: Some(value.as_bytes()) };
        let headers: Vec<Header<'_>> = headers.iter().map(header).collect();
        structured_line(&headers, value.as_bytes()).map(|line| String::from_utf8(line.into_owned()).expect("text"))
    }

    #[test]
    fn a_structured_value_stays_as_it_is_but_for_its_line_ends() {
        let structured = [("content-type", "application/cloudevents+json"), ("ce_id", "9")];
        assert_eq!(line(&structured, r#"{"id":"1"}"#).as_deref(), Some(r#"{"id":"1"}"#));
        assert_eq!(line(&[], "{\r\n \"id\":\"1\"}\n").as_deref(), Some("{   \"id\":\"1\"} "));
        assert_eq!(line(&[], "no event").as_deref(), Some("no event"));
        assert_eq!(line(&[], "no\nevent"), None);
        assert_eq!(line(&[], ""), None);
    }

    #[test]
    fn a_binary_value_becomes_the_data_of_its_attributes() {
        let headers = [("ce_specversion", "1.0"), ("ce_id", "a\"b"), ("other", "x"), ("ce_subject", "B1")];
        assert_eq!(
            line(&headers, "{\n\"amount\":1}").as_deref(),
            Some(r#"{"specversion":"1.0","id":"a\"b","subject":"B1","data":{ "amount":1}}"#)
        );
        assert_eq!(line(&headers, r#"{},"time":"2026-01-01T00:00:00Z""#), None, "what is no JSON stays apart");
    }
}
