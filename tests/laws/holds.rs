//! Laws of holds: no two orders pass on the same headroom, whatever else happens; what is held counts until the order is
//! placed or cancelled, or the hold's time is over, to the nanosecond; and nothing depends on batches or restarts.

use proptest::prelude::*;
use proptest::sample::select;
use vigie::base::Instant;
use vigie::event::input::{ClockTick, OrderHeld};
use vigie::event::{Body, Cause, Effect, EffectBody, HoldDecision, HoldObstacleCode};
use vigie::risk::stored::Storing;
use vigie::risk::{Outcome, Params, Shard};
use vigie::sim::naive::{Twin, Verdict};

use crate::effects::written;
use crate::told::{CLOSE, DAY_S, EVERYDAY, HOUR_S, Palette, Told, currency, id, money, sequence, stopping_cover};
use crate::{eur, every_case, ledger_rows, rows, shard, tell, today};

/// Amounts of which a few fill a limit, and instants that holds end between.
const TIGHT: Palette = Palette {
    amounts: &[1_000_000, 1_000_001, 500_000, 3_000_000, 10_000_000],
    currencies: &["EUR", "EUR", "EUR", "USD", "ZZZ"],
    gaps_s: &[0, 0, 0, 1, 1, HOUR_S, HOUR_S, DAY_S, 9 * DAY_S],
    buyers: &["B1", "B1", "B2"],
    ..EVERYDAY
};

/// Nanoseconds after it is asked for that a hold ends.
const LASTS_NS: [i64; 9] = [
    -1,
    0,
    1,
    500_000_000,
    1_000_000_000,
    HOUR_S * 1_000_000_000,
    HOUR_S * 1_000_000_000 + 1,
    DAY_S * 1_000_000_000,
    20 * DAY_S * 1_000_000_000,
];

const IDS: [&str; 8] = ["1", "2", "3", "H1", "H2", "H3", "H4", "H5"];

fn hold() -> impl Strategy<Value = (OrderHeld<'static>, i64)> {
    let of = (
        select(TIGHT.sellers),
        select(&IDS[..]),
        select(TIGHT.amounts),
        select(TIGHT.currencies),
        select(&LASTS_NS[..]),
    );
    of.prop_map(|(seller_id, order_id, amount, of, lasts_ns)| {
        let (order_id, amount, currency) = (id(order_id), money(amount), currency(of));
        (OrderHeld { seller_id, order_id, amount, currency, expires_at: Instant::MIN }, lasts_ns)
    })
}

/// Events of any kind with holds among them.
fn holding() -> impl Strategy<Value = Vec<Told>> {
    let around = prop_oneof![
        3 => sequence(TIGHT, 1..40),
        1 => sequence(CLOSE, 1..40).prop_map(|mut all| {
            all.insert(0, stopping_cover("B1", 9));
            all
        }),
    ];
    let limit = select(vec![Some(2_000_000), Some(5_000_000), Some(5_000_001), None]);
    let holds = prop::collection::vec((any::<prop::sample::Index>(), hold()), 1..25);
    (around, limit, holds).prop_map(|(mut all, limit, holds)| {
        for (at, (held, lasts_ns)) in holds {
            let at = at.index(all.len());
            let like = all[at].clone();
            let body = Body::OrderHeld(OrderHeld { expires_at: like.time.plus_nanos(lasts_ns), ..held });
            let subject = if like.subject.is_empty() { "B1" } else { like.subject };
            all.insert(at, Told { id: "hold", subject, body, shares: Vec::new(), ..like });
        }
        if let Some(amount) = limit {
            all.insert(0, limit_of("B1", amount, all[0].time));
        }
        all
    })
}

fn limit_of(subject: &'static str, amount: i64, time: Instant) -> Told {
    let said = vigie::event::input::LimitSet {
        amount: money(amount),
        currency: currency("EUR"),
        reason: None,
        decided_by: None,
    };
    Told { time, id: "limit", source: "/credit", subject, body: Body::LimitSet(said), shares: Vec::new() }
}

fn decisions(effects: &[Effect]) -> Vec<&HoldDecision> {
    let mut decisions = Vec::new();
    for effect in effects {
        if let EffectBody::OrderHoldDecided(decision) = &effect.body {
            decisions.push(&**decision);
        }
    }
    decisions
}

