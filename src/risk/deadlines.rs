//! What is due when: the next day on which a buyer must be looked at though nothing happens.

use super::alert::{Alerts, Scene, Subject};
use super::cover::Cover;
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
    let mut declare = |cover: &Cover, due: Day| {
        if let Some(declare_by) = cover.terms.as_ref().and_then(|terms| terms.declare_by(due)) {
            earliest.consider(declare_by.plus(-i32::from(levels.declaration_ahead_days)));
            earliest.consider(declare_by.plus(-i32::from(levels.declaration_critical_days)));
        }
    };
    for insured in &scene.carrying.insured {
        let cover = scene.insurance.map(|insurance| &insurance.covers()[insured.cover]);
        cover.into_iter().for_each(|cover| declare(cover, scene.ledger.invoice(insured.invoice).due_on()));
    }
    // An open alert goes on where its invoice is no longer insured.
    for subject in alerts.open_of(AlertKind::DeclarationDue) {
        let Subject::InvoiceUnderCover(seller, invoice, cover) = subject else { continue };
        if let (Some((_, cover, _)), Some((_, invoice, _))) =
            (scene.cover(cover), scene.unpaid_invoice(seller, invoice))
        {
            declare(cover, invoice.due_on());
        }
    }
}
