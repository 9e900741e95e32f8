//! Tests of the join: what a case knows is what was told before, and no more.

use super::super::watch::tests::{at, effect, euro, notice, score};
use super::*;
use crate::event::{AlertKind, EffectBody, Severity};

/// A pass to which effects can be told besides those of the engine.
pub struct Passing {
    gathering: Gathering,
    number: u32,
}

impl Passing {
    pub fn new(label: &str, horizon: Option<u16>, min_history: usize) -> Passing {
        let plan = Plan { label: Label::parse(label).expect("a label"), horizon, min_history };
        Passing { gathering: Gathering::new(plan, vec![Params::new(euro())], Instant::MAX), number: 0 }
    }

    pub fn line(&mut self, time: &str, kind: &str, data: &str) {
        self.number += 1;
        let line = format!(
            r#"{{"specversion":"1.0","id":"e{}","source":"t","type":"{kind}","subject":"b","time":"{time}","data":{data}}}"#,
            self.number
        );
        self.gathering.line(line.as_bytes());
    }

    pub fn invoice(&mut self, id: &str, time: &str) {
        let day = &time[..10];
        let data =
            format!(r#"{{"invoice_id":"{id}","amount":100,"currency":"EUR","issued_on":"{day}","due_on":"{day}"}}"#);
        self.line(time, "invoice.issued", &data);
    }

    pub fn pay(&mut self, invoice: &str, time: &str) {
        let day = &time[..10];
        let data = format!(
            r#"{{"payment_id":"P-{invoice}","amount":100,"currency":"EUR","received_on":"{day}","allocations":[{{"invoice_id":"{invoice}","amount":100}}]}}"#
        );
        self.line(time, "payment.received", &data);
    }

    /// Has the engine say this with the next event, ahead of what it says itself.
    pub fn say(&mut self, time: &str, body: EffectBody) {
        self.gathering.sets[0].effects.push(effect("b", time, body));
    }

    pub fn finish(self) -> Gathered {
        self.gathering.finish().expect("a history")
    }
}

fn scores(gathered: &Gathered) -> Vec<f64> {
    (0..gathered.cases.len()).map(|case| gathered.measure(case, Gathered::score_place(0, 0))).collect()
}

fn outcomes(gathered: &Gathered) -> Vec<Outcome> {
    gathered.cases.iter().map(|case| gathered.outcome(case)).collect()
}

#[test]
fn the_case_of_an_invoice_has_the_score_just_before_it() {
    let mut pass = Passing::new("late>5", None, 0);
    pass.invoice("I1", "2026-01-01T12:00:00Z");
    // Said as the earlier instant closed, which the next event brought about: known to that event's case.
    pass.say("2026-01-01T12:00:00Z", score(40));
    pass.invoice("I2", "2026-01-02T12:00:00Z");
    pass.invoice("I3", "2026-01-02T12:00:00Z");
    pass.say("2026-01-02T12:00:00Z", score(60));
    pass.invoice("I4", "2026-01-02T12:00:01Z");
    let gathered = pass.finish();
    assert_eq!(scores(&gathered), [0.0, 40.0, 40.0, 60.0]);
}

#[test]
fn a_case_needs_history_and_takes_what_was_paid_before_its_issue() {
    let mut pass = Passing::new("late>5", None, 1);
    pass.invoice("I1", "2026-01-01T12:00:00Z");
    pass.invoice("I2", "2026-01-01T12:00:00Z");
    pass.pay("I1", "2026-01-08T12:00:00Z");
    pass.invoice("I3", "2026-01-09T12:00:00Z");
    pass.pay("I2", "2026-01-10T12:00:00Z");
    pass.pay("I3", "2026-01-10T12:00:00Z");
    let gathered = pass.finish();
    assert_eq!(gathered.counts.without_history, 2);
    // One paid 7 days late, one open and 8 days overdue; what came on the day after is not known.
    let baselines: Vec<f64> = (0..BASELINES.len()).map(|place| gathered.measure(0, place)).collect();
    assert_eq!(baselines, [7.0, 7.0, 7.0, 1.0, 8.0]);
    assert_eq!(outcomes(&gathered), [Outcome::Negative]);
}

#[test]
fn what_is_open_at_the_end_is_late_or_unknown_and_what_is_cancelled_is_no_case() {
    let mut pass = Passing::new("late>5", None, 0);
    pass.invoice("late", "2026-01-01T12:00:00Z");
    pass.invoice("cancelled", "2026-01-01T12:00:00Z");
    pass.invoice("unknown", "2026-01-02T12:00:00Z");
    pass.line("2026-01-03T12:00:00Z", "invoice.cancelled", r#"{"invoice_id":"cancelled"}"#);
    pass.line("2026-01-07T00:00:00Z", "clock.tick", "{}");
    let gathered = pass.finish();
    assert_eq!(outcomes(&gathered), [Outcome::Positive, Outcome::Dropped, Outcome::Unknown]);
}

#[test]
fn a_month_knows_what_was_judged_up_to_its_start_and_not_the_event_that_reached_it() {
    let mut pass = Passing::new("insolvency", Some(30), 0);
    pass.invoice("I1", "2026-01-10T12:00:00Z");
    pass.say("2026-01-10T12:00:00Z", score(20));
    pass.say("2026-02-01T00:00:00Z", score(30));
    pass.say("2026-02-02T00:00:00Z", score(90));
    let raised = EffectBody::AlertRaised(notice("A", AlertKind::GradeWorsened, Severity::Warning));
    pass.say("2026-02-02T00:00:00Z", raised);
    pass.line("2026-02-03T12:00:00Z", "insolvency.opened", r#"{"procedure":"liquidation","opened_on":"2026-02-03"}"#);
    pass.line("2026-04-15T00:00:00Z", "clock.tick", "{}");
    let gathered = pass.finish();
    // February alone: from March on the buyer is insolvent.
    assert_eq!((scores(&gathered), outcomes(&gathered)), (vec![30.0], vec![Outcome::Positive]));
    assert!(!gathered.cases[0].is_warned(0, Warning::Deterioration));
    assert_eq!(gathered.days_ahead(&gathered.cases[0]), Some(2));
    assert_eq!(gathered.watches[0].alerts[0].raised, at("2026-02-02T00:00:00Z"));
}

#[test]
fn months_pass_one_by_one_and_those_whose_horizon_is_not_seen_are_unknown() {
    let mut pass = Passing::new("written_off", Some(60), 0);
    pass.invoice("I1", "2026-01-10T12:00:00Z");
    pass.line("2026-04-15T00:00:00Z", "clock.tick", "{}");
    pass.line("2026-04-20T00:00:00Z", "invoice.written_off", r#"{"invoice_id":"I1"}"#);
    let gathered = pass.finish();
    let days: Vec<String> = gathered.cases.iter().map(|case| case.day.to_string()).collect();
    assert_eq!(days, ["2026-02-01", "2026-03-01", "2026-04-01"]);
    // February's 60 days end on 2 April, March's after the end of the history.
    assert_eq!(outcomes(&gathered), [Outcome::Negative, Outcome::Unknown, Outcome::Unknown]);
}

#[test]
fn an_open_alert_flags_the_case() {
    let mut pass = Passing::new("late>5", None, 0);
    pass.invoice("I1", "2026-01-01T12:00:00Z");
    let limit = notice("A", AlertKind::LimitExceeded, Severity::Warning);
    pass.say("2026-01-01T12:00:00Z", EffectBody::AlertRaised(limit.clone()));
    pass.invoice("I2", "2026-01-02T12:00:00Z");
    pass.say("2026-01-02T12:00:00Z", EffectBody::AlertCleared(limit));
    pass.invoice("I3", "2026-01-03T12:00:00Z");
    let gathered = pass.finish();
    let flags: Vec<[bool; 2]> =
        gathered.cases.iter().map(|case| Warning::ALL.map(|warning| case.is_warned(0, warning))).collect();
    assert_eq!(flags, [[false, false], [false, true], [false, false]]);
}

#[test]
fn what_is_refused_is_counted_and_seen_by_nobody() {
    let mut pass = Passing::new("late>5", None, 0);
    pass.gathering.line(b"{}");
    pass.invoice("I1", "2026-01-01T12:00:00Z");
    pass.invoice("I1", "2026-01-01T12:00:00Z");
    pass.invoice("I1", "2026-01-02T12:00:00Z");
    let gathered = pass.finish();
    assert_eq!((gathered.counts.applied, gathered.counts.duplicate), (1, 1));
    assert_eq!(gathered.counts.refused, BTreeMap::from([("malformed", 1), ("conflict", 1)]));
    assert_eq!(gathered.cases.len(), 1);
}
