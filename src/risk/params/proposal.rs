//! Owns the levels of proposals: how far a limit is cut, when, by whom, and what needs no asking.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::event::{Grade, Segment};

/// The levels by which lower limits are proposed, decided and applied.
///
/// Amounts are whole units of the base currency, but for `step_min`. A table of six is by grade, A to F. A buyer whose
/// segment is not known counts as unnamed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProposalLevels {
    /// The share of the limit, as last set from outside, that a named buyer keeps at most, in per cent.
    pub keep_named_pct: [u32; 6],
    /// The same of an unnamed buyer.
    pub keep_unnamed_pct: [u32; 6],
    /// From this grade on, what would be retained if the limit were used in full is held against the two tables below.
    pub retained_from: Grade,
    /// What may be retained of a named buyer.
    pub retained_named: [u64; 6],
    /// What may be retained of an unnamed buyer.
    pub retained_unnamed: [u64; 6],
    /// Whether a proposal may be lower than what is shipped and unpaid.
    pub below_shipped: BelowShipped,
    /// Proposed limits are multiples of at least this, in whole units of the limit's own currency. Larger limits go by
    /// larger steps: the largest of 1, 2 or 5 times a power of ten that is no more than a hundredth of the limit.
    pub step_min: u64,
    /// The least cut that is worth a proposal, in per cent of the limit.
    pub min_cut_pct: u32,
    /// The least cut that is worth a proposal.
    pub min_cut_amount: u64,
    /// For so many days after a decision, or after nobody decided in time, nothing new is proposed, unless the grade is
    /// worse than it was.
    pub cooldown_days: u16,
    /// A proposal that is no longer called for stays open for so many days after it was made: calls come and go.
    pub superseded_after_days: u16,
    /// A proposal on which nobody decides expires after so many days.
    pub expires_days: u16,
    /// Days between the decision and the day on which the lower limit of a named buyer holds.
    pub notice_named_days: u16,
    /// The same of an unnamed buyer.
    pub notice_unnamed_days: u16,
    /// A cut of more than this must be approved by two people.
    pub four_eyes_above: u64,
    /// The segments for which proposals are applied without asking, as far as `auto_grades` and `auto_up_to` let them.
    pub auto_segments: Vec<Segment>,
    /// The grades at which proposals are applied without asking.
    pub auto_grades: Vec<Grade>,
    /// The largest cut that is applied without asking.
    pub auto_up_to: u64,
    /// Whether the margin lost is weighed against the expected loss avoided.
    pub weigh_margin: Weighing,
    /// The margin on sales, in per cent.
    pub margin_pct: u32,
    /// How often a year a limit in use is turned over: 4 where invoices are paid after 90 days.
    pub turnover_per_year: u32,
}

/// Whether a proposal may be lower than what is shipped and unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum BelowShipped {
    /// It may not: what is shipped stays within the limit.
    Never,
    /// It may: nothing more is shipped until the buyer has paid.
    Allowed,
}

/// Whether the margin lost is weighed against the expected loss avoided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Weighing {
    /// It is only told.
    Told,
    /// Better than grade E and outside insolvency, a cut that is expected to cost more than it saves is not proposed.
    Weighed,
}

impl ProposalLevels {
    /// The share of the limit that a buyer keeps at most, in per cent.
    #[must_use]
    pub fn keep_pct(&self, segment: Segment, grade: Grade) -> u32 {
        let table = match segment {
            Segment::Named => &self.keep_named_pct,
            Segment::Unnamed => &self.keep_unnamed_pct,
        };
        table[grade as usize]
    }

    /// What may be retained of a buyer, in whole base units; `None`: at this grade nobody asks.
    #[must_use]
    pub fn retained_max(&self, segment: Segment, grade: Grade) -> Option<u64> {
        let table = match segment {
            Segment::Named => &self.retained_named,
            Segment::Unnamed => &self.retained_unnamed,
        };
        (grade >= self.retained_from).then_some(table[grade as usize])
    }

    /// Days between a decision and the day on which the lower limit holds.
    #[must_use]
    pub fn notice_days(&self, segment: Segment) -> u16 {
        match segment {
            Segment::Named => self.notice_named_days,
            Segment::Unnamed => self.notice_unnamed_days,
        }
    }
}

impl Default for ProposalLevels {
    /// A named buyer was looked at by an insurer, so that its limit is cut later; an unnamed one is cut at C. What may be
    /// retained falls by two to four a grade, to nothing at F. Three days let a named buyer's goods under way arrive.
    fn default() -> ProposalLevels {
        ProposalLevels {
            keep_named_pct: [100, 100, 100, 75, 50, 0],
            keep_unnamed_pct: [100, 100, 100, 60, 30, 0],
            retained_from: Grade::D,
            retained_named: [1_000_000, 500_000, 250_000, 100_000, 25_000, 0],
            retained_unnamed: [100_000, 50_000, 25_000, 10_000, 2_500, 0],
            below_shipped: BelowShipped::Never,
            step_min: 100,
            min_cut_pct: 10,
            min_cut_amount: 1_000,
            cooldown_days: 30,
            superseded_after_days: 7,
            expires_days: 14,
            notice_named_days: 3,
            notice_unnamed_days: 0,
            four_eyes_above: 100_000,
            auto_segments: Vec::new(),
            auto_grades: Vec::new(),
            auto_up_to: 0,
            weigh_margin: Weighing::Weighed,
            margin_pct: 10,
            turnover_per_year: 4,
        }
    }
}
