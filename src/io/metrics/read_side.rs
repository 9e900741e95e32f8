//! Owns the metrics of the read side: how far it has read, the portfolio as it shows it, and what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use super::gauges::{Page, ProcessFigures, UNKNOWN, units};
use super::table::{self, MetricKind, MetricSpec, counter, gauge};
use crate::base::{Cents, Currency};
use crate::event::{LimitChangeCause, ProposalMode, ProposalOutcome, Segment};

/// Bounds of the time from a proposal to what became of it, in seconds: from a minute to the 14 days after which it expires.
const DECISION_BOUNDS: &[f64] =
    &[60.0, 600.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 172_800.0, 345_600.0, 604_800.0, 1_209_600.0];
/// Bounds of an answer, in seconds.
const HTTP_BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Prometheus counts time in seconds, whatever people count it in.
const SECONDS_OF_A_DAY: f64 = 86_400.0;

const READY: &str = "vigie_read_ready";
const BUYERS: &str = "vigie_read_buyers";
const RECORDS: &str = "vigie_read_records_total";
const LAG_RECORDS: &str = "vigie_read_lag_records";
const OUTSTANDING: &str = "vigie_portfolio_outstanding_amount";
const DSO_SECONDS: &str = "vigie_portfolio_dso_seconds";
const LARGEST_SHARE: &str = "vigie_portfolio_largest_share_ratio";
const GROUP_EXPOSURE: &str = "vigie_group_exposure_amount";
const OPEN_PROPOSALS: &str = "vigie_open_proposals";
const PROPOSALS_CLOSED: &str = "vigie_proposals_closed_total";
const DECISION_SECONDS: &str = "vigie_proposal_decision_seconds";
const LIMIT_CHANGES: &str = "vigie_limit_changes_total";
const LIMIT_CUTS: &str = "vigie_limit_cut_amount_total";
const ORDER_CHECKS: &str = "vigie_order_checks_total";
const HTTP_REQUESTS: &str = "vigie_http_requests_total";
const HTTP_SECONDS: &str = "vigie_http_request_seconds";

/// Every metric of the read side. Amounts are in units of the base currency, but for cut limits, which keep their own.
pub const READ_SIDE_METRICS: &[MetricSpec] = &[
    gauge(READY, &[], "1 when the read side has read to the ends that it saw at its start, else 0."),
    gauge(BUYERS, &[], "Buyers that the read side knows."),
    counter(RECORDS, &["topic"], "Records that the read side has read, by output topic."),
    gauge(LAG_RECORDS, &["topic"], "Records that wait for the read side in an output topic."),
    gauge(OUTSTANDING, &["segment"], "What is open, in units of the base currency."),
    gauge(
        DSO_SECONDS,
        &["segment"],
        "Days sales outstanding, weighted by what is open; none where there were no sales.",
    ),
    gauge(LARGEST_SHARE, &["top"], "Share of the exposure, 0 to 1, that the buyers with most of it have."),
    gauge(
        GROUP_EXPOSURE,
        &["parent_id"],
        "Exposure of the groups of buyers with most of it, in units of the base currency.",
    ),
    gauge(OPEN_PROPOSALS, &["mode"], "Open proposals."),
    counter(PROPOSALS_CLOSED, &["outcome"], "Proposals closed since the read side was ready."),
    MetricSpec {
        name: DECISION_SECONDS,
        kind: MetricKind::Histogram(DECISION_BOUNDS),
        help: "From a proposal's first version to its closing, by the clock of events, since the read side was ready.",
        labels: &["outcome"],
    },
    counter(LIMIT_CHANGES, &["cause"], "Changes of limits since the read side was ready."),
    counter(
        LIMIT_CUTS,
        &["cause", "currency"],
        "What limits were lowered by since the read side was ready, in units of their currency.",
    ),
    counter(ORDER_CHECKS, &["answer"], "Orders checked, by the answer."),
    counter(HTTP_REQUESTS, &["route", "status"], "Requests answered, by the pattern of their path and by status."),
    MetricSpec {
        name: HTTP_SECONDS,
        kind: MetricKind::Histogram(HTTP_BOUNDS),
        help: "How long an answer took; an answer that streams, until it began.",
        labels: &["route"],
    },
];

