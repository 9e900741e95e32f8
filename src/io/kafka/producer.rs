//! Owns the transactions of a worker, and the rule for their ends: one that was not plainly clean counts as one of which
//! nobody knows.
//!
//! librdkafka sends the end of a transaction (`EndTxn`) again over a new connection when the first one fails, and tells
//! nobody. A late first copy can then end the *next* transaction of the same producer. So a commit counts only if nothing
//! went wrong on the way to any broker while the transaction was open, and it was quick. Otherwise it is reported as unknown,
//! although it may well have worked: whoever called takes a new producer (whose new epoch has the broker refuse whatever the
//! old one still has under way), and reads back what was committed.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Runs since the last transaction ended.
    ended: Option<Stopwatch>,
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
/// How long an abort waits for what was sent before it takes it back.
const ABORT_SETTLE_MAX: Duration = Duration::from_secs(1);
/// After the end of a transaction the next one waits until so much time has passed: the broker writes the end down in the
/// partitions meanwhile, and refuses what comes sooner, after which librdkafka waits for 20 ms.
const BETWEEN: Duration = Duration::from_millis(3);
/// How long a record waits for room in the queue before the caller is told.
const ROOM_WAIT_MAX_SECONDS: f64 = 5.0;
/// A pause between two looks at what is still on its way.
const LOOK: Duration = Duration::from_micros(200);

impl Transactions {
    /// None yet: the first [`Transactions::renew`] makes the producer.
    pub(super) fn new(settings: &Settings) -> Transactions {
        Transactions { settings: settings.clone(), producer: None, stage: Stage::Idle, trouble: None, ended: None }
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
        if let Some(ended) = self.ended.take() {
            pause(BETWEEN.saturating_sub(Duration::from_nanos(ended.nanos())));
        }
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
        // librdkafka fails an abort that comes while it still tells the broker which partitions take part.
        let _ = settle(producer, timeout.min(ABORT_SETTLE_MAX));
        let since = Stopwatch::start();
        let answer = heard(producer, || producer.abort_transaction(timeout))
            .map_err(|error| error::of_transaction(&error, doing));
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
        self.ended = Some(Stopwatch::start());
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

/// Makes a call of the client, and hears it meanwhile: an abort takes what is queued out of the queue, in the order that the
/// broker must see, and waits until somebody has heard of each record that it did.
fn heard<T>(producer: &BaseProducer<Listener>, call: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Acquire) {
                producer.poll(Duration::ZERO);
                if producer.in_flight_count() == 0 {
                    pause(LOOK);
                }
            }
        });
        let answer = call();
        is_done.store(true, Ordering::Release);
        answer
    })
}

