//! Owns a buyer's running totals by currency, and their ageing.

use borsh::{BorshDeserialize, BorshSerialize};

use super::invoice::Standing;
use crate::base::{Currency, Day, Sum};

/// Classes of age that overdue invoices are counted by.
pub const AGES: usize = 6;
/// The first day past due of each class of age.
pub const AGE_STARTS: [i32; AGES] = [1, 6, 16, 31, 61, 91];

/// The class of age of a due date on a day, by [`AGE_STARTS`]; `None` when not yet due.
#[must_use]
#[inline]
pub fn age_class(due: Day, today: Day) -> Option<usize> {
    match today.since(due) {
        ..1 => None,
        1..6 => Some(0),
        6..16 => Some(1),
        16..31 => Some(2),
        31..61 => Some(3),
        61..91 => Some(4),
        91.. => Some(5),
    }
}

/// The report's overdue bucket of a due date on a day: 0 (1-30 days) to 3 (over 90); `None` when not yet due.
#[must_use]
#[inline]
pub fn bucket(due: Day, today: Day) -> Option<usize> {
    match today.since(due) {
        ..1 => None,
        1..31 => Some(0),
        31..61 => Some(1),
        61..91 => Some(2),
        91.. => Some(3),
    }
}

/// The next day after `today` on which an invoice due on `due` changes its class of age.
#[must_use]
#[inline]
pub fn next_crossing(due: Day, today: Day) -> Day {
    let late = today.since(due);
    AGE_STARTS.iter().find(|start| late < **start).map_or(Day::MAX, |start| due.plus(*start))
}

/// What an invoice past due counts: an open one counts, disputed or not, so that a dispute never makes a buyer look better.
fn late_count(standing: &Standing) -> u32 {
    u32::from(!standing.open.is_zero())
}

/// A buyer's totals in one currency. Its fields lie as they are written: first what every invoice and every judgement touches.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[repr(C)]
pub struct Totals {
    /// The currency.
    pub currency: Currency,
    /// Invoices overdue, by class of age, for the days of [`Ageing`].
    pub overdue_count: [u32; AGES],
    /// Disputed invoices with something open.
    pub disputed_count: u32,
    /// Invoices whose residual was written off.
    pub written_off_count: u32,
    /// Open amounts.
    pub outstanding: Sum,
    /// Paid or credited and not absorbed.
    pub unapplied: Sum,
    /// Orders not yet billed.
    pub pending: Sum,
    /// Residuals written off.
    pub written_off: Sum,
    /// Of what is outstanding, what is disputed.
    pub disputed: Sum,
    /// Of what is outstanding, what is overdue, by class of age, for the days of [`Ageing`].
    pub overdue: [Sum; AGES],
}

impl Totals {
    fn new(currency: Currency) -> Totals {
        Totals {
            currency,
            outstanding: Sum::ZERO,
            overdue: [Sum::ZERO; AGES],
            overdue_count: [0; AGES],
            disputed_count: 0,
            written_off_count: 0,
            disputed: Sum::ZERO,
            written_off: Sum::ZERO,
            unapplied: Sum::ZERO,
            pending: Sum::ZERO,
        }
    }
}

/// The totals of a buyer in all its currencies.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct TotalsByCurrency {
    totals: Vec<Totals>,
    ageing: Ageing,
}

/// The days for which overdue totals hold. Ageing is lazy: events count by the first of these days, and only who reads
/// overdue totals pays for moving them on, at most once for each day on which a class of age changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ageing {
    /// The first.
    pub today: Day,
    /// The first on which they may no longer hold.
    pub until: Day,
}

impl Default for TotalsByCurrency {
    fn default() -> TotalsByCurrency {
        TotalsByCurrency { totals: Vec::new(), ageing: Ageing { today: Day::MIN, until: Day::MAX } }
    }
}

impl TotalsByCurrency {
    /// The totals, in the order in which currencies came up.
    #[must_use]
    #[inline]
    pub fn each(&self) -> &[Totals] {
        &self.totals
    }

