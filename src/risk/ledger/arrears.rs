//! Owns the past of a buyer's late payments: on which days some invoice, settled since, was unpaid and overdue by more than so much.
//!
//! Kept as a staircase: of the invoices settled late, only those that no other beats (due earlier and settled later) can
//! decide; sorted by due date they are sorted by settlement too, and one search answers.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::Day;

/// Invoices settled after their due date, of one buyer.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Arrears {
    /// Of the invoices that are still known. Made from them, so not stored.
    #[borsh(skip)]
    steps: Steps,
    #[borsh(skip)]
    freshness: Freshness,
    /// Of the invoices that were forgotten.
    forgotten: Steps,
}

/// Sorted by due date and by settlement alike.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
struct Steps(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Step {
    due: Day,
    settled_on: Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
enum Freshness {
    /// Nobody asked so far, or an invoice lost its settlement: to be built anew when asked.
    #[default]
    Stale,
    Fresh,
}

impl Arrears {
    /// An invoice due on `due` (as invoiced) was settled.
    pub fn settled(&mut self, due: Day, settled_on: Day) {
        if self.freshness == Freshness::Fresh {
            self.steps.insert(Step { due, settled_on });
        }
    }

    /// An invoice is no longer settled as it was.
    pub fn unsettled(&mut self) {
        self.freshness = Freshness::Stale;
        self.steps = Steps::default();
    }

    /// An invoice that was settled is forgotten; that it was late still counts.
    pub fn forgotten(&mut self, due: Day, settled_on: Day) {
        self.forgotten.insert(Step { due, settled_on });
    }

    /// Drops what no invoice issued on `day` or later can meet.
    pub fn forget_before(&mut self, day: Day) {
        self.forgotten.0.retain(|step| step.settled_on >= day);
        self.forgotten.0.shrink_to_fit();
    }

    /// Makes sure that every late settlement counts: `all` is asked only where that is not so.
    pub fn refresh<I: Iterator<Item = (Day, Day)>>(&mut self, all: impl FnOnce() -> I) {
        if self.freshness == Freshness::Stale {
            self.steps = self.forgotten.clone();
            self.freshness = Freshness::Fresh;
            for (due, settled_on) in all() {
                self.steps.insert(Step { due, settled_on });
            }
        }
    }

    /// Whether some invoice, settled since, was unpaid and overdue by more than `extension_days` on `day`.
    #[must_use]
    #[inline]
    pub fn was_late(&self, day: Day, extension_days: i32) -> bool {
        let steps = &self.steps.0;
        if steps.last().is_none_or(|last| last.settled_on < day) {
            return false;
        }
        let due_before = day.plus(-extension_days);
        let candidates = steps.partition_point(|step| step.due < due_before);
        candidates > 0 && steps[candidates - 1].settled_on >= day
    }
}

impl Steps {
    fn insert(&mut self, step: Step) {
        if step.settled_on <= step.due {
            return;
        }
        let steps = &mut self.0;
        let end = steps.partition_point(|other| other.due <= step.due);
        if end > 0 && steps[end - 1].settled_on >= step.settled_on {
            return;
        }
        let same_due = steps[..end].iter().rev().take_while(|other| other.due == step.due).count();
        let beaten = steps[end..].iter().take_while(|other| other.settled_on <= step.settled_on).count();
        steps.splice(end - same_due..end + beaten, [step]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_staircase_answers_like_a_look_at_every_invoice(
            settlements in prop::collection::vec((0..40_i32, 0..60_i32), 0..30),
            day in 0..100_i32,
            extension in 0..30_i32,
        ) {
            let mut arrears = Arrears::default();
            arrears.refresh(std::iter::empty);
            for (due, late) in &settlements {
                arrears.settled(Day::from_number(*due), Day::from_number(due + late - 10));
            }
            let naive = settlements.iter().any(|(due, late)| day - due > extension && due + late - 10 >= day);
            prop_assert_eq!(arrears.was_late(Day::from_number(day), extension), naive);
        }
    }
}
