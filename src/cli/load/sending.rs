//! Owns the sending: each event at its planned time to its topic and partition, with what became of it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use hdrhistogram::Histogram;

use super::latency::{EventHash, WARM_UP, Watcher, histogram, record};
use super::plan::{Pace, Plan};
use super::progress::Progress;
use super::renew::{push_renewed, suffix};
use super::rewrite::{Change, Rewriter};
use super::shift::{OffTheCalendar, ShiftTo, Shifting, later};
use super::source::Chunk;
use crate::base::Instant;
use crate::cli::CliError;
use crate::event::Body;
use crate::io::clock::{self, Stopwatch};
use crate::io::files::FileError;
use crate::io::kafka::{BulkSender, Delivered, Handed, OnDelivery};
use crate::io::signals::StopFlag;
use crate::runtime::LogError;
use crate::wire::outline::{Outline, Span, text_at};
use crate::wire::{Route, partition_of, route};

/// Events that are sent on end before deliveries are heard of.
const UNHEARD_MAX: u32 = 256;
/// The shortest pause: a shorter one costs more than it is worth.
const PAUSE_MIN_NS: u64 = 500_000;
/// The longest pause: what is heard meanwhile is told, and an end is noticed.
const PAUSE_MAX_NS: u64 = 20_000_000;
/// How long the last records may take to be acknowledged.
const SETTLE_MAX_SECONDS: f64 = 60.0;
/// Lines that are shown of those that are not sent.
const SHOWN_MAX: usize = 20;
/// How far an event may be ahead of the wall clock before it is said: what a monitor takes, where it is not set otherwise.
const AHEAD_MAX_NS: i64 = 600_000_000_000;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Targets {
    /// The topic of each type of the contract.
    pub by_type: HashMap<&'static str, String>,
    /// That of any other type, where one topic takes all.
    pub other: Option<String>,
    /// How many partitions each has.
    pub partitions: u32,
}

impl Targets {
    fn of(&self, kind: &str) -> Option<&str> {
        self.by_type.get(kind).or(self.other.as_ref()).map(String::as_str)
    }
}

/// How a load is to go.
#[derive(Debug, Clone)]
pub struct Course {
    /// How fast.
    pub pace: Pace,
    /// From when on.
    pub shift_to: Option<ShiftTo>,
    /// How often.
    pub rounds: u32,
    /// How long at most.
    pub duration_ns: Option<u64>,
    /// For how long no latency counts.
    pub warm_up_ns: u64,
}

/// What was sent.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Events.
    pub events: u64,
    /// Records: an event without a buyer is one for each partition.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Lines that are no events, and were not sent.
    pub unreadable: u64,
    /// The first of these, and why.
    pub shown: Vec<String>,
    /// The most that an event went out after its plan.
    pub behind_max_ns: u64,
    /// When the last event went out.
    pub last_ns: u64,
    /// Why it ended.
    pub end: End,
}

/// Why sending ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All was sent.
    #[default]
    Sent,
    /// Its time was over.
    Duration,
    /// It was asked to end.
    Signal,
    /// Something failed.
    Failed,
}

/// What became of the records.
#[derive(Debug, Clone)]
pub struct Deliveries {
    /// Records that every in-sync replica has.
    pub acknowledged: u64,
    /// Records that were given up.
    pub failed: u64,
    /// Why the first was.
    pub first_failure: Option<String>,
    /// From the plan of an event to the acknowledgement of its record.
    pub latency: Histogram<u64>,
    /// When the last was acknowledged.
    pub last_ns: u64,
}

/// Counts deliveries as they are told.
pub struct Tally {
    watch: Stopwatch,
    deliveries: Mutex<Deliveries>,
}

impl Tally {
    fn new(watch: Stopwatch) -> Tally {
        let latency = histogram();
        let deliveries = Deliveries { acknowledged: 0, failed: 0, first_failure: None, latency, last_ns: 0 };
        Tally { watch, deliveries: Mutex::new(deliveries) }
    }

    fn lock(&self) -> MutexGuard<'_, Deliveries> {
        // Counts are whole at any time: nothing that holds them can panic.
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnDelivery for Tally {
    fn delivered(&self, token: usize, outcome: Delivered) {
        let mut deliveries = self.lock();
        match outcome {
            Delivered::Acknowledged => {
                let now_ns = self.watch.nanos();
                deliveries.acknowledged += 1;
                deliveries.last_ns = now_ns;
                if token as u64 != WARM_UP {
                    record(&mut deliveries.latency, now_ns.saturating_sub(token as u64));
                }
            }
            Delivered::Failed(why) => {
                deliveries.failed += 1;
                deliveries.first_failure.get_or_insert(why);
            }
        }
    }
}

/// What is known of a line that is an event.
struct Looked<'a> {
    outline: Outline,
    kind: Cow<'a, str>,
    to: Route<'a>,
    /// When it happens, as it is sent; only where times are read.
    time: Option<Instant>,
    /// Whether what is sent is the changed form of the line.
    is_changed: bool,
}

