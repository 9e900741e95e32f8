//! Owns the guard of the HTTP side: who may ask what, from where, how often and how much. It is a layer around any router.
//!
//! Without a credential nothing but `/live` answers, and every refusal comes before anything is looked up. No credential,
//! query or header is logged. The order: size of the head, host, `/live`, credential, rate, scope, origin; then the route.

mod credential;
mod oidc;
mod origin;
mod rates;
mod scope;
#[cfg(test)]
mod tests;
mod tokens;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::{debug, warn};

use self::credential::Credential;
use self::oidc::Verifier;
pub use self::oidc::{KeysFrom, OidcSettings};
use self::rates::Rates;
pub(super) use self::scope::is_name;
pub use self::scope::{Caller, NAME_BYTES_MAX, Principal, RequireLayer, Scope, ScopeSet, require};
use self::tokens::TokenFile;
pub use self::tokens::{NewToken, new_token};
use super::Problem;
use super::problem;
use super::server::Peer;

/// How much may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// The headers of a request, names and values, in bytes.
    pub header_bytes_max: usize,
    /// The headers of a request.
    pub headers_max: usize,
    /// How long an answer may take to begin: a stream goes on for as long as it is read.
    pub request_seconds_max: u64,
    /// Requests a second of a principal, or of an address where nobody is known; twice as many at once. 0: no limit.
    pub requests_per_second_max: u32,
    /// Those of them that change something. 0: no limit.
    pub changes_per_second_max: u32,
    /// Unknown credentials a minute from an address. 0: no limit.
    pub failures_per_minute_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 64 << 10,
            header_bytes_max: 16 << 10,
            headers_max: 64,
            request_seconds_max: 10,
            requests_per_second_max: 200,
            changes_per_second_max: 20,
            failures_per_minute_max: 30,
        }
    }
}

/// How those who ask are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessSettings {
    /// Whoever reaches the loopback address is the one person of this machine, and may do everything.
    Local,
    /// Whoever asks may do everything: told so by `--insecure` alone.
    Insecure,
    /// Nobody is let in without a credential of one of these ways.
    Guarded {
        /// The file of tokens.
        tokens: Option<PathBuf>,
        /// The issuer of JSON Web Tokens.
        oidc: Option<OidcSettings>,
        /// What the holder of a certificate of the client CA may do, where there is one.
        certificates: Option<ScopeSet>,
    },
}

/// How those who ask are known, with what that takes read and checked.
#[derive(Debug)]
pub struct Access(Mode);

#[derive(Debug)]
enum Mode {
    Local,
    Insecure,
    Guarded(Box<Ways>),
}

/// The ways in which somebody may be known.
#[derive(Debug)]
struct Ways {
    tokens: Option<TokenFile>,
    oidc: Option<Verifier>,
    certificates: Option<ScopeSet>,
}

/// The guard cannot be set up: what is wrong where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AccessError(String);

impl Access {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When one cannot be read, or what it says is wrong.
    pub fn open(settings: &AccessSettings) -> Result<Access, AccessError> {
        Ok(Access(match settings {
            AccessSettings::Local => Mode::Local,
            AccessSettings::Insecure => Mode::Insecure,
            AccessSettings::Guarded { tokens, oidc, certificates } => Mode::Guarded(Box::new(Ways {
                tokens: tokens.as_deref().map(TokenFile::open).transpose().map_err(AccessError)?,
                oidc: oidc.as_ref().map(Verifier::open).transpose().map_err(AccessError)?,
                certificates: *certificates,
            })),
        }))
    }
}

/// Puts the guard before a router: before what it answers by itself too, such as which methods a route has.
pub fn guarded(router: Router, access: Access, limits: Limits) -> Router {
    let guard = Arc::new(Guard { access: access.0, rates: Arc::new(Rates::new(&limits)), limits });
    let inner = router.layer(DefaultBodyLimit::disable()).layer(from_fn(name_route));
    Router::new()
        .fallback_service(inner)
        .layer(RequestBodyLimitLayer::new(guard.limits.body_bytes_max))
        .layer(from_fn_with_state(guard, pass))
}

/// Tells the guard which route a request took.
async fn name_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut answer = next.run(request).await;
    route.into_iter().for_each(|route| {
        answer.extensions_mut().insert(route);
    });
    answer
}

struct Guard {
    access: Mode,
    limits: Limits,
    rates: Arc<Rates>,
}

