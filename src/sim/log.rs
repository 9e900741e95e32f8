//! Owns the embedded log: topics and partitions in memory, with Kafka's rules of transactions.
//!
//! An abort hides its records from readers of committed records; positions move only with a commit; a producer is fenced
//! by the next one of its transactional id; a reader of committed records waits at the first open transaction.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::base::Instant;
use crate::runtime::{Bounds, LogError, Position, Record, Records, TopicId};

use super::partition::{Ending, Partition};

/// What a topic is like.
#[derive(Debug, Clone)]
pub struct TopicConfig {
    /// Its partitions.
    pub partitions: u32,
    /// With a limit, what is consumed (below the committed position) is dropped, and [`EmbeddedLog::append`] waits while
    /// more than this is retained. Without one nothing is dropped.
    pub retained_bytes_max: Option<usize>,
}

/// Which records a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Those of committed transactions and of none, up to the first open transaction.
    Committed,
    /// All, those of open and aborted transactions too.
    Uncommitted,
}

/// An in-process log. A clone is another handle of the same log.
#[derive(Debug, Clone)]
pub struct EmbeddedLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    topics: Vec<Topic>,
    coordinator: Mutex<Coordinator>,
    /// Counts what happened that someone may wait for.
    changes: Mutex<u64>,
    changed: Condvar,
    shut: AtomicBool,
    /// The log's own wall clock, in nanoseconds since 1970: it stands until somebody sets it.
    now: AtomicI64,
}

#[derive(Debug)]
struct Topic {
    partitions: Vec<Mutex<Partition>>,
    retained_bytes_max: Option<usize>,
    retained_bytes: AtomicUsize,
    closed: AtomicBool,
}

/// Who may write, and how far the inputs are consumed.
#[derive(Debug, Default)]
struct Coordinator {
    producers: BTreeMap<String, ProducerState>,
    transactions: u64,
    committed: BTreeMap<(TopicId, u32), i64>,
    /// Transactions that are committed, but for the marks that say so to readers: their positions show already.
    unmarked: Vec<OpenTransaction>,
}

#[derive(Debug, Default)]
struct ProducerState {
    epoch: u32,
    open: Option<OpenTransaction>,
}

#[derive(Debug)]
struct OpenTransaction {
    number: u64,
    touched: Vec<(TopicId, u32)>,
    positions: Vec<Position>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding this lock")
}

impl EmbeddedLog {
    /// A log with these topics, known by their place.
    #[must_use]
    pub fn new(topics: &[TopicConfig]) -> EmbeddedLog {
        let topic = |config: &TopicConfig| Topic {
            partitions: (0..config.partitions).map(|_| Mutex::default()).collect(),
            retained_bytes_max: config.retained_bytes_max,
            retained_bytes: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        };
        EmbeddedLog {
            shared: Arc::new(Shared {
                topics: topics.iter().map(topic).collect(),
                coordinator: Mutex::default(),
                changes: Mutex::default(),
                changed: Condvar::new(),
                shut: AtomicBool::new(false),
                now: AtomicI64::new(0),
            }),
        }
    }

    /// Appends records of no transaction and gives the first one's offset. Waits while the topic retains more than its
    /// limit; a block that is larger than the limit goes in alone.
    ///
    /// # Errors
    /// When the log is shut.
    pub fn append(&self, topic: TopicId, partition: u32, records: Records) -> Result<i64, LogError> {
        let state = self.topic(topic);
        let bytes = records.bytes();
        let mut changes = lock(&self.shared.changes);
        loop {
            if self.shared.shut.load(Ordering::Relaxed) {
                return Err(LogError::Fatal("the log is shut".to_owned()));
            }
            let retained = state.retained_bytes.load(Ordering::Relaxed);
            if retained == 0 || state.retained_bytes_max.is_none_or(|max| retained + bytes <= max) {
                break;
            }
            changes = self.shared.changed.wait(changes).expect("nobody panics while holding this lock");
        }
        state.retained_bytes.fetch_add(bytes, Ordering::Relaxed);
        drop(changes);
        let offset = lock(&state.partitions[partition as usize]).append(records, None);
        self.tell();
        Ok(offset)
    }

