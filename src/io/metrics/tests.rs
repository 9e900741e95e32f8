//! Tries the metrics: counters of several workers add up, what leaves disappears, and the page is what Prometheus wants.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::base::Cents;
use crate::event::{AlertKind, Grade, Segment, Severity};
use crate::runtime::observed::{Figures, PartitionState, Sums};

fn metrics() -> Metrics {
    Metrics::new(MetricsSettings {
        topics: ["vigie.invoices", "vigie.payments", "vigie.alerts"].map(str::to_owned).into(),
        inputs: vec![TopicId(0), TopicId(1)],
        base: Currency::parse("EUR").expect("a currency"),
        most_retained_max: 2,
    })
}

fn live(retained: &[(&str, i128)]) -> PartitionState {
    let sums = Sums {
        buyers: 2,
        exposure: Cents(150_050),
        overdue: [Cents(100), Cents(0), Cents(0), Cents(700)],
        insured: Cents(50_000),
        retained: Cents(100_050),
        expected_loss: Cents(123),
    };
    let most_retained = retained.iter().map(|(id, cents)| ((*id).to_owned(), Cents(*cents))).collect();
    PartitionState {
        phase: Phase::Live,
        lag_records: BTreeMap::from([(TopicId(0), 5), (TopicId(1), 0)]),
        lag_seconds: 1.5,
        epoch: 7,
        buyers: 2,
        state_bytes: 1000,
        snapshot_age_seconds: None,
        figures: Arc::new(Figures {
            sums: BTreeMap::from([((Some(Segment::Named), Grade::A), sums), ((None, Grade::F), Sums::default())]),
            alerts: BTreeMap::from([((AlertKind::LimitExceeded, Severity::Warning), 3)]),
            most_retained,
        }),
    }
}

fn observed(partitions: &[(u32, PartitionState)]) -> Observed {
    Observed { partitions: partitions.iter().cloned().collect(), ..Observed::default() }
}

#[track_caller]
fn has(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|other| other == *line), "no {line} in\n{page}");
    }
}

/// Everything that can be told, once.
fn full() -> Metrics {
    let metrics = metrics();
    let mut told = observed(&[(0, live(&[("b1", 900), ("b2", 100)]))]);
    told.partitions.get_mut(&0).expect("there").snapshot_age_seconds = Some(12.0);
    told.turns = 2;
    told.rebalances = 1;
    told.turn_ns = vec![3_000_000, 40_000_000];
    told.commit_ns = vec![2_000_000];
    told.recovery_seconds = vec![2.0, 0.5];
    told.snapshots_saved = 1;
    told.renewals.insert("slow_commit", 1);
    told.events.insert(TopicId(0), TopicTally { applied: 5, duplicate: 4, refused: 3, skipped: 2 });
    told.counts.outputs.insert("alert.raised", 2);
    told.counts.own.refused.insert(RefusalCode::Malformed, 2);
    told.counts.copies.refused.insert(RefusalCode::Malformed, 1);
    [1, 1, 30, 100_000].into_iter().for_each(|ms| told.latency.note(ms));
    metrics.flush(0, told);
    metrics
}

#[test]
fn what_workers_count_adds_up() {
    let metrics = full();
    let mut more = observed(&[(1, live(&[]))]);
    more.turns = 1;
    more.snapshots_failed = 1;
    more.events.insert(TopicId(0), TopicTally { applied: 1, ..TopicTally::default() });
    more.latency.note(30);
    metrics.flush(1, more);
    has(
        &metrics.render(),
        &[
            "vigie_turns_total 3",
            r#"vigie_events_total{outcome="applied",topic="vigie.invoices"} 6"#,
            r#"vigie_events_total{outcome="skipped",topic="vigie.invoices"} 2"#,
            r#"vigie_events_total{outcome="applied",topic="vigie.payments"} 0"#,
            r#"vigie_outputs_total{type="alert.raised"} 2"#,
            r#"vigie_outputs_total{type="exposure.updated"} 0"#,
            r#"vigie_dead_letters_total{code="malformed"} 3"#,
            r#"vigie_dead_letters_total{code="not_open"} 0"#,
            r#"vigie_snapshots_total{outcome="saved"} 1"#,
            r#"vigie_snapshots_total{outcome="failed"} 1"#,
            "vigie_rebalances_total 1",
            r#"vigie_producer_renewals_total{reason="slow_commit"} 1"#,
            r#"vigie_turn_seconds_bucket{le="0.005"} 1"#,
            "vigie_turn_seconds_count 2",
            "vigie_commit_seconds_count 1",
            "vigie_recovery_seconds_count 2",
            "vigie_last_recovery_seconds 0.5",
            r#"vigie_event_to_output_seconds_bucket{le="0.001"} 2"#,
            r#"vigie_event_to_output_seconds_bucket{le="0.05"} 4"#,
            r#"vigie_event_to_output_seconds_bucket{le="60"} 4"#,
            r#"vigie_event_to_output_seconds_bucket{le="+Inf"} 5"#,
            "vigie_event_to_output_seconds_count 5",
            "vigie_event_to_output_seconds_sum 100.062",
        ],
    );
}

