//! Owns writing decisions, and telling what became of them; and the list of changed limits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::guard::Caller;
use super::super::problem::Problem;
use super::asked::{Asked, Named, PageQuery, header, unknown};
use super::remembered::Known;
use super::{Shared, Side, Written, not_found};
use crate::base::Instant;
use crate::base::hash::StableHasher;
use crate::event::{Body as EventBody, Event, Id, Topic};
use crate::view::model::HISTORY_MAX;
use crate::view::page::{Key, Listed};
use crate::view::told::At;
use crate::view::{Decided, Decision, LimitView, Page};
use crate::wire::encode_event;

/// The `source` of what is written here.
pub(super) const SOURCE: &str = "vigie/api";
pub(super) const LIMIT_COLUMNS: &[&str] = &["at", "effective_at", "buyer_id"];

/// A decision that was written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// Its id: the event's.
    pub(super) decision_id: String,
    /// Where it was written.
    #[serde(flatten)]
    pub(super) written: Written,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let at =
            HeaderValue::from_str(&format!("/v1/decisions/{}", self.decision_id)).expect("an id is made of hex digits");
        (StatusCode::ACCEPTED, [(header::LOCATION, at)], Json(self)).into_response()
    }
}

/// What an event begins with.
pub(super) struct Head<'a> {
    id: &'a str,
    time: Instant,
    /// Who decides, or asks.
    pub(super) caller: Id<'a>,
}

impl Head<'_> {
    /// The event about a buyer.
    pub(super) fn event(&self, buyer_id: &str, body: EventBody<'_>) -> Vec<u8> {
        let mut value = Vec::new();
        encode_event(&Event { time: self.time, id: self.id, source: SOURCE, subject: buyer_id, body }, &mut value);
        value
    }
}

/// Writes an event to the home topic of its type, and gives its id and its place.
///
/// # Errors
/// With the answer, where it cannot be written.
pub(super) async fn write_event(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    (home, buyer_id): (Topic, &str),
    encode: impl FnOnce(&Head<'_>) -> Vec<u8>,
) -> Result<Written, Problem> {
    let value = {
        let name = Id::parse(&caller.principal.name).ok_or_else(|| {
            let detail =
                "Who decides is written down by an id of at most 128 bytes, and this credential's name is longer.";
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
        })?;
        encode(&Head { id, time: (shared.side.now)(), caller: name })
    };
    shared.side.outlet.write(home, buyer_id, value).await.map_err(|error| {
        tracing::error!("an event could not be written: {error}");
        let detail = "It could not be written to Kafka, which the log tells: ask again with the same Idempotency-Key.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_written", detail)
    })
}

/// Writes a decision, once for each idempotency key. `same` is what tells one request from another.
///
/// # Errors
/// With the answer, where the key cannot be used or the decision not be written.
pub(super) async fn decide(
    shared: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    same: &str,
    buyer_id: &str,
    encode: impl FnOnce(&Head<'_>) -> Vec<u8>,
) -> Result<Accepted, Problem> {
    let name = &caller.principal.name;
    let key = header(headers, "idempotency-key")?;
    let under_way = match key.map(|key| shared.remembered.begin(name, key, same)).transpose()? {
        Some(Known::Done(accepted)) => return Ok(accepted),
        Some(Known::New(under_way)) => Some(under_way),
        None => None,
    };
    let decision_id = match key {
        Some(key) => id_of(&[name, key, same]),
        None => fresh_id()?,
    };
    let written = write_event(shared, caller, &decision_id, (Topic::Decisions, buyer_id), encode).await?;
    let accepted = Accepted { decision_id, written };
    if let Some(under_way) = under_way {
        under_way.done(&accepted);
    }
    Ok(accepted)
}

/// An id that these texts always have.
fn id_of(texts: &[&str]) -> String {
    let mut hasher = StableHasher::default();
    texts.iter().for_each(|text| hasher.part(text.as_bytes()));
    format!("{:032x}", hasher.finish())
}

/// An id that nothing else has.
///
/// # Errors
/// With the answer, where the machine has no randomness.
pub(super) fn fresh_id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!("the machine gives no random bytes: {error}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now: try again.")
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// How far a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DecisionState {
    /// It is written, and nothing has come of it yet; a decision that came too late stays so.
    Pending,
    /// It is one of the approvals that the proposal needs, and others are missing.
    Counted,
    /// The proposal is closed, or the alert silent.
    Closed,
}

