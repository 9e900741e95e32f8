//! Owns the transactions of a worker, and the rule for their ends: one that was not plainly clean counts as one of which
//! nobody knows.
//!
//! librdkafka sends the end of a transaction (`EndTxn`) again over a new connection when the first one fails, and tells
//! nobody. A late first copy can then end the *next* transaction of the same producer. So a commit counts only if nothing
//! went wrong on the way to any broker while the transaction was open, and it was quick. Otherwise it is reported as unknown,
//! although it may well have worked: whoever called takes a new producer (whose new epoch has the broker refuse whatever the
//! old one still has under way), and reads back what was committed.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::topic_partition_list::Offset;

use super::error;
use super::listener::Listener;
use super::settings::Settings;
use crate::io::clock::Stopwatch;
use crate::runtime::{LogError, Position, Record};

/// The producer of a worker, and where its transaction is.
pub(super) struct Transactions {
    settings: Settings,
    producer: Option<BaseProducer<Listener>>,
    stage: Stage,
    /// What went wrong on the way to a broker since the transaction began.
    trouble: Option<String>,
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none.
    Idle,
    /// Records and positions can be sent.
    Open,
    /// Its commit was asked for and not answered: it can be asked for again, and not be aborted any more.
    Committing,
    /// Nobody knows: nothing but a new producer helps.
    Unknown,
}

/// An end of a transaction that took longer is not plainly clean. It is below half of `socket.timeout.ms`, after which a
/// request is sent again.
const END_MAX_SECONDS: f64 = 2.0;
/// How long a record waits for room in the queue before the caller is told.
const ROOM_WAIT_MAX_SECONDS: f64 = 5.0;
/// A pause between two looks at what is still on its way.
const LOOK: Duration = Duration::from_micros(200);

impl Transactions {
    /// None yet: the first [`Transactions::renew`] makes the producer.
    pub(super) fn new(settings: &Settings) -> Transactions {
        Transactions { settings: settings.clone(), producer: None, stage: Stage::Idle, trouble: None }
    }

    /// Takes a new producer: what the old one left open is ended before this returns, and what it has under way is refused.
    pub(super) fn renew(&mut self) -> Result<(), LogError> {
        let doing = "taking a new producer";
        self.stage = Stage::Unknown;
        if let Some(old) = self.producer.take() {
            // It would otherwise wait for what nobody will read.
            old.purge(PurgeConfig::default().queue().inflight());
            drop(old);
        }
        let producer: BaseProducer<Listener> = self
            .settings
            .for_transactions()
            .create_with_context(Listener::default())
            .map_err(|error| LogError::Fatal(format!("{doing}: {error}")))?;
        let since = Stopwatch::start();
        let longest = f64::from(self.settings.open_timeout_ms) / 1000.0;
        loop {
            let answer = producer.init_transactions(self.call_timeout());
            drain(&producer);
            match answer {
                Ok(()) => break,
                Err(error) => match error::of_transaction(&error, doing) {
                    LogError::Retry(_) if since.seconds() < longest => pause(Duration::from_millis(100)),
                    LogError::Retry(text) => {
                        let reason =
                            producer.context().reason().map_or(String::new(), |(_, reason)| format!(" ({reason})"));
                        return Err(LogError::Retry(format!("{text}{reason}")));
                    }
                    other => return Err(other),
                },
            }
        }
        self.producer = Some(producer);
        self.stage = Stage::Idle;
        Ok(())
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<(), LogError> {
        let producer = self.known("beginning a transaction")?;
        drain(producer);
        // Whatever happened between two transactions has nothing under way that could end one.
        producer.context().take_trouble();
        producer.context().take_undelivered();
        producer.begin_transaction().map_err(|error| error::of_transaction(&error, "beginning a transaction"))?;
        self.stage = Stage::Open;
        self.trouble = None;
        Ok(())
    }

    /// Sends a record.
    pub(super) fn send(&mut self, topic: &str, record: &Record<'_>) -> Result<(), LogError> {
        let producer = self.known("sending a record")?;
        send(producer, topic, record, ROOM_WAIT_MAX_SECONDS)
    }

    /// Makes positions part of the transaction. `group` is as of now: an older one is of another generation.
    pub(super) fn send_offsets(
        &mut self,
        names: &[String],
        positions: &[Position],
        group: &ConsumerGroupMetadata,
    ) -> Result<(), LogError> {
        let doing = "sending positions";
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for position in positions {
            let name = &names[usize::from(position.topic.0)];
            list.add_partition_offset(name, position.partition as i32, Offset::Offset(position.next))
                .map_err(|error| LogError::Fatal(format!("{doing}: {error}")))?;
        }
        let timeout = self.call_timeout();
        let producer = self.known(doing)?;
        producer
            .send_offsets_to_transaction(&list, group, timeout)
            .map_err(|error| error::of_transaction(&error, doing))
    }

    /// Commits. Answers Ok only where it is plainly committed.
    pub(super) fn commit(&mut self) -> Result<(), LogError> {
        let doing = "committing";
        let timeout = self.call_timeout();
        let producer = self.known(doing)?;
        settle(producer, timeout)?;
        if let Some((code, place)) = producer.context().take_undelivered() {
            return Err(error::of_production(code, &format!("a record for {place} was not delivered")));
        }
        let since = Stopwatch::start();
        let answer = producer.commit_transaction(timeout);
        let seconds = since.seconds();
        drain(producer);
        let trouble = producer.context().take_trouble();
        self.trouble = self.trouble.take().or(trouble);
        let is_repeated = self.stage == Stage::Committing;
        let answer = answer.map_err(|error| error::of_transaction(&error, doing));
        self.stage = match answer {
            Ok(()) => Stage::Idle,
            Err(LogError::Retry(_)) => Stage::Committing,
            Err(LogError::Abort(_)) => Stage::Open,
            Err(LogError::Fenced(_) | LogError::Fatal(_)) => Stage::Unknown,
        };
        answer?;
        self.judge_end("commit", seconds, is_repeated)
    }

    /// Aborts. Answers Ok only where it is plainly aborted.
    pub(super) fn abort(&mut self) -> Result<(), LogError> {
        let doing = "aborting";
        match self.stage {
            Stage::Idle => return Ok(()),
            Stage::Committing => {
                self.stage = Stage::Unknown;
                return Err(LogError::Abort(
                    "a transaction whose commit was not answered cannot be aborted: nobody can tell how it ended"
                        .to_owned(),
                ));
            }
            Stage::Open | Stage::Unknown => {}
        }
        let timeout = self.call_timeout();
        let producer = self.known(doing)?;
        // An abort waits for what was sent; what is still in the queue need not be.
        producer.purge(PurgeConfig::default().queue());
        let settled = settle(producer, timeout);
        let since = Stopwatch::start();
        let answer = settled
            .and_then(|()| producer.abort_transaction(timeout).map_err(|error| error::of_transaction(&error, doing)));
        let seconds = since.seconds();
        drain(producer);
        let trouble = producer.context().take_trouble();
        producer.context().take_undelivered();
        self.trouble = self.trouble.take().or(trouble);
        // Repeating it is of no use: a new producer ends what is open as well, and better.
        self.stage = if answer.is_ok() { Stage::Idle } else { Stage::Unknown };
        match answer {
            Ok(()) => self.judge_end("abort", seconds, false),
            Err(LogError::Retry(text)) => Err(LogError::Abort(text)),
            Err(other) => Err(other),
        }
    }

    /// An end that the client calls done is only believed where nothing happened that may have made it send it twice.
    fn judge_end(&mut self, end: &str, seconds: f64, is_repeated: bool) -> Result<(), LogError> {
        let doubt = if let Some(trouble) = self.trouble.take() {
            format!("there was trouble on the way: {trouble}")
        } else if is_repeated {
            "it had to be asked for twice".to_owned()
        } else if seconds > END_MAX_SECONDS {
            format!("it took {seconds:.1} s")
        } else {
            return Ok(());
        };
        self.stage = Stage::Unknown;
        Err(LogError::Abort(format!(
            "the {end} of a transaction was answered, but {doubt}; a second copy of it may be under way, so nobody can tell: taking \
             a new producer and reading back what was committed"
        )))
    }

    fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.call_timeout_ms.into())
    }

    fn known(&self, doing: &str) -> Result<&BaseProducer<Listener>, LogError> {
        match (&self.producer, self.stage) {
            (Some(producer), Stage::Idle | Stage::Open | Stage::Committing) => Ok(producer),
            _ => Err(LogError::Abort(format!(
                "{doing}: the last transaction's end is not known; a new producer is needed"
            ))),
        }
    }
}