/// Why sending cannot go on.
enum Stopped {
    End(End),
    Failed(CliError),
}

impl From<LogError> for Stopped {
    fn from(error: LogError) -> Stopped {
        Stopped::Failed(CliError::Failed(error.to_string()))
    }
}

/// A load under way.
pub struct Sending {
    sender: BulkSender<Tally>,
    tally: Arc<Tally>,
    targets: Targets,
    watcher: Option<Watcher>,
    stop: StopFlag,
    progress: Progress,
    watch: Stopwatch,
    /// The wall clock as the watch began.
    began: Instant,
    duration_ns: Option<u64>,
    warm_up_ns: u64,
    plan: Plan,
    shifting: Shifting,
    /// Whether events are looked at for their times, and may be changed.
    reads_times: bool,
    suffix: (u32, String),
    rewriter: Rewriter,
    changed: Vec<u8>,
    room: Vec<u8>,
    unheard: u32,
    has_told_ahead: bool,
    sent: Sent,
}

impl Sending {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// When the producer cannot be made.
    pub fn new(
        open: impl FnOnce(Arc<Tally>) -> Result<BulkSender<Tally>, CliError>,
        (watch, began): (Stopwatch, Instant),
        targets: Targets,
        watcher: Option<Watcher>,
        stop: StopFlag,
        course: &Course,
    ) -> Result<Sending, CliError> {
        let tally = Arc::new(Tally::new(watch));
        Ok(Sending {
            sender: open(Arc::clone(&tally))?,
            tally,
            targets,
            watcher,
            stop,
            progress: Progress::new(),
            watch,
            began,
            duration_ns: course.duration_ns,
            warm_up_ns: course.warm_up_ns,
            plan: Plan::new(course.pace),
            shifting: Shifting::new(course.shift_to),
            reads_times: course.shift_to.is_some() || course.rounds > 1 || matches!(course.pace, Pace::Speed(_)),
            suffix: (0, suffix(0)),
            rewriter: Rewriter::new(),
            changed: Vec::new(),
            room: Vec::new(),
            unheard: 0,
            has_told_ahead: false,
            sent: Sent::default(),
        })
    }

    /// Sends all there is, and waits until it is acknowledged. An error that ended it before comes with what was sent till then.
    pub fn run(mut self, chunks: &Receiver<Result<Chunk, FileError>>) -> (Done, Option<CliError>) {
        let (end, mut error) = match self.send_all(chunks) {
            Ok(()) => (End::Sent, None),
            Err(Stopped::End(end)) => (end, None),
            Err(Stopped::Failed(error)) => (End::Failed, Some(error)),
        };
        self.sent.end = end;
        if !self.settle() && error.is_none() {
            let under_way = self.sender.under_way();
            let text = format!(
                "{under_way} records were not acknowledged within {SETTLE_MAX_SECONDS} s: look at the broker's log"
            );
            error = Some(CliError::Failed(text));
        }
        let Sending { tally, watcher, progress, plan, sent, watch, .. } = self;
        let deliveries = tally.lock().clone();
        (Done { sent, deliveries, plan, watcher, watch, progress }, error)
    }

