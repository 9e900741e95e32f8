//! Owns amounts in the base currency: exact products of sums and rates, rounded only where they are reported.
//!
//! A sum has 4 decimals and a rate 12, so a converted amount has 16. The largest (10^14 units at a rate of 10^9) needs 39
//! digits, more than 128 bits or a 28-digit decimal hold: hence 256-bit integers.

use ethnum::I256;

use super::currency::{Percent, Rate};
use super::decimal::divide_half_even;
use super::money::Sum;

/// Two decimals in 16.
const CENT: i128 = 10_i128.pow(14);
/// The largest ratio, in 10^-4: the 38 digits that a decimal of 128 bits holds.
pub const RATIO_MAX: i128 = 10_i128.pow(38) - 1;
/// Four decimals in 16.
const UNIT: i128 = 10_i128.pow(12);

impl Default for BaseAmount {
    fn default() -> BaseAmount {
        BaseAmount::ZERO
    }
}

/// An exact amount in the base currency, in 10^-16 units.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, derive_more::Add, derive_more::Sub, derive_more::AddAssign,
)]
pub struct BaseAmount(I256);

impl BaseAmount {
    /// Nothing.
    pub const ZERO: BaseAmount = BaseAmount(I256::ZERO);

    /// `sum` converted at `rate`, exact.
    #[must_use]
    #[inline]
    pub fn convert(sum: Sum, rate: Rate) -> BaseAmount {
        BaseAmount(multiply(sum.units(), rate.scaled()))
    }

    /// The amount, or 0 where it is negative.
    #[must_use]
    #[inline]
    pub fn or_zero(self) -> BaseAmount {
        if self.0 < I256::ZERO { BaseAmount::ZERO } else { self }
    }

    /// Whether the amount is exactly 0.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == I256::ZERO
    }

    /// Whether the amount is over `percent` per cent of `other`.
    #[must_use]
    #[inline]
    pub fn is_over(self, percent: u32, other: BaseAmount) -> bool {
        self.0 * I256::from(100_u8) > other.0 * I256::from(percent)
    }

    /// Whether the amount is under so many per cent of so many per cent ... of `other`.
    #[must_use]
    pub fn is_under(self, percents: &[u32], other: BaseAmount) -> bool {
        let scale = |amount: I256, factor: u32| amount * I256::from(factor);
        percents.iter().fold(self.0, |amount, _| scale(amount, 100)) < percents.iter().copied().fold(other.0, scale)
    }

    /// Rounded half-even to 2 decimals.
    #[must_use]
    pub fn cents(self) -> Cents {
        Cents(round(self.0, CENT))
    }

    /// Rounded half-even to 4 decimals.
    #[must_use]
    #[inline]
    pub fn rounded(self) -> BaseUnits {
        BaseUnits(round(self.0, UNIT))
    }

    /// This amount in the currency that has this rate, in 10^-4 units, rounded up.
    #[must_use]
    pub fn in_currency_up(self, rate: Rate) -> Sum {
        let least = self.in_currency_down(rate);
        let exact = BaseAmount::convert(least, rate) == self || least.units() == i128::MAX;
        Sum::from_units(least.units() + i128::from(!exact))
    }

    /// This amount in the currency that has this rate, in 10^-4 units, rounded down; what no sum holds stays at the largest.
    #[must_use]
    pub fn in_currency_down(self, rate: Rate) -> Sum {
        let units = self.0.div_euclid(I256::from(rate.scaled()));
        Sum::from_units(i128::try_from(units).unwrap_or(i128::MAX))
    }

    /// This amount over `other`, rounded half-even to 4 decimals, in 10^-4; `None` where `other` is 0. The largest exposure
    /// over the least limit has 44 digits: what is over [`RATIO_MAX`] stays there.
    #[must_use]
    pub fn ratio(self, other: BaseAmount) -> Option<i128> {
        self.times_over(10_000, other)
    }

    /// `factor` times this amount over `other`, rounded half-even; `None` where `other` is 0. What is over [`RATIO_MAX`]
    /// stays there. `other` must not be negative.
    #[must_use]
    pub fn times_over(self, factor: u32, other: BaseAmount) -> Option<i128> {
        let ratio = || quotient(self.0 * I256::from(factor), other.0);
        (other.0 != I256::ZERO).then(|| ratio().min(I256::from(RATIO_MAX)).as_i128())
    }

    /// Its bits folded into 64, for a hash.
    #[must_use]
    #[inline]
    pub fn folded(self) -> u64 {
        // Odd numbers of no meaning, so that what stands in one word is not undone by the same in another.
        const KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9];
        let (high, low) = self.0.into_words();
        let upper = [(low >> 64) as u64, high as u64, (high >> 64) as u64];
        upper.into_iter().zip(KEYS).fold(low as u64, |folded, (word, key)| folded ^ word.wrapping_mul(key))
    }

    /// So many times the amount.
    #[must_use]
    pub fn times(self, factor: i32) -> BaseAmount {
        BaseAmount(self.0 * I256::from(factor))
    }
}

/// A base amount of at most 4 decimals, in 10^-4: what cover is reckoned in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    derive_more::Add,
    derive_more::Sub,
    derive_more::AddAssign,
    derive_more::SubAssign,
)]
pub struct BaseUnits(i128);

impl BaseUnits {
    /// Nothing.
    pub const ZERO: BaseUnits = BaseUnits(0);

    /// `sum` converted at `rate` and rounded half-even to 4 decimals.
    #[must_use]
    #[inline]
    pub fn convert(sum: Sum, rate: Rate) -> BaseUnits {
        if rate == Rate::ONE {
            return BaseUnits(sum.units());
        }
        BaseAmount::convert(sum, rate).rounded()
    }

