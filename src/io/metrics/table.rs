//! Owns the table of metrics: what each is called, what it means, and by what it is told apart.

use prometheus::core::Desc;

use super::read_side::READ_SIDE_METRICS;
use crate::runtime::observed::LatencyCounts;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricKind {
    /// It only grows, until the process ends.
    Counter,
    /// It stands at something.
    Gauge,
    /// It counts how many were at most as long as each of these, in seconds.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// What it means, in a sentence.
    pub help: &'static str,
    /// The labels that tell its series apart.
    pub labels: &'static [&'static str],
}

impl MetricSpec {
    /// As the library describes it.
    pub(super) fn description(&self) -> Desc {
        let labels = self.labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, Default::default()).expect("a valid metric")
    }
}

pub(super) const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> MetricSpec {
    MetricSpec { name, kind: MetricKind::Counter, help, labels }
}

pub(super) const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> MetricSpec {
    MetricSpec { name, kind: MetricKind::Gauge, help, labels }
}

const fn histogram(name: &'static str, bounds: &'static [f64], help: &'static str) -> MetricSpec {
    MetricSpec { name, kind: MetricKind::Histogram(bounds), help, labels: &[] }
}

/// Bounds of a turn and a commit, in seconds.
const TURN_BOUNDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of a recovery, in seconds.
const RECOVERY_BOUNDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Bounds of the way from an event to its output, in seconds.
pub(super) const LATENCY_BOUNDS: &[f64] = &seconds(LatencyCounts::BOUNDS_MS);

const fn seconds<const N: usize>(bounds_ms: [u64; N]) -> [f64; N] {
    let mut seconds = [0.0; N];
    let mut place = 0;
    while place < N {
        seconds[place] = bounds_ms[place] as f64 / 1000.0;
        place += 1;
    }
    seconds
}

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => { $(pub(super) const $constant: &str = $name;)* };
}

names! {
    EVENTS = "vigie_events_total";
    LAG_RECORDS = "vigie_lag_records";
    LAG_SECONDS = "vigie_lag_seconds";
    TURNS = "vigie_turns_total";
    TURN_SECONDS = "vigie_turn_seconds";
    COMMIT_SECONDS = "vigie_commit_seconds";
    EVENT_TO_OUTPUT_SECONDS = "vigie_event_to_output_seconds";
    OUTPUTS = "vigie_outputs_total";
    DEAD_LETTERS = "vigie_dead_letters_total";
    OPEN_ALERTS = "vigie_open_alerts";
    EXPOSURE = "vigie_exposure_amount";
    OVERDUE = "vigie_overdue_amount";
    INSURED = "vigie_insured_amount";
    RETAINED = "vigie_retained_amount";
    EXPECTED_LOSS = "vigie_expected_loss_amount";
    PORTFOLIO_BUYERS = "vigie_portfolio_buyers";
    TOP_RETAINED = "vigie_buyer_retained_amount";
    KNOWN_BUYERS = "vigie_known_buyers";
    EPOCH = "vigie_epoch_turns";
    STATE_BYTES = "vigie_state_bytes";
    SNAPSHOT_AGE_SECONDS = "vigie_snapshot_age_seconds";
    SNAPSHOTS = "vigie_snapshots_total";
    RECOVERY_SECONDS = "vigie_recovery_seconds";
    LAST_RECOVERY_SECONDS = "vigie_last_recovery_seconds";
    PARTITIONS = "vigie_partitions";
    REBALANCES = "vigie_rebalances_total";
    PRODUCER_RENEWALS = "vigie_producer_renewals_total";
    BUILD_INFO = "vigie_build_info";
    START_TIME_SECONDS = "process_start_time_seconds";
    CPU_SECONDS = "process_cpu_seconds_total";
    RESIDENT_BYTES = "process_resident_memory_bytes";
}

/// Every metric of the engine and of the process. Amounts are in units of the base currency, which `vigie_build_info` names.
pub const METRICS: &[MetricSpec] = &[
    counter(EVENTS, &["topic", "outcome"], "Records of committed turns, by input topic and what became of them."),
    gauge(LAG_RECORDS, &["topic", "partition"], "Records that wait in an input topic."),
    gauge(LAG_SECONDS, &["partition"], "How old the last applied record is while some wait; 0 when none does."),
    counter(TURNS, &[], "Turns committed."),
    histogram(TURN_SECONDS, TURN_BOUNDS, "How long a turn with records took, from the end of its poll to its commit."),
    histogram(COMMIT_SECONDS, TURN_BOUNDS, "How long a commit took."),
    histogram(
        EVENT_TO_OUTPUT_SECONDS,
        LATENCY_BOUNDS,
        "From when a record was written to when what came of it was committed.",
    ),
    counter(OUTPUTS, &["type"], "Output events of committed turns, by type."),
    counter(DEAD_LETTERS, &["code"], "Records refused in committed turns, by code."),
    gauge(OPEN_ALERTS, &["kind", "severity"], "Open alerts."),
    gauge(EXPOSURE, &["segment", "grade"], "Exposure, in units of the base currency."),
    gauge(
        OVERDUE,
        &["segment", "grade", "age_days"],
        "Open and overdue, by days past due, in units of the base currency.",
    ),
    gauge(INSURED, &["segment", "grade"], "What covers carry, in units of the base currency."),
    gauge(RETAINED, &["segment", "grade"], "What would stay with the seller, in units of the base currency."),
    gauge(EXPECTED_LOSS, &["segment", "grade"], "What is expected to be lost, in units of the base currency."),
    gauge(PORTFOLIO_BUYERS, &["segment", "grade"], "Buyers, as of the last pass over their figures."),
    gauge(
        TOP_RETAINED,
        &["buyer_id"],
        "What would stay with the seller, of the buyers with most of it, in units of the base currency.",
    ),
    gauge(KNOWN_BUYERS, &["partition"], "Buyers known to a partition."),
    gauge(EPOCH, &["partition"], "Turns that a partition has committed since it began."),
    gauge(STATE_BYTES, &["partition"], "Bytes of a partition's last snapshot."),
    gauge(SNAPSHOT_AGE_SECONDS, &["partition"], "How old a partition's last snapshot is."),
    counter(SNAPSHOTS, &["outcome"], "Snapshots written and read back, and those that failed."),
    histogram(RECOVERY_SECONDS, RECOVERY_BOUNDS, "How long the recovery of a partition took."),
    gauge(LAST_RECOVERY_SECONDS, &[], "How long the last recovery of a partition took."),
    gauge(PARTITIONS, &["phase"], "Partitions assigned to this process, by what they are doing."),
    counter(REBALANCES, &[], "Assignments and revocations of partitions."),
    counter(PRODUCER_RENEWALS, &["reason"], "New producers taken in the place of doubtful ones."),
    gauge(BUILD_INFO, &["version", "base_currency"], "1; its labels say which version runs, and the base currency."),
    gauge(START_TIME_SECONDS, &[], "When the process began, in seconds since 1970."),
    counter(CPU_SECONDS, &[], "Processor time that the process has used."),
    gauge(RESIDENT_BYTES, &[], "Memory that the process holds."),
];

/// The metric of a name, of the engine or of the read side.
///
/// # Panics
/// When there is none: names are constants.
pub(super) fn spec(name: &str) -> &'static MetricSpec {
    METRICS.iter().chain(READ_SIDE_METRICS).find(|spec| spec.name == name).expect("every name is in the table")
}
