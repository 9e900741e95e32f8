//! Laws of the effects: they depend on what was said and when, not on batches, partitions or who looks; and every alert has one
//! life.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vigie::base::Instant;
use vigie::event::input::{ClockTick, CoverWithdrawn};
use vigie::event::{AlertKind, Body, Effect, EffectBody, LimitAmount, Severity};
use vigie::risk::{Params, Shard};
use vigie::wire::output::encode_effect;

use crate::told::{Told, everyday, id};
use crate::{every_case, lively, rows, shard, tell, today};

const DAY_NS: i64 = 86_400_000_000_000;

/// Closes the last instant and lets some months pass.
fn finish(shard: &mut Shard, effects: &mut Vec<Effect>) {
    let end = today(shard).plus(100).start();
    shard.advance(end, effects);
}

pub fn written(effects: &[Effect]) -> Vec<String> {
    let line = |effect: &Effect| {
        let mut line = Vec::new();
        encode_effect(effect, &mut line);
        String::from_utf8(line).expect("UTF-8")
    };
    effects.iter().map(line).collect()
}

fn by_buyer(effects: &[Effect]) -> BTreeMap<&str, Vec<String>> {
    let mut by_buyer: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (effect, line) in effects.iter().zip(written(effects)) {
        by_buyer.entry(&effect.buyer_id).or_default().push(line);
    }
    by_buyer
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn batches_readers_and_runs_change_nothing(
        all in everyday(1..60),
        looks in prop::collection::vec(prop::bool::weighted(0.3), 60),
    ) {
        let (mut whole, mut again, mut in_turns) = (shard(), shard(), shard());
        let (mut effects, mut effects_again, mut drained) = (Vec::new(), Vec::new(), Vec::new());
        let outcomes = tell(&mut whole, &all, &mut effects);
        prop_assert_eq!(&outcomes, &tell(&mut again, &all, &mut effects_again));
        let mut turn = Vec::new();
        for (place, told) in all.iter().enumerate() {
            prop_assert_eq!(&in_turns.apply(&told.event(), &mut turn), &outcomes[place]);
            if looks[place] {
                drained.append(&mut turn);
                // What is told of exposures goes by the wall clock: it must leave no trace.
                in_turns.tell_exposures(&mut Vec::new());
                let as_of = today(&in_turns).plus(40);
                rows(&mut in_turns, as_of);
            }
        }
        finish(&mut whole, &mut effects);
        finish(&mut again, &mut effects_again);
        finish(&mut in_turns, &mut turn);
        drained.append(&mut turn);
        prop_assert_eq!(written(&effects), written(&effects_again));
        prop_assert_eq!(written(&effects), written(&drained));
        prop_assert_eq!(whole.state_hash(), again.state_hash());
        prop_assert_eq!(whole.state_hash(), in_turns.state_hash());
    }

    #[test]
    fn a_buyer_is_told_the_same_whoever_shares_its_shard(
        all in everyday(1..60),
        split in prop::array::uniform3(0..3_usize),
    ) {
        let mut together = shard();
        let mut effects = Vec::new();
        let mut apart = [shard(), shard(), shard()];
        let mut effects_apart = [Vec::new(), Vec::new(), Vec::new()];
        for told in &all {
            // Each shard has its own clock; ticks are what makes them one.
            let tick = Told { subject: "", body: Body::ClockTick(ClockTick {}), shares: Vec::new(), ..told.clone() };
            together.apply(&tick.event(), &mut effects);
            let outcome = together.apply(&told.event(), &mut effects);
            let home = ["B1", "B2", "b"].iter().position(|buyer| *buyer == told.subject).map(|buyer| split[buyer]);
            for (place, shard) in apart.iter_mut().enumerate() {
                shard.apply(&tick.event(), &mut effects_apart[place]);
                if home.is_none_or(|home| home == place) {
                    prop_assert_eq!(&shard.apply(&told.event(), &mut effects_apart[place]), &outcome);
                }
            }
        }
        finish(&mut together, &mut effects);
        apart.iter_mut().zip(&mut effects_apart).for_each(|(shard, effects)| finish(shard, effects));
        let mut told_apart = BTreeMap::new();
        effects_apart.iter().for_each(|effects| told_apart.extend(by_buyer(effects)));
        prop_assert_eq!(by_buyer(&effects), told_apart);
        let as_of = today(&together);
        let mut rows_apart: Vec<_> = apart.iter_mut().flat_map(|shard| rows(shard, as_of)).collect();
        rows_apart.sort_by(|a, b| a.buyer_id.cmp(&b.buyer_id));
        prop_assert_eq!(rows(&mut together, as_of), rows_apart);
    }

    #[test]
    fn every_alert_and_every_limit_has_one_life(
        all in everyday(1..60),
        far in prop::bool::weighted(0.05),
    ) {
        let mut shard = shard();
        let mut effects = Vec::new();
        tell(&mut shard, &all, &mut effects);
        finish(&mut shard, &mut effects);
        if far {
            shard.advance(Instant::parse("2199-12-31T23:59:59Z").expect("an instant"), &mut effects);
        }
        let mut lives = Lives::default();
        for effect in &effects {
            lives.live(effect)?;
        }
        let mut open: Vec<(AlertKind, Severity)> = shard.open_alerts().collect();
        let mut left: Vec<(AlertKind, Severity)> = lives.alerts.values().filter_map(|alert| alert.now).collect();
        open.sort();
        left.sort();
        prop_assert_eq!(open, left);
        prop_assert!(lives.last <= shard.clock());
    }

    #[test]
    fn looking_every_day_finds_nothing_that_the_deadlines_miss(all in everyday(1..40)) {
        prop_assert_eq!(left_to_deadlines(&mut shard(), &all), looked_at_daily(&mut shard(), &all));
    }

    #[test]
    fn a_retention_that_nothing_outlives_changes_no_effect(all in everyday(1..60)) {
        let mut keeping = shard();
        let mut forgetting = Shard::new(Params { retention_days: Some(u16::MAX), ..lively() });
        let (mut effects, mut effects_forgetting) = (Vec::new(), Vec::new());
        let outcomes = tell(&mut keeping, &all, &mut effects);
        prop_assert_eq!(outcomes, tell(&mut forgetting, &all, &mut effects_forgetting));
        finish(&mut keeping, &mut effects);
        finish(&mut forgetting, &mut effects_forgetting);
        prop_assert_eq!(written(&effects), written(&effects_forgetting));
    }
}

