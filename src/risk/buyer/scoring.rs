//! Owns how a buyer is scored when it is judged: the evidence, the score, its course, and what that wakes it for.

use super::{Buyer, History, Judging, Proceeding, proceeding};
use crate::base::{BaseAmount, Day, Rate, Sum};
use crate::event::{Effect, EffectBody, MonthEnd, Points, Reason, Scored};
use crate::risk::behaviour::Behaviour;
use crate::risk::cover::Carrying;
use crate::risk::fact::Fact;
use crate::risk::figures::Figures;
use crate::risk::ledger::Ledger;
use crate::risk::params::{Reckoned, ScoreLevels};
use crate::risk::score::{self, Card, Code, Evidence, Step, Yardstick};
use crate::risk::signals::Signals;

/// Month ends that a usual exposure is the mean of, and the fewest that say what is usual.
const USUAL_MONTHS: usize = 12;
const USUAL_MONTHS_MIN: usize = 6;
/// A month end this many days before the coming one is of the same season a year ago.
const SEASON_DAYS: std::ops::RangeInclusive<i32> = 330..=400;

/// What a buyer's evidence is made of, field by field, so that its alerts can change meanwhile.
pub(super) struct Parts<'a> {
    pub(super) behaviour: &'a Behaviour,
    pub(super) ledger: &'a Ledger,
    pub(super) signals: Option<&'a Signals>,
    pub(super) insolvency: &'a Option<Box<Fact<Option<Proceeding>>>>,
    pub(super) usual_exposure: i64,
}

impl<'a> Parts<'a> {
    /// The evidence of a day.
    pub(super) fn evidence(self, today: Day, with: Yardstick<'a>, figures: &'a Figures) -> Evidence<'a> {
        let Parts { behaviour, ledger, signals, insolvency, usual_exposure } = self;
        Evidence {
            today,
            with,
            behaviour,
            ledger,
            signals,
            insolvency: proceeding(insolvency).map(|case| (case.procedure, case.opened_on)),
            insolvency_event: insolvency.as_deref().map(Fact::name),
            figures,
            usual_exposure: (usual_exposure > 0).then(|| in_base(usual_exposure)),
        }
    }
}

macro_rules! parts {
    ($buyer:expr) => {
        Parts {
            behaviour: &$buyer.behaviour,
            ledger: &$buyer.ledger,
            signals: $buyer.signals.as_deref(),
            insolvency: &$buyer.insolvency,
            usual_exposure: $buyer.usual_exposure,
        }
    };
}
pub(super) use parts;

impl Buyer {
    /// Scores the buyer, follows the course of its score, and gives the next day on which time alone may change either.
    pub(super) fn score(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &Carrying,
        effects: &mut Vec<Effect>,
    ) -> Day {
        let today = with.clock.day();
        let levels = &with.params.score;
        if with.params.reckon.score == Reckoned::No {
            (self.scored, self.outlook, self.rescore_on) = (Scored::HEALTHY, None, Day::MIN);
            return Day::MAX;
        }
        if today < self.rescore_on && today < self.ledger.next_age_day() && !self.exposure_may_speak(figures) {
            return self.rescore_on.min(self.ledger.next_age_day());
        }
        self.ledger.age(today);
        let card = Card::reckon(&parts!(self).evidence(today, with.yardstick(), figures));
        let scored = card.score(levels, self.scored.grade);
        if scored != self.scored {
            self.scored = scored;
            if with.history == History::Told {
                self.tell_score(with, scored, effects);
            }
        }
        let step = self.step(today, levels, &card);
        let is_open = self.course.judge(&step);
        let retained = || figures.retained(carrying).cents().0 / 100;
        self.outlook = if is_open { self.course.outlook(&step, retained()) } else { None };
        let month = if scored.score > Points::ZERO { today.next_month() } else { Day::MAX };
        let next_day = self.course.next_day(&step).min(card.next_day).min(month);
        let speaks = |code: Code| card.measures[code as usize].is_some();
        let is_settled = !is_open && !speaks(Code::Utilisation) && !speaks(Code::ExposureGrowth);
        self.rescore_on = if is_settled { next_day } else { Day::MIN };
        next_day.min(self.ledger.next_age_day())
    }

