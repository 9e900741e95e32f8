//! Tests of the life of a proposal, with grades as a score would set them.

use super::*;
use crate::base::{BaseAmount, Currency, Rate};
use crate::event::{Grade, Segment};
use crate::risk::params::LossLevels;

const DAY: i32 = 20_000;
const ID: &str = "00000000000000000000000000000001";

fn money(units: i64) -> Money {
    Money::from_units(units * 10_000).expect("an amount")
}

/// A buyer with a limit of 100,000 EUR, of which nothing is used.
struct Buyer {
    proposals: Proposals,
    levels: ProposalLevels,
    loss: LossLevels,
    limit: LimitAmount,
    shipped: u64,
    ids: u128,
}

impl Buyer {
    fn new() -> Buyer {
        Buyer {
            proposals: Proposals::default(),
            levels: ProposalLevels::default(),
            loss: LossLevels::default(),
            limit: LimitAmount { amount: money(100_000), currency: Currency::parse("EUR").expect("a currency") },
            shipped: 0,
            ids: 0,
        }
    }

    /// The outcome of what was closed, and the version and amount of what was proposed.
    fn judge(&mut self, day: i32, grade: Grade) -> (Option<ProposalOutcome>, Option<(u32, i64)>) {
        let plight = Plight { insolvency: None, grade };
        let shipped: BaseAmount = whole(self.shipped).amount();
        let case = Case {
            levels: &self.levels,
            loss: &self.loss,
            plight,
            segment: Segment::Named,
            limit: self.limit,
            granted: money(100_000),
            rate: Rate::ONE,
            shipped,
            peak: whole(0),
            cover: CoverSide::default(),
        };
        let (levels, limit) = (&self.levels, Some(self.limit));
        let with = Judging { today: Day::from_number(DAY + day), levels, plight, limit, case: Some(&case) };
        self.ids += 1;
        let judged = self.proposals.judge(&with, || self.ids);
        let open = judged.proposed.and_then(|_| self.proposals.open());
        (judged.closed.map(|closing| closing.outcome), open.map(|open| (open.version, open.proposed.units() / 10_000)))
    }

    fn decide(&mut self, day: i32, version: u32, decided_by: &str, verdict: Verdict) -> Result<Option<i64>, String> {
        let said = Decision { proposal_id: ID, version, decided_by, reason: None, verdict };
        let in_base = |cut: LimitAmount| Some(BaseUnits::from_units(cut.amount.units().into()));
        let limit = Some(self.limit);
        self.proposals.decide(&said, Day::from_number(DAY + day), limit, &self.levels, in_base).map(|decided| {
            match decided {
                Decided::Reduce { to, .. } => Some(to.units() / 10_000),
                Decided::LimitStays => None,
            }
        })
    }
}

#[test]
fn a_worse_grade_makes_a_new_version_and_a_better_one_does_not() {
    let mut buyer = Buyer::new();
    assert_eq!(buyer.judge(0, Grade::C), (None, None));
    assert_eq!(buyer.judge(1, Grade::D), (None, Some((1, 75_000))));
    assert_eq!(buyer.judge(2, Grade::D), (None, None));
    assert_eq!(buyer.judge(3, Grade::E), (None, Some((2, 25_000))));
    assert_eq!(buyer.judge(4, Grade::D), (None, None));
    assert_eq!(buyer.judge(5, Grade::F), (None, Some((3, 0))));
    // It expires a fortnight after its last version.
    assert_eq!(buyer.judge(18, Grade::F), (None, None));
    assert_eq!(buyer.judge(19, Grade::F), (Some(ProposalOutcome::Expired), None));
}

#[test]
fn after_a_decision_there_is_peace_unless_the_grade_gets_worse() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Rejected), Ok(None));
    assert_eq!(buyer.judge(1, Grade::D), (None, None));
    assert_eq!(buyer.judge(30, Grade::D), (None, None));
    assert_eq!(buyer.judge(31, Grade::D), (None, Some((1, 75_000))));

    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Rejected), Ok(None));
    assert_eq!(buyer.judge(2, Grade::E), (None, Some((1, 25_000))));
}

#[test]
fn a_call_that_is_gone_may_come_back_within_a_week() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    assert_eq!(buyer.judge(3, Grade::C), (None, None));
    assert_eq!(buyer.judge(5, Grade::D), (None, None));
    assert_eq!(buyer.judge(6, Grade::C), (None, None));
    assert_eq!(buyer.judge(7, Grade::C), (Some(ProposalOutcome::Superseded), None));
    // It was nobody's decision: there is no peace to keep.
    assert_eq!(buyer.judge(8, Grade::D), (None, Some((1, 75_000))));
}

