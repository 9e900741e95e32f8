//! Owns the parts of the description that are not made from a type.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Ref, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Response};
use utoipa::{PartialSchema, ToSchema};

use super::super::problem::PROBLEM_JSON;
use crate::view::buyer::BuyerColumn;

/// What any operation may answer when something is wrong.
pub(super) const ERRORS: &[(&str, &str)] = &[
    ("400", "The request is not as it should be: the detail says what and how."),
    ("401", "The credential is missing or not known."),
    ("403", "The credential may not do this, or the request comes from another site."),
    ("404", "There is nothing of this id."),
    ("405", "The header Allow says what can be asked here."),
    ("408", "It took too long and was given up."),
    ("413", "The body is larger than is taken."),
    ("415", "The body should be JSON, with content-type: application/json."),
    ("422", "The body is JSON, but not what is expected."),
    ("429", "Too many requests: the header Retry-After says when to go on."),
    ("431", "The head of the request is larger than is taken."),
    ("500", "Something went wrong here, which the log tells."),
    ("503", "Not now: try again."),
];

/// An answer that is a problem.
pub(super) fn problem(what: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(what).content(PROBLEM_JSON, content).build().into()
}

/// A row of the list of buyers: the columns of the report, and what is open.
pub(super) struct BuyerRowSchema;

impl PartialSchema for BuyerRowSchema {
    fn schema() -> RefOr<Schema> {
        let mut row = ObjectBuilder::new();
        for name in BuyerColumn::names() {
            row = row.property(name, column(name)).required(name);
        }
        row.into()
    }
}

impl ToSchema for BuyerRowSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "BuyerRow".into()
    }
}

/// A column: those that count are integers, points are numbers, and everything else is text; what may be missing is null.
fn column(name: &str) -> Object {
    let kind = match name {
        "oldest_overdue_days" | "open_invoices" | "open_alerts" | "open_proposals" => Type::Integer,
        "score" | "slow" | "fail" => Type::Number,
        "fx_missing" => Type::Boolean,
        _ => Type::String,
    };
    let is_nullable = match BuyerColumn::parse(name) {
        Some(column) => column.is_nullable(),
        None => false,
    };
    let kind = if is_nullable { SchemaType::Array(vec![kind, Type::Null]) } else { SchemaType::Type(kind) };
    ObjectBuilder::new().schema_type(kind).build()
}

/// The page of buyers.
pub(super) struct BuyerPageSchema;

impl PartialSchema for BuyerPageSchema {
    fn schema() -> RefOr<Schema> {
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
            .description(Some("What to ask the next page with; null at the end."));
        let items = ArrayBuilder::new().items(Ref::from_schema_name("BuyerRow"));
        let total = ObjectBuilder::new().schema_type(Type::Integer).description(Some("Items on all pages."));
        let page = ObjectBuilder::new().property("items", items).property("next", next).property("total", total);
        page.required("items").required("next").required("total").into()
    }
}

impl ToSchema for BuyerPageSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "BuyerPage".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("BuyerRow".to_owned(), BuyerRowSchema::schema()));
    }
}
