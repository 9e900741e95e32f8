//! Tries the guard: what is refused, in what words, and that nothing is told that should not be.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_LENGTH, RETRY_AFTER};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

/// What no log, page or error may hold.
const CANARY: &str = "canary-5c1e";

fn router() -> Router {
    let write = post(|caller: Caller| async move { caller.principal.name }).layer(require(Scope::Decide));
    Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/me", get(|caller: Caller| async move { format!("{:?}", caller.principal) }))
        .route("/buyers/{buyer}", get(|| async { "a buyer" }))
        .route("/decide", write)
        .route("/body", post(|body: String| async move { body.len().to_string() }))
        .route("/slow", get(std::future::pending::<String>))
        .route("/panic", get(|| async { panics() }))
        .route("/text", get(|| async { (StatusCode::UNPROCESSABLE_ENTITY, "amount: no number") }))
        .route("/nothing", get(|| async { StatusCode::NOT_FOUND }))
}

fn panics() -> &'static str {
    panic!("as the test wants it")
}

/// A router behind a guard, and somebody who has tokens.
struct Bench {
    router: Router,
    _folder: tempfile::TempDir,
    decides: String,
    reads: String,
    old: String,
}

impl Bench {
    fn new(limits: Limits) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens");
        let token = |name: &str, scopes: &str, last_day| {
            new_token(name, ScopeSet::parse(scopes).expect("scopes"), last_day).expect("made")
        };
        let (decides, reads) = (token("m.keller", "read,decide", None), token("erp", "read", None));
        let old = token("old", "read", crate::base::Day::parse("2020-01-01"));
        std::fs::write(&path, [&*decides.line, &*reads.line, &*old.line].join("\n")).expect("written");
        let settings = AccessSettings::Guarded { tokens: Some(path), oidc: None, certificates: Some(SEES) };
        let access = Access::open(&settings).expect("opened");
        let router = guarded(router(), access, limits);
        Bench { router, _folder: folder, decides: decides.token, reads: reads.token, old: old.token }
    }

    async fn ask(&self, request: Request) -> (StatusCode, HeaderMap, String) {
        answer(&self.router, request).await
    }

    async fn get(&self, path: &str, token: &str) -> (StatusCode, String) {
        let (status, _, body) = self.ask(with(get_of(path), &[("authorization", &format!("Bearer {token}"))])).await;
        (status, body)
    }
}

const SEES: ScopeSet = ScopeSet::of(Scope::Read);

async fn answer(router: &Router, request: Request) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(request).await.expect("a router does not fail");
    let (mut parts, body) = response.into_parts();
    // Over a connection every answer has one.
    parts.headers.remove(CONTENT_LENGTH);
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8(body.into()).expect("UTF-8"))
}

fn get_of(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn post_of(path: &str, body: impl Into<Body>) -> Request {
    Request::post(path).header("content-type", "application/json").body(body.into()).expect("a request")
}

fn with(mut request: Request, headers: &[(&str, &str)]) -> Request {
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a name");
        request.headers_mut().append(name, HeaderValue::try_from(*value).expect("a value"));
    }
    request
}

fn problem(body: &str) -> Value {
    serde_json::from_str(body).expect("a problem is JSON")
}

