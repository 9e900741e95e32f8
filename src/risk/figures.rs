//! Owns a buyer's figures in the base currency: exposure and limit for a judgement, the whole row for the report.

use super::cover::Carrying;
use super::ledger::{Ledger, bucket};
use super::rates::{Conversion, Rates};
use crate::base::{BaseAmount, Day, Rate};
use crate::event::{LimitAmount, ReportRow, Scored, SellerRow};

/// A buyer's totals in base currency, exact.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Open amounts.
    pub outstanding: BaseAmount,
    /// Residuals written off.
    pub written_off: BaseAmount,
    /// Paid or credited and not absorbed; may be negative.
    pub unapplied: BaseAmount,
    /// Orders not yet billed.
    pub orders: BaseAmount,
    /// Outstanding less unapplied, plus orders.
    pub exposure: BaseAmount,
    /// The credit limit.
    pub limit: Limit,
    /// Whether something not zero was left out for want of a rate.
    pub fx_missing: bool,
}

/// The credit limit in base currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// There is none.
    None,
    /// There is one, in a currency without a rate.
    Unknown,
    /// There is one.
    Known(BaseAmount),
}

impl Limit {
    /// The limit, where there is one that is known.
    #[must_use]
    pub fn known(self) -> Option<BaseAmount> {
        match self {
            Limit::Known(limit) => Some(limit),
            Limit::None | Limit::Unknown => None,
        }
    }
}

impl Figures {
    /// Reckons the figures, in time that depends only on the number of currencies.
    #[must_use]
    pub fn reckon(ledger: &Ledger, limit: Option<LimitAmount>, rates: &Rates) -> Figures {
        let mut sums = [Conversion::NOTHING; 4];
        for totals in ledger.totals() {
            let rate = rates.get(totals.currency);
            let parts = [totals.outstanding, totals.written_off, totals.unapplied, totals.pending];
            for (sum, part) in sums.iter_mut().zip(parts) {
                sum.add(part, rate);
            }
        }
        let (limit, limit_missing) = in_base(limit, rates);
        let [outstanding, written_off, unapplied, orders] = sums.map(|sum| sum.total);
        Figures {
            outstanding,
            written_off,
            unapplied,
            orders,
            exposure: (outstanding - unapplied).or_zero() + orders,
            limit,
            fx_missing: limit_missing || sums.iter().any(|sum| sum.missing),
        }
    }

    /// What would stay with the seller.
    #[must_use]
    pub fn retained(&self, carrying: &Carrying) -> BaseAmount {
        (self.exposure - carrying.indemnifiable).or_zero()
    }
}

/// Open and overdue on a day, in base currency.
#[must_use]
pub fn overdue(ledger: &mut Ledger, rates: &Rates, today: Day) -> BaseAmount {
    ledger.age(today);
    let mut sum = Conversion::NOTHING;
    for totals in ledger.totals() {
        sum.add(totals.overdue.into_iter().sum(), rates.get(totals.currency));
    }
    sum.total
}

/// A limit in base currency, and whether it is not zero and has no rate.
#[must_use]
pub fn in_base(limit: Option<LimitAmount>, rates: &Rates) -> (Limit, bool) {
    let Some(limit) = limit else { return (Limit::None, false) };
    match rates.get(limit.currency) {
        Some(rate) => (Limit::Known(BaseAmount::convert(limit.amount.sum(), rate)), false),
        None => (Limit::Unknown, limit.amount.units() != 0),
    }
}

/// What a walk over the open invoices adds to the figures, aged to any day.
struct Aged {
    /// Not due, and the four overdue buckets.
    buckets: [BaseAmount; 5],
    disputed: BaseAmount,
    oldest_overdue_days: i32,
    open_invoices: usize,
}

impl Aged {
    fn reckon(ledger: &Ledger, rates: &Rates, as_of: Day) -> Aged {
        let zero = BaseAmount::ZERO;
        let mut aged = Aged { buckets: [zero; 5], disputed: zero, oldest_overdue_days: 0, open_invoices: 0 };
        for (_, _, standing) in ledger.unpaid().filter(|(_, _, standing)| !standing.open.is_zero()) {
            aged.open_invoices += 1;
            aged.oldest_overdue_days = aged.oldest_overdue_days.max(as_of.since(standing.due));
            let Some(rate) = rates.get(standing.currency) else { continue };
            let open = BaseAmount::convert(standing.open, rate);
            aged.buckets[bucket(standing.due, as_of).map_or(0, |bucket| bucket + 1)] += open;
            if standing.disputed {
                aged.disputed += open;
            }
        }
        aged
    }
}