/// How the read side stands: what its gauges tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadSideFigures {
    /// Whether it has caught up.
    pub ready: ReadPhase,
    /// Buyers known.
    pub buyers: u64,
    /// Records that wait, by the full name of the topic.
    pub lag_records: BTreeMap<String, u64>,
    /// By segment; `None`: buyers of whom nobody told it.
    pub segments: BTreeMap<Option<Segment>, SegmentFigures>,
    /// Of how many of the largest buyers (1, 10, 100), and what share of all exposure they have, 0 to 1.
    pub largest_shares: Vec<(u32, f64)>,
    /// The groups with most exposure, by their parent's id. Whoever fills it bounds it.
    pub groups: Vec<(String, Cents)>,
    /// Open proposals; a mode that is not there has none.
    pub open_proposals: BTreeMap<ProposalMode, u64>,
}

/// How far the read side is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReadPhase {
    /// It reads what was there before its start.
    #[default]
    CatchingUp,
    /// It has caught up.
    Ready,
}

/// What a segment owes, and how long it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SegmentFigures {
    /// What is open.
    pub outstanding: Cents,
    /// Days sales outstanding; `None` without sales.
    pub dso_days: Option<f64>,
}

/// The answer to whoever asks before shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderAnswer {
    /// Ship.
    Accept,
    /// Ask somebody.
    Refer,
    /// Do not ship.
    Reject,
}

impl OrderAnswer {
    const ALL: [OrderAnswer; 3] = [OrderAnswer::Accept, OrderAnswer::Refer, OrderAnswer::Reject];

    const fn as_str(self) -> &'static str {
        match self {
            OrderAnswer::Accept => "accept",
            OrderAnswer::Refer => "refer",
            OrderAnswer::Reject => "reject",
        }
    }
}

/// The metrics of a read side.
pub struct ReadSideMetrics {
    registry: Registry,
    figures: Arc<Mutex<ReadSideFigures>>,
    records: IntCounterVec,
    proposals_closed: IntCounterVec,
    decision_seconds: HistogramVec,
    limit_changes: IntCounterVec,
    limit_cuts: CounterVec,
    order_checks: IntCounterVec,
    http_requests: IntCounterVec,
    http_seconds: HistogramVec,
}

impl ReadSideMetrics {
    /// The metrics of a read side in the process of an engine, whose page tells of the process: the two pages make one.
    #[must_use]
    pub fn beside_engine(base: Currency) -> ReadSideMetrics {
        ReadSideMetrics::new(base, None)
    }

    /// The metrics of a read side in a process of its own, which they tell of too.
    #[must_use]
    pub fn alone(base: Currency) -> ReadSideMetrics {
        ReadSideMetrics::new(base, Some(ProcessFigures::now(base)))
    }

    fn new(base: Currency, process: Option<ProcessFigures>) -> ReadSideMetrics {
        let registry = Registry::new();
        let figures = Arc::<Mutex<ReadSideFigures>>::default();
        let gauges = READ_SIDE_METRICS.iter().filter(|spec| spec.kind == MetricKind::Gauge);
        let mut descriptions: Vec<Desc> = gauges.map(MetricSpec::description).collect();
        if process.is_some() {
            descriptions
                .extend(table::METRICS.iter().filter(|spec| ProcessFigures::tells(spec)).map(MetricSpec::description));
        }
        let gauges = Gauges { figures: Arc::clone(&figures), process, descriptions };
        registry.register(Box::new(gauges)).expect("a name is registered once");
        let metrics = ReadSideMetrics {
            records: counters(&registry, RECORDS),
            proposals_closed: counters(&registry, PROPOSALS_CLOSED),
            decision_seconds: histograms(&registry, DECISION_SECONDS),
            limit_changes: counters(&registry, LIMIT_CHANGES),
            limit_cuts: sums(&registry, LIMIT_CUTS),
            order_checks: counters(&registry, ORDER_CHECKS),
            http_requests: counters(&registry, HTTP_REQUESTS),
            http_seconds: histograms(&registry, HTTP_SECONDS),
            figures,
            registry,
        };
        metrics.begin_at_zero(base);
        metrics
    }

