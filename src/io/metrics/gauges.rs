//! Owns what is worked out when somebody asks: how the partitions of all workers stand, added up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::table::{self, MetricKind, MetricSpec};
use super::{MetricsSettings, NANOSECONDS, process};
use crate::base::{Cents, Currency};
use crate::io::clock::wall_clock;
use crate::runtime::TopicId;
use crate::runtime::observed::{Figures, LatencyCounts, PartitionState, Phase, Sums};

/// How a worker stands.
#[derive(Debug, Default)]
pub(super) struct WorkerState {
    /// Its partitions.
    pub(super) partitions: BTreeMap<u32, PartitionState>,
    /// Whether the group has ever told it what is its own.
    pub(super) was_assigned: bool,
}

/// What all workers have told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) workers: BTreeMap<usize, WorkerState>,
    pub(super) latency: LatencyCounts,
    pub(super) last_recovery_seconds: Option<f64>,
}

/// What all workers have told, behind one lock: taken once a turn, and once a scrape.
pub(super) type Shared = Arc<Mutex<Told>>;

/// Tells the gauges, and the histogram that workers fill by themselves.
pub(super) struct Gauges {
    pub(super) told: Shared,
    pub(super) settings: MetricsSettings,
    pub(super) process: ProcessFigures,
    pub(super) descriptions: Vec<Desc>,
}

impl Gauges {
    /// Whether this, and not a counter of its own, tells a metric.
    pub(super) fn tells(spec: &MetricSpec) -> bool {
        matches!(spec.kind, MetricKind::Gauge)
            || spec.name == table::EVENT_TO_OUTPUT_SECONDS
            || ProcessFigures::tells(spec)
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut page = Page::default();
        {
            // What a panicking worker left is whole: it is only ever replaced.
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            self.tell_partitions(&told, &mut page);
            self.tell_figures(&told, &mut page);
            page.latency(&told.latency);
            if let Some(seconds) = told.last_recovery_seconds {
                page.set(table::LAST_RECOVERY_SECONDS, &[], seconds);
            }
        }
        self.process.tell(&mut page);
        page.into_families()
    }
}

/// What a page tells of the process that shows it.
#[derive(Debug)]
pub(super) struct ProcessFigures {
    base: Currency,
    /// When the process began, in seconds since 1970.
    started_seconds: f64,
}

impl ProcessFigures {
    /// Of a process that begins now.
    pub(super) fn now(base: Currency) -> ProcessFigures {
        ProcessFigures { base, started_seconds: wall_clock().nanos() as f64 / NANOSECONDS }
    }

    /// Whether this tells a metric.
    pub(super) fn tells(spec: &MetricSpec) -> bool {
        [table::BUILD_INFO, table::START_TIME_SECONDS, table::CPU_SECONDS, table::RESIDENT_BYTES].contains(&spec.name)
    }

    pub(super) fn tell(&self, page: &mut Page) {
        page.set(table::BUILD_INFO, &[env!("CARGO_PKG_VERSION"), self.base.as_str()], 1.0);
        page.set(table::START_TIME_SECONDS, &[], self.started_seconds);
        if let Some(seconds) = process::cpu_seconds() {
            page.set(table::CPU_SECONDS, &[], seconds);
        }
        if let Some(bytes) = process::resident_bytes() {
            page.set(table::RESIDENT_BYTES, &[], bytes);
        }
    }
}

impl Gauges {
    fn tell_partitions(&self, told: &Told, page: &mut Page) {
        let mut phases = BTreeMap::from(PHASES.map(|phase| (phase, 0_u32)));
        for (partition, state) in told.workers.values().flat_map(|worker| &worker.partitions) {
            *phases.entry(phase_name(&state.phase)).or_default() += 1;
            let partition = partition.to_string();
            for (topic, records) in &state.lag_records {
                page.set(table::LAG_RECORDS, &[self.topic(*topic), &partition], *records as f64);
            }
            let labels: &[&str] = &[&partition];
            page.set(table::LAG_SECONDS, labels, state.lag_seconds);
            page.set(table::KNOWN_BUYERS, labels, state.buyers as f64);
            page.set(table::EPOCH, labels, state.epoch as f64);
            page.set(table::STATE_BYTES, labels, state.state_bytes as f64);
            if let Some(seconds) = state.snapshot_age_seconds {
                page.set(table::SNAPSHOT_AGE_SECONDS, labels, seconds);
            }
        }
        for (phase, count) in phases {
            page.set(table::PARTITIONS, &[phase], f64::from(count));
        }
    }

