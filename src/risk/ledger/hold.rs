//! Owns holds: room that is kept for an order under its buyer's limit before it is placed.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Ledger;
use super::slots::OrderSlot;
use crate::base::{Currency, Day, Instant, Money};
use crate::event::input::OrderHeld;

/// What an `order.held` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Holding {
    /// The order's amount.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
    /// When the hold ends, unless the order is placed or cancelled before.
    pub expires_at: Instant,
}

impl Holding {
    /// What is said.
    #[must_use]
    pub fn said(said: &OrderHeld<'_>) -> Holding {
        Holding { amount: said.amount, currency: said.currency, expires_at: said.expires_at }
    }
}

/// What became of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum HoldState {
    /// It was not granted, or not yet: it is kept to be known again.
    Asked,
    /// It counts as a pending order.
    InForce,
    /// Its order was placed or cancelled, or its time is over.
    Ended,
}

/// A hold of an order.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hold {
    said: Holding,
    state: HoldState,
    asked_on: Day,
}

impl Hold {
    /// A hold that was asked for on a day, and is not granted yet.
    #[must_use]
    pub fn asked(said: Holding, on: Day) -> Hold {
        Hold { said, state: HoldState::Asked, asked_on: on }
    }

    /// What was asked for.
    #[must_use]
    pub fn said(&self) -> Holding {
        self.said
    }

    /// Whether it counts as a pending order.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.state == HoldState::InForce
    }

    /// Whether it is still to be known: it counts, or it was asked for on a day or later.
    #[must_use]
    pub fn is_kept_from(&self, day: Day) -> bool {
        self.is_in_force() || self.asked_on >= day
    }

    pub(super) fn grant(&mut self) {
        self.state = HoldState::InForce;
    }

    pub(super) fn end(&mut self) {
        if self.is_in_force() {
            self.state = HoldState::Ended;
        }
    }
}

/// The orders of a buyer whose hold is in force, in the order in which they were granted; few, and mostly none.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Held(Vec<OrderSlot>);

impl Ledger {
    /// Takes down that a hold is asked for. It counts nothing before [`Ledger::grant_hold`].
    pub fn ask_hold(&mut self, said: &OrderHeld<'_>, on: Day) -> OrderSlot {
        let seller = self.documents.seller(said.seller_id);
        let slot = self.documents.order(seller, said.order_id.as_str());
        self.documents.orders[slot.index()].ask_hold(Hold::asked(Holding::said(said), on));
        slot
    }

    /// The hold that was asked for counts as a pending order from now on.
    pub fn grant_hold(&mut self, slot: OrderSlot) {
        self.change_order(slot, super::order::Order::grant_hold);
        self.held.get_or_insert_default().0.push(slot);
    }

    /// Ends the holds that are over by now.
    pub fn end_holds(&mut self, now: Instant) {
        let is_over = |hold: Option<&Hold>| hold.is_some_and(|hold| hold.said.expires_at <= now);
        let over: Vec<OrderSlot> =
            self.held().filter(|slot| is_over(self.documents.orders[slot.index()].hold())).collect();
        for slot in &over {
            self.change_order(*slot, super::order::Order::end_hold);
        }
        self.unlist_ended_holds();
    }

    /// When the holds that are in force end.
    pub fn hold_ends(&self) -> impl Iterator<Item = Instant> {
        self.held().filter_map(|slot| Some(self.documents.orders[slot.index()].hold()?.said.expires_at))
    }

    /// The orders whose hold is in force.
    pub(super) fn held(&self) -> impl Iterator<Item = OrderSlot> {
        self.held.iter().flat_map(|held| held.0.iter().copied())
    }

    /// Takes holds off the list that no longer are in force.
    pub(super) fn unlist_ended_holds(&mut self) {
        let Some(held) = &mut self.held else { return };
        let orders = &self.documents.orders;
        held.0.retain(|slot| orders[slot.index()].hold().is_some_and(Hold::is_in_force));
        if held.0.is_empty() {
            self.held = None;
        }
    }

    /// Orders are in other places: each whose hold is in force is still there.
    pub(super) fn move_held(&mut self, order_at: impl Fn(OrderSlot) -> OrderSlot) {
        for slot in self.held.iter_mut().flat_map(|held| held.0.iter_mut()) {
            *slot = order_at(*slot);
        }
    }

    /// Whether the list of holds is that of the orders whose hold is in force, each once.
    pub(super) fn lists_held(&self) -> bool {
        let orders = &self.documents.orders;
        let mut listed: Vec<OrderSlot> = self.held().collect();
        let count = listed.len();
        listed.sort_unstable();
        listed.dedup();
        let is_held = |slot: &OrderSlot| {
            orders.get(slot.index()).and_then(super::order::Order::hold).is_some_and(Hold::is_in_force)
        };
        listed.len() == count
            && listed.iter().all(is_held)
            && orders.iter().filter(|order| order.hold().is_some_and(Hold::is_in_force)).count() == count
            && self.held.as_ref().is_none_or(|held| !held.0.is_empty())
    }
}
