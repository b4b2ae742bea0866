//! The segment files of one directory. Blocking; owned by the spool's thread.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::{
    SpoolError,
    form::{MAGIC, Record, parse},
};
use crate::gateway::config::SpoolConfig;

const SUFFIX: &str = ".spool";
const DAMAGED_SUFFIX: &str = ".damaged";

/// A segment's content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) records: Vec<Record>,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    bytes: u64,
    records: u64,
}

/// All segments; the one being written is the last.
#[derive(Debug)]
pub(super) struct Segments {
    directory: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    sizes: BTreeMap<u64, Size>,
    active: Option<(u64, File)>,
    next: u64,
    _lock: File,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError + '_ {
    |source| SpoolError::Io {
        path: path.to_owned(),
        source,
    }
}

impl Segments {
    pub(super) fn open(config: &SpoolConfig) -> Result<Self, SpoolError> {
        let directory = config.directory.clone();
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(at(&directory))?;
        let lock = lock(&directory)?;
        let mut segments = Self {
            max_bytes: config.max_bytes,
            segment_bytes: config.segment_bytes,
            sizes: BTreeMap::new(),
            active: None,
            next: 0,
            _lock: lock,
            directory,
        };
        segments.find()?;
        Ok(segments)
    }

    /// What an earlier gateway left.
    fn find(&mut self) -> Result<(), SpoolError> {
        let entries = fs::read_dir(&self.directory).map_err(at(&self.directory))?;
        for entry in entries {
            let entry = entry.map_err(at(&self.directory))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Numbers of damaged files are not used again either.
            let digits = name.split('.').next().unwrap_or_default();
            let Ok(number) = digits.parse::<u64>() else {
                continue;
            };
            self.next = self.next.max(number + 1);
            if name.strip_suffix(SUFFIX) != Some(digits) {
                continue;
            }
            let bytes = fs::read(entry.path()).map_err(at(&entry.path()))?;
            let size = Size {
                bytes: bytes.len() as u64,
                records: parse(&bytes).records.len() as u64,
            };
            self.sizes.insert(number, size);
        }
        Ok(())
    }

    pub(super) fn records(&self) -> u64 {
        self.sizes.values().map(|size| size.records).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.sizes.values().map(|size| size.bytes).sum()
    }

    fn path(&self, number: u64, suffix: &str) -> PathBuf {
        self.directory.join(format!("{number:020}{suffix}"))
    }

    /// Writes one record at the end. A record that fails to be written leaves nothing behind.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), SpoolError> {
        let length = record.key.len() + record.value.len();
        let bytes = record.to_bytes().ok_or(SpoolError::TooLong(length))?;
        let added = bytes.len() as u64;
        if self.bytes() + added > self.max_bytes {
            return Err(SpoolError::Full(self.max_bytes));
        }
        let (number, size) = self.active_segment()?;
        let path = self.path(number, SUFFIX);
        let Some((_, file)) = &mut self.active else {
            return Err(SpoolError::Closed);
        };
        if let Err(source) = file.write_all(&bytes) {
            // Half a record must not stand before the next one.
            let mended = file.set_len(size.bytes);
            self.active = None;
            if mended.is_err() {
                tracing::error!(path = %path.display(), "a half-written spool record could not be removed");
            }
            return Err(SpoolError::Io { path, source });
        }
        let size = Size {
            bytes: size.bytes + added,
            records: size.records + 1,
        };
        self.sizes.insert(number, size);
        if size.bytes >= self.segment_bytes {
            self.sync()?;
            self.active = None;
        }
        Ok(())
    }

    fn active_segment(&mut self) -> Result<(u64, Size), SpoolError> {
        if let Some((number, _)) = &self.active
            && let Some(size) = self.sizes.get(number)
        {
            return Ok((*number, *size));
        }
        let number = self.next;
        let path = self.path(number, SUFFIX);
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        self.next += 1;
        file.write_all(MAGIC).map_err(at(&path))?;
        // The directory entry must survive a power failure, too.
        let directory = File::open(&self.directory).map_err(at(&self.directory))?;
        directory.sync_all().map_err(at(&self.directory))?;
        self.active = Some((number, file));
        let size = Size {
            bytes: MAGIC.len() as u64,
            records: 0,
        };
        self.sizes.insert(number, size);
        Ok((number, size))
    }

    /// Forces what was appended to the disk.
    pub(super) fn sync(&mut self) -> Result<(), SpoolError> {
        match &self.active {
            Some((number, file)) => file.sync_data().map_err(at(&self.path(*number, SUFFIX))),
            None => Ok(()),
        }
    }

    /// The oldest segment. It is closed for writing first; a torn end is left out, damage elsewhere is set aside.
    pub(super) fn oldest(&mut self) -> Result<Option<Segment>, SpoolError> {
        let Some((&number, &size)) = self.sizes.first_key_value() else {
            return Ok(None);
        };
        if self.active.as_ref().is_some_and(|(active, _)| *active == number) {
            self.sync()?;
            self.active = None;
        }
        let path = self.path(number, SUFFIX);
        let bytes = fs::read(&path).map_err(at(&path))?;
        let parsed = parse(&bytes);
        if let Some(damaged_at) = parsed.damaged_at {
            let kept = self.path(number, DAMAGED_SUFFIX);
            tracing::warn!(
                path = %kept.display(), damaged_at, readable = parsed.records.len(),
                "a spool file ends in the middle of a record, or is damaged; a copy is kept"
            );
            fs::copy(&path, &kept).map_err(at(&kept))?;
        }
        let records = parsed.records.len() as u64;
        self.sizes.insert(
            number,
            Size {
                records: records.max(size.records),
                ..size
            },
        );
        Ok(Some(Segment {
            number,
            records: parsed.records,
        }))
    }

    /// Removes a segment; answers how many records it counted for.
    pub(super) fn remove(&mut self, number: u64) -> Result<u64, SpoolError> {
        let path = self.path(number, SUFFIX);
        fs::remove_file(&path).map_err(at(&path))?;
        Ok(self.sizes.remove(&number).map_or(0, |size| size.records))
    }
}

fn lock(directory: &Path) -> Result<File, SpoolError> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(at(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(SpoolError::InUse(directory.to_owned())),
        Err(errno) => Err(SpoolError::Io {
            path,
            source: errno.into(),
        }),
    }
}
