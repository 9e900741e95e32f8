//! Owns the AsyncAPI document: the topics, who writes and who reads them, and the messages, by reference to the schemas.

use serde_json::{Map, Value, json};

use super::output::TYPES;
use super::{CONTRACT_VERSION, yaml};
use crate::event::{Body, Topic, TypeSpec};

/// The prefix of every topic, unless it is set otherwise.
const PREFIX: &str = "vigie.";
const CONTENT_TYPE: &str = "application/cloudevents+json";
/// How AsyncAPI calls the dialect of the schemas.
const SCHEMA_FORMAT: &str = "application/schema+json;version=2020-12";

/// The AsyncAPI 3.0 document, in YAML. It refers to the schemas as files beside it.
#[must_use]
pub fn asyncapi() -> String {
    yaml::document(&json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "vigie",
            "version": CONTRACT_VERSION,
            "description": "Watches trade-credit risk as it happens: reads what happens to buyers, their invoices, payments, \
                limits and covers, and tells alerts, proposed and changed limits and exact exposure. Every message is a CloudEvent 1.0 in \
                structured mode (binary mode is read too), keyed by the buyer's id and partitioned by Kafka's default (murmur2). \
                Every input topic has the same number of partitions.",
            "license": { "name": "Apache-2.0" }
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "kafka": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "Any Apache Kafka; the address is a setting."
            }
        },
        "channels": channels(),
        "operations": operations(),
        "components": { "messages": messages() }
    }))
}

/// A topic: its name without a prefix, and what is on it.
struct Channel {
    name: &'static str,
    doc: &'static str,
    messages: Vec<&'static str>,
    action: &'static str,
}

/// Every topic that is open to others, in the contract's order.
fn topics() -> Vec<Channel> {
    let inbound = Topic::ALL.iter().map(|topic| {
        let home = |spec: &&TypeSpec| spec.topic.is_none_or(|home| home == *topic);
        let messages = Body::SPECS.iter().filter(home).map(|spec| spec.name).collect();
        Channel { name: topic.as_str(), doc: inbound_doc(*topic), messages, action: "receive" }
    });
    let on = |topic: &str| TYPES.iter().filter(|spec| spec.topic == topic).map(|spec| spec.name).collect();
    let outbound = [
        ("alerts", "Alerts: raised, escalated, cleared.", on("alerts"), "send"),
        ("limit-proposals", "Proposed reductions of limits: opened, closed.", on("limit-proposals"), "send"),
        ("limit-changes", "Changed limits, for those who ship.", on("limit-changes"), "send"),
        ("order-decisions", "Whether room is kept for orders that were to be held.", on("order-decisions"), "send"),
        ("exposures", "The latest figures per buyer; compacted.", on("exposures"), "send"),
        ("dead-letters", "Records that were refused, whole, and why.", vec![DEAD_LETTER], "send"),
    ];
    let outbound = outbound.map(|(name, doc, messages, action)| Channel { name, doc, messages, action });
    inbound.chain(outbound).collect()
}

const fn inbound_doc(topic: Topic) -> &'static str {
    match topic {
        Topic::Invoices => "Invoices and orders.",
        Topic::Payments => "Payments.",
        Topic::Signals => "Ratings, accounts, insolvencies, incidents and descriptions of buyers.",
        Topic::Limits => "Credit limits and covers.",
        Topic::Decisions => "Arbiters' decisions on proposals and alerts.",
        Topic::FxRates => "Rates of currencies. A sender writes one copy to each partition.",
    }
}

/// The message of a refused record.
const DEAD_LETTER: &str = "dead-letter";

fn channels() -> Map<String, Value> {
    let mut channels = Map::new();
    for topic in topics() {
        let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/messages/{name}") }));
        let messages: Map<String, Value> = topic.messages.iter().map(reference).collect();
        let channel = json!({
            "address": format!("{PREFIX}{}", topic.name),
            "description": topic.doc,
            "messages": messages
        });
        channels.insert(topic.name.to_owned(), channel);
    }
    channels
}

/// What the service does with each topic.
fn operations() -> Map<String, Value> {
    let mut operations = Map::new();
    for topic in topics() {
        let action = topic.action;
        let operation = json!({
            "action": action,
            "channel": { "$ref": format!("#/channels/{}", topic.name) },
            "summary": topic.doc
        });
        operations.insert(format!("{action}-{}", topic.name), operation);
    }
    operations
}

fn messages() -> Map<String, Value> {
    let inbound = Body::SPECS.iter().map(|spec| (spec.name, spec.doc, spec.has_buyer));
    let outbound = TYPES.iter().map(|spec| (spec.name, spec.doc, true));
    let mut messages: Map<String, Value> = inbound
        .chain(outbound)
        .map(|(name, doc, has_buyer)| (name.to_owned(), message(name, doc, has_buyer)))
        .collect();
    messages.insert(DEAD_LETTER.to_owned(), dead_letter());
    messages
}

fn message(name: &str, doc: &str, has_buyer: bool) -> Value {
    let key = if has_buyer {
        json!({ "type": "string", "description": "The buyer's id, UTF-8: the event's subject." })
    } else {
        json!({ "description": "Ignored: a sender writes one copy to each partition." })
    };
    json!({
        "name": name,
        "title": name,
        "summary": doc,
        "contentType": CONTENT_TYPE,
        "payload": { "schemaFormat": SCHEMA_FORMAT, "schema": { "$ref": format!("./{name}.json") } },
        "bindings": { "kafka": { "key": key } }
    })
}

fn dead_letter() -> Value {
    json!({
        "name": DEAD_LETTER,
        "title": DEAD_LETTER,
        "summary": "A refused record with its own key, value and headers; more headers say where it stood and what was wrong.",
        "contentType": "application/octet-stream",
        "payload": { "description": "The value of the refused record, byte by byte." }
    })
}
