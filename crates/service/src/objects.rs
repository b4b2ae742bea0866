//! The object store by its URL: reports, anchors and bundles go there.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

/// Why an object store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The URL names a kind of store this build does not have.
    #[error("object store url {url:?} is not supported; use file:///absolute/directory")]
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
}

/// Opens the store at `url`. `file:///dir` makes the directory when it is missing.
///
/// # Errors
/// See [`ObjectsError`].
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
    let path = url.strip_prefix("file://").filter(|path| path.starts_with('/'));
    let Some(path) = path else {
        return Err(ObjectsError::Unsupported { url: url.to_owned() });
    };
    let path = PathBuf::from(path);
    std::fs::create_dir_all(&path).map_err(|error| ObjectsError::Directory {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let store = LocalFileSystem::new_with_prefix(&path)
        .map_err(|error| ObjectsError::Directory {
            path: path.clone(),
            reason: error.to_string(),
        })?
        // A report must survive a power cut once its job says it is finished.
        .with_fsync(true);
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
}
