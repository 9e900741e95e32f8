//! Owns the tables that turn a measure into points, and the sharing of a total over its parts.

use borsh::BorshSerialize;

use crate::base::stored::restored;
use crate::event::Points;

/// Knots of a measure and the points it is worth there: in between linear, outside flat, never falling.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize)]
pub struct Table(Vec<(i32, Points)>);

restored!(Table, Vec<(i32, Points)>, "table of points", |knots| {
    Table::new(knots.clone(), Bad::High).or_else(|_| Table::new(knots, Bad::Low)).ok()
});

/// Why knots make no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is nothing to read.
    #[error("it has no knots")]
    Empty,
    /// It has too many.
    #[error("it has over {KNOTS_MAX} knots")]
    Long,
    /// A measure stands twice, or behind a greater one.
    #[error("its measures do not rise from knot to knot")]
    Measures,
    /// Points fall where they should rise, or rise where they should fall.
    #[error("its points do not go one way from knot to knot")]
    Points,
    /// A knot is worth more than the whole score.
    #[error("a knot is worth over 100 points")]
    Large,
}

/// Knots of a table at most.
pub const KNOTS_MAX: usize = 16;

/// Which measures are bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// High ones.
    High,
    /// Low ones.
    Low,
}

impl Table {
    /// A table of knots.
    ///
    /// # Errors
    /// When measures do not rise, or points go the wrong way: a worse measure must never be worth less.
    pub fn new(knots: Vec<(i32, Points)>, bad: Bad) -> Result<Table, TableError> {
        if knots.is_empty() {
            return Err(TableError::Empty);
        }
        if knots.len() > KNOTS_MAX {
            return Err(TableError::Long);
        }
        for pair in knots.windows(2) {
            if pair[0].0 >= pair[1].0 {
                return Err(TableError::Measures);
            }
            let goes_right = match bad {
                Bad::High => pair[0].1 <= pair[1].1,
                Bad::Low => pair[0].1 >= pair[1].1,
            };
            if !goes_right {
                return Err(TableError::Points);
            }
        }
        if knots.iter().any(|(_, points)| *points > Points::MAX) {
            return Err(TableError::Large);
        }
        Ok(Table(knots))
    }

    /// A table of whole points that is known to be one.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn of(bad: Bad, knots: &[(i32, u16)]) -> Table {
        let quarters: Vec<(i32, u16)> =
            knots.iter().map(|(measure, points)| (*measure, points * Points::PARTS)).collect();
        Table::of_quarters(bad, &quarters)
    }

    /// A table of quarters of a point that is known to be one.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn of_quarters(bad: Bad, knots: &[(i32, u16)]) -> Table {
        let knots = knots.iter().map(|(measure, quarters)| (*measure, Points::from_quarters(*quarters))).collect();
        Table::new(knots, bad).expect("a documented default is a table")
    }

    /// Its knots.
    #[must_use]
    pub fn knots(&self) -> &[(i32, Points)] {
        &self.0
    }

    /// What a measure is worth, in hundredths of a quarter point.
    #[must_use]
    #[inline]
    pub fn fine(&self, measure: i32) -> u32 {
        let fine = |points: Points| u32::from(points.quarters()) * FINE;
        let after = self.0.partition_point(|(knot, _)| *knot < measure);
        let (Some(before), Some(next)) = (after.checked_sub(1).map(|at| self.0[at]), self.0.get(after)) else {
            return fine(self.0[after.min(self.0.len() - 1)].1);
        };
        let (from, to) = (i64::from(fine(before.1)), i64::from(fine(next.1)));
        let (gone, width) = (i64::from(measure) - i64::from(before.0), i64::from(next.0) - i64::from(before.0));
        // Rounded down on the way: so a worse measure is never worth less, and the knots are met exactly.
        (from + ((to - from) * gone).div_euclid(width)) as u32
    }

    /// What a measure is worth, in whole quarters of a point.
    #[must_use]
    #[inline]
    pub fn quarters(&self, measure: i32) -> u16 {
        (self.fine(measure) / FINE) as u16
    }
}

/// Parts of a quarter point in which a table reckons.
pub const FINE: u32 = 100;

/// Shares `total` out over parts in proportion to what they weigh, each rounded down, and what is left over by the largest
/// remainder, the first of equals first. The shares add up to `total`; a part that weighs nothing gets nothing.
pub fn share_out(total: u16, weights: &[u32], shares: &mut [u16]) {
    let whole: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if whole == 0 {
        shares.fill(0);
        return;
    }
    let mut left = total;
    for (share, weight) in shares.iter_mut().zip(weights) {
        *share = (u64::from(total) * u64::from(*weight) / whole) as u16;
        left -= *share;
    }
    let remainder = |place: usize| u64::from(total) * u64::from(weights[place]) % whole;
    while left > 0 {
        let exact = |place: &usize| {
            remainder(*place) > 0 && u64::from(shares[*place]) * whole < u64::from(total) * u64::from(weights[*place])
        };
        let place = (0..weights.len()).filter(exact).max_by_key(|place| (remainder(*place), std::cmp::Reverse(*place)));
        let Some(place) = place else { break };
        shares[place] += 1;
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_linear_between_its_knots_and_flat_outside() {
        let table = Table::of(Bad::High, &[(0, 0), (10, 5), (20, 25)]);
        assert_eq!([-5, 0, 2, 10, 15, 20, 99].map(|at| table.quarters(at)), [0, 0, 4, 20, 60, 100, 100]);
        let falling = Table::of(Bad::Low, &[(-10, 8), (10, 0)]);
        assert_eq!([-11, -10, 0, 9, 10, 50].map(|at| falling.quarters(at)), [32, 32, 16, 1, 0, 0]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let points =
            |quarters: &[(i32, u16)]| quarters.iter().map(|(at, q)| (*at, Points::from_quarters(*q))).collect();
        assert_eq!(Table::new(Vec::new(), Bad::High), Err(TableError::Empty));
        assert_eq!(Table::new(points(&[(0, 0), (0, 4)]), Bad::High), Err(TableError::Measures));
        assert_eq!(Table::new(points(&[(0, 4), (1, 0)]), Bad::High), Err(TableError::Points));
        assert_eq!(Table::new(points(&[(0, 0), (1, 4)]), Bad::Low), Err(TableError::Points));
        assert_eq!(Table::new(points(&[(0, 401)]), Bad::High), Err(TableError::Large));
        let long: Vec<(i32, Points)> = (0..=KNOTS_MAX as i32).map(|at| (at, Points::ZERO)).collect();
        assert_eq!(Table::new(long[..KNOTS_MAX].to_vec(), Bad::High).map(|table| table.knots().len()), Ok(KNOTS_MAX));
        assert_eq!(Table::new(long, Bad::High), Err(TableError::Long));
    }

    #[test]
    fn shares_add_up() {
        let share = |total, weights: &[u32]| {
            let mut shares = vec![0; weights.len()];
            share_out(total, weights, &mut shares);
            shares
        };
        assert_eq!(share(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(share(7, &[0, 5, 2, 0]), [0, 5, 2, 0]);
        assert_eq!(share(400, &[1, 999]), [0, 400]);
        assert_eq!(share(5, &[0, 0]), [0, 0]);
        for total in 0..=400 {
            let shares = share(total, &[3, 0, 97, 14, 1, 250]);
            assert_eq!(shares.iter().sum::<u16>(), total);
            assert_eq!(shares[1], 0);
        }
    }
}
