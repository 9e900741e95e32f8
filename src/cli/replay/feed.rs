//! Owns the way from files to the log: lines, each routed to the partition of its buyer.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::io::files::{self, FileError};
use crate::runtime::{Headers, LogError, Record, Records, TopicId};
use crate::sim::EmbeddedLog;
use crate::wire::{Route, partition_of, route};

/// Bytes read at a time, and the longest line: what is beyond is cut off, and the rest refused as too large.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Bytes of all partitions together that wait for a block to fill.
const STAGED_BYTES_MAX: usize = 16 << 20;
/// The largest and the smallest block.
const BLOCK_BYTES: (usize, usize) = (4 << 10, 128 << 10);
/// Room that a block gets beyond its size, for the line that fills it.
const BLOCK_SLACK_BYTES: usize = 2 << 10;
/// What a line has at least, to guess how many a block holds.
const LINE_BYTES_USUAL: usize = 256;

/// Why feeding stopped.
#[derive(Debug)]
pub enum FeedError {
    /// A file could not be read.
    File(FileError),
    /// The log takes no more.
    Log(LogError),
}

/// What was fed: enough to name any line by its number in the whole.
#[derive(Debug, Default)]
pub struct Fed {
    /// Lines, empty ones included.
    pub lines: u64,
    /// Lines without anything.
    pub empty: u64,
    /// The files, and the number of the first line of each.
    files: Vec<(PathBuf, u64)>,
}

impl Fed {
    /// The file of a line and its number there, from 1 on.
    pub fn place(&self, line: u64) -> (&Path, u64) {
        let file = self.files.partition_point(|(_, first)| *first <= line).saturating_sub(1);
        self.files.get(file).map_or((Path::new(""), line + 1), |(path, first)| (path, line - first + 1))
    }
}

/// Reads files into a topic of the log. Each line becomes a record without a key, whose time is its number: in a file
/// the order is all there is of time.
pub struct Feed<'a> {
    log: &'a EmbeddedLog,
    topic: TopicId,
    staged: Vec<Records>,
    block_bytes: usize,
    fed: Fed,
}

impl<'a> Feed<'a> {
    /// A feed of `topic`, which has `partitions`.
    pub fn new(log: &'a EmbeddedLog, topic: TopicId, partitions: u32) -> Feed<'a> {
        let (least, most) = BLOCK_BYTES;
        let block_bytes = (STAGED_BYTES_MAX / partitions as usize).clamp(least, most);
        let staged = (0..partitions).map(|_| Records::default()).collect();
        Feed { log, topic, staged, block_bytes, fed: Fed::default() }
    }

    /// Reads one file. `count` tells how far, and `tick` is called now and then.
    ///
    /// # Errors
    /// When it cannot be read, or the log takes no more.
    pub fn read(&mut self, path: &Path, count: &Arc<AtomicU64>, tick: &mut dyn FnMut(u64)) -> Result<(), FeedError> {
        self.fed.files.push((path.to_owned(), self.fed.lines));
        let mut reader = files::open_counted(path, count).map_err(FeedError::File)?;
        let mut buffer = vec![0; LINE_BYTES_MAX];
        let (mut filled, mut is_cut) = (0, false);
        loop {
            let read = match reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(FeedError::File(FileError::system("read", path, error))),
            };
            let end = filled + read;
            let mut start = 0;
            for at in memchr::memchr_iter(b'\n', &buffer[filled..end]) {
                let line = &buffer[start..filled + at];
                start = filled + at + 1;
                if !std::mem::take(&mut is_cut) {
                    self.line(line)?;
                }
            }
            buffer.copy_within(start..end, 0);
            filled = end - start;
            if is_cut {
                filled = 0;
            } else if filled == buffer.len() {
                self.cut_line(&buffer)?;
                (filled, is_cut) = (0, true);
            }
            tick(count.load(Ordering::Relaxed));
        }
        if filled > 0 {
            self.line(&buffer[..filled])?;
        }
        Ok(())
    }

    /// Hands over what is left and says that there is no more.
    ///
    /// # Errors
    /// When the log takes no more.
    pub fn finish(mut self) -> Result<Fed, FeedError> {
        for partition in 0..self.staged.len() as u32 {
            self.flush(partition)?;
        }
        self.log.close(self.topic);
        Ok(self.fed)
    }

    #[inline]
    fn line(&mut self, line: &[u8]) -> Result<(), FeedError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.fed.lines += 1;
            self.fed.empty += 1;
            return Ok(());
        }
        let partitions = self.staged.len() as u32;
        match route(line) {
            Route::Buyer(buyer) => self.stage(partition_of(buyer.as_bytes(), partitions), line)?,
            Route::EveryShard => {
                for partition in 0..partitions {
                    self.stage(partition, line)?;
                }
            }
            Route::Unreadable => self.stage(0, line)?,
        }
        self.fed.lines += 1;
        Ok(())
    }

    /// A line over the limit: its head goes where what nobody can read goes, to be refused.
    fn cut_line(&mut self, head: &[u8]) -> Result<(), FeedError> {
        self.stage(0, head)?;
        self.fed.lines += 1;
        Ok(())
    }

    #[inline]
    fn stage(&mut self, partition: u32, line: &[u8]) -> Result<(), FeedError> {
        let staged = &mut self.staged[partition as usize];
        staged.push(&Record {
            topic: self.topic,
            partition,
            offset: 0,
            time_ms: self.fed.lines as i64,
            key: None,
            value: Some(line),
            headers: Headers::NONE,
        });
        if staged.bytes() >= self.block_bytes { self.flush(partition) } else { Ok(()) }
    }

    fn flush(&mut self, partition: u32) -> Result<(), FeedError> {
        let staged = &mut self.staged[partition as usize];
        if staged.is_empty() {
            return Ok(());
        }
        let room = Records::with_capacity(self.block_bytes / LINE_BYTES_USUAL, self.block_bytes + BLOCK_SLACK_BYTES);
        let block = std::mem::replace(staged, room);
        self.log.append(self.topic, partition, block).map(|_| ()).map_err(FeedError::Log)
    }
}
