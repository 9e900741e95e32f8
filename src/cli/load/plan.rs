//! Owns when each event is to be sent: a plan that a slow receiver does not change, so that latencies count from it.

use crate::base::Instant;
use crate::base::time::SECOND_NS;

/// How fast events go out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each as soon as it can be.
    FlatOut,
    /// So many a second.
    Rate(f64),
    /// So many times as fast as they happened.
    Speed(f64),
}

/// The plan of a load, made event by event. All times are nanoseconds of one watch.
#[derive(Debug)]
pub struct Plan {
    pace: Pace,
    events: u64,
    /// When the first event was there: what it takes until then is no stall.
    start_ns: Option<u64>,
    first: Option<Instant>,
    last_ns: u64,
}

impl Plan {
    /// A plan whose first event goes out at once, when it is there.
    pub fn new(pace: Pace) -> Plan {
        Plan { pace, events: 0, start_ns: None, first: None, last_ns: 0 }
    }

    /// When the next event is to be sent, which happened at `time`; flat out that is `now_ns`.
    ///
    /// An event that comes after one that happened later (a late one) goes out with that one, and one whose time nobody can read
    /// with the one before: the plan never goes back.
    #[inline]
    pub fn next(&mut self, time: Option<Instant>, now_ns: u64) -> u64 {
        let start_ns = *self.start_ns.get_or_insert(now_ns);
        let since_ns = match self.pace {
            Pace::FlatOut => now_ns.saturating_sub(start_ns),
            Pace::Rate(rate) => (self.events as f64 / rate * SECOND_NS as f64) as u64,
            Pace::Speed(speed) => time.map_or(0, |time| {
                let first = *self.first.get_or_insert(time);
                let since_ns = time.nanos().saturating_sub(first.nanos()).max(0);
                (since_ns as f64 / speed) as u64
            }),
        };
        self.events += 1;
        self.last_ns = start_ns.saturating_add(since_ns).max(self.last_ns);
        self.last_ns
    }

    /// Events a second by the plan so far; `None` where there is none: flat out, or too few events.
    pub fn rate(&self) -> Option<f64> {
        match self.pace {
            Pace::FlatOut => None,
            Pace::Rate(rate) => Some(rate),
            Pace::Speed(_) => match self.since_start(self.last_ns) {
                0 => None,
                span_ns => Some((self.events - 1) as f64 / (span_ns as f64 / SECOND_NS as f64)),
            },
        }
    }

    /// How long after its first event a moment is; 0 before there is one.
    pub fn since_start(&self, now_ns: u64) -> u64 {
        self.start_ns.map_or(0, |start_ns| now_ns.saturating_sub(start_ns))
    }

    /// When the latest event is planned for.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// Whether there are planned times to be behind of.
    pub fn is_timed(&self) -> bool {
        self.pace != Pace::FlatOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn at(seconds: i64) -> Option<Instant> {
        Some(Instant::from_nanos(1_000 * SECOND_NS + seconds * SECOND_NS))
    }

    #[test]
    fn a_rate_spaces_events_evenly_whatever_the_clock_says() {
        let mut plan = Plan::new(Pace::Rate(250.0));
        let planned: Vec<u64> = [7, 50, 9, 1_000].map(|now| plan.next(at(now), now as u64 * MS)).to_vec();
        assert_eq!(planned, [7 * MS, 11 * MS, 15 * MS, 19 * MS], "from when the first event was there");
        assert_eq!((plan.since_start(10 * MS), plan.since_start(0)), (3 * MS, 0));
        let mut plan = Plan::new(Pace::Rate(3.0));
        let millionth = (0..3_000_001).map(|_| plan.next(None, 0)).last();
        assert_eq!(millionth, Some(1_000_000_000 * MS), "it does not drift");
        assert_eq!(plan.rate(), Some(3.0));
    }

    #[test]
    fn a_speed_follows_the_times_of_the_events_and_never_goes_back() {
        let mut plan = Plan::new(Pace::Speed(10.0));
        assert_eq!(plan.rate(), None);
        let planned = [at(0), at(1), at(-5), None, at(1), at(20)].map(|time| plan.next(time, 7));
        assert_eq!(planned, [0, 100, 100, 100, 100, 2_000].map(|ms| 7 + ms * MS));
        assert_eq!(plan.rate(), Some(2.5));
    }

    #[test]
    fn without_a_pace_an_event_is_planned_for_the_moment_it_is_there() {
        let mut plan = Plan::new(Pace::FlatOut);
        assert_eq!([5, 6, 9].map(|now| plan.next(at(3), now)), [5, 6, 9]);
        assert_eq!((plan.rate(), plan.is_timed()), (None, false));
    }
}
