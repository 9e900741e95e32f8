//! How long decoding and encoding take, event by event, for the types that make up nearly all traffic.

use std::hint::black_box;

use bumpalo::Bump;
use vigie::base::{Currency, Instant};
use vigie::wire::{DecodeRules, decode_value, encode_event, route};

/// An invoice of 270 bytes.
const INVOICE: &str = r#"{"specversion":"1.0","id":"9f2c41d8a7b3","source":"erp/north","type":"invoice.issued","time":"2026-03-01T10:00:00Z","subject":"DE-0012345","data":{"invoice_id":"INV-2026-000123","amount":"8400.00","currency":"EUR","issued_on":"2026-03-01","due_on":"2026-04-30"}}  "#;
/// A payment with two allocations.
const PAYMENT: &str = r#"{"specversion":"1.0","id":"5b7d90e1c2f4","source":"bank","type":"payment.received","time":"2026-04-29T08:30:00.250Z","subject":"DE-0012345","data":{"payment_id":"PAY-88123","amount":12400.5,"currency":"EUR","received_on":"2026-04-29","allocations":[{"invoice_id":"INV-2026-000123","amount":"8400.00"},{"invoice_id":"INV-2026-000124","amount":4000.5}]}}"#;
/// A description whose name needs an escape: the general reader takes it.
const ESCAPED: &str = r#"{"specversion":"1.0","id":"77","source":"crm","type":"buyer.described","time":"2026-03-01T10:00:00Z","subject":"DE-0012345","data":{"name":"M\u00fcller \"Nord\" GmbH","country":"DE","segment":"named","sector":"wholesale"}}"#;

fn main() {
    divan::main();
}

fn rules() -> DecodeRules {
    let now = Instant::parse("2026-06-01T00:00:00Z").expect("an instant");
    DecodeRules::new(Currency::parse("EUR").expect("a currency"), now)
}

/// One line of input, shown by what it is.
#[derive(Clone, Copy)]
struct Line(&'static str, &'static str);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

const LINES: [Line; 3] = [Line("invoice", INVOICE), Line("payment", PAYMENT), Line("escaped", ESCAPED)];

#[divan::bench(args = LINES, sample_size = 500)]
fn decode(bencher: divan::Bencher<'_, '_>, line: Line) {
    let rules = rules();
    let mut scratch = Bump::with_capacity(1 << 16);
    bencher.counter(divan::counter::BytesCount::of_str(line.1)).bench_local(|| {
        scratch.reset();
        decode_value(black_box(line.1.as_bytes()), &rules, &scratch).map(|event| event.time)
    });
}

#[divan::bench(args = LINES, sample_size = 500)]
fn look_for_the_route(bencher: divan::Bencher<'_, '_>, line: Line) {
    bencher.bench_local(|| matches!(route(black_box(line.1.as_bytes())), vigie::wire::Route::Buyer(_)));
}

#[divan::bench(args = LINES, sample_size = 500)]
fn encode(bencher: divan::Bencher<'_, '_>, line: Line) {
    let scratch = Bump::new();
    let event = decode_value(line.1.as_bytes(), &rules(), &scratch).expect("an event");
    let mut out = Vec::with_capacity(1024);
    bencher.bench_local(|| {
        out.clear();
        encode_event(black_box(&event), &mut out);
        out.len()
    });
}
