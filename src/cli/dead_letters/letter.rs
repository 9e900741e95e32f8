//! Owns what a dead letter says: the record that was refused, why, and where it stood.

use serde_json::{Value, json};

use crate::base::Instant;
use crate::runtime::Record;
use crate::runtime::outbox::dead_letter;

/// Bytes of a value that a list for a person shows.
const SHOWN_CHARS_MAX: usize = 100;
/// What the headers that the engine adds begin with.
const ADDED: &str = "vigie.error.";

/// A dead letter.
pub struct Letter<'a> {
    /// The record in the topic of dead letters: key, value and time are those of the refused one.
    pub record: Record<'a>,
    /// Why it was refused.
    pub code: Option<&'a str>,
    /// The same in a sentence.
    pub message: Option<&'a str>,
    /// The topic that it came by.
    pub topic: Option<&'a str>,
    /// Its partition there.
    pub partition: Option<u32>,
    /// Its offset there.
    pub offset: Option<i64>,
}

impl<'a> Letter<'a> {
    /// Reads a record of the topic. Of headers that are there twice the last counts: the engine adds its own at the end.
    pub fn read(record: Record<'a>) -> Letter<'a> {
        let mut letter = Letter { record, code: None, message: None, topic: None, partition: None, offset: None };
        for header in record.headers.iter() {
            let text = header.value.and_then(|value| std::str::from_utf8(value).ok());
            match header.name {
                dead_letter::CODE => letter.code = text,
                dead_letter::MESSAGE => letter.message = text,
                dead_letter::TOPIC => letter.topic = text,
                dead_letter::PARTITION => letter.partition = text.and_then(|text| text.parse().ok()),
                dead_letter::OFFSET => letter.offset = text.and_then(|text| text.parse().ok()),
                _ => {}
            }
        }
        letter
    }

    /// Its own place: partition and offset among the dead letters.
    pub fn place(&self) -> (u32, i64) {
        (self.record.partition, self.record.offset)
    }

    /// When the refused record was written.
    pub fn written(&self) -> Instant {
        Instant::from_nanos(self.record.time_ms.saturating_mul(1_000_000))
    }

    /// Whether a header was added by the engine.
    pub fn is_added(name: &str) -> bool {
        name.starts_with(ADDED)
    }

    /// A line for a person.
    pub fn text(&self) -> String {
        let (partition, offset) = self.place();
        let number = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        let (topic, at) = (self.topic.unwrap_or("?"), number(self.partition.map(i64::from)));
        let key = self.record.key.map_or_else(|| "(none)".into(), String::from_utf8_lossy);
        let value = String::from_utf8_lossy(self.record.value.unwrap_or_default());
        let mut shown: String = value.chars().take(SHOWN_CHARS_MAX).map(printable).collect();
        if value.chars().nth(SHOWN_CHARS_MAX).is_some() {
            shown.push('…');
        }
        let key: String = key.chars().map(printable).collect();
        format!(
            "{partition}:{offset} {} {topic}/{at}:{} key {key} {}: {}\n    {shown}",
            self.code.unwrap_or("?"),
            number(self.offset),
            self.written(),
            self.message.unwrap_or("?"),
        )
    }

    /// A line of JSON, with the whole value: as text where it is some, else as a list of bytes.
    pub fn json(&self) -> Value {
        let (partition, offset) = self.place();
        let bytes = |bytes: Option<&[u8]>| match bytes.map(std::str::from_utf8) {
            None => Value::Null,
            Some(Ok(text)) => json!(text),
            Some(Err(_)) => json!(bytes),
        };
        let header = |header: crate::wire::Header<'_>| json!([header.name, bytes(header.value)]);
        let headers = self.record.headers.iter().filter(|header| !Letter::is_added(header.name)).map(header);
        json!({
            "partition": partition,
            "offset": offset,
            "code": self.code,
            "message": self.message,
            "original": { "topic": self.topic, "partition": self.partition, "offset": self.offset },
            "time": self.written().to_string(),
            "key": bytes(self.record.key),
            "headers": headers.collect::<Vec<_>>(),
            "value": bytes(self.record.value),
        })
    }
}

/// A list is no place for what moves a terminal's cursor.
fn printable(char: char) -> char {
    if char.is_control() { ' ' } else { char }
}
