//! Tells the topic `audit.feed` what was stored: a summary without any text, for consumers outside.

use aal_kafka::{FEED, Producer};
use aal_store::RecordRow;
use serde_json::json;

/// Queues a summary of each row. Best effort by design: the store is the truth, and a consumer that
/// needs every record reads the query API's feed, which resumes by cursor.
pub fn publish(producer: &Producer, rows: &[RecordRow]) {
    for row in rows {
        let summary = json!({
            "tenant": row.tenant, "shard": row.shard, "offset": row.kafka_offset, "index": row.chain_index,
            "kind": row.kind, "event_id": row.event_id, "occurred_at_us": row.occurred_at_us,
            "application": row.application, "decision_type": row.decision_type, "provider": row.provider,
            "model": row.model, "status": row.status, "unpriced_reason": row.unpriced_reason,
            "pii_total": row.pii_total, "phi": row.phi,
        });
        let key = row.tenant.to_string();
        if let Err(error) = producer.queue(FEED, key.as_bytes(), summary.to_string().as_bytes()) {
            tracing::debug!(%error, "feed summary not queued");
            return;
        }
    }
}
