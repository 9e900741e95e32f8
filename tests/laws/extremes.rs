//! Laws at the ends of every range: nothing that can be decoded makes the core panic, or its figures inexact.

use proptest::prelude::*;
use proptest::test_runner::Config;
use vigie::base::amount::RATIO_MAX;
use vigie::base::{Instant, Rate};
use vigie::event::Body;
use vigie::event::input::{FxRate, LimitSet, OrderPlaced};
use vigie::risk::{Params, Shard};
use vigie::sim::naive::Twin;
use vigie::wire::output::encode_effect;

use crate::told::{EXTREME, Told, currency, id, money, sequence};
use crate::{eur, every_case, ledger_rows, lively, rows, shard, today};

/// Two centuries of month ends take their time.
fn some_cases() -> Config {
    let all = every_case();
    Config { cases: all.cases.div_ceil(4), ..all }
}

fn instants() -> impl Strategy<Value = Option<Instant>> {
    let text = prop::sample::select(vec![
        "1970-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00Z",
        "1970-02-01T00:00:00Z",
        "2026-02-28T23:59:59.999999999Z",
        "2199-12-31T23:59:59.999999999Z",
        "2199-12-31T23:59:59.999999999-23:59",
    ]);
    prop::option::weighted(0.2, text.prop_map(|text| Instant::parse(text).expect("an instant")))
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn nothing_decodable_panics_or_loses_a_digit(
        mut all in sequence(EXTREME, 1..40),
        times in prop::collection::vec(instants(), 40),
        retention_days in prop::option::weighted(0.3, prop::sample::select(vec![0, 1, 730, u16::MAX])),
        instant_ms in prop::sample::select(vec![1000, 1, 86_400_000]),
    ) {
        all.iter_mut().zip(times).for_each(|(told, time)| told.time = time.unwrap_or(told.time));
        let mut shard = Shard::new(Params { retention_days, instant_ms, ..lively() });
        let mut twin = Twin::new(eur());
        let mut effects = Vec::new();
        for told in &all {
            shard.apply(&told.event(), &mut effects);
            twin.apply(told.event());
        }
        let end = Instant::parse("2199-12-31T23:59:59.999999999-23:59").expect("an instant");
        for to in [end.plus_nanos(-40 * 365 * 86_400_000_000_000), end] {
            shard.advance(to, &mut effects);
            shard.tell_exposures(&mut effects);
        }
        effects.iter().for_each(|effect| encode_effect(effect, &mut Vec::new()));
        prop_assert_eq!(shard.state_hash(), shard.state_hash());
        let as_of = today(&shard);
        let rows = ledger_rows(&mut shard, as_of);
        if retention_days.is_none() {
            prop_assert_eq!(rows, twin.report(as_of));
        }
    }
}

#[test]
fn a_utilisation_of_over_38_digits_stays_at_the_last_of_them() {
    let time = Instant::parse("2026-03-01T10:00:00Z").expect("an instant");
    let told = |body| Told { time, id: "e", source: "/erp", subject: "B", body, shares: Vec::new() };
    let rate =
        |name, rate| told(Body::FxRate(FxRate { currency: currency(name), rate: Rate::parse(rate).expect("a rate") }));
    let order = OrderPlaced {
        seller_id: "",
        order_id: id("O"),
        amount: money(1_000_000_000_000_000_000),
        currency: currency("USD"),
        expected_on: None,
    };
    let limit = LimitSet { amount: money(1), currency: currency("JPY"), reason: None, decided_by: None };
    let all = [
        rate("USD", "999999999"),
        rate("JPY", "0.000000000001"),
        told(Body::OrderPlaced(order)),
        told(Body::LimitSet(limit)),
    ];
    let mut shard = shard();
    all.iter().for_each(|told| drop(shard.apply(&told.event(), &mut Vec::new())));
    let as_of = today(&shard);
    assert_eq!(rows(&mut shard, as_of)[0].utilisation, Some(RATIO_MAX));
}
