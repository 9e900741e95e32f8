//! Owns the public description of what goes in and what comes out: JSON Schemas with examples, and the AsyncAPI document,
//! built from the tables that the codec itself works by.

mod asyncapi;
mod examples;
mod input;
mod kinds;
mod output;
mod output_examples;
mod yaml;

pub use asyncapi::asyncapi;

use serde_json::Value;

use crate::event::Body;

/// The version of the contract that the description is of.
pub const CONTRACT_VERSION: &str = "1.0.0";
/// The dialect that the schemas are written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One file of the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Every file: a schema for each type, inbound and outbound, and the AsyncAPI document that refers to them.
#[must_use]
pub fn files() -> Vec<SchemaFile> {
    let inbound = Body::SPECS.iter().map(|spec| json_file(spec.name, &input::schema(spec)));
    let outbound = output::TYPES.iter().map(|spec| json_file(spec.name, &output::schema(spec)));
    let document = SchemaFile { name: "asyncapi.yaml".to_owned(), text: asyncapi() };
    inbound.chain(outbound).chain([document]).collect()
}

fn json_file(type_name: &str, schema: &Value) -> SchemaFile {
    let text = serde_json::to_string_pretty(schema).expect("a tree of JSON is written without fail");
    SchemaFile { name: format!("{type_name}.json"), text: text + "\n" }
}

/// The `$id` of a type's schema.
fn schema_id(type_name: &str) -> String {
    format!("urn:vigie:schema:1:{type_name}")
}
