//! One row of the table `records`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One record as stored; the fields are the columns that the migrations in `clickhouse/` give the
/// table, in order.
/// Money is the decimal times 10^18; times are microseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct RecordRow {
    pub shard: u32,
    pub block: u64,
    pub block_row: u32,
    pub block_month: u32,
    pub kafka_offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub tenant: Uuid,
    pub chain_index: u64,
    pub prev_leaf_hash: [u8; 32],
    pub leaf_hash: [u8; 32],
    #[serde(with = "serde_bytes")]
    pub leaf: Vec<u8>,
    pub header: String,
    pub kind: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub target_event_id: Uuid,
    #[serde(rename = "occurred_at")]
    pub occurred_at_us: i64,
    #[serde(rename = "edge_at")]
    pub edge_at_us: i64,
    pub application: String,
    pub environment: String,
    pub decision_type: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub subject_key: Uuid,
    pub provider: String,
    pub operation: String,
    pub model: String,
    pub model_requested: String,
    pub status: u16,
    pub error_type: String,
    pub is_error: bool,
    pub streamed: bool,
    pub interrupted: bool,
    pub finish_reasons: Vec<String>,
    pub duration_us: Option<u64>,
    pub first_token_us: Option<u64>,
    pub usage_state: String,
    pub usage: Vec<(String, u64)>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub input_cost: Option<i128>,
    pub output_cost: Option<i128>,
    pub cost: Option<i128>,
    pub currency: String,
    pub price_version: String,
    pub price_rule: String,
    pub unpriced_reason: String,
    pub pii: Vec<(String, u32)>,
    pub pii_total: u32,
    pub phi: bool,
    pub outcome: String,
    pub outcome_override: bool,
    pub outcome_flag: bool,
    pub user_id: String,
    pub session_id: String,
    pub request_body: String,
    pub response_body: String,
    pub search_text: String,
    pub attributes: String,
    pub template_slots: Vec<u16>,
    pub template_salts: Vec<[u8; 32]>,
    pub sealed_slots: Vec<u16>,
    pub sealed_values: Vec<serde_bytes::ByteBuf>,
    #[serde(with = "clickhouse::serde::uuid")]
    pub source_id: Uuid,
    pub source_epoch: u64,
    pub source_seq: u64,
}
