//! Tiles of chains, as one sealer writes them (ledger-format.md section 7.1).

use std::collections::BTreeMap;

use aal_ledger::merkle::CompactRange;
use aal_ledger::tile::{
    Filled, GrowError, GrowingTiles, Resource, TILE_WIDTH, Tile, TileError, TiledTree, partials_of,
};
use aal_ledger::{ChainHead, ChainId};
use futures_util::future::{join_all, try_join_all};
use tracing::warn;

use super::{SealError, Sealer};
use crate::anchor::AnchorError;
use crate::core::{Fault, NewLeaf, Refusal};
use crate::objects::Objects;
use crate::source::LeafSource;
use crate::tile_objects::{CONCURRENCY, Tree};

/// Right edges of chains kept from epoch to epoch, so that they need not be read again; beyond that they are.
const MAX_HELD_BYTES: usize = 128 * 1024 * 1024;
/// Tiles that wait to be written together.
const MAX_WAITING: usize = 256;

/// What a sealer remembers of the tiles it wrote.
#[derive(Debug, Default)]
pub(super) struct TileKeeper {
    edges: BTreeMap<ChainId, GrowingTiles>,
    held_bytes: usize,
    /// Bundles that an epoch left behind when it was cut off; what is sealed next must begin like them.
    ahead: BTreeMap<ChainId, Vec<Filled>>,
    pub(super) log: Option<GrowingTiles>,
}

impl TileKeeper {
    fn keep(&mut self, chain: ChainId, edge: GrowingTiles) {
        if self.held_bytes > MAX_HELD_BYTES {
            (self.edges, self.held_bytes) = (BTreeMap::new(), 0);
        }
        self.held_bytes += edge.held_bytes();
        self.edges.insert(chain, edge);
    }

    fn take(&mut self, chain: ChainId) -> Option<GrowingTiles> {
        let edge = self.edges.remove(&chain)?;
        self.held_bytes = self.held_bytes.saturating_sub(edge.held_bytes());
        Some(edge)
    }

    /// A bundle left behind that does not begin like this one, or the other way round.
    fn contradiction(&self, chain: ChainId, filled: &Filled) -> Option<Resource> {
        let same_bundle = |ahead: &&Filled| ahead.resource.full() == filled.resource.full();
        let differs = |ahead: &&Filled| {
            let width = ahead.resource.width().min(filled.resource.width());
            let beginning = |one: &Filled| one.resource.prefix(&one.bytes, width).map(<[u8]>::to_vec);
            beginning(ahead) != beginning(filled)
        };
        let mut ahead = self.ahead.get(&chain)?.iter().filter(same_bundle);
        ahead.find(differs).map(|ahead| ahead.resource)
    }
}

/// Chains that grow in an epoch that is not decided yet.
#[derive(Debug, Default)]
pub(super) struct Growth {
    chains: BTreeMap<ChainId, Grown>,
}

#[derive(Debug)]
struct Grown {
    edge: GrowingTiles,
    old_size: u64,
    /// Tiles and bundles that became full.
    full: Vec<Resource>,
}

impl<O: Objects, S: LeafSource> Sealer<O, S> {
    /// Writes the tiles that these leaves fill.
    pub(super) async fn grow(&mut self, growth: &mut Growth, leaves: Vec<NewLeaf>) -> Result<(), SealError> {
        // The leaves of one chain together, so that its edge is looked up once.
        let mut by_chain: BTreeMap<ChainId, Vec<NewLeaf>> = BTreeMap::new();
        for leaf in leaves {
            by_chain.entry(leaf.chain).or_default().push(leaf);
        }
        for (chain, leaves) in by_chain {
            let mut grown = match growth.chains.remove(&chain) {
                Some(grown) => grown,
                None => self.begin(chain).await?,
            };
            let mut waiting = Vec::new();
            for leaf in leaves {
                let filled = grown.edge.append(&leaf.leaf, leaf.leaf_hash);
                let filled = filled.map_err(|error| tiles_error(chain, error))?;
                grown.full.extend(filled.iter().map(|filled| filled.resource));
                waiting.extend(filled);
                if waiting.len() >= MAX_WAITING {
                    self.write_chain(chain, &std::mem::take(&mut waiting)).await?;
                }
            }
            self.write_chain(chain, &waiting).await?;
            growth.chains.insert(chain, grown);
        }
        Ok(())
    }

