//! Owns order checks: answered from the read model, or with a hold by the engine.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::super::guard::{Caller, Scope};
use super::super::problem::Problem;
use super::asked::Body;
use super::decisions::{fresh_id, write_event};
use super::{Shared, Side, Written};
use crate::base::{Cents, Currency, Day, Instant, Money};
use crate::event::input::OrderHeld;
use crate::event::{Body as EventBody, Id, Severity, Topic};
use crate::io::metrics::read_side::OrderAnswer;
use crate::view::check::{Answer, Insolvency, Overdue, check as answer};
use crate::view::{Change, HoldDecided, OrderCheck, OrderQuestion, Standing};

/// How long the engine's word on a hold is waited for.
const HOLD_WAIT_SECONDS: u64 = if cfg!(test) { 1 } else { 8 };
/// How long a hold is kept where nobody says.
const HOLD_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// An order that somebody wants to ship.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderCheckRequest {
    /// The buyer.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    buyer_id: String,
    /// Its amount, over 0.
    #[schema(example = "250000.00", pattern = "^(0|[1-9][0-9]{0,13})([.][0-9]{1,4})?$")]
    amount: String,
    /// Its currency.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// Who sells it, where sellers are told apart. Only a hold says so.
    seller_id: Option<String>,
    /// Its id; needed for a hold.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    order_id: Option<String>,
    /// When it would be invoiced.
    #[schema(format = Date)]
    expected_on: Option<String>,
    /// When it would be due.
    #[schema(format = Date)]
    due_on: Option<String>,
    /// Whether the engine is to keep room for it.
    #[serde(default)]
    hold: bool,
    /// Until when; a day from now where nobody says.
    #[schema(format = DateTime)]
    hold_until: Option<String>,
}

/// The answer, and what the engine said of the hold.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderCheckAnswer {
    #[serde(flatten)]
    check: OrderCheck,
    /// What became of the hold; null where none was asked for.
    hold: Option<Hold>,
}

/// What became of a hold.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hold {
    /// Whether it was granted; null where the engine has not said so in time: its word comes on the topic of order decisions.
    granted: Option<bool>,
    /// The data of `order.hold_decided`, whole; null where the engine has not said so in time.
    #[schema(value_type = Option<Object>)]
    decided: Option<Box<RawValue>>,
    /// The id of the event that asked.
    event_id: String,
    /// Where it was written; null where the engine had decided on the order before, and is not asked again.
    written: Option<Written>,
}

fn unprocessable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

impl OrderCheckRequest {
    fn amount(&self) -> Result<Money, Problem> {
        let wrong = |why: &dyn std::fmt::Display| {
            unprocessable(format!("amount is {:?}, and should be money: {why}", self.amount))
        };
        Money::parse(&self.amount).map_err(|error| wrong(&error))
    }

    fn question(&self, amount: Money) -> Result<OrderQuestion, Problem> {
        let currency = Currency::parse(&self.currency).ok_or_else(|| {
            unprocessable(format!("currency is {:?}, and should be three letters A to Z", self.currency))
        })?;
        let day = |name: &str, text: &Option<String>| {
            let parse = |text: &String| {
                Day::parse(text)
                    .ok_or_else(|| unprocessable(format!("{name} is {text:?}, and should be a day YYYY-MM-DD")))
            };
            text.as_ref().map(parse).transpose()
        };
        let (expected_on, due_on) = (day("expected_on", &self.expected_on)?, day("due_on", &self.due_on)?);
        if let (Some(expected), Some(due)) = (expected_on, due_on)
            && due < expected
        {
            return Err(unprocessable("due_on should not be before expected_on".to_owned()));
        }
        id("buyer_id", &self.buyer_id)?;
        if let Some(order_id) = &self.order_id {
            id("order_id", order_id)?;
        }
        Ok(OrderQuestion {
            // Up, so that what fits to the cent fits.
            amount: Cents(i128::from(amount.units()).div_euclid(100) + i128::from(amount.units().rem_euclid(100) > 0)),
            currency,
            order_id: self.order_id.clone(),
            expected_on,
            due_on,
        })
    }

    fn hold_until(&self, now: Instant) -> Result<Instant, Problem> {
        let parse = |text: &String| {
            Instant::parse(text)
                .ok_or_else(|| unprocessable(format!("hold_until is {text:?}, and should be an instant in RFC 3339")))
        };
        Ok(self.hold_until.as_ref().map(parse).transpose()?.unwrap_or(now.plus_nanos(HOLD_NS)))
    }
}

fn id<'a>(name: &str, text: &'a str) -> Result<Id<'a>, Problem> {
    let detail =
        || unprocessable(format!("{name} should have 1 to {} bytes, and no control characters", Id::BYTES_MAX));
    Id::parse(text).ok_or_else(detail)
}

