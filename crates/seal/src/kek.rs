//! Wrapping of data keys under a tenant's key-encryption key.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use thiserror::Error;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::data_key::{DATA_KEY_LEN, DataKey};

/// Length in bytes of a key-encryption key (512 bits).
pub const KEK_LEN: usize = 64;

/// Length in bytes of a wrapped data key: 16 bytes of synthetic IV and the key.
pub const WRAPPED_KEY_LEN: usize = 16 + DATA_KEY_LEN;

/// Key-encryption key of one tenant (512 bits). Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Kek([u8; KEK_LEN]);

/// The wrapped key is damaged, or belongs to another key-encryption key or other associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("wrapped data key cannot be opened with this key")]
pub struct UnwrapError;

impl Kek {
    /// Takes 64 key bytes.
    pub fn from_bytes(bytes: [u8; KEK_LEN]) -> Kek {
        Kek(bytes)
    }

    /// The key's bytes, for a key service to wrap.
    pub fn as_bytes(&self) -> &[u8; KEK_LEN] {
        &self.0
    }

    /// Wraps `data_key` by AES-256-SIV, the deterministic key wrap of RFC 5297. `associated_data` says whose key
    /// it is (tenant, subject key id, version), so that wrapped keys cannot be swapped.
    pub fn wrap(&self, data_key: &DataKey, associated_data: &[u8]) -> [u8; WRAPPED_KEY_LEN] {
        let mut wrapped = [0_u8; WRAPPED_KEY_LEN];
        let (tag, body) = wrapped.split_at_mut(WRAPPED_KEY_LEN - DATA_KEY_LEN);
        body.copy_from_slice(data_key.as_bytes());
        let computed = Aes256Siv::new((&self.0).into())
            .encrypt_inout_detached([associated_data], body.into())
            // RFC 5297 limits only the number of associated-data strings (126); here it is one.
            .expect("one associated-data string");
        tag.copy_from_slice(&computed);
        wrapped
    }

    /// Unwraps what [`Kek::wrap`] made with the same `associated_data`.
    pub fn unwrap(&self, wrapped: &[u8], associated_data: &[u8]) -> Result<DataKey, UnwrapError> {
        let bytes = Aes256Siv::new((&self.0).into())
            .decrypt([associated_data], wrapped)
            .map(Zeroizing::new)
            .map_err(|_| UnwrapError)?;
        let key = <[u8; DATA_KEY_LEN]>::try_from(bytes.as_slice()).map_err(|_| UnwrapError)?;
        Ok(DataKey::from_bytes(key))
    }
}

/// What a subject's data key is wrapped for: `"aal/dek/v1" || tenant || subject_key_id`, fixed widths. It opens
/// nowhere else, so two subjects' wrapped keys cannot be swapped.
pub fn data_key_context(tenant: Uuid, subject_key_id: Uuid) -> Vec<u8> {
    [&b"aal/dek/v1"[..], tenant.as_bytes(), subject_key_id.as_bytes()].concat()
}

/// Never shows the key.
impl std::fmt::Debug for Kek {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Kek(..)")
    }
}