    /// Says that nothing will be appended to a topic any more.
    pub fn close(&self, topic: TopicId) {
        self.topic(topic).closed.store(true, Ordering::Release);
        self.tell();
    }

    /// Whether nothing will be appended to a topic any more.
    #[must_use]
    pub fn is_closed(&self, topic: TopicId) -> bool {
        self.topic(topic).closed.load(Ordering::Acquire)
    }

    /// Stops the log: whoever waits to append is refused.
    pub fn shut(&self) {
        self.shared.shut.store(true, Ordering::Relaxed);
        self.tell();
    }

    /// Whether the log was stopped.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.shared.shut.load(Ordering::Relaxed)
    }

    /// Hands over the records of a partition from offset `from` on, until `take` refuses one, and gives the offset to go
    /// on from.
    ///
    /// # Errors
    /// When offset `from` was trimmed, or was never there.
    pub fn read(
        &self,
        topic: TopicId,
        partition: u32,
        from: i64,
        isolation: Isolation,
        take: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<i64, LogError> {
        lock(&self.topic(topic).partitions[partition as usize]).read(from, isolation, take)
    }

    /// The offset that the next record of a partition will get.
    #[must_use]
    pub fn end(&self, topic: TopicId, partition: u32) -> i64 {
        lock(&self.topic(topic).partitions[partition as usize]).end()
    }

    /// Where a partition begins and ends for a reader of committed records.
    #[must_use]
    pub fn bounds(&self, topic: TopicId, partition: u32) -> Bounds {
        lock(&self.topic(topic).partitions[partition as usize]).bounds()
    }

    /// The log's own wall clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_nanos(self.shared.now.load(Ordering::Relaxed))
    }

    /// Sets the log's wall clock.
    pub fn set_now(&self, now: Instant) {
        self.shared.now.store(now.nanos(), Ordering::Relaxed);
    }

    /// Drops the records of a partition below `offset`, as far as their transactions have ended.
    pub fn trim(&self, topic: TopicId, partition: u32, offset: i64) {
        let state = self.topic(topic);
        let freed = lock(&state.partitions[partition as usize]).trim(offset);
        if freed > 0 {
            state.retained_bytes.fetch_sub(freed, Ordering::Relaxed);
            self.tell();
        }
    }

    /// The bytes that a topic retains.
    #[must_use]
    pub fn retained_bytes(&self, topic: TopicId) -> usize {
        self.topic(topic).retained_bytes.load(Ordering::Relaxed)
    }

    /// The committed position of a partition; `None` before the first commit.
    #[must_use]
    pub fn committed(&self, topic: TopicId, partition: u32) -> Option<i64> {
        lock(&self.shared.coordinator).committed.get(&(topic, partition)).copied()
    }

    /// Makes a producer of `transactional_id`. An earlier one of the same id is fenced, and what it left open is aborted.
    #[must_use]
    pub fn producer(&self, transactional_id: &str) -> Producer {
        let mut coordinator = lock(&self.shared.coordinator);
        self.mark_all(&mut coordinator);
        let state = coordinator.producers.entry(transactional_id.to_owned()).or_default();
        state.epoch += 1;
        let epoch = state.epoch;
        if let Some(open) = state.open.take() {
            self.end_transaction(&open, Ending::Abort);
        }
        drop(coordinator);
        self.tell();
        Producer { log: self.clone(), id: transactional_id.to_owned(), epoch, unsent: BTreeMap::new() }
    }

    /// Whether a transaction is open that holds a position of this partition: nobody can tell yet where its group stands.
    #[must_use]
    pub fn is_undecided(&self, topic: TopicId, partition: u32) -> bool {
        let coordinator = lock(&self.shared.coordinator);
        let mut open = coordinator.producers.values().filter_map(|state| state.open.as_ref());
        open.any(|open| open.positions.iter().any(|at| (at.topic, at.partition) == (topic, partition)))
    }

    /// Ends the open transaction of `transactional_id` as one that took too long: it is aborted, and its producer fenced.
    /// Says whether there was one.
    pub fn time_out(&self, transactional_id: &str) -> bool {
        let mut coordinator = lock(&self.shared.coordinator);
        let Some(state) = coordinator.producers.get_mut(transactional_id) else { return false };
        let Some(open) = state.open.take() else { return false };
        state.epoch += 1;
        self.end_transaction(&open, Ending::Abort);
        drop(coordinator);
        self.tell();
        true
    }

    /// A request to commit that was long on its way, of the producer of `transactional_id` that had `epoch`. As on Kafka it
    /// commits whatever transaction is open in that epoch, and is refused once there is a later one; gives whether it
    /// committed anything.
    ///
    /// # Errors
    /// When there is a later producer.
    pub fn commit_late(&self, transactional_id: &str, epoch: u32) -> Result<bool, LogError> {
        let mut coordinator = lock(&self.shared.coordinator);
        let state = coordinator.producers.entry(transactional_id.to_owned()).or_default();
        if state.epoch != epoch {
            return Err(LogError::Fenced(format!("epoch {epoch} of {transactional_id:?} is over")));
        }
        let Some(open) = state.open.take() else { return Ok(false) };
        self.end_transaction(&open, Ending::Commit);
        coordinator.committed.extend(open.positions.iter().map(|at| ((at.topic, at.partition), at.next)));
        drop(coordinator);
        self.tell();
        Ok(true)
    }

    /// Writes the marks that are late (see [`Producer::commit_marked_late`]); says whether there were any.
    pub fn mark(&self) -> bool {
        let were_late = self.mark_all(&mut lock(&self.shared.coordinator));
        if were_late {
            self.tell();
        }
        were_late
    }

    fn mark_all(&self, coordinator: &mut Coordinator) -> bool {
        let late = std::mem::take(&mut coordinator.unmarked);
        late.iter().for_each(|transaction| self.end_transaction(transaction, Ending::Commit));
        !late.is_empty()
    }

    pub(super) fn is_bounded(&self, topic: TopicId) -> bool {
        self.topic(topic).retained_bytes_max.is_some()
    }

    /// What was told until now, for [`EmbeddedLog::wait`].
    pub(super) fn changes(&self) -> u64 {
        *lock(&self.shared.changes)
    }

    /// Waits until more happened than `seen`, or the log is shut.
    pub(super) fn wait(&self, seen: u64) {
        let changes = lock(&self.shared.changes);
        let waited = self.shared.changed.wait_while(changes, |changes| *changes == seen && !self.is_shut());
        drop(waited.expect("nobody panics while holding this lock"));
    }

    fn tell(&self) {
        *lock(&self.shared.changes) += 1;
        self.shared.changed.notify_all();
    }

    fn topic(&self, topic: TopicId) -> &Topic {
        &self.shared.topics[usize::from(topic.0)]
    }

    fn end_transaction(&self, open: &OpenTransaction, ending: Ending) {
        for (topic, partition) in &open.touched {
            lock(&self.topic(*topic).partitions[*partition as usize]).end_transaction(open.number, ending);
        }
    }
}

