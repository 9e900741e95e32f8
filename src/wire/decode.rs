//! Owns the way from bytes to an event: the checks in the contract's order, the first that fails names the code.

use bumpalo::Bump;

use super::envelope::{Envelope, Value, cut, malformed};
use super::fields::{FieldError, Fields};
use super::{general, route, scan, types};
use crate::base::{Currency, Instant};
use crate::event::{Body, Event, Id, Layer, Refusal, RefusalCode, Topic, TypeSpec};

/// What decoding holds a record to.
#[derive(Debug, Clone)]
pub struct DecodeRules {
    /// The base currency: it has no rate.
    pub base: Currency,
    /// The largest value in bytes.
    pub value_bytes_max: usize,
    /// The deepest nesting of brackets; the outermost is 1. At most 100.
    pub nesting_max: usize,
    /// The wall clock of the turn.
    pub now: Instant,
    /// How far an event's time may be ahead of `now`.
    pub skew_ms: u32,
    /// Whether a type must be on its home topic.
    pub topics: TopicRule,
}

impl DecodeRules {
    /// The default of `value_bytes_max`: 64 KiB.
    pub const VALUE_BYTES_MAX: usize = 65_536;
    /// The default of `nesting_max`.
    pub const NESTING_MAX: usize = 16;
    /// The default of `skew_ms`: ten minutes.
    pub const SKEW_MS: u32 = 600_000;

    /// The contract's defaults.
    #[must_use]
    pub const fn new(base: Currency, now: Instant) -> DecodeRules {
        DecodeRules {
            base,
            value_bytes_max: DecodeRules::VALUE_BYTES_MAX,
            nesting_max: DecodeRules::NESTING_MAX,
            now,
            skew_ms: DecodeRules::SKEW_MS,
            topics: TopicRule::Home,
        }
    }
}

/// On which topics a type is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicRule {
    /// Its home topic alone.
    Home,
    /// Any input topic.
    Any,
}

/// One record of an input topic. A record without a value (a tombstone) is none: it is skipped before.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: u32,
    /// How many partitions the topic has.
    pub partitions: u32,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers, in order.
    pub headers: &'a [Header<'a>],
    /// Its value.
    pub value: &'a [u8],
}

/// One header of a record.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; Kafka allows for none.
    pub value: Option<&'a [u8]>,
}

/// Decodes a structured CloudEvent, as it stands in a file: there is no topic and no key to check.
///
/// # Errors
/// The first check that fails, in the contract's order.
pub fn decode_value<'a>(value: &'a [u8], rules: &DecodeRules, scratch: &'a Bump) -> Result<Event<'a>, Refusal> {
    let envelope = Envelope::of(read(value, rules, scratch)?)?;
    // An event is checked where it lies: moving one costs more than most checks.
    let decoded = event_of(&envelope, rules, scratch);
    if let Ok(event) = &decoded {
        check_time(event, rules)?;
    }
    decoded
}

/// Decodes a record of a topic, in structured or in binary mode.
///
/// # Errors
/// The first check that fails, in the contract's order.
pub fn decode_record<'a>(record: &Record<'a>, rules: &DecodeRules, scratch: &'a Bump) -> Result<Event<'a>, Refusal> {
    let value = read(record.value, rules, scratch)?;
    let envelope = if is_binary(record.headers) { binary(record.headers, value)? } else { Envelope::of(value)? };
    let decoded = event_of(&envelope, rules, scratch);
    if let Ok(event) = &decoded {
        check_topic(record, event, rules)?;
        check_key(record, event)?;
        check_time(event, rules)?;
    }
    decoded
}

/// Reads a value as JSON. A value that the fast reader reads whole is neither too deep nor malformed.
fn read<'a>(value: &'a [u8], rules: &DecodeRules, scratch: &'a Bump) -> Result<Value<'a>, Refusal> {
    if value.len() > rules.value_bytes_max {
        let message = format!("The value has {} bytes: at most {} are taken.", value.len(), rules.value_bytes_max);
        return Err(Refusal::new(RefusalCode::TooLarge, message));
    }
    let plain = std::str::from_utf8(value).ok().and_then(|text| scan::read(text, rules.nesting_max, scratch));
    match plain {
        Some(value) => Ok(value),
        None => read_any(value, rules, scratch),
    }
}

#[cold]
fn read_any<'a>(value: &'a [u8], rules: &DecodeRules, scratch: &'a Bump) -> Result<Value<'a>, Refusal> {
    if nesting(value) > rules.nesting_max {
        let message = format!("The value nests its brackets over {} deep.", rules.nesting_max);
        return Err(Refusal::new(RefusalCode::TooLarge, message));
    }
    let text = std::str::from_utf8(value)
        .map_err(|error| malformed(format!("The value is not UTF-8 from byte {} on.", error.valid_up_to() + 1)))?;
    general::read(text, scratch).map_err(malformed)
}

