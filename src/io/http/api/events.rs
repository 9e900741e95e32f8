//! Owns the stream of what changes: alerts, proposals and limits as they come.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use super::Side;
use crate::view::Change;

/// Seconds between comments that keep a silent connection open.
const ALIVE_SECONDS: u64 = 15;

/// What changes, as it comes
///
/// Server-sent events: `alert`, `proposal` and `limit`, each with the whole of it as JSON. Who reads so slowly that some are lost hears
/// `lost`, and should read the lists anew.
#[utoipa::path(get, path = "/v1/events", operation_id = "follow_events",
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(super) async fn stream(State(shared): Side) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(shared.side.changes.subscribe());
    let told = changes.enumerate().filter_map(async |(number, change)| {
        let event = Event::default().id(number.to_string());
        let named = match change {
            Ok(Change::Alert(alert)) => event.event("alert").json_data(&alert),
            Ok(Change::Proposal(proposal)) => event.event("proposal").json_data(&proposal),
            Ok(Change::Limit(limit)) => event.event("limit").json_data(&limit),
            // Whoever asked for a hold is answered.
            Ok(Change::Hold(_)) => return None,
            Err(BroadcastStreamRecvError::Lagged(count)) => Ok(event.event("lost").data(count.to_string())),
        };
        match named {
            Ok(event) => Some(Ok(event)),
            Err(error) => {
                tracing::error!("a change cannot be told: {error}");
                None
            }
        }
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(ALIVE_SECONDS)))
}