    fn tell_figures(&self, told: &Told, page: &mut Page) {
        let mut all = Figures::default();
        for state in told.workers.values().flat_map(|worker| worker.partitions.values()) {
            all.merge(&state.figures, self.settings.most_retained_max);
        }
        for ((segment, grade), sums) in &all.sums {
            let labels = [segment.map_or(UNKNOWN, |segment| segment.as_str()), grade.as_str()];
            let Sums { buyers, exposure, overdue, insured, retained, expected_loss } = sums;
            page.set(table::PORTFOLIO_BUYERS, &labels, *buyers as f64);
            page.set(table::EXPOSURE, &labels, units(*exposure));
            page.set(table::INSURED, &labels, units(*insured));
            page.set(table::RETAINED, &labels, units(*retained));
            page.set(table::EXPECTED_LOSS, &labels, units(*expected_loss));
            for (age, amount) in AGES.iter().zip(overdue) {
                page.set(table::OVERDUE, &[labels[0], labels[1], age], units(*amount));
            }
        }
        for ((kind, severity), count) in &all.alerts {
            page.set(table::OPEN_ALERTS, &[kind.as_str(), severity.as_str()], *count as f64);
        }
        for (buyer_id, retained) in &all.most_retained {
            page.set(table::TOP_RETAINED, &[buyer_id], units(*retained));
        }
    }

    fn topic(&self, topic: TopicId) -> &str {
        self.settings.topics.get(usize::from(topic.0)).map_or(UNKNOWN, String::as_str)
    }
}

/// Stands for what nobody has told.
pub(super) const UNKNOWN: &str = "unknown";
/// Days past due, as a report has them.
const AGES: [&str; 4] = ["1-30", "31-60", "61-90", "over_90"];
/// What a partition may be doing.
const PHASES: [&str; 4] = ["recovering", "catching_up", "live", "stopped"];

pub(super) const fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Recovering => PHASES[0],
        Phase::CatchingUp => PHASES[1],
        Phase::Live => PHASES[2],
        Phase::Stopped(_) => PHASES[3],
    }
}

/// A metric may round: what is exact is in the outputs.
pub(super) fn units(cents: Cents) -> f64 {
    cents.0 as f64 / 100.0
}

/// What a scrape will read, by name.
#[derive(Default)]
pub(super) struct Page(BTreeMap<&'static str, MetricFamily>);

impl Page {
    pub(super) fn into_families(self) -> Vec<MetricFamily> {
        self.0.into_values().collect()
    }

    pub(super) fn set(&mut self, name: &'static str, labels: &[&str], value: f64) {
        let mut metric = Metric::default();
        let of = table::spec(name);
        debug_assert_eq!(of.labels.len(), labels.len(), "{name}");
        if of.kind == MetricKind::Counter {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        let pair = |(name, value): (&&str, &&str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        let mut pairs: Vec<LabelPair> = of.labels.iter().zip(labels).map(pair).collect();
        // As the counters of the library have them.
        pairs.sort();
        metric.set_label(pairs);
        self.family(of).mut_metric().push(metric);
    }

    fn latency(&mut self, latency: &LatencyCounts) {
        let mut cumulative = 0;
        let buckets = table::LATENCY_BOUNDS.iter().zip(latency.counts).map(|(bound, count)| {
            cumulative += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(cumulative);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(latency.counts.iter().sum());
        histogram.set_sample_sum(latency.sum_ms as f64 / 1000.0);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        self.family(table::spec(table::EVENT_TO_OUTPUT_SECONDS)).mut_metric().push(metric);
    }

    fn family(&mut self, of: &'static MetricSpec) -> &mut MetricFamily {
        self.0.entry(of.name).or_insert_with(|| {
            let mut family = MetricFamily::default();
            family.set_name(of.name.to_owned());
            family.set_help(of.help.to_owned());
            family.set_field_type(match of.kind {
                MetricKind::Counter => MetricType::COUNTER,
                MetricKind::Gauge => MetricType::GAUGE,
                MetricKind::Histogram(_) => MetricType::HISTOGRAM,
            });
            family
        })
    }
}