/// A transactional producer.
#[derive(Debug)]
pub struct Producer {
    log: EmbeddedLog,
    id: String,
    epoch: u32,
    /// Records sent and not yet in the log.
    unsent: BTreeMap<(TopicId, u32), Records>,
}

impl Producer {
    /// Its transactional id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its epoch: every later producer of the same id has a greater one.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// As much as one partition's records gather before they go into the log.
    const UNSENT_BYTES_MAX: usize = 256 << 10;

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the producer is fenced, or has one open.
    pub fn begin(&mut self) -> Result<(), LogError> {
        let mut coordinator = lock(&self.log.shared.coordinator);
        self.log.mark_all(&mut coordinator);
        let number = coordinator.transactions + 1;
        let state = self.state(&mut coordinator)?;
        if state.open.is_some() {
            return Err(LogError::Fatal("a transaction is open already".to_owned()));
        }
        state.open = Some(OpenTransaction { number, touched: Vec::new(), positions: Vec::new() });
        coordinator.transactions = number;
        Ok(())
    }

    /// Sends a record to the topic and partition that it names.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open: at once, or at the next flush or commit.
    pub fn send(&mut self, record: &Record<'_>) -> Result<(), LogError> {
        let unsent = self.unsent.entry((record.topic, record.partition)).or_default();
        unsent.push(record);
        if unsent.bytes() < Producer::UNSENT_BYTES_MAX { Ok(()) } else { self.flush() }
    }

