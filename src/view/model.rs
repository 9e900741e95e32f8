//! Owns the read model: what the topics say, kept in maps that many may read while others feed them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use compact_str::CompactString;
use dashmap::DashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::alert::{Alert, AlertState};
use super::buyer::{Buyer, BuyerRow};
use super::decision::{Approval, Decided, Decision};
use super::limit::LimitView;
use super::proposal::{Closing, Proposal, ProposalState};
use super::told::{At, NotTold, On, Told};
use crate::base::Instant;
use crate::event::Severity;

/// Cleared alerts, closed proposals and changes of limits kept of a buyer, the latest.
pub const HISTORY_MAX: usize = 200;
/// Decisions kept, the latest.
pub const DECISIONS_MAX: usize = 100_000;

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fed {
    /// The figures of buyers.
    Exposures,
    /// Alerts.
    Alerts,
    /// Proposals.
    LimitProposals,
    /// Changed limits.
    LimitChanges,
    /// What arbiters decided.
    Decisions,
    /// Whether orders are held.
    OrderDecisions,
}

impl Fed {
    /// All, in a fixed order.
    pub const ALL: [Fed; 6] =
        [Fed::Exposures, Fed::Alerts, Fed::LimitProposals, Fed::LimitChanges, Fed::Decisions, Fed::OrderDecisions];
}

/// What a record changed, for whoever listens.
#[derive(Debug, Clone)]
pub enum Change {
    /// An alert was raised, escalated, cleared or snoozed.
    Alert(Alert),
    /// A proposal was made, changed, approved by one of two, or closed.
    Proposal(Proposal),
    /// A limit is another.
    Limit(LimitView),
    /// The engine has decided whether an order is held.
    Hold(HoldDecided),
}

/// What a record touched, by its id: what it is now is only looked up for those who want to know.
#[derive(Debug)]
enum Touched {
    Alert(String),
    Proposal(String),
    Limit(LimitView),
    Hold(HoldDecided),
}

/// What the engine said about an order that was to be held.
#[derive(Debug, Clone)]
pub struct HoldDecided {
    /// The buyer.
    pub buyer_id: String,
    /// The order: seller and order id.
    pub order: (String, String),
    /// What it was of: amount and currency.
    pub amount: (String, String),
    /// Whether room is kept for it.
    pub granted: bool,
    /// Until when.
    pub expires_at: Instant,
    /// The id of the event that asked.
    pub asked_by: String,
    /// The data of the answer, as it came.
    pub data: Box<RawValue>,
}

/// What is known beside the figures of a buyer.
#[derive(Debug, Default)]
struct File {
    open_alerts: Vec<(String, Severity)>,
    cleared_alerts: VecDeque<String>,
    open_proposals: Vec<String>,
    closed_proposals: VecDeque<String>,
    limits: VecDeque<LimitView>,
    /// What was decided last on each order that was to be held, the latest last.
    holds: VecDeque<HoldDecided>,
}

/// A snooze: when it was said, until when it holds, and who said it.
type Snooze = (At, On, String);

/// The read model.
#[derive(Debug, Default)]
pub struct ReadModel {
    buyers: DashMap<CompactString, Arc<Buyer>>,
    files: DashMap<CompactString, File>,
    alerts: DashMap<String, Alert>,
    proposals: DashMap<String, Proposal>,
    snoozes: DashMap<String, Snooze>,
    approvals: DashMap<(String, u32), Vec<Approval>>,
    decisions: DashMap<String, Decision>,
    /// The ids of decisions, the oldest first.
    decided: Mutex<VecDeque<String>>,
    clock_ns: AtomicI64,
}

#[derive(Deserialize)]
struct HeadId<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct HoldData {
    seller_id: String,
    order_id: String,
    granted: bool,
    expires_at: At,
    amount: String,
    currency: String,
    caused_by: serde_json::Value,
}