fn restored(shard: &mut Shard) -> Shard {
    let (mut head, mut run) = (Vec::new(), Vec::new());
    shard.begin_storing();
    shard.store_head(&mut head);
    while shard.store_some(1, &mut run) == Storing::More {}
    let mut restoring = Shard::restore(&head).expect("a head");
    restoring.restore_buyers(&run).expect("buyers");
    restoring.finish_restore().expect("a shard")
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn every_hold_is_decided_as_from_all_that_was_said_and_counts_as_long(all in holding()) {
        let (mut shard, mut twin, mut effects) = (shard(), Twin::new(eur()), Vec::new());
        for told in &all {
            let verdict = match shard.apply(&told.event(), &mut effects) {
                Outcome::Applied => Verdict::Applied,
                Outcome::Duplicate => Verdict::Duplicate,
                Outcome::Refused(why) if why.code.as_str() == "conflict" => Verdict::Conflict,
                Outcome::Refused(_) => Verdict::NotOpen,
            };
            prop_assert_eq!(verdict, twin.apply(told.event()), "{:?}", told);
            let granted: Vec<bool> = decisions(&effects).iter().map(|decision| decision.is_granted()).collect();
            prop_assert_eq!(&granted, twin.decisions(), "{:?}", told);
            let as_of = today(&shard);
            prop_assert_eq!(ledger_rows(&mut shard, as_of), twin.report(as_of));
        }
    }

    #[test]
    fn what_is_granted_never_passes_the_limit_and_what_is_not_leaves_no_trace(all in holding()) {
        let mut shard = shard();
        for told in &all {
            let mut effects = Vec::new();
            // What falls due on the way to the event has happened before it.
            let tick = Told { subject: "", body: Body::ClockTick(ClockTick {}), shares: Vec::new(), ..told.clone() };
            shard.apply(&tick.event(), &mut effects);
            let as_of = today(&shard);
            let row = |shard: &mut Shard| rows(shard, as_of).into_iter().find(|row| row.buyer_id == told.subject);
            let exposure = |shard: &mut Shard| row(shard).map_or(0, |row| row.exposure.0);
            let before = exposure(&mut shard);
            effects.clear();
            shard.apply(&told.event(), &mut effects);
            for decision in decisions(&effects) {
                let after = row(&mut shard).expect("a buyer");
                prop_assert_eq!(decision.exposure.0, before);
                prop_assert_eq!(decision.limit, after.limit);
                prop_assert_eq!(decision.headroom.is_some(), decision.limit.is_some());
                if decision.is_granted() {
                    prop_assert!(after.limit.is_some_and(|limit| after.exposure <= limit), "{:?} {:?}", decision, after);
                } else {
                    prop_assert_eq!(after.exposure.0, before);
                }
            }
        }
    }

    #[test]
    fn turns_readers_and_restarts_change_no_decision(
        all in holding(),
        is_restored in prop::collection::vec(prop::bool::weighted(0.25), 64),
    ) {
        let (mut whole, mut effects) = (shard(), Vec::new());
        let (mut in_turns, mut drained) = (shard(), Vec::new());
        let outcomes = tell(&mut whole, &all, &mut effects);
        for (place, told) in all.iter().enumerate() {
            let mut turn = Vec::new();
            prop_assert_eq!(&in_turns.apply(&told.event(), &mut turn), &outcomes[place]);
            drained.append(&mut turn);
            if is_restored[place % is_restored.len()] {
                let as_of = today(&in_turns);
                rows(&mut in_turns, as_of);
                in_turns = restored(&mut in_turns);
            }
        }
        for (shard, effects) in [(&mut whole, &mut effects), (&mut in_turns, &mut drained)] {
            let end = today(shard).plus(30).start();
            shard.advance(end, effects);
        }
        prop_assert_eq!(written(&effects), written(&drained));
        prop_assert_eq!(whole.state_hash(), in_turns.state_hash());
        prop_assert_eq!(whole.judgements(), in_turns.judgements());
    }

    #[test]
    fn time_that_passes_in_steps_ends_the_same_holds_and_tells_the_same(all in holding(), steps in 1..4_i64) {
        let (mut at_once, mut effects) = (shard(), Vec::new());
        let (mut in_steps, mut effects_in_steps) = (shard(), Vec::new());
        for told in &all {
            if let Some(clock) = in_steps.clock().filter(|clock| *clock < told.time) {
                let between = told.time.nanos() - clock.nanos();
                for step in 1..steps {
                    let time = clock.plus_nanos(between / steps * step);
                    let tick = Told { time, subject: "", body: Body::ClockTick(ClockTick {}), shares: Vec::new(), ..told.clone() };
                    in_steps.apply(&tick.event(), &mut effects_in_steps);
                }
            }
            // A duplicate moves no clock: both are where its time would have taken them.
            let tick = Told { subject: "", body: Body::ClockTick(ClockTick {}), shares: Vec::new(), ..told.clone() };
            at_once.apply(&tick.event(), &mut effects);
            in_steps.apply(&tick.event(), &mut effects_in_steps);
            let outcome = at_once.apply(&told.event(), &mut effects);
            prop_assert_eq!(in_steps.apply(&told.event(), &mut effects_in_steps), outcome);
        }
        let end = today(&at_once).plus(30).start();
        at_once.advance(end, &mut effects);
        in_steps.advance(end, &mut effects_in_steps);
        let told = |effects: &[Effect]| decisions(effects).into_iter().cloned().collect::<Vec<_>>();
        prop_assert_eq!(told(&effects), told(&effects_in_steps));
        prop_assert_eq!(rows(&mut at_once, end.day()), rows(&mut in_steps, end.day()));
    }
}

