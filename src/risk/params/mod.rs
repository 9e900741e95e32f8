//! Owns the params: what changes results, as data with a version. What changes speed is configuration and stands elsewhere.

mod loss;
mod proposal;
mod score;

use borsh::{BorshDeserialize, BorshSerialize};

pub use loss::LossLevels;
pub use proposal::{BelowShipped, ProposalLevels, Weighing};
pub use score::{CourseLevels, ScoreLevels};

use super::score::CODES;
use crate::base::Currency;

/// Everything that changes results, and its version, which every output names.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Their version.
    pub version: u32,
    /// The currency that figures are reported in.
    pub base: Currency,
    /// The length of an instant, in milliseconds: buyers changed within one are judged together.
    pub instant_ms: u32,
    /// How long closed documents are kept, in days; `None`: for ever.
    pub retention_days: Option<u16>,
    /// The levels at which rules raise and clear alerts.
    pub alerts: AlertLevels,
    /// The weights of the score.
    pub score: ScoreLevels,
    /// What a default is expected to cost.
    pub loss: LossLevels,
    /// The levels by which lower limits are proposed, decided and applied.
    pub proposals: ProposalLevels,
    /// What is reckoned of a buyer beside what it owes.
    pub reckon: Reckoning,
}

/// What is reckoned of a buyer beside what it owes. What is told of it is kept either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reckoning {
    /// Its score; where it is not, every buyer is as healthy as one of whom nothing is known.
    pub score: Reckoned,
    /// What its covers carry; where it is not, none carries anything.
    pub cover: Reckoned,
}

/// Whether something is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reckoned {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Default for Reckoning {
    fn default() -> Reckoning {
        Reckoning { score: Reckoned::Yes, cover: Reckoned::Yes }
    }
}

/// The levels at which rules raise and clear alerts. Amounts are whole units of the base currency.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AlertLevels {
    /// `limit_exceeded` is a warning over this share of the limit, in per cent.
    pub limit_warning_pct: u32,
    /// `limit_exceeded` is critical over this share of the limit, in per cent.
    pub limit_critical_pct: u32,
    /// `limit_exceeded` clears at or under this share of the limit, in per cent.
    pub limit_clear_pct: u32,
    /// `cover_stop_ahead` looks this many days ahead.
    pub stop_ahead_days: u16,
    /// `declaration_due` looks this many days ahead.
    pub declaration_ahead_days: u16,
    /// `declaration_due` is critical within this many days.
    pub declaration_critical_days: u16,
    /// `cover_expiring` looks this many days ahead.
    pub expiring_ahead_days: u16,
    /// `cover_expiring` is a warning within this many days.
    pub expiring_warning_days: u16,
    /// `cover_lost` is critical where over this share of what the cover carried is lost, in per cent.
    pub lost_critical_pct: u32,
    /// `uncovered_exposure` is raised where over this much is retained.
    pub uncovered_amount: u64,
    /// `uncovered_exposure` is raised where over this share of exposure is retained, in per cent.
    pub uncovered_pct: u32,
    /// `uncovered_exposure` is critical where over this much is retained.
    pub uncovered_critical_amount: u64,
    /// `uncovered_exposure` clears under this share of its levels, in per cent.
    pub uncovered_clear_pct: u32,
}

impl Params {
    /// The documented defaults: version 1, an instant of one second, nothing forgotten.
    #[must_use]
    pub fn new(base: Currency) -> Params {
        Params {
            version: 1,
            base,
            instant_ms: 1000,
            retention_days: None,
            alerts: AlertLevels::default(),
            score: ScoreLevels::default(),
            loss: LossLevels::default(),
            proposals: ProposalLevels::default(),
            reckon: Reckoning::default(),
        }
    }

    /// What makes restored params useless to a shard, if anything does. Whoever reads params from a file asks for more.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let score = &self.score;
        if self.instant_ms == 0 {
            return Some("an instant has no length");
        }
        if score.slow_half_life_days == 0 || score.fast_half_life_days == 0 {
            return Some("a half-life is 0 days");
        }
        (score.tables.len() != CODES).then_some("a measure has no table, or a table no measure")
    }
}

impl Default for AlertLevels {
    fn default() -> AlertLevels {
        AlertLevels {
            limit_warning_pct: 110,
            limit_critical_pct: 150,
            limit_clear_pct: 95,
            stop_ahead_days: 10,
            declaration_ahead_days: 10,
            declaration_critical_days: 3,
            expiring_ahead_days: 30,
            expiring_warning_days: 7,
            lost_critical_pct: 50,
            uncovered_amount: 100_000,
            uncovered_pct: 25,
            uncovered_critical_amount: 1_000_000,
            uncovered_clear_pct: 80,
        }
    }
}
