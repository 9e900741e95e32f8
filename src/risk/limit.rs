//! Owns a buyer's credit limit: what was decided last, from when on it holds, and what was told of it.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use super::fact::{self, Fact, Said};
use crate::base::{Day, Instant, Money};
use crate::event::{Event, LimitAmount, LimitChange, LimitChangeCause};

/// A buyer's credit limit. What is set or removed from outside and what is decided on proposals are one fact: the latest holds.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub struct CreditLimit {
    decision: Option<Box<Fact<Decision>>>,
    /// The limit that was told last.
    told: Option<LimitAmount>,
}

/// A limit set, removed or reduced.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Decision {
    limit: Option<LimitAmount>,
    decided_by: Option<CompactString>,
    /// The limit as last set from outside, which reductions start from.
    granted: Option<Money>,
    /// The proposal that it follows, if it follows one.
    reduction: Option<Box<Reduction>>,
}

/// A lower limit that follows a proposal.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reduction {
    /// The proposal.
    pub proposal_id: u128,
    /// Who decided.
    pub cause: LimitChangeCause,
    /// From when on it holds.
    pub effective_at: Instant,
    /// The limit until then, where that is a later day.
    pub until_then: Option<Money>,
}

impl Reduction {
    fn pending(&self, today: Day) -> Option<Money> {
        self.until_then.filter(|_| today < self.effective_at.day())
    }
}

impl CreditLimit {
    /// The limit was set or removed from outside. What is said again changes nothing that a reduction starts from.
    pub fn set(&mut self, event: &Event<'_>, limit: Option<LimitAmount>, decided_by: Option<&str>) {
        let before = fact::holding(&self.decision).filter(|decision| decision.limit == limit);
        let granted = match before {
            Some(decision) => decision.granted,
            None => limit.map(|limit| limit.amount),
        };
        let decided_by = decided_by.map(Into::into);
        fact::state(&mut self.decision, event, Decision { limit, decided_by, granted, reduction: None });
    }

    /// The limit in place is reduced. Nothing happens where there is none.
    pub fn reduce(&mut self, by: Said<'_>, amount: Money, decided_by: Option<CompactString>, reduction: Reduction) {
        let Some(fact) = &mut self.decision else { return };
        let (limit, granted) = (fact.value().limit, fact.value().granted);
        let limit = limit.map(|limit| LimitAmount { amount, ..limit });
        fact.follow(by, Decision { limit, decided_by, granted, reduction: Some(Box::new(reduction)) });
    }

    /// The limit decided last, whether it holds already or not.
    #[must_use]
    pub fn decided(&self) -> Option<LimitAmount> {
        fact::holding(&self.decision)?.limit
    }

