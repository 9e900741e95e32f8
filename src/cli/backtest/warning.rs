//! Owns how early warnings came before what befell buyers, and how many came for nothing.

use super::metrics::quartiles;
use crate::base::{Day, Instant};

/// Days before a failure by which a warning is early.
pub const EARLY_DAYS: i32 = 30;

/// A warning on a buyer, as long as it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The buyer.
    pub buyer: u32,
    /// When it was raised.
    pub from: Instant,
    /// When it was cleared.
    pub to: Option<Instant>,
}

/// What befell a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Befallen {
    /// The buyer.
    pub buyer: u32,
    /// When.
    pub at: Instant,
    /// The day from which on it could have been seen coming, where that is known.
    pub onset: Option<Day>,
}

/// How early buyers were warned of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Warned {
    /// Buyers whom something befell.
    pub befallen: usize,
    /// Days ahead of those that were warned of.
    pub leads_days: Vec<i32>,
    /// Days from the onset to the first warning, of those warned of whose onset is known.
    pub from_onset_days: Vec<i32>,
}

impl Warned {
    /// The share that was warned of.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.share_by(i32::MIN)
    }

    /// The share that was warned of early.
    #[must_use]
    pub fn early_share(&self) -> Option<f64> {
        self.share_by(EARLY_DAYS)
    }

    /// The quartiles of the days ahead, of those that were warned of.
    #[must_use]
    pub fn lead_quartiles(&self) -> Option<[f64; 3]> {
        quartiles(&self.leads_days)
    }

    fn share_by(&self, days: i32) -> Option<f64> {
        let count = self.leads_days.iter().filter(|lead| **lead >= days).count();
        (self.befallen > 0).then(|| count as f64 / self.befallen as f64)
    }
}

/// How early warnings came. A buyer counts as warned of where a warning stood as it happened, or was raised within the
/// horizon before. The days ahead are those since the warnings that stood on end began; what is older than the horizon, or
/// than the onset, counts from there.
///
/// Both lists are in order of buyer, the warnings of each in the order in which they were raised.
#[must_use]
pub fn warned(intervals: &[Interval], befallen: &[Befallen], horizon: u16) -> Warned {
    let mut warned = Warned { befallen: befallen.len(), ..Warned::default() };
    for what in befallen {
        let own = of_buyer(intervals, what.buyer);
        let own = &own[..own.partition_point(|interval| interval.from < what.at)];
        let day = what.at.day();
        let earliest = day.plus(-i32::from(horizon));
        let earliest = what.onset.map_or(earliest, |onset| onset.max(earliest).min(day));
        let Some((from, to)) = last_episode(own) else { continue };
        let stood = to.is_none_or(|to| to >= what.at);
        if !stood && from.day() < earliest {
            continue;
        }
        warned.leads_days.push(day.since(from.day().max(earliest)));
        let Some(onset) = what.onset else { continue };
        let first = own.iter().find(|interval| interval.to.is_none_or(|to| to.day() > onset));
        warned.from_onset_days.extend(first.map(|first| first.from.day().since(onset).max(0)));
    }
    warned
}

/// The last stretch of time on which some warning stood on end.
fn last_episode(intervals: &[Interval]) -> Option<(Instant, Option<Instant>)> {
    let mut episode: Option<(Instant, Option<Instant>)> = None;
    for interval in intervals {
        episode = Some(match episode {
            Some((from, None)) => (from, None),
            Some((from, Some(to))) if interval.from <= to => (from, interval.to.map(|own| own.max(to))),
            _ => (interval.from, interval.to),
        });
    }
    episode
}

fn of_buyer(intervals: &[Interval], buyer: u32) -> &[Interval] {
    let start = intervals.partition_point(|interval| interval.buyer < buyer);
    let count = intervals[start..].partition_point(|interval| interval.buyer == buyer);
    &intervals[start..start + count]
}

/// What warnings came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Warnings on a buyer that had not been befallen yet, whose horizon the history sees.
    pub seen: u64,
    /// Those of them that it befell within the horizon.
    pub followed: u64,
}

impl Followed {
    /// The share of warnings that came true.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.seen > 0).then(|| self.followed as f64 / self.seen as f64)
    }
}

