//! Owns what a buyer does about proposals: makes their case, tells them, and takes decisions and snoozes.

use super::{Buyer, Judging, fact, proceeding};
use crate::base::hash::stable_hash;
use crate::base::{BaseUnits, Day, Instant, Money};
use crate::event::{
    AlertKind, Effect, EffectBody, Event, Layer, LimitAmount, LimitChangeCause, Procedure, ProposalMode,
    ProposalNotice, Reason, Segment,
};
use crate::risk::cover::{Carrying, Terms};
use crate::risk::fact::Said;
use crate::risk::figures::{self, Figures};
use crate::risk::limit::Reduction;
use crate::risk::params::Params;
use crate::risk::proposal::{self, Call, Case, CoverSide, Decided, Decision, Open, Plight, Proposals, Room};
use crate::risk::rates::Rates;

/// The source of what the engine decides itself.
const SOURCE: &str = "vigie";
/// 10^-4 units in 10^-2.
const UNITS_PER_CENT: i128 = 100;

impl Buyer {
    /// Decides on the open proposal; effects are told when the instant closes.
    ///
    /// # Errors
    /// In a sentence, when the decision does not count.
    pub fn decide(
        &mut self,
        event: &Event<'_>,
        said: &Decision<'_>,
        clock: Instant,
        params: &Params,
        rates: &Rates,
    ) -> Result<(), String> {
        let limit = self.limit.decided();
        let in_base = |cut: LimitAmount| Some(BaseUnits::convert(cut.amount.sum(), rates.get(cut.currency)?));
        // A buyer without proposals answers as one with none of that id.
        let mut none = Proposals::default();
        let proposals = self.proposals.as_deref_mut().unwrap_or(&mut none);
        match proposals.decide(said, clock.day(), limit, &params.proposals, in_base)? {
            Decided::Reduce { proposal_id, to, notice_days, decided_by }
                if limit.is_some_and(|now| to < now.amount) =>
            {
                let by = Said { time: event.time, id: event.id, source: event.source };
                let reduction = self.reduction(proposal_id, LimitChangeCause::Approved, notice_days, clock);
                self.limit.reduce(by, to, Some(decided_by), reduction);
            }
            Decided::Reduce { .. } | Decided::LimitStays => {}
        }
        Ok(())
    }

    /// Snoozes an open alert until a day, or lifts its snooze where that day has come.
    ///
    /// # Errors
    /// In a sentence, when there is no such alert open.
    pub fn snooze(&mut self, alert_id: &str, until: Day) -> Result<(), String> {
        match self.alerts.snooze(alert_id, until) {
            true => Ok(()),
            false => Err(format!("alert {alert_id} is not open: it is unknown or cleared")),
        }
    }

    /// Proposes a lower limit where the case calls for one, closes what is over, and gives the next day on which time alone
    /// may change that. `score_reasons` says what the score is made of.
    pub(super) fn propose(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &mut Carrying,
        score_reasons: impl FnOnce(&Buyer) -> Vec<Reason>,
        effects: &mut Vec<Effect>,
    ) -> Day {
        let today = with.clock.day();
        let pending_until = self.limit.pending_until(today);
        let (plight, segment) = (self.plight(), self.segment().unwrap_or(Segment::Unnamed));
        if self.proposals.is_none() && !plight.may_call(&with.params.proposals, segment) {
            return pending_until.unwrap_or(Day::MAX);
        }
        let case = self.case(with, figures, carrying);
        let (levels, limit) = (&with.params.proposals, self.limit.decided());
        let mut proposals = self.proposals.take().unwrap_or_default();
        let judging = proposal::Judging { today, levels, plight, limit, case: case.as_ref() };
        let judged = proposals.judge(&judging, || self.new_proposal_id());
        let mut next_day = judged.next_day;
        if let Some(closing) = judged.closed {
            self.tell(with, EffectBody::LimitReductionClosed(closing.told()), effects);
        }
        if let (Some(call), Some(case), Some(open)) = (&judged.proposed, &case, proposals.open()) {
            let mut reasons = proposal::reasons(case, call, with.rates.base());
            reasons.extend(score_reasons(self));
            let notice = self.proposal_notice(with, figures, carrying, (call, open), reasons);
            self.tell(with, EffectBody::LimitReductionProposed(Box::new(notice)), effects);
        }
        let is_auto = judged.proposed.is_some_and(|call| call.mode == ProposalMode::Auto);
        if let Some((open, closing)) = is_auto.then(|| proposals.apply_auto(today, levels)).flatten() {
            self.tell(with, EffectBody::LimitReductionClosed(closing.told()), effects);
            next_day = proposals.next_day(&judging).min(self.apply_auto(with, figures, carrying, &open, effects));
        }
        self.proposals = (!proposals.is_empty()).then_some(proposals);
        next_day.min(self.limit.pending_until(today).unwrap_or(Day::MAX))
    }

    /// Tells what was decided in this instant, and the limit where it is another.
    pub(super) fn tell_limit(&mut self, with: &Judging<'_>, effects: &mut Vec<Effect>) {
        if let Some(closing) = self.proposals.as_mut().and_then(|proposals| proposals.take_decided()) {
            self.tell(with, EffectBody::LimitReductionClosed(closing.told()), effects);
        }
        if let Some(change) = self.limit.take_change() {
            self.tell(with, EffectBody::LimitChanged(change), effects);
        }
    }

