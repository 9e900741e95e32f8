//! Owns records packed into one byte buffer: nothing is allocated per record, and a cleared buffer is used again.

use crate::wire::Header;

/// A topic, by its place in the list of whoever made the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u16);

/// One record of a log.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its topic.
    pub topic: TopicId,
    /// Its partition.
    pub partition: u32,
    /// Its offset; meaningless before the log has given it one.
    pub offset: i64,
    /// Its time in milliseconds since 1970: when it was written.
    pub time_ms: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, in order.
    pub headers: Headers<'a>,
}

impl Record<'_> {
    /// What it takes in a buffer, its lengths left out.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len) + self.headers.bytes()
    }
}

/// The headers of a record, in order.
#[derive(Debug, Clone, Copy)]
pub enum Headers<'a> {
    /// As a list.
    Listed(&'a [Header<'a>]),
    /// As they lie in a buffer: their lengths, and their bytes end to end.
    Packed(&'a [HeaderLengths], &'a [u8]),
}

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Headers<'static> = Headers::Listed(&[]);

    /// Each in turn.
    ///
    /// # Panics
    /// Never: what is packed was text before.
    pub fn iter(self) -> impl Iterator<Item = Header<'a>> {
        let (listed, packed, mut bytes): (&[Header<'a>], &[HeaderLengths], &[u8]) = match self {
            Headers::Listed(headers) => (headers, &[], &[]),
            Headers::Packed(lengths, bytes) => (&[], lengths, bytes),
        };
        listed.iter().copied().chain(packed.iter().map(move |lengths| {
            let (name, rest) = bytes.split_at(lengths.name as usize);
            let (value, rest) = rest.split_at(lengths.value.unwrap_or(0) as usize);
            bytes = rest;
            Header {
                name: std::str::from_utf8(name).expect("a header's name was text when it was packed"),
                value: lengths.value.map(|_| value),
            }
        }))
    }

    fn bytes(self) -> usize {
        match self {
            Headers::Listed(headers) => {
                headers.iter().map(|header| header.name.len() + header.value.map_or(0, <[u8]>::len)).sum()
            }
            Headers::Packed(_, bytes) => bytes.len(),
        }
    }
}

/// The lengths of a packed header.
#[derive(Debug, Clone, Copy)]
pub struct HeaderLengths {
    name: u32,
    value: Option<u32>,
}

/// Records end to end in one buffer.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    headers: Vec<HeaderLengths>,
}

/// Where a record lies: its key, its value and its headers stand end to end.
#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    time_ms: i64,
    start: u32,
    key_bytes: u32,
    value_bytes: u32,
    header_bytes: u32,
    header_start: u32,
    header_count: u16,
    topic: TopicId,
    partition: u32,
}

impl Records {
    /// The most that one buffer holds.
    pub const BYTES_MAX: usize = 1 << 30;
    /// Stands for the length of a key or a value that is not there.
    const ABSENT: u32 = u32::MAX;

    /// An empty buffer with room for `records` of `bytes` in all.
    #[must_use]
    pub fn with_capacity(records: usize, bytes: usize) -> Records {
        Records { bytes: Vec::with_capacity(bytes), entries: Vec::with_capacity(records), headers: Vec::new() }
    }