const START_NS: i64 = 1_770_000_000_000_000_000;

fn at(after_ns: i64, body: Body<'static>) -> Told {
    let time = Instant::from_nanos(START_NS + after_ns);
    let subject = if body.spec().has_buyer { "B1" } else { "" };
    Told { time, id: "e", source: "/shop", subject, body, shares: Vec::new() }
}

fn ask(order: &'static str, units: i64, after_ns: i64, lasts_ns: i64) -> Told {
    let expires_at = Instant::from_nanos(START_NS + after_ns + lasts_ns);
    let (order_id, amount, currency) = (id(order), money(units), currency("EUR"));
    at(after_ns, Body::OrderHeld(OrderHeld { seller_id: "", order_id, amount, currency, expires_at }))
}

fn tick(after_ns: i64) -> Told {
    at(after_ns, Body::ClockTick(ClockTick {}))
}

fn with_limit(units: i64) -> Shard {
    let mut shard = shard();
    let told = limit_of("B1", units, Instant::from_nanos(START_NS));
    assert_eq!(shard.apply(&told.event(), &mut Vec::new()), Outcome::Applied);
    shard
}

fn codes(shard: &mut Shard, told: &Told) -> Vec<HoldObstacleCode> {
    let mut effects = Vec::new();
    assert_eq!(shard.apply(&told.event(), &mut effects), Outcome::Applied, "{told:?}");
    let all = decisions(&effects);
    assert_eq!(all.len(), 1, "{told:?} is decided at once, and once");
    all[0].why.iter().map(|why| why.code).collect()
}

fn orders(shard: &mut Shard) -> i128 {
    let as_of = today(shard);
    rows(shard, as_of)[0].orders.0
}

#[test]
fn two_orders_do_not_pass_on_the_same_headroom_though_they_come_in_one_instant() {
    let mut shard = with_limit(100_0000);
    assert_eq!(codes(&mut shard, &ask("1", 60_0000, 0, 9)), []);
    assert_eq!(codes(&mut shard, &ask("2", 60_0000, 0, 9)), [HoldObstacleCode::OverLimit]);
    assert_eq!(codes(&mut shard, &ask("3", 40_0000, 0, 9)), []);
    assert_eq!(codes(&mut shard, &ask("4", 1, 0, 9)), [HoldObstacleCode::OverLimit]);
}

