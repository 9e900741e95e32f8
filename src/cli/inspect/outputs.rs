//! Owns the comparison of what lies in the output topics with what the turns of the journal make when they are taken again.

use crate::runtime::{CommittedLog, LogError, Records, TopicId, Topics};

/// Times on end that nothing can be read before a topic is given up.
const NOTHING_MAX: u32 = 100;

/// The outputs of a partition, topic by topic, each read once from its beginning to where it ended at the start.
pub struct Outputs {
    partition: u32,
    cursors: Vec<Cursor>,
}

struct Cursor {
    topic: TopicId,
    name: String,
    next: i64,
    end: i64,
    records: Records,
    at: usize,
    /// Whether it stands where the next output is to be; before that it looks for it.
    is_aligned: bool,
}

impl Outputs {
    /// Begins: the first output of each topic is looked for.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn open<L: CommittedLog>(log: &mut L, topics: &Topics, partition: u32) -> Result<Outputs, LogError> {
        let of = topics.outputs;
        let mut cursors: Vec<Cursor> = Vec::new();
        for topic in [of.alerts, of.limit_proposals, of.limit_changes, of.order_decisions, of.dead_letters] {
            let bounds = log.bounds(topic, partition)?;
            let name = topics.names[usize::from(topic.0)].clone();
            let (next, end) = (bounds.first, bounds.end);
            if cursors.iter().all(|known| known.topic != topic) {
                let records = Records::default();
                cursors.push(Cursor { topic, name, next, end, records, at: 0, is_aligned: false });
            }
        }
        Ok(Outputs { partition, cursors })
    }

    /// Says that the next turn is the first: what lies in the topics begins with its outputs, as far as nothing was deleted.
    pub fn begin_with_the_first(&mut self) {
        for cursor in &mut self.cursors {
            cursor.is_aligned = cursor.next == 0;
        }
    }

    /// Compares what a turn makes with what lies there next; says what is wrong.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn compare<L: CommittedLog>(&mut self, log: &mut L, made: &Records) -> Result<Option<String>, LogError> {
        for index in 0..made.len() {
            let topic = made.get(index).topic;
            let Some(cursor) = self.cursors.iter_mut().find(|cursor| cursor.topic == topic) else { continue };
            let number = index + 1;
            loop {
                if !cursor.is_there(log, self.partition)? {
                    let name = &cursor.name;
                    return Ok(Some(format!("its output {number} of {} is missing in {name}", made.len())));
                }
                let is_same = cursor.records.raw(cursor.at) == made.raw(index);
                let offset = cursor.records.get(cursor.at).offset;
                cursor.at += 1;
                if is_same {
                    cursor.is_aligned = true;
                    break;
                }
                if cursor.is_aligned {
                    let name = &cursor.name;
                    return Ok(Some(format!(
                        "its output {number} of {} is another at offset {offset} of {name}",
                        made.len()
                    )));
                }
            }
        }
        Ok(None)
    }

    /// What lies there beyond the outputs of the last turn, by topic.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn left<L: CommittedLog>(&mut self, log: &mut L) -> Result<Vec<(String, i64)>, LogError> {
        let mut left = Vec::new();
        for cursor in self.cursors.iter_mut().filter(|cursor| cursor.is_aligned) {
            if cursor.is_there(log, self.partition)? {
                left.push((cursor.name.clone(), cursor.records.get(cursor.at).offset));
            }
        }
        Ok(left)
    }
}

impl Cursor {
    /// Reads on where it has to; says whether there is another record.
    fn is_there<L: CommittedLog>(&mut self, log: &mut L, partition: u32) -> Result<bool, LogError> {
        let mut nothing = 0;
        while self.at == self.records.len() && self.next < self.end {
            self.records.clear();
            self.at = 0;
            let next = log.read(self.topic, partition, self.next, self.end, &mut self.records)?;
            nothing = if next == self.next { nothing + 1 } else { 0 };
            if nothing > NOTHING_MAX {
                return Err(LogError::Retry(format!("{} gives nothing: try again", self.name)));
            }
            self.next = next;
        }
        Ok(self.at < self.records.len())
    }
}
