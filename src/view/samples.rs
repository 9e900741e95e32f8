//! Owns records of the output topics for tests, made of the examples of the published schemas.

use serde_json::{Value, json};

use super::{Fed, ReadModel};

/// An example of a published schema.
macro_rules! example {
    ($name:literal) => {{
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/", $name, ".json"));
        let schema: Value = serde_json::from_str(text).expect("a schema");
        schema["examples"][0].clone()
    }};
}

/// An event of an example: about another buyer, of another time, with some of its data replaced.
fn made(mut event: Value, buyer_id: &str, at: &str, data: Value) -> Value {
    event["subject"] = json!(buyer_id);
    event["time"] = json!(at);
    event["id"] = json!(format!("{} {at} {data}", event["type"]));
    let fields = event["data"].as_object_mut().expect("data");
    for (name, value) in data.as_object().expect("an object") {
        assert!(fields.contains_key(name) || name == "old_currency", "{name} is no field of {}", event["type"]);
        fields.insert(name.clone(), value.clone());
    }
    event
}

/// An `exposure.updated` of a buyer who owes nothing, has no limit and no cover, but for what `data` says.
pub(crate) fn exposure(buyer_id: &str, at: &str, data: Value) -> Value {
    let mut event = example!("exposure.updated");
    let fields = event["data"].as_object_mut().expect("data");
    let none = ["limit", "utilisation", "name", "country", "segment", "sector", "parent_id"];
    let days = ["days_beyond_terms", "dso", "dso_countback", "average_days_delinquent"];
    for name in none.iter().chain(&days) {
        fields[*name] = Value::Null;
    }
    for (_, value) in fields.iter_mut().filter(|(_, value)| is_money(value)) {
        *value = json!("0.00");
    }
    for name in ["sellers", "covers", "month_ends", "reasons"] {
        fields[name] = json!([]);
    }
    fields["oldest_overdue_days"] = json!(0);
    fields["open_invoices"] = json!(0);
    fields["fx_missing"] = json!(false);
    fields["grade"] = json!("B");
    fields["as_of"] = json!(at[..10].to_owned());
    fields["buyer_id"] = json!(buyer_id);
    made(event, buyer_id, at, data)
}

fn is_money(value: &Value) -> bool {
    value.as_str().and_then(|text| text.rsplit_once('.')).is_some_and(|(whole, rest)| {
        rest.len() == 2 && rest.bytes().chain(whole.bytes()).all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// A cover, as a row has it.
pub(crate) fn cover(layer: &str, amount: &str, taken: &str, data: Value) -> Value {
    let mut cover = json!({"cover_id": layer, "layer": layer, "amount": amount, "taken": taken, "insured_pct": "90",
        "valid_from": "2026-01-01", "valid_to": null, "order_id": null, "max_payment_term_days": null,
        "stopped_since": null});
    for (name, value) in data.as_object().expect("an object") {
        assert!(cover.get(name).is_some(), "{name}");
        cover[name] = value.clone();
    }
    cover
}

/// An `alert.raised`, `alert.escalated` or `alert.cleared`.
pub(crate) fn alert(what: &str, buyer_id: &str, alert_id: &str, at: &str, data: Value) -> Value {
    let event = match what {
        "raised" => example!("alert.raised"),
        "escalated" => example!("alert.escalated"),
        _ => example!("alert.cleared"),
    };
    let event = made(event, buyer_id, at, json!({"alert_id": alert_id}));
    made(event, buyer_id, at, data)
}

/// A `limit.reduction_proposed`.
pub(crate) fn proposed(buyer_id: &str, proposal_id: &str, version: u32, at: &str, data: Value) -> Value {
    let named = json!({"proposal_id": proposal_id, "version": version});
    made(made(example!("limit.reduction_proposed"), buyer_id, at, named), buyer_id, at, data)
}

/// A `limit.reduction_closed`.
pub(crate) fn closed(buyer_id: &str, proposal_id: &str, version: u32, at: &str, outcome: &str) -> Value {
    let data = json!({"proposal_id": proposal_id, "version": version, "outcome": outcome});
    made(example!("limit.reduction_closed"), buyer_id, at, data)
}

/// A `limit.changed`.
pub(crate) fn limit(buyer_id: &str, at: &str, data: Value) -> Value {
    made(example!("limit.changed"), buyer_id, at, data)
}

/// An `order.hold_decided`, as an answer to an event.
pub(crate) fn hold(buyer_id: &str, at: &str, asked_by: &str, data: Value) -> Value {
    let cause = json!({"caused_by": {"source": "vigie/api", "id": asked_by}});
    made(made(example!("order.hold_decided"), buyer_id, at, cause), buyer_id, at, data)
}

/// A `proposal.approved` by somebody.
pub(crate) fn approved(buyer_id: &str, proposal_id: &str, version: u32, at: &str, decided_by: &str) -> Value {
    let data = json!({"proposal_id": proposal_id, "version": version, "decided_by": decided_by});
    made(example!("proposal.approved"), buyer_id, at, data)
}

/// An `alert.snoozed` by somebody.
pub(crate) fn snoozed(buyer_id: &str, alert_id: &str, at: &str, until: &str, decided_by: &str) -> Value {
    let data = json!({"alert_id": alert_id, "until": until, "decided_by": decided_by});
    made(example!("alert.snoozed"), buyer_id, at, data)
}

/// The topic of an event.
pub(crate) fn home(event: &Value) -> Fed {
    match event["type"].as_str().expect("a type") {
        "exposure.updated" => Fed::Exposures,
        "limit.changed" => Fed::LimitChanges,
        "order.hold_decided" => Fed::OrderDecisions,
        name if name.starts_with("limit.reduction") => Fed::LimitProposals,
        "alert.raised" | "alert.escalated" | "alert.cleared" => Fed::Alerts,
        _ => Fed::Decisions,
    }
}

/// Feeds events, each from its topic.
pub(crate) fn feed(model: &ReadModel, events: &[Value]) {
    for event in events {
        model.feed(home(event), None, Some(event.to_string().as_bytes())).unwrap_or_else(|e| panic!("{event}: {e}"));
    }
}

/// All that a model holds of some buyers, by way of what it answers.
pub(crate) fn shown(model: &ReadModel, buyer_ids: &[&str]) -> Value {
    let buyers = buyer_ids.iter().map(|buyer_id| {
        let mut row = String::from("null");
        if let Some(buyer) = model.buyer(buyer_id) {
            row.clear();
            model.row(&buyer).push_json(&mut row);
        }
        let holds = model.hold_of(buyer_id, "FR01", "SO-61207").map(|hold| hold.data);
        json!([
            row,
            model.alerts_of(buyer_id),
            model.proposals_of(buyer_id),
            model.limits_of(buyer_id),
            holds,
            model.buyer(buyer_id).map(|buyer| buyer.data.clone()),
            model.open_alerts_of(buyer_id).len(),
        ])
    });
    let mut whole = json!(buyers.collect::<Vec<_>>());
    let list = whole.as_array_mut().expect("a list");
    list.push(sorted(&model.alerts(|_| true)));
    list.push(sorted(&model.proposals(|_| true)));
    list.push(sorted(&model.limits()));
    list.push(json!(model.buyers()));
    whole
}

fn sorted(list: &[impl serde::Serialize]) -> Value {
    let mut texts: Vec<String> = list.iter().map(|item| serde_json::to_string(item).expect("JSON")).collect();
    texts.sort_unstable();
    json!(texts)
}