#[expect(clippy::disallowed_methods, reason = "it waits for the broker")]
fn pause(longest: Duration) {
    std::thread::sleep(longest);
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey as Key, RDKafkaRespErr as Error};

    use super::*;
    use crate::runtime::{Headers, TopicId};

    /// A producer on a broker of librdkafka's own that fails as it is told. It is no judge of what is committed.
    fn stage() -> (MockCluster<'static, DefaultProducerContext>, Transactions) {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("out", 1, 1).unwrap();
        let settings = Settings { call_timeout_ms: 10_000, ..Settings::new(&cluster.bootstrap_servers(), "a") };
        let mut transactions = Transactions::new(&settings);
        transactions.renew().unwrap();
        (cluster, transactions)
    }

    fn record() -> Record<'static> {
        Record {
            topic: TopicId(0),
            partition: 0,
            offset: 0,
            time_ms: 1,
            key: None,
            value: Some(b"x"),
            headers: Headers::NONE,
        }
    }

    fn turn(transactions: &mut Transactions) -> Result<(), LogError> {
        transactions.begin()?;
        transactions.send("out", &record())?;
        transactions.commit()
    }

    #[test]
    fn a_commit_whose_connection_broke_is_not_believed() {
        let (cluster, mut transactions) = stage();
        for round in 0..3 {
            turn(&mut transactions).unwrap();
            // The client sends the end again over another connection, and would call this committed.
            cluster.request_errors(Key::EndTxn, &[Error::RD_KAFKA_RESP_ERR__TRANSPORT]);
            let error = turn(&mut transactions).unwrap_err();
            assert!(matches!(&error, LogError::Abort(text) if text.contains("nobody can tell")), "{round}: {error:?}");
            assert!(matches!(turn(&mut transactions), Err(LogError::Abort(_))), "nothing goes on before it is renewed");
            transactions.renew().unwrap();
        }
        turn(&mut transactions).unwrap();
    }

    #[test]
    fn an_abort_whose_connection_broke_is_not_believed_either() {
        let (cluster, mut transactions) = stage();
        transactions.begin().unwrap();
        transactions.send("out", &record()).unwrap();
        cluster.request_errors(Key::EndTxn, &[Error::RD_KAFKA_RESP_ERR__TRANSPORT]);
        assert!(matches!(transactions.abort(), Err(LogError::Abort(_))));
        transactions.renew().unwrap();
        turn(&mut transactions).unwrap();
    }

    #[test]
    fn an_end_that_the_broker_refuses_for_good_needs_a_new_producer() {
        for error in [
            Error::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            Error::RD_KAFKA_RESP_ERR_INVALID_TXN_STATE,
            Error::RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        ] {
            let (cluster, mut transactions) = stage();
            cluster.request_errors(Key::EndTxn, &[error]);
            let answer = turn(&mut transactions).unwrap_err();
            assert!(matches!(answer, LogError::Fenced(_)), "{error:?}: {answer:?}");
            transactions.renew().unwrap();
            turn(&mut transactions).unwrap();
        }
    }

    #[test]
    fn an_end_that_comes_too_soon_for_the_broker_is_repeated_by_the_client_and_plain() {
        let (cluster, mut transactions) = stage();
        cluster.request_errors(Key::EndTxn, &[Error::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS; 2]);
        turn(&mut transactions).unwrap();
    }

    #[test]
    fn a_commit_that_is_not_answered_is_repeated_and_never_aborted_and_in_the_end_not_believed() {
        let (cluster, mut transactions) = stage();
        transactions.settings.call_timeout_ms = 300;
        transactions.begin().unwrap();
        transactions.send("out", &record()).unwrap();
        settle(transactions.producer.as_ref().unwrap(), Duration::from_secs(10)).unwrap();
        cluster.broker_down(1).unwrap();
        for _ in 0..2 {
            let error = transactions.commit().unwrap_err();
            assert!(matches!(error, LogError::Retry(_)), "{error:?}");
        }
        cluster.broker_up(1).unwrap();
        transactions.settings.call_timeout_ms = 10_000;
        let error = transactions.commit().unwrap_err();
        assert!(matches!(&error, LogError::Abort(text) if text.contains("nobody can tell")), "{error:?}");

        transactions.renew().unwrap();
        transactions.settings.call_timeout_ms = 300;
        transactions.begin().unwrap();
        transactions.send("out", &record()).unwrap();
        settle(transactions.producer.as_ref().unwrap(), Duration::from_secs(10)).unwrap();
        cluster.broker_down(1).unwrap();
        assert!(matches!(transactions.commit(), Err(LogError::Retry(_))));
        let error = transactions.abort().unwrap_err();
        assert!(matches!(&error, LogError::Abort(text) if text.contains("cannot be aborted")), "{error:?}");
    }

    #[test]
    fn a_turn_writes_few_lines_of_debugging() {
        let (_cluster, mut transactions) = stage();
        turn(&mut transactions).unwrap();
        let before = transactions.producer.as_ref().unwrap().context().lines();
        for _ in 0..20 {
            turn(&mut transactions).unwrap();
        }
        let lines = transactions.producer.as_ref().unwrap().context().lines() - before;
        assert!(lines <= 200, "{lines} lines in 20 turns");
    }
}
