//! Receipts of the edge, kept in a file for `audit verify --receipts`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Why receipts are not kept.
#[derive(Debug, thiserror::Error)]
#[error("--receipts {file}: {source}")]
pub struct ReceiptsError {
    file: PathBuf,
    source: io::Error,
}

/// A file of receipts, one line each. What it holds already stays.
#[derive(Debug)]
pub struct ReceiptsFile {
    path: PathBuf,
    file: File,
}

impl ReceiptsFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> Result<ReceiptsFile, ReceiptsError> {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let file = opened.map_err(|source| ReceiptsError {
            file: path.to_owned(),
            source,
        })?;
        Ok(ReceiptsFile {
            path: path.to_owned(),
            file,
        })
    }

    /// Adds a receipt; it is in the file when this returns, whatever becomes of the process.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, receipt: &str) -> Result<(), ReceiptsError> {
        let line = format!("{receipt}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|source| self.failed(source))
    }

    /// Returns once the receipts survive a power failure.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn sync(&self) -> Result<(), ReceiptsError> {
        self.file.sync_all().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> ReceiptsError {
        ReceiptsError {
            file: self.path.clone(),
            source,
        }
    }
}

/// Adds a receipt to the file, where one is wanted.
///
/// # Errors
/// As [`ReceiptsFile::keep`].
pub fn keep(file: &mut Option<ReceiptsFile>, receipt: Option<&str>) -> Result<(), ReceiptsError> {
    match (file, receipt) {
        (Some(file), Some(receipt)) => file.keep(receipt),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_added_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        for lines in [["a", "b"], ["c", "d"]] {
            let mut file = Some(ReceiptsFile::open(&path).unwrap());
            for line in lines {
                keep(&mut file, Some(line)).unwrap();
            }
            keep(&mut file, None).unwrap();
            file.unwrap().sync().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\nc\nd\n");
        let refused = ReceiptsFile::open(&folder.path().join("none/receipts")).unwrap_err();
        assert!(refused.to_string().starts_with("--receipts "), "{refused}");
    }
}
