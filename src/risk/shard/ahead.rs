//! Owns looking ahead: what the next events will touch is fetched before it is needed, for many of them at once.
//!
//! A buyer lies in ten or so cache lines that an event waits for one after another, each as long as hundreds of instructions
//! take. Loads that do not depend on each other wait together: so a group of events is looked through in steps, each of which
//! reads for all of them what the step before has found.

use std::hint::black_box;

use super::Shard;
use crate::event::Event;

/// Events that are looked through together: enough to wait for many lines at once, few enough that they all stay near.
pub const GROUP: usize = 32;

/// Reads a value, so that it is near when it is needed.
#[inline(always)]
pub(in crate::risk) fn touch<T: Copy>(value: T) {
    black_box(value);
}

impl Shard {
    /// Fetches what these events, [`GROUP`] at most, will touch. Changes nothing.
    pub fn look_ahead<'a, 'e: 'a>(&self, events: impl Iterator<Item = &'a Event<'e>> + Clone) {
        let mut found = [None; GROUP];
        for (found, event) in found.iter_mut().zip(events.clone()) {
            *found = self.find(event.subject);
        }
        let buyers =
            || found.iter().zip(events.clone()).filter_map(|(place, event)| Some((&*self.buyers[(*place)?], event)));
        for (buyer, _) in buyers() {
            buyer.touch();
        }
        for (buyer, event) in buyers() {
            buyer.touch_lists(&event.body);
        }
        for (buyer, event) in buyers() {
            buyer.touch_documents(&event.body);
        }
    }
}
