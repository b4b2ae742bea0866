//! The leaf: what the chain and the tree hold of one record (ledger-format.md section 3).

use uuid::Uuid;

use crate::hash::{Hash, ZERO_HASH, sha256_parts};
use crate::kind::Kind;

/// First bytes of every leaf of version 1.
pub const LEAF_MAGIC: &[u8; 12] = b"aal/leaf/v1\n";
/// Longest leaf in bytes: what a tlog-tiles entry can hold.
pub const MAX_LEAF_LEN: usize = 65_535;
/// Most slots that fit into a leaf.
pub const MAX_SLOTS: usize = (MAX_LEAF_LEN - MIN_LEAF_LEN) / SLOT_LEN;
/// `t_source_us` of a source that claims no time.
pub const NO_TIME: i64 = i64::MIN;
/// `Slot::aead` of a template slot: no ciphertext.
pub const AEAD_NONE: u8 = 0;
/// `Slot::aead` of AES-256-SIV, RFC 5297.
pub const AEAD_AES_256_SIV: u8 = 1;

const SLOT_LEN: usize = 123;
const MIN_LEAF_LEN: usize = 313;

/// One protected text of the record: its key, its ciphertext's hash and its salted commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Slot number, section 2.2.
    pub slot: u16,
    /// Random id of the data key; nil when there is none.
    pub subject_key_id: Uuid,
    /// Version of the data key; 0 when there is none.
    pub key_ver: u32,
    /// [`AEAD_NONE`] or [`AEAD_AES_256_SIV`].
    pub aead: u8,
    /// Length in bytes of the padded plaintext; 0 exactly without ciphertext.
    pub padded_len: u32,
    /// [`crate::hash::ciphertext_hash`]; zeros exactly without ciphertext.
    pub ct_hash: Hash,
    /// [`crate::hash::plaintext_commitment`].
    pub pt_commit: Hash,
    /// Commitment to the data key; zeros exactly without key.
    pub key_commit: Hash,
}

/// A leaf of version 1. Field meanings and "absent" values: section 3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub kind: Kind,
    /// Nil: concerns the shard and no tenant.
    pub tenant: Uuid,
    pub shard: u32,
    /// Position in the chain (tenant, shard), dense from 0.
    pub index: u64,
    /// Zeros at index 0.
    pub prev_leaf_hash: Hash,
    /// Nil: concerns no event.
    pub event_id: Uuid,
    /// [`crate::hash::source_id`]; nil: the source does not number its events.
    pub source_id: Uuid,
    pub source_epoch: u64,
    pub source_seq: u64,
    /// [`crate::hash::topic_hash`]; zeros: not caused by a message, then partition and offset are 0.
    pub topic_hash: Hash,
    pub partition: u32,
    pub offset: u64,
    /// Time the source claims, µs; [`NO_TIME`] when it claims none.
    pub t_source_us: i64,
    /// Time at the edge (or the broker's time of the message), µs.
    pub t_edge_us: i64,
    /// SHA-256 of the writer schema's Parsing Canonical Form; zeros: not Avro.
    pub avro_schema_hash: Hash,
    /// SHA-256 of the canonical list of versions that made the record; zeros: none.
    pub pipeline_hash: Hash,
    /// SHA-256 of the header's bytes.
    pub header_hash: Hash,
    /// SHA-256 of the receipt line; zeros: no receipt.
    pub ingress_receipt_hash: Hash,
    /// Strictly ascending by slot number, at most [`MAX_SLOTS`].
    pub slots: Vec<Slot>,
}

/// Why bytes are no leaf, or a value has no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    #[error("leaf is cut off: {field} needs {needed} bytes at offset {at}, {left} are left")]
    Truncated {
        field: &'static str,
        at: usize,
        needed: usize,
        left: usize,
    },
    #[error("{0} bytes follow the end of the leaf")]
    TrailingBytes(usize),
    #[error("leaf has {0} bytes, at most 65535 are allowed")]
    TooLong(usize),
    #[error("leaf does not begin with the magic of version 1")]
    Magic,
    #[error("unknown leaf kind {0}")]
    Kind(u8),
    #[error("leaf names {0} slots, at most {MAX_SLOTS} are allowed")]
    TooManySlots(usize),
    #[error("extension length is {0}, version 1 has none")]
    Extension(u16),
    #[error("slot {slot} follows slot {previous}, slots must ascend")]
    SlotOrder { previous: u16, slot: u16 },
    #[error("slot {slot}: {problem}")]
    Slot { slot: u16, problem: &'static str },
    #[error("source is absent, so source epoch and sequence must be 0")]
    SourceAbsent,
    #[error("topic is absent, so partition and offset must be 0")]
    TopicAbsent,
    #[error("edge time is missing")]
    EdgeTimeMissing,
}

