//! Tests of what the observer makes of documents, told as lines of a file.

use bumpalo::Bump;

use super::*;
use crate::wire::{DecodeRules, decode_value};

/// An observer that is told events of one buyer.
struct Told {
    observer: Observer,
    number: u32,
}

impl Told {
    fn new() -> Told {
        Told { observer: Observer::default(), number: 0 }
    }

    fn tell(&mut self, time: &str, kind: &str, data: &str) -> Option<u32> {
        self.number += 1;
        let line = format!(
            r#"{{"specversion":"1.0","id":"e{}","source":"test","type":"{kind}","subject":"b","time":"{time}T12:00:00Z","data":{data}}}"#,
            self.number
        );
        let rules = DecodeRules::new(Currency::parse("EUR").expect("a currency"), Instant::MAX);
        let scratch = Bump::new();
        let event = decode_value(line.as_bytes(), &rules, &scratch).unwrap_or_else(|refusal| panic!("{refusal}"));
        self.observer.apply(0, &event)
    }

    fn invoice(&mut self, id: &str, issued: &str, due: &str) -> u32 {
        let data =
            format!(r#"{{"invoice_id":"{id}","amount":100,"currency":"EUR","issued_on":"{issued}","due_on":"{due}"}}"#);
        self.tell(issued, "invoice.issued", &data).expect("an invoice")
    }

    fn pay(&mut self, id: &str, invoice: &str, amount: u32, day: &str) {
        let data = format!(
            r#"{{"payment_id":"{id}","amount":{amount},"currency":"EUR","received_on":"{day}","allocations":[{{"invoice_id":"{invoice}","amount":{amount}}}]}}"#
        );
        self.tell(day, "payment.received", &data);
    }

    fn settled_on(&self, invoice: u32) -> Option<String> {
        self.observer.invoice(invoice).settled_on.map(|day| day.to_string())
    }

    fn baselines(&self, today: &str) -> [f64; BASELINES.len()] {
        self.observer.baselines(0, Day::parse(today).expect("a day"))
    }
}

#[test]
fn an_invoice_is_settled_once_its_parts_reach_the_amount() {
    let mut told = Told::new();
    let invoice = told.invoice("I1", "2026-01-01", "2026-01-31");
    told.pay("P1", "I1", 40, "2026-01-20");
    assert_eq!((told.settled_on(invoice), told.observer.settled(0)), (None, 0));
    assert_eq!(told.baselines("2026-02-10")[4], 10.0);
    told.pay("P2", "I1", 60, "2026-02-05");
    assert_eq!(told.settled_on(invoice).as_deref(), Some("2026-02-05"));
    assert_eq!(told.baselines("2026-02-10"), [5.0, 5.0, 5.0, 1.0, 0.0]);
    // What is paid beyond the amount moves nothing.
    told.pay("P3", "I1", 10, "2026-03-01");
    assert_eq!(told.settled_on(invoice).as_deref(), Some("2026-02-05"));
}

#[test]
fn a_reversed_payment_is_as_if_never_made() {
    let mut told = Told::new();
    let invoice = told.invoice("I1", "2026-01-01", "2026-01-31");
    told.invoice("I2", "2026-01-01", "2026-01-31");
    told.pay("P1", "I1", 100, "2026-02-10");
    told.pay("P2", "I2", 100, "2026-01-30");
    assert_eq!(told.baselines("2026-02-10"), [4.5, 10.0 + 0.3 * -11.0, 10.0, 0.5, 0.0]);
    told.tell("2026-02-12", "payment.reversed", r#"{"payment_id":"P1"}"#);
    assert_eq!((told.settled_on(invoice), told.observer.settled(0)), (None, 1));
    assert_eq!(told.baselines("2026-02-12"), [-1.0, -1.0, -1.0, 0.0, 12.0]);
}

#[test]
fn a_credit_note_settles_as_cash_does() {
    let mut told = Told::new();
    let invoice = told.invoice("I1", "2026-01-01", "2026-01-31");
    told.pay("P1", "I1", 70, "2026-01-31");
    let note = r#"{"invoice_id":"I1","credit_note_id":"C1","amount":30,"credited_on":"2026-02-02"}"#;
    told.tell("2026-02-02", "invoice.credited", note);
    assert_eq!(told.settled_on(invoice).as_deref(), Some("2026-02-02"));
}

#[test]
fn documents_that_arrive_before_their_invoice_count_once_it_comes() {
    let mut told = Told::new();
    told.pay("P1", "I1", 100, "2026-02-03");
    told.tell("2026-01-02", "invoice.cancelled", r#"{"invoice_id":"I2"}"#);
    assert_eq!(told.observer.settled(0), 0);
    let paid = told.invoice("I1", "2026-01-01", "2026-01-31");
    let cancelled = told.invoice("I2", "2026-01-01", "2026-01-31");
    assert_eq!(told.settled_on(paid).as_deref(), Some("2026-02-03"));
    assert!(told.observer.invoice(cancelled).is_cancelled);
    assert_eq!(told.baselines("2026-02-20"), [3.0, 3.0, 3.0, 1.0, 0.0]);
}

#[test]
fn an_allocation_waits_for_its_payment_and_another_currency_pays_nothing() {
    let mut told = Told::new();
    let invoice = told.invoice("I1", "2026-01-01", "2026-01-31");
    let allocated = r#"{"payment_id":"P1","allocation_id":"A1","allocated_on":"2026-02-04","allocations":[{"invoice_id":"I1","amount":100}]}"#;
    told.tell("2026-02-04", "payment.allocated", allocated);
    assert_eq!(told.settled_on(invoice), None);
    let received = r#"{"payment_id":"P1","amount":100,"currency":"EUR","received_on":"2026-02-01"}"#;
    told.tell("2026-02-05", "payment.received", received);
    assert_eq!(told.settled_on(invoice).as_deref(), Some("2026-02-04"));

    let other = told.invoice("I2", "2026-01-01", "2026-01-31");
    let dollars = r#"{"payment_id":"P2","amount":100,"currency":"USD","received_on":"2026-02-01","allocations":[{"invoice_id":"I2","amount":100}]}"#;
    told.tell("2026-02-05", "payment.received", dollars);
    assert_eq!(told.settled_on(other), None);
}

#[test]
fn sellers_number_their_invoices_apart() {
    let mut told = Told::new();
    let plain = told.invoice("I1", "2026-01-01", "2026-01-31");
    let other = r#"{"seller_id":"S","invoice_id":"I1","amount":100,"currency":"EUR","issued_on":"2026-01-01","due_on":"2026-01-31"}"#;
    let other = told.tell("2026-01-01", "invoice.issued", other).expect("an invoice");
    told.pay("P1", "I1", 100, "2026-02-03");
    assert_eq!((told.settled_on(plain).as_deref(), told.settled_on(other)), (Some("2026-02-03"), None));
}

#[test]
fn the_worst_is_looked_for_among_the_last_twenty() {
    let mut told = Told::new();
    for number in 0..21 {
        let (invoice, payment) = (format!("I{number}"), format!("P{number}"));
        told.invoice(&invoice, "2026-01-01", "2026-01-31");
        let day = if number == 0 { "2026-03-02" } else { "2026-02-01" };
        told.pay(&payment, &invoice, 100, day);
        let worst = told.baselines("2026-04-01")[2];
        assert_eq!(worst, if number < 20 { 30.0 } else { 1.0 }, "after {number}");
    }
}

#[test]
fn what_is_written_off_is_not_overdue_and_is_remembered() {
    let mut told = Told::new();
    told.invoice("I1", "2026-01-01", "2026-01-31");
    assert_eq!(told.observer.written_off(0), None);
    told.tell("2026-06-01", "invoice.written_off", r#"{"invoice_id":"I1"}"#);
    assert_eq!(told.baselines("2026-07-01")[4], 0.0);
    assert_eq!(told.observer.written_off(0).map(Instant::day), Day::parse("2026-06-01"));
    told.tell("2026-07-02", "insolvency.opened", r#"{"procedure":"liquidation","opened_on":"2026-06-30"}"#);
    told.tell("2026-08-02", "insolvency.opened", r#"{"procedure":"liquidation","opened_on":"2026-07-30"}"#);
    assert_eq!(told.observer.insolvency(0).map(Instant::day), Day::parse("2026-07-02"));
    assert_eq!(told.observer.first_document(0), Day::parse("2026-01-01"));
}
