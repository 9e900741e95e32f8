//! Owns a shard as bytes: storing it, all at once or slice by slice while it goes on, restoring it, and the hash of its state,
//! which whoever holds the bytes can form from them alone.
//!
//! The bytes are a *head* (everything but the buyers, and how many there are) and *runs* of whole buyers. A buyer is its
//! length and its bytes; it stands in any order and in any run, since nothing that a shard does depends on its place. What
//! else of a shard there is comes anew: indexes from the buyers, and reused room from use.

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

use super::Shard;
use super::chain::Chain;
use crate::base::hash::{StableHasher, stable_hash_of};
use crate::base::{Day, Instant};
use crate::risk::buyer::Buyer;
use crate::risk::params::Params;
use crate::risk::rates::Rates;

/// The format of the stored bytes: the head begins with it. It changes whenever the bytes of any part of the state do.
pub const FORMAT: u8 = 2;
/// Buyers that room is made for before any is read: no head, whatever it says, takes more.
const ROOM_BUYERS_MAX: usize = 1 << 17;
/// Bytes that say how long a buyer is.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Whether there is more to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storing {
    /// There may be more buyers.
    More,
    /// Every buyer is stored.
    Done,
}

/// Why stored bytes are no shard. Whatever it is, they are of no use: another copy of them may be, or an older one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// Another build stored them.
    #[error(
        "the state is stored in format {found} and this build reads format {FORMAT}: restore it with the build that \
         stored it, or rebuild it from the inputs"
    )]
    Format {
        /// The format that they say they are in.
        found: u8,
    },
    /// The head is no head.
    #[error("the head of the stored state cannot be read ({why}): restore an older one")]
    Head {
        /// What is wrong with it.
        why: String,
    },
    /// A buyer is no buyer.
    #[error("the stored buyer at byte {at} of its run cannot be read ({why}): restore an older state")]
    Buyer {
        /// Where it begins.
        at: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A buyer comes again.
    #[error("the stored buyer at byte {at} of its run is there already: restore an older state")]
    Twice {
        /// Where it begins the second time.
        at: usize,
    },
    /// There are too few buyers, or too many.
    #[error("{found} buyers are stored and the head counts {counted}: restore an older state")]
    Count {
        /// How many there are.
        found: usize,
        /// How many there should be.
        counted: u32,
    },
}

/// The hash of a state, formed from its stored bytes: the same as [`Shard::state_hash`], whatever the order of the buyers and
/// however they are cut into runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateHash {
    head: u128,
    buyers: u128,
}

impl StateHash {
    /// Of a head, without its buyers so far.
    #[must_use]
    pub fn of_head(head: &[u8]) -> StateHash {
        StateHash { head: stable_hash_of(head), buyers: 0 }
    }

    /// Takes in a run of whole buyers.
    ///
    /// # Errors
    /// When it ends in the middle of one.
    pub fn take_buyers(&mut self, run: &[u8]) -> Result<(), StoredError> {
        for buyer in (Run { bytes: run, at: 0 }) {
            self.take(buyer?.1);
        }
        Ok(())
    }

    /// The hash.
    #[must_use]
    pub fn finish(self) -> u128 {
        let mut hasher = StableHasher::default();
        hasher.part(&self.head.to_le_bytes());
        hasher.part(&self.buyers.to_le_bytes());
        hasher.finish()
    }

    fn take(&mut self, buyer: &[u8]) {
        self.buyers = self.buyers.wrapping_add(stable_hash_of(buyer));
    }
}

/// Splits a run into its buyers: each with the place where it begins.
struct Run<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Run<'a> {
    type Item = Result<(usize, &'a [u8]), StoredError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = &self.bytes[at..];
        if rest.is_empty() {
            return None;
        }
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else { return Some(self.cut_short()) };
        let length = u32::from_le_bytes(*length) as usize;
        let Some(buyer) = rest.get(..length) else { return Some(self.cut_short()) };
        self.at = at + LENGTH_BYTES + length;
        Some(Ok((at, buyer)))
    }
}

impl<'a> Run<'a> {
    fn cut_short(&mut self) -> Result<(usize, &'a [u8]), StoredError> {
        let at = std::mem::replace(&mut self.at, self.bytes.len());
        Err(StoredError::Buyer { at, why: "it is cut short".to_owned() })
    }
}