/// `SHA-256(0x00 || leaf)`, RFC 9162 §2.1.1.
pub fn leaf_hash(leaf_bytes: &[u8]) -> Hash {
    sha256_parts(&[&[0x00], leaf_bytes])
}

impl Leaf {
    /// The one encoding of this leaf.
    ///
    /// # Errors
    /// When the value breaks a rule of section 3 (slot order, absent values, limits); such a value has no encoding.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        self.check()?;
        let mut out = Vec::with_capacity(MIN_LEAF_LEN + SLOT_LEN * self.slots.len());
        out.extend_from_slice(LEAF_MAGIC);
        out.push(self.kind.as_u8());
        out.extend_from_slice(self.tenant.as_bytes());
        out.extend_from_slice(&self.shard.to_be_bytes());
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.prev_leaf_hash);
        out.extend_from_slice(self.event_id.as_bytes());
        out.extend_from_slice(self.source_id.as_bytes());
        out.extend_from_slice(&self.source_epoch.to_be_bytes());
        out.extend_from_slice(&self.source_seq.to_be_bytes());
        out.extend_from_slice(&self.topic_hash);
        out.extend_from_slice(&self.partition.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&self.t_source_us.to_be_bytes());
        out.extend_from_slice(&self.t_edge_us.to_be_bytes());
        out.extend_from_slice(&self.avro_schema_hash);
        out.extend_from_slice(&self.pipeline_hash);
        out.extend_from_slice(&self.header_hash);
        out.extend_from_slice(&self.ingress_receipt_hash);
        out.extend_from_slice(&(self.slots.len() as u16).to_be_bytes());
        for slot in &self.slots {
            slot.encode_into(&mut out);
        }
        out.extend_from_slice(&0u16.to_be_bytes());
        Ok(out)
    }

    /// The leaf these bytes are the encoding of.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`Leaf::encode`] would give. Costs no more than the input's length.
    pub fn decode(bytes: &[u8]) -> Result<Leaf, LeafError> {
        if bytes.len() > MAX_LEAF_LEN {
            return Err(LeafError::TooLong(bytes.len()));
        }
        let mut reader = Reader { bytes, at: 0 };
        if &reader.array::<12>("magic")? != LEAF_MAGIC {
            return Err(LeafError::Magic);
        }
        let kind_number = reader.array::<1>("kind")?[0];
        let mut leaf = Leaf {
            kind: Kind::from_u8(kind_number).ok_or(LeafError::Kind(kind_number))?,
            tenant: reader.uuid("tenant")?,
            shard: reader.u32("shard")?,
            index: reader.u64("index")?,
            prev_leaf_hash: reader.array("prev_leaf_hash")?,
            event_id: reader.uuid("event_id")?,
            source_id: reader.uuid("source_id")?,
            source_epoch: reader.u64("source_epoch")?,
            source_seq: reader.u64("source_seq")?,
            topic_hash: reader.array("topic_hash")?,
            partition: reader.u32("partition")?,
            offset: reader.u64("offset")?,
            t_source_us: i64::from_be_bytes(reader.array("t_source")?),
            t_edge_us: i64::from_be_bytes(reader.array("t_edge")?),
            avro_schema_hash: reader.array("avro_schema_hash")?,
            pipeline_hash: reader.array("pipeline_hash")?,
            header_hash: reader.array("header_hash")?,
            ingress_receipt_hash: reader.array("ingress_receipt_hash")?,
            slots: Vec::new(),
        };
        let slot_count = usize::from(reader.u16("n_slots")?);
        if slot_count > MAX_SLOTS {
            return Err(LeafError::TooManySlots(slot_count));
        }
        // Reserve only what the bytes can hold, so that a false count costs nothing.
        leaf.slots.reserve_exact(slot_count.min(reader.left() / SLOT_LEN));
        for _ in 0..slot_count {
            leaf.slots.push(Slot::decode(&mut reader)?);
        }
        let extension_len = reader.u16("ext_len")?;
        if extension_len != 0 {
            return Err(LeafError::Extension(extension_len));
        }
        if reader.left() != 0 {
            return Err(LeafError::TrailingBytes(reader.left()));
        }
        leaf.check()?;
        Ok(leaf)
    }

    /// The hash of this leaf's encoding.
    ///
    /// # Errors
    /// As [`Leaf::encode`].
    pub fn hash(&self) -> Result<Hash, LeafError> {
        Ok(leaf_hash(&self.encode()?))
    }

    /// Whether a message of a topic caused this record, so that its offset counts.
    pub fn has_offset(&self) -> bool {
        self.topic_hash != ZERO_HASH
    }

    fn check(&self) -> Result<(), LeafError> {
        if self.slots.len() > MAX_SLOTS {
            return Err(LeafError::TooManySlots(self.slots.len()));
        }
        if self.source_id.is_nil() && (self.source_epoch, self.source_seq) != (0, 0) {
            return Err(LeafError::SourceAbsent);
        }
        if !self.has_offset() && (self.partition, self.offset) != (0, 0) {
            return Err(LeafError::TopicAbsent);
        }
        if self.t_edge_us == NO_TIME {
            return Err(LeafError::EdgeTimeMissing);
        }
        for pair in self.slots.windows(2) {
            if pair[0].slot >= pair[1].slot {
                return Err(LeafError::SlotOrder {
                    previous: pair[0].slot,
                    slot: pair[1].slot,
                });
            }
        }
        self.slots.iter().try_for_each(Slot::check)
    }
}

