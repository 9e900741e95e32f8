//! Owns the hashing of keys inside tables.
//!
//! The seed is drawn anew by each process, so that nobody can send ids that collide. Results never depend on it: no table is
//! ever walked in its own order.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

static SEED: LazyLock<foldhash::fast::RandomState> = LazyLock::new(foldhash::fast::RandomState::default);

/// The hash of a text that is known by `space` (kind, owner) and itself.
#[must_use]
#[inline]
pub fn hash_key(space: u64, text: &str) -> u64 {
    let mut hasher = SEED.build_hasher();
    hasher.write_u64(space);
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// A hash that is the same everywhere and for ever, of parts that cannot run into each other.
#[must_use]
pub fn stable_hash(parts: &[&[u8]]) -> u128 {
    let mut hasher = StableHasher::default();
    for part in parts {
        hasher.part(part);
    }
    hasher.finish()
}

/// A hash that is the same everywhere and for ever, of some bytes.
#[must_use]
pub fn stable_hash_of(bytes: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(bytes)
}

/// A hash of 64 bits that is the same everywhere and for ever, of a few bytes: quick, and not for bytes that somebody chose
/// to collide.
#[must_use]
#[inline]
pub fn quick_hash_of(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Both numbers mixed into one, the same everywhere and for ever: the two halves of their product folded together.
#[must_use]
#[inline]
pub const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// Takes parts one by one to a hash that is the same everywhere and for ever.
#[derive(Default)]
pub struct StableHasher(xxhash_rust::xxh3::Xxh3);

impl StableHasher {
    /// Takes one more part.
    pub fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The hash of all parts.
    #[must_use]
    pub fn finish(&self) -> u128 {
        self.0.digest128()
    }
}