    /// What is not told until it happens is taken for missing by whoever asks for a rate.
    fn begin_at_zero(&self, base: Currency) {
        for outcome in ProposalOutcome::ALL {
            self.proposals_closed.with_label_values(&[outcome.as_str()]);
            self.decision_seconds.with_label_values(&[outcome.as_str()]);
        }
        for cause in LimitChangeCause::ALL {
            self.limit_changes.with_label_values(&[cause.as_str()]);
            self.limit_cuts.with_label_values(&[cause.as_str(), base.as_str()]);
        }
        for answer in OrderAnswer::ALL {
            self.order_checks.with_label_values(&[answer.as_str()]);
        }
    }

    /// Takes over how the read side stands, in the place of what it was told before.
    pub fn set(&self, figures: ReadSideFigures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// So many records more were read of a topic, by its full name.
    pub fn observe_records(&self, topic: &str, count: u64) {
        self.records.with_label_values(&[topic]).inc_by(count);
    }

    /// A proposal was closed, `open_for` after its first version; `None` where nobody knows when that was.
    /// Like the changes of limits it counts once the read side is ready: what it reads again at a start is no news.
    pub fn observe_closed_proposal(&self, outcome: ProposalOutcome, open_for: Option<Duration>) {
        self.proposals_closed.with_label_values(&[outcome.as_str()]).inc();
        if let Some(open_for) = open_for {
            self.decision_seconds.with_label_values(&[outcome.as_str()]).observe(open_for.as_secs_f64());
        }
    }

    /// A limit is another; `cut`: what it was lowered by, and in which currency, where it was.
    pub fn observe_limit_change(&self, cause: LimitChangeCause, cut: Option<(Cents, Currency)>) {
        self.limit_changes.with_label_values(&[cause.as_str()]).inc();
        if let Some((cut, currency)) = cut {
            // A counter cannot fall: whoever calls a raise a cut is not believed.
            self.limit_cuts.with_label_values(&[cause.as_str(), currency.as_str()]).inc_by(units(cut).max(0.0));
        }
    }

    /// An order was checked.
    pub fn observe_order_check(&self, answer: OrderAnswer) {
        self.order_checks.with_label_values(&[answer.as_str()]).inc();
    }

    /// A request was answered. `route` is the pattern of its path, and never the path itself, which anybody can make up.
    pub fn observe_request(&self, route: &str, status: u16, took: Duration) {
        self.http_requests.with_label_values(&[route, &status.to_string()]).inc();
        self.http_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Panics
    /// Never: text is written to memory.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).expect("metrics are text")
    }
}

fn counters(registry: &Registry, name: &str) -> IntCounterVec {
    let spec = table::spec(name);
    let made = IntCounterVec::new(Opts::new(spec.name, spec.help), spec.labels).expect("a valid counter");
    registry.register(Box::new(made.clone())).expect("a name is registered once");
    made
}

fn sums(registry: &Registry, name: &str) -> CounterVec {
    let spec = table::spec(name);
    let made = CounterVec::new(Opts::new(spec.name, spec.help), spec.labels).expect("a valid counter");
    registry.register(Box::new(made.clone())).expect("a name is registered once");
    made
}

fn histograms(registry: &Registry, name: &str) -> HistogramVec {
    let spec = table::spec(name);
    let MetricKind::Histogram(bounds) = spec.kind else { panic!("{name} is no histogram") };
    let options = HistogramOpts::new(spec.name, spec.help).buckets(bounds.to_vec());
    let made = HistogramVec::new(options, spec.labels).expect("a valid histogram");
    registry.register(Box::new(made.clone())).expect("a name is registered once");
    made
}

/// Tells how the read side stands when somebody asks.
struct Gauges {
    figures: Arc<Mutex<ReadSideFigures>>,
    process: Option<ProcessFigures>,
    descriptions: Vec<Desc>,
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut page = Page::default();
        // What a panicking reader left is whole: it is only ever replaced.
        tell(&self.figures.lock().unwrap_or_else(PoisonError::into_inner), &mut page);
        if let Some(process) = &self.process {
            process.tell(&mut page);
        }
        page.into_families()
    }
}