/// The deepest nesting of brackets outside strings, whether the bytes are JSON or not.
pub(super) fn nesting(value: &[u8]) -> usize {
    enum Place {
        Outside,
        InString,
        BehindBackslash,
    }
    let (mut place, mut now, mut deepest) = (Place::Outside, 0_i64, 0_i64);
    for byte in value {
        place = match (place, byte) {
            (Place::Outside, b'"') | (Place::BehindBackslash, _) => Place::InString,
            (Place::InString, b'"') => Place::Outside,
            (Place::InString, b'\\') => Place::BehindBackslash,
            (Place::InString, _) => Place::InString,
            (Place::Outside, byte) => {
                now += i64::from(matches!(byte, b'[' | b'{')) - i64::from(matches!(byte, b']' | b'}'));
                deepest = deepest.max(now);
                Place::Outside
            }
        };
    }
    usize::try_from(deepest).expect("it starts from 0")
}

/// Whether the headers say that the value is `data` alone. A content type of CloudEvents means a structured event.
pub(super) fn is_binary(headers: &[Header<'_>]) -> bool {
    let structured = |header: &Header<'_>| {
        let value = header.value.unwrap_or_default();
        header.name.eq_ignore_ascii_case("content-type")
            && value.get(..STRUCTURED.len()).is_some_and(|start| start.eq_ignore_ascii_case(STRUCTURED))
    };
    !headers.iter().any(structured) && headers.iter().any(|header| attribute_name(header).is_some())
}

/// How the content type of a structured event begins.
const STRUCTURED: &[u8] = b"application/cloudevents";

/// The attribute that a header stands for.
pub(super) fn attribute_name<'a>(header: &Header<'a>) -> Option<&'a str> {
    let name = header.name.strip_prefix("ce_")?;
    matches!(name, "specversion" | "id" | "source" | "type" | "time" | "subject").then_some(name)
}

fn binary<'a>(headers: &'a [Header<'a>], data: Value<'a>) -> Result<Envelope<'a>, Refusal> {
    let mut envelope = Envelope::EMPTY;
    envelope.set("data", data);
    for header in headers {
        let Some(name) = attribute_name(header) else { continue };
        let value = match header.value {
            None => Value::Null,
            Some(bytes) => Value::Text(
                std::str::from_utf8(bytes).map_err(|_| malformed(format!("The header ce_{name} is not UTF-8.")))?,
            ),
        };
        envelope.set(name, value);
    }
    Ok(envelope)
}

/// Checks the attributes, and reads `data` by its type. Inlined, as an event is large and would be moved once more.
#[inline(always)]
fn event_of<'a>(envelope: &Envelope<'a>, rules: &DecodeRules, scratch: &'a Bump) -> Result<Event<'a>, Refusal> {
    if let Some(name) = envelope.twice() {
        return Err(malformed(format!("The attribute {name} is given twice: it should be there once.")));
    }
    let id = attribute("id", envelope.id)?;
    let source = attribute("source", envelope.source)?;
    let kind = attribute("type", envelope.kind)?;
    check_version(attribute("specversion", envelope.specversion)?)?;
    let time = read_time(envelope.time)?;
    let Value::Object(members) = envelope.data else {
        return Err(malformed(format!("data should be an object, and is {}.", envelope.data.shown())));
    };
    let place = types::place_of(kind);
    let subject = match place {
        Some(place) if !Body::SPECS[place].has_buyer => "",
        _ => read_subject(envelope.subject)?,
    };
    let Some(place) = place else {
        let message = format!("The type \"{}\" is not one of the contract's.", cut(kind));
        return Err(Refusal::new(RefusalCode::UnknownType, message));
    };
    let spec = &Body::SPECS[place];
    let body = read_body(place, spec, members, rules, scratch)?;
    Ok(Event { time, id, source, subject, body })
}

/// An attribute that must be a string with something in it.
#[inline]
fn attribute<'a>(name: &str, value: Value<'a>) -> Result<&'a str, Refusal> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text),
        Value::Null => Err(malformed(format!("The attribute {name} is missing."))),
        other => {
            Err(malformed(format!("The attribute {name} should be a string, not empty, and is {}.", other.shown())))
        }
    }
}

#[inline]
fn check_version(version: &str) -> Result<(), Refusal> {
    match version.strip_prefix("1.") {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(malformed(format!("specversion should be 1.0, and is \"{}\".", cut(version)))),
    }
}

#[inline]
fn read_time(value: Value<'_>) -> Result<Instant, Refusal> {
    let time = if let Value::Text(text) = value { Instant::parse(text) } else { None };
    time.ok_or_else(|| {
        let shown = value.shown();
        malformed(format!("time should be an RFC 3339 instant of 1970 to 2199 with an offset, and is {shown}."))
    })
}

