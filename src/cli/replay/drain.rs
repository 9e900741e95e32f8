//! Owns what a shard's committed outputs become while a replay runs: spooled bytes, refused lines, changes of scores, open
//! alerts.

use std::collections::HashMap;
use std::io::{self, BufRead, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use borsh::BorshDeserialize;
use serde::Deserialize;
use tempfile::SpooledTempFile;
use xxhash_rust::xxh3::Xxh3Default;

use crate::base::Instant;
use crate::event::{AlertKind, Scored, Severity};
use crate::runtime::Record;
use crate::runtime::outbox::dead_letter;
use crate::wire::history::HistoryRow;
use crate::wire::{Route, route};

/// Bytes of a spool that stay in memory.
const SPOOL_MEMORY_BYTES: usize = 256 << 10;
/// Refused lines that are kept for the screen.
pub const REFUSED_SHOWN_MAX: usize = 20;

/// What is to be kept of outputs.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// The folder to spool outputs in, where they are wanted.
    pub outputs: Option<PathBuf>,
    /// The folder to spool refused lines in, where all are wanted.
    pub dead_letters: Option<PathBuf>,
    /// The folder to spool changes of scores in, where they are wanted.
    pub history: Option<PathBuf>,
    /// Whether open alerts are wanted.
    pub alerts: bool,
}

/// Bytes on their way to a file, in memory while they are few.
pub struct Spool(BufWriter<SpooledTempFile>);

impl Spool {
    fn new(folder: &Path) -> Spool {
        Spool(BufWriter::new(SpooledTempFile::new_in(SPOOL_MEMORY_BYTES, folder)))
    }

    /// Reads them again from the start.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn into_reader(self) -> io::Result<impl BufRead> {
        let mut file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(io::BufReader::with_capacity(SPOOL_MEMORY_BYTES, file))
    }
}

/// What was kept of one shard's outputs.
pub struct Drain {
    /// Output events, one a line.
    pub outputs: Option<Spool>,
    /// Refused lines.
    pub refused: Refused,
    /// Changes of scores, where they are wanted.
    pub history: Option<Spool>,
    /// Open alerts, where they are wanted.
    pub alerts: Option<OpenAlerts>,
}

impl Drain {
    /// For a shard without outputs as yet.
    pub fn new(keep: &Keep) -> Drain {
        let refused = match &keep.dead_letters {
            Some(folder) => Refused::All(Spool::new(folder)),
            None => Refused::First(Vec::new()),
        };
        let outputs = keep.outputs.as_deref().map(Spool::new);
        let history = keep.history.as_deref().map(Spool::new);
        Drain { outputs, refused, history, alerts: keep.alerts.then(OpenAlerts::default) }
    }

    /// Keeps a committed output.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn output(&mut self, record: &Record<'_>) -> io::Result<()> {
        let value = record.value.unwrap_or_default();
        if let Some(spool) = &mut self.outputs {
            spool.0.write_all(value)?;
            spool.0.write_all(b"\n")?;
        }
        if let Some(alerts) = &mut self.alerts {
            alerts.note(value);
        }
        Ok(())
    }

    /// Keeps a committed change of a score.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn history(&mut self, record: &Record<'_>) -> io::Result<()> {
        let Some(spool) = &mut self.history else { return Ok(()) };
        let row = HistoryRow::read(record.value.unwrap_or_default());
        put_history(&row.expect("a change of a score is told as such"), &mut spool.0)
    }

    /// Keeps a committed dead letter, if it is not the copy of one that partition 0 has too.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn dead_letter(&mut self, record: &Record<'_>) -> io::Result<()> {
        let value = record.value.unwrap_or_default();
        if record.partition != 0 && route(value) == Route::EveryShard {
            return Ok(());
        }
        let header = |name| {
            let header = record.headers.iter().find(|header| header.name == name);
            String::from_utf8_lossy(header.and_then(|header| header.value).unwrap_or_default()).into_owned()
        };
        let line = RefusedLine {
            line: record.time_ms as u64,
            code: header(dead_letter::CODE),
            message: header(dead_letter::MESSAGE),
            value: value.to_vec(),
        };
        match &mut self.refused {
            Refused::All(spool) => line.write(&mut spool.0),
            Refused::First(lines) => {
                if lines.len() < REFUSED_SHOWN_MAX {
                    lines.push(line);
                }
                Ok(())
            }
        }
    }
}

