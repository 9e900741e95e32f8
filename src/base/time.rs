//! Owns days and instants: calendar days, nanosecond instants in UTC, their reading and writing.

use borsh::{BorshDeserialize, BorshSerialize};
use chrono::{Datelike, NaiveDate};

use super::stored::restored;

/// Nanoseconds in a second.
pub const SECOND_NS: i64 = 1_000_000_000;
const DAY_NS: i64 = 86_400 * SECOND_NS;
const YEAR_MIN: i32 = 1970;
const YEAR_MAX: i32 = 2199;

/// A calendar day, counted from 1970-01-01 (day 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize)]
pub struct Day(i32);

restored!(Day, i32, "day", Day::stored);

impl Day {
    /// Before every day that a date can name.
    pub const MIN: Day = Day(i32::MIN);
    /// After every day that a date can name.
    pub const MAX: Day = Day(i32::MAX);
    /// No stored day is further from 1970, the two above aside: every one lies within the calendar, and so do some years on.
    const STORED_MAX: u32 = 50_000_000;

    fn stored(number: i32) -> Option<Day> {
        let is_end = matches!(number, i32::MIN | i32::MAX);
        (is_end || number.unsigned_abs() <= Day::STORED_MAX).then_some(Day(number))
    }

    /// Reads `YYYY-MM-DD`, a real day of 1970 to 2199.
    #[must_use]
    #[inline]
    pub fn parse(text: &str) -> Option<Day> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
        if bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let year = number(&bytes[0..4])?;
        Day::from_calendar(year, number(&bytes[5..7])?, number(&bytes[8..10])?)
    }

    /// The day of a year, month (1 to 12) and day of the month, if there is such a day in 1970 to 2199.
    #[must_use]
    #[inline]
    pub fn from_calendar(year: i32, month: i32, day: i32) -> Option<Day> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        Some(Day(date.to_epoch_days()))
    }

    /// The day `number` days after 1970-01-01.
    #[must_use]
    #[inline]
    pub const fn from_number(number: i32) -> Day {
        Day(number)
    }

    /// Days after 1970-01-01.
    #[must_use]
    #[inline]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day `days` later (earlier where negative); stays at [`Day::MIN`] and [`Day::MAX`].
    #[must_use]
    #[inline]
    pub const fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Days from `earlier` to this day.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Day) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Its first instant, 00:00:00 UTC.
    #[must_use]
    #[inline]
    pub const fn start(self) -> Instant {
        Instant((self.0 as i64).saturating_mul(DAY_NS))
    }

    /// The first day of the month after this day's.
    #[must_use]
    pub fn next_month(self) -> Day {
        let (year, month, day) = self.calendar();
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + i32::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        self.plus(days - day as i32 + 1)
    }

    /// Its month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.calendar().1 as u8
    }

    /// The first day of its month.
    #[must_use]
    pub fn month_start(self) -> Day {
        self.plus(1 - self.calendar().2 as i32)
    }

    /// Its year, month (1 to 12) and day of the month.
    ///
    /// # Panics
    /// When it lies beyond the calendar, some 260,000 years away.
    #[must_use]
    #[inline]
    pub fn calendar(self) -> (i32, u32, u32) {
        match u32::try_from(self.0) {
            Ok(days) if days < NEAR_DAYS => near_calendar(days),
            _ => {
                let date = NaiveDate::from_epoch_days(self.0).expect("a day lies within the calendar");
                (date.year(), date.month(), date.day())
            }
        }
    }
}

/// Days from 1970 on that [`near_calendar`] is good for: over a thousand years.
const NEAR_DAYS: u32 = 1_000_000;

/// The year, month and day that lie so many days after 1970-01-01, without a table and without a division by what is not
/// known when the program is made (Neri and Schneider, "Euclidean affine functions and their application to calendar
/// algorithms"). Years are counted from March on, so that the leap day is the last of one.
#[inline]
const fn near_calendar(days: u32) -> (i32, u32, u32) {
    /// From 1 March of the year 0 to 1970-01-01.
    const BEFORE: u32 = 719_468;
    let quarters = 4 * (days + BEFORE) + 3;
    let (century, of_century) = (quarters / 146_097, quarters % 146_097 / 4);
    let product = 2_939_745 * (4 * of_century + 3) as u64;
    let (year_of_century, day_of_year) = ((product >> 32) as u32, product as u32 / 2_939_745 / 4);
    let months = 2_141 * day_of_year + 197_913;
    let (month, day) = (months >> 16, (months & 0xffff) / 2_141 + 1);
    let year = (100 * century + year_of_century) as i32;
    if day_of_year >= 306 { (year + 1, month - 12, day) } else { (year, month, day) }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.calendar();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// An instant in UTC: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize)]
pub struct Instant(i64);

impl Instant {
    /// Before every instant that a text can name.
    pub const MIN: Instant = Instant(i64::MIN);
    /// After every instant that a text can name.
    pub const MAX: Instant = Instant(i64::MAX);

    /// Reads an RFC 3339 instant with an offset, of the years 1970 to 2199, with up to 9 fraction digits and no second 60.
    #[must_use]
    #[inline]
    pub fn parse(text: &str) -> Option<Instant> {
        Instant::on(Day::parse(text.get(0..10)?)?, text)
    }

    /// Reads an instant as it is shown. Unlike an event's, it may lie on the day before 1970 or after 2199, where an
    /// offset put it.
    #[must_use]
    pub fn parse_shown(text: &str) -> Option<Instant> {
        let date = text.get(0..10)?.as_bytes();
        if date[4] != b'-' || date[7] != b'-' {
            return None;
        }
        let part = |from: usize, to: usize| number(&date[from..to]).map(i32::unsigned_abs);
        let date = NaiveDate::from_ymd_opt(number(&date[0..4])?, part(5, 7)?, part(8, 10)?)?;
        Instant::on(Day(date.to_epoch_days()), text)
    }

    /// The instant of a day that the rest of a text names.
    #[inline]
    fn on(day: Day, text: &str) -> Option<Instant> {
        let bytes = text.as_bytes();
        if bytes.len() < 20 || !matches!(bytes[10], b'T' | b't') || bytes[13] != b':' || bytes[16] != b':' {
            return None;
        }
        let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (nanos, zone) = fraction(&bytes[19..])?;
        let seconds = i64::from(hour * 3600 + minute * 60 + second) - offset_seconds(zone)?;
        Some(Instant(i64::from(day.0) * DAY_NS + seconds * SECOND_NS + nanos))
    }

    /// The instant `nanos` nanoseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Instant {
        Instant(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Its day in UTC.
    #[must_use]
    #[inline]
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(DAY_NS) as i32)
    }

    /// The instant `nanos` later; stays at [`Instant::MAX`].
    #[must_use]
    #[inline]
    pub const fn plus_nanos(self, nanos: i64) -> Instant {
        Instant(self.0.saturating_add(nanos))
    }
}

