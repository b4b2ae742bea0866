//! A subject's data key: seals values, opens them again, commits to text stored in the clear.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::commitment::{Commitments, ciphertext_hash, plaintext_commitment};
use crate::context::{AEAD_AES_256_SIV, SlotContext};
use crate::derive::{derive, mac};
use crate::padding::{MAX_PLAINTEXT_LEN, pad, unpad};

/// Length of a data key in bytes (512 bits).
pub const DATA_KEY_LEN: usize = 64;

/// Random 512-bit key of one (tenant, subject). Its bytes are wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; DATA_KEY_LEN]);

/// A sealed value and everything a leaf says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Synthetic IV (16 bytes) followed by the encrypted padded value.
    pub ciphertext: Vec<u8>,
    /// Length in bytes of the padded value, that is of `ciphertext` less its IV.
    pub padded_len: u32,
    /// [`ciphertext_hash`] of `ciphertext`.
    pub ct_hash: [u8; 32],
    /// Salted commitment to the value before padding.
    pub pt_commit: [u8; 32],
    /// Commitment to the data key.
    pub key_commit: [u8; 32],
}

/// Commitment to a text that is stored in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearCommitment {
    /// Stored beside the text and erased with it.
    pub salt: [u8; 32],
    /// Salted commitment to the text.
    pub pt_commit: [u8; 32],
    /// Commitment to the data key.
    pub key_commit: [u8; 32],
}

/// Why a value could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The value is longer than [`MAX_PLAINTEXT_LEN`].
    #[error("value of {length} bytes is longer than the limit of {MAX_PLAINTEXT_LEN}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The cipher refused; does not happen with one associated-data string.
    #[error("cipher refused the value")]
    Cipher,
}

/// Why a sealed value could not be opened. No variant carries anything of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The data key is not the one the leaf commits to.
    #[error("data key does not match the key commitment")]
    WrongKey,
    /// Wrong context, or the ciphertext was changed.
    #[error("ciphertext is not authentic in this place")]
    NotAuthentic,
    /// The decrypted bytes are not a padded value.
    #[error("padding is not canonical")]
    Padding,
    /// The value is not the one the leaf commits to.
    #[error("value does not match the plaintext commitment")]
    Commitment,
}

impl DataKey {
    /// Takes 64 bytes from a cryptographic random source as a new key, or the bytes of an unwrapped one.
    pub fn from_bytes(bytes: [u8; DATA_KEY_LEN]) -> DataKey {
        DataKey(bytes)
    }

    /// The key's bytes, for wrapping.
    pub(crate) fn as_bytes(&self) -> &[u8; DATA_KEY_LEN] {
        &self.0
    }

    /// Seals `plaintext` for the place `context`. Deterministic: the same value in the same place under the same
    /// key gives the same ciphertext, which a retried block needs.
    pub fn seal(&self, context: &SlotContext, plaintext: &[u8]) -> Result<Sealed, SealError> {
        let length = plaintext.len();
        let padded = pad(plaintext).ok_or(SealError::TooLong { length })?;
        let padded_len = u32::try_from(padded.len()).map_err(|_| SealError::TooLong { length })?;

        let ciphertext = self
            .cipher()
            .encrypt([context.associated_data()], &padded)
            .map_err(|_| SealError::Cipher)?;
        let ct_hash = ciphertext_hash(AEAD_AES_256_SIV, &ciphertext);
        let pt_commit = plaintext_commitment(&self.salt(context), plaintext);
        let key_commit = self.key_commit(context);
        Ok(Sealed {
            ciphertext,
            padded_len,
            ct_hash,
            pt_commit,
            key_commit,
        })
    }

    /// Opens what [`DataKey::seal`] made, and checks that key and value are those the leaf commits to. Without
    /// the check an insider could present another key or another value.
    pub fn open(
        &self,
        context: &SlotContext,
        ciphertext: &[u8],
        expected: &Commitments,
    ) -> Result<Vec<u8>, OpenError> {
        if self.key_commit(context) != expected.key_commit {
            return Err(OpenError::WrongKey);
        }
        let padded = self
            .cipher()
            .decrypt([context.associated_data()], ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::NotAuthentic)?;
        let plaintext = unpad(&padded).ok_or(OpenError::Padding)?;
        if plaintext_commitment(&self.salt(context), plaintext) != expected.pt_commit {
            return Err(OpenError::Commitment);
        }
        Ok(plaintext.to_vec())
    }

    /// Commits to a text that is stored in the clear beside the returned salt.
    pub fn commit_clear(&self, context: &SlotContext, text: &[u8]) -> ClearCommitment {
        let salt = self.salt(context);
        let pt_commit = plaintext_commitment(&salt, text);
        ClearCommitment {
            salt: *salt,
            pt_commit,
            key_commit: self.key_commit(context),
        }
    }

    /// Salt of one slot: `HKDF(key, "aal/salt/v1" || event_id || slot_be16)`.
    pub fn salt(&self, context: &SlotContext) -> Zeroizing<[u8; 32]> {
        derive(
            &self.0,
            &[
                b"aal/salt/v1",
                context.event_id.as_bytes(),
                &context.slot.to_be_bytes(),
            ],
        )
    }

    /// `HMAC-SHA256(HKDF(key, "aal/kc-key/v1"), "aal/kc/v1" || tenant || subject_key_id || version_be32)`: proves
    /// later which key a slot was under, although AES-SIV alone does not commit to its key.
    pub fn key_commit(&self, context: &SlotContext) -> [u8; 32] {
        let commit_key = derive::<32>(&self.0, &[b"aal/kc-key/v1"]);
        let version = context.key.version.to_be_bytes();
        let subject_key_id = context.key.subject_key_id;
        mac(
            &commit_key[..],
            &[
                b"aal/kc/v1",
                context.tenant.as_bytes(),
                subject_key_id.as_bytes(),
                &version,
            ],
        )
    }

    fn cipher(&self) -> Aes256Siv {
        let content_key = derive::<64>(&self.0, &[b"aal/content/v1"]);
        Aes256Siv::new((&*content_key).into())
    }
}

impl Sealed {
    /// The commitments that [`DataKey::open`] checks.
    pub fn commitments(&self) -> Commitments {
        Commitments {
            pt_commit: self.pt_commit,
            key_commit: self.key_commit,
        }
    }
}

/// Never shows the key.
impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DataKey(..)")
    }
}
