//! Owns random events: few ids that collide, dates in a narrow window, a clock that mostly runs forward.

use std::fmt;
use std::ops::Range;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use vigie::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};
use vigie::event::input::*;
use vigie::event::{Allocation, Body, Event, Id, IncidentKind, Layer, Procedure, Segment};
use vigie::wire::encode_event;

const SECOND_NS: i64 = 1_000_000_000;
pub const HOUR_S: i64 = 3_600;
pub const DAY_S: i64 = 86_400;
/// 2026-02-09: some weeks before the end of a month.
pub const FIRST_DAY: i32 = 20_493;

/// An event that owns its allocations; shown as the line of JSON that it is on the wire.
#[derive(Clone)]
pub struct Told {
    pub time: Instant,
    pub id: &'static str,
    pub source: &'static str,
    pub subject: &'static str,
    pub body: Body<'static>,
    /// The allocations of a payment.
    pub shares: Vec<Allocation<'static>>,
}

impl Told {
    pub fn event(&self) -> Event<'_> {
        let body = match self.body {
            Body::PaymentReceived(said) => {
                let allocations = (!self.shares.is_empty()).then_some(self.shares.as_slice());
                Body::PaymentReceived(PaymentReceived { allocations, ..said })
            }
            Body::PaymentAllocated(said) => {
                Body::PaymentAllocated(PaymentAllocated { allocations: &self.shares, ..said })
            }
            body => body,
        };
        Event { time: self.time, id: self.id, source: self.source, subject: self.subject, body }
    }

    /// What tells documents apart: the type, the seller where sellers number them apart, and the id.
    pub fn document(&self) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
        let (seller, id) = match self.body {
            Body::InvoiceIssued(said) => (said.seller_id, said.invoice_id),
            Body::InvoiceCredited(said) => (said.seller_id, said.credit_note_id),
            Body::PaymentReceived(said) => (said.seller_id, said.payment_id),
            Body::PaymentAllocated(said) => (said.seller_id, said.allocation_id),
            Body::OrderPlaced(said) => (said.seller_id, said.order_id),
            Body::OrderHeld(said) => (said.seller_id, said.order_id),
            Body::CoverGranted(said) => ("", said.cover_id),
            Body::IncidentReported(said) => ("", said.incident_id),
            _ => return None,
        };
        Some((self.subject, self.body.spec().name, seller, id.as_str()))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        encode_event(&self.event(), &mut line);
        f.write_str(&String::from_utf8_lossy(&line))
    }
}

/// The values that events are made of.
#[derive(Clone, Copy)]
pub struct Palette {
    /// In 10^-4 units; all over 0.
    pub amounts: &'static [i64],
    pub currencies: &'static [&'static str],
    pub rates: &'static [&'static str],
    /// Days after 1970-01-01.
    pub days: &'static [i32],
    /// Days from issue to due.
    pub terms: &'static [i32],
    /// Seconds from one event to the next.
    pub gaps_s: &'static [i64],
    /// Invoices, payments and the like.
    pub ids: &'static [&'static str],
    pub buyers: &'static [&'static str],
    pub sellers: &'static [&'static str],
}

/// Everyday values, with fractions that do not divide evenly.
pub const EVERYDAY: Palette = Palette {
    amounts: &[1_000_000, 10_000, 333_333, 2_500_000, 1, 1_500_000_000, 20_000_000_000],
    currencies: &["EUR", "EUR", "USD", "JPY", "ZZZ"],
    rates: &["1", "0.9", "0.006211180124", "1.234567890123"],
    days: &WINDOW,
    terms: &[0, 5, 10, 20, 30],
    gaps_s: &[0, 0, 0, 0, 1, 1, HOUR_S, 13 * HOUR_S, DAY_S, 3 * DAY_S, 9 * DAY_S],
    ids: &["1", "2", "3", "4"],
    buyers: &["B1", "B2", "b"],
    sellers: &["", "", "S"],
};

