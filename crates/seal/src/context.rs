//! Where a sealed value belongs: the associated data that ties a ciphertext to its place.

use uuid::Uuid;

/// `aead` value in a leaf's slot entry for text that is stored in the clear and only committed to.
pub const AEAD_CLEAR: u8 = 0;
/// `aead` value in a leaf's slot entry for AES-256-SIV (RFC 5297).
pub const AEAD_AES_256_SIV: u8 = 1;

/// Length in bytes of [`SlotContext::associated_data`].
pub(crate) const ASSOCIATED_DATA_LEN: usize = 16 + 16 + 2 + 16 + 4;

/// Names one version of one subject's data key. The id is random, never derived from who the subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRef {
    /// Random id of the subject's key.
    pub subject_key_id: Uuid,
    /// Version of the key, counted from 1.
    pub version: u32,
}

/// The one place where a value is stored: tenant, event, slot and the key it is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotContext {
    /// Owner of the record.
    pub tenant: Uuid,
    /// Event that the record is about.
    pub event_id: Uuid,
    /// Slot number within the record, as in the leaf.
    pub slot: u16,
    /// Key that seals or commits the slot.
    pub key: KeyRef,
}

impl SlotContext {
    /// `tenant || event_id || slot_be16 || subject_key_id || key_version_be32`: fixed widths, so that no two
    /// contexts share an encoding.
    pub(crate) fn associated_data(&self) -> [u8; ASSOCIATED_DATA_LEN] {
        let mut data = [0_u8; ASSOCIATED_DATA_LEN];
        data[..16].copy_from_slice(self.tenant.as_bytes());
        data[16..32].copy_from_slice(self.event_id.as_bytes());
        data[32..34].copy_from_slice(&self.slot.to_be_bytes());
        data[34..50].copy_from_slice(self.key.subject_key_id.as_bytes());
        data[50..].copy_from_slice(&self.key.version.to_be_bytes());
        data
    }
}
