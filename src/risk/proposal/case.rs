//! Owns the reckoning of a proposal: whether a buyer's case calls for a lower limit, how low, and what that saves and costs.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::base::decimal::divide_half_even;
use crate::base::money::UNIT;
use crate::base::{BaseAmount, BaseUnits, Cents, Money, Percent, Rate, Sum};
use crate::event::{Grade, LimitAmount, Procedure, ProposalMode, Segment};
use crate::risk::params::{BelowShipped, LossLevels, ProposalLevels, Weighing};

/// How bad it is: an insolvency in force is worse than any grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Plight {
    /// The procedure in force, other than a conciliation.
    pub insolvency: Option<Procedure>,
    /// The grade of the score.
    pub grade: Grade,
}

impl Plight {
    /// Whether there may be anything to propose at all, whatever the figures say.
    #[must_use]
    pub fn may_call(self, levels: &ProposalLevels, segment: Segment) -> bool {
        self.insolvency.is_some() || levels.keep_pct(segment, self.grade) < 100 || self.grade >= levels.retained_from
    }
}

/// What a cover still has for what is shipped from now on.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// How much, in base currency.
    pub amount: BaseUnits,
    /// The insured share.
    pub insured_pct: Percent,
}

/// What the insurers bear.
#[derive(Debug, Clone, Default)]
pub struct CoverSide {
    /// What they would pay of what is open now.
    pub indemnifiable: BaseUnits,
    /// What the covers in force today have left, in the order in which they are used.
    pub rooms: Vec<Room>,
    /// Whether a cover was cut below what it carried, and that is not insured again.
    pub was_cut: bool,
}

/// One buyer with a limit, as a proposal sees it.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The levels of proposals.
    pub levels: &'a ProposalLevels,
    /// What a default is expected to cost.
    pub loss: &'a LossLevels,
    /// How bad it is.
    pub plight: Plight,
    /// Whether the insurer knows the buyer by name; not known is unnamed.
    pub segment: Segment,
    /// The limit that holds.
    pub limit: LimitAmount,
    /// The limit as last set from outside: what reductions start from, so that the same grade does not cut again and again.
    pub granted: Money,
    /// The rate of the limit's currency.
    pub rate: Rate,
    /// Shipped and unpaid: outstanding less unapplied cash. Open orders are not shipped.
    pub shipped: BaseAmount,
    /// The most that the buyer used: exposure now and at the month ends that are kept.
    pub peak: BaseUnits,
    /// What the insurers bear.
    pub cover: CoverSide,
}

/// Why a lower limit is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// An insolvency is in force: nothing more is shipped on account.
    Insolvency(Procedure),
    /// The grade keeps only so many per cent of the limit.
    Grade(u32),
    /// Used in full, the limit would leave so much to the seller, and the grade lets only so much be retained.
    Retained {
        /// What would be retained.
        at_risk: BaseUnits,
        /// What may be, in whole base units.
        retained_max: u64,
    },
    /// What is shipped and unpaid does not let the limit go as low as that.
    Shipped,
}

/// A lower limit that is called for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The limit to propose.
    pub proposed: Money,
    /// The cut, in base currency.
    pub cut: BaseUnits,
    /// Who decides.
    pub mode: ProposalMode,
    /// Why.
    pub grounds: Vec<Ground>,
    /// What would be retained if the limit were used in full.
    pub at_risk_before: BaseUnits,
    /// The same of the proposed limit.
    pub at_risk_after: BaseUnits,
    /// Probability of default x loss given default x what is no longer at risk.
    pub expected_loss_avoided: Cents,
    /// The margin on a year's sales within what is cut of the limit and the buyer has used.
    pub margin_lost: Cents,
}

