//! Owns a proposal as the read model has it: its latest version, what was decided on it, and what became of it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::decision::Approval;
use super::told::{At, MoneyText, NotTold, PointsNumber, Told};

/// Whether a proposal is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProposalState {
    /// It waits for a decision, or for its day.
    Open,
    /// It is decided, applied, superseded or expired.
    Closed,
}

/// A proposal to lower a limit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Proposal {
    /// Its id, the same in all its versions.
    pub proposal_id: String,
    /// The buyer.
    pub buyer_id: String,
    /// The buyer's name, where it is known.
    pub buyer_name: Option<String>,
    /// Its latest version, which a decision must name.
    pub version: u32,
    /// Whether it is open.
    pub state: ProposalState,
    /// The limit as it is, in units of `currency`.
    pub current_limit: String,
    /// The limit proposed.
    pub proposed_limit: String,
    /// Their currency.
    pub currency: String,
    /// Who decides: `auto` or `review`.
    pub mode: String,
    /// How many people must approve it.
    pub approvals_needed: u8,
    /// Who has approved this version so far, as written to the topic of decisions.
    pub approvals: Vec<Approval>,
    /// The buyer's score.
    pub score: PointsNumber,
    /// Its grade.
    pub grade: String,
    /// Why: code, points, value, detail, events and documents of each reason.
    #[schema(value_type = Vec<Object>)]
    pub reasons: Box<RawValue>,
    /// The buyer's figures.
    #[schema(value_type = Object)]
    pub exposure: Box<RawValue>,
    /// What could be lost, net of cover, up to the limit as it is, in the base currency.
    pub at_risk_before: MoneyText,
    /// The same up to the limit proposed.
    pub at_risk_after: MoneyText,
    /// What the cut would be expected to save.
    pub expected_loss_avoided: MoneyText,
    /// The margin that it would be expected to cost.
    pub margin_lost: MoneyText,
    /// From when on the limit would hold if it were approved at once.
    pub effective_at: At,
    /// When it expires.
    pub expires_at: At,
    /// When its first version was told.
    pub proposed_at: At,
    /// When its latest version was told, or its end.
    pub changed_at: At,
    /// What became of it: `applied`, `approved`, `rejected`, `superseded`, `expired`.
    pub outcome: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The version of the params that it was judged by.
    pub params_version: u32,
}

#[derive(Deserialize)]
struct Data {
    proposal_id: String,
    version: u32,
    current_limit: String,
    proposed_limit: String,
    currency: String,
    mode: String,
    approvals_needed: u8,
    score: PointsNumber,
    grade: String,
    reasons: Box<RawValue>,
    exposure: Box<RawValue>,
    at_risk_before: MoneyText,
    at_risk_after: MoneyText,
    expected_loss_avoided: MoneyText,
    margin_lost: MoneyText,
    effective_at: At,
    expires_at: At,
    params_version: u32,
}

/// The end of a proposal.
#[derive(Deserialize)]
pub(super) struct Closing {
    pub(super) proposal_id: String,
    version: u32,
    outcome: String,
    decided_by: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

impl Proposal {
    /// Reads a `limit.reduction_proposed`; when it was proposed first is that of `before`, where it is known.
    pub(super) fn told(event: &Told<'_>, before: impl Fn(&str) -> Option<At>) -> Result<Proposal, NotTold> {
        let data: Data = serde_json::from_str(event.data.get())?;
        Ok(Proposal {
            proposed_at: before(&data.proposal_id).unwrap_or(event.time),
            proposal_id: data.proposal_id,
            buyer_id: event.subject.clone().into_owned(),
            buyer_name: None,
            version: data.version,
            state: ProposalState::Open,
            current_limit: data.current_limit,
            proposed_limit: data.proposed_limit,
            currency: data.currency,
            mode: data.mode,
            approvals_needed: data.approvals_needed,
            approvals: Vec::new(),
            score: data.score,
            grade: data.grade,
            reasons: data.reasons,
            exposure: data.exposure,
            at_risk_before: data.at_risk_before,
            at_risk_after: data.at_risk_after,
            expected_loss_avoided: data.expected_loss_avoided,
            margin_lost: data.margin_lost,
            effective_at: data.effective_at,
            expires_at: data.expires_at,
            changed_at: event.time,
            outcome: None,
            decided_by: None,
            reason: None,
            params_version: data.params_version,
        })
    }

    /// Ends it.
    pub(super) fn close(&mut self, at: At, closing: Closing) {
        self.state = ProposalState::Closed;
        self.version = closing.version;
        self.changed_at = at;
        self.outcome = Some(closing.outcome);
        self.decided_by = closing.decided_by;
        self.reason = closing.reason;
    }
}
