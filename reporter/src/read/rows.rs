//! Rows as they come from the table `records`.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

/// Head of one chain.
#[derive(Debug, Row, Deserialize)]
pub(super) struct HeadRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub tenant: Uuid,
    pub shard: u32,
    pub records: u64,
    pub last_index: u64,
    pub head: [u8; 32],
}

/// Columns of [`LeafRow`], in its order.
pub(super) const LEAF_COLUMNS: &str = "tenant, shard, chain_index, prev_leaf_hash, leaf_hash, leaf, header, \
                                       kind, event_id, user_id, session_id, attributes";

/// What is needed of a record for the figures: the leaf, the header that it commits to, and the clear texts that
/// are no body.
#[derive(Debug, Row, Deserialize)]
pub(super) struct LeafRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub tenant: Uuid,
    pub shard: u32,
    pub chain_index: u64,
    pub prev_leaf_hash: [u8; 32],
    pub leaf_hash: [u8; 32],
    #[serde(with = "serde_bytes")]
    pub leaf: Vec<u8>,
    pub header: String,
    pub kind: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub event_id: Uuid,
    pub user_id: String,
    pub session_id: String,
    pub attributes: String,
}

/// The bodies of one record and its place in Kafka.
#[derive(Debug, Row, Deserialize)]
pub(super) struct BodyRow {
    pub request_body: String,
    pub response_body: String,
    pub kafka_offset: u64,
    pub block: u64,
}

/// One number.
#[derive(Debug, Row, Deserialize)]
pub(super) struct CountRow {
    pub count: u64,
}

/// One hash.
#[derive(Debug, Row, Deserialize)]
pub(super) struct HashRow {
    pub leaf_hash: [u8; 32],
}
