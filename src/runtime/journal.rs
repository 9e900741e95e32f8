//! Owns the journal: one small record for each turn of a shard, in the turn's transaction, which says what the turn read and
//! what it made of it. So the journal is the order in which a shard saw its inputs, and the proof of what came of them.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::Instant;
use crate::base::hash::{StableHasher, fold, quick_hash_of, stable_hash};
use crate::risk::Params;

use super::records::{Record, Records, TopicId};

/// What the results of the engine depend on beside inputs and params: raised with every change of the code that makes other
/// outputs, or another state, of the same inputs. Entries of another number are followed without comparing what came out.
pub const SEMANTICS: u32 = 2;

/// The form of an entry.
const FORM: u8 = 2;
/// Bytes of the checksum at the end of an entry.
const CHECKSUM_BYTES: usize = 16;

/// One turn of one shard.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// The number of the turn: 1 for the first.
    pub epoch: u64,
    /// The hash of the entry before ([`Entry::hash`]); 0 for the first.
    pub previous: u128,
    /// Who took the turn.
    pub instance: String,
    /// The [`SEMANTICS`] that it was taken with.
    pub semantics: u32,
    /// The params, in full, where the turn began with others than the one before had.
    pub params: Option<Params>,
    /// How the turn was taken.
    pub mode: Mode,
    /// While the shard reads what was there before it began: where that ends, by input topic.
    pub ends: Option<Vec<i64>>,
    /// The wall clock that the turn went by.
    pub now: Instant,
    /// What it read, in order of topic.
    pub ranges: Vec<Range>,
    /// What became of it.
    pub counts: EntryCounts,
    /// Where it left the shard's clock.
    pub clock: Option<Instant>,
    /// What it put out, figures of buyers left out.
    pub outputs: Outputs,
    /// How many buyers' figures it told, of those that waited longest.
    pub exposures: u32,
    /// The hash of all judgements of the shard so far.
    pub judgements: u64,
}

/// How a turn was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Mode {
    /// On the clock of the events.
    Event,
    /// On the clock of the events, telling nothing.
    Quiet,
    /// The end of telling nothing: every buyer is judged as of the clock of the events, and what holds is told.
    Raise,
    /// The same, after the clock has moved to the wall clock in silence.
    RaiseLive,
    /// On the wall clock.
    Live,
}

impl Mode {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Event => "event",
            Mode::Quiet => "quiet",
            Mode::Raise => "raise",
            Mode::RaiseLive => "raise_live",
            Mode::Live => "live",
        }
    }
}

/// The records of a topic that a turn read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Range {
    /// The topic, by its place among the inputs.
    pub topic: u16,
    /// The position before.
    pub from: i64,
    /// The position after: the last record's offset plus 1.
    pub to: i64,
    /// Records between them.
    pub records: u32,
    /// A hash of their times, keys, values and headers.
    pub checksum: u64,
}

/// Keeps apart what stands in different places of a checksum: the first bits of the golden ratio.
const CHECKSUM_KEY: u64 = 0x9e37_79b9_7f4a_7c15;

impl Range {
    /// Nothing of a topic, from a position on.
    #[must_use]
    pub const fn empty(topic: TopicId, from: i64) -> Range {
        Range { topic: topic.0, from, to: from, records: 0, checksum: 0 }
    }

    /// Takes in the next record of its topic. `raw` are its key, value and headers end to end.
    #[inline]
    pub fn take(&mut self, record: &Record<'_>, raw: &[u8]) {
        self.to = record.offset + 1;
        self.records += 1;
        let written = record.time_ms.cast_unsigned() ^ record.offset.cast_unsigned().rotate_left(32);
        self.checksum = fold(self.checksum ^ quick_hash_of(raw), written ^ CHECKSUM_KEY);
    }
}

/// What became of the records of a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EntryCounts {
    /// Records that counted.
    pub applied: u32,
    /// Records known already.
    pub duplicate: u32,
    /// Records refused.
    pub refused: u32,
    /// Records without a value.
    pub skipped: u32,
}

impl EntryCounts {
    /// All of them.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.applied + self.duplicate + self.refused + self.skipped
    }
}

/// What a turn put out, dead letters included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outputs {
    /// Records.
    pub records: u32,
    /// A hash of their topics, keys, values and headers, in order.
    pub hash: u128,
}

impl Outputs {
    /// Of the records from a place on.
    #[must_use]
    pub fn of(records: &Records, from: usize) -> Outputs {
        if records.len() == from {
            return Outputs::default();
        }
        let mut hasher = StableHasher::default();
        for index in from..records.len() {
            let TopicId(topic) = records.get(index).topic;
            hasher.part(&topic.to_le_bytes());
            hasher.part(records.raw(index));
        }
        Outputs { records: (records.len() - from) as u32, hash: hasher.finish() }
    }
}

/// What is wrong with the bytes of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is no entry, or of a later program.
    #[error("it has form {0}, and this program reads form {FORM}: start the program that wrote it, or a later one")]
    Form(u8),
    /// Its bytes are not those that were written.
    #[error("its checksum does not agree: it was not written by vigie, or was damaged")]
    Damaged,
}

impl Entry {
    /// Appends its bytes.
    ///
    /// # Panics
    /// Never: storing to memory does not fail.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(FORM);
        borsh::to_writer(&mut *out, self).expect("storing to memory does not fail");
        let checksum = stable_hash(&[&out[start..]]);
        out.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When the bytes are none of an entry that this program can read.
    pub fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
        match bytes.first() {
            Some(&FORM) => {}
            Some(&form) => return Err(EntryError::Form(form)),
            None => return Err(EntryError::Damaged),
        }
        let at = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(EntryError::Damaged)?;
        let (body, checksum) = bytes.split_at(at);
        if body.is_empty() || stable_hash(&[body]).to_le_bytes() != checksum {
            return Err(EntryError::Damaged);
        }
        borsh::from_slice(&body[1..]).map_err(|_| EntryError::Damaged)
    }

    /// The hash of an entry's bytes, by which the next one names it.
    #[must_use]
    pub fn hash(bytes: &[u8]) -> u128 {
        stable_hash(&[bytes])
    }
}

/// Whether a record of the journal is of a group: several may share one.
#[must_use]
pub fn is_of(group: &str, record: &Record<'_>) -> bool {
    record.key == Some(group.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Currency;

    fn entry() -> Entry {
        Entry {
            epoch: 7,
            previous: 3,
            instance: "a".to_owned(),
            semantics: SEMANTICS,
            params: Some(Params::new(Currency::parse("EUR").expect("a currency"))),
            mode: Mode::Live,
            ends: Some(vec![4, 5]),
            now: Instant::from_nanos(9),
            ranges: vec![Range { topic: 1, from: 2, to: 9, records: 5, checksum: 8 }],
            counts: EntryCounts { applied: 3, duplicate: 1, refused: 1, skipped: 0 },
            clock: None,
            outputs: Outputs { records: 2, hash: 1 },
            exposures: 1,
            judgements: 77,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_no_damaged_one_is() {
        let mut bytes = Vec::new();
        entry().encode(&mut bytes);
        assert_eq!(Entry::decode(&bytes), Ok(entry()));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(Entry::decode(&damaged).is_err(), "byte {place}");
            assert!(Entry::decode(&bytes[..place]).is_err(), "cut at {place}");
        }
        bytes[0] = 9;
        assert_eq!(Entry::decode(&bytes), Err(EntryError::Form(9)));
    }
}