/// The refused lines of a shard, in order.
pub enum Refused {
    /// The first few, for the screen.
    First(Vec<RefusedLine>),
    /// All of them.
    All(Spool),
}

/// A refused line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number in all files together, from 0 on.
    pub line: u64,
    /// The code.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// The line itself.
    pub value: Vec<u8>,
}

impl RefusedLine {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.line.to_le_bytes())?;
        for part in [self.code.as_bytes(), self.message.as_bytes(), &self.value] {
            out.write_all(&(part.len() as u64).to_le_bytes())?;
            out.write_all(part)?;
        }
        Ok(())
    }

    /// Reads the next of a spool; `None` at its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn read(from: &mut impl Read) -> io::Result<Option<RefusedLine>> {
        let mut line = [0; 8];
        match from.read_exact(&mut line) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut part = || -> io::Result<Vec<u8>> {
            let mut bytes = [0; 8];
            from.read_exact(&mut bytes)?;
            let mut part = vec![0; u64::from_le_bytes(bytes) as usize];
            from.read_exact(&mut part)?;
            Ok(part)
        };
        let (code, message, value) = (part()?, part()?, part()?);
        let text = |bytes| String::from_utf8(bytes).map_err(io::Error::other);
        Ok(Some(RefusedLine { line: u64::from_le_bytes(line), code: text(code)?, message: text(message)?, value }))
    }
}

fn put_history(row: &HistoryRow, out: &mut impl Write) -> io::Result<()> {
    borsh::to_writer(out, &(row.at.nanos(), &row.buyer_id, row.scored))
}

/// Reads the next change of a score of a spool; `None` at its end.
///
/// # Errors
/// When the system refuses.
pub fn take_history(from: &mut impl BufRead) -> io::Result<Option<HistoryRow>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let (at, buyer_id, scored) = <(i64, String, Scored)>::deserialize_reader(from)?;
    Ok(Some(HistoryRow { buyer_id, at: Instant::from_nanos(at), scored }))
}

/// The alerts that are raised and not cleared, by a hash of buyer and alert.
#[derive(Debug, Default)]
pub struct OpenAlerts(HashMap<u128, (AlertKind, Severity)>);

/// What is read of an alert.
#[derive(Deserialize)]
struct Told<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct Alert<'a> {
    #[serde(borrow)]
    alert_id: std::borrow::Cow<'a, str>,
    kind: &'a str,
    severity: &'a str,
}

impl OpenAlerts {
    /// Takes note of an output, if it is about an alert.
    fn note(&mut self, output: &[u8]) {
        let told: Told<'_> = serde_json::from_slice(output).expect("an output is a CloudEvent");
        let is_open = match told.r#type {
            "alert.raised" | "alert.escalated" => true,
            "alert.cleared" => false,
            _ => return,
        };
        let alert: Alert<'_> = serde_json::from_str(told.data.get()).expect("an alert has its fields");
        let mut hash = Xxh3Default::new();
        hash.update(&(told.subject.len() as u64).to_le_bytes());
        hash.update(told.subject.as_bytes());
        hash.update(alert.alert_id.as_bytes());
        let key = hash.digest128();
        match (is_open, AlertKind::parse(alert.kind), Severity::parse(alert.severity)) {
            (true, Some(kind), Some(severity)) => {
                self.0.insert(key, (kind, severity));
            }
            _ => {
                self.0.remove(&key);
            }
        }
    }

    /// Kind and severity of each, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (AlertKind, Severity)> {
        self.0.values().copied()
    }
}