/// How many warnings came true within the horizon. `befallen` is in order of buyer.
#[must_use]
pub fn followed(intervals: &[Interval], befallen: &[Befallen], horizon: u16, end: Day) -> Followed {
    let mut followed = Followed::default();
    for interval in intervals {
        let at = befallen.binary_search_by_key(&interval.buyer, |what| what.buyer).ok().map(|place| befallen[place].at);
        let last = interval.from.day().plus(i32::from(horizon));
        if last > end || at.is_some_and(|at| at <= interval.from) {
            continue;
        }
        followed.seen += 1;
        followed.followed += u64::from(at.is_some_and(|at| at.day() <= last));
    }
    followed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i32) -> Instant {
        Day::from_number(20_000 + day).start()
    }

    fn interval(buyer: u32, from: i32, to: Option<i32>) -> Interval {
        Interval { buyer, from: at(from), to: to.map(at) }
    }

    fn befallen(buyer: u32, day: i32) -> Befallen {
        Befallen { buyer, at: at(day), onset: None }
    }

    fn leads(intervals: &[Interval], what: Befallen) -> Vec<i32> {
        warned(intervals, &[what], 180).leads_days
    }

    #[test]
    fn a_warning_that_stands_leads_from_the_start_of_its_episode() {
        assert_eq!(leads(&[interval(1, 10, None)], befallen(1, 70)), [60]);
        // Two that overlap are one episode, two apart are not.
        assert_eq!(leads(&[interval(1, 10, Some(40)), interval(1, 30, None)], befallen(1, 70)), [60]);
        assert_eq!(leads(&[interval(1, 10, Some(20)), interval(1, 30, None)], befallen(1, 70)), [40]);
        assert_eq!(leads(&[interval(1, 10, None), interval(1, 30, Some(40))], befallen(1, 70)), [60]);
        assert_eq!(leads(&[interval(1, 70, None), interval(2, 10, None)], befallen(1, 70)), [0; 0]);
    }

    #[test]
    fn a_cleared_warning_counts_within_the_horizon_and_an_old_one_from_its_start() {
        assert_eq!(leads(&[interval(1, 10, Some(20))], befallen(1, 190)), [180]);
        assert_eq!(leads(&[interval(1, 9, Some(20))], befallen(1, 190)), [0; 0]);
        assert_eq!(leads(&[interval(1, 0, None)], befallen(1, 400)), [180]);
    }

    #[test]
    fn nothing_is_foreseen_before_its_onset() {
        let what = Befallen { onset: Some(at(50).day()), ..befallen(1, 100) };
        let seen = |intervals: &[Interval]| {
            let warned = warned(intervals, &[what], 180);
            (warned.leads_days, warned.from_onset_days)
        };
        assert_eq!(seen(&[interval(1, 10, None)]), (vec![50], vec![0]));
        assert_eq!(seen(&[interval(1, 10, Some(40))]), (vec![], vec![]));
        assert_eq!(
            seen(&[interval(1, 10, Some(20)), interval(1, 60, Some(65)), interval(1, 80, None)]),
            (vec![20], vec![10])
        );
    }

    #[test]
    fn shares_are_of_all_whom_it_befell() {
        let intervals = [interval(1, 10, None), interval(2, 80, None)];
        let all = [befallen(1, 100), befallen(2, 100), befallen(3, 100), befallen(4, 100)];
        let warned = warned(&intervals, &all, 180);
        assert_eq!((warned.share(), warned.early_share()), (Some(0.5), Some(0.25)));
        assert_eq!(warned.lead_quartiles(), Some([37.5, 55.0, 72.5]));
        assert_eq!(Warned::default().share(), None);
    }

    #[test]
    fn a_warning_is_right_where_its_horizon_is_seen_and_it_happened_within() {
        let intervals = [
            interval(1, 10, None),
            interval(1, 150, None),
            interval(2, 10, None),
            interval(3, 10, None),
            interval(3, 60, None),
        ];
        let all = [befallen(1, 100), befallen(3, 45)];
        // Of buyer 1 the second came after, of buyer 3 too; the end leaves a horizon of 30 days to those of day 10.
        let followed = followed(&intervals, &all, 30, at(200).day());
        assert_eq!(followed, Followed { seen: 3, followed: 0 });
        let followed = super::followed(&intervals, &all, 90, at(200).day());
        assert_eq!(followed, Followed { seen: 3, followed: 2 });
        assert_eq!(super::followed(&intervals, &all, 90, at(99).day()).seen, 0);
    }
}
