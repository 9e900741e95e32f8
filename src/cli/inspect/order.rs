//! Owns the order in which a service saw its events, written as a file: so that a replay of it makes the same outputs.
//!
//! Partitions share nothing, so their events may stand in the file in any order, each partition's in its own. But a rate and a
//! tick act on all shards as one line, and came as a copy to each partition: there all partitions meet. What stands before a
//! copy is written, of every partition; then the line, once; then they go on.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bumpalo::Bump;

use crate::event::RefusalCode;
use crate::runtime::journal::{Entry, Mode};
use crate::runtime::{CommittedLog, LogError, Past, PastTurn, Record, ServiceRules, Topics};
use crate::wire::{self, DecodeRules, Header, decode_record, structured_line};

#[cfg(test)]
mod tests;

/// Characters of a line that a message shows.
const SHOWN_CHARS_MAX: usize = 120;

/// Why the order cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file cannot be written.
    #[error("cannot write the file: {0}")]
    File(#[from] io::Error),
    /// A file cannot say it, or what is there is not what was there: why, and what to do.
    #[error("{0}")]
    Refused(String),
}

/// What was written, and what was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ordered {
    /// Turns.
    pub turns: u64,
    /// Lines of one buyer each, and of none.
    pub lines: u64,
    /// Lines of rates and ticks: each stands for a copy in every partition.
    pub copies: u64,
    /// Records that are not in the file, by why.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Lines that a replay refuses for their length, though they counted.
    pub too_long: u64,
    /// Turns by how they were taken.
    pub modes: BTreeMap<&'static str, u64>,
    /// Turns that began with other params than the one before.
    pub params_changes: u64,
}

impl Ordered {
    /// Why a replay of the file makes other outputs than the service did, a sentence each.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let by_event: u64 = self.modes.get(Mode::Event.as_str()).copied().unwrap_or(0);
        if by_event < self.turns {
            let others = self.turns - by_event;
            doubts.push(format!(
                "{others} of {} turns did not go by the event clock alone: a replay does, and so makes other outputs",
                self.turns
            ));
        }
        if self.params_changes > 0 {
            let changes = self.params_changes;
            doubts.push(format!("the params changed {changes} times on the way: a replay goes by one set"));
        }
        if self.too_long > 0 {
            let (lines, most) = (self.too_long, DecodeRules::VALUE_BYTES_MAX);
            doubts.push(format!("{lines} lines are over {most} bytes, which the service took: a replay refuses them"));
        }
        doubts
    }
}

/// Writes the order of some partitions to `out`. `passed` is called after each turn.
///
/// # Errors
/// When the log cannot be read, turns or records are missing, or the partitions have different copies.
pub fn write<L: CommittedLog>(
    log: &mut L,
    service: &ServiceRules,
    partitions: &[u32],
    out: &mut impl Write,
    passed: &mut dyn FnMut(),
) -> Result<Ordered, OrderError> {
    let mut ordered = Ordered::default();
    let ServiceRules { topics, decode: rules, group, .. } = service;
    let mut open = |partition: &u32| Lane::open(log, topics, group, *partition);
    let mut lanes = partitions.iter().map(&mut open).collect::<Result<Vec<Lane>, LogError>>()?;
    let with = With { topics, rules };
    loop {
        let mut barrier: Option<(u32, Option<Vec<u8>>)> = None;
        for lane in &mut lanes {
            let copy = lane.go_on(log, &with, &mut ordered, out, passed)?;
            match &barrier {
                None => barrier = Some((lane.partition, copy)),
                Some((_, other)) if *other == copy => {}
                Some((partition, other)) => {
                    return Err(differ((*partition, other), (lane.partition, &copy), ordered.copies));
                }
            }
        }
        let Some((_, Some(line))) = barrier else { return Ok(ordered) };
        write_line(out, &line)?;
        ordered.copies += 1;
    }
}

/// What reading a record takes.
struct With<'a> {
    topics: &'a Topics,
    rules: &'a DecodeRules,
}

/// A partition on its way.
struct Lane {
    partition: u32,
    past: Past,
    turn: Option<Entry>,
    is_first: bool,
    /// Records of the turn that are done.
    at: usize,
    scratch: Bump,
}

/// What becomes of a record.
enum Said {
    /// A line of one shard.
    Line(Vec<u8>),
    /// A line of every shard.
    Copy(Vec<u8>),
    /// None, for this reason.
    LeftOut(&'static str),
}

impl Lane {
    fn open<L: CommittedLog>(log: &mut L, topics: &Topics, group: &str, partition: u32) -> Result<Lane, LogError> {
        let past = Past::open(log, topics, group, partition)?;
        Ok(Lane { partition, past, turn: None, is_first: true, at: 0, scratch: Bump::new() })
    }

