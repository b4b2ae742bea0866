//! Tiles in the anchor store: of the anchor log and of every chain (ledger-format.md section 7.1).
//!
//! A tile, full or partial, is created once and never written over: its name says which hashes it holds, so other
//! bytes under the same name are a contradiction.

use std::fmt;

use aal_ledger::ChainId;
use aal_ledger::tile::{Filled, Resource, TILE_WIDTH};
use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::anchor::{Anchor, AnchorError};
use crate::objects::Objects;

/// Objects that are written or read at once.
pub(crate) const CONCURRENCY: usize = 16;

/// Whose tiles they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// The anchor log; its entries are manifests.
    Log,
    /// One chain; its entries are leaves.
    Chain(ChainId),
}

impl fmt::Display for Tree {
    /// The folder of its tiles: `log` or `chain/<tenant>/<shard>`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::Log => formatter.write_str("log"),
            Tree::Chain(chain) => write!(formatter, "chain/{}/{}", chain.tenant, chain.shard),
        }
    }
}

impl<O: Objects> Anchor<O> {
    fn tile_path(&self, tree: Tree, resource: Resource) -> String {
        self.path(&format!("{tree}/{}", resource.path()))
    }

    /// A tile's or bundle's bytes, from the full one if the partial one is gone; `None` when there is neither.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tile(&self, tree: Tree, resource: Resource) -> Result<Option<Bytes>, AnchorError> {
        if let Some(bytes) = self.objects.get(&self.tile_path(tree, resource)).await? {
            return Ok(Some(bytes));
        }
        if !resource.is_partial() {
            return Ok(None);
        }
        let full = self.objects.get(&self.tile_path(tree, resource.full())).await?;
        Ok(full.and_then(|bytes| {
            resource
                .prefix(&bytes, resource.width())
                .map(Bytes::copy_from_slice)
        }))
    }

    /// Writes tiles that do not exist yet, some at once, in no particular order.
    ///
    /// # Errors
    /// [`AnchorError::Conflict`] when one exists with other bytes.
    pub async fn write_tiles(&self, tree: Tree, filled: &[Filled]) -> Result<(), AnchorError> {
        for some in filled.chunks(CONCURRENCY) {
            try_join_all(some.iter().map(|filled| self.write_tile(tree, filled))).await?;
        }
        Ok(())
    }

    async fn write_tile(&self, tree: Tree, filled: &Filled) -> Result<(), AnchorError> {
        let path = self.tile_path(tree, filled.resource);
        let bytes = Bytes::from(filled.bytes.clone());
        if self.create_same(&path, bytes).await? {
            return Ok(());
        }
        Err(AnchorError::Conflict { tree, path })
    }

    /// Partial bundles that are wider than the one of a tree of `size` entries: an epoch was cut off after they were
    /// written.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn bundles_ahead(&self, tree: Tree, size: u64) -> Result<Vec<Filled>, AnchorError> {
        let bundle = Resource::Entries {
            index: size / TILE_WIDTH,
            width: TILE_WIDTH as u16,
        };
        let folder = format!("{}.p", self.tile_path(tree, bundle));
        let mut ahead = Vec::new();
        for path in self.objects.list(&folder).await? {
            let width = path
                .rsplit('/')
                .next()
                .and_then(|width| width.parse::<u16>().ok());
            let Some(width) = width.filter(|width| u64::from(*width) > size % TILE_WIDTH) else {
                continue;
            };
            if let Some(bytes) = self.objects.get(&path).await? {
                ahead.push(Filled {
                    resource: bundle.with_width(width),
                    bytes: bytes.to_vec(),
                });
            }
        }
        Ok(ahead)
    }

    /// Removes one partial tile that nobody needs any more.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn delete_partial(&self, tree: Tree, partial: Resource) -> Result<(), AnchorError> {
        if partial.is_partial() {
            self.objects.delete(&self.tile_path(tree, partial)).await?;
        }
        Ok(())
    }

    /// Removes all partial tiles of a tile that is full.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn delete_partials_of(&self, tree: Tree, full: Resource) -> Result<(), AnchorError> {
        let folder = format!("{}.p", self.tile_path(tree, full.full()));
        for path in self.objects.list(&folder).await? {
            self.objects.delete(&path).await?;
        }
        Ok(())
    }
}
