//! Stories of payers: who pays as ever raises nothing, however late that is; who stops paying is told of before any payment
//! comes; who recovers is cleared.

use vigie::event::input::ClockTick;
use vigie::event::{AlertKind, Body, Effect, EffectBody};
use vigie::risk::{Params, Shard};

use crate::told::Told;
use crate::trade::{Deal, Fate, day, on};
use crate::{eur, tell};

/// How often something is shipped, in days: weekly, monthly, every other month.
const RHYTHMS: [i32; 3] = [7, 30, 61];
const YEAR: i32 = 365;

/// Invoices over some days, each paid some days after it is due.
struct Payer {
    rhythm: i32,
    term: i32,
    days: i32,
}

impl Payer {
    /// What happens where an invoice of a number, shipped on a day, is of some euros and paid so many days late.
    fn trade(&self, invoice_of: impl Fn(usize, i32) -> (i64, i32)) -> Vec<Told> {
        let mut all = Vec::new();
        for (number, shipped) in (0..self.days).step_by(self.rhythm as usize).enumerate() {
            let (euros, delay) = invoice_of(number, shipped);
            let deal = Deal { shipped, euros, term: self.term, delay, fate: Fate::Paid };
            all.extend(deal.events(3 * number));
        }
        all
    }
}

/// The alerts on the course of the score that come of events up to a day: in days from the first.
fn course(mut all: Vec<Told>, until: i32) -> Vec<(i32, &'static str, AlertKind)> {
    let end = on(until, Body::ClockTick(ClockTick {}));
    all.retain(|told| told.time <= end.time);
    all.push(end);
    all.sort_by_key(|told| told.time);
    let (mut shard, mut effects) = (Shard::new(Params::new(eur())), Vec::new());
    tell(&mut shard, &all, &mut effects);
    effects.iter().filter_map(in_short).collect()
}

fn in_short(effect: &Effect) -> Option<(i32, &'static str, AlertKind)> {
    let (turn, kind) = match &effect.body {
        EffectBody::AlertRaised(notice) => ("raised", notice.kind),
        EffectBody::AlertEscalated(notice) => ("escalated", notice.kind),
        EffectBody::AlertCleared(notice) => ("cleared", notice.kind),
        _ => return None,
    };
    let is_of_course = matches!(kind, AlertKind::GradeWorsened | AlertKind::SuddenDeterioration);
    is_of_course.then(|| (effect.at.day().since(day(0)), turn, kind))
}

const FLAT_DELAYS: [i32; 8] = [-5, 0, 5, 12, 20, 28, 40, 55];

#[test]
fn a_flat_payer_raises_nothing_however_late() {
    for rhythm in RHYTHMS {
        for delay in FLAT_DELAYS {
            for term in [14, 30] {
                let payer = Payer { rhythm, term, days: 2 * YEAR };
                let all = payer.trade(|_, _| (5_000, delay));
                assert_eq!(course(all, 2 * YEAR), [], "every {rhythm} days, {delay} days late, terms of {term}");
            }
        }
    }
}

#[test]
fn a_payer_with_some_days_of_jitter_raises_nothing() {
    for rhythm in RHYTHMS {
        for delay in FLAT_DELAYS {
            let payer = Payer { rhythm, term: 30, days: 2 * YEAR };
            // 0 to 6 in no order: no two runs of the sevens alike.
            let jitter = |number: usize| (number * number * 5 + number / 7 * 3) as i32 % 7 - 3;
            let all = payer.trade(|number, _| (5_000, delay + jitter(number)));
            assert_eq!(course(all, 2 * YEAR), [], "every {rhythm} days, {delay} days late");
        }
    }
}

