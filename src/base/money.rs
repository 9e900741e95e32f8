//! Owns amounts of money in one currency: single amounts, and exact sums of them.

use borsh::BorshSerialize;

use super::decimal::{DecimalError, parse_scaled, push_fixed};
use super::stored::restored;

/// Decimals that money carries: an amount is a whole number of 1/10,000 units.
pub const MONEY_PLACES: u32 = 4;
/// 1/10,000 units in one unit.
pub const UNIT: i64 = 10_000;
/// The largest amount of one document: 10^14 units.
pub const MONEY_MAX: Money = Money(100_000_000_000_000 * UNIT);
/// The largest figure of published accounts, either way: 10^18 units.
const SIGNED_MAX: i128 = 1_000_000_000_000_000_000 * UNIT as i128;

/// An amount of one document in 1/10,000 units of its currency: 0 to 10^14 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize)]
pub struct Money(i64);

restored!(Money, i64, "amount", Money::from_units);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// Reads an amount over 0.
    ///
    /// # Errors
    /// When it is no decimal, not over 0, over 10^14, or no multiple of 0.0001.
    #[inline]
    pub fn parse(text: &str) -> Result<Money, DecimalError> {
        match Money::parse_or_zero(text)? {
            Money(0) => Err(DecimalError::Range),
            money => Ok(money),
        }
    }

    /// Reads an amount of 0 or more.
    ///
    /// # Errors
    /// When it is no decimal, under 0, over 10^14, or no multiple of 0.0001.
    #[inline]
    pub fn parse_or_zero(text: &str) -> Result<Money, DecimalError> {
        let units = parse_scaled(text, MONEY_PLACES)?;
        if (0..=i128::from(MONEY_MAX.0)).contains(&units) { Ok(Money(units as i64)) } else { Err(DecimalError::Range) }
    }

    /// An amount of `units` 1/10,000 units, if it lies within 0 and 10^14 units.
    #[must_use]
    pub const fn from_units(units: i64) -> Option<Money> {
        if units >= 0 && units <= MONEY_MAX.0 { Some(Money(units)) } else { None }
    }

    /// The amount in 1/10,000 units.
    #[must_use]
    #[inline]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The amount as a sum.
    #[must_use]
    #[inline]
    pub const fn sum(self) -> Sum {
        Sum(self.0 as i128)
    }
}

/// A signed figure of published accounts in 1/10,000 units: up to 10^18 units either way.
///
/// Kept in 10 bytes: a filing has a dozen of them, and every event has room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, BorshSerialize)]
pub struct SignedMoney([u8; 10]);

restored!(SignedMoney, [u8; 10], "figure of accounts", |bytes| SignedMoney::from_units(SignedMoney(bytes).units()));

impl SignedMoney {
    /// Reads a figure.
    ///
    /// # Errors
    /// When it is no decimal, over 10^18 either way, or no multiple of 0.0001.
    pub fn parse(text: &str) -> Result<SignedMoney, DecimalError> {
        let units = parse_scaled(text, MONEY_PLACES)?;
        SignedMoney::from_units(units).ok_or(DecimalError::Range)
    }

    /// A figure of `units` 1/10,000 units, if it lies within 10^18 units either way.
    #[must_use]
    pub fn from_units(units: i128) -> Option<SignedMoney> {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&units.to_le_bytes()[..10]);
        (units.abs() <= SIGNED_MAX).then_some(SignedMoney(bytes))
    }

    /// The figure in 1/10,000 units.
    #[must_use]
    pub fn units(self) -> i128 {
        const TOP: u32 = 128 - 80;
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(&self.0);
        // Shifted up and down again, the top bit of the 80 becomes the sign.
        (i128::from_le_bytes(bytes) << TOP) >> TOP
    }
}

/// An exact signed sum of amounts of one currency, in 1/10,000 units.
///
/// Room for 10^20 of the largest amounts, so adding cannot overflow before memory is gone.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    BorshSerialize,
    derive_more::Add,
    derive_more::Sub,
    derive_more::AddAssign,
    derive_more::SubAssign,
)]
pub struct Sum(i128);

restored!(Sum, i128, "sum of amounts", Sum::stored);

impl Sum {
    /// Nothing.
    pub const ZERO: Sum = Sum(0);
    /// No stored sum is further from 0: so that a few of them, whatever they are, can be added.
    const STORED_MAX: u128 = 1 << 120;

    fn stored(units: i128) -> Option<Sum> {
        (units.unsigned_abs() <= Sum::STORED_MAX).then_some(Sum(units))
    }

    /// A sum of `units` 1/10,000 units.
    #[must_use]
    #[inline]
    pub const fn from_units(units: i128) -> Sum {
        Sum(units)
    }

    /// The sum in 1/10,000 units.
    #[must_use]
    #[inline]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Whether the sum is exactly 0.
    #[must_use]
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or 0 where it is negative.
    #[must_use]
    #[inline]
    pub fn or_zero(self) -> Sum {
        Sum(self.0.max(0))
    }
}

/// A [`Sum`] as it is kept in documents: 16 bytes without the alignment of a 128-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize)]
pub struct StoredSum([u8; 16]);

restored!(StoredSum, Sum, "sum of amounts", |sum| Some(sum.into()));

impl From<Sum> for StoredSum {
    fn from(sum: Sum) -> StoredSum {
        StoredSum(sum.0.to_le_bytes())
    }
}

impl From<StoredSum> for Sum {
    fn from(stored: StoredSum) -> Sum {
        Sum(i128::from_le_bytes(stored.0))
    }
}

impl std::iter::Sum for Sum {
    fn sum<I: Iterator<Item = Sum>>(iter: I) -> Sum {
        iter.fold(Sum::ZERO, |total, part| total + part)
    }
}

/// Writes 1/10,000 units for a person: grouped by thousands, two decimals, or four where two would round
/// ("8,400.00", "0.0001").
#[must_use]
pub fn grouped(units: i128) -> String {
    let exact_cents = units % 100 == 0;
    let mut plain = String::new();
    if exact_cents {
        push_fixed(&mut plain, units / 100, 2)
    } else {
        push_fixed(&mut plain, units, 4)
    }
    let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out.push('.');
    out.push_str(decimals);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_limits_and_holds_at_them() {
        assert_eq!(Money::parse("100000000000000"), Ok(MONEY_MAX));
        assert_eq!(Money::parse("100000000000000.0001"), Err(DecimalError::Range));
        assert_eq!(Money::parse("0.0001"), Ok(Money(1)));
        assert_eq!(Money::parse("0"), Err(DecimalError::Range));
        assert_eq!(Money::parse_or_zero("0.0"), Ok(Money::ZERO));
        assert_eq!(Money::parse("-1"), Err(DecimalError::Range));
        assert_eq!(SignedMoney::parse("-1e18").map(SignedMoney::units), Ok(-SIGNED_MAX));
        assert_eq!(SignedMoney::parse("-0.0001").map(SignedMoney::units), Ok(-1));
        assert_eq!(SignedMoney::parse("1000000000000000000.0001"), Err(DecimalError::Range));
    }

    #[test]
    fn groups_thousands() {
        assert_eq!(grouped(84_000_000), "8,400.00");
        assert_eq!(grouped(-12_345_678_900), "-1,234,567.89");
        assert_eq!(grouped(1), "0.0001");
        assert_eq!(grouped(9_990_000), "999.00");
    }
}
