//! Owns the one pass over a history: events through the engine and the observer, and a case wherever the label has one.
//!
//! A case is taken while the events pass, from what the engine has said and the observer has seen so far: so nothing of it
//! can come from later. An event that opens a later instant makes the engine judge the earlier ones before it is applied, and
//! the case of an invoice is taken between the two.

use std::collections::BTreeMap;

use bumpalo::Bump;

use super::label::{Failure, Label, Outcome, month_outcome};
use super::names::Names;
use super::observer::{BASELINES, Observer};
use super::watch::{Warning, Watch};
use crate::base::{Day, Instant};
use crate::event::{Body, Effect, Event};
use crate::risk::{self, Params, Shard};
use crate::wire::{DecodeRules, decode_value};

/// The measures of a rule set, in order.
pub const SCORES: [&str; 3] = ["score", "slow", "fail"];
/// No invoice: the case is a buyer at the start of a month.
const NO_INVOICE: u32 = u32::MAX;

/// A history as it passes.
pub struct Gathering {
    plan: Plan,
    rules: DecodeRules,
    sets: Vec<Set>,
    /// The buyers' numbers.
    pub names: Names,
    /// What plain baselines know.
    pub observer: Observer,
    cases: Vec<Case>,
    /// Of each case, the baselines and then the scores of each rule set.
    measures: Vec<f64>,
    next_month: Option<Day>,
    scratch: Bump,
    /// What became of the events.
    pub counts: Counts,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What is to be foretold.
    pub label: Label,
    /// Within how many days; always there where a buyer's failure is to be foretold.
    pub horizon: Option<u16>,
    /// Settled invoices that a buyer must have before one of its invoices is a case.
    pub min_history: usize,
}

struct Set {
    shard: Shard,
    watch: Watch,
    effects: Vec<Effect>,
}

/// What became of the events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that counted.
    pub applied: u64,
    /// Those that were known already.
    pub duplicate: u64,
    /// Those that were refused, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Invoices that were no cases for want of history.
    pub without_history: u64,
}

/// One case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The buyer.
    pub buyer: u32,
    invoice: u32,
    /// The day on which it was looked at.
    pub day: Day,
    /// Which warnings were open then: a bit for each rule set and kind of warning.
    warned: u8,
}

/// A history that has passed.
pub struct Gathered {
    /// What was looked for.
    pub plan: Plan,
    /// The buyers' numbers.
    pub names: Names,
    /// What plain baselines know at the end.
    pub observer: Observer,
    /// What each rule set said.
    pub watches: Vec<Watch>,
    /// The cases, in order of time.
    pub cases: Vec<Case>,
    measures: Vec<f64>,
    /// The last day of the history.
    pub end: Day,
    /// What became of the events.
    pub counts: Counts,
}

impl Gathering {
    /// A history that has not begun, to be judged by each of these params.
    #[must_use]
    pub fn new(plan: Plan, params: Vec<Params>, now: Instant) -> Gathering {
        let rules = DecodeRules::new(params[0].base, now);
        let set = |params: Params| {
            let watch = Watch::new(params.base);
            let mut shard = Shard::new(params);
            shard.keep_history();
            Set { shard, watch, effects: Vec::new() }
        };
        Gathering {
            plan,
            rules,
            sets: params.into_iter().map(set).collect(),
            names: Names::default(),
            observer: Observer::default(),
            cases: Vec::new(),
            measures: Vec::new(),
            next_month: None,
            scratch: Bump::new(),
            counts: Counts::default(),
        }
    }

    /// Takes a line of a file.
    pub fn line(&mut self, line: &[u8]) {
        let scratch = std::mem::take(&mut self.scratch);
        match decode_value(line, &self.rules, &scratch) {
            Ok(event) => self.event(&event),
            Err(refusal) => *self.counts.refused.entry(refusal.code.as_str()).or_default() += 1,
        }
        self.scratch = scratch;
        self.scratch.reset();
    }

    /// Ends the history: closes its last instant. `None` where nothing moved the clock.
    #[must_use]
    pub fn finish(mut self) -> Option<Gathered> {
        let clock = self.sets[0].shard.clock()?;
        for set in &mut self.sets {
            set.shard.advance(clock, &mut set.effects);
            set.effects.drain(..).for_each(|effect| set.watch.take(effect, &mut self.names));
        }
        Some(Gathered {
            plan: self.plan,
            names: self.names,
            observer: self.observer,
            watches: self.sets.into_iter().map(|set| set.watch).collect(),
            cases: self.cases,
            measures: self.measures,
            end: clock.day(),
            counts: self.counts,
        })
    }

    fn event(&mut self, event: &Event<'_>) {
        let mut outcome = None;
        for set in &mut self.sets {
            // Rule sets differ in what they refuse only by their retention; the first one says what the history is.
            let own = set.shard.apply(event, &mut set.effects);
            outcome.get_or_insert(own);
        }
        self.pass_months();
        for set in &mut self.sets {
            set.effects.drain(..).for_each(|effect| set.watch.take(effect, &mut self.names));
        }
        match outcome {
            Some(risk::Outcome::Applied) => {
                self.counts.applied += 1;
                if !event.subject.is_empty() {
                    self.observe(event);
                }
            }
            Some(risk::Outcome::Duplicate) => self.counts.duplicate += 1,
            Some(risk::Outcome::Refused(refusal)) => {
                *self.counts.refused.entry(refusal.code.as_str()).or_default() += 1;
            }
            None => {}
        }
    }

