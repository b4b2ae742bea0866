//! Every stored column of a record, for the verifier. Texts are bytes: a damaged one need not be UTF-8.

use clickhouse::Row;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::logs::{cost_text, counts_json};

pub(super) const COLUMNS: &str = "SELECT shard, block, block_row, kafka_offset, tenant, chain_index, \
    prev_leaf_hash, leaf_hash, leaf, header, kind, event_id, target_event_id, occurred_at, edge_at, application, \
    environment, decision_type, subject_key, provider, operation, model, model_requested, status, error_type, \
    is_error, streamed, interrupted, finish_reasons, duration_us, first_token_us, usage_state, usage, \
    input_tokens, output_tokens, input_cost, output_cost, cost, currency, price_version, price_rule, \
    unpriced_reason, pii, pii_total, phi, outcome, outcome_override, outcome_flag, user_id, session_id, \
    request_body, response_body, search_text, attributes, template_slots, template_salts, sealed_slots, \
    sealed_values";

#[derive(Row, Deserialize)]
pub(super) struct VerifyRow {
    pub(super) shard: u32,
    pub(super) block: u64,
    pub(super) block_row: u32,
    pub(super) kafka_offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(super) tenant: Uuid,
    pub(super) chain_index: u64,
    pub(super) prev_leaf_hash: [u8; 32],
    pub(super) leaf_hash: [u8; 32],
    pub(super) leaf: ByteBuf,
    pub(super) header: ByteBuf,
    pub(super) kind: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(super) event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    target_event_id: Uuid,
    occurred_at: i64,
    edge_at: i64,
    application: ByteBuf,
    environment: ByteBuf,
    decision_type: ByteBuf,
    #[serde(with = "clickhouse::serde::uuid")]
    subject_key: Uuid,
    provider: ByteBuf,
    operation: ByteBuf,
    model: ByteBuf,
    model_requested: ByteBuf,
    status: u16,
    error_type: ByteBuf,
    is_error: bool,
    streamed: bool,
    interrupted: bool,
    finish_reasons: Vec<String>,
    duration_us: Option<u64>,
    first_token_us: Option<u64>,
    usage_state: ByteBuf,
    usage: Vec<(String, u64)>,
    input_tokens: u64,
    output_tokens: u64,
    input_cost: Option<i128>,
    output_cost: Option<i128>,
    cost: Option<i128>,
    currency: ByteBuf,
    price_version: ByteBuf,
    price_rule: ByteBuf,
    unpriced_reason: ByteBuf,
    pii: Vec<(String, u32)>,
    pii_total: u32,
    phi: bool,
    outcome: ByteBuf,
    outcome_override: bool,
    outcome_flag: bool,
    user_id: ByteBuf,
    session_id: ByteBuf,
    pub(super) request_body: ByteBuf,
    pub(super) response_body: ByteBuf,
    pub(super) search_text: ByteBuf,
    pub(super) attributes: ByteBuf,
    pub(super) template_slots: Vec<u16>,
    pub(super) template_salts: Vec<[u8; 32]>,
    pub(super) sealed_slots: Vec<u16>,
    pub(super) sealed_values: Vec<ByteBuf>,
}

impl VerifyRow {
    /// The projected columns, named as `aal_verify::COLUMNS` names them.
    pub(super) fn columns(&self) -> Map<String, Value> {
        // Bytes that are no UTF-8 become another text, which then differs from what the header says.
        let text = |bytes: &ByteBuf| Value::String(String::from_utf8_lossy(bytes).into_owned());
        let money = |scaled: Option<i128>| scaled.map(cost_text);
        let value = json!({
            "target_event_id": self.target_event_id, "occurred_at": self.occurred_at, "edge_at": self.edge_at,
            "application": text(&self.application), "environment": text(&self.environment),
            "decision_type": text(&self.decision_type), "subject_key": self.subject_key,
            "provider": text(&self.provider), "operation": text(&self.operation), "model": text(&self.model),
            "model_requested": text(&self.model_requested), "status": self.status,
            "error_type": text(&self.error_type), "is_error": self.is_error, "streamed": self.streamed,
            "interrupted": self.interrupted, "finish_reasons": self.finish_reasons,
            "duration_us": self.duration_us, "first_token_us": self.first_token_us,
            "usage_state": text(&self.usage_state), "usage": counts_json(&self.usage),
            "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
        });
        let rest = json!({
            "input_cost": money(self.input_cost), "output_cost": money(self.output_cost),
            "cost": money(self.cost), "currency": text(&self.currency),
            "price_version": text(&self.price_version), "price_rule": text(&self.price_rule),
            "unpriced_reason": text(&self.unpriced_reason), "pii": counts_json(&self.pii),
            "pii_total": self.pii_total, "phi": self.phi, "outcome": text(&self.outcome),
            "outcome_override": self.outcome_override, "outcome_flag": self.outcome_flag,
            "user_id": text(&self.user_id), "session_id": text(&self.session_id),
        });
        let members = |value: Value| match value {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut columns = members(value);
        columns.extend(members(rest));
        columns
    }
}

#[cfg(test)]
mod tests {

    /// A column that the verifier expects and does not get would refute every record.
    #[test]
    fn every_column_of_the_verifier_is_given() {
        let source = include_str!("rows.rs");
        for column in aal_verify::COLUMNS {
            assert!(
                source.contains(&format!("\"{}\":", column.name)),
                "{}",
                column.name
            );
        }
    }
}
