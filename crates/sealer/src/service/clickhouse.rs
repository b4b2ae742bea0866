//! Reads stored leaves back from ClickHouse.

use aal_ledger::{ChainId, Hash};
use aal_store::Store;
use async_trait::async_trait;
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{LeafSource, StoredLeaf};

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("clickhouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("the store has {0} identities, there must be exactly one")]
    Identity(usize),
}

/// The rows of the table `records`.
#[derive(Clone, Debug)]
pub struct ClickHouseLeaves {
    store: Store,
}

impl ClickHouseLeaves {
    pub fn new(store: Store) -> ClickHouseLeaves {
        ClickHouseLeaves { store }
    }
}

#[derive(Row, Deserialize)]
struct IdRow {
    #[serde(with = "clickhouse::serde::uuid")]
    id: Uuid,
}

#[derive(Row, Deserialize)]
struct LeafRow {
    block: u64,
    block_row: u32,
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    chain_index: u64,
    leaf_hash: [u8; 32],
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
    #[serde(with = "serde_bytes")]
    header: Vec<u8>,
}

#[derive(Row, Deserialize)]
struct HashRow {
    leaf_hash: [u8; 32],
}

#[derive(Row, Deserialize)]
struct BytesRow {
    #[serde(with = "serde_bytes")]
    leaf: Vec<u8>,
}

#[async_trait]
impl LeafSource for ClickHouseLeaves {
    type Error = ReadError;

    async fn incarnation(&self) -> Result<Uuid, ReadError> {
        let rows = self
            .store
            .client()
            .query("SELECT id FROM store_identity")
            .fetch_all::<IdRow>()
            .await?;
        match rows.as_slice() {
            [row] => Ok(row.id),
            rows => Err(ReadError::Identity(rows.len())),
        }
    }

    async fn shards(&self) -> Result<Vec<u32>, ReadError> {
        Ok(self
            .store
            .client()
            .query("SELECT DISTINCT shard FROM records ORDER BY shard")
            .fetch_all::<u32>()
            .await?)
    }

    async fn leaves(
        &self,
        shard: u32,
        from_block: u64,
        max_rows: usize,
    ) -> Result<Vec<StoredLeaf>, ReadError> {
        // The last block that still fits, and the first one in any case.
        let last = self
            .store
            .client()
            .query(
                "SELECT max(block) FROM (
                     SELECT block, sum(count()) OVER (ORDER BY block) AS upto, min(block) OVER () AS first
                     FROM records WHERE shard = ? AND block >= ? GROUP BY block
                 ) WHERE upto <= ? OR block = first",
            )
            .bind(shard)
            .bind(from_block)
            .bind(max_rows as u64)
            .fetch_one::<u64>()
            .await?;
        let rows = self
            .store
            .client()
            .query(
                "SELECT block, block_row, tenant, chain_index, leaf_hash, leaf, header
                 FROM records WHERE shard = ? AND block >= ? AND block <= ? ORDER BY block, block_row",
            )
            .bind(shard)
            .bind(from_block)
            .bind(last)
            .fetch_all::<LeafRow>()
            .await?;
        let stored = rows.into_iter().map(|row| StoredLeaf {
            shard,
            block: row.block,
            row: row.block_row,
            tenant: row.tenant,
            chain_index: row.chain_index,
            leaf_hash: row.leaf_hash.to_vec(),
            leaf: row.leaf,
            header: row.header,
        });
        Ok(stored.collect())
    }

    async fn leaf_hashes(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Hash>, ReadError> {
        let rows = self
            .store
            .client()
            .query(
                "SELECT leaf_hash FROM records WHERE tenant = toUUID(?) AND shard = ? AND chain_index >= ?
                 ORDER BY chain_index LIMIT ?",
            )
            .bind(chain.tenant.to_string())
            .bind(chain.shard)
            .bind(from_index)
            .bind(max_rows as u64)
            .fetch_all::<HashRow>()
            .await?;
        Ok(rows.into_iter().map(|row| row.leaf_hash).collect())
    }

    async fn chain_leaves(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let rows = self
            .store
            .client()
            .query(
                "SELECT leaf FROM records WHERE tenant = toUUID(?) AND shard = ? AND chain_index >= ?
                 ORDER BY chain_index LIMIT ?",
            )
            .bind(chain.tenant.to_string())
            .bind(chain.shard)
            .bind(from_index)
            .bind(max_rows as u64)
            .fetch_all::<BytesRow>()
            .await?;
        Ok(rows.into_iter().map(|row| row.leaf).collect())
    }
}