    /// Shows an applied event to the observer, and takes the case of an invoice before that.
    fn observe(&mut self, event: &Event<'_>) {
        let buyer = self.names.number(event.subject);
        let today = self.sets[0].shard.clock().map_or(event.time.day(), Instant::day);
        let is_case = matches!((&event.body, self.plan.label), (Body::InvoiceIssued(_), Label::Late { .. }));
        if !is_case {
            self.observer.apply(buyer, event);
        } else if self.observer.settled(buyer) < self.plan.min_history {
            self.counts.without_history += 1;
            self.observer.apply(buyer, event);
        } else {
            self.measure(buyer, today);
            let invoice = self.observer.apply(buyer, event).expect("an invoice was issued");
            self.push_case(buyer, invoice, today);
        }
    }

    /// Takes every buyer's case at the start of each month that the clock has reached.
    fn pass_months(&mut self) {
        let Some(clock) = self.sets[0].shard.clock() else { return };
        let mut month = *self.next_month.get_or_insert_with(|| clock.day().next_month());
        while month <= clock.day() {
            for set in &mut self.sets {
                // What was judged up to the start of the month was judged before the event that reached it.
                let known = set.effects.iter().take_while(|effect| effect.at <= month.start()).count();
                set.effects.drain(..known).for_each(|effect| set.watch.take(effect, &mut self.names));
            }
            if let Label::Fails(failure) = self.plan.label {
                self.month(month, failure);
            }
            month = month.next_month();
        }
        self.next_month = Some(month);
    }

    fn month(&mut self, month: Day, failure: Failure) {
        for buyer in 0..self.observer.buyers() {
            if self.observer.first_document(buyer).is_some() && self.observer.failed(buyer, failure).is_none() {
                self.measure(buyer, month);
                self.push_case(buyer, NO_INVOICE, month);
            }
        }
    }

    fn measure(&mut self, buyer: u32, today: Day) {
        self.measures.extend(self.observer.baselines(buyer, today));
        for set in &self.sets {
            let scored = set.watch.scored(buyer);
            let points = [scored.score, scored.slow, scored.fail];
            let parts = f64::from(crate::event::Points::PARTS);
            self.measures.extend(points.map(|points| f64::from(points.quarters()) / parts));
        }
    }

    fn push_case(&mut self, buyer: u32, invoice: u32, day: Day) {
        let mut warned = 0;
        for (number, set) in self.sets.iter().enumerate() {
            for warning in Warning::ALL {
                warned |= u8::from(set.watch.is_warned(buyer, warning)) << bit(number, warning);
            }
        }
        self.cases.push(Case { buyer, invoice, day, warned });
    }
}

fn bit(set: usize, warning: Warning) -> usize {
    set * Warning::ALL.len() + warning as usize
}

impl Case {
    /// Whether a warning of a rule set was open.
    #[must_use]
    pub fn is_warned(&self, set: usize, warning: Warning) -> bool {
        self.warned >> bit(set, warning) & 1 == 1
    }
}

impl Observer {
    /// When a buyer's first failure of a kind became known.
    #[must_use]
    pub fn failed(&self, buyer: u32, failure: Failure) -> Option<Instant> {
        match failure {
            Failure::Insolvency => self.insolvency(buyer),
            Failure::WrittenOff => self.written_off(buyer),
        }
    }
}

impl Gathered {
    /// A measure of a case: the baselines first, then the scores of each rule set.
    #[must_use]
    pub fn measure(&self, case: usize, measure: usize) -> f64 {
        self.measures[case * self.measures_each() + measure]
    }

    /// The place of a score of a rule set among the measures.
    #[must_use]
    pub fn score_place(set: usize, score: usize) -> usize {
        BASELINES.len() + set * SCORES.len() + score
    }

    fn measures_each(&self) -> usize {
        BASELINES.len() + self.watches.len() * SCORES.len()
    }

    /// What became of a case by the end.
    #[must_use]
    pub fn outcome(&self, case: &Case) -> Outcome {
        match self.plan.label {
            Label::Late { over_days } => {
                self.observer.invoice(case.invoice).outcome(over_days, self.plan.horizon, self.end)
            }
            Label::Fails(failure) => {
                let failed = self.observer.failed(case.buyer, failure).map(Instant::day);
                month_outcome(case.day, failed, self.plan.horizon.unwrap_or(u16::MAX), self.end)
            }
        }
    }

    /// Days from the look at a case to what befell: to the day on which the invoice was as late as that.
    #[must_use]
    pub fn days_ahead(&self, case: &Case) -> Option<i32> {
        match self.plan.label {
            Label::Late { over_days } => Some(self.observer.invoice(case.invoice).late_from(over_days).since(case.day)),
            Label::Fails(failure) => Some(self.observer.failed(case.buyer, failure)?.day().since(case.day)),
        }
    }
}

#[cfg(test)]
pub mod tests;
