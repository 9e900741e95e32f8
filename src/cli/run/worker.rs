//! Owns one worker of `vigie run`: its log, its service, and what it tells of itself.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::{AGAIN_SECONDS, pause, tries_again};
use crate::cli::config::WhenUnavailable;
use crate::io::clock::Stopwatch;
use crate::io::kafka::{KafkaLog, Settings, fail};
use crate::io::metrics::Metrics;
use crate::io::signals::StopFlag;
use crate::io::snapshots::Snapshots;
use crate::runtime::{LogError, Notice, Service, ServiceRules};

/// How long the last snapshots may take: the whole end is to be within ten seconds.
const LAST_SNAPSHOTS_NS: u64 = 7_000_000_000;

/// A log that ends sooner than this after it was opened is not opened again.
const REOPENED_SECONDS: f64 = 60.0;

/// What a worker needs.
pub struct Worker {
    /// Its number in the process.
    pub number: usize,
    /// How it reaches Kafka.
    pub settings: Settings,
    /// What it goes by.
    pub rules: ServiceRules,
    /// Where its snapshots lie.
    pub snapshots: Snapshots,
    /// Where it tells what it counts.
    pub metrics: Arc<Metrics>,
    /// Whether it is to end.
    pub stop: StopFlag,
    /// What it does while Kafka is not there.
    pub when_unavailable: WhenUnavailable,
}

impl Worker {
    /// Takes turns until it is asked to end. What ends the log may be over with a new one (a member that its own former self
    /// fences, once the broker was away for long): so it is opened again, but not again and again.
    ///
    /// # Errors
    /// When only a person can help: why, and what to do.
    pub fn run(&self) -> Result<(), String> {
        let mut begun = Stopwatch::start();
        loop {
            let Some(log) = self.open()? else { return Ok(()) };
            match self.serve(log) {
                Ok(()) => return Ok(()),
                Err(error) if begun.seconds() < REOPENED_SECONDS => return Err(error.to_string()),
                Err(error) => warn!(worker = self.number, "the log is opened anew, for it has ended: {error}"),
            }
            begun = Stopwatch::start();
        }
    }

    /// Takes turns on a log until it is asked to end, or the log ends.
    fn serve(&self, log: KafkaLog) -> Result<(), LogError> {
        let store = self.snapshots.handle(Arc::new(fail::pass));
        let mut service = Service::new(log, store, self.rules.clone());
        let ended = loop {
            if self.stop.is_set() {
                break service.finish(LAST_SNAPSHOTS_NS);
            }
            if let Err(error) = service.turn() {
                break Err(error);
            }
            self.tell(&mut service);
        };
        self.tell(&mut service);
        self.metrics.forget(self.number);
        ended
    }

    fn open(&self) -> Result<Option<KafkaLog>, String> {
        while !self.stop.is_set() {
            match KafkaLog::open(&self.settings, &self.rules.topics) {
                Ok(log) => return Ok(Some(log)),
                Err(error) if tries_again(&error, self.when_unavailable) => {
                    error!("{error}. It is tried again in {AGAIN_SECONDS} seconds");
                    pause(&self.stop);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(None)
    }

    fn tell(&self, service: &mut Service<KafkaLog, crate::io::snapshots::SnapshotHandle>) {
        for notice in service.take_notices() {
            match notice {
                Notice::Told(text) => info!(worker = self.number, "{text}"),
                Notice::Warned(text) => warn!(worker = self.number, "{text}"),
                Notice::Failed(text) => error!(worker = self.number, "{text}"),
            }
        }
        self.metrics.flush(self.number, service.take_observed());
    }
}
