//! The few operations on an object store that the anchor needs.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion};

/// How often a write that must follow what it read is tried again because somebody else wrote in between.
const ADVANCE_TRIES: usize = 5;

/// Why an object could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("anchor object {path}")]
pub struct ObjectsError {
    pub path: String,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Named byte strings outside ClickHouse: a directory, S3 with object lock, memory. Each write is whole or not at all.
#[async_trait]
pub trait Objects: Send + Sync {
    /// The object, or `None` when there is none.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, ObjectsError>;

    /// Writes the object unless there is one; says whether it wrote.
    async fn create(&self, path: &str, bytes: Bytes) -> Result<bool, ObjectsError>;

    /// Writes the object, over an older one too.
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), ObjectsError>;

    /// Writes the object if there is none or `is_older` says so of the one there, and only over the very one that
    /// was looked at; says whether it wrote. So nobody who was stopped in between can put something old over
    /// something new.
    async fn advance(&self, path: &str, bytes: Bytes, is_older: IsOlder<'_>) -> Result<bool, ObjectsError>;

    /// Paths of all objects in a folder and the folders in it.
    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError>;

    /// Removes the object. Done, too, when there is none.
    async fn delete(&self, path: &str) -> Result<(), ObjectsError>;
}

/// Whether an object with these bytes is older than the one to be written.
pub type IsOlder<'f> = &'f (dyn Fn(&[u8]) -> bool + Send + Sync);

/// An object store below a prefix. For a local directory switch `with_fsync(true)` on, or a power cut may lose what
/// was signed.
#[async_trait]
impl Objects for Arc<dyn ObjectStore> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, ObjectsError> {
        let read = async { self.as_ref().get(&Path::from(path)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(path, error)),
        }
    }

    async fn create(&self, path: &str, bytes: Bytes) -> Result<bool, ObjectsError> {
        let options = PutOptions::from(PutMode::Create);
        match self.put_opts(&Path::from(path), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed(path, error)),
        }
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), ObjectsError> {
        let written = self
            .put_opts(&Path::from(path), bytes.into(), PutOptions::default())
            .await;
        written.map(drop).map_err(|error| failed(path, error))
    }

    async fn advance(&self, path: &str, bytes: Bytes, is_older: IsOlder<'_>) -> Result<bool, ObjectsError> {
        let location = Path::from(path);
        for _ in 0..ADVANCE_TRIES {
            let mode = match self.as_ref().get(&location).await {
                Err(Error::NotFound { .. }) => PutMode::Create,
                Err(error) => return Err(failed(path, error)),
                Ok(found) => {
                    let version = UpdateVersion {
                        e_tag: found.meta.e_tag.clone(),
                        version: found.meta.version.clone(),
                    };
                    let current = found.bytes().await.map_err(|error| failed(path, error))?;
                    if current == bytes {
                        return Ok(true);
                    }
                    if !is_older(&current) {
                        return Ok(false);
                    }
                    PutMode::Update(version)
                }
            };
            let put = self.put_opts(&location, bytes.clone().into(), PutOptions::from(mode));
            match put.await {
                Ok(_) => return Ok(true),
                // Somebody wrote in between: look again.
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                Err(error) => return Err(failed(path, error)),
            }
        }
        Err(ObjectsError {
            path: path.to_owned(),
            source: "it is being written by others all the time".into(),
        })
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        let found = self.as_ref().list(Some(&Path::from(folder)));
        let paths = found.map_ok(|meta| meta.location.to_string()).try_collect();
        paths.await.map_err(|error| failed(folder, error))
    }

    async fn delete(&self, path: &str) -> Result<(), ObjectsError> {
        match self.as_ref().delete(&Path::from(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(path, error)),
        }
    }
}

fn failed(path: &str, error: Error) -> ObjectsError {
    ObjectsError {
        path: path.to_owned(),
        source: Box::new(error),
    }
}
