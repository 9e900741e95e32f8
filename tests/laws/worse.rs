//! Laws of the worse: where the newest fact is worse and all history equal, the score is never lower.

use proptest::prelude::*;
use proptest::sample::select;
use vigie::base::SignedMoney;
use vigie::event::input::*;
use vigie::event::{Body, IncidentKind, Procedure, Scored};
use vigie::risk::score::{Bad, Code, Table};
use vigie::risk::{Params, Shard};

use crate::told::{Told, currency, id, money};
use crate::trade::{DAYS, accounts, day, euros, invoice, name, on, order, payment, trading};
use crate::{eur, every_case, rows, tell};

/// The newest invoice's number, and that of its payment.
const NEWEST: usize = 4000;
/// The day of the newest fact, and that of the judgement.
const NOW: i32 = DAYS + 70;

/// The score of a buyer with a history, after further events, on a day.
fn score(params: &Params, history: &[Told], newest: &[Told], judged: i32) -> Scored {
    let mut shard = Shard::new(params.clone());
    tell(&mut shard, history, &mut Vec::new());
    tell(&mut shard, newest, &mut Vec::new());
    shard.advance(day(judged).start(), &mut Vec::new());
    rows(&mut shard, day(judged)).first().map_or(Scored::HEALTHY, |row| row.scored)
}

/// Everything that happened before the newest fact, and nothing after it.
fn history() -> impl Strategy<Value = Vec<Told>> {
    trading().prop_map(|mut all| {
        all.retain(|told| told.time < on(NOW, Body::ClockTick(ClockTick {})).time);
        all
    })
}

/// Params by which exposure is worth nothing: with an invoice that is written off it goes down, as it should.
fn whatever_the_exposure() -> Params {
    let mut params = Params::new(eur());
    for code in [Code::Utilisation, Code::ExposureGrowth] {
        params.score.tables[code as usize] = Table::of(Bad::High, &[(0, 0)]);
    }
    params
}

/// Days from the newest fact to the judgement.
fn later() -> impl Strategy<Value = i32> {
    select(vec![1, 2, 20, 100, 500])
}

fn nothing() -> Vec<Told> {
    vec![on(NOW, Body::ClockTick(ClockTick {}))]
}

fn said(body: Body<'static>) -> Vec<Told> {
    vec![on(NOW, body)]
}

/// One invoice, and what becomes of it.
fn shipped(euros: i64, due: i32) -> Told {
    on(due - 30, invoice(NEWEST, euros, due - 30, due))
}

fn with_invoice(mut history: Vec<Told>, euros: i64, due: i32) -> Vec<Told> {
    history.push(shipped(euros, due));
    history.sort_by_key(|told| told.time);
    history
}

fn never_lower(history: (&[Told], &[Told]), newest: (&[Told], &[Told]), later: i32) -> Result<(), TestCaseError> {
    never_lower_by(&Params::new(eur()), history, newest, later)
}

fn never_lower_by(
    params: &Params,
    history: (&[Told], &[Told]),
    newest: (&[Told], &[Told]),
    later: i32,
) -> Result<(), TestCaseError> {
    let good = score(params, history.0, newest.0, NOW + later);
    let bad = score(params, history.1, newest.1, NOW + later);
    prop_assert!(
        bad.score >= good.score,
        "{:?}\nis worse than {:?}\nbut {:?}\nis lower than {:?}",
        newest.1,
        newest.0,
        bad,
        good
    );
    Ok(())
}

/// Two different values, the lower first.
fn two(values: &'static [i64]) -> impl Strategy<Value = (i64, i64)> {
    (0..values.len() - 1)
        .prop_flat_map(move |low| (Just(values[low]), (low + 1..values.len()).prop_map(|at| values[at])))
}

fn two_days() -> impl Strategy<Value = (i32, i32)> {
    (-10..60_i32).prop_flat_map(|early| (Just(early), early + 1..=64))
}