/// Everything of a shard but its buyers.
#[derive(BorshDeserialize)]
struct Head {
    params: Params,
    rates: Rates,
    clock: Option<Instant>,
    rates_changed: bool,
    judgements: Chain,
    buyers: u32,
}

impl Head {
    fn read(mut head: &[u8]) -> Result<Head, StoredError> {
        let wrong = |why: &str| StoredError::Head { why: why.to_owned() };
        let (format, rest) = head.split_first().ok_or_else(|| wrong("it is empty"))?;
        if *format != FORMAT {
            return Err(StoredError::Format { found: *format });
        }
        head = rest;
        let read = Head::deserialize(&mut head).map_err(|error| wrong(&error.to_string()))?;
        let flaw = match read.params.flaw() {
            _ if !head.is_empty() => Some("it goes on after its end"),
            _ if read.rates.base() != read.params.base => Some("its rates are to another base currency"),
            flaw => flaw,
        };
        flaw.map_or(Ok(read), |flaw| Err(wrong(flaw)))
    }
}

/// A buyer with the day that it wakes on, and with the source and id of its last event where the present instant has one.
#[derive(BorshDeserialize)]
struct StoredBuyer {
    buyer: Buyer,
    wake: Day,
    pending: Option<(CompactString, CompactString)>,
}

impl StoredBuyer {
    fn read(mut bytes: &[u8], at: usize) -> Result<StoredBuyer, StoredError> {
        let wrong = |why: &str| StoredError::Buyer { at, why: why.to_owned() };
        let read = StoredBuyer::deserialize(&mut bytes).map_err(|error| wrong(&error.to_string()))?;
        let flaw = if bytes.is_empty() { read.buyer.flaw() } else { Some("it goes on after its end") };
        flaw.map_or(Ok(read), |flaw| Err(wrong(flaw)))
    }
}

/// A shard's state as of one moment, while it is being stored and the shard goes on.
pub(super) struct StoringBuyers {
    /// The head as of then.
    head: Vec<u8>,
    /// Which of the buyers of then are stored, by their places.
    stored: Vec<bool>,
    /// Every buyer before this place is stored.
    next: usize,
    /// Buyers stored out of turn, since they were about to change.
    ahead: Vec<u8>,
}

impl Shard {
    /// Appends everything but the buyers, as of now: or, while buyers are being stored, as of when that began.
    pub fn store_head(&self, out: &mut Vec<u8>) {
        match &self.storing {
            Some(storing) => out.extend_from_slice(&storing.head),
            None => self.put_head(out),
        }
    }

    /// From now on [`Shard::store_some`] gives the buyers as they are now, while the shard goes on: a buyer about to change is
    /// stored as it was, and one that is new is left out. What was being stored before is dropped.
    ///
    /// It belongs between two turns. When a day begins for every buyer meanwhile, all that are left are stored at once.
    pub fn begin_storing(&mut self) {
        let mut head = Vec::new();
        self.put_head(&mut head);
        let stored = vec![false; self.buyers.len()];
        self.storing = Some(Box::new(StoringBuyers { head, stored, next: 0, ahead: Vec::new() }));
    }

    /// Appends a run of whole buyers: what was stored out of turn, and then as many as it takes to make so many bytes of it;
    /// at least one while there is any. After [`Storing::Done`], and while nothing is being stored, there is nothing to append.
    pub fn store_some(&mut self, bytes_at_least: usize, out: &mut Vec<u8>) -> Storing {
        let Some(mut storing) = self.storing.take() else { return Storing::Done };
        let end = out.len().saturating_add(bytes_at_least.max(1));
        out.append(&mut storing.ahead);
        while let Some(is_stored) = storing.stored.get(storing.next) {
            if !is_stored {
                if out.len() >= end {
                    self.storing = Some(storing);
                    return Storing::More;
                }
                self.put_buyer(storing.next, out);
            }
            storing.next += 1;
        }
        Storing::Done
    }

    /// Stores no more buyers: what was not asked for is dropped.
    pub fn stop_storing(&mut self) {
        self.storing = None;
    }

    /// A hash of the whole state, made of its stored bytes.
    #[must_use]
    pub fn state_hash(&self) -> u128 {
        let mut bytes = Vec::new();
        self.put_head(&mut bytes);
        let mut hash = StateHash::of_head(&bytes);
        for place in 0..self.buyers.len() {
            bytes.clear();
            self.put_buyer(place, &mut bytes);
            hash.take(&bytes[LENGTH_BYTES..]);
        }
        hash.finish()
    }

