//! `GET /api/v1/audit/logs`: a page of records, newest first.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aal_service::Problem;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::app::App;
use crate::call::{Call, json};
use crate::logs::cursor::{self, Snapshot};
use crate::logs::filters::{FILTER_NAMES, Filters};
use crate::logs::outcomes::verdicts_of;
use crate::logs::summary::{SummaryRow, summary_columns, summary_json};
use crate::scope::Scope;
use crate::sql::{MOMENT, Sql};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// A page and where the next one begins.
pub(crate) struct ListPage {
    pub(crate) items: Vec<SummaryRow>,
    pub(crate) next_cursor: Option<String>,
}

/// Key of the last row of a page.
type LastKey = (i64, Uuid, u32, u64);

pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&[FILTER_NAMES, &["cursor", "limit"]].concat())?;
    let filters = Filters::of_query(query)?;
    let scope = call.scope.narrowed(filters.tenant)?;
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let page = list_page(&call.app, &scope, &filters, query.text("cursor"), limit, false).await?;
    let ids: Vec<Uuid> = page.items.iter().map(|row| row.event_id).collect();
    let verdicts = verdicts_of(&call.app, &scope, &ids).await?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|row| summary_json(row, verdicts.get(&row.event_id).copied().unwrap_or_default()))
        .collect();
    json(&json!({"items": items, "next_cursor": page.next_cursor}))
}

/// One page in the order (occurred_at, event_id, shard, index) descending; the last two make it total,
/// since duplicates and conflicts share an event's id.
pub(crate) async fn list_page(
    app: &App,
    scope: &Scope,
    filters: &Filters,
    cursor: Option<&str>,
    limit: u32,
    with_texts: bool,
) -> Result<ListPage, Problem> {
    let description = serde_json::to_string(&(filters, scope.tenants)).unwrap_or_default();
    let (snapshot, last) = match cursor {
        None => (snapshot(app, scope).await?, None),
        Some(text) => {
            let (snapshot, last): (Snapshot, LastKey) = cursor::decode(text, &description)?;
            (snapshot, Some(last))
        }
    };
    let mut sql = summary_columns(with_texts);
    sql.records(scope);
    filters.apply(app, scope, &mut sql).await?;
    snapshot.limit(&mut sql);
    if let Some((at_us, event_id, shard, index)) = last {
        // The first condition is implied by the second; the index reads only the first.
        sql.push(" AND occurred_at <= ").push(MOMENT).bind_i64(at_us);
        sql.push(" AND (occurred_at, event_id, shard, chain_index) < (")
            .push(MOMENT)
            .push(", toUUID(?), toUInt32(?), toUInt64(?))")
            .bind_i64(at_us)
            .bind_uuid(event_id)
            .bind_u64(u64::from(shard))
            .bind_u64(index);
    }
    sql.push(" ORDER BY occurred_at DESC, event_id DESC, shard DESC, chain_index DESC LIMIT ?")
        .bind_u64(u64::from(limit) + 1);
    let mut items: Vec<SummaryRow> = app.rows(sql).await?;
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| has_more).map(|row| {
        let key: LastKey = (row.occurred_at_us, row.event_id, row.shard, row.chain_index);
        cursor::encode(&snapshot, &key, &description)
    });
    Ok(ListPage { items, next_cursor })
}

#[derive(Row, Deserialize)]
struct ShardEnd {
    shard: u32,
    last_offset: u64,
}

/// After this time all shards are looked for again, not only what follows the known ones.
const SHARDS_KNOWN_FOR: Duration = Duration::from_secs(30);
/// Scopes whose last snapshot is kept.
const MAX_KEPT: usize = 1_000;

/// The last snapshot of each tenant scope, from which the next one is read.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    kept: Mutex<HashMap<String, (Instant, Snapshot)>>,
}

impl Snapshots {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, Snapshot)>> {
        // Nothing panics while the lock is held; a poisoned map would still be whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A recent snapshot that may serve as a start.
    fn recent(&self, scope: &str) -> Option<(Instant, Snapshot)> {
        let kept = self.lock().get(scope).cloned();
        kept.filter(|(since, snapshot)| since.elapsed() < SHARDS_KNOWN_FOR && snapshot.floor().is_some())
    }

    fn keep(&self, scope: String, since: Instant, snapshot: Snapshot) {
        let mut kept = self.lock();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(scope, (since, snapshot));
    }
}

/// How far each shard is stored now, as far as the scope's tenants show.
pub(crate) async fn snapshot(app: &App, scope: &Scope) -> Result<Snapshot, Problem> {
    let name = scope.tenants.to_string();
    let (since, mut snapshot) = app
        .snapshots
        .recent(&name)
        .unwrap_or_else(|| (Instant::now(), Snapshot::default()));
    let mut sql = Sql::new("SELECT shard, max(kafka_offset) AS last_offset");
    sql.records(&scope.without_user_limit());
    if let Some(floor) = snapshot.floor() {
        sql.push(" AND kafka_offset > ?").bind_u64(floor);
    }
    sql.push(" GROUP BY shard ORDER BY shard LIMIT 100000");
    let ends: Vec<ShardEnd> = app.rows(sql).await?;
    for end in ends {
        snapshot.advance(end.shard, end.last_offset);
    }
    app.snapshots.keep(name, since, snapshot.clone());
    Ok(snapshot)
}
