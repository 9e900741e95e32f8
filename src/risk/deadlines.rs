//! What is due when: the next day on which a buyer must be looked at though nothing happens.

use super::alert::{Alerts, Scene};
use crate::base::{BaseAmount, Day};

/// The earliest of several days after today.
struct Earliest {
    today: Day,
    day: Day,
}

impl Earliest {
    fn consider(&mut self, day: Day) {
        if day > self.today && day < self.day {
            self.day = day;
        }
    }
}

/// The next day on which time alone can change what a judgement says of a buyer; [`Day::MAX`]: none.
#[must_use]
pub fn next_day(scene: &Scene<'_>, alerts: &Alerts) -> Day {
    let mut earliest = Earliest { today: scene.today, day: Day::MAX };
    if scene.figures.exposure > BaseAmount::ZERO || scene.figures.outstanding > BaseAmount::ZERO {
        // The end of the month is to be kept.
        earliest.consider(scene.today.next_month());
    }
    if !scene.reversed.is_empty() {
        earliest.consider(scene.today.plus(1));
    }
    covers(scene, &mut earliest);
    declarations(scene, &mut earliest);
    told_declarations(scene, alerts, &mut earliest);
    earliest.day
}

fn covers(scene: &Scene<'_>, earliest: &mut Earliest) {
    let levels = scene.levels;
    for (place, cover, terms) in scene.covers() {
        earliest.consider(terms.valid_from);
        cover.amendment_days().for_each(|day| earliest.consider(day));
        cover.withdrawn_from().into_iter().for_each(|day| earliest.consider(day));
        let carried = scene.carrying.covers[place].taken;
        if carried > cover.carried_before() && carried > scene.in_force(cover, terms) {
            // From tomorrow on this is what it carried the day before, and lost.
            earliest.consider(scene.today.plus(1));
        }
        if let Some(end) = cover.valid_to() {
            earliest.consider(end.plus(-i32::from(levels.expiring_ahead_days)));
            earliest.consider(end.plus(-i32::from(levels.expiring_warning_days)));
            earliest.consider(end.plus(1));
        }
        if let Some(days_left) = scene.days_to_stop(terms) {
            let last_day = scene.today.plus(days_left);
            earliest.consider(last_day.plus(-i32::from(levels.stop_ahead_days)));
            earliest.consider(last_day.plus(1));
        }
    }
}

fn declarations(scene: &Scene<'_>, earliest: &mut Earliest) {
    let Some(insurance) = scene.insurance else { return };
    let levels = scene.levels;
    for insured in &scene.carrying.insured {
        let cover = &insurance.covers()[insured.cover];
        let due = scene.ledger.invoice(insured.invoice).due_on();
        let Some(declare_by) = cover.terms.as_ref().and_then(|terms| terms.declare_by(due)) else { continue };
        earliest.consider(declare_by.plus(-i32::from(levels.declaration_ahead_days)));
        earliest.consider(declare_by.plus(-i32::from(levels.declaration_critical_days)));
    }
}

/// An invoice that must be declared may have lost its cover to the buyer's cash: who was told still has to declare it.
fn told_declarations(scene: &Scene<'_>, alerts: &Alerts, earliest: &mut Earliest) {
    for (seller, invoice, cover) in alerts.declarations() {
        let (Some((_, invoice, _)), Some((_, _, terms))) = (scene.unpaid_invoice(seller, invoice), scene.cover(cover))
        else {
            continue;
        };
        if let Some(declare_by) = terms.declare_by(invoice.due_on()) {
            earliest.consider(declare_by.plus(-i32::from(scene.levels.declaration_critical_days)));
        }
    }
}
