//! C2SP tlog-checkpoints of exactly three lines (ledger-format.md section 7).

use crate::codec::{parse_base64_array, parse_u64, to_base64};
use crate::cosignature::{CosignError, Cosigner};
use crate::hash::Hash;
use crate::note::{Note, NoteError};
use crate::vkey::{Algorithm, NoteSigner, VerifierKey};

/// Size and root of a log, under the log's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's unique name.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// RFC 9162 root of that many leaves.
    pub root: Hash,
}

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("checkpoint must be three lines: origin, decimal size, base64 root")]
    Form,
    #[error("checkpoint is of {found:?}, expected {expected:?}")]
    Origin { expected: String, found: String },
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Cosign(#[from] CosignError),
    #[error("checkpoint lacks a signature of algorithm {0:?}, which the policy requires")]
    Algorithm(Algorithm),
}

impl Checkpoint {
    /// The signed text.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, to_base64(&self.root))
    }

    /// The checkpoint of a note's text.
    ///
    /// # Errors
    /// On anything but exactly three lines in their one form.
    pub fn parse_text(text: &str) -> Result<Checkpoint, CheckpointError> {
        let parse = || {
            let mut lines = text.strip_suffix('\n')?.split('\n');
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let is_over_long = lines.next().is_some();
            if origin.is_empty() || is_over_long {
                return None;
            }
            Some(Checkpoint {
                origin: origin.to_owned(),
                size: parse_u64(size)?,
                root: parse_base64_array(root)?,
            })
        };
        parse().ok_or(CheckpointError::Form)
    }

    /// The signed note of this checkpoint, as bytes.
    ///
    /// # Errors
    /// When the origin cannot be a line, or there is no signer.
    pub fn sign(&self, signers: &[&NoteSigner]) -> Result<Vec<u8>, CheckpointError> {
        let text = self.to_text();
        // An origin with a newline would move the other lines.
        if Checkpoint::parse_text(&text).as_ref() != Ok(self) {
            return Err(CheckpointError::Form);
        }
        Ok(Note::sign(&text, signers)?.to_bytes())
    }

    /// The signed note of this checkpoint with second signatures that state no time: those of the log's own ML-DSA-44
    /// keys. The same keys give the same bytes.
    ///
    /// # Errors
    /// As [`Checkpoint::sign`]; and when a cosigner cannot sign without a time.
    pub fn sign_with(
        &self,
        signers: &[&NoteSigner],
        second: &[&Cosigner],
    ) -> Result<Vec<u8>, CheckpointError> {
        let mut note = self.sign(signers)?;
        for cosigner in second {
            note.extend_from_slice(cosigner.cosign(self, 0)?.to_line().as_bytes());
        }
        Ok(note)
    }

    /// The checkpoint of a note of the given origin which at least one of the keys signed, and those keys.
    ///
    /// # Errors
    /// On a malformed note, another origin, a wrong signature of a known key, or none of a known key.
    pub fn open<'k>(
        note_bytes: &[u8],
        origin: &str,
        known: &'k [VerifierKey],
    ) -> Result<(Checkpoint, Vec<&'k VerifierKey>), CheckpointError> {
        let note = Note::parse(note_bytes)?;
        let signed_by = note.verify(known)?;
        let checkpoint = Checkpoint::parse_text(&note.text)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::Origin {
                expected: origin.to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok((checkpoint, signed_by))
    }
}
