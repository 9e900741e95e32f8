//! Owns the answers about proposals, and the decisions on them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::guard::{Caller, Scope};
use super::super::problem::Problem;
use super::asked::{Asked, Body, Named, PageQuery, header as header_of, unknown, wrong};
use super::decisions::{Accepted, decide as write};
use super::{Side, fields, not_found};
use crate::base::Money;
use crate::event::input::{ProposalApproved, ProposalRejected};
use crate::event::{Body as EventBody, Id, ProposalMode};
use crate::view::page::{Key, Listed};
use crate::view::{Page, Proposal};

/// The columns by which proposals can be sorted.
pub(super) const COLUMNS: &[&str] =
    &["at_risk_before", "expected_loss_avoided", "expires_at", "proposed_at", "changed_at", "score", "buyer_id"];
/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 2_000;

/// Which proposals are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `open` (where nobody says), `closed` or `all`.
    #[param(schema_with = fields::proposal_states)]
    state: Option<String>,
    /// A buyer.
    buyer_id: Option<String>,
    /// `auto` or `review`.
    #[param(schema_with = fields::modes)]
    mode: Option<String>,
}

impl Wanted {
    fn check(&self) -> Result<(), Problem> {
        if let Some(state) = &self.state
            && !["open", "closed", "all"].contains(&state.as_str())
        {
            return Err(unknown("state", state, &["open", "closed", "all"]));
        }
        match &self.mode {
            Some(mode) if ProposalMode::parse(mode).is_none() => Err(unknown("mode", mode, &["auto", "review"])),
            _ => Ok(()),
        }
    }

    fn wants(&self, proposal: &Proposal) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| own == wanted);
        let in_state = match self.state.as_deref() {
            None | Some("open") => proposal.is_open(),
            Some("closed") => !proposal.is_open(),
            Some(_) => true,
        };
        in_state && is(&self.buyer_id, &proposal.buyer_id) && is(&self.mode, &proposal.mode)
    }
}

/// A page of proposals.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProposalPage {
    /// The proposals.
    items: Vec<Proposal>,
    /// What to ask the next page with; null at the end.
    next: Option<String>,
    /// Proposals on all pages.
    total: usize,
}

/// The proposals
///
/// Those that all of the query is true of, those with most at risk first where nobody says.
#[utoipa::path(get, path = "/v1/proposals", operation_id = "list_proposals", params(Wanted, PageQuery),
    responses((status = 200, body = ProposalPage)))]
pub(super) async fn list(
    State(shared): Side,
    Asked(wanted): Asked<Wanted>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<ProposalPage>, Problem> {
    wanted.check()?;
    let (column, request) = query.read("-at_risk_before")?;
    let column = *COLUMNS.iter().find(|known| **known == column).ok_or_else(|| unknown("sort", column, COLUMNS))?;
    let model = Arc::clone(&shared.side.model);
    let page = shared.lists.walk(move || {
        let proposals = model.proposals(|proposal| wanted.wants(proposal));
        Page::of(proposals.into_iter().map(|proposal| listed(proposal, column)), &request)
    });
    let page = page.await?;
    Ok(Json(ProposalPage { items: page.items, next: page.next.map(|next| next.text()), total: page.total }))
}

fn listed(proposal: Proposal, column: &str) -> Listed<Proposal> {
    let key = match column {
        "at_risk_before" => Key::number(proposal.at_risk_before.0.0),
        "expected_loss_avoided" => Key::number(proposal.expected_loss_avoided.0.0),
        "expires_at" => Key::number(proposal.expires_at.0.nanos().into()),
        "proposed_at" => Key::number(proposal.proposed_at.0.nanos().into()),
        "changed_at" => Key::number(proposal.changed_at.0.nanos().into()),
        "score" => Key::number(proposal.score.0.quarters().into()),
        _ => Key::Text(proposal.buyer_id.clone()),
    };
    Listed { key, id: proposal.proposal_id.clone(), item: proposal }
}

/// One proposal
///
/// The header ETag is its version: a decision names it in If-Match.
#[utoipa::path(get, path = "/v1/proposals/{proposal_id}", operation_id = "get_proposal",
    params(("proposal_id" = String, Path, description = "The proposal's id.")),
    responses((status = 200, body = Proposal, headers(("ETag" = String, description = "Its version, in quotes.")))))]
pub(super) async fn one(State(shared): Side, Named(proposal_id): Named) -> Result<Response, Problem> {
    let proposal = shared.side.model.proposal_of(&proposal_id).ok_or_else(not_found)?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", proposal.version)).expect("a number in quotes");
    Ok(([(header::ETAG, tag)], Json(proposal)).into_response())
}

