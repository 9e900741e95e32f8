//! Owns what a seed stands for: how the service is set up, how much trouble there is, and what the inputs are like.

use crate::base::{Currency, Day, Instant};
use crate::event::Topic;
use crate::risk::Params;
use crate::runtime::{BatchLimits, ClockRule, ColdStart, OutputTopics, ServiceRules, StormLimits, TopicId, Topics};
use crate::wire::DecodeRules;
use crate::wire::decode::TopicRule;
use crate::workload::random::{Chance, Draws};

/// The streams of chance of a seed.
pub(super) mod stream {
    /// What the seed stands for.
    pub(in crate::sim) const PRESET: u64 = 0;
    /// The inputs.
    pub(in crate::sim) const SCRIPT: u64 = 1;
    /// What goes wrong, and when.
    pub(in crate::sim) const FATES: u64 = 2;
}

/// What a simulation is like.
#[derive(Debug, Clone)]
pub(super) struct Preset {
    pub(super) seed: u64,
    pub(super) partitions: u32,
    pub(super) members: u32,
    pub(super) clock: ClockRule,
    pub(super) cold_start: ColdStart,
    /// Whether each type goes to its home topic; else all go to one.
    pub(super) spread: Spread,
    pub(super) buyers: u32,
    pub(super) days: u16,
    pub(super) is_static: bool,
    pub(super) trouble_per_mille: u32,
    pub(super) limits: BatchLimits,
    pub(super) exposures_per_second_max: u64,
    pub(super) snapshot_interval_ms: u64,
    pub(super) snapshot_slice_bytes: usize,
    pub(super) snapshot_generations: usize,
    /// Out of a thousand records, those that are there before the first member.
    pub(super) early_per_mille: u32,
    pub(super) session_ns: u64,
    pub(super) transaction_ns: u64,
    /// Whether members come back with other params.
    pub(super) changes_params: bool,
    pub(super) ends_with_restart: bool,
}

/// How events are spread over topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    OneTopic,
    HomeTopics,
}

impl Preset {
    /// What a seed stands for.
    pub(super) fn of(seed: u64) -> Preset {
        let mut draws = Chance::new(seed).draws(stream::PRESET, 0);
        let clock = *draws.pick(&[ClockRule::Event, ClockRule::Live]);
        let spread = *draws.pick(&[Spread::OneTopic, Spread::HomeTopics]);
        let cold_start = *draws.pick(&[ColdStart::Silent, ColdStart::Full, ColdStart::Full]);
        let limits = BatchLimits {
            records_max: 1 + draws.below(30) as usize,
            bytes_max: *draws.pick(&[2_000, 8_000, 1 << 20]),
            held_max: 2 + draws.below(20) as usize,
        };
        Preset {
            seed,
            partitions: *draws.pick(&[1, 1, 2, 3, 4]),
            members: 1 + draws.below(3),
            clock,
            cold_start,
            spread,
            buyers: 2 + draws.below(11),
            days: 4 + draws.below(24) as u16,
            is_static: draws.happens(500),
            trouble_per_mille: *draws.pick(&[2, 6, 15]),
            limits,
            exposures_per_second_max: *draws.pick(&[1, 1, 20, 5000]),
            snapshot_interval_ms: *draws.pick(&[20, 100, 400]),
            snapshot_slice_bytes: *draws.pick(&[1, 1000, 1 << 20]),
            snapshot_generations: 1 + draws.below(3) as usize,
            early_per_mille: *draws.pick(&[0, 0, 300, 900]),
            session_ns: 300_000_000,
            transaction_ns: u64::from(*draws.pick(&[150_u32, 900, 5000])) * 1_000_000,
            changes_params: spread == Spread::HomeTopics && draws.happens(400),
            ends_with_restart: draws.happens(400),
        }
    }

    /// Whether what comes out is the same whatever goes wrong: silence up to the ends that a shard saw depends on when it
    /// looked, the live clock on when turns end, and the order of several topics on what was there.
    pub(super) fn is_comparable(&self) -> bool {
        (self.clock, self.spread, self.cold_start) == (ClockRule::Event, Spread::OneTopic, ColdStart::Full)
    }

    pub(super) fn draws(&self, stream: u64) -> Draws {
        Chance::new(self.seed).draws(stream, 0)
    }

    /// The first day of the inputs.
    pub(super) fn first_day() -> Day {
        Day::from_calendar(2026, 1, 5).expect("2026-01-05 is a day")
    }

    /// The wall clock at the beginning.
    pub(super) fn wall(&self) -> Instant {
        match self.clock {
            // After all events, so that none is of the future.
            ClockRule::Event => Preset::first_day().plus(1000).start(),
            ClockRule::Live => Preset::first_day().start(),
        }
    }

    /// The topics: the inputs first.
    pub(super) fn topics(&self) -> Topics {
        let (mut names, inputs): (Vec<String>, Vec<Option<Topic>>) = match self.spread {
            Spread::OneTopic => (vec!["events".to_owned()], vec![Some(Topic::Invoices)]),
            Spread::HomeTopics => Topic::ALL.iter().map(|topic| (topic.as_str().to_owned(), Some(*topic))).unzip(),
        };
        let first = inputs.len() as u16;
        let outputs =
            ["alerts", "limit-proposals", "limit-changes", "order-decisions", "exposures", "dead-letters", "journal"];
        names.extend(outputs.map(str::to_owned));
        let [alerts, limit_proposals, limit_changes, order_decisions, exposures, dead_letters, journal] =
            std::array::from_fn(|place| TopicId(first + place as u16));
        let outputs = OutputTopics {
            alerts,
            limit_proposals,
            limit_changes,
            order_decisions,
            exposures,
            history: None,
            dead_letters,
            journal: Some(journal),
        };
        Topics { names, inputs, outputs, partitions: self.partitions }
    }

    /// What decoding holds records to.
    pub(super) fn decode(&self) -> DecodeRules {
        let mut rules = DecodeRules::new(base(), Instant::MIN);
        if self.spread == Spread::OneTopic {
            rules.topics = TopicRule::Any;
        }
        rules
    }

    /// The params of a version.
    pub(super) fn params(version: u32) -> Params {
        let mut params = Params::new(base());
        params.version = version;
        params.alerts.uncovered_amount += u64::from(version) * 1000;
        params.alerts.limit_warning_pct += version;
        params
    }

    /// What a service goes by.
    pub(super) fn service_rules(&self, instance: u32, params_version: u32) -> ServiceRules {
        let params = Preset::params(params_version);
        let rules = ServiceRules::new(self.topics(), self.decode(), params, format!("m{instance}"));
        ServiceRules {
            limits: self.limits,
            clock: self.clock,
            cold_start: self.cold_start,
            storm: StormLimits { refused_pct: 20, refused_max: u64::MAX },
            exposures_per_second_max: self.exposures_per_second_max,
            idle_turn_ms: 40,
            snapshot_interval_ms: self.snapshot_interval_ms,
            snapshot_generations: self.snapshot_generations,
            snapshot_slice_bytes: self.snapshot_slice_bytes,
            pass_ms: 1000,
            ..rules
        }
    }
}

/// The base currency of all simulations.
pub(super) fn base() -> Currency {
    Currency::parse("EUR").expect("EUR is a currency")
}
