//! Owns the view of a whole portfolio: sums over report lines, how concentrated they are, and the same sums by group.
//! Pure and exact: money is summed in cents, and only ratios are rounded, half-even.

use std::collections::BTreeMap;

use ethnum::U256;

use crate::base::decimal::divide_half_even;
use crate::base::{Cents, Currency, Day};
use crate::event::{Grade, ReportLine, TenthDays};

pub use view::{GROUPS_MAX, PortfolioView};

#[cfg(test)]
mod tests;
mod view;

/// Buyers named as the largest, and as those with the most retained.
pub const NAMED_MAX: usize = 10;
/// Days of sales behind [`Portfolio::dso`].
const SALES_DAYS: i128 = 90;
/// A whole, in 10^-4.
const WHOLE: u16 = 10_000;

/// What the buyers of a portfolio are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Whether the insurer knows them by name.
    Segment,
    /// Who sold to them. A buyer counts once for each seller that it owes something.
    Seller,
    /// Their country.
    Country,
    /// Their sector.
    Sector,
    /// The grade of their score.
    Grade,
}

impl Dimension {
    /// All, in the order in which they are shown.
    pub const ALL: [Dimension; 5] =
        [Dimension::Segment, Dimension::Seller, Dimension::Country, Dimension::Sector, Dimension::Grade];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Dimension::Segment => "segment",
            Dimension::Seller => "seller",
            Dimension::Country => "country",
            Dimension::Sector => "sector",
            Dimension::Grade => "grade",
        }
    }
}

/// The sums of all buyers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Buyers.
    pub buyers: u64,
    /// Buyers of whom something was left out for want of a rate.
    pub fx_missing_buyers: u64,
    /// What is open.
    pub outstanding: i128,
    /// Open and not yet due.
    pub not_due: i128,
    /// Open and overdue by 1-30, 31-60, 61-90 and over 90 days.
    pub overdue: [i128; 4],
    /// Residuals written off.
    pub written_off: i128,
    /// Outstanding less unapplied, plus orders.
    pub exposure: i128,
    /// Taken by covers of any layer.
    pub insured: i128,
    /// What the insurers would pay.
    pub indemnifiable: i128,
    /// What would stay with the seller.
    pub retained: i128,
    /// Probability of default x loss given default x retained.
    pub expected_loss: i128,
    receivable: i128,
    billed_recently: i128,
}

/// The sums of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupSums {
    /// Buyers.
    pub buyers: u64,
    /// What is open.
    pub outstanding: i128,
    /// Of it, what is overdue.
    pub overdue: i128,
    /// What is at risk; `None` by seller, since unapplied cash, orders and covers are the buyer's and not a seller's.
    pub at_risk: Option<AtRisk>,
}

/// What is at risk with a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtRisk {
    /// Outstanding less unapplied, plus orders.
    pub exposure: i128,
    /// What would stay with the seller.
    pub retained: i128,
    /// Probability of default x loss given default x retained.
    pub expected_loss: i128,
}

impl GroupSums {
    fn add(&mut self, other: &GroupSums) {
        self.buyers += other.buyers;
        self.outstanding += other.outstanding;
        self.overdue += other.overdue;
        if let Some(other) = other.at_risk {
            let own = self.at_risk.get_or_insert_default();
            own.exposure += other.exposure;
            own.retained += other.retained;
            own.expected_loss += other.expected_loss;
        }
    }

    /// What groups are ordered by: exposure, or what is open where there is none.
    fn size(&self) -> i128 {
        self.at_risk.map_or(self.outstanding, |at_risk| at_risk.exposure)
    }
}

/// A group: its name (`None` where it is unknown) and its sums.
pub type Group = (Option<String>, GroupSums);

/// The groups of a dimension, the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The largest.
    pub largest: Vec<Group>,
    /// How many more there are, and their sums.
    pub others: Option<(usize, GroupSums)>,
}