const AMOUNTS: &[i64] = &[2, 100, 5_000, 90_000, 2_000_000];

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn a_payment_received_later(history in history(), (early, late) in two_days(), later in later()) {
        // Told on the same day: so that the same of the past has faded.
        let due = NOW - 65;
        let history = with_invoice(history, 5_000, due);
        let paid = |days: i32| [payment(NEWEST + 1, NEWEST, 5_000, NOW, due + days)];
        never_lower((&history, &history), (&paid(early), &paid(late)), later)?;
    }

    #[test]
    fn a_payment_of_a_part_by_the_due_date(history in history(), days in -20..=0_i32, (part, whole) in two(&[1, 500, 2_500, 4_999, 5_000]), later in later()) {
        let due = NOW - days;
        let history = with_invoice(history, 5_000, due);
        let paid = |euros| [payment(NEWEST + 1, NEWEST, euros, NOW, NOW)];
        never_lower((&history, &history), (&paid(whole), &paid(part)), later)?;
    }

    #[test]
    fn a_worse_rating(history in history(), (good, bad) in two(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), later in later()) {
        let rated = |grade: i64| said(Body::RatingChanged(RatingChanged { agency: id("a"), grade: grade as u8, pd: None }));
        never_lower((&history, &history), (&rated(good), &rated(bad)), later)?;
    }

    #[test]
    fn a_higher_probability_of_default(
        history in history(),
        (good, bad) in two(&[0, 1, 499_999, 500_000, 90_000_000, 1_000_000_000]),
        grade in 1..=10_u8,
        later in later(),
    ) {
        let rated = |pd: i64| said(Body::RatingChanged(RatingChanged { agency: id("a"), grade, pd: Some(pd as u32) }));
        never_lower((&history, &history), (&rated(good), &rated(bad)), later)?;
    }

    #[test]
    fn worse_accounts(history in history(), accounts in accounts(), which in 0..WORSE.len(), worse in any::<bool>(), later in later()) {
        let (up, down) = (euros(Some(300_001)), euros(Some(-70_000)));
        let (lower, higher) = if worse { (down, up) } else { (euros(Some(20)), up) };
        let (high_is_bad, set) = WORSE[which];
        let filed = |figure: Option<SignedMoney>| {
            let mut accounts = FinancialsPublished { period_end: day(NOW - 90), ..accounts };
            set(&mut accounts, figure);
            said(Body::FinancialsPublished(accounts))
        };
        let (good, bad) = if high_is_bad { (euros(Some(20)), higher) } else { (higher, lower) };
        never_lower((&history, &history), (&filed(good), &filed(bad)), later)?;
    }

    #[test]
    fn an_incident_or_a_heavier_one(history in history(), kinds in (0..5_usize, 0..5_usize), later in later()) {
        // By what they count, lightest first.
        let weights = Params::new(eur()).score.incident_weights;
        let mut order: Vec<(u32, Option<IncidentKind>)> = vec![(0, None)];
        let of = [IncidentKind::Unpaid, IncidentKind::RejectedPayment, IncidentKind::Protest, IncidentKind::Litigation];
        order.extend(weights.into_iter().zip(of.map(Some)));
        order.sort_by_key(|(weight, _)| *weight);
        let reported = |place: usize| order[place].1.map_or_else(nothing, |kind| {
            let incident_id = name(NEWEST);
            said(Body::IncidentReported(IncidentReported { incident_id, kind, amount: None, currency: None, days_overdue: None }))
        });
        let (good, bad) = (kinds.0.min(kinds.1), kinds.0.max(kinds.1));
        never_lower((&history, &history), (&reported(good), &reported(bad)), later)?;
    }

    #[test]
    fn a_dispute_of_what_is_not_overdue(history in history(), days in -20..4_i32, later in 1..3_i32) {
        let history = with_invoice(history, 5_000, NOW - days);
        let disputed = Body::InvoiceDisputed(InvoiceDisputed { seller_id: "", invoice_id: name(NEWEST), reason: None });
        never_lower((&history, &history), (&nothing(), &said(disputed)), later)?;
    }

    #[test]
    fn a_write_off(history in history(), days in -20..100_i32, later in later()) {
        let history = with_invoice(history, 5_000, NOW - days);
        let lost = InvoiceWrittenOff { seller_id: "", invoice_id: name(NEWEST), reason: None };
        let lost = said(Body::InvoiceWrittenOff(lost));
        never_lower_by(&whatever_the_exposure(), (&history, &history), (&nothing(), &lost), later)?;
    }

    #[test]
    fn a_reversal(history in history(), days in -20..64_i32, after in 0..20_i32, later in later()) {
        let due = NOW - after - days;
        let mut history = with_invoice(history, 5_000, due);
        history.push(payment(NEWEST + 1, NEWEST, 5_000, NOW - after, NOW - after));
        history.sort_by_key(|told| told.time);
        let reversed = PaymentReversed { seller_id: "", payment_id: name(NEWEST + 1), reason: None };
        never_lower((&history, &history), (&nothing(), &said(Body::PaymentReversed(reversed))), later)?;
    }

    #[test]
    fn a_graver_insolvency(history in history(), kinds in (0..5_usize, 0..5_usize), later in later()) {
        let opened = |place: usize| match place.checked_sub(1) {
            None => said(Body::InsolvencyClosed(InsolvencyClosed { closed_on: day(NOW) })),
            Some(place) => said(Body::InsolvencyOpened(InsolvencyOpened { procedure: Procedure::ALL[place], opened_on: day(NOW) })),
        };
        let (good, bad) = (kinds.0.min(kinds.1), kinds.0.max(kinds.1));
        never_lower((&history, &history), (&opened(good), &opened(bad)), later)?;
    }

    #[test]
    fn a_larger_invoice(history in history(), (small, large) in two(AMOUNTS), due in -20..20_i32, later in later()) {
        let issued = |euros| said(invoice(NEWEST, euros, NOW - 30, NOW + due));
        never_lower((&history, &history), (&issued(small), &issued(large)), later)?;
    }

    #[test]
    fn a_larger_order(history in history(), (small, large) in two(AMOUNTS), later in later()) {
        let placed = |euros| said(Body::OrderPlaced(order(NEWEST, euros)));
        never_lower((&history, &history), (&nothing(), &placed(small)), later)?;
        never_lower((&history, &history), (&placed(small), &placed(large)), later)?;
    }

    #[test]
    fn a_lower_limit(history in history(), (low, high) in two(&[0, 1, 3_000, 70_000, 5_000_000]), later in later()) {
        let set = |euros: i64| {
            let amount = money(euros * 10_000);
            said(Body::LimitSet(LimitSet { amount, currency: currency("EUR"), reason: None, decided_by: None }))
        };
        never_lower((&history, &history), (&set(high), &set(low)), later)?;
    }

    #[test]
    fn an_invoice_due_earlier_and_unpaid(history in history(), (early, late) in two_days(), later in later()) {
        let issued = |due: i32| said(invoice(NEWEST, 5_000, NOW - 80, NOW - due));
        never_lower((&history, &history), (&issued(early), &issued(late)), later)?;
    }

    #[test]
    fn silence(history in history(), days in 1..200_i32, later in later()) {
        // What others say fades, and what exposure is usual moves with the months: what is owed gets worse by itself.
        let mut history = with_invoice(history, 5_000, NOW - 30);
        history.retain(|told| !matches!(told.body, Body::RatingChanged(_) | Body::IncidentReported(_) | Body::FinancialsPublished(_)));
        let params = whatever_the_exposure();
        let good = score(&params, &history, &nothing(), NOW + later);
        let bad = score(&params, &history, &nothing(), NOW + later + days);
        prop_assert!(bad.score >= good.score, "{bad:?} is lower than {good:?}");
    }
}

/// A figure of accounts: whether a high one is bad, and how it is set.
type Worse = (bool, fn(&mut FinancialsPublished, Option<SignedMoney>));

/// The figures of which one way is bad whatever the others are; of total assets it depends.
const WORSE: [Worse; 11] = [
    (false, |of, figure| of.current_assets = figure),
    (true, |of, figure| of.current_liabilities = figure),
    (true, |of, figure| of.total_liabilities = figure),
    (false, |of, figure| of.retained_earnings = figure),
    (false, |of, figure| of.ebit = figure),
    (false, |of, figure| of.equity = figure),
    (false, |of, figure| of.sales = figure),
    (false, |of, figure| of.net_income = figure),
    (false, |of, figure| of.cash = figure),
    (false, |of, figure| of.depreciation = figure),
    (true, |of, figure| of.financial_expenses = figure),
];
