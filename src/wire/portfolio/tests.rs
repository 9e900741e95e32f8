//! Sums, shares and groups of small portfolios, by hand.

use super::*;
use crate::event::{BuyerProfile, Country, Further, ReportRow, Scored, Segment, SellerRow};

/// A buyer with this exposure, a tenth of it overdue, half of it retained, a hundredth of that expected to be lost.
fn line(buyer_id: &str, exposure: i128) -> ReportLine {
    let part = |percent: i128| Cents(exposure * percent / 100);
    let row = ReportRow {
        buyer_id: buyer_id.to_owned(),
        as_of: Day::parse("2026-06-30").expect("a day"),
        currency: Currency::parse("EUR").expect("a currency"),
        outstanding: Cents(exposure),
        not_due: part(90),
        overdue: [part(4), part(3), part(2), part(1)],
        oldest_overdue_days: 91,
        disputed: Cents(0),
        written_off: Cents(7),
        unapplied: Cents(0),
        orders: Cents(0),
        exposure: Cents(exposure),
        limit: None,
        utilisation: None,
        insured_single_risk: part(1),
        insured_primary: part(2),
        insured_top_up: part(3),
        indemnifiable: part(50),
        retained: part(50),
        open_invoices: 1,
        fx_missing: false,
        scored: Scored::HEALTHY,
    };
    let further = Further {
        days_beyond_terms: None,
        dso: None,
        dso_countback: None,
        average_days_delinquent: None,
        expected_loss: Cents(exposure / 200),
        receivable: Cents(exposure),
        billed_recently: Cents(exposure * 2),
    };
    ReportLine { row, further, profile: BuyerProfile::default(), sellers: Vec::new() }
}

fn portfolio(lines: &[ReportLine]) -> Portfolio {
    let mut portfolio = Portfolio::default();
    lines.iter().for_each(|line| portfolio.add(line));
    portfolio
}

#[test]
fn sums_are_exact_and_days_sales_outstanding_are_those_of_the_sums() {
    let mut odd = line("c", 100);
    odd.further.billed_recently = Cents(0);
    odd.row.fx_missing = true;
    let portfolio = portfolio(&[line("a", 60_000), line("b", 40_000), odd]);
    let totals = portfolio.totals();
    assert_eq!((totals.buyers, totals.fx_missing_buyers, totals.exposure), (3, 1, 100_100));
    assert_eq!((totals.overdue, totals.not_due), ([4_004, 3_003, 2_002, 1_001], 90_090));
    assert_eq!((totals.insured, totals.indemnifiable, totals.retained), (6_006, 50_050, 50_050));
    assert_eq!((totals.written_off, totals.expected_loss), (21, 500));
    assert_eq!(portfolio.dso(), Some(TenthDays(450)), "1001.00 x 90 / 2000.00 is 45.045");
}

#[test]
fn concentration_is_the_sum_of_squared_shares_and_its_inverse_a_number_of_buyers() {
    let equal: Vec<ReportLine> = (0..8).map(|number| line(&number.to_string(), 500)).collect();
    let equal = portfolio(&equal);
    assert_eq!((equal.concentration(), equal.effective_buyers()), (Some(1250), Some(80)));
    let two = portfolio(&[line("a", 300), line("b", 100)]);
    assert_eq!((two.concentration(), two.effective_buyers()), (Some(6250), Some(16)));
    assert_eq!(two.share(100), Some(2500));
    // The largest invoice at the largest rate, from each of two buyers.
    let most = 10_i128.pow(25);
    let wide = portfolio(&[line("a", most), line("b", most)]);
    assert_eq!((wide.concentration(), wide.effective_buyers()), (Some(5000), Some(20)));
    let nothing = portfolio(&[line("a", 0)]);
    assert_eq!((nothing.concentration(), nothing.effective_buyers(), nothing.share(0)), (None, None, None));
    assert_eq!(nothing.dso(), None);
}

