//! Owns how a place of snapshots is named: a folder, or the URL of a bucket.

use std::fmt;
use std::path::PathBuf;

use object_store::ObjectStoreScheme;
use url::Url;

use crate::runtime::StoreError;

/// What a place of snapshots may be.
const EXPECTED: &str = "a folder, or a URL of file://, s3://, gs:// or az://";

/// Where snapshots lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotLocation {
    /// A folder of this machine, or one that several share.
    Folder(PathBuf),
    /// A bucket, or a path in one.
    Bucket(Url),
}

impl SnapshotLocation {
    /// Reads a path or a URL. Credentials are no part of it: they come from the environment.
    ///
    /// # Errors
    /// When it is neither, or holds credentials.
    pub fn parse(text: &str) -> Result<SnapshotLocation, StoreError> {
        if text.is_empty() {
            return Err(StoreError(format!("snapshots should be {EXPECTED}, and is empty")));
        }
        if !text.contains("://") && !text.starts_with("file:") {
            return Ok(SnapshotLocation::Folder(PathBuf::from(text)));
        }
        // What cannot be read may hold a secret: it is not repeated.
        let wrong = |why: &dyn fmt::Display| StoreError(format!("snapshots should be {EXPECTED}: {why}"));
        let url = Url::parse(text).map_err(|error| wrong(&error))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(&"credentials and options come from the environment (AWS_..., GOOGLE_..., AZURE_...)"));
        }
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| wrong(&"file:// should be followed by an absolute path"))?;
            return Ok(SnapshotLocation::Folder(path));
        }
        match ObjectStoreScheme::parse(&url).map(|(scheme, _)| scheme) {
            Ok(
                ObjectStoreScheme::AmazonS3 | ObjectStoreScheme::GoogleCloudStorage | ObjectStoreScheme::MicrosoftAzure,
            ) => Ok(SnapshotLocation::Bucket(url)),
            _ => Err(wrong(&format_args!("{}:// is none", url.scheme()))),
        }
    }
}

impl fmt::Display for SnapshotLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotLocation::Folder(path) => write!(f, "the folder {}", path.display()),
            SnapshotLocation::Bucket(url) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_file_urls_are_folders_and_the_rest_buckets() {
        let folder = |path: &str| Ok(SnapshotLocation::Folder(PathBuf::from(path)));
        assert_eq!(SnapshotLocation::parse("vigie-state"), folder("vigie-state"));
        assert_eq!(SnapshotLocation::parse("/var/lib/vigie"), folder("/var/lib/vigie"));
        assert_eq!(SnapshotLocation::parse("file:///var/lib/my%20vigie"), folder("/var/lib/my vigie"));
        for url in
            ["s3://bucket/path", "gs://bucket", "az://container/path", "https://bucket.s3.eu-west-3.amazonaws.com"]
        {
            assert!(matches!(SnapshotLocation::parse(url), Ok(SnapshotLocation::Bucket(_))), "{url}");
        }
        assert_eq!(SnapshotLocation::parse("s3://bucket/path").expect("a bucket").to_string(), "s3://bucket/path");
    }

    #[test]
    fn what_is_no_place_or_holds_a_secret_is_refused_and_not_repeated() {
        for text in ["", "memory:///", "https://example.com/path", "ftp://host/path", "file://host/path", "s3://"] {
            let error = SnapshotLocation::parse(text).expect_err("refused").0;
            assert!(error.starts_with("snapshots should be a folder, or a URL"), "{error}");
        }
        for text in ["s3://key:hunter2@bucket/path", "az://container/path?sig=hunter2", "s3://bucket#hunter2"] {
            let error = SnapshotLocation::parse(text).expect_err("refused").0;
            assert!(error.contains("environment") && !error.contains("hunter2"), "{error}");
        }
    }
}
