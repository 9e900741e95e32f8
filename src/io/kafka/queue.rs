//! Owns the batch reading of partitions, each from a queue of its own, and one question about the group: what the crate
//! `rdkafka` does not offer, and so the one place with unsafe code.
//!
//! A place is started at an offset and stopped by librdkafka's calls for that (`rd_kafka_consume_start_queue`), beside any
//! group. So there is no seek, which has had bugs, and no assignment that is replaced as a whole, which would throw away
//! what was fetched of all others whenever one partition starts or stops. And since each place has its queue, one that is
//! not wanted for a while is just not read: its queue fills up to its bound, and fetching it pauses by itself.
//!
//! [`super::message`] does the same by safe code alone; a test on a real broker holds the two equal. [`drain`] is the bare loop
//! that benchmarks compare with: it stands here because it takes batches too.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_void};
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use super::error;
use super::listener::Listener;
use super::settings::Settings;
use super::source::{Answer, Place, Places, Source, Taken};
use super::{KafkaLog, OpenError, open};
use crate::runtime::{Headers, LogError, Record, TopicId};
use crate::wire::Header;

/// Reads places, each from its own queue.
pub(super) struct Queues {
    streams: Places<Stream>,
    /// A handle for each topic that was opened once.
    topics: Vec<Option<Topic>>,
    names: Arc<[String]>,
    signal: Arc<Signal>,
    /// Declared last, and so gone last: everything above points into it.
    consumer: Arc<BaseConsumer<Listener>>,
}

// SAFETY: the pointers are to objects of librdkafka, which may be used from any thread, and are only used through `&mut self`.
unsafe impl Send for Queues {}

/// A place that is being fetched.
struct Stream {
    queue: Queue,
    /// Messages that were taken from the queue; those before `at` are given and destroyed.
    messages: Vec<*mut c::rd_kafka_message_t>,
    at: usize,
    next: i64,
    /// The log had no more when it was last heard.
    is_at_end: bool,
}

/// An own queue; destroyed with it.
struct Queue(*mut c::rd_kafka_queue_t);

/// An own handle of a topic; destroyed with it.
struct Topic(*mut c::rd_kafka_topic_t);

/// Wakes the reader when something comes into an empty queue.
#[derive(Debug, Default)]
struct Signal {
    is_raised: Mutex<bool>,
    condition: Condvar,
}

/// Messages taken from a queue at once, at most.
const MESSAGES_MAX: usize = 1024;

impl Queues {
    /// Reads through `consumer`, which must have no group; topics are known by their place in `names`.
    pub(super) fn new(consumer: Arc<BaseConsumer<Listener>>, names: Arc<[String]>) -> Queues {
        let topics = names.iter().map(|_| None).collect();
        Queues { streams: Places::default(), topics, names, signal: Arc::default(), consumer }
    }

