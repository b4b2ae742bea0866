//! Gives a draft its place: shard, block, offset and links.

use aal_ledger::{Leaf, LeafError, jcs::JcsError, leaf_hash};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Draft, Header, Templates};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub shard: u32,
    /// The Kafka partition that feeds the shard.
    pub partition: u32,
    pub block: u64,
    pub block_row: u32,
    /// yyyymm of the Kafka time of the block's first record.
    pub block_month: u32,
    /// The last offset this record accounts for.
    pub offset: u64,
    /// Position in the chain (tenant, shard).
    pub chain_index: u64,
    /// Zeros at index 0.
    pub prev_leaf_hash: [u8; 32],
}

/// A record, ready to be stored.
#[derive(Clone, Debug)]
pub struct Record {
    pub place: Place,
    pub tenant: uuid::Uuid,
    pub event_id: uuid::Uuid,
    pub leaf: Vec<u8>,
    pub leaf_hash: [u8; 32],
    pub header: Header,
    /// RFC 8785 form of `header`.
    pub header_text: String,
    pub templates: Templates,
    pub ciphertexts: Vec<(u16, Vec<u8>)>,
    /// Source id, epoch and sequence as the leaf has them.
    pub source: (uuid::Uuid, u64, u64),
}

/// Why a draft has no leaf; both are defects of this program, not of the event.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("the header does not serialise: {0}")]
    Header(#[from] serde_json::Error),
    #[error("the header has no canonical form: {0}")]
    Canonical(#[from] JcsError),
    #[error("the leaf does not encode: {0}")]
    Leaf(#[from] LeafError),
}

impl Draft {
    /// Encodes the leaf at a place. `topic_hash` is [`aal_ledger::hash::topic_hash`] of the Kafka topic.
    pub fn place(mut self, topic_hash: [u8; 32], place: Place) -> Result<Record, PlaceError> {
        self.header.block = Some(place.block);
        self.header.block_row = Some(place.block_row);
        self.header.block_month = Some(place.block_month);
        let header_value: Value = serde_json::to_value(&self.header)?;
        let header_text = aal_ledger::jcs::to_string(&header_value)?;
        let (source_id, source_epoch, source_seq) = self.source;
        let leaf = Leaf {
            kind: self.kind,
            tenant: self.tenant,
            shard: place.shard,
            index: place.chain_index,
            prev_leaf_hash: place.prev_leaf_hash,
            event_id: self.event_id,
            source_id,
            source_epoch,
            source_seq,
            topic_hash,
            partition: place.partition,
            offset: place.offset,
            t_source_us: self.t_source_us,
            t_edge_us: self.t_edge_us,
            avro_schema_hash: self.avro_schema_hash,
            pipeline_hash: self.pipeline_hash,
            header_hash: Sha256::digest(header_text.as_bytes()).into(),
            ingress_receipt_hash: self.receipt_hash,
            slots: self.slots,
        };
        let leaf = leaf.encode()?;
        Ok(Record {
            place,
            tenant: self.tenant,
            event_id: self.event_id,
            leaf_hash: leaf_hash(&leaf),
            leaf,
            header: self.header,
            header_text,
            templates: self.templates,
            ciphertexts: self.ciphertexts,
            source: self.source,
        })
    }
}
