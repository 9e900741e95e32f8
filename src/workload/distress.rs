//! Owns the known deteriorations: how a buyer slides from a hidden onset into insolvency, by named patterns.

use super::calendar::{Calendar, DayIndex};
use super::random::Draws;
use crate::event::Procedure;

/// The fewest days from onset to insolvency.
pub const SLIDE_DAYS_MIN: DayIndex = 60;
/// The most days from onset to insolvency.
pub const SLIDE_DAYS_MAX: DayIndex = 180;
/// Courts do not sit on these: a procedure that would open then opens on the Friday before.
const WEEKEND_DAYS: DayIndex = 2;
/// Days of sound history before an onset, where the history is long enough.
const SOUND_DAYS: DayIndex = 60;
/// From the onset on, a buyer places deals at least this often, as it takes what credit it still gets.
pub const DEALS_APART_MAX: DayIndex = 20;

/// A way to slide. Shares are in thousandths.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its name.
    pub name: &'static str,
    /// How much later payments get in ten days.
    pub delay_days_per_ten: i32,
    /// Of its payments, those that are partial.
    pub partial_per_mille: u32,
    /// Of its payments, those that bounce.
    pub reversal_per_mille: u32,
    /// Of its invoices, those that it disputes.
    pub dispute_per_mille: u32,
    /// Days between incidents, about.
    pub incident_days: i32,
    /// Days between steps down of its ratings, about.
    pub rating_days: i32,
    /// How long before the insolvency it stops paying, at least and at most; never before the onset.
    stop_days: (i32, i32),
    procedures: &'static [(Procedure, u32)],
}

use Procedure::{Conciliation, Liquidation, Receivership, Safeguard};

static PATTERNS: [Pattern; 4] = [
    Pattern {
        name: "slow_slide",
        delay_days_per_ten: 5,
        partial_per_mille: 250,
        reversal_per_mille: 30,
        dispute_per_mille: 30,
        incident_days: 40,
        rating_days: 30,
        stop_days: (25, 35),
        procedures: &[(Conciliation, 2), (Safeguard, 3), (Receivership, 4), (Liquidation, 1)],
    },
    Pattern {
        name: "sudden_stop",
        delay_days_per_ten: 1,
        partial_per_mille: 60,
        reversal_per_mille: 40,
        dispute_per_mille: 20,
        incident_days: 30,
        rating_days: 45,
        stop_days: (45, 59),
        procedures: &[(Receivership, 4), (Liquidation, 6)],
    },
    Pattern {
        name: "bounced_payments",
        delay_days_per_ten: 3,
        partial_per_mille: 120,
        reversal_per_mille: 250,
        dispute_per_mille: 30,
        incident_days: 15,
        rating_days: 30,
        stop_days: (25, 35),
        procedures: &[(Safeguard, 2), (Receivership, 5), (Liquidation, 3)],
    },
    Pattern {
        name: "dispute_wave",
        delay_days_per_ten: 4,
        partial_per_mille: 180,
        reversal_per_mille: 50,
        dispute_per_mille: 250,
        incident_days: 30,
        rating_days: 40,
        stop_days: (25, 40),
        procedures: &[(Conciliation, 2), (Safeguard, 3), (Receivership, 5)],
    },
];

/// A slide into insolvency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distress {
    /// The day from which on payments get worse; nothing tells it.
    pub onset: DayIndex,
    /// The day on which it stops paying.
    pub stop: DayIndex,
    /// The day on which the procedure is opened; after the end of a history that is too short for it.
    pub insolvency: DayIndex,
    /// The procedure.
    pub procedure: Procedure,
    /// The way it slides.
    pub pattern: &'static Pattern,
}

impl Distress {
    /// A slide within a history of `days`, if it has room for one.
    #[must_use]
    pub fn draw(draws: &mut Draws, days: DayIndex) -> Distress {
        let pattern = draws.pick(&PATTERNS);
        // The opening day and the last day stay free.
        let room = days.saturating_sub(2);
        let shortest = SLIDE_DAYS_MIN + WEEKEND_DAYS;
        let slide = draws.between(shortest.into(), SLIDE_DAYS_MAX.min(room.max(shortest)).into()) as u16;
        let latest = room.saturating_sub(slide).max(1);
        let earliest = SOUND_DAYS.min(latest.div_ceil(2));
        let onset = draws.between(earliest.into(), latest.into()) as u16;
        let insolvency = onset + slide;
        let (latest_stop, earliest_stop) = pattern.stop_days;
        let stop = insolvency - draws.between(latest_stop, earliest_stop) as u16;
        Distress { onset, stop, insolvency, procedure: draws.weighted(pattern.procedures), pattern }
    }

    /// The slide with its procedure opened on a weekday.
    #[must_use]
    pub fn on_a_weekday(self, calendar: &Calendar) -> Distress {
        let past_friday = u16::from(calendar.weekday(self.insolvency).saturating_sub(4));
        Distress { insolvency: self.insolvency - past_friday, ..self }
    }

    /// How many days later than by habit an invoice due on this day is paid.
    #[must_use]
    pub fn delay_days(&self, due: DayIndex) -> i32 {
        i32::from(due.saturating_sub(self.onset)) * self.pattern.delay_days_per_ten / 10
    }

    /// Whether the slide has begun.
    #[must_use]
    pub fn has_begun(&self, day: DayIndex) -> bool {
        day >= self.onset
    }

    /// Whether it pays nothing on this day. After a conciliation it pays again.
    #[must_use]
    pub fn pays_nothing(&self, day: DayIndex) -> bool {
        day >= self.stop && !(self.procedure == Conciliation && day > self.insolvency)
    }

    /// Whether it buys nothing any more on this day.
    #[must_use]
    pub fn buys_nothing(&self, day: DayIndex) -> bool {
        day >= self.insolvency && self.procedure != Conciliation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Day;
    use crate::workload::random::Chance;

    #[test]
    fn a_slide_fits_its_history_where_that_is_long_enough() {
        let chance = Chance::new(3);
        for days in [62, 63, 65, 75, 120, 365, 3650] {
            let calendar = Calendar::new(Day::parse("2025-01-01").expect("a day"), days);
            for stream in 0..300 {
                let distress = Distress::draw(&mut chance.draws(stream, 0), days).on_a_weekday(&calendar);
                let slide = distress.insolvency - distress.onset;
                assert!((SLIDE_DAYS_MIN..=SLIDE_DAYS_MAX).contains(&slide), "{days}: {distress:?}");
                assert!(distress.onset >= 1 && distress.onset <= distress.stop, "{days}: {distress:?}");
                assert!(distress.stop < distress.insolvency, "{days}: {distress:?}");
                assert!(calendar.weekday(distress.insolvency) < 5, "{days}: {distress:?}");
                assert!(distress.insolvency < days || days < 65, "{days}: {distress:?}");
                assert!(days < 365 || distress.onset >= SOUND_DAYS, "{days}: {distress:?}");
            }
        }
    }

    #[test]
    fn delays_grow_from_the_onset_on() {
        let distress = Distress {
            onset: 100,
            stop: 170,
            insolvency: 200,
            procedure: Procedure::Conciliation,
            pattern: &PATTERNS[0],
        };
        assert_eq!(distress.delay_days(90), 0);
        assert_eq!(distress.delay_days(120), 10);
        assert!(!distress.pays_nothing(169));
        assert!(distress.pays_nothing(200));
        assert!(!distress.pays_nothing(201));
        assert!(Distress { procedure: Procedure::Safeguard, ..distress }.pays_nothing(201));
    }
}
