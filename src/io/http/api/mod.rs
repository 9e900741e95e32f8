//! Owns the HTTP API of the read side: what it is made of, its routes, and the description of them.

mod alerts;
mod asked;
mod buyers;
mod decisions;
mod described;
mod events;
mod fields;
mod orders;
mod portfolio;
mod proposals;
mod remembered;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::asked::Lists;
use self::remembered::Remembered;
use super::guard::{Caller, Scope};
use super::problem::{Problem, ProblemBody};
use crate::base::{Currency, Instant};
use crate::event::Topic;
use crate::io::clock::Stopwatch;
use crate::io::metrics::read_side::ReadSideMetrics;
use crate::view::told::At;
use crate::view::{Change, CheckRules, ReadModel};

/// Changes that a listener may be behind by; one that is further behind is told that it lost some.
pub const CHANGES_MAX: usize = 4_096;

/// Where an event was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Written {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The offset.
    pub offset: i64,
}

/// An event could not be written: why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotWritten(pub String);

/// What comes of writing an event.
pub type Writing = Pin<Box<dyn Future<Output = Result<Written, NotWritten>> + Send>>;

/// Where decisions and holds are written to.
pub trait Outlet: Send + Sync {
    /// Writes an event about a buyer to the home topic of its type, and says where once it is there for good.
    fn write(&self, home: Topic, buyer_id: &str, value: Vec<u8>) -> Writing;
}

/// What the read side is made of.
pub struct ReadSide {
    /// What the output topics say.
    pub model: Arc<ReadModel>,
    /// Whom to tell what changed.
    pub changes: broadcast::Sender<Change>,
    /// Where decisions are written to.
    pub outlet: Box<dyn Outlet>,
    /// What it counts.
    pub metrics: Arc<ReadSideMetrics>,
    /// The base currency.
    pub base: Currency,
    /// What order checks go by.
    pub rules: CheckRules,
    /// Stories that a demo tells: their codes and their buyers.
    pub stories: &'static [(&'static str, &'static str)],
    /// The time of what is written: the wall clock, or a simulated one.
    pub now: Box<dyn Fn() -> Instant + Send + Sync>,
}

/// What handlers share.
pub(crate) struct Shared {
    side: ReadSide,
    remembered: Remembered,
    lists: Lists,
}

type Side = State<Arc<Shared>>;

/// The names that the queries of a path may have, where it has any.
type QueryNames = HashMap<String, Vec<String>>;

/// Who asks, and what is answered.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    /// The name that decisions are written under.
    name: String,
    /// What the credential may do: `read`, `decide`, `admin`.
    scopes: Vec<&'static str>,
    /// The currency of amounts.
    #[schema(example = "EUR")]
    base_currency: String,
    /// The version of vigie.
    version: &'static str,
    /// The time of the latest output; null before the first.
    clock: Option<At>,
    /// Stories that a demo tells.
    stories: Vec<Story>,
}

/// A story that a demo tells.
#[derive(Debug, Serialize, ToSchema)]
struct Story {
    /// `christmas_order` or `single_order`.
    code: &'static str,
    /// The buyer that it is about.
    buyer_id: &'static str,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "vigie",
        description = "The read side of vigie: exposure, alerts and proposals of every buyer, decisions on them, and order checks. \
                       Money is a string with 2 decimals in the base currency; errors are problem details (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    security(("bearer" = []), ("basic" = []))
)]
struct Description;

/// Everything under `/v1`, and the description of it at `/openapi.json` and `/docs`.
pub fn router(side: ReadSide) -> Router {
    let shared = Arc::new(Shared { side, remembered: Remembered::default(), lists: Lists::default() });
    let known: Arc<QueryNames> = Arc::new(described::query_names(routes().get_openapi()));
    let (router, mut description) = routes()
        .layer(from_fn_with_state(known, only_known))
        .layer(from_fn_with_state(Arc::clone(&shared), counted))
        .with_state(Arc::clone(&shared))
        .split_for_parts();
    described::complete(&mut description);
    let text: Arc<str> = description.to_json().expect("a description is JSON").into();
    let json = move || {
        let text = text.to_string();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    let style = || async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("docs.css")) };
    let script = || async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("docs.js")) };
    let router = router.route("/openapi.json", get(json)).route("/docs", get(docs));
    router.route("/docs.css", get(style)).route("/docs.js", get(script))
}

/// What can be asked, with what each handler says of itself.
fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(me))
        .routes(routes!(buyers::list))
        .routes(routes!(buyers::one))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::one))
        .routes(routes!(alerts::snooze))
        .routes(routes!(proposals::list))
        .routes(routes!(proposals::one))
        .routes(routes!(proposals::decide))
        .routes(routes!(decisions::one))
        .routes(routes!(decisions::limits))
        .routes(routes!(portfolio::sums))
        .routes(routes!(portfolio::csv))
        .routes(routes!(portfolio::parquet))
        .routes(routes!(portfolio::arrow))
        .routes(routes!(events::stream))
        .routes(routes!(orders::check))
}

/// Refuses a query with a name that the operation does not have: one that is misspelt would ask for everything.
async fn only_known(State(known): State<Arc<QueryNames>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if let (Some(names), Some(query)) = (route.and_then(|route| known.get(route)), request.uri().query()) {
        let asked = url::form_urlencoded::parse(query.as_bytes());
        if let Some((stranger, _)) = asked.into_iter().find(|(name, _)| !names.iter().any(|known| known == name)) {
            return asked::unknown(
                "a name of the query",
                &stranger,
                &names.iter().map(String::as_str).collect::<Vec<_>>(),
            )
            .into_response();
        }
    }
    next.run(request).await
}

/// Counts an answer by its route.
async fn counted(State(shared): Side, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let since = Stopwatch::start();
    let answer = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let took = std::time::Duration::from_nanos(since.nanos());
    shared.side.metrics.observe_request(route, answer.status().as_u16(), took);
    answer
}

/// Who asks
#[utoipa::path(get, path = "/v1/me", operation_id = "get_me", responses((status = 200, body = Me)))]
async fn me(State(shared): Side, caller: Caller) -> Json<Me> {
    let scopes = caller.principal.scopes.iter().map(Scope::as_str).collect();
    Json(Me {
        name: caller.principal.name,
        scopes,
        base_currency: shared.side.base.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        clock: shared.side.model.clock().map(At),
        stories: shared.side.stories.iter().map(|(code, buyer_id)| Story { code, buyer_id }).collect(),
    })
}

/// The page that shows the description; it asks for nothing from elsewhere.
async fn docs() -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                          frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let page = include_str!("docs.html");
    let mut answer = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

/// Nothing of that id. It is said alike of what never was and of what is not for the one who asks.
fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing of this id.")
}