    /// Reduces the limit without asking. Where that holds at once, alerts are judged by it.
    fn apply_auto(
        &mut self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &Carrying,
        open: &Open,
        effects: &mut Vec<Effect>,
    ) -> Day {
        let id = format!("{:032x}", open.id);
        let by = Said { time: with.clock, id: &id, source: SOURCE };
        let reduction = self.reduction(open.id, LimitChangeCause::Auto, open.notice_days, with.clock);
        self.limit.reduce(by, open.proposed, None, reduction);
        self.tell_limit(with, effects);
        if open.notice_days > 0 {
            return Day::MAX;
        }
        let figures = Figures { limit: figures::in_base(self.limit.decided(), with.rates).0, ..*figures };
        // The score was reckoned before: what the lower limit means for it is seen tomorrow at the latest.
        self.judge_alerts(with, &figures, carrying, &[], effects).min(with.clock.day().plus(1))
    }

    fn reduction(&self, proposal_id: u128, cause: LimitChangeCause, notice_days: u16, clock: Instant) -> Reduction {
        let now = self.limit.decided().map(|limit| limit.amount);
        let (effective_at, until_then) = match notice_days {
            0 => (clock, None),
            _ => (clock.day().plus(notice_days.into()).start(), now),
        };
        Reduction { proposal_id, cause, effective_at, until_then }
    }

    fn plight(&self) -> Plight {
        let bars = |procedure: &Procedure| *procedure != Procedure::Conciliation;
        let insolvency = proceeding(&self.insolvency).map(|case| case.procedure).filter(bars);
        Plight { insolvency, grade: self.scored.grade }
    }

    fn segment(&self) -> Option<Segment> {
        fact::holding(&self.profile).and_then(|profile| profile.segment)
    }

    /// The buyer's case; `None` where nobody can say what it calls for: there is no limit or nothing in it, a currency has
    /// no rate, or a reduction waits to hold.
    fn case<'a>(&self, with: &Judging<'a>, figures: &Figures, carrying: &Carrying) -> Option<Case<'a>> {
        let today = with.clock.day();
        let limit = self.limit.decided().filter(|limit| limit.amount > Money::ZERO)?;
        let rate = with.rates.get(limit.currency)?;
        if figures.fx_missing || self.limit.pending_until(today).is_some() {
            return None;
        }
        let ends = self.month_ends.iter().map(|end| BaseUnits::from_units(end.exposure.0 * UNITS_PER_CENT));
        Some(Case {
            levels: &with.params.proposals,
            loss: &with.params.loss,
            plight: self.plight(),
            segment: self.segment().unwrap_or(Segment::Unnamed),
            limit,
            granted: self.limit.granted().unwrap_or(limit.amount),
            rate,
            shipped: (figures.outstanding - figures.unapplied).or_zero(),
            peak: ends.fold(figures.exposure.rounded(), BaseUnits::max),
            cover: self.cover_side(with.rates, today, carrying),
        })
    }

    fn cover_side(&self, rates: &Rates, today: Day, carrying: &Carrying) -> CoverSide {
        let is_barred = self.plight().insolvency.is_some();
        let is_stopped = |terms: &Terms| {
            let due = carrying.earliest_unpaid_due.zip(terms.max_extension_days);
            due.is_some_and(|(due, days)| due.plus(days.into()) < today)
        };
        let covers = self.insurance.iter().flat_map(|insurance| insurance.covers()).zip(&carrying.covers);
        let mut rooms = Vec::new();
        let mut is_primary = false;
        for (cover, carried) in covers.filter(|_| !is_barred) {
            let Some(terms) = cover.terms.as_deref() else { continue };
            let amount = cover.amount_on(today);
            let is_open = cover.is_valid_on(today) && !is_stopped(terms) && amount > Money::ZERO;
            is_primary |= is_open && terms.layer == Layer::Primary;
            let counts = match terms.layer {
                Layer::SingleRisk => false,
                Layer::Primary => true,
                // It follows the primary's form, and stands behind it in the order of use.
                Layer::TopUp => is_primary,
            };
            if let (true, Some(rate)) = (is_open && counts, rates.get(terms.currency)) {
                let left = (BaseUnits::convert(amount.sum(), rate) - carried.taken).or_zero();
                rooms.push(Room { amount: left, insured_pct: terms.insured_pct });
            }
        }
        let was_cut = self.alerts.open_of(AlertKind::CoverLost).next().is_some();
        CoverSide { indemnifiable: carrying.indemnifiable.rounded(), rooms, was_cut }
    }

    fn proposal_notice(
        &self,
        with: &Judging<'_>,
        figures: &Figures,
        carrying: &Carrying,
        (call, open): (&Call, &Open),
        reasons: Vec<Reason>,
    ) -> ProposalNotice {
        let levels = &with.params.proposals;
        let needs_two = call.mode == ProposalMode::Review && call.cut > proposal::whole(levels.four_eyes_above);
        ProposalNotice {
            proposal_id: format!("{:032x}", open.id),
            version: open.version,
            current_limit: open.current,
            proposed_limit: open.proposed,
            mode: call.mode,
            approvals_needed: if needs_two { 2 } else { 1 },
            scored: self.scored,
            reasons,
            exposure: Box::new(self.row_of(with.rates, with.clock.day(), figures, carrying)),
            at_risk_before: call.at_risk_before.amount().cents(),
            at_risk_after: call.at_risk_after.amount().cents(),
            expected_loss_avoided: call.expected_loss_avoided,
            margin_lost: call.margin_lost,
            effective_at: self.reduction(open.id, LimitChangeCause::Auto, open.notice_days, with.clock).effective_at,
            expires_at: open.expires_on.start(),
        }
    }

    fn new_proposal_id(&self) -> u128 {
        stable_hash(&[self.id.as_bytes(), b"limit.reduction_proposed", &(self.sequence + 1).to_le_bytes()])
    }
}
