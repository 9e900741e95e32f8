//! Owns the decision on a hold: whether an order fits under the buyer's limit, and what stands in the way.

use super::{Buyer, Proceeding, proceeding};
use crate::base::money::grouped;
use crate::base::{BaseAmount, Cents, Currency, Day, Instant};
use crate::event::input::OrderHeld;
use crate::event::{HoldDecision, HoldObstacle, HoldObstacleCode, Procedure};
use crate::risk::figures::{Figures, Limit};
use crate::risk::ledger::OrderSlot;
use crate::risk::params::{Params, Reckoned};
use crate::risk::rates::Rates;

/// What a hold is decided with.
pub struct Deciding<'a> {
    /// The shard's clock.
    pub clock: Instant,
    /// What changes results.
    pub params: &'a Params,
    /// Rates.
    pub rates: &'a Rates,
}

/// 10^-4 units in 10^-2.
const UNITS_PER_CENT: i128 = 100;

impl Buyer {
    /// Decides whether room is kept for an order, with the figures as of now, and keeps it. What is not granted leaves no
    /// trace in them; it is only known again.
    pub fn hold(&mut self, said: &OrderHeld<'_>, on: Day, with: &Deciding<'_>) -> HoldDecision {
        let figures = Figures::reckon(&self.ledger, self.limit.on(with.clock.day()), with.rates);
        let slot = self.ledger.ask_hold(said, on);
        let why = self.obstacles(said, slot, &figures, with);
        if why.is_empty() {
            self.ledger.grant_hold(slot);
        }
        let limit = figures.limit.known();
        HoldDecision {
            order_id: said.order_id.as_str().to_owned(),
            seller_id: said.seller_id.to_owned(),
            amount: said.amount,
            currency: said.currency,
            headroom: limit.map(|limit| (limit - figures.exposure).cents()),
            limit: limit.map(BaseAmount::cents),
            exposure: figures.exposure.cents(),
            why,
            expires_at: said.expires_at,
        }
    }

    /// Whether a hold that is in force is over by then.
    #[must_use]
    pub fn has_hold_over_by(&self, then: Instant) -> bool {
        self.ledger.hold_ends().any(|end| end <= then)
    }

    /// Ends the holds that are over by now.
    pub fn end_holds(&mut self, now: Instant) {
        self.ledger.end_holds(now);
    }

    /// The number of the next effect.
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Everything that stands in the way.
    fn obstacles(
        &self,
        said: &OrderHeld<'_>,
        slot: OrderSlot,
        figures: &Figures,
        with: &Deciding<'_>,
    ) -> Vec<HoldObstacle> {
        let order = &self.ledger.documents().orders[slot.index()];
        let (id, today) = (said.order_id.as_str(), with.clock.day());
        // Of an order that is no question any more nothing else matters.
        if order.cancelled {
            return vec![obstacle(HoldObstacleCode::Cancelled, format!("Order {id} was cancelled."))];
        }
        if order.placing().is_some() {
            let detail = format!("Order {id} is placed already and counts in the exposure: there is nothing to hold.");
            return vec![obstacle(HoldObstacleCode::AlreadyPlaced, detail)];
        }
        let mut why = Vec::new();
        if said.expires_at <= with.clock {
            let detail = format!("The hold would end at {}, and it is {} already.", said.expires_at, with.clock);
            why.push(obstacle(HoldObstacleCode::Expired, detail));
        }
        let bars = |case: &Proceeding| case.procedure != Procedure::Conciliation;
        if let Some(Proceeding { procedure, opened_on }) = proceeding(&self.insolvency).filter(bars) {
            let detail = format!("A {} was opened on {opened_on} and is in force.", procedure.as_str());
            why.push(obstacle(HoldObstacleCode::Insolvency, detail));
        }
        why.extend(self.stop_shipment(said, today, with.params));
        let unbilled = order.unbilled(said.amount, said.currency);
        let rate = with.rates.get(said.currency);
        let added = rate.map(|rate| BaseAmount::convert(unbilled, rate));
        why.extend(over_limit(said.currency, added, figures, with.rates.base()));
        why
    }

    /// An unpaid invoice is overdue by more than a cover in force allows, so that the order would ship uninsured.
    fn stop_shipment(&self, said: &OrderHeld<'_>, today: Day, params: &Params) -> Option<HoldObstacle> {
        let insurance = self.insurance.as_deref().filter(|_| params.reckon.cover != Reckoned::No)?;
        let due = self.ledger.earliest_unpaid_due()?;
        let stopped = insurance.covers().iter().find_map(|cover| {
            let terms = cover.terms.as_deref().filter(|_| cover.is_valid_on(today))?;
            let days = terms.max_extension_days.filter(|days| due.plus(i32::from(*days)) < today)?;
            let is_for_seller = terms.seller_id.is_empty() || terms.seller_id == said.seller_id;
            let is_for_order = terms.order_id.as_ref().is_none_or(|only| only == said.order_id.as_str());
            (is_for_seller && is_for_order).then_some((&cover.id, days))
        });
        stopped.map(|(cover, days)| {
            let overdue = today.since(due);
            let detail = format!(
                "An invoice is unpaid {overdue} days after it was due, and cover {cover} stops at {days}: what ships now is uninsured."
            );
            obstacle(HoldObstacleCode::StopShipment, detail)
        })
    }
}

/// Whether what an order adds to the exposure, `None` without a rate, keeps it within the limit.
fn over_limit(currency: Currency, added: Option<BaseAmount>, figures: &Figures, base: Currency) -> Vec<HoldObstacle> {
    let mut why = Vec::new();
    if added.is_none() {
        let detail = format!("The order's currency {currency} has no rate to {base}.");
        why.push(obstacle(HoldObstacleCode::FxMissing, detail));
    } else if figures.fx_missing || figures.limit == Limit::Unknown {
        let detail = format!("Part of the buyer's figures or its limit is in a currency without a rate to {base}.");
        why.push(obstacle(HoldObstacleCode::FxMissing, detail));
    }
    match (figures.limit, added) {
        (Limit::None, _) => {
            why.push(obstacle(HoldObstacleCode::NoLimit, "The buyer has no credit limit.".to_owned()));
        }
        (Limit::Known(limit), Some(added)) if figures.exposure + added > limit => {
            let [added, exposure, limit] = [added, figures.exposure, limit].map(|amount| money(amount.cents(), base));
            let detail =
                format!("With {added} of this order the exposure of {exposure} would pass the limit of {limit}.");
            why.push(obstacle(HoldObstacleCode::OverLimit, detail));
        }
        (Limit::Known(_) | Limit::Unknown, _) => {}
    }
    why
}

fn obstacle(code: HoldObstacleCode, detail: String) -> HoldObstacle {
    HoldObstacle { code, detail }
}

fn money(amount: Cents, base: Currency) -> String {
    format!("{} {base}", grouped(amount.0 * UNITS_PER_CENT))
}
