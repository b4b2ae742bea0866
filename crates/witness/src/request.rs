//! The body of `add-checkpoint`: old size, consistency proof, checkpoint.

use aal_ledger::{Checkpoint, Hash, Note};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most hashes of a consistency proof in a request.
pub const MAX_PROOF_LINES: usize = 63;
/// Longest request body in bytes: room for sixteen ML-DSA-44 signatures and the longest proof.
pub const MAX_REQUEST_BYTES: usize = 128 << 10;

/// A request whose form is right; nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size that the client believes the witness to know; 0: none.
    pub old_size: u64,
    /// Consistency proof from the old size, RFC 6962 section 2.1.2.
    pub proof: Vec<Hash>,
    pub note: Note,
    pub checkpoint: Checkpoint,
}

/// Why a body is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("body has {0} bytes, at most {MAX_REQUEST_BYTES} are allowed")]
    TooLong(usize),
    #[error("body must be a line \"old SIZE\", lines of base64 hashes, an empty line, and a checkpoint")]
    Form,
    #[error("more than {MAX_PROOF_LINES} proof lines")]
    TooManyHashes,
    #[error("checkpoint: {0}")]
    Checkpoint(String),
}

impl AddCheckpoint {
    /// The request of these bytes.
    ///
    /// # Errors
    /// On anything that is not exactly a request.
    pub fn parse(body: &[u8]) -> Result<AddCheckpoint, RequestError> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong(body.len()));
        }
        let text = std::str::from_utf8(body).map_err(|_| RequestError::Form)?;
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::Form)?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old_size.and_then(decimal).ok_or(RequestError::Form)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF_LINES {
                return Err(RequestError::TooManyHashes);
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            proof.push(hash.ok_or(RequestError::Form)?);
        }
        let note =
            Note::parse(note.as_bytes()).map_err(|error| RequestError::Checkpoint(error.to_string()))?;
        let checkpoint = Checkpoint::parse_text(&note.text);
        let checkpoint = checkpoint.map_err(|error| RequestError::Checkpoint(error.to_string()))?;
        Ok(AddCheckpoint {
            old_size,
            proof,
            note,
            checkpoint,
        })
    }

    /// The body to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.note.to_bytes());
        bytes
    }
}

/// ASCII digits without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}
