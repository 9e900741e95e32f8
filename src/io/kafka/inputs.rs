//! Owns what a worker reads of its partitions: which are started, from where, and how a turn's batch is filled from them.

use std::time::Duration;

use super::source::{Answer, Place, Source};
use crate::io::clock::Stopwatch;
use crate::runtime::{Batch, LogError, Position, TopicId};

/// The started partitions of a worker.
pub(super) struct Inputs {
    source: Box<dyn Source>,
    topics: usize,
    /// In order of partition, then topic.
    places: Vec<Place>,
    /// Where the next round begins, so that no place is always the last.
    first: usize,
    turn: Duration,
    /// Runs since the last poll ended.
    ended: Option<Stopwatch>,
}

/// Whether another record may fit: a batch in which the next one does not is not yet full by its own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    Full,
}

/// Records of a place that are taken at once, at least: fewer cost more each.
const SHARE_MIN: usize = 64;
/// How long a poll waits without looking at the group.
const WAIT_MAX: Duration = Duration::from_millis(50);

impl Inputs {
    pub(super) fn new(source: Box<dyn Source>, topics: usize, turn: Duration) -> Inputs {
        Inputs { source, topics, places: Vec::new(), first: 0, turn, ended: None }
    }

    /// Reads a partition from these positions on, one for each topic.
    pub(super) fn start(&mut self, partition: u32, positions: &[Position]) -> Result<(), LogError> {
        self.stop(partition);
        for topic in 0..self.topics {
            let topic = TopicId(topic as u16);
            let position = positions.iter().find(|position| position.topic == topic && position.partition == partition);
            let Some(position) = position else {
                return Err(LogError::Fatal(format!(
                    "partition {partition} has no position for topic number {}",
                    topic.0
                )));
            };
            let place = Place { topic, partition };
            self.source.open(place, position.next)?;
            self.places.push(place);
        }
        self.places.sort_unstable_by_key(|place| (place.partition, place.topic));
        Ok(())
    }

    /// Reads a partition no more.
    pub(super) fn stop(&mut self, partition: u32) {
        for place in self.places.extract_if(.., |place| place.partition == partition) {
            self.source.close(place);
        }
    }

    /// Fills the batch until it is full, the turn is over, or `is_interrupted` says that there are other things to do. A turn
    /// lasts from the end of the poll before: what was done since with its records, and their commit, is part of it.
    pub(super) fn poll(
        &mut self,
        batch: &mut Batch,
        mut is_interrupted: impl FnMut() -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        let since = self.ended.unwrap_or_else(Stopwatch::start);
        loop {
            self.source.serve()?;
            let room = self.round(batch)?;
            let left = self.turn.saturating_sub(Duration::from_nanos(since.nanos()));
            if room == Room::Full || batch.is_full() || left.is_zero() || is_interrupted()? {
                self.ended = Some(Stopwatch::start());
                return Ok(());
            }
            self.source.wait(left.min(WAIT_MAX));
        }
    }

    /// Takes what is at hand of each place in turn, a share of the batch at a time, until there is no more or no more fits.
    fn round(&mut self, batch: &mut Batch) -> Result<Room, LogError> {
        let mut open: Vec<Place> = Vec::with_capacity(self.places.len());
        let (before, after) = self.places.split_at(self.first.min(self.places.len()));
        open.extend(after.iter().chain(before).filter(|place| batch.wants(place.topic, place.partition)));
        self.first = (self.first + 1) % self.places.len().max(1);
        while !open.is_empty() {
            // Those that have something share the round: most have nothing.
            let share = (RECORDS_A_ROUND / open.len()).max(SHARE_MIN);
            let mut at = 0;
            while at < open.len() {
                let place = open[at];
                let mut is_full = false;
                let taken = self.source.take(place, share, &mut |record| {
                    if batch.has_room_for(record) {
                        batch.push(record);
                        Answer::Taken
                    } else {
                        is_full = true;
                        Answer::NotNow
                    }
                })?;
                if taken.is_empty && self.source.reached_end(place).is_some() {
                    batch.reached_end(place.topic, place.partition);
                }
                if is_full {
                    return Ok(Room::Full);
                }
                if taken.is_empty || !batch.wants(place.topic, place.partition) {
                    open.swap_remove(at);
                } else {
                    at += 1;
                }
            }
        }
        Ok(Room::Left)
    }