    /// The totals of one currency, made where missing.
    #[inline]
    pub fn of(&mut self, currency: Currency) -> &mut Totals {
        let place = match self.totals.iter().position(|totals| totals.currency == currency) {
            Some(place) => place,
            None => {
                self.totals.reserve_exact(1);
                self.totals.push(Totals::new(currency));
                self.totals.len() - 1
            }
        };
        &mut self.totals[place]
    }

    /// The day that overdue totals are aged to.
    #[must_use]
    pub fn ageing(&self) -> Ageing {
        self.ageing
    }

    /// Counts an invoice as it stands.
    #[inline]
    pub fn add(&mut self, standing: &Standing) {
        let today = self.ageing.today;
        if !standing.open.is_zero() {
            self.ageing.until = self.ageing.until.min(next_crossing(standing.due, today));
        }
        let totals = self.of(standing.currency);
        totals.outstanding += standing.open;
        totals.written_off += standing.residual - standing.open;
        totals.unapplied += standing.unapplied;
        if standing.disputed {
            totals.disputed += standing.open;
        }
        let is_open = u32::from(!standing.open.is_zero());
        totals.disputed_count += u32::from(standing.disputed) * is_open;
        totals.written_off_count += u32::from(standing.residual != standing.open);
        if let Some(class) = age_class(standing.due, today) {
            totals.overdue[class] += standing.open;
            totals.overdue_count[class] += late_count(standing);
        }
    }

    /// Takes an invoice out again, as it stood when it was counted.
    #[inline]
    pub fn remove(&mut self, standing: &Standing) {
        let today = self.ageing.today;
        let totals = self.of(standing.currency);
        totals.outstanding -= standing.open;
        totals.written_off -= standing.residual - standing.open;
        totals.unapplied -= standing.unapplied;
        if standing.disputed {
            totals.disputed -= standing.open;
        }
        let is_open = u32::from(!standing.open.is_zero());
        totals.disputed_count -= u32::from(standing.disputed) * is_open;
        totals.written_off_count -= u32::from(standing.residual != standing.open);
        if let Some(class) = age_class(standing.due, today) {
            totals.overdue[class] -= standing.open;
            totals.overdue_count[class] -= late_count(standing);
        }
    }

    /// Starts ageing on a day, where nothing was counted yet.
    #[inline]
    pub fn start(&mut self, today: Day) {
        if self.ageing.today == Day::MIN {
            self.ageing.today = today;
        }
    }

    /// Moves ageing to `today`; asks for the open invoices only where a class of age may have changed since.
    pub fn age<I: Iterator<Item = Standing>>(&mut self, today: Day, open: impl FnOnce() -> I) {
        if today < self.ageing.until {
            return;
        }
        self.ageing = Ageing { today, until: Day::MAX };
        for totals in &mut self.totals {
            totals.overdue = [Sum::ZERO; AGES];
            totals.overdue_count = [0; AGES];
        }
        for standing in open() {
            self.ageing.until = self.ageing.until.min(next_crossing(standing.due, today));
            if let Some(class) = age_class(standing.due, today) {
                let totals = self.of(standing.currency);
                totals.overdue[class] += standing.open;
                totals.overdue_count[class] += late_count(&standing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_change_on_the_days_that_the_contract_names() {
        let due = Day::from_number(1000);
        let on = |late: i32| bucket(due, due.plus(late));
        assert_eq!([on(0), on(1), on(30), on(31), on(60)], [None, Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!([on(61), on(90), on(91), on(4000)], [Some(2), Some(2), Some(3), Some(3)]);
        let mut today = due.plus(-5);
        let mut changes = Vec::new();
        while next_crossing(due, today) != Day::MAX {
            today = next_crossing(due, today);
            changes.push(today.since(due));
        }
        assert_eq!(changes, AGE_STARTS);
        assert_eq!(AGE_STARTS.map(|late| age_class(due, due.plus(late))), [0, 1, 2, 3, 4, 5].map(Some));
        assert_eq!(
            AGE_STARTS.map(|late| age_class(due, due.plus(late - 1))),
            [None, Some(0), Some(1), Some(2), Some(3), Some(4)]
        );
    }
}
