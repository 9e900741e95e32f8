//! Order checks, and holds that the engine decides.

use super::*;

fn order(data: Value) -> Value {
    let mut order = json!({"buyer_id": "b", "amount": "500.00", "currency": "EUR"});
    for (name, value) in data.as_object().expect("an object") {
        order[name] = value.clone();
    }
    order
}

fn api() -> Api {
    let api = Api::new();
    let primary = cover("primary", "200.00", "0.00", json!({}));
    api.feed(&[
        exposure("b", &at(1), json!({"limit": "1000.00", "exposure": "100.00", "covers": [primary]})),
        exposure("blank", &at(1), json!({})),
    ]);
    api
}

async fn check(api: &Api, body: Value) -> Answer {
    api.post("/v1/order-checks", &[], &body).await
}

#[tokio::test]
async fn an_order_is_checked_against_the_last_figures() {
    let api = api();
    let fits = check(&api, order(json!({}))).await.ok();
    assert_eq!(
        (&fits["answer"], &fits["headroom"], &fits["exposure_after"]),
        (&json!("accept"), &json!("900.00"), &json!("600.00"))
    );
    assert_eq!((&fits["insured"]["primary"], &fits["insured_pct"]), (&json!("200.00"), &json!("40.00")));
    assert_eq!((&fits["remedies"][0]["amount"], &fits["hold"]), (&json!("300.00"), &Value::Null));
    api.feed(&[alert("raised", "b", "i", &at(2), json!({"kind": "insolvency_opened", "severity": "warning"}))]);
    assert_eq!(check(&api, order(json!({}))).await.ok()["answer"], "refer");
    api.feed(&[alert("escalated", "b", "i", &at(3), json!({"kind": "insolvency_opened", "severity": "critical"}))]);
    let insolvent = check(&api, order(json!({}))).await.ok();
    assert_eq!((&insolvent["answer"], &insolvent["obstacles"][0]["code"]), (&json!("reject"), &json!("insolvency")));
    api.feed(&[alert("cleared", "b", "i", &at(4), json!({"kind": "insolvency_opened", "severity": "critical"}))]);
    api.feed(&[alert("raised", "b", "o", &at(5), json!({"kind": "overdue_beyond_extension", "severity": "critical"}))]);
    let late = check(&api, order(json!({}))).await.ok();
    assert_eq!((&late["answer"], &late["obstacles"][0]["code"]), (&json!("refer"), &json!("overdue_beyond_extension")));
    // A part of a cent is not given away.
    let fraction = check(&api, order(json!({"amount": "899.9999"}))).await.ok();
    assert_eq!(fraction["exposure_after"], "1000.00");
}

#[tokio::test]
async fn nobody_learns_from_a_check_whether_a_buyer_exists() {
    let api = api();
    // Time goes on, and nothing is told of the one who is known.
    api.feed(&[exposure("b", &at(80), json!({}))]);
    for data in [json!({}), json!({"currency": "USD"}), json!({"amount": "5000000"}), json!({"order_id": "o"})] {
        let mut answers = Vec::new();
        for buyer_id in ["blank", "nobody"] {
            let mut order = order(data.clone());
            order["buyer_id"] = json!(buyer_id);
            answers.push(check(&api, order).await.ok());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0]["answer"], "refer");
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_refused_with_the_reason() {
    let api = api();
    for (data, word) in [
        (json!({"amount": "0"}), "amount"),
        (json!({"amount": "-5"}), "amount"),
        (json!({"amount": "ten"}), "amount"),
        (json!({"amount": 500}), "amount"),
        (json!({"amount": "100000000000001"}), "amount"),
        (json!({"currency": "eur"}), "three letters"),
        (json!({"buyer_id": ""}), "buyer_id"),
        (json!({"buyer_id": "x".repeat(129)}), "buyer_id"),
        (json!({"order_id": "a\u{7}"}), "order_id"),
        (json!({"expected_on": "tomorrow"}), "expected_on"),
        (json!({"due_on": "2026-13-01"}), "due_on"),
        (json!({"expected_on": "2026-04-02", "due_on": "2026-04-01"}), "before"),
        (json!({"hold": true}), "order_id"),
        (json!({"hold": "yes"}), "hold"),
        (json!({"hold": true, "order_id": "o", "hold_until": "later"}), "hold_until"),
        (json!({"hold": true, "order_id": "o", "seller_id": "\u{7}"}), "seller_id"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let detail = check(&api, order(data.clone())).await.refuses(422, "unprocessable");
        assert!(detail.contains(word), "{data}: {detail}");
    }
    assert_eq!(api.written(), []);
}

fn held(data: Value) -> Value {
    let mut order = order(data);
    order["hold"] = json!(true);
    order
}

#[tokio::test]
async fn a_hold_is_decided_by_the_engine_once() {
    let api = api();
    api.mood(Mood::Decides);
    let answer = check(&api, held(json!({"order_id": "o1", "seller_id": "S1"}))).await.ok();
    let hold = &answer["hold"];
    assert_eq!((&hold["granted"], &hold["decided"]["order_id"]), (&json!(true), &json!("o1")));
    let (home, buyer_id, event) = api.written()[0].clone();
    assert_eq!((home, &*buyer_id, &event["type"]), (Topic::Invoices, "b", &json!("order.held")));
    assert_eq!((&event["id"], &hold["written"]["offset"]), (&hold["event_id"], &json!(0)));
    assert_eq!(event["data"]["expires_at"], json!("2026-03-21T10:00:00Z"), "a day from now");
    // The same again, spelt otherwise, is not asked again.
    let again = check(&api, held(json!({"order_id": "o1", "seller_id": "S1", "amount": "500"}))).await.ok();
    assert_eq!((&again["hold"]["granted"], &again["hold"]["written"]), (&json!(true), &Value::Null));
    assert_eq!((&again["hold"]["event_id"], api.written().len()), (&hold["event_id"], 1));
    for data in [json!({"amount": "500.01"}), json!({"currency": "USD"})] {
        let mut other = held(json!({"order_id": "o1", "seller_id": "S1"}));
        for (name, value) in data.as_object().expect("an object") {
            other[name] = value.clone();
        }
        check(&api, other).await.refuses(409, "held_before");
    }
    assert_eq!(api.written().len(), 1);
    // Of another seller it is another order.
    let denied = check(&api, held(json!({"order_id": "o1", "seller_id": "S2", "amount": "5000.00"}))).await.ok();
    assert_eq!((&denied["hold"]["granted"], api.written().len()), (&json!(false), 2));
}

#[tokio::test]
async fn a_hold_that_the_engine_says_nothing_of_is_neither_granted_nor_denied() {
    let api = api();
    let answer = check(&api, held(json!({"order_id": "o", "hold_until": "2026-04-01T00:00:00Z"}))).await.ok();
    assert_eq!((&answer["hold"]["granted"], &answer["hold"]["decided"]), (&Value::Null, &Value::Null));
    assert_eq!(api.written()[0].2["data"]["expires_at"], "2026-04-01T00:00:00Z");
    assert_eq!(answer["hold"]["written"]["partition"], json!(3));
    // Its word comes late: whoever asks again hears it.
    api.outlet.decide("b", &api.written()[0].2);
    let again = check(&api, held(json!({"order_id": "o"}))).await.ok();
    assert_eq!((&again["hold"]["granted"], api.written().len()), (&json!(true), 1));
    api.mood(Mood::Fails);
    check(&api, held(json!({"order_id": "o2"}))).await.refuses(503, "not_written");
}
