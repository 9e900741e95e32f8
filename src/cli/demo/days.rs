//! Owns the days of the demo: what happened before it began, and what happens as simulated days pass.

use std::collections::VecDeque;

use super::stories;
use crate::base::{Currency, Day, Instant};
use crate::event::input::ClockTick;
use crate::event::{Body, Event, Topic};
use crate::wire::encode_event;
use crate::workload::{DAYS_MAX, PRESETS, Plan, PlanError, Workload};

/// The source of ticks.
const CLOCK: &str = "/demo/clock";

/// An event as it is told.
pub struct Told {
    /// When it happens.
    pub time: Instant,
    /// Its home.
    pub home: Topic,
    /// The buyer; `None`: every shard hears of it.
    pub buyer_id: Option<String>,
    /// The event.
    pub value: Vec<u8>,
}

impl Told {
    /// An event, encoded.
    pub fn of(event: &Event<'_>) -> Told {
        let mut value = Vec::new();
        encode_event(event, &mut value);
        let spec = event.body.spec();
        Told {
            time: event.time,
            // A tick has no home of its own.
            home: spec.topic.unwrap_or(Topic::Invoices),
            buyer_id: spec.has_buyer.then(|| event.subject.to_owned()),
            value,
        }
    }

    /// A tick.
    pub fn tick(now: Instant) -> Told {
        let id = format!("tick-{now}");
        Told::of(&Event { time: now, id: &id, source: CLOCK, subject: "", body: Body::ClockTick(ClockTick {}) })
    }
}

/// A portfolio that has lived and lives on.
pub struct Days {
    workload: Workload,
    /// The first day of what passes before the eyes.
    today: Day,
    /// Events of days that are drawn and not told yet, in the order in which they arrive.
    waiting: VecDeque<Told>,
    /// The first day that is not drawn yet.
    next: Day,
}

impl Days {
    /// A portfolio of a small seller that has lived so many days before `today`.
    ///
    /// # Errors
    /// When there is no such portfolio.
    pub fn new(seed: u64, buyers: u32, past_days: u16, today: Day) -> Result<Days, PlanError> {
        let from = today.plus(-i32::from(past_days));
        let plan = Plan::new(&PRESETS[0], seed).with_buyers(buyers)?.with_days(from, DAYS_MAX)?;
        Ok(Days { workload: Workload::new(plan), today, waiting: VecDeque::new(), next: from })
    }

    /// The time at which what passes before the eyes begins.
    pub fn now(&self) -> Instant {
        self.today.start()
    }

    /// Everything that happened before today, in order of arrival.
    pub fn past(&mut self, base: Currency) -> Vec<Told> {
        self.until(self.now(), base)
    }

    /// Everything that happens up to `now` and was not told yet, in order of arrival.
    pub fn until(&mut self, now: Instant, base: Currency) -> Vec<Told> {
        while self.next.start() <= now {
            self.draw(base);
        }
        let count = self.waiting.iter().take_while(|told| told.time <= now).count();
        self.waiting.drain(..count).collect()
    }

    /// Draws the next day: that of the portfolio, and what the stories tell of it in its midst.
    fn draw(&mut self, base: Currency) {
        let day = self.next;
        let waiting = &mut self.waiting;
        let lived: Result<bool, std::convert::Infallible> = self.workload.next_day(&mut |event: &Event<'_>| {
            waiting.push_back(Told::of(event));
            Ok(())
        });
        // After the last day of the longest history nothing more happens but ticks and stories.
        let Ok(_more) = lived;
        for told in stories::of_day(day.since(self.today), day, base) {
            let place = self.waiting.iter().position(|waiting| waiting.time > told.time).unwrap_or(self.waiting.len());
            self.waiting.insert(place, told);
        }
        self.next = day.plus(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days() -> Days {
        Days::new(1, 30, 40, Day::parse("2026-11-22").expect("a day")).expect("a portfolio")
    }

    #[test]
    fn the_past_is_told_once_and_then_each_day_as_it_passes() {
        let base = Currency::parse("EUR").expect("a currency");
        let mut days = days();
        let start = days.now();
        let past = days.past(base);
        assert!(past.len() > 100 && past.iter().all(|told| told.time <= start));
        assert!(days.until(start, base).is_empty());
        let later = start.plus_nanos(36 * 3_600_000_000_000);
        let told = days.until(later, base);
        assert!(!told.is_empty() && told.iter().all(|told| told.time > start && told.time <= later));
    }

    #[test]
    fn stories_are_in_the_past_and_in_the_days_to_come() {
        let base = Currency::parse("EUR").expect("a currency");
        let mut days = days();
        let of = |told: &[Told], buyer_id: &str| {
            told.iter().filter(|told| told.buyer_id.as_deref() == Some(buyer_id)).count()
        };
        let past = days.past(base);
        let later = days.now().plus_nanos(20 * 86_400_000_000_000);
        let come = days.until(later, base);
        for buyer_id in [stories::CHRISTMAS, stories::MACHINE] {
            assert!(of(&past, buyer_id) > 0 && of(&come, buyer_id) > 0, "{buyer_id}");
        }
    }
}
