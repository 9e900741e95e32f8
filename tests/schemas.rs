//! The published description against the code: the files are what the code generates, and their examples hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bumpalo::Bump;
use jsonschema::Validator;
use serde_json::{Value, json};
use vigie::base::{Currency, Instant};
use vigie::event::{Body, FieldKind, Presence, Refusal, RefusalCode, Topic, TypeSpec};
use vigie::risk::{Outcome, Params, Shard};
use vigie::wire::schema::{asyncapi, files};
use vigie::wire::{DecodeRules, decode_value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn euro() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

/// The schema of a type, as published.
fn schema(type_name: &str) -> Value {
    let path = folder().join(format!("{type_name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).expect("a schema")
}

fn examples(schema: &Value) -> &Vec<Value> {
    let examples = schema["examples"].as_array().expect("examples");
    assert!(!examples.is_empty(), "{} has no example", schema["title"]);
    examples
}

fn decoded(example: &Value) -> Result<(), Refusal> {
    let rules = DecodeRules::new(euro(), Instant::parse("2027-12-31T00:00:00Z").expect("an instant"));
    decode_value(example.to_string().as_bytes(), &rules, &Bump::new()).map(|_| ())
}

/// Every inbound type with its schema and its validator.
fn inbound() -> impl Iterator<Item = (&'static TypeSpec, Value, Validator)> {
    Body::SPECS.iter().map(|spec| {
        let schema = schema(spec.name);
        let validator = validator(&schema);
        (spec, schema, validator)
    })
}

#[test]
fn the_files_are_what_the_code_generates() {
    let refresh = "refresh it with: vigie schema --output schemas";
    // The maps of the importer are written by hand.
    let mut names = BTreeSet::from(["README.md", "maps"].map(str::to_owned));
    for file in files() {
        let text = std::fs::read_to_string(folder().join(&file.name)).unwrap_or_default();
        assert!(text == file.text, "schemas/{} is not what the code generates; {refresh}", file.name);
        names.insert(file.name);
    }
    for entry in std::fs::read_dir(folder()).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(names.contains(&name), "schemas/{name} belongs to nothing in the code: remove it");
    }
}

#[test]
fn every_schema_is_one_and_its_examples_conform() {
    for file in files().iter().filter(|file| file.name.ends_with(".json")) {
        let schema: Value = serde_json::from_str(&file.text).expect("JSON");
        assert!(jsonschema::meta::is_valid(&schema), "{} is no JSON Schema", file.name);
        let validator = validator(&schema);
        for example in examples(&schema) {
            let errors: Vec<String> =
                validator.iter_errors(example).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "an example of {}: {errors:?}\n{example:#}", file.name);
        }
    }
}

#[test]
fn every_inbound_example_is_decoded_and_applies_to_a_fresh_shard() {
    for (spec, schema, _) in inbound() {
        for example in examples(&schema) {
            let rules = DecodeRules::new(euro(), Instant::parse("2027-12-31T00:00:00Z").expect("an instant"));
            let (bytes, scratch) = (example.to_string().into_bytes(), Bump::new());
            let event = decode_value(&bytes, &rules, &scratch).unwrap_or_else(|refusal| panic!("{refusal}: {example}"));
            assert_eq!(event.body.spec().name, spec.name);
            match Shard::new(Params::new(euro())).apply(&event, &mut Vec::new()) {
                Outcome::Applied => {}
                Outcome::Refused(refusal) if refusal.code == RefusalCode::NotOpen => {
                    assert_eq!(spec.topic, Some(Topic::Decisions), "{refusal}: {example}");
                }
                other => panic!("{other:?}: {example}"),
            }
        }
    }
}

#[test]
fn without_a_needed_field_schema_and_decoder_refuse() {
    for (spec, schema, validator) in inbound() {
        let example = &examples(&schema)[0];
        for field in spec.fields {
            for absent in [None, Some(Value::Null)] {
                let mut changed = example.clone();
                let data = changed["data"].as_object_mut().expect("an object");
                match absent {
                    None => drop(data.remove(field.name)),
                    Some(null) => drop(data.insert(field.name.to_owned(), null)),
                }
                let needed = field.presence == Presence::Needed;
                let code = decoded(&changed).err().map(|refusal| refusal.code);
                assert_eq!(code, needed.then_some(RefusalCode::MissingField), "{changed}");
                assert_eq!(validator.is_valid(&changed), !needed, "{changed}");
            }
        }
        for attribute in ["specversion", "id", "source", "type", "time", "subject", "data"] {
            let mut changed = example.clone();
            changed.as_object_mut().expect("an object").remove(attribute);
            let needed = spec.has_buyer || attribute != "subject";
            let code = decoded(&changed).err().map(|refusal| refusal.code);
            assert_eq!(code, needed.then_some(RefusalCode::Malformed), "{changed}");
            assert_eq!(validator.is_valid(&changed), !needed, "{changed}");
        }
    }
}

#[test]
fn with_a_field_of_the_wrong_kind_schema_and_decoder_refuse() {
    for (spec, schema, validator) in inbound() {
        for field in spec.fields {
            for wrong in wrong(field.kind) {
                let mut changed = examples(&schema)[0].clone();
                changed["data"][field.name] = wrong;
                let code = decoded(&changed).err().map(|refusal| refusal.code);
                assert_eq!(code, Some(RefusalCode::InvalidField), "{changed}");
                assert!(!validator.is_valid(&changed), "{changed}");
            }
        }
    }
}

/// Values that a field of a kind does not take.
fn wrong(kind: FieldKind) -> Vec<Value> {
    let mut wrong = vec![json!(true), json!({})];
    wrong.extend(match kind {
        FieldKind::Id => vec![json!(""), json!(7), json!("a\u{7}"), json!("a".repeat(129))],
        FieldKind::Seller => vec![json!(7), json!("a\u{85}"), json!("a".repeat(129))],
        FieldKind::Text => vec![json!(7), json!([])],
        FieldKind::Amount | FieldKind::Rate => vec![json!(0), json!(-1), json!("-1"), json!("1,5"), json!(1e15)],
        FieldKind::AmountOrZero => vec![json!(-1), json!("1."), json!("01"), json!(1e15)],
        FieldKind::SignedAmount => vec![json!("+1"), json!(""), json!(1e19), json!(-1e19)],
        FieldKind::Date => vec![json!("2026-13-01"), json!("1969-12-31"), json!("2026-3-1"), json!(20_260_301)],
        FieldKind::Instant => {
            vec![json!("2026-03-01"), json!("2026-03-01T10:00:00"), json!("2026-03-01T24:00:00Z"), json!(1_772_358_400)]
        }
        FieldKind::Currency | FieldKind::Country => vec![json!("eu"), json!("EURO"), json!(978)],
        FieldKind::Percent => vec![json!(-1), json!(100.5), json!("90 %")],
        FieldKind::Share => vec![json!(1.5), json!(-0.5), json!("-0.5"), json!("5 %")],
        FieldKind::Days => vec![json!("30"), json!(3651), json!(-1), json!(1.5)],
        FieldKind::Grade => vec![json!("3"), json!(0), json!(11), json!(2.5)],
        FieldKind::Version => vec![json!("1"), json!(0), json!(1_000_000_001), json!(1.5)],
        FieldKind::Layer | FieldKind::Segment | FieldKind::Procedure | FieldKind::IncidentKind => {
            vec![json!(""), json!("Other"), json!(1)]
        }
        FieldKind::Allocations => vec![json!([{}]), json!([{ "invoice_id": "I1" }]), json!("I1")],
        FieldKind::SomeAllocations => vec![json!([]), json!([{ "invoice_id": 1, "amount": 1 }])],
    });
    wrong
}

#[test]
fn a_single_risk_cover_needs_its_order_in_schema_and_decoder() {
    let schema = schema("cover.granted");
    let validator = validator(&schema);
    let mut cover = examples(&schema)[0].clone();
    cover["data"]["layer"] = json!("single_risk");
    for (order_id, expected) in [(json!("SO-1"), None), (Value::Null, Some(RefusalCode::MissingField))] {
        cover["data"]["order_id"] = order_id;
        assert_eq!(decoded(&cover).err().map(|refusal| refusal.code), expected);
        assert_eq!(validator.is_valid(&cover), expected.is_none());
    }
}

#[test]
fn the_document_refers_to_every_schema_file() {
    let document = asyncapi();
    for file in files().iter().filter(|file| file.name.ends_with(".json")) {
        assert!(document.contains(&format!("\"$ref\": \"./{}\"\n", file.name)), "{}", file.name);
    }
    for topic in Topic::ALL {
        assert!(document.contains(&format!("address: vigie.{}\n", topic.as_str())));
    }
}