    /// Writes the partial tiles of an epoch's end.
    pub(super) async fn write_partials(&self, growth: &Growth) -> Result<(), SealError> {
        let grown: Vec<_> = growth.chains.iter().collect();
        for some in grown.chunks(CONCURRENCY) {
            try_join_all(some.iter().map(|(chain, grown)| async move {
                let partials = grown.edge.partials_since(grown.old_size);
                self.write_chain(**chain, &partials).await
            }))
            .await?;
        }
        Ok(())
    }

    /// Once an epoch is decided: remembers the edges, removes what they supersede. A partial tile that cannot be
    /// removed does no harm.
    pub(super) async fn settle(&mut self, growth: Growth) {
        for (chain, grown) in growth.chains {
            self.tiles.ahead.remove(&chain);
            if self.settings.delete_superseded {
                let removed = self.remove_superseded(Tree::Chain(chain), &grown).await;
                removed.unwrap_or_else(|error| warn!(%chain, %error, "superseded partial tiles stay"));
            }
            self.tiles.keep(chain, grown.edge);
        }
    }

    async fn remove_superseded(&self, tree: Tree, grown: &Grown) -> Result<(), AnchorError> {
        for full in &grown.full {
            // Only a tile that was begun in an earlier epoch has partial ones.
            if full.width_at(grown.old_size).is_some() {
                self.anchor.delete_partials_of(tree, *full).await?;
            }
        }
        let size = grown.edge.size();
        for partial in partials_of(grown.old_size) {
            let is_superseded = partial.width_at(size) != Some(partial.width());
            if is_superseded && !grown.full.contains(&partial.full()) {
                self.anchor.delete_partial(tree, partial).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn write_chain(&self, chain: ChainId, filled: &[Filled]) -> Result<(), SealError> {
        if let Some(ahead) = filled
            .iter()
            .find_map(|filled| self.tiles.contradiction(chain, filled))
        {
            let what = format!("{} was written before and holds other leaves", ahead.path());
            return Err(tiles_error(chain, what));
        }
        match self.anchor.write_tiles(Tree::Chain(chain), filled).await {
            Err(error @ AnchorError::Conflict { .. }) => Err(tiles_error(chain, error)),
            written => Ok(written?),
        }
    }

    async fn begin(&mut self, chain: ChainId) -> Result<Grown, SealError> {
        let known = self.state.chains.get(&chain).map(|state| state.range.clone());
        let range = known.unwrap_or_default();
        let edge = match self.tiles.take(chain) {
            Some(edge) if edge.size() == range.size() => edge,
            _ => self.edge_of(chain, &range).await?,
        };
        Ok(Grown {
            old_size: edge.size(),
            edge,
            full: Vec::new(),
        })
    }

    /// Reads the right edge of every chain, checks it against the head, and fills tiles again that are missing.
    /// Shards of chains whose tiles contradict their head stand still.
    pub(super) async fn check_tiles(&mut self) -> Result<(), SealError> {
        let chains: Vec<(ChainId, CompactRange)> = self
            .state
            .chains
            .iter()
            .map(|(chain, state)| (*chain, state.range.clone()))
            .collect();
        for some in chains.chunks(CONCURRENCY) {
            let sealer = &*self;
            let checked = join_all(
                some.iter()
                    .map(|(chain, range)| sealer.check_chain(*chain, range)),
            )
            .await;
            for ((chain, _), checked) in some.iter().zip(checked) {
                match checked {
                    Ok((edge, ahead)) => {
                        self.tiles.keep(*chain, edge);
                        if !ahead.is_empty() {
                            self.tiles.ahead.insert(*chain, ahead);
                        }
                    }
                    Err(SealError::Tiles { chain, what }) => self.set_aside(chain, what),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Seals no more of the chain's shard until the next start.
    pub(super) fn set_aside(&mut self, chain: ChainId, what: String) {
        let shard = chain.shard;
        let block = self.state.shards.get(&shard).map_or(0, |state| state.next_block);
        let refusal = Refusal {
            shard,
            block,
            row: 0,
            fault: Fault::Tiles { chain, what },
        };
        self.set_aside.insert(shard, refusal);
    }

    async fn check_chain(
        &self,
        chain: ChainId,
        range: &CompactRange,
    ) -> Result<(GrowingTiles, Vec<Filled>), SealError> {
        let edge = self.edge_of(chain, range).await?;
        let ahead = self
            .anchor
            .bundles_ahead(Tree::Chain(chain), range.size())
            .await?;
        let held = (range.size() % TILE_WIDTH) as u16;
        for bundle in &ahead {
            if bundle.resource.prefix(&bundle.bytes, held) != Some(edge.bundle()) {
                let what = format!("{} does not begin with what is sealed", bundle.resource.path());
                return Err(tiles_error(chain, what));
            }
        }
        Ok((edge, ahead))
    }

    /// The right edge of a chain from its stored tiles, which are filled again when some are missing.
    async fn edge_of(&self, chain: ChainId, range: &CompactRange) -> Result<GrowingTiles, SealError> {
        match self.stored_edge(Tree::Chain(chain), range).await? {
            Some(Ok(edge)) => Ok(edge),
            Some(Err(error)) => Err(tiles_error(chain, error)),
            None => self.fill_again(chain, range).await,
        }
    }

    /// `None` when a tile is missing.
    pub(super) async fn stored_edge(
        &self,
        tree: Tree,
        range: &CompactRange,
    ) -> Result<Option<Result<GrowingTiles, GrowError>>, AnchorError> {
        let size = range.size();
        let mut stored = BTreeMap::new();
        for resource in partials_of(size) {
            let Some(bytes) = self.anchor.tile(tree, resource).await? else {
                return Ok(None);
            };
            stored.insert(resource, bytes.to_vec());
        }
        if size > 0 && size.is_multiple_of(TILE_WIDTH) && !self.has_last_full(tree, size).await? {
            return Ok(None);
        }
        let read = |resource| Ok::<_, GrowError>(stored.remove(&resource).unwrap_or_default());
        Ok(Some(GrowingTiles::restore(range, read)))
    }

    async fn has_last_full(&self, tree: Tree, size: u64) -> Result<bool, AnchorError> {
        let (index, width) = (size / TILE_WIDTH - 1, TILE_WIDTH as u16);
        let tile = Resource::Hashes(Tile {
            level: 0,
            index,
            width,
        });
        for resource in [tile, Resource::Entries { index, width }] {
            if self.anchor.tile(tree, resource).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A chain's tree from its tiles alone; `None` when they are missing or give another root.
    pub(super) async fn range_from_tiles(
        &self,
        head: &ChainHead,
    ) -> Result<Option<CompactRange>, AnchorError> {
        let tree = Tree::Chain(head.chain);
        let mut stored = BTreeMap::new();
        for resource in partials_of(head.size) {
            if let Resource::Hashes(tile) = resource {
                let Some(bytes) = self.anchor.tile(tree, resource).await? else {
                    return Ok(None);
                };
                stored.insert(tile, bytes.to_vec());
            }
        }
        let tiled = TiledTree {
            size: head.size,
            read: |tile: Tile| Ok::<_, TileError>(stored.get(&tile).cloned().unwrap_or_default()),
        };
        let range = CompactRange::of(&tiled, head.size).ok();
        Ok(range.filter(|range| range.root() == head.root))
    }
}

pub(super) fn tiles_error(chain: ChainId, what: impl std::fmt::Display) -> SealError {
    SealError::Tiles {
        chain,
        what: what.to_string(),
    }
}
