//! Laws of the score: its reasons add up to it, it stays within its bounds, and its course is one alert an episode.

use proptest::prelude::*;
use proptest::test_runner::Config;
use vigie::base::Instant;
use vigie::event::input::{ClockTick, CoverDeclared, OrderCancelled};
use vigie::event::{AlertKind, Body, Effect, EffectBody, Event, Points, Reason, Scored};
use vigie::risk::{Params, Shard};

use crate::effects::{Lives, left_to_deadlines, looked_at_daily, written};
use crate::told::{Told, everyday, id};
use crate::trade::{day, on, trading};
use crate::{eur, every_case, lively, today};

/// How long after a history somebody still looks: until ratings and accounts are stale.
const AFTERWARDS_DAYS: i32 = 1300;

/// Looking every day for years takes its time.
fn some_cases() -> Config {
    let all = every_case();
    Config { cases: all.cases.div_ceil(8), ..all }
}

fn sum(reasons: &[Reason]) -> u32 {
    reasons.iter().map(|reason| u32::from(reason.points.quarters())).sum()
}

fn within_bounds(scored: &Scored) -> Result<(), TestCaseError> {
    let levels = Params::new(eur()).score;
    let [score, slow, fail, most] =
        [scored.score, scored.slow, scored.fail, Points::MAX].map(|points| u32::from(points.quarters()));
    prop_assert!(score <= most && slow <= most && fail <= most, "{:?}", scored);
    prop_assert!(score >= fail, "{:?}", scored);
    prop_assert_eq!(
        score,
        fail + slow.saturating_sub(u32::from(levels.slow_free.quarters())) * levels.slow_weight_pct * (most - fail)
            / (100 * most),
        "{:?}",
        scored
    );
    Ok(())
}

/// What an effect says of the score adds up.
fn adds_up(effect: &Effect) -> Result<(), TestCaseError> {
    let (scored, reasons) = match &effect.body {
        EffectBody::ExposureUpdated(update) => (update.row.scored, &update.reasons),
        EffectBody::LimitReductionProposed(notice) => (notice.scored, &notice.reasons),
        EffectBody::AlertRaised(notice) | EffectBody::AlertEscalated(notice) if is_of_course(notice.kind) => {
            (notice.scored, &notice.reasons)
        }
        EffectBody::ScoreChanged(scored) => return within_bounds(scored),
        _ => return Ok(()),
    };
    within_bounds(&scored)?;
    prop_assert_eq!(sum(reasons), u32::from(scored.score.quarters()), "{:?}", reasons);
    prop_assert!(reasons.iter().all(|reason| !reason.detail.is_empty()), "{:?}", reasons);
    Ok(())
}

fn is_of_course(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::GradeWorsened | AlertKind::SuddenDeterioration)
}

/// Tells everything, and looks at exposures now and then.
fn play(shard: &mut Shard, all: &[Told], looks: &[bool]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (told, look) in all.iter().zip(looks.iter().cycle()) {
        shard.apply(&told.event(), &mut effects);
        if *look {
            shard.tell_exposures(&mut effects);
        }
    }
    shard.advance(day(AFTERWARDS_DAYS).start(), &mut effects);
    shard.tell_exposures(&mut effects);
    effects
}

