//! Owns what one rule set has said so far: scores as they stand, every alert, proposals and changed limits.

use hashbrown::HashMap;

use super::names::Names;
use crate::base::{Currency, Instant, Money};
use crate::event::{
    AlertKind, AlertNotice, Effect, EffectBody, LimitChange, LimitChangeCause, ProposalNotice, ProposalOutcome, Scored,
    Severity,
};

/// What one rule set says of all buyers.
#[derive(Debug)]
pub struct Watch {
    base: Currency,
    buyers: Vec<Standing>,
    /// Every alert, in the order in which they were raised.
    pub alerts: Vec<Alert>,
    open_alerts: HashMap<(u32, String), usize>,
    proposals: HashMap<String, Proposed>,
    /// Proposals closed, by outcome.
    pub closed: [u64; ProposalOutcome::ALL.len()],
    /// Changed limits.
    pub limits: LimitTotals,
}

/// A buyer as it stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    scored: Scored,
    /// Open alerts of deterioration.
    deterioration: u16,
    /// Open alerts of any kind.
    any: u16,
}

impl Standing {
    const HEALTHY: Standing = Standing { scored: Scored::HEALTHY, deterioration: 0, any: 0 };
}

/// One alert, from raising to clearing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The buyer.
    pub buyer: u32,
    /// What it is about.
    pub kind: AlertKind,
    /// The worst that it was.
    pub severity: Severity,
    /// When it was raised.
    pub raised: Instant,
    /// When it was cleared.
    pub cleared: Option<Instant>,
}

/// Which alerts count as a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// Those that the score speaks through.
    Deterioration,
    /// All of them.
    Any,
}

impl Warning {
    /// Both.
    pub const ALL: [Warning; 2] = [Warning::Deterioration, Warning::Any];

    /// Whether alerts of a kind count.
    #[must_use]
    pub const fn counts(self, kind: AlertKind) -> bool {
        match self {
            Warning::Deterioration => matches!(kind, AlertKind::GradeWorsened | AlertKind::SuddenDeterioration),
            Warning::Any => true,
        }
    }

    /// Its name as the head of a column about alerts.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Warning::Deterioration => "deterioration",
            Warning::Any => "any kind",
        }
    }

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Warning::Deterioration => "deterioration alerts",
            Warning::Any => "alerts of any kind",
        }
    }
}

/// A proposal as last told.
#[derive(Debug, Clone, Copy)]
struct Proposed {
    cut: Option<Money>,
    expected_loss_avoided_cents: i128,
    margin_lost_cents: i128,
}

/// Proposals in sum, each as it was last told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProposalTotals {
    /// Proposals.
    pub count: u64,
    /// What they would take off limits of the base currency, in units of money.
    pub cut_units: i128,
    /// Proposals on limits of another currency, which the cut leaves out.
    pub foreign: u64,
    /// Losses that they would be expected to avoid, in cents.
    pub expected_loss_avoided_cents: i128,
    /// Margin that they would be expected to cost, in cents.
    pub margin_lost_cents: i128,
}

/// Changed limits in sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitTotals {
    /// Changes, by cause.
    pub by_cause: [u64; LimitChangeCause::ALL.len()],
    /// What applied proposals took off limits of the base currency, in units of money.
    pub cut_units: i128,
}

impl Watch {
    /// Of a rule set that has said nothing yet.
    #[must_use]
    pub fn new(base: Currency) -> Watch {
        Watch {
            base,
            buyers: Vec::new(),
            alerts: Vec::new(),
            open_alerts: HashMap::new(),
            proposals: HashMap::new(),
            closed: [0; ProposalOutcome::ALL.len()],
            limits: LimitTotals::default(),
        }
    }

    /// The score of a buyer as it stands.
    #[must_use]
    pub fn scored(&self, buyer: u32) -> Scored {
        self.standing(buyer).scored
    }

    /// Whether an alert that counts is open on a buyer.
    #[must_use]
    pub fn is_warned(&self, buyer: u32, warning: Warning) -> bool {
        let standing = self.standing(buyer);
        match warning {
            Warning::Deterioration => standing.deterioration > 0,
            Warning::Any => standing.any > 0,
        }
    }

