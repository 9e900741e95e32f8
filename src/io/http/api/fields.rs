//! Owns the parts of the description that are not made from a type.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Ref, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::event::AlertKind;
use crate::view::buyer::BuyerColumn;
use crate::view::totals::GroupBy;

/// Text that is one of some words.
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The states by which alerts are asked for.
pub(super) fn alert_states() -> Object {
    one_of(["open", "cleared", "all"])
}

/// The kinds of alerts.
pub(super) fn alert_kinds() -> Object {
    one_of(AlertKind::ALL.iter().map(|kind| kind.as_str()))
}

/// The severities of alerts.
pub(super) fn severities() -> Object {
    one_of(["info", "warning", "critical"])
}

/// The states by which proposals are asked for.
pub(super) fn proposal_states() -> Object {
    one_of(["open", "closed", "all"])
}

/// The modes of proposals.
pub(super) fn modes() -> Object {
    one_of(["auto", "review"])
}

/// The segments of buyers.
pub(super) fn segments() -> Object {
    one_of(["named", "unnamed"])
}

/// The grades.
pub(super) fn grades() -> Object {
    one_of(["A", "B", "C", "D", "E", "F"])
}

/// What the portfolio's sums can be told by.
pub(super) fn groupings() -> Object {
    one_of(GroupBy::ALL.map(GroupBy::as_str))
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
