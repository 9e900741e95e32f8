//! Owns the answers about buyers: the list, and one of them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::super::problem::Problem;
use super::asked::{Asked, Named, PageQuery, unknown};
use super::fields::{self, BuyerPageSchema};
use super::{Side, not_found};
use crate::event::{Grade, Segment};
use crate::view::buyer::{Buyer, BuyerColumn};
use crate::view::page::Listed;
use crate::view::told::{At, MoneyText};
use crate::view::{Alert, LimitView, Page, Proposal, ReadModel};

/// Which buyers are asked for: those that all of it is true of.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `named` or `unnamed`.
    #[param(schema_with = fields::segments)]
    segment: Option<String>,
    /// A grade, A to F.
    #[param(schema_with = fields::grades)]
    grade: Option<String>,
    /// A country: ISO 3166 alpha-2.
    country: Option<String>,
    /// A sector.
    sector: Option<String>,
    /// A seller to whom something is owed.
    seller: Option<String>,
    /// A group.
    parent_id: Option<String>,
    /// Text in the id or the name.
    q: Option<String>,
}

impl Wanted {
    fn check(&self) -> Result<(), Problem> {
        if let Some(segment) = &self.segment
            && Segment::parse(segment).is_none()
        {
            return Err(unknown("segment", segment, &["named", "unnamed"]));
        }
        if let Some(grade) = &self.grade
            && Grade::parse(grade).is_none()
        {
            return Err(unknown("grade", grade, &["A", "B", "C", "D", "E", "F"]));
        }
        Ok(())
    }

    fn wants(&self, buyer: &Buyer) -> bool {
        let (line, profile) = (&buyer.line, &buyer.line.profile);
        let is =
            |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
        is(&self.segment, profile.segment.map(Segment::as_str))
            && is(&self.grade, Some(line.row.scored.grade.as_str()))
            && is(&self.country, profile.country.as_ref().map(|country| country.as_str()))
            && is(&self.sector, profile.sector.as_deref())
            && is(&self.parent_id, profile.parent_id.as_deref())
            && self.seller.as_ref().is_none_or(|wanted| line.sellers.iter().any(|seller| seller.seller_id == *wanted))
            && self.q.as_ref().is_none_or(|text| buyer.is_found_by(text))
    }
}

/// A page of the buyers that are wanted, as JSON.
fn page(model: &ReadModel, wanted: &Wanted, column: BuyerColumn, request: &crate::view::PageRequest) -> String {
    let mut list = Vec::new();
    model.each_buyer(|row| {
        if wanted.wants(row.buyer) {
            let id = row.buyer.line.row.buyer_id.clone();
            list.push(Listed { key: column.key(row), item: id.clone(), id });
        }
    });
    let page = Page::of(list.into_iter(), request);
    let mut out = String::from("{\"items\":[");
    let mut is_first = true;
    for buyer in page.items.iter().filter_map(|buyer_id| model.buyer(buyer_id)) {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        model.row(&buyer).push_json(&mut out);
    }
    let next = page.next.map_or("null".to_owned(), |next| format!("\"{}\"", next.text()));
    write!(out, "],\"next\":{next},\"total\":{}}}", page.total).expect("a string takes any text");
    out
}

/// The buyers
///
/// Those that all of the query is true of, sorted by any column of a row, those with most retained first where nobody says.
#[utoipa::path(get, path = "/v1/buyers", operation_id = "list_buyers", params(Wanted, PageQuery),
    responses((status = 200, body = BuyerPageSchema, content_type = "application/json")))]
pub(super) async fn list(
    State(shared): Side,
    Asked(mut wanted): Asked<Wanted>,
    Asked(query): Asked<PageQuery>,
) -> Result<Response, Problem> {
    wanted.check()?;
    wanted.q = wanted.q.map(|text| text.to_lowercase());
    let (column, request) = query.read("-retained")?;
    let column =
        BuyerColumn::parse(column).ok_or_else(|| unknown("sort", column, &BuyerColumn::names().collect::<Vec<_>>()))?;
    let model = Arc::clone(&shared.side.model);
    let text = shared.lists.walk(move || page(&model, &wanted, column, &request)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// All that is known of a buyer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BuyerDetail {
    /// The data of its last `exposure.updated`, whole: `exposure.updated.json` among the schemas says what is in it.
    #[schema(value_type = Object)]
    row: Box<RawValue>,
    /// What is overdue.
    overdue: MoneyText,
    /// What covers of any layer carry.
    insured: MoneyText,
    /// When it was told.
    updated_at: At,
    /// Alerts that are open, the latest first.
    alerts: Vec<Alert>,
    /// Proposals that are open.
    proposals: Vec<Proposal>,
    /// Alerts, those that are open first, then the latest.
    alert_history: Vec<Alert>,
    /// Changes of its limit, the latest first.
    limit_history: Vec<LimitView>,
    /// Proposals, those that are open first, then the latest.
    proposal_history: Vec<Proposal>,
}

/// One buyer
#[utoipa::path(get, path = "/v1/buyers/{buyer_id}", operation_id = "get_buyer",
    params(("buyer_id" = String, Path, description = "The buyer's id.")),
    responses((status = 200, body = BuyerDetail)))]
pub(super) async fn one(State(shared): Side, Named(buyer_id): Named) -> Result<Json<BuyerDetail>, Problem> {
    let model = &shared.side.model;
    let buyer = model.buyer(&buyer_id).ok_or_else(not_found)?;
    let (alert_history, proposal_history) = (model.alerts_of(&buyer_id), model.proposals_of(&buyer_id));
    Ok(Json(BuyerDetail {
        row: buyer.data.clone(),
        overdue: MoneyText(buyer.overdue()),
        insured: MoneyText(buyer.insured()),
        updated_at: At(buyer.updated_at),
        alerts: alert_history.iter().filter(|alert| alert.is_open()).cloned().collect(),
        proposals: proposal_history.iter().filter(|proposal| proposal.is_open()).cloned().collect(),
        alert_history,
        limit_history: model.limits_of(&buyer_id),
        proposal_history,
    }))
}
