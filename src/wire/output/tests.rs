//! Each output, byte by byte.

use super::*;
use crate::base::{Cents, Currency, Day, Instant, Money, Percent};
use crate::event::{
    AlertKind, Country, Grade, HoldObstacleCode, Layer, LimitChangeCause, Points, ProposalMode, ProposalOutcome,
    Segment, Severity,
};

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn euro() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn row() -> ReportRow {
    ReportRow {
        buyer_id: "b\"1".to_owned(),
        as_of: day("2026-03-01"),
        currency: euro(),
        outstanding: Cents(50_000_000),
        not_due: Cents(1),
        overdue: [Cents(10), Cents(200), Cents(3_000), Cents(40_000)],
        oldest_overdue_days: 91,
        disputed: Cents(5),
        written_off: Cents(6),
        unapplied: Cents(-7),
        orders: Cents(8),
        exposure: Cents(9_999_999_999_999_999_999_990_000),
        limit: Some(Cents(20_000_000)),
        utilisation: Some(25_000),
        insured_single_risk: Cents(0),
        insured_primary: Cents(20_000_000),
        insured_top_up: Cents(20_000_000),
        indemnifiable: Cents(36_000_000),
        retained: Cents(14_000_000),
        open_invoices: 3,
        fx_missing: false,
        scored: scored(),
    }
}

fn scored() -> Scored {
    Scored {
        score: Points::from_quarters(163),
        slow: Points::from_quarters(166),
        fail: Points::whole(40),
        grade: Grade::D,
    }
}

fn reason() -> Reason {
    Reason {
        code: "late_payment",
        points: Points::from_quarters(50),
        value: Some("14.5".to_owned()),
        detail: "Pays \"late\".".to_owned(),
        events: vec![EventName { source: "bureau".to_owned(), id: "r\\1".to_owned() }],
        documents: vec!["F1".to_owned(), "F\"2".to_owned()],
    }
}

/// A reason as it is told.
const REASON: &str = concat!(
    r#"{"code":"late_payment","points":12.5,"value":"14.5","detail":"Pays \"late\".","#,
    r#""events":[{"source":"bureau","id":"r\\1"}],"documents":["F1","F\"2"]}"#
);

/// The row's money as it is told.
const EXPOSURE: &str = concat!(
    r#"{"outstanding":"500000.00","not_due":"0.01","#,
    r#""overdue_1_30":"0.10","overdue_31_60":"2.00","overdue_61_90":"30.00","overdue_over_90":"400.00","#,
    r#""disputed":"0.05","written_off":"0.06","unapplied":"-0.07","orders":"0.08","#,
    r#""exposure":"99999999999999999999900.00","limit":"200000.00","insured_single_risk":"0.00","#,
    r#""insured_primary":"200000.00","insured_top_up":"200000.00","indemnifiable":"360000.00","#,
    r#""retained":"140000.00"}"#
);

/// What every `data` ends with.
const END: &str = r#","caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#;

