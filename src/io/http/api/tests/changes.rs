//! Decisions and snoozes: what is refused, what is written under whose name, and that a key is done once.

use bumpalo::Bump;

use super::*;
use crate::wire::{DecodeRules, decode_value};

/// What is written must be what the engine takes.
#[track_caller]
fn is_taken(event: &Value) {
    let rules = DecodeRules::new(Currency::parse("EUR").expect("a currency"), Instant::parse(NOW).expect("an instant"));
    let (text, scratch) = (event.to_string(), Bump::new());
    let decoded = decode_value(text.as_bytes(), &rules, &scratch).map(|event| event.id.to_owned());
    assert_eq!(decoded, Ok(event["id"].as_str().expect("an id").to_owned()), "{event}");
}

const DECISION: &str = "/v1/proposals/p0/decision";

fn approve() -> Value {
    json!({"decision": "approve"})
}

#[tokio::test]
async fn a_decision_is_written_under_the_name_of_who_asks() {
    let api = furnished();
    let amended = json!({"decision": "amend", "amount": "300000.00", "reason": " as agreed "});
    for body in [approve(), amended, json!({"decision": "reject", "reason": "paid since"})] {
        let answer = api.post(DECISION, &[("if-match", "\"1\"")], &body).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        let told = answer.json();
        let id = told["decision_id"].as_str().expect("an id");
        assert_eq!(answer.headers["location"], format!("/v1/decisions/{id}"));
        let written = api.written();
        let (home, buyer_id, event) = written.last().expect("written");
        assert_eq!((*home, &**buyer_id, &event["id"]), (Topic::Decisions, "b-00", &told["decision_id"]));
        assert_eq!((&told["partition"], &told["offset"]), (&json!(3), &json!(written.len() - 1)));
        assert_eq!((&event["subject"], &event["time"]), (&json!("b-00"), &json!(NOW)));
        let data = &event["data"];
        assert_eq!(
            (&data["decided_by"], &data["version"], &data["proposal_id"]),
            (&json!("m.keller"), &json!(1), &json!("p0"))
        );
        is_taken(event);
        match body["decision"].as_str() {
            Some("reject") => {
                assert_eq!((&event["type"], &data["reason"]), (&json!("proposal.rejected"), &json!("paid since")))
            }
            Some("amend") => {
                assert_eq!((data["amount"].as_str(), &data["reason"]), (Some("300000.00"), &json!("as agreed")))
            }
            _ => assert_eq!(
                (&event["type"], data.get("amount").is_none_or(Value::is_null)),
                (&json!("proposal.approved"), true)
            ),
        }
    }
}

#[tokio::test]
async fn a_decision_names_the_version_that_it_is_about() {
    let api = furnished();
    let detail = api.post(DECISION, &[], &approve()).await.refuses(428, "version_needed");
    assert!(detail.contains("If-Match"), "{detail}");
    let detail = api.post(DECISION, &[("if-match", "\"2\"")], &approve()).await.refuses(412, "other_version");
    assert!(detail.contains("version 1"), "{detail}");
    for wrong in ["", "\"\"", "*", "one", "\"1", "W/\"1\"", "-1"] {
        let answer = api.post(DECISION, &[("if-match", wrong)], &approve()).await;
        answer.refuses(400, "bad_request");
    }
    api.post(DECISION, &[("if-match", "1"), ("if-match", "2")], &approve()).await.refuses(400, "bad_request");
    let closed = api.post("/v1/proposals/p4/decision", &[("if-match", "\"1\"")], &approve()).await;
    closed.refuses(409, "not_open");
    let unknown = api.post("/v1/proposals/none/decision", &[("if-match", "\"1\"")], &approve()).await;
    unknown.refuses(404, "not_found");
    assert_eq!(api.written(), []);
}

