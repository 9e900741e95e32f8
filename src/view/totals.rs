//! Owns the sums of buyers, whole and by group.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::buyer::BuyerRow;
use super::told::{MoneyText, money};
use crate::base::Cents;
use crate::base::decimal::{divide_half_even, push_fixed};
use crate::event::TenthDays;

/// Groups that are told one by one at most, the largest first.
pub const GROUPS_MAX: usize = 1_000;

/// What buyers are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// Whether the insurer knows them by name.
    Segment,
    /// The grade of their score.
    Grade,
    /// Their country.
    Country,
    /// Their sector.
    Sector,
    /// Who sold to them: a buyer counts once for each seller that it owes something.
    Seller,
    /// The group that they belong to: their parent's id, or their own where they have none.
    Group,
}

impl GroupBy {
    /// All.
    pub const ALL: [GroupBy; 6] =
        [GroupBy::Segment, GroupBy::Grade, GroupBy::Country, GroupBy::Sector, GroupBy::Seller, GroupBy::Group];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            GroupBy::Segment => "segment",
            GroupBy::Grade => "grade",
            GroupBy::Country => "country",
            GroupBy::Sector => "sector",
            GroupBy::Seller => "seller",
            GroupBy::Group => "group",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<GroupBy> {
        GroupBy::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// The sums of some buyers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    buyers: u64,
    outstanding: i128,
    overdue: i128,
    open_invoices: u64,
    /// What is a buyer's and not a seller's.
    whole: Option<Whole>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Whole {
    exposure: i128,
    not_due: i128,
    ages: [i128; 4],
    disputed: i128,
    orders: i128,
    limit: i128,
    insured: [i128; 3],
    indemnifiable: i128,
    retained: i128,
    expected_loss: i128,
    open_alerts: u64,
    open_proposals: u64,
    /// Outstanding of buyers with days sales outstanding, and its product with them, in tenths of a day.
    days: (i128, i128),
}

/// The sums, as they are told. By seller only `buyers`, `outstanding`, `overdue` and `open_invoices` have a value.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs, reason = "the columns of the report, under their own names")]
pub struct TotalsView {
    pub buyers: u64,
    pub outstanding: MoneyText,
    pub overdue: MoneyText,
    pub open_invoices: u64,
    pub exposure: Option<MoneyText>,
    pub not_due: Option<MoneyText>,
    pub overdue_1_30: Option<MoneyText>,
    pub overdue_31_60: Option<MoneyText>,
    pub overdue_61_90: Option<MoneyText>,
    pub overdue_over_90: Option<MoneyText>,
    pub disputed: Option<MoneyText>,
    pub orders: Option<MoneyText>,
    pub limit: Option<MoneyText>,
    pub insured: Option<MoneyText>,
    pub insured_single_risk: Option<MoneyText>,
    pub insured_primary: Option<MoneyText>,
    pub insured_top_up: Option<MoneyText>,
    pub indemnifiable: Option<MoneyText>,
    pub retained: Option<MoneyText>,
    pub expected_loss: Option<MoneyText>,
    pub open_alerts: Option<u64>,
    pub open_proposals: Option<u64>,
    /// Days sales outstanding, weighted by what is outstanding.
    pub dso: Option<String>,
}

/// A group and its sums.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupView {
    /// Its name; null where it is unknown.
    pub key: Option<String>,
    /// The name of the group's parent, where it is a known buyer.
    pub name: Option<String>,
    /// The sums.
    pub totals: TotalsView,
}

impl Totals {
    /// Adds a buyer.
    pub fn add(&mut self, row: &BuyerRow<'_>) {
        let line = &row.buyer.line;
        self.buyers += 1;
        self.outstanding += line.row.outstanding.0;
        self.overdue += row.buyer.overdue().0;
        self.open_invoices += line.row.open_invoices as u64;
        let whole = self.whole.get_or_insert_default();
        whole.exposure += line.row.exposure.0;
        whole.not_due += line.row.not_due.0;
        whole.ages.iter_mut().zip(line.row.overdue).for_each(|(sum, part)| *sum += part.0);
        whole.disputed += line.row.disputed.0;
        whole.orders += line.row.orders.0;
        whole.limit += line.row.limit.map_or(0, |limit| limit.0);
        let insured = [line.row.insured_single_risk, line.row.insured_primary, line.row.insured_top_up];
        whole.insured.iter_mut().zip(insured).for_each(|(sum, part)| *sum += part.0);
        whole.indemnifiable += line.row.indemnifiable.0;
        whole.retained += line.row.retained.0;
        whole.expected_loss += line.further.expected_loss.0;
        whole.open_alerts += row.open_alerts as u64;
        whole.open_proposals += row.open_proposals as u64;
        if let Some(days) = line.further.dso {
            whole.days.0 += line.row.outstanding.0;
            whole.days.1 += line.row.outstanding.0 * i128::from(days.0);
        }
    }

    /// What buyers owe in all.
    #[must_use]
    pub fn exposure(&self) -> Cents {
        Cents(self.whole.as_ref().map_or(0, |whole| whole.exposure))
    }

    /// What is open in all.
    #[must_use]
    pub fn outstanding(&self) -> Cents {
        Cents(self.outstanding)
    }

