//! `GET /api/v1/audit/logs/{event_id}`: everything about one record.

use aal_control::Role;
use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::App;
use crate::call::{Call, json};
use crate::logs::filters::tenant_wide;
use crate::logs::outcomes::verdicts_of;
use crate::logs::reveal::reveal;
use crate::logs::summary::{SummaryRow, summary_columns, summary_json};
use crate::scope::Scope;
use crate::sql::{MOMENT, Sql};

/// Outcomes shown with one record.
const MAX_OUTCOMES: u64 = 500;

/// The columns of one record that lists do without.
#[derive(Clone, Debug, Row, Deserialize)]
pub(crate) struct DetailRow {
    pub(crate) shard: u32,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) tenant: Uuid,
    pub(crate) chain_index: u64,
    #[serde(with = "clickhouse::serde::uuid")]
    pub(crate) event_id: Uuid,
    pub(crate) application: String,
    pub(crate) environment: String,
    pub(crate) session_id: String,
    pub(crate) prev_leaf_hash: [u8; 32],
    pub(crate) leaf_hash: [u8; 32],
    #[serde(with = "serde_bytes")]
    pub(crate) leaf: Vec<u8>,
    pub(crate) header: String,
    pub(crate) request_body: String,
    pub(crate) response_body: String,
    pub(crate) search_text: String,
    pub(crate) attributes: String,
    pub(crate) sealed_slots: Vec<u16>,
    pub(crate) sealed_values: Vec<serde_bytes::ByteBuf>,
}

const COLUMNS: &str = "SELECT shard, tenant, chain_index, event_id, application, environment, session_id, \
    prev_leaf_hash, leaf_hash, leaf, header, request_body, response_body, search_text, attributes, \
    sealed_slots, sealed_values";
/// An event's own record first; a later conflict or duplicate of the same id only when there is none.
const FIRST: &str = " AND event_id = ? ORDER BY kind NOT IN ('event', 'withheld'), kind IN ('duplicate', 'conflict'), \
    shard, chain_index LIMIT 1";

/// The record of this event inside the scope.
pub(crate) async fn find_record(
    app: &App,
    scope: &Scope,
    event_id: Uuid,
) -> Result<Option<DetailRow>, Problem> {
    let mut sql = Sql::new(COLUMNS);
    sql.records(scope).push(FIRST).bind_uuid(event_id);
    app.row(sql).await
}

/// The records whose texts are under one of these data keys, inside a period `(from_us, to_us)`, oldest first.
pub(crate) async fn records_under(
    app: &App,
    scope: &Scope,
    keys: &[Uuid],
    (from_us, to_us): (i64, i64),
    limit: u64,
) -> Result<Vec<DetailRow>, Problem> {
    let mut sql = Sql::new(COLUMNS);
    sql.records(scope)
        .push(" AND subject_key IN ? AND kind NOT IN ('access', 'admin') AND occurred_at >= ")
        .bind_uuids(keys)
        .push(MOMENT)
        .bind_i64(from_us)
        .push(" AND occurred_at < ")
        .push(MOMENT)
        .bind_i64(to_us)
        .push(" ORDER BY occurred_at, event_id LIMIT ?")
        .bind_u64(limit);
    app.rows(sql).await
}

pub(crate) async fn detail(call: Call) -> Result<Response, Problem> {
    let event_id = call.request.path_uuid()?;
    let query = &call.request.query;
    query.only(&["reveal"])?;
    let reason = query.text("reveal").map(str::to_owned);
    if reason.is_some() {
        call.scope.require(&[Role::Admin, Role::ComplianceOfficer])?;
    }
    let record = find_record(&call.app, &call.scope, event_id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such event among those you may see"))?;
    let mut sql = summary_columns(false);
    sql.records(&call.scope).push(FIRST).bind_uuid(event_id);
    let row: SummaryRow = call
        .app
        .row(sql)
        .await?
        .ok_or_else(|| Problem::not_found("the event is no longer there"))?;
    // Recorded first: what cannot be recorded is not shown.
    let note = AccessNote {
        user: &call.scope.user,
        tenant: record.tenant,
        action: if reason.is_some() { "reveal" } else { "read" },
        target: Some(event_id),
        reason: reason.clone(),
        detail: Value::Null,
    };
    call.app.record_access(note).await?;

    let verdict = verdicts_of(&call.app, &call.scope, &[event_id])
        .await?
        .remove(&event_id)
        .unwrap_or_default();
    let mut answer = summary_json(&row, verdict);
    add_contents(&mut answer, &record);
    answer["outcomes"] = outcomes(&call.app, &call.scope, event_id).await?;
    answer["ledger"] = crate::ledger::position(&call.app, &record).await;
    if reason.is_some() {
        answer["revealed"] = reveal(&call.app, &record).await?;
    }
    json(&answer)
}

/// Request, response, attributes and cost, from the header and the templates.
fn add_contents(answer: &mut Value, record: &DetailRow) {
    let header: Value = serde_json::from_str(&record.header).unwrap_or_default();
    let mut attributes: Value = serde_json::from_str(&record.attributes).unwrap_or_default();
    let mut take = |name: &str| {
        attributes
            .as_object_mut()
            .and_then(|members| members.remove(name))
            .unwrap_or(Value::Null)
    };
    let (request, response) = (take("request"), take("response"));
    let (redactions, source) = (take("redactions"), take("source"));
    let erased = record.attributes.is_empty() && header.get("content").is_some();
    answer["request"] =
        json!({"method": request["method"], "url": request["url"], "body": record.request_body});
    answer["response"] = json!({"status": header.get("status"), "content_type": response["content_type"],
                                "body": record.response_body});
    answer["text"] = record.search_text.clone().into();
    answer["redactions"] = if redactions.is_array() {
        redactions
    } else {
        json!([])
    };
    answer["source"] = source;
    answer["attributes"] = attributes;
    answer["erased"] = erased.into();
    answer["reason"] = header.get("reason").cloned().unwrap_or(Value::Null);
    answer["cost_detail"] = json!({
        "input": header.get("input_cost"), "output": header.get("output_cost"), "total": header.get("cost"),
        "currency": header.get("currency"), "price_version": header.get("price_version"),
        "rule": header.get("price_rule"),
        "unpriced_reason": header.get("unpriced_reason").and_then(Value::as_str).unwrap_or(""),
    });
    answer["header"] = header;
}

async fn outcomes(app: &App, scope: &Scope, event_id: Uuid) -> Result<Value, Problem> {
    let mut sql = summary_columns(true);
    sql.records(&tenant_wide(scope))
        .push(" AND kind = 'outcome' AND target_event_id = ? ORDER BY edge_at, event_id LIMIT ?")
        .bind_uuid(event_id)
        .bind_u64(MAX_OUTCOMES);
    let rows: Vec<SummaryRow> = app.rows(sql).await?;
    let items: Vec<Value> = rows
        .iter()
        .map(|row| {
            let attributes: Value = serde_json::from_str(&row.attributes).unwrap_or_default();
            json!({
                "event_id": row.event_id, "recorded_at": rfc3339_us(row.edge_at_us), "outcome": row.outcome,
                "override": row.outcome_override, "flag": row.outcome_flag,
                "reviewer": attributes["outcome"]["reviewer"], "note": attributes["outcome"]["note"],
                "ledger": {"shard": row.shard, "index": row.chain_index},
            })
        })
        .collect();
    Ok(Value::Array(items))
}
