//! Owns the examples of outbound events: one buyer before and after its insurer cut the cover.

use serde_json::{Value, json};

/// An example's `data` in its CloudEvent.
pub fn event(type_name: &str, data: &Value) -> Value {
    let (id, time) = match type_name {
        "alert.raised" => ("4c46a3629486c44a7b51a2023d8a5169", "2026-11-20T09:12:00Z"),
        "alert.escalated" => ("90f2d1c7be5a43180c6e2f9b7a3d4e51", "2026-12-04T00:00:00Z"),
        "alert.cleared" => ("1be7405f3c9942d6a8f0517e6b2c9d34", "2026-12-28T10:41:07Z"),
        "limit.reduction_proposed" => ("a7c01b9e54d2488f93b6f00d7e1c2a65", "2026-12-04T00:00:00Z"),
        "limit.reduction_closed" => ("58e2d94c7b1f4a3690ad1b6c0f83e72d", "2026-12-07T08:30:12Z"),
        "order.hold_decided" => ("e2b8d4170c6f4a95b3a1f7c05d92e684", "2026-11-20T09:14:31Z"),
        "limit.changed" => ("6d03fe8a21bc47950f9ad8e4c7b61520", "2026-11-20T09:12:00Z"),
        _ => ("c29a7f10d4e34b8895613e0fab7c2d68", "2026-11-20T09:12:00Z"),
    };
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "vigie",
        "type": type_name,
        "subject": "FR-0088210",
        "time": time,
        "datacontenttype": "application/json",
        "data": data
    })
}

/// The figures of an alert.
fn figures(outstanding: &str, exposure: &str, limit: &str, retained: &str) -> Value {
    json!({
        "outstanding": outstanding,
        "not_due": outstanding,
        "overdue_1_30": "0.00",
        "overdue_31_60": "0.00",
        "overdue_61_90": "0.00",
        "overdue_over_90": "0.00",
        "disputed": "0.00",
        "written_off": "0.00",
        "unapplied": "0.00",
        "orders": "0.00",
        "exposure": exposure,
        "limit": limit,
        "insured_single_risk": "0.00",
        "insured_primary": "200000.00",
        "insured_top_up": "200000.00",
        "indemnifiable": "360000.00",
        "retained": retained
    })
}

/// A reason of the score, with the payments that say so.
fn late_payment() -> Value {
    json!({
        "code": "late_payment",
        "points": 18.5,
        "value": "21.4",
        "detail": "Pays 21.4 days beyond terms on average, and paid 3.0 a year ago.",
        "events": [],
        "documents": ["INV-2026-00391", "INV-2026-00402"]
    })
}

/// A reason of the score, with the event that says so.
fn rating() -> Value {
    json!({
        "code": "rating",
        "points": 12,
        "value": "7",
        "detail": "Bureau North rates it 7 of 10.",
        "events": [{ "source": "bureau/north", "id": "bureau-5512" }],
        "documents": []
    })
}

fn alert(severity: &str, detail: &str, figures: &Value, caused_by: &Value) -> Value {
    json!({
        "alert_id": "0a4f6c1d92be4e57b1c83d20fe6a9b73",
        "kind": "limit_exceeded",
        "severity": severity,
        "score": 30.5,
        "grade": "C",
        "previous_grade": null,
        "reasons": [{
            "code": "limit_exceeded",
            "points": 0,
            "value": null,
            "detail": detail,
            "events": [],
            "documents": []
        }],
        "exposure": figures,
        "caused_by": caused_by,
        "params_version": 1
    })
}

/// The limit was lowered below the exposure.
pub fn alert_raised() -> Value {
    let detail = "Exposure of 500,000.00 EUR is over the limit of 450,000.00 EUR (111 %).";
    let figures = figures("500000.00", "500000.00", "450000.00", "140000.00");
    alert("warning", detail, &figures, &json!({ "source": "credit", "id": "credit-1201" }))
}

/// More was invoiced meanwhile.
pub fn alert_escalated() -> Value {
    let detail = "Exposure of 690,000.00 EUR is over the limit of 450,000.00 EUR (153 %).";
    let figures = figures("690000.00", "690000.00", "450000.00", "330000.00");
    alert("critical", detail, &figures, &json!({ "source": "erp/fr01", "id": "erp-318004" }))
}

/// The buyer paid.
pub fn alert_cleared() -> Value {
    let detail = "Exposure of 420,000.00 EUR is within the limit of 450,000.00 EUR (93 %).";
    let figures = figures("420000.00", "420000.00", "450000.00", "60000.00");
    alert("critical", detail, &figures, &json!({ "source": "bank/camt", "id": "bank-90455" }))
}