/// One buyer and one amount, so that payments settle invoices, late, and what is shipped meanwhile loses its cover.
pub const CLOSE: Palette = Palette {
    amounts: &[1_000_000],
    currencies: &["EUR"],
    ids: &["1", "2", "3"],
    buyers: &["B1"],
    sellers: &[""],
    ..EVERYDAY
};

/// Whole cents and whole rates, so that nothing is ever rounded.
pub const EVEN: Palette = Palette {
    amounts: &[1_000_000, 10_000, 100, 2_500_000, 3_333_300, 1_500_000_000, 20_000_000_000],
    currencies: &["EUR", "EUR", "USD", "GBP"],
    rates: &["1", "2", "3"],
    ..EVERYDAY
};

/// The ends of every range.
pub const EXTREME: Palette = Palette {
    amounts: &[1, 1_000_000_000_000_000_000, 999_999_999_999_999_999, 10_000, 7],
    currencies: &["EUR", "USD", "JPY", "ZZZ"],
    rates: &["0.000000000001", "999999999.999999999999", "1", "0.333333333333"],
    days: &[0, 1, 30, 20_500, 20_531, 84_005, 83_976],
    terms: &[0, 1, 3650, 84_005],
    gaps_s: &[0, 1, DAY_S, 400 * DAY_S, 40 * 365 * DAY_S],
    ids: &["1", LONG, "日本商事", "a\"b\\", " "],
    ..EVERYDAY
};

/// 128 bytes.
const LONG: &str = "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé";

const WINDOW: [i32; 12] = {
    let mut days = [FIRST_DAY; 12];
    let mut place = 0;
    while place < 12 {
        days[place] = FIRST_DAY + 4 * place as i32;
        place += 1;
    }
    days
};

pub fn id(text: &'static str) -> Id<'static> {
    Id::parse(text).expect("an id")
}

pub fn currency(text: &str) -> Currency {
    Currency::parse(text).expect("a currency")
}

pub fn money(units: i64) -> Money {
    Money::from_units(units).expect("an amount")
}

pub fn percent(text: &str) -> Percent {
    Percent::parse(text).expect("a percentage")
}

/// A sequence of everyday events, spread over several buyers or close together.
pub fn everyday(length: Range<usize>) -> BoxedStrategy<Vec<Told>> {
    prop_oneof![
        2 => sequence(EVERYDAY, length.clone()),
        1 => sequence(CLOSE, length.clone()),
        2 => shipments(length),
    ]
    .boxed()
}

/// What settles late, or no longer, under a cover that then stops.
fn shipments(length: Range<usize>) -> BoxedStrategy<Vec<Told>> {
    let what = prop_oneof![5 => documents(CLOSE), 1 => marks(CLOSE)].boxed();
    (sequence_of(CLOSE, what, length), select(vec![0, 3, 9]))
        .prop_map(|(mut all, extension)| {
            all.insert(0, stopping_cover("B1", extension));
            all
        })
        .boxed()
}

/// A large cover that stops when an invoice is so many days overdue.
pub fn stopping_cover(subject: &'static str, extension_days: u16) -> Told {
    let cover = CoverGranted {
        seller_id: "",
        cover_id: id("1"),
        layer: Layer::Primary,
        amount: money(1_000_000_000_000),
        currency: currency("EUR"),
        insured_pct: percent("90"),
        valid_from: Day::from_number(FIRST_DAY - 1),
        valid_to: None,
        order_id: None,
        max_payment_term_days: None,
        max_extension_days: Some(extension_days),
        declare_within_days: None,
        insurer: None,
        policy_id: None,
    };
    let time = Day::from_number(FIRST_DAY).start();
    Told { time, id: "cover", source: "/erp", subject, body: Body::CoverGranted(cover), shares: Vec::new() }
}

/// A sequence of events of any kind, as they arrive.
pub fn sequence(palette: Palette, length: Range<usize>) -> BoxedStrategy<Vec<Told>> {
    sequence_of(palette, body(palette), length)
}

fn sequence_of(palette: Palette, what: BoxedStrategy<What>, length: Range<usize>) -> BoxedStrategy<Vec<Told>> {
    let gap = (select(palette.gaps_s), prop_oneof![6 => Just(0), 1 => select(vec![1, DAY_S, 20 * DAY_S])]);
    let nanos = prop_oneof![4 => Just(0), 1 => select(vec![1, SECOND_NS / 2, SECOND_NS - 1])];
    let names = (select(vec!["e1", "e2", "E3"]), select(vec!["/erp", "/bank"]), select(palette.buyers));
    let told = (gap, nanos, names, what);
    prop::collection::vec(told, length)
        .prop_map(|all| {
            let mut now_s = i64::from(FIRST_DAY) * DAY_S + 8 * HOUR_S;
            let mut sequence = Vec::new();
            for ((gap_s, late_s), nanos, (id, source, buyer), (body, shares)) in all {
                now_s = (now_s + gap_s).min(84_005 * DAY_S);
                let time = Instant::from_nanos((now_s - late_s) * SECOND_NS + nanos);
                let subject = if body.spec().has_buyer { buyer } else { "" };
                sequence.push(Told { time, id, source, subject, body, shares });
            }
            sequence
        })
        .boxed()
}

/// What happened, and the allocations of it.
pub type What = (Body<'static>, Vec<Allocation<'static>>);

/// Any body.
pub fn body(palette: Palette) -> BoxedStrategy<What> {
    prop_oneof![
        14 => documents(palette),
        6 => marks(palette),
        5 => covers(palette),
        3 => limits(palette),
        3 => signals(palette),
    ]
    .boxed()
}

fn sellers(palette: Palette) -> impl Strategy<Value = &'static str> + Clone {
    select(palette.sellers)
}

