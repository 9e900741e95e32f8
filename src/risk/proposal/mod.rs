//! What to do: the one open proposal of a buyer, from its making over versions and decisions to its closing, each once.

mod case;
mod explain;

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

pub use case::{Call, Case, CoverSide, Ground, Plight, Room, whole};
pub use explain::reasons;

use super::params::ProposalLevels;
use crate::base::money::grouped;
use crate::base::{BaseUnits, Day, Money};
use crate::event::{LimitAmount, ProposalClosing, ProposalMode, ProposalOutcome};

/// A buyer's proposals: the open one, and what is remembered of the one before.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Proposals {
    open: Option<Open>,
    closed: Option<Closed>,
    /// A decision of this instant, not told yet.
    decided: Option<Closing>,
}

/// The open proposal.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Open {
    /// Its id, the same in all its versions.
    pub id: u128,
    /// From 1 on.
    pub version: u32,
    /// The limit that is to be reduced.
    pub current: LimitAmount,
    /// To what.
    pub proposed: Money,
    /// How bad it was when this version was made.
    pub plight: Plight,
    /// The day on which this version was made.
    pub made_on: Day,
    /// The day at whose start it expires.
    pub expires_on: Day,
    /// Days from a decision to the day on which the lower limit holds.
    pub notice_days: u16,
    /// The first of two approvals.
    approval: Option<Approval>,
}

/// One person's approval, where two are needed.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
struct Approval {
    by: CompactString,
    amount: Money,
}

/// What is remembered of the proposal that was closed last.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
struct Closed {
    id: u128,
    outcome: ProposalOutcome,
    on: Day,
    plight: Plight,
    /// The day from which on there may be another one at the same grade.
    cool_from: Day,
}

/// A closing, to be told.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Closing {
    id: u128,
    version: u32,
    outcome: ProposalOutcome,
    decided_by: Option<CompactString>,
    reason: Option<CompactString>,
}

impl Closing {
    /// As it is told.
    #[must_use]
    pub fn told(self) -> ProposalClosing {
        ProposalClosing {
            proposal_id: format!("{:032x}", self.id),
            version: self.version,
            outcome: self.outcome,
            decided_by: self.decided_by.map(Into::into),
            reason: self.reason.map(Into::into),
        }
    }
}

/// What a judgement is made with.
pub struct Judging<'a> {
    /// The clock's day.
    pub today: Day,
    /// The levels of proposals.
    pub levels: &'a ProposalLevels,
    /// How bad it is.
    pub plight: Plight,
    /// The limit that was decided last.
    pub limit: Option<LimitAmount>,
    /// The buyer's case; `None` where nobody can say what it calls for: a currency has no rate, a reduction waits to hold.
    pub case: Option<&'a Case<'a>>,
}

/// What a judgement makes of a buyer's proposals.
#[derive(Debug)]
pub struct Judged {
    /// A proposal that was closed.
    pub closed: Option<Closing>,
    /// What the open proposal, or its new version, proposes.
    pub proposed: Option<Call>,
    /// The next day on which time alone may change something.
    pub next_day: Day,
}

/// What somebody decided.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// The proposal.
    pub proposal_id: &'a str,
    /// Its version.
    pub version: u32,
    /// Who.
    pub decided_by: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// What.
    pub verdict: Verdict,
}

/// A decision itself.
#[derive(Debug, Clone, Copy)]
pub enum Verdict {
    /// As proposed, or another amount.
    Approved(Option<Money>),
    /// No.
    Rejected,
}

/// What became of a decision.
#[derive(Debug)]
pub enum Decided {
    /// It is kept until a second person approves the same, or it was a rejection: the limit stays.
    LimitStays,
    /// The limit is to be reduced.
    Reduce {
        /// The proposal.
        proposal_id: u128,
        /// To what.
        to: Money,
        /// Days until that holds.
        notice_days: u16,
        /// Who decided.
        decided_by: CompactString,
    },
}

