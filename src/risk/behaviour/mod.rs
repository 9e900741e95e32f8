//! How a buyer pays: means, shares and changes of its delays, kept in sums that fade. It is measured here, not judged.
//!
//! Each invoice counts once, a part payment as the part that it pays. A sum halves over a half-life between payments, as of
//! the last payment; what was settled lately fades on in silence, in steps. A late word on an earlier day counts as much as it
//! would have faded by now; what is measured against the buyer's past (its habit, the sum of change) depends on the order of
//! arrival all the same. A payment that is taken back stays in the sums, as how it came; the invoice counts anew when it is
//! paid again.

mod fading;

use borsh::{BorshDeserialize, BorshSerialize};

pub use fading::Fading;

use super::ledger::{Settlement, SettlementTurn};
use super::params::ScoreLevels;
use crate::base::Day;
use crate::risk::shard::ahead::touch;

/// A whole invoice in the sums.
pub const WHOLE: i64 = 1 << 16;
/// Delays count from this many days early,
const DELAY_MIN: i32 = -30;
/// to this many days late.
const DELAY_MAX: i32 = 180;
/// The usual delay counts each invoice from this many days early,
const USUAL_MIN: i32 = -5;
/// to this many days late: so it tells the punctual apart, and one bad invoice hardly moves it.
const USUAL_MAX: i32 = 10;
/// Recent delays count up to this many days, and none for being early.
const RECENT_MAX: i64 = 60;
/// The sum of change counts in 1/256 of the buyer's own spread.
pub const SPREAD_ONE: i32 = 256;
/// One payment moves the sum of change by no more than this many spreads down,
const CHANGE_MIN: i32 = -2 * SPREAD_ONE;
/// or up.
const CHANGE_MAX: i32 = 4 * SPREAD_ONE;
/// What a payment must be worse than the mean by, in spreads, to add to the sum of change (the slack k of CUSUM).
const CHANGE_SLACK: i32 = SPREAD_ONE / 2;
/// No spread is less than this many days: a buyer that always pays on the day is not alarming when it is a day late.
const SPREAD_DAYS_MIN: i64 = 4;
/// Payments that a buyer must have made before change is measured against them.
const KNOWN_MIN: u32 = 4;
/// Days that a habit allows beyond mean and spread.
const HABIT_SLACK_DAYS: i32 = 7;
/// Of a buyer that has no habit yet, two months past due are beyond what one expects.
const UNKNOWN_HABIT_DAYS: i32 = 61;
/// What a buyer did lately fades on in its silence, in steps of this many days,
const SILENCE_STEP_DAYS: i32 = 10;
/// up to this many.
const SILENCE_STEPS_MAX: i32 = 12;
/// The sum of change goes no higher than this many spreads.
const CHANGE_CAP: i32 = 64 * SPREAD_ONE;

/// How fast the past fades.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Of what a buyer usually does.
    pub slow: Fading,
    /// Of what it does lately.
    pub fast: Fading,
}

impl Pace {
    /// How fast the past fades by these levels.
    #[must_use]
    pub fn new(levels: &ScoreLevels) -> Pace {
        Pace { slow: Fading::new(levels.slow_half_life_days), fast: Fading::new(levels.fast_half_life_days) }
    }
}

/// How a buyer pays. Sums are in invoices times 2^16.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Behaviour {
    /// The day that the sums are faded to: that of the last payment.
    day: Day,
    /// The first payment's.
    first_day: Day,
    /// Payments of invoices, in all.
    payments: u32,
    /// Invoices settled or part-paid, faded slowly.
    settled: i64,
    /// Of them, late.
    late: i64,
    /// Of them, over 30 days late.
    late_over_30: i64,
    /// Their delays.
    delay: i64,
    /// How far their delays lay from the mean before them.
    deviation: i64,
    /// What was paid of them, as weights of their amounts,
    amount: i64,
    /// times their delays,
    amount_delay: i64,
    /// and times their delays within [`USUAL_MIN`] and [`USUAL_MAX`].
    amount_usual: i64,
    /// Invoices settled or part-paid, faded fast.
    recent: i64,
    /// Their delays, within 0 and [`RECENT_MAX`].
    recent_delay: i64,
    /// Payments of a part, faded fast.
    partial: i64,
    /// Invoices that were open again because their payment was reversed, faded fast.
    reversed: i64,
    /// The sum of change (CUSUM) of delays against mean and spread, in 1/256 spreads.
    change: i32,
    /// Later than this many days is beyond the buyer's habit, as it was when the month of the last payment began.
    habit_days: i16,
    /// The month that the habit is of.
    habit_month: u16,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            day: Day::MIN,
            first_day: Day::MIN,
            payments: 0,
            settled: 0,
            late: 0,
            late_over_30: 0,
            delay: 0,
            deviation: 0,
            amount: 0,
            amount_delay: 0,
            amount_usual: 0,
            recent: 0,
            recent_delay: 0,
            partial: 0,
            reversed: 0,
            change: 0,
            habit_days: 0,
            habit_month: 0,
        }
    }
}

