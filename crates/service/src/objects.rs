//! The object store by its URL: reports, anchors and bundles go there.

mod directory;
mod s3;

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use serde::Deserialize;

use directory::Directory;
use s3::Bucket;

/// Where objects are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsConfig {
    /// `file:///absolute/directory` or `s3://bucket/folder`.
    pub url: String,
    /// Another S3 server than AWS, such as `https://minio.example.com`; `http://` only on this machine.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The bucket's region; else AWS_REGION, else us-east-1.
    #[serde(default)]
    pub region: Option<String>,
    /// Refuse to start unless the bucket keeps every object in compliance mode for at least so many days.
    #[serde(default)]
    pub object_lock_days: Option<u32>,
}

impl ObjectsConfig {
    /// A store without more settings than its URL.
    pub fn at(url: impl Into<String>) -> ObjectsConfig {
        ObjectsConfig {
            url: url.into(),
            ..ObjectsConfig::default()
        }
    }
}

/// Why an object store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The URL names a kind of store this build does not have.
    #[error(
        "object store url {url:?} is not supported; use file:///absolute/directory or s3://bucket/folder"
    )]
    Unsupported {
        /// The URL as configured.
        url: String,
    },
    /// The directory cannot be made or opened.
    #[error("cannot open object directory {path}: {reason}; check the path and its permissions")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The bucket cannot be used as configured.
    #[error("cannot use object store {url:?}: {reason}")]
    Bucket {
        /// The URL as configured.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The store does not protect objects as `object_lock_days` demands.
    #[error("bucket {bucket:?} does not lock objects for {days} days (`object_lock_days`): {reason}")]
    Lock {
        /// The bucket; the directory's URL where there is none.
        bucket: String,
        /// The days demanded.
        days: u32,
        /// What is wrong.
        reason: String,
    },
}

/// Opens the store at `url` with no more settings than that.
///
/// # Errors
/// See [`ObjectsError`].
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    if url.starts_with("s3://") {
        return Ok(Bucket::open(&ObjectsConfig::at(url))?.into_store());
    }
    open_directory(url)
}

/// Opens the store and makes sure that it locks objects where that is demanded. `file:///dir` makes the directory
/// when it is missing.
///
/// # Errors
/// See [`ObjectsError`].
pub async fn open_checked(config: &ObjectsConfig) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    if !config.url.starts_with("s3://") {
        return match config.object_lock_days {
            None => open_directory(&config.url),
            Some(days) => Err(ObjectsError::Lock {
                bucket: config.url.clone(),
                days,
                reason: "a directory locks nothing".to_owned(),
            }),
        };
    }
    let bucket = Bucket::open(config)?;
    if let Some(days) = config.object_lock_days {
        bucket.require_lock(days).await?;
    }
    Ok(bucket.into_store())
}

fn open_directory(url: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    let path = url.strip_prefix("file://").filter(|path| path.starts_with('/'));
    let Some(path) = path else {
        return Err(ObjectsError::Unsupported { url: url.to_owned() });
    };
    let path = PathBuf::from(path);
    std::fs::create_dir_all(&path).map_err(|error| ObjectsError::Directory {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let store = Directory::open(path.clone()).map_err(|error| ObjectsError::Directory {
        path,
        reason: error.to_string(),
    })?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::path::Path;

    #[tokio::test]
    async fn a_directory_is_made_and_used() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}/a/b", dir.path().display());
        let store = open(&url).unwrap();
        store.put(&Path::from("x/y"), "text".into()).await.unwrap();
        assert_eq!(std::fs::read(dir.path().join("a/b/x/y")).unwrap(), b"text");
        assert!(open("ftp://host/").unwrap_err().to_string().contains("file:///"));
        assert!(open("file://relative").is_err());
    }

    #[tokio::test]
    async fn only_what_was_read_is_replaced() {
        use object_store::{Error, PutMode, PutOptions, UpdateVersion};
        let dir = tempfile::tempdir().unwrap();
        let store = open(&format!("file://{}", dir.path().display())).unwrap();
        let path = Path::from("latest");
        store.put(&path, "1".into()).await.unwrap();
        let read = store.head(&path).await.unwrap();
        let update = |e_tag: Option<String>, text: &'static str| {
            let version = UpdateVersion { e_tag, version: None };
            let options = PutOptions::from(PutMode::Update(version));
            let (store, path) = (store.clone(), path.clone());
            async move { store.put_opts(&path, text.into(), options).await }
        };
        update(read.e_tag.clone(), "2").await.unwrap();
        let late = update(read.e_tag, "1 again").await;
        assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
        assert_eq!(std::fs::read(dir.path().join("latest")).unwrap(), b"2");
    }

    #[tokio::test]
    async fn a_directory_cannot_promise_a_lock() {
        let dir = tempfile::tempdir().unwrap();
        let config = ObjectsConfig {
            object_lock_days: Some(1),
            ..ObjectsConfig::at(format!("file://{}", dir.path().display()))
        };
        let refused = open_checked(&config).await.unwrap_err().to_string();
        assert!(refused.contains("object_lock_days"), "{refused}");
    }
}
