//! Owns what a default is expected to cost: how likely it is by grade, and what share is lost.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::event::Grade;

/// The levels by which expected loss is reckoned: probability of default x loss given default x what is retained.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LossLevels {
    /// The probability that a buyer of grade A to F fails within a year, in hundredths of a per cent.
    pub default_probability_bp: [u32; 6],
    /// The probability for a buyer under an insolvency procedure other than conciliation, in hundredths of a per cent.
    pub insolvent_probability_bp: u32,
    /// What is lost of what is retained when a buyer fails, in per cent.
    pub loss_given_default_pct: u32,
}

impl LossLevels {
    /// The probability that a buyer of a grade fails within a year, in hundredths of a per cent.
    #[must_use]
    pub fn default_probability_bp(&self, grade: Grade) -> u32 {
        self.default_probability_bp[grade as usize]
    }
}

impl Default for LossLevels {
    /// The probability of A is that of a sound small firm; from there on it rises by two to four a grade, as published
    /// scales do. Unsecured trade creditors of a failed firm get back little: most lose four fifths and more.
    fn default() -> LossLevels {
        LossLevels {
            default_probability_bp: [50, 100, 250, 800, 2500, 6000],
            insolvent_probability_bp: 10_000,
            loss_given_default_pct: 80,
        }
    }
}