fn ids(palette: Palette) -> impl Strategy<Value = Id<'static>> + Clone {
    select(palette.ids).prop_map(id)
}

fn amounts(palette: Palette) -> impl Strategy<Value = Money> + Clone {
    select(palette.amounts).prop_map(money)
}

fn amounts_or_zero(palette: Palette) -> impl Strategy<Value = Money> + Clone {
    prop_oneof![1 => Just(Money::ZERO), 4 => amounts(palette)]
}

fn currencies(palette: Palette) -> impl Strategy<Value = Currency> + Clone {
    select(palette.currencies).prop_map(currency)
}

fn days(palette: Palette) -> impl Strategy<Value = Day> + Clone {
    select(palette.days).prop_map(Day::from_number)
}

/// A day so many days later, within the calendar of the contract.
fn later(day: Day, days: i32) -> Day {
    day.plus(days).min(Day::from_number(84_005))
}

fn shares(palette: Palette, count: Range<usize>) -> impl Strategy<Value = Vec<Allocation<'static>>> {
    let share = (ids(palette), amounts(palette)).prop_map(|(invoice_id, amount)| Allocation { invoice_id, amount });
    prop::collection::vec(share, count)
}

/// Documents of sellers: invoices, credit notes, orders, payments, incidents.
pub fn documents(p: Palette) -> BoxedStrategy<What> {
    let plain = |body| (body, Vec::new());
    let net = option::of(1..=6_i64);
    let invoice = (sellers(p), ids(p), amounts(p), net, currencies(p), days(p), select(p.terms), option::of(ids(p)))
        .prop_map(move |(seller_id, invoice_id, amount, net, currency, issued_on, term, order_id)| {
            let net_amount = net.map(|sixths| money((amount.units() / 6 * sixths).max(1)));
            let due_on = later(issued_on, term);
            plain(Body::InvoiceIssued(InvoiceIssued {
                seller_id,
                invoice_id,
                amount,
                net_amount,
                currency,
                issued_on,
                due_on,
                order_id,
            }))
        });
    let credit = (sellers(p), ids(p), ids(p), amounts(p), days(p)).prop_map(
        move |(seller_id, invoice_id, credit_note_id, amount, credited_on)| {
            plain(Body::InvoiceCredited(InvoiceCredited { seller_id, invoice_id, credit_note_id, amount, credited_on }))
        },
    );
    let order = (sellers(p), ids(p), amounts(p), currencies(p), option::of(days(p))).prop_map(
        move |(seller_id, order_id, amount, currency, expected_on)| {
            plain(Body::OrderPlaced(OrderPlaced { seller_id, order_id, amount, currency, expected_on }))
        },
    );
    let payment = (sellers(p), ids(p), amounts(p), currencies(p), days(p), shares(p, 0..4)).prop_map(
        |(seller_id, payment_id, amount, currency, received_on, shares)| {
            let said = PaymentReceived { seller_id, payment_id, amount, currency, received_on, allocations: None };
            (Body::PaymentReceived(said), shares)
        },
    );
    let allocation = (sellers(p), ids(p), ids(p), days(p), shares(p, 1..4)).prop_map(
        |(seller_id, payment_id, allocation_id, allocated_on, shares)| {
            let said = PaymentAllocated { seller_id, payment_id, allocation_id, allocated_on, allocations: &[] };
            (Body::PaymentAllocated(said), shares)
        },
    );
    let incident = (ids(p), select(IncidentKind::ALL), option::of(amounts(p)), option::of(currencies(p))).prop_map(
        move |(incident_id, kind, amount, currency)| {
            plain(Body::IncidentReported(IncidentReported { incident_id, kind, amount, currency, days_overdue: None }))
        },
    );
    prop_oneof![6 => invoice, 2 => credit, 2 => order, 4 => payment, 2 => allocation, 1 => incident].boxed()
}