#[tokio::test]
async fn without_a_credential_nothing_but_live_is_answered_and_always_alike() {
    let bench = Bench::new(Limits::default());
    let (status, _, body) = bench.ask(get_of("/live")).await;
    assert_eq!((status, &*body), (StatusCode::OK, "live\n"));
    let mut answers = Vec::new();
    for path in ["/", "/me", "/buyers/known", "/buyers/unknown", "/nothing", "/no-route", "/live/", "/live?x=1/../me"] {
        answers.push((path, bench.ask(get_of(path)).await));
    }
    let last = answers.pop().expect("one").1;
    assert_eq!(last.0, StatusCode::OK, "a query is no path");
    for token in [CANARY, "", &bench.old, &bench.reads[1..], &format!("{}0", bench.reads)] {
        let request = with(get_of("/buyers/known"), &[("authorization", &format!("Bearer {token}"))]);
        answers.push(("with a wrong token", bench.ask(request).await));
    }
    answers.push(("a wrong method", bench.ask(post_of("/me", "")).await));
    answers.push(("a body that is too large", bench.ask(post_of("/me", vec![0; 1 << 20])).await));
    answers.push(("a wrong scheme", bench.ask(with(get_of("/me"), &[("authorization", CANARY)])).await));
    let first = answers[0].1.clone();
    assert_eq!(first.0, StatusCode::UNAUTHORIZED);
    let asks: Vec<&HeaderValue> = first.1.get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(asks, [r#"Bearer realm="vigie""#, r#"Basic realm="vigie", charset="UTF-8""#]);
    assert_eq!(
        problem(&first.2),
        json!({
            "type": "urn:vigie:problem:unauthorized",
            "title": "Unauthorized",
            "status": 401,
            "detail": "This needs a credential that is known here: Authorization: Bearer TOKEN, or the token as the \
                       password of Basic, whatever the name.",
            "code": "unauthorized",
        })
    );
    for (what, answer) in answers {
        assert_eq!(answer, first, "{what}");
    }
}

#[tokio::test]
async fn a_token_is_taken_as_bearer_and_as_the_password_that_a_browser_asks_for() {
    let bench = Bench::new(Limits::default());
    let (status, body) = bench.get("/me", &bench.decides).await;
    assert_eq!((status, &*body), (StatusCode::OK, r#"Principal { name: "m.keller", scopes: read,decide }"#));
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("whoever:{}", bench.reads));
    let (_, _, body) = bench.ask(with(get_of("/me"), &[("authorization", &format!("Basic {pair}"))])).await;
    assert_eq!(body, r#"Principal { name: "erp", scopes: read }"#);
}

#[tokio::test]
async fn a_token_without_decide_cannot_decide() {
    let bench = Bench::new(Limits::default());
    let decide = |token: &str| with(post_of("/decide", "{}"), &[("authorization", &format!("Bearer {token}"))]);
    let (status, _, body) = bench.ask(decide(&bench.decides)).await;
    assert_eq!((status, &*body), (StatusCode::OK, "m.keller"));
    let (status, headers, body) = bench.ask(decide(&bench.reads)).await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::FORBIDDEN, &HeaderValue::from_static(PROBLEM)));
    assert_eq!(problem(&body)["detail"], "This needs the scope decide, which this credential has not.");
    assert_eq!(problem(&body)["code"], "forbidden");
}

const PROBLEM: &str = "application/problem+json";

#[tokio::test]
async fn a_router_that_nobody_guards_lets_nobody_in() {
    for request in [get_of("/me"), post_of("/decide", "{}")] {
        assert_eq!(answer(&router(), request).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_certificate_of_the_client_ca_is_known_by_its_name_and_a_token_goes_before_it() {
    let bench = Bench::new(Limits::default());
    let by_certificate = |headers: &[(&str, &str)]| {
        let mut request = with(get_of("/me"), headers);
        request.extensions_mut().insert(Peer { certificate_name: Some("erp-7".into()), ..Peer::unknown() });
        request
    };
    assert_eq!(bench.ask(by_certificate(&[])).await.2, r#"Principal { name: "erp-7", scopes: read }"#);
    let (_, _, body) = bench.ask(by_certificate(&[("authorization", &format!("Bearer {}", bench.decides))])).await;
    assert_eq!(body, r#"Principal { name: "m.keller", scopes: read,decide }"#);
    let (status, _, _) = bench.ask(by_certificate(&[("authorization", "Bearer x")])).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "a wrong token is not passed over");
}

#[tokio::test]
async fn every_error_is_a_problem_and_every_answer_has_the_headers_that_keep_it_from_others() {
    let limits = Limits { request_seconds_max: 0, ..Limits::default() };
    let (bench, hasty) = (Bench::new(Limits::default()), Bench::new(limits));
    let cases = [
        (get_of("/no-route"), 404, "not_found", "There is nothing here. /openapi.json lists what there is."),
        (get_of("/nothing"), 404, "not_found", "There is nothing here. /openapi.json lists what there is."),
        (post_of("/me", "{}"), 405, "method_not_allowed", "The header Allow says what can be asked here."),
        (get_of("/text"), 422, "unprocessable", "amount: no number"),
        (get_of("/panic"), 500, "internal", "Something went wrong here, which the log tells."),
    ];
    let bearer = |bench: &Bench| format!("Bearer {}", bench.decides);
    for (request, status, code, detail) in cases {
        let path = request.uri().path().to_owned();
        let (got, headers, body) = bench.ask(with(request, &[("authorization", &bearer(&bench))])).await;
        let problem = problem(&body);
        assert_eq!((got.as_u16(), problem["status"].as_u64()), (status, Some(u64::from(status))), "{path}");
        assert_eq!((&problem["code"], &problem["detail"]), (&code.into(), &detail.into()));
        assert_eq!(headers["content-type"], PROBLEM);
        assert_eq!(headers.contains_key(ALLOW), status == 405);
        assert_headers(&headers);
    }
    let (status, _, body) = hasty.ask(with(get_of("/slow"), &[("authorization", &bearer(&hasty))])).await;
    assert_eq!((status, &problem(&body)["code"]), (StatusCode::REQUEST_TIMEOUT, &"timeout".into()));
    assert_headers(&bench.ask(get_of("/live")).await.1);
}

#[track_caller]
fn assert_headers(headers: &HeaderMap) {
    for (name, value) in HEADERS {
        assert_eq!(headers[name], value);
    }
    assert_eq!(headers[CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_page_of_another_site_can_change_nothing() {
    let bench = Bench::new(Limits { changes_per_second_max: 0, requests_per_second_max: 0, ..Limits::default() });
    let bearer = format!("Bearer {}", bench.decides);
    let own = [("authorization", &*bearer), ("host", "vigie.example:9470")];
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[], 200),
        (&[("sec-fetch-site", "same-origin"), ("origin", "http://vigie.example:9470")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("origin", "https://VIGIE.example:9470")], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], 403),
        (&[("origin", "http://vigie.example")], 403),
        (&[("origin", "http://vigie.example:9470.evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "")], 403),
        (&[("host", "other")], 200),
        (&[("host", "other"), ("origin", "http://other")], 403),
    ];
    for (headers, status) in cases {
        let request = with(with(post_of("/decide", "{}"), &own), headers);
        assert_eq!(bench.ask(request).await.0.as_u16(), *status, "{headers:?}");
    }
    for (content_type, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data", 415),
    ] {
        let mut request = with(post_of("/decide", "{}"), &own);
        request.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        assert_eq!(bench.ask(request).await.0.as_u16(), status, "{content_type}");
    }
    let mut request = with(post_of("/decide", "{}"), &own);
    request.headers_mut().remove("content-type");
    let (status, _, body) = bench.ask(request).await;
    assert_eq!((status.as_u16(), &problem(&body)["code"]), (415, &"unsupported_media_type".into()));
}

#[tokio::test]
async fn without_access_control_only_this_machines_own_names_are_answered() {
    let open = |settings| guarded(router(), Access::open(&settings).expect("opened"), Limits::default());
    let (local, insecure) = (open(AccessSettings::Local), open(AccessSettings::Insecure));
    for host in ["localhost", "localhost:9470", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:1"] {
        let (status, _, body) = answer(&local, with(get_of("/me"), &[("host", host)])).await;
        assert_eq!(status, StatusCode::OK, "{host}");
        assert_eq!(body, r#"Principal { name: "local", scopes: read,decide,admin }"#);
    }
    let foreign =
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x", "[::1]x", "", "127.1"];
    for host in foreign {
        let (status, _, body) = answer(&local, with(get_of("/me"), &[("host", host)])).await;
        assert_eq!((status, &problem(&body)["code"]), (StatusCode::FORBIDDEN, &"foreign_host".into()), "{host}");
    }
    assert_eq!(answer(&local, get_of("/me")).await.0, StatusCode::FORBIDDEN, "no host");
    let two = with(get_of("/me"), &[("host", "localhost"), ("host", "evil.example")]);
    assert_eq!(answer(&local, two).await.0, StatusCode::FORBIDDEN);
    let absolute = with(get_of("http://evil.example/me"), &[("host", "localhost")]);
    assert_eq!(answer(&local, absolute).await.0, StatusCode::FORBIDDEN);
    let (_, _, body) = answer(&insecure, with(get_of("/me"), &[("host", "evil.example")])).await;
    assert_eq!(body, r#"Principal { name: "anonymous", scopes: read,decide,admin }"#);
}

#[tokio::test]
async fn a_body_and_a_head_are_taken_up_to_their_limits_and_no_further() {
    let limits = Limits { body_bytes_max: 100, header_bytes_max: 1000, headers_max: 5, ..Limits::default() };
    let bench = Bench::new(limits);
    let bearer = format!("Bearer {}", bench.reads);
    let body = |bytes: usize| with(post_of("/body", vec![b' '; bytes]), &[("authorization", &bearer)]);
    assert_eq!(bench.ask(body(100)).await.2, "100");
    let (status, _, text) = bench.ask(body(101)).await;
    assert_eq!((status, &problem(&text)["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()));
    // One that does not say how long it is, is cut off as well.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("0123456789")).take(11);
    let endless = with(post_of("/body", Body::from_stream(endless)), &[("authorization", &bearer)]);
    assert_eq!(bench.ask(endless).await.0, StatusCode::PAYLOAD_TOO_LARGE);

    let used = "authorization".len() + bearer.len() + "/me".len() + "x".len();
    let head = |bytes: usize| with(get_of("/me"), &[("authorization", &bearer), ("x", &"y".repeat(bytes))]);
    assert_eq!(bench.ask(head(1000 - used)).await.0, StatusCode::OK);
    let (status, _, text) = bench.ask(head(1001 - used)).await;
    assert_eq!((status.as_u16(), &problem(&text)["code"]), (431, &"head_too_large".into()));
    let many = |count: usize| with(with(get_of("/me"), &[("authorization", &bearer)]), &vec![("x", "y"); count]);
    assert_eq!(bench.ask(many(4)).await.0, StatusCode::OK);
    assert_eq!(bench.ask(many(5)).await.0.as_u16(), 431);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_again_and_others_are_not() {
    let limits = Limits { requests_per_second_max: 1, changes_per_second_max: 1, ..Limits::default() };
    let bench = Bench::new(limits);
    for _ in 0..2 {
        assert_eq!(bench.get("/me", &bench.reads).await.0, StatusCode::OK);
    }
    let request = with(get_of("/me"), &[("authorization", &format!("Bearer {}", bench.reads))]);
    let (status, headers, body) = bench.ask(request).await;
    assert_eq!((status, &headers[RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from(1)));
    assert_eq!(problem(&body)["code"], "too_many_requests");
    assert_eq!(bench.get("/me", &bench.decides).await.0, StatusCode::OK);

    let bench = Bench::new(Limits { changes_per_second_max: 1, ..Limits::default() });
    let decide = || with(post_of("/decide", "{}"), &[("authorization", &format!("Bearer {}", bench.decides))]);
    for status in [200, 200, 429] {
        assert_eq!(bench.ask(decide()).await.0.as_u16(), status);
    }
    assert_eq!(bench.get("/me", &bench.decides).await.0, StatusCode::OK, "to read is another matter");
}

#[tokio::test]
async fn where_everybody_has_one_name_each_address_has_its_own_rate() {
    let limits = Limits { requests_per_second_max: 1, ..Limits::default() };
    let router = guarded(router(), Access::open(&AccessSettings::Insecure).expect("opened"), limits);
    let from = |address: &str| {
        let mut request = get_of("/me");
        let address = SocketAddr::new(address.parse().expect("an address"), 1);
        request.extensions_mut().insert(Peer { address, ..Peer::unknown() });
        request
    };
    let cases = [("10.0.0.1", 200), ("10.0.0.1", 200), ("10.0.0.1", 429), ("10.0.0.2", 200), ("::ffff:10.0.0.1", 429)];
    // Whoever has an address of IPv6 has the 2^64 beside it.
    let six = [("2001:db8::1", 200), ("2001:db8::2", 200), ("2001:db8::3", 429), ("2001:db8:0:1::1", 200)];
    for (address, status) in cases.into_iter().chain(six) {
        assert_eq!(answer(&router, from(address)).await.0.as_u16(), status, "{address}");
    }
}

#[tokio::test]
async fn guesses_from_an_address_are_limited_and_shut_out_nobody_who_is_known() {
    let bench = Bench::new(Limits { failures_per_minute_max: 3, ..Limits::default() });
    for status in [401, 401, 401, 429, 429] {
        assert_eq!(bench.get("/me", "wrong").await.0.as_u16(), status);
    }
    assert_eq!(bench.ask(get_of("/me")).await.0, StatusCode::UNAUTHORIZED, "to show nothing is no guess");
    assert_eq!(bench.get("/me", &bench.reads).await.0, StatusCode::OK);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_secret_is_in_no_log_and_no_answer_wherever_it_was_put() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let bench = Bench::new(Limits { failures_per_minute_max: 0, ..Limits::default() });
            let bearer = format!("Bearer {}", bench.decides);
            let jwt = format!("Bearer {CANARY}.{CANARY}.{CANARY}");
            let known = |request| with(request, &[("authorization", &bearer)]);
            let requests = vec![
                with(get_of("/me"), &[("authorization", &format!("Bearer {CANARY}"))]),
                with(get_of("/me"), &[("authorization", &jwt)]),
                with(get_of("/me"), &[("authorization", CANARY)]),
                with(get_of("/me"), &[("cookie", CANARY), ("x-token", CANARY)]),
                get_of(&format!("/me?token={CANARY}")),
                known(get_of(&format!("/me?token={CANARY}"))),
                known(get_of(&format!("/buyers/{CANARY}"))),
                known(get_of(&format!("/no-route/{CANARY}"))),
                known(post_of("/me", CANARY)),
                known(with(post_of("/decide", "{}"), &[("origin", CANARY), ("sec-fetch-site", CANARY)])),
                known(with(get_of("/me"), &[("host", CANARY), ("x", &CANARY.repeat(4000))])),
            ];
            for request in requests {
                let (_, headers, body) = bench.ask(request).await;
                assert!(!format!("{headers:?}{body}").contains(CANARY), "{headers:?}{body}");
                assert!(!body.contains(&bench.decides));
            }
            let logged = lines.0.lock().expect("unlocked").clone();
            let logged = String::from_utf8(logged).expect("UTF-8");
            assert!(logged.contains("a credential was refused: the token is not in the file"), "{logged}");
            assert!(logged.contains("/buyers/{buyer}"), "{logged}");
            for secret in [CANARY, &*bench.decides, &bench.reads] {
                assert!(!logged.contains(secret), "{logged}");
            }
        });
    });
}

#[test]
fn no_scope_contains_another() {
    let set = |list| ScopeSet::parse(list).expect("scopes");
    for (name, scope) in Scope::NAMES {
        assert_eq!((scope.as_str(), Scope::parse(name)), (*name, Some(*scope)));
        let held: Vec<Scope> = set(name).iter().collect();
        assert_eq!(held, [*scope]);
    }
    assert_eq!(set("decide, read").to_string(), "read,decide");
    assert_eq!(set("read,decide,admin"), ScopeSet::ALL);
    assert_eq!(
        (ScopeSet::parse("read,"), ScopeSet::parse(""), ScopeSet::parse("Read")),
        (Err(""), Err(""), Err("Read"))
    );
}
