//! Owns the schemas of the inbound types: each is the whole CloudEvent, drawn from the type's table of fields.

use serde_json::{Map, Value, json};

use super::{DIALECT, examples, kinds, schema_id};
use crate::event::{FieldKind, FieldSpec, Layer, Presence, TypeSpec};

/// The schema of a type.
pub fn schema(spec: &TypeSpec) -> Value {
    let mut required = vec!["specversion", "id", "source", "type", "time", "data"];
    let mut properties = json!({
        "specversion": { "type": "string", "pattern": r"^1\.[0-9]+$", "description": "The version of CloudEvents: 1.0." },
        "id": { "type": "string", "minLength": 1, "description": "The event's own id." },
        "source": { "type": "string", "minLength": 1, "description": "Who sends it." },
        "type": { "const": spec.name },
        "time": {
            "type": "string",
            "format": "date-time",
            "pattern": kinds::INSTANT,
            "description": "When it happened: RFC 3339 with an offset, up to 9 fraction digits, no second 60."
        }
    });
    if spec.has_buyer {
        required.insert(5, "subject");
        properties["subject"] = kinds::id();
        properties["subject"]["description"] = "The buyer's id, which is the record's key too.".into();
    }
    properties["data"] = data(spec);
    json!({
        "$schema": DIALECT,
        "$id": schema_id(spec.name),
        "title": spec.name,
        "description": description(spec),
        "type": "object",
        "required": required,
        "properties": properties,
        "examples": examples::of(spec),
        "$defs": definitions(spec)
    })
}

fn description(spec: &TypeSpec) -> String {
    match spec.topic {
        Some(topic) => format!("{} Its home is the topic {}.", spec.doc, topic.as_str()),
        None => format!("{} It is at home on every input topic.", spec.doc),
    }
}

fn data(spec: &TypeSpec) -> Value {
    let needed = spec.fields.iter().filter(|field| field.presence == Presence::Needed);
    let properties: Map<String, Value> =
        spec.fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let mut data = json!({ "type": "object", "properties": properties });
    let needed: Vec<&str> = needed.map(|field| field.name).collect();
    if !needed.is_empty() {
        data["required"] = needed.into();
    }
    if let Some(layer) = spec.fields.iter().find(|field| field.kind == FieldKind::Layer) {
        data["if"] = json!({ "properties": { (layer.name): { "const": Layer::SingleRisk.as_str() } } });
        data["then"] = json!({ "required": ["order_id"], "properties": { "order_id": { "type": "string" } } });
    }
    data
}

/// A field; an optional one may be null as well as absent.
fn property(field: &FieldSpec) -> Value {
    let kind = json!({ "$ref": format!("#/$defs/{}", kinds::name(field.kind)) });
    match field.presence {
        Presence::Needed => json!({ "description": field.doc, "$ref": kind["$ref"] }),
        Presence::Optional => json!({ "description": field.doc, "anyOf": [kind, { "type": "null" }] }),
    }
}

fn definitions(spec: &TypeSpec) -> Map<String, Value> {
    spec.fields.iter().map(|field| (kinds::name(field.kind), kinds::kind(field.kind))).collect()
}
