//! Owns what a service looks after beside its turns: how far behind it is, the figures of its buyers, and whether its inputs
//! reach back as far as its snapshots need.

use std::sync::Arc;

use super::slot::{Slot, Stage};
use super::{Notice, Place, Service};
use crate::runtime::log::{GroupLog, LogError};
use crate::runtime::observed::{PartitionState, Phase};
use crate::runtime::records::{Records, TopicId};
use crate::runtime::store::SnapshotStore;

/// How long the worker goes without looking how far behind it is.
const WATCH_NS: u64 = 500_000_000;
/// How long it goes without looking how far back its inputs reach.
const REACH_NS: u64 = 3_600_000_000_000;
/// How often one input of one partition is asked whether it has more than was delivered.
const STALL_NS: u64 = 1_000_000_000;
/// The fewest buyers that a step of a pass looks at, and the most.
const PASS_BUYERS: std::ops::RangeInclusive<usize> = 64..=2048;

impl<L: GroupLog, S: SnapshotStore> Service<L, S> {
    /// Looks after all that, each in its time.
    pub(super) fn watch(&mut self) -> Result<(), LogError> {
        let now_ns = self.log.elapsed_ns();
        let since_ns = now_ns.saturating_sub(self.watched_at_ns);
        if since_ns >= WATCH_NS {
            self.watched_at_ns = now_ns;
            self.pass(since_ns);
            self.note_states(now_ns);
        }
        if now_ns.saturating_sub(self.stall_at_ns) >= STALL_NS {
            self.stall_at_ns = now_ns;
            self.check_stalled()?;
        }
        if self.reach_at_ns.is_none_or(|at_ns| now_ns.saturating_sub(at_ns) >= REACH_NS) {
            self.reach_at_ns = Some(now_ns);
            self.check_reach()?;
        }
        Ok(())
    }

    /// Goes on with the pass over the buyers of each live shard, so that it takes the time that it should.
    fn pass(&mut self, since_ns: u64) {
        let (pass_ns, most_retained_max) = (self.rules.pass_ms * 1_000_000, self.rules.most_retained_max);
        for place in self.places.values_mut() {
            let Place::Live(slot) = place else { continue };
            let buyers = slot.shard.buyers();
            let share = buyers as u64 * since_ns.min(pass_ns) / pass_ns.max(1);
            let step = usize::try_from(share).unwrap_or(usize::MAX).clamp(*PASS_BUYERS.start(), *PASS_BUYERS.end());
            let end = (slot.log.pass_at + step).min(buyers);
            let pass = &mut slot.log.pass;
            slot.shard.look_at(slot.log.pass_at..end, &mut |line, alerts| {
                pass.add(line, most_retained_max);
                for alert in alerts {
                    *pass.alerts.entry(alert).or_default() += 1;
                }
            });
            slot.log.pass_at = end;
            if end == buyers {
                slot.log.pass_at = 0;
                slot.log.figures = Arc::new(std::mem::take(&mut slot.log.pass));
            }
        }
    }

    fn note_states(&mut self, now_ns: u64) {
        let now_ms = self.log.now().nanos().div_euclid(1_000_000);
        let inputs = self.rules.topics.inputs.len();
        let Self { places, batch, log, observed, .. } = self;
        for (&partition, place) in places {
            let Place::Live(slot) = place else { continue };
            let lags = (0..inputs).map(|topic| {
                let topic = TopicId(topic as u16);
                let position = slot.positions[usize::from(topic.0)];
                let lag = match log.heard_end(topic, partition) {
                    Some(end) if !batch.is_drained(topic, partition) => (end - position).max(0),
                    _ => 0,
                };
                (topic, lag)
            });
            let lag_records = lags.collect::<std::collections::BTreeMap<_, _>>();
            let is_behind = lag_records.values().any(|lag| *lag > 0) && slot.log.last_record_ms > 0;
            let lag_ms = if is_behind { (now_ms - slot.log.last_record_ms).max(0) } else { 0 };
            observed.partitions.insert(
                partition,
                PartitionState {
                    phase: phase(slot),
                    lag_records,
                    lag_seconds: lag_ms as f64 / 1e3,
                    epoch: slot.epoch,
                    buyers: slot.shard.buyers() as u64,
                    state_bytes: slot.log.snapshot_bytes,
                    snapshot_age_seconds: slot.log.stored_at_ns.map(|at_ns| (now_ns - at_ns) as f64 / 1e9),
                    figures: Arc::clone(&slot.log.figures),
                },
            );
        }
    }

    /// Asks the next input in turn whether it has records that are not delivered, though it passes for read to its end and
    /// nothing came of it since it was last asked: after a broker was killed, its client was seen to wait for ever. If so, it is
    /// delivered anew.
    fn check_stalled(&mut self) -> Result<(), LogError> {
        let live = self.places.iter().filter_map(|(partition, place)| match place {
            Place::Live(slot) => Some((*partition, &slot.positions)),
            _ => None,
        });
        let inputs: Vec<(u32, u16, i64)> = live
            .flat_map(|(partition, at)| at.iter().enumerate().map(move |(topic, at)| (partition, topic as u16, *at)))
            .collect();
        let Some(&(partition, topic, position)) = inputs.get(self.stall_next % inputs.len().max(1)) else {
            return Ok(());
        };
        self.stall_next = (self.stall_next + 1) % inputs.len();
        let before = self.stall_seen.insert((partition, topic), position);
        if before != Some(position) || !self.batch.is_drained(TopicId(topic), partition) {
            return Ok(());
        }
        let mut records = Records::default();
        let asked = self.log.bounds(TopicId(topic), partition).and_then(|bounds| match bounds.end > position {
            true => self.log.read(TopicId(topic), partition, position, bounds.end, &mut records).map(|_| ()),
            false => Ok(()),
        });
        match asked {
            Ok(()) if records.is_empty() => return Ok(()),
            Ok(()) => {}
            // It is asked again in its turn.
            Err(LogError::Retry(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        let name = &self.rules.topics.names[usize::from(topic)];
        self.notices.push(Notice::Warned(format!(
            "{name} of partition {partition} has records from {position} on that do not come: its inputs are read anew"
        )));
        self.park(partition)
    }

    /// Warns where an input no longer reaches back to the oldest snapshot that is known: the newest would be the only one.
    fn check_reach(&mut self) -> Result<(), LogError> {
        let Self { places, log, rules, notices, .. } = self;
        for (&partition, place) in places {
            let Place::Live(slot) = place else { continue };
            let Some(positions) = slot.log.kept_positions.front() else { continue };
            for (topic, position) in positions.iter().enumerate() {
                let bounds = match log.bounds(TopicId(topic as u16), partition) {
                    Ok(bounds) => bounds,
                    Err(LogError::Retry(_)) => continue,
                    Err(error) => return Err(error),
                };
                if bounds.first > *position {
                    let (name, first) = (&rules.topics.names[topic], bounds.first);
                    notices.push(Notice::Warned(format!(
                        "{name} of partition {partition} begins at offset {first}, and the oldest snapshot needs it from \
                         {position} on: lengthen its retention.ms, or that snapshot is of no use"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// What a live shard is doing.
pub(super) fn phase(slot: &Slot) -> Phase {
    match slot.stage {
        Stage::Catching { .. } | Stage::Raising => Phase::CatchingUp,
        Stage::Going => Phase::Live,
    }
}
