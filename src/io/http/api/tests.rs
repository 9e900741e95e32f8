//! The API as its users call it: every route behind the guard, with an outlet that is none, and every answer held against the
//! description.

mod changes;
mod documented;
mod holds;
mod lists;
mod streams;
mod tables;

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::sync::broadcast::Sender;
use tower::ServiceExt;

use self::documented::Documented;
use super::*;
use crate::io::http::guard::{Access, AccessSettings, Limits, ScopeSet, guarded, new_token};
use crate::view::samples::{self, alert, approved, closed, cover, exposure, home, limit, proposed, snoozed};

/// The time of everything that is written.
const NOW: &str = "2026-03-20T10:00:00Z";

/// What an outlet does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Writes it.
    Works,
    /// Writes it, and an engine decides on holds.
    Decides,
    /// Says that it cannot.
    Fails,
    /// Never says anything.
    Hangs,
}

/// An outlet that keeps what it is given.
struct FakeOutlet {
    mood: Mutex<Mood>,
    written: Mutex<Vec<(Topic, String, Value)>>,
    model: Arc<ReadModel>,
    changes: Sender<Change>,
}

impl Outlet for Arc<FakeOutlet> {
    fn write(&self, home: Topic, buyer_id: &str, value: Vec<u8>) -> Writing {
        let mood = *self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        if mood == Mood::Fails {
            return Box::pin(async { Err(NotWritten("canary-of-kafka".to_owned())) });
        }
        let event: Value = serde_json::from_slice(&value).expect("what is written is JSON");
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push((home, buyer_id.to_owned(), event.clone()));
        let offset = written.len() as i64 - 1;
        drop(written);
        match mood {
            Mood::Hangs => return Box::pin(std::future::pending()),
            Mood::Decides if event["type"] == "order.held" => self.decide(buyer_id, &event),
            _ => {}
        }
        Box::pin(async move { Ok(Written { topic: format!("{home:?}"), partition: 3, offset }) })
    }
}

impl FakeOutlet {
    /// Does what an engine would: holds of under 1,000 are granted.
    fn decide(&self, buyer_id: &str, event: &Value) {
        let data = &event["data"];
        let amount = data["amount"].as_str().expect("an amount");
        let granted = amount.len() < "1000.00".len();
        let decided = json!({"order_id": data["order_id"], "seller_id": data["seller_id"].as_str().unwrap_or_default(),
            "amount": amount, "currency": data["currency"], "granted": granted});
        let answer = samples::hold(buyer_id, NOW, event["id"].as_str().expect("an id"), decided);
        self.feed(&answer);
    }

    fn feed(&self, event: &Value) {
        let change = self.model.feed(home(event), None, Some(event.to_string().as_bytes())).expect("an output");
        if let Some(change) = change {
            // Nobody may be listening.
            self.changes.send(change).ok();
        }
    }
}

/// The API behind its guard, and somebody who may decide and somebody who may not.
struct Api {
    router: Router,
    outlet: Arc<FakeOutlet>,
    documented: Documented,
    decides: String,
    reads: String,
    _folder: tempfile::TempDir,
}

/// An answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("an answer is JSON")
    }

    /// That it is a problem of a status and code; gives its detail.
    #[track_caller]
    fn refuses(&self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.json());
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.json()["detail"].as_str().expect("a detail").to_owned()
    }

    #[track_caller]
    fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

impl Api {
    fn new() -> Api {
        Api::with_room(CHANGES_MAX)
    }

    fn with_room(changes_max: usize) -> Api {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens");
        let token = |name: &str, scopes: &str| new_token(name, ScopeSet::parse(scopes).expect("scopes"), None);
        let (decides, reads) = (token("m.keller", "read,decide").expect("made"), token("erp", "read").expect("made"));
        std::fs::write(&path, [&*decides.line, &*reads.line].join("\n")).expect("written");
        let settings = AccessSettings::Guarded { tokens: Some(path), oidc: None, certificates: None };
        let model: Arc<ReadModel> = Arc::default();
        let changes = Sender::new(changes_max);
        let outlet = Arc::new(FakeOutlet {
            mood: Mutex::new(Mood::Works),
            written: Mutex::default(),
            model: Arc::clone(&model),
            changes: changes.clone(),
        });
        let base = Currency::parse("EUR").expect("a currency");
        let side = ReadSide {
            model,
            changes,
            outlet: Box::new(Arc::clone(&outlet)),
            metrics: Arc::new(ReadSideMetrics::alone(base)),
            base,
            rules: CheckRules::default(),
            stories: &[("christmas_order", "b-01")],
            now: Box::new(|| Instant::parse(NOW).expect("an instant")),
        };
        let limits = Limits { requests_per_second_max: 0, changes_per_second_max: 0, ..Limits::default() };
        let access = Access::open(&settings).expect("opened");
        let router = guarded(router(side), access, limits);
        let (decides, reads) = (decides.token, reads.token);
        let documented = Documented::default();
        Api { router, outlet, documented, decides, reads, _folder: folder }
    }