    /// Appends a copy of `record`.
    ///
    /// # Panics
    /// When the buffer would pass [`Records::BYTES_MAX`], or a record has over 65,535 headers: Kafka has lower limits.
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) {
        let start = self.bytes.len();
        assert!(start + record.bytes() <= Records::BYTES_MAX, "a buffer of records is over its limit");
        let header_start = self.headers.len();
        self.bytes.extend_from_slice(record.key.unwrap_or_default());
        self.bytes.extend_from_slice(record.value.unwrap_or_default());
        let headers_from = self.bytes.len();
        for header in record.headers.iter() {
            self.bytes.extend_from_slice(header.name.as_bytes());
            self.bytes.extend_from_slice(header.value.unwrap_or_default());
            let value = header.value.map(|value| value.len() as u32);
            self.headers.push(HeaderLengths { name: header.name.len() as u32, value });
        }
        let length = |part: Option<&[u8]>| part.map_or(Records::ABSENT, |part| part.len() as u32);
        self.entries.push(Entry {
            offset: record.offset,
            time_ms: record.time_ms,
            start: start as u32,
            key_bytes: length(record.key),
            value_bytes: length(record.value),
            header_bytes: (self.bytes.len() - headers_from) as u32,
            header_start: header_start as u32,
            header_count: u16::try_from(self.headers.len() - header_start).expect("few headers"),
            topic: record.topic,
            partition: record.partition,
        });
    }

    /// The record at `index`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Record<'_> {
        let entry = &self.entries[index];
        let part = |start: usize, bytes: u32| -> (Option<&[u8]>, usize) {
            match bytes {
                Records::ABSENT => (None, start),
                bytes => (Some(&self.bytes[start..start + bytes as usize]), start + bytes as usize),
            }
        };
        let (key, start) = part(entry.start as usize, entry.key_bytes);
        let (value, start) = part(start, entry.value_bytes);
        let lengths = &self.headers[entry.header_start as usize..][..usize::from(entry.header_count)];
        Record {
            topic: entry.topic,
            partition: entry.partition,
            offset: entry.offset,
            time_ms: entry.time_ms,
            key,
            value,
            headers: Headers::Packed(lengths, &self.bytes[start..start + entry.header_bytes as usize]),
        }
    }

    /// The bytes of the record at `index`: key, value and headers end to end.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[inline]
    pub fn raw(&self, index: usize) -> &[u8] {
        let entry = &self.entries[index];
        let end = self.entries.get(index + 1).map_or(self.bytes.len(), |next| next.start as usize);
        &self.bytes[entry.start as usize..end]
    }

    /// Every record, in the order in which they were pushed.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Record<'_>> + ExactSizeIterator {
        (0..self.len()).map(|index| self.get(index))
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of their keys, values and headers.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets every record and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.headers.clear();
    }

    /// Forgets every record from `index` on.
    pub fn truncate(&mut self, index: usize) {
        let Some(first) = self.entries.get(index) else { return };
        self.bytes.truncate(first.start as usize);
        self.headers.truncate(first.header_start as usize);
        self.entries.truncate(index);
    }

    /// Partition, time, topic and offset of the record at `index`.
    #[inline]
    pub(super) fn order(&self, index: usize) -> (u32, i64, TopicId, i64) {
        let entry = &self.entries[index];
        (entry.partition, entry.time_ms, entry.topic, entry.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_record_is_the_one_that_was_pushed() {
        let mut records = Records::default();
        let headers = [Header { name: "ce_id", value: Some(b"1") }, Header { name: "empty", value: None }];
        let whole = Record {
            topic: TopicId(3),
            partition: 7,
            offset: 42,
            time_ms: -1,
            key: Some(b"buyer"),
            value: Some(b"{}"),
            headers: Headers::Listed(&headers),
        };
        records.push(&whole);
        records.push(&Record { key: None, value: None, headers: Headers::NONE, ..whole });
        records.push(&Record { key: Some(b""), value: Some(b""), ..whole });
        let first = records.get(0);
        assert_eq!((first.topic, first.partition, first.offset, first.time_ms), (TopicId(3), 7, 42, -1));
        assert_eq!((first.key, first.value), (Some(&b"buyer"[..]), Some(&b"{}"[..])));
        let names: Vec<_> = first.headers.iter().map(|header| (header.name, header.value)).collect();
        assert_eq!(names, [("ce_id", Some(&b"1"[..])), ("empty", None)]);
        let second = records.get(1);
        assert_eq!((second.key, second.value, second.headers.iter().count()), (None, None, 0));
        let third = records.get(2);
        assert_eq!((third.key, third.value, third.headers.iter().count()), (Some(&b""[..]), Some(&b""[..]), 2));
        let mut copy = Records::default();
        records.iter().for_each(|record| copy.push(&record));
        assert_eq!((copy.len(), copy.bytes()), (3, records.bytes()));
        copy.clear();
        assert!(copy.is_empty());
    }
}
