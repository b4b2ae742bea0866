//! Events on disk that cannot be delivered now. They survive the process; a later one of the same host delivers them.
//!
//! A directory of segment files, each a sequence of lines `CRC32 JSON`. Whoever works on a segment holds its lock, so an
//! orphan is a segment whose lock is free. A torn last line fails its CRC and is left out. Segments are removed once
//! everything in them is settled; a crash before that sends them again, which the event ids make harmless.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use crate::{ClientError, context::lock};

const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
const SEGMENT: &str = "ndjson";

/// A directory for events that wait. It holds clear text and is made for its owner alone; clones are the same spool.
#[derive(Debug, Clone)]
pub struct Spool {
    inner: Arc<Mutex<Segments>>,
    pub(crate) directory: PathBuf,
}

#[derive(Debug)]
struct Segments {
    directory: PathBuf,
    most_bytes: u64,
    /// Files whose locks are ours.
    held: BTreeMap<PathBuf, File>,
    own: BTreeSet<PathBuf>,
    writing: Option<PathBuf>,
    made: u64,
}

/// A segment that this process works on.
#[derive(Debug)]
pub(crate) struct Segment {
    pub path: PathBuf,
    pub events: Vec<Bytes>,
    /// Written by this process.
    pub is_own: bool,
}

impl Spool {
    /// Opens a directory, and makes it when it is not there. `most_bytes`: what it may hold; beyond it events are dropped.
    ///
    /// # Errors
    /// [`ClientError::Setup`] when the directory cannot be made.
    pub fn open(directory: impl Into<PathBuf>, most_bytes: u64) -> Result<Self, ClientError> {
        let directory = directory.into();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&directory).map_err(|error| {
            let path = directory.display();
            ClientError::Setup(format!(
                "the spool {path} cannot be made: {error}; give a writable path"
            ))
        })?;
        let segments = Segments {
            directory: directory.clone(),
            most_bytes,
            held: BTreeMap::new(),
            own: BTreeSet::new(),
            writing: None,
            made: 0,
        };
        Ok(Self {
            inner: Arc::new(Mutex::new(segments)),
            directory,
        })
    }

    /// Writes events durably, in order; returns how many there was room for.
    pub(crate) fn append(&self, events: &[Bytes]) -> io::Result<usize> {
        lock(&self.inner).append(events)
    }

    /// The oldest segment that nobody else works on.
    pub(crate) fn oldest(&self) -> Option<Segment> {
        lock(&self.inner).oldest()
    }

    /// What is left of a segment after an attempt; nothing removes it.
    pub(crate) fn replace(&self, path: &Path, events: &[Bytes]) -> io::Result<()> {
        lock(&self.inner).replace(path, events)
    }

    /// Whether there is nothing that this process could deliver.
    pub(crate) fn is_empty(&self) -> bool {
        let mut segments = lock(&self.inner);
        let paths = segments.paths();
        !paths.iter().any(|path| segments.hold(path))
    }

    /// Lets go of every segment, for the next process.
    pub(crate) fn release(&self) {
        let mut segments = lock(&self.inner);
        segments.held.clear();
        segments.writing = None;
    }
}

impl Segments {
    fn paths(&self) -> Vec<PathBuf> {
        files(&self.directory, SEGMENT)
    }

    fn append(&mut self, events: &[Bytes]) -> io::Result<usize> {
        let sizes = self.paths().into_iter().filter_map(|path| path.metadata().ok());
        let taken: u64 = sizes.map(|metadata| metadata.len()).sum();
        let room = self.most_bytes.saturating_sub(taken);
        let (mut data, mut fitting) = (Vec::new(), 0);
        for event in events {
            let line = encode(event);
            if (data.len() + line.len()) as u64 > room {
                break;
            }
            data.extend_from_slice(&line);
            fitting += 1;
        }
        if fitting > 0 {
            let file = self.segment_for(data.len() as u64)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(&data)?;
            file.sync_data()?;
        }
        Ok(fitting)
    }

    /// The segment that is written, or a new one when that is full.
    fn segment_for(&mut self, size: u64) -> io::Result<&mut File> {
        let fits = self.writing.take_if(|path| {
            let length = self.held.get(path).and_then(|file| file.metadata().ok());
            length.is_none_or(|metadata| metadata.len() + size > SEGMENT_BYTES)
        });
        drop(fits);
        let path = match self.writing.clone() {
            Some(path) => path,
            None => {
                self.made += 1;
                let name = format!("{:020}-{}-{}.{SEGMENT}", nanoseconds(), process::id(), self.made);
                let path = self.directory.join(name);
                let file = create_private(&path)?;
                file.lock()?;
                self.held.insert(path.clone(), file);
                self.own.insert(path.clone());
                self.writing = Some(path.clone());
                path
            }
        };
        let held = self.held.get_mut(&path);
        held.ok_or_else(|| io::Error::other("the segment is not held"))
    }

