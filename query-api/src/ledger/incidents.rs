//! What was found wrong with the ledger, and whether it still is: the last leaf of each incident.

use aal_control::TenantScope;
use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::call::{Call, json, wrong};
use crate::scope::Scope;
use crate::sql::Sql;

/// Members of the facts that are shown apart from what the incident concerns.
const OWN_FACTS: [&str; 3] = ["component", "code", "subject"];

#[derive(Row, Deserialize)]
struct IncidentRow {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
    header: String,
    shard: u32,
    chain_index: u64,
    begun_us: i64,
    last_us: i64,
}

/// `GET /api/v1/incidents`: newest first. One who may see one tenant only sees what concerns it, or the
/// installation as a whole.
pub(crate) async fn incidents(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["state", "limit"])?;
    let open_only = match query.text("state").unwrap_or("any") {
        "open" => true,
        "any" => false,
        _ => return Err(wrong("state", "open or any")),
    };
    let limit = query.limit(100, 1_000)?;
    let mut sql = Sql::new(
        "SELECT last.1 AS event_id, last.2 AS header, last.3 AS shard, last.4 AS chain_index, \
         toUnixTimestamp64Micro(begun) AS begun_us, toUnixTimestamp64Micro(latest) AS last_us FROM (\
         SELECT argMax((event_id, header, shard, chain_index), (edge_at, kafka_offset)) AS last, max(edge_at) AS latest, \
         maxIf(edge_at, JSONExtractString(header, 'action') = 'begin') AS begun",
    );
    // Incidents are told in the chains of no tenant.
    sql.records(&Scope::of_chain(Uuid::nil()))
        .push(" AND kind = 'incident'");
    if let TenantScope::One(tenant) = call.scope.tenants {
        sql.push(" AND JSONExtractString(header, 'facts', 'tenant') IN ('', ?)")
            .bind_text(&tenant.to_string());
    }
    sql.push(
        " GROUP BY JSONExtractString(header, 'facts', 'component'), JSONExtractString(header, 'facts', 'subject'))",
    );
    if open_only {
        sql.push(" WHERE JSONExtractString(last.2, 'action') = 'begin'");
    }
    sql.push(" ORDER BY latest DESC, last.1 LIMIT ?")
        .bind_u64(limit.into());
    let rows: Vec<IncidentRow> = call.app.rows(sql).await?;
    let items: Vec<Value> = rows.iter().map(item).collect();
    let open = items.iter().filter(|item| item["state"] == "open").count();
    json(&json!({"items": items, "open": open}))
}

fn item(row: &IncidentRow) -> Value {
    let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
    let facts = header["facts"].as_object().cloned().unwrap_or_default();
    let is_open = header["action"] == "begin";
    let about: Map<String, Value> = facts
        .iter()
        .filter(|(name, _)| !OWN_FACTS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    json!({
        "state": if is_open { "open" } else { "ended" },
        "component": facts.get("component"), "code": facts.get("code"), "about": about,
        "reason": header["reason"], "begun_at": rfc3339_us(row.begun_us),
        "ended_at": (!is_open).then(|| rfc3339_us(row.last_us)),
        "event_id": row.event_id, "ledger": {"shard": row.shard, "index": row.chain_index},
    })
}