#[test]
fn what_is_shipped_pushes_the_proposal_up_and_then_out() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::E);
    buyer.shipped = 25_000;
    assert_eq!(buyer.judge(1, Grade::E), (None, None));
    buyer.shipped = 25_001;
    assert_eq!(buyer.judge(2, Grade::E), (None, Some((2, 26_000))));
    buyer.shipped = 95_000;
    assert_eq!(buyer.judge(3, Grade::E), (Some(ProposalOutcome::Superseded), None));
}

#[test]
fn a_decision_acts_once_on_the_version_that_is_open() {
    let mut buyer = Buyer::new();
    assert!(buyer.decide(0, 1, "Alice", Verdict::Approved(None)).is_err_and(|why| why.contains("none of that id")));
    buyer.judge(0, Grade::D);
    buyer.judge(1, Grade::E);
    let old = buyer.decide(2, 1, "Alice", Verdict::Approved(None));
    assert!(old.is_err_and(|why| why.contains("is at version 2, and version 1 was decided on")));
    let more = buyer.decide(2, 2, "Alice", Verdict::Approved(Some(money(100_001))));
    assert!(more.is_err_and(|why| why.contains("above the limit of 100,000.00 EUR")));
    assert_eq!(buyer.decide(2, 2, "Alice", Verdict::Approved(Some(money(40_000)))), Ok(Some(40_000)));
    let again = buyer.decide(2, 2, "Alice", Verdict::Approved(Some(money(40_000))));
    assert!(again.is_err_and(|why| why.contains("is not open: approved on")));
    assert_eq!(buyer.proposals.take_decided().map(|closing| closing.outcome), Some(ProposalOutcome::Approved));
    assert_eq!(buyer.proposals.take_decided(), None);
}

#[test]
fn a_limit_set_in_the_same_instant_overtakes_the_decision() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    buyer.limit.amount = money(90_000);
    let late = buyer.decide(1, 1, "Alice", Verdict::Approved(None));
    assert!(late.is_err_and(|why| why.contains("the limit was changed since")));
    assert_eq!(buyer.judge(1, Grade::D), (Some(ProposalOutcome::Superseded), None));
}

#[test]
fn four_eyes_are_those_of_two_people_on_one_amount_and_one_version() {
    let mut buyer = Buyer::new();
    buyer.levels.four_eyes_above = 24_999;
    buyer.judge(0, Grade::D);
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Approved(None)), Ok(None));
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Approved(None)), Ok(None));
    assert_eq!(buyer.decide(1, 1, "Bob", Verdict::Approved(Some(money(70_000)))), Ok(None));
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Approved(None)), Ok(None));
    // A new version has nobody's approval.
    assert_eq!(buyer.judge(2, Grade::E), (None, Some((2, 25_000))));
    assert_eq!(buyer.decide(3, 2, "Bob", Verdict::Approved(None)), Ok(None));
    assert_eq!(buyer.decide(3, 2, "Alice", Verdict::Approved(Some(money(25_000)))), Ok(Some(25_000)));
    let closing = buyer.proposals.take_decided().expect("a closing").told();
    assert_eq!((closing.version, closing.decided_by.as_deref()), (2, Some("Bob, Alice")));
    // Exactly at the level one is enough.
    let mut buyer = Buyer::new();
    buyer.levels.four_eyes_above = 25_000;
    buyer.judge(0, Grade::D);
    assert_eq!(buyer.decide(1, 1, "Alice", Verdict::Approved(None)), Ok(Some(75_000)));
}

#[test]
fn while_nobody_can_say_what_a_buyer_owes_only_time_closes_its_proposal() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    let plight = Plight { insolvency: None, grade: Grade::A };
    for (day, outcome) in [(10, None), (14, Some(ProposalOutcome::Expired))] {
        let today = Day::from_number(DAY + day);
        let with = Judging { today, levels: &buyer.levels, plight, limit: Some(buyer.limit), case: None };
        let judged = buyer.proposals.judge(&with, || 9);
        assert_eq!((judged.closed.map(|closing| closing.outcome), judged.proposed), (outcome, None));
    }
}

#[test]
fn what_is_applied_without_asking_is_closed_by_nobody() {
    let mut buyer = Buyer::new();
    buyer.judge(0, Grade::D);
    let (open, closing) = buyer.proposals.apply_auto(Day::from_number(DAY), &buyer.levels).expect("it is open");
    assert_eq!((open.proposed, closing.told().outcome), (money(75_000), ProposalOutcome::Applied));
    assert!(buyer.proposals.apply_auto(Day::from_number(DAY), &buyer.levels).is_none());
    assert_eq!(buyer.judge(29, Grade::D), (None, None));
}