    /// Begins to restore a shard from the head of its state.
    ///
    /// # Errors
    /// When the bytes are no head, or of another format.
    pub fn restore(head: &[u8]) -> Result<Restoring, StoredError> {
        let hash = StateHash::of_head(head);
        let Head { params, rates, clock, rates_changed, judgements, buyers: counted } = Head::read(head)?;
        let mut shard = Shard { rates, clock, rates_changed, judgements, ..Shard::new(params) };
        let room = (counted as usize).min(ROOM_BUYERS_MAX);
        shard.buyers.reserve_exact(room);
        shard.wake.reserve_exact(room);
        shard.foreign.reserve_exact(room);
        shard.changed.places.reserve_exact(room);
        // Empty as it is, nothing has to be hashed anew.
        shard.index.reserve(room, |_| 0);
        Ok(Restoring { shard, counted, hash })
    }

    /// The buyer at a place is about to change: it is stored first, where that is still to be done.
    #[inline]
    pub(super) fn before_change(&mut self, place: usize) {
        if self.storing.is_some() {
            self.store_ahead(place);
        }
    }

    /// The buyers of the present instant are about to be judged.
    #[inline]
    pub(super) fn before_closing(&mut self) {
        if self.storing.is_some() {
            (0..self.changed.buyers.len()).for_each(|at| self.store_ahead(self.changed.buyers[at].buyer as usize));
        }
    }

    #[cold]
    fn store_ahead(&mut self, place: usize) {
        let Some(mut storing) = self.storing.take() else { return };
        if storing.stored.get(place).is_some_and(|is_stored| place >= storing.next && !is_stored) {
            storing.stored[place] = true;
            self.put_buyer(place, &mut storing.ahead);
        }
        self.storing = Some(storing);
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        let buyers = u32::try_from(self.buyers.len()).expect("a shard has under 4 billion buyers");
        let head = (FORMAT, &self.params, &self.rates, self.clock, self.rates_changed, self.judgements, buyers);
        put(&head, out);
    }

    fn put_buyer(&self, place: usize, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        put(&(&self.buyers[place], self.wake[place], self.changed.of(place)), out);
        let length = u32::try_from(out.len() - at - LENGTH_BYTES).expect("a buyer takes under 4 GB");
        out[at..at + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }
}

fn put(part: &impl BorshSerialize, out: &mut Vec<u8>) {
    part.serialize(out).expect("storing to memory does not fail");
}

/// A shard that is being restored, of which some buyers may still be missing.
pub struct Restoring {
    shard: Shard,
    counted: u32,
    hash: StateHash,
}

impl Restoring {
    /// Takes in a run of whole buyers; any number of runs, in any order. After an error it is of no more use.
    ///
    /// # Errors
    /// When the bytes are no run of buyers, or one of them is there already.
    pub fn restore_buyers(&mut self, stored: &[u8]) -> Result<(), StoredError> {
        for buyer in (Run { bytes: stored, at: 0 }) {
            let (at, bytes) = buyer?;
            self.hash.take(bytes);
            let StoredBuyer { buyer, wake, pending } = StoredBuyer::read(bytes, at)?;
            let shard = &mut self.shard;
            if shard.find(&buyer.id).is_some() {
                return Err(StoredError::Twice { at });
            }
            let foreign = buyer.is_foreign(&shard.rates);
            let place = shard.add(Box::new(buyer));
            shard.expect_hold_ends(place);
            shard.wake[place] = wake;
            shard.foreign[place] = foreign;
            shard.wake_earliest = shard.wake_earliest.min(wake);
            if let Some((source, id)) = pending {
                shard.changed.note(place, &source, &id);
            }
        }
        Ok(())
    }

    /// The hash of what was restored so far: after every buyer the [`Shard::state_hash`] of the shard that was stored.
    #[must_use]
    pub fn state_hash(&self) -> u128 {
        self.hash.finish()
    }

    /// The shard, which goes on as the one that was stored would have.
    ///
    /// # Errors
    /// When not all its buyers were restored, or more.
    pub fn finish_restore(self) -> Result<Shard, StoredError> {
        let (found, counted) = (self.shard.buyers.len(), self.counted);
        if found != counted as usize {
            return Err(StoredError::Count { found, counted });
        }
        Ok(self.shard)
    }
}
