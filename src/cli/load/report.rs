//! Owns what a load says of itself at the end: the summary as JSON, a table for a person, and whether it was as expected.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::latency::Outputs;
use super::plan::Plan;
use super::sending::{Deliveries, End, Sent};
use crate::base::time::SECOND_NS;
use crate::cli::replay::text::{line, thousands};

/// The summary.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Events that were sent.
    pub sent: u64,
    /// Records that were sent: an event without a buyer is one for each partition.
    pub records: u64,
    /// Records that every in-sync replica has.
    pub acknowledged: u64,
    /// Records that were given up.
    pub failed: u64,
    /// Lines that are no events, and were not sent.
    pub unreadable: u64,
    /// Bytes of keys and values that were sent, before they were compressed.
    pub bytes: u64,
    /// From the first event to the last acknowledgement.
    pub seconds: f64,
    /// Events a second over that time.
    pub achieved_rate: f64,
    /// Events a second by the plan; null flat out.
    pub planned_rate: Option<f64>,
    /// The most that an event went out after its plan; null flat out.
    pub behind_plan_max_ms: Option<f64>,
    /// From the plan of a record to its acknowledgement.
    pub ack_latency_ms: Percentiles,
    /// From the plan of an event to its first output; null where no outputs were read.
    pub latency_ms: Option<Percentiles>,
    /// The outputs; null where none were read.
    pub outputs: Option<OutputCounts>,
    /// Why it ended.
    pub end: End,
}

/// Latencies in milliseconds; null where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many there are.
    pub count: u64,
    /// As many are below as above.
    pub p50: Option<f64>,
    /// One in ten is above.
    pub p90: Option<f64>,
    /// One in a hundred.
    pub p99: Option<f64>,
    /// One in a thousand.
    pub p99_9: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Percentiles {
        let ms = |micros: u64| (!histogram.is_empty()).then_some(micros as f64 / 1_000.0);
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Percentiles {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: ms(histogram.max()),
        }
    }
}

/// The outputs that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OutputCounts {
    /// All of them.
    pub read: u64,
    /// The first of an event that was sent.
    pub matched: u64,
    /// Further ones of such an event.
    pub further: u64,
    /// Those of events that were sent while all warmed up.
    pub of_warm_up: u64,
    /// Those that only the clock caused.
    pub by_clock: u64,
    /// Those of events that are not known: sent by others, or forgotten.
    pub unknown: u64,
    /// Those that name no cause.
    pub unreadable: u64,
    /// Events that were forgotten without an output, because too many were in flight.
    pub forgotten_events: u64,
}

impl Summary {
    /// The summary of a load.
    pub fn of(sent: &Sent, deliveries: &Deliveries, plan: &Plan, outputs: Option<&Outputs>) -> Summary {
        let seconds = plan.since_start(deliveries.last_ns.max(sent.last_ns)) as f64 / SECOND_NS as f64;
        Summary {
            sent: sent.events,
            records: sent.records,
            acknowledged: deliveries.acknowledged,
            failed: deliveries.failed,
            unreadable: sent.unreadable,
            bytes: sent.bytes,
            seconds: rounded(seconds),
            achieved_rate: if seconds > 0.0 { rounded(sent.events as f64 / seconds) } else { 0.0 },
            planned_rate: plan.rate().map(rounded),
            behind_plan_max_ms: plan.is_timed().then_some(rounded(sent.behind_max_ns as f64 / 1e6)),
            ack_latency_ms: Percentiles::of(&deliveries.latency),
            latency_ms: outputs.map(|outputs| Percentiles::of(&outputs.latency)),
            outputs: outputs.map(|outputs| OutputCounts {
                read: outputs.read,
                matched: outputs.matched,
                further: outputs.further,
                of_warm_up: outputs.of_warm_up,
                by_clock: outputs.by_clock,
                unknown: outputs.unknown,
                unreadable: outputs.unreadable,
                forgotten_events: outputs.forgotten,
            }),
            end: sent.end,
        }
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut out = match self.end {
            End::Sent => "All was sent\n\n",
            End::Duration => "Ended when its time was over\n\n",
            End::Signal => "Ended when it was asked to\n\n",
            End::Failed => "Ended by an error\n\n",
        }
        .to_owned();
        for (name, count) in [
            ("events sent", self.sent),
            ("records sent", self.records),
            ("records acknowledged", self.acknowledged),
            ("records failed", self.failed),
            ("lines not sent", self.unreadable),
            ("bytes sent", self.bytes),
        ] {
            line(&mut out, name, &thousands(count));
        }
        line(&mut out, "seconds", &format!("{:.3}", self.seconds));
        line(&mut out, "events a second", &thousands(self.achieved_rate as u64));
        if let Some(rate) = self.planned_rate {
            line(&mut out, "  by the plan", &thousands(rate as u64));
        }
        if let Some(behind) = self.behind_plan_max_ms {
            line(&mut out, "behind plan, most", &format!("{behind:.1} ms"));
        }
        latencies(&mut out, "acknowledged after", &self.ack_latency_ms);
        if let (Some(latency), Some(outputs)) = (&self.latency_ms, &self.outputs) {
            latencies(&mut out, "first output after", latency);
            out.push('\n');
            for (name, count) in [
                ("outputs read", outputs.read),
                ("  first of an event", outputs.matched),
                ("  further ones", outputs.further),
                ("  of the warm-up", outputs.of_warm_up),
                ("  by the clock", outputs.by_clock),
                ("  of unknown events", outputs.unknown),
                ("  without a cause", outputs.unreadable),
                ("events forgotten", outputs.forgotten_events),
            ] {
                line(&mut out, name, &thousands(count));
            }
        }
        out
    }
}

