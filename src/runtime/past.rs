//! Owns the past of a partition as its journal tells it: turn by turn, with what each read, in the order in which it was
//! applied. All that can be checked without a state is checked.

use super::batch::{Batch, BatchLimits, Take};
use super::journal::{Entry, EntryError, Range, is_of};
use super::log::{Bounds, CommittedLog, LogError, read_all};
use super::outbox::Topics;
use super::records::{Record, Records, TopicId};

/// Times on end that nothing can be read before the journal is given up.
const NOTHING_MAX: u32 = 100;

/// The turns of a partition, as far as its journal went when it began.
pub struct Past {
    group: String,
    partition: u32,
    journal: TopicId,
    next: i64,
    end: i64,
    records: Records,
    at: usize,
    /// The last entry's turn and hash.
    last: Option<Last>,
    /// By input topic: where it begins, and where the turns so far have left off.
    inputs: Vec<Input>,
    scratch: Records,
    batch: Batch,
}

struct Last {
    entry: Entry,
    hash: u128,
}

#[derive(Clone, Copy)]
struct Input {
    first: i64,
    position: Option<i64>,
}

/// A record of the journal.
#[derive(Debug)]
pub struct PastTurn {
    /// Its offset.
    pub offset: i64,
    /// The turn, where it can be read.
    pub entry: Result<Entry, EntryError>,
    /// What does not agree with the turns before it, a sentence each.
    pub flaws: Vec<String>,
}

impl Past {
    /// Begins with the first turn that the journal still has.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn open<L: CommittedLog>(log: &mut L, topics: &Topics, group: &str, partition: u32) -> Result<Past, LogError> {
        let journal = topics.outputs.journal.ok_or_else(|| LogError::Fatal("there is no journal".to_owned()))?;
        let Bounds { first, end } = log.bounds(journal, partition)?;
        let input = |topic: usize| {
            log.bounds(TopicId(topic as u16), partition).map(|bounds| Input { first: bounds.first, position: None })
        };
        let inputs = (0..topics.inputs.len()).map(input).collect::<Result<Vec<_>, _>>()?;
        Ok(Past {
            group: group.to_owned(),
            partition,
            journal,
            next: first,
            end,
            records: Records::default(),
            at: 0,
            last: None,
            inputs,
            scratch: Records::default(),
            batch: Batch::new(BatchLimits::default()),
        })
    }

    /// The next turn. `None`: there are no more.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn next_turn<L: CommittedLog>(&mut self, log: &mut L) -> Result<Option<PastTurn>, LogError> {
        let mut nothing = 0;
        loop {
            let is_of = |at: &usize| is_of(&self.group, &self.records.get(*at));
            if let Some(at) = (self.at..self.records.len()).find(is_of) {
                self.at = at;
                break;
            }
            if self.next >= self.end {
                return Ok(None);
            }
            self.records.clear();
            self.at = 0;
            let next = log.read(self.journal, self.partition, self.next, self.end, &mut self.records)?;
            nothing = if next == self.next { nothing + 1 } else { 0 };
            if nothing > NOTHING_MAX {
                return Err(LogError::Retry("the journal gives nothing: try again".to_owned()));
            }
            self.next = next;
        }
        let record = self.records.get(self.at);
        self.at += 1;
        let (offset, bytes) = (record.offset, record.value.unwrap_or_default());
        let entry = Entry::decode(bytes);
        let mut flaws = Vec::new();
        if let Ok(entry) = &entry {
            let last = Last { entry: entry.clone(), hash: Entry::hash(bytes) };
            self.check(entry, &mut flaws);
            self.last = Some(last);
        }
        Ok(Some(PastTurn { offset, entry, flaws }))
    }

    /// Reads again what a turn read: its ranges as they are found now. After that [`Past::records`] has the records.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn read<L: CommittedLog>(&mut self, log: &mut L, entry: &Entry) -> Result<Vec<Range>, LogError> {
        self.batch.release();
        let mut found = Vec::with_capacity(entry.ranges.len());
        for range in &entry.ranges {
            let topic = TopicId(range.topic);
            let mut again = Range::empty(topic, range.from);
            let first = self.inputs.get(usize::from(range.topic)).map_or(i64::MAX, |input| input.first);
            self.scratch.clear();
            read_all(log, topic, self.partition, range.from.max(first), range.to, &mut self.scratch)?;
            for index in 0..self.scratch.len() {
                let record = self.scratch.get(index);
                again.take(&record, self.scratch.raw(index));
                self.batch.push(&record);
            }
            found.push(again);
        }
        self.batch.settle(self.inputs.len(), |_| Take::All);
        Ok(found)
    }

    /// The records of the turn that was read last, in the order in which it applied them.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.batch.order().iter().map(|place| self.batch.get(*place))
    }

    /// The first offset that an input still has.
    #[must_use]
    pub fn first_of(&self, topic: TopicId) -> i64 {
        self.inputs[usize::from(topic.0)].first
    }

    fn check(&mut self, entry: &Entry, flaws: &mut Vec<String>) {
        match &self.last {
            None if entry.epoch == 1 && entry.previous != 0 => {
                flaws.push("it names a turn before it, and is the first".to_owned());
            }
            None => {}
            Some(Last { entry: last, hash }) => {
                if entry.epoch != last.epoch + 1 {
                    flaws.push(format!(
                        "it follows turn {}: turns are missing, or were written by somebody else",
                        last.epoch
                    ));
                } else if entry.previous != *hash {
                    flaws.push("it does not name the turn before it as that is: one of them was exchanged".to_owned());
                }
                if entry.now < last.now {
                    flaws.push(format!("its wall clock {} is before that of the turn before, {}", entry.now, last.now));
                }
                if entry.clock < last.clock {
                    flaws.push("its clock ran backwards".to_owned());
                }
            }
        }
        let mut records = 0_u64;
        for (place, range) in entry.ranges.iter().enumerate() {
            let Range { topic, from, to, records: count, .. } = *range;
            records += u64::from(count);
            let is_sorted = place == 0 || entry.ranges[place - 1].topic < topic;
            let Some(input) = self.inputs.get_mut(usize::from(topic)).filter(|_| is_sorted) else {
                flaws.push(format!("it names the input topic number {topic}, which is out of place"));
                continue;
            };
            if let Some(position) = input.position.filter(|position| *position != from) {
                flaws.push(format!(
                    "it reads topic {topic} from {from} on, and the turns before had come to {position}"
                ));
            }
            if to <= from || i64::from(count) > to - from || count == 0 {
                flaws.push(format!("it read {count} records of topic {topic} from {from} to {to}, which cannot be"));
            }
            input.position = Some(to);
        }
        if u64::from(entry.counts.records()) != records {
            let counted = entry.counts.records();
            flaws.push(format!("it read {records} records, and says what became of {counted}"));
        }
    }
}
