//! Owns facts: of all that was said about one thing, what was said last holds, whatever the order of arrival.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use crate::base::Instant;
use crate::event::Event;

/// When something was said, and by whom: what orders facts.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// When.
    pub time: Instant,
    /// The event's id.
    pub id: &'a str,
    /// Who sent it.
    pub source: &'a str,
}

/// A value that stands until a later one replaces it. Later is the greater (`time`, then `id`, then `source`, by bytes).
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fact<T> {
    time: Instant,
    id: CompactString,
    source: CompactString,
    value: T,
}

impl<T> Fact<T> {
    /// The value that `event` states.
    #[must_use]
    pub fn new(event: &Event<'_>, value: T) -> Fact<T> {
        Fact { time: event.time, id: event.id.into(), source: event.source.into(), value }
    }

    /// When it was stated.
    #[must_use]
    pub fn time(&self) -> Instant {
        self.time
    }

    /// What holds, to be settled without another word of anybody.
    pub fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// What holds.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The source and id of the event that states it.
    #[must_use]
    pub fn name(&self) -> (&str, &str) {
        (&self.source, &self.id)
    }

    /// Replaces the value by one that was decided on what stood here, and so is no earlier, whatever its sender's clock says:
    /// what stood here, said again, does not undo it.
    pub fn follow(&mut self, by: Said<'_>, value: T) {
        if (self.time, self.id.as_bytes(), self.source.as_bytes()) < (by.time, by.id.as_bytes(), by.source.as_bytes()) {
            *self = Fact { time: by.time, id: by.id.into(), source: by.source.into(), value };
        } else {
            self.value = value;
        }
    }

    /// Whether `event` is the later word.
    #[must_use]
    pub fn is_before(&self, event: &Event<'_>) -> bool {
        (self.time, self.id.as_bytes(), self.source.as_bytes())
            < (event.time, event.id.as_bytes(), event.source.as_bytes())
    }

    /// Whether it is `event` that states it.
    #[must_use]
    pub fn is_of(&self, event: &Event<'_>) -> bool {
        (self.time, self.id.as_str(), self.source.as_str()) == (event.time, event.id, event.source)
    }

    /// Replaces the value if `event` is later.
    pub fn update(&mut self, event: &Event<'_>, value: T) {
        if self.is_before(event) {
            *self = Fact::new(event, value);
        }
    }
}

/// States `value` where nothing or something earlier stood.
pub fn state<T>(slot: &mut Option<Box<Fact<T>>>, event: &Event<'_>, value: T) {
    match slot {
        Some(fact) => fact.update(event, value),
        None => *slot = Some(Box::new(Fact::new(event, value))),
    }
}

/// The value that holds, if any was ever stated.
#[must_use]
pub fn holding<T>(slot: &Option<Box<Fact<T>>>) -> Option<&T> {
    slot.as_deref().map(Fact::value)
}
