//! What goes back, and where to.

use super::letter::Letter;
use super::replay::{Back, mended_of};
use super::*;
use crate::runtime::{Headers, Record};
use crate::wire::{Header, partition_of};

const PARTITIONS: u32 = 12;
const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"s","type":"limit.removed","subject":"B1","data":{}}"#;
const RATE: &str = r#"{"specversion":"1.0","id":"1","source":"s","type":"fx.rate","data":{}}"#;

const ADDED: [(&str, &str); 5] = [
    ("vigie.error.code", "invalid_field"),
    ("vigie.error.message", "It is wrong."),
    ("vigie.error.topic", "vigie.limits"),
    ("vigie.error.partition", "7"),
    ("vigie.error.offset", "99"),
];

/// Calls with a letter that has these headers beside those of the engine.
fn with_letter<T>(key: Option<&str>, value: &str, own: &[(&str, &str)], look: impl FnOnce(&Letter<'_>) -> T) -> T {
    let header = |(name, value): &(&'static str, &'static str)| Header { name, value: Some(value.as_bytes()) };
    let own: Vec<Header<'_>> = own.iter().map(|(name, value)| Header { name, value: Some(value.as_bytes()) }).collect();
    let headers: Vec<Header<'_>> = own.into_iter().chain(ADDED.iter().map(header)).collect();
    look(&Letter::read(Record {
        topic: TopicId(0),
        partition: 3,
        offset: 42,
        time_ms: 1_000,
        key: key.map(str::as_bytes),
        value: Some(value.as_bytes()),
        headers: Headers::Listed(&headers),
    }))
}

fn texts(back: &Back) -> Vec<(String, String)> {
    let text = |value: &Option<Vec<u8>>| String::from_utf8(value.clone().expect("a value")).expect("text");
    back.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_letter_goes_back_as_it_was_and_says_which_one_it_was() {
    with_letter(Some("B1"), EVENT, &[("ce_id", "1"), ("trace", "t")], |letter| {
        let back = Back::of(letter, None, PARTITIONS);
        assert_eq!(back.partition, partition_of(b"B1", PARTITIONS));
        assert_eq!((back.key.as_deref(), back.value.as_deref()), (Some(&b"B1"[..]), Some(EVENT.as_bytes())));
        let time = pair("vigie.replayed.time", "1970-01-01T00:00:01Z");
        assert_eq!(texts(&back), [pair("ce_id", "1"), pair("trace", "t"), pair("vigie.replayed", "3:42"), time]);
    });
}

#[test]
fn what_was_sent_back_before_keeps_the_time_at_which_it_first_came() {
    let own = [("vigie.replayed", "0:1"), ("vigie.replayed.time", "1969")];
    with_letter(Some("B1"), EVENT, &own, |letter| {
        let back = Back::of(letter, None, PARTITIONS);
        assert_eq!(texts(&back), [pair("vigie.replayed", "3:42"), pair("vigie.replayed.time", "1969")]);
    });
}

#[test]
fn a_mended_event_goes_whole_to_the_partition_of_its_buyer() {
    with_letter(Some("other"), "broken", &[("ce_id", "1"), ("Content-Type", "application/json")], |letter| {
        let back = Back::of(letter, Some(EVENT.as_bytes().to_vec()), PARTITIONS);
        assert_eq!((back.partition, back.key.as_deref()), (partition_of(b"B1", PARTITIONS), Some(&b"B1"[..])));
        assert_eq!(texts(&back)[0], pair("content-type", "application/cloudevents+json"));
        assert_eq!(texts(&back).len(), 3);
        let data = Back::of(letter, Some(b"{\"amount\":1}".to_vec()), PARTITIONS);
        assert_eq!(data.key.as_deref(), Some(&b"other"[..]), "the data alone stays under the headers of the record");
        assert_eq!(texts(&data)[0], pair("ce_id", "1"));
    });
}

#[test]
fn a_rate_goes_back_to_the_partition_that_it_was_a_copy_for_and_what_has_no_key_too() {
    with_letter(Some("any"), RATE, &[], |letter| assert_eq!(Back::of(letter, None, PARTITIONS).partition, 7));
    with_letter(None, EVENT, &[], |letter| assert_eq!(Back::of(letter, None, PARTITIONS).partition, 7));
    with_letter(None, EVENT, &[], |letter| assert_eq!(Back::of(letter, None, 5).partition, 3, "there are fewer now"));
}

#[test]
fn a_line_of_the_list_is_read_back() {
    with_letter(Some("B1"), EVENT, &[], |letter| {
        let json = letter.json();
        assert_eq!(json["original"]["topic"], "vigie.limits");
        assert_eq!(mended_of(&json.to_string()), Ok(((3, 42), EVENT.as_bytes().to_vec())));
        let text = letter.text();
        assert!(
            text.starts_with("3:42 invalid_field vigie.limits/7:99 key B1 1970-01-01T00:00:01Z: It is wrong.\n"),
            "{text}"
        );
    });
    let event = r#"{"partition":3,"offset":42,"value":{"b":1.50,"a":2}}"#;
    assert_eq!(mended_of(event), Ok(((3, 42), br#"{"b":1.50,"a":2}"#.to_vec())), "as it stands");
    for wrong in ["", "{}", r#"{"partition":3,"offset":42}"#, r#"{"partition":-1,"offset":42,"value":""}"#] {
        assert!(mended_of(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_filter_takes_by_code_topic_buyer_and_time() {
    let at = |text: &str| Instant::parse(text);
    with_letter(Some("B1"), EVENT, &[], |letter| {
        let takes = |filter: Filter| filter.takes(letter, "vigie.");
        assert!(takes(Filter::default()));
        let text = |text: &str| Some(text.to_owned());
        for (is_taken, filter) in [
            (true, Filter { code: text("invalid_field"), ..Filter::default() }),
            (false, Filter { code: text("malformed"), ..Filter::default() }),
            (true, Filter { topic: text("limits"), ..Filter::default() }),
            (true, Filter { topic: text("vigie.limits"), ..Filter::default() }),
            (false, Filter { topic: text("invoices"), ..Filter::default() }),
            (true, Filter { buyer: text("B1"), ..Filter::default() }),
            (false, Filter { buyer: text("B2"), ..Filter::default() }),
            (true, Filter { since: at("1970-01-01T00:00:01Z"), ..Filter::default() }),
            (false, Filter { since: at("1970-01-01T00:00:01.001Z"), ..Filter::default() }),
        ] {
            let shown = format!("{filter:?}");
            assert_eq!(takes(filter), is_taken, "{shown}");
        }
    });
}
