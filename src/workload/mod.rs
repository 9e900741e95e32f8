//! Seeded portfolios: who the buyers are, and their lives as events in order of time. Pure: no I/O, no clock, no float.
//!
//! Every buyer draws from a stream of its own, named by the seed and its number, so that the same plan gives the same
//! events on every machine. Between days a buyer is a few hundred bytes, so memory grows with buyers, not with events.

pub mod calendar;
pub mod distress;
pub mod portfolio;
pub mod preset;
pub mod random;
pub mod render;

mod book;
mod life;
mod payments;
mod standing;

pub use book::{LATE_SECONDS_MAX, TWICE_PER_MILLE};
pub use portfolio::{DISTRESS_ONE_IN, Portfolio};
pub use preset::{BUYERS_MAX, DAYS_MAX, PRESETS, Plan, PlanError, Preset};

use book::{DAY_SECONDS, DayBook};
use calendar::DayIndex;
use life::{Buyer, NEVER, Scene, Task};
use render::Teller;

use crate::event::Event;

/// The foreign currencies and their first rates, in millionths of the base currency.
const FIRST_RATES: [(&str, u32); 4] = [("USD", 920_000), ("GBP", 1_170_000), ("CHF", 1_050_000), ("PLN", 232_000)];
const MONDAY: u8 = 0;
/// No buyer.
const NOBODY: u32 = u32::MAX;

/// A portfolio living through its days.
pub struct Workload {
    portfolio: Portfolio,
    buyers: Vec<Buyer>,
    agenda: Agenda,
    rates: [u32; FIRST_RATES.len()],
    day: DayIndex,
    book: DayBook,
    teller: Teller,
    due: Vec<Task>,
}

impl Workload {
    /// A portfolio before its first day.
    #[must_use]
    pub fn new(plan: Plan) -> Workload {
        Workload {
            portfolio: Portfolio::new(plan),
            buyers: Vec::with_capacity(plan.buyers() as usize),
            agenda: Agenda::new(plan),
            rates: FIRST_RATES.map(|(_, rate)| rate),
            day: 0,
            book: DayBook::default(),
            teller: Teller::default(),
            due: Vec::new(),
        }
    }

    /// The portfolio.
    #[must_use]
    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Days lived so far.
    #[must_use]
    pub fn days_lived(&self) -> DayIndex {
        self.day
    }

    /// Hands over all events that are left, in order of arrival.
    ///
    /// # Errors
    /// What `sink` answers; the rest is not to be had after that.
    pub fn stream<E>(&mut self, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        while self.next_day(sink)? {}
        Ok(())
    }

    /// Hands over the events of the next day; false after the last, which ends on a tick at midnight.
    ///
    /// # Errors
    /// What `sink` answers; the rest is not to be had after that.
    pub fn next_day<E>(&mut self, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<bool, E> {
        let days = self.portfolio.calendar().days();
        if self.day > days {
            return Ok(false);
        }
        self.tell_dawn(sink)?;
        if self.day == 0 {
            self.open(sink)?;
        } else if self.day < days {
            self.live(sink)?;
        }
        self.day += 1;
        Ok(self.day <= days)
    }

    /// A tick a day, and rates on Mondays and on the first day.
    fn tell_dawn<E>(&mut self, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let calendar = self.portfolio.calendar();
        let day = calendar.day(self.day);
        self.teller.tell_tick(day, sink)?;
        if self.day == 0 || calendar.weekday(self.day) == MONDAY {
            let mut draws = self.portfolio.world_draws(self.day);
            for ((currency, _), rate) in FIRST_RATES.iter().zip(&mut self.rates) {
                *rate = *rate / 1000 * draws.between(992, 1008) as u32;
                self.teller.tell_rate(day, currency, *rate, sink)?;
            }
        }
        Ok(())
    }

    /// Opens the portfolio, buyer by buyer, over the whole first day.
    fn open<E>(&mut self, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let count = self.portfolio.plan().buyers();
        for number in 0..count {
            self.book.clear();
            let mut buyer = Buyer::new(&self.portfolio, number);
            let second = (u64::from(number) * u64::from(DAY_SECONDS) / u64::from(count)) as u32;
            let draws = self.portfolio.draws(number, 0);
            let mut scene = Scene { portfolio: &self.portfolio, number, day: 0, draws, book: &mut self.book };
            buyer.open(&mut scene, second);
            self.agenda.enter(number, buyer.next_day());
            self.buyers.push(buyer);
            for note in self.book.notes() {
                self.teller.tell(&self.portfolio, &self.book, note, sink)?;
            }
        }
        Ok(())
    }

    /// Lets every buyer with something to do live the day, and tells it in order.
    fn live<E>(&mut self, sink: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let day = self.day;
        self.book.begin(day);
        let mut next = self.agenda.take(day);
        while next != NOBODY {
            let number = next;
            next = self.agenda.after(number);
            let draws = self.portfolio.draws(number, day);
            let mut scene = Scene { portfolio: &self.portfolio, number, day, draws, book: &mut self.book };
            let buyer = &mut self.buyers[number as usize];
            buyer.live(&mut scene, &mut self.due);
            self.agenda.enter(number, buyer.next_day());
        }
        self.book.sort();
        for note in self.book.notes() {
            self.teller.tell(&self.portfolio, &self.book, note, sink)?;
        }
        Ok(())
    }
}

/// Who has something to do on which day: a chain of buyers for each day, and each buyer in one chain.
struct Agenda {
    first: Vec<u32>,
    after: Vec<u32>,
}

impl Agenda {
    fn new(plan: Plan) -> Agenda {
        Agenda { first: vec![NOBODY; usize::from(plan.days())], after: vec![NOBODY; plan.buyers() as usize] }
    }

    fn enter(&mut self, number: u32, day: DayIndex) {
        if day != NEVER {
            self.after[number as usize] = std::mem::replace(&mut self.first[usize::from(day)], number);
        }
    }

    fn take(&mut self, day: DayIndex) -> u32 {
        std::mem::replace(&mut self.first[usize::from(day)], NOBODY)
    }

    fn after(&self, number: u32) -> u32 {
        self.after[number as usize]
    }
}