impl Proposals {
    /// The open proposal.
    #[must_use]
    pub fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_none() && self.decided.is_none()
    }

    /// The closing that a decision of this instant made, to be told now.
    pub fn take_decided(&mut self) -> Option<Closing> {
        self.decided.take()
    }

    /// Closes what is over, proposes what is called for, and says when to look again. `new_id` names a new proposal.
    pub fn judge(&mut self, with: &Judging<'_>, new_id: impl FnOnce() -> u128) -> Judged {
        let call = with.case.and_then(Case::call);
        let closed = self.close_over(with, call.as_ref());
        let mut proposed = None;
        if let (Some(case), Some(call)) = (with.case, call) {
            let next = match &self.open {
                Some(open) if is_moved(open, case, &call) => Some((open.id, open.version + 1)),
                Some(_) => None,
                None => (!self.is_cooling(with)).then(|| (new_id(), 1)),
            };
            if let Some((id, version)) = next {
                self.open = Some(make(with, case, &call, id, version));
                proposed = Some(call);
            }
        }
        Judged { closed, proposed, next_day: self.next_day(with) }
    }

    /// The proposal just made is applied without asking.
    pub fn apply_auto(&mut self, today: Day, levels: &ProposalLevels) -> Option<(Open, Closing)> {
        let open = self.open.take()?;
        let closing = Closing {
            id: open.id,
            version: open.version,
            outcome: ProposalOutcome::Applied,
            decided_by: None,
            reason: None,
        };
        self.closed = Some(Closed::new(&open, closing.outcome, today, cool_from(today, levels)));
        Some((open, closing))
    }

    /// Decides on the open proposal. `in_base` converts a cut of the limit; `limit` is the one decided last.
    ///
    /// # Errors
    /// In a sentence, when it is not open: unknown, closed, at another version, overtaken by another limit; or when the
    /// amount is above the limit.
    pub fn decide(
        &mut self,
        said: &Decision<'_>,
        today: Day,
        limit: Option<LimitAmount>,
        levels: &ProposalLevels,
        in_base: impl Fn(LimitAmount) -> Option<BaseUnits>,
    ) -> Result<Decided, String> {
        let open = self.find_open(said, limit)?;
        let Verdict::Approved(amended) = said.verdict else {
            let decided_by = said.decided_by.into();
            self.close(said, ProposalOutcome::Rejected, decided_by, today, levels);
            return Ok(Decided::LimitStays);
        };
        let to = amended.unwrap_or(open.proposed);
        let Some(cut) = Money::from_units(open.current.amount.units() - to.units()) else {
            let (to, limit) = (grouped(to.units().into()), grouped(open.current.amount.units().into()));
            let currency = open.current.currency;
            return Err(format!(
                "the amount {to} is above the limit of {limit} {currency}: a proposal never raises it"
            ));
        };
        let cut = in_base(LimitAmount { amount: cut, ..open.current });
        let needs_two = cut.is_none_or(|cut| cut > whole(levels.four_eyes_above));
        let decided_by: CompactString = match &open.approval {
            _ if !needs_two => said.decided_by.into(),
            Some(first) if first.amount == to && first.by == said.decided_by => return Ok(Decided::LimitStays),
            Some(first) if first.amount == to => format!("{}, {}", first.by, said.decided_by).into(),
            _ => {
                open.approval = Some(Approval { by: said.decided_by.into(), amount: to });
                return Ok(Decided::LimitStays);
            }
        };
        let (proposal_id, notice_days) = (open.id, open.notice_days);
        self.close(said, ProposalOutcome::Approved, decided_by.clone(), today, levels);
        Ok(Decided::Reduce { proposal_id, to, notice_days, decided_by })
    }

    fn find_open(&mut self, said: &Decision<'_>, limit: Option<LimitAmount>) -> Result<&mut Open, String> {
        let id = said.proposal_id;
        let is = |known: u128| format!("{known:032x}") == id;
        if let Some(closed) = self.closed.as_ref().filter(|closed| is(closed.id)) {
            return Err(format!("proposal {id} is not open: {} on {}", closed.outcome.as_str(), closed.on));
        }
        let open = self.open.as_mut().filter(|open| is(open.id));
        let open = open.ok_or_else(|| format!("proposal {id} is not open: this buyer has none of that id"))?;
        if open.version != said.version {
            return Err(format!(
                "proposal {id} is at version {}, and version {} was decided on",
                open.version, said.version
            ));
        }
        if limit != Some(open.current) {
            return Err(format!("proposal {id} is not open: the limit was changed since it was made"));
        }
        Ok(open)
    }

    fn close(
        &mut self,
        said: &Decision<'_>,
        outcome: ProposalOutcome,
        decided_by: CompactString,
        today: Day,
        levels: &ProposalLevels,
    ) {
        let Some(open) = self.open.take() else { return };
        self.closed = Some(Closed::new(&open, outcome, today, cool_from(today, levels)));
        let reason = said.reason.map(Into::into);
        self.decided =
            Some(Closing { id: open.id, version: open.version, outcome, decided_by: Some(decided_by), reason });
    }

    /// Closes the open proposal where it has expired, another limit has overtaken it, or it is no longer called for.
    fn close_over(&mut self, with: &Judging<'_>, call: Option<&Call>) -> Option<Closing> {
        let open = self.open.as_ref()?;
        let (today, levels) = (with.today, with.levels);
        let cooled = cool_from(today, levels);
        let is_gone = |case: &Case<'_>| {
            is_below_shipped(open, case) || today.since(open.made_on) >= i32::from(levels.superseded_after_days)
        };
        let (outcome, cool_from) = if today >= open.expires_on {
            (ProposalOutcome::Expired, cooled)
        } else if with.limit != Some(open.current) {
            // Whoever set another limit has decided, and is left in peace as after a decision.
            (ProposalOutcome::Superseded, cooled)
        } else if call.is_none() && with.case.is_some_and(is_gone) {
            (ProposalOutcome::Superseded, today)
        } else {
            return None;
        };
        let open = self.open.take()?;
        self.closed = Some(Closed::new(&open, outcome, today, cool_from));
        Some(Closing { id: open.id, version: open.version, outcome, decided_by: None, reason: None })
    }

    fn is_cooling(&self, with: &Judging<'_>) -> bool {
        self.closed.as_ref().is_some_and(|closed| with.today < closed.cool_from && with.plight <= closed.plight)
    }

    /// The next day on which time alone may change something.
    #[must_use]
    pub fn next_day(&self, with: &Judging<'_>) -> Day {
        let today = with.today;
        match (&self.open, &self.closed) {
            (Some(open), _) => {
                let gone_on = open.made_on.plus(i32::from(with.levels.superseded_after_days));
                if gone_on > today { gone_on.min(open.expires_on) } else { open.expires_on }
            }
            (None, Some(closed)) if closed.cool_from > today => closed.cool_from,
            _ => Day::MAX,
        }
    }
}

