//! Owns who asks and what they may do: scopes, the principal of a request, and the demand for a scope.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{FromFnLayer, Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::rates::Rates;
use crate::io::http::Problem;

/// Something that may be done. No scope contains another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// To see everything.
    Read,
    /// To decide on proposals, snooze alerts, and hold orders.
    Decide,
    /// To change how the service runs.
    Admin,
}

impl Scope {
    /// Every scope, by name.
    pub const NAMES: &[(&str, Scope)] = &[("read", Scope::Read), ("decide", Scope::Decide), ("admin", Scope::Admin)];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Decide => "decide",
            Scope::Admin => "admin",
        }
    }

    /// The scope of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Scope> {
        Scope::NAMES.iter().find(|(known, _)| *known == name).map(|(_, scope)| *scope)
    }
}

/// What somebody may do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// Everything.
    pub const ALL: ScopeSet = ScopeSet(0b111);

    /// One scope alone.
    #[must_use]
    pub const fn of(scope: Scope) -> ScopeSet {
        ScopeSet(1 << scope as u8)
    }

    /// The scopes of a list such as `read,decide`.
    ///
    /// # Errors
    /// With the name that is no scope; an empty one where the list is empty.
    pub fn parse(list: &str) -> Result<ScopeSet, &str> {
        list.split(',').map(|name| Scope::parse(name.trim()).ok_or(name.trim())).collect()
    }

    /// Whether a scope is among them.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether nothing may be done.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::NAMES.iter().map(|(_, scope)| *scope).filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> ScopeSet {
        ScopeSet(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u8))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::as_str).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The name that decisions are written under.
    pub name: String,
    /// What they may do.
    pub scopes: ScopeSet,
}

/// Bytes of a principal's name, at most.
pub const NAME_BYTES_MAX: usize = 200;

/// Whether a name may stand in events and pages: some text on one line, with nothing around it.
#[must_use]
pub(in crate::io::http) fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.trim() == name && !name.chars().any(char::is_control)
}

/// The principal of a request, for a handler: `async fn decide(caller: Caller, ...)`.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks.
    pub principal: Principal,
    rates: Arc<Rates>,
}

impl Caller {
    pub(super) fn new(principal: Principal, rates: Arc<Rates>) -> Caller {
        Caller { principal, rates }
    }

    /// Demands a scope; what changes something is limited to fewer a second than what reads.
    ///
    /// # Errors
    /// With the answer that is to be given: 403, or 429.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if !self.principal.scopes.contains(scope) {
            let detail = format!("This needs the scope {}, which this credential has not.", scope.as_str());
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
        }
        match scope {
            Scope::Read => Ok(()),
            Scope::Decide | Scope::Admin => self.rates.change(&self.principal.name),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, Problem> {
        // A router that nobody guards lets nobody in.
        parts.extensions.get::<Caller>().cloned().ok_or_else(super::unauthorized)
    }
}

type Checked = Pin<Box<dyn Future<Output = Response> + Send>>;
/// What [`require`] gives.
pub type RequireLayer = FromFnLayer<fn(State<Scope>, Request, Next) -> Checked, Scope, (State<Scope>, Request)>;

/// A layer for routes that only a principal with a scope may use; others are answered 403.
pub fn require(scope: Scope) -> RequireLayer {
    from_fn_with_state(scope, check)
}

fn check(State(scope): State<Scope>, request: Request, next: Next) -> Checked {
    let caller = request.extensions().get::<Caller>();
    let allowed = caller.map_or_else(|| Err(super::unauthorized()), |caller| caller.require(scope));
    Box::pin(async move {
        match allowed {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        }
    })
}
