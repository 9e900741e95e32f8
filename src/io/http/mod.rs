//! Owns HTTP: what the process answers about itself, on threads of its own that no worker waits for.

pub mod api;
pub mod console;
pub mod guard;
mod problem;
mod server;
mod tls;
mod watched;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

pub use self::problem::{AsIs, PROBLEM_JSON, Problem, ProblemBody};
pub use self::server::{HttpError, HttpServer, Peer, ServerSettings};
pub use self::tls::{ClientCertificates, Tls, TlsSettings};
use super::metrics::{self, Metrics, Readiness};
use super::read_side::Feeder;

/// What the process answers about itself: `/metrics`, `/live` and `/ready`.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(page)).route("/live", get(live)).route("/ready", get(ready)).with_state(metrics)
}

/// The read side as a whole: the API, the console, and what it answers about itself; in the process of an engine, what that
/// says as well. Answers are compressed where the asker can read that, but for streams.
pub fn read_side(side: api::ReadSide, feeder: Feeder, engine: Option<Arc<Metrics>>) -> Router {
    let about = Router::new()
        .route("/metrics", get(both_pages))
        .route("/live", get(live))
        .route("/ready", get(both_ready))
        .with_state((feeder, engine));
    about.merge(console::router()).merge(api::router(side)).layer(CompressionLayer::new())
}

async fn both_pages(State((feeder, engine)): State<(Feeder, Option<Arc<Metrics>>)>) -> Response {
    // It walks over all buyers.
    let page = tokio::task::spawn_blocking(move || {
        let engine = engine.map(|engine| engine.render()).unwrap_or_default();
        engine + &feeder.page()
    });
    match page.await {
        Ok(page) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn both_ready(State((feeder, engine)): State<(Feeder, Option<Arc<Metrics>>)>) -> Response {
    let mut lines = match engine.map(|engine| engine.readiness()) {
        Some(Readiness::NotReady(lines)) => lines,
        Some(Readiness::Ready(_)) | None => Vec::new(),
    };
    if !feeder.is_ready() {
        lines.push("the read side reads what was there before its start".to_owned());
    }
    match lines.is_empty() {
        true => format!("ready: {} buyers\n", feeder.model.buyers()).into_response(),
        false => not_ready(&lines),
    }
}

fn not_ready(lines: &[String]) -> Response {
    let mut answer = (StatusCode::SERVICE_UNAVAILABLE, lines.join("\n") + "\n").into_response();
    answer.extensions_mut().insert(AsIs);
    answer
}

async fn page(State(metrics): State<Arc<Metrics>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.render()).into_response()
}

/// The process runs: whether it does its work is for `/ready` to say.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.readiness() {
        Readiness::Ready(partitions) => format!("ready: {partitions} partitions live\n").into_response(),
        Readiness::NotReady(lines) => not_ready(&lines),
    }
}
