//! Rows as ClickHouse has them.

use std::collections::HashSet;

use aal_ledger::{ChainId, LeafView, PruneRanges, Prunes, pruned};
use aal_store::{Store, StoreError, StoredRow};
use aal_verify::StoredRecord;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Where a page ended: index, block and row. An index may be stored twice, which has to be seen.
pub type After = (u64, u64, u32);

/// The rows of a chain from `from` up to below `to`, in order of index, block and row; `after` is the row before.
///
/// # Errors
/// The store does not answer.
pub async fn page(
    store: &Store,
    chain: ChainId,
    from: u64,
    to: u64,
    after: Option<After>,
    limit: u64,
) -> Result<Vec<(StoredRecord, After)>, StoreError> {
    // Told no end that is near, ClickHouse sorts all the rest of the chain for each page.
    let near = to.min(window_end(from, after, limit));
    let mut rows = rows(store, chain, (from, near), after, limit).await?;
    let missing = limit - rows.len() as u64;
    if missing > 0 && near < to {
        // Rows are absent, or the page ends where the chain does.
        let after = rows.last().map(|(_, after)| *after).or(after);
        rows.extend(self::rows(store, chain, (from, to), after, missing).await?);
    }
    Ok(rows)
}

/// Where a page ends of a chain in which nothing is missing: the first index behind it.
fn window_end(from: u64, after: Option<After>, limit: u64) -> u64 {
    let next = after.map_or(from, |(index, _, _)| index.saturating_add(1));
    next.saturating_add(limit)
}

async fn rows(
    store: &Store,
    chain: ChainId,
    (from, to): (u64, u64),
    after: Option<After>,
    limit: u64,
) -> Result<Vec<(StoredRecord, After)>, StoreError> {
    let (index, block, row) = after.unwrap_or((from, 0, 0));
    let behind = if after.is_some() {
        "AND (chain_index, block, block_row) > (toUInt64(?), toUInt64(?), toUInt32(?))"
    } else {
        ""
    };
    let text = format!(
        "{} FROM records WHERE tenant = toUUID(?) AND shard = ? AND chain_index >= ? AND chain_index < ? {behind}
         ORDER BY chain_index, block, block_row LIMIT ?",
        StoredRow::SELECT
    );
    let mut query = store
        .client()
        .query(&text)
        // What nobody waits for leaves the other cores to those who do.
        .with_setting("max_threads", "1")
        .bind(chain.tenant.to_string())
        .bind(chain.shard)
        .bind(index)
        .bind(to);
    if after.is_some() {
        query = query.bind(index).bind(block).bind(row);
    }
    let rows = store.bounded(query.bind(limit).fetch_all::<StoredRow>()).await?;
    let rows = rows.into_iter().map(|row| {
        let after = (row.chain_index, row.block, row.block_row);
        (row.into_stored(), after)
    });
    Ok(rows.collect())
}

/// Data keys of a tenant that recorded erasures name. The records that say so are read back like all others.
///
/// # Errors
/// The store does not answer.
pub async fn erased_keys(store: &Store, tenant: Uuid) -> Result<HashSet<Uuid>, StoreError> {
    let query = store
        .client()
        .query("SELECT header FROM records WHERE tenant = toUUID(?) AND kind = 'erasure_done'")
        .bind(tenant.to_string());
    let headers = store.bounded(query.fetch_all::<String>()).await?;
    let mut keys = HashSet::new();
    for header in headers {
        let header: Value = serde_json::from_str(&header).unwrap_or_default();
        let named = header["subject_key_ids"].as_array().into_iter().flatten();
        keys.extend(
            named
                .filter_map(Value::as_str)
                .filter_map(|key| Uuid::try_parse(key).ok()),
        );
    }
    Ok(keys)
}

#[derive(Row, Deserialize)]
struct PruneRow {
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
    header: String,
}

/// What recorded prunes of a tenant allow to be absent.
///
/// # Errors
/// The store does not answer.
pub async fn prunes(store: &Store, tenant: Uuid) -> Result<Prunes, StoreError> {
    let query = store
        .client()
        .query("SELECT leaf, header FROM records WHERE tenant = toUUID(?) AND kind = 'prune'")
        .bind(tenant.to_string());
    let mut prunes = Prunes::default();
    for row in store.bounded(query.fetch_all::<PruneRow>()).await? {
        let header: Value = serde_json::from_str(&row.header).unwrap_or_default();
        let named = PruneRanges::read(
            header.get(pruned::SHARD_MEMBER),
            header.get(pruned::RANGES_MEMBER),
        );
        if let (Some(named), Ok(leaf)) = (named, LeafView::new(&row.leaf)) {
            prunes.add(tenant, &named, leaf.t_edge_us());
        }
    }
    Ok(prunes)
}
