//! Owns how the past fades: halving over a number of days, in integers, so that it is the same on every machine.

/// One, as a share in 2^-32.
const ONE: u64 = 1 << 32;
/// Days that the table holds; what is older is reckoned.
const TABLE_DAYS: usize = 512;

/// The share of a sum that is left after some days, when half of it is left after a half-life.
#[derive(Debug, Clone)]
pub struct Fading {
    left: Box<[u64; TABLE_DAYS]>,
    /// What is left after as many days as the table holds.
    table: u64,
}

impl Fading {
    /// Fading with a half-life.
    ///
    /// # Panics
    /// When the half-life is 0.
    #[must_use]
    pub fn new(half_life_days: u16) -> Fading {
        assert!(half_life_days > 0, "a half-life is at least a day");
        // The largest share a day that leaves at most half after a half-life.
        let (mut low, mut high) = (0, ONE);
        while high - low > 1 {
            let middle = low.midpoint(high);
            let is_low = power(middle, u32::from(half_life_days)) <= ONE / 2;
            (low, high) = if is_low { (middle, high) } else { (low, middle) };
        }
        let daily = low;
        let mut left = Box::new([ONE; TABLE_DAYS]);
        for day in 1..TABLE_DAYS {
            left[day] = power(daily, day as u32);
        }
        Fading { left, table: power(daily, TABLE_DAYS as u32) }
    }

    /// The share that is left after some days, in 2^-32.
    #[must_use]
    #[inline]
    pub fn left(&self, days: u32) -> u64 {
        match self.left.get(days as usize) {
            Some(left) => *left,
            None => times(self.left[days as usize % TABLE_DAYS], power(self.table, days / TABLE_DAYS as u32)),
        }
    }

    /// A sum after some days, rounded towards nothing.
    #[must_use]
    #[inline]
    pub fn fade(&self, sum: i64, days: u32) -> i64 {
        if days == 0 {
            return sum;
        }
        let left = ((u128::from(sum.unsigned_abs()) * u128::from(self.left(days))) >> 32) as i64;
        if sum < 0 { -left } else { left }
    }
}

fn times(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

fn power(mut base: u64, mut exponent: u32) -> u64 {
    let mut power = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = times(power, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_a_half_life_and_ever_less_with_time() {
        for half_life in [1, 7, 30, 90, 365, 3650] {
            let fading = Fading::new(half_life);
            let left = fading.fade(1_000_000_000, u32::from(half_life));
            assert!((499_990_000..=500_000_000).contains(&left), "{half_life}: {left}");
            let mut before = fading.left(0);
            for days in 1..3000 {
                assert!(fading.left(days) <= before, "{half_life} after {days}");
                before = fading.left(days);
            }
            assert_eq!(
                fading.fade(-1_000_000, u32::from(half_life) * 2),
                -fading.fade(1_000_000, u32::from(half_life) * 2)
            );
        }
        assert_eq!(Fading::new(30).fade(i64::MAX, u32::MAX), 0);
    }
}
