//! Owns the simulated calendar: the days of a portfolio's history, and how much business each of them sees.

use chrono::{Datelike, NaiveDate};

use crate::base::Day;

/// Business of an ordinary weekday.
const WEEKDAY: u32 = 100_000;
/// What an average day of a year comes to, with its weekends, month ends, summer and Christmas trade.
pub const AVERAGE_DAY: u64 = 80_000;
const SATURDAY: u32 = 15_000;

/// A day of the history, counted from its first (0, on which the portfolio is opened).
pub type DayIndex = u16;

/// The days of a history.
#[derive(Debug)]
pub struct Calendar {
    from: Day,
    first_year: i32,
    /// Years since the first, by day.
    years: Vec<u8>,
    /// Business done until the end of each day.
    done: Vec<u32>,
}

impl Calendar {
    /// A history of `days` days from `from` on.
    ///
    /// # Panics
    /// When a day of it lies outside 1970 to 2199, which [`super::Plan`] does not let through.
    #[must_use]
    pub fn new(from: Day, days: u16) -> Calendar {
        let dates = || (0..days).map(|index| date(from.plus(i32::from(index))));
        let first_year = date(from).year();
        let mut total = 0;
        let done = dates()
            .enumerate()
            .map(|(index, date)| {
                // The opening day is for describing the portfolio.
                total += if index == 0 { 0 } else { business(date) };
                total
            })
            .collect();
        Calendar { from, first_year, years: dates().map(|date| (date.year() - first_year) as u8).collect(), done }
    }

    /// The calendar day of an index, which may lie after the end of the history.
    #[must_use]
    #[inline]
    pub fn day(&self, index: DayIndex) -> Day {
        self.from.plus(i32::from(index))
    }

    /// Days in the history.
    #[must_use]
    #[inline]
    pub fn days(&self) -> DayIndex {
        self.done.len() as DayIndex
    }

    /// Years from the first day's year to that of a day of the history.
    #[must_use]
    #[inline]
    pub fn years_since_first(&self, index: DayIndex) -> u8 {
        self.years[usize::from(index)]
    }

    /// The year of the first day.
    #[must_use]
    #[inline]
    pub fn first_year(&self) -> i32 {
        self.first_year
    }

    /// The day on which the business done since the start reaches over `position`; `None`: not within the history.
    #[must_use]
    #[inline]
    pub fn day_of_business(&self, position: u32) -> Option<DayIndex> {
        let index = self.done.partition_point(|done| *done <= position);
        (index < self.done.len()).then_some(index as DayIndex)
    }

    /// Days from an index to the next `weekday` (0 is Monday), 0 where it is one.
    #[must_use]
    #[inline]
    pub fn days_to_weekday(&self, index: DayIndex, weekday: u8) -> u16 {
        u16::from((weekday + 7 - self.weekday(index)) % 7)
    }

    /// The index itself on a weekday, else the Monday after it.
    #[must_use]
    #[inline]
    pub fn working_day(&self, index: DayIndex) -> DayIndex {
        index.saturating_add(u16::from(7 - self.weekday(index)) % 7 * u16::from(self.weekday(index) >= 5))
    }

    /// The day of the week, 0 is Monday.
    #[must_use]
    #[inline]
    pub fn weekday(&self, index: DayIndex) -> u8 {
        // 1970-01-01 was a Thursday.
        (self.day(index).number() + 3).rem_euclid(7) as u8
    }
}

fn date(day: Day) -> NaiveDate {
    NaiveDate::from_epoch_days(day.number()).expect("a day lies within the calendar")
}

/// Business of a day: little on Saturdays, none on Sundays, double at month ends, weak in August, strong before Christmas.
fn business(date: NaiveDate) -> u32 {
    let weekday = match date.weekday().num_days_from_monday() {
        6 => 0,
        5 => SATURDAY,
        _ => WEEKDAY,
    };
    let (month, day) = (date.month(), date.day());
    let month_end = if day + 3 > u32::from(date.num_days_in_month()) { 200 } else { 100 };
    let season = match (month, day) {
        (8, _) => 70,
        (11, 15..) => 130,
        (12, 1..=23) => 170,
        (12, 24..) | (1, 1..=2) => 30,
        _ => 100,
    };
    weekday / 100 * month_end / 100 * season
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year() -> Calendar {
        Calendar::new(Day::parse("2025-01-01").expect("a day"), 365)
    }

    #[test]
    fn the_average_day_is_what_a_year_comes_to() {
        let calendar = year();
        let average = u64::from(calendar.done[364]) / 365;
        assert!(average.abs_diff(AVERAGE_DAY) < AVERAGE_DAY / 20, "{average}");
    }

    #[test]
    fn business_has_seasons() {
        let calendar = year();
        let of = |text: &str| {
            let index = Day::parse(text).expect("a day").since(calendar.day(0)) as usize;
            calendar.done[index] - calendar.done[index - 1]
        };
        assert_eq!(of("2025-03-12"), 100_000);
        assert_eq!(of("2025-03-15"), 15_000);
        assert_eq!(of("2025-03-16"), 0);
        assert_eq!(of("2025-03-31"), 200_000);
        assert_eq!(of("2025-12-10"), 170_000);
        assert_eq!(of("2025-08-13"), 70_000);
    }

    #[test]
    fn business_is_found_by_its_position() {
        let calendar = year();
        assert_eq!(calendar.day_of_business(0), Some(1));
        let last_of_day = calendar.done[50] - 1;
        let day = calendar.day_of_business(last_of_day).expect("within");
        assert!(day <= 50);
        assert!(calendar.day_of_business(calendar.done[50]).expect("within") > 50);
        assert_eq!(calendar.day_of_business(calendar.done[364]), None);
    }

    #[test]
    fn weekends_are_found() {
        let calendar = year();
        // 2025-01-01 was a Wednesday.
        assert_eq!(calendar.weekday(0), 2);
        assert_eq!(calendar.working_day(2), 2);
        assert_eq!(calendar.working_day(3), 5);
        assert_eq!(calendar.working_day(4), 5);
        assert_eq!(calendar.days_to_weekday(0, 4), 2);
        assert_eq!(calendar.days_to_weekday(0, 1), 6);
        assert_eq!(calendar.years_since_first(364), 0);
    }
}
