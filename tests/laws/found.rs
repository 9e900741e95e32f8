//! Sequences that once broke a law, shrunk, and such as random ones hardly ever are: what they must make.

use bumpalo::Bump;
use vigie::base::{Cents, Day, Instant};
use vigie::event::{AlertKind, Effect, EffectBody, Grade, Points, Scored, Segment};
use vigie::risk::{Params, Shard};
use vigie::wire::{DecodeRules, TopicRule, decode_value};

use crate::{eur, lively, rows, shard, today};

/// A day, a type and its data: an event of buyer B at eight o'clock.
type Said<'a> = (&'a str, &'a str, &'a str);

/// The alerts that come of some events and of the days up to one, the course of the score aside: day, turn, kind, severity.
fn alerts(params: Params, said: &[Said<'_>], until: &str) -> Vec<String> {
    let (mut shard, mut effects) = (Shard::new(params), Vec::new());
    tell(&mut shard, said, &mut effects);
    shard.advance(Day::parse(until).expect("a day").start(), &mut effects);
    effects.iter().filter_map(in_short).collect()
}

fn tell(shard: &mut Shard, said: &[Said<'_>], effects: &mut Vec<Effect>) {
    let rules = DecodeRules {
        base: eur(),
        value_bytes_max: DecodeRules::VALUE_BYTES_MAX,
        nesting_max: DecodeRules::NESTING_MAX,
        now: Instant::parse("2030-01-01T00:00:00Z").expect("an instant"),
        skew_ms: 0,
        topics: TopicRule::Any,
    };
    for (day, kind, data) in said {
        let line = format!(
            r#"{{"specversion":"1.0","id":"e","source":"/erp","type":"{kind}","time":"{day}T08:00:00Z","subject":"B","data":{data}}}"#
        );
        let scratch = Bump::new();
        let event = decode_value(line.as_bytes(), &rules, &scratch).expect("an event");
        shard.apply(&event, effects);
    }
}

fn in_short(effect: &Effect) -> Option<String> {
    let (turn, alert) = match &effect.body {
        EffectBody::AlertRaised(alert) => ("raised", alert),
        EffectBody::AlertEscalated(alert) => ("escalated", alert),
        EffectBody::AlertCleared(alert) => ("cleared", alert),
        _ => return None,
    };
    if [AlertKind::GradeWorsened, AlertKind::SuddenDeterioration].contains(&alert.kind) {
        return None;
    }
    Some(format!("{} {turn} {} {}", effect.at.day(), alert.kind.as_str(), alert.severity.as_str()))
}

const INVOICE: &str =
    r#"{"invoice_id":"F","amount":100,"currency":"EUR","issued_on":"2026-02-25","due_on":"2026-03-23"}"#;

#[test]
fn a_declaration_told_of_gets_critical_though_cash_takes_the_cover() {
    let cover = r#"{"cover_id":"C","layer":"primary","amount":100,"currency":"EUR","insured_pct":90,
        "valid_from":"2026-02-09","declare_within_days":0}"#;
    let said = [
        ("2026-03-14", "invoice.issued", INVOICE),
        ("2026-03-14", "cover.granted", cover),
        (
            "2026-03-15",
            "payment.received",
            r#"{"payment_id":"P","amount":100,"currency":"EUR","received_on":"2026-03-15"}"#,
        ),
    ];
    assert_eq!(
        alerts(Params::new(eur()), &said, "2026-05-01"),
        ["2026-03-14 raised declaration_due warning", "2026-03-20 escalated declaration_due critical"]
    );
}

#[test]
fn a_reversed_payment_is_not_forgotten_while_its_invoice_is_unpaid() {
    let paid = r#"{"payment_id":"P","amount":100,"currency":"EUR","received_on":"2026-02-25",
        "allocations":[{"invoice_id":"F","amount":100}]}"#;
    let said = [
        ("2026-02-25", "invoice.issued", INVOICE),
        ("2026-02-25", "payment.received", paid),
        ("2026-02-26", "payment.reversed", r#"{"payment_id":"P"}"#),
        ("2026-09-05", "invoice.cancelled", r#"{"invoice_id":"F"}"#),
    ];
    let params = Params { retention_days: Some(30), ..Params::new(eur()) };
    assert_eq!(
        alerts(params, &said, "2026-10-01"),
        ["2026-02-26 raised payment_reversed warning", "2026-09-05 cleared payment_reversed warning"]
    );
}

/// An old debt F, paid late in March, and what was shipped meanwhile, G: it has no cover, whatever was paid since.
const STOPPED: [Said<'_>; 4] = [
    (
        "2026-03-20",
        "cover.granted",
        r#"{"cover_id":"C","layer":"primary","amount":100,"currency":"EUR","insured_pct":90,
        "valid_from":"2026-01-01","max_extension_days":10}"#,
    ),
    (
        "2026-03-20",
        "invoice.issued",
        r#"{"invoice_id":"F","amount":9,"currency":"EUR","issued_on":"2026-02-01","due_on":"2026-02-01"}"#,
    ),
    (
        "2026-03-20",
        "invoice.issued",
        r#"{"invoice_id":"G","amount":70,"currency":"EUR","issued_on":"2026-03-20","due_on":"2026-03-20"}"#,
    ),
    (
        "2026-03-25",
        "payment.received",
        r#"{"payment_id":"P","amount":9,"currency":"EUR","received_on":"2026-03-25",
        "allocations":[{"invoice_id":"F","amount":9}]}"#,
    ),
];

