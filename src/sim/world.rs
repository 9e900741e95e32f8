//! Owns the world that simulated members share: the log, the group, time, chance, and the trace of what happened.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::fault::{Coverage, Fault};
use super::group::Group;
use super::log::EmbeddedLog;
use crate::base::Instant;
use crate::base::hash::StableHasher;
use crate::runtime::Point;
use crate::workload::random::Draws;

/// A deliberate mistake between the service and the log, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Alerts are sent outside the transaction: an abort does not take them back.
    OutsideTransaction,
    /// The position of the last record is committed, and not the one after it.
    LastNotNext,
    /// A turn that was not committed passes for one that was: its shards are kept.
    AbortedKept,
    /// A rule goes by a clock that each process has for itself, and that no journal keeps.
    OwnClock,
    /// Outputs go out in the order of a hash that differs from process to process.
    HashOrder,
    /// No new producer is taken after a commit that was not plainly clean.
    OldProducer,
    /// The journal is read though what was written to it is not all decided.
    EndNotAwaited,
}

impl Mistake {
    /// Every one.
    pub const ALL: [Mistake; 7] = [
        Mistake::OutsideTransaction,
        Mistake::LastNotNext,
        Mistake::AbortedKept,
        Mistake::OwnClock,
        Mistake::HashOrder,
        Mistake::OldProducer,
        Mistake::EndNotAwaited,
    ];
}

/// What happened, folded into a hash and told line by line where that is wanted.
#[derive(Default)]
pub(super) struct Trace {
    hasher: StableHasher,
    line: String,
    tell: Option<fn(&str)>,
}

impl Trace {
    pub(super) fn new(tell: Option<fn(&str)>) -> Trace {
        Trace { tell, ..Trace::default() }
    }

    pub(super) fn note(&mut self, what: fmt::Arguments<'_>) {
        self.line.clear();
        fmt::Write::write_fmt(&mut self.line, what).expect("memory takes every write");
        self.hasher.part(self.line.as_bytes());
        if let Some(tell) = self.tell {
            tell(&self.line);
        }
    }

    pub(super) fn fold(&mut self, bytes: &[u8]) {
        self.hasher.part(bytes);
    }

    pub(super) fn hash(&self) -> u128 {
        self.hasher.finish()
    }
}

/// What is about to befall a member. It is shared with its shelf: a member may die while it writes a snapshot.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Where it is to die, and how many times it passes there before.
    pub(super) planned: Cell<Option<(Point, u32)>>,
    /// Where it died.
    pub(super) died_at: Cell<Option<Point>>,
}

impl Fate {
    /// Whether it dies at this point, now.
    pub(super) fn meets(&self, point: Point) -> bool {
        match self.planned.get() {
            Some((planned, left)) if planned == point => {
                self.planned.set(left.checked_sub(1).map(|left| (planned, left)));
                if left == 0 {
                    self.died_at.set(Some(point));
                }
                left == 0
            }
            _ => false,
        }
    }
}

/// A commit that is on its way.
#[derive(Debug)]
struct LateCommit {
    id: String,
    epoch: u32,
    due_ns: u64,
}

/// What simulated members share.
pub(super) struct World {
    pub(super) log: EmbeddedLog,
    pub(super) group: Group,
    pub(super) draws: Draws,
    /// Out of a thousand calls, how many go wrong; 0 once all has calmed down.
    pub(super) trouble_per_mille: u32,
    pub(super) trace: Trace,
    pub(super) seen: Coverage,
    pub(super) mistake: Option<Mistake>,
    pub(super) is_static: bool,
    /// By which tenure of a partition each journal entry (by its hash) was sent.
    pub(super) tenures: BTreeMap<u128, u64>,
    pub(super) last_tenure: u64,
    /// Snapshots, by partition and epoch.
    pub(super) snapshots: BTreeMap<(u32, u64), Vec<u8>>,
    transaction_ns: u64,
    elapsed_ns: u64,
    wall_ns: i64,
    late_commits: Vec<LateCommit>,
    /// Since when each transactional id has a transaction open.
    open_since_ns: BTreeMap<String, u64>,
}

