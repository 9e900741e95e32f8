//! Owns a buyer as the read model has it: the last `exposure.updated`, whole, and its figures for filters, sorts and sums.

use std::borrow::Cow;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::page::Key;
use super::told::{MoneyText, NotTold, On, PointsNumber, RatioText, TenthText};
use crate::base::{Cents, Currency, Day, Instant, Percent};
use crate::event::{
    BuyerProfile, Country, Further, Grade, Layer, ReportLine, ReportRow, Scored, Segment, SellerRow, Severity,
};
use crate::wire::table::{Row, Value, push_json};

/// A buyer as last told.
#[derive(Debug)]
pub struct Buyer {
    /// Its figures, as in the report. What only sums are made of, `receivable` and `billed_recently`, is not told and 0.
    pub line: ReportLine,
    /// Its covers, as an order check needs them.
    pub covers: Vec<Cover>,
    /// When it was told.
    pub updated_at: Instant,
    /// The data of the event, as it came.
    pub data: Box<RawValue>,
    /// What a text filter looks at: id and name in lower case.
    found_by: CompactString,
}

/// A cover of a buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Its layer.
    pub layer: Layer,
    /// The amount in force, in the base currency; `None` while its currency has no rate.
    pub amount: Option<Cents>,
    /// What it carries already.
    pub taken: Cents,
    /// The share that the insurer pays.
    pub insured_pct: Percent,
    /// The first day of issue that it insures.
    pub valid_from: Day,
    /// The last.
    pub valid_to: Option<Day>,
    /// The one order that it insures.
    pub order_id: Option<String>,
    /// The longest payment term that it insures.
    pub max_payment_term_days: Option<u16>,
    /// Since when shipments are uninsured because of an overdue invoice.
    pub stopped_since: Option<Day>,
}

/// A buyer in a list: its row, and what is open about it.
#[derive(Debug)]
pub struct BuyerRow<'a> {
    /// The buyer.
    pub buyer: &'a Buyer,
    /// Alerts that are open.
    pub open_alerts: usize,
    /// The worst of them.
    pub worst_severity: Option<Severity>,
    /// Proposals that are open.
    pub open_proposals: usize,
}

/// A column of the list that the report does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    Overdue,
    Insured,
    OpenAlerts,
    WorstSeverity,
    OpenProposals,
    UpdatedAt,
}

impl Extra {
    const ALL: [(&'static str, Extra); 6] = [
        ("overdue", Extra::Overdue),
        ("insured", Extra::Insured),
        ("open_alerts", Extra::OpenAlerts),
        ("worst_severity", Extra::WorstSeverity),
        ("open_proposals", Extra::OpenProposals),
        ("updated_at", Extra::UpdatedAt),
    ];
}

/// A column by which a list of buyers can be sorted.
#[derive(Debug, Clone, Copy)]
pub struct BuyerColumn(Of);

#[derive(Debug, Clone, Copy)]
enum Of {
    Report(usize),
    Extra(Extra),
}

impl BuyerColumn {
    /// The column of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<BuyerColumn> {
        let report = ReportLine::COLUMNS.iter().position(|column| column.name() == name).map(Of::Report);
        let extra = || Extra::ALL.iter().find(|(of, _)| *of == name).map(|(_, extra)| Of::Extra(*extra));
        report.or_else(extra).map(BuyerColumn)
    }

