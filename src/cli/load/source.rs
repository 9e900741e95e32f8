//! Owns where the events of a load come from: files one after the other or a generated portfolio, as often as wanted, read ahead
//! in a thread of its own, so that no slow disk or silent pipe stops what is sent and heard meanwhile.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::event::Event;
use crate::io::files::{self, FileError};
use crate::wire::encode_event;
use crate::workload;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// The longest line; what is beyond is no event.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Chunks that are read ahead.
const AHEAD_MAX: usize = 8;

/// What is sent.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The lines of files.
    Files(Vec<PathBuf>),
    /// A generated portfolio.
    Portfolio(workload::Plan),
}

/// Some lines on end of one file.
#[derive(Debug)]
pub struct Chunk {
    /// The lines, with their ends.
    pub bytes: Vec<u8>,
    /// Which file they are of.
    pub file: Arc<Path>,
    /// The number of the first there, from 1 on.
    pub first_line: u64,
    /// The loop, from 0 on.
    pub round: u32,
    /// That it stands for one line which is too long, and has no bytes.
    pub is_cut: bool,
}

impl Chunk {
    /// Its lines and their numbers, empty ones left out.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        Lines { chunk: self, at: 0, number: self.first_line }
    }
}

struct Lines<'a> {
    chunk: &'a Chunk,
    at: usize,
    number: u64,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<(u64, &'a [u8])> {
        while self.at < self.chunk.bytes.len() {
            let rest = &self.chunk.bytes[self.at..];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
            let number = self.number;
            (self.at, self.number) = (self.at + length + 1, number + 1);
            if !line.is_empty() {
                return Some((number, line));
            }
        }
        None
    }
}

