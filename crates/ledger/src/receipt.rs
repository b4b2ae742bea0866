//! The edge's signed receipt for an accepted event (ledger-format.md section 8).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::codec::{parse_base64_array, parse_i64, parse_key_id, parse_uuid, to_base64};
use crate::hash::{Hash, parse_hex, sha256, to_hex};
use crate::vkey::{NoteSigner, VerifierKey};

const PREFIX: &str = "aal-receipt/v1";

/// A receipt; its text form is one line. Verified only after [`Receipt::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub event_id: Uuid,
    /// SHA-256 of the bytes the edge received.
    pub body_sha256: Hash,
    /// When it received them, µs.
    pub edge_at_us: i64,
    /// Id of the signing key, see [`VerifierKey::id`].
    pub key_id: [u8; 4],
    /// Ed25519 over [`Receipt::signed_text`].
    pub signature: [u8; 64],
}

/// Why a receipt is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("receipt is not of the form aal-receipt/v1 event-id sha256 time key-id signature")]
    Form,
    #[error("receipt was signed by unknown key {0}")]
    UnknownKey(String),
    #[error("receipt of event {0} has a wrong signature")]
    BadSignature(Uuid),
}

impl Receipt {
    /// A receipt signed by the edge; the same facts give the same bytes.
    pub fn sign(event_id: Uuid, body_sha256: Hash, edge_at_us: i64, signer: &NoteSigner) -> Receipt {
        let key_id = signer.verifier_key().id();
        let mut receipt = Receipt {
            event_id,
            body_sha256,
            edge_at_us,
            key_id,
            signature: [0; 64],
        };
        receipt.signature = signer.sign(receipt.signed_text().as_bytes());
        receipt
    }

    /// The line up to the signature. It never ends in a newline, so it can never be the text of a note.
    pub fn signed_text(&self) -> String {
        format!(
            "{PREFIX} {} {} {} {}",
            self.event_id.hyphenated(),
            to_hex(&self.body_sha256),
            self.edge_at_us,
            hex::encode(self.key_id)
        )
    }

    /// Checks the signature with the one of the keys that the receipt names.
    ///
    /// # Errors
    /// When no given key has that id, or its signature is wrong.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<&'k VerifierKey, ReceiptError> {
        let text = self.signed_text();
        let mut candidates = known.iter().filter(|key| key.id() == self.key_id).peekable();
        if candidates.peek().is_none() {
            return Err(ReceiptError::UnknownKey(hex::encode(self.key_id)));
        }
        // Two keys may share a four-byte id, so each is tried.
        candidates
            .find(|key| key.verifies(text.as_bytes(), &self.signature))
            .ok_or(ReceiptError::BadSignature(self.event_id))
    }

    /// `ingress_receipt_hash` of the leaf: SHA-256 of the whole line.
    pub fn hash(&self) -> Hash {
        sha256(self.to_string().as_bytes())
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.signed_text(), to_base64(&self.signature))
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(line: &str) -> Result<Receipt, ReceiptError> {
        let parse = || {
            let fields: Vec<&str> = line.split(' ').collect();
            let [prefix, event_id, body_sha256, edge_at_us, key_id, signature] = fields.as_slice() else {
                return None;
            };
            if *prefix != PREFIX {
                return None;
            }
            Some(Receipt {
                event_id: parse_uuid(event_id)?,
                body_sha256: parse_hex(body_sha256)?,
                edge_at_us: parse_i64(edge_at_us)?,
                key_id: parse_key_id(key_id)?,
                signature: parse_base64_array(signature)?,
            })
        };
        parse().ok_or(ReceiptError::Form)
    }
}
