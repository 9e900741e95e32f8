//! Owns snapshots in a folder of the file system.
//!
//! object_store has a store for folders too. This one is ours because the order of writing, syncing and renaming is what
//! the promise rests on, and a test must be able to break the process between any two of them; and because that one keeps
//! its half-written files beside the finished ones for good after a crash.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::{Found, PointHook, epoch_of, file_name, folder_name, partition_of};
use crate::base::Instant;
use crate::io::clock::wall_clock;
use crate::runtime::{Point, SnapshotName, StoreError};

/// The ending of a temporary name.
const TEMPORARY: &str = ".tmp";
/// What others left half-written is removed once it is this old: their write is long over.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Bytes compared at a time.
const COMPARED_BYTES: usize = 1 << 16;

/// The folder of a group.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    instance: String,
}

impl Folder {
    /// Makes the group's folder where there is none, tries whether it can be written, and cleans it.
    pub(super) fn open(root: &Path, group: &str, instance: &str) -> Result<Folder, StoreError> {
        let path = root.join(group);
        fs::create_dir_all(&path).map_err(|error| explain("make the folder", &path, &error))?;
        let folder = Folder { path, instance: instance.to_owned() };
        let probe = folder.path.join(format!(".probe.{instance}{TEMPORARY}"));
        let tried = File::create(&probe).and_then(|file| file.sync_all());
        tried.map_err(|error| explain("write into the folder", &folder.path, &error))?;
        folder.clean()?;
        Ok(folder)
    }

    /// The folder of a group as it is there, or is not.
    pub(super) fn at(root: &Path, group: &str) -> Folder {
        Folder { path: root.join(group), instance: String::new() }
    }

    pub(super) fn all(&self) -> Result<Vec<Found>, StoreError> {
        let names = names_in(&self.path).map_err(|error| explain("list the folder", &self.path, &error))?;
        let mut found = Vec::new();
        for partition in names.iter().filter_map(|name| partition_of(name)) {
            for epoch in self.list(partition)? {
                let name = SnapshotName { partition, epoch };
                let path = self.path_of(name);
                let metadata = match fs::metadata(&path) {
                    // A newer one has driven it out.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    metadata => metadata.map_err(|error| explain("look at the snapshot", &path, &error))?,
                };
                let since =
                    metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
                let written = Instant::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
                found.push(Found { name, bytes: metadata.len(), written });
            }
        }
        Ok(found)
    }

    pub(super) fn list(&self, partition: u32) -> Result<Vec<u64>, StoreError> {
        let path = self.path.join(folder_name(partition));
        let names = match names_in(&path) {
            // A partition without snapshots has no folder; but the group's is there.
            Err(error) if error.kind() == ErrorKind::NotFound && self.path.is_dir() => return Ok(Vec::new()),
            names => names.map_err(|error| explain("list the folder", &path, &error))?,
        };
        Ok(names.iter().filter_map(|name| epoch_of(name)).collect())
    }

    pub(super) fn load(&self, name: SnapshotName) -> Result<Vec<u8>, StoreError> {
        let path = self.path_of(name);
        fs::read(&path).map_err(|error| explain("read the snapshot", &path, &error))
    }

