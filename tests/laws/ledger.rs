//! Laws of the ledger: it is what a slow twin makes of all the events, in whatever order they came, and its sums add up.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vigie::base::{Cents, Day};
use vigie::event::input::{CoverGranted, InvoiceIssued};
use vigie::event::{Body, Layer, RefusalCode};
use vigie::risk::Outcome;
use vigie::sim::naive::{Twin, Verdict};

use crate::told::{FIRST_DAY, Told, everyday, id, money, percent};
use crate::{eur, every_case, ledger_rows, rows, shard, tell, today};

fn verdict(outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Applied => Some(Verdict::Applied),
        Outcome::Duplicate => Some(Verdict::Duplicate),
        Outcome::Refused(refusal) if refusal.code == RefusalCode::Conflict => Some(Verdict::Conflict),
        Outcome::Refused(refusal) if refusal.code == RefusalCode::NotOpen => Some(Verdict::NotOpen),
        Outcome::Refused(_) => None,
    }
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn the_shard_is_what_its_slow_twin_makes_of_all_events(
        all in everyday(1..60),
        looks in prop::collection::vec(prop::bool::weighted(0.3), 60),
        later in prop::sample::select(vec![0, 1, 30, 31, 61, 91, -40]),
    ) {
        let (mut shard, mut twin) = (shard(), Twin::new(eur()));
        let mut effects = Vec::new();
        for (told, look) in all.iter().zip(looks) {
            let outcome = shard.apply(&told.event(), &mut effects);
            prop_assert_eq!(verdict(&outcome), Some(twin.apply(told.event())), "{:?}", told);
            prop_assert_eq!(shard.clock(), twin.clock());
            if look {
                let as_of = today(&shard).plus(later);
                prop_assert_eq!(ledger_rows(&mut shard, as_of), twin.report(as_of));
            }
        }
        let as_of = today(&shard).plus(later);
        prop_assert_eq!(ledger_rows(&mut shard, as_of), twin.report(as_of));
    }

    #[test]
    fn the_order_of_arrival_changes_nothing(
        (all, shuffled) in everyday(1..60).prop_map(without_conflicts).prop_flat_map(|all| {
            let shuffled = Just(all.clone()).prop_shuffle();
            (Just(all), shuffled)
        }),
        look in any::<bool>(),
    ) {
        let (mut one, mut other) = (shard(), shard());
        for told in &all {
            prop_assert_eq!(one.apply(&told.event(), &mut Vec::new()), Outcome::Applied);
        }
        for told in &shuffled {
            prop_assert_eq!(other.apply(&told.event(), &mut Vec::new()), Outcome::Applied);
            if look {
                let as_of = today(&other);
                rows(&mut other, as_of);
            }
        }
        prop_assert_eq!(one.clock(), other.clock());
        let as_of = today(&one);
        prop_assert_eq!(ledger_rows(&mut one, as_of), ledger_rows(&mut other, as_of));
    }

    #[test]
    fn what_is_known_already_changes_nothing(
        all in everyday(1..60),
        again in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..10),
    ) {
        let mut once = shard();
        let mut effects = Vec::new();
        let outcomes = tell(&mut once, &all, &mut effects);
        let applied = |place: usize| outcomes[place] == Outcome::Applied && all[place].document().is_some();
        let known: Vec<usize> = (0..all.len()).filter(|place| applied(*place)).collect();
        prop_assume!(!known.is_empty());

        let mut repeated: Vec<(usize, usize)> = again
            .iter()
            .map(|(what, when)| {
                let place = *what.get(&known);
                (place, place + when.index(all.len() - place))
            })
            .collect();
        repeated.sort_by_key(|(_, when)| *when);
        let mut twice = shard();
        let mut effects_twice = Vec::new();
        for (place, told) in all.iter().enumerate() {
            twice.apply(&told.event(), &mut effects_twice);
            for (what, _) in repeated.iter().filter(|(_, when)| *when == place) {
                let again = retold(&all[*what]);
                prop_assert_eq!(twice.apply(&again.event(), &mut effects_twice), Outcome::Duplicate);
            }
        }
        let end = today(&once).plus(2).start();
        once.advance(end, &mut effects);
        twice.advance(end, &mut effects_twice);
        prop_assert_eq!(&effects, &effects_twice);
        prop_assert_eq!(once.state_hash(), twice.state_hash());

        let hash = twice.state_hash();
        for place in known {
            prop_assert_eq!(twice.apply(&retold(&all[place]).event(), &mut effects_twice), Outcome::Duplicate);
        }
        prop_assert_eq!(hash, twice.state_hash());
        prop_assert_eq!(effects.len(), effects_twice.len());
        let as_of = today(&once);
        prop_assert_eq!(rows(&mut once, as_of), rows(&mut twice, as_of));
    }
}