    /// Puts what was sent into the log, still uncommitted.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open.
    pub fn flush(&mut self) -> Result<(), LogError> {
        let log = self.log.clone();
        let mut coordinator = lock(&log.shared.coordinator);
        self.flush_into(&mut coordinator)
    }

    /// Makes positions of the inputs part of the transaction.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open.
    pub fn send_offsets(&mut self, positions: &[Position]) -> Result<(), LogError> {
        let mut coordinator = lock(&self.log.shared.coordinator);
        open_of(self.state(&mut coordinator)?)?.positions.extend_from_slice(positions);
        Ok(())
    }

    /// Commits the transaction: its records and positions hold from now on, together.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open.
    pub fn commit(&mut self) -> Result<(), LogError> {
        self.end(Marks::Written)
    }

    /// As [`Producer::commit`], but the marks that show its records to readers are still to be written, while its positions show:
    /// on Kafka each partition gets its mark when it does. They come by [`EmbeddedLog::mark`], or with the next transaction of
    /// anybody.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open.
    pub fn commit_marked_late(&mut self) -> Result<(), LogError> {
        self.end(Marks::Late)
    }

    fn end(&mut self, marks: Marks) -> Result<(), LogError> {
        let log = self.log.clone();
        let mut coordinator = lock(&log.shared.coordinator);
        self.flush_into(&mut coordinator)?;
        let state = self.state(&mut coordinator)?;
        open_of(state)?;
        if let Some(open) = state.open.take() {
            let positions = open.positions.iter().map(|at| ((at.topic, at.partition), at.next));
            coordinator.committed.extend(positions);
            match marks {
                Marks::Written => log.end_transaction(&open, Ending::Commit),
                Marks::Late => coordinator.unmarked.push(open),
            }
        }
        drop(coordinator);
        log.tell();
        Ok(())
    }

    /// Aborts the transaction: it is as if never begun, but for readers of uncommitted records.
    ///
    /// # Errors
    /// When the producer is fenced, or has no transaction open.
    pub fn abort(&mut self) -> Result<(), LogError> {
        self.unsent.clear();
        let mut coordinator = lock(&self.log.shared.coordinator);
        let state = self.state(&mut coordinator)?;
        open_of(state)?;
        if let Some(open) = state.open.take() {
            self.log.end_transaction(&open, Ending::Abort);
        }
        drop(coordinator);
        self.log.tell();
        Ok(())
    }

    /// Its state, while no later producer of its id has taken its place.
    fn state<'a>(&self, coordinator: &'a mut Coordinator) -> Result<&'a mut ProducerState, LogError> {
        let state = coordinator.producers.get_mut(&self.id).expect("a producer registers when it is made");
        if state.epoch == self.epoch {
            Ok(state)
        } else {
            let (id, epoch) = (&self.id, state.epoch);
            Err(LogError::Fenced(format!("another producer of the id {id:?} took over (its epoch is {epoch})")))
        }
    }

    fn flush_into(&mut self, coordinator: &mut Coordinator) -> Result<(), LogError> {
        let open = open_of(self.state(coordinator)?)?;
        while let Some(((topic, partition), records)) = self.unsent.pop_first() {
            let state = self.log.topic(topic);
            state.retained_bytes.fetch_add(records.bytes(), Ordering::Relaxed);
            lock(&state.partitions[partition as usize]).append(records, Some(open.number));
            if !open.touched.contains(&(topic, partition)) {
                open.touched.push((topic, partition));
            }
        }
        Ok(())
    }
}

/// When readers of committed records are told of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// At once.
    Written,
    /// Later.
    Late,
}

fn open_of(state: &mut ProducerState) -> Result<&mut OpenTransaction, LogError> {
    state.open.as_mut().ok_or_else(|| LogError::Fatal("no transaction is open".to_owned()))
}
