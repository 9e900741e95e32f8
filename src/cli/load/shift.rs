//! Owns the shifting of a stream in time by whole days: so far that it begins where it should, and each loop behind the one before.

use hashbrown::HashMap;

use crate::base::time::SECOND_NS;
use crate::base::{Day, Instant};

const DAY_NS: i64 = 86_400 * SECOND_NS;

/// Where the first event of a stream is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShiftTo {
    /// Within the day before the wall clock, as the load begins.
    Now,
    /// On this day.
    Day(Day),
    /// Within the day before this instant.
    Instant(Instant),
}

impl ShiftTo {
    /// Reads `now`, a day or an instant.
    ///
    /// # Errors
    /// With what it should be.
    pub fn parse(text: &str) -> Result<ShiftTo, String> {
        let day = || Day::parse(text).map(ShiftTo::Day);
        let now = (text == "now").then_some(ShiftTo::Now);
        now.or_else(day).or_else(|| Instant::parse(text).map(ShiftTo::Instant)).ok_or_else(|| {
            "should be now, a day (2026-03-01) or an RFC 3339 instant with an offset (2026-03-01T10:00:00Z)".to_owned()
        })
    }

    /// How many days later the stream is to happen: the most that leave its first event not after the target.
    fn days(self, first: Instant, now: Instant) -> i32 {
        let target = match self {
            ShiftTo::Now => now,
            ShiftTo::Day(day) => day.plus(1).start().plus_nanos(-1),
            ShiftTo::Instant(instant) => instant,
        };
        (target.nanos() - first.nanos()).div_euclid(DAY_NS) as i32
    }
}

/// An instant so many days later.
pub fn later(instant: Instant, days: i32) -> Instant {
    instant.plus_nanos(i64::from(days) * DAY_NS)
}

/// How far the events of a stream are shifted, loop by loop.
#[derive(Debug)]
pub struct Shifting {
    to: Option<ShiftTo>,
    /// Of the first loop.
    days: i32,
    /// The earliest and the latest time of the first loop.
    span: Option<(Instant, Instant)>,
}

impl Shifting {
    /// A stream of which nothing is known yet.
    pub fn new(to: Option<ShiftTo>) -> Shifting {
        Shifting { to, days: 0, span: None }
    }

    /// How many days an event is shifted by, which happened at `time` and comes in this loop (0 is the first). What begins a
    /// stream is its first event with a time; a loop begins on the day after the latest event of the one before, at the hour of
    /// the first.
    #[inline]
    pub fn days(&mut self, time: Option<Instant>, round: u32, now: impl FnOnce() -> Instant) -> i32 {
        if let (Some(time), 0) = (time, round) {
            match &mut self.span {
                Some((earliest, latest)) => {
                    *earliest = time.min(*earliest);
                    *latest = time.max(*latest);
                }
                None => {
                    self.days = self.to.map_or(0, |to| to.days(time, now()));
                    self.span = Some((time, time));
                }
            }
        }
        self.days + round as i32 * self.loop_days()
    }

    /// From the start of one loop to that of the next.
    fn loop_days(&self) -> i32 {
        let Some((earliest, latest)) = self.span else { return 1 };
        ((latest.nanos() - earliest.nanos()).div_euclid(DAY_NS) + 1) as i32
    }
}

/// Why a date cannot be shifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date leaves the years 1970 to 2199 when it is shifted")]
pub struct OffTheCalendar;

/// Dates as they are written.
#[derive(Debug, Default)]
pub struct DateTexts {
    known: HashMap<Day, Option<[u8; 10]>>,
}

/// Days that are kept written out: more than the calendar has.
const KNOWN_MAX: usize = 100_000;

impl DateTexts {
    /// What a date is, so many days later. `None`: it is no date, which is for others to refuse.
    ///
    /// # Errors
    /// When that is no date any more.
    #[inline]
    pub fn shifted(&mut self, text: &str, days: i32) -> Result<Option<[u8; 10]>, OffTheCalendar> {
        let Some(day) = Day::parse(text) else { return Ok(None) };
        let day = day.plus(days);
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let known = self.known.entry(day).or_insert_with(|| written(day));
        known.map(Some).ok_or(OffTheCalendar)
    }
}

fn written(day: Day) -> Option<[u8; 10]> {
    let (first, last) = (Day::from_calendar(1970, 1, 1)?, Day::from_calendar(2199, 12, 31)?);
    if !(first..=last).contains(&day) {
        return None;
    }
    day.to_string().into_bytes().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        Instant::parse(text).expect("an instant")
    }

    #[test]
    fn a_stream_begins_within_the_day_before_its_target_at_its_own_hour() {
        let now = instant("2026-06-10T12:00:00Z");
        let days = |to: &str, first: &str| {
            let mut shifting = Shifting::new(Some(ShiftTo::parse(to).expect("a target")));
            let days = shifting.days(Some(instant(first)), 0, || now);
            instant(first).plus_nanos(i64::from(days) * DAY_NS).to_string()
        };
        assert_eq!(days("now", "2025-01-01T00:00:00Z"), "2026-06-10T00:00:00Z");
        assert_eq!(days("now", "2025-01-01T12:00:00Z"), "2026-06-10T12:00:00Z");
        assert_eq!(days("now", "2025-01-01T12:00:01Z"), "2026-06-09T12:00:01Z");
        assert_eq!(days("now", "2030-01-01T13:00:00Z"), "2026-06-09T13:00:00Z", "the future is shifted back");
        assert_eq!(days("2026-01-02", "2025-01-01T23:59:59.5Z"), "2026-01-02T23:59:59.500Z");
        assert_eq!(days("2026-01-02", "2025-01-01T00:00:00Z"), "2026-01-02T00:00:00Z");
        assert_eq!(days("2026-01-02T01:00:00+01:00", "2025-01-01T00:00:00Z"), "2026-01-02T00:00:00Z");
        assert!(ShiftTo::parse("yesterday").is_err() && ShiftTo::parse("2026-02-30").is_err());
    }

    #[test]
    fn loops_follow_each_other_without_overlapping() {
        let mut shifting = Shifting::new(None);
        let now = || unreachable!("nothing is aligned");
        let first = ["2026-01-10T08:00:00Z", "2026-01-09T07:00:00Z", "2026-01-12T06:59:59Z"];
        assert!(first.iter().all(|time| shifting.days(Some(instant(time)), 0, now) == 0));
        assert_eq!(shifting.days(Some(instant(first[0])), 1, now), 3);
        assert_eq!(shifting.days(None, 2, now), 6);
        assert_eq!(shifting.days(Some(instant("2027-01-01T00:00:00Z")), 3, now), 9, "later loops change nothing");
        let mut one = Shifting::new(None);
        one.days(Some(instant(first[0])), 0, now);
        assert_eq!(one.days(Some(instant(first[0])), 1, now), 1, "one instant takes a day");
    }

    #[test]
    fn dates_move_by_days_within_the_calendar() {
        let mut dates = DateTexts::default();
        for (text, days, shifted) in [
            ("2024-02-28", 1, Ok(Some(*b"2024-02-29"))),
            ("2024-02-28", 1, Ok(Some(*b"2024-02-29"))),
            ("2026-01-01", -1, Ok(Some(*b"2025-12-31"))),
            ("2199-12-31", 1, Err(OffTheCalendar)),
            ("1970-01-01", -1, Err(OffTheCalendar)),
            ("2026-13-01", 1, Ok(None)),
            ("soon", 1, Ok(None)),
        ] {
            assert_eq!(dates.shifted(text, days), shifted, "{text} {days}");
        }
    }
}