/// The buyer got worse after its cover was cut.
pub fn limit_reduction_proposed() -> Value {
    json!({
        "proposal_id": "LP-FR-0088210-3",
        "version": 1,
        "current_limit": "450000.00",
        "proposed_limit": "300000.00",
        "currency": "EUR",
        "mode": "review",
        "approvals_needed": 1,
        "score": 52.25,
        "grade": "D",
        "reasons": [late_payment(), rating()],
        "exposure": figures("280000.00", "280000.00", "450000.00", "28000.00"),
        "at_risk_before": "90000.00",
        "at_risk_after": "30000.00",
        "expected_loss_avoided": "3840.00",
        "margin_lost": "1500.00",
        "effective_at": "2027-01-03T00:00:00Z",
        "expires_at": "2026-12-18T00:00:00Z",
        "caused_by": "clock",
        "params_version": 1
    })
}

/// An arbiter found a better way.
pub fn limit_reduction_closed() -> Value {
    json!({
        "proposal_id": "LP-FR-0088210-3",
        "version": 1,
        "outcome": "rejected",
        "decided_by": "m.keller",
        "reason": "Payment plan signed on 5 December",
        "caused_by": { "source": "console", "id": "console-0518" },
        "params_version": 1
    })
}

/// An arbiter set another limit.
pub fn limit_changed() -> Value {
    json!({
        "old_limit": "600000.00",
        "new_limit": "450000.00",
        "currency": "EUR",
        "effective_at": "2026-11-20T09:12:00Z",
        "cause": "set",
        "proposal_id": null,
        "decided_by": "m.keller",
        "caused_by": { "source": "credit", "id": "credit-1201" },
        "params_version": 1
    })
}

/// A Christmas order that does not fit.
pub fn order_hold_decided() -> Value {
    json!({
        "order_id": "SO-61207",
        "seller_id": "FR01",
        "granted": false,
        "amount": "60000.00",
        "currency": "EUR",
        "headroom": "-50000.00",
        "limit": "450000.00",
        "exposure": "500000.00",
        "why": [{
            "code": "over_limit",
            "detail": "With 60,000.00 EUR of this order the exposure of 500,000.00 EUR would pass the limit of 450,000.00 EUR."
        }],
        "expires_at": "2026-11-21T09:14:31Z",
        "caused_by": { "source": "shop/b2b", "id": "shop-71802" },
        "params_version": 1
    })
}

/// A reseller before Christmas: 500,000 outstanding, a primary cover and a top-up of 200,000 each at 90 %.
pub fn exposure_updated() -> Value {
    let mut data = json!({ "buyer_id": "FR-0088210", "as_of": "2026-11-20", "currency": "EUR" });
    let figures = figures("500000.00", "500000.00", "450000.00", "140000.00");
    for (name, value) in figures.as_object().expect("figures are an object") {
        data[name] = value.clone();
    }
    let rest = json!({
        "oldest_overdue_days": 0,
        "utilisation": "1.1111",
        "open_invoices": 3,
        "fx_missing": false,
        "name": "Comptoir des Jouets SA",
        "country": "FR",
        "segment": "named",
        "sector": "toys, wholesale",
        "parent_id": null,
        "score": 30.5,
        "slow": 34.25,
        "fail": 12,
        "grade": "C",
        "days_beyond_terms": "21.4",
        "dso": "58.4",
        "dso_countback": "52.0",
        "average_days_delinquent": "0.0",
        "expected_loss": "2800.00",
        "reasons": [late_payment(), rating()],
        "sellers": [{ "seller_id": "FR01", "outstanding": "500000.00", "overdue": "0.00", "open_invoices": 3 }],
        "covers": [cover("COV-A-901", "primary", "200000.00"), cover("COV-B-55", "top_up", "200000.00")],
        "month_ends": [
            { "day": "2026-09-30", "exposure": "280000.00", "overdue": "12000.00", "score": 22 },
            { "day": "2026-10-31", "exposure": "410000.00", "overdue": "0.00", "score": 27.75 }
        ],
        "caused_by": "clock",
        "params_version": 1
    });
    for (name, value) in rest.as_object().expect("fields are an object") {
        data[name] = value.clone();
    }
    data
}

fn cover(cover_id: &str, layer: &str, amount: &str) -> Value {
    json!({
        "cover_id": cover_id,
        "layer": layer,
        "amount": amount,
        "taken": amount,
        "insured_pct": "90",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "order_id": null,
        "max_payment_term_days": 120,
        "stopped_since": null
    })
}
