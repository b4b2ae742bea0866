//! The hashes of a slot that a leaf holds. Plain functions, so that a verifier needs no key.

use sha2::{Digest, Sha256};

use crate::context::AEAD_CLEAR;

const PLAINTEXT_DOMAIN: &[u8] = b"aal/pt/v1\n";
const CIPHERTEXT_DOMAIN: &[u8] = b"aal/ct/v1\n";

/// What a leaf says about one slot beside the ciphertext hash; needed to open the slot with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitments {
    /// Salted commitment to the plaintext, see [`plaintext_commitment`].
    pub pt_commit: [u8; 32],
    /// Commitment to the data key, see [`crate::DataKey::key_commit`].
    pub key_commit: [u8; 32],
}

/// `SHA-256("aal/pt/v1\n" || salt || len_u64be || plaintext)`.
///
/// Binding always; hiding as long as the 32-byte salt is not known. Anyone who is given plaintext and salt can
/// recompute it, which opens one value to an auditor without giving away the data key.
pub fn plaintext_commitment(salt: &[u8; 32], plaintext: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(PLAINTEXT_DOMAIN);
    hasher.update(salt);
    hasher.update((plaintext.len() as u64).to_be_bytes());
    hasher.update(plaintext);
    hasher.finalize().into()
}

/// `SHA-256("aal/ct/v1\n" || aead || ciphertext)`; all zeros for a slot in the clear, which has no ciphertext.
///
/// The ciphertext starts with the 16-byte synthetic IV, so no separate nonce is hashed.
pub fn ciphertext_hash(aead: u8, ciphertext: &[u8]) -> [u8; 32] {
    if aead == AEAD_CLEAR {
        return [0; 32];
    }
    let mut hasher = Sha256::new();
    hasher.update(CIPHERTEXT_DOMAIN);
    hasher.update([aead]);
    hasher.update(ciphertext);
    hasher.finalize().into()
}
