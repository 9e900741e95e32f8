//! Owns the answers about alerts, and their snoozes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::guard::{Caller, Scope};
use super::super::problem::Problem;
use super::asked::{Asked, Body, Named, PageQuery, unknown, wrong};
use super::decisions::{Accepted, decide};
use super::{Side, fields, not_found};
use crate::base::Day;
use crate::event::input::AlertSnoozed;
use crate::event::{AlertKind, Body as EventBody, Id, Severity};
use crate::view::page::{Key, Listed};
use crate::view::{Alert, Page};

/// The columns by which alerts can be sorted.
pub(super) const COLUMNS: &[&str] = &["severity", "raised_at", "changed_at", "exposure", "score", "buyer_id", "kind"];

/// Which alerts are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `open` (where nobody says), `cleared` or `all`.
    #[param(schema_with = fields::alert_states)]
    state: Option<String>,
    /// A kind.
    #[param(schema_with = fields::alert_kinds)]
    kind: Option<String>,
    /// A severity.
    #[param(schema_with = fields::severities)]
    severity: Option<String>,
    /// A buyer.
    buyer_id: Option<String>,
}

impl Wanted {
    fn check(&self) -> Result<(), Problem> {
        if let Some(state) = &self.state
            && !["open", "cleared", "all"].contains(&state.as_str())
        {
            return Err(unknown("state", state, &["open", "cleared", "all"]));
        }
        if let Some(kind) = &self.kind
            && AlertKind::parse(kind).is_none()
        {
            let known: Vec<&str> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
            return Err(unknown("kind", kind, &known));
        }
        match &self.severity {
            Some(severity) if Severity::parse(severity).is_none() => {
                Err(unknown("severity", severity, &["info", "warning", "critical"]))
            }
            _ => Ok(()),
        }
    }

    fn wants(&self, alert: &Alert) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| own == wanted);
        let in_state = match self.state.as_deref() {
            None | Some("open") => alert.is_open(),
            Some("cleared") => !alert.is_open(),
            Some(_) => true,
        };
        in_state
            && is(&self.kind, alert.kind)
            && is(&self.severity, alert.severity.as_str())
            && is(&self.buyer_id, &alert.buyer_id)
    }
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertPage {
    /// The alerts.
    items: Vec<Alert>,
    /// What to ask the next page with; null at the end.
    next: Option<String>,
    /// Alerts on all pages.
    total: usize,
}

/// The alerts
///
/// Those that all of the query is true of, the worst and latest first where nobody says.
#[utoipa::path(get, path = "/v1/alerts", operation_id = "list_alerts", params(Wanted, PageQuery),
    responses((status = 200, body = AlertPage)))]
pub(super) async fn list(
    State(shared): Side,
    Asked(wanted): Asked<Wanted>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<AlertPage>, Problem> {
    wanted.check()?;
    let (column, request) = query.read("-severity")?;
    let column = *COLUMNS.iter().find(|known| **known == column).ok_or_else(|| unknown("sort", column, COLUMNS))?;
    let model = Arc::clone(&shared.side.model);
    let page = shared.lists.walk(move || {
        let alerts = model.alerts(|alert| wanted.wants(alert));
        Page::of(alerts.into_iter().map(|alert| listed(alert, column)), &request)
    });
    let page = page.await?;
    Ok(Json(AlertPage { items: page.items, next: page.next.map(|next| next.text()), total: page.total }))
}

fn listed(alert: Alert, column: &str) -> Listed<Alert> {
    let changed_ns = i128::from(alert.changed_at.0.nanos());
    let key = match column {
        // Of the same severity the latest first.
        "severity" => Key::number(((alert.severity as i128) << 64) + changed_ns),
        "raised_at" => Key::number(alert.raised_at.0.nanos().into()),
        "changed_at" => Key::number(changed_ns),
        "exposure" => Key::number(alert.exposure_cents().0),
        "score" => Key::number(alert.score.0.quarters().into()),
        "kind" => Key::Text(alert.kind.to_owned()),
        _ => Key::Text(alert.buyer_id.clone()),
    };
    Listed { key, id: alert.alert_id.clone(), item: alert }
}

/// One alert
#[utoipa::path(get, path = "/v1/alerts/{alert_id}", operation_id = "get_alert",
    params(("alert_id" = String, Path, description = "The alert's id.")),
    responses((status = 200, body = Alert)))]
pub(super) async fn one(State(shared): Side, Named(alert_id): Named) -> Result<Json<Alert>, Problem> {
    shared.side.model.alert_of(&alert_id).map(Json).ok_or_else(not_found)
}

/// How long an alert is to stay silent.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SnoozeRequest {
    /// The day on which it may speak again.
    #[schema(format = Date, example = "2026-12-15")]
    until: String,
}

/// Silence an alert
///
/// It does not escalate until that day. It is written to the topic of decisions under the name of who asks.
#[utoipa::path(post, path = "/v1/alerts/{alert_id}/snooze", operation_id = "snooze_alert", request_body = SnoozeRequest,
    params(("alert_id" = String, Path, description = "The alert's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same request is done once.")),
    responses((status = 202, body = Accepted, headers(("Location" = String, description = "Where its outcome is."))),
        (status = 409, description = "The alert is over.", body = super::ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn snooze(
    State(shared): Side,
    caller: Caller,
    Named(alert_id): Named,
    headers: HeaderMap,
    Body(asked): Body<SnoozeRequest>,
) -> Result<Response, Problem> {
    caller.require(Scope::Decide)?;
    let until = Day::parse(&asked.until).ok_or_else(|| {
        let detail = format!("until is {:?}, and should be a calendar day YYYY-MM-DD", asked.until);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
    })?;
    let today = (shared.side.now)().day();
    if until <= today {
        let detail = format!("until is {until}, and should be a day after {today}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail));
    }
    let alert = shared.side.model.alert_of(&alert_id).ok_or_else(not_found)?;
    if !alert.is_open() {
        return Err(Problem::new(StatusCode::CONFLICT, "not_open", "This alert is over: there is nothing to silence."));
    }
    let same = serde_json::to_string(&(&alert_id, &asked)).map_err(|error| wrong(error.to_string()))?;
    let named = Id::parse(&alert.alert_id).ok_or_else(not_found)?;
    decide(&shared, &caller, &headers, &same, &alert.buyer_id, |head| {
        let body = EventBody::AlertSnoozed(AlertSnoozed { alert_id: named, until, decided_by: head.caller });
        head.event(&alert.buyer_id, body)
    })
    .await
    .map(IntoResponse::into_response)
}