/// Everything that is asked goes through here, and everything that is answered.
async fn pass(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let answer = match guard.admit(&mut request).await {
        Ok(()) => guard.run(request, next).await,
        Err(problem) => problem.into_response(),
    };
    // The route and not the path, which may name a buyer; nor the query, which may hold anything.
    let route = answer.extensions().get::<MatchedPath>().cloned();
    let answer = problem::of_error(answer).await;
    let route = route.as_ref().map_or("no route", MatchedPath::as_str);
    debug!(%method, route, status = answer.status().as_u16(), "answered");
    with_headers(answer)
}

impl Guard {
    async fn admit(&self, request: &mut Request) -> Result<(), Problem> {
        self.has_small_head(request)?;
        if matches!(self.access, Mode::Local) {
            origin::is_of_this_machine(request)?;
        }
        if request.uri().path() == "/live" && origin::is_safe(request.method()) {
            return Ok(());
        }
        let peer = request.extensions().get::<Peer>().cloned().unwrap_or_else(Peer::unknown);
        let principal = self.principal(request.headers(), &peer).await?;
        match self.access {
            Mode::Local | Mode::Insecure => self.rates.request_from(peer.address.ip())?,
            Mode::Guarded(_) => self.rates.request(&principal.name)?,
        }
        let caller = Caller::new(principal, Arc::clone(&self.rates));
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            caller.require(Scope::Read)?;
        } else {
            origin::is_own(request)?;
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }

    fn has_small_head(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let Limits { headers_max, header_bytes_max, .. } = self.limits;
        if headers.len() <= headers_max && bytes + request.uri().path().len() <= header_bytes_max {
            return Ok(());
        }
        let detail =
            format!("The head of a request should have at most {headers_max} headers and {header_bytes_max} bytes.");
        Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail))
    }

    async fn principal(&self, headers: &HeaderMap, peer: &Peer) -> Result<Principal, Problem> {
        let everything = |name: &str| Ok(Principal { name: name.to_owned(), scopes: ScopeSet::ALL });
        match &self.access {
            Mode::Local => everything("local"),
            Mode::Insecure => everything("anonymous"),
            Mode::Guarded(ways) => match Credential::of(headers) {
                Ok(None) => ways.by_certificate(peer).ok_or_else(unauthorized),
                Ok(Some(credential)) => {
                    ways.by_credential(&credential).await.map_err(|reason| self.refuse(reason, peer.address))
                }
                Err(reason) => Err(self.refuse(reason, peer.address)),
            },
        }
    }

    /// Whoever asks learns nothing of the reason. One who is known may ask on from the same address: behind a proxy
    /// there are many of them.
    fn refuse(&self, reason: &'static str, address: SocketAddr) -> Problem {
        match self.rates.failure(address.ip()) {
            Ok(()) => {
                warn!(address = %address.ip(), "a credential was refused: {reason}");
                unauthorized()
            }
            Err(problem) => problem,
        }
    }

    async fn run(&self, request: Request, next: Next) -> Response {
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
        match tokio::time::timeout(Duration::from_secs(self.limits.request_seconds_max), answer).await {
            Ok(Ok(response)) => response,
            // The panic itself is in the log.
            Ok(Err(_panic)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Err(_elapsed) => StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
}

impl Ways {
    fn by_certificate(&self, peer: &Peer) -> Option<Principal> {
        Some(Principal { name: peer.certificate_name.as_deref()?.to_owned(), scopes: self.certificates? })
    }

    async fn by_credential(&self, credential: &Credential) -> Result<Principal, &'static str> {
        match (&self.oidc, &self.tokens) {
            (Some(oidc), _) if credential.is_jwt() => oidc.verify(credential.secret()).await,
            (_, Some(tokens)) => tokens.find(credential.secret()),
            (_, None) => Err("it is of a way that is not set"),
        }
    }
}

/// The one answer to whoever is not known, whatever the reason.
fn unauthorized() -> Problem {
    let detail = "This needs a credential that is known here: Authorization: Bearer TOKEN, or the token as the password \
                  of Basic, whatever the name.";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="vigie""#))
        .with(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="vigie", charset="UTF-8""#))
}

/// What goes with every answer. Which sources a page may use is for the page to say.
fn with_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

const HEADERS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
];

impl Peer {
    /// One who came by no connection: a test that calls the router.
    fn unknown() -> Peer {
        Peer { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), certificate_name: None }
    }
}