/// A world that members share. They live on one thread.
pub(super) type Shared = Rc<RefCell<World>>;

/// How a world begins.
pub(super) struct Beginning {
    pub(super) log: EmbeddedLog,
    pub(super) group: Group,
    pub(super) draws: Draws,
    pub(super) trace: Trace,
    pub(super) mistake: Option<Mistake>,
    pub(super) is_static: bool,
    pub(super) transaction_ns: u64,
    pub(super) wall: Instant,
}

impl World {
    pub(super) fn new(beginning: Beginning) -> World {
        let Beginning { log, group, draws, trace, mistake, is_static, transaction_ns, wall } = beginning;
        World {
            log,
            group,
            draws,
            trouble_per_mille: 0,
            trace,
            seen: Coverage::default(),
            mistake,
            is_static,
            tenures: BTreeMap::new(),
            last_tenure: 0,
            snapshots: BTreeMap::new(),
            transaction_ns,
            elapsed_ns: 0,
            wall_ns: wall.nanos(),
            late_commits: Vec::new(),
            open_since_ns: BTreeMap::new(),
        }
    }

    /// Whether a fault happens now that is `weight` times as frequent as the usual one; it is noted if so.
    pub(super) fn strikes(&mut self, fault: Fault, weight: u32) -> bool {
        let strikes = self.trouble_per_mille > 0 && self.draws.happens(self.trouble_per_mille * weight);
        if strikes {
            self.note(fault);
        }
        strikes
    }

    pub(super) fn note(&mut self, fault: Fault) {
        self.seen.note(fault);
        self.trace.note(format_args!("    fault {}", fault.as_str()));
    }

    pub(super) fn elapsed_ns(&self) -> u64 {
        self.elapsed_ns
    }

    pub(super) fn wall(&self) -> Instant {
        Instant::from_nanos(self.wall_ns)
    }

    pub(super) fn set_wall(&mut self, wall: Instant) {
        self.wall_ns = wall.nanos();
    }

    /// Lets time pass: late commits arrive, transactions and sessions run out.
    pub(super) fn pass_time(&mut self, ns: u64) {
        self.elapsed_ns += ns;
        self.wall_ns += i64::try_from(ns).unwrap_or(0);
        let now_ns = self.elapsed_ns;
        let (due, later) = std::mem::take(&mut self.late_commits).into_iter().partition(|late| late.due_ns <= now_ns);
        self.late_commits = later;
        let due: Vec<LateCommit> = due;
        for late in due {
            match self.log.commit_late(&late.id, late.epoch) {
                Ok(true) => self.note(Fault::LateCommitTaken),
                Ok(false) => {}
                Err(_) => self.note(Fault::LateCommitRefused),
            }
        }
        let transaction_ns = self.transaction_ns;
        let old: Vec<String> = self
            .open_since_ns
            .extract_if(.., |_, since_ns| now_ns - *since_ns > transaction_ns)
            .map(|(id, _)| id)
            .collect();
        for id in old {
            if self.log.time_out(&id) {
                self.note(Fault::TimedOut);
            }
        }
        for _ in 0..self.group.pass_time(now_ns) {
            self.note(Fault::PutOut);
        }
    }

    /// A commit is sent that will arrive at some later time.
    pub(super) fn commit_later(&mut self, id: &str, epoch: u32) {
        let due_ns =
            self.elapsed_ns + u64::from(self.draws.below(self.transaction_ns.div_euclid(1_000_000) as u32)) * 1_500_000;
        self.late_commits.push(LateCommit { id: id.to_owned(), epoch, due_ns });
    }

    pub(super) fn begun(&mut self, id: &str) {
        self.open_since_ns.insert(id.to_owned(), self.elapsed_ns);
    }

    pub(super) fn ended(&mut self, id: &str) {
        self.open_since_ns.remove(id);
    }
}