/// Begins to read ahead. The thread ends with the last line, an error, or when nobody takes its chunks any more.
pub fn start(origin: Origin, rounds: u32) -> Receiver<Result<Chunk, FileError>> {
    let (sender, receiver) = sync_channel(AHEAD_MAX);
    std::thread::spawn(move || {
        let mut reader = Reader { sender, round: 0 };
        for round in 0..rounds {
            reader.round = round;
            if reader.read(&origin).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Nobody takes chunks any more, or an error was the last.
struct Over;

struct Reader {
    sender: SyncSender<Result<Chunk, FileError>>,
    round: u32,
}

impl Reader {
    fn read(&mut self, origin: &Origin) -> Result<(), Over> {
        match origin {
            Origin::Files(paths) => paths.iter().try_for_each(|path| self.file(path)),
            Origin::Portfolio(plan) => self.portfolio(*plan),
        }
    }

    fn hand_over(&self, chunk: Result<Chunk, FileError>) -> Result<(), Over> {
        let is_last = chunk.is_err();
        self.sender.send(chunk).map_err(|_| Over)?;
        if is_last { Err(Over) } else { Ok(()) }
    }

    fn file(&mut self, path: &Path) -> Result<(), Over> {
        let file: Arc<Path> = path.into();
        let mut reader = match files::open(path) {
            Ok(reader) => reader,
            Err(error) => return self.hand_over(Err(error)),
        };
        let mut lines = LineCutter { file, round: self.round, number: 1, carry: Vec::new(), is_cut: false };
        loop {
            let mut bytes = std::mem::take(&mut lines.carry);
            let carried = bytes.len();
            bytes.resize(carried + CHUNK_BYTES, 0);
            let read = loop {
                match reader.read(&mut bytes[carried..]) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return self.hand_over(Err(FileError::system("read", path, error))),
                    Ok(read) => break read,
                }
            };
            bytes.truncate(carried + read);
            let is_end = read == 0;
            for chunk in lines.cut(bytes, is_end) {
                self.hand_over(Ok(chunk))?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    fn portfolio(&mut self, plan: workload::Plan) -> Result<(), Over> {
        let file: Arc<Path> = Path::new("the generated portfolio").into();
        let mut lines = LineCutter { file, round: self.round, number: 1, carry: Vec::new(), is_cut: false };
        let mut workload = workload::Workload::new(plan);
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        workload.stream(&mut |event: &Event<'_>| {
            encode_event(event, &mut bytes);
            bytes.push(b'\n');
            if bytes.len() < CHUNK_BYTES {
                return Ok(());
            }
            let room = Vec::with_capacity(CHUNK_BYTES);
            lines
                .cut(std::mem::replace(&mut bytes, room), false)
                .into_iter()
                .try_for_each(|chunk| self.hand_over(Ok(chunk)))
        })?;
        lines.cut(bytes, true).into_iter().try_for_each(|chunk| self.hand_over(Ok(chunk)))
    }
}

/// Cuts what is read into whole lines.
struct LineCutter {
    file: Arc<Path>,
    round: u32,
    /// Of the next line.
    number: u64,
    /// The beginning of a line whose end is still to be read.
    carry: Vec<u8>,
    /// That the rest of a line that is too long is skipped.
    is_cut: bool,
}

impl LineCutter {
    /// The whole lines of `bytes`, which begin with what was carried over; what is left is carried on.
    fn cut(&mut self, mut bytes: Vec<u8>, is_end: bool) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        if self.is_cut {
            let Some(end) = memchr::memchr(b'\n', &bytes) else { return chunks };
            bytes.drain(..=end);
            self.is_cut = false;
        }
        if !is_end {
            let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
            self.carry = bytes.split_off(whole);
        }
        if !bytes.is_empty() {
            chunks.push(self.chunk(bytes, false));
        }
        if self.carry.len() > LINE_BYTES_MAX {
            self.carry.clear();
            self.is_cut = true;
            chunks.push(self.chunk(Vec::new(), true));
        }
        chunks
    }

    fn chunk(&mut self, bytes: Vec<u8>, is_cut: bool) -> Chunk {
        let ends = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let lines = if is_cut { 1 } else { ends + u64::from(bytes.last() != Some(&b'\n')) };
        let first_line = self.number;
        self.number += lines;
        Chunk { bytes, file: Arc::clone(&self.file), first_line, round: self.round, is_cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(origin: Origin, rounds: u32) -> Vec<(u32, u64, String)> {
        let mut found = Vec::new();
        for chunk in start(origin, rounds) {
            let chunk = chunk.expect("a chunk");
            if chunk.is_cut {
                found.push((chunk.round, chunk.first_line, "cut".to_owned()));
            }
            let text = |line: &[u8]| String::from_utf8(line.to_vec()).expect("text");
            found.extend(chunk.lines().map(|(number, line)| (chunk.round, number, text(line))));
        }
        found
    }

    #[test]
    fn lines_are_given_whole_and_numbered_file_by_file_and_loop_by_loop() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = ["a", "b"].map(|name| folder.path().join(name)).to_vec();
        let long: String = "x".repeat(CHUNK_BYTES + 7);
        std::fs::write(&paths[0], format!("one\r\n\n{long}\nfour")).expect("written");
        std::fs::write(&paths[1], "only\n").expect("written");
        let of_round = |round| {
            [(1, "one"), (3, long.as_str()), (4, "four"), (1, "only")]
                .map(|(number, text)| (round, number, text.to_owned()))
        };
        assert!(read(Origin::Files(paths), 2) == [of_round(0), of_round(1)].concat());
    }

    #[test]
    fn a_line_that_is_too_long_is_told_as_one_and_the_next_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("long");
        std::fs::write(&path, format!("one\n{}\nthree\n", "x".repeat(3 * LINE_BYTES_MAX))).expect("written");
        let expected = [(1, "one"), (2, "cut"), (3, "three")].map(|(number, text)| (0, number, text.to_owned()));
        assert_eq!(read(Origin::Files(vec![path]), 1), expected);
    }

    #[test]
    fn a_portfolio_is_what_generate_writes() {
        let plan = workload::Plan::new(&workload::PRESETS[0], 3).with_buyers(5).expect("a plan");
        let mut lines = Vec::new();
        let written: Result<(), ()> = workload::Workload::new(plan).stream(&mut |event: &Event<'_>| {
            let mut line = Vec::new();
            encode_event(event, &mut line);
            lines.push(String::from_utf8(line).expect("text"));
            Ok(())
        });
        written.expect("written");
        let read: Vec<String> = read(Origin::Portfolio(plan), 1).into_iter().map(|(_, _, line)| line).collect();
        assert_eq!(read, lines);
    }

    #[test]
    fn a_file_that_cannot_be_read_ends_it_with_the_reason() {
        let missing = PathBuf::from("/nowhere/at/all.jsonl");
        let chunks: Vec<_> = start(Origin::Files(vec![missing]), 3).into_iter().collect();
        assert_eq!(chunks.len(), 1);
        assert!(chunks[0].as_ref().is_err_and(|error| error.to_string().contains("/nowhere/at/all.jsonl")));
    }
}
