//! Properties of the codec, over arbitrary events of every type and over what is left of them after mutilation.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use proptest::prelude::*;

use super::decode::{DecodeRules, Header, Record, TopicRule, decode_record, decode_value, nesting};
use super::encode::encode_event;
use super::route::{Route, partition_of, route};
use super::{general, scan};
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};
use crate::event::{Allocation, Body, Country, Event, FieldReader, Id, IncidentKind, Layer, Procedure, Segment, Topic};

/// A source of choices that proptest can shrink: every field of every type is drawn from one list of numbers, and what
/// is beyond its end is 0, the simplest choice.
struct Tape<'a> {
    choices: std::slice::Iter<'a, u64>,
    scratch: &'a Bump,
}

/// Characters that texts are made of: plain ones, those that need an escape, and those of two to four bytes.
const CHARS: [char; 16] =
    ['a', 'Z', '0', '-', ' ', '/', '.', '"', '\\', 'é', '€', '🙂', '\u{a0}', '\u{2028}', '\u{7e}', '\''];
/// Control characters, which only free texts may hold.
const CONTROLS: [char; 4] = ['\0', '\n', '\u{1f}', '\u{7f}'];
const CURRENCIES: [&str; 4] = ["USD", "GBP", "CHF", "JPY"];

impl<'a> Tape<'a> {
    fn draw(&mut self, below: u64) -> u64 {
        self.choices.next().copied().unwrap_or(0) % below
    }

    fn pick<T: Copy>(&mut self, members: &[T]) -> T {
        members[self.draw(members.len() as u64) as usize]
    }

    fn plain(&mut self, least: u64) -> &'a str {
        let length = least + self.draw(9);
        let text: String = (0..length).map(|_| self.pick(&CHARS)).collect();
        self.scratch.alloc_str(&text)
    }

    fn name(&mut self) -> Id<'a> {
        Id::parse(self.plain(1)).expect("plain characters make an id")
    }

    fn units(&mut self, most: i128) -> i128 {
        let digits = self.draw(40) as u32;
        let wide = i128::from(self.draw(u64::MAX)) << 64 | i128::from(self.draw(u64::MAX));
        (wide & i128::MAX) % 10_i128.checked_pow(digits).unwrap_or(most).min(most) + 1
    }

    fn list(&mut self, least: u64) -> &'a [Allocation<'a>] {
        let mut list = BumpVec::new_in(self.scratch);
        for _ in 0..least + self.draw(4) {
            let amount = Money::from_units(self.units(10_i128.pow(18)) as i64).expect("in range");
            list.push(Allocation { invoice_id: self.name(), amount });
        }
        list.into_bump_slice()
    }
}

/// A reader that finds every field; `thin_out` takes some away.
macro_rules! drawn {
    ($($method:ident: $type:ty = $make:expr;)*) => {$(
        fn $method(&mut self, index: usize) -> Result<Option<$type>, usize> {
            let _ = index;
            let make: fn(&mut Self) -> $type = $make;
            Ok(Some(make(self)))
        }
    )*};
}

impl<'a> FieldReader<'a> for Tape<'a> {
    type Error = usize;

    drawn! {
        id: Id<'a> = |tape| tape.name();
        seller: &'a str = |tape| tape.plain(0);
        text: &'a str = |tape| {
            let text = format!("{}{}", tape.plain(0), tape.pick(&CONTROLS));
            tape.scratch.alloc_str(&text)
        };
        amount: Money = |tape| Money::from_units(tape.units(10_i128.pow(18)) as i64).expect("in range");
        amount_or_zero: Money = |tape| Money::from_units(tape.units(10_i128.pow(18)) as i64 - 1).expect("in range");
        signed_amount: SignedMoney = |tape| {
            let sign = tape.pick(&["", "-"]);
            SignedMoney::parse(&format!("{sign}{}e-4", tape.units(10_i128.pow(22)))).expect("in range")
        };
        date: Day = |tape| Day::from_number(tape.draw(84_006) as i32);
        instant: Instant = |tape| Instant::from_nanos(tape.draw(84_006 * 86_400_000_000_000) as i64);
        currency: Currency = |tape| Currency::parse(tape.pick(&CURRENCIES)).expect("three letters");
        percent: Percent = |tape| Percent::parse(&format!("{}e-4", tape.draw(1_000_001))).expect("in range");
        rate: Rate = |tape| Rate::parse(&format!("{}e-12", tape.units(10_i128.pow(21) - 1))).expect("in range");
        share: u32 = |tape| tape.draw(1_000_000_001) as u32;
        days: u16 = |tape| tape.draw(3651) as u16;
        grade: u8 = |tape| tape.draw(10) as u8 + 1;
        version: u32 = |tape| tape.draw(1_000_000_000) as u32 + 1;
        country: Country = |tape| Country::parse(tape.pick(&["DE", "FR"])).expect("two letters");
        layer: Layer = |tape| tape.pick(Layer::ALL);
        segment: Segment = |tape| tape.pick(Segment::ALL);
        procedure: Procedure = |tape| tape.pick(Procedure::ALL);
        incident_kind: IncidentKind = |tape| tape.pick(IncidentKind::ALL);
        allocations: &'a [Allocation<'a>] = |tape| tape.list(1);
        some_allocations: &'a [Allocation<'a>] = |tape| tape.list(1);
    }

    fn missing(&self, index: usize) -> usize {
        index
    }
}