impl ReadModel {
    /// Takes a record, and says what it changed. Of a buyer, the records of a topic are to come in their order; topics may come
    /// in any order.
    ///
    /// # Errors
    /// When the record is none that belongs there: it changes nothing.
    pub fn feed(&self, from: Fed, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<Change>, NotTold> {
        let touched = self.take(from, key, value)?;
        Ok(touched.and_then(|touched| match touched {
            Touched::Alert(alert_id) => self.alert_of(&alert_id).map(Change::Alert),
            Touched::Proposal(proposal_id) => self.proposal_of(&proposal_id).map(Change::Proposal),
            Touched::Limit(limit) => Some(Change::Limit(self.named_limit(limit))),
            Touched::Hold(decided) => Some(Change::Hold(decided)),
        }))
    }

    /// Takes a record as [`ReadModel::feed`] does, where nobody wants to know what it changed.
    ///
    /// # Errors
    /// As [`ReadModel::feed`].
    pub fn feed_silently(&self, from: Fed, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), NotTold> {
        self.take(from, key, value).map(|_| ())
    }

    fn take(&self, from: Fed, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<Touched>, NotTold> {
        let Some(value) = value else {
            if let (Fed::Exposures, Some(Ok(buyer_id))) = (from, key.map(std::str::from_utf8)) {
                self.buyers.remove(buyer_id);
            }
            return Ok(None);
        };
        let event: Told<'_> = serde_json::from_slice(value)?;
        let change = match (from, &*event.type_name) {
            (Fed::Exposures, "exposure.updated") => {
                let buyer = Buyer::told(event.time.0, event.data)?;
                if buyer.line.row.buyer_id != event.subject {
                    let other = &buyer.line.row.buyer_id;
                    return Err(NotTold(format!("its subject is {:?} and its buyer {other:?}", event.subject)));
                }
                self.buyers.insert(CompactString::from(&*event.subject), Arc::new(buyer));
                None
            }
            (Fed::Alerts, "alert.raised" | "alert.escalated") => Some(self.alert(&event, AlertState::Open)?),
            (Fed::Alerts, "alert.cleared") => Some(self.alert(&event, AlertState::Cleared)?),
            (Fed::LimitProposals, "limit.reduction_proposed") => Some(self.proposed(&event)?),
            (Fed::LimitProposals, "limit.reduction_closed") => self.closed(&event)?,
            (Fed::LimitChanges, "limit.changed") => Some(self.limit(&event)?),
            (Fed::OrderDecisions, "order.hold_decided") => Some(self.hold(&event)?),
            (Fed::Decisions, name) => self.decision(&event, name, value)?,
            (_, name) => return Err(NotTold(format!("{name:?} does not belong there"))),
        };
        if from != Fed::Decisions {
            self.clock_ns.fetch_max(event.time.0.nanos(), Ordering::Relaxed);
        }
        Ok(change)
    }

    /// The time of the latest output; `None` before the first.
    #[must_use]
    pub fn clock(&self) -> Option<Instant> {
        let nanos = self.clock_ns.load(Ordering::Relaxed);
        (nanos > 0).then(|| Instant::from_nanos(nanos))
    }

    /// Buyers known.
    #[must_use]
    pub fn buyers(&self) -> usize {
        self.buyers.len()
    }

    /// A buyer.
    #[must_use]
    pub fn buyer(&self, buyer_id: &str) -> Option<Arc<Buyer>> {
        self.buyers.get(buyer_id).map(|buyer| Arc::clone(&buyer))
    }

    /// Calls with every buyer, in no order.
    pub fn each_buyer(&self, mut each: impl FnMut(&BuyerRow<'_>)) {
        // No map is looked into while another one's lock is held: what is open is counted first.
        let buyers: Vec<Arc<Buyer>> = self.buyers.iter().map(|entry| Arc::clone(&entry)).collect();
        for buyer in &buyers {
            each(&self.row(buyer));
        }
    }

    /// A buyer with what is open about it.
    #[must_use]
    pub fn row<'a>(&self, buyer: &'a Buyer) -> BuyerRow<'a> {
        let file = self.files.get(buyer.line.row.buyer_id.as_str());
        let (open_alerts, worst_severity, open_proposals) = file.map_or((0, None, 0), |file| {
            let worst = file.open_alerts.iter().map(|(_, severity)| *severity).max();
            (file.open_alerts.len(), worst, file.open_proposals.len())
        });
        BuyerRow { buyer, open_alerts, worst_severity, open_proposals }
    }

    /// An alert.
    #[must_use]
    pub fn alert_of(&self, alert_id: &str) -> Option<Alert> {
        let alert = self.alerts.get(alert_id).map(|alert| alert.clone())?;
        Some(self.with_snooze(alert))
    }

    /// Every alert that `wanted` wants, in no order.
    pub fn alerts(&self, wanted: impl Fn(&Alert) -> bool) -> Vec<Alert> {
        let found: Vec<Alert> = self.alerts.iter().filter(|alert| wanted(alert)).map(|alert| alert.clone()).collect();
        found.into_iter().map(|alert| self.with_snooze(alert)).collect()
    }

    /// The alerts of a buyer: those that are open, then the cleared ones, the latest first.
    #[must_use]
    pub fn alerts_of(&self, buyer_id: &str) -> Vec<Alert> {
        let ids: Vec<String> = self.files.get(buyer_id).map_or_else(Vec::new, |file| {
            let open = file.open_alerts.iter().rev().map(|(id, _)| id);
            open.chain(file.cleared_alerts.iter().rev()).cloned().collect()
        });
        ids.iter().filter_map(|id| self.alert_of(id)).collect()
    }

    /// The kinds and severities of a buyer's open alerts.
    #[must_use]
    pub fn open_alerts_of(&self, buyer_id: &str) -> Vec<(&'static str, Severity)> {
        let open = self.files.get(buyer_id).map_or_else(Vec::new, |file| file.open_alerts.clone());
        open.iter().filter_map(|(id, severity)| Some((self.alerts.get(id)?.kind, *severity))).collect()
    }

    /// A proposal.
    #[must_use]
    pub fn proposal_of(&self, proposal_id: &str) -> Option<Proposal> {
        let proposal = self.proposals.get(proposal_id).map(|proposal| proposal.clone())?;
        Some(self.with_approvals(proposal))
    }

    /// Every proposal that `wanted` wants, in no order.
    pub fn proposals(&self, wanted: impl Fn(&Proposal) -> bool) -> Vec<Proposal> {
        let found: Vec<Proposal> =
            self.proposals.iter().filter(|proposal| wanted(proposal)).map(|proposal| proposal.clone()).collect();
        found.into_iter().map(|proposal| self.with_approvals(proposal)).collect()
    }

    /// The proposals of a buyer: those that are open, then the closed ones, the latest first.
    #[must_use]
    pub fn proposals_of(&self, buyer_id: &str) -> Vec<Proposal> {
        let ids: Vec<String> = self.files.get(buyer_id).map_or_else(Vec::new, |file| {
            file.open_proposals.iter().rev().chain(file.closed_proposals.iter().rev()).cloned().collect()
        });
        ids.iter().filter_map(|id| self.proposal_of(id)).collect()
    }

    /// The changes of a buyer's limit, the latest first.
    #[must_use]
    pub fn limits_of(&self, buyer_id: &str) -> Vec<LimitView> {
        let limits = self.files.get(buyer_id).map_or_else(Vec::new, |file| placed(&file.limits));
        limits.into_iter().rev().map(|limit| self.named_limit(limit)).collect()
    }

    /// Every change of a limit that is kept, in no order.
    #[must_use]
    pub fn limits(&self) -> Vec<LimitView> {
        let limits: Vec<LimitView> = self.files.iter().flat_map(|file| placed(&file.limits)).collect();
        limits.into_iter().map(|limit| self.named_limit(limit)).collect()
    }

    /// What the engine said of an order that was to be held.
    #[must_use]
    pub fn hold_of(&self, buyer_id: &str, seller_id: &str, order_id: &str) -> Option<HoldDecided> {
        let file = self.files.get(buyer_id)?;
        file.holds.iter().find(|hold| hold.order.0 == seller_id && hold.order.1 == order_id).cloned()
    }

    /// A decision.
    #[must_use]
    pub fn decision_of(&self, decision_id: &str) -> Option<Decision> {
        self.decisions.get(decision_id).map(|decision| decision.clone())
    }

    /// The name of a buyer, where it is known.
    #[must_use]
    pub fn name_of(&self, buyer_id: &str) -> Option<String> {
        self.buyers.get(buyer_id).and_then(|buyer| buyer.line.profile.name.clone())
    }

    fn alert(&self, event: &Told<'_>, state: AlertState) -> Result<Touched, NotTold> {
        let raised = |alert_id: &str| self.alerts.get(alert_id).map(|alert| alert.raised_at);
        let alert = Alert::told(event, state, raised)?;
        let forgotten = {
            let mut file = self.files.entry(CompactString::from(&alert.buyer_id)).or_default();
            file.open_alerts.retain(|(id, _)| *id != alert.alert_id);
            match state {
                AlertState::Open => {
                    file.open_alerts.push((alert.alert_id.clone(), alert.severity));
                    None
                }
                AlertState::Cleared => remember(&mut file.cleared_alerts, alert.alert_id.clone()),
            }
        };
        if let Some(forgotten) = forgotten {
            self.alerts.remove(&forgotten);
            self.snoozes.remove(&forgotten);
        }
        let alert_id = alert.alert_id.clone();
        self.alerts.insert(alert_id.clone(), alert);
        Ok(Touched::Alert(alert_id))
    }

    fn proposed(&self, event: &Told<'_>) -> Result<Touched, NotTold> {
        let first = |proposal_id: &str| self.proposals.get(proposal_id).map(|proposal| proposal.proposed_at);
        let proposal = Proposal::told(event, first)?;
        {
            let mut file = self.files.entry(CompactString::from(&proposal.buyer_id)).or_default();
            file.open_proposals.retain(|id| *id != proposal.proposal_id);
            file.open_proposals.push(proposal.proposal_id.clone());
        }
        let proposal_id = proposal.proposal_id.clone();
        self.proposals.insert(proposal_id.clone(), proposal);
        Ok(Touched::Proposal(proposal_id))
    }

    fn closed(&self, event: &Told<'_>) -> Result<Option<Touched>, NotTold> {
        let closing: Closing = serde_json::from_str(event.data.get())?;
        let forgotten = {
            let mut file = self.files.entry(CompactString::from(&*event.subject)).or_default();
            file.open_proposals.retain(|id| *id != closing.proposal_id);
            remember(&mut file.closed_proposals, closing.proposal_id.clone())
        };
        if let Some((_, forgotten)) = forgotten.and_then(|forgotten| self.proposals.remove(&forgotten)) {
            for version in 1..=forgotten.version {
                self.approvals.remove(&(forgotten.proposal_id.clone(), version));
            }
        }
        // A topic that no longer reaches back to its proposal.
        let Some(mut proposal) = self.proposals.get_mut(&closing.proposal_id) else { return Ok(None) };
        proposal.close(event.time, closing);
        Ok(Some(Touched::Proposal(proposal.proposal_id.clone())))
    }

    fn limit(&self, event: &Told<'_>) -> Result<Touched, NotTold> {
        let limit = LimitView::told(event)?;
        {
            let mut file = self.files.entry(CompactString::from(&limit.buyer_id)).or_default();
            remember(&mut file.limits, limit.clone());
        }
        Ok(Touched::Limit(limit))
    }

    fn hold(&self, event: &Told<'_>) -> Result<Touched, NotTold> {
        let data: HoldData = serde_json::from_str(event.data.get())?;
        let decided = HoldDecided {
            buyer_id: event.subject.clone().into_owned(),
            order: (data.seller_id, data.order_id),
            amount: (data.amount, data.currency),
            granted: data.granted,
            expires_at: data.expires_at.0,
            asked_by: data.caused_by["id"].as_str().unwrap_or_default().to_owned(),
            data: event.data.to_owned(),
        };
        let mut file = self.files.entry(CompactString::from(&decided.buyer_id)).or_default();
        file.holds.retain(|known| known.order != decided.order);
        file.holds.push_back(decided.clone());
        if file.holds.len() > HISTORY_MAX {
            file.holds.pop_front();
        }
        Ok(Touched::Hold(decided))
    }

    fn decision(&self, event: &Told<'_>, name: &str, value: &[u8]) -> Result<Option<Touched>, NotTold> {
        let decided = match name {
            "proposal.approved" => Decided::Approve,
            "proposal.rejected" => Decided::Reject,
            "alert.snoozed" => Decided::Snooze,
            // Whatever else is on that topic is the engine's business.
            _ => return Ok(None),
        };
        let id = serde_json::from_slice::<HeadId<'_>>(value)?.id.into_owned();
        let decision = Decision::told(event, decided, id)?;
        let change = match decided {
            Decided::Snooze => self.snoozed(&decision),
            _ => self.approved(&decision),
        };
        self.keep(decision);
        Ok(change)
    }

    fn snoozed(&self, decision: &Decision) -> Option<Touched> {
        let until = decision.until?;
        let snooze = (decision.at, until, decision.decided_by.clone());
        {
            let mut latest = self.snoozes.entry(decision.about.clone()).or_insert_with(|| snooze.clone());
            if latest.0 <= snooze.0 {
                *latest = snooze;
            }
        }
        Some(Touched::Alert(decision.about.clone()))
    }

    fn approved(&self, decision: &Decision) -> Option<Touched> {
        if let Some(approval) = decision.approval() {
            let mut approvals = self.approvals.entry((decision.about.clone(), decision.version)).or_default();
            // The same person's second approval counts for no second one.
            if !approvals.iter().any(|known| known.decided_by == approval.decided_by) {
                approvals.push(approval);
            }
        }
        Some(Touched::Proposal(decision.about.clone()))
    }

    fn keep(&self, decision: Decision) {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        let id = decision.decision_id.clone();
        if self.decisions.insert(id.clone(), decision).is_none() {
            decided.push_back(id);
        }
        if decided.len() > DECISIONS_MAX
            && let Some(oldest) = decided.pop_front()
            && let Some((_, oldest)) = self.decisions.remove(&oldest)
        {
            self.forget_early(&oldest);
        }
    }

    /// What was said of an alert or a proposal that never came: with the decision it is forgotten.
    fn forget_early(&self, decision: &Decision) {
        if decision.decided == Decided::Snooze && !self.alerts.contains_key(&decision.about) {
            self.snoozes.remove(&decision.about);
        }
        if decision.decided != Decided::Snooze && !self.proposals.contains_key(&decision.about) {
            self.approvals.remove(&(decision.about.clone(), decision.version));
        }
    }

    fn with_snooze(&self, alert: Alert) -> Alert {
        let snooze = self.snoozes.get(&alert.alert_id).map(|snooze| (snooze.1, snooze.2.clone()));
        let (snoozed_until, snoozed_by) = snooze.unzip();
        Alert { buyer_name: self.name_of(&alert.buyer_id), snoozed_until, snoozed_by, ..alert }
    }

    fn with_approvals(&self, proposal: Proposal) -> Proposal {
        let approvals = self.approvals.get(&(proposal.proposal_id.clone(), proposal.version));
        let approvals = approvals.map_or_else(Vec::new, |approvals| approvals.clone());
        Proposal { buyer_name: self.name_of(&proposal.buyer_id), approvals, ..proposal }
    }

    fn named_limit(&self, limit: LimitView) -> LimitView {
        LimitView { buyer_name: self.name_of(&limit.buyer_id), ..limit }
    }
}

/// A buyer's changes in their order, each with its place among those of the same time.
fn placed(limits: &VecDeque<LimitView>) -> Vec<LimitView> {
    let mut placed: Vec<LimitView> = Vec::with_capacity(limits.len());
    for limit in limits {
        let place = placed.last().filter(|before| before.at == limit.at).map_or(0, |before| before.place + 1);
        placed.push(LimitView { place, ..limit.clone() });
    }
    placed
}

/// Adds to what is kept, and gives what is kept no longer.
fn remember<T: PartialEq>(kept: &mut VecDeque<T>, new: T) -> Option<T> {
    if !kept.contains(&new) {
        kept.push_back(new);
    }
    (kept.len() > HISTORY_MAX).then(|| kept.pop_front()).flatten()
}

impl Alert {
    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == AlertState::Open
    }
}

impl Proposal {
    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == ProposalState::Open
    }
}

#[cfg(test)]
mod tests;
