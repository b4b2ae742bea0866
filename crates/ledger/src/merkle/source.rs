//! Where proofs get the hashes of perfect subtrees from.

use std::convert::Infallible;

use super::node_hash;
use crate::hash::Hash;

/// Hashes of a stored tree: tiles, a table, or memory.
pub trait HashSource {
    /// Why a hash cannot be had.
    type Error;

    /// Root of the perfect subtree over the leaves `[index << level, (index + 1) << level)`, which all exist.
    ///
    /// # Errors
    /// When the store cannot give it.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// A whole tree in memory, all perfect subtrees kept: for tests and small logs. 64 bytes per leaf.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    levels: Vec<Vec<Hash>>,
}

impl MemoryTree {
    /// The tree without leaves.
    pub fn new() -> MemoryTree {
        MemoryTree::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds one leaf by its leaf hash.
    pub fn append(&mut self, leaf_hash: Hash) {
        let mut hash = leaf_hash;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            let [.., left, right] = nodes.as_slice() else {
                return;
            };
            if nodes.len() % 2 == 1 {
                return;
            }
            hash = node_hash(left, right);
        }
    }
}

impl FromIterator<Hash> for MemoryTree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaf_hashes: I) -> MemoryTree {
        let mut tree = MemoryTree::new();
        leaf_hashes.into_iter().for_each(|hash| tree.append(hash));
        tree
    }
}

impl HashSource for MemoryTree {
    type Error = Infallible;

    /// # Panics
    /// When the subtree is not wholly inside the tree, which [`super::prove`] never asks for.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(self.levels[level as usize][index as usize])
    }
}
