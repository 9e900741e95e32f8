//! Orders that fit and orders that do not, and what would help.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::base::Instant;
use crate::view::samples::{cover, exposure};

const AT: &str = "2026-11-20T10:00:00Z";

fn buyer(data: Value) -> Buyer {
    let data = exposure("b", AT, data)["data"].to_string();
    let raw = RawValue::from_string(data).expect("JSON");
    Buyer::told(Instant::parse(AT).expect("an instant"), &raw).expect("a buyer")
}

fn euro() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn order(euros: i128) -> OrderQuestion {
    OrderQuestion { amount: Cents(euros * 100), currency: euro(), order_id: None, expected_on: None, due_on: None }
}

fn standing(buyer: Option<&Buyer>) -> Standing<'_> {
    let (insolvency, overdue) = (Insolvency::None, Overdue::Within);
    Standing { buyer, base: euro(), today: day("2026-11-20"), insolvency, overdue }
}

fn asked(question: &OrderQuestion, standing: &Standing<'_>) -> OrderCheck {
    check(question, standing, &CheckRules::default())
}

fn answered(question: &OrderQuestion, data: Value) -> OrderCheck {
    asked(question, &standing(Some(&buyer(data))))
}

fn obstacles(check: &OrderCheck) -> Vec<&'static str> {
    check.obstacles.iter().map(|obstacle| obstacle.code).collect()
}

fn remedies(check: &OrderCheck) -> Vec<(&'static str, i128)> {
    check.remedies.iter().map(|remedy| (remedy.code, remedy.amount.0.0 / 100)).collect()
}

/// What the layers bear, in whole units: single risk, primary, top-up, nobody.
fn layers(check: &OrderCheck) -> [i128; 4] {
    let shares = check.insured.expect("shares");
    [shares.single_risk, shares.primary, shares.top_up, shares.uninsured].map(|money| money.0.0 / 100)
}

#[test]
fn the_order_of_a_reseller_before_christmas_is_insured_for_40_per_cent_and_with_a_top_up_for_80() {
    let primary = cover("primary", "200000.00", "0.00", json!({}));
    let first = answered(&order(500_000), json!({"limit": "600000.00", "covers": [primary]}));
    assert_eq!((first.answer, first.insured_pct.as_deref()), (Answer::Accept, Some("40.00")));
    assert_eq!((layers(&first), remedies(&first)), ([0, 200_000, 0, 300_000], vec![("top_up", 300_000)]));
    let top_up = cover("top_up", "200000.00", "0.00", json!({}));
    let second = answered(&order(500_000), json!({"limit": "600000.00", "covers": [top_up, primary]}));
    assert_eq!(second.insured_pct.as_deref(), Some("80.00"));
    assert_eq!((layers(&second), remedies(&second)), ([0, 200_000, 200_000, 100_000], vec![("top_up", 100_000)]));
}

#[test]
fn an_order_that_fits_to_the_cent_is_accepted_and_one_cent_more_is_not() {
    let data = json!({"limit": "1000.00", "exposure": "400.01"});
    let fits = answered(&OrderQuestion { amount: Cents(599_99), ..order(0) }, data.clone());
    assert_eq!((fits.answer, obstacles(&fits)), (Answer::Accept, vec![]));
    assert_eq!(fits.headroom.map(|money| money.0), Some(Cents(599_99)));
    assert_eq!(fits.exposure_after.map(|money| money.0), Some(Cents(1000_00)));
    assert!(fits.remedies.is_empty());
    let over = answered(&OrderQuestion { amount: Cents(600_00), ..order(0) }, data);
    assert_eq!((over.answer, obstacles(&over)), (Answer::Refer, vec!["over_limit"]));
    assert_eq!(over.remedies[0].amount.0, Cents(1));
    assert_eq!(over.obstacles[0].detail, "With this order exposure would be 0.01 EUR over the limit of 1,000.00 EUR.");
    // Over the limit already.
    let past = answered(&order(1), json!({"limit": "10.00", "exposure": "25.00"}));
    assert_eq!(past.headroom.map(|money| money.0), Some(Cents(-15_00)));
    assert_eq!(remedies(&past), [("limit_increase", 16)]);
    // Nothing is let through at a limit of 0.
    let nothing = answered(&order(1), json!({"limit": "0.00"}));
    assert_eq!((nothing.answer, obstacles(&nothing)), (Answer::Reject, vec!["over_limit"]));
}