impl Case<'_> {
    /// The lower limit that is called for, if one is.
    #[must_use]
    pub fn call(&self) -> Option<Call> {
        let current = i128::from(self.limit.amount.units());
        let at_risk_before = self.at_risk(self.limit.amount);
        let mut grounds = Vec::new();
        let mut target = current;
        for (ground, most) in [self.by_grade(), self.by_cover(at_risk_before)].into_iter().flatten() {
            if most < current {
                grounds.push(ground);
                target = target.min(most);
            }
        }
        if grounds.is_empty() {
            return None;
        }
        let step = self.step();
        target -= target.rem_euclid(step);
        if let Some(floor) = self.floor().filter(|floor| *floor > target) {
            grounds.push(Ground::Shipped);
            target = floor;
        }
        let proposed = Money::from_units(i64::try_from(target).ok()?)?;
        self.is_worth(self.limit.amount, proposed).then(|| self.weigh(proposed, grounds, at_risk_before)).flatten()
    }

    /// What is shipped and unpaid, in the limit's currency, rounded up to the step; `None`: it binds nobody.
    #[must_use]
    pub fn floor(&self) -> Option<i128> {
        let (shipped, step) = (self.shipped.in_currency_up(self.rate).units(), self.step());
        let up = shipped.saturating_add(step - 1);
        (self.levels.below_shipped == BelowShipped::Never).then_some(up - up.rem_euclid(step))
    }

    /// Whether a cut from one amount to another is worth a proposal.
    #[must_use]
    pub fn is_worth(&self, from: Money, to: Money) -> bool {
        let cut = i128::from(from.units()) - i128::from(to.units());
        let least_share = i128::from(self.limit.amount.units()) * i128::from(self.levels.min_cut_pct);
        cut > 0 && cut * 100 >= least_share && self.in_base(cut) >= whole(self.levels.min_cut_amount)
    }

    /// What would be retained if a limit were used in full: the limit, or what is shipped where that is more, less what the
    /// insurers would pay of what is open, and of further shipments as far as covers in force today have room for them.
    /// Insurable amounts without tax and single-risk covers of orders to come are left out.
    fn at_risk(&self, limit: Money) -> BaseUnits {
        let shipped = self.shipped.rounded();
        let used = self.in_base(i128::from(limit.units())).max(shipped);
        let mut further = used - shipped;
        let mut retained = used - self.cover.indemnifiable;
        for room in &self.cover.rooms {
            let taken = further.min(room.amount);
            further -= taken;
            retained -= taken.percentage(room.insured_pct).rounded();
        }
        retained.or_zero()
    }

    /// By grade: a share of the limit that was granted, and nothing under an insolvency.
    fn by_grade(&self) -> Option<(Ground, i128)> {
        if let Some(procedure) = self.plight.insolvency {
            return Some((Ground::Insolvency(procedure), 0));
        }
        let keep_pct = self.levels.keep_pct(self.segment, self.plight.grade);
        let kept = i128::from(self.granted.units()) * i128::from(keep_pct) / 100;
        (keep_pct < 100).then_some((Ground::Grade(keep_pct), kept))
    }

    /// By cover: what the insurers would pay, now and of what their covers have room for, and what may be retained.
    fn by_cover(&self, at_risk: BaseUnits) -> Option<(Ground, i128)> {
        let retained_max = self.levels.retained_max(self.segment, self.plight.grade)?;
        let may_be = whole(retained_max);
        let of_room = |room: &Room| room.amount.percentage(room.insured_pct).rounded();
        let insured = self.cover.rooms.iter().map(of_room).fold(self.cover.indemnifiable, |sum, room| sum + room);
        let most = (insured + may_be).amount().in_currency_down(self.rate).units();
        (at_risk > may_be).then_some((Ground::Retained { at_risk, retained_max }, most))
    }

    fn weigh(&self, proposed: Money, grounds: Vec<Ground>, at_risk_before: BaseUnits) -> Option<Call> {
        let at_risk_after = self.at_risk(proposed);
        let (limit, after) = (self.in_base(self.limit.amount.units().into()), self.in_base(proposed.units().into()));
        let default_bp = match self.plight.insolvency {
            Some(_) => self.loss.insolvent_probability_bp,
            None => self.loss.default_probability_bp(self.plight.grade),
        };
        let saved = (at_risk_before - at_risk_after).units() * i128::from(default_bp);
        let saved = saved * i128::from(self.loss.loss_given_default_pct);
        let sales = (limit.min(self.peak) - after).or_zero().units() * i128::from(self.levels.turnover_per_year);
        let cut = limit - after;
        let call = Call {
            proposed,
            cut,
            mode: self.mode(cut),
            grounds,
            at_risk_before,
            at_risk_after,
            // 10^-4 units x 10^-4 x 10^-2, and 10^-4 units x 10^-2, both to cents.
            expected_loss_avoided: Cents(divide_half_even(saved, 100 * 1_000_000)),
            margin_lost: Cents(divide_half_even(sales * i128::from(self.levels.margin_pct), 100 * 100)),
        };
        let spared = self.levels.weigh_margin == Weighing::Weighed
            && self.plight.insolvency.is_none()
            && self.plight.grade < Grade::E
            && call.expected_loss_avoided < call.margin_lost;
        (!spared).then_some(call)
    }

    fn mode(&self, cut: BaseUnits) -> ProposalMode {
        let levels = self.levels;
        let auto = levels.auto_segments.contains(&self.segment)
            && levels.auto_grades.contains(&self.plight.grade)
            && cut <= whole(levels.auto_up_to);
        if auto { ProposalMode::Auto } else { ProposalMode::Review }
    }

    /// What proposed limits are multiples of, in 10^-4 units.
    fn step(&self) -> i128 {
        step(i128::from(self.limit.amount.units() / UNIT), self.levels.step_min) * i128::from(UNIT)
    }

    /// An amount of the limit's currency in base currency.
    fn in_base(&self, units: i128) -> BaseUnits {
        BaseUnits::convert(Sum::from_units(units), self.rate)
    }
}

/// The step for a limit, both in whole units: the largest of 1, 2 or 5 times a power of ten that is no more than a hundredth
/// of it, and no less than `step_min`.
fn step(limit: i128, step_min: u64) -> i128 {
    let mut power = 1;
    while power * 10 <= limit / 100 {
        power *= 10;
    }
    let fitting = [5, 2, 1].into_iter().map(|factor| factor * power).find(|step| *step <= limit / 100);
    fitting.unwrap_or(1).max(i128::from(step_min))
}

/// Whole base units.
#[must_use]
pub fn whole(units: u64) -> BaseUnits {
    BaseUnits::from_units(i128::from(units) * i128::from(UNIT))
}

#[cfg(test)]
mod tests;
