//! Owns whose figures wait to be told: first come, first told, and nobody twice within an interval.

use std::collections::VecDeque;

/// The buyers of a shard whose figures moved and are not told yet, by their places.
#[derive(Debug, Default)]
pub(super) struct Untold {
    queue: VecDeque<u32>,
    /// By place.
    waits: Vec<bool>,
    /// When each was told last, in milliseconds; by place.
    told_ms: Vec<i64>,
}

/// Before anything was ever told.
const NEVER: i64 = i64::MIN;

impl Untold {
    /// Notes that a buyer's figures moved.
    pub(super) fn mark(&mut self, place: u32) {
        let at = place as usize;
        if self.waits.len() <= at {
            self.waits.resize(at + 1, false);
            self.told_ms.resize(at + 1, NEVER);
        }
        if !std::mem::replace(&mut self.waits[at], true) {
            self.queue.push_back(place);
        }
    }

    /// Those who wait, the longest waiting first.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.queue.iter().copied()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// How many of the longest waiting may be told now, at most `max`: as far as none was told within `interval_ms`.
    pub(super) fn due(&self, now_ms: i64, interval_ms: i64, max: usize) -> usize {
        let is_due = |place: &&u32| self.told_ms[**place as usize].saturating_add(interval_ms) <= now_ms;
        self.queue.iter().take(max).take_while(is_due).count()
    }

    /// Takes the `count` that wait longest, as told now.
    pub(super) fn take(&mut self, count: usize, now_ms: i64) -> Vec<usize> {
        let taken: Vec<usize> = self.queue.drain(..count.min(self.queue.len())).map(|place| place as usize).collect();
        for place in &taken {
            self.waits[*place] = false;
            self.told_ms[*place] = now_ms;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buyer_is_told_once_an_interval_and_in_the_order_of_coming() {
        let mut untold = Untold::default();
        [2, 0, 2, 1].into_iter().for_each(|place| untold.mark(place));
        assert_eq!(untold.iter().collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(untold.due(5, 1000, 2), 2);
        assert_eq!(untold.take(2, 5), [2, 0]);
        [0, 2].into_iter().for_each(|place| untold.mark(place));
        assert_eq!((untold.iter().count(), untold.due(1004, 1000, 9)), (3, 1), "1 was never told, 0 not long ago");
        assert_eq!(untold.due(1005, 1000, 9), 3);
        assert_eq!(untold.take(9, 1005), [1, 0, 2]);
        assert_eq!(untold.iter().count(), 0);
    }
}