#[test]
fn a_hold_ends_at_its_time_and_not_a_nanosecond_before() {
    const LASTS: i64 = 1_500_000_000;
    for (asked_again, expected) in [(LASTS - 1, vec![HoldObstacleCode::OverLimit]), (LASTS, vec![])] {
        let mut shard = with_limit(100_0000);
        assert_eq!(codes(&mut shard, &ask("1", 100_0000, 0, LASTS)), []);
        assert_eq!(codes(&mut shard, &ask("2", 1, asked_again, LASTS)), expected);
    }
}

#[test]
fn the_end_of_a_hold_is_an_event_of_the_clock_for_which_its_buyer_is_judged() {
    let mut shard = with_limit(100_0000);
    let mut effects = Vec::new();
    assert_eq!(codes(&mut shard, &ask("1", 99_0000, 0, 3_500_000_000)), []);
    // A smaller limit: the hold stays, and is over it.
    shard.apply(&limit_of("B1", 50_0000, Instant::from_nanos(START_NS + 1_000_000_000)).event(), &mut effects);
    shard.apply(&tick(2_000_000_000).event(), &mut effects);
    assert!(effects.iter().any(|effect| effect.body.type_name() == "alert.raised"), "{effects:?}");
    effects.clear();
    // The end of a turn closes the instant that it moves the clock to.
    restored(&mut shard).advance(Instant::from_nanos(START_NS + 3_600_000_000), &mut effects);
    assert_eq!(effects.iter().map(|effect| effect.body.type_name()).collect::<Vec<_>>(), ["alert.cleared"]);
    effects.clear();
    shard.apply(&tick(3_999_999_999).event(), &mut effects);
    assert!(effects.is_empty(), "its instant is not over: {effects:?}");
    assert_eq!(orders(&mut shard), 0);
    let mut again = restored(&mut shard);
    for shard in [&mut shard, &mut again] {
        effects.clear();
        shard.apply(&tick(8_000_000_000).event(), &mut effects);
        let told: Vec<_> =
            effects.iter().map(|effect| (effect.body.type_name(), effect.at, &effect.caused_by)).collect();
        let end = Instant::from_nanos(START_NS + 3_999_999_999);
        assert_eq!(told, [("alert.cleared", end, &Cause::Clock)]);
    }
}

#[test]
fn a_placed_order_takes_the_place_of_its_hold_with_its_own_amount_and_a_cancelled_one_frees_it() {
    use vigie::event::input::{OrderCancelled, OrderPlaced};
    let (seller_id, order_id, currency) = ("", id("1"), currency("EUR"));
    for amount in [10_0000, 60_0000, 250_0000] {
        let mut shard = with_limit(100_0000);
        assert_eq!(codes(&mut shard, &ask("1", 60_0000, 0, 9_000_000_000)), []);
        assert_eq!(orders(&mut shard), 60_00);
        let placed = OrderPlaced { seller_id, order_id, amount: money(amount), currency, expected_on: None };
        shard.apply(&at(1, Body::OrderPlaced(placed)).event(), &mut Vec::new());
        assert_eq!(orders(&mut shard), i128::from(amount / 100));
        shard.apply(&tick(20_000_000_000).event(), &mut Vec::new());
        assert_eq!(orders(&mut shard), i128::from(amount / 100), "the end of the hold is none of the order's");
        let late = ask("1", 60_0000, 20_000_000_000, -11_000_000_000);
        assert_eq!(shard.apply(&late.event(), &mut Vec::new()), Outcome::Duplicate);
    }
    for is_cancelled_first in [false, true] {
        let mut shard = with_limit(100_0000);
        let cancelled = at(1, Body::OrderCancelled(OrderCancelled { seller_id, order_id }));
        let held = ask("1", 60_0000, 1, 9_000_000_000);
        if is_cancelled_first {
            shard.apply(&cancelled.event(), &mut Vec::new());
            assert_eq!(codes(&mut shard, &held), [HoldObstacleCode::Cancelled]);
        } else {
            assert_eq!(codes(&mut shard, &held), []);
            shard.apply(&cancelled.event(), &mut Vec::new());
        }
        assert_eq!(orders(&mut shard), 0);
    }
}

