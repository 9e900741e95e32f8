//! Owns a buyer: composes its ledger, covers, signals and alerts, and judges it.

mod holding;
mod judging;
mod proposing;
mod scoring;
mod touching;

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

pub use self::holding::Deciding;
pub use self::judging::{History, Judgement, Judging, Occasion, Voice};
use self::scoring::{Parts, parts};
use super::alert::{Alerts, Scene, Subject, Told, Turn};
use super::behaviour::{Behaviour, Pace};
use super::collection;
use super::cover::{Carrying, Insurance};
use super::deadlines;
use super::fact::{self, Fact};
use super::figures::{self, Figures};
use super::history::MonthEnds;
use super::ledger::{Known, Ledger, PaymentSlot, Seen, Settlement, Touch};
use super::limit::CreditLimit;
use super::params::{Params, Reckoned};
use super::proposal::Proposals;
use super::rates::Rates;
use super::score::{Course, Outlook, Yardstick};
use super::signals::Signals;
use crate::base::hash::stable_hash;
use crate::base::money::UNIT;
use crate::base::{BaseUnits, Day};
use crate::event::effect::ExposureUpdate;
use crate::event::input::BuyerDescribed;
use crate::event::{
    AlertKind, AlertNotice, Body, BuyerProfile, Country, CoverRow, Effect, EffectBody, Event, LimitAmount, MonthEnd,
    Points, Procedure, ReportLine, ReportRow, Scored, Segment, Severity,
};

/// One buyer. Its fields lie as they are written: what every judgement looks at first, what payments and signals alone move
/// behind it, so that most events wait for fewer cache lines.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct Buyer {
    /// Its id.
    pub id: CompactString,
    ledger: Ledger,
    insurance: Option<Box<Insurance>>,
    limit: CreditLimit,
    insolvency: Option<Box<Fact<Option<Proceeding>>>>,
    profile: Option<Box<Fact<Profile>>>,
    alerts: Alerts,
    proposals: Option<Box<Proposals>>,
    /// The exposure that is usual for it, in cents, as of the beginning of the month; 0: unknown.
    usual_exposure: i64,
    /// The day from which on the score is to be reckoned anew, exposure and ages aside.
    rescore_on: Day,
    /// The day of the last judgement.
    judged_on: Day,
    /// The score as last judged.
    scored: Scored,
    /// What its course comes to, as last judged. While that is anything the buyer is scored at each judgement, and it comes
    /// anew with the score: so it is not stored.
    #[borsh(skip)]
    outlook: Option<Outlook>,
    behaviour: Behaviour,
    course: Course,
    signals: Option<Box<Signals>>,
    month_ends: MonthEnds,
    /// Effects told so far, exposures aside.
    sequence: u64,
}

/// An insolvency procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Proceeding {
    procedure: Procedure,
    opened_on: Day,
}

/// Who the buyer is.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Profile {
    name: Option<CompactString>,
    country: Option<Country>,
    segment: Option<Segment>,
    parent_id: Option<CompactString>,
    sector: Option<CompactString>,
}

impl Profile {
    fn new(said: &BuyerDescribed<'_>) -> Profile {
        Profile {
            name: said.name.map(Into::into),
            country: said.country,
            segment: said.segment,
            parent_id: said.parent_id.map(|id| id.as_str().into()),
            sector: said.sector.map(Into::into),
        }
    }

    fn told(&self) -> BuyerProfile {
        BuyerProfile {
            name: self.name.as_ref().map(ToString::to_string),
            country: self.country,
            segment: self.segment,
            parent_id: self.parent_id.as_ref().map(ToString::to_string),
            sector: self.sector.as_ref().map(ToString::to_string),
        }
    }
}

/// What an event is applied with.
pub struct Applying<'a> {
    /// The clock's day.
    pub today: Day,
    /// Rates.
    pub rates: &'a Rates,
    /// How fast the past fades.
    pub pace: &'a Pace,
    /// Room for what the event settled, used again.
    pub seen: &'a mut Seen,
}

