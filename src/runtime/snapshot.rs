//! Owns the form of a snapshot: the state of a shard after one of its turns, where that stands in the journal and in the
//! inputs, and a checksum over all of it.

use borsh::{BorshDeserialize, BorshSerialize};

use super::journal::Mode;
use crate::base::Instant;
use crate::base::hash::stable_hash;

/// The first bytes of a snapshot, with the number of its form.
const MAGIC: &[u8; 8] = b"vigie\0s3";
/// What snapshots of every form begin with: the number of the form follows.
const MAGIC_OF_ALL: &[u8; 7] = b"vigie\0s";
/// Bytes of the checksum at its end.
const CHECKSUM_BYTES: usize = 16;
/// Bytes of a length.
const LENGTH_BYTES: usize = 8;

/// Where a state stands: what a recovery needs besides the state itself.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Standing {
    /// The partition of its shard.
    pub partition: u32,
    /// How many partitions there are.
    pub partitions: u32,
    /// The last turn in it.
    pub epoch: u64,
    /// The hash of that turn's journal entry.
    pub entry: u128,
    /// An offset of the journal's partition after that entry, and before the next.
    pub journal_next: i64,
    /// The position after it of each input topic.
    pub positions: Vec<i64>,
    /// How the turn was taken.
    pub mode: Mode,
    /// While the shard reads what was there before it began: where that ends, by input topic.
    pub ends: Option<Vec<i64>>,
    /// The wall clock of the turn.
    pub now: Instant,
    /// The buyers whose figures wait to be told, the longest waiting first.
    pub untold: Vec<String>,
    /// The [`super::journal::SEMANTICS`] that the state was made with.
    pub semantics: u32,
    /// The hash of the state.
    pub state_hash: u128,
}

/// A snapshot, read and found whole.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// Where it stands.
    pub standing: Standing,
    /// The stored head of the shard.
    pub head: &'a [u8],
    /// Its stored buyers, end to end.
    pub buyers: &'a [u8],
}

/// Why bytes are no snapshot that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They are none.
    #[error("it does not begin as a snapshot does")]
    NoSnapshot,
    /// Another program wrote it.
    #[error(
        "it is a snapshot of form s{}, and this program reads form s{}: the state is made anew from an older snapshot or the \
         inputs, unless the program that wrote it is started",
        char::from(*found), char::from(MAGIC[MAGIC.len() - 1])
    )]
    Form {
        /// The number of its form, as a character.
        found: u8,
    },
    /// They are not those that were written.
    #[error("its checksum does not agree: it was cut short or damaged")]
    Damaged,
}

/// The bytes of a snapshot in the making: the stored head first, then buyers as they come.
#[derive(Debug)]
pub struct Writing {
    bytes: Vec<u8>,
}

impl Writing {
    /// Begins with the stored head of the shard.
    #[must_use]
    pub fn new(head: &[u8]) -> Writing {
        let mut bytes = Vec::with_capacity(MAGIC.len() + LENGTH_BYTES + head.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
        bytes.extend_from_slice(head);
        Writing { bytes }
    }

    /// Where stored buyers are appended.
    pub fn buyers(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends it.
    ///
    /// # Panics
    /// Never: storing to memory does not fail.
    #[must_use]
    pub fn finish(self, standing: &Standing) -> Vec<u8> {
        let mut bytes = self.bytes;
        let start = bytes.len();
        borsh::to_writer(&mut bytes, standing).expect("storing to memory does not fail");
        let length = (bytes.len() - start) as u64;
        bytes.extend_from_slice(&length.to_le_bytes());
        let checksum = stable_hash(&[&bytes]);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

impl<'a> Snapshot<'a> {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// When the bytes are none, or not whole.
    pub fn read(bytes: &'a [u8]) -> Result<Snapshot<'a>, SnapshotError> {
        if !bytes.starts_with(MAGIC) {
            return Err(match bytes.strip_prefix(MAGIC_OF_ALL).and_then(<[u8]>::first) {
                Some(found) if found.is_ascii_alphanumeric() => SnapshotError::Form { found: *found },
                _ => SnapshotError::NoSnapshot,
            });
        }
        let (body, checksum) = split_end(bytes, CHECKSUM_BYTES)?;
        if stable_hash(&[body]).to_le_bytes() != checksum {
            return Err(SnapshotError::Damaged);
        }
        let (body, length) = split_end(body, LENGTH_BYTES)?;
        let (body, standing) = split_end(body, length_of(length)?)?;
        let standing = borsh::from_slice(standing).map_err(|_| SnapshotError::Damaged)?;
        let body = body.get(MAGIC.len()..).ok_or(SnapshotError::Damaged)?;
        let (length, body) = body.split_at_checked(LENGTH_BYTES).ok_or(SnapshotError::Damaged)?;
        let (head, buyers) = body.split_at_checked(length_of(length)?).ok_or(SnapshotError::Damaged)?;
        Ok(Snapshot { standing, head, buyers })
    }
}

fn split_end(bytes: &[u8], end_bytes: usize) -> Result<(&[u8], &[u8]), SnapshotError> {
    let at = bytes.len().checked_sub(end_bytes).ok_or(SnapshotError::Damaged)?;
    Ok(bytes.split_at(at))
}

fn length_of(bytes: &[u8]) -> Result<usize, SnapshotError> {
    let length = bytes.try_into().map(u64::from_le_bytes).map_err(|_| SnapshotError::Damaged)?;
    usize::try_from(length).map_err(|_| SnapshotError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_read_as_it_was_written_and_no_damaged_one_is() {
        let standing = Standing {
            partition: 3,
            partitions: 12,
            epoch: 9,
            entry: 8,
            journal_next: 7,
            positions: vec![1, 2, 3],
            mode: Mode::Quiet,
            ends: Some(vec![4]),
            now: Instant::from_nanos(5),
            untold: vec!["b".to_owned()],
            semantics: 1,
            state_hash: 11,
        };
        let mut writing = Writing::new(b"head");
        writing.buyers().extend_from_slice(b"buyers");
        let bytes = writing.finish(&standing);
        let read = Snapshot::read(&bytes).expect("whole");
        assert_eq!((read.standing, read.head, read.buyers), (standing, &b"head"[..], &b"buyers"[..]));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert!(Snapshot::read(&damaged).is_err(), "byte {place}");
            assert!(Snapshot::read(&bytes[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn a_snapshot_of_another_form_is_named_and_what_is_none_is_not() {
        let why = |bytes: &[u8]| Snapshot::read(bytes).map(drop).map_err(|error| error.to_string());
        let form = "it is a snapshot of form s2, and this program reads form s3: the state is made anew from an older \
                    snapshot or the inputs, unless the program that wrote it is started";
        assert_eq!(why(b"vigie\0s2whatever"), Err(form.to_owned()));
        for none in [&b""[..], b"vigie\0s", b"vigie\0s\0", b"something else"] {
            assert_eq!(Snapshot::read(none).map(drop), Err(SnapshotError::NoSnapshot));
        }
    }
}