fn insured(shard: &mut Shard) -> Cents {
    let as_of = today(shard);
    rows(shard, as_of)[0].insured_primary
}

#[test]
fn what_was_settled_late_and_then_cancelled_stops_nothing_any_more() {
    let mut shard = shard();
    tell(&mut shard, &STOPPED, &mut Vec::new());
    assert_eq!(insured(&mut shard), Cents(0));
    tell(&mut shard, &[("2026-03-26", "invoice.cancelled", r#"{"invoice_id":"F"}"#)], &mut Vec::new());
    // What F had absorbed is unapplied cash now, and reduces G.
    assert_eq!(insured(&mut shard), Cents(6_100));
}

#[test]
fn what_was_settled_late_and_then_forgotten_stops_what_it_stopped() {
    let mut shard = Shard::new(Params { retention_days: Some(60), ..Params::new(eur()) });
    tell(&mut shard, &STOPPED, &mut Vec::new());
    let end = Day::parse("2026-08-01").expect("a day").start();
    shard.advance(end, &mut Vec::new());
    let hash = shard.state_hash();
    tell(&mut shard, &STOPPED[1..2], &mut Vec::new());
    assert_eq!(hash, shard.state_hash(), "it is not known any more and comes too late");
    assert_eq!(insured(&mut shard), Cents(0));
}

#[test]
fn a_limit_that_was_cut_without_asking_counts_in_the_score_by_the_next_day() {
    let mut params = lively();
    params.proposals.keep_unnamed_pct = [50; 6];
    (params.proposals.auto_segments, params.proposals.auto_grades) = (Segment::ALL.to_vec(), Grade::ALL.to_vec());
    (params.proposals.auto_up_to, params.proposals.retained_from) = (1_000_000, Grade::F);
    let said = [
        ("2026-03-02", "order.placed", r#"{"order_id":"O","amount":"90","currency":"EUR"}"#),
        ("2026-03-03", "limit.set", r#"{"amount":"100","currency":"EUR"}"#),
    ];
    let (mut shard, mut effects) = (Shard::new(params), Vec::new());
    tell(&mut shard, &said, &mut effects);
    shard.advance(Day::parse("2026-03-04").expect("a day").start(), &mut effects);
    let as_of = today(&shard);
    let row = &rows(&mut shard, as_of)[0];
    assert_eq!((row.limit, row.utilisation), (Some(Cents(5_000)), Some(18_000)));
    assert_eq!(row.scored.score, Points::whole(6));
}

#[test]
fn small_invoices_and_those_without_a_rate_make_no_worse_score_than_large_ones() {
    let large = of_daily_invoices("700", "EUR");
    for (amount, currency) in [("0.6", "EUR"), ("700", "USD")] {
        let small = of_daily_invoices(amount, currency);
        assert!(small.score <= large.score, "{amount} {currency}: {small:?}, and {large:?}");
    }
}

/// The score of a buyer without anything else, whose invoices of so much are paid ten days late, one a day.
fn of_daily_invoices(amount: &str, currency: &str) -> Scored {
    let (mut shard, mut effects) = (Shard::new(Params::new(eur())), Vec::new());
    let first = Day::parse("2026-01-01").expect("a day");
    for number in 0..300 {
        let (issued, paid) = (first.plus(number), first.plus(number + 20));
        let invoice = format!(
            r#"{{"invoice_id":"{number}","amount":{amount},"currency":"{currency}","issued_on":"{issued}","due_on":"{}"}}"#,
            first.plus(number + 10)
        );
        let payment = format!(
            r#"{{"payment_id":"{number}","amount":{amount},"currency":"{currency}","received_on":"{paid}","allocations":[{{"invoice_id":"{number}","amount":{amount}}}]}}"#
        );
        let said = [("2026-01-01", "invoice.issued", &*invoice), (&*paid.to_string(), "payment.received", &*payment)];
        tell(&mut shard, &said, &mut effects);
    }
    shard.advance(first.plus(330).start(), &mut effects);
    let as_of = today(&shard);
    rows(&mut shard, as_of)[0].scored
}
