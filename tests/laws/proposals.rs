//! Laws of proposals: one at a time, never a higher limit, never below what is shipped, and every decision acts at most once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vigie::base::{Day, Rate};
use vigie::event::input::{AlertSnoozed, FxRate, InsolvencyOpened, LimitSet, ProposalApproved, ProposalRejected};
use vigie::event::{
    Body, Effect, EffectBody, Event, Grade, Id, LimitChange, LimitChangeCause, Procedure, ProposalClosing,
    ProposalMode, ProposalNotice, ProposalOutcome, Segment,
};
use vigie::risk::{Outcome, Params, Shard};

use crate::effects::{left_to_deadlines, looked_at_daily};
use crate::told::{DAY_S, EVERYDAY, FIRST_DAY, HOUR_S, Palette, Told, currency, money, sequence};
use crate::{every_case, lively, today};

/// Two buyers with limits and covers, all currencies with a rate: so that there is something to propose.
const LENDING: Palette = Palette {
    amounts: &[1_000_000, 333_333, 2_500_000, 90_000_000],
    currencies: &["EUR", "EUR", "USD"],
    buyers: &["B1", "B2"],
    gaps_s: &[0, 0, 1, HOUR_S, 13 * HOUR_S, DAY_S, 3 * DAY_S, 9 * DAY_S],
    ..EVERYDAY
};

pub fn lending() -> impl Strategy<Value = Vec<Told>> {
    let limits = (any::<bool>(), any::<bool>(), any::<bool>());
    (sequence(LENDING, 1..60), limits).prop_map(|(mut all, (one, other, barred))| {
        let (rate, opened_on) = (Rate::parse("0.9").expect("a rate"), Day::from_number(FIRST_DAY));
        let limit = |is_euro, units| {
            let currency = currency(if is_euro { "EUR" } else { "USD" });
            Body::LimitSet(LimitSet { amount: money(units), currency, reason: None, decided_by: None })
        };
        let opened = InsolvencyOpened { procedure: Procedure::Receivership, opened_on };
        let mut first = vec![
            ("", Body::FxRate(FxRate { currency: currency("USD"), rate })),
            ("B1", limit(one, 20_000_000_000)),
            ("B2", limit(other, 150_000_000)),
        ];
        first.extend(barred.then_some(("B1", Body::InsolvencyOpened(opened))));
        let time = opened_on.start();
        let told = |(subject, body)| Told { time, id: "first", source: "/erp", subject, body, shares: Vec::new() };
        all.splice(0..0, first.into_iter().map(told));
        all
    })
}

/// What an arbiter does after an event, about the last proposal or alert that was told.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Nothing,
    Approve,
    ApproveTwice,
    Amend(i64),
    Reject,
    Snooze(i32),
}

pub fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Nothing),
        1 => Just(Act::Approve),
        1 => Just(Act::ApproveTwice),
        1 => prop::sample::select(vec![0, 1, 500_000, 20_000_000_001]).prop_map(Act::Amend),
        1 => Just(Act::Reject),
        1 => (-1..40).prop_map(Act::Snooze),
    ]
}

/// Nothing is decided without asking, or much is.
pub fn policies() -> impl Strategy<Value = Params> {
    (any::<bool>(), prop::sample::select(vec![0, 2])).prop_map(|(is_auto, notice_days)| {
        let mut params = lively();
        params.proposals.notice_unnamed_days = notice_days;
        if is_auto {
            let levels = &mut params.proposals;
            levels.auto_segments = vec![Segment::Unnamed, Segment::Named];
            (levels.auto_grades, levels.auto_up_to) = (vec![Grade::A], 100_000);
        }
        params
    })
}

/// Tells everything, and has an arbiter act on what the engine says. Gives the effects and how many approvals were applied.
fn play(shard: &mut Shard, all: &[Told], acts: &[Act]) -> (Vec<Effect>, usize) {
    let (mut effects, mut approvals) = (Vec::new(), 0);
    for (told, act) in all.iter().zip(acts) {
        shard.apply(&told.event(), &mut effects);
        approvals += respond(shard, *act, &mut effects);
    }
    let end = today(shard).plus(100).start();
    shard.advance(end, &mut effects);
    (effects, approvals)
}