    /// The names of all, in the order in which a row has them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ReportLine::COLUMNS.iter().map(|column| column.name()).chain(Extra::ALL.iter().map(|(name, _)| *name))
    }

    /// Whether a row may have no value in it.
    #[must_use]
    pub fn is_nullable(self) -> bool {
        match self.0 {
            Of::Report(place) => ReportLine::COLUMNS[place].is_nullable(),
            Of::Extra(extra) => extra == Extra::WorstSeverity,
        }
    }

    /// What a row is sorted by.
    #[must_use]
    pub fn key(self, row: &BuyerRow<'_>) -> Key {
        Key::of(&self.value(row))
    }

    fn value<'a>(self, row: &BuyerRow<'a>) -> Value<'a> {
        match self.0 {
            Of::Report(place) => ReportLine::COLUMNS[place].value(&row.buyer.line),
            Of::Extra(Extra::Overdue) => Value::Money(Some(row.buyer.overdue())),
            Of::Extra(Extra::Insured) => Value::Money(Some(row.buyer.insured())),
            Of::Extra(Extra::OpenAlerts) => Value::Count(row.open_alerts),
            Of::Extra(Extra::WorstSeverity) => {
                Value::Count(row.worst_severity.map_or(0, |severity| 1 + severity as usize))
            }
            Of::Extra(Extra::OpenProposals) => Value::Count(row.open_proposals),
            Of::Extra(Extra::UpdatedAt) => Value::Instant(row.buyer.updated_at),
        }
    }
}

impl Buyer {
    /// Reads the data of an `exposure.updated`.
    ///
    /// # Errors
    /// When it is none.
    pub fn told(at: Instant, data: &RawValue) -> Result<Buyer, NotTold> {
        let read: Data<'_> = serde_json::from_str(data.get())?;
        let covers = read.covers.iter().map(CoverData::cover).collect::<Result<_, _>>()?;
        let line = read.line()?;
        let name = line.profile.name.as_deref().unwrap_or_default();
        let found_by = CompactString::from(format!("{}\n{name}", line.row.buyer_id).to_lowercase());
        Ok(Buyer { line, covers, updated_at: at, data: data.to_owned(), found_by })
    }

    /// What is overdue.
    #[must_use]
    pub fn overdue(&self) -> Cents {
        Cents(self.line.row.overdue.iter().map(|part| part.0).sum())
    }

    /// What covers of any layer carry.
    #[must_use]
    pub fn insured(&self) -> Cents {
        let row = &self.line.row;
        Cents(row.insured_single_risk.0 + row.insured_primary.0 + row.insured_top_up.0)
    }

    /// Whether its id or name has this in it, which is in lower case.
    #[must_use]
    pub fn is_found_by(&self, text: &str) -> bool {
        self.found_by.contains(text)
    }
}

impl BuyerRow<'_> {
    /// Writes the row as a JSON object.
    pub fn push_json(&self, out: &mut String) {
        push_json(out, &self.buyer.line);
        out.pop();
        for (name, extra) in Extra::ALL {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            match (extra, self.worst_severity) {
                (Extra::WorstSeverity, severity) => {
                    Value::Text(severity.map(Severity::as_str)).push_json(out);
                }
                (extra, _) => BuyerColumn(Of::Extra(extra)).value(self).push_json(out),
            }
        }
        out.push('}');
    }
}

/// The data of an `exposure.updated`, as far as they are looked at one by one.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    buyer_id: Cow<'a, str>,
    as_of: On,
    #[serde(borrow)]
    currency: Cow<'a, str>,
    outstanding: MoneyText,
    not_due: MoneyText,
    overdue_1_30: MoneyText,
    overdue_31_60: MoneyText,
    overdue_61_90: MoneyText,
    overdue_over_90: MoneyText,
    oldest_overdue_days: i32,
    disputed: MoneyText,
    written_off: MoneyText,
    unapplied: MoneyText,
    orders: MoneyText,
    exposure: MoneyText,
    limit: Option<MoneyText>,
    utilisation: Option<RatioText>,
    insured_single_risk: MoneyText,
    insured_primary: MoneyText,
    insured_top_up: MoneyText,
    indemnifiable: MoneyText,
    retained: MoneyText,
    open_invoices: usize,
    fx_missing: bool,
    score: PointsNumber,
    slow: PointsNumber,
    fail: PointsNumber,
    #[serde(borrow)]
    grade: Cow<'a, str>,
    days_beyond_terms: Option<TenthText>,
    dso: Option<TenthText>,
    dso_countback: Option<TenthText>,
    average_days_delinquent: Option<TenthText>,
    expected_loss: MoneyText,
    name: Option<String>,
    #[serde(borrow)]
    country: Option<Cow<'a, str>>,
    #[serde(borrow)]
    segment: Option<Cow<'a, str>>,
    sector: Option<String>,
    parent_id: Option<String>,
    sellers: Vec<SellerData>,
    #[serde(borrow)]
    covers: Vec<CoverData<'a>>,
}