/// What an arbitrary event is drawn from.
#[derive(Debug, Clone)]
struct Drawn {
    place: usize,
    choices: Vec<u64>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (0..Body::SPECS.len(), prop::collection::vec(any::<u64>(), 0..150))
        .prop_map(|(place, choices)| Drawn { place, choices })
}

impl Drawn {
    fn event<'a>(&'a self, scratch: &'a Bump) -> Event<'a> {
        let mut tape = Tape { choices: self.choices.iter(), scratch };
        let time = Instant::from_nanos(tape.draw(84_006 * 86_400_000_000_000) as i64);
        let (id, source, buyer) = (tape.plain(1), tape.plain(1), tape.name().as_str());
        let mut body = Body::read(self.place, &mut tape).expect("every field is drawn");
        thin_out(&mut body, &mut tape);
        let subject = if body.spec().has_buyer { buyer } else { "" };
        Event { time, id, source, subject, body }
    }
}

/// Takes out some of the optional fields, and makes those that stay fit each other.
fn thin_out(body: &mut Body<'_>, tape: &mut Tape<'_>) {
    fn drop_some<T>(field: &mut Option<T>, tape: &mut Tape<'_>) {
        if tape.draw(2) == 0 {
            *field = None;
        }
    }
    match body {
        Body::InvoiceIssued(invoice) => {
            (invoice.issued_on, invoice.due_on) =
                (invoice.issued_on.min(invoice.due_on), invoice.issued_on.max(invoice.due_on));
            invoice.net_amount = invoice.net_amount.map(|net| net.min(invoice.amount));
            drop_some(&mut invoice.net_amount, tape);
            drop_some(&mut invoice.order_id, tape);
        }
        Body::CoverGranted(cover) => {
            cover.valid_to = cover.valid_to.map(|last| last.max(cover.valid_from));
            drop_some(&mut cover.valid_to, tape);
            drop_some(&mut cover.max_payment_term_days, tape);
            drop_some(&mut cover.insurer, tape);
            if cover.layer != Layer::SingleRisk {
                drop_some(&mut cover.order_id, tape);
            }
        }
        Body::PaymentReceived(payment) => drop_some(&mut payment.allocations, tape),
        Body::BuyerDescribed(buyer) => {
            drop_some(&mut buyer.name, tape);
            drop_some(&mut buyer.country, tape);
            drop_some(&mut buyer.segment, tape);
        }
        Body::RatingChanged(rating) => drop_some(&mut rating.pd, tape),
        Body::FinancialsPublished(accounts) => {
            drop_some(&mut accounts.total_assets, tape);
            drop_some(&mut accounts.financial_expenses, tape);
        }
        Body::IncidentReported(incident) => drop_some(&mut incident.days_overdue, tape),
        Body::ProposalApproved(approval) => drop_some(&mut approval.amount, tape),
        _ => {}
    }
}

/// Pieces that make trouble in JSON.
const PIECES: [&[u8]; 28] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b" ",
    b"\n",
    b"0",
    b"-",
    b".",
    b"e9",
    b"null",
    b"true",
    b"\\u0041",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\"id\":",
    b"\"type\":\"fx.rate\",",
    b"[[[[[[[[[[[[[[[",
];

/// One wound: where, how many bytes are lost, and what comes in their place.
fn wounds() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((any::<usize>(), 0..3_usize, 0..PIECES.len()), 0..4)
}