    /// An amount of `units` 10^-4 base units.
    #[must_use]
    pub const fn from_units(units: i128) -> BaseUnits {
        BaseUnits(units)
    }

    /// The amount in 10^-4 base units.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// This amount times `part / whole`, rounded half-even to 4 decimals. `whole` must be over 0.
    #[must_use]
    #[inline]
    pub fn share(self, part: i64, whole: i64) -> BaseUnits {
        if part == whole {
            return self;
        }
        BaseUnits(round(multiply(self.0, i128::from(part)), i128::from(whole)))
    }

    /// `percent` of this amount, exact.
    #[must_use]
    #[inline]
    pub fn percentage(self, percent: Percent) -> BaseAmount {
        // 10^-4 units times 10^-4 per cent is 10^-10; 10^6 more make 10^-16.
        BaseAmount(multiply(self.0, i128::from(percent.scaled()) * 1_000_000))
    }

    /// The amount as an exact one.
    #[must_use]
    #[inline]
    pub fn amount(self) -> BaseAmount {
        BaseAmount(multiply(self.0, UNIT))
    }

    /// The amount, or 0 where it is negative.
    #[must_use]
    #[inline]
    pub fn or_zero(self) -> BaseUnits {
        BaseUnits(self.0.max(0))
    }
}

/// A reported base amount, rounded to 2 decimals, in 10^-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cents(pub i128);

/// An exact product. Nearly always both fit a machine word, and one instruction makes it.
#[inline]
fn multiply(a: i128, b: i128) -> I256 {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => I256::from(i128::from(a) * i128::from(b)),
        _ => I256::from(a) * I256::from(b),
    }
}

#[inline]
fn round(value: I256, divisor: i128) -> i128 {
    match i128::try_from(value) {
        Ok(narrow) => divide_half_even(narrow, divisor),
        Err(_) => round_wide(value, I256::from(divisor)),
    }
}

/// Divides rounding half to even; an amount of a buyer in cents or units fits 128 bits.
fn round_wide(value: I256, divisor: I256) -> i128 {
    quotient(value, divisor).as_i128()
}

fn quotient(value: I256, divisor: I256) -> I256 {
    let quotient = value.div_euclid(divisor);
    let twice = value.rem_euclid(divisor) * I256::from(2_u8);
    let odd = quotient % I256::from(2_u8) != I256::ZERO;
    let up = twice > divisor || (twice == divisor && odd);
    quotient + if up { I256::ONE } else { I256::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::MONEY_MAX;

    #[test]
    fn the_largest_amount_at_the_largest_rate_is_exact() {
        let rate = Rate::parse("999999999.999999999999").expect("a rate");
        let amount = BaseAmount::convert(MONEY_MAX.sum(), rate);
        assert_eq!(amount.cents(), Cents(9_999_999_999_999_999_999_990_000));
        assert_eq!(amount.rounded().units(), 999_999_999_999_999_999_999_000_000);
        assert_eq!(amount.ratio(amount), Some(10_000));
        assert_eq!(amount.rounded().share(1, MONEY_MAX.units()).units(), 1_000_000_000);
    }

    #[test]
    fn a_ratio_holds_at_its_limit_and_stays_there_past_it() {
        let units =
            |units: i128, rate: &str| BaseAmount::convert(Sum::from_units(units), Rate::parse(rate).expect("a rate"));
        let least = units(1, "0.000000000001");
        assert_eq!(units(1, "1").ratio(least), Some(10_i128.pow(16)));
        assert_eq!(units(10_i128.pow(22) - 1, "1").ratio(least), Some(RATIO_MAX - 10_i128.pow(16) + 1));
        assert_eq!(units(10_i128.pow(22), "1").ratio(least), Some(RATIO_MAX));
        assert_eq!(units(10_i128.pow(18), "999999999.999999999999").ratio(least), Some(RATIO_MAX));
    }

    #[test]
    fn an_amount_in_a_currency_is_rounded_to_the_side_asked_for() {
        let rate = Rate::parse("3").expect("a rate");
        let ten = BaseAmount::convert(Sum::from_units(10), Rate::ONE);
        assert_eq!((ten.in_currency_down(rate).units(), ten.in_currency_up(rate).units()), (3, 4));
        let nine = BaseAmount::convert(Sum::from_units(9), Rate::ONE);
        assert_eq!((nine.in_currency_down(rate).units(), nine.in_currency_up(rate).units()), (3, 3));
        let least = Rate::parse("0.000000000001").expect("a rate");
        let most = BaseAmount::convert(Sum::from_units(10_i128.pow(28)), Rate::ONE);
        assert_eq!(most.in_currency_up(least).units(), i128::MAX);
    }

    #[test]
    fn rounds_half_even_where_reported() {
        let half = BaseAmount::convert(Sum::from_units(10_050), Rate::ONE);
        assert_eq!(half.cents(), Cents(100));
        let next = BaseAmount::convert(Sum::from_units(10_150), Rate::ONE);
        assert_eq!(next.cents(), Cents(102));
        assert_eq!(BaseUnits::from_units(5).share(1, 2), BaseUnits::from_units(2));
        assert_eq!(BaseUnits::from_units(7).share(1, 2), BaseUnits::from_units(4));
    }

    #[test]
    fn compares_percentages_without_division() {
        let limit = BaseAmount::convert(Sum::from_units(1_000_000), Rate::ONE);
        let exposure = BaseAmount::convert(Sum::from_units(1_100_000), Rate::ONE);
        assert!(exposure.is_over(109, limit));
        assert!(!exposure.is_over(110, limit));
    }
}
