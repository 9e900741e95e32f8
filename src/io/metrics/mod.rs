//! Owns the metrics: workers hand over once a turn what they have counted, and a scrape reads the sum of all.

mod gauges;
mod process;
pub mod read_side;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

use self::gauges::{Gauges, ProcessFigures, Shared, Told};
pub use self::table::{METRICS, MetricKind, MetricSpec};
use crate::base::Currency;
use crate::event::RefusalCode;
use crate::runtime::observed::{Phase, RENEWAL_REASONS, TopicTally};
use crate::runtime::{Observed, TopicId};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;
const NANOSECONDS: f64 = 1e9;

/// What the metrics go by.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    /// The names of the topics, by number.
    pub topics: Vec<String>,
    /// The topics that bring something in.
    pub inputs: Vec<TopicId>,
    /// The currency of amounts.
    pub base: Currency,
    /// Buyers that are told by their id, of those of whom most is retained.
    pub most_retained_max: usize,
}

/// The metrics of a process.
pub struct Metrics {
    registry: Registry,
    told: Shared,
    topics: Vec<String>,
    /// By topic: applied, duplicate, refused, skipped.
    events: BTreeMap<TopicId, [IntCounter; 4]>,
    events_by_label: IntCounterVec,
    outputs: IntCounterVec,
    dead_letters: BTreeMap<RefusalCode, IntCounter>,
    turns: IntCounter,
    turn_seconds: prometheus::Histogram,
    commit_seconds: prometheus::Histogram,
    recovery_seconds: prometheus::Histogram,
    rebalances: IntCounter,
    renewals: IntCounterVec,
    snapshots_saved: IntCounter,
    snapshots_failed: IntCounter,
}

/// What became of a record, in the order of the counters.
const OUTCOMES: [&str; 4] = ["applied", "duplicate", "refused", "skipped"];
/// The types of outputs, so that each begins at 0.
const OUTPUT_TYPES: [&str; 8] = [
    "alert.raised",
    "alert.escalated",
    "alert.cleared",
    "limit.changed",
    "limit.reduction_proposed",
    "limit.reduction_closed",
    "order.hold_decided",
    "exposure.updated",
];

/// Whether the service does its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Every partition assigned to this process is live; their number.
    Ready(usize),
    /// It is not: why, a line each.
    NotReady(Vec<String>),
}

impl Metrics {
    /// Metrics that stand at 0.
    ///
    /// # Panics
    /// When the table of metrics names one twice, or one that cannot be: a test makes them all.
    #[must_use]
    pub fn new(settings: MetricsSettings) -> Metrics {
        let registry = Registry::new();
        let told = Shared::default();
        let counters = |name| {
            let spec = table::spec(name);
            let made = IntCounterVec::new(Opts::new(spec.name, spec.help), spec.labels).expect("a valid counter");
            registry.register(Box::new(made.clone())).expect("a name is registered once");
            made
        };
        let histogram = |name| {
            let spec = table::spec(name);
            let MetricKind::Histogram(bounds) = spec.kind else { panic!("{name} is no histogram") };
            let options = HistogramOpts::new(spec.name, spec.help).buckets(bounds.to_vec());
            let made = HistogramVec::new(options, spec.labels).expect("a valid histogram");
            registry.register(Box::new(made.clone())).expect("a name is registered once");
            made.with_label_values::<&str>(&[])
        };
        let events_by_label = counters(table::EVENTS);
        let outputs = counters(table::OUTPUTS);
        for name in OUTPUT_TYPES {
            outputs.with_label_values(&[name]);
        }
        let renewals = counters(table::PRODUCER_RENEWALS);
        for reason in RENEWAL_REASONS {
            renewals.with_label_values(&[reason]);
        }
        let codes = counters(table::DEAD_LETTERS);
        let snapshots = counters(table::SNAPSHOTS);
        let alone = |name| counters(name).with_label_values::<&str>(&[]);
        let mut metrics = Metrics {
            told: Shared::clone(&told),
            topics: settings.topics.clone(),
            events: BTreeMap::new(),
            events_by_label,
            outputs,
            dead_letters: RefusalCode::ALL
                .iter()
                .map(|code| (*code, codes.with_label_values(&[code.as_str()])))
                .collect(),
            turns: alone(table::TURNS),
            turn_seconds: histogram(table::TURN_SECONDS),
            commit_seconds: histogram(table::COMMIT_SECONDS),
            recovery_seconds: histogram(table::RECOVERY_SECONDS),
            rebalances: alone(table::REBALANCES),
            renewals,
            snapshots_saved: snapshots.with_label_values(&["saved"]),
            snapshots_failed: snapshots.with_label_values(&["failed"]),
            registry: registry.clone(),
        };
        metrics.events = settings.inputs.iter().map(|topic| (*topic, metrics.events_of(*topic))).collect();
        let descriptions = METRICS.iter().filter(|spec| Gauges::tells(spec)).map(MetricSpec::description).collect();
        let process = ProcessFigures::now(settings.base);
        let gauges = Gauges { told, settings, process, descriptions };
        registry.register(Box::new(gauges)).expect("a name is registered once");
        metrics
    }

