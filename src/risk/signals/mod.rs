//! What others say of a buyer: ratings by agency, published accounts, incidents. It is kept and measured, not judged.

pub mod accounts;

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

pub use accounts::{Accounts, RATIOS, Ratio, Ratios};

use super::fact::Fact;
use crate::base::{Day, Instant};
use crate::event::input::{FinancialsPublished, IncidentReported, RatingChanged};
use crate::event::{Event, IncidentKind};

/// Agencies of which a rating is kept, per buyer; the one that spoke longest ago goes first.
pub const AGENCIES_MAX: usize = 16;
/// Ratings kept of an agency.
pub const RATINGS_MAX: usize = 4;
/// Incidents that are looked at: the latest.
pub const INCIDENTS_MAX: usize = 8;
/// A rating counts as fallen from where it stood in this many days before.
const FALL_DAYS: i32 = 365;

/// What others say of a buyer.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Signals {
    /// In order of agency.
    agencies: Vec<Agency>,
    accounts: Accounts,
    /// The latest last.
    incidents: Vec<Incident>,
}

/// One agency's ratings, the latest first.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Agency {
    /// Its name.
    pub name: CompactString,
    ratings: Vec<Fact<Rating>>,
}

/// A rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rating {
    /// 1 (best) to 10 (in default).
    pub grade: u8,
    /// The probability of default in 10^-4, where the agency gives one.
    pub default_probability_bp: Option<u32>,
}

/// An incident, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Incident {
    /// The day on which it was reported.
    pub on: Day,
    /// Its id.
    pub id: CompactString,
    /// Its kind.
    pub kind: IncidentKind,
}

impl Signals {
    /// The agencies, in order of their name.
    #[must_use]
    pub fn agencies(&self) -> &[Agency] {
        &self.agencies
    }

    /// The accounts.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The latest incidents, the latest last.
    #[must_use]
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// What is wrong with restored signals, if anything is.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let grades = |agency: &Agency| agency.ratings.iter().all(|rating| (1..=10).contains(&rating.value().grade));
        let is_sound = |agency: &Agency| !agency.ratings.is_empty() && grades(agency);
        (!self.agencies.iter().all(is_sound)).then_some("an agency has no rating, or one that is no grade")
    }

    /// Takes a rating in.
    pub fn rate(&mut self, event: &Event<'_>, said: &RatingChanged<'_>) {
        let name = said.agency.as_str();
        let place = self.agencies.partition_point(|agency| agency.name.as_str() < name);
        if self.agencies.get(place).is_none_or(|agency| agency.name != name) {
            self.agencies.insert(place, Agency { name: name.into(), ratings: Vec::new() });
        }
        self.agencies[place].take(event, said);
        if self.agencies.len() > AGENCIES_MAX {
            let spoke = |agency: &Agency| agency.ratings.first().map(Fact::time);
            let oldest = (0..self.agencies.len()).min_by_key(|place| spoke(&self.agencies[*place]));
            oldest.map(|place| self.agencies.remove(place));
        }
    }

    /// Takes accounts in.
    pub fn publish(&mut self, event: &Event<'_>, said: &FinancialsPublished) {
        self.accounts.publish(event, said);
    }

    /// Takes an incident in that is not known yet.
    pub fn report(&mut self, event: &Event<'_>, said: &IncidentReported<'_>) {
        let incident = Incident { on: event.time.day(), id: said.incident_id.as_str().into(), kind: said.kind };
        let key = |incident: &Incident| (incident.on, incident.id.clone());
        let place = self.incidents.partition_point(|known| key(known) < key(&incident));
        self.incidents.insert(place, incident);
        if self.incidents.len() > INCIDENTS_MAX {
            self.incidents.remove(0);
        }
    }
}

impl Agency {
    fn take(&mut self, event: &Event<'_>, said: &RatingChanged<'_>) {
        // A share is in 10^-9; a probability is told in hundredths of a per cent, rounded up.
        const PER_BASIS_POINT: u32 = 100_000;
        let rating =
            Rating { grade: said.grade, default_probability_bp: said.pd.map(|pd| pd.div_ceil(PER_BASIS_POINT)) };
        let place = self.ratings.partition_point(|known| !known.is_before(event));
        // Said again it would push an older one out.
        if place.checked_sub(1).is_some_and(|before| self.ratings[before].is_of(event)) {
            return;
        }
        self.ratings.insert(place, Fact::new(event, rating));
        self.ratings.truncate(RATINGS_MAX);
    }

    /// What it said last.
    ///
    /// # Panics
    /// Never: an agency is kept for a rating.
    #[must_use]
    pub fn latest(&self) -> &Fact<Rating> {
        self.ratings.first().expect("an agency is kept for a rating")
    }

    /// When it said so.
    #[must_use]
    pub fn spoke_at(&self) -> Instant {
        self.latest().time()
    }

    /// Grades that the rating fell within a year up to the latest.
    #[must_use]
    pub fn fallen_by(&self) -> u8 {
        let latest = self.latest();
        let within = |rating: &&Fact<Rating>| latest.time().day().since(rating.time().day()) <= FALL_DAYS;
        let best = self.ratings.iter().filter(within).map(|rating| rating.value().grade).min();
        latest.value().grade - best.unwrap_or(latest.value().grade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Day;
    use crate::event::Body;
    use crate::event::input::ClockTick;

    fn rate(signals: &mut Signals, day: i32, grade: u8) {
        let agency = crate::event::Id::parse("agency").expect("an id");
        let time = Day::from_number(day).start();
        let event = Event { time, id: "e", source: "s", subject: "B", body: Body::ClockTick(ClockTick {}) };
        signals.rate(&event, &RatingChanged { agency, grade, pd: None });
    }

    #[test]
    fn a_rating_told_again_pushes_none_out() {
        let mut signals = Signals::default();
        rate(&mut signals, 20_000, 2);
        for _ in 0..RATINGS_MAX {
            rate(&mut signals, 20_100, 7);
        }
        let agency = &signals.agencies()[0];
        assert_eq!((agency.latest().value().grade, agency.fallen_by(), agency.ratings.len()), (7, 5, 2));
    }
}
