//! Owns what a shard does for a service that replays have no need of: a wall clock, a silent beginning, other params on the
//! way, and word of whose figures moved.

use super::Shard;
use crate::base::{Day, Instant};
use crate::event::{AlertKind, Effect, ReportLine, Severity};
use crate::risk::behaviour::Pace;
use crate::risk::buyer::{Occasion, Voice};
use crate::risk::params::Params;

/// Params that a shard cannot go on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Every rate, and every figure kept, is in the base currency that it began with.
    #[error(
        "its figures are in {had}, and the base currency cannot change to {wanted}: give the new one a group of its own"
    )]
    Base {
        /// The base currency of the state.
        had: String,
        /// That of the params.
        wanted: String,
    },
    /// Outputs name the version, so that one version is one set of params.
    #[error("the params differ from those in force, and both are version {version}: raise the version")]
    SameVersion {
        /// The version of both.
        version: u32,
    },
}

/// The kinds and severities of a buyer's open alerts.
pub type OpenAlerts<'a> = &'a mut dyn Iterator<Item = (AlertKind, Severity)>;

/// Whose figures moved since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Whether anybody asks.
    pub(super) is_watched: bool,
    /// A day began, which ages everybody's.
    pub(super) everybody: bool,
    /// The places of buyers judged.
    pub(super) places: Vec<u32>,
}

impl Shard {
    /// The params in force.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// From now on the clock goes by the wall clock, which stands at `now`: times of events move it only up to there.
    pub fn go_by_wall(&mut self, now: Instant) {
        self.wall = Some(now);
    }

    /// Says whether alerts, proposals and limits are told from now on.
    pub fn speak(&mut self, voice: Voice) {
        self.voice = voice;
    }

    /// Judges every buyer as of the clock, in order of id: after a silent beginning, so that what holds is told.
    pub fn judge_all(&mut self, effects: &mut Vec<Effect>) {
        self.close_instant(effects);
        let Some(clock) = self.clock else { return };
        for place in self.in_order() {
            self.before_change(place);
            self.judge(place, clock, Occasion::Raise, effects);
        }
    }

    /// Whether the shard can go on with other params.
    ///
    /// # Errors
    /// When they are of another base currency, or differ from those in force under the same version.
    pub fn accepts(&self, params: &Params) -> Result<(), ParamsError> {
        if params.base != self.params.base {
            let text = |params: &Params| params.base.as_str().to_owned();
            return Err(ParamsError::Base { had: text(&self.params), wanted: text(params) });
        }
        if *params != self.params && params.version == self.params.version {
            return Err(ParamsError::SameVersion { version: params.version });
        }
        Ok(())
    }

    /// Goes on with other params. Each buyer is judged by them when something next happens to it, at the start of the next
    /// day at the latest.
    pub fn change_params(&mut self, params: Params) {
        self.pace = Pace::new(&params.score);
        self.params = params;
        let tomorrow = self.clock.map_or(Day::MIN, |clock| clock.day().plus(1));
        for place in 0..self.buyers.len() {
            self.before_change(place);
            self.buyers[place].forget_score_day();
            self.wake[place] = self.wake[place].min(tomorrow);
        }
        self.wake_earliest = self.wake_earliest.min(tomorrow);
    }

    /// From now on [`Shard::take_moved`] tells whose figures moved.
    pub fn watch_figures(&mut self) {
        self.moved.is_watched = true;
    }

    /// Hands over the places of the buyers whose figures may have moved since it was last asked, in the order in which they
    /// did, and everybody in order of id: a restored shard has its buyers in other places. A buyer may be named twice.
    pub fn take_moved(&mut self, mut take: impl FnMut(u32)) {
        self.moved.places.drain(..).for_each(&mut take);
        if std::mem::take(&mut self.moved.everybody) {
            // By id: places are others once a shard was restored, and whose figures were told is known by their number.
            self.in_order().into_iter().for_each(|place| take(place as u32));
        }
    }

    /// The place of a buyer.
    #[must_use]
    pub fn place_of(&self, buyer_id: &str) -> Option<usize> {
        self.find(buyer_id)
    }

    /// The buyer at a place.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn buyer_id(&self, place: usize) -> &str {
        &self.buyers[place].id
    }

    /// Hands over the report's line and the open alerts of the buyers at some places, aged to the clock.
    pub fn look_at(&mut self, places: std::ops::Range<usize>, seen: &mut dyn FnMut(&ReportLine, OpenAlerts<'_>)) {
        let Some(clock) = self.clock else { return };
        for buyer in &mut self.buyers[places] {
            let line = buyer.line(&self.params, &self.rates, clock.day(), &mut self.carrying);
            seen(&line, &mut buyer.open_alerts());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Currency;
    use crate::event::input::{ClockTick, LimitRemoved};
    use crate::event::{Body, Event};
    use crate::risk::stored::Storing;

    fn tell(shard: &mut Shard, subject: &str, hour: i64) {
        let time = Instant::from_nanos(hour * 3_600_000_000_000);
        let body = if subject.is_empty() { Body::ClockTick(ClockTick {}) } else { Body::LimitRemoved(LimitRemoved {}) };
        let id = hour.to_string();
        shard.apply(&Event { time, id: &id, source: "test", subject, body }, &mut Vec::new());
    }

    fn moved(shard: &mut Shard) -> Vec<String> {
        let mut places = Vec::new();
        shard.take_moved(|place| places.push(place as usize));
        places.into_iter().map(|place| shard.buyer_id(place).to_owned()).collect()
    }

    #[test]
    fn a_new_day_moves_everybody_in_the_same_order_before_and_after_a_shard_is_restored() {
        let mut shard = Shard::new(Params::new(Currency::parse("EUR").expect("a currency")));
        shard.watch_figures();
        for (hour, buyer) in ["b", "c", "a"].into_iter().enumerate() {
            tell(&mut shard, buyer, hour as i64);
        }
        shard.begin_storing();
        let (mut head, mut buyers) = (Vec::new(), Vec::new());
        shard.store_head(&mut head);
        // Who changes meanwhile is stored ahead of the others, and so has another place when restored.
        tell(&mut shard, "a", 4);
        while shard.store_some(1, &mut buyers) != Storing::Done {}
        let mut restoring = Shard::restore(&head).expect("a head");
        restoring.restore_buyers(&buyers).expect("buyers");
        let mut restored = restoring.finish_restore().expect("a shard");
        restored.watch_figures();
        assert_ne!(restored.place_of("a"), shard.place_of("a"));
        tell(&mut restored, "a", 4);
        for shard in [&mut shard, &mut restored] {
            moved(shard);
            tell(shard, "", 30);
        }
        assert_eq!(moved(&mut restored), moved(&mut shard));
    }
}
