//! Consecutive leaves of one chain: hashed, linked, and summed up to subtrees, so that runs checked at the same time can
//! be joined afterwards.

use aal_ledger::merkle::node_hash;
use aal_ledger::{ChainId, Hash, LeafView};

/// A run of leaves with indexes that follow each other.
#[derive(Debug)]
pub(crate) struct LeafRun {
    pub(crate) chain: ChainId,
    pub(crate) first_index: u64,
    /// What the first leaf names as the one before it.
    pub(crate) first_prev: Hash,
    /// Index after the last leaf.
    pub(crate) next_index: u64,
    pub(crate) last_leaf_hash: Hash,
    /// First and last offset, of the leaves that have one.
    pub(crate) offsets: Option<(u64, u64)>,
    /// Roots of perfect subtrees with their levels, left to right.
    pub(crate) subtrees: Vec<(u32, Hash)>,
}

/// How a leaf fits behind the run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It was added.
    Next,
    /// It was added and names another leaf before it.
    BrokenLink,
    /// It was added and its offset does not follow.
    OffsetOrder { last: u64 },
    /// It belongs to another chain or index: a new run begins.
    Elsewhere,
}

impl LeafRun {
    pub(crate) fn begin(leaf: &LeafView<'_>, leaf_hash: Hash) -> LeafRun {
        let chain = ChainId {
            tenant: leaf.tenant(),
            shard: leaf.shard(),
        };
        let mut run = LeafRun {
            chain,
            first_index: leaf.index(),
            first_prev: leaf.prev_leaf_hash(),
            next_index: leaf.index(),
            last_leaf_hash: leaf_hash,
            offsets: leaf.has_offset().then(|| (leaf.offset(), leaf.offset())),
            subtrees: Vec::new(),
        };
        run.append(leaf_hash);
        run
    }

    /// Adds the leaf when it is the next one.
    pub(crate) fn push(&mut self, leaf: &LeafView<'_>, leaf_hash: Hash) -> Fit {
        let is_here = leaf.index() == self.next_index
            && leaf.shard() == self.chain.shard
            && leaf.tenant() == self.chain.tenant;
        if !is_here {
            return Fit::Elsewhere;
        }
        let is_linked = leaf.prev_leaf_hash() == self.last_leaf_hash;
        let mut fit = if is_linked { Fit::Next } else { Fit::BrokenLink };
        if leaf.has_offset() {
            let offset = leaf.offset();
            let (first, last) = self.offsets.unwrap_or((offset, offset));
            if self.offsets.is_some() && offset <= last && is_linked {
                fit = Fit::OffsetOrder { last };
            }
            self.offsets = Some((first, offset));
        }
        self.last_leaf_hash = leaf_hash;
        self.append(leaf_hash);
        fit
    }

    fn append(&mut self, leaf_hash: Hash) {
        let (mut position, mut level, mut node) = (self.next_index, 0, leaf_hash);
        while position & 1 == 1
            && let Some((_, left)) = self.subtrees.pop_if(|(left_level, _)| *left_level == level)
        {
            node = node_hash(&left, &node);
            position >>= 1;
            level += 1;
        }
        self.subtrees.push((level, node));
        self.next_index = self.next_index.saturating_add(1);
    }
}
