//! Owns the order of a shard's buyers by id, kept from one time it is asked for to the next.

use crate::risk::buyer::Buyer;

/// New buyers are put in one by one while they are no more than one in so many.
const MERGED_FROM: usize = 64;

/// The places of buyers in order of buyer id by bytes, as far as it was asked for.
#[derive(Debug, Default)]
pub struct Order(Vec<u32>);

impl Order {
    /// The places of all buyers. Only those that came since are sorted.
    #[allow(clippy::vec_box, reason = "as the shard has them")]
    pub fn of(&mut self, buyers: &[Box<Buyer>]) -> &[u32] {
        let id = |place: u32| buyers[place as usize].id.as_bytes();
        let known = self.0.len();
        let new = known as u32..buyers.len() as u32;
        if new.len() > known / MERGED_FROM {
            self.0.extend(new);
            self.0[known..].sort_unstable_by(|a, b| id(*a).cmp(id(*b)));
            // Two runs in order: a stable sort finds them, and merges.
            self.0.sort_by(|a, b| id(*a).cmp(id(*b)));
        } else {
            for place in new {
                let at = self.0.partition_point(|other| id(*other) < id(place));
                self.0.insert(at, place);
            }
        }
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buyers_are_in_order_however_they_come() {
        let mut buyers: Vec<Box<Buyer>> = Vec::new();
        let mut order = Order::default();
        // Many at first, then a few at a time.
        for (count, asked) in [(200_u32, 7919), (1, 104_729), (3, 1_299_709), (2, 15_485_863), (400, 32_452_843)] {
            buyers.extend((0..count).map(|at| Box::new(Buyer::new(&format!("B-{}", at.wrapping_mul(asked) % 10_007)))));
            let ids: Vec<&str> = order.of(&buyers).iter().map(|place| buyers[*place as usize].id.as_str()).collect();
            assert_eq!(ids.len(), buyers.len());
            assert!(ids.is_sorted(), "{ids:?}");
        }
    }
}