#[inline]
fn read_subject(value: Value<'_>) -> Result<&str, Refusal> {
    let id = if let Value::Text(text) = value { Id::parse(text) } else { None };
    id.map(Id::as_str).ok_or_else(|| {
        let shown = value.shown();
        malformed(format!(
            "subject should be the buyer's id, 1 to 128 bytes without control characters, and is {shown}."
        ))
    })
}

#[inline(always)]
fn read_body<'a>(
    place: usize,
    spec: &'static TypeSpec,
    members: &[(&'a str, Value<'a>)],
    rules: &DecodeRules,
    scratch: &'a Bump,
) -> Result<Body<'a>, Refusal> {
    let mut fields = Fields::place(spec.fields, members, scratch);
    match Body::read(place, &mut fields) {
        Ok(body) if fields.twice().is_none() => check_body(&body, &fields, rules).map(|()| body),
        read => Err(refuse_fields(&fields, read.err())),
    }
}

/// Names what is wrong with the fields, in order: one is missing, one is given twice, one is not of its kind.
#[cold]
fn refuse_fields(fields: &Fields<'_>, error: Option<FieldError>) -> Refusal {
    if let Some(index) = fields.first_missing() {
        return fields.refuse_missing(index);
    }
    match (fields.twice(), error) {
        (Some(index), _) => fields.refuse_twice(index),
        (None, Some(FieldError::Invalid(index))) => fields.refuse_invalid(index),
        (None, other) => unreachable!("fields are refused for nothing: {other:?}"),
    }
}

/// Checks what fields must be to each other.
#[inline]
fn check_body(body: &Body<'_>, fields: &Fields<'_>, rules: &DecodeRules) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(RefusalCode::InvalidField, message));
    match body {
        Body::InvoiceIssued(invoice) => {
            if invoice.due_on < invoice.issued_on {
                let (due, issued) = (invoice.due_on, invoice.issued_on);
                return invalid(format!("data.due_on ({due}) should not be before data.issued_on ({issued})."));
            }
            if invoice.net_amount.is_some_and(|net| net > invoice.amount) {
                return invalid("data.net_amount should not be over data.amount.".to_owned());
            }
        }
        Body::CoverGranted(cover) => {
            if cover.layer == Layer::SingleRisk && cover.order_id.is_none() {
                return Err(refuse_fields(fields, None));
            }
            if let Some(last) = cover.valid_to.filter(|last| *last < cover.valid_from) {
                let first = cover.valid_from;
                return invalid(format!("data.valid_to ({last}) should not be before data.valid_from ({first})."));
            }
        }
        Body::FxRate(rate) if rate.currency == rules.base => {
            return invalid(format!("data.currency is the base currency {}: its rate is always 1.", rules.base));
        }
        _ => {}
    }
    Ok(())
}

fn check_topic(record: &Record<'_>, event: &Event<'_>, rules: &DecodeRules) -> Result<(), Refusal> {
    let spec = event.body.spec();
    match spec.topic {
        Some(home) if rules.topics == TopicRule::Home && home != record.topic => {
            let (kind, home, here) = (spec.name, home.as_str(), record.topic.as_str());
            let message = format!("The type {kind} is at home on {home}, and the record is on {here}.");
            Err(Refusal::new(RefusalCode::WrongTopic, message))
        }
        _ => Ok(()),
    }
}

/// What has no buyer acts on the shard that it is on, whatever its key.
fn check_key(record: &Record<'_>, event: &Event<'_>) -> Result<(), Refusal> {
    let mismatch = |message: String| Err(Refusal::new(RefusalCode::KeyMismatch, message));
    if !event.body.spec().has_buyer {
        return Ok(());
    }
    let subject = cut(event.subject);
    let Some(key) = record.key else {
        return mismatch(format!("The record has no key: it should be the subject, \"{subject}\"."));
    };
    if key != event.subject.as_bytes() {
        let key = cut(&String::from_utf8_lossy(key));
        return mismatch(format!("The record's key should be the subject, \"{subject}\", and is \"{key}\"."));
    }
    let (home, here) = (route::partition_of(key, record.partitions), record.partition);
    if home != here {
        return mismatch(format!(
            "The record's key belongs in partition {home} (murmur2), and the record is in {here}."
        ));
    }
    Ok(())
}

fn check_time(event: &Event<'_>, rules: &DecodeRules) -> Result<(), Refusal> {
    let latest = rules.now.plus_nanos(i64::from(rules.skew_ms) * 1_000_000);
    if event.time <= latest {
        return Ok(());
    }
    let message = format!("time ({}) is ahead of now by more than is allowed: at most {latest}.", event.time);
    Err(Refusal::new(RefusalCode::FutureTime, message))
}