/// A buyer that is named in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBuyer {
    /// Its id.
    pub buyer_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its grade.
    pub grade: Grade,
    /// Its exposure.
    pub exposure: Cents,
    /// What it has overdue.
    pub overdue: Cents,
    /// For how long the oldest.
    pub oldest_overdue_days: i32,
    /// What would stay with the seller.
    pub retained: Cents,
    /// What of it is expected to be lost.
    pub expected_loss: Cents,
}

/// The sums of a portfolio, gathered line by line.
#[derive(Debug, Default)]
pub struct Portfolio {
    head: Option<(Day, Currency)>,
    totals: Totals,
    /// The sum of the squares of exposures.
    squares: U256,
    groups: [BTreeMap<Option<String>, GroupSums>; Dimension::ALL.len()],
    largest: Vec<NamedBuyer>,
    most_retained: Vec<NamedBuyer>,
}

impl Portfolio {
    /// Adds a buyer.
    pub fn add(&mut self, line: &ReportLine) {
        let row = &line.row;
        self.head = Some((row.as_of, row.currency));
        self.totals.add(line);
        let exposure = U256::from(row.exposure.0.unsigned_abs());
        self.squares += exposure * exposure;
        self.add_to_groups(line);
        let overdue = overdue_of(line);
        keep(&mut self.largest, line, |buyer| (buyer.exposure.0, 0), (row.exposure.0, 0));
        let rank = |buyer: &NamedBuyer| (buyer.retained.0, buyer.overdue.0);
        keep(&mut self.most_retained, line, rank, (row.retained.0, overdue));
    }

    /// The day and the currency that it is in; `None` without buyers.
    #[must_use]
    pub fn head(&self) -> Option<(Day, Currency)> {
        self.head
    }

    /// The sums of all buyers.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Days sales outstanding of all buyers together; `None` where nothing was billed in 90 days.
    #[must_use]
    pub fn dso(&self) -> Option<TenthDays> {
        let Totals { receivable, billed_recently, .. } = self.totals;
        (billed_recently > 0).then(|| {
            let days = divide_half_even(receivable * SALES_DAYS * 10, billed_recently);
            TenthDays(days.min(i128::from(TenthDays::MAX.0)) as i32)
        })
    }

    /// The Herfindahl-Hirschman index of exposure by buyer, in 10^-4: the sum of the squared shares. `None` without exposure.
    #[must_use]
    pub fn concentration(&self) -> Option<u128> {
        let total = self.exposure();
        quotient(self.squares * U256::from(WHOLE), total * total)
    }

    /// The number of equal buyers that would be as concentrated, in tenths: 1 over the index. `None` without exposure.
    #[must_use]
    pub fn effective_buyers(&self) -> Option<u128> {
        let total = self.exposure();
        quotient(total * total * U256::from(10_u8), self.squares)
    }

    /// The share of exposure that an amount of it is, in 10^-4. `None` without exposure.
    #[must_use]
    pub fn share(&self, part: i128) -> Option<u128> {
        quotient(U256::from(part.unsigned_abs()) * U256::from(WHOLE), self.exposure())
    }

    /// The buyers with the largest exposure, the largest first.
    #[must_use]
    pub fn largest(&self) -> &[NamedBuyer] {
        &self.largest
    }

    /// The buyers with the most retained, then overdue.
    #[must_use]
    pub fn most_retained(&self) -> &[NamedBuyer] {
        &self.most_retained
    }

