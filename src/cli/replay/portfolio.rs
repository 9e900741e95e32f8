//! Owns the view of the portfolio as a table for a person.

use crate::base::decimal::push_fixed;
use crate::event::TenthDays;
use crate::wire::portfolio::{Dimension, GroupSums, NamedBuyer, Portfolio};

use super::text::{columns, line, money, shortened, thousands};

/// Groups of a dimension that are shown one by one; the others are summed.
const GROUPS_SHOWN_MAX: usize = 20;

/// The table; it fits 120 columns unless a figure has over 13 digits.
pub fn table(portfolio: &Portfolio) -> String {
    let Some((as_of, currency)) = portfolio.head() else { return "No buyers.\n".to_owned() };
    let mut out = format!("Portfolio on {as_of}, in {currency}\n\n");
    push_totals(&mut out, portfolio);
    let share = |buyer: &NamedBuyer| percent(portfolio.share(buyer.exposure.0));
    push_buyers(&mut out, "Buyers with the largest exposure", portfolio.largest(), ("share", share));
    let oldest = |buyer: &NamedBuyer| buyer.oldest_overdue_days.to_string();
    push_buyers(
        &mut out,
        "Buyers with the most retained, then overdue",
        portfolio.most_retained(),
        ("oldest days", oldest),
    );
    for dimension in Dimension::ALL {
        push_groups(&mut out, portfolio, dimension);
    }
    out
}

fn push_totals(out: &mut String, portfolio: &Portfolio) {
    let totals = portfolio.totals();
    line(out, "buyers", &thousands(totals.buyers));
    let amounts = [
        ("outstanding", totals.outstanding),
        ("not due", totals.not_due),
        ("overdue 1-30 days", totals.overdue[0]),
        ("overdue 31-60 days", totals.overdue[1]),
        ("overdue 61-90 days", totals.overdue[2]),
        ("overdue over 90 days", totals.overdue[3]),
        ("written off", totals.written_off),
        ("exposure", totals.exposure),
        ("insured", totals.insured),
        ("indemnifiable", totals.indemnifiable),
        ("retained", totals.retained),
        ("expected loss", totals.expected_loss),
    ];
    for (name, amount) in amounts {
        line(out, name, &money(amount));
    }
    let days = portfolio.dso().map(|days| fixed(i128::from(days.0), TenthDays::PLACES));
    line(out, "DSO, days", days.as_deref().unwrap_or("-"));
    let top: i128 = portfolio.largest().iter().map(|buyer| buyer.exposure.0).sum();
    line(out, "share of the 10 largest", &percent(portfolio.share(top)));
    let hhi = portfolio.concentration().map(|ratio| fixed(ratio as i128, 4));
    line(out, "concentration (HHI)", hhi.as_deref().unwrap_or("-"));
    let equal = portfolio.effective_buyers().map(|tenths| fixed(tenths as i128, 1));
    line(out, "as so many equal buyers", equal.as_deref().unwrap_or("-"));
    if totals.fx_missing_buyers > 0 {
        line(out, "buyers in part left out", &thousands(totals.fx_missing_buyers));
        out.push_str("  (what is in a currency without a rate is in no figure)\n");
    }
}

/// Named buyers, with one column of the table's own.
fn push_buyers(
    out: &mut String,
    title: &str,
    buyers: &[NamedBuyer],
    (own, value): (&str, impl Fn(&NamedBuyer) -> String),
) {
    if buyers.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n\n"));
    let head = ["buyer", "grade", own, "exposure", "overdue", "retained", "expected loss"].map(str::to_owned).to_vec();
    let rows = buyers.iter().map(|buyer| {
        vec![
            shortened(&buyer.buyer_id),
            buyer.grade.as_str().to_owned(),
            value(buyer),
            money(buyer.exposure.0),
            money(buyer.overdue.0),
            money(buyer.retained.0),
            money(buyer.expected_loss.0),
        ]
    });
    columns(out, std::iter::once(head).chain(rows).collect());
}

/// The groups of a dimension, unless there is but one, of which nothing is known.
fn push_groups(out: &mut String, portfolio: &Portfolio, dimension: Dimension) {
    let groups = portfolio.groups(dimension, GROUPS_SHOWN_MAX);
    let is_known = groups.largest.iter().any(|(name, _)| name.is_some());
    if !is_known {
        return;
    }
    let by_seller = dimension == Dimension::Seller;
    let figures: &[&str] = if by_seller { &["outstanding"] } else { &["exposure", "retained", "expected loss"] };
    let head = [&[dimension.as_str(), "buyers", "overdue"], figures].concat();
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<String>>()];
    let named = |name: Option<String>| shortened(name.as_deref().unwrap_or("(unknown)"));
    rows.extend(groups.largest.into_iter().map(|(name, sums)| group(named(name), &sums)));
    rows.extend(groups.others.map(|(count, sums)| group(format!("{count} others"), &sums)));
    out.push_str(&format!("\nBy {}\n\n", dimension.as_str()));
    columns(out, rows);
}

fn group(name: String, sums: &GroupSums) -> Vec<String> {
    let mut cells = vec![name, thousands(sums.buyers), money(sums.overdue)];
    match sums.at_risk {
        Some(at_risk) => cells.extend([at_risk.exposure, at_risk.retained, at_risk.expected_loss].map(money)),
        None => cells.push(money(sums.outstanding)),
    }
    cells
}

/// A share in 10^-4 as per cent.
fn percent(share: Option<u128>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| fixed(share as i128, 2) + " %")
}

fn fixed(value: i128, places: usize) -> String {
    let mut out = String::new();
    push_fixed(&mut out, value, places);
    out
}