fn without_exposures(effects: &[Effect]) -> Vec<Effect> {
    let told = |effect: &&Effect| !matches!(effect.body, EffectBody::ExposureUpdated(_) | EffectBody::ScoreChanged(_));
    effects.iter().filter(told).cloned().collect()
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn the_points_of_the_reasons_add_up_to_the_score_within_bounds(
        all in trading(),
        looks in prop::collection::vec(prop::bool::weighted(0.3), 20),
        is_lively in any::<bool>(),
    ) {
        let mut shard = Shard::new(if is_lively { lively() } else { Params::new(eur()) });
        shard.keep_history();
        for effect in play(&mut shard, &all, &looks) {
            adds_up(&effect)?;
        }
    }

    #[test]
    fn runs_turns_and_a_history_kept_change_no_byte(
        all in trading(),
        looks in prop::collection::vec(prop::bool::weighted(0.3), 20),
    ) {
        let (mut whole, mut in_turns, mut with_history) = (Shard::new(lively()), Shard::new(lively()), Shard::new(lively()));
        with_history.keep_history();
        let effects = play(&mut whole, &all, &[false]);
        let effects_in_turns = play(&mut in_turns, &all, &looks);
        let effects_with_history = play(&mut with_history, &all, &[false]);
        prop_assert_eq!(written(&without_exposures(&effects)), written(&without_exposures(&effects_in_turns)));
        prop_assert_eq!(written(&without_exposures(&effects)), written(&without_exposures(&effects_with_history)));
        let exposures = |effects: &[Effect]| written(&effects[effects.len() - usize::from(!all.is_empty())..]);
        prop_assert_eq!(exposures(&effects), exposures(&effects_with_history));
        prop_assert_eq!(whole.state_hash(), in_turns.state_hash());
        prop_assert_eq!(whole.state_hash(), with_history.state_hash());
    }

    #[test]
    fn every_deterioration_is_one_alert_that_only_gets_worse_until_it_is_cleared(all in trading()) {
        let mut shard = Shard::new(lively());
        let mut lives = Lives::default();
        for effect in without_exposures(&play(&mut shard, &all, &[false])) {
            lives.live(&effect)?;
        }
    }

    #[test]
    fn a_score_that_stays_as_it_is_raises_nothing_again(all in trading()) {
        let mut shard = Shard::new(Params::new(eur()));
        shard.keep_history();
        let effects = play(&mut shard, &all, &[false]);
        // Once cleared, an alert is raised again only where the score rose in between.
        let (mut lowest_since, mut score) = (None, Points::ZERO);
        for effect in &effects {
            match &effect.body {
                EffectBody::ScoreChanged(scored) => {
                    score = scored.score;
                    lowest_since = lowest_since.map(|lowest: Points| lowest.min(score));
                }
                EffectBody::AlertCleared(notice) if is_of_course(notice.kind) => lowest_since = Some(score),
                EffectBody::AlertRaised(notice) if is_of_course(notice.kind) => {
                    let rose = lowest_since.is_none_or(|lowest| notice.scored.score > lowest);
                    prop_assert!(rose, "{} raised {:?} at {:?}", effect.at, notice.kind, notice.scored);
                    lowest_since = None;
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn looking_every_day_for_years_finds_nothing_that_the_wake_days_miss(all in trading(), is_lively in any::<bool>()) {
        let new = || {
            let mut shard = Shard::new(if is_lively { lively() } else { Params::new(eur()) });
            shard.keep_history();
            shard
        };
        let mut all = all;
        all.push(on(AFTERWARDS_DAYS, Body::ClockTick(ClockTick {})));
        prop_assert_eq!(left_to_deadlines(&mut new(), &all), looked_at_daily(&mut new(), &all));
    }
}

/// Tells everything, and says something of every buyer each day that has nothing to do with it.
fn poked(all: &[Told], nothing: fn(Instant) -> Body<'static>) -> Vec<Effect> {
    let (mut shard, mut effects) = (Shard::new(lively()), Vec::new());
    shard.keep_history();
    let mut known: Vec<&str> = Vec::new();
    let poke = |shard: &mut Shard, time: Instant, known: &[&str], effects: &mut Vec<Effect>| {
        for subject in known {
            let body = nothing(time);
            shard.apply(&Event { time, id: "poke", source: "/poke", subject, body }, effects);
        }
    };
    for told in all {
        shard.advance(told.time, &mut effects);
        shard.apply(&told.event(), &mut effects);
        if !told.subject.is_empty() && !known.contains(&told.subject) {
            known.push(told.subject);
        }
        poke(&mut shard, told.time, &known, &mut effects);
    }
    for _ in 0..150 {
        let day = today(&shard).plus(1).start();
        shard.advance(day, &mut effects);
        poke(&mut shard, day, &known, &mut effects);
    }
    effects
}

proptest! {
    #![proptest_config(some_cases())]

    #[test]
    fn what_a_score_is_reckoned_anew_for_is_all_that_changes_it(all in prop_oneof![everyday(1..60), trading()]) {
        let declared = |time: Instant| {
            let (cover_id, invoice_id, declared_on) = (id("poke"), id("poke"), time.day());
            Body::CoverDeclared(CoverDeclared { cover_id, seller_id: "poke", invoice_id, declared_on })
        };
        let cancelled = |_| Body::OrderCancelled(OrderCancelled { seller_id: "poke", order_id: id("poke") });
        prop_assert_eq!(poked(&all, declared), poked(&all, cancelled));
    }
}
