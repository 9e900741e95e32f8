//! Owns random histories of buyers that trade for a year: deals that are shipped, paid, disputed or lost, and what others say.

use std::sync::LazyLock;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use vigie::base::{Day, Instant, SignedMoney};
use vigie::event::input::*;
use vigie::event::{Allocation, Body, Id, IncidentKind, Procedure};

use crate::told::{DAY_S, FIRST_DAY, Told, currency, id, money};

/// Days over which something begins.
pub const DAYS: i32 = 360;

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| (0..4096).map(|number| format!("N-{number}")).collect());

/// A name of a document, one a number.
pub fn name(number: usize) -> Id<'static> {
    id(&NAMES[number])
}

/// A day, counted from the first one.
pub fn day(number: i32) -> Day {
    Day::from_number(FIRST_DAY + number)
}

/// An event of buyer B at eight o'clock.
pub fn on(number: i32, body: Body<'static>) -> Told {
    let time = Instant::from_nanos((i64::from(day(number).number()) * DAY_S + 8 * 3_600) * 1_000_000_000);
    Told { time, id: "e", source: "/erp", subject: "B", body, shares: Vec::new() }
}

/// What becomes of what was shipped.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Paid,
    PaidInTwoParts,
    PartlyPaid,
    Unpaid,
    PaidThenReversed,
    Disputed,
    DisputedThenPaid,
    WrittenOff,
    Credited,
    Cancelled,
}

const FATES: [Fate; 10] = [
    Fate::Paid,
    Fate::PaidInTwoParts,
    Fate::PartlyPaid,
    Fate::Unpaid,
    Fate::PaidThenReversed,
    Fate::Disputed,
    Fate::DisputedThenPaid,
    Fate::WrittenOff,
    Fate::Credited,
    Fate::Cancelled,
];

/// Something shipped, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub struct Deal {
    pub shipped: i32,
    /// In whole euros, over 1.
    pub euros: i64,
    pub term: i32,
    /// Days after due on which it is paid, disputed or lost.
    pub delay: i32,
    pub fate: Fate,
}

pub fn invoice(number: usize, euros: i64, issued: i32, due: i32) -> Body<'static> {
    Body::InvoiceIssued(InvoiceIssued {
        seller_id: "",
        invoice_id: name(number),
        amount: money(euros * 10_000),
        net_amount: None,
        currency: currency("EUR"),
        issued_on: day(issued),
        due_on: day(due),
        order_id: None,
    })
}

/// A payment of some euros for one invoice, told on a day of one that was received on another.
pub fn payment(number: usize, of: usize, euros: i64, told: i32, received: i32) -> Told {
    let said = PaymentReceived {
        seller_id: "",
        payment_id: name(number),
        amount: money(euros * 10_000),
        currency: currency("EUR"),
        received_on: day(received),
        allocations: None,
    };
    let shares = vec![Allocation { invoice_id: name(of), amount: money(euros * 10_000) }];
    Told { shares, ..on(told, Body::PaymentReceived(said)) }
}

impl Deal {
    /// Its events; the names of its documents begin at `number` and end before 3 more.
    pub fn events(&self, number: usize) -> Vec<Told> {
        let due = self.shipped + self.term;
        let then = (due + self.delay).max(self.shipped);
        let (seller_id, invoice_id) = ("", name(number));
        let paid =
            |after: i32, euros: i64, which: usize| payment(number + which, number, euros, then + after, then + after);
        let disputed = InvoiceDisputed { seller_id, invoice_id, reason: None };
        let mut all = vec![on(self.shipped, invoice(number, self.euros, self.shipped, due))];
        all.extend(match self.fate {
            Fate::Paid => vec![paid(0, self.euros, 1)],
            Fate::PaidInTwoParts => vec![paid(0, self.euros / 2, 1), paid(9, self.euros - self.euros / 2, 2)],
            Fate::PartlyPaid => vec![paid(0, self.euros / 2, 1)],
            Fate::Unpaid => vec![],
            Fate::PaidThenReversed => {
                let reversed = PaymentReversed { seller_id, payment_id: name(number + 1), reason: None };
                vec![paid(0, self.euros, 1), on(then + 5, Body::PaymentReversed(reversed))]
            }
            Fate::Disputed => vec![on(then, Body::InvoiceDisputed(disputed))],
            Fate::DisputedThenPaid => {
                let settled = InvoiceDisputeSettled { seller_id, invoice_id };
                let disputed = on(then, Body::InvoiceDisputed(disputed));
                vec![disputed, on(then + 20, Body::InvoiceDisputeSettled(settled)), paid(21, self.euros, 1)]
            }
            Fate::WrittenOff => {
                vec![on(then, Body::InvoiceWrittenOff(InvoiceWrittenOff { seller_id, invoice_id, reason: None }))]
            }
            Fate::Credited => {
                let (credit_note_id, amount) = (name(number + 1), money(self.euros * 10_000));
                let credited_on = day(then);
                let said = InvoiceCredited { seller_id, invoice_id, credit_note_id, amount, credited_on };
                vec![on(then, Body::InvoiceCredited(said))]
            }
            Fate::Cancelled => vec![on(then, Body::InvoiceCancelled(InvoiceCancelled { seller_id, invoice_id }))],
        });
        all
    }
}

