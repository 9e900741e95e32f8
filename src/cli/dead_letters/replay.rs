//! Owns `vigie dead-letters replay`: refused records back to their input topics, as they were or mended.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Filter, Letter, Office, each, failed};
use crate::cli::CliError;
use crate::cli::config::KafkaArguments;
use crate::io::files::{self, FileError};
use crate::io::kafka::Sender;
use crate::runtime::{Headers, Record, TopicId};
use crate::wire::output::CONTENT_TYPE;
use crate::wire::{Header, Route, partition_of, route};

/// Sends refused records back to the input topics that they came by: with their key, their headers, and their value, or the one
/// that a file gives. Without --yes it only says what it would send.
///
/// Each goes to the partition of its key; a rate or a tick goes to the partition that it was refused on. A record that was sent
/// back says so in the header vigie.replayed (partition:offset among the dead letters), and in vigie.replayed.time when it was
/// first written. The dead letters stay where they are: what is sent a second time is a duplicate, or is refused again.
/// A partition that a storm of dead letters has stopped is started again with the service, not by this.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vigie dead-letters replay --code future_time --since 2026-03-01T00:00:00Z\n  \
    vigie dead-letters replay --code future_time --since 2026-03-01T00:00:00Z --yes\n  \
    vigie dead-letters list --code invalid_field --json > letters.jsonl   # mend each \"value\", then:\n  \
    vigie dead-letters replay --from-file letters.jsonl --yes")]
pub struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Mended letters: lines of `dead-letters list --json`, of which "partition", "offset" and "value" (text, or the event as an
    /// object) count. Only the letters in it are sent.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Says what it would send, and sends nothing: what it does without --yes.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Sends.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    kafka: KafkaArguments,
}

/// The header that says which dead letter a record was.
const REPLAYED: &str = "vigie.replayed";
/// The header that says when it was first written.
const REPLAYED_TIME: &str = "vigie.replayed.time";
/// How long the last records may take.
const FLUSH_MAX: Duration = Duration::from_secs(60);
/// Bytes of mended values that are kept at most.
const MENDED_BYTES_MAX: usize = 1 << 30;

/// Mended values by the place of their letter.
type Mended = BTreeMap<(u32, i64), Vec<u8>>;

/// Runs the command.
///
/// # Errors
/// When Kafka cannot be used, the file cannot be read, or a record cannot be sent.
pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let mut mended = arguments.from_file.as_deref().map(read_mended).transpose()?;
    let mut office = Office::open(&arguments.kafka)?;
    let prefix = office.prefix();
    let mut sender = if arguments.yes { Some(Sender::open(&office.settings).map_err(failed)?) } else { None };
    let mut sent: BTreeMap<String, BTreeMap<u32, u64>> = BTreeMap::new();
    let (mut count, mut strangers) = (0_u64, 0_u64);
    let partitions = office.partitions;
    let inputs: Vec<String> = office.config.topics.inputs.iter().map(|input| input.name.clone()).collect();
    each(&mut office.log, partitions, |letter| {
        if !arguments.filter.takes(letter, &prefix) {
            return Ok(true);
        }
        if arguments.filter.limit.is_some_and(|limit| count >= limit) {
            return Ok(false);
        }
        let value = match &mut mended {
            None => None,
            Some(mended) => match mended.remove(&letter.place()) {
                None => return Ok(true),
                mended => mended,
            },
        };
        let Some(topic) = letter.topic.filter(|topic| inputs.iter().any(|input| input == topic)) else {
            strangers += 1;
            return Ok(true);
        };
        let back = Back::of(letter, value, partitions);
        if let Some(sender) = &mut sender {
            let place = letter.place();
            back.send(sender, topic).map_err(|error| {
                failed(format_args!("{count} were sent, up to dead letter {}:{}: {error}", place.0, place.1))
            })?;
        }
        *sent.entry(topic.to_owned()).or_default().entry(back.partition).or_default() += 1;
        count += 1;
        Ok(true)
    })?;
    if let Some(sender) = &mut sender {
        sender.flush(FLUSH_MAX).map_err(|error| failed(format_args!("not all of {count} were sent: {error}")))?;
    }
    tell(&sent, count, arguments.yes);
    if strangers > 0 {
        eprintln!("{strangers} came by a topic that is no input by these settings, and stay: is --prefix right?");
    }
    match mended.map(|mended| mended.len()) {
        Some(left @ 1..) => Err(failed(format_args!(
            "{left} letters of the file were not found among the dead letters that the filters take: nothing was sent for them"
        ))),
        _ => Ok(()),
    }
}

