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

pub use self::problem::{AsIs, PROBLEM_JSON, Problem, ProblemBody};
pub use self::server::{HttpError, HttpServer, Peer, ServerSettings};
pub use self::tls::{ClientCertificates, Tls, TlsSettings};
use super::metrics::{self, Metrics, Readiness};

/// What the process answers about itself: `/metrics`, `/live` and `/ready`.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(page)).route("/live", get(live)).route("/ready", get(ready)).with_state(metrics)
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
        Readiness::NotReady(lines) => {
            let mut answer = (StatusCode::SERVICE_UNAVAILABLE, lines.join("\n") + "\n").into_response();
            answer.extensions_mut().insert(AsIs);
            answer
        }
    }
}
