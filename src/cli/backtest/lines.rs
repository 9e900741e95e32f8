//! Owns the reading of files line by line, within the limits that `replay` has.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::io::files::{self, FileError};

/// Bytes read at a time, and the longest line: what is beyond is cut off, and the rest refused as too large.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Hands over each line of a file that is not empty, without its end. `count` tells how many bytes were read.
///
/// # Errors
/// When the file cannot be read.
pub fn each_line(path: &Path, count: &Arc<AtomicU64>, line: &mut dyn FnMut(&[u8])) -> Result<(), FileError> {
    let mut reader = BufReader::with_capacity(LINE_BYTES_MAX, files::open_counted(path, count)?);
    let mut held = Vec::new();
    loop {
        let read = match reader.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(FileError::system("read", path, error)),
        };
        if read.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', read);
        let part = &read[..end.unwrap_or(read.len())];
        held.extend_from_slice(&part[..part.len().min(LINE_BYTES_MAX - held.len())]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            hand_over(&held, line);
            held.clear();
        }
    }
    hand_over(&held, line);
    Ok(())
}

fn hand_over(held: &[u8], line: &mut dyn FnMut(&[u8])) {
    let whole = held.strip_suffix(b"\r").unwrap_or(held);
    if !whole.is_empty() {
        line(whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let mut lines = Vec::new();
        each_line(file.path(), &Arc::default(), &mut |line| lines.push(line.to_vec())).expect("read");
        lines
    }

    #[test]
    fn lines_come_whole_and_empty_ones_not_at_all() {
        assert_eq!(lines(b"one\r\n\n\r\ntwo\nthree"), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_over_the_limit_is_cut_there_and_the_next_is_whole() {
        let mut bytes = vec![b'a'; 2 * LINE_BYTES_MAX + 5];
        bytes.extend_from_slice(b"\nnext\n");
        let lines = lines(&bytes);
        assert_eq!((lines[0].len(), lines[1].as_slice()), (LINE_BYTES_MAX, b"next".as_slice()));
    }
}