impl std::fmt::Display for Instant {
    /// RFC 3339 in UTC with as many fraction digits as it takes, in steps of three.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rest = self.0.rem_euclid(DAY_NS);
        let (seconds, nanos) = (rest / SECOND_NS, rest % SECOND_NS);
        write!(f, "{}T{:02}:{:02}:{:02}", self.day(), seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match nanos {
            0 => f.write_str("Z"),
            _ if nanos % 1_000_000 == 0 => write!(f, ".{:03}Z", nanos / 1_000_000),
            _ if nanos % 1_000 == 0 => write!(f, ".{:06}Z", nanos / 1_000),
            _ => write!(f, ".{nanos:09}Z"),
        }
    }
}

/// The value of a few ASCII digits.
#[inline]
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0_i32, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i32::from(digit - b'0')))
}

/// Takes `.123` off the front, if it is there: the nanoseconds and what follows.
#[inline]
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = bytes.split_first() else { return Some((0, bytes)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (digits, zone) = rest.split_at(count);
    let value = digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some((value * 10_i64.pow(9 - count as u32), zone))
}

#[inline]
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Some(if *sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_calendar_is_the_one_that_chrono_names() {
        let around = |edge: i32| edge - 3..edge + 3;
        for number in (-1000..200_000).chain(around(NEAR_DAYS as i32)) {
            let (day, date) = (Day(number), NaiveDate::from_epoch_days(number).expect("a date"));
            assert_eq!(day.calendar(), (date.year(), date.month(), date.day()), "{number}");
            assert_eq!(day.month_start().0, date.with_day(1).expect("a first day").to_epoch_days());
            let next = date.with_day(1).and_then(|first| first.checked_add_months(chrono::Months::new(1)));
            assert_eq!(day.next_month().0, next.expect("a month").to_epoch_days());
        }
    }

    #[test]
    fn a_date_is_a_real_day_in_range() {
        assert_eq!(Day::parse("1970-01-01"), Some(Day(0)));
        assert_eq!(Day::parse("2199-12-31").map(|d| d.to_string()).as_deref(), Some("2199-12-31"));
        assert_eq!(Day::parse("2024-02-29").map(|d| d.next_month().to_string()).as_deref(), Some("2024-03-01"));
        assert_eq!(Day::parse("2024-12-05").map(|d| d.next_month().to_string()).as_deref(), Some("2025-01-01"));
        assert_eq!(Day::parse("2024-02-29").map(|d| d.month_start().to_string()).as_deref(), Some("2024-02-01"));
        assert_eq!(Day::parse("2024-12-01").map(|d| d.month_start().to_string()).as_deref(), Some("2024-12-01"));
        for wrong in [
            "1969-12-31",
            "2200-01-01",
            "2023-02-29",
            "2024-13-01",
            "2024-1-01",
            "24-01-01",
            "2024/01/01",
            "+024-01-01",
        ] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_instant_is_rfc_3339() {
        let shown = |text: &str| Instant::parse(text).map(|instant| instant.to_string());
        assert_eq!(shown("2026-03-01T10:00:00Z").as_deref(), Some("2026-03-01T10:00:00Z"));
        assert_eq!(shown("2026-03-01t10:00:00.5+02:30").as_deref(), Some("2026-03-01T07:30:00.500Z"));
        assert_eq!(shown("1970-01-01T00:00:00.000000001-00:00").as_deref(), Some("1970-01-01T00:00:00.000000001Z"));
        assert_eq!(shown("1970-01-01T00:00:00+01:00").as_deref(), Some("1969-12-31T23:00:00Z"));
        assert_eq!(shown("2199-12-31T23:59:59.999999999-23:59").as_deref(), Some("2200-01-01T23:58:59.999999999Z"));
        for text in ["1969-12-31T23:00:00Z", "2026-03-01T10:00:00.500Z", "2200-01-01T23:58:59.999999999Z"] {
            assert_eq!(Instant::parse_shown(text).map(|instant| instant.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Instant::parse_shown("2200-02-30T00:00:00Z"), None);
        for wrong in [
            "2026-03-01T10:00:00",
            "2026-03-01 10:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00:60Z",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00.1234567890Z",
            "2026-03-01T10:00:00+24:00",
            "2026-03-01T10:00:00+0100",
            "2026-03-01T10:00Z",
            "2026-03-01T10:00:00ZZ",
        ] {
            assert_eq!(Instant::parse(wrong), None, "{wrong}");
        }
    }
}
