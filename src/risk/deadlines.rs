//! What is due when: the next day on which a buyer must be looked at though nothing happens.

use super::alert::{Alerts, Scene, Subject};
use crate::base::{BaseAmount, Day};
use crate::event::AlertKind;

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
    alerts.snoozed_until().for_each(|day| earliest.consider(day));
    covers(scene, &mut earliest);
    declarations(scene, alerts, &mut earliest);
    earliest.day
}

fn covers(scene: &Scene<'_>, earliest: &mut Earliest) {
    let levels = scene.levels;
    for (_, cover, terms) in scene.covers() {
        earliest.consider(terms.valid_from);
        cover.amendment_days().for_each(|day| earliest.consider(day));
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

fn declarations(scene: &Scene<'_>, alerts: &Alerts, earliest: &mut Earliest) {
    let levels = scene.levels;
    let mut declare = |by: Day| {
        earliest.consider(by.plus(-i32::from(levels.declaration_ahead_days)));
        earliest.consider(by.plus(-i32::from(levels.declaration_critical_days)));
    };
    scene.carrying.insured.iter().filter_map(|insured| insured.declare_by).for_each(&mut declare);
    // An open alert goes on where its invoice is no longer insured.
    for subject in alerts.open_of(AlertKind::DeclarationDue) {
        let Subject::InvoiceUnderCover(seller, invoice, cover) = subject else { continue };
        let open = scene.cover(cover).zip(scene.unpaid_invoice(seller, invoice));
        open.and_then(|((_, _, terms), (_, invoice, _))| terms.declare_by(invoice.due_on()))
            .into_iter()
            .for_each(&mut declare);
    }
}