    /// Takes over what a worker has counted since it last did, and how its partitions stand. Once a turn.
    pub fn flush(&self, worker: usize, observed: Observed) {
        self.turns.inc_by(observed.turns);
        for (topic, tally) in &observed.events {
            let counters = self.events.get(topic).cloned().unwrap_or_else(|| self.events_of(*topic));
            let TopicTally { applied, duplicate, refused, skipped } = *tally;
            counters.iter().zip([applied, duplicate, refused, skipped]).for_each(|(counter, by)| counter.inc_by(by));
        }
        for (type_name, count) in &observed.counts.outputs {
            self.outputs.with_label_values(&[*type_name]).inc_by(*count);
        }
        for tally in [&observed.counts.own, &observed.counts.copies] {
            tally.refused.iter().for_each(|(code, count)| self.dead_letters[code].inc_by(*count));
        }
        let seconds = |ns: &u64| *ns as f64 / NANOSECONDS;
        observed.turn_ns.iter().for_each(|ns| self.turn_seconds.observe(seconds(ns)));
        observed.commit_ns.iter().for_each(|ns| self.commit_seconds.observe(seconds(ns)));
        observed.recovery_seconds.iter().for_each(|seconds| self.recovery_seconds.observe(*seconds));
        self.rebalances.inc_by(observed.rebalances);
        for (reason, count) in &observed.renewals {
            self.renewals.with_label_values(&[*reason]).inc_by(*count);
        }
        self.snapshots_saved.inc_by(observed.snapshots_saved);
        self.snapshots_failed.inc_by(observed.snapshots_failed);
        self.tell(worker, observed);
    }

    fn tell(&self, worker: usize, observed: Observed) {
        let mut told = self.told();
        let Told { workers, latency, last_recovery_seconds } = &mut *told;
        latency.counts.iter_mut().zip(observed.latency.counts).for_each(|(sum, count)| *sum += count);
        latency.sum_ms += observed.latency.sum_ms;
        *last_recovery_seconds = observed.recovery_seconds.last().copied().or(*last_recovery_seconds);
        let state = workers.entry(worker).or_default();
        state.was_assigned |= observed.rebalances > 0 || !observed.partitions.is_empty();
        state.partitions = observed.partitions;
    }

    /// Forgets how the partitions of a worker stood, which has ended. What it has counted stays.
    pub fn forget(&self, worker: usize) {
        self.told().workers.remove(&worker);
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Panics
    /// Never: text is written to memory.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).expect("metrics are text")
    }

    /// Whether every partition assigned to this process is live, and the group has told at least once which those are.
    /// Nothing that it says names a buyer.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let told = self.told();
        if !told.workers.values().any(|worker| worker.was_assigned) {
            return Readiness::NotReady(vec!["waiting for the group to assign partitions".to_owned()]);
        }
        let partitions = || told.workers.values().flat_map(|worker| &worker.partitions);
        let waiting: BTreeMap<u32, String> = partitions()
            .filter_map(|(partition, state)| {
                let what = match &state.phase {
                    Phase::Live => return None,
                    Phase::Recovering => "recovering",
                    Phase::CatchingUp => "catching up",
                    // Why is in the log: it may quote what a server said.
                    Phase::Stopped(_) => "stopped until somebody helps: the log says why",
                };
                Some((*partition, format!("partition {partition}: {what}")))
            })
            .collect();
        if waiting.is_empty() {
            Readiness::Ready(partitions().count())
        } else {
            Readiness::NotReady(waiting.into_values().collect())
        }
    }

    fn events_of(&self, topic: TopicId) -> [IntCounter; 4] {
        let name = self.topics.get(usize::from(topic.0)).map_or(gauges::UNKNOWN, String::as_str);
        OUTCOMES.map(|outcome| self.events_by_label.with_label_values(&[name, outcome]))
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // What a panicking worker left is whole: numbers are added, states replaced.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