impl Buyer {
    /// A buyer of whom nothing is known.
    #[must_use]
    pub fn new(id: &str) -> Buyer {
        Buyer {
            id: id.into(),
            ledger: Ledger::default(),
            insurance: None,
            limit: CreditLimit::default(),
            insolvency: None,
            profile: None,
            alerts: Alerts::default(),
            proposals: None,
            behaviour: Behaviour::default(),
            signals: None,
            scored: Scored::HEALTHY,
            course: Course::default(),
            rescore_on: Day::MIN,
            outlook: None,
            usual_exposure: 0,
            month_ends: MonthEnds::default(),
            judged_on: Day::MIN,
            sequence: 0,
        }
    }

    /// What is wrong with a restored buyer, if anything is that the next event might run into.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let invoices = self.ledger.documents().invoices.len();
        let insurance = || self.insurance.as_ref().and_then(|insurance| insurance.flaw(invoices));
        let signals = || self.signals.as_ref().and_then(|signals| signals.flaw());
        self.ledger.flaw().or_else(insurance).or_else(signals)
    }

    /// What it owes.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The kinds and severities of its open alerts.
    pub fn open_alerts(&self) -> impl Iterator<Item = (AlertKind, Severity)> {
        self.alerts.open()
    }

    /// Whether a document is known already.
    #[must_use]
    pub fn known(&self, body: &Body<'_>) -> Known {
        match body {
            Body::CoverGranted(said) => self.insurance.as_ref().map_or(Known::New, |insurance| insurance.known(said)),
            _ => self.ledger.known(body),
        }
    }

    /// Applies an event that is no known document.
    pub fn apply(&mut self, event: &Event<'_>, with: &mut Applying<'_>) {
        match &event.body {
            Body::LimitSet(said) => {
                let limit = LimitAmount { amount: said.amount, currency: said.currency };
                self.limit.set(event, Some(limit), said.decided_by);
            }
            Body::LimitRemoved(_) => self.limit.set(event, None, None),
            Body::InsolvencyOpened(said) => {
                self.rescore_on = Day::MIN;
                let proceeding = Proceeding { procedure: said.procedure, opened_on: said.opened_on };
                fact::state(&mut self.insolvency, event, Some(proceeding));
            }
            Body::InsolvencyClosed(_) => {
                self.rescore_on = Day::MIN;
                fact::state(&mut self.insolvency, event, None);
            }
            Body::BuyerDescribed(said) => fact::state(&mut self.profile, event, Profile::new(said)),
            Body::CoverGranted(said) => self.insurance_mut().grant(said),
            Body::CoverAmended(said) => self.insurance_mut().amend(event, said),
            Body::CoverWithdrawn(said) => self.insurance_mut().withdraw(event, said),
            Body::CoverDeclared(said) => {
                let invoice = self.ledger.refer_to_invoice(said.seller_id, said.invoice_id.as_str());
                self.insurance_mut().declare(said, invoice);
            }
            Body::RatingChanged(said) => {
                self.rescore_on = Day::MIN;
                self.signals.get_or_insert_default().rate(event, said);
            }
            Body::FinancialsPublished(said) => {
                self.rescore_on = Day::MIN;
                self.signals.get_or_insert_default().publish(event, said);
            }
            _ => {
                if let Body::IncidentReported(said) = &event.body {
                    self.signals.get_or_insert_default().report(event, said);
                }
                self.ledger.apply(event, with.today, with.seen);
                if with.seen.touch == Touch::Anything {
                    self.rescore_on = Day::MIN;
                }
                let rates = with.rates;
                self.behaviour.observe(&with.seen.settlements, event.time.day(), with.pace, |settled| {
                    paid_in_base(settled, rates)
                });
            }
        }
    }

    /// Judges the buyer, and tells what there is to tell.
    pub fn judge(&mut self, with: &Judging<'_>, carrying: &mut Carrying, effects: &mut Vec<Effect>) -> Judgement {
        let today = with.clock.day();
        if let (Occasion::DayStart, Some(days)) = (with.occasion, with.params.retention_days) {
            self.forget(today.plus(-i32::from(days)), today);
        }
        self.limit.settle(today);
        let figures = self.reckon(with.params, with.rates, today, carrying);
        if let Some(insurance) = self.insurance.as_mut().filter(|_| self.judged_on < today) {
            insurance.begin_day();
        }
        self.judged_on = today;
        self.keep_month_end(with, &figures);
        let next_day = match with.voice {
            Voice::Told => self.speak(with, &figures, carrying, effects),
            Voice::Quiet => self.keep_quiet(with, &figures, carrying, effects),
        };
        let wake = match with.params.retention_days {
            Some(_) if !self.ledger.is_empty() => next_day.min(today.next_month()),
            _ => next_day,
        };
        let (indemnifiable, scored) = (carrying.indemnifiable, self.scored);
        Judgement { wake, exposure: figures.exposure, indemnifiable, scored, sequence: self.sequence }
    }

    /// Scores the buyer and tells what there is to tell.
    fn speak(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &mut Carrying,
        effects: &mut Vec<Effect>,
    ) -> Day {
        self.tell_limit(with, effects);
        let reversed = self.ledger.take_reversed();
        let score_day = self.score(with, figures, carrying, effects);
        let next_day = self.judge_alerts(with, figures, carrying, &reversed, effects).min(score_day);
        let reasons = |buyer: &Buyer| buyer.score_reasons(with.clock.day(), with.yardstick(), figures);
        next_day.min(self.propose(with, figures, carrying, reasons, effects))
    }

    /// Scores the buyer and tells nothing: what its limit was is known by now, and what else holds is found when the silence
    /// is over.
    fn keep_quiet(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &Carrying,
        effects: &mut Vec<Effect>,
    ) -> Day {
        self.limit.pass_over_change();
        let score_day = self.score(with, figures, carrying, effects);
        if let Some(insurance) = &mut self.insurance {
            insurance.note_judged(carrying, with.clock.day());
        }
        score_day
    }

    /// Forgets on which day the score is to be reckoned anew: it is at the next judgement.
    pub fn forget_score_day(&mut self) {
        self.rescore_on = Day::MIN;
    }

    /// Raises, escalates and clears alerts, and gives the next day on which time alone may change one.
    fn judge_alerts(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &Carrying,
        reversed: &[PaymentSlot],
        effects: &mut Vec<Effect>,
    ) -> Day {
        let today = with.clock.day();
        let scene = Scene {
            today,
            levels: &with.params.alerts,
            ledger: &self.ledger,
            insurance: self.insurance.as_deref(),
            carrying,
            figures,
            rates: with.rates,
            insolvency: proceeding(&self.insolvency).map(|case| (case.procedure, case.opened_on)),
            segment: fact::holding(&self.profile).and_then(|profile| profile.segment),
            reversed,
            evidence: parts!(self).evidence(today, with.yardstick(), figures),
            scored: self.scored,
            outlook: self.outlook,
        };
        let (id, mut raised) = (&self.id, 0);
        let told = self.alerts.judge(&scene, |kind, subject| {
            raised += 1;
            alert_id(id, kind, subject, self.sequence + raised)
        });
        let next_day = deadlines::next_day(&scene, &self.alerts);
        if let Some(insurance) = &mut self.insurance {
            insurance.note_judged(carrying, today);
        }
        if !told.is_empty() {
            let row = self.row_of(with.rates, today, figures, carrying);
            for alert in told {
                self.tell(with, notice(alert, &row, self.outlook), effects);
            }
        }
        next_day
    }

    /// The report row, aged to any day.
    pub fn row(&mut self, params: &Params, rates: &Rates, as_of: Day, carrying: &mut Carrying) -> ReportRow {
        let figures = self.reckon(params, rates, as_of, carrying);
        self.row_of(rates, as_of, &figures, carrying)
    }

    /// The report row with the further columns: a walk over all documents, for whoever reads it.
    pub fn line(&mut self, params: &Params, rates: &Rates, as_of: Day, carrying: &mut Carrying) -> ReportLine {
        let figures = self.reckon(params, rates, as_of, carrying);
        let row = self.row_of(rates, as_of, &figures, carrying);
        let bars = |case: &Proceeding| case.procedure != Procedure::Conciliation;
        let probability_bp = match proceeding(&self.insolvency).filter(bars) {
            Some(_) => params.loss.insolvent_probability_bp,
            None => params.loss.default_probability_bp(row.scored.grade),
        };
        let loss = (&params.loss, probability_bp);
        ReportLine {
            further: collection::further(&self.ledger, rates, as_of, &figures, row.retained, loss),
            profile: fact::holding(&self.profile).map(Profile::told).unwrap_or_default(),
            sellers: figures::sellers(&self.ledger, rates, as_of),
            row,
        }
    }

    /// The figures in full.
    pub fn exposure_update(
        &mut self,
        (params, pace): (&Params, &Pace),
        rates: &Rates,
        today: Day,
        carrying: &mut Carrying,
    ) -> ExposureUpdate {
        let with = Yardstick { levels: &params.score, pace, reckoned: params.reckon.score };
        let figures = Figures::reckon(&self.ledger, self.limit.on(today), rates);
        let totals = self.ledger.keep_totals();
        // What changed since the last judgement counts here as it does in the figures, so that the reasons add up.
        let now = self.score_now(today, with, &figures);
        let judged = std::mem::replace(&mut self.scored, now);
        let reasons = self.score_reasons(today, with, &figures);
        let ReportLine { row, further, profile, sellers } = self.line(params, rates, today, carrying);
        self.scored = judged;
        self.ledger.put_back_totals(totals);
        ExposureUpdate {
            row,
            further,
            profile,
            reasons,
            sellers: figures::most_owed(sellers),
            covers: self.cover_rows(rates, today, carrying),
            month_ends: self.month_ends.iter().collect(),
        }
    }

    /// Whether a rate can change its figures.
    #[must_use]
    pub fn is_foreign(&self, rates: &Rates) -> bool {
        let base = rates.base();
        let limit = self.limit.decided();
        let covers = self.insurance.iter().flat_map(|insurance| insurance.covers());
        self.ledger.totals().iter().any(|totals| totals.currency != base)
            || limit.is_some_and(|limit| limit.currency != base)
            || covers.filter_map(|cover| cover.terms.as_ref()).any(|terms| terms.currency != base)
    }

    fn insurance_mut(&mut self) -> &mut Insurance {
        self.ledger.keep_arrears();
        self.insurance.get_or_insert_default()
    }

    fn forget(&mut self, before: Day, today: Day) {
        const FORGET_ON: fn(Day) -> bool = |day| day.plus(-1).next_month() == day;
        if FORGET_ON(today) {
            let moved = self.ledger.forget(before);
            if let (Some(insurance), Some(moved)) = (&mut self.insurance, moved) {
                insurance.move_invoices(|slot| moved[slot.index()]);
            }
        }
    }

    fn reckon(&mut self, params: &Params, rates: &Rates, today: Day, carrying: &mut Carrying) -> Figures {
        let figures = Figures::reckon(&self.ledger, self.limit.on(today), rates);
        match &self.insurance {
            Some(insurance) if params.reckon.cover == Reckoned::No => carrying.carry_nothing(insurance),
            Some(insurance) => {
                let bars = |case: &Proceeding| case.procedure != Procedure::Conciliation;
                let barred_from = proceeding(&self.insolvency).filter(bars).map(|case| case.opened_on);
                carrying.reckon(insurance, &mut self.ledger, rates, figures.unapplied, barred_from);
            }
            None => carrying.clear(),
        }
        figures
    }

    fn row_of(&self, rates: &Rates, as_of: Day, figures: &Figures, carrying: &Carrying) -> ReportRow {
        let covers = self.insurance.iter().flat_map(|insurance| insurance.covers());
        let mut currencies = covers.filter_map(|cover| cover.terms.as_ref()).map(|terms| terms.currency);
        let fx_missing = figures.fx_missing || currencies.any(|currency| rates.get(currency).is_none());
        let row = figures::row(&self.id, as_of, &self.ledger, rates, figures, carrying, fx_missing);
        ReportRow { scored: self.scored, ..row }
    }

    fn cover_rows(&self, rates: &Rates, today: Day, carrying: &Carrying) -> Vec<CoverRow> {
        let covers = self.insurance.iter().flat_map(|insurance| insurance.covers());
        let rows = covers.zip(&carrying.covers).filter_map(|(cover, carried)| {
            let terms = cover.terms.as_deref()?;
            let extension = terms.max_extension_days.map(i32::from);
            let stopped_since = carrying.earliest_unpaid_due.zip(extension).map(|(due, days)| due.plus(days + 1));
            let amount = cover.amount_on(today).sum();
            Some(CoverRow {
                cover_id: cover.id.to_string(),
                layer: terms.layer,
                amount: rates.get(terms.currency).map(|rate| crate::base::BaseUnits::convert(amount, rate)),
                taken: carried.taken,
                insured_pct: terms.insured_pct,
                valid_from: terms.valid_from,
                valid_to: cover.valid_to(),
                order_id: terms.order_id.as_ref().map(ToString::to_string),
                max_payment_term_days: terms.max_payment_term_days,
                stopped_since: stopped_since.filter(|since| *since <= today),
            })
        });
        rows.collect()
    }

    fn keep_month_end(&mut self, with: &Judging<'_>, figures: &Figures) {
        let today = with.clock.day();
        let last_day = today.plus(-1);
        if !matches!(with.occasion, Occasion::DayStart) || last_day.next_month() != today {
            return;
        }
        let exposure = figures.exposure.cents();
        let overdue = figures::overdue(&mut self.ledger, with.rates, last_day).cents();
        if exposure.0 != 0 || overdue.0 != 0 || self.scored.score != Points::ZERO {
            self.month_ends.keep(MonthEnd { day: last_day, exposure, overdue, score: self.scored.score });
            self.keep_usual_exposure(&with.params.score, today);
        }
    }

    fn tell(&mut self, with: &Judging<'_>, body: EffectBody, effects: &mut Vec<Effect>) {
        self.sequence += 1;
        effects.push(Effect {
            buyer_id: self.id.to_string(),
            at: with.clock,
            sequence: self.sequence,
            caused_by: with.occasion.cause(),
            params_version: with.params.version,
            body,
        });
    }
}

