//! Owns the simulated store of snapshots, as one member sees it: writing that is late or fails, and members that die at it.

use std::rc::Rc;

use super::fault::Fault;
use super::world::{Fate, Shared, World};
use crate::runtime::{Point, Saved, SnapshotName, SnapshotStore, StoreError};

/// How often a member asks for a snapshot that is late, at most, before it is there.
const LATE_MAX: u32 = 12;

/// The store of one member. What lies there is shared by all.
pub(super) struct Shelf {
    world: Shared,
    fate: Rc<Fate>,
    writing: Option<Writing>,
    saved: Vec<Saved>,
}

/// A snapshot that is being written.
struct Writing {
    name: SnapshotName,
    bytes: Vec<u8>,
    generations: usize,
    /// How many more times it is asked for in vain.
    left: u32,
}

impl Shelf {
    pub(super) fn new(world: &Shared, fate: &Rc<Fate>) -> Shelf {
        Shelf { world: Rc::clone(world), fate: Rc::clone(fate), writing: None, saved: Vec::new() }
    }

    /// Whether the member dies at a point of the writing.
    fn dies(&self, world: &mut World, point: Point) -> bool {
        let dies = self.fate.died_at.get().is_some() || self.fate.meets(point);
        if self.fate.died_at.get() == Some(point) {
            *world.seen.points.entry(point).or_default() += 1;
            world.trace.note(format_args!("    dies at {}", point.as_str()));
        }
        dies
    }

    /// Gives a snapshot its name, and deletes what is too old.
    fn put(&mut self, writing: Writing) {
        let Writing { name, bytes, generations, .. } = writing;
        let shared = Rc::clone(&self.world);
        let mut world = shared.borrow_mut();
        if [Point::BeforeSnapshotWrite, Point::AfterSnapshotWrite, Point::AfterSnapshotFsync]
            .into_iter()
            .any(|point| self.dies(&mut world, point))
        {
            return;
        }
        let outcome = if world.strikes(Fault::DiskFull, 60) {
            Err(StoreError("no space left on the device".to_owned()))
        } else {
            let length = bytes.len();
            world.trace.note(format_args!("    stored {name:?} of {length} bytes"));
            world.snapshots.insert((name.partition, name.epoch), bytes.clone());
            world.seen.snapshots += 1;
            let of = (name.partition, 0)..=(name.partition, u64::MAX);
            let epochs: Vec<u64> = world.snapshots.range(of).map(|((_, epoch), _)| *epoch).collect();
            for epoch in epochs.iter().rev().skip(generations.max(1)) {
                world.snapshots.remove(&(name.partition, *epoch));
            }
            Ok(())
        };
        if !self.dies(&mut world, Point::AfterSnapshotRename) {
            self.saved.push(Saved { name, bytes: bytes.len() as u64, outcome });
        }
    }
}

impl SnapshotStore for Shelf {
    fn list(&mut self, partition: u32) -> Result<Vec<u64>, StoreError> {
        let world = self.world.borrow();
        let of = (partition, 0)..=(partition, u64::MAX);
        Ok(world.snapshots.range(of).rev().map(|((_, epoch), _)| *epoch).collect())
    }

    fn load(&mut self, name: SnapshotName) -> Result<Vec<u8>, StoreError> {
        let mut world = self.world.borrow_mut();
        if world.strikes(Fault::LoadFailed, 20) {
            return Err(StoreError("the read was not answered".to_owned()));
        }
        let found = world.snapshots.get(&(name.partition, name.epoch)).cloned();
        found.ok_or_else(|| StoreError("it is not there".to_owned()))
    }

    fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    fn save(&mut self, name: SnapshotName, bytes: Vec<u8>, generations: usize) {
        assert!(self.writing.is_none(), "one is being written");
        let mut world = self.world.borrow_mut();
        let is_late = world.strikes(Fault::SnapshotLate, 60);
        let left = if is_late { 1 + world.draws.below(LATE_MAX) } else { 0 };
        drop(world);
        let writing = Writing { name, bytes, generations, left };
        match left {
            0 => self.put(writing),
            _ => self.writing = Some(writing),
        }
    }

    fn saved(&mut self) -> Vec<Saved> {
        if let Some(mut writing) = self.writing.take() {
            writing.left -= 1;
            match writing.left {
                0 => self.put(writing),
                _ => self.writing = Some(writing),
            }
        }
        std::mem::take(&mut self.saved)
    }

    fn wait(&mut self) {
        if let Some(writing) = self.writing.take() {
            self.put(writing);
        }
    }
}

/// What befalls snapshots that are stored: a bit flips, an end is cut off, all is gone.
pub(super) fn damage(world: &mut World) {
    let count = world.snapshots.len() as u32;
    if count == 0 {
        return;
    }
    let place = world.draws.below(count) as usize;
    let key = *world.snapshots.keys().nth(place).expect("it is one of them");
    let bytes = world.snapshots.get(&key).map_or(0, Vec::len) as u32;
    let at = world.draws.below(bytes.max(1)) as usize;
    let fault =
        *world.draws.pick(&[Fault::SnapshotCut, Fault::SnapshotFlipped, Fault::SnapshotEmpty, Fault::SnapshotLost]);
    let bit = 1 << world.draws.below(8);
    if let Some(stored) = world.snapshots.get_mut(&key) {
        match fault {
            Fault::SnapshotFlipped if at < stored.len() => stored[at] ^= bit,
            Fault::SnapshotEmpty => stored.clear(),
            _ => stored.truncate(at),
        }
    }
    if fault == Fault::SnapshotLost {
        world.snapshots.remove(&key);
    }
    world.note(fault);
}
