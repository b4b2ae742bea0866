//! A directory as an object store that can also replace an object only if it is still the one that was read.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UpdateVersion,
};
use rustix::fs::{FlockOperation, flock};

/// Longest wait for others that replace an object in the same directory.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_RETRY: Duration = Duration::from_millis(5);

/// The files below one directory. Like [`LocalFileSystem`], but [`PutMode::Update`] works: comparing and replacing
/// happen under a lock on the directory, which processes on other machines do not see.
#[derive(Debug)]
pub(super) struct Directory {
    files: LocalFileSystem,
    root: PathBuf,
}

impl Directory {
    pub(super) fn open(root: PathBuf) -> Result<Directory> {
        // What is written must survive a power cut once it is acknowledged.
        let files = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Directory { files, root })
    }

    async fn replace(&self, path: &Path, payload: PutPayload, read: UpdateVersion) -> Result<PutResult> {
        let root = self.root.clone();
        let locked = tokio::task::spawn_blocking(move || lock(&root)).await?;
        // Released when it is dropped, at the end of this function.
        let _lock = locked.map_err(|source| Error::Generic {
            store: "directory",
            source: Box::new(source),
        })?;
        let current = self.files.head(path).await?;
        if current.e_tag != read.e_tag {
            return Err(Error::Precondition {
                path: path.to_string(),
                source: "it was replaced meanwhile".into(),
            });
        }
        self.files.put(path, payload).await
    }
}

fn lock(root: &std::path::Path) -> std::io::Result<File> {
    let directory = File::open(root)?;
    let began = Instant::now();
    loop {
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(directory),
            Err(error) if began.elapsed() > LOCK_WAIT => return Err(error.into()),
            Err(_) => std::thread::sleep(LOCK_RETRY),
        }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "directory {}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for Directory {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match options.mode {
            PutMode::Update(version) => self.replace(location, payload, version).await,
            _ => self.files.put_opts(location, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}
