//! Laws at the ends of every range: nothing that can be decoded makes the core panic, or its figures inexact.

use bumpalo::Bump;
use proptest::prelude::*;
use proptest::test_runner::Config;
use vigie::base::amount::RATIO_MAX;
use vigie::base::{Day, Instant, Rate, SignedMoney};
use vigie::event::input::{FinancialsPublished, FxRate, IncidentReported, LimitSet, OrderPlaced, RatingChanged};
use vigie::event::{Body, Effect, EffectBody, Grade, IncidentKind, Segment};
use vigie::risk::params::BelowShipped;
use vigie::risk::{Params, Shard};
use vigie::sim::naive::Twin;
use vigie::wire::output::encode_effect;
use vigie::wire::{DecodeRules, TopicRule, decode_value};

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

/// Accounts of any figures, to the ends of their range.
pub fn filings() -> impl Strategy<Value = Told> {
    let figure = || {
        let text =
            prop::sample::select(vec!["1e18", "-1e18", "0", "0.0001", "-0.0001", "1", "999999999999999999.9999"]);
        prop::option::weighted(0.8, text.prop_map(|text| SignedMoney::parse(text).expect("a figure")))
    };
    let day = prop::sample::select(vec![0, 20_000, 20_365, 20_500, 84_005]).prop_map(Day::from_number);
    (day, prop::collection::vec(figure(), 13)).prop_map(|(period_end, figures)| {
        let said = FinancialsPublished {
            period_end,
            currency: eur(),
            total_assets: figures[0],
            current_assets: figures[1],
            current_liabilities: figures[2],
            total_liabilities: figures[3],
            retained_earnings: figures[4],
            ebit: figures[5],
            equity: figures[6],
            sales: figures[7],
            net_income: figures[8],
            cash: figures[9],
            inventory: figures[10],
            depreciation: figures[11],
            financial_expenses: figures[12],
        };
        told(Body::FinancialsPublished(said))
    })
}

/// Ratings of many agencies, and incidents.
pub fn words() -> impl Strategy<Value = Told> {
    const NAMES: [&str; 20] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];
    let name = || prop::sample::select(NAMES.to_vec()).prop_map(id);
    let pd = prop::option::of(prop::sample::select(vec![0, 1, 999_999_999, 1_000_000_000]));
    let rated = (1..=10_u8, name(), pd)
        .prop_map(|(grade, agency, pd)| Body::RatingChanged(RatingChanged { agency, grade, pd }));
    let reported = (name(), prop::sample::select(IncidentKind::ALL.to_vec()), 0..=3650_u16).prop_map(
        |(incident_id, kind, days)| {
            let (amount, currency) = (Some(money(1_000_000_000_000_000_000)), Some(eur()));
            Body::IncidentReported(IncidentReported { incident_id, kind, amount, currency, days_overdue: Some(days) })
        },
    );
    prop_oneof![rated, reported].prop_map(told)
}

fn told(body: Body<'static>) -> Told {
    let time = Day::from_number(20_500).start();
    Told { time, id: "e", source: "/erp", subject: "B1", body, shares: Vec::new() }
}

