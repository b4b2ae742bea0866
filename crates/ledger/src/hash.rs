//! Hashes and the commitments made of them (ledger-format.md sections 1 and 2).

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// "Absent" wherever the format says zeros.
pub const ZERO_HASH: Hash = [0; 32];

/// SHA-256 of the bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// SHA-256 of the concatenation of the parts.
pub(crate) fn sha256_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Commitment to a slot's plaintext: hides it without the salt, binds to it with the salt (section 2.2).
pub fn plaintext_commitment(salt: &[u8; 32], plaintext: &[u8]) -> Hash {
    let plaintext_len = plaintext.len() as u64;
    sha256_parts(&[b"aal/pt/v1\n", salt, &plaintext_len.to_be_bytes(), plaintext])
}

/// Hash of a slot's ciphertext under the given algorithm number (section 2.2).
pub fn ciphertext_hash(aead: u8, ciphertext: &[u8]) -> Hash {
    sha256_parts(&[b"aal/ct/v1\n", &[aead], ciphertext])
}

/// `topic_hash` of a Kafka topic's name (section 2.3).
pub fn topic_hash(topic: &str) -> Hash {
    sha256_parts(&[b"aal/topic/v1\n", topic.as_bytes()])
}

/// `source_id` of one instance of an application that numbers its events (section 2.3).
pub fn source_id(application: &str, instance: &str) -> Uuid {
    let digest = sha256_parts(&[
        b"aal/source/v1\n",
        &(application.len() as u32).to_be_bytes(),
        application.as_bytes(),
        &(instance.len() as u32).to_be_bytes(),
        instance.as_bytes(),
    ]);
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(id)
}

/// 64 lower-case hexadecimal digits, or `None`; upper case is a second encoding and refused.
pub fn parse_hex(text: &str) -> Option<Hash> {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_lower_hex) {
        return None;
    }
    let mut hash = ZERO_HASH;
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

/// The 64 lower-case hexadecimal digits of a hash.
pub fn to_hex(hash: &Hash) -> String {
    hex::encode(hash)
}