/// What a settlement weighs in means by amount: what it paid, in base currency, at least one unit of it and just that while
/// its currency has no rate. A weight is 0.0064 of a unit, so that fading, which rounds down, keeps the means of small ones.
fn paid_in_base(settled: &Settlement, rates: &Rates) -> i64 {
    const WEIGHT_UNITS: i128 = 64;
    const LEAST: i128 = UNIT as i128 / WEIGHT_UNITS;
    const MOST: i128 = 1 << 44;
    let units = match rates.get(settled.currency) {
        _ if settled.currency == rates.base() => settled.paid.units(),
        Some(rate) => BaseUnits::convert(settled.paid, rate).units(),
        None => 0,
    };
    (units / WEIGHT_UNITS).clamp(LEAST, MOST) as i64
}

fn proceeding(insolvency: &Option<Box<Fact<Option<Proceeding>>>>) -> Option<Proceeding> {
    fact::holding(insolvency).copied().flatten()
}

fn notice(alert: Told, row: &ReportRow, outlook: Option<Outlook>) -> EffectBody {
    let previous_grade = match alert.kind {
        AlertKind::GradeWorsened | AlertKind::SuddenDeterioration => outlook.map(|outlook| outlook.previous),
        _ => None,
    };
    let notice = AlertNotice {
        alert_id: format!("{:032x}", alert.id),
        kind: alert.kind,
        severity: alert.severity,
        scored: row.scored,
        previous_grade,
        reasons: alert.reasons,
        exposure: Box::new(row.clone()),
    };
    match alert.turn {
        Turn::Raised => EffectBody::AlertRaised(notice),
        Turn::Escalated => EffectBody::AlertEscalated(notice),
        Turn::Cleared => EffectBody::AlertCleared(notice),
    }
}

fn alert_id(buyer_id: &str, kind: AlertKind, subject: &Subject, sequence: u64) -> u128 {
    let [a, b, c] = match subject {
        Subject::Buyer => ["", "", ""],
        Subject::Cover(cover) => ["", "", cover.as_str()],
        Subject::InvoiceUnderCover(seller, invoice, cover) => [seller.as_str(), invoice.as_str(), cover.as_str()],
        Subject::Payment(seller, payment) => [seller.as_str(), payment.as_str(), ""],
    };
    let texts = [buyer_id, kind.as_str(), a, b, c].map(str::as_bytes);
    stable_hash(&[texts[0], texts[1], texts[2], texts[3], texts[4], &sequence.to_le_bytes()])
}