#[test]
fn a_december_peak_raises_nothing() {
    for rhythm in RHYTHMS {
        for delay in FLAT_DELAYS {
            let payer = Payer { rhythm, term: 30, days: 3 * YEAR };
            let all = payer.trade(|_, shipped| {
                let is_peak = matches!(day(shipped).month(), 11 | 12);
                (if is_peak { 150_000 } else { 50_000 }, delay)
            });
            assert_eq!(course(all, 3 * YEAR), [], "every {rhythm} days, {delay} days late");
        }
    }
}

/// Pays for a year on the same day after due, and then never again.
fn stops(rhythm: i32, delay: i32) -> Vec<Told> {
    let mut all = Payer { rhythm, term: 30, days: YEAR + 60 }.trade(|_, _| (5_000, delay));
    all.retain(|told| {
        told.time < on(YEAR, Body::ClockTick(ClockTick {})).time || !matches!(told.body, Body::PaymentReceived(_))
    });
    all
}

#[test]
fn silence_is_told_before_any_payment_comes() {
    for (rhythm, delay, most) in [(7, 0, 90), (7, 12, 90), (30, 0, 90), (30, 12, 90), (61, 0, 110)] {
        let alerts = course(stops(rhythm, delay), YEAR + 200);
        let told = alerts.first().map(|(on, turn, _)| (on - YEAR, *turn));
        let is_in_time = told.is_some_and(|(after, turn)| turn == "raised" && (1..=most).contains(&after));
        assert!(is_in_time, "every {rhythm} days, {delay} days late: {told:?}, and not within {most} days");
        // It goes on, so there is nothing to clear and nothing to raise anew.
        assert!(alerts[1..].iter().all(|(_, turn, _)| *turn == "escalated"), "{alerts:?}");
    }
}

/// Pays monthly on the day for a year, and some days late from then on, for so many days; then as ever.
fn slows_down(delay: i32, for_days: i32) -> Vec<Told> {
    let payer = Payer { rhythm: 15, term: 30, days: 3 * YEAR };
    payer.trade(|_, shipped| (5_000, if (YEAR..YEAR + for_days).contains(&shipped) { delay } else { 0 }))
}

#[test]
fn a_sudden_slow_down_is_told_and_recovery_clears_it() {
    for delay in [35, 50, 70] {
        let alerts = course(slows_down(delay, 120), 3 * YEAR);
        let (first, turn, _) = *alerts.first().unwrap_or_else(|| panic!("{delay} days later than ever: nothing"));
        // What is shipped late first is due a month after.
        let most = YEAR + 30 + delay + 45;
        assert!(turn == "raised" && (YEAR..=most).contains(&first), "{delay} days later: {alerts:?}");
        let (last, turn, _) = alerts[alerts.len() - 1];
        assert!(turn == "cleared", "{delay} days later: {alerts:?}");
        let calm_days = i32::from(Params::new(eur()).score.course.calm_days);
        assert!(last >= first + calm_days, "{alerts:?}");
        assert_eq!(alerts.iter().filter(|(_, turn, _)| *turn == "raised").count(), 1, "{delay} days later: {alerts:?}");
    }
}

#[test]
fn an_alert_waits_for_the_cool_down_after_the_last_unless_it_is_worse() {
    let levels = Params::new(eur()).score.course;
    // Three phases of slowness, close together.
    let payer = Payer { rhythm: 15, term: 30, days: 4 * YEAR };
    for gap in [60, 90, 150] {
        let is_slow = |shipped: i32| shipped >= YEAR && (shipped - YEAR) % (60 + gap) < 60;
        let all = payer.trade(|_, shipped| (5_000, if is_slow(shipped) { 50 } else { 0 }));
        let alerts = course(all, 4 * YEAR);
        assert!(!alerts.is_empty());
        let mut cleared = None;
        for (on, turn, kind) in &alerts {
            match *turn {
                "raised" => {
                    let waited = cleared.is_none_or(|cleared| on - cleared >= i32::from(levels.cooldown_days));
                    assert!(waited, "{kind:?} on {on}: {alerts:?}");
                }
                "cleared" => cleared = Some(*on),
                _ => {}
            }
        }
    }
}
