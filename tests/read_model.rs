//! The read model fed with what a real replay put out, against what those outputs say when they are read by hand.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use vigie::view::totals::Totals;
use vigie::view::{Alert, Fed, Proposal, ReadModel};

/// The outputs of a portfolio's year.
fn outputs() -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let vigie = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie")).current_dir(&folder).args(arguments).output();
        let output = output.expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    vigie(&["generate", "--preset", "small", "--seed", "3", "--output", "events.jsonl"]);
    vigie(&["replay", "events.jsonl", "--now", "2026-06-01T00:00:00Z", "--outputs", "outputs.jsonl"]);
    let text = std::fs::read_to_string(folder.path().join("outputs.jsonl")).expect("outputs");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn topic(event: &Value) -> Fed {
    match event["type"].as_str().expect("a type") {
        "exposure.updated" => Fed::Exposures,
        "alert.raised" | "alert.escalated" | "alert.cleared" => Fed::Alerts,
        "limit.reduction_proposed" | "limit.reduction_closed" => Fed::LimitProposals,
        "limit.changed" => Fed::LimitChanges,
        name => panic!("{name} is new"),
    }
}

fn model(outputs: &[Value]) -> ReadModel {
    let model = ReadModel::default();
    for event in outputs {
        let fed = model.feed(topic(event), None, Some(event.to_string().as_bytes()));
        fed.unwrap_or_else(|error| panic!("{error}: {event}"));
    }
    model
}

/// The last event of each of some types, by a field of its data.
fn last<'a>(outputs: &'a [Value], types: &[&str], field: &str) -> BTreeMap<&'a str, &'a Value> {
    let of = outputs.iter().filter(|event| types.contains(&event["type"].as_str().expect("a type")));
    of.map(|event| (event["data"][field].as_str().expect("an id"), event)).collect()
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}

/// That the model says of it what the data of an event say, field by field.
fn says(told: &Value, event: &Value, fields: &[&str]) {
    for field in fields {
        assert_eq!(told[field], event["data"][field], "{field} of {event}");
    }
}

#[test]
fn the_read_model_says_what_the_outputs_of_a_replay_say() {
    let outputs = outputs();
    let model = model(&outputs);
    rows_are_the_last_ones(&model, &outputs);
    alerts_are_as_last_told(&model, &outputs);
    proposals_are_as_last_told(&model, &outputs);
    limits_are_all_there(&model, &outputs);
    let latest = outputs.iter().map(|event| event["time"].as_str().expect("a time")).max();
    assert_eq!(model.clock().map(|clock| clock.to_string()).as_deref(), latest);
}

fn rows_are_the_last_ones(model: &ReadModel, outputs: &[Value]) {
    let rows = last(outputs, &["exposure.updated"], "buyer_id");
    assert!(rows.len() > 100 && model.buyers() == rows.len());
    let mut seen = 0;
    let mut totals = Totals::default();
    model.each_buyer(|row| {
        seen += 1;
        totals.add(row);
        let mut text = String::new();
        row.push_json(&mut text);
        let told: Value = serde_json::from_str(&text).expect("a row is JSON");
        let event = rows[told["buyer_id"].as_str().expect("an id")];
        for (name, value) in told.as_object().expect("an object") {
            match &event["data"][name] {
                Value::Null => assert!(
                    value.is_null() || event["data"].get(name).is_none(),
                    "{name} is {value} in the model, and null in {event}"
                ),
                expected => assert_eq!(value, expected, "{name} of {event}"),
            }
        }
        assert_eq!(told["updated_at"], event["time"]);
        assert_eq!(serde_json::from_str::<Value>(row.buyer.data.get()).expect("JSON"), event["data"]);
    });
    assert_eq!(seen, rows.len());
    let cents = |name: &str| -> i128 {
        let of = |event: &&Value| event["data"][name].as_str().expect("money").replace('.', "").parse::<i128>();
        rows.values().map(|event| of(event).expect("cents")).sum()
    };
    let told = json_of(&totals.view());
    for name in ["outstanding", "exposure", "retained", "indemnifiable", "expected_loss"] {
        assert_eq!(told[name].as_str().expect("money").replace('.', ""), cents(name).to_string(), "{name}");
    }
}

fn alerts_are_as_last_told(model: &ReadModel, outputs: &[Value]) {
    let types = ["alert.raised", "alert.escalated", "alert.cleared"];
    let raised: BTreeMap<&str, &Value> = last(outputs, &types[..1], "alert_id");
    let told = last(outputs, &types, "alert_id");
    assert!(told.len() > 100);
    let open = told.values().filter(|event| event["type"] != "alert.cleared").count();
    assert_eq!(model.alerts(Alert::is_open).len(), open);
    for (alert_id, event) in told {
        let alert = json_of(&model.alert_of(alert_id).expect("known"));
        let fields = ["alert_id", "kind", "severity", "score", "grade", "previous_grade", "reasons", "exposure"];
        says(&alert, event, &fields);
        says(&alert, event, &["caused_by", "params_version"]);
        let state = if event["type"] == "alert.cleared" { "cleared" } else { "open" };
        assert_eq!((&alert["state"], &alert["buyer_id"]), (&json!(state), &event["subject"]));
        assert_eq!((&alert["raised_at"], &alert["changed_at"]), (&raised[alert_id]["time"], &event["time"]));
    }
}

fn proposals_are_as_last_told(model: &ReadModel, outputs: &[Value]) {
    let told = last(outputs, &["limit.reduction_proposed"], "proposal_id");
    let closed = last(outputs, &["limit.reduction_closed"], "proposal_id");
    assert!(told.len() > 10 && closed.len() > 10);
    assert_eq!(model.proposals(Proposal::is_open).len(), told.len() - closed.len());
    for (proposal_id, event) in told {
        let proposal = json_of(&model.proposal_of(proposal_id).expect("known"));
        let fields: Vec<&str> = event["data"].as_object().expect("data").keys().map(String::as_str).collect();
        let fields: Vec<&str> = fields.into_iter().filter(|field| *field != "caused_by").collect();
        says(&proposal, event, &fields);
        assert_eq!(proposal["state"], json!(if closed.contains_key(proposal_id) { "closed" } else { "open" }));
        if let Some(end) = closed.get(proposal_id) {
            says(&proposal, end, &["outcome", "decided_by", "version"]);
            assert_eq!(proposal["changed_at"], end["time"]);
        }
    }
}

fn limits_are_all_there(model: &ReadModel, outputs: &[Value]) {
    let told: Vec<&Value> = outputs.iter().filter(|event| event["type"] == "limit.changed").collect();
    assert!(told.len() > 100 && model.limits().len() == told.len());
    let buyers: BTreeMap<&str, Vec<&Value>> = told.iter().fold(BTreeMap::new(), |mut buyers, event| {
        buyers.entry(event["subject"].as_str().expect("a buyer")).or_insert_with(Vec::new).insert(0, *event);
        buyers
    });
    for (buyer_id, events) in buyers {
        let limits = model.limits_of(buyer_id);
        assert_eq!(limits.len(), events.len());
        for (limit, event) in limits.iter().zip(events) {
            let told = json_of(limit);
            says(&told, event, &["old_limit", "new_limit", "currency", "effective_at", "cause", "proposal_id"]);
            assert_eq!((&told["at"], &told["decided_by"]), (&event["time"], &event["data"]["decided_by"]));
        }
    }
}
