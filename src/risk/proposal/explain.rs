//! Owns the words: why a lower limit is proposed, with the figures that a person needs.

use super::{Call, Case, Ground};
use crate::base::money::grouped;
use crate::base::{Currency, Sum};
use crate::event::{Reason, Segment};

/// Why, rule by rule. Scores have reasons of their own, with points.
#[must_use]
pub fn reasons(case: &Case<'_>, call: &Call, base: Currency) -> Vec<Reason> {
    call.grounds.iter().map(|ground| Reason::rule(code(case, ground), detail(case, ground, base))).collect()
}

fn code(case: &Case<'_>, ground: &Ground) -> &'static str {
    match ground {
        Ground::Insolvency(_) => "insolvency",
        Ground::Grade(_) => "grade",
        Ground::Retained { .. } if case.cover.was_cut => "cover_lost",
        Ground::Retained { .. } => "cover_below_limit",
        Ground::Shipped => "shipped",
    }
}

fn detail(case: &Case<'_>, ground: &Ground, base: Currency) -> String {
    let money = |units: i128| format!("{} {base}", grouped(units));
    let limit = format!("{} {}", grouped(case.limit.amount.units().into()), case.limit.currency);
    let (grade, segment) = (case.plight.grade.as_str(), segment(case.segment));
    match *ground {
        Ground::Insolvency(procedure) => format!("{} is in force: nothing more on account", procedure.as_str()),
        Ground::Grade(keep_pct) => {
            let granted = format!("{} {}", grouped(case.granted.units().into()), case.limit.currency);
            format!("at grade {grade}, {segment} buyer keeps {keep_pct} % of the {granted} that it was granted")
        }
        Ground::Retained { at_risk, retained_max } => {
            let at_risk = money(at_risk.amount().cents().0 * 100);
            let may_be = money(i128::from(retained_max) * i128::from(crate::base::money::UNIT));
            format!(
                "used in full, the limit of {limit} would leave {at_risk} uninsured; of {segment} buyer at grade {grade} {may_be} may be retained"
            )
        }
        Ground::Shipped => {
            let shipped = Sum::from_units(case.shipped.cents().0 * 100);
            format!("{} is shipped and unpaid: the limit goes no lower", money(shipped.units()))
        }
    }
}

fn segment(segment: Segment) -> &'static str {
    match segment {
        Segment::Named => "a named",
        Segment::Unnamed => "an unnamed",
    }
}