fn latencies(out: &mut String, name: &str, latencies: &Percentiles) {
    out.push('\n');
    line(out, name, &format!("{} times", thousands(latencies.count)));
    let all = [
        ("  p50", latencies.p50),
        ("  p90", latencies.p90),
        ("  p99", latencies.p99),
        ("  p99.9", latencies.p99_9),
        ("  max", latencies.max),
    ];
    for (name, value) in all {
        if let Some(value) = value {
            line(out, name, &format!("{value:.1} ms"));
        }
    }
}

/// To thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// What a load should come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected {
    /// The p99 of the latency, at most.
    pub p99_ms: Option<f64>,
    /// Events a second, at least.
    pub rate: Option<f64>,
}

impl Expected {
    /// What is not as expected, in a sentence each. What could not be measured is not as expected.
    pub fn misses(&self, summary: &Summary) -> Vec<String> {
        let mut misses = Vec::new();
        if let Some(rate) = self.rate
            && summary.achieved_rate < rate
        {
            let achieved = summary.achieved_rate;
            misses.push(format!("at least {rate} events a second were expected, and there were {achieved:.1}"));
        }
        if let Some(expected) = self.p99_ms {
            match summary.latency_ms.and_then(|latency| latency.p99) {
                Some(p99) if p99 <= expected => {}
                Some(p99) => misses.push(format!(
                    "a p99 of at most {expected} ms from event to output was expected, and it was {p99:.1} ms"
                )),
                None => misses.push(format!(
                    "a p99 of at most {expected} ms from event to output was expected, and nothing could be measured: no output of \
                     an event that was sent was read"
                )),
            }
        }
        misses
    }
}

#[cfg(test)]
mod tests {
    use super::super::latency::{Matcher, histogram, record};
    use super::super::plan::Pace;
    use super::*;

    fn summary(latencies_ms: &[u64]) -> Summary {
        let sent = Sent { events: 1_000, records: 1_011, last_ns: 2_400_000_000, ..Sent::default() };
        let deliveries = Deliveries {
            acknowledged: 1_011,
            failed: 0,
            first_failure: None,
            latency: histogram(),
            last_ns: 2_500_000_000,
        };
        let mut outputs = Matcher::new(1).finish();
        latencies_ms.iter().for_each(|ms| record(&mut outputs.latency, ms * 1_000_000));
        let mut plan = Plan::new(Pace::Rate(600.0));
        plan.next(None, 500_000_000);
        Summary::of(&sent, &deliveries, &plan, Some(&outputs))
    }

    #[test]
    fn the_rate_counts_until_the_last_acknowledgement() {
        let summary = summary(&[]);
        assert_eq!((summary.seconds, summary.achieved_rate, summary.planned_rate), (2.0, 500.0, Some(600.0)));
    }

    #[test]
    fn percentiles_are_in_milliseconds_and_null_where_there_are_none() {
        let latencies: Vec<u64> = (1..=1_000).collect();
        let latency = summary(&latencies).latency_ms.expect("measured");
        let near =
            |value: Option<f64>, expected: f64| value.is_some_and(|value| (value / expected - 1.0).abs() < 0.002);
        assert!(near(latency.p50, 500.0) && near(latency.p90, 900.0) && near(latency.p99, 990.0), "{latency:?}");
        assert!(near(latency.p99_9, 999.0) && near(latency.max, 1_000.0) && latency.count == 1_000, "{latency:?}");
        let none = serde_json::to_value(summary(&[]).latency_ms).expect("JSON");
        assert_eq!(
            none,
            serde_json::json!({"count": 0, "p50": null, "p90": null, "p99": null, "p99_9": null, "max": null})
        );
    }

    #[test]
    fn what_is_not_as_expected_is_said_and_so_is_what_could_not_be_measured() {
        let misses = |p99_ms, rate, latencies: &[u64]| Expected { p99_ms, rate }.misses(&summary(latencies));
        assert_eq!(misses(None, None, &[]), Vec::<String>::new());
        assert_eq!(misses(Some(20.1), Some(500.0), &[20]), Vec::<String>::new());
        assert_eq!(
            misses(Some(10.0), Some(501.0), &[20]),
            [
                "at least 501 events a second were expected, and there were 500.0",
                "a p99 of at most 10 ms from event to output was expected, and it was 20.0 ms",
            ]
        );
        let unmeasured = misses(Some(10.0), None, &[]);
        assert!(unmeasured.len() == 1 && unmeasured[0].contains("nothing could be measured"), "{unmeasured:?}");
    }

    #[test]
    fn the_table_shows_what_the_summary_has() {
        let table = summary(&[20]).table();
        for text in ["events sent", "1,000", "1,011", "by the plan", "600", "p99.9", "20.0 ms"] {
            assert!(table.contains(text), "{text} is not in\n{table}");
        }
    }
}