    pub(super) fn delete(&self, name: SnapshotName) -> Result<(), StoreError> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(explain("delete the snapshot", &path, &error)),
            _ => Ok(()),
        }
    }

    /// Writes a snapshot for good: temporary name, sync, rename, sync of the folder, and reads it back.
    pub(super) fn write(
        &self,
        name: SnapshotName,
        bytes: &[u8],
        number: u32,
        hook: &PointHook,
    ) -> Result<(), StoreError> {
        let path = self.path_of(name);
        let temporary = path.with_file_name(format!("{}.{}.{number}{TEMPORARY}", file_name(name.epoch), self.instance));
        hook(Point::BeforeSnapshotWrite);
        self.make_partition(name.partition)?;
        let unfinished = Unfinished(&temporary);
        let system = |error| explain("write the snapshot", &path, &error);
        let mut file = File::create(&temporary).map_err(system)?;
        file.write_all(bytes).map_err(system)?;
        hook(Point::AfterSnapshotWrite);
        file.sync_all().map_err(system)?;
        drop(file);
        hook(Point::AfterSnapshotFsync);
        fs::rename(&temporary, &path).map_err(system)?;
        std::mem::forget(unfinished);
        sync_folder(path.parent().expect("a snapshot lies in its partition's folder")).map_err(system)?;
        hook(Point::AfterSnapshotRename);
        self.read_back(&path, bytes)
    }

    /// Compares what lies there with what was written; what differs loses its name.
    fn read_back(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let error = match is_same(path, bytes) {
            Ok(true) => return Ok(()),
            Ok(false) => StoreError(format!(
                "the snapshot {} reads back other than it was written, and is removed: check the disk",
                path.display()
            )),
            Err(error) => explain("read back the snapshot", path, &error),
        };
        match fs::remove_file(path) {
            Err(left) if left.kind() != ErrorKind::NotFound => {
                Err(StoreError(format!("{error}; and it cannot be removed: {left}")))
            }
            _ => Err(error),
        }
    }

    /// Makes a partition's folder, but not the group's: where that has gone, a disk may be missing.
    fn make_partition(&self, partition: u32) -> Result<(), StoreError> {
        let path = self.path.join(folder_name(partition));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made
                .and_then(|()| sync_folder(&self.path))
                .map_err(|error| explain("write a snapshot into the folder", &self.path, &error)),
        }
    }

    /// Removes what this instance left half-written, and what others did long ago.
    fn clean(&self) -> Result<(), StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| explain("clean the folder", &path, &error)
        };
        for name in names_in(&self.path).map_err(failed(&self.path))? {
            let path = self.path.join(&name);
            if path.is_dir() {
                for name in names_in(&path).map_err(failed(&path))? {
                    self.remove_if_left(&path.join(&name), &name).map_err(failed(&path))?;
                }
            } else {
                self.remove_if_left(&path, &name).map_err(failed(&path))?;
            }
        }
        Ok(())
    }

    fn remove_if_left(&self, path: &Path, name: &str) -> io::Result<()> {
        let Some(stem) = name.strip_suffix(TEMPORARY) else { return Ok(()) };
        if !(self.is_own(stem) || is_abandoned(path)?) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a temporary name (without its ending) is one of this instance's.
    fn is_own(&self, stem: &str) -> bool {
        let of_snapshot = stem.rsplit_once('.').map_or("", |(stem, _number)| stem);
        let (probe, written) = (format!(".probe.{}", self.instance), format!(".snapshot.{}", self.instance));
        stem == probe || of_snapshot.split_at_checked(super::EPOCH_DIGITS).is_some_and(|(_, rest)| rest == written)
    }

    fn path_of(&self, name: SnapshotName) -> PathBuf {
        self.path.join(folder_name(name.partition)).join(file_name(name.epoch))
    }
}

/// A file under its temporary name: removed when it does not get another.
struct Unfinished<'a>(&'a Path);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        match fs::remove_file(self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!("{} stays until the next start: {error}", self.0.display());
            }
            _ => {}
        }
    }
}

fn names_in(path: &Path) -> io::Result<Vec<String>> {
    // A name that is no UTF-8 is none of ours.
    fs::read_dir(path)?
        .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
        .collect()
}

fn is_abandoned(path: &Path) -> io::Result<bool> {
    let written = match fs::metadata(path).and_then(|metadata| metadata.modified()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        written => written?.duration_since(UNIX_EPOCH).unwrap_or_default(),
    };
    let now = Duration::from_nanos(wall_clock().nanos().max(0).unsigned_abs());
    Ok(now.saturating_sub(written) > ABANDONED_AFTER)
}

/// Makes a change of a folder's entries last: a rename alone may be lost with the power.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A folder cannot be opened here, and its entries are the file system's to keep.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn is_same(path: &Path, mut bytes: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; COMPARED_BYTES];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        match bytes.split_at_checked(read) {
            _ if read == 0 => return Ok(bytes.is_empty()),
            Some((same, rest)) if *same == buffer[..read] => bytes = rest,
            _ => return Ok(false),
        }
    }
}

/// What the system said, and what to do about it.
fn explain(action: &str, path: &Path, error: &io::Error) -> StoreError {
    let path = path.display();
    StoreError(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("cannot {action} {path}: the disk is full ({error}). Make room; until then older snapshots serve")
        }
        ErrorKind::FileTooLarge => {
            format!("cannot {action} {path}: it is larger than a file may be here ({error}). Raise that limit")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            format!("cannot {action} {path}: not allowed ({error}). Let the user that runs vigie write there")
        }
        ErrorKind::NotFound => format!("cannot {action} {path}: it is not there ({error}). Is its disk mounted?"),
        _ => format!("cannot {action} {path}: {error}"),
    })
}

#[cfg(test)]
mod tests;
