//! Records of a chain from the store, page by page.

use std::collections::HashMap;

use aal_bundle::plan::ChainSpan;
use aal_ledger::ChainId;
use aal_store::StoredRow;
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::read::Reader;

/// Records of one query of the store.
const PAGE_RECORDS: u64 = 500;

#[derive(Debug, Row, Deserialize)]
struct NeededRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    size: u64,
}

/// Pages of one span.
pub struct Pages<'r> {
    reader: &'r Reader,
    span: ChainSpan,
    next: u64,
}

impl<'r> Pages<'r> {
    pub fn new(reader: &'r Reader, span: ChainSpan) -> Self {
        let next = span.first;
        Self { reader, span, next }
    }

    /// The next records in order; none after the last.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn next(&mut self) -> Result<Vec<StoredRow>, clickhouse::error::Error> {
        if self.next >= self.span.end {
            return Ok(Vec::new());
        }
        let end = self.span.end.min(self.next.saturating_add(PAGE_RECORDS));
        let statement = format!(
            "{} FROM records WHERE tenant = ? AND shard = ? AND chain_index >= ? AND chain_index < ? \
             ORDER BY chain_index",
            StoredRow::SELECT
        );
        let rows = self
            .reader
            .query(&statement)
            .bind(self.span.chain.tenant)
            .bind(self.span.chain.shard)
            .bind(self.next)
            .bind(end)
            .fetch_all::<StoredRow>()
            .await?;
        self.next = end;
        Ok(rows)
    }
}

/// How many leaves of each chain hold all records whose time is in the period, as far as they are stored now.
///
/// # Errors
/// The store does not answer.
pub async fn needed(
    reader: &Reader,
    tenant: Option<Uuid>,
    from_us: i64,
    to_us: i64,
) -> Result<HashMap<ChainId, u64>, clickhouse::error::Error> {
    let whose = if tenant.is_some() { "tenant = ? AND " } else { "" };
    let statement = format!(
        "SELECT tenant, shard, max(chain_index) + 1 AS size FROM records WHERE {whose}\
         occurred_at >= fromUnixTimestamp64Micro(?) AND occurred_at < fromUnixTimestamp64Micro(?) \
         GROUP BY tenant, shard"
    );
    let mut query = reader.query(&statement);
    if let Some(tenant) = tenant {
        query = query.bind(tenant);
    }
    let rows = query.bind(from_us).bind(to_us).fetch_all::<NeededRow>().await?;
    let size = |row: NeededRow| {
        let (tenant, shard) = (row.tenant, row.shard);
        (ChainId { tenant, shard }, row.size)
    };
    Ok(rows.into_iter().map(size).collect())
}