fn marks(p: Palette) -> BoxedStrategy<What> {
    let on_invoice =
        (sellers(p), ids(p), days(p), 0..6_u8).prop_map(|(seller_id, invoice_id, due_on, which)| match which {
            0 => Body::InvoiceRescheduled(InvoiceRescheduled { seller_id, invoice_id, due_on }),
            1 => Body::InvoiceCancelled(InvoiceCancelled { seller_id, invoice_id }),
            2 => Body::InvoiceWrittenOff(InvoiceWrittenOff { seller_id, invoice_id, reason: None }),
            3 => Body::InvoiceDisputed(InvoiceDisputed { seller_id, invoice_id, reason: Some("quality") }),
            _ => Body::InvoiceDisputeSettled(InvoiceDisputeSettled { seller_id, invoice_id }),
        });
    let others = (sellers(p), ids(p), any::<bool>()).prop_map(|(seller_id, name, of_payment)| match of_payment {
        true => Body::PaymentReversed(PaymentReversed { seller_id, payment_id: name, reason: None }),
        false => Body::OrderCancelled(OrderCancelled { seller_id, order_id: name }),
    });
    prop_oneof![3 => on_invoice, 2 => others].prop_map(|body| (body, Vec::new())).boxed()
}

fn covers(p: Palette) -> BoxedStrategy<What> {
    let days_of = || option::of(select(vec![0, 5, 15, 30, 3650_u16]));
    let terms = (days_of(), days_of(), days_of());
    let span = (days(p), option::of(select(vec![0, 10, 40, 400])));
    let pct = select(vec!["90", "100", "0", "0.0001", "33.3333"]).prop_map(percent);
    let named = (ids(p), select(Layer::ALL), sellers(p), option::of(ids(p)));
    let granted = (named, amounts(p), currencies(p), pct, span, terms).prop_map(
        |((cover_id, layer, seller_id, order_id), amount, currency, insured_pct, (valid_from, days), terms)| {
            let order_id = order_id.or_else(|| (layer == Layer::SingleRisk).then(|| id("1")));
            Body::CoverGranted(CoverGranted {
                seller_id,
                cover_id,
                layer,
                amount,
                currency,
                insured_pct,
                valid_from,
                valid_to: days.map(|days| later(valid_from, days)),
                order_id,
                max_payment_term_days: terms.0,
                max_extension_days: terms.1,
                declare_within_days: terms.2,
                insurer: terms.0.map(|_| "Atradius"),
                policy_id: None,
            })
        },
    );
    let amended = (ids(p), amounts_or_zero(p), days(p)).prop_map(|(cover_id, amount, effective_on)| {
        Body::CoverAmended(CoverAmended { cover_id, amount, effective_on })
    });
    let withdrawn = (ids(p), days(p))
        .prop_map(|(cover_id, effective_on)| Body::CoverWithdrawn(CoverWithdrawn { cover_id, effective_on }));
    let declared = (ids(p), sellers(p), ids(p), days(p)).prop_map(|(cover_id, seller_id, invoice_id, declared_on)| {
        Body::CoverDeclared(CoverDeclared { cover_id, seller_id, invoice_id, declared_on })
    });
    prop_oneof![6 => granted, 2 => amended, 1 => withdrawn, 1 => declared].prop_map(|body| (body, Vec::new())).boxed()
}

