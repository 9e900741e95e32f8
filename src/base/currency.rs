//! Owns currencies and their rates to the base currency.

use borsh::BorshSerialize;

use super::decimal::{DecimalError, parse_scaled};
use super::stored::restored;

/// A currency: three letters A to Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Currency([u8; 3]);

restored!(Currency, [u8; 3], "currency", Currency::from_letters);

impl Currency {
    /// Reads three letters A to Z.
    #[must_use]
    #[inline]
    pub fn parse(text: &str) -> Option<Currency> {
        Currency::from_letters(text.as_bytes().try_into().ok()?)
    }

    #[inline]
    fn from_letters(letters: [u8; 3]) -> Option<Currency> {
        letters.iter().all(u8::is_ascii_uppercase).then_some(Currency(letters))
    }

    /// Its three letters.
    ///
    /// # Panics
    /// Never: a currency is made of ASCII letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is ASCII letters")
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decimals that a rate carries.
pub const RATE_PLACES: u32 = 12;

/// Base units for one unit of a currency, in 10^-12: over 0 and under 10^9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub struct Rate(i128);

restored!(Rate, i128, "rate", Rate::from_scaled);

impl Rate {
    /// The base currency's own rate.
    pub const ONE: Rate = Rate(10_i128.pow(RATE_PLACES));
    const MAX: i128 = 10_i128.pow(9 + RATE_PLACES);

    /// Reads a rate.
    ///
    /// # Errors
    /// When it is no decimal, not over 0, not under 10^9, or has over 12 decimals.
    pub fn parse(text: &str) -> Result<Rate, DecimalError> {
        Rate::from_scaled(parse_scaled(text, RATE_PLACES)?).ok_or(DecimalError::Range)
    }

    fn from_scaled(scaled: i128) -> Option<Rate> {
        (scaled > 0 && scaled < Rate::MAX).then_some(Rate(scaled))
    }

    /// The rate in 10^-12.
    #[must_use]
    #[inline]
    pub const fn scaled(self) -> i128 {
        self.0
    }
}

/// A share of a hundred in 10^-4: 0 to 100, at most 4 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Percent(u32);

restored!(Percent, u32, "percentage", |scaled| Percent::from_scaled(scaled.into()));

impl Percent {
    /// Decimals that a percentage carries.
    pub const PLACES: u32 = 4;

    /// Reads a percentage.
    ///
    /// # Errors
    /// When it is no decimal, outside 0 to 100, or has over 4 decimals.
    pub fn parse(text: &str) -> Result<Percent, DecimalError> {
        Percent::from_scaled(parse_scaled(text, Percent::PLACES)?).ok_or(DecimalError::Range)
    }

    fn from_scaled(scaled: i128) -> Option<Percent> {
        (0..=1_000_000).contains(&scaled).then_some(Percent(scaled as u32))
    }

    /// The percentage in 10^-4: 900,000 is 90 %.
    #[must_use]
    #[inline]
    pub const fn scaled(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_percentages_hold_at_their_limits() {
        assert!(Rate::parse("999999999.999999999999").is_ok());
        assert_eq!(Rate::parse("1000000000"), Err(DecimalError::Range));
        assert_eq!(Rate::parse("0"), Err(DecimalError::Range));
        assert_eq!(Rate::parse("0.0000000000001"), Err(DecimalError::Digits));
        assert_eq!(Percent::parse("100").map(Percent::scaled), Ok(1_000_000));
        assert_eq!(Percent::parse("100.0001"), Err(DecimalError::Range));
        assert_eq!(Percent::parse("0.00001"), Err(DecimalError::Digits));
    }

    #[test]
    fn a_currency_is_three_capitals() {
        assert_eq!(Currency::parse("EUR").map(|c| c.to_string()).as_deref(), Some("EUR"));
        for wrong in ["", "EU", "EURO", "eur", "E1R", "É$"] {
            assert_eq!(Currency::parse(wrong), None, "{wrong}");
        }
    }
}
