//! Owns what a shard does about holds: it has them decided at once, and ends each at its own time.

use super::Shard;
use crate::base::Instant;
use crate::event::input::OrderHeld;
use crate::event::{Cause, Effect, EffectBody, Event};
use crate::risk::buyer::{Deciding, Voice};

impl Shard {
    /// Decides on a hold with the figures as of this event, before the buyer is judged, and tells it.
    pub(super) fn decide_hold(
        &mut self,
        place: usize,
        event: &Event<'_>,
        said: &OrderHeld<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let clock = self.clock.unwrap_or(event.time);
        let with = Deciding { clock, params: &self.params, rates: &self.rates };
        let buyer = &mut self.buyers[place];
        let decision = buyer.hold(said, event.time.day(), &with);
        if decision.is_granted() {
            self.hold_ends.insert((said.expires_at, place as u32));
        }
        // Who asked in a past that nobody listened to is not there any more.
        if self.voice == Voice::Quiet {
            return;
        }
        let body = EffectBody::OrderHoldDecided(Box::new(decision));
        self.judgements.link_decision(&buyer.id, clock, &body);
        effects.push(Effect {
            buyer_id: buyer.id.to_string(),
            at: clock,
            sequence: buyer.next_sequence(),
            caused_by: Cause::Event { source: event.source.to_owned(), id: event.id.to_owned() },
            params_version: self.params.version,
            body,
        });
    }

    /// Ends the holds whose time comes up to `to`, each with the clock at its end; the buyer is judged when that instant closes.
    #[inline]
    pub(super) fn end_holds_until(&mut self, to: Instant, effects: &mut Vec<Effect>) {
        while self.hold_ends.first().is_some_and(|(at, _)| *at <= to) {
            self.end_next_hold(effects);
        }
    }

    #[cold]
    fn end_next_hold(&mut self, effects: &mut Vec<Effect>) {
        let Some((at, place)) = self.hold_ends.pop_first() else { return };
        let place = place as usize;
        // Whose order was placed or cancelled before is over already, and a restored shard knows nothing of it: were the
        // clock moved for it, the instant would close at another time than after a restart.
        if !self.buyers[place].has_hold_over_by(at) {
            return;
        }
        self.move_clock(at, effects);
        self.before_change(place);
        self.buyers[place].end_holds(at);
        self.changed.note_clock(place);
    }

    /// The holds of a restored buyer end in their time.
    pub(super) fn expect_hold_ends(&mut self, place: usize) {
        let ends = self.buyers[place].ledger().hold_ends();
        self.hold_ends.extend(ends.map(|end| (end, place as u32)));
    }
}
