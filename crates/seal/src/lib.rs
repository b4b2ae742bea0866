//! Seals removed values under per-subject keys, and derives every key of the audit layer.
//!
//! This library is pure: it has no clock, no I/O and no source of randomness. Random bytes (data keys,
//! master keys) come in as arguments; the caller takes them from the operating system.
//!
//! The hierarchy, from the outside in:
//!
//! ```text
//! key service or key ring ──wraps──► Kek per (tenant, epoch) ──AES-256-SIV──► wrapped DataKey per (tenant, subject)
//!                         └─wraps──► payload keys of the events topic        └─HKDF──► content key, salts, commitment
//! key ring (master keys) ──HKDF──► IndexKey per tenant
//!                        └─HKDF──► derived secrets (signing seed, token secret) by purpose
//! ```
//!
//! * A *sealed slot* ([`DataKey::seal`]) is AES-256-SIV (RFC 5297) ciphertext of the padded value, with tenant,
//!   event, slot and key as associated data, so that a ciphertext opens in its own place and nowhere else.
//! * A *template slot* ([`DataKey::commit_clear`]) is stored in the clear; the leaf holds only a salted
//!   commitment, which hides the text once salt and text are erased.
//! * Destroying a wrapped data key erases: ciphertexts stay unreadable, commitments become hiding, and every
//!   hash in the ledger stays as it was.

mod commitment;
mod context;
mod crockford;
mod data_key;
mod derive;
mod index_key;
mod kek;
mod key_ring;
mod padding;
mod payload;

pub use commitment::{Commitments, ciphertext_hash, plaintext_commitment};
pub use context::{AEAD_AES_256_SIV, AEAD_CLEAR, KeyRef, SlotContext};
pub use crockford::encode_80_bits;
pub use data_key::{ClearCommitment, DATA_KEY_LEN, DataKey, OpenError, SealError, Sealed};
pub use index_key::IndexKey;
pub use kek::{KEK_LEN, Kek, UnwrapError, WRAPPED_KEY_LEN, data_key_context};
pub use key_ring::{KeyRing, KeyRingError, MASTER_KEY_LEN, SecretError};
pub use padding::{MAX_PLAINTEXT_LEN, padded_len};
pub use payload::{
    Envelope, NONCE_LEN, PAYLOAD_KEY_LEN, PAYLOAD_OVERHEAD, PayloadError, PayloadKey, PayloadPlace,
    partition_key,
};

/// Purposes of secrets derived from the root key by [`KeyRing::derive`].
pub mod purpose {
    /// Seed of the edge's receipt key.
    pub const RECEIPTS: &str = "receipt signing";
    /// Keys of the events topic, so that a session's events share a partition without naming the session.
    pub const PARTITIONING: &str = "kafka keys";
    /// Secret of session tokens.
    pub const SESSION_TOKENS: &str = "session tokens";
}