    /// Writes lines until the next copy, which is returned; `None` at the end.
    fn go_on<L: CommittedLog>(
        &mut self,
        log: &mut L,
        with: &With<'_>,
        ordered: &mut Ordered,
        out: &mut impl Write,
        passed: &mut dyn FnMut(),
    ) -> Result<Option<Vec<u8>>, OrderError> {
        loop {
            let Some(entry) = &self.turn else {
                if !self.next_turn(log, with.topics, ordered)? {
                    return Ok(None);
                }
                continue;
            };
            let Some(record) = self.past.records().nth(self.at) else {
                self.turn = None;
                passed();
                continue;
            };
            self.at += 1;
            self.scratch.reset();
            match say(&record, entry, with, &self.scratch) {
                Said::Copy(line) => return Ok(Some(line)),
                Said::Line(line) => {
                    ordered.too_long += u64::from(line.len() > DecodeRules::VALUE_BYTES_MAX);
                    ordered.lines += 1;
                    write_line(out, &line)?;
                }
                Said::LeftOut(why) => *ordered.left_out.entry(why).or_default() += 1,
            }
        }
    }

    fn next_turn<L: CommittedLog>(
        &mut self,
        log: &mut L,
        topics: &Topics,
        ordered: &mut Ordered,
    ) -> Result<bool, OrderError> {
        let partition = self.partition;
        let refuse = |why: String| OrderError::Refused(format!("partition {partition}: {why}"));
        let Some(PastTurn { offset, entry, flaws }) = self.past.next_turn(log)? else { return Ok(false) };
        let entry = entry.map_err(|error| refuse(format!("the journal cannot be read at offset {offset}: {error}")))?;
        let epoch = entry.epoch;
        if std::mem::take(&mut self.is_first) && epoch != 1 {
            return Err(refuse(format!(
                "its journal begins at turn {epoch}: what came before is gone, so that no file can say all of it"
            )));
        }
        if let Some(flaw) = flaws.first() {
            return Err(refuse(format!("turn {epoch}: {flaw}")));
        }
        let found = self.past.read(log, &entry)?;
        if let Some((then, now)) = entry.ranges.iter().zip(&found).find(|(then, now)| then != now) {
            let name = &topics.names[usize::from(then.topic)];
            let (records, from, to, count) = (then.records, then.from, then.to, now.records);
            return Err(refuse(format!(
                "turn {epoch} read {records} records of {name} from offset {from} to {to}, and what is there now ({count}) is \
                 not the same: records of an input were deleted, compacted or replaced"
            )));
        }
        ordered.turns += 1;
        *ordered.modes.entry(entry.mode.as_str()).or_default() += 1;
        ordered.params_changes += u64::from(entry.params.is_some() && epoch != 1);
        self.turn = Some(entry);
        self.at = 0;
        Ok(true)
    }
}

/// The line of a record.
fn say(record: &Record<'_>, entry: &Entry, with: &With<'_>, scratch: &Bump) -> Said {
    let Some(value) = record.value else { return Said::LeftOut("no value (tombstones)") };
    let headers: Vec<Header<'_>> = record.headers.iter().collect();
    let Some(topic) = with.topics.inputs[usize::from(record.topic.0)] else { return Said::LeftOut("no input") };
    let line = structured_line(&headers, value);
    let Record { partition, key, .. } = *record;
    let decoded = wire::Record { topic, partition, partitions: with.topics.partitions, key, headers: &headers, value };
    let rules = DecodeRules { now: entry.now, ..with.rules.clone() };
    match (decode_record(&decoded, &rules, scratch), line) {
        (Ok(event), Some(line)) if event.body.spec().has_buyer => Said::Line(line.into_owned()),
        (Ok(_), Some(line)) => Said::Copy(line.into_owned()),
        (Err(refusal), line) => match (refusal.code, line) {
            // In a file nobody would refuse them, and so they would count.
            (RefusalCode::WrongTopic, _) => Said::LeftOut("wrong_topic"),
            (RefusalCode::KeyMismatch, _) => Said::LeftOut("key_mismatch"),
            (RefusalCode::FutureTime, _) => Said::LeftOut("future_time"),
            (RefusalCode::TooLarge, Some(line)) if line.len() <= DecodeRules::VALUE_BYTES_MAX => {
                Said::LeftOut("too_large")
            }
            (_, Some(line)) => Said::Line(line.into_owned()),
            (_, None) => Said::LeftOut("refused, and not of one line"),
        },
        (Ok(_), None) => Said::LeftOut("no line can say them"),
    }
}

fn write_line(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    out.write_all(line)?;
    out.write_all(b"\n")
}

/// Two partitions do not meet at the same copy.
fn differ(one: (u32, &Option<Vec<u8>>), other: (u32, &Option<Vec<u8>>), before: u64) -> OrderError {
    let shown = |(partition, line): (u32, &Option<Vec<u8>>)| match line {
        None => format!("partition {partition} has no more"),
        Some(line) => {
            let text: String = String::from_utf8_lossy(line).chars().take(SHOWN_CHARS_MAX).collect();
            format!("partition {partition} has {text}")
        }
    };
    OrderError::Refused(format!(
        "a rate or a tick is one line for all shards, and after {before} that they share the partitions differ: {}, and {}. A \
         file cannot say that: write the partitions one by one, with --partition N, and replay each alone",
        shown(one),
        shown(other)
    ))
}