#[test]
fn whatever_stands_in_the_way_is_named_and_the_worst_answer_holds() {
    let limit = json!({"limit": "1000.00"});
    let cases: [(&str, Value, Answer, &str); 5] = [
        ("grade D", json!({"grade": "D"}), Answer::Accept, ""),
        ("grade E", json!({"grade": "E"}), Answer::Refer, "grade"),
        ("grade F", json!({"grade": "F"}), Answer::Reject, "grade"),
        ("a currency without a rate", json!({"fx_missing": true}), Answer::Refer, "fx_missing"),
        (
            "a stop",
            json!({"covers": [cover("primary", "1.00", "0.00", json!({"stopped_since": "2026-11-02"}))]}),
            Answer::Refer,
            "stop_shipment",
        ),
    ];
    for (what, mut data, answer, code) in cases {
        data["limit"] = limit["limit"].clone();
        let check = answered(&order(1), data);
        let expected: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!((check.answer, obstacles(&check)), (answer, expected), "{what}");
    }
    let known = buyer(json!({"limit": "1000.00", "oldest_overdue_days": 75}));
    let with = |insolvency, overdue| {
        let standing = Standing { insolvency, overdue, ..standing(Some(&known)) };
        asked(&order(1), &standing)
    };
    let averted = with(Insolvency::Conciliation, Overdue::Within);
    assert_eq!((averted.answer, obstacles(&averted)), (Answer::Refer, vec!["insolvency"]));
    let late = with(Insolvency::None, Overdue::BeyondExtension);
    assert_eq!((late.answer, obstacles(&late)), (Answer::Refer, vec!["overdue_beyond_extension"]));
    assert!(late.obstacles[0].detail.contains("75 days"), "{}", late.obstacles[0].detail);
    let both = with(Insolvency::InForce, Overdue::BeyondExtension);
    assert_eq!((both.answer, obstacles(&both)), (Answer::Reject, vec!["insolvency", "overdue_beyond_extension"]));
}

#[test]
fn a_buyer_who_is_not_known_is_answered_as_one_who_owes_nothing_and_has_no_limit() {
    let known = buyer(json!({}));
    let dollar = OrderQuestion { currency: Currency::parse("USD").expect("a currency"), ..order(70) };
    let dated = OrderQuestion { expected_on: Some(day("2026-12-01")), ..order(5) };
    let late = Some(day("2028-01-01"));
    for question in [order(1), order(2_000_000), dollar, dated, OrderQuestion { due_on: late, ..order(3_000_000) }] {
        let text = |buyer| serde_json::to_string(&asked(&question, &standing(buyer))).expect("JSON");
        assert_eq!(text(None), text(Some(&known)), "{question:?}");
        assert_eq!(asked(&question, &standing(None)).answer, Answer::Refer);
    }
    let check = asked(&order(2_000_000), &standing(None));
    assert_eq!(obstacles(&check), ["no_limit"]);
    assert_eq!(remedies(&check), [("single_risk", 2_000_000), ("limit_increase", 2_000_000)]);
    assert_eq!((layers(&check), check.insured_pct.as_deref()), ([0, 0, 0, 2_000_000], Some("0.00")));
}