/// Has an arbiter act on what the engine said last. Gives how many approvals were applied.
pub fn respond(shard: &mut Shard, act: Act, effects: &mut Vec<Effect>) -> usize {
    let mut approvals = 0;
    let Some(clock) = shard.clock() else { return 0 };
    let proposed = effects.iter().rev().find_map(|effect| match &effect.body {
        EffectBody::LimitReductionProposed(notice) => Some((effect.buyer_id.clone(), (**notice).clone())),
        _ => None,
    });
    let raised = effects.iter().rev().find_map(|effect| match &effect.body {
        EffectBody::AlertRaised(notice) => Some((effect.buyer_id.clone(), notice.alert_id.clone())),
        _ => None,
    });
    let mut say = |buyer: &str, body: Body<'_>, effects: &mut Vec<Effect>| {
        let event = Event { time: clock, id: "d", source: "/console", subject: buyer, body };
        shard.apply(&event, effects) == Outcome::Applied
    };
    if let (Act::Snooze(days), Some((buyer, alert))) = (act, &raised) {
        let (alert_id, until) = (Id::parse(alert).expect("an id"), clock.day().plus(days));
        let decided_by = Id::parse("Alice").expect("an id");
        say(buyer, Body::AlertSnoozed(AlertSnoozed { alert_id, until, decided_by }), effects);
    }
    let Some((buyer, notice)) = proposed else { return 0 };
    let mut approve = |who, amount, effects: &mut Vec<Effect>| {
        let (proposal_id, decided_by) =
            (Id::parse(&notice.proposal_id).expect("an id"), Id::parse(who).expect("an id"));
        let version = notice.version;
        let said = ProposalApproved { proposal_id, version, decided_by, amount, reason: None };
        approvals += usize::from(say(&buyer, Body::ProposalApproved(said), effects));
    };
    match act {
        Act::Nothing | Act::Snooze(_) => {}
        Act::Approve => approve("Alice", None, effects),
        Act::ApproveTwice => {
            approve("Alice", None, effects);
            approve("Bob", None, effects);
            approve("Carol", None, effects);
        }
        Act::Amend(units) => approve("Alice", Some(money(units)), effects),
        Act::Reject => {
            let proposal_id = Id::parse(&notice.proposal_id).expect("an id");
            let (version, decided_by) = (notice.version, Id::parse("Bob").expect("an id"));
            let said = ProposalRejected { proposal_id, version, decided_by, reason: None };
            say(&buyer, Body::ProposalRejected(said), effects);
        }
    }
    approvals
}

/// What effects, one after another, may say of proposals.
#[derive(Default)]
struct Lives {
    open: BTreeMap<String, ProposalNotice>,
    limits: BTreeMap<String, LimitChange>,
    /// Proposals that may still change a limit, once.
    agreed: BTreeSet<String>,
    ids: BTreeSet<String>,
}

impl Lives {
    fn live(&mut self, effect: &Effect) -> Result<(), TestCaseError> {
        let buyer = &effect.buyer_id;
        match &effect.body {
            EffectBody::LimitReductionProposed(notice) => self.propose(effect, notice),
            EffectBody::LimitReductionClosed(closing) => self.close(buyer, closing),
            EffectBody::LimitChanged(change) => self.change(buyer, change),
            _ => Ok(()),
        }
    }

    fn propose(&mut self, effect: &Effect, notice: &ProposalNotice) -> Result<(), TestCaseError> {
        let (buyer, row) = (&effect.buyer_id, &notice.exposure);
        prop_assert!(notice.proposed_limit < notice.current_limit.amount, "no reduction");
        prop_assert_eq!(self.limits.get(buyer).and_then(|told| told.new_limit), Some(notice.current_limit));
        if notice.current_limit.currency.as_str() == "EUR" {
            // Reported figures are rounded to cents.
            let shipped = row.outstanding.0 - row.unapplied.0;
            prop_assert!(i128::from(notice.proposed_limit.units()) >= (shipped - 1) * 100, "below what is shipped");
        }
        prop_assert!(notice.at_risk_after <= notice.at_risk_before);
        prop_assert!(notice.expires_at > effect.at && notice.effective_at >= effect.at);
        prop_assert!(!notice.reasons.is_empty() && notice.reasons.iter().all(|reason| !reason.detail.is_empty()));
        match self.open.get(buyer) {
            Some(open) => prop_assert_eq!((&notice.proposal_id, notice.version), (&open.proposal_id, open.version + 1)),
            None => {
                prop_assert_eq!(notice.version, 1);
                prop_assert!(self.ids.insert(notice.proposal_id.clone()), "an id is used again");
            }
        }
        self.open.insert(buyer.clone(), notice.clone());
        Ok(())
    }

