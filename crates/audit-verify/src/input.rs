//! Policy, known head and receipts from files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use aal_ledger::proof::open_checkpoint;
use aal_ledger::{Checkpoint, TrustPolicy};
use aal_verify::{MAX_RECEIPT_LINE, Receipts, ReceiptsError};

/// Longest policy or checkpoint, in bytes.
const MAX_SMALL_FILE: u64 = 1 << 20;

/// Why nothing was verified; exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: {reason}", file.display())]
    NoBundle { file: PathBuf, reason: String },
    #[error("the policy {}: {reason}", file.display())]
    Policy { file: PathBuf, reason: String },
    #[error("the known head {}: {reason}", file.display())]
    KnownHead { file: PathBuf, reason: String },
    #[error("the receipts {}: line {line}: {reason}", file.display())]
    ReceiptLine {
        file: PathBuf,
        line: u64,
        reason: String,
    },
    #[error("the receipts {}: {source}", file.display())]
    Receipts { file: PathBuf, source: ReceiptsError },
}

fn small_file(path: &Path) -> Result<Vec<u8>, InputError> {
    let failed = |source| InputError::File {
        file: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_SMALL_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_SMALL_FILE {
        let reason = format!("it is longer than {MAX_SMALL_FILE} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, reason)));
    }
    Ok(bytes)
}

/// The pinned policy.
///
/// # Errors
/// When the file cannot be read or is no policy.
pub fn read_policy(path: &Path) -> Result<TrustPolicy, InputError> {
    let refuse = |reason: String| InputError::Policy {
        file: path.to_owned(),
        reason,
    };
    let text = String::from_utf8(small_file(path)?).map_err(|_| refuse("it is not UTF-8".to_owned()))?;
    TrustPolicy::parse(&text).map_err(|error| refuse(error.to_string()))
}

/// A checkpoint kept from before, which a pinned key must have signed.
///
/// # Errors
/// When the file cannot be read or is no such checkpoint.
pub fn read_known_head(path: &Path, policy: &TrustPolicy) -> Result<Checkpoint, InputError> {
    open_checkpoint(&small_file(path)?, policy).map_err(|error| InputError::KnownHead {
        file: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Receipts, one line each.
///
/// # Errors
/// When the file cannot be read, a line is too long, there are too many, or the policy pins no receipt key.
pub fn read_receipts(path: &Path, policy: &TrustPolicy) -> Result<Receipts, InputError> {
    let file = || path.to_owned();
    let refused = |source| InputError::Receipts { file: file(), source };
    let failed = |source| InputError::File { file: file(), source };
    let mut receipts = Receipts::new(policy).map_err(refused)?;
    let mut input = BufReader::new(File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = MAX_RECEIPT_LINE as u64 + 1;
        if input
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(failed)?
            == 0
        {
            break;
        }
        let bad = |reason: &str| InputError::ReceiptLine {
            file: file(),
            line: number,
            reason: reason.to_owned(),
        };
        if line.len() as u64 == limit {
            return Err(bad("it is too long for a receipt"));
        }
        let text = std::str::from_utf8(&line).map_err(|_| bad("it is not UTF-8"))?;
        receipts.add_line(number, text, policy).map_err(refused)?;
    }
    Ok(receipts)
}
