//! Owns a buyer's month ends: exposure, overdue and score of the last 24 months, packed, since every buyer has them.

use borsh::BorshSerialize;

use crate::base::stored::restored;
use crate::base::{Cents, Day};
use crate::event::{MonthEnd, Points};
use crate::risk::shard::ahead::touch;

/// No month end is earlier: an instant of 1970 may lie in 1969 by its offset.
const FIRST_DAY: Day = Day::from_number(-365);

/// The longest number of up to 126 bits.
const BYTES_MAX: usize = 18;
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

    /// Fetches them.
    pub fn touch(&self) {
        if let Some(last) = self.packed.last() {
            touch(*last);
        }
    }

    /// Keeps a month end, later than those before, and forgets what is older than [`MONTHS_MAX`] months.
    pub fn keep(&mut self, end: MonthEnd) {
        self.forget(end.day);
        let mut bytes = [0; 4 * BYTES_MAX];
        let mut room = &mut bytes[..];
        put(&mut room, u128::from(end.day.since(FIRST_DAY).unsigned_abs()));
        put(&mut room, end.exposure.0.unsigned_abs());
        put(&mut room, end.overdue.0.unsigned_abs());
        put(&mut room, u128::from(end.score.quarters()));
        let left = room.len();
        let len = bytes.len() - left;
        self.packed.reserve_exact(len);
        self.packed.extend_from_slice(&bytes[..len]);
    }

    /// Forgets what is too old once there is a month end on `day`, and what there is no more room for.
    fn forget(&mut self, day: Day) {
        const DAYS_KEPT: i32 = MONTHS_MAX as i32 * 31;
        let mut months = self.packed.iter().filter(|byte| **byte & 0x80 == 0).count() / 4;
        let mut rest = self.packed.as_slice();
        let mut kept = rest;
        while !rest.is_empty() {
            let old = FIRST_DAY.plus(take(&mut rest) as i32);
            if day.since(old) < DAYS_KEPT && months < MONTHS_MAX {
                break;
            }
            for _ in ["exposure", "overdue", "score"] {
                take(&mut rest);
            }
            kept = rest;
            months -= 1;
        }
        let forgotten = self.packed.len() - kept.len();
        self.packed.drain(..forgotten);
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
///
/// # Panics
/// When there is less room than [`BYTES_MAX`] and the number needs it.
fn put(room: &mut &mut [u8], mut value: u128) {
    loop {
        let (byte, rest) = std::mem::take(room).split_first_mut().expect("room for the longest number");
        *room = rest;
        *byte = value as u8 & 0x7f | u8::from(value >= 0x80) << 7;
        value >>= 7;
        if value == 0 {
            return;
        }
    }
}

/// As [`take`], of bytes that may be anything; `None` where no number ends within 128 bits.
fn checked(bytes: &mut &[u8]) -> Option<u128> {
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