impl Behaviour {
    /// Fetches it.
    pub fn touch(&self) {
        touch(self.day);
        touch(self.deviation);
        touch(self.habit_month);
    }

    /// Takes in what an event on `day` settled. `weight` gives what a payment's amount weighs, over 0.
    pub fn observe(&mut self, seen: &[Settlement], day: Day, pace: &Pace, weight: impl Fn(&Settlement) -> i64) {
        let Some(first) = seen.first() else { return };
        let left = |sum: i64, left: u64| ((i128::from(sum) * i128::from(left)) >> 32) as i64;
        // An event pays or takes back, never both. How it was paid stays known when that is taken back, and nothing fades:
        // otherwise the reversal of a late payment would look better than none.
        if first.turn == SettlementTurn::TakenBack {
            let age = self.day.since(day).max(0).unsigned_abs();
            self.reversed += seen.iter().map(|settlement| left(part(settlement), pace.fast.left(age))).sum::<i64>();
            return;
        }
        let age = self.move_to(day, pace);
        self.keep_habit(seen.iter().map(|settlement| settlement.due).max().unwrap_or(day));
        self.note_change(seen);
        let (slow, fast) = (pace.slow.left(age), pace.fast.left(age));
        for settlement in seen {
            let delay = i64::from(settlement.delay_days().clamp(DELAY_MIN, DELAY_MAX));
            let usual = i64::from(settlement.delay_days().clamp(USUAL_MIN, USUAL_MAX));
            let whole = part(settlement);
            let part = left(whole, slow);
            let off = (delay - self.mean_delay().unwrap_or(delay)).abs();
            self.settled += part;
            self.late += if delay > 0 { part } else { 0 };
            self.late_over_30 += if delay > 30 { part } else { 0 };
            self.delay += part * delay;
            self.deviation += part * off;
            let amount = left(weight(settlement), slow);
            self.amount = self.amount.saturating_add(amount);
            self.amount_delay = self.amount_delay.saturating_add(amount.saturating_mul(delay));
            self.amount_usual = self.amount_usual.saturating_add(amount.saturating_mul(usual));
            let part = left(whole, fast);
            self.recent += part;
            self.recent_delay += part * delay.clamp(0, RECENT_MAX);
            if settlement.turn == SettlementTurn::PartlyPaid {
                self.partial += left(WHOLE, fast);
            }
        }
        self.payments = self.payments.saturating_add(1);
    }

    /// Payments of invoices, in all.
    #[must_use]
    pub fn payments(&self) -> u32 {
        self.payments
    }

    /// The day of the first payment.
    #[must_use]
    pub fn first_day(&self) -> Option<Day> {
        (self.payments > 0).then_some(self.first_day)
    }

    /// Invoices settled, faded slowly, times 2^16; never negative.
    #[must_use]
    pub fn settled(&self) -> i64 {
        self.settled.max(0)
    }

    /// Of them, those late, and those over 30 days late.
    #[must_use]
    pub fn late(&self) -> [i64; 2] {
        [self.late, self.late_over_30].map(|sum| sum.clamp(0, self.settled()))
    }

    /// Invoices settled, faded fast, times 2^16; never negative.
    #[must_use]
    pub fn recent(&self) -> i64 {
        self.recent.max(0)
    }

    /// Invoices settled lately, times 2^16, as a buyer that has been silent since is to be measured on a day: they go on
    /// fading, in steps. And the day of the next step.
    #[must_use]
    pub fn recent_in_silence(&self, today: Day, pace: &Pace) -> (i64, Day) {
        let steps = (today.since(self.day) / SILENCE_STEP_DAYS).clamp(0, SILENCE_STEPS_MAX);
        let next = if steps < SILENCE_STEPS_MAX { self.day.plus((steps + 1) * SILENCE_STEP_DAYS) } else { Day::MAX };
        (pace.fast.fade(self.recent(), (steps * SILENCE_STEP_DAYS).unsigned_abs()), next)
    }

    /// Payments of a part, faded fast, times 2^16.
    #[must_use]
    pub fn partial(&self) -> i64 {
        self.partial
    }

    /// Invoices open again because their payment was reversed, faded fast, times 2^16.
    #[must_use]
    pub fn reversed(&self) -> i64 {
        self.reversed
    }