impl Slot {
    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.slot.to_be_bytes());
        out.extend_from_slice(self.subject_key_id.as_bytes());
        out.extend_from_slice(&self.key_ver.to_be_bytes());
        out.push(self.aead);
        out.extend_from_slice(&self.padded_len.to_be_bytes());
        out.extend_from_slice(&self.ct_hash);
        out.extend_from_slice(&self.pt_commit);
        out.extend_from_slice(&self.key_commit);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Slot, LeafError> {
        Ok(Slot {
            slot: reader.u16("slot")?,
            subject_key_id: reader.uuid("subject_key_id")?,
            key_ver: reader.u32("key_ver")?,
            aead: reader.array::<1>("aead")?[0],
            padded_len: reader.u32("padded_len")?,
            ct_hash: reader.array("ct_hash")?,
            pt_commit: reader.array("pt_commit")?,
            key_commit: reader.array("key_commit")?,
        })
    }

    fn check(&self) -> Result<(), LeafError> {
        let refuse = |problem| {
            Err(LeafError::Slot {
                slot: self.slot,
                problem,
            })
        };
        let has_key = !self.subject_key_id.is_nil();
        let has_ciphertext = match self.aead {
            AEAD_NONE => false,
            AEAD_AES_256_SIV => true,
            _ => return refuse("unknown aead"),
        };
        if has_ciphertext && !has_key {
            return refuse("sealed without a key");
        }
        if has_ciphertext != (self.padded_len != 0) {
            return refuse("padded length must be 0 exactly without ciphertext");
        }
        if has_ciphertext != (self.ct_hash != ZERO_HASH) {
            return refuse("ciphertext hash must be zeros exactly without ciphertext");
        }
        if self.pt_commit == ZERO_HASH {
            return refuse("plaintext commitment is missing");
        }
        if has_key != (self.key_commit != ZERO_HASH) {
            return refuse("key commitment must be zeros exactly without key");
        }
        if !has_key && self.key_ver != 0 {
            return refuse("key version without a key");
        }
        Ok(())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], LeafError> {
        let truncated = LeafError::Truncated {
            field,
            at: self.at,
            needed: N,
            left: self.left(),
        };
        let Some(chunk) = self.bytes[self.at..].first_chunk::<N>() else {
            return Err(truncated);
        };
        self.at += N;
        Ok(*chunk)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, LeafError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, LeafError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    fn u64(&mut self, field: &'static str) -> Result<u64, LeafError> {
        Ok(u64::from_be_bytes(self.array(field)?))
    }

    fn uuid(&mut self, field: &'static str) -> Result<Uuid, LeafError> {
        Ok(Uuid::from_bytes(self.array(field)?))
    }
}
