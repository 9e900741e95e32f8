//! Lists and single things: what is filtered, how it is sorted, page by page, and what is refused.

use super::*;
use crate::view::buyer::BuyerColumn;

/// A value that sorts as the API should: numbers and money by amount, text by bytes, null last.
fn key(value: &Value) -> (bool, Option<i128>, String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    let number =
        if value.is_number() { Some((value.as_f64().expect("a number") * 100.0) as i128) } else { digits.parse().ok() };
    (value.is_null(), number, text)
}

#[tokio::test]
async fn buyers_can_be_sorted_by_each_column_both_ways() {
    let api = furnished();
    for name in BuyerColumn::names() {
        for (sort, is_down) in [(name.to_owned(), false), (format!("-{name}"), true)] {
            let values = api.column(&format!("/v1/buyers?sort={sort}"), name).await;
            assert_eq!(values.len(), 12, "{sort}");
            let place = |severity: &Value| ["info", "warning", "critical"].iter().position(|known| severity == known);
            let known: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
            let is_sorted = if name == "worst_severity" {
                // Nobody's alerts are less than any.
                let places: Vec<Option<usize>> = values.iter().map(place).collect();
                if is_down { places.is_sorted_by(|a, b| a >= b) } else { places.is_sorted() }
            } else {
                let nulls = values.len() - known.len();
                assert!(values[known.len()..].iter().all(Value::is_null), "{sort}: {nulls} nulls are not last");
                let keys: Vec<_> = known.iter().map(|value| key(value)).collect();
                if is_down { keys.is_sorted_by(|a, b| a >= b) } else { keys.is_sorted() }
            };
            assert!(is_sorted, "{sort}: {values:?}");
        }
    }
    let detail = api.get("/v1/buyers?sgment=named").await.refuses(400, "bad_request");
    assert!(detail.contains("sgment") && detail.contains("segment"), "{detail}");
    let detail = api.get("/v1/buyers?sort=colour").await.refuses(400, "bad_request");
    assert!(detail.contains("\"colour\"") && detail.contains("retained"), "{detail}");
}

