//! Sessions: the calls of one conversation or case, with totals.

use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::call::{Call, json};
use crate::logs::{
    Filters, Snapshot, SummaryRow, cost_text, decode_cursor, encode_cursor, flagged_events, snapshot,
    summary_columns, summary_json, verdicts_of,
};
use crate::scope::Scope;
use crate::sql::Sql;

/// Records of one session that are shown.
const MAX_TIMELINE: u64 = 2_000;

#[derive(Row, Deserialize)]
struct SessionRow {
    session_id: String,
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    app: String,
    who: String,
    first_us: i64,
    last_us: i64,
    calls: u64,
    errors: u64,
    tokens_in: u64,
    tokens_out: u64,
    money: Option<i128>,
    currencies: Vec<String>,
    unpriced: u64,
    flagged: u64,
    removed: u64,
}

/// Key of the last session of a page.
type LastKey = (i64, Uuid, String);

const COLUMNS: &str = "SELECT session_id, tenant, toString(any(application)) AS app, any(user_id) AS who, \
    toUnixTimestamp64Micro(min(occurred_at)) AS first_us, toUnixTimestamp64Micro(max(occurred_at)) AS last_us, \
    count() AS calls, countIf(is_error) AS errors, sum(input_tokens) AS tokens_in, \
    sum(output_tokens) AS tokens_out, sum(cost) AS money, \
    arraySort(groupUniqArrayIf(toString(currency), cost IS NOT NULL)) AS currencies, \
    countIf(unpriced_reason != '') AS unpriced, countIf(event_id IN (";
const COLUMNS_END: &str = ")) AS flagged, sum(pii_total) AS removed";

fn select(scope: &Scope) -> Sql {
    let mut sql = Sql::new(COLUMNS);
    sql.append(flagged_events(scope)).push(COLUMNS_END);
    sql.records(scope).push(" AND session_id != ''");
    sql
}

fn session_json(row: &SessionRow) -> Value {
    json!({
        "session_id": row.session_id, "tenant": row.tenant, "application": row.app,
        "user_id": row.who, "first_at": rfc3339_us(row.first_us), "last_at": rfc3339_us(row.last_us),
        "calls": row.calls, "errors": row.errors, "input_tokens": row.tokens_in,
        "output_tokens": row.tokens_out, "cost": one_currency(row.money, &row.currencies),
        "currency": row.currencies.first(), "unpriced": row.unpriced, "flagged": row.flagged,
        "pii_total": row.removed,
    })
}

/// A sum of money, unless it would add different currencies.
pub(crate) fn one_currency(sum: Option<i128>, currencies: &[String]) -> Option<String> {
    if currencies.len() > 1 {
        None
    } else {
        sum.map(cost_text)
    }
}

pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&[
        "from",
        "to",
        "tenant",
        "application",
        "user_id",
        "cursor",
        "limit",
    ])?;
    let filters = Filters::of_query(query)?;
    let scope = call.scope.narrowed(filters.tenant)?;
    let limit = query.limit(50, 500)?;
    let description = format!(
        "sessions {}",
        serde_json::to_string(&(&filters, scope.tenants)).unwrap_or_default()
    );
    let (until, last) = match query.text("cursor") {
        None => (snapshot(&call.app, &scope).await?, None),
        Some(text) => {
            let (until, last): (Snapshot, LastKey) = decode_cursor(text, &description)?;
            (until, Some(last))
        }
    };
    let mut sql = select(&scope);
    filters.apply(&call.app, &scope, &mut sql).await?;
    until.limit(&mut sql);
    sql.push(" GROUP BY tenant, session_id");
    if let Some((last_us, tenant, session_id)) = last {
        sql.push(" HAVING (last_us, tenant, session_id) < (toInt64(?), toUUID(?), ?)")
            .bind_i64(last_us)
            .bind_uuid(tenant)
            .bind_text(&session_id);
    }
    sql.push(" ORDER BY last_us DESC, tenant DESC, session_id DESC LIMIT ?")
        .bind_u64(u64::from(limit) + 1);
    let mut rows: Vec<SessionRow> = call.app.rows(sql).await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| {
        let key: LastKey = (row.last_us, row.tenant, row.session_id.clone());
        encode_cursor(&until, &key, &description)
    });
    let items: Vec<Value> = rows.iter().map(session_json).collect();
    json(&json!({"items": items, "next_cursor": next_cursor}))
}

/// One session's totals and its records in time order, outcomes included.
pub(crate) async fn timeline(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant"])?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let session_id = call.request.path.first().cloned().unwrap_or_default();
    let filters = Filters {
        session_id: Some(session_id.clone()),
        kinds: vec!["event".to_owned()],
        ..Filters::default()
    };
    let mut sql = select(&scope);
    filters.apply(&call.app, &scope, &mut sql).await?;
    sql.push(" GROUP BY tenant, session_id ORDER BY last_us DESC LIMIT 1");
    let unknown = || Problem::not_found("there is no such session among those you may see");
    let totals: SessionRow = call.app.row(sql).await?.ok_or_else(unknown)?;
    let scope = scope.narrowed(Some(totals.tenant))?;

    let mut sql = summary_columns(false);
    sql.records(&scope)
        .push(" AND kind IN ('event', 'withheld') AND session_id = ?")
        .bind_text(&totals.session_id);
    sql.push(" ORDER BY occurred_at, event_id, shard, chain_index LIMIT ?")
        .bind_u64(MAX_TIMELINE);
    let mut rows: Vec<SummaryRow> = call.app.rows(sql).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let mut sql = summary_columns(false);
    sql.records(&scope.without_user_limit())
        .push(" AND kind = 'outcome' AND target_event_id IN ? LIMIT ?")
        .bind_uuids(&ids)
        .bind_u64(MAX_TIMELINE);
    if !ids.is_empty() {
        rows.extend(call.app.rows::<SummaryRow>(sql).await?);
    }
    rows.sort_by_key(|row| (row.occurred_at_us, row.event_id, row.shard, row.chain_index));
    let verdicts = verdicts_of(&call.app, &scope, &ids).await?;
    let items: Vec<Value> = rows
        .iter()
        .map(|row| summary_json(row, verdicts.get(&row.event_id).copied().unwrap_or_default()))
        .collect();
    json(
        &json!({"session_id": totals.session_id, "totals": session_json(&totals), "items": items,
                 "truncated": ids.len() as u64 == MAX_TIMELINE}),
    )
}
