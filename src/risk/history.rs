//! Owns a buyer's month ends: exposure, overdue and score of the last 24 months, packed, since every buyer has them.

use borsh::BorshSerialize;

use crate::base::stored::restored;
use crate::base::{Cents, Day};
use crate::event::{MonthEnd, Points};

/// No month end is earlier: an instant of 1970 may lie in 1969 by its offset.
const FIRST_DAY: Day = Day::from_number(-365);

/// Months that are kept.
pub const MONTHS_MAX: usize = 24;

/// Month ends, the oldest first. A month without exposure and without overdue is not kept.
///
/// Each is four variable-length integers: the day, exposure and overdue in cents, the score; some 13 bytes instead of 48.
#[derive(Debug, Default, BorshSerialize)]
pub struct MonthEnds {
    packed: Vec<u8>,
}

restored!(MonthEnds, Vec<u8>, "month ends", MonthEnds::restored);

impl MonthEnds {
    /// No amount in cents that is kept takes more bits, so that a few of them can be added.
    const AMOUNT_BITS: u32 = 120;

    fn restored(packed: Vec<u8>) -> Option<MonthEnds> {
        let mut rest = packed.as_slice();
        let mut months = 0;
        while !rest.is_empty() {
            const DAYS_END: u128 = 1 << 24;
            let end = [checked(&mut rest)?, checked(&mut rest)?, checked(&mut rest)?, checked(&mut rest)?];
            let [day, exposure, overdue, score] = end;
            let is_amount = |cents: u128| cents >> MonthEnds::AMOUNT_BITS == 0;
            if day >= DAYS_END
                || !is_amount(exposure)
                || !is_amount(overdue)
                || score > u128::from(Points::MAX.quarters())
            {
                return None;
            }
            months += 1;
        }
        (months <= MONTHS_MAX).then_some(MonthEnds { packed })
    }

    /// Keeps a month end, later than those before, and forgets what is older than [`MONTHS_MAX`] months.
    pub fn keep(&mut self, end: MonthEnd) {
        const DAYS_KEPT: i32 = MONTHS_MAX as i32 * 31;
        let kept: Vec<MonthEnd> =
            self.iter().filter(|old| end.day.since(old.day) < DAYS_KEPT).chain(std::iter::once(end)).collect();
        self.packed.clear();
        for end in &kept[kept.len().saturating_sub(MONTHS_MAX)..] {
            put(&mut self.packed, u128::from(end.day.since(FIRST_DAY).unsigned_abs()));
            put(&mut self.packed, end.exposure.0.unsigned_abs());
            put(&mut self.packed, end.overdue.0.unsigned_abs());
            put(&mut self.packed, u128::from(end.score.quarters()));
        }
        self.packed.shrink_to_fit();
    }

    /// The month ends, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = MonthEnd> {
        let mut rest = self.packed.as_slice();
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| MonthEnd {
                day: FIRST_DAY.plus(take(&mut rest) as i32),
                exposure: Cents(take(&mut rest) as i128),
                overdue: Cents(take(&mut rest) as i128),
                score: Points::from_quarters(take(&mut rest) as u16),
            })
        })
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn put(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// As [`take`], of bytes that may be anything; `None` where no number ends within 128 bits.
fn checked(bytes: &mut &[u8]) -> Option<u128> {
    const BYTES_MAX: usize = 18;
    bytes.iter().take(BYTES_MAX).any(|byte| byte & 0x80 == 0).then(|| take(bytes))
}

fn take(bytes: &mut &[u8]) -> u128 {
    let (mut value, mut shift) = (0_u128, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        value |= u128::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_24_months_of_any_size() {
        let mut ends = MonthEnds::default();
        let mut day = Day::parse("2024-01-31").expect("a day");
        let mut all = Vec::new();
        for month in 0..30_u32 {
            let (exposure, overdue) = (Cents(10_i128.pow(month)), Cents(i128::from(month)));
            let end = MonthEnd { day, exposure, overdue, score: Points::from_quarters(month as u16 * 13) };
            ends.keep(end);
            all.push(end);
            day = day.plus(1).next_month().plus(-1);
        }
        assert_eq!(ends.iter().collect::<Vec<_>>(), all[30 - MONTHS_MAX..]);
    }

    #[test]
    fn what_is_no_month_end_is_refused() {
        let mut ends = MonthEnds::default();
        ends.keep(MonthEnd { day: FIRST_DAY, exposure: Cents(1 << 119), overdue: Cents(300), score: Points::MAX });
        let packed = ends.packed.clone();
        assert_eq!(MonthEnds::restored(packed.clone()).map(|restored| restored.packed), Some(packed.clone()));
        for end in 1..packed.len() {
            assert!(MonthEnds::restored(packed[..end].to_vec()).is_none(), "cut after {end}");
        }
        assert!(MonthEnds::restored(vec![0xff; 40]).is_none());
        assert!(MonthEnds::restored(packed.repeat(MONTHS_MAX)).is_some());
        assert!(MonthEnds::restored(packed.repeat(MONTHS_MAX + 1)).is_none());
    }

    #[test]
    fn forgets_what_lies_long_before_a_gap() {
        let mut ends = MonthEnds::default();
        let old = MonthEnd { day: Day::from_number(365), exposure: Cents(5), overdue: Cents(0), score: Points::ZERO };
        ends.keep(old);
        let new = MonthEnd { day: Day::from_number(3000), ..old };
        ends.keep(new);
        assert_eq!(ends.iter().collect::<Vec<_>>(), [new]);
    }
}
