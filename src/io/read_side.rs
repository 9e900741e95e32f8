//! Owns feeding the read model: record by record, with word of what changed, what is counted and how far it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::metrics::read_side::{ReadPhase, ReadSideFigures, ReadSideMetrics, SegmentFigures};
use crate::base::{Cents, Currency};
use crate::event::{LimitChangeCause, ProposalMode, ProposalOutcome};
use crate::runtime::Record;
use crate::view::totals::{GroupBy, Groups, Totals, units};
use crate::view::{Change, Fed, LimitView, Proposal, ReadModel};

/// Buyers whose share of all exposure is told together.
const LARGEST: [u32; 3] = [1, 10, 100];
/// Groups of buyers that are told by their parent's id.
const GROUPS_MAX: usize = 10;

/// The read model with what goes with it: a clone is another handle.
#[derive(Clone)]
pub struct Feeder {
    /// What is fed.
    pub model: Arc<ReadModel>,
    /// Who hears of changes.
    pub changes: broadcast::Sender<Change>,
    /// What is counted.
    pub metrics: Arc<ReadSideMetrics>,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    is_ready: AtomicBool,
    strangers: AtomicU64,
    /// By reader: each reads some of the partitions.
    lag_records: Mutex<BTreeMap<usize, BTreeMap<String, u64>>>,
}

impl Feeder {
    /// Nothing is fed yet.
    #[must_use]
    pub fn new(metrics: ReadSideMetrics, changes_max: usize) -> Feeder {
        Feeder {
            model: Arc::default(),
            changes: broadcast::Sender::new(changes_max),
            metrics: Arc::new(metrics),
            progress: Arc::default(),
        }
    }

    /// Takes a record of a topic.
    pub fn take(&self, from: Fed, topic: &str, record: &Record<'_>) {
        self.metrics.observe_records(topic, 1);
        let fed = match self.is_ready() {
            true => self.model.feed(from, record.key, record.value),
            // What was there before is no news.
            false => self.model.feed_silently(from, record.key, record.value).map(|()| None),
        };
        match fed {
            Ok(None) => {}
            Ok(Some(change)) => {
                self.count(&change);
                // Nobody may be listening.
                self.changes.send(change).ok();
            }
            Err(error) => {
                let count = self.progress.strangers.fetch_add(1, Ordering::Relaxed) + 1;
                // A topic full of them would fill the log.
                if count.is_power_of_two() {
                    let (partition, offset) = (record.partition, record.offset);
                    tracing::warn!(
                        "{topic}, partition {partition}, offset {offset} is left out: {error} ({count} so far)"
                    );
                }
            }
        }
    }

    /// Everything is read that was there at the start: from now on it answers.
    pub fn caught_up(&self) {
        self.progress.is_ready.store(true, Ordering::Release);
    }

    /// Whether everything is read that was there at the start.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.progress.is_ready.load(Ordering::Acquire)
    }

    /// Says how many records of each topic wait for a reader.
    pub fn set_lag(&self, reader: usize, lag_records: BTreeMap<String, u64>) {
        self.progress.lag_records.lock().unwrap_or_else(PoisonError::into_inner).insert(reader, lag_records);
    }

    fn lag_records(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for lags in self.progress.lag_records.lock().unwrap_or_else(PoisonError::into_inner).values() {
            lags.iter().for_each(|(topic, lag)| *sums.entry(topic.clone()).or_default() += lag);
        }
        sums
    }

    fn count(&self, change: &Change) {
        match change {
            Change::Proposal(proposal) => self.count_closed(proposal),
            Change::Limit(limit) => self.count_limit(limit),
            Change::Alert(_) | Change::Hold(_) => {}
        }
    }

    fn count_closed(&self, proposal: &Proposal) {
        if let Some(outcome) = proposal.outcome.as_deref().and_then(ProposalOutcome::parse) {
            let open_ns = proposal.changed_at.0.nanos() - proposal.proposed_at.0.nanos();
            self.metrics.observe_closed_proposal(outcome, u64::try_from(open_ns).ok().map(Duration::from_nanos));
        }
    }

    fn count_limit(&self, limit: &LimitView) {
        let Some(cause) = LimitChangeCause::parse(&limit.cause) else { return };
        let amount = |text: &Option<String>| {
            let units = crate::base::decimal::parse_scaled(text.as_deref()?, 4).ok()?;
            Some(Cents(units / 100))
        };
        let cut = match (amount(&limit.old_limit), amount(&limit.new_limit)) {
            (Some(old), Some(new)) if new < old && limit.old_currency.is_none() => Some(Cents(old.0 - new.0)),
            _ => None,
        };
        let currency = limit.currency.as_deref().and_then(Currency::parse);
        self.metrics.observe_limit_change(cause, cut.zip(currency));
    }

    /// The page of metrics: how the read side stands now, and what it has counted.
    #[must_use]
    pub fn page(&self) -> String {
        self.metrics.set(self.figures());
        self.metrics.render()
    }

    fn figures(&self) -> ReadSideFigures {
        let mut totals = Totals::default();
        let mut segments: BTreeMap<_, Totals> = BTreeMap::new();
        let mut groups = Groups::new(GroupBy::Group);
        let mut exposures = Vec::with_capacity(self.model.buyers());
        self.model.each_buyer(|row| {
            totals.add(row);
            segments.entry(row.buyer.line.profile.segment).or_default().add(row);
            groups.add(row);
            exposures.push(row.buyer.line.row.exposure.0);
        });
        exposures.sort_unstable_by_key(|exposure| std::cmp::Reverse(*exposure));
        let whole = units(totals.exposure());
        let share = |top: &u32| {
            let of_them = units(Cents(exposures.iter().take(*top as usize).sum()));
            (*top, if whole > 0.0 { of_them / whole } else { 0.0 })
        };
        let figures_of = |totals: &Totals| SegmentFigures {
            outstanding: totals.outstanding(),
            dso_days: totals.dso().map(|days| f64::from(days.0) / 10.0),
        };
        let mut open_proposals: BTreeMap<ProposalMode, u64> = BTreeMap::new();
        for proposal in self.model.proposals(Proposal::is_open) {
            if let Some(mode) = ProposalMode::parse(&proposal.mode) {
                *open_proposals.entry(mode).or_default() += 1;
            }
        }
        ReadSideFigures {
            ready: if self.is_ready() { ReadPhase::Ready } else { ReadPhase::CatchingUp },
            buyers: self.model.buyers() as u64,
            lag_records: self.lag_records(),
            segments: segments.iter().map(|(segment, totals)| (*segment, figures_of(totals))).collect(),
            largest_shares: if exposures.is_empty() { Vec::new() } else { LARGEST.iter().map(share).collect() },
            groups: groups.largest(GROUPS_MAX),
            open_proposals,
        }
    }
}
