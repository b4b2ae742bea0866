//! Reads tiles from the anchor store, and makes inclusion proofs of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aal_ledger::merkle::prove;
use aal_ledger::tile::{Resource, TILE_WIDTH, Tile, TileError, TiledTree, decode_entries, inclusion_tiles};
use aal_ledger::{ChainId, Hash};
use bytes::Bytes;
use futures_util::future::try_join_all;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};

/// Longest tile or bundle: 256 entries of 65,535 bytes behind their lengths.
const MAX_TILE_BYTES: u64 = 256 * (65_535 + 2);

/// Tiles below their folders in an object store.
#[derive(Clone, Debug)]
pub struct TileReader {
    store: Arc<dyn ObjectStore>,
}

/// Folder of a chain's tiles.
pub(crate) fn chain_folder(chain: ChainId) -> String {
    format!("chain/{}/{}", chain.tenant, chain.shard)
}

impl TileReader {
    /// Reads from that store.
    pub fn new(store: Arc<dyn ObjectStore>) -> TileReader {
        TileReader { store }
    }

    /// A tile or bundle. A partial one may have been superseded: then it is the beginning of the one that has
    /// `newest_width`, or of the full one. `None`: there is none of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn get(
        &self,
        folder: &str,
        resource: Resource,
        newest_width: u16,
    ) -> Result<Option<Bytes>, Error> {
        for candidate in [resource, resource.with_width(newest_width), resource.full()] {
            let Some(bytes) = self.object(&format!("{folder}/{}", candidate.path())).await? else {
                continue;
            };
            let width = usize::from(resource.width());
            return Ok(resource.prefix(&bytes, resource.width()).map(|beginning| {
                debug_assert!(beginning.len() >= width);
                bytes.slice_ref(beginning)
            }));
        }
        Ok(None)
    }

    async fn object(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let found = match self.store.get(&Path::from(name)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if found.meta.size > MAX_TILE_BYTES {
            return Err(Error::Generic {
                store: "anchor",
                source: format!("{name} of {} bytes is no tile", found.meta.size).into(),
            });
        }
        found.bytes().await.map(Some)
    }

    /// The entry at `index` of a log of `size` entries, from its bundle; the caller checks it. `None`: the bundle is not
    /// there or is none, or the log ends before it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn entry(&self, folder: &str, index: u64, size: u64) -> Result<Option<Vec<u8>>, Error> {
        if index >= size {
            return Ok(None);
        }
        let bundle = Resource::Entries {
            index: index / TILE_WIDTH,
            width: TILE_WIDTH as u16,
        };
        let width = bundle.width_at(size).unwrap_or(bundle.width());
        let Some(bytes) = self.get(folder, bundle.with_width(width), width).await? else {
            return Ok(None);
        };
        let entries = decode_entries(&bytes).unwrap_or_default();
        let entry = entries.get((index % TILE_WIDTH) as usize);
        Ok(entry.map(|entry| entry.to_vec()))
    }

    /// The inclusion proof of a leaf in a tree of `size` leaves, nearest hash first; the caller checks it. `None`:
    /// the tiles are not there, or the leaf is not below the size.
    ///
    /// Reads at most about two tiles a level, all at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn inclusion(&self, folder: &str, index: u64, size: u64) -> Result<Option<Vec<Hash>>, Error> {
        let Ok(wanted) = inclusion_tiles(index, size) else {
            return Ok(None);
        };
        let reads = wanted.into_iter().map(|tile| async move {
            let bytes = self.get(folder, Resource::Hashes(tile), tile.width).await?;
            Ok::<_, Error>((tile, bytes))
        });
        let tiles: BTreeMap<Tile, Option<Bytes>> = try_join_all(reads).await?.into_iter().collect();
        let read = |tile: Tile| {
            let bytes = tiles.get(&tile).and_then(Option::as_ref);
            bytes.map(|bytes| bytes.to_vec()).ok_or(TileError::Outside {
                level: u32::from(tile.level),
                index: tile.index,
                size,
            })
        };
        Ok(prove::inclusion(&TiledTree { size, read }, index, size).ok())
    }
}