#[derive(Deserialize)]
struct SellerData {
    seller_id: String,
    outstanding: MoneyText,
    overdue: MoneyText,
    open_invoices: usize,
}

#[derive(Deserialize)]
struct CoverData<'a> {
    #[serde(borrow)]
    layer: Cow<'a, str>,
    amount: Option<MoneyText>,
    taken: MoneyText,
    #[serde(borrow)]
    insured_pct: Cow<'a, str>,
    valid_from: On,
    valid_to: Option<On>,
    order_id: Option<String>,
    max_payment_term_days: Option<u16>,
    stopped_since: Option<On>,
}

/// Reads a name of a closed list.
pub(super) fn named<T>(what: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, NotTold> {
    parse(text).ok_or_else(|| NotTold(format!("{text:?} is no {what}")))
}

impl Data<'_> {
    fn line(self) -> Result<ReportLine, NotTold> {
        let scored = Scored {
            score: self.score.0,
            slow: self.slow.0,
            fail: self.fail.0,
            grade: named("grade", &self.grade, Grade::parse)?,
        };
        let profile = BuyerProfile {
            country: self.country.map(|text| named("country", &text, Country::parse)).transpose()?,
            segment: self.segment.map(|text| named("segment", &text, Segment::parse)).transpose()?,
            name: self.name,
            parent_id: self.parent_id,
            sector: self.sector,
        };
        let row = ReportRow {
            currency: named("currency", &self.currency, Currency::parse)?,
            buyer_id: self.buyer_id.into_owned(),
            as_of: self.as_of.0,
            outstanding: self.outstanding.0,
            not_due: self.not_due.0,
            overdue: [self.overdue_1_30.0, self.overdue_31_60.0, self.overdue_61_90.0, self.overdue_over_90.0],
            oldest_overdue_days: self.oldest_overdue_days,
            disputed: self.disputed.0,
            written_off: self.written_off.0,
            unapplied: self.unapplied.0,
            orders: self.orders.0,
            exposure: self.exposure.0,
            limit: self.limit.map(|limit| limit.0),
            utilisation: self.utilisation.map(|ratio| ratio.0),
            insured_single_risk: self.insured_single_risk.0,
            insured_primary: self.insured_primary.0,
            insured_top_up: self.insured_top_up.0,
            indemnifiable: self.indemnifiable.0,
            retained: self.retained.0,
            open_invoices: self.open_invoices,
            fx_missing: self.fx_missing,
            scored,
        };
        let days = |days: Option<TenthText>| days.map(|days| days.0);
        let further = Further {
            days_beyond_terms: days(self.days_beyond_terms),
            dso: days(self.dso),
            dso_countback: days(self.dso_countback),
            average_days_delinquent: days(self.average_days_delinquent),
            expected_loss: self.expected_loss.0,
            receivable: Cents(0),
            billed_recently: Cents(0),
        };
        let sellers = self.sellers.into_iter().map(|seller| SellerRow {
            seller_id: seller.seller_id,
            outstanding: seller.outstanding.0,
            overdue: seller.overdue.0,
            open_invoices: seller.open_invoices,
        });
        Ok(ReportLine { row, further, profile, sellers: sellers.collect() })
    }
}

impl CoverData<'_> {
    fn cover(&self) -> Result<Cover, NotTold> {
        Ok(Cover {
            layer: named("layer", &self.layer, Layer::parse)?,
            amount: self.amount.map(|amount| amount.0),
            taken: self.taken.0,
            insured_pct: named("percentage", &self.insured_pct, |text| Percent::parse(text).ok())?,
            valid_from: self.valid_from.0,
            valid_to: self.valid_to.map(|day| day.0),
            order_id: self.order_id.clone(),
            max_payment_term_days: self.max_payment_term_days,
            stopped_since: self.stopped_since.map(|day| day.0),
        })
    }
}
