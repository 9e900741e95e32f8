//! Owns the table `[loss]`.

use serde::Deserialize;

use super::{between, orderly};
use crate::risk::LossLevels;

/// Certainty, in hundredths of a per cent.
const CERTAIN_BP: u32 = 10_000;

/// Made of the levels themselves: a level that is missing here does not compile.
#[derive(Deserialize)]
#[serde(remote = "LossLevels", default = "LossLevels::default", deny_unknown_fields)]
pub struct Table {
    default_probability_bp: [u32; 6],
    insolvent_probability_bp: u32,
    loss_given_default_pct: u32,
}

/// Checks every value.
pub fn check(levels: &LossLevels) -> Result<(), String> {
    for probability in levels.default_probability_bp {
        between("each of loss.default_probability_bp", probability, 0, CERTAIN_BP)?;
    }
    orderly("loss.default_probability_bp", "fall", levels.default_probability_bp.is_sorted())?;
    between("loss.insolvent_probability_bp", levels.insolvent_probability_bp, 0, CERTAIN_BP)?;
    between("loss.loss_given_default_pct", levels.loss_given_default_pct, 0, 100)
}
