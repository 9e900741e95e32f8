//! Owns a batch: records polled and not yet applied, which of them this turn takes, and in which order.
//!
//! The order is a pure function of the ranges of offsets that a turn takes: by record time, then topic, then offset, where
//! a record counts as written no earlier than those before it in its topic. A topic that runs ahead of the others is held
//! back: its records wait for a later turn.

use super::records::{Record, Records, TopicId};

/// How much one turn takes on.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Records at most.
    pub records_max: usize,
    /// Bytes of keys, values and headers at most; one record that is larger is taken alone.
    pub bytes_max: usize,
    /// Records of one topic and partition that may wait at most before no more of them are wanted.
    pub held_max: usize,
}

impl Default for BatchLimits {
    /// As much as the near caches of a core hold.
    fn default() -> BatchLimits {
        BatchLimits { records_max: 2048, bytes_max: 512 << 10, held_max: 4096 }
    }
}

/// Up to where a turn takes the records of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take<'a> {
    /// All of them.
    All,
    /// None.
    Nothing,
    /// Those before which no other can come any more: up to the earliest of the last times of all topics that may have
    /// more.
    Merged,
    /// As [`Take::Merged`], and of each topic (by number) only what lies below an offset.
    MergedBelow(&'a [i64]),
}

/// Records polled and not yet applied.
#[derive(Debug)]
pub struct Batch {
    records: Records,
    limits: BatchLimits,
    /// The records that this turn takes, in the order in which they are applied.
    order: Vec<u32>,
    /// When each record counts as written.
    written_ms: Vec<i64>,
    /// Room for the places of each partition while they are put in order.
    sorting: Vec<Vec<u32>>,
    /// By topic, by partition.
    sources: Vec<Vec<Source>>,
    /// Records that wait from earlier turns, and their bytes: they take no room from new ones.
    held: (usize, usize),
    /// Where records that wait are copied to.
    spare: Records,
}

/// What is known of a topic's partition.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// Records in the batch.
    records: usize,
    /// Whether the log had no more when it was last asked.
    at_end: bool,
    /// Whether it was wanted when it was last asked: one that is not is wanted again only once half of it is gone.
    wanted: bool,
    /// When the last record counts as written.
    last_ms: i64,
    /// Its offset.
    last_offset: i64,
}

/// How much of a partition a turn takes: up to when a record counts as written, its topic, and of each topic what lies below
/// an offset, where there is one.
struct Taken<'a> {
    horizon: (i64, TopicId),
    ends: &'a [i64],
}

const NEVER: i64 = i64::MIN;
/// Nothing comes after this.
const LAST: (i64, TopicId) = (i64::MAX, TopicId(u16::MAX));
const UNKNOWN: Source = Source { records: 0, at_end: false, wanted: true, last_ms: NEVER, last_offset: NEVER };

impl Source {
    /// Counts its next record in the batch; gives when that counts as written.
    #[inline]
    fn date(&mut self, record: &Record<'_>) -> i64 {
        self.records += 1;
        self.last_ms = self.last_ms.max(record.time_ms);
        self.last_offset = record.offset;
        self.last_ms
    }

    /// None of its records is in the batch any more.
    fn empty(&mut self) {
        (self.records, self.last_ms, self.last_offset) = (0, NEVER, NEVER);
    }
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new(limits: BatchLimits) -> Batch {
        Batch {
            records: Records::default(),
            limits,
            order: Vec::new(),
            written_ms: Vec::new(),
            sorting: Vec::new(),
            sources: Vec::new(),
            held: (0, 0),
            spare: Records::default(),
        }
    }

    /// Whether `record` still fits.
    #[must_use]
    #[inline]
    pub fn has_room_for(&self, record: &Record<'_>) -> bool {
        let (new, new_bytes) = self.new_records();
        new == 0 || (new < self.limits.records_max && new_bytes + record.bytes() <= self.limits.bytes_max)
    }

    /// Whether it takes more of a topic's partition: not while too many of its records wait for other topics.
    #[must_use]
    pub fn wants(&mut self, topic: TopicId, partition: u32) -> bool {
        let held_max = self.limits.held_max;
        let source = self.source(topic, partition);
        source.wanted = if source.wanted { source.records < held_max } else { source.records <= held_max / 2 };
        source.wanted
    }

