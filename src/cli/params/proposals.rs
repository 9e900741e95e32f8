//! Owns the table `[proposals]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{AMOUNT_MAX, DAYS_MAX, between, orderly};
use crate::event::{Grade, Segment};
use crate::risk::ProposalLevels;
use crate::risk::params::{BelowShipped, Weighing};

/// The most often that a limit can be turned over in a year: daily.
const TURNOVER_MAX: u32 = 365;

/// Made of the levels themselves: a level that is missing here does not compile.
#[derive(Deserialize)]
#[serde(remote = "ProposalLevels", default = "ProposalLevels::default", deny_unknown_fields)]
pub struct Table {
    keep_named_pct: [u32; 6],
    keep_unnamed_pct: [u32; 6],
    #[serde(deserialize_with = "grade")]
    retained_from: Grade,
    retained_named: [u64; 6],
    retained_unnamed: [u64; 6],
    #[serde(deserialize_with = "below_shipped")]
    below_shipped: BelowShipped,
    step_min: u64,
    min_cut_pct: u32,
    min_cut_amount: u64,
    cooldown_days: u16,
    superseded_after_days: u16,
    expires_days: u16,
    notice_named_days: u16,
    notice_unnamed_days: u16,
    four_eyes_above: u64,
    #[serde(deserialize_with = "segments")]
    auto_segments: Vec<Segment>,
    #[serde(deserialize_with = "grades")]
    auto_grades: Vec<Grade>,
    auto_up_to: u64,
    #[serde(deserialize_with = "weigh_margin")]
    weigh_margin: Weighing,
    margin_pct: u32,
    turnover_per_year: u32,
}

/// Checks every value.
pub fn check(levels: &ProposalLevels) -> Result<(), String> {
    for (key, table) in
        [("proposals.keep_named_pct", &levels.keep_named_pct), ("proposals.keep_unnamed_pct", &levels.keep_unnamed_pct)]
    {
        for share in table {
            between(&format!("each of {key}"), *share, 0, 100)?;
        }
        orderly(key, "rise", table.is_sorted_by(|better, worse| better >= worse))?;
    }
    for (key, table) in
        [("proposals.retained_named", &levels.retained_named), ("proposals.retained_unnamed", &levels.retained_unnamed)]
    {
        for amount in table {
            between(&format!("each of {key}"), *amount, 0, AMOUNT_MAX)?;
        }
        orderly(key, "rise", table.is_sorted_by(|better, worse| better >= worse))?;
    }
    between("proposals.step_min", levels.step_min, 1, AMOUNT_MAX)?;
    between("proposals.min_cut_pct", levels.min_cut_pct, 0, 100)?;
    between("proposals.min_cut_amount", levels.min_cut_amount, 0, AMOUNT_MAX)?;
    between("proposals.cooldown_days", levels.cooldown_days, 0, DAYS_MAX)?;
    between("proposals.superseded_after_days", levels.superseded_after_days, 0, DAYS_MAX)?;
    between("proposals.expires_days", levels.expires_days, 1, DAYS_MAX)?;
    between("proposals.notice_named_days", levels.notice_named_days, 0, DAYS_MAX)?;
    between("proposals.notice_unnamed_days", levels.notice_unnamed_days, 0, DAYS_MAX)?;
    between("proposals.four_eyes_above", levels.four_eyes_above, 0, AMOUNT_MAX)?;
    // What needs two people cannot do without any.
    between("proposals.auto_up_to", levels.auto_up_to, 0, levels.four_eyes_above)?;
    between("proposals.margin_pct", levels.margin_pct, 0, 100)?;
    between("proposals.turnover_per_year", levels.turnover_per_year, 0, TURNOVER_MAX)
}

fn grade<'de, D: Deserializer<'de>>(from: D) -> Result<Grade, D::Error> {
    let name = String::deserialize(from)?;
    Grade::parse(&name).ok_or_else(|| wrong("a grade", "A to F", &name))
}

fn grades<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Grade>, D::Error> {
    let read = |name: &String| Grade::parse(name).ok_or_else(|| wrong("a grade", "A to F", name));
    Vec::<String>::deserialize(from)?.iter().map(read).collect()
}

fn segments<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Segment>, D::Error> {
    let read = |name: &String| Segment::parse(name).ok_or_else(|| wrong("a segment", "\"named\" or \"unnamed\"", name));
    Vec::<String>::deserialize(from)?.iter().map(read).collect()
}

fn below_shipped<'de, D: Deserializer<'de>>(from: D) -> Result<BelowShipped, D::Error> {
    match String::deserialize(from)?.as_str() {
        "never" => Ok(BelowShipped::Never),
        "allowed" => Ok(BelowShipped::Allowed),
        name => Err(wrong("below_shipped", "\"never\" or \"allowed\"", name)),
    }
}

fn weigh_margin<'de, D: Deserializer<'de>>(from: D) -> Result<Weighing, D::Error> {
    match String::deserialize(from)?.as_str() {
        "yes" => Ok(Weighing::Weighed),
        "no" => Ok(Weighing::Told),
        name => Err(wrong("weigh_margin", "\"yes\" or \"no\"", name)),
    }
}

pub(super) fn wrong<E: Error>(what: &str, should: &str, is: &str) -> E {
    E::custom(format!("{what} should be {should}, and is {is:?}"))
}