/// A decision, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionView {
    /// Its id.
    decision_id: String,
    /// The buyer.
    buyer_id: String,
    /// What was decided.
    decision: Decided,
    /// The proposal that it is about.
    proposal_id: Option<String>,
    /// The version of it that was decided on.
    version: Option<u32>,
    /// The alert that it is about.
    alert_id: Option<String>,
    /// The limit, where it was amended.
    amount: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Who decided.
    decided_by: String,
    /// When.
    at: At,
    /// How far it is.
    state: DecisionState,
    /// What became of the proposal, once it is closed.
    outcome: Option<String>,
}

/// A decision, and what became of it
///
/// One that was written a moment ago may not be there yet: ask again.
#[utoipa::path(get, path = "/v1/decisions/{decision_id}", operation_id = "get_decision",
    params(("decision_id" = String, Path, description = "The id that writing it answered.")),
    responses((status = 200, body = DecisionView)))]
pub(super) async fn one(State(shared): Side, Named(decision_id): Named) -> Result<Json<DecisionView>, Problem> {
    let decision = shared.side.model.decision_of(&decision_id).ok_or_else(not_found)?;
    Ok(Json(view(&shared, decision)))
}

fn view(shared: &Shared, decision: Decision) -> DecisionView {
    let is_snooze = decision.decided == Decided::Snooze;
    let proposal = (!is_snooze).then(|| shared.side.model.proposal_of(&decision.about)).flatten();
    let (state, outcome) = match &proposal {
        _ if is_snooze => (DecisionState::Closed, None),
        Some(proposal) if !proposal.is_open() => (DecisionState::Closed, proposal.outcome.clone()),
        Some(proposal)
            if proposal.version == decision.version
                && decision.decided != Decided::Reject
                && proposal.approvals.len() < usize::from(proposal.approvals_needed) =>
        {
            (DecisionState::Counted, None)
        }
        _ => (DecisionState::Pending, None),
    };
    DecisionView {
        decision_id: decision.decision_id,
        buyer_id: decision.buyer_id,
        decision: decision.decided,
        version: (!is_snooze).then_some(decision.version),
        proposal_id: (!is_snooze).then(|| decision.about.clone()),
        alert_id: is_snooze.then_some(decision.about),
        amount: decision.amount,
        reason: decision.reason,
        decided_by: decision.decided_by,
        at: decision.at,
        state,
        outcome,
    }
}

/// Which changes of limits are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LimitsWanted {
    /// A buyer; all where nobody says.
    buyer_id: Option<String>,
}

/// A page of changed limits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LimitPage {
    /// The changes.
    items: Vec<LimitView>,
    /// What to ask the next page with; null at the end.
    next: Option<String>,
    /// Changes on all pages.
    total: usize,
}

/// Changed limits
///
/// The latest first where nobody says.
#[utoipa::path(get, path = "/v1/limit-changes", operation_id = "list_limit_changes", params(LimitsWanted, PageQuery),
    responses((status = 200, body = LimitPage)))]
pub(super) async fn limits(
    State(shared): Side,
    Asked(wanted): Asked<LimitsWanted>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<LimitPage>, Problem> {
    let (column, request) = query.read("-at")?;
    let column =
        *LIMIT_COLUMNS.iter().find(|known| **known == column).ok_or_else(|| unknown("sort", column, LIMIT_COLUMNS))?;
    let model = Arc::clone(&shared.side.model);
    let page = shared.lists.walk(move || {
        let limits = match &wanted.buyer_id {
            Some(buyer_id) => model.limits_of(buyer_id),
            None => model.limits(),
        };
        Page::of(limits.into_iter().map(|limit| listed(limit, column)), &request)
    });
    let page = page.await?;
    Ok(Json(LimitPage { items: page.items, next: page.next.map(|next| next.text()), total: page.total }))
}

fn listed(limit: LimitView, column: &str) -> Listed<LimitView> {
    let key = match column {
        "at" => Key::number(limit.at.0.nanos().into()),
        "effective_at" => Key::number(limit.effective_at.0.nanos().into()),
        _ => Key::Text(limit.buyer_id.clone()),
    };
    // Changes have no id of their own: a buyer's at the same time are told apart by their order, the latest first.
    let place = HISTORY_MAX.saturating_sub(limit.place);
    Listed { key, id: format!("{} {} {place:03}", limit.buyer_id, limit.at.0), item: limit }
}