    /// Proposals in sum.
    #[must_use]
    pub fn proposals(&self) -> ProposalTotals {
        let mut totals = ProposalTotals::default();
        for proposed in self.proposals.values() {
            totals.count += 1;
            totals.cut_units += proposed.cut.map_or(0, |cut| i128::from(cut.units()));
            totals.foreign += u64::from(proposed.cut.is_none());
            totals.expected_loss_avoided_cents += proposed.expected_loss_avoided_cents;
            totals.margin_lost_cents += proposed.margin_lost_cents;
        }
        totals
    }

    /// Takes one thing that the rule set said.
    pub fn take(&mut self, effect: Effect, names: &mut Names) {
        let buyer = names.number(&effect.buyer_id);
        if self.buyers.len() <= buyer as usize {
            self.buyers.resize(buyer as usize + 1, Standing::HEALTHY);
        }
        match effect.body {
            EffectBody::ScoreChanged(scored) => self.buyers[buyer as usize].scored = scored,
            EffectBody::AlertRaised(notice) => self.raise(buyer, effect.at, notice),
            EffectBody::AlertEscalated(notice) => {
                if let Some(place) = self.open_alerts.get(&(buyer, notice.alert_id)) {
                    let worst = &mut self.alerts[*place].severity;
                    *worst = (*worst).max(notice.severity);
                }
            }
            EffectBody::AlertCleared(notice) => self.clear(buyer, effect.at, notice),
            EffectBody::LimitReductionProposed(notice) => self.propose(&notice),
            EffectBody::LimitReductionClosed(closing) => self.closed[closing.outcome as usize] += 1,
            EffectBody::LimitChanged(change) => self.change_limit(&change),
            EffectBody::OrderHoldDecided(_) | EffectBody::ExposureUpdated(_) => {}
        }
    }

    fn standing(&self, buyer: u32) -> Standing {
        self.buyers.get(buyer as usize).copied().unwrap_or(Standing::HEALTHY)
    }

    fn raise(&mut self, buyer: u32, at: Instant, notice: AlertNotice) {
        let AlertNotice { alert_id, kind, severity, .. } = notice;
        self.open_alerts.insert((buyer, alert_id), self.alerts.len());
        self.alerts.push(Alert { buyer, kind, severity, raised: at, cleared: None });
        let standing = &mut self.buyers[buyer as usize];
        standing.any += 1;
        standing.deterioration += u16::from(Warning::Deterioration.counts(kind));
    }

    fn clear(&mut self, buyer: u32, at: Instant, notice: AlertNotice) {
        let Some(place) = self.open_alerts.remove(&(buyer, notice.alert_id)) else { return };
        self.alerts[place].cleared = Some(at);
        let standing = &mut self.buyers[buyer as usize];
        standing.any -= 1;
        standing.deterioration -= u16::from(Warning::Deterioration.counts(notice.kind));
    }

    fn propose(&mut self, notice: &ProposalNotice) {
        let current = notice.current_limit;
        let cut = current.amount.units() - notice.proposed_limit.units();
        let proposed = Proposed {
            cut: (current.currency == self.base).then(|| Money::from_units(cut)).flatten(),
            expected_loss_avoided_cents: notice.expected_loss_avoided.0,
            margin_lost_cents: notice.margin_lost.0,
        };
        self.proposals.insert(notice.proposal_id.clone(), proposed);
    }

