//! Owns the presets and the plan: what portfolio to make, over which days, from which seed.

use super::calendar::DayIndex;
use crate::base::Day;

/// The most buyers of a portfolio.
pub const BUYERS_MAX: u32 = 10_000_000;
/// The longest history, in days.
pub const DAYS_MAX: DayIndex = 3650;
/// Days kept free after the end of a history, for dates that lie ahead of it (due dates, ends of covers).
const DAYS_AHEAD_MAX: i32 = 800;

/// A kind of portfolio. Shares are in thousandths.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Buyers.
    pub buyers: u32,
    /// Of these, the ones that are insured by name: the largest.
    pub named: u32,
    /// Days of history.
    pub days: DayIndex,
    /// Selling entities.
    pub sellers: u8,
    /// Invoices of a buyer in a year, on average.
    pub invoices_a_year: u32,
    /// The amount of an invoice, on average, in cents.
    pub invoice_cents: i64,
    /// Payment terms in days, with weights.
    pub terms: &'static [(u16, u32)],
    /// Of all deals, those that begin with an order.
    pub orders_per_mille: u32,
    /// Of the unnamed buyers, those with a credit limit.
    pub limited_per_mille: u32,
    /// Of the unnamed buyers, those that an agency rates.
    pub rated_per_mille: u32,
}

const USUAL_TERMS: &[(u16, u32)] = &[(14, 10), (30, 45), (45, 20), (60, 20), (90, 5)];

/// Every preset.
pub static PRESETS: [Preset; 3] = [
    // A year of a small seller: some 10,000 events.
    Preset {
        name: "small",
        buyers: 200,
        named: 40,
        days: 365,
        sellers: 3,
        invoices_a_year: 26,
        invoice_cents: 250_000,
        terms: USUAL_TERMS,
        orders_per_mille: 150,
        limited_per_mille: 850,
        rated_per_mille: 500,
    },
    // A year of a wholesaler: over 2,000,000 events. What is issued is paid, so one to two invoices a buyer are open at its end.
    Preset {
        name: "wholesaler",
        buyers: 80_000,
        named: 11_000,
        days: 365,
        sellers: 12,
        invoices_a_year: 13,
        invoice_cents: 180_000,
        terms: USUAL_TERMS,
        orders_per_mille: 100,
        limited_per_mille: 900,
        rated_per_mille: 400,
    },
    // Ten weeks on long terms: little falls due, so ten invoices a buyer are open at its end.
    Preset {
        name: "million",
        buyers: 1_000_000,
        named: 60_000,
        days: 75,
        sellers: 12,
        invoices_a_year: 53,
        invoice_cents: 180_000,
        terms: &[(60, 20), (90, 80)],
        orders_per_mille: 10,
        limited_per_mille: 50,
        rated_per_mille: 0,
    },
];

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Too few or too many buyers.
    #[error("{0} buyers: choose 1 to {BUYERS_MAX}")]
    Buyers(u32),
    /// Too few or too many days.
    #[error("{0} days: choose 1 to {DAYS_MAX}")]
    Days(DayIndex),
    /// The history would leave the calendar.
    #[error("{days} days from {from} on pass the end of the calendar: begin by {latest}")]
    From {
        /// The first day that was wanted.
        from: Day,
        /// The days that were wanted.
        days: DayIndex,
        /// The latest first day for as many days.
        latest: Day,
    },
}

/// What portfolio to make: a preset, a seed, and what departs from the preset.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    preset: &'static Preset,
    seed: u64,
    buyers: u32,
    days: DayIndex,
    from: Day,
}

impl Plan {
    /// The preset as it is, from the usual first day (2025-01-01) on.
    ///
    /// # Panics
    /// Never: 2025-01-01 is a day.
    #[must_use]
    pub fn new(preset: &'static Preset, seed: u64) -> Plan {
        let from = Day::from_calendar(2025, 1, 1).expect("2025-01-01 is a day");
        Plan { preset, seed, buyers: preset.buyers, days: preset.days, from }
    }

    /// The plan with another number of buyers; as large a share of them is named.
    ///
    /// # Errors
    /// When there are none or over [`BUYERS_MAX`].
    pub fn with_buyers(self, buyers: u32) -> Result<Plan, PlanError> {
        let fits = (1..=BUYERS_MAX).contains(&buyers);
        if fits { Ok(Plan { buyers, ..self }) } else { Err(PlanError::Buyers(buyers)) }
    }

    /// The plan over other days.
    ///
    /// # Errors
    /// When there are none or over [`DAYS_MAX`], or the calendar ends before they do.
    ///
    /// # Panics
    /// Never: 2199-12-31 is a day.
    pub fn with_days(self, from: Day, days: DayIndex) -> Result<Plan, PlanError> {
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(PlanError::Days(days));
        }
        let end = Day::from_calendar(2199, 12, 31).expect("2199-12-31 is a day");
        let latest = end.plus(-(i32::from(days) + DAYS_AHEAD_MAX));
        if from > latest {
            return Err(PlanError::From { from, days, latest });
        }
        Ok(Plan { from, days, ..self })
    }

    /// The preset that it departs from.
    #[must_use]
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Buyers.
    #[must_use]
    pub fn buyers(&self) -> u32 {
        self.buyers
    }

    /// Of these, the named ones.
    #[must_use]
    pub fn named(&self) -> u32 {
        (u64::from(self.preset.named) * u64::from(self.buyers) / u64::from(self.preset.buyers)) as u32
    }

    /// Days of history.
    #[must_use]
    pub fn days(&self) -> DayIndex {
        self.days
    }

    /// The first day.
    #[must_use]
    pub fn from(&self) -> Day {
        self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_holds_at_its_limits_and_not_beyond() {
        let plan = Plan::new(&PRESETS[0], 1);
        assert!(plan.with_buyers(BUYERS_MAX).is_ok());
        assert_eq!(plan.with_buyers(BUYERS_MAX + 1).err(), Some(PlanError::Buyers(BUYERS_MAX + 1)));
        assert_eq!(plan.with_buyers(0).err(), Some(PlanError::Buyers(0)));
        assert!(plan.with_days(plan.from(), DAYS_MAX).is_ok());
        assert_eq!(plan.with_days(plan.from(), 0).err(), Some(PlanError::Days(0)));
        let late = Day::parse("2199-01-01").expect("a day");
        let error = plan.with_days(late, 10).expect_err("too late").to_string();
        assert_eq!(error, "10 days from 2199-01-01 on pass the end of the calendar: begin by 2197-10-12");
        let latest = Day::parse("2197-10-12").expect("a day");
        assert!(plan.with_days(latest, 10).is_ok());
        assert!(plan.with_days(latest.plus(1), 10).is_err());
    }

    #[test]
    fn as_large_a_share_of_other_buyers_is_named() {
        let plan = Plan::new(&PRESETS[1], 1);
        assert_eq!(plan.named(), 11_000);
        assert_eq!(plan.with_buyers(800).expect("a plan").named(), 110);
    }
}