fn limits(p: Palette) -> BoxedStrategy<What> {
    let set = (amounts_or_zero(p), currencies(p), option::of(Just("an arbiter"))).prop_map(
        |(amount, currency, decided_by)| Body::LimitSet(LimitSet { amount, currency, reason: None, decided_by }),
    );
    let rate = (select(vec!["USD", "JPY", "GBP"]), select(p.rates)).prop_map(|(name, rate)| {
        Body::FxRate(FxRate { currency: currency(name), rate: Rate::parse(rate).expect("a rate") })
    });
    let removed = Just(Body::LimitRemoved(LimitRemoved {}));
    prop_oneof![3 => set, 3 => rate, 1 => removed].prop_map(|body| (body, Vec::new())).boxed()
}

fn signals(p: Palette) -> BoxedStrategy<What> {
    let opened = (select(Procedure::ALL), days(p))
        .prop_map(|(procedure, opened_on)| Body::InsolvencyOpened(InsolvencyOpened { procedure, opened_on }));
    let closed = days(p).prop_map(|closed_on| Body::InsolvencyClosed(InsolvencyClosed { closed_on }));
    let described = option::of(select(Segment::ALL)).prop_map(|segment| {
        let name = Some("Müller & Cie");
        Body::BuyerDescribed(BuyerDescribed { name, country: None, segment, parent_id: None, sector: None })
    });
    let rated = (1..=10_u8, ids(p))
        .prop_map(|(grade, agency)| Body::RatingChanged(RatingChanged { agency, grade, pd: Some(1_000_000_000) }));
    let filed = (days(p), currencies(p)).prop_map(|(period_end, currency)| {
        let largest = SignedMoney::parse("-1e18").ok();
        Body::FinancialsPublished(FinancialsPublished {
            period_end,
            currency,
            total_assets: largest,
            current_assets: None,
            current_liabilities: None,
            total_liabilities: largest,
            retained_earnings: None,
            ebit: None,
            equity: None,
            sales: None,
            net_income: None,
            cash: None,
            inventory: None,
            depreciation: None,
            financial_expenses: None,
        })
    });
    let decided = (ids(p), 1..3_u32).prop_map(|(proposal_id, version)| {
        Body::ProposalApproved(ProposalApproved {
            proposal_id,
            version,
            decided_by: id("me"),
            amount: None,
            reason: None,
        })
    });
    let tick = Just(Body::ClockTick(ClockTick {}));
    prop_oneof![2 => opened, 1 => closed, 3 => described, 1 => rated, 1 => filed, 1 => decided, 3 => tick]
        .prop_map(|body| (body, Vec::new()))
        .boxed()
}
