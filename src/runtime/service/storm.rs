//! Owns the guard against a storm of dead letters: a break of the schema must not drain a topic.

/// How many refused records are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StormLimits {
    /// A turn is part of a storm where over this share of its records is refused, in per cent.
    pub refused_pct: u8,
    /// A storm stops its partition where over this many records are refused, in turns on end that are part of it.
    pub refused_max: u64,
}

impl Default for StormLimits {
    fn default() -> StormLimits {
        StormLimits { refused_pct: 20, refused_max: 1000 }
    }
}

/// What is refused of a partition in turns on end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Storm {
    refused: u64,
}

impl Storm {
    /// Takes in a turn; says how many were refused where they are too many.
    pub(super) fn pass(&mut self, records: u64, refused: u64, limits: StormLimits) -> Option<u64> {
        if refused * 100 > records * u64::from(limits.refused_pct) {
            self.refused += refused;
        } else if records > 0 {
            self.refused = 0;
        }
        (self.refused > limits.refused_max).then_some(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refused_on_end_are_a_storm_and_a_share_of_them_is_none() {
        let limits = StormLimits::default();
        let mut storm = Storm::default();
        assert_eq!(storm.pass(1000, 1000, limits), None, "at the limit");
        assert_eq!(storm.pass(0, 0, limits), None, "an idle turn says nothing");
        assert_eq!(storm.pass(1, 1, limits), Some(1001), "over it");
        assert_eq!(storm.pass(5, 1, limits), None, "a fifth is not over 20 per cent");
        assert_eq!(storm.pass(5000, 1000, limits), None);
        assert_eq!(storm.pass(100_000, 20_000, limits), None);
        assert_eq!(storm.pass(100_000, 20_001, limits), Some(20_001));
    }
}