    fn oldest(&mut self) -> Option<Segment> {
        for path in self.paths() {
            if !self.hold(&path) {
                continue;
            }
            if self.writing.as_ref() == Some(&path) {
                self.writing = None;
            }
            let file = self.held.get_mut(&path)?;
            let mut data = Vec::new();
            let read = file
                .seek(SeekFrom::Start(0))
                .and_then(|_| file.read_to_end(&mut data));
            if read.is_err() {
                continue;
            }
            return Some(Segment {
                events: decode(&data),
                is_own: self.own.contains(&path),
                path,
            });
        }
        None
    }

    fn replace(&mut self, path: &Path, events: &[Bytes]) -> io::Result<()> {
        if events.is_empty() {
            self.held.remove(path);
            self.own.remove(path);
            return std::fs::remove_file(path);
        }
        let Some(file) = self.held.get_mut(path) else {
            return Ok(());
        };
        // A crash in between leaves a torn or repeated line: both are harmless.
        let data: Vec<u8> = events.iter().flat_map(|event| encode(event)).collect();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&data)?;
        file.set_len(data.len() as u64)?;
        file.sync_data()
    }

    /// Whether the segment is ours, now if not before.
    fn hold(&mut self, path: &Path) -> bool {
        if self.held.contains_key(path) {
            return true;
        }
        let Some(file) = adopt(path) else { return false };
        self.held.insert(path.to_owned(), file);
        true
    }
}

/// A file of a process that is gone, locked now.
pub(crate) fn adopt(path: &Path) -> Option<File> {
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    file.try_lock().ok()?;
    // Its owner may have removed it between listing and locking.
    path.exists().then_some(file)
}

/// The directory's files with this ending, oldest name first.
pub(crate) fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    paths.sort();
    paths
}

/// A new file that only its owner may read.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn nanoseconds() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_nanos()
}

fn checksum(event: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(event);
    crc.sum()
}

fn encode(event: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x} ", checksum(event)).into_bytes();
    line.extend_from_slice(event);
    line.push(b'\n');
    line
}

fn decode(data: &[u8]) -> Vec<Bytes> {
    let lines = data.split(|byte| *byte == b'\n');
    let events = lines.filter_map(|line| {
        let (crc, event) = line.split_at_checked(9)?;
        let stated = u32::from_str_radix(std::str::from_utf8(&crc[..8]).ok()?, 16).ok()?;
        (stated == checksum(event)).then(|| Bytes::copy_from_slice(event))
    });
    events.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(range: std::ops::Range<u32>) -> Vec<Bytes> {
        range
            .map(|number| Bytes::from(format!("{{\"n\":{number}}}")))
            .collect()
    }

    #[test]
    fn what_was_written_is_there_for_the_next_and_a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let first = Spool::open(folder.path(), 1 << 20).unwrap();
        assert!(first.is_empty());
        assert_eq!(first.append(&events(0..3)).unwrap(), 3);
        let second = Spool::open(folder.path(), 1 << 20).unwrap();
        assert!(second.is_empty(), "somebody works on it");
        first.release();
        let segment = second.oldest().unwrap();
        assert_eq!((segment.events.len(), segment.is_own), (3, false));

        let mut data = std::fs::read(&segment.path).unwrap();
        data.truncate(data.len() - 2);
        std::fs::write(&segment.path, data).unwrap();
        assert_eq!(second.oldest().unwrap().events, events(0..2));
        second.replace(&segment.path, &events(1..2)).unwrap();
        assert_eq!(second.oldest().unwrap().events, events(1..2));
        second.replace(&segment.path, &[]).unwrap();
        assert!(second.is_empty() && !segment.path.exists());
    }

    #[test]
    fn a_full_spool_takes_what_fits() {
        let folder = tempfile::tempdir().unwrap();
        let line = encode(&events(0..1)[0]).len() as u64;
        let spool = Spool::open(folder.path(), line * 2 + 1).unwrap();
        assert_eq!(spool.append(&events(0..5)).unwrap(), 2);
        assert_eq!(spool.append(&events(5..6)).unwrap(), 0);
    }

    #[test]
    fn a_segment_is_closed_when_it_is_full_or_read() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 1 << 30).unwrap();
        let large = [Bytes::from(vec![b'x'; SEGMENT_BYTES as usize - 100])];
        for _ in 0..2 {
            assert_eq!(spool.append(&large).unwrap(), 1);
        }
        assert_eq!(files(folder.path(), SEGMENT).len(), 2);
        spool.oldest();
        spool.append(&events(0..1)).unwrap();
        assert_eq!(spool.oldest().unwrap().events, large);
    }
}
