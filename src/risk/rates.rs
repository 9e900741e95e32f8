//! Owns the rates of currencies to the base currency, as a shard knows them.

use borsh::{BorshDeserialize, BorshSerialize};

use super::fact::Fact;
use crate::base::{BaseAmount, Currency, Rate, Sum};
use crate::event::Event;

/// The latest rate of each currency.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Rates {
    base: Currency,
    /// In order of currency; few, so that a look is a short scan.
    known: Vec<(Currency, Fact<Rate>)>,
}

impl Rates {
    /// No rate but the base currency's own.
    #[must_use]
    pub fn new(base: Currency) -> Rates {
        Rates { base, known: Vec::new() }
    }

    /// The base currency.
    #[must_use]
    pub fn base(&self) -> Currency {
        self.base
    }

    /// States a rate; the latest holds.
    pub fn set(&mut self, event: &Event<'_>, currency: Currency, rate: Rate) {
        match self.known.binary_search_by_key(&currency, |(known, _)| *known) {
            Ok(at) => self.known[at].1.update(event, rate),
            Err(at) => self.known.insert(at, (currency, Fact::new(event, rate))),
        }
    }

    /// The rate of a currency, if there is one.
    #[must_use]
    #[inline]
    pub fn get(&self, currency: Currency) -> Option<Rate> {
        if currency == self.base {
            return Some(Rate::ONE);
        }
        let at = self.known.binary_search_by_key(&currency, |(known, _)| *known).ok()?;
        Some(*self.known[at].1.value())
    }
}

/// A total in the base currency, and whether something not zero had to be left out of it.
#[derive(Debug, Clone, Copy)]
pub struct Conversion {
    /// What could be converted, exact.
    pub total: BaseAmount,
    /// Whether a currency without a rate had an amount other than zero.
    pub missing: bool,
}

impl Conversion {
    /// Nothing converted yet.
    pub const NOTHING: Conversion = Conversion { total: BaseAmount::ZERO, missing: false };

    /// Adds `sum` of a currency that has this rate, or none.
    #[inline]
    pub fn add(&mut self, sum: Sum, rate: Option<Rate>) {
        match rate {
            _ if sum.is_zero() => {}
            Some(rate) => self.total += BaseAmount::convert(sum, rate),
            None => self.missing = true,
        }
    }
}