    fn mood(&self, mood: Mood) {
        *self.outlet.mood.lock().expect("whole") = mood;
    }

    fn feed(&self, events: &[Value]) {
        events.iter().for_each(|event| self.outlet.feed(event));
    }

    fn written(&self) -> Vec<(Topic, String, Value)> {
        self.outlet.written.lock().expect("whole").clone()
    }

    /// Asks as somebody, and holds the answer against the description.
    async fn asked(&self, token: &str, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let response = self.open(token, &method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        self.documented.check(&self.description().await, &method, path, &answer);
        answer
    }

    async fn open(&self, token: &str, method: &Method, path: &str, headers: &[(&str, &str)], body: String) -> Response {
        let mut request = Request::builder().method(method.clone()).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if *method == Method::POST {
            request = request.header("content-type", "application/json");
        }
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::from(body)).expect("a request");
        self.router.clone().oneshot(request).await.expect("a router does not fail")
    }

    async fn description(&self) -> Value {
        let response = self.open(&self.reads, &Method::GET, "/openapi.json", &[], String::new()).await;
        let body = axum::body::to_bytes(response.into_body(), 4 << 20).await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn get(&self, path: &str) -> Answer {
        self.asked(&self.reads, Method::GET, path, &[], String::new()).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.asked(&self.decides, Method::POST, path, headers, body.to_string()).await
    }

    /// The values of a field of the items of a list.
    async fn column(&self, path: &str, field: &str) -> Vec<Value> {
        let page = self.get(path).await.ok();
        page["items"].as_array().expect("items").iter().map(|item| item[field].clone()).collect()
    }
}

/// The instant of an hour of March.
fn at(hour: usize) -> String {
    format!("2026-03-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24)
}

/// An API about some buyers with alerts, proposals and changed limits.
fn furnished() -> Api {
    let api = Api::new();
    let named = |number: usize| format!("b-{number:02}");
    for number in 0..12_usize {
        let of = |list: &[&str]| json!(list[number % list.len()]);
        let money = |factor: usize| json!(format!("{}.{number:02}", number * factor % 50));
        let mut data = json!({"segment": of(&["named", "unnamed"]), "grade": of(&["A", "B", "C", "D", "E", "F"]),
            "country": of(&["FR", "DE", "IT"]), "sector": of(&["retail", "health", "IT resale"]),
            "name": format!("Müller {number}"), "exposure": money(7), "retained": money(11), "outstanding": money(13),
            "overdue_1_30": money(17), "insured_primary": money(19), "score": number * 8, "open_invoices": number,
            "sellers": [{"seller_id": of(&["S1", "S2"]), "outstanding": "1.00", "overdue": "0.00", "open_invoices": 1}]});
        if number % 3 == 0 {
            data["parent_id"] = json!("top");
            data["limit"] = json!("100.00");
            data["utilisation"] = json!("0.5000");
            data["dso"] = json!("31.5");
        }
        api.feed(&[exposure(&named(number), &at(number), data)]);
    }
    for number in 0..6_usize {
        let (buyer_id, id) = (named(number), format!("a{number}"));
        let severity = ["info", "warning", "critical"][number % 3];
        let kind = ["limit_exceeded", "uncovered_exposure"][number % 2];
        let data = json!({"severity": severity, "kind": kind, "score": number * 4});
        api.feed(&[alert("raised", &buyer_id, &id, &at(20 + number), data.clone())]);
        if number > 3 {
            api.feed(&[alert("cleared", &buyer_id, &id, &at(30 + number), data)]);
        }
        let money = format!("{}.00", 900 - 100 * number);
        let data = json!({"at_risk_before": money, "mode": if number % 2 == 0 { "review" } else { "auto" }, "score": number,
            "expected_loss_avoided": format!("{number}.00"), "expires_at": at(600 - number), "approvals_needed": 1});
        api.feed(&[proposed(&buyer_id, &format!("p{number}"), 1 + number as u32 % 2, &at(40 + number), data)]);
        if number > 3 {
            api.feed(&[closed(&buyer_id, &format!("p{number}"), 1 + number as u32 % 2, &at(50 + number), "rejected")]);
        }
        let data = json!({"new_limit": format!("{number}.00"), "effective_at": at(500 - number)});
        let later = json!({"new_limit": "77.00", "effective_at": at(500 - number)});
        api.feed(&[limit(&buyer_id, &at(60), data), limit(&buyer_id, &at(60 + number / 2), later)]);
    }
    api
}
