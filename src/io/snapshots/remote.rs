//! Owns snapshots in a bucket of an object store.
//!
//! There is no temporary name here: an object appears under its name only once its upload is complete, and whole. What an
//! upload in parts leaves behind when its process is killed is invisible, and the bucket's own rule on incomplete uploads
//! clears it away.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, WriteMultipart, parse_url_opts};
use tokio::runtime::Runtime;
use url::Url;

use super::{Found, PointHook, epoch_of, file_name, folder_name, partition_of};
use crate::base::Instant;
use crate::runtime::{Point, SnapshotName, StoreError};

/// What is larger goes up in parts.
const WHOLE_BYTES_MAX: usize = 16 << 20;
/// Bytes of a part.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at a time.
const PARTS_MAX: usize = 4;
/// The beginnings of environment variables that the stores go by.
const VARIABLES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// Settings of a store, by the names that they have in the environment.
type Variables = Vec<(String, String)>;

/// The snapshots of a group in a bucket.
pub(super) struct Remote {
    store: Arc<dyn ObjectStore>,
    /// The group's path in the bucket.
    path: Path,
    /// How the place is called in messages.
    place: String,
    /// One thread for all handles: a connection lives on the runtime that opened it.
    runtime: Runtime,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The store itself may hold credentials.
        f.debug_struct("Remote").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Remote {
    pub(super) fn open(url: &Url, group: &str, variables: Variables) -> Result<Remote, StoreError> {
        let (store, path) = parse_url_opts(url, variables).map_err(|error| {
            StoreError(format!(
                "cannot open {url} for snapshots: {error}. Check AWS_..., GOOGLE_... or AZURE_... in the environment"
            ))
        })?;
        Remote::on(store.into(), path.join(group), url.to_string())
    }

    fn on(store: Arc<dyn ObjectStore>, path: Path, place: String) -> Result<Remote, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("snapshot-store")
            .enable_all()
            .build()
            .map_err(|error| StoreError(format!("no thread can be started for snapshots: {error}")))?;
        Ok(Remote { store, path, place, runtime })
    }

    pub(super) fn list(&self, partition: u32) -> Result<Vec<u64>, StoreError> {
        let folder = self.path.clone().join(folder_name(partition));
        let listed = self.runtime.block_on(self.store.list_with_delimiter(Some(&folder)));
        let objects = listed.map_err(|error| self.explain("list", &folder, &error))?.objects;
        Ok(objects.iter().filter_map(|object| epoch_of(object.location.filename()?)).collect())
    }

    pub(super) fn all(&self) -> Result<Vec<Found>, StoreError> {
        let listed = self.runtime.block_on(self.store.list(Some(&self.path)).collect::<Vec<_>>());
        let objects = listed.into_iter().collect::<object_store::Result<Vec<_>>>();
        let objects = objects.map_err(|error| self.explain("list", &self.path, &error))?;
        let found = objects.iter().filter_map(|object| {
            let mut parts = object.location.prefix_match(&self.path)?;
            let partition = partition_of(parts.next()?.as_ref())?;
            let epoch = epoch_of(parts.next()?.as_ref()).filter(|_| parts.next().is_none())?;
            let written = Instant::from_nanos(object.last_modified.timestamp_nanos_opt()?);
            Some(Found { name: SnapshotName { partition, epoch }, bytes: object.size, written })
        });
        Ok(found.collect())
    }

    pub(super) fn load(&self, name: SnapshotName) -> Result<Vec<u8>, StoreError> {
        let path = self.path_of(name);
        let loaded = self.runtime.block_on(async { self.store.get(&path).await?.bytes().await });
        loaded.map(Vec::from).map_err(|error| self.explain("read", &path, &error))
    }

    pub(super) fn delete(&self, name: SnapshotName) -> Result<(), StoreError> {
        let path = self.path_of(name);
        match self.runtime.block_on(self.store.delete(&path)) {
            Err(error) if !matches!(error, Error::NotFound { .. }) => Err(self.explain("delete", &path, &error)),
            _ => Ok(()),
        }
    }

    /// Uploads a snapshot and reads it back. Its upload stands for writing, syncing and renaming at once.
    pub(super) fn write(&self, name: SnapshotName, bytes: Vec<u8>, hook: &PointHook) -> Result<(), StoreError> {
        let (path, bytes) = (self.path_of(name), Bytes::from(bytes));
        hook(Point::BeforeSnapshotWrite);
        let uploaded = self.runtime.block_on(self.upload(&path, &bytes));
        uploaded.map_err(|error| self.explain("write", &path, &error))?;
        for point in [Point::AfterSnapshotWrite, Point::AfterSnapshotFsync, Point::AfterSnapshotRename] {
            hook(point);
        }
        let is_same = self.runtime.block_on(self.is_same(&path, &bytes));
        if is_same.map_err(|error| self.explain("read back", &path, &error))? {
            return Ok(());
        }
        self.delete(name)?;
        Err(StoreError(format!(
            "the snapshot {path} of {} reads back other than it was written, and is deleted",
            self.place
        )))
    }

    async fn upload(&self, path: &Path, bytes: &Bytes) -> object_store::Result<()> {
        if bytes.len() <= WHOLE_BYTES_MAX {
            return self.store.put(path, bytes.clone().into()).await.map(drop);
        }
        let mut upload = WriteMultipart::new_with_chunk_size(self.store.put_multipart(path).await?, PART_BYTES);
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes.len().min(start + PART_BYTES);
            if let Err(error) = upload.wait_for_capacity(PARTS_MAX).await {
                if let Err(left) = upload.abort().await {
                    tracing::warn!("parts of {path} stay in {} until its own rule clears them: {left}", self.place);
                }
                return Err(error);
            }
            upload.put(bytes.slice(start..end));
            start = end;
        }
        // Where this fails it aborts the upload by itself.
        upload.finish().await.map(drop)
    }

    async fn is_same(&self, path: &Path, bytes: &Bytes) -> object_store::Result<bool> {
        let mut stream = self.store.get(path).await?.into_stream();
        let mut rest = &bytes[..];
        while let Some(part) = stream.next().await {
            match rest.strip_prefix(&part?[..]) {
                Some(after) => rest = after,
                None => return Ok(false),
            }
        }
        Ok(rest.is_empty())
    }

    fn path_of(&self, name: SnapshotName) -> Path {
        self.path.clone().join(folder_name(name.partition)).join(file_name(name.epoch))
    }

    fn explain(&self, action: &str, path: &Path, error: &Error) -> StoreError {
        let place = &self.place;
        StoreError(match error {
            Error::NotFound { .. } => format!("cannot {action} {path} in {place}: it is not there"),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                format!(
                    "cannot {action} {path} in {place}: not allowed ({error}). Check the credentials in the environment"
                )
            }
            _ => format!("cannot {action} {path} in {place}: {error}"),
        })
    }
}

/// The settings of the stores, credentials among them: from the environment and from nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "credentials come from the environment alone, where the stores look for them"
)]
pub(super) fn variables() -> Variables {
    let is_setting = |name: &str| VARIABLES.iter().any(|beginning| name.starts_with(beginning));
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_setting(name))
        .collect()
}

#[cfg(test)]
mod tests;