    fn send_all(&mut self, chunks: &Receiver<Result<Chunk, FileError>>) -> Result<(), Stopped> {
        loop {
            let chunk = match chunks.recv_timeout(Duration::from_nanos(PAUSE_MAX_NS)) {
                Ok(chunk) => chunk.map_err(|error| Stopped::Failed(error.into()))?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    self.tend(0)?;
                    continue;
                }
            };
            if chunk.is_cut {
                self.refuse(&chunk.file, chunk.first_line, "it is over 1 MiB");
            }
            for (number, line) in chunk.lines() {
                match self.event(line, chunk.round)? {
                    Ok(()) => {}
                    Err(why) => self.refuse(&chunk.file, number, why),
                }
            }
        }
    }

    /// Sends one event; or says why a line is none.
    #[inline]
    fn event(&mut self, line: &[u8], round: u32) -> Result<Result<(), &'static str>, Stopped> {
        let Looked { outline, kind, to, time, is_changed } = match self.look(line, round) {
            Ok(looked) => looked,
            Err(why) => return Ok(Err(why)),
        };
        let planned_ns = self.plan.next(time, self.watch.nanos());
        self.wait_until(planned_ns)?;
        self.look_ahead(time);
        let is_counted = self.plan.since_start(planned_ns) >= self.warm_up_ns;
        let counted_ns = if is_counted { planned_ns } else { WARM_UP };
        self.announce(line, &outline, counted_ns);
        let changed = std::mem::take(&mut self.changed);
        let value = if is_changed { &changed } else { line };
        let handed = self.hand_over(&kind, &to, value, counted_ns);
        self.changed = changed;
        handed.map(Ok)
    }

    /// Looks at a line, and changes it where it is to be sent otherwise; or says why it is no event.
    fn look<'a>(&mut self, line: &'a [u8], round: u32) -> Result<Looked<'a>, &'static str> {
        let outline = if self.reads_times { Outline::of(line) } else { Outline::of_attributes(line) };
        let outline = outline.ok_or("it is no JSON object")?;
        let kind = outline.kind.and_then(|span| text_at(line, span)).ok_or("it has no type")?;
        if self.targets.of(&kind).is_none() {
            return Err("its type is not of the contract, so that it has no topic: see --topic");
        }
        // The buyer stays the same, whatever else changes.
        let to = match route(line) {
            Route::Unreadable => return Err("it has no subject"),
            to => to,
        };
        let mut looked = Looked { outline, kind, to, time: None, is_changed: false };
        if self.reads_times {
            let time = outline.time.and_then(|span| text_at(line, span)).and_then(|text| Instant::parse(&text));
            let days = self.shifting.days(time, round, || self.began.plus_nanos(self.watch.nanos() as i64));
            looked.time = time.map(|time| later(time, days));
            if self.suffix.0 != round {
                self.suffix = (round, suffix(round));
            }
            let change = Change { days, suffix: &self.suffix.1 };
            looked.is_changed = !change.is_none();
            if looked.is_changed {
                let changed = self.rewriter.rewrite(line, &outline, &looked.kind, change, &mut self.changed);
                changed.map_err(|OffTheCalendar| "a date leaves the years 1970 to 2199 when it is shifted")?;
            }
        }
        Ok(looked)
    }

    /// Tells the reader of outputs of an event, by its source and the id that it is sent with.
    fn announce(&mut self, line: &[u8], outline: &Outline, planned_ns: u64) {
        let Some(watcher) = &self.watcher else { return };
        let text = |span| text_at(line, span).unwrap_or(Cow::Borrowed(""));
        let (Some(source), Some(id)) = (outline.source.map(text), outline.id) else { return };
        let event = if self.suffix.1.is_empty() {
            EventHash::of(&source, &text(id), &mut self.room)
        } else {
            let mut renewed = Vec::new();
            push_renewed(line, id, &self.suffix.1, &mut renewed);
            let span = Span { start: 0, end: renewed.len() };
            let id = text_at(&renewed, span).unwrap_or(Cow::Borrowed(""));
            EventHash::of(&source, &id, &mut self.room)
        };
        watcher.announce(event, planned_ns);
    }

    fn hand_over(&mut self, kind: &str, to: &Route<'_>, value: &[u8], counted_ns: u64) -> Result<(), Stopped> {
        // All copies of an event have one time.
        let now_ns = self.watch.nanos();
        let time_ms = self.began.plus_nanos(now_ns as i64).nanos() / 1_000_000;
        let (key, partitions) = match to {
            Route::Buyer(buyer) => {
                let partition = partition_of(buyer.as_bytes(), self.targets.partitions);
                (Some(buyer.as_bytes()), partition..partition + 1)
            }
            Route::EveryShard | Route::Unreadable => (None, 0..self.targets.partitions),
        };
        for partition in partitions {
            self.hand_record(kind, partition, (key, value), time_ms, counted_ns)?;
            self.sent.records += 1;
            self.sent.bytes += (key.map_or(0, <[u8]>::len) + value.len()) as u64;
        }
        self.sent.events += 1;
        if self.plan.is_timed() {
            self.sent.behind_max_ns = self.sent.behind_max_ns.max(now_ns.saturating_sub(self.plan.last_ns()));
        }
        self.sent.last_ns = now_ns;
        self.unheard += 1;
        if self.unheard >= UNHEARD_MAX {
            self.tend(now_ns.saturating_sub(self.plan.last_ns()))?;
        }
        Ok(())
    }

    /// Hands a record to the client, and waits where it has too many under way: the plan goes on meanwhile.
    fn hand_record(
        &mut self,
        kind: &str,
        partition: u32,
        record: (Option<&[u8]>, &[u8]),
        time_ms: i64,
        counted_ns: u64,
    ) -> Result<(), Stopped> {
        loop {
            let topic = self.targets.of(kind).expect("an event without a topic is refused before");
            match self.sender.send(topic, partition, record, time_ms, counted_ns as usize)? {
                Handed::Taken => return Ok(()),
                Handed::Full => {
                    self.tend(self.watch.nanos().saturating_sub(self.plan.last_ns()))?;
                    self.sender.hear(Duration::from_millis(1));
                }
            }
        }
    }

    /// Waits for the planned moment, and hears of deliveries meanwhile.
    #[inline]
    fn wait_until(&mut self, planned_ns: u64) -> Result<(), Stopped> {
        self.end_after_duration(planned_ns)?;
        loop {
            let now_ns = self.watch.nanos();
            if planned_ns <= now_ns {
                return Ok(());
            }
            self.tend(0)?;
            let pause_ns = (planned_ns - now_ns).clamp(PAUSE_MIN_NS, PAUSE_MAX_NS);
            match pause_ns / 1_000_000 {
                // The client waits in whole milliseconds.
                0 => clock::pause_nanos(pause_ns),
                whole_ms => self.sender.hear(Duration::from_millis(whole_ms)),
            }
        }
    }

    /// Hears of deliveries, tells how far it is (so far behind the plan), and notices an end.
    fn tend(&mut self, behind_ns: u64) -> Result<(), Stopped> {
        self.unheard = 0;
        self.hear_all();
        let now_ns = self.watch.nanos();
        if self.progress.is_due(now_ns) {
            let behind_ns = if self.plan.is_timed() { behind_ns } else { 0 };
            let failed = self.tally.lock().failed + self.sent.unreadable;
            let matched = self.watcher.as_ref().map(Watcher::matched);
            self.progress.tell(now_ns, self.sent.events, behind_ns, self.sender.under_way(), failed, matched);
        }
        if self.stop.is_set() {
            return Err(Stopped::End(End::Signal));
        }
        self.end_after_duration(now_ns)?;
        if self.watcher.as_ref().is_some_and(Watcher::has_ended) {
            return Err(Stopped::End(End::Failed));
        }
        Ok(())
    }

    fn end_after_duration(&self, moment_ns: u64) -> Result<(), Stopped> {
        let is_over = |duration_ns| self.plan.since_start(moment_ns) >= duration_ns;
        if self.duration_ns.is_some_and(is_over) { Err(Stopped::End(End::Duration)) } else { Ok(()) }
    }

    /// Hears of deliveries as long as there are any: one call of the client tells of one answer of the broker.
    fn hear_all(&self) {
        const CALLS_MAX: u32 = 1_000;
        let counted = || {
            let deliveries = self.tally.lock();
            deliveries.acknowledged + deliveries.failed
        };
        let mut before = counted();
        for _ in 0..CALLS_MAX {
            self.sender.hear(Duration::ZERO);
            let after = counted();
            if after == before {
                return;
            }
            before = after;
        }
    }

    /// Waits until everything is acknowledged; whether it is.
    fn settle(&mut self) -> bool {
        let since = Stopwatch::start();
        while self.sender.under_way() > 0 && since.seconds() < SETTLE_MAX_SECONDS {
            self.sender.hear(Duration::from_millis(5));
        }
        self.sender.under_way() == 0
    }

    /// Says once that events are so far ahead of the wall clock that a monitor refuses them.
    fn look_ahead(&mut self, time: Option<Instant>) {
        let Some(time) = time.filter(|_| !self.has_told_ahead) else { return };
        let now = self.began.plus_nanos(self.watch.nanos() as i64);
        if time.nanos() - now.nanos() > AHEAD_MAX_NS {
            self.has_told_ahead = true;
            tracing::warn!(
                "an event of {time} is over 10 minutes ahead of the wall clock, and so are those to come: a monitor refuses them \
                 as future_time, unless its limits.future_seconds_max is larger; --shift-to an earlier day"
            );
        }
    }

    fn refuse(&mut self, file: &Path, number: u64, why: &str) {
        self.sent.unreadable += 1;
        if self.sent.shown.len() < SHOWN_MAX {
            self.sent.shown.push(format!("{}:{number}: {why}", file.display()));
        }
    }
}

/// A load that is over, but for outputs still to come.
pub struct Done {
    /// What was sent.
    pub sent: Sent,
    /// What became of it.
    pub deliveries: Deliveries,
    /// The plan it followed.
    pub plan: Plan,
    /// The reader of outputs.
    pub watcher: Option<Watcher>,
    /// Runs since the start.
    pub watch: Stopwatch,
    /// Tells how far it is.
    pub progress: Progress,
}

/// The topic of each type of the contract, where `topic` says which that is.
pub fn by_type(topic: impl Fn(&'static crate::event::TypeSpec) -> String) -> HashMap<&'static str, String> {
    Body::SPECS.iter().map(|spec| (spec.name, topic(spec))).collect()
}