    /// The limit that holds on a day.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<LimitAmount> {
        let decision = fact::holding(&self.decision)?;
        let until_then = decision.reduction.as_ref().and_then(|reduction| reduction.pending(day));
        decision.limit.map(|limit| LimitAmount { amount: until_then.unwrap_or(limit.amount), ..limit })
    }

    /// The day on which a reduction decided already will hold.
    #[must_use]
    pub fn pending_until(&self, today: Day) -> Option<Day> {
        let reduction = fact::holding(&self.decision)?.reduction.as_ref()?;
        reduction.pending(today).map(|_| reduction.effective_at.day())
    }

    /// The limit as last set from outside.
    #[must_use]
    pub fn granted(&self) -> Option<Money> {
        fact::holding(&self.decision)?.granted
    }

    /// A reduction that has come to hold is past.
    pub fn settle(&mut self, today: Day) {
        let Some(fact) = &mut self.decision else { return };
        if let Some(reduction) = fact.value_mut().reduction.as_deref_mut() {
            reduction.until_then = reduction.pending(today);
        }
    }

    /// The change since the limit that was told last, to be told now.
    pub fn take_change(&mut self) -> Option<LimitChange> {
        let fact = self.decision.as_ref()?;
        let decision = fact.value();
        if decision.limit == self.told {
            return None;
        }
        let reduction = decision.reduction.as_deref();
        let by_hand = if decision.limit.is_some() { LimitChangeCause::Set } else { LimitChangeCause::Removed };
        let change = LimitChange {
            old_limit: self.told,
            new_limit: decision.limit,
            effective_at: reduction.map_or(fact.time(), |reduction| reduction.effective_at),
            cause: reduction.map_or(by_hand, |reduction| reduction.cause),
            proposal_id: reduction.map(|reduction| format!("{:032x}", reduction.proposal_id)),
            decided_by: decision.decided_by.as_ref().map(ToString::to_string),
        };
        self.told = decision.limit;
        Some(change)
    }

    /// Takes what holds now as told.
    pub fn pass_over_change(&mut self) {
        if let Some(fact) = &self.decision {
            self.told = fact.value().limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Currency;
    use crate::event::Body;
    use crate::event::input::LimitRemoved;

    const DAY: i32 = 20_000;

    fn at(day: i32) -> Event<'static> {
        let time = Day::from_number(day).start();
        Event { time, id: "e", source: "s", subject: "B", body: Body::LimitRemoved(LimitRemoved {}) }
    }

    fn money(units: i64) -> Money {
        Money::from_units(units * 10_000).expect("an amount")
    }

    fn euros(units: i64) -> Option<LimitAmount> {
        Some(LimitAmount { amount: money(units), currency: Currency::parse("EUR").expect("a currency") })
    }

    fn cut(limit: &mut CreditLimit, day: i32, to: i64, notice_days: i32) {
        let effective_at = Day::from_number(day + notice_days).start();
        let until_then = limit.decided().filter(|_| notice_days > 0).map(|limit| limit.amount);
        let reduction = Reduction { proposal_id: 7, cause: LimitChangeCause::Approved, effective_at, until_then };
        let by = Said { time: Day::from_number(day).start(), id: "d", source: "console" };
        limit.reduce(by, money(to), Some("alice".into()), reduction);
    }

    #[test]
    fn a_reduction_is_told_at_once_and_holds_from_its_day_on() {
        let mut limit = CreditLimit::default();
        limit.set(&at(DAY), euros(100), None);
        assert_eq!(limit.take_change().map(|change| change.cause), Some(LimitChangeCause::Set));
        cut(&mut limit, DAY + 1, 60, 3);
        let change = limit.take_change().expect("a change");
        assert_eq!((change.old_limit, change.new_limit), (euros(100), euros(60)));
        assert_eq!(change.effective_at, Day::from_number(DAY + 4).start());
        assert_eq!(change.proposal_id.as_deref(), Some("00000000000000000000000000000007"));
        assert_eq!(limit.take_change(), None, "told twice");
        let on = |limit: &CreditLimit, day| limit.on(Day::from_number(DAY + day));
        assert_eq!([on(&limit, 1), on(&limit, 3), on(&limit, 4)], [euros(100), euros(100), euros(60)]);
        assert_eq!(limit.pending_until(Day::from_number(DAY + 1)), Some(Day::from_number(DAY + 4)));
        limit.settle(Day::from_number(DAY + 4));
        assert_eq!((on(&limit, 1), limit.granted()), (euros(60), Some(money(100))));
        assert_eq!(limit.pending_until(Day::from_number(DAY + 1)), None);
    }

    #[test]
    fn what_was_set_before_the_decision_does_not_undo_it_and_what_is_set_later_does() {
        let mut limit = CreditLimit::default();
        limit.set(&at(DAY), euros(100), None);
        cut(&mut limit, DAY + 5, 60, 3);
        limit.set(&at(DAY + 4), euros(100), None);
        assert_eq!(limit.decided(), euros(60));
        limit.set(&at(DAY + 6), euros(90), None);
        assert_eq!((limit.on(Day::from_number(DAY + 6)), limit.granted()), (euros(90), Some(money(90))));
    }

    #[test]
    fn a_decision_whose_clock_runs_behind_still_follows_what_it_was_made_on() {
        let mut limit = CreditLimit::default();
        limit.set(&at(DAY), euros(100), None);
        cut(&mut limit, DAY - 1, 60, 0);
        assert_eq!(limit.decided(), euros(60));
        limit.set(&at(DAY - 1), euros(100), None);
        assert_eq!(limit.decided(), euros(60));
    }

    #[test]
    fn an_event_that_comes_twice_does_not_undo_the_decision_that_followed_it() {
        for clock_day in [DAY - 1, DAY] {
            let mut limit = CreditLimit::default();
            limit.set(&at(DAY), euros(100), None);
            cut(&mut limit, clock_day, 60, 0);
            limit.set(&at(DAY), euros(100), None);
            assert_eq!((limit.decided(), limit.granted()), (euros(60), Some(money(100))));
        }
    }

    #[test]
    fn an_erp_that_says_the_reduced_limit_again_does_not_become_a_new_start() {
        let mut limit = CreditLimit::default();
        limit.set(&at(DAY), euros(100), None);
        cut(&mut limit, DAY + 1, 60, 0);
        limit.set(&at(DAY + 2), euros(60), None);
        assert_eq!((limit.decided(), limit.granted()), (euros(60), Some(money(100))));
        limit.set(&at(DAY + 3), None, None);
        assert_eq!((limit.on(Day::from_number(DAY + 3)), limit.granted()), (None, None));
    }
}
