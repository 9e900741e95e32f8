//! Owns the examples of outbound events: one buyer before and after its insurer cut the cover.

use serde_json::{Value, json};

/// An example's `data` in its CloudEvent.
pub fn event(type_name: &str, data: &Value) -> Value {
    let (id, time) = match type_name {
        "alert.raised" => ("4c46a3629486c44a7b51a2023d8a5169", "2026-11-20T09:12:00Z"),
        "alert.escalated" => ("90f2d1c7be5a43180c6e2f9b7a3d4e51", "2026-12-04T00:00:00Z"),
        "alert.cleared" => ("1be7405f3c9942d6a8f0517e6b2c9d34", "2026-12-28T10:41:07Z"),
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

fn alert(severity: &str, detail: &str, figures: &Value, caused_by: &Value) -> Value {
    json!({
        "alert_id": "limit_exceeded",
        "kind": "limit_exceeded",
        "severity": severity,
        "score": null,
        "grade": null,
        "previous_grade": null,
        "reasons": [{ "code": "limit_exceeded", "points": 0, "detail": detail }],
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
        "score": null,
        "slow": null,
        "fail": null,
        "grade": null,
        "reasons": [],
        "sellers": [{ "seller_id": "FR01", "outstanding": "500000.00", "overdue": "0.00", "open_invoices": 3 }],
        "covers": [cover("COV-A-901", "primary", "200000.00"), cover("COV-B-55", "top_up", "200000.00")],
        "month_ends": [
            { "day": "2026-09-30", "exposure": "280000.00", "overdue": "12000.00", "score": null },
            { "day": "2026-10-31", "exposure": "410000.00", "overdue": "0.00", "score": null }
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