/// How long after the last event somebody still looks, in days.
const AFTERWARDS_DAYS: i32 = 70;

/// What is told of events, and on which day, where nobody looks but at the deadlines.
pub fn left_to_deadlines(shard: &mut Shard, all: &[Told]) -> Vec<(String, String)> {
    let mut effects = Vec::new();
    for told in all {
        shard.advance(told.time, &mut effects);
        shard.apply(&told.event(), &mut effects);
    }
    let end = today(shard).plus(AFTERWARDS_DAYS).start();
    shard.advance(end, &mut effects);
    seen(&effects)
}

/// What is told of events, and on which day, where every buyer is looked at every day.
pub fn looked_at_daily(shard: &mut Shard, all: &[Told]) -> Vec<(String, String)> {
    let mut effects = Vec::new();
    for told in all {
        poke_until(shard, told.time, &mut effects);
        // What moves no clock (a rate, a duplicate) must find both clocks and both instants alike.
        shard.advance(told.time, &mut effects);
        shard.apply(&told.event(), &mut effects);
    }
    let end = today(shard).plus(AFTERWARDS_DAYS).start();
    poke_until(shard, end, &mut effects);
    shard.advance(end, &mut effects);
    seen(&effects)
}

fn seen(effects: &[Effect]) -> Vec<(String, String)> {
    effects.iter().map(|effect| (effect.at.day().to_string(), told_in_short(effect))).collect()
}

/// Says something of no consequence of every buyer at the start of every day up to `to`.
fn poke_until(shard: &mut Shard, to: Instant, effects: &mut Vec<Effect>) {
    let Some(clock) = shard.clock() else { return };
    let mut day = clock.day().plus(1);
    let buyers: Vec<String> = rows(shard, day).into_iter().map(|row| row.buyer_id).collect();
    while day.start() <= to {
        for buyer in &buyers {
            let body = Body::CoverWithdrawn(CoverWithdrawn { cover_id: id("poke"), effective_on: day });
            let poke = Told { time: day.start(), id: "poke", source: "/poke", subject: "", body, shares: Vec::new() };
            shard.apply(&vigie::event::Event { subject: buyer, ..poke.event() }, effects);
        }
        day = day.plus(1);
    }
}

fn told_in_short(effect: &Effect) -> String {
    let (buyer, kind) = (&effect.buyer_id, effect.body.type_name());
    match &effect.body {
        EffectBody::AlertRaised(alert) | EffectBody::AlertEscalated(alert) | EffectBody::AlertCleared(alert) => {
            let [what, severity] = [alert.kind.as_str(), alert.severity.as_str()];
            format!("{buyer}: {kind} {what} {severity}: {:?}", alert.reasons)
        }
        EffectBody::LimitChanged(change) => format!("{buyer}: {kind} to {:?}", change.new_limit),
        EffectBody::LimitReductionProposed(notice) => {
            format!("{buyer}: {kind} {} to {:?}: {:?}", notice.version, notice.proposed_limit, notice.reasons)
        }
        EffectBody::LimitReductionClosed(closing) => format!("{buyer}: {kind} {:?}", closing.outcome),
        EffectBody::OrderHoldDecided(decision) => format!("{buyer}: {kind} {decision:?}"),
        EffectBody::ScoreChanged(scored) => format!("{buyer}: {kind} to {scored:?}"),
        EffectBody::ExposureUpdated(_) => format!("{buyer}: {kind}"),
    }
}

