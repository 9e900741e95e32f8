//! Laws of conservation: what is billed is open, written off or absorbed, and nobody insures more than there is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vigie::base::{BaseUnits, Cents, Rate, Sum};
use vigie::event::{Body, EffectBody, Layer, ReportRow};
use vigie::risk::Outcome;

use crate::told::{EVEN, EVERYDAY, Palette, Told, everyday, sequence};
use crate::{every_case, rows, shard, tell, today};

/// Marks that stick, and what else takes an amount out of the sums.
#[derive(Default)]
struct Ends {
    cancelled: BTreeSet<(&'static str, &'static str, &'static str)>,
    reversed: BTreeSet<(&'static str, &'static str, &'static str)>,
}

impl Ends {
    fn of(all: &[Told]) -> Ends {
        let mut ends = Ends::default();
        for told in all {
            match told.body {
                Body::InvoiceCancelled(said) => {
                    ends.cancelled.insert((told.subject, said.seller_id, said.invoice_id.as_str()));
                }
                Body::PaymentReversed(said) => {
                    ends.reversed.insert((told.subject, said.seller_id, said.payment_id.as_str()));
                }
                _ => {}
            }
        }
        ends
    }
}

/// What a buyer was billed, less all that was paid and credited, in EUR at the last rates, in cents.
fn billed_less_paid(all: &[Told], buyer: &str) -> Option<i128> {
    let ends = Ends::of(all);
    let of_buyer = || all.iter().filter(|told| told.subject == buyer);
    let mut total = 0;
    for told in of_buyer() {
        let (units, currency) = match told.body {
            Body::InvoiceIssued(said) => {
                let name = (told.subject, said.seller_id, said.invoice_id.as_str());
                if ends.cancelled.contains(&name) {
                    continue;
                }
                let credits = of_buyer().filter_map(|other| match other.body {
                    Body::InvoiceCredited(note) if (note.seller_id, note.invoice_id.as_str()) == (name.1, name.2) => {
                        Some(i128::from(note.amount.units()))
                    }
                    _ => None,
                });
                (i128::from(said.amount.units()) - credits.sum::<i128>(), said.currency)
            }
            Body::PaymentReceived(said) => {
                if ends.reversed.contains(&(told.subject, said.seller_id, said.payment_id.as_str())) {
                    continue;
                }
                (-i128::from(said.amount.units()), said.currency)
            }
            _ => continue,
        };
        total += units / 100 * whole_rate(all, currency.as_str())?;
    }
    Some(total)
}

/// The last rate of a currency, a whole number.
fn whole_rate(all: &[Told], currency: &str) -> Option<i128> {
    let last = all.iter().filter_map(|told| match told.body {
        Body::FxRate(said) if said.currency.as_str() == currency => {
            Some(((told.time, told.id, told.source), said.rate))
        }
        _ => None,
    });
    // Of two that agree in time, id and source the first stands: `rev`, since `max_by` takes the last.
    let last = last.collect::<Vec<_>>().into_iter().rev().max_by_key(|(at, _)| *at).map(|(_, rate)| rate);
    if currency == "EUR" { Some(1) } else { last.map(|rate| rate.scaled() / Rate::ONE.scaled()) }
}

fn insured(row: &ReportRow) -> i128 {
    row.insured_single_risk.0 + row.insured_primary.0 + row.insured_top_up.0
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn what_is_billed_is_open_written_off_or_absorbed(all in sequence(EVEN, 1..60)) {
        let mut shard = shard();
        let outcomes = tell(&mut shard, &all, &mut Vec::new());
        let applied = |(told, outcome): (&Told, Outcome)| (outcome == Outcome::Applied).then(|| told.clone());
        let counted: Vec<Told> = all.iter().zip(outcomes).filter_map(applied).collect();
        let as_of = today(&shard).plus(20);
        for row in rows(&mut shard, as_of) {
            if let Some(left) = billed_less_paid(&counted, &row.buyer_id) {
                prop_assert_eq!(row.outstanding.0 + row.written_off.0 - row.unapplied.0, left, "{:?}", row);
            }
            let aged = row.not_due.0 + row.overdue.iter().map(|bucket| bucket.0).sum::<i128>();
            prop_assert_eq!(aged, row.outstanding.0);
            let (owed, exposure) = (row.outstanding.0 - row.unapplied.0, row.exposure.0);
            prop_assert_eq!(exposure, owed.max(0) + row.orders.0);
            prop_assert!(row.disputed <= row.outstanding);
        }
    }

    #[test]
    fn nobody_insures_more_than_there_is(all in everyday(1..60)) {
        let mut shard = shard();
        tell(&mut shard, &all, &mut Vec::new());
        let mut effects = Vec::new();
        shard.tell_exposures(&mut effects);
        for effect in &effects {
            let EffectBody::ExposureUpdated(update) = &effect.body else { panic!("{effect:?}") };
            let row = &update.row;
            // Each figure is rounded on its own: a cent apiece.
            prop_assert!(insured(row) <= row.outstanding.0 + 3, "{:?}", row);
            prop_assert!(insured(row) <= row.outstanding.0 - row.unapplied.0.max(0) + 3 || insured(row) == 0, "{:?}", row);
            prop_assert!(row.indemnifiable.0 <= insured(row) + 3, "{:?}", row);
            prop_assert!(row.retained.0 + row.indemnifiable.0 >= row.exposure.0 - 1, "{:?}", row);
            prop_assert!(row.retained.0 >= 0 && row.retained <= row.exposure, "{:?}", row);
            for (layer, taken) in [
                (Layer::SingleRisk, row.insured_single_risk),
                (Layer::Primary, row.insured_primary),
                (Layer::TopUp, row.insured_top_up),
            ] {
                let covers = update.covers.iter().filter(|cover| cover.layer == layer);
                let sum = covers.fold(BaseUnits::ZERO, |sum, cover| sum + cover.taken);
                prop_assert_eq!(sum.amount().cents(), taken);
            }
            for cover in &update.covers {
                let most = most_insured(&all, &row.buyer_id, &cover.cover_id);
                prop_assert!(cover.taken.units() == 0 || cover.taken <= most, "{:?} over {:?}", cover, most);
            }
            let sellers: i128 = update.sellers.iter().map(|seller| seller.outstanding.0).sum();
            prop_assert!((sellers - row.outstanding.0).abs() <= 2, "{:?}", update.sellers);
            let counted: usize = update.sellers.iter().map(|seller| seller.open_invoices).sum();
            prop_assert_eq!(counted, row.open_invoices);
            prop_assert!(update.sellers.iter().all(|seller| seller.overdue <= seller.outstanding));
            prop_assert!(update.month_ends.iter().all(|end| end.day.plus(1) == end.day.next_month()));
            prop_assert!(update.month_ends.iter().all(|end| end.exposure >= Cents(0) && end.overdue >= Cents(0)));
        }
    }
}

/// The greatest amount that a cover ever had in force, at the greatest rate that there is.
fn most_insured(all: &[Told], buyer: &str, cover_id: &str) -> BaseUnits {
    let amounts = all.iter().filter(|told| told.subject == buyer).filter_map(|told| match told.body {
        Body::CoverGranted(said) if said.cover_id.as_str() == cover_id => Some(said.amount.units()),
        Body::CoverAmended(said) if said.cover_id.as_str() == cover_id => Some(said.amount.units()),
        _ => None,
    });
    let largest = amounts.max().unwrap_or(0);
    let Palette { rates, .. } = EVERYDAY;
    let rates = rates.iter().map(|rate| Rate::parse(rate).expect("a rate"));
    BaseUnits::convert(Sum::from_units(i128::from(largest)), rates.max().expect("a rate"))
}
