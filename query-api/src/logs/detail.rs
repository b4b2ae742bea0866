//! `GET /api/v1/audit/logs/{event_id}`: everything about one record.

use std::sync::Arc;

use aal_policy::Policy;
use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::access::AccessNote;
use crate::app::App;
use crate::call::{Call, json, wrong};
use crate::logs::disclosure::{Disclosure, Grant};
use crate::logs::filters::tenant_wide;
use crate::logs::first::{OfKind, first};
use crate::logs::outcomes::verdicts_of;
use crate::logs::purpose;
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
    kind: String,
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
    pub(crate) template_slots: Vec<u16>,
    pub(crate) template_salts: Vec<[u8; 32]>,
    pub(crate) sealed_slots: Vec<u16>,
    pub(crate) sealed_values: Vec<serde_bytes::ByteBuf>,
}

const COLUMNS: &str = "SELECT shard, tenant, chain_index, event_id, kind, application, environment, session_id, \
    prev_leaf_hash, leaf_hash, leaf, header, request_body, response_body, search_text, attributes, \
    template_slots, template_salts, sealed_slots, sealed_values";

impl OfKind for DetailRow {
    fn kind(&self) -> &str {
        &self.kind
    }
}

/// The record of this event inside the scope.
pub(crate) async fn find_record(
    app: &App,
    scope: &Scope,
    event_id: Uuid,
) -> Result<Option<DetailRow>, Problem> {
    first(app, scope, &Sql::new(COLUMNS), event_id).await
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
    query.only(&["reveal", "slots", "purpose"])?;
    let reason = query.text("reveal").map(str::to_owned);
    let slots = query.text("slots").map(slots_of).transpose()?;
    if slots.is_some() && reason.is_none() {
        return Err(wrong("slots", "given together with reveal, the reason"));
    }
    let record = find_record(&call.app, &call.scope, event_id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such event among those you may see"))?;
    let policy = policy_of(&call.app, &record).await?;
    let purpose = purpose::stated(query.text("purpose"), is_phi(&record, &policy))?;
    let disclosure = match &reason {
        Some(_) => {
            let grant = Grant::of_role(&call.scope, policy)?;
            Some(Disclosure::plan(&record, grant, slots.as_deref())?)
        }
        None => None,
    };
    // Recorded first: what cannot be recorded is not shown.
    let note = AccessNote {
        user: &call.scope.user,
        tenant: record.tenant,
        action: if reason.is_some() { "reveal" } else { "read" },
        target: Some(event_id),
        reason,
        detail: access_detail(purpose, disclosure.as_ref()),
    };
    call.app.record_access(note).await?;
    let mut shown = show(&call.app, &call.scope, &record).await?;
    if let Some(disclosure) = &disclosure {
        shown["revealed"] = reveal(&call.app, &record, disclosure).await?;
        shown["not_revealed"] = disclosure.refused.clone().into();
    }
    json(&shown)
}

/// The policy that says now who may see what of a record.
pub(crate) async fn policy_of(app: &App, record: &DetailRow) -> Result<Arc<Policy>, Problem> {
    let treatments = app.treatments(record.tenant, &record.application).await?;
    Ok(treatments.policy_or_default())
}

/// Whether the record holds health information, or its application does by now.
pub(crate) fn is_phi(record: &DetailRow, policy: &Policy) -> bool {
    let header: Value = serde_json::from_str(&record.header).unwrap_or_default();
    header["phi"].as_bool().unwrap_or(false) || policy.phi
}

/// What an access leaf says of a read beside who, which and why.
pub(crate) fn access_detail(purpose: Option<&str>, disclosure: Option<&Disclosure>) -> Value {
    let mut detail = Map::new();
    if let Some(purpose) = purpose {
        detail.insert("phi".to_owned(), true.into());
        detail.insert("purpose".to_owned(), purpose.into());
    }
    if let Some(disclosure) = disclosure {
        detail.insert("slots".to_owned(), disclosure.slots().into());
        detail.insert("kinds".to_owned(), disclosure.kinds().into());
    }
    if detail.is_empty() {
        Value::Null
    } else {
        Value::Object(detail)
    }
}

fn slots_of(text: &str) -> Result<Vec<u16>, Problem> {
    let slots: Result<Vec<u16>, _> = text.split(',').map(str::parse).collect();
    slots.map_err(|_| {
        wrong(
            "slots",
            "slot numbers such as 16,17, as the record's redactions name them",
        )
    })
}

/// Everything about a record as it is stored.
pub(crate) async fn show(app: &App, scope: &Scope, record: &DetailRow) -> Result<Value, Problem> {
    let event_id = record.event_id;
    let row: SummaryRow = first(app, scope, &summary_columns(false), event_id)
        .await?
        .ok_or_else(|| Problem::not_found("the event is no longer there"))?;
    let verdict = verdicts_of(app, scope, &[event_id])
        .await?
        .remove(&event_id)
        .unwrap_or_default();
    let mut answer = summary_json(&row, verdict);
    add_contents(&mut answer, record);
    answer["outcomes"] = outcomes(app, scope, event_id).await?;
    answer["ledger"] = crate::ledger::position(app, record).await;
    Ok(answer)
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
    answer["content"] = header.get("content").cloned().unwrap_or(Value::Null);
    answer["sealed_texts"] = sealed_texts(record).into();
    answer["reason"] = header.get("reason").cloned().unwrap_or(Value::Null);
    answer["cost_detail"] = json!({
        "input": header.get("input_cost"), "output": header.get("output_cost"), "total": header.get("cost"),
        "currency": header.get("currency"), "price_version": header.get("price_version"),
        "rule": header.get("price_rule"),
        "unpriced_reason": header.get("unpriced_reason").and_then(Value::as_str).unwrap_or(""),
    });
    answer["header"] = header;
}

/// Names of the texts that are sealed as a whole; `reveal` opens them.
fn sealed_texts(record: &DetailRow) -> Vec<&'static str> {
    let slots = record.sealed_slots.iter();
    slots
        .filter_map(|slot| crate::logs::disclosure::text_name(*slot))
        .collect()
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