impl Closed {
    fn new(open: &Open, outcome: ProposalOutcome, on: Day, cool_from: Day) -> Closed {
        Closed { id: open.id, outcome, on, plight: open.plight, cool_from }
    }
}

fn cool_from(today: Day, levels: &ProposalLevels) -> Day {
    today.plus(i32::from(levels.cooldown_days))
}

fn make(with: &Judging<'_>, case: &Case<'_>, call: &Call, id: u128, version: u32) -> Open {
    let notice_days = match case.plight.insolvency {
        Some(_) => 0,
        None => with.levels.notice_days(case.segment),
    };
    Open {
        id,
        version,
        current: case.limit,
        proposed: call.proposed,
        plight: case.plight,
        made_on: with.today,
        expires_on: with.today.plus(i32::from(with.levels.expires_days)),
        notice_days,
        approval: None,
    }
}

/// Whether a call differs from the open proposal by so much that another version is due: it is worse and the proposal another,
/// the limit would be lower by a cut that is worth one, or what is shipped has passed it.
fn is_moved(open: &Open, case: &Case<'_>, call: &Call) -> bool {
    let is_worse = case.plight > open.plight && (call.proposed != open.proposed || call.mode == ProposalMode::Auto);
    is_worse || is_below_shipped(open, case) || case.is_worth(open.proposed, call.proposed)
}

/// Whether what is shipped has passed what is proposed.
fn is_below_shipped(open: &Open, case: &Case<'_>) -> bool {
    case.floor().is_some_and(|floor| floor > i128::from(open.proposed.units()))
}

#[cfg(test)]
mod tests;
