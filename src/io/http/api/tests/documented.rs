//! The description of the API, held against what it answers.

use std::collections::BTreeSet;

use super::*;

/// Holds answers against the description.
#[derive(Default)]
pub(super) struct Documented;

impl Documented {
    /// That a status, a media type and a body are such as the description says.
    #[track_caller]
    pub(super) fn check(&self, description: &Value, method: &Method, path: &str, answer: &Answer) {
        let path = path.split('?').next().expect("a path");
        let (template, item) = found(description, path).unwrap_or_else(|| panic!("{path} is not described"));
        let Some(operation) = item.get(method.as_str().to_lowercase()) else {
            // A method that is not described must be answered that it is none, or before that that its body is.
            assert!([405, 415].contains(&answer.status), "{method} {template}: {}", answer.status);
            return;
        };
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response["description"].is_string(), "{method} {template}: {} is not described", answer.status);
        let kind = answer.headers["content-type"].to_str().expect("text").split(';').next().expect("a type").trim();
        let content = &response["content"][kind];
        assert!(content.is_object(), "{method} {template}: {} as {kind} is not described", answer.status);
        if kind.ends_with("json") {
            let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [content["schema"]], "components": description["components"]});
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema);
            let validator = validator.unwrap_or_else(|error| panic!("{method} {template}: {error}"));
            let body = answer.json();
            let errors: Vec<String> =
                validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{method} {template}: {errors:#?}\nin {body}");
        }
    }
}

fn found<'a>(description: &'a Value, path: &str) -> Option<(&'a str, &'a Value)> {
    let is_of = |template: &str| {
        let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template.iter().zip(&path).all(|(part, own)| part == own || part.starts_with('{') && !own.is_empty())
    };
    let paths = description["paths"].as_object().expect("paths");
    paths.iter().find(|(template, _)| is_of(template)).map(|(template, item)| (template.as_str(), item))
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere_and_every_operation_says_what_it_is() {
    let description = Api::new().description().await;
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    assert!(found.len() > 8, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a reference within");
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(operation["summary"].is_string(), "{method} {path} says not what it is");
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "two operations are {id}");
            let named: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            for name in named {
                let parameters = operation["parameters"].as_array().expect("parameters");
                assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{name} of {path}");
            }
        }
    }
    assert_eq!(description["paths"].as_object().expect("paths").len(), 17);
}

#[tokio::test]
async fn the_page_of_the_description_takes_nothing_from_elsewhere() {
    let api = Api::new();
    let page = api.open(&api.reads, &Method::GET, "/docs", &[], String::new()).await;
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().expect("text").starts_with("default-src 'none'"));
    for path in ["/docs.css", "/docs.js", "/openapi.json"] {
        assert_eq!(api.open(&api.reads, &Method::GET, path, &[], String::new()).await.status(), 200, "{path}");
    }
}
