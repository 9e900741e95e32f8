//! Owns the examples of inbound events: at least one of each type, as a sender would write it.

use serde_json::{Value, json};

use crate::event::TypeSpec;

/// The buyer that the examples are about.
const BUYER: &str = "DE-0012345";

/// The examples of a type, as whole CloudEvents.
pub fn of(spec: &TypeSpec) -> Vec<Value> {
    let own = EXAMPLES.iter().filter(|example| example.0 == spec.name);
    own.map(|(kind, id, source, time, data)| {
        let mut event = json!({ "specversion": "1.0", "id": id, "source": source, "type": kind, "time": time });
        if spec.has_buyer {
            event["subject"] = BUYER.into();
        }
        event["data"] = serde_json::from_str(data).expect("an example's data is JSON");
        event
    })
    .collect()
}

/// Type, id, source, time, data.
type Example = (&'static str, &'static str, &'static str, &'static str, &'static str);

const EXAMPLES: &[Example] = &[
    (
        "invoice.issued",
        "erp-300121",
        "erp/de01",
        "2026-03-02T08:15:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00412","amount":"9996.00","net_amount":"8400.00","currency":"EUR","issued_on":"2026-03-02","due_on":"2026-05-01","order_id":"SO-55012"}"#,
    ),
    (
        "invoice.issued",
        "erp-300122",
        "erp/de01",
        "2026-03-02T09:40:12.250+01:00",
        r#"{"invoice_id":"INV-2026-00413","amount":12500,"currency":"USD","issued_on":"2026-03-02","due_on":"2026-04-01"}"#,
    ),
    (
        "invoice.credited",
        "erp-300310",
        "erp/de01",
        "2026-03-20T14:05:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00412","credit_note_id":"CN-2026-0031","amount":"249.90","credited_on":"2026-03-20"}"#,
    ),
    (
        "invoice.cancelled",
        "erp-300311",
        "erp/de01",
        "2026-03-20T14:30:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00398"}"#,
    ),
    (
        "invoice.written_off",
        "erp-309870",
        "erp/de01",
        "2026-12-18T16:00:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00077","reason":"Uncollectable: proceedings closed for want of assets"}"#,
    ),
    (
        "invoice.rescheduled",
        "erp-301544",
        "erp/de01",
        "2026-04-28T09:00:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00412","due_on":"2026-05-31"}"#,
    ),
    (
        "invoice.disputed",
        "crm-7719",
        "crm",
        "2026-04-02T11:20:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00412","reason":"Two pallets damaged on arrival"}"#,
    ),
    (
        "invoice.dispute_settled",
        "crm-7755",
        "crm",
        "2026-04-09T10:00:00Z",
        r#"{"seller_id":"DE01","invoice_id":"INV-2026-00412"}"#,
    ),
    (
        "order.placed",
        "erp-299980",
        "erp/de01",
        "2026-02-20T13:45:00Z",
        r#"{"seller_id":"DE01","order_id":"SO-55012","amount":"18000.00","currency":"EUR","expected_on":"2026-03-31"}"#,
    ),
    (
        "order.cancelled",
        "erp-300905",
        "erp/de01",
        "2026-03-30T08:00:00Z",
        r#"{"seller_id":"DE01","order_id":"SO-55012"}"#,
    ),
    (
        "order.held",
        "shop-70311",
        "shop/b2b",
        "2026-02-20T13:40:05Z",
        r#"{"seller_id":"DE01","order_id":"SO-55012","amount":"18000.00","currency":"EUR","expires_at":"2026-02-21T13:40:05Z"}"#,
    ),
    (
        "payment.received",
        "bank-88123",
        "bank/camt",
        "2026-04-29T06:30:00Z",
        r#"{"seller_id":"DE01","payment_id":"PAY-2026-88123","amount":"12246.10","currency":"EUR","received_on":"2026-04-28","allocations":[{"invoice_id":"INV-2026-00412","amount":"9746.10"},{"invoice_id":"INV-2026-00377","amount":"2500.00"}]}"#,
    ),
    (
        "payment.received",
        "bank-88124",
        "bank/camt",
        "2026-04-29T06:30:01Z",
        r#"{"payment_id":"PAY-2026-88124","amount":5000,"currency":"EUR","received_on":"2026-04-28"}"#,
    ),
    (
        "payment.allocated",
        "erp-301602",
        "erp/de01",
        "2026-04-30T09:10:00Z",
        r#"{"seller_id":"DE01","payment_id":"PAY-2026-88124","allocation_id":"AL-2026-4410","allocated_on":"2026-04-30","allocations":[{"invoice_id":"INV-2026-00401","amount":"5000.00"}]}"#,
    ),
    (
        "payment.reversed",
        "bank-88301",
        "bank/camt",
        "2026-05-06T06:30:00Z",
        r#"{"seller_id":"DE01","payment_id":"PAY-2026-88123","reason":"Direct debit returned: insufficient funds"}"#,
    ),
    (
        "limit.set",
        "credit-1201",
        "credit",
        "2026-01-05T09:00:00Z",
        r#"{"amount":"450000.00","currency":"EUR","reason":"Yearly review","decided_by":"m.keller"}"#,
    ),
    ("limit.removed", "credit-1310", "credit", "2026-06-30T17:00:00Z", "{}"),
    (
        "cover.granted",
        "ins-4401",
        "insurer/a",
        "2025-12-15T10:00:00Z",
        r#"{"cover_id":"COV-A-778","layer":"primary","amount":"200000.00","currency":"EUR","insured_pct":"90","valid_from":"2026-01-01","valid_to":"2026-12-31","max_payment_term_days":120,"max_extension_days":60,"declare_within_days":30,"insurer":"Insurer A","policy_id":"POL-2026-19"}"#,
    ),
    (
        "cover.granted",
        "ins-4402",
        "insurer/b",
        "2026-02-21T10:00:00Z",
        r#"{"seller_id":"DE01","cover_id":"COV-B-12","layer":"single_risk","amount":"18000.00","currency":"EUR","insured_pct":85,"valid_from":"2026-02-20","order_id":"SO-55012"}"#,
    ),
    (
        "cover.amended",
        "ins-4520",
        "insurer/a",
        "2026-04-10T10:00:00Z",
        r#"{"cover_id":"COV-A-778","amount":"120000.00","effective_on":"2026-05-01"}"#,
    ),
    (
        "cover.withdrawn",
        "ins-4533",
        "insurer/a",
        "2026-05-12T10:00:00Z",
        r#"{"cover_id":"COV-A-778","effective_on":"2026-05-13"}"#,
    ),
    (
        "cover.declared",
        "credit-1288",
        "credit",
        "2026-07-02T15:00:00Z",
        r#"{"cover_id":"COV-A-778","seller_id":"DE01","invoice_id":"INV-2026-00412","declared_on":"2026-07-02"}"#,
    ),
    (
        "buyer.described",
        "crm-0009",
        "crm",
        "2026-01-02T08:00:00Z",
        r#"{"name":"Müller Fahrzeugteile GmbH","country":"DE","segment":"named","parent_id":"DE-0010000","sector":"automotive parts"}"#,
    ),
    (
        "rating.changed",
        "bureau-5512",
        "bureau/north",
        "2026-04-15T05:00:00Z",
        r#"{"agency":"Bureau North","grade":6,"pd":"0.0213"}"#,
    ),
    (
        "financials.published",
        "bureau-5380",
        "bureau/north",
        "2026-03-31T05:00:00Z",
        r#"{"period_end":"2025-12-31","currency":"EUR","total_assets":"8450000","current_assets":"5100000","current_liabilities":"3900000","total_liabilities":"6200000","retained_earnings":"910000","ebit":"-120000","equity":"2250000","sales":"14800000","net_income":"-260000","cash":"310000","inventory":"2050000","depreciation":"380000","financial_expenses":"145000"}"#,
    ),
    (
        "insolvency.opened",
        "court-0091",
        "gazette",
        "2026-09-03T04:00:00Z",
        r#"{"procedure":"receivership","opened_on":"2026-09-02"}"#,
    ),
    ("insolvency.closed", "court-0177", "gazette", "2027-03-20T04:00:00Z", r#"{"closed_on":"2027-03-18"}"#),
    (
        "incident.reported",
        "bureau-5601",
        "bureau/north",
        "2026-05-20T05:00:00Z",
        r#"{"incident_id":"INC-33190","kind":"unpaid","amount":"31200.00","currency":"EUR","days_overdue":95}"#,
    ),
    (
        "proposal.approved",
        "console-0412",
        "console",
        "2026-05-21T09:12:00Z",
        r#"{"proposal_id":"LP-DE-0012345-7","version":2,"decided_by":"m.keller","amount":"300000.00","reason":"In two steps, as agreed with sales"}"#,
    ),
    (
        "proposal.rejected",
        "console-0413",
        "console",
        "2026-05-21T09:15:00Z",
        r#"{"proposal_id":"LP-DE-0012345-7","version":2,"decided_by":"m.keller","reason":"Payment plan signed on 20 May"}"#,
    ),
    (
        "alert.snoozed",
        "console-0414",
        "console",
        "2026-05-21T09:20:00Z",
        r#"{"alert_id":"5f0c6d1f0a4be2c77d9f3b1e8a2c4d60","until":"2026-06-15","decided_by":"m.keller"}"#,
    ),
    ("fx.rate", "ecb-2026-03-02-USD", "ecb", "2026-03-02T15:00:00Z", r#"{"currency":"USD","rate":"0.9213"}"#),
    ("clock.tick", "tick-2026-03-02T15", "scheduler", "2026-03-02T15:00:00Z", "{}"),
];
