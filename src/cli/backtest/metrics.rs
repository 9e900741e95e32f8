//! Owns how well a measure tells those whom something befalls from those whom it does not. Ties are counted exactly.

/// Cases in order of a measure, the highest first; cases of the same value stand together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    ties: Vec<Tie>,
    positives: u64,
    negatives: u64,
}

/// Cases of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tie {
    value: f64,
    positives: u64,
    negatives: u64,
}

/// What warnings are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hits {
    /// The share of those warned of whom it befell.
    pub precision: f64,
    /// The share of those whom it befell that were warned of.
    pub recall: f64,
}

/// A point of a curve, both from 0 to 1.
pub type Point = (f64, f64);

impl Ranking {
    /// Ranks cases: each with its value, and whether it befell.
    #[must_use]
    pub fn new(cases: impl Iterator<Item = (f64, bool)>) -> Ranking {
        let mut cases: Vec<(f64, bool)> = cases.collect();
        cases.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut ranking = Ranking::default();
        for (value, befell) in cases {
            if ranking.ties.last().is_none_or(|tie| tie.value != value) {
                ranking.ties.push(Tie { value, positives: 0, negatives: 0 });
            }
            let tie = ranking.ties.last_mut().expect("one was pushed if there was none");
            let (of_tie, of_all) = if befell {
                (&mut tie.positives, &mut ranking.positives)
            } else {
                (&mut tie.negatives, &mut ranking.negatives)
            };
            *of_tie += 1;
            *of_all += 1;
        }
        ranking
    }

    /// The area under the ROC curve: how likely a case that befell ranks over one that did not, a tie counting half.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        let pairs = self.positives as f64 * self.negatives as f64;
        let mut above = 0;
        let mut won = 0.0;
        for tie in &self.ties {
            won += tie.negatives as f64 * (above as f64 + tie.positives as f64 / 2.0);
            above += tie.positives;
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    /// The average precision: at the end of each tie, the precision so far, weighted by the recall that the tie adds.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let (mut hits, mut seen, mut sum) = (0, 0, 0.0);
        for tie in &self.ties {
            hits += tie.positives;
            seen += tie.positives + tie.negatives;
            sum += tie.positives as f64 * hits as f64 / seen as f64;
        }
        (self.positives > 0).then(|| sum / self.positives as f64)
    }

    /// What warning of the `count` highest is worth; of a tie that is warned of in part, what is to be expected.
    #[must_use]
    pub fn hits_among(&self, count: u64) -> Option<Hits> {
        let (mut left, mut hits) = (count, 0.0);
        for tie in &self.ties {
            let of_tie = tie.positives + tie.negatives;
            let taken = left.min(of_tie);
            hits += tie.positives as f64 * taken as f64 / of_tie as f64;
            left -= taken;
        }
        Hits::of(hits, count - left, self.positives)
    }

    /// The value from which on as near to `count` cases as can be are warned of; `None` where that is nobody.
    #[must_use]
    pub fn threshold_for(&self, count: u64) -> Option<f64> {
        let mut seen = 0;
        let mut threshold = None;
        for tie in &self.ties {
            let with = seen + tie.positives + tie.negatives;
            if with.abs_diff(count) >= seen.abs_diff(count) {
                break;
            }
            (seen, threshold) = (with, Some(tie.value));
        }
        threshold
    }

    /// The ROC curve: the share of false warnings against the share warned of, from (0, 0) to (1, 1).
    #[must_use]
    pub fn roc(&self) -> Vec<Point> {
        if self.positives == 0 || self.negatives == 0 {
            return Vec::new();
        }
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let ends = self.ends().map(|(hits, misses)| (share(misses, self.negatives), share(hits, self.positives)));
        std::iter::once((0.0, 0.0)).chain(ends).collect()
    }

    /// The curve of precision against recall, a point at the end of each tie.
    #[must_use]
    pub fn precision_recall(&self) -> Vec<Point> {
        if self.positives == 0 {
            return Vec::new();
        }
        let point =
            |(hits, misses): (u64, u64)| (hits as f64 / self.positives as f64, hits as f64 / (hits + misses) as f64);
        self.ends().map(point).collect()
    }

    /// How many befell and did not, down to the end of each tie.
    fn ends(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ties.iter().scan((0, 0), |(hits, misses), tie| {
            *hits += tie.positives;
            *misses += tie.negatives;
            Some((*hits, *misses))
        })
    }
}

impl Hits {
    /// From what was hit, how many were warned of, and how many it befell.
    #[must_use]
    pub fn of(hits: f64, warned: u64, befell: u64) -> Option<Hits> {
        (warned > 0 && befell > 0).then(|| Hits { precision: hits / warned as f64, recall: hits / befell as f64 })
    }
}