/// Whether an order fits
///
/// Answered of the last figures told: `accept`, `refer` or `reject`, who would bear it, what stands in the way and what would help.
/// It promises nothing: two orders may both be told that they fit. With `hold` the engine decides, in the order in which it is asked,
/// and keeps room for the order until it is placed or cancelled, or the hold ends.
#[utoipa::path(post, path = "/v1/order-checks", operation_id = "check_order", request_body = OrderCheckRequest,
    responses((status = 200, body = OrderCheckAnswer),
        (status = 409, description = "The order was to be held before, for another amount.", body = super::ProblemBody,
            content_type = "application/problem+json")))]
pub(super) async fn check(
    State(shared): Side,
    caller: Caller,
    Body(asked): Body<OrderCheckRequest>,
) -> Result<Json<OrderCheckAnswer>, Problem> {
    caller.require(if asked.hold { Scope::Decide } else { Scope::Read })?;
    let amount = asked.amount()?;
    let question = asked.question(amount)?;
    let check = answered(&shared, &asked.buyer_id, &question);
    shared.side.metrics.observe_order_check(match check.answer {
        Answer::Accept => OrderAnswer::Accept,
        Answer::Refer => OrderAnswer::Refer,
        Answer::Reject => OrderAnswer::Reject,
    });
    let hold = if asked.hold { Some(hold(&shared, &caller, &asked, amount, question.currency).await?) } else { None };
    Ok(Json(OrderCheckAnswer { check, hold }))
}

fn answered(shared: &Shared, buyer_id: &str, question: &OrderQuestion) -> OrderCheck {
    let model = &shared.side.model;
    let buyer = model.buyer(buyer_id);
    let mut standing = Standing {
        buyer: buyer.as_deref(),
        base: shared.side.base,
        today: model.clock().unwrap_or_else(|| (shared.side.now)()).day(),
        insolvency: Insolvency::None,
        overdue: Overdue::Within,
    };
    for (kind, severity) in model.open_alerts_of(buyer_id) {
        match (kind, severity) {
            ("insolvency_opened", Severity::Critical) => standing.insolvency = Insolvency::InForce,
            ("insolvency_opened", _) if standing.insolvency == Insolvency::None => {
                standing.insolvency = Insolvency::Conciliation;
            }
            ("overdue_beyond_extension", _) => standing.overdue = Overdue::BeyondExtension,
            _ => {}
        }
    }
    answer(question, &standing, &shared.side.rules)
}

/// Asks the engine to keep room, and waits for its word.
async fn hold(
    shared: &Arc<Shared>,
    caller: &Caller,
    asked: &OrderCheckRequest,
    amount: Money,
    currency: Currency,
) -> Result<Hold, Problem> {
    let order_id = asked
        .order_id
        .as_deref()
        .ok_or_else(|| unprocessable("A hold needs the order's id, in order_id.".to_owned()))?;
    let order_id = id("order_id", order_id)?;
    let expires_at = asked.hold_until((shared.side.now)())?;
    let seller_id = asked.seller_id.as_deref().unwrap_or_default();
    if !seller_id.is_empty() {
        id("seller_id", seller_id)?;
    }
    if let Some(decided) = shared.side.model.hold_of(&asked.buyer_id, seller_id, order_id.as_str()) {
        return known(decided, amount, currency, (shared.side.now)());
    }
    let event_id = fresh_id()?;
    // Before it is written, so that the answer cannot come first.
    let heard = shared.side.changes.subscribe();
    let written = write_event(shared, caller, &event_id, (Topic::Invoices, &asked.buyer_id), |head| {
        head.event(
            &asked.buyer_id,
            EventBody::OrderHeld(OrderHeld { seller_id, order_id, amount, currency, expires_at }),
        )
    })
    .await?;
    let longest = Duration::from_secs(HOLD_WAIT_SECONDS);
    let decided = tokio::time::timeout(longest, word(heard, &event_id)).await.unwrap_or_default();
    let granted = decided.as_ref().map(|decided| decided.granted);
    Ok(Hold { granted, decided: decided.map(|decided| decided.data), event_id, written: Some(written) })
}

/// The engine decides once on an order: whoever asks again hears what it said.
fn known(decided: HoldDecided, amount: Money, currency: Currency, now: Instant) -> Result<Hold, Problem> {
    let is_same = Money::parse(&decided.amount.0) == Ok(amount) && decided.amount.1 == currency.as_str();
    if !is_same {
        let detail = "This order was to be held before, for another amount: give the new order an id of its own.";
        return Err(Problem::new(StatusCode::CONFLICT, "held_before", detail));
    }
    // What was granted is over once its time is: the order is placed by now, or there is no room kept for it.
    let granted = decided.granted && now < decided.expires_at;
    Ok(Hold { granted: Some(granted), decided: Some(decided.data), event_id: decided.asked_by, written: None })
}

/// The engine's word on what an event asked; `None` where it was missed.
async fn word(mut heard: broadcast::Receiver<Change>, event_id: &str) -> Option<HoldDecided> {
    loop {
        match heard.recv().await {
            Ok(Change::Hold(decided)) if decided.asked_by == event_id => return Some(decided),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
