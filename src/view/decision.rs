//! Owns what arbiters decided, as the topic of decisions has it: approvals, rejections and snoozes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::told::{At, NotTold, On, Told};

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decided {
    /// The limit proposed is to hold.
    Approve,
    /// Another limit is to hold.
    Amend,
    /// The limit is to stay.
    Reject,
    /// An alert is to stay silent for a while.
    Snooze,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The event's id.
    pub decision_id: String,
    /// The buyer.
    pub buyer_id: String,
    /// What was decided.
    pub decided: Decided,
    /// The proposal or the alert.
    pub about: String,
    /// The version of the proposal; 0 of an alert.
    pub version: u32,
    /// The limit, where it was amended.
    pub amount: Option<String>,
    /// Until when, of a snooze.
    pub until: Option<On>,
    /// Why.
    pub reason: Option<String>,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub at: At,
}

/// An approval of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Approval {
    /// Who approved.
    pub decided_by: String,
    /// When.
    pub at: At,
    /// The limit, where it was amended.
    pub amount: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    proposal_id: Option<String>,
    #[serde(default)]
    alert_id: Option<String>,
    #[serde(default)]
    version: u32,
    decided_by: String,
    #[serde(default)]
    amount: Option<Box<RawValue>>,
    #[serde(default)]
    until: Option<On>,
    #[serde(default)]
    reason: Option<String>,
}

/// Money as it is written: a string or a number, which is never read through a float.
fn amount_text(raw: &RawValue) -> Result<String, NotTold> {
    if raw.get().starts_with('"') { Ok(serde_json::from_str(raw.get())?) } else { Ok(raw.get().to_owned()) }
}

impl Decision {
    /// Reads a `proposal.approved`, `proposal.rejected` or `alert.snoozed`.
    pub(super) fn told(event: &Told<'_>, decided: Decided, decision_id: String) -> Result<Decision, NotTold> {
        let data: Data = serde_json::from_str(event.data.get())?;
        let about = match decided {
            Decided::Snooze => data.alert_id,
            Decided::Approve | Decided::Amend | Decided::Reject => data.proposal_id,
        };
        let amount = data.amount.as_deref().map(amount_text).transpose()?;
        Ok(Decision {
            decision_id,
            buyer_id: event.subject.clone().into_owned(),
            decided: if decided == Decided::Approve && amount.is_some() { Decided::Amend } else { decided },
            about: about.ok_or_else(|| NotTold("a decision says not what it is about".to_owned()))?,
            version: data.version,
            amount,
            until: data.until,
            reason: data.reason,
            decided_by: data.decided_by,
            at: event.time,
        })
    }

    /// The decision as an approval, if it is one.
    pub(super) fn approval(&self) -> Option<Approval> {
        matches!(self.decided, Decided::Approve | Decided::Amend).then(|| Approval {
            decided_by: self.decided_by.clone(),
            at: self.at,
            amount: self.amount.clone(),
            reason: self.reason.clone(),
        })
    }
}