/// The first quartile, the median and the third quartile, interpolated between the two nearest.
#[must_use]
pub fn quartiles(values: &[i32]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1)?;
    let at = |quarter: usize| {
        let (whole, rest) = (quarter * last / 4, (quarter * last % 4) as f64 / 4.0);
        let low = f64::from(sorted[whole]);
        low + rest * (f64::from(sorted[(whole + 1).min(last)]) - low)
    };
    Some([at(1), at(2), at(3)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(cases: &[(f64, bool)]) -> Ranking {
        Ranking::new(cases.iter().copied())
    }

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-12)
    }

    #[test]
    fn a_measure_is_as_good_as_the_pairs_that_it_orders_right() {
        // Pairs (positive over negative): 4>3, 4>1, 2>1 right, 2>3 wrong.
        let cases = [(4.0, true), (3.0, false), (2.0, true), (1.0, false)];
        assert!(near(ranking(&cases).auc(), 0.75));
        // Precision at the two positives: 1/1 and 2/3.
        assert!(near(ranking(&cases).average_precision(), (1.0 + 2.0 / 3.0) / 2.0));
        assert!(near(ranking(&[(1.0, true), (0.0, false)]).auc(), 1.0));
        assert!(near(ranking(&[(0.0, true), (1.0, false)]).auc(), 0.0));
    }

    #[test]
    fn a_tie_counts_half_and_its_order_counts_nothing() {
        let cases = [(2.0, true), (1.0, true), (1.0, false), (1.0, false), (0.0, false)];
        // Positive 2 beats 3 of 3; positive 1 beats one and ties two: (3 + 1 + 2 / 2) / 6.
        assert!(near(ranking(&cases).auc(), 5.0 / 6.0));
        // Half of the recall at precision 1, half at the end of the tie: 2/4.
        assert!(near(ranking(&cases).average_precision(), 0.5 + 0.25));
        let mut turned = cases;
        turned.reverse();
        assert_eq!(ranking(&turned), ranking(&cases));
        assert!(near(ranking(&[(7.0, true), (7.0, false), (7.0, false)]).auc(), 0.5));
        assert!(near(ranking(&[(7.0, true), (7.0, false), (7.0, false), (7.0, false)]).average_precision(), 0.25));
    }

    #[test]
    fn without_both_kinds_of_cases_there_is_nothing_to_tell() {
        assert_eq!(ranking(&[(1.0, true)]).auc(), None);
        assert_eq!(ranking(&[(1.0, false)]).average_precision(), None);
        assert_eq!(ranking(&[]).hits_among(3), None);
        assert!(ranking(&[(1.0, false)]).roc().is_empty());
    }

    #[test]
    fn part_of_a_tie_is_warned_of_as_is_to_be_expected() {
        let cases = [(2.0, true), (1.0, true), (1.0, false), (1.0, false), (0.0, true)];
        let hits = ranking(&cases).hits_among(2).expect("hits");
        assert!(near(Some(hits.precision), (1.0 + 1.0 / 3.0) / 2.0));
        assert!(near(Some(hits.recall), (1.0 + 1.0 / 3.0) / 3.0));
        assert_eq!(ranking(&cases).hits_among(0), None);
        assert_eq!(ranking(&cases).hits_among(9).map(|hits| hits.recall), Some(1.0));
    }

    #[test]
    fn a_threshold_warns_of_as_near_to_as_many_as_ties_allow() {
        let ranking = ranking(&[(3.0, true), (2.0, true), (2.0, false), (2.0, false), (1.0, false)]);
        let thresholds: Vec<Option<f64>> = (0..=5).map(|count| ranking.threshold_for(count)).collect();
        assert_eq!(thresholds, [None, Some(3.0), Some(3.0), Some(2.0), Some(2.0), Some(1.0)]);
    }

    #[test]
    fn curves_run_from_corner_to_corner_through_the_ends_of_ties() {
        let ranking = ranking(&[(2.0, true), (1.0, true), (1.0, false), (0.0, false)]);
        assert_eq!(ranking.roc(), [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(ranking.precision_recall(), [(0.5, 1.0), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
    }

    #[test]
    fn quartiles_lie_between_the_nearest() {
        assert_eq!(quartiles(&[]), None);
        assert_eq!(quartiles(&[5]), Some([5.0, 5.0, 5.0]));
        assert_eq!(quartiles(&[4, 1, 3, 2]), Some([1.75, 2.5, 3.25]));
        assert_eq!(quartiles(&[10, 20, 30, 40, 50]), Some([20.0, 30.0, 40.0]));
    }
}
