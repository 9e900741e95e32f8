//! Laws of forgetting: who refers to nothing older than the retention never notices it, and what is forgotten is refused.

use proptest::prelude::*;
use vigie::base::{Day, Instant};
use vigie::event::input::*;
use vigie::event::{Body, Effect, EffectBody, RefusalCode};
use vigie::risk::{Outcome, Params, Shard};

use crate::told::{CLOSE, DAY_S, EVERYDAY, FIRST_DAY, Palette, Told, What, body, documents, id, stopping_cover};
use crate::{eur, every_case, rows, tell, today};

pub const RETENTION_DAYS: u16 = 90;
/// A deal's events, and all the dates in them, lie within so many days of its start.
const DEAL_DAYS: i32 = 44 + 30;

const DEALS: Palette = Palette { amounts: &[1_000_000, 333_333, 2_500_000], ids: &["1", "2"], ..EVERYDAY };

/// Deals one after another, each with documents and covers of its own; limits and rates are nobody's.
pub fn deals() -> impl Strategy<Value = Vec<Told>> {
    let close = Palette { ids: DEALS.ids, ..CLOSE };
    let stopping = deals_of(close, documents(close), 10).prop_map(|mut all| {
        all.insert(0, stopping_cover("B1", 3));
        all
    });
    prop_oneof![deals_of(DEALS, body(DEALS), 50), deals_of(close, body(close), 50), stopping]
}

/// Deals that begin at most so many days apart.
fn deals_of(palette: Palette, what: BoxedStrategy<What>, gap_days: i32) -> impl Strategy<Value = Vec<Told>> {
    let buyer = prop::sample::select(palette.buyers);
    let what = (0..44_i64, 0..DAY_S, what);
    let deal = (0..=gap_days, buyer, prop::collection::vec(what, 1..14));
    prop::collection::vec(deal, 1..8).prop_map(|deals| {
        let (mut start, mut all) = (0, Vec::new());
        for (number, (gap, buyer, events)) in deals.into_iter().enumerate() {
            start += gap;
            for (day, second, (body, shares)) in events {
                let now_s = (i64::from(FIRST_DAY + start) + day) * DAY_S + second;
                let time = Instant::from_nanos(now_s * 1_000_000_000);
                let subject = if body.spec().has_buyer { buyer } else { "" };
                let told = Told { time, id: "e", source: "/erp", subject, body, shares };
                all.push(of_deal(told, number, start));
            }
        }
        all.sort_by_key(|told| told.time);
        all
    })
}

/// Names the documents apart from other deals', and moves their dates from the first day to the deal's start.
fn of_deal(mut told: Told, number: usize, start: i32) -> Told {
    // Leaked: a few bytes a document, for as long as the test runs.
    let own = |name: vigie::event::Id<'static>| id(Box::leak(format!("{number}.{}", name.as_str()).into_boxed_str()));
    let moved = |day: Day| day.plus(start);
    match &mut told.body {
        Body::InvoiceIssued(said) => {
            (said.invoice_id, said.order_id) = (own(said.invoice_id), said.order_id.map(own));
            (said.issued_on, said.due_on) = (moved(said.issued_on), moved(said.due_on));
        }
        Body::InvoiceCredited(said) => {
            (said.invoice_id, said.credit_note_id) = (own(said.invoice_id), own(said.credit_note_id));
            said.credited_on = moved(said.credited_on);
        }
        Body::InvoiceRescheduled(said) => {
            (said.invoice_id, said.due_on) = (own(said.invoice_id), moved(said.due_on));
        }
        Body::InvoiceCancelled(InvoiceCancelled { invoice_id, .. })
        | Body::InvoiceWrittenOff(InvoiceWrittenOff { invoice_id, .. })
        | Body::InvoiceDisputed(InvoiceDisputed { invoice_id, .. })
        | Body::InvoiceDisputeSettled(InvoiceDisputeSettled { invoice_id, .. })
        | Body::CoverDeclared(CoverDeclared { invoice_id, .. }) => *invoice_id = own(*invoice_id),
        Body::OrderPlaced(OrderPlaced { order_id, .. }) | Body::OrderCancelled(OrderCancelled { order_id, .. }) => {
            *order_id = own(*order_id);
        }
        Body::PaymentReceived(said) => {
            (said.payment_id, said.received_on) = (own(said.payment_id), moved(said.received_on));
        }
        Body::PaymentAllocated(said) => {
            (said.payment_id, said.allocation_id) = (own(said.payment_id), own(said.allocation_id));
            said.allocated_on = moved(said.allocated_on);
        }
        Body::PaymentReversed(said) => said.payment_id = own(said.payment_id),
        Body::IncidentReported(said) => said.incident_id = own(said.incident_id),
        Body::CoverGranted(said) => {
            (said.cover_id, said.order_id) = (own(said.cover_id), said.order_id.map(own));
            (said.valid_from, said.valid_to) = (moved(said.valid_from), said.valid_to.map(moved));
        }
        Body::CoverAmended(said) => {
            (said.cover_id, said.effective_on) = (own(said.cover_id), moved(said.effective_on));
        }
        Body::CoverWithdrawn(said) => {
            (said.cover_id, said.effective_on) = (own(said.cover_id), moved(said.effective_on));
        }
        _ => {}
    }
    told.shares.iter_mut().for_each(|share| share.invoice_id = own(share.invoice_id));
    told
}

fn keeping() -> Shard {
    Shard::new(Params::new(eur()))
}