#[test]
fn how_partitions_stand_is_summed_and_disappears_with_them() {
    let metrics = full();
    metrics.flush(1, observed(&[(4, live(&[("b3", 500)])), (5, PartitionState::default())]));
    has(
        &metrics.render(),
        &[
            r#"vigie_lag_records{partition="0",topic="vigie.invoices"} 5"#,
            r#"vigie_lag_seconds{partition="4"} 1.5"#,
            r#"vigie_known_buyers{partition="4"} 2"#,
            r#"vigie_epoch_turns{partition="0"} 7"#,
            r#"vigie_state_bytes{partition="0"} 1000"#,
            r#"vigie_snapshot_age_seconds{partition="0"} 12"#,
            r#"vigie_partitions{phase="live"} 2"#,
            r#"vigie_partitions{phase="recovering"} 1"#,
            r#"vigie_partitions{phase="stopped"} 0"#,
            r#"vigie_portfolio_buyers{grade="A",segment="named"} 4"#,
            r#"vigie_portfolio_buyers{grade="F",segment="unknown"} 0"#,
            r#"vigie_exposure_amount{grade="A",segment="named"} 3001"#,
            r#"vigie_overdue_amount{age_days="over_90",grade="A",segment="named"} 14"#,
            r#"vigie_insured_amount{grade="A",segment="named"} 1000"#,
            r#"vigie_retained_amount{grade="A",segment="named"} 2001"#,
            r#"vigie_expected_loss_amount{grade="A",segment="named"} 2.46"#,
            r#"vigie_open_alerts{kind="limit_exceeded",severity="warning"} 6"#,
            r#"vigie_buyer_retained_amount{buyer_id="b1"} 9"#,
            r#"vigie_buyer_retained_amount{buyer_id="b3"} 5"#,
        ],
    );
    assert!(!metrics.render().contains("b2"), "two buyers are told by their id, and no more");
    metrics.flush(0, observed(&[]));
    let page = metrics.render();
    assert!(!page.contains(r#"partition="0""#) && !page.contains("b1"), "{page}");
    has(&page, &[r#"vigie_partitions{phase="live"} 1"#, "vigie_turns_total 2"]);
    metrics.forget(1);
    assert!(!metrics.render().contains("partition="));
}

#[test]
fn ready_is_only_who_has_heard_of_its_partitions_and_has_all_of_them_live() {
    let metrics = metrics();
    let not_ready = |lines: &[&str]| Readiness::NotReady(lines.iter().map(|line| (*line).to_owned()).collect());
    assert_eq!(metrics.readiness(), not_ready(&["waiting for the group to assign partitions"]));
    metrics.flush(0, observed(&[]));
    assert_eq!(metrics.readiness(), not_ready(&["waiting for the group to assign partitions"]));
    metrics.flush(0, Observed { rebalances: 1, ..Observed::default() });
    assert_eq!(metrics.readiness(), Readiness::Ready(0), "there may be more members than partitions");
    let state = |phase| PartitionState { phase, ..PartitionState::default() };
    metrics.flush(0, observed(&[(0, state(Phase::Live)), (3, state(Phase::CatchingUp))]));
    metrics.flush(1, observed(&[(2, state(Phase::Stopped("secret".to_owned()))), (1, state(Phase::Recovering))]));
    let lines = [
        "partition 1: recovering",
        "partition 2: stopped until somebody helps: the log says why",
        "partition 3: catching up",
    ];
    assert_eq!(metrics.readiness(), not_ready(&lines));
    metrics.flush(1, observed(&[]));
    metrics.flush(0, observed(&[(0, state(Phase::Live)), (3, state(Phase::Live))]));
    assert_eq!(metrics.readiness(), Readiness::Ready(2));
}

#[test]
fn the_page_has_every_metric_of_the_table_and_no_other_with_its_labels() {
    let page = full().render();
    let told: BTreeSet<(&str, &str)> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let named = |spec: &'static MetricSpec| {
        let kind = match spec.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram(_) => "histogram",
        };
        (spec.name, kind)
    };
    assert_eq!(told, METRICS.iter().map(named).collect());
    for spec in METRICS {
        has(&page, &[&format!("# HELP {} {}", spec.name, spec.help)]);
        for label in spec.labels {
            assert!(
                page.lines()
                    .any(|line| line.starts_with(&format!("{}{{", spec.name)) && line.contains(&format!("{label}=\"")))
            );
        }
    }
}

#[test]
fn the_outputs_of_the_table_are_those_of_the_contract() {
    let types: BTreeSet<&str> = OUTPUT_TYPES.into();
    let known = crate::wire::schema::files();
    let known: BTreeSet<&str> = known.iter().filter_map(|file| file.name.strip_suffix(".json")).collect();
    assert!(types.is_subset(&known), "{types:?} of {known:?}");
}

/// Prometheus' own checker has the last word, where it is installed.
#[test]
fn promtool_has_nothing_to_say() {
    promtool_accepts(&full().render());
}

#[track_caller]
pub(super) fn promtool_accepts(page: &str) {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut tool = match tool {
        Ok(tool) => tool,
        Err(error) => return eprintln!("not tried: promtool: {error}"),
    };
    tool.stdin.take().expect("a pipe").write_all(page.as_bytes()).expect("written");
    let output = tool.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{page}");
}

#[test]
fn the_readme_names_every_metric_and_no_other() {
    let readme = include_str!("../../../README.md");
    let named: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
        .filter(|name| name.starts_with("vigie_") || name.starts_with("process_"))
        .collect();
    assert_eq!(named, METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>());
}