/// Hands a record to the client, and waits a while where its queue is full.
pub(super) fn send(
    producer: &BaseProducer<Listener>,
    topic: &str,
    record: &Record<'_>,
    longest_seconds: f64,
) -> Result<(), LogError> {
    let mut since = None;
    let mut base = BaseRecord::<[u8], [u8]>::to(topic).partition(record.partition as i32);
    // A record without a time gets the present.
    base.timestamp = (record.time_ms >= 0).then_some(record.time_ms);
    base.key = record.key;
    base.payload = record.value;
    let mut headers: Option<OwnedHeaders> = None;
    for header in record.headers.iter() {
        let list = headers.take().unwrap_or_default();
        headers = Some(list.insert(Header { key: header.name, value: header.value }));
    }
    base.headers = headers;
    loop {
        let (error, back) = match producer.send(base) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
            return Err(error::of_transaction(
                &error,
                &format!("sending a record to {topic}, partition {}", record.partition),
            ));
        }
        let since = since.get_or_insert_with(Stopwatch::start);
        if since.seconds() > longest_seconds {
            return Err(error::of_transaction(
                &error,
                &format!("sending a record to {topic}, partition {}", record.partition),
            ));
        }
        base = back;
        producer.poll(Duration::ZERO);
        pause(LOOK);
    }
}

/// Waits until nothing is on its way any more. The client's own `flush`, which a commit begins with, looks every 100 ms only;
/// with nothing left it returns at once.
pub(super) fn settle(producer: &BaseProducer<Listener>, longest: Duration) -> Result<(), LogError> {
    let since = Stopwatch::start();
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::ZERO);
        if producer.in_flight_count() > 0 {
            if since.seconds() > longest.as_secs_f64() {
                return Err(error::of_transaction(
                    &KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut),
                    "waiting for what was sent",
                ));
            }
            pause(LOOK);
        }
    }
    Ok(())
}

/// Hears what the client has to say: one event a call of its poll, and there is nothing else in its queue.
fn drain(producer: &BaseProducer<Listener>) {
    const EVENTS_MAX: usize = 1_000;
    for _ in 0..EVENTS_MAX {
        if producer.in_flight_count() == 0 {
            return;
        }
        producer.poll(Duration::ZERO);
    }
}

#[expect(clippy::disallowed_methods, reason = "it waits for the broker")]
fn pause(longest: Duration) {
    std::thread::sleep(longest);
}
