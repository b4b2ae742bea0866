//! The few operations on an object store that the anchor needs.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

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
}

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
}

fn failed(path: &str, error: Error) -> ObjectsError {
    ObjectsError {
        path: path.to_owned(),
        source: Box::new(error),
    }
}
