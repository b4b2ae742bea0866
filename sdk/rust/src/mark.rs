//! How far an instance had counted when it was killed, so that even its last lost events show as a gap.
//!
//! Beside the spool lies one small file per running layer: the next sequence number and who counts. A later process that
//! finds the file unlocked sends one *closing event* with that next number: whatever the ledger lacks below it was lost.
//! A clean end removes the file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::spool::{adopt, create_private, files};

const MARK: &str = "mark";
/// Digits of the number at the file's beginning, which is written over in place.
const DIGITS: usize = 20;

/// The counter of one layer. The kernel keeps what was written when the process dies.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    path: PathBuf,
}

impl Mark {
    pub(crate) fn new(directory: &Path, instance: &str, epoch: u64) -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{epoch}-{}-{made}.{MARK}", process::id()));
        let mut file = create_private(&path)?;
        file.lock()?;
        let who = json!({"instance": instance, "epoch": epoch});
        file.write_all(format!("{:0DIGITS$} {who}\n", 0).as_bytes())?;
        Ok(Self { file, path })
    }

    /// The numbering has advanced to `next`.
    pub(crate) fn note(&mut self, next: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(format!("{next:0DIGITS$}").as_bytes())
    }

    /// A clean end: nothing to tell.
    pub(crate) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// The `source` of each killed instance's closing event, with the file to remove once that event waits for delivery.
pub(crate) fn orphans(directory: &Path) -> Vec<(PathBuf, Value)> {
    let read = |path: PathBuf| {
        let mut text = String::new();
        adopt(&path)?.read_to_string(&mut text).ok()?;
        let (next, who) = text.split_once(' ')?;
        let who: Value = serde_json::from_str(who).ok()?;
        let next: u64 = next.parse().ok()?;
        let source = source(who["instance"].as_str()?, who["epoch"].as_u64()?, next);
        Some((path, source))
    };
    files(directory, MARK).into_iter().filter_map(read).collect()
}

/// Who counts, and how far.
pub(crate) fn source(instance: &str, epoch: u64, sequence: u64) -> Value {
    json!({
        "sdk": "audit-layer-rust",
        "version": env!("CARGO_PKG_VERSION"),
        "instance": instance,
        "epoch": epoch,
        "sequence": sequence,
    })
}

/// An event that only says: so many events were numbered before me.
pub(crate) fn closing_event(application: &str, source: &Value, reason: &str) -> Bytes {
    let body = json!({"reason": reason, "numbered": source["sequence"]});
    let event = json!({
        "event_id": Uuid::now_v7(),
        "application": application,
        "provider": "audit-layer",
        "operation": "closing",
        "request": {"body": body.to_string()},
        "source": source,
        "tags": {"aal.capture": "closing"},
    });
    event.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_nobody_holds_tells_how_far_its_process_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed = Mark::new(folder.path(), "one", 7).unwrap();
        killed.note(9).unwrap();
        killed.note(10).unwrap();
        let living = Mark::new(folder.path(), "two", 8).unwrap();
        assert!(orphans(folder.path()).is_empty(), "both are held");
        drop(killed);
        std::fs::write(folder.path().join("0.mark"), "no mark").unwrap();
        let found = orphans(folder.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, source("one", 7, 10));
        living.remove().unwrap();
        assert_eq!(files(folder.path(), MARK).len(), 2);
    }
}