fn tell(sent: &BTreeMap<String, BTreeMap<u32, u64>>, count: u64, is_sent: bool) {
    let verb = if is_sent { "sent back" } else { "to be sent back" };
    println!("{count} dead letters {verb}");
    for (topic, partitions) in sent {
        let partition = |(partition, count): (&u32, &u64)| format!("{count} to partition {partition}");
        println!("  {topic}: {}", partitions.iter().map(partition).collect::<Vec<_>>().join(", "));
    }
    if !is_sent {
        println!("nothing was sent: this was a dry run. Add --yes to send");
    }
}

/// A record on its way back.
pub struct Back {
    /// The partition it goes to.
    pub partition: u32,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Back {
    /// The record that a dead letter was, with a mended value where there is one.
    pub fn of(letter: &Letter<'_>, mended: Option<Vec<u8>>, partitions: u32) -> Back {
        let record = &letter.record;
        let is_mended = mended.is_some();
        let value = mended.or_else(|| record.value.map(<[u8]>::to_vec));
        let mut key = record.key.map(<[u8]>::to_vec);
        let mut partition = key.as_deref().map(|key| partition_of(key, partitions));
        let mut headers: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        let mut written = letter.written().to_string().into_bytes();
        for header in record.headers.iter() {
            match header.name {
                REPLAYED => {}
                // Sent back and refused before: what counts is when it came first.
                REPLAYED_TIME => written = header.value.unwrap_or_default().to_vec(),
                name if Letter::is_added(name) => {}
                name => headers.push((name.to_owned(), header.value.map(<[u8]>::to_vec))),
            }
        }
        let whose = value.as_deref().map(route);
        let is_event = matches!(whose, Some(Route::Buyer(_) | Route::EveryShard));
        if is_mended && is_event {
            // A whole event, whatever the headers of the refused one said.
            headers.retain(|(name, _)| !name.starts_with("ce_") && !name.eq_ignore_ascii_case("content-type"));
            headers.push(("content-type".to_owned(), Some(CONTENT_TYPE.as_bytes().to_vec())));
        }
        match whose {
            Some(Route::Buyer(buyer)) if is_mended => {
                partition = Some(partition_of(buyer.as_bytes(), partitions));
                key = Some(buyer.as_bytes().to_vec());
            }
            Some(Route::EveryShard) => partition = letter.partition,
            _ => {}
        }
        let (of, offset) = letter.place();
        headers.push((REPLAYED.to_owned(), Some(format!("{of}:{offset}").into_bytes())));
        headers.push((REPLAYED_TIME.to_owned(), Some(written)));
        let partition = partition.or(letter.partition).filter(|partition| *partition < partitions).unwrap_or(of);
        Back { partition, key, value, headers }
    }

    fn send(&self, sender: &mut Sender, topic: &str) -> Result<(), crate::runtime::LogError> {
        let headers: Vec<Header<'_>> =
            self.headers.iter().map(|(name, value)| Header { name, value: value.as_deref() }).collect();
        let record = Record {
            topic: TopicId(0),
            partition: self.partition,
            offset: 0,
            // The present: an old time would have it deleted soon, or put before what came since.
            time_ms: -1,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: Headers::Listed(&headers),
        };
        sender.send(topic, &record)
    }
}

/// Reads mended letters.
fn read_mended(path: &Path) -> Result<Mended, CliError> {
    let reader = BufReader::new(files::open(path)?);
    let (mut mended, mut bytes) = (Mended::new(), 0);
    for (number, line) in reader.lines().enumerate() {
        let line = line.map_err(|error| FileError::system("read", path, error))?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: &str| CliError::Wrong(format!("{}:{}: {why}", path.display(), number + 1));
        let (place, value) = mended_of(&line).map_err(|why| wrong(&why))?;
        bytes += value.len();
        if bytes > MENDED_BYTES_MAX {
            return Err(wrong("the values up to here are over 1 GiB: send them in several files"));
        }
        if mended.insert(place, value).is_some() {
            return Err(wrong(&format!("the dead letter {}:{} is there twice", place.0, place.1)));
        }
    }
    Ok(mended)
}

/// A line of `dead-letters list --json`, as far as it counts.
#[derive(Deserialize)]
struct MendedLine<'a> {
    partition: u32,
    offset: i64,
    /// As it stands: an amount never passes through a float.
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The place and the value that a line of `dead-letters list --json` has.
pub fn mended_of(line: &str) -> Result<((u32, i64), Vec<u8>), String> {
    let MendedLine { partition, offset, value } = serde_json::from_str(line)
        .map_err(|error| format!("it should be a line of dead-letters list --json, and is not: {error}"))?;
    let wrong =
        |error: serde_json::Error| format!("\"value\" should be the mended event, as text or as an object: {error}");
    let value = match value.get().as_bytes().first() {
        Some(b'{') => value.get().as_bytes().to_vec(),
        Some(b'[') => serde_json::from_str::<Vec<u8>>(value.get()).map_err(wrong)?,
        _ => serde_json::from_str::<String>(value.get()).map_err(wrong)?.into_bytes(),
    };
    Ok(((partition, offset), value))
}