#[test]
fn single_risk_cover_is_offered_for_an_order_over_a_million_that_is_due_within_12_months() {
    let offered = |euros, expected_on: Option<&str>, due_on: Option<&str>| {
        let question = OrderQuestion { expected_on: expected_on.map(day), due_on: due_on.map(day), ..order(euros) };
        let check = answered(&question, json!({"limit": "9000000.00"}));
        remedies(&check).iter().any(|(code, _)| *code == "single_risk")
    };
    assert!(!offered(1_000_000, None, None), "not over it");
    assert!(offered(1_000_001, None, None));
    assert!(offered(1_000_001, None, Some("2027-11-20")), "to the day");
    assert!(!offered(1_000_001, None, Some("2027-11-21")), "a day past it");
    assert!(offered(1_000_001, Some("2028-02-29"), Some("2029-02-28")), "the last day of a shorter month");
    assert!(!offered(1_000_001, Some("2028-02-29"), Some("2029-03-01")));
    // Where it has one already that carries it all, nothing is missing.
    let single = cover("single_risk", "5000000.00", "0.00", json!({"order_id": "M-1"}));
    let question = OrderQuestion { order_id: Some("M-1".to_owned()), ..order(4_000_000) };
    let carried = answered(&question, json!({"limit": "9000000.00", "covers": [single]}));
    assert_eq!((layers(&carried), remedies(&carried)), ([4_000_000, 0, 0, 0], vec![]));
    let rules = CheckRules { single_risk_over: Cents(0), single_risk_months_max: 1, ..CheckRules::default() };
    let small = OrderQuestion { due_on: Some(day("2026-12-20")), ..order(1) };
    assert_eq!(remedies(&check(&small, &standing(None), &rules))[0].0, "single_risk");
    let later = OrderQuestion { due_on: Some(day("2026-12-21")), ..order(1) };
    assert_eq!(remedies(&check(&later, &standing(None), &rules))[0].0, "limit_increase");
}

#[test]
fn a_cover_bears_only_what_is_eligible_under_it() {
    let borne = |question: &OrderQuestion, covers: Value| {
        let check = answered(question, json!({"limit": "9000.00", "covers": covers}));
        layers(&check)
    };
    let primary = |data| json!([cover("primary", "60.00", "10.00", data)]);
    let on = |text| OrderQuestion { expected_on: Some(day(text)), ..order(100) };
    assert_eq!(borne(&order(100), primary(json!({}))), [0, 50, 0, 50], "what is taken is taken");
    let ends = json!({"valid_from": "2026-11-20", "valid_to": "2026-11-30"});
    assert_eq!(borne(&on("2026-11-19"), primary(ends.clone())), [0, 0, 0, 100], "before its first day");
    assert_eq!(borne(&on("2026-11-20"), primary(ends.clone())), [0, 50, 0, 50]);
    assert_eq!(borne(&on("2026-11-30"), primary(ends.clone())), [0, 50, 0, 50]);
    assert_eq!(borne(&on("2026-12-01"), primary(ends)), [0, 0, 0, 100], "after its last day");
    assert_eq!(borne(&order(100), primary(json!({"stopped_since": "2026-11-01"}))), [0, 0, 0, 100], "stopped");
    let short = json!({"max_payment_term_days": 30});
    let due = |text| OrderQuestion { due_on: Some(day(text)), ..order(100) };
    assert_eq!(borne(&due("2026-12-20"), primary(short.clone())), [0, 50, 0, 50]);
    assert_eq!(borne(&due("2026-12-21"), primary(short)), [0, 0, 0, 100], "too long a term");
    assert_eq!(borne(&order(100), json!([cover("primary", "5.00", "9.00", json!({}))])), [0, 0, 0, 100], "cut below");
    assert_eq!(borne(&order(100), primary(json!({"amount": null}))), [0, 0, 0, 100], "no rate");
    // Single risk: for its own order alone.
    let single = || json!([cover("single_risk", "60.00", "0.00", json!({"order_id": "M-1"}))]);
    let named = |name: &str| OrderQuestion { order_id: Some(name.to_owned()), ..order(100) };
    assert_eq!(borne(&named("M-1"), single()), [60, 0, 0, 40]);
    assert_eq!(borne(&named("M-2"), single()), [0, 0, 0, 100]);
    assert_eq!(borne(&order(100), single()), [0, 0, 0, 100]);
    // A top-up follows a primary cover that is in force, though that has nothing left.
    let two = |amount, taken, data| {
        json!([cover("primary", amount, taken, data), cover("top_up", "30.00", "0.00", json!({}))])
    };
    assert_eq!(borne(&order(100), two("60.00", "60.00", json!({}))), [0, 0, 30, 70]);
    assert_eq!(borne(&order(100), two("0.00", "0.00", json!({}))), [0, 0, 0, 100], "a primary cover of nothing");
    assert_eq!(borne(&order(100), two("60.00", "0.00", json!({"valid_to": "2026-11-01"}))), [0, 0, 0, 100], "ended");
    assert_eq!(borne(&order(100), json!([cover("top_up", "30.00", "0.00", json!({}))])), [0, 0, 0, 100], "alone");
    // In an insolvency nothing is insured.
    let known = buyer(json!({"limit": "900.00", "covers": primary(json!({}))}));
    let in_force = Standing { insolvency: Insolvency::InForce, ..standing(Some(&known)) };
    let check = asked(&order(100), &in_force);
    assert_eq!((layers(&check), remedies(&check)), ([0, 0, 0, 100], vec![]));
}