    /// The end of a place as last heard of.
    pub(super) fn heard_end(&mut self, topic: TopicId, partition: u32) -> Option<i64> {
        self.source.heard_end(Place { topic, partition })
    }
}

/// Records that the places share in a round; the batch has its own limit.
const RECORDS_A_ROUND: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::kafka::source::Taken;
    use crate::runtime::batch::BatchLimits;
    use crate::runtime::{Headers, Record};

    /// Has records of 10 bytes without end on the first topic, and none on the others. To wait for more is a mistake.
    struct Endless {
        next: i64,
    }

    impl Source for Endless {
        fn open(&mut self, _: Place, _: i64) -> Result<(), LogError> {
            Ok(())
        }

        fn close(&mut self, _: Place) {}

        fn take(
            &mut self,
            place: Place,
            max: usize,
            accept: &mut dyn FnMut(&Record<'_>) -> Answer,
        ) -> Result<Taken, LogError> {
            if place.topic != TopicId(0) {
                return Ok(Taken { records: 0, is_empty: true });
            }
            for records in 0..max {
                let Place { topic, partition } = place;
                let value = Some(&b"ten bytes."[..]);
                let record = Record {
                    topic,
                    partition,
                    offset: self.next,
                    time_ms: 0,
                    key: None,
                    value,
                    headers: Headers::NONE,
                };
                if accept(&record) == Answer::NotNow {
                    return Ok(Taken { records, is_empty: false });
                }
                self.next += 1;
            }
            Ok(Taken { records: max, is_empty: false })
        }

        fn next(&self, _: Place) -> Option<i64> {
            Some(self.next)
        }

        fn reached_end(&mut self, place: Place) -> Option<i64> {
            (place.topic != TopicId(0)).then_some(0)
        }

        fn heard_end(&mut self, _: Place) -> Option<i64> {
            None
        }

        fn wait(&mut self, _: Duration) {
            panic!("it waits for more though there is no room");
        }

        fn serve(&mut self) -> Result<(), LogError> {
            Ok(())
        }
    }

    #[test]
    fn a_poll_ends_when_no_more_fits_however_it_comes_to_that() {
        for (records_max, bytes_max, expected) in [(25, 1 << 20, 25), (1 << 20, 300, 30), (1 << 20, 305, 30)] {
            let mut inputs = Inputs::new(Box::new(Endless { next: 0 }), 2, Duration::from_secs(3_600));
            let positions = [0, 1].map(|topic| Position { topic: TopicId(topic), partition: 0, next: 0 });
            inputs.start(0, &positions).unwrap();
            let mut batch = Batch::new(BatchLimits { records_max, bytes_max, held_max: 1 << 20 });
            inputs.poll(&mut batch, || Ok(false)).unwrap();
            assert_eq!(batch.len(), expected);
            assert!(!batch.is_drained(TopicId(0), 0));
            // The places take turns to be first: none stays unheard because another one fills every batch.
            inputs.poll(&mut batch, || Ok(false)).unwrap();
            assert_eq!(batch.len(), expected);
            assert!(batch.is_drained(TopicId(1), 0));
        }
    }

    #[test]
    fn a_turn_is_as_long_with_its_commit_as_without() {
        let turn_ms = 10;
        let mut inputs = Inputs::new(Box::new(Endless { next: 0 }), 1, Duration::from_millis(turn_ms));
        let mut batch = Batch::new(BatchLimits::default());
        // Without places there is nothing to take, and to wait is a mistake; without a poll before, it would wait.
        inputs.ended = Some(Stopwatch::start());
        crate::io::clock::pause(turn_ms);
        inputs.poll(&mut batch, || Ok(false)).unwrap();
        assert!(batch.is_empty());
    }

    #[test]
    fn a_start_needs_a_position_for_each_topic() {
        let mut inputs = Inputs::new(Box::new(Endless { next: 0 }), 2, Duration::ZERO);
        let position = Position { topic: TopicId(0), partition: 0, next: 0 };
        assert!(matches!(inputs.start(0, &[position]), Err(LogError::Fatal(_))));
    }
}
