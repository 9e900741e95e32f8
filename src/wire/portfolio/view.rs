//! Owns the view of a portfolio as JSON: money, ratios and days as strings, as in the report.

use serde::Serialize;

use super::{Dimension, Group, GroupSums, Groups, NamedBuyer, Portfolio, Totals};
use crate::base::decimal::push_fixed;
use crate::event::TenthDays;

/// Groups of a dimension that are written one by one; the others are summed.
pub const GROUPS_MAX: usize = 1000;

/// The whole view, its keys in the order in which they are written.
#[derive(Debug, Serialize)]
pub struct PortfolioView {
    as_of: String,
    currency: String,
    totals: TotalsView,
    concentration: Concentration,
    by_segment: GroupsView,
    by_seller: GroupsView,
    by_country: GroupsView,
    by_sector: GroupsView,
    by_grade: GroupsView,
}

#[derive(Debug, Serialize)]
struct TotalsView {
    buyers: u64,
    fx_missing_buyers: u64,
    outstanding: String,
    not_due: String,
    overdue_1_30: String,
    overdue_31_60: String,
    overdue_61_90: String,
    overdue_over_90: String,
    written_off: String,
    exposure: String,
    insured: String,
    indemnifiable: String,
    retained: String,
    expected_loss: String,
    dso: Option<String>,
}

#[derive(Debug, Serialize)]
struct Concentration {
    hhi: Option<String>,
    effective_buyers: Option<String>,
    top_10_share: Option<String>,
    top_10: Vec<BuyerView>,
}

#[derive(Debug, Serialize)]
struct BuyerView {
    buyer_id: String,
    name: Option<String>,
    grade: &'static str,
    exposure: String,
    share: Option<String>,
    overdue: String,
    retained: String,
    expected_loss: String,
}

#[derive(Debug, Serialize)]
struct GroupsView {
    groups: Vec<GroupView>,
    others: Option<OthersView>,
}

#[derive(Debug, Serialize)]
struct GroupView {
    name: Option<String>,
    #[serde(flatten)]
    sums: SumsView,
}

#[derive(Debug, Serialize)]
struct OthersView {
    groups: usize,
    #[serde(flatten)]
    sums: SumsView,
}

#[derive(Debug, Serialize)]
struct SumsView {
    buyers: u64,
    outstanding: String,
    overdue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retained: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_loss: Option<String>,
}

impl PortfolioView {
    /// The view of a portfolio; `None` without buyers.
    #[must_use]
    pub fn of(portfolio: &Portfolio) -> Option<PortfolioView> {
        let (as_of, currency) = portfolio.head()?;
        let by = |dimension| GroupsView::of(portfolio.groups(dimension, GROUPS_MAX));
        let top: i128 = portfolio.largest().iter().map(|buyer| buyer.exposure.0).sum();
        let concentration = Concentration {
            hhi: portfolio.concentration().map(ratio),
            effective_buyers: portfolio.effective_buyers().map(|tenths| fixed(tenths as i128, 1)),
            top_10_share: portfolio.share(top).map(ratio),
            top_10: portfolio.largest().iter().map(|buyer| BuyerView::of(buyer, portfolio)).collect(),
        };
        Some(PortfolioView {
            as_of: as_of.to_string(),
            currency: currency.as_str().to_owned(),
            totals: TotalsView::of(portfolio.totals(), portfolio.dso()),
            concentration,
            by_segment: by(Dimension::Segment),
            by_seller: by(Dimension::Seller),
            by_country: by(Dimension::Country),
            by_sector: by(Dimension::Sector),
            by_grade: by(Dimension::Grade),
        })
    }
}

impl TotalsView {
    fn of(totals: &Totals, dso: Option<TenthDays>) -> TotalsView {
        TotalsView {
            buyers: totals.buyers,
            fx_missing_buyers: totals.fx_missing_buyers,
            outstanding: money(totals.outstanding),
            not_due: money(totals.not_due),
            overdue_1_30: money(totals.overdue[0]),
            overdue_31_60: money(totals.overdue[1]),
            overdue_61_90: money(totals.overdue[2]),
            overdue_over_90: money(totals.overdue[3]),
            written_off: money(totals.written_off),
            exposure: money(totals.exposure),
            insured: money(totals.insured),
            indemnifiable: money(totals.indemnifiable),
            retained: money(totals.retained),
            expected_loss: money(totals.expected_loss),
            dso: dso.map(|days| fixed(i128::from(days.0), TenthDays::PLACES)),
        }
    }
}

impl BuyerView {
    fn of(buyer: &NamedBuyer, portfolio: &Portfolio) -> BuyerView {
        BuyerView {
            buyer_id: buyer.buyer_id.clone(),
            name: buyer.name.clone(),
            grade: buyer.grade.as_str(),
            exposure: money(buyer.exposure.0),
            share: portfolio.share(buyer.exposure.0).map(ratio),
            overdue: money(buyer.overdue.0),
            retained: money(buyer.retained.0),
            expected_loss: money(buyer.expected_loss.0),
        }
    }
}

impl GroupsView {
    fn of(groups: Groups) -> GroupsView {
        let view = |(name, sums): Group| GroupView { name, sums: SumsView::of(&sums) };
        GroupsView {
            groups: groups.largest.into_iter().map(view).collect(),
            others: groups.others.map(|(groups, sums)| OthersView { groups, sums: SumsView::of(&sums) }),
        }
    }
}

impl SumsView {
    fn of(sums: &GroupSums) -> SumsView {
        SumsView {
            buyers: sums.buyers,
            outstanding: money(sums.outstanding),
            overdue: money(sums.overdue),
            exposure: sums.at_risk.map(|at_risk| money(at_risk.exposure)),
            retained: sums.at_risk.map(|at_risk| money(at_risk.retained)),
            expected_loss: sums.at_risk.map(|at_risk| money(at_risk.expected_loss)),
        }
    }
}

fn money(cents: i128) -> String {
    fixed(cents, 2)
}

fn ratio(ratio: u128) -> String {
    fixed(ratio as i128, 4)
}

fn fixed(value: i128, places: usize) -> String {
    let mut out = String::new();
    push_fixed(&mut out, value, places);
    out
}