    fn topic(&mut self, place: Place) -> Result<*mut c::rd_kafka_topic_t, LogError> {
        let index = usize::from(place.topic.0);
        if let Some(topic) = &self.topics[index] {
            return Ok(topic.0);
        }
        let name = &self.names[index];
        let c_name = CString::new(name.as_str())
            .map_err(|_| LogError::Fatal(format!("{name:?} is no name of a topic: it has a byte 0")))?;
        // SAFETY: the client lives as long as `self.consumer`; the name is copied; no settings of its own are given.
        let topic =
            unsafe { c::rd_kafka_topic_new(self.consumer.client().native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() {
            return Err(LogError::Fatal(format!("{name:?} is no name of a topic")));
        }
        self.topics[index] = Some(Topic(topic));
        Ok(topic)
    }

    /// The end of a place as the client last heard of it.
    fn high_watermark(&self, place: Place) -> Option<i64> {
        let topic = self.topics[usize::from(place.topic.0)].as_ref()?;
        let (mut low, mut high) = (0, 0);
        // SAFETY: client and topic live, the name is the topic's own, and both places to write to are ours.
        let answer = unsafe {
            let name = c::rd_kafka_topic_name(topic.0);
            let client = self.consumer.client().native_ptr();
            c::rd_kafka_get_watermark_offsets(client, name, place.partition as i32, &raw mut low, &raw mut high)
        };
        (answer == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }
}

impl Source for Queues {
    fn open(&mut self, place: Place, from: i64) -> Result<(), LogError> {
        self.close(place);
        let topic = self.topic(place)?;
        // SAFETY: the client lives.
        let queue = Queue(unsafe { c::rd_kafka_queue_new(self.consumer.client().native_ptr()) });
        // SAFETY: the signal lives longer than the queue: `Stream`s are dropped by `close` and `drop`, each of which is
        // before `self.signal` goes, and a queue that goes turns its callback off first.
        unsafe {
            let signal = Arc::as_ptr(&self.signal).cast_mut().cast::<c_void>();
            c::rd_kafka_queue_cb_event_enable(queue.0, Some(raise), signal);
        }
        // SAFETY: topic and queue live; the place is not started, since it was closed above.
        let answer = unsafe { c::rd_kafka_consume_start_queue(topic, place.partition as i32, from, queue.0) };
        if answer != 0 {
            let name = &self.names[usize::from(place.topic.0)];
            return Err(LogError::Fatal(format!(
                "{name}, partition {}, cannot be read from offset {from}: {}",
                place.partition,
                last_error()
            )));
        }
        let stream = Stream { queue, messages: Vec::new(), at: 0, next: from, is_at_end: false };
        self.streams.insert(place, stream);
        Ok(())
    }

    fn close(&mut self, place: Place) {
        let Some(stream) = self.streams.remove(place) else { return };
        if let Some(topic) = &self.topics[usize::from(place.topic.0)] {
            // SAFETY: the topic lives; the place was started. It returns once nothing more comes into the queue.
            let answer = unsafe { c::rd_kafka_consume_stop(topic.0, place.partition as i32) };
            if answer != 0 {
                tracing::warn!("{} cannot be stopped: {}", self.names[usize::from(place.topic.0)], last_error());
            }
        }
        drop(stream);
    }

    fn take(
        &mut self,
        place: Place,
        max: usize,
        accept: &mut dyn FnMut(&Record<'_>) -> Answer,
    ) -> Result<Taken, LogError> {
        let name = &self.names[usize::from(place.topic.0)];
        let Some(stream) = self.streams.get_mut(place) else { return Ok(Taken { records: 0, is_empty: true }) };
        let mut records = 0;
        while records < max {
            if stream.at == stream.messages.len() && !stream.refill((max - records).min(MESSAGES_MAX)) {
                return Ok(Taken { records, is_empty: true });
            }
            while let Some(&message) = stream.messages.get(stream.at) {
                // SAFETY: messages from `at` on are ours and not destroyed; nothing keeps a borrow of one over this loop.
                let answer = unsafe { stream.give(message, place, name, accept) };
                if answer == Ok(Answer::NotNow) {
                    return Ok(Taken { records, is_empty: false });
                }
                stream.at += 1;
                // SAFETY: it is ours, it is not looked at again, and `at` has passed it.
                let is_record = unsafe {
                    let is_record = (*message).err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
                    c::rd_kafka_message_destroy(message);
                    is_record
                };
                records += usize::from(is_record);
                answer?;
            }
        }
        Ok(Taken { records, is_empty: false })
    }

    fn next(&self, place: Place) -> Option<i64> {
        self.streams.get(place).map(|stream| stream.next)
    }

    fn reached_end(&mut self, place: Place) -> Option<i64> {
        let stream = self.streams.get(place)?;
        if stream.is_at_end {
            return Some(stream.next);
        }
        // Sooner than the client's own word for it, which comes with the next answer of the broker.
        let is_at_end = self.high_watermark(place).is_some_and(|end| stream.next >= end);
        is_at_end.then_some(stream.next)
    }

    fn heard_end(&mut self, place: Place) -> Option<i64> {
        // What ends a transaction takes an offset and is no record: at the end there is nothing left to read all the same.
        self.reached_end(place).or_else(|| self.high_watermark(place))
    }

    fn wait(&mut self, longest: Duration) {
        self.signal.wait(longest);
    }

    fn serve(&mut self) -> Result<(), LogError> {
        super::serve(&self.consumer, "")
    }
}

impl Stream {
    /// Takes the next messages from the queue; whether there were any.
    fn refill(&mut self, max: usize) -> bool {
        self.messages.clear();
        self.at = 0;
        // SAFETY: the queue lives. Asked first because taking from an empty one costs a system call.
        if unsafe { c::rd_kafka_queue_length(self.queue.0) } == 0 {
            return false;
        }
        self.messages.reserve(max);
        // SAFETY: there is room for `max` pointers behind the (empty) list, and the answer says how many were written.
        unsafe {
            let count = c::rd_kafka_consume_batch_queue(self.queue.0, 0, self.messages.as_mut_ptr(), max);
            self.messages.set_len(usize::try_from(count).unwrap_or(0));
        }
        !self.messages.is_empty()
    }

    /// Gives one message, or notes what it says instead of a record.
    ///
    /// # Safety
    /// The message is whole, and of this stream.
    unsafe fn give(
        &mut self,
        message: *mut c::rd_kafka_message_t,
        place: Place,
        name: &str,
        accept: &mut dyn FnMut(&Record<'_>) -> Answer,
    ) -> Result<Answer, LogError> {
        // SAFETY: as of this function. What is behind the message is librdkafka's own, so no reference to it is kept.
        let (err, offset) = unsafe { ((*message).err, (*message).offset) };
        if err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF {
                // Behind the last record there may be offsets that are no records.
                self.next = self.next.max(offset);
                self.is_at_end = true;
            } else if let Some(error) = error::of_partition(err.into(), name, place.partition, self.next) {
                return Err(error);
            }
            return Ok(Answer::Taken);
        }
        if offset < self.next {
            return Ok(Answer::Taken);
        }
        // SAFETY: as of this function.
        let answer = unsafe { with_record(message, place, accept) };
        if answer == Answer::Taken {
            self.next = offset + 1;
            self.is_at_end = false;
        }
        Ok(answer)
    }
}

/// Calls with a message as a record, borrowed for as long as the call.
///
/// # Safety
/// The message is whole, and holds a record.
unsafe fn with_record(
    message: *mut c::rd_kafka_message_t,
    place: Place,
    accept: &mut dyn FnMut(&Record<'_>) -> Answer,
) -> Answer {
    // SAFETY: as of this function; key and payload are as long as it says, or null, and live as long as the message.
    let mut record = unsafe {
        let mut kind = c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let time_ms = c::rd_kafka_message_timestamp(message, &raw mut kind);
        let has_time = kind != c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        Record {
            topic: place.topic,
            partition: place.partition,
            offset: (*message).offset,
            time_ms: if has_time { time_ms } else { -1 },
            key: bytes((*message).key, (*message).key_len),
            value: bytes((*message).payload, (*message).len),
            headers: Headers::NONE,
        }
    };
    let mut raw = ptr::null_mut();
    // SAFETY: as of this function; what it gives belongs to the message.
    let answer = unsafe { c::rd_kafka_message_headers(message, &raw mut raw) };
    if answer != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return accept(&record);
    }
    // SAFETY: the headers live as long as the message.
    let count = unsafe { c::rd_kafka_header_cnt(raw) };
    // SAFETY: the same, and the places asked for are below the count.
    let header = |at: usize| unsafe { header(raw, at) };
    let mut few = [Header { name: "", value: None }; HEADERS_FEW];
    if count <= HEADERS_FEW
        && (0..count).all(|at| header(at).0.to_str().map(|name| few[at] = Header { name, value: header(at).1 }).is_ok())
    {
        record.headers = Headers::Listed(&few[..count]);
        return accept(&record);
    }
    let all: Vec<_> = (0..count).map(|at| (header(at).0.to_string_lossy(), header(at).1)).collect();
    let listed: Vec<Header<'_>> = all.iter().map(|(name, value)| Header { name, value: *value }).collect();
    accept(&Record { headers: Headers::Listed(&listed), ..record })
}

/// Headers of a record that need no list of their own.
const HEADERS_FEW: usize = 16;

/// Name and value of a header.
///
/// # Safety
/// The headers live for `'a`, and there are more than `at`.
unsafe fn header<'a>(headers: *const c::rd_kafka_headers_t, at: usize) -> (&'a CStr, Option<&'a [u8]>) {
    let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
    // SAFETY: as of this function; the name ends with a byte 0, and the value is as long as it says, or null.
    unsafe {
        let answer = c::rd_kafka_header_get_all(headers, at, &raw mut name, &raw mut value, &raw mut length);
        if answer != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
            return (c"", None);
        }
        (CStr::from_ptr(name), bytes(value, length))
    }
}

/// Takes every record of a topic that is there now in batches, from one queue, and does nothing with them: what any consumer
/// pays at the least, for benchmarks. Gives how many there were.
///
/// # Errors
/// When the settings cannot be used, or the topic cannot be read.
pub fn drain(settings: &Settings, topic: &str) -> Result<u64, OpenError> {
    const BATCH: usize = 1000;
    let partitions = KafkaLog::partitions(settings, &[topic.to_owned()])?;
    let consumer: Arc<BaseConsumer<Listener>> =
        open::make(settings.for_reading("drain", partitions as usize).remove("group.id"))?;
    let mut queues = Queues::new(consumer, Arc::from([topic.to_owned()]));
    let handle = queues.topic(Place { topic: TopicId(0), partition: 0 })?;
    // SAFETY: the client lives as long as `queues`.
    let queue = Queue(unsafe { c::rd_kafka_queue_new(queues.consumer.client().native_ptr()) });
    for partition in 0..partitions as i32 {
        // SAFETY: topic and queue live; no partition is started twice.
        if unsafe { c::rd_kafka_consume_start_queue(handle, partition, 0, queue.0) } != 0 {
            return Err(LogError::Fatal(last_error().to_string()).into());
        }
    }
    let (mut records, mut ended) = (0, 0);
    let mut messages: Vec<*mut c::rd_kafka_message_t> = Vec::with_capacity(BATCH);
    while ended < partitions {
        // SAFETY: there is room for a batch of pointers, and the answer says how many were written; each is ours, looked at
        // once and destroyed.
        unsafe {
            let count = c::rd_kafka_consume_batch_queue(queue.0, 100, messages.as_mut_ptr(), BATCH);
            messages.set_len(usize::try_from(count).unwrap_or(0));
            for message in messages.drain(..) {
                match (*message).err {
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => records += 1,
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => ended += 1,
                    _ => {}
                }
                c::rd_kafka_message_destroy(message);
            }
        }
    }
    for partition in 0..partitions as i32 {
        // SAFETY: the topic lives, and each partition was started.
        unsafe { c::rd_kafka_consume_stop(handle, partition) };
    }
    Ok(records)
}

/// Bytes of C, if there are any.
///
/// # Safety
/// Where `start` is not null, `length` bytes live there for `'a`, and nobody changes them.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: as of this function.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) })
}

/// The reason of the last call of this thread that failed.
fn last_error() -> RDKafkaErrorCode {
    // SAFETY: it reads a number of this thread.
    unsafe { c::rd_kafka_last_error() }.into()
}

/// The generation of the group in which a member is now; negative: it is in none. `rdkafka` gives what a transaction must
/// tell of the group as a closed box, and the broker takes one of no generation at its word while a group has no members.
pub(super) fn generation<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> i32 {
    // SAFETY: the client lives as long as the consumer; what it gives is ours, and destroyed after its one use.
    unsafe {
        let metadata = c::rd_kafka_consumer_group_metadata(consumer.client().native_ptr());
        if metadata.is_null() {
            return -1;
        }
        let generation = c::rd_kafka_consumer_group_metadata_generation_id(metadata);
        c::rd_kafka_consumer_group_metadata_destroy(metadata);
        generation
    }
}

/// Called by a thread of librdkafka when something comes into an empty queue.
unsafe extern "C" fn raise(_: *mut c::rd_kafka_t, signal: *mut c_void) {
    // SAFETY: this is the signal that the callback was turned on with, and it is turned off before the signal goes.
    let signal = unsafe { &*signal.cast::<Signal>() };
    signal.raise();
}

impl Signal {
    fn raise(&self) {
        *self.is_raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.condition.notify_one();
    }

    fn wait(&self, longest: Duration) {
        let is_raised = self.is_raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.condition.wait_timeout_while(is_raised, longest, |is_raised| !*is_raised);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        for message in &self.messages[self.at..] {
            // SAFETY: those from `at` on are ours, not destroyed, and never looked at again.
            unsafe { c::rd_kafka_message_destroy(*message) };
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nothing comes into it any more. The callback is called with the queue's lock held, so that
        // once it is off no thread is inside it.
        unsafe {
            c::rd_kafka_queue_cb_event_enable(self.0, None, ptr::null_mut());
            c::rd_kafka_queue_destroy(self.0);
        }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: it is ours, and the client that it is of is still there.
        unsafe { c::rd_kafka_topic_destroy(self.0) };
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        let open: Vec<Place> = self.streams.open().collect();
        for place in open {
            self.close(place);
        }
        self.topics.clear();
    }
}
