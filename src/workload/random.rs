//! Owns chance: draws from seeded streams, in integers alone, so that every machine draws the same.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Words of a stream that belong to one page; no buyer draws more in a day.
const PAGE_WORDS: u128 = 1 << 20;

/// The root of all chance: a seed, from which streams of draws are taken in any order.
#[derive(Debug, Clone)]
pub struct Chance {
    root: ChaCha8Rng,
}

impl Chance {
    /// The chance of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Chance { root: ChaCha8Rng::from_seed(key) }
    }

    /// The draws of a page of a stream: the same ones whenever they are taken.
    ///
    /// Each buyer has a stream of its own and each day is a page of it, so no buyer's life depends on another's and no
    /// generator needs to be kept between days.
    #[must_use]
    pub fn draws(&self, stream: u64, page: u32) -> Draws {
        let mut rng = self.root.clone();
        rng.set_stream(stream);
        rng.set_word_pos(u128::from(page) * PAGE_WORDS);
        Draws { rng }
    }
}

/// One sequence of draws.
#[derive(Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    /// A whole number below `bound`, each as likely as the next to within 2^-32.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.rng.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A whole number from `low` to `high`, both included.
    #[inline]
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1).max(1) as u32) as i32
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    #[inline]
    pub fn happens(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// A number around 100, mostly 60 to 140, never outside 9 to 289: the product of two even draws of 30 to 169.
    #[inline]
    pub fn around_hundred(&mut self) -> u32 {
        (30 + self.below(140)) * (30 + self.below(140)) / 100
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there is none.
    #[inline]
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u32) as usize]
    }

    /// One of `choices`, each as often as its weight says.
    ///
    /// # Panics
    /// When there is none.
    pub fn weighted<T: Copy>(&mut self, choices: &[(T, u32)]) -> T {
        let mut left = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        choices[choices.len() - 1].0
    }
}

/// The cube root of a whole number, rounded down.
#[must_use]
pub fn cube_root(value: u64) -> u64 {
    let mut root = 0_u64;
    for bit in (0..21).rev() {
        let larger = root | (1 << bit);
        if larger * larger * larger <= value {
            root = larger;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_stream_is_the_same_whenever_it_is_taken() {
        let chance = Chance::new(7);
        let take = |stream, page| {
            let mut draws = chance.draws(stream, page);
            [draws.below(1_000_000), draws.below(1_000_000), draws.below(1_000_000)]
        };
        let first = take(3, 5);
        assert_ne!(take(3, 6), first);
        assert_ne!(take(4, 5), first);
        assert_eq!(take(3, 5), first);
        assert_ne!(Chance::new(8).draws(3, 5).below(1_000_000), first[0]);
    }

    #[test]
    fn draws_are_the_same_on_every_machine() {
        let mut draws = Chance::new(1).draws(2, 3);
        let drawn: Vec<u32> = (0..4).map(|_| draws.below(1000)).collect();
        assert_eq!(drawn, [536, 514, 871, 50]);
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut draws = Chance::new(1).draws(0, 0);
        let mut seen = [0_u32; 5];
        let mut chosen = [0_u32; 2];
        let mut happened = 0;
        for _ in 0..10_000 {
            seen[(draws.between(-2, 2) + 2) as usize] += 1;
            chosen[draws.weighted(&[(0_usize, 9), (1, 1)])] += 1;
            happened += u32::from(draws.happens(100));
            assert!((9..=289).contains(&draws.around_hundred()));
        }
        assert!(seen.iter().all(|count| (1_800..2_200).contains(count)), "{seen:?}");
        assert!((850..1_150).contains(&chosen[1]), "{chosen:?}");
        assert!((850..1_150).contains(&happened), "{happened}");
    }

    #[test]
    fn cube_roots_are_rounded_down() {
        for (value, root) in [(0, 0), (1, 1), (7, 1), (8, 2), (26, 2), (27, 3), (1 << 60, 1 << 20)] {
            assert_eq!(cube_root(value), root, "{value}");
        }
    }
}
