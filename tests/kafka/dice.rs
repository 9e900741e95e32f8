//! Chance with a seed, which is printed, so that a run can be repeated.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Draws of one seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Of the seed in the environment (`SEED`), or of a new one; either is printed beside the name of what it is for.
    pub fn new(name: &str) -> Dice {
        let seed = match std::env::var("SEED") {
            Ok(text) => text.parse().expect("SEED is a number"),
            // The standard library's only chance: each of these hashers starts from another number.
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        println!("{name}: SEED={seed}");
        Dice(seed)
    }

    /// The next 64 bits (splitmix64).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range.
    pub fn between(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.between(0..of.len() as u64) as usize]
    }
}