/// The report row of a buyer. `fx_missing` is what its figures say, or that some granted cover's currency has no rate.
#[must_use]
pub fn row(
    buyer_id: &str,
    as_of: Day,
    ledger: &Ledger,
    rates: &Rates,
    figures: &Figures,
    cover: &Carrying,
    fx_missing: bool,
) -> ReportRow {
    let aged = Aged::reckon(ledger, rates, as_of);
    let insured = cover.by_layer.map(|taken| taken.amount().cents());
    let limit = figures.limit.known();
    ReportRow {
        buyer_id: buyer_id.to_owned(),
        as_of,
        currency: rates.base(),
        outstanding: figures.outstanding.cents(),
        not_due: aged.buckets[0].cents(),
        overdue: std::array::from_fn(|bucket| aged.buckets[bucket + 1].cents()),
        oldest_overdue_days: aged.oldest_overdue_days,
        disputed: aged.disputed.cents(),
        written_off: figures.written_off.cents(),
        unapplied: figures.unapplied.cents(),
        orders: figures.orders.cents(),
        exposure: figures.exposure.cents(),
        limit: limit.map(BaseAmount::cents),
        utilisation: limit.and_then(|limit| figures.exposure.ratio(limit)),
        insured_single_risk: insured[0],
        insured_primary: insured[1],
        insured_top_up: insured[2],
        indemnifiable: cover.indemnifiable.cents(),
        retained: figures.retained(cover).cents(),
        open_invoices: aged.open_invoices,
        fx_missing,
        scored: Scored::HEALTHY,
    }
}

/// Sellers that a buyer's figures name at most.
pub const SELLERS_TOLD_MAX: usize = 1000;

/// Of more sellers than can be told, those to whom most is owed, in order of their id. Each still counts in the totals.
#[must_use]
pub fn most_owed(mut sellers: Vec<SellerRow>) -> Vec<SellerRow> {
    if sellers.len() > SELLERS_TOLD_MAX {
        sellers.sort_by(|a, b| b.outstanding.cmp(&a.outstanding).then_with(|| a.seller_id.cmp(&b.seller_id)));
        sellers.truncate(SELLERS_TOLD_MAX);
        sellers.sort_by(|a, b| a.seller_id.cmp(&b.seller_id));
    }
    sellers
}

/// The open amounts of a buyer by seller, in order of the seller's id.
#[must_use]
pub fn sellers(ledger: &Ledger, rates: &Rates, as_of: Day) -> Vec<SellerRow> {
    let documents = ledger.documents();
    let mut by_seller = vec![(BaseAmount::ZERO, BaseAmount::ZERO, 0); documents.sellers.len()];
    for (_, invoice, standing) in ledger.unpaid().filter(|(_, _, standing)| !standing.open.is_zero()) {
        let (outstanding, overdue, open_invoices) = &mut by_seller[invoice.seller.index()];
        *open_invoices += 1;
        let rate: Option<Rate> = rates.get(standing.currency);
        let open = rate.map_or(BaseAmount::ZERO, |rate| BaseAmount::convert(standing.open, rate));
        *outstanding += open;
        if bucket(standing.due, as_of).is_some() {
            *overdue += open;
        }
    }
    let mut rows: Vec<SellerRow> = documents
        .sellers
        .iter()
        .zip(by_seller)
        .filter(|(_, (_, _, open_invoices))| *open_invoices > 0)
        .map(|(seller_id, (outstanding, overdue, open_invoices))| SellerRow {
            seller_id: seller_id.to_string(),
            outstanding: outstanding.cents(),
            overdue: overdue.cents(),
            open_invoices,
        })
        .collect();
    rows.sort_by(|a, b| a.seller_id.cmp(&b.seller_id));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cents;

    #[test]
    fn of_too_many_sellers_those_are_told_to_whom_most_is_owed() {
        let seller = |number: usize| SellerRow {
            seller_id: format!("S{number:05}"),
            outstanding: Cents(number as i128),
            overdue: Cents(0),
            open_invoices: 1,
        };
        let all = |count: usize| (1..=count).map(seller).collect::<Vec<_>>();
        assert_eq!(most_owed(all(SELLERS_TOLD_MAX)), all(SELLERS_TOLD_MAX));
        assert_eq!(most_owed(all(SELLERS_TOLD_MAX + 2)), all(SELLERS_TOLD_MAX + 2)[2..]);
    }
}