/// What people say of the last proposal and the last alert that were told.
fn answer(effects: &[Effect], time: Instant, which: u8) -> Option<Vec<u8>> {
    let (subject, proposal_id, version) = effects.iter().rev().find_map(|effect| match &effect.body {
        EffectBody::LimitReductionProposed(notice) => {
            Some((effect.buyer_id.clone(), notice.proposal_id.clone(), notice.version))
        }
        _ => None,
    })?;
    let by = if which.is_multiple_of(2) { "alice" } else { "bob" };
    let amount = ["0.0001", "100000000000000", "99999999999999.9999", "1"][usize::from(which) % 4];
    let (kind, data) = match which {
        0..4 => ("proposal.approved", format!(r#""version":{version},"decided_by":"{by}""#)),
        4..8 => ("proposal.approved", format!(r#""version":{version},"decided_by":"{by}","amount":"{amount}""#)),
        _ => ("proposal.rejected", format!(r#""version":{version},"decided_by":"{by}""#)),
    };
    let line = format!(
        r#"{{"specversion":"1.0","id":"d{which}","source":"/desk","type":"{kind}","time":"{time}","subject":"{subject}","data":{{"proposal_id":"{proposal_id}",{data}}}}}"#
    );
    Some(line.into_bytes())
}

fn snooze(effects: &[Effect], until: &str, time: Instant) -> Option<Vec<u8>> {
    let (subject, alert_id) = effects.iter().rev().find_map(|effect| match &effect.body {
        EffectBody::AlertRaised(notice) => Some((effect.buyer_id.clone(), notice.alert_id.clone())),
        _ => None,
    })?;
    let line = format!(
        r#"{{"specversion":"1.0","id":"s","source":"/desk","type":"alert.snoozed","time":"{time}","subject":"{subject}","data":{{"alert_id":"{alert_id}","until":"{until}","decided_by":"me"}}}}"#
    );
    Some(line.into_bytes())
}

fn say(shard: &mut Shard, line: Option<Vec<u8>>, effects: &mut Vec<Effect>) {
    let Some(line) = line else { return };
    let rules = DecodeRules {
        base: eur(),
        value_bytes_max: DecodeRules::VALUE_BYTES_MAX,
        nesting_max: DecodeRules::NESTING_MAX,
        now: Instant::MAX,
        skew_ms: 0,
        topics: TopicRule::Any,
    };
    let scratch = Bump::new();
    if let Ok(event) = decode_value(&line, &rules, &scratch) {
        shard.apply(&event, effects);
    }
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn no_figure_rating_incident_or_decision_panics_and_points_add_up(
        mut all in sequence(EXTREME, 1..30),
        said in prop::collection::vec(prop_oneof![filings(), words()], 30),
        times in prop::collection::vec(instants(), 30),
        answers in prop::collection::vec(0..10_u8, 30),
        until in prop::sample::select(vec!["1970-01-01", "2026-03-01", "2199-12-31"]),
        auto in any::<bool>(),
        below_shipped in prop::sample::select(vec![BelowShipped::Never, BelowShipped::Allowed]),
    ) {
        all.iter_mut().zip(times).for_each(|(told, time)| told.time = time.unwrap_or(told.time));
        let mut params = lively();
        params.proposals.below_shipped = below_shipped;
        params.proposals.keep_unnamed_pct = [50; 6];
        if auto {
            (params.proposals.auto_segments, params.proposals.auto_grades) = (Segment::ALL.to_vec(), Grade::ALL.to_vec());
            params.proposals.auto_up_to = 1_000_000_000_000_000;
        }
        let (mut shard, mut effects) = (Shard::new(params), Vec::new());
        for ((told, said), which) in all.iter().zip(said).zip(answers) {
            shard.apply(&told.event(), &mut effects);
            shard.apply(&Told { time: told.time, ..said }.event(), &mut effects);
            let time = told.time.plus_nanos(2_000_000_000);
            shard.advance(time, &mut effects);
            let line = answer(&effects, told.time, which);
            say(&mut shard, line, &mut effects);
            let line = snooze(&effects, until, told.time);
            say(&mut shard, line, &mut effects);
        }
        let end = Instant::parse("2199-12-31T23:59:59.999999999-23:59").expect("an instant");
        shard.advance(end, &mut effects);
        shard.tell_exposures(&mut effects);
        let as_of = today(&shard);
        shard.report_in_full(as_of, &mut |_| {});
        effects.iter().for_each(|effect| encode_effect(effect, &mut Vec::new()));
        for effect in &effects {
            let (scored, reasons) = match &effect.body {
                EffectBody::AlertRaised(said) | EffectBody::AlertEscalated(said) => (said.scored, &said.reasons),
                EffectBody::LimitReductionProposed(said) => (said.scored, &said.reasons),
                EffectBody::ExposureUpdated(said) => (said.row.scored, &said.reasons),
                _ => continue,
            };
            let sum: u16 = reasons.iter().map(|reason| reason.points.quarters()).sum();
            prop_assert!(sum == 0 || sum == scored.score.quarters(), "{sum} of {scored:?}");
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
