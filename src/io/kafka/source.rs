//! Owns what reading partitions from given offsets on is, whoever does it: [`super::queue`], or its safe twin [`super::message`].

use std::time::Duration;

use crate::runtime::{LogError, Record, TopicId};

/// A topic's partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) topic: TopicId,
    pub(super) partition: u32,
}

/// What one taking brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Records that were accepted.
    pub(super) records: usize,
    /// Whether nothing more is at hand now.
    pub(super) is_empty: bool,
}

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The record was taken.
    Taken,
    /// The record was not taken: it comes first the next time.
    NotNow,
}

/// Reads partitions, each from a given offset on, and fetches ahead of what is taken within bounds.
pub(super) trait Source: Send {
    /// Begins to fetch a place from an offset on; one that is open already is opened anew.
    fn open(&mut self, place: Place, from: i64) -> Result<(), LogError>;

    /// Fetches a place no more, and forgets what was fetched.
    fn close(&mut self, place: Place);

    /// Gives at most `max` of the next records that are at hand, without waiting, until `accept` takes one no more.
    fn take(
        &mut self,
        place: Place,
        max: usize,
        accept: &mut dyn FnMut(&Record<'_>) -> Answer,
    ) -> Result<Taken, LogError>;

    /// The offset that the next record of an open place has at least.
    fn next(&self, place: Place) -> Option<i64>;

    /// The place's end where everything before it was given, and the log had no more when it was last heard.
    fn reached_end(&mut self, place: Place) -> Option<i64>;

    /// Its end as last heard of.
    fn heard_end(&mut self, place: Place) -> Option<i64>;

    /// Waits until something may be at hand, no longer than this.
    fn wait(&mut self, longest: Duration);

    /// Hears what the client has to say of itself.
    fn serve(&mut self) -> Result<(), LogError>;
}

/// Something for each open place.
#[derive(Debug)]
pub(super) struct Places<T> {
    by_topic: Vec<Vec<Option<T>>>,
}

impl<T> Default for Places<T> {
    fn default() -> Places<T> {
        Places { by_topic: Vec::new() }
    }
}

impl<T> Places<T> {
    pub(super) fn get(&self, place: Place) -> Option<&T> {
        self.by_topic.get(usize::from(place.topic.0))?.get(place.partition as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.by_topic.get_mut(usize::from(place.topic.0))?.get_mut(place.partition as usize)?.as_mut()
    }

    pub(super) fn insert(&mut self, place: Place, value: T) {
        let (topic, partition) = (usize::from(place.topic.0), place.partition as usize);
        if self.by_topic.len() <= topic {
            self.by_topic.resize_with(topic + 1, Vec::new);
        }
        let of_topic = &mut self.by_topic[topic];
        if of_topic.len() <= partition {
            of_topic.resize_with(partition + 1, || None);
        }
        of_topic[partition] = Some(value);
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        self.by_topic.get_mut(usize::from(place.topic.0))?.get_mut(place.partition as usize)?.take()
    }

    /// Every open place, in order.
    pub(super) fn open(&self) -> impl Iterator<Item = Place> {
        self.by_topic.iter().enumerate().flat_map(|(topic, of_topic)| {
            let is_open = |(partition, value): (usize, &Option<T>)| value.as_ref().map(|_| partition as u32);
            of_topic
                .iter()
                .enumerate()
                .filter_map(is_open)
                .map(move |partition| Place { topic: TopicId(topic as u16), partition })
        })
    }
}
