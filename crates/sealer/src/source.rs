//! Where stored leaves are read from.

use aal_ledger::{ChainId, Hash};
use async_trait::async_trait;
use uuid::Uuid;

/// One stored row as the sealer reads it back. Nothing in it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLeaf {
    pub shard: u32,
    pub block: u64,
    /// Position in the block.
    pub row: u32,
    pub tenant: Uuid,
    pub chain_index: u64,
    pub leaf_hash: Vec<u8>,
    pub leaf: Vec<u8>,
    pub header: Vec<u8>,
}

/// The store whose rows are sealed.
#[async_trait]
pub trait LeafSource: Send + Sync {
    /// Why the store did not answer.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Random id the store was given when it was created; another one means another store.
    async fn incarnation(&self) -> Result<Uuid, Self::Error>;

    /// All shards that have rows.
    async fn shards(&self) -> Result<Vec<u32>, Self::Error>;

    /// Rows of a shard from `from_block` on, by block and row: whole blocks only, about `max_rows` rows, at least one
    /// block when there is one. A block is one INSERT and so is either wholly there or not at all.
    async fn leaves(
        &self,
        shard: u32,
        from_block: u64,
        max_rows: usize,
    ) -> Result<Vec<StoredLeaf>, Self::Error>;

    /// Leaf hashes of a chain from `from_index` on, in order of index, at most `max_rows`: to rebuild a tree whose
    /// saved frontier was lost.
    async fn leaf_hashes(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Hash>, Self::Error>;

    /// Leaves of a chain from `from_index` on, in order of index, at most `max_rows`: to fill tiles again that were
    /// lost.
    async fn chain_leaves(
        &self,
        chain: ChainId,
        from_index: u64,
        max_rows: usize,
    ) -> Result<Vec<Vec<u8>>, Self::Error>;
}