fn deal() -> impl Strategy<Value = Deal> {
    let fate = prop_oneof![4 => Just(Fate::Paid), 3 => select(FATES.as_slice())];
    let delay = prop_oneof![3 => -8..12_i32, 2 => 12..70_i32, 1 => 70..200_i32];
    let euros = select(vec![2, 100, 999, 25_000, 400_000]);
    (0..DAYS, euros, select(vec![0, 14, 30, 60]), delay, fate).prop_map(|(shipped, euros, term, delay, fate)| Deal {
        shipped,
        euros,
        term,
        delay,
        fate,
    })
}

/// A figure of accounts, in whole euros.
fn figure() -> impl Strategy<Value = Option<SignedMoney>> {
    option::weighted(0.85, select(vec![-900_000, -40_000, -1, 0, 1, 700, 50_000, 300_000, 2_000_000])).prop_map(euros)
}

/// A figure of accounts in whole euros.
pub fn euros(euros: Option<i64>) -> Option<SignedMoney> {
    euros.map(|euros| SignedMoney::from_units(i128::from(euros) * 10_000).expect("a figure"))
}

/// Accounts of the year before, or of the one before that.
pub fn accounts() -> impl Strategy<Value = FinancialsPublished> {
    let figures = prop::collection::vec(figure(), 13);
    (select(vec![-40, -405]), figures).prop_map(|(period_end, of)| FinancialsPublished {
        period_end: day(period_end),
        currency: currency("EUR"),
        total_assets: of[0],
        current_assets: of[1],
        current_liabilities: of[2],
        total_liabilities: of[3],
        retained_earnings: of[4],
        ebit: of[5],
        equity: of[6],
        sales: of[7],
        net_income: of[8],
        cash: of[9],
        inventory: of[10],
        depreciation: of[11],
        financial_expenses: of[12],
    })
}

/// What others say of a buyer, and what is granted and ordered; `number` names the document.
pub fn saying() -> impl Strategy<Value = Body<'static>> {
    let number = 3000..4096_usize;
    let rated =
        (1..=10_u8, select(vec!["a", "b", "c"]), option::of(select(vec![0, 300_000, 70_000_000, 1_000_000_000])))
            .prop_map(|(grade, agency, pd)| Body::RatingChanged(RatingChanged { agency: id(agency), grade, pd }));
    let incident = (number.clone(), select(IncidentKind::ALL)).prop_map(|(number, kind)| {
        let incident_id = name(number);
        Body::IncidentReported(IncidentReported { incident_id, kind, amount: None, currency: None, days_overdue: None })
    });
    let opened = select(Procedure::ALL)
        .prop_map(|procedure| Body::InsolvencyOpened(InsolvencyOpened { procedure, opened_on: day(0) }));
    let closed = Just(Body::InsolvencyClosed(InsolvencyClosed { closed_on: day(0) }));
    let limit = select(vec![1, 5_000, 60_000, 900_000]).prop_map(|euros| {
        let currency = currency("EUR");
        Body::LimitSet(LimitSet { amount: money(euros * 10_000), currency, reason: None, decided_by: None })
    });
    let order =
        (number, select(vec![10, 40_000, 700_000])).prop_map(|(number, euros)| Body::OrderPlaced(order(number, euros)));
    prop_oneof![
        4 => rated,
        3 => accounts().prop_map(Body::FinancialsPublished),
        4 => incident,
        1 => opened,
        1 => closed,
        2 => limit,
        1 => order,
    ]
}

/// An order of some euros.
pub fn order(number: usize, euros: i64) -> OrderPlaced<'static> {
    let (order_id, currency) = (name(number), currency("EUR"));
    OrderPlaced { seller_id: "", order_id, amount: money(euros * 10_000), currency, expected_on: None }
}

/// A buyer's history in order of time.
pub fn trading() -> impl Strategy<Value = Vec<Told>> {
    let said = prop::collection::vec((0..DAYS, saying()), 0..8);
    (prop::collection::vec(deal(), 0..30), said).prop_map(|(deals, said)| {
        let deals = deals.iter().enumerate().flat_map(|(number, deal)| deal.events(3 * number));
        let said = said.into_iter().map(|(day, body)| on(day, body));
        let mut all: Vec<Told> = deals.chain(said).collect();
        all.sort_by_key(|told| told.time);
        all
    })
}
