//! What a witness answers, from the request and what it cosigned before. No I/O, no clock.

use aal_ledger::merkle::{empty_root, verify};
use aal_ledger::{Checkpoint, VerifierKey};

use crate::request::AddCheckpoint;

/// Why nothing is cosigned. Each has its status code in C2SP tlog-witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 404.
    #[error("this witness does not know the log {0:?}")]
    UnknownLog(String),
    /// 403.
    #[error("no trusted key of the log signed the checkpoint: {0}")]
    Unsigned(String),
    /// 400.
    #[error("old size {old} is above the checkpoint's size {new}")]
    OldAboveNew { old: u64, new: u64 },
    /// 409 with the size in the body.
    #[error("the checkpoint cosigned last has size {0}, not the old size of the request")]
    OldSize(u64),
    /// 409 with the size in the body.
    #[error("another root of the same size {0} was cosigned before: the log was forked")]
    OtherRoot(u64),
    /// 422.
    #[error("consistency proof does not hold: {0}")]
    Proof(String),
}

/// Whether to cosign, given the keys trusted for the request's origin and the checkpoint cosigned last for it.
///
/// # Errors
/// The refusal, in the order of checks of C2SP tlog-witness.
pub fn decide(
    request: &AddCheckpoint,
    log_keys: &[VerifierKey],
    last: Option<&Checkpoint>,
) -> Result<(), Refusal> {
    let new = &request.checkpoint;
    if log_keys.is_empty() {
        return Err(Refusal::UnknownLog(new.origin.clone()));
    }
    let signed = request.note.verify(log_keys);
    signed.map_err(|error| Refusal::Unsigned(error.to_string()))?;
    if request.old_size > new.size {
        return Err(Refusal::OldAboveNew {
            old: request.old_size,
            new: new.size,
        });
    }
    let last_size = last.map_or(0, |last| last.size);
    if request.old_size != last_size {
        return Err(Refusal::OldSize(last_size));
    }
    let last_root = last.map_or_else(empty_root, |last| last.root);
    if new.size == last_size && new.root != last_root {
        // Of an empty tree there is but one root, so this is no fork but a malformed log.
        return Err(match last_size {
            0 => Refusal::Proof("root of an empty log is wrong".to_owned()),
            size => Refusal::OtherRoot(size),
        });
    }
    if request.old_size == 0 {
        if request.proof.is_empty() {
            return Ok(());
        }
        return Err(Refusal::Proof("it must be empty from size 0".to_owned()));
    }
    let proven = verify::consistency(last_size, new.size, &last_root, &new.root, &request.proof);
    proven.map_err(|error| Refusal::Proof(error.to_string()))
}
