//! Owns the numbers that buyers go by within a backtest.

use hashbrown::HashMap;

/// Buyers, numbered in the order in which they were first named.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<String, u32>,
}

impl Names {
    /// The number of a buyer, a new one where it has none.
    pub fn number(&mut self, buyer_id: &str) -> u32 {
        if let Some(number) = self.numbers.get(buyer_id) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).expect("a history has under 4 billion buyers");
        self.numbers.insert(buyer_id.to_owned(), number);
        number
    }

    /// The number of a buyer, if it has one.
    #[must_use]
    pub fn find(&self, buyer_id: &str) -> Option<u32> {
        self.numbers.get(buyer_id).copied()
    }
}
