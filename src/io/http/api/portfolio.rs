//! Owns the answers about the whole portfolio: its sums, and the whole table.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::problem::Problem;
use super::asked::{Asked, unknown};
use super::{Side, fields};
use crate::event::ReportLine;
use crate::view::ReadModel;
use crate::view::told::At;
use crate::view::totals::{GroupBy, GroupView, Groups, Totals, TotalsView};
use crate::wire::table::{Format, TableError, TableWriter};

/// How the sums are told.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SumsQuery {
    /// `segment`, `grade`, `country`, `sector`, `seller` or `group`: the sums of each as well.
    #[param(schema_with = fields::groupings)]
    by: Option<String>,
}

/// The sums of the portfolio.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PortfolioSums {
    /// The currency of amounts.
    #[schema(example = "EUR")]
    base_currency: String,
    /// The time of the latest output; null before the first.
    as_of: Option<At>,
    /// The sums of all buyers.
    totals: TotalsView,
    /// The groups, the largest first, at most 1,000; none where nobody asks.
    groups: Vec<GroupView>,
}

/// The sums of the portfolio
#[utoipa::path(get, path = "/v1/portfolio", operation_id = "get_portfolio", params(SumsQuery),
    responses((status = 200, body = PortfolioSums)))]
pub(super) async fn sums(State(shared): Side, Asked(query): Asked<SumsQuery>) -> Result<Json<PortfolioSums>, Problem> {
    let parse = |by: &String| GroupBy::parse(by).ok_or_else(|| unknown("by", by, &GroupBy::ALL.map(GroupBy::as_str)));
    let by = query.by.as_ref().map(parse).transpose()?;
    let (model, base) = (Arc::clone(&shared.side.model), shared.side.base);
    let sums = shared.lists.walk(move || {
        let mut totals = Totals::default();
        let mut groups = by.map(Groups::new);
        model.each_buyer(|row| {
            totals.add(row);
            groups.iter_mut().for_each(|groups| groups.add(row));
        });
        PortfolioSums {
            base_currency: base.as_str().to_owned(),
            as_of: model.clock().map(At),
            totals: totals.view(),
            groups: groups.map_or_else(Vec::new, |groups| groups.view(|buyer_id| model.name_of(buyer_id))),
        }
    });
    sums.await.map(Json)
}

/// The lines of all buyers, in order of their id.
fn lines(model: &ReadModel) -> Vec<Arc<crate::view::Buyer>> {
    let mut ids = Vec::with_capacity(model.buyers());
    model.each_buyer(|row| ids.push(row.buyer.line.row.buyer_id.clone()));
    ids.sort_unstable();
    ids.iter().filter_map(|buyer_id| model.buyer(buyer_id)).collect()
}

fn table(model: &ReadModel, format: Format) -> Result<Vec<u8>, TableError> {
    let mut writer = TableWriter::<ReportLine, _>::new(format, Vec::new())?;
    for buyer in lines(model) {
        writer.write(&buyer.line)?;
    }
    writer.finish()
}

async fn file(
    shared: &super::Shared,
    format: Format,
    kind: &'static str,
    name: &'static str,
) -> Result<Response, Problem> {
    let model = Arc::clone(&shared.side.model);
    let bytes = shared.lists.walk(move || table(&model, format)).await?.map_err(|error| {
        tracing::error!("the table of all buyers cannot be written: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    Ok((headers, bytes).into_response())
}

/// The whole table as CSV
///
/// The columns of the report, a row for each buyer, in order of their id.
#[utoipa::path(get, path = "/v1/portfolio.csv", operation_id = "export_csv",
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn csv(State(shared): Side) -> Result<Response, Problem> {
    file(&shared, Format::Csv, "text/csv", "attachment; filename=\"portfolio.csv\"").await
}

/// The whole table as Parquet
///
/// With exact decimals.
#[utoipa::path(get, path = "/v1/portfolio.parquet", operation_id = "export_parquet",
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.apache.parquet")))]
pub(super) async fn parquet(State(shared): Side) -> Result<Response, Problem> {
    let kind = "application/vnd.apache.parquet";
    file(&shared, Format::Parquet, kind, "attachment; filename=\"portfolio.parquet\"").await
}

/// The whole table as an Arrow IPC stream
#[utoipa::path(get, path = "/v1/portfolio.arrow", operation_id = "export_arrow",
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.apache.arrow.stream")))]
pub(super) async fn arrow(State(shared): Side) -> Result<Response, Problem> {
    let kind = "application/vnd.apache.arrow.stream";
    file(&shared, Format::Arrow, kind, "attachment; filename=\"portfolio.arrow\"").await
}