    /// The groups of a dimension: the `max` largest, and the sums of the others.
    #[must_use]
    pub fn groups(&self, dimension: Dimension, max: usize) -> Groups {
        let groups = &self.groups[dimension as usize];
        let mut largest: Vec<Group> = groups.iter().map(|(name, sums)| (name.clone(), *sums)).collect();
        // Stable: of equals the one of the lesser name comes first.
        largest.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.size()));
        let rest = largest.split_off(max.min(largest.len()));
        let others = rest.iter().fold(GroupSums::default(), |mut others, (_, sums)| {
            others.add(sums);
            others
        });
        Groups { largest, others: (!rest.is_empty()).then_some((rest.len(), others)) }
    }

    fn add_to_groups(&mut self, line: &ReportLine) {
        let ReportLine { row, further, profile, sellers } = line;
        let at_risk =
            AtRisk { exposure: row.exposure.0, retained: row.retained.0, expected_loss: further.expected_loss.0 };
        let (outstanding, overdue) = (row.outstanding.0, overdue_of(line));
        let sums = GroupSums { buyers: 1, outstanding, overdue, at_risk: Some(at_risk) };
        let mut add = |dimension: Dimension, name: Option<&str>, sums: &GroupSums| {
            let groups = &mut self.groups[dimension as usize];
            groups.entry(name.filter(|name| !name.is_empty()).map(str::to_owned)).or_default().add(sums);
        };
        add(Dimension::Segment, profile.segment.map(|segment| segment.as_str()), &sums);
        add(Dimension::Country, profile.country.as_ref().map(|country| country.as_str()), &sums);
        add(Dimension::Sector, profile.sector.as_deref(), &sums);
        add(Dimension::Grade, Some(row.scored.grade.as_str()), &sums);
        for seller in sellers {
            let (outstanding, overdue) = (seller.outstanding.0, seller.overdue.0);
            let sums = GroupSums { buyers: 1, outstanding, overdue, at_risk: None };
            add(Dimension::Seller, Some(&seller.seller_id), &sums);
        }
    }

    fn exposure(&self) -> U256 {
        U256::from(self.totals.exposure.unsigned_abs())
    }
}

impl Totals {
    fn add(&mut self, line: &ReportLine) {
        let ReportLine { row, further, .. } = line;
        self.buyers += 1;
        self.fx_missing_buyers += u64::from(row.fx_missing);
        self.outstanding += row.outstanding.0;
        self.not_due += row.not_due.0;
        for (total, part) in self.overdue.iter_mut().zip(row.overdue) {
            *total += part.0;
        }
        self.written_off += row.written_off.0;
        self.exposure += row.exposure.0;
        self.insured += row.insured_single_risk.0 + row.insured_primary.0 + row.insured_top_up.0;
        self.indemnifiable += row.indemnifiable.0;
        self.retained += row.retained.0;
        self.expected_loss += further.expected_loss.0;
        self.receivable += further.receivable.0;
        self.billed_recently += further.billed_recently.0;
    }
}

fn overdue_of(line: &ReportLine) -> i128 {
    line.row.overdue.iter().map(|part| part.0).sum()
}

/// Keeps the [`NAMED_MAX`] buyers of the highest rank; of equals the one that came first.
fn keep(
    buyers: &mut Vec<NamedBuyer>,
    line: &ReportLine,
    rank: impl Fn(&NamedBuyer) -> (i128, i128),
    own: (i128, i128),
) {
    let place = buyers.partition_point(|buyer| rank(buyer) >= own);
    if place == NAMED_MAX || own <= (0, 0) {
        return;
    }
    let row = &line.row;
    let buyer = NamedBuyer {
        buyer_id: row.buyer_id.clone(),
        name: line.profile.name.clone(),
        grade: row.scored.grade,
        exposure: row.exposure,
        overdue: Cents(overdue_of(line)),
        oldest_overdue_days: row.oldest_overdue_days,
        retained: row.retained,
        expected_loss: line.further.expected_loss,
    };
    buyers.insert(place, buyer);
    buyers.truncate(NAMED_MAX);
}

/// Divides rounding half-even; `None` by 0. What is divided here is a share of a whole, and fits.
fn quotient(value: U256, divisor: U256) -> Option<u128> {
    if divisor == U256::ZERO {
        return None;
    }
    let (quotient, rest) = (value / divisor, value % divisor);
    let twice = rest * U256::from(2_u8);
    let odd = quotient % U256::from(2_u8) == U256::ONE;
    let up = twice > divisor || (twice == divisor && odd);
    Some((quotient + U256::from(u8::from(up))).as_u128())
}
