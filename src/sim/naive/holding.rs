//! Owns what the naive twin makes of holds: each is decided when it is asked for, from everything that was said by then.

use super::{Cover, Debt, Purse, Said, Twin, or_zero, pending, units};
use crate::base::Instant;
use crate::event::Body;
use crate::event::input::{OrderHeld, OrderPlaced};

impl<'a> Twin<'a> {
    /// Whether each hold was granted, in the order in which they were asked for.
    #[must_use]
    pub fn decisions(&self) -> &[bool] {
        &self.decisions
    }

    /// Decides on a hold, as of the clock.
    pub(super) fn decide(&mut self, buyer_id: &'a str, held: OrderHeld<'a>) {
        let nothing = Said::default();
        let said = self.buyers.get(buyer_id).unwrap_or(&nothing);
        let is_granted = self.fits(buyer_id, said, held);
        self.decisions.push(is_granted);
        if is_granted {
            self.granted.push((buyer_id, held));
        }
    }

    /// Holds in force, as orders.
    pub(super) fn held(&self, buyer_id: &str, said: &Said<'a>) -> impl Iterator<Item = OrderPlaced<'a>> {
        let in_force = self.granted.iter().filter(move |(buyer, held)| {
            *buyer == buyer_id && held.expires_at > self.clock.unwrap_or(Instant::MIN) && !is_placed(*held, said)
        });
        in_force.map(|(_, held)| as_order(*held))
    }

    fn fits(&self, buyer_id: &str, said: &Said<'a>, held: OrderHeld<'a>) -> bool {
        let name = (held.seller_id, held.order_id);
        let clock = self.clock.unwrap_or(Instant::MIN);
        let is_cancelled =
            said.ever(|body| matches!(body, Body::OrderCancelled(said) if (said.seller_id, said.order_id) == name));
        if is_cancelled || is_placed(held, said) || held.expires_at <= clock || said.barred_from().is_some() {
            return false;
        }
        let debts: Vec<Debt<'a>> = said.invoices().map(|invoice| Debt::new(invoice, said)).collect();
        let covers: Vec<Cover<'a>> = said.covers().map(|cover| Cover::new(cover, said)).collect();
        let today = clock.day();
        let is_stopped = covers.iter().any(|cover| {
            let terms = &cover.said;
            let is_valid = terms.valid_from <= today && cover.valid_to.is_none_or(|end| today <= end);
            let is_of_it = (terms.seller_id.is_empty() || terms.seller_id == held.seller_id)
                && terms.order_id.is_none_or(|order| order == held.order_id);
            let is_late = |days: u16| {
                debts.iter().any(|debt| debt.residual > 0 && today.since(debt.said.due_on) > i32::from(days))
            };
            is_valid && is_of_it && terms.max_extension_days.is_some_and(is_late)
        });
        let mut purse = Purse { twin: self, missing: false };
        let outstanding = purse.total(debts.iter().map(|debt| (debt.said.currency, debt.open)));
        purse.total(debts.iter().map(|debt| (debt.said.currency, debt.residual - debt.open)));
        let not_absorbed = debts.iter().map(|debt| (debt.said.currency, debt.credits - debt.billed + debt.residual));
        let paid = said.payments_standing().map(|payment| (payment.currency, units(payment.amount)));
        let unapplied = purse.total(not_absorbed.chain(paid));
        let pending = |order: OrderPlaced<'a>| (order.currency, pending(order, said, &debts));
        // The order counts as if it were held.
        let orders = said.orders().chain(self.held(buyer_id, said)).map(pending);
        let before = or_zero(outstanding - unapplied) + purse.total(orders);
        let (added_in, added) = pending(as_order(held));
        let (Some(rate), Some((amount, currency))) = (self.rate(added_in), said.limit()) else { return false };
        let limit = purse.convert(currency, amount);
        let after = before + super::product(added, rate);
        !is_stopped && !purse.missing && limit.is_some_and(|limit| after <= limit)
    }
}

fn is_placed(held: OrderHeld<'_>, said: &Said<'_>) -> bool {
    let name = (held.seller_id, held.order_id);
    said.ever(|body| matches!(body, Body::OrderPlaced(said) if (said.seller_id, said.order_id) == name))
}

fn as_order(held: OrderHeld<'_>) -> OrderPlaced<'_> {
    let OrderHeld { seller_id, order_id, amount, currency, .. } = held;
    OrderPlaced { seller_id, order_id, amount, currency, expected_on: None }
}
