//! Owns how a score is said: points, grades, and the reasons that add up to it.

use std::fmt;

use super::field::named;
use crate::base::stored::restored;

/// Points of a score: 0 (healthy) to 100 (failing), in quarters, so that sums are exact in every number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, borsh::BorshSerialize)]
pub struct Points(u16);

restored!(Points, u16, "points of a score", |quarters| (quarters <= Points::MAX.0).then_some(Points(quarters)));

impl Points {
    /// None.
    pub const ZERO: Points = Points(0);
    /// The worst score.
    pub const MAX: Points = Points::whole(100);
    /// Parts that a point has.
    pub const PARTS: u16 = 4;

    /// Whole points.
    #[must_use]
    pub const fn whole(points: u16) -> Points {
        Points(points * Points::PARTS)
    }

    /// Quarters of a point.
    #[must_use]
    pub const fn from_quarters(quarters: u16) -> Points {
        Points(quarters)
    }

    /// Points as [`Points`] shows them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Points> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let part = match part {
            "" if !text.ends_with('.') => 0,
            "25" => 1,
            "5" => 2,
            "75" => 3,
            _ => return None,
        };
        let quarters = whole.parse::<u16>().ok()?.checked_mul(Points::PARTS)?.checked_add(part)?;
        Some(Points(quarters))
    }

    /// In quarters of a point.
    #[must_use]
    pub const fn quarters(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Points {
    /// As a decimal: "41", "41.5", "41.25".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0 / Points::PARTS;
        match self.0 % Points::PARTS {
            0 => write!(f, "{whole}"),
            1 => write!(f, "{whole}.25"),
            2 => write!(f, "{whole}.5"),
            _ => write!(f, "{whole}.75"),
        }
    }
}

named! {
    /// The class of a score, from A (healthy) to F (failing).
    Grade {
        /// Healthy.
        A = "A",
        /// Sound.
        B = "B",
        /// To be watched.
        C = "C",
        /// Weak.
        D = "D",
        /// Bad.
        E = "E",
        /// Failing.
        F = "F",
    }
}

/// A buyer's score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct Scored {
    /// The blend of the two.
    pub score: Points,
    /// How slowly it pays.
    pub slow: Points,
    /// How likely it fails.
    pub fail: Points,
    /// The class of the blend.
    pub grade: Grade,
}

impl Scored {
    /// Nothing speaks against the buyer.
    pub const HEALTHY: Scored = Scored { score: Points::ZERO, slow: Points::ZERO, fail: Points::ZERO, grade: Grade::A };
}

/// An event that a figure rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventName {
    /// Who sent it.
    pub source: String,
    /// Its id.
    pub id: String,
}

/// One reason of an alert, a score or a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable code.
    pub code: &'static str,
    /// Points of the score that it stands for; 0 where a rule alone speaks.
    pub points: Points,
    /// What was measured, as a decimal or a name; `None` where a rule alone speaks.
    pub value: Option<String>,
    /// A sentence for a person.
    pub detail: String,
    /// The events that say so: ratings, accounts, insolvencies.
    pub events: Vec<EventName>,
    /// The documents that say so, by their id: invoices, payments, incidents.
    pub documents: Vec<String>,
}

impl Reason {
    /// What a rule says by itself, without points.
    #[must_use]
    pub fn rule(code: &'static str, detail: String) -> Reason {
        Reason { code, points: Points::ZERO, value: None, detail, events: Vec::new(), documents: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_as_decimals() {
        let told: Vec<String> = [0, 1, 166, 163, 400].map(|quarters| Points(quarters).to_string()).into();
        assert_eq!(told, ["0", "0.25", "41.5", "40.75", "100"]);
        assert_eq!(Points::MAX, Points(400));
        for quarters in 0..=400 {
            assert_eq!(Points::parse(&Points(quarters).to_string()), Some(Points(quarters)));
        }
        for wrong in ["", "1.", "1.50", "-1", "0.1", "70000", "16384", "."] {
            assert_eq!(Points::parse(wrong), None, "{wrong}");
        }
    }
}
