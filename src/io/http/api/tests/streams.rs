//! The stream of changes.

use futures_util::StreamExt;

use super::*;

/// Reads events of a stream until there are so many.
async fn read(response: Response, events: usize) -> Vec<(String, String)> {
    let mut body = response.into_body().into_data_stream();
    let mut text = String::new();
    while text.matches("\n\n").count() < events {
        text += std::str::from_utf8(&body.next().await.expect("more").expect("a body")).expect("UTF-8");
    }
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    text.split_terminator("\n\n").map(|event| (field(event, "event"), field(event, "data"))).collect()
}

#[tokio::test]
async fn alerts_proposals_and_limits_are_told_as_they_come() {
    let api = Api::new();
    api.feed(&[exposure("b", &at(1), json!({"name": "Bee"})), alert("raised", "b", "before", &at(2), json!({}))]);
    let response = api.open(&api.reads, &Method::GET, "/v1/events", &[], String::new()).await;
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::OK, &"text/event-stream".parse().expect("a value"))
    );
    api.feed(&[
        alert("raised", "b", "a", &at(3), json!({})),
        proposed("b", "p", 1, &at(4), json!({})),
        approved("b", "p", 1, &at(5), "one"),
        limit("b", &at(6), json!({})),
        samples::hold("b", &at(6), "e", json!({})),
        exposure("b", &at(7), json!({})),
        snoozed("b", "a", &at(8), "2026-12-15", "one"),
        closed("b", "p", 1, &at(9), "approved"),
    ]);
    let events = read(response, 6).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["alert", "proposal", "proposal", "limit", "alert", "proposal"]);
    let data: Vec<Value> = events.iter().map(|(_, data)| serde_json::from_str(data).expect("JSON")).collect();
    assert_eq!((&data[0]["alert_id"], &data[0]["buyer_name"]), (&json!("a"), &json!("Bee")));
    assert_eq!((&data[2]["approvals"][0]["decided_by"], &data[4]["snoozed_by"]), (&json!("one"), &json!("one")));
    assert_eq!(data[5]["state"], "closed");
    // What the stream tells is what is answered when it is asked for.
    assert_eq!(data[5], api.get("/v1/proposals/p").await.ok());
}

#[tokio::test]
async fn whoever_reads_too_slowly_hears_that_something_is_lost() {
    let api = Api::with_room(4);
    let response = api.open(&api.reads, &Method::GET, "/v1/events", &[], String::new()).await;
    let told: Vec<Value> =
        (0..9).map(|number| limit("b", &at(number), json!({"new_limit": format!("{number}.00")}))).collect();
    api.feed(&told);
    let events = read(response, 5).await;
    assert_eq!(events[0], ("lost".to_owned(), "5".to_owned()));
    let last: Value = serde_json::from_str(&events[4].1).expect("JSON");
    assert_eq!(last["new_limit"], "8.00");
}
