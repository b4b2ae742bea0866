//! Tiles of the anchor log. They are written once the manifest is decided, for only the one that won may be in them.

use aal_ledger::merkle::CompactRange;
use aal_ledger::tile::{Filled, GrowingTiles, Resource, TILE_WIDTH};
use aal_ledger::{Manifest, leaf_hash};
use futures_util::future::try_join_all;
use tracing::{info, warn};

use super::{SealError, Sealer};
use crate::anchor::AnchorError;
use crate::objects::Objects;
use crate::source::LeafSource;
use crate::tile_objects::Tree;

impl<O: Objects, S: LeafSource> Sealer<O, S> {
    /// Writes the tiles of the anchor log up to a decided manifest; `before` is the log without it.
    pub(super) async fn write_log_tiles(
        &mut self,
        before: &CompactRange,
        manifest: &Manifest,
    ) -> Result<(), SealError> {
        let mut edge = match self.tiles.log.take() {
            Some(edge) if edge.size() == before.size() => edge,
            _ => match self.stored_edge(Tree::Log, before).await? {
                Some(edge) => edge.map_err(|error| SealError::LogTiles(error.to_string()))?,
                None => self.fill_log_again(before).await?,
            },
        };
        let text = manifest.to_text();
        let mut filled = append_manifest(&mut edge, text.as_bytes())?;
        let full: Vec<Resource> = filled.iter().map(|filled| filled.resource).collect();
        filled.extend(edge.partials_since(before.size()));
        self.write_log(&filled).await?;
        if self.settings.delete_superseded {
            for full in full {
                let removed = self.anchor.delete_partials_of(Tree::Log, full).await;
                removed.unwrap_or_else(|error| warn!(%error, "superseded partial tiles of the log stay"));
            }
        }
        self.tiles.log = Some(edge);
        Ok(())
    }

    async fn fill_log_again(&self, before: &CompactRange) -> Result<GrowingTiles, SealError> {
        info!(
            size = before.size(),
            "tiles of the anchor log are missing; they are filled from the manifests"
        );
        let (mut edge, mut range) = (GrowingTiles::new(), CompactRange::new());
        let (mut next, mut waiting) = (0, Vec::new());
        while next < before.size() {
            let end = before.size().min(next + TILE_WIDTH);
            for manifest in try_join_all((next..end).map(|epoch| self.anchor.manifest(epoch))).await? {
                range.append(manifest.leaf_hash());
                waiting.extend(append_manifest(&mut edge, manifest.to_text().as_bytes())?);
            }
            next = end;
        }
        if range != *before {
            return Err(SealError::LogTiles(
                "the manifests do not give the signed root".to_owned(),
            ));
        }
        waiting.extend(edge.partials_since(0));
        self.write_log(&waiting).await?;
        Ok(edge)
    }

    async fn write_log(&self, filled: &[Filled]) -> Result<(), SealError> {
        match self.anchor.write_tiles(Tree::Log, filled).await {
            Err(error @ AnchorError::Conflict { .. }) => Err(SealError::LogTiles(error.to_string())),
            written => Ok(written?),
        }
    }
}

fn append_manifest(edge: &mut GrowingTiles, text: &[u8]) -> Result<Vec<Filled>, SealError> {
    let filled = edge.append(text, leaf_hash(text));
    filled.map_err(|error| SealError::LogTiles(error.to_string()))
}
