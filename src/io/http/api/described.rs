//! Owns what the description of the API says of every operation: how one is known, what bounds parameters have, and what is answered
//! when something is wrong.

use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Ref, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Response};

use super::super::problem::PROBLEM_JSON;
use super::{alerts, decisions, fields, proposals};
use crate::event::Id;
use crate::view::buyer::BuyerColumn;

/// What is answered when something is wrong, to which operations.
const ERRORS: &[(&str, For, &str)] = &[
    ("400", For::Read, "The request is not as it should be: the detail says what and how."),
    ("401", For::All, "The credential is missing or not known."),
    ("403", For::All, "The credential may not do this, or the request comes from another site."),
    ("404", For::Named, "There is nothing of this id."),
    ("408", For::All, "It took too long and was given up."),
    ("413", For::Posted, "The body is larger than is taken."),
    ("415", For::Posted, "The body should be JSON, with content-type: application/json."),
    ("422", For::Posted, "The body is JSON, but not what is expected."),
    ("429", For::All, "Too many requests: wait as long as Retry-After says."),
    ("431", For::All, "The head of the request is larger than is taken."),
    ("500", For::All, "Something went wrong here, which the log tells."),
    ("503", For::Posted, "It could not be written: try again."),
];

/// Which operations an error is answered to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Any.
    All,
    /// Those that read a query or a body.
    Read,
    /// Those that name something in their path.
    Named,
    /// Those that take a body.
    Posted,
}

/// The names that the queries of each path may have, of those that have any.
pub(super) fn query_names(description: &OpenApi) -> std::collections::HashMap<String, Vec<String>> {
    let mut names = std::collections::HashMap::new();
    for (path, item) in &description.paths.paths {
        for operation in [&item.get, &item.post].into_iter().flatten() {
            for parameter in operation.parameters.iter().flatten() {
                if let RefOr::T(Parameter { parameter_in: ParameterIn::Query, name, .. }) = parameter {
                    names.entry(path.clone()).or_insert_with(Vec::new).push(name.clone());
                }
            }
        }
    }
    names
}

/// Completes a description that was made from the handlers.
pub(super) fn complete(description: &mut OpenApi) {
    let components = description.components.get_or_insert_default();
    for (name, scheme) in [("bearer", HttpAuthScheme::Bearer), ("basic", HttpAuthScheme::Basic)] {
        components.security_schemes.insert(name.to_owned(), SecurityScheme::Http(Http::new(scheme)).into());
    }
    for (path, item) in &mut description.paths.paths {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    bound(path, parameter);
                }
            }
            answers(path, operation);
        }
    }
}

/// Says what a parameter may be, where its type does not.
fn bound(path: &str, parameter: &mut Parameter) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let schema = match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Query, "sort") => sorts(path),
        (ParameterIn::Query, "cursor") => text().min_length(Some(1)).build(),
        (ParameterIn::Header, "If-Match") => text().pattern(Some("^\"[0-9]{1,9}\"$")).build(),
        (ParameterIn::Header, "Idempotency-Key") => text().pattern(Some("^[!-~]{1,128}$")).build(),
        (ParameterIn::Path, _) => text().min_length(Some(1)).max_length(Some(Id::BYTES_MAX)).build(),
        _ => return,
    };
    parameter.schema = Some(schema.into());
}

/// The columns by which a list can be sorted, either way.
fn sorts(path: &str) -> Object {
    let columns: Vec<&str> = match path {
        "/v1/alerts" => alerts::COLUMNS.to_vec(),
        "/v1/proposals" => proposals::COLUMNS.to_vec(),
        "/v1/limit-changes" => decisions::LIMIT_COLUMNS.to_vec(),
        _ => BuyerColumn::names().collect(),
    };
    let both: Vec<String> = columns.iter().flat_map(|column| [(*column).to_owned(), format!("-{column}")]).collect();
    fields::one_of(both.iter().map(String::as_str))
}

fn answers(path: &str, operation: &mut Operation) {
    let is_posted = operation.request_body.is_some();
    let is_query = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    };
    let has_query = operation.parameters.iter().flatten().any(is_query);
    let answers = &mut operation.responses.responses;
    for (status, answer) in answers.iter_mut() {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            let text = if status == "202" { "It is written, and the engine takes it from there." } else { "As asked." };
            text.clone_into(&mut answer.description);
        }
        // Bytes have no schema.
        answer.content.iter_mut().filter(|(kind, _)| kind.starts_with("application/vnd.")).for_each(|(_, content)| {
            *content = Content::default().into();
        });
    }
    for (status, who, what) in ERRORS {
        let is_answered = match who {
            For::All => true,
            For::Read => has_query || is_posted,
            For::Named => path.contains('{'),
            For::Posted => is_posted,
        };
        if is_answered {
            answers.entry((*status).to_owned()).or_insert_with(|| problem(status, what).into());
        }
    }
}

/// An answer that is a problem.
fn problem(status: &str, what: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let answer = ResponseBuilder::new().description(what).content(PROBLEM_JSON, content);
    let header = |kind: Type, text: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
            .description(Some(text))
            .build()
    };
    match status {
        "401" => answer.header("WWW-Authenticate", header(Type::String, "The ways in which one can be known.")),
        "429" => answer.header("Retry-After", header(Type::Integer, "Seconds to wait.")),
        _ => answer,
    }
    .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn described() -> Value {
        let mut description = super::super::routes().into_openapi();
        complete(&mut description);
        serde_json::to_value(&description).expect("a description is JSON")
    }

    /// Path and operation of each.
    fn operations(description: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let paths = description["paths"].as_object().expect("paths");
        paths.iter().flat_map(|(path, item)| item.as_object().expect("methods").values().map(move |of| (path, of)))
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_and_says_what_each_answer_is() {
        let description = described();
        let mut ids = BTreeSet::new();
        for (path, operation) in operations(&description) {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "{id} is twice");
            for (status, answer) in operation["responses"].as_object().expect("answers") {
                assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} {status}");
            }
        }
        assert!(ids.len() > 10);
    }

    #[test]
    fn only_what_takes_a_body_or_names_something_answers_as_such() {
        for (path, operation) in operations(&described()) {
            let answers = &operation["responses"];
            let has = |status: &str| answers.get(status).is_some();
            assert_eq!(has("404"), path.contains('{'), "{path}");
            for status in ["413", "415", "422", "503"] {
                assert_eq!(has(status), operation.get("requestBody").is_some(), "{path} {status}");
            }
            assert!(has("401") && has("429") && answers["429"]["headers"].get("Retry-After").is_some(), "{path}");
        }
    }

    #[test]
    fn what_is_one_of_some_words_says_which() {
        let description = described();
        let word = |path: &str, name: &str| {
            let parameters = description["paths"][path]["get"]["parameters"].as_array().expect("parameters");
            let found = parameters.iter().find(|parameter| parameter["name"] == name).expect("it");
            assert_eq!(found["required"], false, "{path} {name}");
            let words = found["schema"]["enum"].as_array().expect("words").clone();
            words.iter().map(|word| word.as_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(word("/v1/alerts", "state"), ["open", "cleared", "all"]);
        assert_eq!(word("/v1/proposals", "state"), ["open", "closed", "all"]);
        assert_eq!(word("/v1/limit-changes", "sort")[..2], ["at", "-at"]);
        assert!(word("/v1/buyers", "sort").contains(&"-retained".to_owned()));
        assert_eq!(word("/v1/portfolio", "by").len(), 6);
    }
}
