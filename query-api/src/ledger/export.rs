//! Stored records for the verifier, as they are: `audit verify` trusts nothing that is computed here.

use std::sync::Arc;

use aal_service::Problem;
use aal_store::StoredRow;
use bytes::Bytes;
use clickhouse::Row;
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
use crate::ledger::damage;
use crate::scope::Scope;
use crate::sql::{Sql, store_problem};

/// Records of one query of the store.
const PAGE_RECORDS: u64 = 2_000;
/// Lines that are read ahead of the client.
pub(crate) const LINES_AHEAD: usize = 64;

#[derive(Row, Deserialize)]
struct ChainRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    size: u64,
    last_index: u64,
}

/// `GET /api/v1/verify/chains`: every chain inside the scope with the number of its records. A store that is damaged so
/// that it cannot tell is `damaged`: a finding for the verifier.
pub(crate) async fn chains(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let scope = call.scope.narrowed(call.request.query.uuid("tenant")?)?;
    let mut sql = Sql::new("SELECT tenant, shard, count() AS size, max(chain_index) AS last_index");
    sql.records(&scope)
        .push(" GROUP BY tenant, shard ORDER BY tenant, shard LIMIT 1000000");
    let rows: Vec<ChainRow> = match call.app.rows_or_error(sql).await {
        Ok(rows) => rows,
        Err(error) => match damage::of(&error) {
            Some(what) => return json(&json!({"chains": [], "damaged": what})),
            None => return Err(store_problem(&error)),
        },
    };
    let chains: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"tenant": row.tenant, "shard": row.shard, "size": row.size, "last_index": row.last_index})
        })
        .collect();
    json(&json!({"chains": chains}))
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
    let pages = Pages {
        app: Arc::clone(&call.app),
        scope,
        shard,
        from,
        after: None,
        left: limit,
    };
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

enum PageEnd {
    More,
    Last,
}

enum CopyError {
    ClientLeft,
    Store(Problem),
}

/// Reads a chain page by page, so that no query of the store lasts as long as the whole export.
struct Pages {
    app: Arc<App>,
    scope: Scope,
    shard: u32,
    from: u64,
    /// Index, block and row of the last record: an index may be stored twice, which the verifier must see.
    after: Option<(u64, u64, u32)>,
    left: u64,
}

impl Pages {
    async fn copy(mut self, lines: mpsc::Sender<Line>) {
        loop {
            match self.copy_page(&lines).await {
                Ok(PageEnd::More) => {}
                Ok(PageEnd::Last) | Err(CopyError::ClientLeft) => return,
                Err(CopyError::Store(problem)) => {
                    // The broken chunked body tells the client that this was not the end.
                    let broken = std::io::Error::other(problem.detail);
                    // When the client is gone too, there is nobody left to tell.
                    let _ = lines.send(Err(broken)).await;
                    return;
                }
            }
        }
    }

    /// Copies one page row by row, since one row may hold megabytes. A page that breaks off after some
    /// rows (a slow client can outlast the query) is taken up again behind them.
    async fn copy_page(&mut self, lines: &mpsc::Sender<Line>) -> Result<PageEnd, CopyError> {
        let wanted = self.left.min(PAGE_RECORDS);
        let mut rows = self
            .app
            .cursor::<StoredRow>(self.page())
            .map_err(CopyError::Store)?;
        let mut copied = 0;
        loop {
            match rows.next().await {
                Ok(Some(row)) => {
                    self.after = Some((row.chain_index, row.block, row.block_row));
                    self.left = self.left.saturating_sub(1);
                    copied += 1;
                    lines
                        .send(Ok(line_of(row)))
                        .await
                        .map_err(|_| CopyError::ClientLeft)?;
                }
                Ok(None) if copied < wanted || self.left == 0 => return Ok(PageEnd::Last),
                Ok(None) => return Ok(PageEnd::More),
                Err(error) if copied > 0 => {
                    tracing::debug!(%error, copied, "page of an export broke off");
                    return Ok(PageEnd::More);
                }
                Err(error) => return self.end_damaged(&error, lines).await,
            }
        }
    }

    /// What a damaged store cannot give is the last line; a store that does not answer breaks the export off.
    async fn end_damaged(
        &self,
        error: &clickhouse::error::Error,
        lines: &mpsc::Sender<Line>,
    ) -> Result<PageEnd, CopyError> {
        let Some(what) = damage::of(error) else {
            return Err(CopyError::Store(store_problem(error)));
        };
        tracing::error!(%error, shard = self.shard, "the store is damaged");
        let line = format!("{}\n", json!({"damaged": what}));
        let sent = lines.send(Ok(line.into())).await;
        sent.map(|()| PageEnd::Last).map_err(|_| CopyError::ClientLeft)
    }

    fn page(&self) -> Sql {
        let mut sql = Sql::new(StoredRow::SELECT);
        let (index, block, row) = self.after.unwrap_or((self.from, 0, 0));
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
        sql.push(" ORDER BY chain_index, block, block_row LIMIT ?")
            .bind_u64(self.left.min(PAGE_RECORDS));
        sql
    }
}

fn line_of(row: StoredRow) -> Bytes {
    let mut line = serde_json::to_vec(&row.into_stored()).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