/// What effects, one after another, may say of alerts and limits.
#[derive(Default)]
pub struct Lives {
    alerts: BTreeMap<String, Alert>,
    limits: BTreeMap<String, Option<LimitAmount>>,
    sequences: BTreeMap<String, u64>,
    last: Option<Instant>,
}

struct Alert {
    buyer_id: String,
    kind: AlertKind,
    /// Its kind and severity; `None` once it is cleared.
    now: Option<(AlertKind, Severity)>,
}

impl Lives {
    pub fn live(&mut self, effect: &Effect) -> Result<(), TestCaseError> {
        let sequence = self.sequences.entry(effect.buyer_id.clone()).or_default();
        *sequence += 1;
        prop_assert_eq!(effect.sequence, *sequence, "a gap");
        prop_assert!(self.last <= Some(effect.at), "back in time");
        self.last = Some(effect.at);
        match &effect.body {
            EffectBody::AlertRaised(notice) => {
                let now = Some((notice.kind, notice.severity));
                let twin = |alert: &Alert| {
                    alert.buyer_id == effect.buyer_id && alert.kind == notice.kind && alert.now.is_some()
                };
                let one_a_buyer = [
                    AlertKind::InsolvencyOpened,
                    AlertKind::LimitExceeded,
                    AlertKind::UncoveredExposure,
                    AlertKind::GradeWorsened,
                    AlertKind::SuddenDeterioration,
                ];
                prop_assert!(!one_a_buyer.contains(&notice.kind) || !self.alerts.values().any(twin), "two at a time");
                let of_course = |kind| matches!(kind, AlertKind::GradeWorsened | AlertKind::SuddenDeterioration);
                let is_told =
                    |alert: &Alert| alert.buyer_id == effect.buyer_id && of_course(alert.kind) && alert.now.is_some();
                prop_assert!(
                    !of_course(notice.kind) || !self.alerts.values().any(is_told),
                    "one deterioration, two alerts"
                );
                let alert = Alert { buyer_id: effect.buyer_id.clone(), kind: notice.kind, now };
                prop_assert!(self.alerts.insert(notice.alert_id.clone(), alert).is_none(), "raised twice");
            }
            EffectBody::AlertEscalated(notice) => {
                let alert = self.alerts.get_mut(&notice.alert_id).expect("raised before it escalates");
                prop_assert!(alert.now < Some((notice.kind, notice.severity)), "no escalation");
                prop_assert!(alert.now.is_some() && alert.kind == notice.kind && alert.buyer_id == effect.buyer_id);
                alert.now = Some((notice.kind, notice.severity));
            }
            EffectBody::AlertCleared(notice) => {
                let alert = self.alerts.get_mut(&notice.alert_id).expect("raised before it is cleared");
                prop_assert_eq!(alert.now.take(), Some((notice.kind, notice.severity)), "what it was last");
                prop_assert!(alert.buyer_id == effect.buyer_id);
            }
            EffectBody::LimitChanged(change) => {
                let limit = self.limits.entry(effect.buyer_id.clone()).or_default();
                prop_assert_eq!(*limit, change.old_limit);
                prop_assert_ne!(change.old_limit, change.new_limit);
                *limit = change.new_limit;
            }
            EffectBody::LimitReductionProposed(_)
            | EffectBody::LimitReductionClosed(_)
            | EffectBody::OrderHoldDecided(_) => {}
            EffectBody::ExposureUpdated(_) | EffectBody::ScoreChanged(_) => {
                prop_assert!(false, "exposures are told apart, and scores only where somebody asks");
            }
        }
        let row = match &effect.body {
            EffectBody::AlertRaised(told) | EffectBody::AlertEscalated(told) | EffectBody::AlertCleared(told) => {
                &told.exposure
            }
            _ => return Ok(()),
        };
        prop_assert_eq!((row.as_of, &row.buyer_id), (effect.at.day(), &effect.buyer_id));
        prop_assert!(effect.at.nanos() % DAY_NS == 0 || effect.caused_by != vigie::event::Cause::Clock);
        Ok(())
    }
}