    fn close(&mut self, buyer: &str, closing: &ProposalClosing) -> Result<(), TestCaseError> {
        let Some(open) = self.open.remove(buyer) else { return Err(TestCaseError::fail("nothing was open")) };
        prop_assert_eq!((&open.proposal_id, open.version), (&closing.proposal_id, closing.version));
        let is_auto = open.mode == ProposalMode::Auto;
        prop_assert_eq!(is_auto, closing.outcome == ProposalOutcome::Applied);
        let who = closing.decided_by.as_deref().map_or(0, |who| who.split(", ").count());
        match closing.outcome {
            ProposalOutcome::Approved => prop_assert!((1..=2).contains(&who), "{} decided", who),
            ProposalOutcome::Rejected => prop_assert_eq!(who, 1),
            _ => prop_assert_eq!(who, 0),
        }
        if matches!(closing.outcome, ProposalOutcome::Approved | ProposalOutcome::Applied) {
            self.agreed.insert(closing.proposal_id.clone());
        }
        Ok(())
    }

    fn change(&mut self, buyer: &str, change: &LimitChange) -> Result<(), TestCaseError> {
        let (old, new) = (change.old_limit, change.new_limit);
        prop_assert_eq!(self.limits.get(buyer).and_then(|told| told.new_limit), old);
        match &change.proposal_id {
            Some(id) => {
                prop_assert!(self.agreed.remove(id), "no decision, or a second change");
                let (Some(old), Some(new)) = (old, new) else { return Err(TestCaseError::fail("no limit to reduce")) };
                prop_assert!(new.amount < old.amount && new.currency == old.currency, "a limit was raised");
                prop_assert_eq!(change.decided_by.is_none(), change.cause == LimitChangeCause::Auto);
            }
            None => prop_assert!(matches!(change.cause, LimitChangeCause::Set | LimitChangeCause::Removed)),
        }
        self.limits.insert(buyer.to_owned(), change.clone());
        Ok(())
    }
}

proptest! {
    #![proptest_config(every_case())]

    #[test]
    fn a_proposal_has_one_life_and_only_lowers_a_limit(
        all in lending(),
        acts in prop::collection::vec(act(), 64),
        params in policies(),
    ) {
        let mut shard = Shard::new(params.clone());
        let (effects, approvals) = play(&mut shard, &all, &acts);
        let mut lives = Lives::default();
        for effect in &effects {
            lives.live(effect)?;
        }
        let count = |is: fn(&Effect) -> bool| effects.iter().filter(|effect| is(effect)).count();
        let approved = count(|effect| {
            matches!(&effect.body, EffectBody::LimitReductionClosed(closing) if closing.outcome == ProposalOutcome::Approved)
        });
        let reduced = count(|effect| {
            matches!(&effect.body, EffectBody::LimitChanged(change) if change.cause == LimitChangeCause::Approved)
        });
        prop_assert!(reduced <= approved && approved <= approvals, "{} {} {}", reduced, approved, approvals);
        let mut again = Shard::new(params);
        prop_assert_eq!(play(&mut again, &all, &acts).0, effects);
        prop_assert_eq!(again.state_hash(), shard.state_hash());
    }

    #[test]
    fn proposals_in_review_move_no_limit_by_themselves(all in lending()) {
        let mut shard = Shard::new(lively());
        let (effects, _) = play(&mut shard, &all, &[Act::Nothing; 64]);
        for effect in &effects {
            if let EffectBody::LimitChanged(change) = &effect.body {
                prop_assert!(change.proposal_id.is_none());
            }
        }
    }

    #[test]
    fn looking_every_day_proposes_nothing_that_the_deadlines_miss(all in lending(), mut params in policies()) {
        // What a cut without asking brings about itself is looked at on the next day; who looks earlier sees it earlier.
        params.proposals.auto_segments.clear();
        let (mut left_alone, mut looked_at) = (Shard::new(params.clone()), Shard::new(params));
        prop_assert_eq!(left_to_deadlines(&mut left_alone, &all), looked_at_daily(&mut looked_at, &all));
    }
}
