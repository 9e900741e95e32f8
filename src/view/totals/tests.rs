//! Sums are those of the rows, by every grouping.

use serde_json::{Value, json};

use super::*;
use crate::view::ReadModel;
use crate::view::samples::{alert, exposure, feed, proposed};

const AT: &str = "2026-03-01T10:00:00Z";

/// Some buyers that differ in everything.
fn model() -> (ReadModel, Vec<Value>) {
    let model = ReadModel::default();
    let money = |number: i64| format!("{}.{:02}", number, number % 97);
    let columns = [
        "outstanding",
        "exposure",
        "not_due",
        "overdue_1_30",
        "overdue_31_60",
        "overdue_61_90",
        "overdue_over_90",
        "disputed",
        "orders",
        "insured_single_risk",
        "insured_primary",
        "insured_top_up",
        "indemnifiable",
        "retained",
        "expected_loss",
    ];
    let rows: Vec<Value> = (0..40_i64)
        .map(|number| {
            let of = |list: &[Option<&str>]| json!(list[number as usize % list.len()]);
            let mut data = json!({
                "segment": of(&[Some("named"), Some("unnamed"), None]),
                "grade": of(&[Some("A"), Some("C"), Some("F"), Some("E")]),
                "country": of(&[Some("FR"), Some("DE"), None, Some("IT"), Some("ES")]),
                "sector": of(&[Some("retail"), None]),
                "parent_id": of(&[Some("b-000"), None, Some("far")]),
                "name": format!("Name {number}"),
                "open_invoices": number,
                "dso": of(&[Some("30.0"), None, Some("61.5")]),
                "sellers": [
                    {"seller_id": "S1", "outstanding": money(number), "overdue": "1.00", "open_invoices": 1},
                    {"seller_id": if number % 2 == 0 { "" } else { "S2" }, "outstanding": "2.50", "overdue": "0.00",
                     "open_invoices": 2},
                ],
            });
            for (place, column) in columns.iter().enumerate() {
                data[*column] = json!(money(number * 7 + place as i64));
            }
            if number % 4 != 0 {
                data["limit"] = json!(money(number));
            }
            exposure(&format!("b-{number:03}"), AT, data)
        })
        .collect();
    feed(&model, &rows);
    for number in (0..40).step_by(3) {
        let buyer_id = format!("b-{number:03}");
        let id = format!("x{number}");
        feed(&model, &[alert("raised", &buyer_id, &id, AT, json!({})), proposed(&buyer_id, &id, 1, AT, json!({}))]);
    }
    (model, rows)
}

fn cents(value: &Value) -> i128 {
    value.as_str().map_or(0, |text| text.replace('.', "").parse().expect("cents"))
}

fn grouped(model: &ReadModel, by: GroupBy) -> Value {
    let mut groups = Groups::new(by);
    model.each_buyer(|row| groups.add(row));
    serde_json::to_value(groups.view(|buyer_id| model.name_of(buyer_id))).expect("JSON")
}

#[test]
fn sums_are_those_of_the_rows_by_every_grouping() {
    let (model, rows) = model();
    let mut totals = Totals::default();
    model.each_buyer(|row| totals.add(row));
    let totals = serde_json::to_value(totals.view()).expect("JSON");
    let key_of = |by: GroupBy, data: &Value| match by {
        GroupBy::Group => data["parent_id"].as_str().or(data["buyer_id"].as_str()).map(str::to_owned),
        by => data[by.as_str()].as_str().map(str::to_owned),
    };
    for by in GroupBy::ALL.into_iter().filter(|by| *by != GroupBy::Seller) {
        let groups = grouped(&model, by);
        let groups = groups.as_array().expect("a list");
        let mut keys: Vec<Option<String>> = rows.iter().map(|row| key_of(by, &row["data"])).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(groups.len(), keys.len(), "{by:?}");
        for group in groups {
            let key = group["key"].as_str().map(str::to_owned);
            let of: Vec<&Value> = rows.iter().map(|row| &row["data"]).filter(|data| key_of(by, data) == key).collect();
            assert_eq!(group["totals"]["buyers"], json!(of.len()), "{by:?} {key:?}");
            for (name, sum) in group["totals"].as_object().expect("sums") {
                let expected: i128 = match name.as_str() {
                    "buyers" | "open_alerts" | "open_proposals" | "open_invoices" | "dso" => continue,
                    "overdue" => {
                        let ages = ["overdue_1_30", "overdue_31_60", "overdue_61_90", "overdue_over_90"];
                        of.iter().flat_map(|data| ages.map(|age| cents(&data[age]))).sum()
                    }
                    "insured" => {
                        let layers = ["insured_single_risk", "insured_primary", "insured_top_up"];
                        of.iter().flat_map(|data| layers.map(|layer| cents(&data[layer]))).sum()
                    }
                    name => of.iter().map(|data| cents(&data[name])).sum(),
                };
                assert_eq!(cents(sum), expected, "{by:?} {key:?} {name}");
            }
        }
        // Groups add up to the whole, and the largest is first.
        for (name, whole) in totals.as_object().expect("sums").iter().filter(|(name, _)| *name != "dso") {
            let part = |group: &Value| match &group["totals"][name] {
                Value::Number(number) => number.as_i64().expect("a count").into(),
                money => cents(money),
            };
            let whole = if whole.is_number() { whole.as_i64().expect("a count").into() } else { cents(whole) };
            assert_eq!(groups.iter().map(part).sum::<i128>(), whole, "{by:?} {name}");
        }
        let sizes: Vec<i128> = groups.iter().map(|group| cents(&group["totals"]["exposure"])).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "{by:?}");
    }
    assert_eq!((totals["open_alerts"].clone(), totals["open_proposals"].clone()), (json!(14), json!(14)));
}