    fn change_limit(&mut self, change: &LimitChange) {
        self.limits.by_cause[change.cause as usize] += 1;
        let by_proposal = matches!(change.cause, LimitChangeCause::Auto | LimitChangeCause::Approved);
        if let (true, Some(old), Some(new)) = (by_proposal, change.old_limit, change.new_limit)
            && old.currency == self.base
            && new.currency == self.base
        {
            self.limits.cut_units += i128::from(old.amount.units()) - i128::from(new.amount.units());
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::base::{Cents, Day};
    use crate::event::{Cause, Grade, LimitAmount, Points, ProposalMode, ReportRow};

    /// The base currency of tests.
    pub fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    /// An instant of a test.
    pub fn at(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    /// An effect on a buyer.
    pub fn effect(buyer: &str, time: &str, body: EffectBody) -> Effect {
        let (sequence, caused_by, params_version) = (1, Cause::Clock, 1);
        Effect { buyer_id: buyer.to_owned(), at: at(time), sequence, caused_by, params_version, body }
    }

    /// A changed score.
    pub fn score(points: u16) -> EffectBody {
        let points = Points::whole(points);
        EffectBody::ScoreChanged(Scored { score: points, slow: points, fail: points, grade: Grade::C })
    }

    /// An alert as it is told.
    pub fn notice(alert_id: &str, kind: AlertKind, severity: Severity) -> AlertNotice {
        AlertNotice {
            alert_id: alert_id.to_owned(),
            kind,
            severity,
            scored: Scored::HEALTHY,
            previous_grade: None,
            reasons: Vec::new(),
            exposure: Box::new(row()),
        }
    }

    fn row() -> ReportRow {
        let zero = Cents(0);
        ReportRow {
            buyer_id: String::new(),
            as_of: Day::default(),
            currency: euro(),
            outstanding: zero,
            not_due: zero,
            overdue: [zero; 4],
            oldest_overdue_days: 0,
            disputed: zero,
            written_off: zero,
            unapplied: zero,
            orders: zero,
            exposure: zero,
            limit: None,
            utilisation: None,
            insured_single_risk: zero,
            insured_primary: zero,
            insured_top_up: zero,
            indemnifiable: zero,
            retained: zero,
            open_invoices: 0,
            fx_missing: false,
            scored: Scored::HEALTHY,
        }
    }

    fn proposal(id: &str, currency: Currency, proposed: &str) -> EffectBody {
        EffectBody::LimitReductionProposed(Box::new(ProposalNotice {
            proposal_id: id.to_owned(),
            version: 1,
            current_limit: LimitAmount { amount: Money::parse("1000").expect("money"), currency },
            proposed_limit: Money::parse(proposed).expect("money"),
            mode: ProposalMode::Review,
            approvals_needed: 1,
            scored: Scored::HEALTHY,
            reasons: Vec::new(),
            exposure: Box::new(row()),
            at_risk_before: Cents(0),
            at_risk_after: Cents(0),
            expected_loss_avoided: Cents(500),
            margin_lost: Cents(20),
            effective_at: Instant::MIN,
            expires_at: Instant::MAX,
        }))
    }

    #[test]
    fn scores_and_open_alerts_stand_as_last_told() {
        let (mut watch, mut names) = (Watch::new(euro()), Names::default());
        let mut take = |time, body| watch.take(effect("b", time, body), &mut names);
        take("2026-01-01T00:00:00Z", score(40));
        take("2026-01-02T00:00:00Z", score(50));
        take("2026-01-02T00:00:00Z", EffectBody::AlertRaised(notice("A1", AlertKind::GradeWorsened, Severity::Info)));
        take(
            "2026-01-03T00:00:00Z",
            EffectBody::AlertRaised(notice("A2", AlertKind::LimitExceeded, Severity::Warning)),
        );
        take(
            "2026-01-04T00:00:00Z",
            EffectBody::AlertEscalated(notice("A1", AlertKind::GradeWorsened, Severity::Critical)),
        );
        take(
            "2026-01-05T00:00:00Z",
            EffectBody::AlertCleared(notice("A1", AlertKind::GradeWorsened, Severity::Critical)),
        );
        assert_eq!(watch.scored(0).score, Points::whole(50));
        assert_eq!(watch.scored(7), Scored::HEALTHY);
        assert_eq!([Warning::Deterioration, Warning::Any].map(|warning| watch.is_warned(0, warning)), [false, true]);
        let first = &watch.alerts[0];
        assert_eq!((first.severity, first.cleared), (Severity::Critical, Some(at("2026-01-05T00:00:00Z"))));
        assert_eq!(watch.alerts[1].cleared, None);
    }

    #[test]
    fn a_proposal_counts_once_as_last_told_and_another_currency_apart() {
        let (mut watch, mut names) = (Watch::new(euro()), Names::default());
        let dollar = Currency::parse("USD").expect("a currency");
        let said = [proposal("P1", euro(), "800"), proposal("P1", euro(), "600"), proposal("P2", dollar, "1")];
        for body in said {
            watch.take(effect("b", "2026-01-01T00:00:00Z", body), &mut names);
        }
        let expected = ProposalTotals {
            count: 2,
            cut_units: 400 * 10_000,
            foreign: 1,
            expected_loss_avoided_cents: 1000,
            margin_lost_cents: 40,
        };
        assert_eq!(watch.proposals(), expected);
    }
}
