//! Owns the report row of a buyer, and what goes with it on `exposures`.

use super::field::{Country, Layer, Segment};
use super::score::{Points, Scored};
use crate::base::{BaseUnits, Cents, Currency, Day, Percent};

/// One buyer's figures of a day, in the base currency, as the report shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The buyer.
    pub buyer_id: String,
    /// The day that ageing is reckoned to.
    pub as_of: Day,
    /// The base currency.
    pub currency: Currency,
    /// What is open.
    pub outstanding: Cents,
    /// Open and not yet due.
    pub not_due: Cents,
    /// Open and overdue by 1-30, 31-60, 61-90 and over 90 days.
    pub overdue: [Cents; 4],
    /// Days that the oldest open invoice is overdue; 0 when none is.
    pub oldest_overdue_days: i32,
    /// Open amount of disputed invoices.
    pub disputed: Cents,
    /// Residuals written off.
    pub written_off: Cents,
    /// Paid or credited and not absorbed by an invoice.
    pub unapplied: Cents,
    /// Orders placed and not billed.
    pub orders: Cents,
    /// Outstanding less unapplied, plus orders.
    pub exposure: Cents,
    /// The credit limit, if there is one and its currency has a rate.
    pub limit: Option<Cents>,
    /// Exposure over limit, in 10^-4.
    pub utilisation: Option<i128>,
    /// Taken by single-risk covers.
    pub insured_single_risk: Cents,
    /// Taken by primary covers.
    pub insured_primary: Cents,
    /// Taken by top-up covers.
    pub insured_top_up: Cents,
    /// What the insurers would pay.
    pub indemnifiable: Cents,
    /// What would stay with the seller.
    pub retained: Cents,
    /// Invoices with something open.
    pub open_invoices: usize,
    /// Whether something not zero was left out for want of a rate.
    pub fx_missing: bool,
    /// The score as last judged.
    pub scored: Scored,
}

/// A number of days in tenths of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenthDays(pub i32);

impl TenthDays {
    /// 9,999.9 days, 27 years: what is longer stays there.
    pub const MAX: TenthDays = TenthDays(99_999);
    /// Decimals.
    pub const PLACES: usize = 1;
}

/// What the report says of a buyer beyond its figures. Made for whoever reads it, never for a judgement: it takes a walk
/// over all documents of the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Further {
    /// Amount-weighted days beyond terms; negative where it pays early; `None` where nothing was paid or is overdue.
    pub days_beyond_terms: Option<TenthDays>,
    /// Days sales outstanding; `None` where nothing was billed in the last 90 days.
    pub dso: Option<TenthDays>,
    /// Days sales outstanding by counting back months of sales; `None` where nothing is owed.
    pub dso_countback: Option<TenthDays>,
    /// What of the days sales outstanding is for want of payment on time; `None` where they are.
    pub average_days_delinquent: Option<TenthDays>,
    /// Probability of default x loss given default x retained.
    pub expected_loss: Cents,
    /// What is owed, less what is paid and not applied: what the days sales outstanding are reckoned of.
    pub receivable: Cents,
    /// What was billed in the last 90 days.
    pub billed_recently: Cents,
}

/// One buyer in the report: its row, and the further columns after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// The row of the contract.
    pub row: ReportRow,
    /// Speed of payment and expected loss.
    pub further: Further,
    /// Who the buyer is.
    pub profile: BuyerProfile,
    /// The row's figures by seller, in order of the seller's id.
    pub sellers: Vec<SellerRow>,
}

/// Who the buyer is, as last described.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuyerProfile {
    /// Name, for people.
    pub name: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<Country>,
    /// Whether the insurer knows the buyer by name.
    pub segment: Option<Segment>,
    /// The group that the buyer belongs to.
    pub parent_id: Option<String>,
    /// Its sector.
    pub sector: Option<String>,
}

/// One seller's share of a buyer's figures, in the base currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellerRow {
    /// The seller; "" for none.
    pub seller_id: String,
    /// What is open to this seller.
    pub outstanding: Cents,
    /// Of it, what is overdue.
    pub overdue: Cents,
    /// Invoices with something open.
    pub open_invoices: usize,
}

/// One cover of a buyer, and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverRow {
    /// The cover.
    pub cover_id: String,
    /// Its layer.
    pub layer: Layer,
    /// The amount in force on the day of the row, in the base currency; `None` while its currency has no rate.
    pub amount: Option<BaseUnits>,
    /// What it carries of open invoices, in the base currency.
    pub taken: BaseUnits,
    /// The insured share.
    pub insured_pct: Percent,
    /// The first day of issue that it insures.
    pub valid_from: Day,
    /// The last, a withdrawal included.
    pub valid_to: Option<Day>,
    /// The order that it insures.
    pub order_id: Option<String>,
    /// The longest payment term that it insures.
    pub max_payment_term_days: Option<u16>,
    /// The first day whose shipments are uninsured because of an overdue invoice, while that lasts.
    pub stopped_since: Option<Day>,
}

/// A buyer's figures at the end of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthEnd {
    /// The last day of the month.
    pub day: Day,
    /// Exposure at its end.
    pub exposure: Cents,
    /// Overdue at its end.
    pub overdue: Cents,
    /// The score at its end.
    pub score: Points,
}
