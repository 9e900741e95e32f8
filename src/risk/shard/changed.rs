//! Owns which buyers changed in the present instant, and by which event last.

/// The buyers changed in the present instant.
#[derive(Default)]
pub struct Changed {
    /// Each with the place of its last event's source and id in `texts`.
    pub buyers: Vec<ChangedBuyer>,
    /// Sources and ids, of replaced causes too.
    pub texts: String,
    /// Where each buyer of the shard stands in `buyers`, if it does.
    pub places: Vec<Option<u32>>,
}

/// A changed buyer.
#[derive(Clone, Copy)]
pub struct ChangedBuyer {
    /// Its place.
    pub buyer: u32,
    source_at: usize,
    id_at: usize,
    end: usize,
}

impl Changed {
    /// Bytes of causes that later ones replaced, before they are dropped.
    const DEAD_BYTES_MAX: usize = 1 << 20;

    /// The source and id of a changed buyer's last event.
    pub fn cause(&self, changed: &ChangedBuyer) -> (&str, &str) {
        (&self.texts[changed.source_at..changed.id_at], &self.texts[changed.id_at..changed.end])
    }

    /// The source and id of the last event of the buyer at a place, if it changed.
    pub fn of(&self, place: usize) -> Option<(&str, &str)> {
        self.places[place].map(|at| self.cause(&self.buyers[at as usize]))
    }

    /// Drops causes that later ones replaced, once they are most of the text.
    fn tidy(&mut self) {
        let live: usize = self.buyers.iter().map(|changed| changed.end - changed.source_at).sum();
        if self.texts.len() - live < live.max(Changed::DEAD_BYTES_MAX) {
            return;
        }
        let old = std::mem::take(&mut self.texts);
        for changed in &mut self.buyers {
            let at = self.texts.len();
            self.texts.push_str(&old[changed.source_at..changed.end]);
            changed.id_at = at + changed.id_at - changed.source_at;
            changed.source_at = at;
            changed.end = self.texts.len();
        }
    }

    /// Notes that time alone changed the buyer at a place: an event of the same instant is the cause before it.
    pub fn note_clock(&mut self, buyer: usize) {
        if self.places[buyer].is_none() {
            self.note(buyer, "", "");
        }
    }

    /// Notes a change of the buyer at a place, and the source and id of the event that made it.
    pub fn note(&mut self, buyer: usize, source: &str, id: &str) {
        if self.texts.len() > 2 * Changed::DEAD_BYTES_MAX && self.texts.len() == self.texts.capacity() {
            self.tidy();
        }
        let source_at = self.texts.len();
        self.texts.push_str(source);
        let id_at = self.texts.len();
        self.texts.push_str(id);
        let changed = ChangedBuyer { buyer: buyer as u32, source_at, id_at, end: self.texts.len() };
        match self.places[buyer] {
            Some(place) => self.buyers[place as usize] = changed,
            None => {
                self.places[buyer] = Some(self.buyers.len() as u32);
                self.buyers.push(changed);
            }
        }
    }
}