fn tell(figures: &ReadSideFigures, page: &mut Page) {
    let ReadSideFigures { ready, buyers, lag_records, segments, largest_shares, groups, open_proposals } = figures;
    page.set(READY, &[], if *ready == ReadPhase::Ready { 1.0 } else { 0.0 });
    page.set(BUYERS, &[], *buyers as f64);
    for (topic, records) in lag_records {
        page.set(LAG_RECORDS, &[topic], *records as f64);
    }
    for (segment, SegmentFigures { outstanding, dso_days }) in segments {
        let labels = [segment.map_or(UNKNOWN, |segment| segment.as_str())];
        page.set(OUTSTANDING, &labels, units(*outstanding));
        if let Some(days) = dso_days {
            page.set(DSO_SECONDS, &labels, *days * SECONDS_OF_A_DAY);
        }
    }
    for (top, share) in largest_shares {
        page.set(LARGEST_SHARE, &[&top.to_string()], *share);
    }
    for (parent_id, exposure) in groups {
        page.set(GROUP_EXPOSURE, &[parent_id], units(*exposure));
    }
    for mode in ProposalMode::ALL {
        page.set(OPEN_PROPOSALS, &[mode.as_str()], open_proposals.get(mode).copied().unwrap_or_default() as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn euro() -> Currency {
        Currency::parse("EUR").expect("a currency")
    }

    /// Everything that can be told, once.
    fn full() -> ReadSideMetrics {
        let metrics = ReadSideMetrics::beside_engine(euro());
        let named = SegmentFigures { outstanding: Cents(150_050), dso_days: Some(41.5) };
        metrics.set(ReadSideFigures {
            ready: ReadPhase::Ready,
            buyers: 3,
            lag_records: BTreeMap::from([("vigie.alerts".to_owned(), 7)]),
            segments: BTreeMap::from([(Some(Segment::Named), named), (None, SegmentFigures::default())]),
            largest_shares: vec![(1, 0.25), (10, 1.0)],
            groups: vec![("G-1".to_owned(), Cents(9_900))],
            open_proposals: BTreeMap::from([(ProposalMode::Review, 2)]),
        });
        metrics.observe_records("vigie.alerts", 2);
        metrics.observe_records("vigie.alerts", 3);
        metrics.observe_closed_proposal(ProposalOutcome::Approved, Some(Duration::from_secs(7200)));
        metrics.observe_closed_proposal(ProposalOutcome::Expired, None);
        let dollar = Currency::parse("USD").expect("a currency");
        metrics.observe_limit_change(LimitChangeCause::Approved, Some((Cents(1_000_050), dollar)));
        metrics.observe_limit_change(LimitChangeCause::Set, None);
        metrics.observe_order_check(OrderAnswer::Refer);
        metrics.observe_request("/v1/buyers/{buyer_id}", 200, Duration::from_millis(2));
        metrics
    }

    #[track_caller]
    fn has(page: &str, lines: &[&str]) {
        for line in lines {
            assert!(page.lines().any(|other| other == *line), "no {line} in\n{page}");
        }
    }

    #[test]
    fn what_was_told_is_on_the_page() {
        has(
            &full().render(),
            &[
                "vigie_read_ready 1",
                "vigie_read_buyers 3",
                r#"vigie_read_records_total{topic="vigie.alerts"} 5"#,
                r#"vigie_read_lag_records{topic="vigie.alerts"} 7"#,
                r#"vigie_portfolio_outstanding_amount{segment="named"} 1500.5"#,
                r#"vigie_portfolio_outstanding_amount{segment="unknown"} 0"#,
                r#"vigie_portfolio_dso_seconds{segment="named"} 3585600"#,
                r#"vigie_portfolio_largest_share_ratio{top="10"} 1"#,
                r#"vigie_group_exposure_amount{parent_id="G-1"} 99"#,
                r#"vigie_open_proposals{mode="review"} 2"#,
                r#"vigie_open_proposals{mode="auto"} 0"#,
                r#"vigie_proposals_closed_total{outcome="approved"} 1"#,
                r#"vigie_proposals_closed_total{outcome="expired"} 1"#,
                r#"vigie_proposals_closed_total{outcome="rejected"} 0"#,
                r#"vigie_proposal_decision_seconds_bucket{outcome="approved",le="3600"} 0"#,
                r#"vigie_proposal_decision_seconds_bucket{outcome="approved",le="14400"} 1"#,
                r#"vigie_proposal_decision_seconds_count{outcome="expired"} 0"#,
                r#"vigie_limit_changes_total{cause="set"} 1"#,
                r#"vigie_limit_cut_amount_total{cause="approved",currency="USD"} 10000.5"#,
                r#"vigie_limit_cut_amount_total{cause="auto",currency="EUR"} 0"#,
                r#"vigie_order_checks_total{answer="refer"} 1"#,
                r#"vigie_http_requests_total{route="/v1/buyers/{buyer_id}",status="200"} 1"#,
                r#"vigie_http_request_seconds_bucket{route="/v1/buyers/{buyer_id}",le="0.0025"} 1"#,
            ],
        );
    }

    #[test]
    fn a_segment_without_sales_has_no_days_of_sales() {
        assert!(!full().render().contains(r#"vigie_portfolio_dso_seconds{segment="unknown"}"#));
    }

    #[test]
    fn figures_take_the_place_of_those_before() {
        let metrics = full();
        metrics.set(ReadSideFigures::default());
        let page = metrics.render();
        assert!(!page.contains("G-1") && !page.contains("vigie_read_lag_records{"), "{page}");
        has(
            &page,
            &["vigie_read_ready 0", "vigie_read_buyers 0", r#"vigie_read_records_total{topic="vigie.alerts"} 5"#],
        );
    }

    #[test]
    fn a_limit_that_was_raised_takes_nothing_off_what_was_cut() {
        let metrics = ReadSideMetrics::beside_engine(euro());
        metrics.observe_limit_change(LimitChangeCause::Set, Some((Cents(-100), euro())));
        has(
            &metrics.render(),
            &[
                r#"vigie_limit_changes_total{cause="set"} 1"#,
                r#"vigie_limit_cut_amount_total{cause="set",currency="EUR"} 0"#,
            ],
        );
    }

    fn told(page: &str) -> BTreeSet<&str> {
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
    }

    #[test]
    fn the_page_has_every_metric_of_the_table_and_no_other_with_its_labels() {
        let page = full().render();
        assert_eq!(told(&page), READ_SIDE_METRICS.iter().map(|spec| spec.name).collect());
        for spec in READ_SIDE_METRICS {
            has(&page, &[&format!("# HELP {} {}", spec.name, spec.help)]);
            for label in spec.labels {
                let has_label = |line: &str| line.starts_with(spec.name) && line.contains(&format!("{label}=\""));
                assert!(page.lines().any(has_label), "{} has no {label}", spec.name);
            }
        }
    }

    #[test]
    fn beside_an_engine_no_metric_is_told_twice_and_alone_the_process_is_told_too() {
        let of_engine: BTreeSet<&str> = table::METRICS.iter().map(|spec| spec.name).collect();
        let (beside, alone) = (full().render(), ReadSideMetrics::alone(euro()).render());
        assert!(told(&beside).is_disjoint(&of_engine));
        let of_process: BTreeSet<&str> = told(&alone).intersection(&of_engine).copied().collect();
        assert!(
            of_process.contains("vigie_build_info") && of_process.contains("process_start_time_seconds"),
            "{alone}"
        );
    }

    #[test]
    fn promtool_has_nothing_to_say() {
        crate::io::metrics::tests::promtool_accepts(&full().render());
    }

    #[test]
    fn the_operations_name_every_metric_and_no_other() {
        let (_, section) =
            include_str!("../../../OPERATIONS.md").split_once("## Metrics of the read side").expect("it");
        let section = section.split("\n## ").next().expect("a first part");
        let named: Vec<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
            .collect();
        assert_eq!(named, READ_SIDE_METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>());
    }
}
