//! Owns what is asked: queries, bodies and headers, read so that every error says what was wrong.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::super::problem::Problem;
use crate::view::page::Direction;
use crate::view::{PageError, PageRequest};

/// Answers that walk over all buyers, at a time: others wait.
const WALKS_MAX: usize = 4;

/// The query of a request.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked<T>, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Asked(query)).map_err(|rejection| wrong(rejection.body_text()))
    }
}

/// The body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Body(body)),
            Err(JsonRejection::JsonDataError(error)) => {
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", error.body_text()))
            }
            Err(JsonRejection::MissingJsonContentType(error)) => {
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", error.body_text()))
            }
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.body_text()))
            }
            Err(error) => Err(wrong(error.body_text())),
        }
    }
}

/// The id in the path.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Problem> {
        // What cannot be an id names nothing.
        Path::<String>::from_request_parts(parts, state).await.map(|Path(id)| Named(id)).map_err(|_| super::not_found())
    }
}

/// How a list is asked for.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// A column; with `-` before it the greatest first.
    pub(super) sort: Option<String>,
    /// Items on a page, 1 to 500; 50 where nobody says.
    #[param(minimum = 1, maximum = 500)]
    pub(super) limit: Option<usize>,
    /// The `next` of the page before.
    pub(super) cursor: Option<String>,
}

impl PageQuery {
    /// The column to sort by, and the page.
    ///
    /// # Errors
    /// With the answer, where the query says what cannot be.
    pub(super) fn read<'a>(&'a self, default: &'a str) -> Result<(&'a str, PageRequest), Problem> {
        let sort = self.sort.as_deref().unwrap_or(default);
        let (direction, column) = match sort.strip_prefix('-') {
            Some(column) => (Direction::Down, column),
            None => (Direction::Up, sort),
        };
        let request = PageRequest::parse(direction, self.limit, self.cursor.as_deref());
        Ok((column, request.map_err(|PageError(text)| wrong(text))?))
    }
}

/// The request is not as it should be.
pub(super) fn wrong(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
}

/// A value of a query that is none of those known.
pub(super) fn unknown(what: &str, value: &str, known: &[&str]) -> Problem {
    wrong(format!("{what} is {value:?}, and should be one of {}", known.join(", ")))
}

/// The only value of a header.
///
/// # Errors
/// Where it is given twice, or is no text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(wrong(format!("the header {name} should be there once, and be text"))),
    }
}

/// Walks over all buyers: so many at a time, beside the threads that answer everything else.
pub(super) struct Lists(std::sync::Arc<Semaphore>);

impl Default for Lists {
    fn default() -> Lists {
        Lists(std::sync::Arc::new(Semaphore::new(WALKS_MAX)))
    }
}

impl Lists {
    /// Does a walk on a thread of its own.
    ///
    /// # Errors
    /// Where it panics, which the log tells.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        walk: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = std::sync::Arc::clone(&self.0).acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            walk()
        });
        done.await.map_err(|_| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here, which the log tells.",
            )
        })
    }
}