#[tokio::test]
async fn a_decision_that_says_not_what_it_should_is_refused_with_the_reason() {
    let api = furnished();
    for (body, status, word) in [
        (json!({"decision": "amend", "amount": "1.00"}), 422, "reason"),
        (json!({"decision": "amend", "amount": "1.00", "reason": "  "}), 422, "reason"),
        (json!({"decision": "reject"}), 422, "reason"),
        (json!({"decision": "amend", "reason": "why"}), 422, "amount"),
        (json!({"decision": "amend", "amount": "-1.00", "reason": "why"}), 422, "amount"),
        (json!({"decision": "amend", "amount": "1.00001", "reason": "why"}), 422, "amount"),
        (json!({"decision": "amend", "amount": "much", "reason": "why"}), 422, "amount"),
        (json!({"decision": "amend", "amount": 5, "reason": "why"}), 422, "amount"),
        (json!({"decision": "approve", "amount": "5.00"}), 422, "amend"),
        (json!({"decision": "approve", "reason": "x".repeat(2001)}), 422, "2000"),
        (json!({"decision": "perhaps"}), 422, "approve"),
        (json!({"decision": "approve", "decided_by": "somebody"}), 422, "decided_by"),
        (json!({}), 422, "decision"),
        (json!([]), 422, ""),
    ] {
        let answer = api.post(DECISION, &[("if-match", "\"1\"")], &body).await;
        let detail = answer.refuses(status, "unprocessable");
        assert!(detail.contains(word), "{body}: {detail}");
    }
    let broken = api.asked(&api.decides, Method::POST, DECISION, &[("if-match", "\"1\"")], "{".to_owned()).await;
    broken.refuses(400, "bad_request");
    let reason = json!({"decision": "approve", "reason": "line\nand \u{1} \"quotes\" \u{1F600}"});
    assert_eq!(api.post(DECISION, &[("if-match", "\"1\"")], &reason).await.status, 202);
    assert_eq!(api.written().len(), 1);
    is_taken(&api.written()[0].2);
}

#[tokio::test]
async fn the_same_key_with_the_same_request_is_done_once() {
    let api = furnished();
    let keyed = async |key: &str, body: Value| {
        api.post(DECISION, &[("if-match", "\"1\""), ("idempotency-key", key)], &body).await
    };
    let first = keyed("k1", approve()).await;
    assert_eq!(first.status, 202);
    // Though it is closed by now.
    api.feed(&[closed("b-00", "p0", 1, &at(90), "approved")]);
    let again = keyed("k1", approve()).await;
    assert_eq!((again.status, again.json(), api.written().len()), (202, first.json(), 1));
    keyed("k1", json!({"decision": "reject", "reason": "no"})).await.refuses(422, "key_reused");
    keyed("k2", approve()).await.refuses(409, "not_open");
    let other = "/v1/proposals/p1/decision";
    let path = api.post(other, &[("if-match", "\"2\""), ("idempotency-key", "k1")], &approve()).await;
    path.refuses(422, "key_reused");
    for wrong in ["", &"x".repeat(129)] {
        let answer = api.post(other, &[("if-match", "\"2\""), ("idempotency-key", wrong)], &approve()).await;
        answer.refuses(400, "bad_request");
    }
    let longest = "x".repeat(128);
    let answer = api.post(other, &[("if-match", "\"2\""), ("idempotency-key", &longest)], &approve()).await;
    assert_eq!((answer.status, api.written().len()), (202, 2));
}

#[tokio::test]
async fn a_key_whose_request_is_under_way_is_told_so_and_free_again_where_that_comes_to_nothing() {
    let api = furnished();
    let headers = [("if-match", "\"1\""), ("idempotency-key", "k")];
    api.mood(Mood::Hangs);
    let approval = approve();
    let mut first = Box::pin(api.post(DECISION, &headers, &approval));
    assert!(futures_util::poll!(&mut first).is_pending());
    // It is polled until it has written.
    while api.written().is_empty() {
        assert!(futures_util::poll!(&mut first).is_pending());
        tokio::task::yield_now().await;
    }
    api.post(DECISION, &headers, &approve()).await.refuses(409, "under_way");
    drop(first);
    api.mood(Mood::Fails);
    let detail = api.post(DECISION, &headers, &approve()).await.refuses(503, "not_written");
    assert!(!detail.contains("canary"), "the log is told why, and nobody else: {detail}");
    api.mood(Mood::Works);
    assert_eq!(api.post(DECISION, &headers, &approve()).await.status, 202);
}

#[tokio::test]
async fn what_became_of_a_decision_is_told() {
    let api = Api::new();
    api.feed(&[exposure("b", &at(1), json!({})), proposed("b", "p", 1, &at(2), json!({"approvals_needed": 2}))]);
    let state = async |id: &str| {
        let told = api.get(&format!("/v1/decisions/{id}")).await.ok();
        (told["state"].as_str().expect("a state").to_owned(), told["outcome"].clone())
    };
    let decide = async |body: Value| {
        let answer = api.post("/v1/proposals/p/decision", &[("if-match", "\"1\"")], &body).await;
        answer.json()["decision_id"].as_str().expect("an id").to_owned()
    };
    let first = decide(approve()).await;
    api.get(&format!("/v1/decisions/{first}")).await.refuses(404, "not_found");
    api.feed(&[api.written()[0].2.clone()]);
    assert_eq!(state(&first).await, ("counted".to_owned(), Value::Null));
    let told = api.get(&format!("/v1/decisions/{first}")).await.ok();
    assert_eq!(
        (&told["decision"], &told["decided_by"], &told["version"]),
        (&json!("approve"), &json!("m.keller"), &json!(1))
    );
    api.feed(&[approved("b", "p", 1, &at(4), "somebody.else")]);
    assert_eq!(state(&first).await.0, "pending", "both are there, and the engine has not said so yet");
    let approvals = api.get("/v1/proposals/p").await.ok()["approvals"].clone();
    assert_eq!(
        (&approvals[0]["decided_by"], &approvals[1]["decided_by"]),
        (&json!("m.keller"), &json!("somebody.else"))
    );
    api.feed(&[closed("b", "p", 1, &at(5), "approved")]);
    assert_eq!(state(&first).await, ("closed".to_owned(), json!("approved")));
}

