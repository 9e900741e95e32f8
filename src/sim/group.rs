//! Owns a consumer group: who is in it, which partitions each has, and of which generation that is.
//!
//! The rules are those of Kafka's classic protocol with the range assignor: when somebody comes or goes, all give up what they
//! have and join again, and then the partitions are shared out anew. What a member sends of an old generation is refused.

use std::collections::BTreeMap;

/// What a member hears when it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The group does not know it, or not any more.
    Unknown,
    /// It is to give up what it has and join again.
    Rejoin,
    /// It is to wait until all others have joined.
    Wait,
    /// All is settled, in this generation.
    Settled(u32),
}

/// A consumer group.
#[derive(Debug)]
pub(super) struct Group {
    partitions: u32,
    generation: u32,
    seats: BTreeMap<u32, Seat>,
    last_seat: u32,
    /// Since when members are joining, while they are.
    joining_since_ns: Option<u64>,
    session_ns: u64,
    /// Shared out so far.
    pub(super) rebalances: u64,
}

/// A member as the group knows it.
#[derive(Debug)]
struct Seat {
    instance: u32,
    heard_ns: u64,
    has_joined: bool,
    partitions: Vec<u32>,
}

/// How long the group waits for members to join again, in sessions.
const JOINING_SESSIONS: u64 = 2;

impl Group {
    pub(super) fn new(partitions: u32, session_ns: u64) -> Group {
        Group {
            partitions,
            generation: 0,
            seats: BTreeMap::new(),
            last_seat: 0,
            joining_since_ns: None,
            session_ns,
            rebalances: 0,
        }
    }

    /// Takes in a member. Where a static member comes back before its session is over, it has at once what it had, and who
    /// sits in its place is out.
    pub(super) fn join(&mut self, instance: u32, is_static: bool, now_ns: u64) -> u32 {
        self.last_seat += 1;
        let sits = |seat: &Seat| is_static && seat.instance == instance;
        let before = self.seats.iter().find(|(_, seat)| sits(seat)).map(|(number, _)| *number);
        let before = before.and_then(|number| self.seats.remove(&number));
        let mut seat = Seat { instance, heard_ns: now_ns, has_joined: true, partitions: Vec::new() };
        match before {
            Some(before) if self.joining_since_ns.is_none() => seat.partitions = before.partitions,
            _ => self.begin_joining(now_ns),
        }
        self.seats.insert(self.last_seat, seat);
        self.settle(now_ns);
        self.last_seat
    }

    /// A member goes.
    pub(super) fn leave(&mut self, seat: u32, now_ns: u64) {
        if self.seats.remove(&seat).is_some() {
            self.begin_joining(now_ns);
            self.settle(now_ns);
        }
    }

    /// Asks all to join again.
    pub(super) fn begin_joining(&mut self, now_ns: u64) {
        if self.joining_since_ns.is_none() {
            self.joining_since_ns = Some(now_ns);
            self.seats.values_mut().for_each(|seat| seat.has_joined = false);
        }
    }

    /// A member is heard of, and hears.
    pub(super) fn hear(&mut self, seat: u32, now_ns: u64) -> Heard {
        let Some(of) = self.seats.get_mut(&seat) else { return Heard::Unknown };
        of.heard_ns = now_ns;
        match self.joining_since_ns {
            None => Heard::Settled(self.generation),
            Some(_) if of.has_joined => Heard::Wait,
            Some(_) => Heard::Rejoin,
        }
    }

    /// A member that has given up what it had joins again.
    pub(super) fn rejoin(&mut self, seat: u32, now_ns: u64) {
        if let Some(seat) = self.seats.get_mut(&seat) {
            seat.has_joined = true;
        }
        self.settle(now_ns);
    }

    /// Puts out who was not heard of for a session, and shares the partitions out once all have joined. Gives how many were
    /// put out.
    pub(super) fn pass_time(&mut self, now_ns: u64) -> usize {
        let before = self.seats.len();
        let session_ns = self.session_ns;
        self.seats.retain(|_, seat| now_ns.saturating_sub(seat.heard_ns) <= session_ns);
        let put_out = before - self.seats.len();
        if put_out > 0 {
            self.begin_joining(now_ns);
        }
        self.settle(now_ns);
        put_out
    }

    /// What a member has.
    pub(super) fn partitions_of(&self, seat: u32) -> Vec<u32> {
        self.seats.get(&seat).map(|seat| seat.partitions.clone()).unwrap_or_default()
    }

    /// Whether positions of this member and generation are taken.
    pub(super) fn takes(&self, seat: u32, generation: u32) -> bool {
        self.seats.contains_key(&seat) && generation == self.generation
    }

    fn settle(&mut self, now_ns: u64) {
        let Some(since_ns) = self.joining_since_ns else { return };
        if now_ns.saturating_sub(since_ns) > JOINING_SESSIONS * self.session_ns {
            self.seats.retain(|_, seat| seat.has_joined);
        }
        if self.seats.values().any(|seat| !seat.has_joined) {
            return;
        }
        self.joining_since_ns = None;
        self.generation += 1;
        self.rebalances += 1;
        let mut seats: Vec<&mut Seat> = self.seats.values_mut().collect();
        seats.sort_by_key(|seat| seat.instance);
        let count = (seats.len() as u32).max(1);
        let (share, rest) = (self.partitions / count, self.partitions % count);
        let mut first = 0;
        for (place, seat) in seats.into_iter().enumerate() {
            let end = first + share + u32::from((place as u32) < rest);
            seat.partitions = (first..end).collect();
            first = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shared_out_anew_once_all_have_joined_again() {
        let mut group = Group::new(3, 10);
        let first = group.join(0, false, 0);
        assert_eq!((group.hear(first, 0), group.partitions_of(first)), (Heard::Settled(1), vec![0, 1, 2]));
        let second = group.join(1, false, 1);
        assert_eq!((group.hear(first, 1), group.hear(second, 1)), (Heard::Rejoin, Heard::Wait));
        assert!(group.takes(first, 1), "until the next generation has begun");
        group.rejoin(first, 2);
        assert_eq!(
            (group.hear(second, 2), group.takes(first, 1), group.takes(first, 2)),
            (Heard::Settled(2), false, true)
        );
        assert_eq!((group.partitions_of(first), group.partitions_of(second)), (vec![0, 1], vec![2]));
    }

    #[test]
    fn who_is_not_heard_of_is_out_and_a_static_member_that_is_back_in_time_keeps_what_it_had() {
        let mut group = Group::new(2, 10);
        let first = group.join(0, true, 0);
        let second = group.join(1, true, 0);
        group.rejoin(first, 0);
        let back = group.join(1, true, 5);
        assert_eq!((group.hear(back, 5), group.hear(second, 5)), (Heard::Settled(2), Heard::Unknown));
        assert_eq!((group.partitions_of(back), group.takes(second, 2)), (vec![1], false));
        assert_eq!(group.pass_time(12), 1);
        assert_eq!(group.hear(back, 12), Heard::Rejoin);
        group.rejoin(back, 12);
        assert_eq!((group.hear(back, 12), group.partitions_of(back)), (Heard::Settled(3), vec![0, 1]));
    }
}