/// What an arbiter decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The limit proposed is to hold.
    Approve,
    /// Another limit, `amount`, is to hold.
    Amend,
    /// The limit is to stay.
    Reject,
}

/// A decision on a proposal.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionRequest {
    /// What is decided.
    decision: Verdict,
    /// The limit of an amendment, in the currency of the proposal: at most 10^14, with at most 4 decimals.
    #[schema(example = "300000.00", pattern = "^(0|[1-9][0-9]{0,13})([.][0-9]{1,4})?$")]
    amount: Option<String>,
    /// Why, in at most 2,000 bytes; needed to amend or reject.
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

fn unprocessable(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

impl DecisionRequest {
    /// The limit of an amendment.
    fn check(&self) -> Result<Option<Money>, Problem> {
        let reason = self.reason.as_deref().map_or("", str::trim);
        if reason.is_empty() && self.decision != Verdict::Approve {
            return Err(unprocessable("A proposal is amended or rejected for a reason: say it in reason."));
        }
        if reason.len() > REASON_BYTES_MAX {
            return Err(unprocessable(format!("reason should have at most {REASON_BYTES_MAX} bytes")));
        }
        match (self.decision, &self.amount) {
            (Verdict::Amend, Some(amount)) => match Money::parse_or_zero(amount) {
                Ok(money) => Ok(Some(money)),
                Err(error) => Err(unprocessable(format!("amount is {amount:?}, and should be money: {error}"))),
            },
            (Verdict::Amend, None) => Err(unprocessable("An amendment says the limit that is to hold, in amount.")),
            (Verdict::Approve | Verdict::Reject, Some(_)) => {
                Err(unprocessable("Only an amendment has an amount: set decision to amend, or leave it out."))
            }
            (Verdict::Approve | Verdict::Reject, None) => Ok(None),
        }
    }
}

/// The version that a decision is about.
fn version(headers: &HeaderMap) -> Result<u32, Problem> {
    let Some(tag) = header_of(headers, "if-match")? else {
        let detail = "Say in If-Match the version that you decide on, in quotes: the ETag of the proposal.";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "version_needed", detail));
    };
    let number = tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    number.parse().map_err(|_| wrong("If-Match should be the version of the proposal in quotes"))
}

/// Decide on a proposal
///
/// The decision is written to the topic of decisions, under the name of who asks, and the engine takes it from there; where two
/// people must approve, it waits for the other. What became of it is at Location.
#[utoipa::path(post, path = "/v1/proposals/{proposal_id}/decision", operation_id = "decide_proposal", request_body = DecisionRequest,
    params(("proposal_id" = String, Path, description = "The proposal's id."),
        ("If-Match" = String, Header, description = "The version that is decided on, in quotes."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same request is done once.")),
    responses((status = 202, body = Accepted, headers(("Location" = String, description = "Where its outcome is."))),
        (status = 409, description = "The proposal is closed.", body = super::ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "The proposal has another version by now.", body = super::ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing.", body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn decide(
    State(shared): Side,
    caller: Caller,
    Named(proposal_id): Named,
    headers: HeaderMap,
    Body(asked): Body<DecisionRequest>,
) -> Result<Response, Problem> {
    caller.require(Scope::Decide)?;
    let amount = asked.check()?;
    let version = version(&headers)?;
    let proposal = shared.side.model.proposal_of(&proposal_id).ok_or_else(not_found)?;
    let id = Id::parse(&proposal_id).ok_or_else(not_found)?;
    let same = serde_json::to_string(&(&proposal_id, version, &asked)).map_err(|error| wrong(error.to_string()))?;
    let is_known =
        header_of(&headers, "idempotency-key")?.is_some_and(|key| shared.remembered.has(&caller.principal.name, key));
    // What was done before is answered as it was, though the proposal is another by now.
    if !is_known {
        if !proposal.is_open() {
            let detail = "This proposal is closed: nothing is to be decided on it any more.";
            return Err(Problem::new(StatusCode::CONFLICT, "not_open", detail));
        }
        if proposal.version != version {
            let detail = format!("The proposal is at version {} by now: look at it again.", proposal.version);
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "other_version", detail));
        }
    }
    write(&shared, &caller, &headers, &same, &proposal.buyer_id, |head| {
        let reason = asked.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let decided_by = head.caller;
        let body = match asked.decision {
            Verdict::Approve | Verdict::Amend => {
                EventBody::ProposalApproved(ProposalApproved { proposal_id: id, version, decided_by, amount, reason })
            }
            Verdict::Reject => {
                EventBody::ProposalRejected(ProposalRejected { proposal_id: id, version, decided_by, reason })
            }
        };
        head.event(&proposal.buyer_id, body)
    })
    .await
    .map(IntoResponse::into_response)
}
