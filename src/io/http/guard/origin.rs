//! Owns where a request may come from: no page of another site may use the credentials of a browser, nor a name of its own
//! that it points at this machine.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};

use crate::io::http::Problem;

/// Whether a method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what a page of another site may have sent: a browser says where a request comes from, and sends no JSON to
/// another site without asking there first.
pub(super) fn is_own(request: &Request) -> Result<(), Problem> {
    if is_safe(request.method()) {
        return Ok(());
    }
    let headers = request.headers();
    let foreign = |what: &'static str| Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", what));
    match one(headers, &SEC_FETCH_SITE) {
        One::Absent | One::Text("same-origin" | "none") => {}
        _ => return foreign("This came from a page of another site, which may only be looked at."),
    }
    match (one(headers, &ORIGIN), one(headers, &HOST)) {
        (One::Absent, _) => {}
        (One::Text(origin), One::Text(host)) if authority(origin).is_some_and(|own| own.eq_ignore_ascii_case(host)) => {
        }
        _ => return foreign("The origin is not the host that is asked: a proxy before it must pass on Host as it is."),
    }
    let is_json = match one(headers, &CONTENT_TYPE) {
        One::Text(value) => value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(JSON)),
        One::Absent | One::Other => false,
    };
    if is_json {
        return Ok(());
    }
    let detail = "The body should be JSON, with content-type: application/json.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

const JSON: &str = "application/json";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a host that is not this machine's own name for itself: a page of another site may have had its name point at
/// the loopback address, and would then read everything as its own.
pub(super) fn is_of_this_machine(request: &Request) -> Result<(), Problem> {
    let of_uri = request.uri().authority().is_none_or(|authority| is_loopback(authority.as_str()));
    match one(request.headers(), &HOST) {
        One::Text(host) if is_loopback(host) && of_uri => Ok(()),
        _ => {
            let detail =
                "Without access control only localhost, 127.0.0.1 and [::1] are answered, and Host is another.";
            Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", detail))
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    // The port may be any: that of a tunnel is another than the one that is listened on.
    let names = ["localhost", "127.0.0.1", "[::1]"];
    let rest = |name: &str| {
        let (start, rest) = authority.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    };
    let is_port = |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    names.iter().filter_map(|name| rest(name)).any(|rest| rest.is_empty() || is_port(rest))
}

/// The host and port of an origin.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

enum One<'a> {
    Absent,
    Text(&'a str),
    /// More than one, or no text.
    Other,
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> One<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => One::Absent,
        (Some(value), None) => value.to_str().map_or(One::Other, One::Text),
        (Some(_), Some(_)) => One::Other,
    }
}