fn mutilate(line: &mut Vec<u8>, wounds: &[(usize, usize, usize)]) {
    for (place, lost, piece) in wounds {
        let start = place % (line.len() + 1);
        let end = (start + lost).min(line.len());
        line.splice(start..end, PIECES[*piece].iter().copied());
    }
}

fn rules() -> DecodeRules {
    DecodeRules::new(Currency::parse("EUR").expect("a currency"), Instant::MAX)
}

fn line(event: &Event<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    encode_event(event, &mut line);
    line
}

/// Decodes in both modes and looks for the route, in the hope of a panic; checks that the route agrees.
fn exercise(value: &[u8]) -> Result<(), TestCaseError> {
    let scratch = Bump::new();
    let routed = route(value);
    if let Ok(event) = decode_value(value, &rules(), &scratch) {
        let expected = if event.body.spec().has_buyer { Route::Buyer(event.subject.into()) } else { Route::EveryShard };
        prop_assert_eq!(routed, expected);
    }
    let mut headers: Vec<Header<'_>> = [("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_source", "s")]
        .map(|(name, value)| Header { name, value: Some(value.as_bytes()) })
        .to_vec();
    headers.push(Header { name: "ce_type", value: value.get(0..3) });
    let record =
        Record { topic: Topic::Limits, partition: 0, partitions: 1, key: Some(value), headers: &headers, value };
    let _ = decode_record(&record, &rules(), &scratch);
    let _ = decode_record(&Record { headers: &[], key: None, ..record }, &rules(), &scratch);
    Ok(())
}

proptest! {
    #[test]
    fn an_event_is_decoded_as_it_was_encoded(drawn in drawn()) {
        let scratch = Bump::new();
        let event = drawn.event(&scratch);
        let line = line(&event);
        let again = decode_value(&line, &rules(), &scratch);
        prop_assert_eq!(again, Ok(event), "{}", String::from_utf8_lossy(&line));
    }

    #[test]
    fn the_route_agrees_with_decoding(drawn in drawn()) {
        let scratch = Bump::new();
        let event = drawn.event(&scratch);
        let line = line(&event);
        let expected = if event.body.spec().has_buyer { Route::Buyer(event.subject.into()) } else { Route::EveryShard };
        prop_assert_eq!(route(&line), expected);
    }

    #[test]
    fn a_record_is_decoded_like_a_line(drawn in drawn(), partitions in 1..64_u32) {
        let scratch = Bump::new();
        let event = drawn.event(&scratch);
        let line = line(&event);
        let record = Record {
            topic: event.body.spec().topic.unwrap_or(Topic::Signals),
            partition: partition_of(event.subject.as_bytes(), partitions),
            partitions,
            key: Some(event.subject.as_bytes()),
            headers: &[],
            value: &line,
        };
        prop_assert_eq!(decode_record(&record, &rules(), &scratch), Ok(event));
        let rules = DecodeRules { topics: TopicRule::Any, ..rules() };
        for topic in Topic::ALL {
            let record = Record { topic: *topic, ..record };
            prop_assert_eq!(decode_record(&record, &rules, &scratch), Ok(event));
        }
    }

    #[test]
    fn the_fast_reader_reads_what_the_general_one_reads(drawn in drawn(), wounds in wounds()) {
        let scratch = Bump::new();
        let mut line = line(&drawn.event(&scratch));
        mutilate(&mut line, &wounds);
        let Ok(text) = std::str::from_utf8(&line) else { return Ok(()) };
        let fast = scan::read(text, DecodeRules::NESTING_MAX, &scratch);
        if let Some(value) = fast {
            prop_assert_eq!(Some(value), general::read(text, &scratch).ok());
            prop_assert!(nesting(&line) <= DecodeRules::NESTING_MAX);
        } else if !line.contains(&b'\\') && nesting(&line) <= DecodeRules::NESTING_MAX {
            prop_assert!(general::read(text, &scratch).is_err(), "the fast reader leaves what is plain");
        }
    }

    #[test]
    fn nothing_mutilated_panics(drawn in drawn(), wounds in wounds()) {
        let scratch = Bump::new();
        let mut line = line(&drawn.event(&scratch));
        mutilate(&mut line, &wounds);
        exercise(&line)?;
    }

    #[test]
    fn no_bytes_panic(value in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&value)?;
    }

    #[test]
    fn no_pieces_of_json_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let value: Vec<u8> = pieces.iter().flat_map(|piece| PIECES[*piece]).copied().collect();
        exercise(&value)?;
    }
}
