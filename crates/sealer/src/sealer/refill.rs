//! Tiles that are missing, filled again from the stored leaves.

use aal_ledger::merkle::{CompactRange, root_of};
use aal_ledger::tile::{Filled, GrowError, GrowingTiles, Resource, TILE_WIDTH, Tile};
use aal_ledger::{ChainId, Hash, leaf_hash};
use tracing::info;

use super::tiles::tiles_error;
use super::{SealError, Sealer, source_error};
use crate::objects::Objects;
use crate::source::LeafSource;

impl<O: Objects, S: LeafSource> Sealer<O, S> {
    /// Reads a chain's leaves again, which must still give the sealed root, and writes all its tiles that are
    /// missing. Needed once for a log that was begun without tiles, and after a loss.
    pub(super) async fn fill_again(
        &self,
        chain: ChainId,
        range: &CompactRange,
    ) -> Result<GrowingTiles, SealError> {
        info!(%chain, size = range.size(), "tiles are missing; they are filled from the stored leaves");
        let bundle_roots = self.bundle_roots(chain, range).await?;
        let mut edge = GrowingTiles::new();
        while edge.size() < range.size() {
            let wanted = usize::try_from(range.size() - edge.size()).unwrap_or(usize::MAX);
            let max_rows = wanted.min(self.settings.max_rows_per_read);
            let leaves = self.source.chain_leaves(chain, edge.size(), max_rows).await;
            let leaves = leaves.map_err(source_error)?;
            if leaves.is_empty() {
                return Err(SealError::Rewritten(chain));
            }
            let mut waiting = Vec::new();
            for leaf in leaves.iter().take(max_rows) {
                let filled = edge.append(leaf, leaf_hash(leaf));
                waiting.extend(filled.map_err(|error| tiles_error(chain, error))?);
            }
            // Nothing is written that the sealed root does not stand for.
            if waiting.iter().any(|filled| !is_sealed(filled, &bundle_roots)) {
                return Err(SealError::Rewritten(chain));
            }
            self.write_chain(chain, &waiting).await?;
        }
        let partials = edge.partials_since(0);
        let read = |resource: Resource| {
            let found = partials.iter().find(|partial| partial.resource == resource);
            Ok::<_, GrowError>(found.map(|partial| partial.bytes.clone()).unwrap_or_default())
        };
        GrowingTiles::restore(range, read).map_err(|_| SealError::Rewritten(chain))?;
        self.write_chain(chain, &partials).await?;
        Ok(edge)
    }

    /// Roots of the chain's full bundles, as its stored leaf hashes give them; these give the sealed root.
    async fn bundle_roots(&self, chain: ChainId, range: &CompactRange) -> Result<Vec<Hash>, SealError> {
        let (mut read, mut bundle, mut roots) = (CompactRange::new(), Vec::new(), Vec::new());
        while read.size() < range.size() {
            let wanted = usize::try_from(range.size() - read.size()).unwrap_or(usize::MAX);
            let max_rows = wanted.min(self.settings.max_rows_per_read);
            let hashes = self.source.leaf_hashes(chain, read.size(), max_rows).await;
            let hashes = hashes.map_err(source_error)?;
            if hashes.is_empty() {
                break;
            }
            for hash in hashes.into_iter().take(max_rows) {
                read.append(hash);
                bundle.push(hash);
                if bundle.len() as u64 == TILE_WIDTH {
                    roots.push(root_of(&bundle));
                    bundle.clear();
                }
            }
        }
        if read == *range {
            Ok(roots)
        } else {
            Err(SealError::Rewritten(chain))
        }
    }
}

/// Whether a full tile of leaf hashes has the root it was sealed with; other tiles follow from these.
fn is_sealed(filled: &Filled, bundle_roots: &[Hash]) -> bool {
    let Resource::Hashes(Tile { level: 0, index, .. }) = filled.resource else {
        return true;
    };
    let (hashes, _) = filled.bytes.as_chunks::<32>();
    bundle_roots.get(index as usize) == Some(&root_of(hashes))
}