    /// The mean delay by amount within a few days of due, in tenths of a day: it tells the punctual apart.
    #[must_use]
    pub fn usual_delay(&self) -> Option<i32> {
        (self.amount > 0).then(|| (i128::from(self.amount_usual) * 10 / i128::from(self.amount)) as i32)
    }

    /// The mean of recent delays, none counting as early, in tenths of a day.
    #[must_use]
    pub fn recent_delay(&self) -> Option<i32> {
        (self.recent() > 0).then(|| (self.recent_delay * 10 / self.recent()) as i32)
    }

    /// Recent delays summed, times 2^16.
    #[must_use]
    pub fn recent_delay_sum(&self) -> i64 {
        self.recent_delay
    }

    /// The mean delay by amount, in tenths of a day.
    #[must_use]
    pub fn days_beyond_terms(&self) -> Option<i32> {
        (self.amount > 0).then(|| (i128::from(self.amount_delay) * 10 / i128::from(self.amount)) as i32)
    }

    /// The sum of change, in 1/256 spreads.
    #[must_use]
    pub fn change(&self) -> i32 {
        self.change
    }

    /// An invoice open for this many days past due is beyond what this buyer used to do, or beyond what one expects of a buyer
    /// that is not known well enough.
    #[must_use]
    pub fn habit_days(&self) -> i32 {
        if self.habit_month == 0 { UNKNOWN_HABIT_DAYS } else { i32::from(self.habit_days) }
    }

    fn mean_delay(&self) -> Option<i64> {
        (self.settled > 0).then(|| self.delay / self.settled)
    }

    fn spread_days(&self) -> i64 {
        let deviation = if self.settled > 0 { self.deviation / self.settled } else { 0 };
        // The standard deviation of what is spread normally is 5/4 of the mean deviation.
        (deviation * 5 / 4).max(SPREAD_DAYS_MIN)
    }

    /// Fades the sums to `day`, or gives by how many days `day` lies before them.
    fn move_to(&mut self, day: Day, pace: &Pace) -> u32 {
        if self.payments == 0 {
            (self.day, self.first_day) = (day, day);
        }
        self.first_day = self.first_day.min(day);
        if day <= self.day {
            return self.day.since(day).unsigned_abs();
        }
        let days = day.since(self.day).unsigned_abs();
        self.day = day;
        for sum in [
            &mut self.settled,
            &mut self.late,
            &mut self.late_over_30,
            &mut self.delay,
            &mut self.deviation,
            &mut self.amount,
            &mut self.amount_delay,
            &mut self.amount_usual,
        ] {
            *sum = pace.slow.fade(*sum, days);
        }
        for sum in [&mut self.recent, &mut self.recent_delay, &mut self.partial, &mut self.reversed] {
            *sum = pace.fast.fade(*sum, days);
        }
        0
    }

    /// Takes down the habit when a month begins: so what a buyer does newly is not at once what it always did.
    fn keep_habit(&mut self, day: Day) {
        let month = month_number(day);
        if month <= self.habit_month || self.payments < KNOWN_MIN {
            return;
        }
        let Some(mean) = self.mean_delay() else { return };
        self.habit_month = month;
        let days = mean + 2 * self.spread_days() + i64::from(HABIT_SLACK_DAYS);
        self.habit_days = days.clamp(0, i64::from(i16::MAX)) as i16;
    }

    /// Adds to the sum of change how much later than by habit an event paid, all that it paid taken together.
    fn note_change(&mut self, seen: &[Settlement]) {
        let (mut sum, mut weight) = (0, 0);
        for settlement in seen {
            sum += part(settlement) * i64::from(settlement.delay_days().clamp(DELAY_MIN, DELAY_MAX));
            weight += part(settlement);
        }
        let Some(mean) = self.mean_delay().filter(|_| self.payments >= KNOWN_MIN && weight > 0) else { return };
        let off = (sum / weight - mean) * i64::from(SPREAD_ONE) / self.spread_days();
        let step = (off.clamp(CHANGE_MIN.into(), CHANGE_MAX.into()) as i32) - CHANGE_SLACK;
        self.change = (self.change + step).clamp(0, CHANGE_CAP);
    }
}

/// The part of its invoice that a settlement pays, times 2^16; at least a little.
fn part(settlement: &Settlement) -> i64 {
    if settlement.paid == settlement.billed {
        return WHOLE;
    }
    let (paid, billed) = (settlement.paid.units(), settlement.billed.units().max(1));
    ((paid * i128::from(WHOLE) / billed) as i64).clamp(1, WHOLE)
}

/// Months of thirty days since 1970, from 1 on.
fn month_number(day: Day) -> u16 {
    (day.number().max(0) / 30 + 1) as u16
}
