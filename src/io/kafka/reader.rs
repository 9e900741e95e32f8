//! Owns the reading of what is committed, whoever's partition it is: ranges of inputs and the journal, read again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;

use super::error;
use super::listener::Listener;
use super::queue::Queues;
use super::settings::Settings;
use super::source::{Answer, Place, Source};
use crate::io::clock::Stopwatch;
use crate::runtime::log::READ_BYTES;
use crate::runtime::{Bounds, LogError, Records};

/// Reads ranges of partitions, several in turns.
pub(super) struct Reader {
    /// Asks questions, and fetches nothing: a broker answers a connection in order, so that on one with a fetch under way every
    /// question would wait for that.
    asking: Arc<BaseConsumer<Listener>>,
    /// As it does, of what is not decided too: a client has one isolation for all it asks.
    asking_all: BaseConsumer<Listener>,
    source: Queues,
    names: Arc<[String]>,
    call_timeout: Duration,
    /// Places that are being read and up to where they were, the one read last at the end.
    open: VecDeque<(Place, i64)>,
}

/// Places that are fetched ahead of being read at a time. With more, those read longest ago begin anew when they are read again.
const OPEN_MAX: usize = 64;
/// How long one reading waits for records.
const WAIT_MAX_SECONDS: f64 = 0.5;
/// Records taken in one go.
const RECORDS_MAX: usize = 1_024;

impl Reader {
    pub(super) fn new(settings: &Settings, names: Arc<[String]>) -> KafkaResult<Reader> {
        let client = |role| -> KafkaResult<BaseConsumer<Listener>> {
            settings.for_reading(role, OPEN_MAX).remove("group.id").create_with_context(Listener::default())
        };
        let mut all = settings.for_reading("asking-all", OPEN_MAX).remove("group.id").clone();
        Ok(Reader {
            asking_all: all.set("isolation.level", "read_uncommitted").create_with_context(Listener::default())?,
            source: Queues::new(Arc::new(client("reader")?), Arc::clone(&names)),
            asking: Arc::new(client("asking")?),
            names,
            call_timeout: Duration::from_millis(settings.call_timeout_ms.into()),
            open: VecDeque::new(),
        })
    }

    /// Where a place begins and ends for a reader of committed records.
    pub(super) fn bounds(&self, place: Place) -> Result<Bounds, LogError> {
        // The client asks as it reads: the end is that of what is decided.
        self.ask(&self.asking, place)
    }

    /// The offset after the last record of a place, decided or not.
    pub(super) fn written(&self, place: Place) -> Result<i64, LogError> {
        self.ask(&self.asking_all, place).map(|bounds| bounds.end)
    }

    fn ask(&self, asking: &BaseConsumer<Listener>, place: Place) -> Result<Bounds, LogError> {
        let name = &self.names[usize::from(place.topic.0)];
        let answer = asking.fetch_watermarks(name, place.partition as i32, self.call_timeout);
        match answer {
            Ok((first, end)) => Ok(Bounds { first, end }),
            Err(error) => {
                let doing = format!("asking where {name}, partition {}, begins and ends", place.partition);
                let code = error.rdkafka_error_code();
                let gone = code.and_then(|code| error::of_partition(code, name, place.partition, -1));
                Err(gone.unwrap_or_else(|| error::of_question(&error, &doing)))
            }
        }
    }

    /// Reads on from `from` and below `to`, and says where to go on.
    pub(super) fn read(&mut self, place: Place, from: i64, to: i64, records: &mut Records) -> Result<i64, LogError> {
        if from >= to {
            return Ok(from);
        }
        self.turn_to(place, from)?;
        let next = self.read_on(place, from, to, records)?;
        self.open.push_back((place, next));
        if self.open.len() > OPEN_MAX
            && let Some((oldest, _)) = self.open.pop_front()
        {
            self.source.close(oldest);
        }
        Ok(next)
    }

    fn read_on(&mut self, place: Place, from: i64, to: i64, records: &mut Records) -> Result<i64, LogError> {
        let bytes_max = records.bytes() + READ_BYTES;
        let since = Stopwatch::start();
        loop {
            self.source.serve()?;
            let mut is_past = false;
            let taken = self.source.take(place, RECORDS_MAX, &mut |record| {
                if record.offset >= to {
                    is_past = true;
                    return Answer::NotNow;
                }
                records.push(record);
                Answer::Taken
            })?;
            let next = self.source.next(place).unwrap_or(from);
            // What is left below `to` is no record: the ends of transactions, and what was aborted.
            if is_past || next >= to {
                return Ok(to);
            }
            if records.bytes() >= bytes_max {
                return Ok(next);
            }
            if taken.is_empty {
                if taken.records > 0 || since.seconds() > WAIT_MAX_SECONDS {
                    return Ok(next);
                }
                self.source.wait(Duration::from_millis(20));
            }
        }
    }

    /// Reads a partition no more, whatever the topic.
    pub(super) fn forget(&mut self, partition: u32) {
        let source = &mut self.source;
        self.open.retain(|(place, _)| {
            let stays = place.partition != partition;
            if !stays {
                source.close(*place);
            }
            stays
        });
    }

    /// Makes sure that a place is being fetched from an offset on. It is taken out of those that are open, so that one that
    /// fails is begun anew.
    fn turn_to(&mut self, place: Place, from: i64) -> Result<(), LogError> {
        let known = self.open.iter().position(|(open, _)| *open == place).and_then(|at| self.open.remove(at));
        // Up to where it was read there is nothing left, even where the next record is known to be further on.
        if known == Some((place, from)) { Ok(()) } else { self.source.open(place, from) }
    }

    /// The client, to ask about topics.
    pub(super) fn asking(&self) -> &Arc<BaseConsumer<Listener>> {
        &self.asking
    }
}