/// The `data` that an effect is told with, and what follows.
fn data(body: EffectBody) -> String {
    encoded(&effect(body)).split_once(r#""data":"#).expect("data").1.to_owned()
}

fn effect(body: EffectBody) -> Effect {
    Effect {
        buyer_id: "b\"1".to_owned(),
        at: Instant::parse("2026-03-01T10:00:00.5Z").expect("an instant"),
        sequence: 3,
        caused_by: Cause::Event { source: "erp/1".to_owned(), id: "e-9".to_owned() },
        params_version: 2,
        body,
    }
}

fn encoded(effect: &Effect) -> String {
    let mut out = Vec::new();
    encode_effect(effect, &mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    text
}

#[test]
fn an_alert_is_written_as_the_contract_says() {
    let rule = Reason::rule("limit_exceeded", "Over \u{1} the limit\n".to_owned());
    let alert = AlertNotice {
        alert_id: "0f".to_owned(),
        kind: AlertKind::LimitExceeded,
        severity: Severity::Warning,
        scored: scored(),
        previous_grade: None,
        reasons: vec![rule],
        exposure: Box::new(row()),
    };
    let head = concat!(
        r#"{"specversion":"1.0","id":"4f0f0f","source":"vigie","type":"alert.raised","subject":"b\"1","#,
        r#""time":"2026-03-01T10:00:00.500Z","datacontenttype":"application/json","data":{"#,
        r#""alert_id":"0f","kind":"limit_exceeded","severity":"warning","score":40.75,"grade":"D","#,
        r#""previous_grade":null,"reasons":[{"code":"limit_exceeded","points":0,"value":null,"#,
        r#""detail":"Over \u0001 the limit\n","events":[],"documents":[]}],"exposure":"#
    );
    assert_same_but_id(&encoded(&effect(EffectBody::AlertRaised(alert))), &format!("{head}{EXPOSURE}{END}"));
}

#[test]
fn an_alert_on_a_grade_names_the_one_before_and_what_says_so() {
    let alert = AlertNotice {
        alert_id: "0f".to_owned(),
        kind: AlertKind::GradeWorsened,
        severity: Severity::Critical,
        scored: scored(),
        previous_grade: Some(Grade::B),
        reasons: vec![reason(), reason()],
        exposure: Box::new(row()),
    };
    assert_eq!(
        data(EffectBody::AlertEscalated(alert)),
        format!(
            concat!(
                r#"{{"alert_id":"0f","kind":"grade_worsened","severity":"critical","score":40.75,"grade":"D","#,
                r#""previous_grade":"B","reasons":[{REASON},{REASON}],"exposure":{EXPOSURE}{END}"#
            ),
            REASON = REASON,
            EXPOSURE = EXPOSURE,
            END = END
        ),
    );
}

#[test]
fn a_proposal_is_written_with_what_it_weighs() {
    let at = |text: &str| Instant::parse(text).expect("an instant");
    let money = |text: &str| Money::parse_or_zero(text).expect("money");
    let notice = ProposalNotice {
        proposal_id: "p\"1".to_owned(),
        version: 2,
        current_limit: LimitAmount { amount: money("200000"), currency: euro() },
        proposed_limit: money("0"),
        mode: ProposalMode::Review,
        approvals_needed: 2,
        scored: scored(),
        reasons: vec![reason()],
        exposure: Box::new(row()),
        at_risk_before: Cents(14_000_000),
        at_risk_after: Cents(1),
        expected_loss_avoided: Cents(896_000),
        margin_lost: Cents(0),
        effective_at: at("2026-03-31T00:00:00Z"),
        expires_at: at("2026-03-15T10:00:00.5Z"),
    };
    assert_eq!(
        data(EffectBody::LimitReductionProposed(Box::new(notice))),
        format!(
            concat!(
                r#"{{"proposal_id":"p\"1","version":2,"current_limit":"200000.00","proposed_limit":"0.00","currency":"EUR","#,
                r#""mode":"review","approvals_needed":2,"score":40.75,"grade":"D","reasons":[{REASON}],"#,
                r#""exposure":{EXPOSURE},"at_risk_before":"140000.00","at_risk_after":"0.01","#,
                r#""expected_loss_avoided":"8960.00","margin_lost":"0.00","effective_at":"2026-03-31T00:00:00Z","#,
                r#""expires_at":"2026-03-15T10:00:00.500Z"{END}"#
            ),
            REASON = REASON,
            EXPOSURE = EXPOSURE,
            END = END
        ),
    );
}

#[test]
fn a_closed_proposal_says_what_became_of_it_and_who_decided() {
    let closing = |outcome, decided_by: Option<&str>, reason: Option<&str>| {
        data(EffectBody::LimitReductionClosed(ProposalClosing {
            proposal_id: "p1".to_owned(),
            version: 3,
            outcome,
            decided_by: decided_by.map(str::to_owned),
            reason: reason.map(str::to_owned),
        }))
    };
    assert_eq!(
        closing(ProposalOutcome::Rejected, Some("m.keller"), Some("Plan\nsigned")),
        concat!(
            r#"{"proposal_id":"p1","version":3,"outcome":"rejected","decided_by":"m.keller","reason":"Plan\nsigned","#,
            r#""caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
        )
    );
    for outcome in ProposalOutcome::ALL {
        let told = closing(*outcome, None, None);
        let wanted = format!(r#""outcome":"{}","decided_by":null,"reason":null,"caused_by""#, outcome.as_str());
        assert!(told.contains(&wanted), "{told}");
    }
}

#[test]
fn a_decision_on_a_hold_says_what_stands_in_the_way_and_with_nothing_it_is_granted() {
    let decision = |why: Vec<HoldObstacle>, headroom: Option<Cents>| {
        data(EffectBody::OrderHoldDecided(Box::new(HoldDecision {
            order_id: "SO \"1\"".to_owned(),
            seller_id: String::new(),
            amount: Money::parse("600").expect("money"),
            currency: Currency::parse("USD").expect("a currency"),
            headroom,
            limit: headroom.map(|_| Cents(50_000)),
            exposure: Cents(52_001),
            why,
            expires_at: Instant::parse("2026-03-02T10:00:00.25+01:00").expect("an instant"),
        })))
    };
    assert_eq!(
        decision(Vec::new(), Some(Cents(-2_001))),
        concat!(
            r#"{"order_id":"SO \"1\"","seller_id":"","granted":true,"amount":"600.00","currency":"USD","#,
            r#""headroom":"-20.01","limit":"500.00","exposure":"520.01","why":[],"#,
            r#""expires_at":"2026-03-02T09:00:00.250Z","#,
            r#""caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
        )
    );
    for code in HoldObstacleCode::ALL {
        let told = decision(vec![HoldObstacle { code: *code, detail: "No.".to_owned() }], None);
        let why = format!(r#""why":[{{"code":"{}","detail":"No."}}]"#, code.as_str());
        assert!(told.contains(&why) && told.contains(r#""granted":false"#), "{told}");
        assert!(told.contains(r#""headroom":null,"limit":null,"#), "{told}");
    }
}

#[test]
fn a_changed_score_is_told_with_its_parts() {
    assert_eq!(
        data(EffectBody::ScoreChanged(scored())),
        concat!(
            r#"{"score":40.75,"slow":41.5,"fail":40,"grade":"D","#,
            r#""caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
        )
    );
}

/// Compares all but the id, whose hash has a test of its own.
fn assert_same_but_id(text: &str, want: &str) {
    let without_id = |text: &str| {
        let (head, tail) = text.split_once(r#""id":""#).expect("an id");
        format!("{head}{}", tail.split_once('"').expect("its end").1)
    };
    assert_eq!(without_id(text), without_id(want));
}

#[test]
fn a_changed_limit_names_both_currencies_where_they_differ() {
    let limit = |text: &str, currency: &str| {
        Some(LimitAmount {
            amount: Money::parse_or_zero(text).expect("money"),
            currency: Currency::parse(currency).expect("a currency"),
        })
    };
    let data = |old_limit, new_limit, cause, proposal_id: Option<&str>| {
        let change = LimitChange {
            old_limit,
            new_limit,
            effective_at: Instant::parse("2026-03-01T10:00:00Z").expect("an instant"),
            cause,
            proposal_id: proposal_id.map(str::to_owned),
            decided_by: proposal_id.map(|_| "m.keller,a.roux".to_owned()),
        };
        let mut effect = effect(EffectBody::LimitChanged(change));
        effect.caused_by = Cause::Clock;
        let text = encoded(&effect);
        text.split_once(r#""data":"#).expect("data").1.to_owned()
    };
    assert_eq!(
        data(limit("100", "EUR"), limit("0.0001", "USD"), LimitChangeCause::Set, None),
        concat!(
            r#"{"old_limit":"100.00","new_limit":"0.0001","currency":"USD","old_currency":"EUR","#,
            r#""effective_at":"2026-03-01T10:00:00Z","cause":"set","proposal_id":null,"decided_by":null,"#,
            r#""caused_by":"clock","params_version":2}}"#
        ),
    );
    assert_eq!(
        data(limit("100", "EUR"), None, LimitChangeCause::Removed, None),
        concat!(
            r#"{"old_limit":"100.00","new_limit":null,"currency":"EUR","#,
            r#""effective_at":"2026-03-01T10:00:00Z","cause":"removed","proposal_id":null,"decided_by":null,"#,
            r#""caused_by":"clock","params_version":2}}"#
        ),
    );
    assert_eq!(
        data(limit("100", "EUR"), limit("40", "EUR"), LimitChangeCause::Approved, Some("p1")),
        concat!(
            r#"{"old_limit":"100.00","new_limit":"40.00","currency":"EUR","#,
            r#""effective_at":"2026-03-01T10:00:00Z","cause":"approved","proposal_id":"p1","#,
            r#""decided_by":"m.keller,a.roux","caused_by":"clock","params_version":2}}"#
        ),
    );
}

#[test]
fn figures_are_written_in_full() {
    let update = ExposureUpdate {
        row: row(),
        further: Further {
            days_beyond_terms: Some(TenthDays(-5)),
            dso: Some(TenthDays(455)),
            dso_countback: Some(TenthDays(710)),
            average_days_delinquent: None,
            expected_loss: Cents(896_000),
            receivable: Cents(1),
            billed_recently: Cents(2),
        },
        reasons: vec![reason()],
        profile: BuyerProfile {
            name: Some("Café".to_owned()),
            country: Country::parse("FR"),
            segment: Some(Segment::Named),
            parent_id: None,
            sector: Some("food".to_owned()),
        },
        sellers: vec![SellerRow {
            seller_id: String::new(),
            outstanding: Cents(100),
            overdue: Cents(50),
            open_invoices: 1,
        }],
        covers: vec![CoverRow {
            cover_id: "c1".to_owned(),
            layer: Layer::TopUp,
            amount: None,
            taken: BaseUnits::from_units(12_350),
            insured_pct: Percent::parse("87.05").expect("a percentage"),
            valid_from: day("2026-01-01"),
            valid_to: None,
            order_id: Some("o1".to_owned()),
            max_payment_term_days: Some(60),
            stopped_since: Some(day("2026-02-01")),
        }],
        month_ends: vec![MonthEnd {
            day: day("2026-02-28"),
            exposure: Cents(2),
            overdue: Cents(1),
            score: Points::from_quarters(1),
        }],
    };
    let text = encoded(&effect(EffectBody::ExposureUpdated(Box::new(update))));
    let data = text.split_once(r#""data":"#).expect("data").1;
    assert_eq!(
        data,
        concat!(
            r#"{"buyer_id":"b\"1","as_of":"2026-03-01","currency":"EUR","outstanding":"500000.00","not_due":"0.01","#,
            r#""overdue_1_30":"0.10","overdue_31_60":"2.00","overdue_61_90":"30.00","overdue_over_90":"400.00","#,
            r#""oldest_overdue_days":91,"disputed":"0.05","written_off":"0.06","unapplied":"-0.07","orders":"0.08","#,
            r#""exposure":"99999999999999999999900.00","limit":"200000.00","utilisation":"2.5000","#,
            r#""insured_single_risk":"0.00","insured_primary":"200000.00","insured_top_up":"200000.00","#,
            r#""indemnifiable":"360000.00","retained":"140000.00","open_invoices":3,"fx_missing":false,"#,
            r#""name":"Café","country":"FR","segment":"named","sector":"food","parent_id":null,"#,
            r#""score":40.75,"slow":41.5,"fail":40,"grade":"D","days_beyond_terms":"-0.5","dso":"45.5","#,
            r#""dso_countback":"71.0","average_days_delinquent":null,"expected_loss":"8960.00","#,
            r#""reasons":[{"code":"late_payment","points":12.5,"value":"14.5","detail":"Pays \"late\".","#,
            r#""events":[{"source":"bureau","id":"r\\1"}],"documents":["F1","F\"2"]}],"#,
            r#""sellers":[{"seller_id":"","outstanding":"1.00","overdue":"0.50","open_invoices":1}],"#,
            r#""covers":[{"cover_id":"c1","layer":"top_up","amount":null,"taken":"1.24","insured_pct":"87.05","#,
            r#""valid_from":"2026-01-01","valid_to":null,"order_id":"o1","max_payment_term_days":60,"#,
            r#""stopped_since":"2026-02-01"}],"#,
            r#""month_ends":[{"day":"2026-02-28","exposure":"0.02","overdue":"0.01","score":0.25}],"#,
            r#""caused_by":{"source":"erp/1","id":"e-9"},"params_version":2}}"#
        ),
    );
}

#[test]
fn ids_never_change_and_are_framed() {
    assert_eq!(format!("{:032x}", effect_id("buyer-1", "alert.raised", 1)), "4c46a3629486c44a7b51a2023d8a5169");
    assert_ne!(effect_id("a", "bc", 1), effect_id("ab", "c", 1));
    assert_ne!(effect_id("a", "b", 1), effect_id("a", "b", 2));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_back_as_it_was(text in ".*") {
        let mut out = Vec::new();
        push_json_string(&mut out, &text);
        proptest::prop_assert_eq!(serde_json::from_slice::<String>(&out).ok(), Some(text));
    }
}