    /// Takes a copy of `record`.
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) {
        self.records.push(record);
        let source = self.source(record.topic, record.partition);
        source.at_end = false;
        let written_ms = source.date(record);
        self.written_ms.push(written_ms);
    }

    /// Notes that a topic's partition has no more records now than those given.
    pub fn reached_end(&mut self, topic: TopicId, partition: u32) {
        self.source(topic, partition).at_end = true;
    }

    /// Whether a topic's partition had no more records when it was last asked, and all of them were taken.
    #[must_use]
    pub fn is_drained(&self, topic: TopicId, partition: u32) -> bool {
        let source = self.sources.get(usize::from(topic.0)).and_then(|of| of.get(partition as usize));
        source.is_some_and(|source| source.at_end && source.records == 0)
    }

    /// Whether a topic's partition has nothing below an offset that is still to be taken: it has no more than what is here, or
    /// what is here has passed the offset.
    #[must_use]
    pub fn has_none_below(&self, topic: TopicId, partition: u32, end: i64) -> bool {
        let source = self.sources.get(usize::from(topic.0)).and_then(|of| of.get(partition as usize));
        let is_at_end = source.is_some_and(|source| source.at_end);
        let is_of = |record: &Record<'_>| record.topic == topic && record.partition == partition;
        let first = self.records.iter().find(is_of).map(|record| record.offset);
        first.map_or(is_at_end, |first| first >= end)
    }

    /// Its records, as they came.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// How many records are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether no more records fit, so that there may be many more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let (new, new_bytes) = self.new_records();
        new >= self.limits.records_max || new_bytes >= self.limits.bytes_max
    }

    /// Forgets the records of a partition, and what was known of it.
    pub fn forget(&mut self, partition: u32) {
        self.keep_if(|record| record.partition != partition);
        for of_topic in &mut self.sources {
            if let Some(source) = of_topic.get_mut(partition as usize) {
                *source = UNKNOWN;
            }
        }
    }

    /// The partitions that have records in it, in order.
    #[must_use]
    pub fn partitions(&self) -> Vec<u32> {
        let with_records = |of: &Vec<Source>| {
            let places = of.iter().enumerate().filter(|(_, source)| source.records > 0);
            places.map(|(partition, _)| partition as u32).collect::<Vec<u32>>()
        };
        let mut partitions: Vec<u32> = self.sources.iter().flat_map(with_records).collect();
        partitions.sort_unstable();
        partitions.dedup();
        partitions
    }

    /// Settles which records this turn takes, and their order: by partition, then by when they count as written, topic,
    /// offset. `inputs` is the number of input topics; `take` says how much of each partition.
    pub(super) fn settle<'a>(&mut self, inputs: usize, take: impl Fn(u32) -> Take<'a>) {
        let mut sorting = std::mem::take(&mut self.sorting);
        let partitions = self.sources.iter().map(Vec::len).max().unwrap_or(0);
        sorting.resize_with(partitions.max(sorting.len()), Vec::new);
        sorting.iter_mut().for_each(Vec::clear);
        let taken: Vec<_> =
            (0..partitions as u32).map(|partition| self.taken_of(inputs, partition, take(partition))).collect();
        for (index, written_ms) in self.written_ms.iter().enumerate() {
            let (partition, _, topic, offset) = self.records.order(index);
            let taken = &taken[partition as usize];
            if (*written_ms, topic) <= taken.horizon
                && taken.ends.get(usize::from(topic.0)).is_none_or(|end| offset < *end)
            {
                sorting[partition as usize].push(index as u32);
            }
        }
        self.order.clear();
        for (partition, places) in sorting.iter_mut().enumerate() {
            self.put_in_order(partition, places);
            self.order.extend_from_slice(places);
        }
        self.sorting = sorting;
    }

    /// What a turn takes of a partition.
    fn taken_of<'a>(&self, inputs: usize, partition: u32, take: Take<'a>) -> Taken<'a> {
        let (horizon, ends): (_, &[i64]) = match take {
            Take::All => (LAST, &[]),
            Take::Nothing => ((NEVER, TopicId(0)), &[]),
            Take::Merged => (self.horizon(inputs, partition, &[]), &[]),
            Take::MergedBelow(ends) => (self.horizon(inputs, partition, ends), ends),
        };
        Taken { horizon, ends }
    }

    /// Puts places of a partition, which are as they came, in order. Those of one topic came in order.
    fn put_in_order(&self, partition: usize, places: &mut [u32]) {
        let has_records = |of: &&Vec<Source>| of.get(partition).is_some_and(|source| source.records > 0);
        if self.sources.iter().filter(has_records).count() > 1 {
            // A stable sort is quick where it finds runs in order.
            places.sort_by_key(|index| {
                let (_, _, topic, offset) = self.records.order(*index as usize);
                (self.written_ms[*index as usize], topic, offset)
            });
        }
    }

    /// The records that this turn takes, in order, by their place.
    #[inline]
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// When the records that this turn takes were written, in order.
    pub(super) fn times_taken(&self) -> impl Iterator<Item = i64> {
        self.order.iter().map(|place| self.records.order(*place as usize).1)
    }

    /// The record at a place.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Record<'_> {
        self.records.get(place as usize)
    }

    /// The bytes of the record at a place, key, value and headers end to end.
    #[inline]
    pub(super) fn raw(&self, place: u32) -> &[u8] {
        self.records.raw(place as usize)
    }

    /// Lets go of what this turn took; what waits stays.
    pub(super) fn release(&mut self) {
        if self.order.len() == self.records.len() {
            self.records.clear();
            self.written_ms.clear();
            self.sources.iter_mut().flatten().for_each(Source::empty);
        } else if !self.order.is_empty() {
            let mut taken = vec![false; self.records.len()];
            self.order.iter().for_each(|place| taken[*place as usize] = true);
            let mut place = 0;
            self.keep_if(|_| {
                place += 1;
                !taken[place - 1]
            });
        }
        self.held = (self.records.len(), self.records.bytes());
        self.order.clear();
    }

    /// Records that came since the last turn, and their bytes.
    #[inline]
    fn new_records(&self) -> (usize, usize) {
        (self.records.len() - self.held.0, self.records.bytes() - self.held.1)
    }

    /// The last record of a partition before which no other can come. Where there are `ends`, what lies beyond does not
    /// count, and a topic that has passed its own has no more.
    fn horizon(&self, inputs: usize, partition: u32, ends: &[i64]) -> (i64, TopicId) {
        let of = |topic: usize| self.sources.get(topic).and_then(|of| of.get(partition as usize)).unwrap_or(&UNKNOWN);
        let has_passed = |topic: usize| ends.get(topic).is_some_and(|end| of(topic).last_offset >= *end);
        let open = (0..inputs).filter(|topic| !of(*topic).at_end && !has_passed(*topic));
        open.map(|topic| (of(topic).last_ms, TopicId(topic as u16))).min().unwrap_or(LAST)
    }

    fn source(&mut self, topic: TopicId, partition: u32) -> &mut Source {
        let (topic, partition) = (usize::from(topic.0), partition as usize);
        if self.sources.len() <= topic {
            self.sources.resize_with(topic + 1, Vec::new);
        }
        let of_topic = &mut self.sources[topic];
        if of_topic.len() <= partition {
            of_topic.resize(partition + 1, UNKNOWN);
        }
        &mut of_topic[partition]
    }

    fn keep_if(&mut self, mut keep: impl FnMut(&Record<'_>) -> bool) {
        self.spare.clear();
        self.written_ms.clear();
        self.sources.iter_mut().flatten().for_each(Source::empty);
        for record in self.records.iter() {
            if keep(&record) {
                self.spare.push(&record);
                // By what is here alone: so the order goes by the ranges of a turn, and not by where turns end.
                let source = &mut self.sources[usize::from(record.topic.0)][record.partition as usize];
                self.written_ms.push(source.date(&record));
            }
        }
        std::mem::swap(&mut self.records, &mut self.spare);
        self.held = (self.held.0.min(self.records.len()), self.held.1.min(self.records.bytes()));
        self.spare.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Headers;

    fn batch(records: &[(u16, i64, i64)]) -> Batch {
        let mut batch = Batch::new(BatchLimits { records_max: 100, bytes_max: 1 << 20, held_max: 4 });
        for (topic, offset, time_ms) in records {
            batch.push(&Record {
                topic: TopicId(*topic),
                partition: 0,
                offset: *offset,
                time_ms: *time_ms,
                key: None,
                value: Some(b"x"),
                headers: Headers::NONE,
            });
        }
        batch
    }

    fn taken(batch: &Batch) -> Vec<(u16, i64)> {
        batch.order().iter().map(|place| batch.get(*place)).map(|record| (record.topic.0, record.offset)).collect()
    }

    #[test]
    fn records_go_by_time_then_topic_and_never_before_an_earlier_one_of_their_topic() {
        let mut batch = batch(&[(1, 0, 5), (0, 0, 5), (0, 1, 9), (0, 2, 3), (1, 1, 9)]);
        batch.settle(2, |_| Take::All);
        assert_eq!(taken(&batch), [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)]);
        batch.release();
        assert!(batch.is_empty());
    }

    #[test]
    fn a_topic_that_runs_ahead_waits_for_the_others_until_they_are_known_to_have_no_more() {
        let mut batch = batch(&[(0, 0, 1), (0, 1, 50), (0, 2, 90), (1, 0, 50)]);
        batch.settle(2, |_| Take::Merged);
        assert_eq!(taken(&batch), [(0, 0), (0, 1), (1, 0)], "topic 1 may still have something of 50 to 90");
        batch.release();
        assert_eq!(batch.len(), 1);
        batch.settle(2, |_| Take::Merged);
        assert_eq!(taken(&batch), [], "nothing is known of topic 1");
        batch.release();
        batch.reached_end(TopicId(1), 0);
        assert!(batch.is_drained(TopicId(1), 0) && !batch.is_drained(TopicId(0), 0));
        batch.settle(2, |_| Take::Merged);
        assert_eq!(taken(&batch), [(0, 2)]);
        batch.release();
        assert!(batch.is_empty());
    }

    #[test]
    fn of_two_of_the_same_time_the_one_of_the_later_topic_waits_for_the_earlier_topic() {
        let mut batch = batch(&[(0, 0, 7), (1, 0, 7)]);
        batch.reached_end(TopicId(1), 0);
        batch.settle(2, |_| Take::Merged);
        assert_eq!(taken(&batch), [(0, 0)], "topic 0 may have another one of 7");
    }

    #[test]
    fn what_lies_beyond_an_end_waits() {
        let mut batch = batch(&[(0, 0, 1), (0, 1, 2), (1, 5, 1), (1, 6, 1)]);
        batch.reached_end(TopicId(0), 0);
        batch.reached_end(TopicId(1), 0);
        batch.settle(2, |_| Take::MergedBelow(&[1, 6]));
        assert_eq!(taken(&batch), [(0, 0), (1, 5)]);
        batch.release();
        assert_eq!(batch.len(), 2);
    }

    #[test]
    fn a_topic_that_has_passed_its_end_holds_no_other_back() {
        let mut batch = batch(&[(0, 1, 2), (1, 5, 7)]);
        batch.reached_end(TopicId(1), 0);
        batch.settle(2, |_| Take::MergedBelow(&[2, 6]));
        assert_eq!(taken(&batch), [(0, 1)], "topic 0 may have more of 2 to 7");
        batch.settle(2, |_| Take::MergedBelow(&[1, 6]));
        assert_eq!(taken(&batch), [(1, 5)]);
    }

    #[test]
    fn what_waits_takes_no_room_from_what_is_new() {
        let mut batch = Batch::new(BatchLimits { records_max: 2, bytes_max: 1 << 20, held_max: 4 });
        let record = |offset| Record {
            topic: TopicId(0),
            partition: 0,
            offset,
            time_ms: 0,
            key: None,
            value: None,
            headers: Headers::NONE,
        };
        [0, 1].into_iter().for_each(|offset| batch.push(&record(offset)));
        assert!(!batch.has_room_for(&record(2)) && batch.is_full());
        batch.settle(2, |_| Take::Merged);
        batch.release();
        assert_eq!(batch.len(), 2, "topic 1 may still have something");
        assert!(batch.has_room_for(&record(2)) && !batch.is_full());
    }

    #[test]
    fn nothing_is_below_an_end_that_the_first_record_has_passed() {
        let mut batch = batch(&[(0, 4, 1), (0, 5, 1)]);
        assert!(batch.has_none_below(TopicId(0), 0, 4), "3 was of an aborted transaction");
        assert!(!batch.has_none_below(TopicId(0), 0, 5));
        assert!(!batch.has_none_below(TopicId(1), 0, 5), "nobody knows");
        batch.reached_end(TopicId(1), 0);
        assert!(batch.has_none_below(TopicId(1), 0, 5));
    }

    #[test]
    fn too_many_that_wait_are_not_wanted_until_half_of_them_are_gone() {
        let mut batch = batch(&[(0, 0, 1), (0, 1, 2), (0, 2, 3)]);
        assert!(batch.wants(TopicId(0), 0));
        let more = Record { offset: 3, time_ms: 4, ..batch.get(0) };
        let (key, value) = (more.key.map(<[u8]>::to_vec), more.value.map(<[u8]>::to_vec));
        let more = Record { key: key.as_deref(), value: value.as_deref(), headers: Headers::NONE, ..more };
        batch.push(&more);
        assert!(!batch.wants(TopicId(0), 0));
        for (ends, wanted) in [(&[1, 0], false), (&[2, 0], true)] {
            batch.reached_end(TopicId(0), 0);
            batch.reached_end(TopicId(1), 0);
            batch.settle(2, |_| Take::MergedBelow(ends));
            batch.release();
            assert_eq!(batch.wants(TopicId(0), 0), wanted);
        }
        batch.forget(0);
        assert!(batch.is_empty() && !batch.is_drained(TopicId(0), 0));
    }
}
