//! Blocks: one INSERT of one shard, and what the store says of a shard.

use aal_ledger::Kind;
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{RecordRow, Store, StoreError};

/// The end of one chain (tenant, shard).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    pub tenant: Uuid,
    /// How many leaves the chain has: the next index.
    pub size: u64,
    pub last_leaf_hash: [u8; 32],
}

/// Where a shard ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardHead {
    /// The number of blocks: the next block's number.
    pub blocks: u64,
    /// The first Kafka offset that no record accounts for yet; none when the shard is empty.
    pub next_offset: Option<u64>,
    pub chains: Vec<ChainHead>,
}

/// Where an event id is recorded already.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StoredId {
    #[serde(with = "clickhouse::serde::uuid")]
    pub tenant: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    pub event_id: Uuid,
    pub header: String,
}

/// Kinds whose event id is the sender's idempotency key.
fn idempotent_kinds() -> Vec<&'static str> {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_idempotent());
    kinds.map(Kind::name).collect()
}

#[derive(Row, Deserialize)]
struct Id {
    #[serde(with = "clickhouse::serde::uuid")]
    event_id: Uuid,
}

#[derive(Row, Deserialize)]
struct HashRow {
    leaf_hash: [u8; 32],
}

#[derive(Row, Deserialize)]
struct ChainRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    rows: u64,
    max_index: u64,
    last_leaf_hash: [u8; 32],
    max_block: u64,
    max_offset: u64,
}

impl Store {
    /// Inserts one block. Success does not prove that these rows are stored: a block of the same
    /// number and attempt with other rows is dropped with success, and a crash between noting the token and keeping the
    /// rows leaves a token without rows. Read it back with [`Store::block_hashes`]; `aal_flow` says which attempt is next.
    pub async fn insert_block(&self, rows: &[RecordRow], attempt: u32) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let token = match attempt {
            0 => format!("{}:{}", first.shard, first.block),
            _ => format!("{}:{}:{attempt}", first.shard, first.block),
        };
        let work = async {
            let mut insert = self
                .client
                .clone()
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", token)
                // A block over two partitions would not be atomic: let it fail instead.
                .with_setting("max_partitions_per_insert_block", "1")
                .with_setting("max_insert_threads", "1")
                .with_setting("max_insert_block_size", "1048449")
                .with_setting("min_insert_block_size_rows", "1048449")
                .with_setting("min_insert_block_size_bytes", "0")
                .with_setting("wait_end_of_query", "1")
                .insert::<RecordRow>("records")
                .await?;
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        self.bounded(work).await
    }

    /// The leaf hashes of a block in row order; empty when there is no such block.
    pub async fn block_hashes(&self, shard: u32, block: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        let query = self
            .client
            .query("SELECT leaf_hash FROM records WHERE shard = ? AND block = ? ORDER BY block_row")
            .bind(shard)
            .bind(block);
        let hashes = self.bounded(query.fetch_all::<HashRow>()).await?;
        Ok(hashes.into_iter().map(|row| row.leaf_hash).collect())
    }

    /// Reads where a shard ends, and refuses to go on from a shard with holes.
    pub async fn shard_head(&self, shard: u32) -> Result<ShardHead, StoreError> {
        let query = self
            .client
            .query(
                "SELECT tenant, count() AS rows, max(chain_index) AS max_index,
                        argMax(leaf_hash, chain_index) AS last_leaf_hash, max(block) AS max_block,
                        max(kafka_offset) AS max_offset
                 FROM records WHERE shard = ? GROUP BY tenant ORDER BY tenant",
            )
            .bind(shard);
        let rows = self.bounded(query.fetch_all::<ChainRow>()).await?;
        let mut head = ShardHead::default();
        for row in &rows {
            if row.rows != row.max_index + 1 {
                let what = format!(
                    "the chain of tenant {} has {} records but its last index is {}: records are missing or doubled; run audit verify",
                    row.tenant, row.rows, row.max_index
                );
                return Err(StoreError::Broken { shard, what });
            }
            head.blocks = head.blocks.max(row.max_block + 1);
            head.next_offset = head.next_offset.max(Some(row.max_offset + 1));
            let chain = ChainHead {
                tenant: row.tenant,
                size: row.max_index + 1,
                last_leaf_hash: row.last_leaf_hash,
            };
            head.chains.push(chain);
        }
        let distinct = self
            .client
            .query("SELECT uniqExact(block) FROM records WHERE shard = ?")
            .bind(shard);
        let blocks = self.bounded(distinct.fetch_one::<u64>()).await?;
        if blocks != head.blocks {
            let what = format!(
                "{} blocks are stored but the last one is number {}",
                blocks,
                head.blocks.wrapping_sub(1)
            );
            return Err(StoreError::Broken { shard, what });
        }
        Ok(head)
    }

    /// Which of these event ids are recorded already, with their headers.
    pub async fn find_events(&self, event_ids: &[Uuid]) -> Result<Vec<StoredId>, StoreError> {
        if event_ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = event_ids.iter().map(Uuid::to_string).collect();
        let query = self
            .client
            .query("SELECT tenant, event_id, header FROM records WHERE event_id IN ? AND kind IN ?")
            .bind(ids)
            .bind(idempotent_kinds());
        self.bounded(query.fetch_all::<StoredId>()).await
    }

    /// Active parts of the table: how far merges are behind.
    pub async fn active_parts(&self) -> Result<u64, StoreError> {
        let query = self.client.query(
            "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'records'",
        );
        self.bounded(query.fetch_one::<u64>()).await
    }

    /// Every event id of every shard.
    pub async fn all_event_ids(&self) -> Result<Vec<Uuid>, StoreError> {
        let query = self
            .client
            .query("SELECT event_id FROM records WHERE kind IN ?")
            .bind(idempotent_kinds());
        let ids = self.bounded(query.fetch_all::<Id>()).await?;
        Ok(ids.into_iter().map(|id| id.event_id).collect())
    }

    /// Every event id of a shard, for the filter that tells new ids from maybe-known ones.
    pub async fn event_ids(&self, shard: u32) -> Result<Vec<Uuid>, StoreError> {
        let query = self
            .client
            .query("SELECT event_id FROM records WHERE shard = ? AND kind IN ?")
            .bind(shard)
            .bind(idempotent_kinds());
        let ids = self.bounded(query.fetch_all::<Id>()).await?;
        Ok(ids.into_iter().map(|id| id.event_id).collect())
    }
}
