//! A leaf read in place: the same checks as [`Leaf::decode`] without copying, for verifying many of them.

use uuid::Uuid;

use crate::hash::{Hash, ZERO_HASH};
use crate::kind::Kind;
use crate::leaf::{
    AEAD_AES_256_SIV, AEAD_NONE, LEAF_MAGIC, Leaf, LeafError, MAX_LEAF_LEN, MAX_SLOTS, NO_TIME,
};

const SLOT_LEN: usize = 123;
const SLOTS_AT: usize = 311;
const MIN_LEN: usize = SLOTS_AT + 2;

/// Bytes that are a leaf of version 1. Offsets: ledger-format.md section 3.1.
#[derive(Clone, Copy, Debug)]
pub struct LeafView<'a> {
    bytes: &'a [u8],
    kind: Kind,
}

/// One slot entry of a leaf, section 3.3.
#[derive(Clone, Copy, Debug)]
pub struct SlotView<'a> {
    bytes: &'a [u8; SLOT_LEN],
}

impl<'a> LeafView<'a> {
    /// The leaf these bytes are the encoding of.
    ///
    /// # Errors
    /// Exactly when [`Leaf::decode`] refuses them, and with its error.
    pub fn new(bytes: &'a [u8]) -> Result<LeafView<'a>, LeafError> {
        match Self::accept(bytes) {
            Some(view) => Ok(view),
            // Refusals are rare, so their reason may cost a second reading.
            None => Err(Leaf::decode(bytes).err().unwrap_or(LeafError::Magic)),
        }
    }

    fn accept(bytes: &'a [u8]) -> Option<LeafView<'a>> {
        if bytes.len() < MIN_LEN || bytes.len() > MAX_LEAF_LEN || !bytes.starts_with(LEAF_MAGIC) {
            return None;
        }
        let view = LeafView {
            bytes,
            kind: Kind::from_u8(bytes[12])?,
        };
        let slot_count = usize::from(u16::from_be_bytes(view.array(309)));
        let end = SLOTS_AT + slot_count * SLOT_LEN;
        if slot_count > MAX_SLOTS || bytes.len() != end + 2 || bytes[end..] != [0, 0] {
            return None;
        }
        let has_source = !view.source_id().is_nil();
        if !has_source && (view.source_epoch(), view.source_seq()) != (0, 0) {
            return None;
        }
        if !view.has_offset() && (view.partition(), view.offset()) != (0, 0) {
            return None;
        }
        if view.t_edge_us() == NO_TIME {
            return None;
        }
        let mut previous = None;
        for slot in view.slots() {
            let number = slot.slot();
            if previous.is_some_and(|previous| previous >= number) || !slot.is_sound() {
                return None;
            }
            previous = Some(number);
        }
        Some(view)
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        // Every offset asked for lies below MIN_LEN, which `accept` has checked.
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_be_bytes(self.array(at))
    }

    /// The leaf's bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn tenant(&self) -> Uuid {
        Uuid::from_bytes(self.array(13))
    }

    pub fn shard(&self) -> u32 {
        u32::from_be_bytes(self.array(29))
    }

    pub fn index(&self) -> u64 {
        self.u64(33)
    }

    pub fn prev_leaf_hash(&self) -> Hash {
        self.array(41)
    }

    pub fn event_id(&self) -> Uuid {
        Uuid::from_bytes(self.array(73))
    }

    pub fn source_id(&self) -> Uuid {
        Uuid::from_bytes(self.array(89))
    }

    pub fn source_epoch(&self) -> u64 {
        self.u64(105)
    }

    pub fn source_seq(&self) -> u64 {
        self.u64(113)
    }

    /// As [`Leaf::has_offset`].
    pub fn has_offset(&self) -> bool {
        self.array::<32>(121) != ZERO_HASH
    }

    pub fn partition(&self) -> u32 {
        u32::from_be_bytes(self.array(153))
    }

    pub fn offset(&self) -> u64 {
        self.u64(157)
    }

    pub fn t_edge_us(&self) -> i64 {
        i64::from_be_bytes(self.array(173))
    }

    pub fn header_hash(&self) -> Hash {
        self.array(245)
    }

    pub fn ingress_receipt_hash(&self) -> Hash {
        self.array(277)
    }

    /// Slot entries in their order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = SlotView<'a>> + Clone + use<'a> {
        let end = self.bytes.len() - 2;
        let (slots, _) = self.bytes[SLOTS_AT..end].as_chunks::<SLOT_LEN>();
        slots.iter().map(|bytes| SlotView { bytes })
    }
}

impl SlotView<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }

    /// Slot number.
    pub fn slot(&self) -> u16 {
        u16::from_be_bytes(self.array(0))
    }

    pub fn subject_key_id(&self) -> Uuid {
        Uuid::from_bytes(self.array(2))
    }

    /// [`AEAD_NONE`] or [`AEAD_AES_256_SIV`].
    pub fn aead(&self) -> u8 {
        self.bytes[22]
    }

    pub fn padded_len(&self) -> u32 {
        u32::from_be_bytes(self.array(23))
    }

    pub fn ct_hash(&self) -> Hash {
        self.array(27)
    }

    pub fn pt_commit(&self) -> Hash {
        self.array(59)
    }

    /// The rules of section 3.3.
    fn is_sound(&self) -> bool {
        let has_key = !self.subject_key_id().is_nil();
        let has_ciphertext = match self.aead() {
            AEAD_NONE => false,
            AEAD_AES_256_SIV => true,
            _ => return false,
        };
        let key_version: [u8; 4] = self.array(18);
        (has_key || !has_ciphertext)
            && has_ciphertext == (self.padded_len() != 0)
            && has_ciphertext == (self.ct_hash() != ZERO_HASH)
            && self.pt_commit() != ZERO_HASH
            && has_key == (self.array::<32>(91) != ZERO_HASH)
            && (has_key || key_version == [0; 4])
    }
}