#[test]
fn by_seller_only_what_is_a_sellers_is_told() {
    let (model, rows) = model();
    let groups = grouped(&model, GroupBy::Seller);
    let keys: Vec<&Value> = groups.as_array().expect("a list").iter().map(|group| &group["key"]).collect();
    assert_eq!(keys.len(), 3);
    let of = |key: Value| {
        let groups = groups.as_array().expect("a list");
        groups.iter().find(|group| group["key"] == key).expect("it")["totals"].clone()
    };
    let outstanding: i128 = rows.iter().map(|row| cents(&row["data"]["sellers"][0]["outstanding"])).sum();
    assert_eq!((cents(&of(json!("S1"))["outstanding"]), of(json!("S1"))["buyers"].clone()), (outstanding, json!(40)));
    assert_eq!((cents(&of(Value::Null)["outstanding"]), of(Value::Null)["open_invoices"].clone()), (5000, json!(40)));
    for (name, value) in of(json!("S2")).as_object().expect("sums") {
        let is_own = ["buyers", "outstanding", "overdue", "open_invoices"].contains(&name.as_str());
        assert_eq!(value.is_null(), !is_own, "{name}");
    }
}

#[test]
fn days_of_sales_weigh_by_what_is_outstanding_and_are_none_where_nothing_is() {
    let dso = |rows: &[(&str, Option<&str>)]| {
        let model = ReadModel::default();
        for (place, (outstanding, days)) in rows.iter().enumerate() {
            feed(&model, &[exposure(&place.to_string(), AT, json!({"outstanding": outstanding, "dso": days}))]);
        }
        let mut totals = Totals::default();
        model.each_buyer(|row| totals.add(row));
        totals.view().dso
    };
    assert_eq!(dso(&[]), None);
    assert_eq!(dso(&[("100.00", None)]), None);
    assert_eq!(dso(&[("0.00", Some("30.0"))]), None);
    assert_eq!(dso(&[("100.00", Some("30.0")), ("300.00", Some("70.0")), ("900.00", None)]).as_deref(), Some("60.0"));
}

#[test]
fn groups_are_told_to_a_number_and_a_group_is_named_by_its_parent() {
    let model = ReadModel::default();
    for number in 0..=GROUPS_MAX {
        let data = json!({"sector": format!("s{number:04}"), "exposure": format!("{number}.00"), "parent_id": "top"});
        feed(&model, &[exposure(&format!("b{number}"), AT, data)]);
    }
    let by_sector = grouped(&model, GroupBy::Sector);
    let by_sector = by_sector.as_array().expect("a list");
    assert_eq!(by_sector.len(), GROUPS_MAX);
    assert_eq!(by_sector[0]["key"], json!(format!("s{GROUPS_MAX:04}")), "the least is left out");
    feed(&model, &[exposure("top", AT, json!({"name": "Top Holding"}))]);
    let group = grouped(&model, GroupBy::Group);
    assert_eq!((group[0]["name"].clone(), group[0]["totals"]["buyers"].clone()), (json!("Top Holding"), json!(1002)));
}
