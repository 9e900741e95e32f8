//! Owns following topics from their ends on: every record as soon as it is committed, all partitions through one client.

use std::sync::Arc;
use std::time::Duration;

use super::open::{self, OpenError};
use super::queue::Queues;
use super::settings::Settings;
use super::source::{Answer, Place, Source};
use crate::runtime::{LogError, Record, TopicId};

/// How long the broker may hold a question back while there is nothing: any record answers it at once.
const LONG_POLL_MS: u32 = 500;
/// Records taken of a partition in one go.
const RECORDS_MAX: usize = 1_024;

/// Reads topics as they grow.
pub struct Follower {
    source: Queues,
    places: Vec<Place>,
}

impl Follower {
    /// Connects, and begins behind what is committed now. The topics are known by their place in `names`.
    ///
    /// # Errors
    /// With what is wrong, in one line.
    pub fn open(settings: &Settings, names: &[String]) -> Result<Follower, OpenError> {
        let names: Arc<[String]> = names.into();
        // A broker answers a connection in order: a question would wait behind a long poll.
        let asking = open::make(settings.for_reading("asking", 1).remove("group.id"))?;
        let mut ends = Vec::new();
        for (topic, name) in names.iter().enumerate() {
            let count = open::partitions(&asking, settings, std::slice::from_ref(name))?;
            for partition in 0..count {
                let place = Place { topic: TopicId(topic as u16), partition };
                ends.push((place, end_of(&asking, settings, name, partition)?));
            }
        }
        let mut config = settings.for_following("follower", ends.len(), LONG_POLL_MS);
        let mut source = Queues::new(open::make(config.remove("group.id"))?, names);
        for (place, end) in &ends {
            source.open(*place, *end)?;
        }
        Ok(Follower { source, places: ends.into_iter().map(|(place, _)| place).collect() })
    }

    /// Waits until there may be records, no longer than this, and calls with each that is there.
    ///
    /// # Errors
    /// When a topic cannot be read.
    pub fn hear(&mut self, longest: Duration, each: &mut dyn FnMut(&Record<'_>)) -> Result<(), LogError> {
        self.source.wait(longest);
        self.source.serve()?;
        for place in &self.places {
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

fn end_of(
    asking: &rdkafka::consumer::BaseConsumer<super::listener::Listener>,
    settings: &Settings,
    name: &str,
    partition: u32,
) -> Result<i64, LogError> {
    use rdkafka::consumer::Consumer;
    let longest = Duration::from_millis(settings.call_timeout_ms.into());
    // The client asks as it reads: the end is that of what is decided.
    let answer = asking.fetch_watermarks(name, partition as i32, longest);
    let doing = || format!("asking where {name}, partition {partition}, ends");
    answer.map(|(_, end)| end).map_err(|error| super::error::of_question(&error, &doing()))
}