    /// Whether exposure is high enough to say something.
    fn exposure_may_speak(&self, figures: &Figures) -> bool {
        let is_over_limit = figures.limit.known().is_some_and(|limit| figures.exposure > limit);
        is_over_limit || (self.usual_exposure > 0 && figures.exposure > in_base(self.usual_exposure))
    }

    /// The score as of today, whether or not the buyer is judged already.
    pub(super) fn score_now(&mut self, today: Day, with: Yardstick<'_>, figures: &Figures) -> Scored {
        if with.reckoned == Reckoned::No {
            return Scored::HEALTHY;
        }
        self.ledger.age(today);
        Card::reckon(&parts!(self).evidence(today, with, figures)).score(with.levels, self.scored.grade)
    }

    /// What the score is made of, as of today.
    pub(super) fn score_reasons(&self, today: Day, with: Yardstick<'_>, figures: &Figures) -> Vec<Reason> {
        if with.reckoned == Reckoned::No {
            return Vec::new();
        }
        let evidence = parts!(self).evidence(today, with, figures);
        score::reasons(&Card::reckon(&evidence), &self.scored, &evidence)
    }

    fn step<'a>(&self, today: Day, levels: &'a ScoreLevels, card: &Card) -> Step<'a> {
        const SUDDEN: [Code; 4] = [Code::BrokenHabit, Code::DelayRising, Code::Incidents, Code::RatingFallen];
        let course = &levels.course;
        let is_known = self.behaviour.payments() >= course.known_payments;
        let first_day = self.behaviour.first_day().filter(|_| is_known);
        let known_from = first_day.map_or(Day::MAX, |day| day.plus(course.known_days.into()));
        Step {
            today,
            levels: course,
            scored: self.scored,
            sudden: Points::from_quarters(SUDDEN.iter().map(|code| card.raw(*code)).sum()),
            level: (today < known_from).then(|| card.level(levels)),
            known_from,
        }
    }

    /// Tells a change of the score. It has no number of its own: whether a history is kept must change nothing else.
    fn tell_score(&self, with: &Judging<'_>, scored: Scored, effects: &mut Vec<Effect>) {
        effects.push(Effect {
            buyer_id: self.id.to_string(),
            at: with.clock,
            sequence: 0,
            caused_by: with.occasion.cause(),
            params_version: with.params.version,
            body: EffectBody::ScoreChanged(scored),
        });
    }

    /// Takes down what exposure is usual for the buyer in the month that begins: the mean of its last month ends, or what it
    /// was a year ago where that is more, so that a December peak is no news.
    pub(super) fn keep_usual_exposure(&mut self, levels: &ScoreLevels, today: Day) {
        let ends: Vec<MonthEnd> = self.month_ends.iter().collect();
        let Some(first) = ends.first() else { return };
        let months = (today.since(first.day) / 30 + 1).clamp(1, USUAL_MONTHS as i32);
        if (months as usize) < USUAL_MONTHS_MIN {
            return;
        }
        let latest = ends.iter().rev().take(USUAL_MONTHS).filter(|end| today.since(end.day) <= 366);
        let mean = latest.map(|end| end.exposure.0).sum::<i128>() / i128::from(months);
        let coming = today.next_month().plus(-1);
        let season =
            ends.iter().filter(|end| SEASON_DAYS.contains(&coming.since(end.day))).map(|end| end.exposure.0).max();
        let usual = match season {
            Some(season) => mean.max(season),
            None if levels.season_months.contains(&today.month()) => mean * i128::from(levels.season_pct) / 100,
            None => mean,
        };
        let least = i128::from(levels.growth_amount) * 100;
        self.usual_exposure = i64::try_from(usual.max(least)).unwrap_or(i64::MAX);
    }
}

/// Cents as an exact amount.
fn in_base(cents: i64) -> BaseAmount {
    const UNITS_PER_CENT: i128 = 100;
    BaseAmount::convert(Sum::from_units(i128::from(cents) * UNITS_PER_CENT), Rate::ONE)
}