    /// Days sales outstanding, weighted by what is outstanding; `None` where nothing is.
    #[must_use]
    pub fn dso(&self) -> Option<TenthDays> {
        let (outstanding, product) = self.whole.as_ref()?.days;
        let tenths = (outstanding > 0).then(|| divide_half_even(product, outstanding))?;
        Some(TenthDays(tenths.min(i128::from(TenthDays::MAX.0)) as i32))
    }

    fn size(&self) -> i128 {
        self.whole.as_ref().map_or(self.outstanding, |whole| whole.exposure)
    }

    /// The sums as they are told.
    #[must_use]
    pub fn view(&self) -> TotalsView {
        let sum = |sum: i128| MoneyText(Cents(sum));
        let whole = self.whole.as_ref();
        let part = |part: fn(&Whole) -> i128| whole.map(|whole| sum(part(whole)));
        TotalsView {
            buyers: self.buyers,
            outstanding: sum(self.outstanding),
            overdue: sum(self.overdue),
            open_invoices: self.open_invoices,
            exposure: part(|whole| whole.exposure),
            not_due: part(|whole| whole.not_due),
            overdue_1_30: part(|whole| whole.ages[0]),
            overdue_31_60: part(|whole| whole.ages[1]),
            overdue_61_90: part(|whole| whole.ages[2]),
            overdue_over_90: part(|whole| whole.ages[3]),
            disputed: part(|whole| whole.disputed),
            orders: part(|whole| whole.orders),
            limit: part(|whole| whole.limit),
            insured: part(|whole| whole.insured.iter().sum()),
            insured_single_risk: part(|whole| whole.insured[0]),
            insured_primary: part(|whole| whole.insured[1]),
            insured_top_up: part(|whole| whole.insured[2]),
            indemnifiable: part(|whole| whole.indemnifiable),
            retained: part(|whole| whole.retained),
            expected_loss: part(|whole| whole.expected_loss),
            open_alerts: whole.map(|whole| whole.open_alerts),
            open_proposals: whole.map(|whole| whole.open_proposals),
            dso: self.dso().map(|days| {
                let mut out = String::new();
                push_fixed(&mut out, i128::from(days.0), TenthDays::PLACES);
                out
            }),
        }
    }
}

/// The sums of each group.
#[derive(Debug)]
pub struct Groups {
    by: GroupBy,
    sums: BTreeMap<Option<String>, Totals>,
}

impl Groups {
    /// No groups yet.
    #[must_use]
    pub fn new(by: GroupBy) -> Groups {
        Groups { by, sums: BTreeMap::new() }
    }

    /// Adds a buyer to its group, or to those of its sellers.
    pub fn add(&mut self, row: &BuyerRow<'_>) {
        let line = &row.buyer.line;
        let profile = &line.profile;
        let name = match self.by {
            GroupBy::Segment => profile.segment.map(|segment| segment.as_str()),
            GroupBy::Grade => Some(line.row.scored.grade.as_str()),
            GroupBy::Country => profile.country.as_ref().map(|country| country.as_str()),
            GroupBy::Sector => profile.sector.as_deref(),
            GroupBy::Group => profile.parent_id.as_deref().or(Some(&line.row.buyer_id)),
            GroupBy::Seller => {
                for seller in &line.sellers {
                    let name = Some(seller.seller_id.clone()).filter(|name| !name.is_empty());
                    let sums = self.sums.entry(name).or_default();
                    sums.buyers += 1;
                    sums.outstanding += seller.outstanding.0;
                    sums.overdue += seller.overdue.0;
                    sums.open_invoices += seller.open_invoices as u64;
                }
                return;
            }
        };
        self.sums.entry(name.filter(|name| !name.is_empty()).map(str::to_owned)).or_default().add(row);
    }

    /// The names and exposures of the `max` largest groups that have a name, the largest first.
    #[must_use]
    pub fn largest(&self, max: usize) -> Vec<(String, Cents)> {
        let named = self.sums.iter().filter_map(|(key, totals)| Some((key.clone()?, totals.exposure())));
        let mut largest: Vec<(String, Cents)> = named.collect();
        largest.sort_by_key(|(_, exposure)| std::cmp::Reverse(*exposure));
        largest.truncate(max);
        largest
    }

    /// The groups, the largest first, at most [`GROUPS_MAX`].
    #[must_use]
    pub fn view(&self, name_of: impl Fn(&str) -> Option<String>) -> Vec<GroupView> {
        let mut largest: Vec<(&Option<String>, &Totals)> = self.sums.iter().collect();
        // Stable: of equals the one of the lesser name comes first.
        largest.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.size()));
        largest.truncate(GROUPS_MAX);
        let view = |(key, totals): (&Option<String>, &Totals)| GroupView {
            name: key.as_deref().filter(|_| self.by == GroupBy::Group).and_then(&name_of),
            key: key.clone(),
            totals: totals.view(),
        };
        largest.into_iter().map(view).collect()
    }
}

/// An amount in the units of its currency, for a gauge.
#[must_use]
pub fn units(cents: Cents) -> f64 {
    cents.0 as f64 / 100.0
}

/// An amount in plain words.
pub(super) fn plain(cents: Cents, currency: &str) -> String {
    let text = money(cents);
    let (whole, rest) = text.split_at(text.len() - 3);
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest} {currency}")
}

#[cfg(test)]
mod tests;
