//! The tiles that a service hands to others, compared with those that the verified leaves and manifests give.

use std::collections::BTreeMap;

use aal_ledger::hash::sha256;
use aal_ledger::tile::{Filled, GrowingTiles};
use aal_ledger::{ChainId, Hash, Heads, leaf_hash};
use uuid::Uuid;

/// Tiles of one tree as they must be: a path below the tree's folder and the digest of its bytes.
#[derive(Debug, Default)]
struct Expected {
    tree: GrowingTiles,
    tiles: Vec<(String, Hash)>,
    /// A leaf that is out of place or too long: the tree cannot be followed.
    is_broken: bool,
}

impl Expected {
    fn append(&mut self, entry: &[u8]) {
        match self.tree.append(entry, leaf_hash(entry)) {
            Ok(filled) => self.keep(filled),
            Err(_) => self.is_broken = true,
        }
    }

    fn keep(&mut self, filled: Vec<Filled>) {
        let digests = filled
            .into_iter()
            .map(|tile| (tile.resource.path(), sha256(&tile.bytes)));
        self.tiles.extend(digests);
    }

    fn into_tiles(mut self) -> Vec<(String, Hash)> {
        self.keep(self.tree.partials_since(0));
        if self.is_broken { Vec::new() } else { self.tiles }
    }
}

/// Tiles of the anchor log and of every chain, as far as they are sealed; memory is two digests for 256 leaves.
#[derive(Debug, Default)]
pub(crate) struct ExpectedTiles {
    log: Expected,
    chains: BTreeMap<(Uuid, u32), Expected>,
    sizes: BTreeMap<(Uuid, u32), u64>,
}

impl ExpectedTiles {
    /// The next manifest.
    pub(crate) fn manifest(&mut self, text: &str) {
        self.log.append(text.as_bytes());
    }

    /// How far each chain is sealed. Without heads no chain's tiles are known.
    pub(crate) fn heads(&mut self, text: &str) {
        if let Ok(heads) = Heads::parse(text.as_bytes()) {
            let size = |head: &aal_ledger::ChainHead| ((head.chain.tenant, head.chain.shard), head.size);
            self.sizes = heads.chains().iter().map(size).collect();
        }
    }

    /// The next record of a chain.
    pub(crate) fn leaf(&mut self, chain: ChainId, index: u64, leaf: &[u8]) {
        let key = (chain.tenant, chain.shard);
        if self.sizes.get(&key).is_none_or(|size| index >= *size) {
            return;
        }
        let expected = self.chains.entry(key).or_default();
        if index == expected.tree.size() {
            expected.append(leaf);
        } else {
            expected.is_broken = true;
        }
    }

    /// Each tile's address and the digest it must have; the anchor log's apart, for a service need not serve them.
    pub(crate) fn into_addresses(self) -> [Vec<(String, Hash)>; 2] {
        let log = self.log.into_tiles();
        let log = log
            .into_iter()
            .map(|(path, digest)| (format!("/ledger/log/{path}"), digest));
        let chains = self.chains.into_iter().flat_map(|((tenant, shard), expected)| {
            let tiles = expected.into_tiles().into_iter();
            tiles.map(move |(path, digest)| (format!("/ledger/chains/{tenant}/{shard}/{path}"), digest))
        });
        [log.collect(), chains.collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_gives_its_full_and_partial_tiles_up_to_its_head() {
        let mut tiles = ExpectedTiles::default();
        let tenant = Uuid::from_u128(7);
        let chain = ChainId { tenant, shard: 2 };
        let root = "00".repeat(32);
        tiles.heads(&format!("chain {tenant}/2 300 {root} {root}\nshard 2 1 1\n"));
        for index in 0..310 {
            tiles.leaf(chain, index, b"leaf");
        }
        tiles.manifest("manifest");
        let [log, chains] = tiles.into_addresses();
        let paths: Vec<&str> = chains
            .iter()
            .filter_map(|(path, _)| path.strip_prefix(&format!("/ledger/chains/{tenant}/2/")))
            .collect();
        for path in [
            "tile/entries/000",
            "tile/0/000",
            "tile/entries/001.p/44",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
        ] {
            assert!(paths.contains(&path), "{path} of {paths:?}");
        }
        assert_eq!(paths.len(), 5, "{paths:?}");
        assert_eq!(log.len(), 2, "{log:?}");
    }

    #[test]
    fn a_hole_leaves_the_tiles_of_its_chain_out() {
        let mut tiles = ExpectedTiles::default();
        let tenant = Uuid::from_u128(7);
        let root = "00".repeat(32);
        tiles.heads(&format!("chain {tenant}/2 3 {root} {root}\nshard 2 1 1\n"));
        for index in [0, 2] {
            tiles.leaf(ChainId { tenant, shard: 2 }, index, b"leaf");
        }
        assert_eq!(tiles.into_addresses()[1], []);
    }
}