#[test]
fn a_cover_that_has_ended_since_the_figures_were_told_bears_nothing() {
    let ended = cover("primary", "60.00", "0.00", json!({"valid_to": "2026-11-25"}));
    let known = buyer(json!({"limit": "900.00", "covers": [ended]}));
    let on = |today| asked(&order(50), &Standing { today: day(today), ..standing(Some(&known)) });
    assert_eq!(layers(&on("2026-11-25")), [0, 50, 0, 0]);
    assert_eq!(layers(&on("2026-11-26")), [0, 0, 0, 50]);
    assert_eq!(on("2026-11-26").as_of.0, day("2026-11-26"));
}

#[test]
fn pending_orders_use_the_room_of_covers_first_but_not_that_of_another_order() {
    let covers = || {
        json!([
            cover("primary", "60.00", "0.00", json!({})),
            cover("top_up", "30.00", "0.00", json!({})),
            cover("single_risk", "10.00", "0.00", json!({"order_id": "M-1"}))
        ])
    };
    let borne = |orders: &str| {
        let question = OrderQuestion { order_id: Some("M-1".to_owned()), ..order(100) };
        layers(&answered(&question, json!({"limit": "900.00", "orders": orders, "covers": covers()})))
    };
    assert_eq!(borne("0.00"), [10, 60, 30, 0]);
    assert_eq!(borne("20.00"), [10, 40, 30, 20]);
    assert_eq!(borne("70.00"), [10, 0, 20, 70]);
    assert_eq!(borne("500.00"), [10, 0, 0, 90]);
}

#[test]
fn a_gap_is_closed_by_a_top_up_only_above_a_primary_cover_that_would_count() {
    let helped = |covers: Value| remedies(&answered(&order(100), json!({"limit": "900.00", "covers": covers})));
    assert_eq!(helped(json!([cover("primary", "60.00", "0.00", json!({}))])), [("top_up", 40)]);
    assert_eq!(helped(json!([cover("primary", "60.00", "0.00", json!({"stopped_since": "2026-11-01"}))])), []);
    assert_eq!(helped(json!([])), []);
    assert_eq!(helped(json!([cover("primary", "100.00", "0.00", json!({}))])), []);
}

#[test]
fn an_order_in_another_currency_is_referred_without_figures_of_it() {
    let question = OrderQuestion { currency: Currency::parse("USD").expect("a currency"), ..order(10) };
    let check = answered(&question, json!({"limit": "900.00", "exposure": "100.00"}));
    assert_eq!((check.answer, obstacles(&check)), (Answer::Refer, vec!["other_currency"]));
    assert_eq!((check.exposure_after, check.insured, check.insured_pct), (None, None, None));
    assert_eq!(check.headroom.map(|money| money.0), Some(Cents(800_00)));
}

#[test]
fn a_share_is_rounded_half_to_even_to_two_decimals() {
    assert_eq!([percent(1, 3), percent(2, 3), percent(1, 1), percent(0, 7)], ["33.33", "66.67", "100.00", "0.00"]);
    assert_eq!([percent(5, 100_000), percent(15, 100_000)], ["0.00", "0.02"]);
}
