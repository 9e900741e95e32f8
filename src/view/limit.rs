//! Owns a changed limit as the read model has it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::told::{At, NotTold, Told};

/// A changed limit.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LimitView {
    /// The buyer.
    pub buyer_id: String,
    /// The buyer's name, where it is known.
    pub buyer_name: Option<String>,
    /// The limit before, in units of `currency`; null: there was none.
    pub old_limit: Option<String>,
    /// The limit now; null: there is none.
    pub new_limit: Option<String>,
    /// The currency of the new limit, or of the old one where there is no new one.
    pub currency: Option<String>,
    /// The currency of the old limit, where it is another.
    pub old_currency: Option<String>,
    /// From when on it holds.
    pub effective_at: At,
    /// What changed it: `set`, `removed`, `auto`, `approved`.
    pub cause: String,
    /// The proposal that it follows.
    pub proposal_id: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When it was told.
    pub at: At,
    /// How many changes of this buyer were told before it at the same time.
    #[serde(skip)]
    pub(crate) place: usize,
}

#[derive(Deserialize)]
struct Data {
    old_limit: Option<String>,
    new_limit: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    old_currency: Option<String>,
    effective_at: At,
    cause: String,
    proposal_id: Option<String>,
    decided_by: Option<String>,
}

impl LimitView {
    /// Reads a `limit.changed`.
    pub(super) fn told(event: &Told<'_>) -> Result<LimitView, NotTold> {
        let data: Data = serde_json::from_str(event.data.get())?;
        Ok(LimitView {
            buyer_id: event.subject.clone().into_owned(),
            buyer_name: None,
            old_limit: data.old_limit,
            new_limit: data.new_limit,
            currency: data.currency,
            old_currency: data.old_currency,
            effective_at: data.effective_at,
            cause: data.cause,
            proposal_id: data.proposal_id,
            decided_by: data.decided_by,
            at: event.time,
            place: 0,
        })
    }
}
