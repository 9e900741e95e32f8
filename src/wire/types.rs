//! Owns the finding of a type by its name: a perfect hash over the contract's table, made when the code is compiled.

use crate::event::Body;

/// Places in the hash table; a power of two.
const PLACES: usize = 256;
/// Marks a free place.
const FREE: u8 = u8::MAX;

const TABLE: ([u8; PLACES], u64) = {
    // Any odd factor spreads the bytes; the first that parts all types is taken.
    let mut factor = 0x9e37_79b9_7f4a_7c15_u64;
    loop {
        if let Some(table) = table(factor) {
            break (table, factor);
        }
        factor = factor.wrapping_add(2);
    }
};

/// The place of a type in [`Body::SPECS`].
#[inline]
pub fn place_of(name: &str) -> Option<usize> {
    let place = TABLE.0[slot(name.as_bytes(), TABLE.1)?] as usize;
    (Body::SPECS.get(place)?.name == name).then_some(place)
}

/// Where a name belongs: by its length and its first and last four bytes, which tell all types apart.
#[inline]
const fn slot(name: &[u8], factor: u64) -> Option<usize> {
    let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) else { return None };
    let ends = (u32::from_le_bytes(*first) as u64) << 32 | u32::from_le_bytes(*last) as u64;
    Some(((ends ^ name.len() as u64).wrapping_mul(factor) >> (u64::BITS - PLACES.ilog2())) as usize)
}

/// The table for a factor, if no two types share a place.
const fn table(factor: u64) -> Option<[u8; PLACES]> {
    let mut table = [FREE; PLACES];
    let mut place = 0;
    while place < Body::SPECS.len() {
        let Some(slot) = slot(Body::SPECS[place].name.as_bytes(), factor) else { return None };
        if table[slot] != FREE {
            return None;
        }
        table[slot] = place as u8;
        place += 1;
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_at_its_place_and_nothing_else() {
        for (place, spec) in Body::SPECS.iter().enumerate() {
            assert_eq!(place_of(spec.name), Some(place));
            assert_eq!(place_of(&spec.name.to_uppercase()), None);
            assert_eq!(place_of(&spec.name[1..]), None);
        }
        for wrong in ["", "a", "abc", "invoice", "invoice.issued ", "тип.события"] {
            assert_eq!(place_of(wrong), None, "{wrong}");
        }
    }
}
