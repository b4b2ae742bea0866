//! One record in a list.

use std::collections::BTreeMap;

use aal_service::times::rfc3339_us;
pub(crate) use aal_store::money_text as cost_text;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::logs::first::OfKind;
use crate::sql::Sql;

/// The columns of a list. `header` and `attributes` are empty unless they were asked for.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct SummaryRow {
    pub(crate) shard: u32,
    pub(crate) kafka_offset: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) tenant: Uuid,
    pub(crate) chain_index: u64,
    pub(crate) kind: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) event_id: Uuid,
    #[serde(rename = "occurred_at")]
    pub(crate) occurred_at_us: i64,
    #[serde(rename = "edge_at")]
    pub(crate) edge_at_us: i64,
    pub(crate) application: String,
    pub(crate) environment: String,
    pub(crate) decision_type: String,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) subject_key: Uuid,
    pub(crate) provider: String,
    pub(crate) operation: String,
    pub(crate) model: String,
    pub(crate) model_requested: String,
    pub(crate) status: u16,
    pub(crate) error_type: String,
    pub(crate) is_error: bool,
    pub(crate) streamed: bool,
    pub(crate) interrupted: bool,
    pub(crate) finish_reasons: Vec<String>,
    pub(crate) duration_us: Option<u64>,
    pub(crate) first_token_us: Option<u64>,
    pub(crate) usage_state: String,
    pub(crate) usage: Vec<(String, u64)>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cost: Option<i128>,
    pub(crate) currency: String,
    pub(crate) unpriced_reason: String,
    pub(crate) pii: Vec<(String, u32)>,
    pub(crate) pii_total: u32,
    pub(crate) phi: bool,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) target_event_id: Uuid,
    pub(crate) outcome: String,
    pub(crate) outcome_override: bool,
    pub(crate) outcome_flag: bool,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    pub(crate) header: String,
    pub(crate) attributes: String,
}

impl OfKind for SummaryRow {
    fn kind(&self) -> &str {
        &self.kind
    }
}

const COLUMNS: &str = "SELECT shard, kafka_offset, tenant, chain_index, kind, event_id, occurred_at, edge_at, \
    application, environment, decision_type, subject_key, provider, operation, model, model_requested, status, \
    error_type, is_error, streamed, interrupted, finish_reasons, duration_us, first_token_us, usage_state, usage, \
    input_tokens, output_tokens, cost, currency, unpriced_reason, pii, pii_total, phi, target_event_id, outcome, \
    outcome_override, outcome_flag, user_id, session_id, ";

/// `SELECT` of a list, with or without the long columns.
pub(crate) fn summary_columns(with_texts: bool) -> Sql {
    let mut sql = Sql::new(COLUMNS);
    sql.push(if with_texts {
        "header, attributes"
    } else {
        "'' AS header, '' AS attributes"
    });
    sql
}

/// What later outcomes say of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) flagged: bool,
    pub(crate) overridden: bool,
}

/// Nothing known of outcomes, as for a record that was just stored.
pub(crate) fn no_verdict() -> Verdict {
    Verdict::default()
}

/// Microseconds as milliseconds; a whole number where it is one.
pub(crate) fn number_ms(us: u64) -> Value {
    if us.is_multiple_of(1_000) {
        Value::from(us / 1_000)
    } else {
        Value::from(us as f64 / 1_000.0)
    }
}

/// `Map` columns as JSON objects, by name.
pub(crate) fn counts_json<N: Copy + Into<Value>>(counts: &[(String, N)]) -> Value {
    let sorted: BTreeMap<&String, N> = counts.iter().map(|(name, count)| (name, *count)).collect();
    Value::Object(
        sorted
            .into_iter()
            .map(|(name, count)| (name.clone(), count.into()))
            .collect::<Map<_, _>>(),
    )
}

/// The record as lists, sessions and the feed show it.
pub(crate) fn summary_json(row: &SummaryRow, verdict: Verdict) -> Value {
    let uuid_or_null = |id: Uuid| if id.is_nil() { Value::Null } else { json!(id) };
    let mut value = json!({
        "event_id": row.event_id,
        "kind": row.kind,
        "occurred_at": rfc3339_us(row.occurred_at_us),
        "edge_at": rfc3339_us(row.edge_at_us),
        "tenant": row.tenant,
        "application": row.application,
        "environment": row.environment,
        "decision_type": row.decision_type,
        "user_id": row.user_id,
        "session_id": row.session_id,
        "subject_key": uuid_or_null(row.subject_key),
        "provider": row.provider,
        "operation": row.operation,
        "model": row.model,
        "model_requested": row.model_requested,
        "status": row.status,
        "is_error": row.is_error,
        "error_type": row.error_type,
        "streamed": row.streamed,
        "interrupted": row.interrupted,
        "finish_reasons": row.finish_reasons,
        "duration_ms": row.duration_us.map(number_ms),
        "first_token_ms": row.first_token_us.map(number_ms),
        "usage_state": row.usage_state,
        "usage": counts_json(&row.usage),
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost": row.cost.map(cost_text),
        "currency": row.currency,
        "unpriced_reason": row.unpriced_reason,
        "pii": counts_json(&row.pii),
        "pii_total": row.pii_total,
        "phi": row.phi,
        "flagged": verdict.flagged || row.outcome_flag,
        "overridden": verdict.overridden || row.outcome_override,
        "ledger": {"shard": row.shard, "index": row.chain_index},
    });
    if !row.target_event_id.is_nil() {
        value["target_event_id"] = json!(row.target_event_id);
    }
    if !row.outcome.is_empty() {
        value["outcome"] = json!(row.outcome);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        assert_eq!(cost_text(0), "0");
        assert_eq!(cost_text(42_000_000_000_000), "0.000042");
        assert_eq!(cost_text(-1_500_000_000_000_000_000), "-1.5");
        assert_eq!(
            cost_text(120_000_000_000_000_000_000_000_000_000_000_000_001),
            "120000000000000000000.000000000000000001"
        );
    }

    #[test]
    fn milliseconds() {
        assert_eq!(number_ms(12_000).to_string(), "12");
        assert_eq!(number_ms(12_500).to_string(), "12.5");
    }
}
