//! Owns what an error looks like to whoever asked: RFC 9457 problem details, one shape for all of them.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Bytes of an answer in plain text that are taken over into a problem, at most.
const DETAIL_BYTES_MAX: usize = 1024;

/// An error, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The JSON of a problem, for the description of the API.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:vigie:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:vigie:problem:not_found")]
    kind: Cow<'a, str>,
    /// What the status means.
    #[schema(example = "Not Found")]
    title: Cow<'a, str>,
    /// The status of the answer.
    #[schema(example = 404)]
    status: u16,
    /// What was wrong, and what to do.
    detail: Cow<'a, str>,
    /// What went wrong, for programs; codes do not change.
    #[schema(example = "not_found")]
    code: Cow<'a, str>,
}

impl Problem {
    /// An error of a status and code; `detail` says what was wrong and what to do.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { status, code, detail: detail.into(), headers: Vec::new() }
    }

    /// With a header of its answer.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// The status of its answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What was wrong, and what to do.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the libraries below answer by a status alone.
    fn of_status(status: StatusCode) -> Problem {
        let (code, detail) = match status {
            StatusCode::UNAUTHORIZED => ("unauthorized", "This needs a credential that is known here."),
            StatusCode::FORBIDDEN => ("forbidden", "This may not be done with this credential."),
            StatusCode::NOT_FOUND => ("not_found", "There is nothing here. /openapi.json lists what there is."),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "The header Allow says what can be asked here."),
            StatusCode::REQUEST_TIMEOUT => ("timeout", "This took too long and was given up: try again."),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body of the request is larger than is taken."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "The body should be JSON, with content-type: application/json.")
            }
            StatusCode::TOO_MANY_REQUESTS => ("too_many_requests", "Too many requests: wait, then go on slower."),
            StatusCode::UNPROCESSABLE_ENTITY => ("unprocessable", "The body is not what is expected here."),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Not now: try again."),
            status if status.is_client_error() => ("bad_request", "The request is not one that can be answered."),
            _ => ("internal", "Something went wrong here, which the log tells."),
        };
        Problem::new(status, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("urn:vigie:problem:{}", self.code).into(),
            title: self.status.canonical_reason().unwrap_or("Error").into(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.into(),
        };
        let body = serde_json::to_vec(&body).expect("text and a number are JSON");
        let mut response = (self.status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        // More than one of a name may be meant: two ways to authenticate are two headers.
        self.headers.into_iter().for_each(|(name, value)| {
            response.headers_mut().append(name, value);
        });
        response
    }
}

/// Marks an answer of an error's status that is to stay as it is: `/ready` answers in lines.
#[derive(Debug, Clone, Copy)]
pub struct AsIs;

/// Makes a problem of any other error: of what the libraries below answer in plain text, or by a status alone.
pub(super) async fn of_error(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<AsIs>().is_some() || has_type(response.headers(), PROBLEM_JSON) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let mut problem = Problem::of_status(status);
    // What a reader of bodies or queries says of them is of use to whoever wrote them; nothing else is repeated.
    if matches!(status.as_u16(), 400 | 415 | 422) && has_type(&parts.headers, "text/plain") {
        problem.detail = text(body).await.map_or(problem.detail, Cow::Owned);
    }
    let mut answer = problem.into_response();
    let kept = parts.headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    let kept = kept.filter(|(name, _)| *name != CONTENT_TYPE && *name != CONTENT_LENGTH);
    kept.for_each(|(name, value)| {
        answer.headers_mut().append(name, value);
    });
    answer
}

fn has_type(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(';').next().is_some_and(|essence| essence.trim() == media_type))
}

async fn text(body: Body) -> Option<String> {
    let bytes = axum::body::to_bytes(body, DETAIL_BYTES_MAX).await.ok()?;
    String::from_utf8(bytes.into()).ok().filter(|text| !text.is_empty())
}
