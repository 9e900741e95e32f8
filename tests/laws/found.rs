//! Sequences that once broke a law, shrunk: what they must make.

use bumpalo::Bump;
use vigie::base::{Day, Instant};
use vigie::event::{Effect, EffectBody};
use vigie::risk::{Params, Shard};
use vigie::wire::{DecodeRules, TopicRule, decode_value};

use crate::eur;

/// The alerts that come of some events of buyer B and of the days up to one: day, turn, kind, severity.
fn alerts(params: Params, said: &[(&str, &str, &str)], until: &str) -> Vec<String> {
    let rules = DecodeRules {
        base: eur(),
        value_bytes_max: DecodeRules::VALUE_BYTES_MAX,
        nesting_max: DecodeRules::NESTING_MAX,
        now: Instant::parse("2030-01-01T00:00:00Z").expect("an instant"),
        skew_ms: 0,
        topics: TopicRule::Any,
    };
    let (mut shard, mut effects) = (Shard::new(params), Vec::new());
    for (day, kind, data) in said {
        let line = format!(
            r#"{{"specversion":"1.0","id":"e","source":"/erp","type":"{kind}","time":"{day}T08:00:00Z","subject":"B","data":{data}}}"#
        );
        let scratch = Bump::new();
        let event = decode_value(line.as_bytes(), &rules, &scratch).expect("an event");
        shard.apply(&event, &mut effects);
    }
    shard.advance(Day::parse(until).expect("a day").start(), &mut effects);
    effects.iter().filter_map(in_short).collect()
}

fn in_short(effect: &Effect) -> Option<String> {
    let (turn, alert) = match &effect.body {
        EffectBody::AlertRaised(alert) => ("raised", alert),
        EffectBody::AlertEscalated(alert) => ("escalated", alert),
        EffectBody::AlertCleared(alert) => ("cleared", alert),
        _ => return None,
    };
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
