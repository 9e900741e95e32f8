//! Owns following topics, from their ends or their beginnings on: every record as soon as it is committed, all partitions through
//! one client.

use std::sync::Arc;
use std::time::Duration;

use super::open::{self, OpenError};
use super::queue::Queues;
use super::settings::Settings;
use super::source::{Answer, Place, Source};
use crate::runtime::{LogError, Record, TopicId};

/// How long the broker may hold a question back while there is nothing: any record answers it at once.
const LONG_POLL_MS: u32 = 500;
/// The same where there is much to read first: partitions of which enough is at hand are not asked for, and wait behind a question
/// for those that have nothing.
const SHORT_POLL_MS: u32 = 20;
/// Records taken of a partition in one go.
const RECORDS_MAX: usize = 1_024;

/// Where a follower begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Behind what is committed now.
    AtEnd,
    /// At the first record that is there.
    AtStart,
}

/// Reads topics as they grow.
pub struct Follower {
    source: Queues,
    /// Each with the end that it had at the start.
    places: Vec<(Place, i64)>,
    /// Those of them that are not read up to that end yet.
    behind: Vec<(Place, i64)>,
}

impl Follower {
    /// Connects, and begins. The topics are known by their place in `names`. Of several followers each reads its share of the
    /// partitions: `(which, of how many)`, the same partitions of every topic.
    ///
    /// # Errors
    /// With what is wrong, in one line.
    pub fn open(settings: &Settings, names: &[String], begin: Begin, share: (u32, u32)) -> Result<Follower, OpenError> {
        let names: Arc<[String]> = names.into();
        // A broker answers a connection in order: a question would wait behind a long poll.
        let asking = open::make(settings.for_reading("asking", 1).remove("group.id"))?;
        let mut ends = Vec::new();
        for (topic, name) in names.iter().enumerate() {
            let count = open::partitions(&asking, settings, std::slice::from_ref(name))?;
            for partition in (0..count).filter(|partition| partition % share.1 == share.0) {
                let place = Place { topic: TopicId(topic as u16), partition };
                ends.push((place, bounds_of(&asking, settings, name, partition)?));
            }
        }
        let poll_ms = match begin {
            Begin::AtStart => SHORT_POLL_MS,
            Begin::AtEnd => LONG_POLL_MS,
        };
        let mut config = settings.for_following("follower", ends.len(), poll_ms);
        let mut source = Queues::new(open::make(config.remove("group.id"))?, names);
        for (place, (first, end)) in &ends {
            source.open(*place, if begin == Begin::AtStart { *first } else { *end })?;
        }
        let behind = ends.iter().filter(|(_, (first, end))| begin == Begin::AtStart && first < end);
        let behind = behind.map(|(place, (_, end))| (*place, *end)).collect();
        Ok(Follower { source, places: ends.into_iter().map(|(place, (_, end))| (place, end)).collect(), behind })
    }

    /// Whether everything is read that was there at the start.
    pub fn has_caught_up(&mut self) -> bool {
        let source = &mut self.source;
        self.behind.retain(|(place, end)| {
            source.next(*place).is_none_or(|next| next < *end) && source.reached_end(*place).is_none_or(|at| at < *end)
        });
        self.behind.is_empty()
    }

    /// Records of a topic that are there and not read yet, as far as it was heard of.
    pub fn lag(&mut self, topic: TopicId) -> u64 {
        let mut lag = 0;
        for (place, end) in self.places.iter().filter(|(place, _)| place.topic == topic) {
            let end = self.source.heard_end(*place).unwrap_or(*end);
            if self.source.reached_end(*place).is_none() {
                lag += (end - self.source.next(*place).unwrap_or(end)).max(0) as u64;
            }
        }
        lag
    }

    /// Waits until there may be records, no longer than this, and calls with each that is there.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn hear(&mut self, longest: Duration, each: &mut dyn FnMut(&Record<'_>)) -> Result<(), LogError> {
        self.source.wait(longest);
        self.source.serve()?;
        for (place, _) in &self.places {
            loop {
                let taken = self.source.take(*place, RECORDS_MAX, &mut |record| {
                    each(record);
                    Answer::Taken
                })?;
                if taken.is_empty {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn bounds_of(
    asking: &rdkafka::consumer::BaseConsumer<super::listener::Listener>,
    settings: &Settings,
    name: &str,
    partition: u32,
) -> Result<(i64, i64), LogError> {
    use rdkafka::consumer::Consumer;
    let longest = Duration::from_millis(settings.call_timeout_ms.into());
    // The client asks as it reads: the end is that of what is decided.
    let answer = asking.fetch_watermarks(name, partition as i32, longest);
    let doing = || format!("asking where {name}, partition {partition}, begins and ends");
    answer.map_err(|error| super::error::of_question(&error, &doing()))
}