#[test]
fn the_time_of_a_hold_that_was_over_before_is_no_time_of_the_clock_with_a_restart_or_without() {
    use vigie::event::input::{OrderCancelled, OrderPlaced};
    const LASTS: i64 = 1;
    let (seller_id, order_id, amount, currency) = ("", id("1"), money(60_0000), currency("EUR"));
    let overs = [
        Body::OrderCancelled(OrderCancelled { seller_id, order_id }),
        Body::OrderPlaced(OrderPlaced { seller_id, order_id, amount, currency, expected_on: None }),
    ];
    for over in overs {
        let mut shard = with_limit(100_0000);
        assert_eq!(codes(&mut shard, &ask("1", 60_0000, 0, LASTS)), []);
        shard.apply(&at(0, over).event(), &mut Vec::new());
        let mut again = restored(&mut shard);
        for shard in [&mut shard, &mut again] {
            let mut effects = Vec::new();
            shard.apply(&tick(1_000_000_000).event(), &mut effects);
            assert_eq!(effects[0].body.type_name(), "limit.changed");
            assert!(effects.iter().all(|effect| effect.at == Instant::from_nanos(START_NS)), "{effects:?}");
        }
        assert_eq!(shard.judgements(), again.judgements());
        assert_eq!(shard.state_hash(), again.state_hash());
    }
}

#[test]
fn the_same_hold_again_is_a_duplicate_and_another_of_its_order_a_conflict_granted_or_not() {
    for (units, is_granted) in [(60_0000, true), (600_0000, false)] {
        let mut shard = with_limit(100_0000);
        assert_eq!(codes(&mut shard, &ask("1", units, 0, 9)).is_empty(), is_granted);
        let mut effects = Vec::new();
        assert_eq!(shard.apply(&ask("1", units, 0, 9).event(), &mut effects), Outcome::Duplicate);
        for other in [ask("1", units + 1, 0, 9), ask("1", units, 0, 10)] {
            let outcome = shard.apply(&other.event(), &mut effects);
            assert!(matches!(outcome, Outcome::Refused(why) if why.code.as_str() == "conflict"));
        }
        assert!(effects.is_empty(), "{effects:?}");
    }
}

#[test]
fn old_holds_are_forgotten_and_those_in_force_are_not() {
    let params = Params { retention_days: Some(60), ..Params::new(eur()) };
    let mut shard = Shard::new(params);
    let days = |days: i64| days * DAY_S * 1_000_000_000;
    shard.apply(&limit_of("B1", 100_0000, Instant::from_nanos(START_NS)).event(), &mut Vec::new());
    assert_eq!(codes(&mut shard, &ask("short", 10_0000, 0, 9)), []);
    assert_eq!(codes(&mut shard, &ask("refused", 900_0000, 0, days(200))), [HoldObstacleCode::OverLimit]);
    assert_eq!(codes(&mut shard, &ask("long", 20_0000, 0, days(200))), []);
    let known = |shard: &mut Shard, order, units, lasts| {
        let told = Told { time: Instant::from_nanos(START_NS + days(100)), ..ask(order, units, 0, lasts) };
        shard.apply(&told.event(), &mut Vec::new())
    };
    shard.apply(&tick(days(100)).event(), &mut Vec::new());
    assert_eq!(orders(&mut shard), 20_00);
    assert_eq!(known(&mut shard, "long", 20_0000, days(200)), Outcome::Duplicate);
    assert_eq!(known(&mut shard, "short", 10_0000, 9), Outcome::Applied, "as if it were new");
    assert_eq!(known(&mut shard, "refused", 900_0000, days(200)), Outcome::Applied, "as if it were new");
    let mut shard = restored(&mut shard);
    shard.apply(&tick(days(201)).event(), &mut Vec::new());
    assert_eq!(orders(&mut shard), 0);
}

#[test]
fn a_past_that_nobody_listened_to_is_decided_and_not_told() {
    let mut shard = with_limit(100_0000);
    shard.speak(vigie::risk::buyer::Voice::Quiet);
    let mut effects = Vec::new();
    shard.apply(&ask("1", 60_0000, 0, DAY_S * 1_000_000_000).event(), &mut effects);
    assert!(effects.is_empty(), "{effects:?}");
    shard.speak(vigie::risk::buyer::Voice::Told);
    assert_eq!(codes(&mut shard, &ask("2", 60_0000, 1, 9)), [HoldObstacleCode::OverLimit]);
}