fn forgetting() -> Shard {
    Shard::new(Params { retention_days: Some(RETENTION_DAYS), ..Params::new(eur()) })
}

fn code(outcome: &Outcome) -> Option<RefusalCode> {
    if let Outcome::Refused(refusal) = outcome { Some(refusal.code) } else { None }
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn who_refers_to_nothing_forgotten_never_notices(all in deals(), days in prop::sample::select(vec![0, 40, 200])) {
        assert!(DEAL_DAYS < i32::from(RETENTION_DAYS));
        let (mut keeping, mut forgetting) = (keeping(), forgetting());
        let (mut effects, mut effects_forgetting) = (Vec::new(), Vec::new());
        for (place, told) in all.iter().enumerate() {
            let outcome = keeping.apply(&told.event(), &mut effects);
            prop_assert_eq!(&forgetting.apply(&told.event(), &mut effects_forgetting), &outcome, "{:?}", told);
            if place % 8 == 0 {
                let as_of = today(&keeping);
                prop_assert_eq!(rows(&mut keeping, as_of), rows(&mut forgetting, as_of));
            }
        }
        let end = today(&keeping).plus(days).start();
        keeping.advance(end, &mut effects);
        forgetting.advance(end, &mut effects_forgetting);
        let as_of = today(&keeping);
        prop_assert_eq!(rows(&mut keeping, as_of), rows(&mut forgetting, as_of));
        prop_assert_eq!(in_short(&effects), in_short(&effects_forgetting));
    }

    #[test]
    fn what_was_forgotten_is_refused_and_never_counts_again(all in deals()) {
        let mut shard = forgetting();
        let outcomes = tell(&mut shard, &all, &mut Vec::new());
        let end = today(&shard).plus(200).start();
        shard.advance(end, &mut Vec::new());
        let as_of = today(&shard);
        let before = rows(&mut shard, as_of);
        let hash = shard.state_hash();
        let documents = all.iter().zip(outcomes).filter(|(told, outcome)| {
            *outcome == Outcome::Applied && told.document().is_some() && !matches!(told.body, Body::CoverGranted(_))
        });
        for (told, _) in documents {
            let outcome = shard.apply(&told.event(), &mut Vec::new());
            let refused = code(&outcome) == Some(RefusalCode::TooLate);
            prop_assert!(refused || outcome == Outcome::Duplicate, "{:?}: {:?}", told, outcome);
        }
        prop_assert_eq!(before, rows(&mut shard, as_of));
        prop_assert_eq!(hash, shard.state_hash());
    }
}

/// What effects say, but for the documents that reasons name: of those the forgotten are not named any more.
fn in_short(effects: &[Effect]) -> Vec<String> {
    let short = |effect: &Effect| {
        let mut body = effect.body.clone();
        let reasons = match &mut body {
            EffectBody::AlertRaised(told) | EffectBody::AlertEscalated(told) | EffectBody::AlertCleared(told) => {
                &mut told.reasons
            }
            EffectBody::LimitReductionProposed(told) => &mut told.reasons,
            _ => return format!("{} {} {body:?}", effect.at, effect.buyer_id),
        };
        reasons.iter_mut().for_each(|reason| reason.documents.clear());
        format!("{} {} {body:?}", effect.at, effect.buyer_id)
    };
    effects.iter().map(short).collect()
}

#[test]
fn what_is_closed_is_forgotten_and_what_is_open_is_kept() {
    let on = |day: i32| Day::from_number(FIRST_DAY + day);
    let told =
        |day: i32, body, shares| Told { time: on(day).start(), id: "e", source: "/erp", subject: "B", body, shares };
    let invoice = |name| InvoiceIssued {
        seller_id: "",
        invoice_id: id(name),
        amount: crate::told::money(10_000),
        net_amount: None,
        currency: eur(),
        issued_on: on(if name == "paid" { 0 } else { 5 }),
        due_on: on(10),
        order_id: None,
    };
    let payment = PaymentReceived {
        seller_id: "",
        payment_id: id("P"),
        amount: crate::told::money(10_000),
        currency: eur(),
        received_on: on(20),
        allocations: None,
    };
    let share = vigie::event::Allocation { invoice_id: id("paid"), amount: payment.amount };
    let all = [
        told(0, Body::InvoiceIssued(invoice("paid")), Vec::new()),
        told(5, Body::InvoiceIssued(invoice("open")), Vec::new()),
        told(20, Body::PaymentReceived(payment), vec![share]),
    ];
    let again = |shard: &mut Shard| -> Vec<Option<RefusalCode>> {
        tell(shard, &all, &mut Vec::new()).iter().map(code).collect()
    };
    let mut shard = forgetting();
    tell(&mut shard, &all, &mut Vec::new());
    shard.advance(on(400).start(), &mut Vec::new());
    let late = Some(RefusalCode::TooLate);
    assert_eq!(again(&mut shard), [late, None, late]);

    let settled = PaymentReceived { payment_id: id("Q"), received_on: on(401), ..payment };
    let share = vigie::event::Allocation { invoice_id: id("open"), ..share };
    shard.apply(&told(401, Body::PaymentReceived(settled), vec![share]).event(), &mut Vec::new());
    shard.advance(on(450).start(), &mut Vec::new());
    assert_eq!(again(&mut shard), [late, None, late]);
    shard.advance(on(600).start(), &mut Vec::new());
    assert_eq!(again(&mut shard), [late, late, late]);
}
