//! Stored records for the verifier, as they are: `audit verify` trusts nothing that is computed here.

use std::sync::Arc;

use aal_service::Problem;
use aal_store::StoredRow;
use bytes::Bytes;
use clickhouse::Row;
use clickhouse::query::RowCursor;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::app::App;
use crate::call::{Call, json};
use crate::ledger::damage::Unreadable;
use crate::scope::Scope;
use crate::sql::Sql;

/// Records of one query of the store.
const PAGE_RECORDS: u64 = 2_000;
/// Lines that are read ahead of the client.
pub(crate) const LINES_AHEAD: usize = 64;

#[derive(Row, Deserialize)]
pub(super) struct ChainRow {
    #[serde(with = "clickhouse::serde::uuid")]
    pub(super) tenant: Uuid,
    pub(super) shard: u32,
    pub(super) size: u64,
    last_index: u64,
}

/// `GET /api/v1/verify/chains`: every chain inside the scope with the number of its records. A store that is damaged so
/// that it cannot tell is `damaged`: a finding for the verifier.
pub(crate) async fn chains(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let scope = call.scope.narrowed(call.request.query.uuid("tenant")?)?;
    let rows = match stored_chains(&call.app, &scope).await {
        Ok(rows) => rows,
        Err(Unreadable::Damaged(what)) => return json(&json!({"chains": [], "damaged": what})),
        Err(Unreadable::Away(problem)) => return Err(problem),
    };
    let chains: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"tenant": row.tenant, "shard": row.shard, "size": row.size, "last_index": row.last_index})
        })
        .collect();
    json(&json!({"chains": chains}))
}

/// Every chain inside the scope, in order.
pub(super) async fn stored_chains(app: &App, scope: &Scope) -> Result<Vec<ChainRow>, Unreadable> {
    let mut sql = Sql::new("SELECT tenant, shard, count() AS size, max(chain_index) AS last_index");
    sql.records(scope)
        .push(" GROUP BY tenant, shard ORDER BY tenant, shard LIMIT 1000000");
    Ok(app.rows_or_error(sql).await?)
}

/// `GET /api/v1/verify/records`: NDJSON of [`aal_verify::StoredRecord`] from an index on, in order of the chain; all
/// of it without a limit.
pub(crate) async fn records(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "shard", "from", "limit"])?;
    let tenant = query
        .uuid("tenant")?
        .ok_or_else(|| crate::call::wrong("tenant", "given: a UUID"))?;
    let scope = call.scope.narrowed(Some(tenant))?;
    let shard: u32 = query.parsed("shard", "a shard number")?.unwrap_or(0);
    let from: u64 = query.parsed("from", "a chain index")?.unwrap_or(0);
    let limit: u64 = query.parsed("limit", "a number of records")?.unwrap_or(u64::MAX);
    let note = AccessNote {
        user: &call.scope.user,
        tenant,
        action: "export",
        target: None,
        reason: None,
        detail: json!({"shard": shard, "from": from}),
    };
    call.app.record_access(note).await?;
    let pages = Pages::new(Arc::clone(&call.app), scope, shard, from, limit);
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    tokio::spawn(pages.copy(sender));
    Ok(streamed(lines))
}

/// A line, or why the answer breaks off.
pub(crate) type Line = Result<Bytes, std::io::Error>;

/// An answer of NDJSON as the lines come.
pub(crate) fn streamed(mut lines: mpsc::Receiver<Line>) -> Response {
    let mut response =
        warp::reply::stream(stream::poll_fn(move |context| lines.poll_recv(context))).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// Reads a chain page by page, so that no query of the store lasts as long as the whole export.
pub(super) struct Pages {
    app: Arc<App>,
    scope: Scope,
    shard: u32,
    from: u64,
    /// Index, block and row of the last record: an index may be stored twice, which the verifier must see.
    after: Option<(u64, u64, u32)>,
    left: u64,
    page: Option<Page>,
    /// The last page had fewer records than its window: some are absent, or the chain ended.
    is_sparse: bool,
}

/// The page that is being read.
struct Page {
    rows: RowCursor<StoredRow>,
    wanted: u64,
    read: u64,
}

impl Pages {
    /// The records of one chain, which `scope` is narrowed to, from an index on, `limit` at most.
    pub(super) fn new(app: Arc<App>, scope: Scope, shard: u32, from: u64, limit: u64) -> Pages {
        Pages {
            app,
            scope,
            shard,
            from,
            after: None,
            left: limit,
            page: None,
            is_sparse: false,
        }
    }

    async fn copy(mut self, lines: mpsc::Sender<Line>) {
        loop {
            let (line, is_last) = match self.next().await {
                Ok(Some(row)) => (Ok(line_of(row)), false),
                Ok(None) => return,
                // What a damaged store cannot give is the last line.
                Err(Unreadable::Damaged(what)) => {
                    (Ok(format!("{}\n", json!({"damaged": what})).into()), true)
                }
                // The broken chunked body tells the client that this was not the end.
                Err(Unreadable::Away(problem)) => (Err(std::io::Error::other(problem.detail)), true),
            };
            if lines.send(line).await.is_err() || is_last {
                return;
            }
        }
    }

    /// The next record; `None` after the last. Row by row, since one row may hold megabytes. A page that breaks off
    /// after some rows (a slow reader can outlast the query) is taken up again behind them.
    pub(super) async fn next(&mut self) -> Result<Option<StoredRow>, Unreadable> {
        loop {
            if self.left == 0 {
                return Ok(None);
            }
            let mut page = match self.page.take() {
                Some(page) => page,
                None => Page {
                    rows: self.app.cursor::<StoredRow>(self.page_sql())?,
                    wanted: self.left.min(PAGE_RECORDS),
                    read: 0,
                },
            };
            match page.rows.next().await {
                Ok(Some(row)) => {
                    self.after = Some((row.chain_index, row.block, row.block_row));
                    self.left = self.left.saturating_sub(1);
                    page.read += 1;
                    if page.read < page.wanted {
                        self.page = Some(page);
                    } else {
                        self.is_sparse = false;
                    }
                    return Ok(Some(row));
                }
                Ok(None) if self.is_sparse => self.left = 0,
                Ok(None) => self.is_sparse = true,
                Err(error) if page.read > 0 => {
                    tracing::debug!(%error, read = page.read, "page of an export broke off");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn page_sql(&self) -> Sql {
        let mut sql = Sql::new(StoredRow::SELECT);
        let (index, block, row) = self.after.unwrap_or((self.from, 0, 0));
        let wanted = self.left.min(PAGE_RECORDS);
        sql.records(&self.scope)
            .push(" AND shard = ? AND chain_index >= ?")
            .bind_u64(u64::from(self.shard))
            .bind_u64(index);
        if self.after.is_some() {
            sql.push(" AND (chain_index, block, block_row) > (toUInt64(?), toUInt64(?), toUInt32(?))")
                .bind_u64(index)
                .bind_u64(block)
                .bind_u64(u64::from(row));
        }
        if !self.is_sparse {
            // Told no end that is near, ClickHouse sorts all the rest of the chain for each page.
            sql.push(" AND chain_index <= ?")
                .bind_u64(index.saturating_add(wanted));
        }
        sql.push(" ORDER BY chain_index, block, block_row LIMIT ?")
            .bind_u64(wanted);
        sql
    }
}

fn line_of(row: StoredRow) -> Bytes {
    let mut line = serde_json::to_vec(&row.into_stored()).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