#[tokio::test]
async fn buyers_are_filtered_by_each_of_their_properties() {
    let api = furnished();
    for (query, count) in [
        ("", 12),
        ("segment=named", 6),
        ("grade=C", 2),
        ("country=DE", 4),
        ("sector=IT%20resale", 4),
        ("seller=S2", 6),
        ("parent_id=top", 4),
        ("q=b-1", 2),
        ("q=M%C3%9CLLER%207", 1),
        ("q=nobody", 0),
        ("segment=named&country=DE", 2),
        ("seller=", 0),
    ] {
        let page = api.get(&format!("/v1/buyers?{query}")).await.ok();
        assert_eq!((&page["total"], page["items"].as_array().map(Vec::len)), (&json!(count), Some(count)), "{query}");
    }
    let row = &api.get("/v1/buyers?q=b-02").await.ok()["items"][0];
    assert_eq!(
        (&row["open_alerts"], &row["worst_severity"], &row["open_proposals"]),
        (&json!(1), &json!("critical"), &json!(1))
    );
    for (query, word) in [
        ("segment=big", "unnamed"),
        ("grade=G", "A, B, C"),
        ("limit=0", "1 to 500"),
        ("limit=501", "1 to 500"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=abc", "next"),
        ("sort=", "buyer_id"),
        ("sort=-", "buyer_id"),
        ("segment=named&segment=unnamed", "segment"),
        ("q=%ff", ""),
    ] {
        let answer = api.get(&format!("/v1/buyers?{query}")).await;
        if query == "q=%ff" {
            assert!(answer.status == 200 || answer.status == 400, "{query}");
            continue;
        }
        let detail = answer.refuses(400, "bad_request");
        assert!(detail.contains(word), "{query}: {detail}");
    }
}

#[tokio::test]
async fn pages_go_through_every_list_without_a_gap() {
    let api = furnished();
    for (list, field, total) in [
        ("/v1/buyers?sort=country", "buyer_id", 12),
        ("/v1/alerts?state=all", "alert_id", 6),
        ("/v1/proposals?state=all", "proposal_id", 6),
        ("/v1/limit-changes?sort=at", "at", 12),
        ("/v1/limit-changes?sort=-effective_at", "buyer_id", 12),
    ] {
        let whole = api.get(list).await.ok();
        let mut items = Vec::new();
        let mut path = format!("{list}&limit=5");
        loop {
            let page = api.get(&path).await.ok();
            assert_eq!(page["total"], json!(total), "{list}");
            items.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{list}&limit=5&cursor={next}");
            assert!(items.len() < total, "{list} does not end");
        }
        assert_eq!(json!(items), whole["items"], "{list}");
        assert!(items.iter().all(|item| item[field].is_string()));
    }
}

#[tokio::test]
async fn alerts_are_filtered_and_sorted() {
    let api = furnished();
    let ids = async |query: &str| api.column(&format!("/v1/alerts?{query}"), "alert_id").await;
    assert_eq!(ids("").await, ["a2", "a1", "a3", "a0"], "the worst and latest first");
    assert_eq!(ids("state=cleared").await.len(), 2);
    assert_eq!(ids("state=all").await.len(), 6);
    assert_eq!(ids("kind=uncovered_exposure").await, ["a1", "a3"]);
    assert_eq!(ids("severity=info&sort=raised_at").await, ["a0", "a3"]);
    assert_eq!(ids("buyer_id=b-01").await, ["a1"]);
    assert_eq!(ids("buyer_id=nobody").await, Vec::<Value>::new());
    for column in ["severity", "raised_at", "changed_at", "exposure", "score", "buyer_id", "kind"] {
        let (up, down) = (ids(&format!("sort={column}")).await, ids(&format!("sort=-{column}")).await);
        assert_eq!((up.len(), down.len()), (4, 4), "{column}");
        if ["raised_at", "changed_at", "score", "buyer_id"].contains(&column) {
            assert_eq!((up, down), (json_of(["a0", "a1", "a2", "a3"]), json_of(["a3", "a2", "a1", "a0"])), "{column}");
        }
    }
    for (query, word) in
        [("state=shut", "cleared"), ("kind=odd", "cover_lost"), ("severity=bad", "warning"), ("sort=x", "raised_at")]
    {
        let detail = api.get(&format!("/v1/alerts?{query}")).await.refuses(400, "bad_request");
        assert!(detail.contains(word), "{query}: {detail}");
    }
    let one = api.get("/v1/alerts/a4").await.ok();
    assert_eq!((&one["state"], &one["buyer_name"]), (&json!("cleared"), &json!("Müller 4")));
    api.get("/v1/alerts/none").await.refuses(404, "not_found");
}

fn json_of<const N: usize>(texts: [&str; N]) -> Vec<Value> {
    texts.map(|text| json!(text)).to_vec()
}

#[tokio::test]
async fn proposals_are_filtered_and_sorted_and_one_names_its_version() {
    let api = furnished();
    let ids = async |query: &str| api.column(&format!("/v1/proposals?{query}"), "proposal_id").await;
    let (up, down) = (json_of(["p0", "p1", "p2", "p3"]), json_of(["p3", "p2", "p1", "p0"]));
    assert_eq!(ids("").await, up, "what is most at risk first");
    for column in ["expected_loss_avoided", "proposed_at", "changed_at", "score", "buyer_id"] {
        assert_eq!(
            (ids(&format!("sort={column}")).await, ids(&format!("sort=-{column}")).await),
            (up.clone(), down.clone())
        );
    }
    for column in ["at_risk_before", "expires_at"] {
        assert_eq!(
            (ids(&format!("sort={column}")).await, ids(&format!("sort=-{column}")).await),
            (down.clone(), up.clone())
        );
    }
    assert_eq!((ids("state=closed").await.len(), ids("state=all").await.len()), (2, 6));
    assert_eq!((ids("mode=auto").await, ids("buyer_id=b-02").await), (json_of(["p1", "p3"]), json_of(["p2"])));
    for (query, word) in [("state=shut", "closed"), ("mode=odd", "review"), ("sort=x", "at_risk_before")] {
        let detail = api.get(&format!("/v1/proposals?{query}")).await.refuses(400, "bad_request");
        assert!(detail.contains(word), "{query}: {detail}");
    }
    let one = api.get("/v1/proposals/p1").await;
    assert_eq!((one.headers["etag"].to_str().ok(), &one.ok()["version"]), (Some("\"2\""), &json!(2)));
    api.get("/v1/proposals/none").await.refuses(404, "not_found");
}

#[tokio::test]
async fn limit_changes_are_told_the_latest_first_and_those_of_the_same_time_in_their_order() {
    let api = Api::new();
    for number in 0..7 {
        let (buyer_id, time) = (["b", "c"][number % 2], at(number / 4));
        api.feed(&[limit(buyer_id, &time, json!({"new_limit": format!("{number}.00"), "effective_at": at(9)}))]);
    }
    let limits = async |query: &str| api.column(&format!("/v1/limit-changes?{query}"), "new_limit").await;
    assert_eq!(limits("").await, ["6.00", "4.00", "5.00", "2.00", "0.00", "3.00", "1.00"]);
    assert_eq!(limits("buyer_id=c").await, ["5.00", "3.00", "1.00"]);
    assert_eq!(limits("buyer_id=nobody").await, Vec::<Value>::new());
    let detail = api.get("/v1/limit-changes?sort=old_limit").await.refuses(400, "bad_request");
    assert!(detail.contains("effective_at"), "{detail}");
}

#[tokio::test]
async fn a_buyers_page_has_all_of_it() {
    let api = furnished();
    let page = api.get("/v1/buyers/b-04").await.ok();
    assert_eq!((&page["row"]["buyer_id"], &page["row"]["month_ends"]), (&json!("b-04"), &json!([])));
    assert_eq!(page["alerts"], json!([]), "cleared");
    let id = |list: &str, field: &str| page[list][0][field].clone();
    assert_eq!((id("alert_history", "alert_id"), id("proposal_history", "proposal_id")), (json!("a4"), json!("p4")));
    assert_eq!(page["limit_history"].as_array().map(Vec::len), Some(2));
    let open = api.get("/v1/buyers/b-01").await.ok();
    assert_eq!((&open["alerts"][0]["alert_id"], &open["proposals"][0]["proposal_id"]), (&json!("a1"), &json!("p1")));
    for strange in ["nobody", "%20", "b%2F01", "%00", "%ff", &"x".repeat(500)] {
        api.get(&format!("/v1/buyers/{strange}")).await.refuses(404, "not_found");
    }
}

#[tokio::test]
async fn whoever_asks_is_told_who_they_are() {
    let api = furnished();
    let me = api.get("/v1/me").await.ok();
    assert_eq!((&me["name"], &me["scopes"], &me["base_currency"]), (&json!("erp"), &json!(["read"]), &json!("EUR")));
    assert_eq!((&me["clock"], &me["stories"][0]["buyer_id"]), (&json!(at(62)), &json!("b-01")));
    let nothing = Api::new();
    assert_eq!(nothing.get("/v1/me").await.ok()["clock"], Value::Null);
    for path in ["/v1/buyers", "/v1/alerts", "/v1/proposals", "/v1/limit-changes"] {
        assert_eq!(nothing.get(path).await.ok(), json!({"items": [], "next": null, "total": 0}), "{path}");
    }
    let sums = nothing.get("/v1/portfolio?by=grade").await.ok();
    assert_eq!((&sums["totals"]["buyers"], &sums["groups"]), (&json!(0), &json!([])));
}
