//! Owns one partition of the embedded log: blocks of records, which transaction each is of, and what readers may see.

use std::collections::VecDeque;

use crate::runtime::{Bounds, LogError, Record, Records};

use super::log::Isolation;

/// Records of one partition. As on Kafka the end of a transaction takes an offset of its own, so offsets have gaps.
#[derive(Debug, Default)]
pub(super) struct Partition {
    blocks: VecDeque<Block>,
    start: i64,
    end: i64,
    /// The transactions that are neither committed nor aborted, and the first offset of each.
    open: Vec<(u64, i64)>,
}

/// Records appended at once.
#[derive(Debug)]
struct Block {
    first: i64,
    records: Records,
    state: State,
}

/// What is known of a block's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open(u64),
    Committed,
    Aborted,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Commit,
    Abort,
}

impl Block {
    fn end(&self) -> i64 {
        self.first + self.records.len() as i64
    }
}

impl Partition {
    /// Appends records, of an open transaction or of none, and gives the first one's offset.
    pub(super) fn append(&mut self, records: Records, transaction: Option<u64>) -> i64 {
        let first = self.end;
        if let Some(transaction) = transaction
            && !self.open.iter().any(|(open, _)| *open == transaction)
        {
            self.open.push((transaction, first));
        }
        self.end += records.len() as i64;
        let state = transaction.map_or(State::Committed, State::Open);
        self.blocks.push_back(Block { first, records, state });
        first
    }

    /// Ends a transaction that has records here.
    pub(super) fn end_transaction(&mut self, transaction: u64, ending: Ending) {
        let Some(place) = self.open.iter().position(|(open, _)| *open == transaction) else { return };
        let (_, first) = self.open.swap_remove(place);
        let from = self.blocks.partition_point(|block| block.end() <= first);
        for block in self.blocks.range_mut(from..) {
            if block.state == State::Open(transaction) {
                block.state = match ending {
                    Ending::Commit => State::Committed,
                    Ending::Abort => State::Aborted,
                };
            }
        }
        self.end += 1;
    }

    /// Below this offset every transaction has ended.
    fn stable_end(&self) -> i64 {
        self.open.iter().map(|(_, first)| *first).min().unwrap_or(self.end)
    }

    /// Where it begins and ends for a reader of committed records.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { first: self.start, end: self.stable_end() }
    }

    /// The offset that the next record will get.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Hands over records from `from` on until `take` refuses one, and gives the offset to go on from.
    ///
    /// # Errors
    /// When what was there is gone, or was never there.
    pub(super) fn read(
        &self,
        from: i64,
        isolation: Isolation,
        mut take: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<i64, LogError> {
        let limit = match isolation {
            Isolation::Committed => self.stable_end(),
            Isolation::Uncommitted => self.end,
        };
        if from < self.start || from > self.end {
            let (start, end) = (self.start, self.end);
            return Err(LogError::Fatal(format!("offset {from} is not in the log, which has {start} to {end}")));
        }
        let skip = self.blocks.partition_point(|block| block.end() <= from);
        for block in self.blocks.range(skip..) {
            if block.first >= limit {
                break;
            }
            if block.state == State::Aborted && isolation == Isolation::Committed {
                continue;
            }
            for offset in from.max(block.first)..block.end() {
                let record = block.records.get((offset - block.first) as usize);
                if !take(&Record { offset, ..record }) {
                    return Ok(offset);
                }
            }
        }
        Ok(from.max(limit))
    }

    /// Drops what lies below `offset`, as far as every transaction there has ended; whole blocks give their memory back.
    /// Gives the bytes that were freed.
    pub(super) fn trim(&mut self, offset: i64) -> usize {
        self.start = self.start.max(offset.min(self.stable_end()));
        let mut freed = 0;
        while let Some(block) = self.blocks.front()
            && block.end() <= self.start
        {
            freed += block.records.bytes();
            self.blocks.pop_front();
        }
        freed
    }
}
