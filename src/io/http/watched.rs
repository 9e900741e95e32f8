//! Owns files that are read again when they change: tokens, certificates.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::SystemTime;

use tracing::{info, warn};

use crate::io::clock::Stopwatch;

/// How often at most it is looked whether files have changed.
const LOOK_SECONDS: f64 = 2.0;
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What was made of some files; made anew where they have changed, by whoever asks for it then.
pub(super) struct Watched<T> {
    paths: Vec<PathBuf>,
    read: Box<dyn Fn() -> Result<T, String> + Send + Sync>,
    current: RwLock<Arc<T>>,
    seen: Mutex<Seen>,
}

struct Seen {
    looked: Stopwatch,
    stamps: Vec<Stamp>,
}

/// What tells a file that was written from the one before it.
type Stamp = Option<(SystemTime, u64)>;

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl<T> Watched<T> {
    /// Reads the files for the first time.
    pub(super) fn new(
        paths: Vec<PathBuf>,
        read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Watched<T>, String> {
        let stamps = stamps(&paths);
        let current = RwLock::new(Arc::new(read()?));
        let seen = Mutex::new(Seen { looked: Stopwatch::start(), stamps });
        Ok(Watched { paths, read: Box::new(read), current, seen })
    }

    /// What the files say, as of a few seconds ago at most. Where they have become wrong, what they said before.
    pub(super) fn get(&self) -> Arc<T> {
        match self.seen.try_lock() {
            Ok(mut seen) if seen.looked.seconds() >= LOOK_SECONDS => self.look(&mut seen),
            Ok(_) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Poisoned(poisoned)) => self.look(&mut poisoned.into_inner()),
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn look(&self, seen: &mut Seen) {
        seen.looked = Stopwatch::start();
        let now = stamps(&self.paths);
        if now == seen.stamps {
            return;
        }
        seen.stamps = now;
        let names = || self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ");
        match (self.read)() {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                info!("{} was read again", names());
            }
            Err(error) => warn!("{} has changed and is wrong, what it said before is kept: {error}", names()),
        }
    }

    /// Reads the files again, whenever that was last, and whatever their times say: a test writes faster than those go on.
    #[cfg(test)]
    pub(super) fn look_again(&self) {
        let mut seen = self.seen.lock().expect("unlocked");
        seen.stamps.clear();
        self.look(&mut seen);
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.iter().map(stamp).collect()
}

/// The bytes of a file that is not large.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(format!("{} should be at most {FILE_BYTES_MAX} bytes, and is {}", path.display(), metadata.len()));
    }
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