/// The same document in another event, far ahead of the clock, with its allocations turned round.
fn retold(told: &Told) -> Told {
    let mut again = told.clone();
    again.time = told.time.plus_nanos(400 * 86_400_000_000_000);
    (again.id, again.source) = ("again", "/other");
    again.shares.reverse();
    again
}

/// The first document of each name, and no two facts that agree in time, id and source.
fn without_conflicts(all: Vec<Told>) -> Vec<Told> {
    let (mut documents, mut facts) = (BTreeSet::new(), BTreeSet::new());
    let is_decision = |told: &Told| told.body.spec().name.starts_with("proposal.");
    let new = |told: &Told| match told.document() {
        Some(name) => documents.insert(name),
        None => facts.insert((told.time, told.id, told.source)),
    };
    all.into_iter().filter(|told| !is_decision(told)).filter(new).collect()
}

#[test]
fn the_twin_reckons_the_example_of_the_contract() {
    let said = |body| Told { time: on(40).start(), id: "e", source: "/erp", subject: "B", body, shares: Vec::new() };
    let cover = |name, layer, max_payment_term_days| CoverGranted {
        seller_id: "",
        cover_id: id(name),
        layer,
        amount: money(2_000_000_000),
        currency: eur(),
        insured_pct: percent("90"),
        valid_from: on(0),
        valid_to: None,
        order_id: None,
        max_payment_term_days,
        max_extension_days: None,
        declare_within_days: None,
        insurer: None,
        policy_id: None,
    };
    let invoice = InvoiceIssued {
        seller_id: "",
        invoice_id: id("F"),
        amount: money(5_000_000_000),
        net_amount: None,
        currency: eur(),
        issued_on: on(5),
        due_on: on(35),
        order_id: None,
    };
    let top_up = said(Body::CoverGranted(cover("T", Layer::TopUp, None)));
    let all = [
        said(Body::InvoiceIssued(invoice)),
        top_up.clone(),
        said(Body::CoverGranted(cover("P", Layer::Primary, Some(30)))),
    ];
    let row = |all: &[Told]| {
        let mut twin = Twin::new(eur());
        all.iter().for_each(|told| assert_eq!(twin.apply(told.event()), Verdict::Applied));
        twin.report(on(40)).pop().expect("a row")
    };
    let insured = row(&all);
    assert_eq!([insured.outstanding, insured.overdue[0], insured.exposure], [Cents(50_000_000); 3]);
    assert_eq!([insured.insured_primary, insured.insured_top_up], [Cents(20_000_000); 2]);
    assert_eq!([insured.indemnifiable, insured.retained], [Cents(36_000_000), Cents(14_000_000)]);

    let too_short = said(Body::CoverGranted(cover("P", Layer::Primary, Some(29))));
    let uninsured = row(&[all[0].clone(), top_up, too_short]);
    assert_eq!([uninsured.insured_primary, uninsured.insured_top_up], [Cents(0); 2]);
}

fn on(day: i32) -> Day {
    Day::from_number(FIRST_DAY + day)
}
