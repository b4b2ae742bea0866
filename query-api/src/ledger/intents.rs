//! Calls that were about to be made and of which nothing more was recorded.

use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::call::{Call, json};
use crate::sql::{MOMENT, Sql};

/// A call may take this long before its intent counts as open, unless the caller says otherwise.
const USUAL_PATIENCE_S: i64 = 600;

#[derive(Row, Deserialize)]
struct IntentRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    target_event_id: Uuid,
    at_us: i64,
    application: String,
    provider: String,
    model: String,
    shard: u32,
    chain_index: u64,
}

/// `GET /api/v1/intents`: intents older than `older_than_s` whose event was never recorded, newest first.
pub(crate) async fn intents(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "older_than_s", "limit"])?;
    let limit = query.limit(100, 1_000)?;
    let patience_s = query
        .parsed::<u32>("older_than_s", "a number of seconds")?
        .map_or(USUAL_PATIENCE_S, i64::from);
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let mut sql = Sql::new(
        "SELECT tenant, event_id, target_event_id, toUnixTimestamp64Micro(edge_at) AS at_us, application, provider, \
         model, shard, chain_index",
    );
    sql.records(&scope)
        .push(" AND kind = 'intent' AND edge_at < ")
        .push(MOMENT)
        .bind_i64(now_us() - patience_s * 1_000_000)
        .push(" AND (tenant, target_event_id) NOT IN (SELECT tenant, event_id");
    sql.records(&scope.without_user_limit())
        .push(" AND kind IN ('event', 'withheld')) ORDER BY edge_at DESC, event_id LIMIT ?")
        .bind_u64(limit.into());
    let rows: Vec<IntentRow> = call.app.rows(sql).await?;
    let items: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "event_id": row.event_id, "intended_event_id": row.target_event_id, "tenant": row.tenant,
                "at": rfc3339_us(row.at_us), "application": row.application, "provider": row.provider,
                "model": row.model, "ledger": {"shard": row.shard, "index": row.chain_index},
            })
        })
        .collect();
    json(&json!({"items": items}))
}