#[test]
fn the_ten_largest_are_named_and_the_first_of_equals_stays() {
    let lines: Vec<ReportLine> = (0..12).map(|number| line(&format!("b{number:02}"), 100 + number / 4 * 50)).collect();
    let portfolio = portfolio(&lines);
    let named: Vec<&str> = portfolio.largest().iter().map(|buyer| buyer.buyer_id.as_str()).collect();
    assert_eq!(named, ["b08", "b09", "b10", "b11", "b04", "b05", "b06", "b07", "b00", "b01"]);
    assert_eq!(portfolio.most_retained().len(), NAMED_MAX);
    assert!(super::tests::portfolio(&[line("a", 0)]).largest().is_empty());
}

#[test]
fn groups_add_up_to_the_totals_and_what_is_beyond_the_limit_is_summed() {
    let mut lines = Vec::new();
    for (number, country) in ["FR", "FR", "DE", "IT", ""].into_iter().enumerate() {
        let mut line = line(&format!("b{number}"), 100 * (number as i128 + 1));
        line.profile.country = Country::parse(country);
        line.profile.segment = Some(if number == 0 { Segment::Unnamed } else { Segment::Named });
        lines.push(line);
    }
    let portfolio = portfolio(&lines);
    let groups = portfolio.groups(Dimension::Country, 2);
    let names: Vec<Option<&str>> = groups.largest.iter().map(|(name, _)| name.as_deref()).collect();
    assert_eq!(names, [None, Some("IT")]);
    let (count, others) = groups.others.expect("others");
    assert_eq!((count, others.buyers), (2, 3));
    assert_eq!(others.at_risk.map(|at_risk| at_risk.exposure), Some(600));
    for dimension in Dimension::ALL {
        let groups = portfolio.groups(dimension, 100);
        let exposure: i128 = groups.largest.iter().filter_map(|(_, sums)| Some(sums.at_risk?.exposure)).sum();
        let wanted = if dimension == Dimension::Seller { 0 } else { portfolio.totals().exposure };
        assert_eq!((exposure, groups.others), (wanted, None), "{dimension:?}");
    }
    let segments = portfolio.groups(Dimension::Segment, 100).largest;
    assert_eq!(segments[1].0.as_deref(), Some("unnamed"));
}

#[test]
fn by_seller_there_is_what_is_open_and_overdue_and_no_more() {
    let seller = |seller_id: &str, outstanding: i128| SellerRow {
        seller_id: seller_id.to_owned(),
        outstanding: Cents(outstanding),
        overdue: Cents(outstanding / 10),
        open_invoices: 1,
    };
    let (mut first, mut second) = (line("a", 300), line("b", 200));
    first.sellers = vec![seller("DE01", 100), seller("FR01", 200)];
    second.sellers = vec![seller("", 50), seller("DE01", 150)];
    let groups = portfolio(&[first, second]).groups(Dimension::Seller, 100).largest;
    let sums = |buyers, outstanding, overdue| GroupSums { buyers, outstanding, overdue, at_risk: None };
    let wanted = [(Some("DE01"), sums(2, 250, 25)), (Some("FR01"), sums(1, 200, 20)), (None, sums(1, 50, 5))];
    assert_eq!(groups, wanted.map(|(name, sums)| (name.map(str::to_owned), sums)));
}

#[test]
fn the_view_is_written_in_decimals() {
    let mut buyer = line("b\"1", 12_345_678);
    buyer.profile.name = Some("Müller".to_owned());
    let view = PortfolioView::of(&portfolio(&[buyer])).expect("a view");
    let text = serde_json::to_string(&view).expect("JSON");
    for part in [
        r#"{"as_of":"2026-06-30","currency":"EUR","totals":{"buyers":1,"fx_missing_buyers":0,"outstanding":"123456.78","#,
        r#""written_off":"0.07","exposure":"123456.78","#,
        r#""dso":"45.0"},"concentration":{"hhi":"1.0000","effective_buyers":"1.0","top_10_share":"1.0000","#,
        r#""top_10":[{"buyer_id":"b\"1","name":"Müller","grade":"A","exposure":"123456.78","share":"1.0000","#,
        r#""by_seller":{"groups":[],"others":null},"by_country":{"groups":[{"name":null,"buyers":1,"#,
        r#""by_grade":{"groups":[{"name":"A","buyers":1,"outstanding":"123456.78","overdue":"12345.66","#,
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(PortfolioView::of(&Portfolio::default()).is_none());
}