#[tokio::test]
async fn an_alert_is_silenced_while_it_is_open() {
    let api = furnished();
    let until = json!({"until": "2026-12-15"});
    let answer = api.post("/v1/alerts/a1/snooze", &[("idempotency-key", "s")], &until).await;
    assert_eq!(answer.status, 202);
    let again = api.post("/v1/alerts/a1/snooze", &[("idempotency-key", "s")], &until).await;
    assert_eq!((again.json(), api.written().len()), (answer.json(), 1));
    let (home, buyer_id, event) = api.written()[0].clone();
    assert_eq!((home, &*buyer_id, &event["type"]), (Topic::Decisions, "b-01", &json!("alert.snoozed")));
    assert_eq!((&event["data"]["until"], &event["data"]["decided_by"]), (&json!("2026-12-15"), &json!("m.keller")));
    is_taken(&event);
    api.feed(&[event.clone()]);
    let alert = api.get("/v1/alerts/a1").await.ok();
    assert_eq!((&alert["snoozed_until"], &alert["snoozed_by"]), (&json!("2026-12-15"), &json!("m.keller")));
    let told = api.get(&format!("/v1/decisions/{}", event["id"].as_str().expect("an id"))).await.ok();
    assert_eq!(
        (&told["decision"], &told["alert_id"], &told["proposal_id"]),
        (&json!("snooze"), &json!("a1"), &Value::Null)
    );
    let raised = alert_json();
    assert_eq!(raised["data"]["alert_id"], json!("z"));
    api.post("/v1/alerts/a4/snooze", &[], &until).await.refuses(409, "not_open");
    api.post("/v1/alerts/none/snooze", &[], &until).await.refuses(404, "not_found");
    for wrong in
        [json!({"until": "soon"}), json!({"until": "2026-02-30"}), json!({}), json!({"until": "2026-12-15", "x": 1})]
    {
        api.post("/v1/alerts/a1/snooze", &[], &wrong).await.refuses(422, "unprocessable");
    }
}

fn alert_json() -> Value {
    alert("raised", "b", "z", &at(1), json!({}))
}

#[tokio::test]
async fn who_may_read_alone_can_neither_decide_nor_snooze_nor_hold() {
    let api = furnished();
    let as_reader = async |path: &str, body: Value| {
        api.asked(&api.reads, Method::POST, path, &[("if-match", "\"1\"")], body.to_string()).await
    };
    as_reader(DECISION, approve()).await.refuses(403, "forbidden");
    // Nor do they learn what there is.
    as_reader("/v1/proposals/none/decision", approve()).await.refuses(403, "forbidden");
    as_reader("/v1/alerts/a1/snooze", json!({"until": "2026-12-15"})).await.refuses(403, "forbidden");
    as_reader("/v1/alerts/none/snooze", json!({"until": "2026-12-15"})).await.refuses(403, "forbidden");
    let order = json!({"buyer_id": "b-00", "amount": "1.00", "currency": "EUR", "order_id": "o", "hold": true});
    as_reader("/v1/order-checks", order.clone()).await.refuses(403, "forbidden");
    let plain = json!({"buyer_id": "b-00", "amount": "1.00", "currency": "EUR"});
    assert_eq!(as_reader("/v1/order-checks", plain).await.status, 200);
    assert_eq!(api.written(), []);
    let nobody = api.asked("unknown", Method::POST, "/v1/order-checks", &[], order.to_string()).await;
    nobody.refuses(401, "unauthorized");
    api.asked("unknown", Method::GET, "/v1/buyers", &[], String::new()).await.refuses(401, "unauthorized");
    let elsewhere = [("if-match", "\"1\""), ("sec-fetch-site", "cross-site")];
    api.post(DECISION, &elsewhere, &approve()).await.refuses(403, "cross_site");
    let deleted = api.asked(&api.decides, Method::DELETE, "/v1/buyers/b-00", &[], String::new()).await;
    assert!(deleted.status == 405 || deleted.status == 403 || deleted.status == 415, "{}", deleted.status);
    assert_eq!(api.written(), []);
}
