//! Strict verification of inclusion and consistency proofs, RFC 9162 §2.1.3.2 and §2.1.4.2, and of their forms for
//! subtrees, draft-ietf-plants-merkle-tree-certs. Every proof has one valid length; all others are refused.

use super::{empty_root, node_hash};
use crate::hash::Hash;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("leaf {index} is not in the range from {start} to {end}")]
    Index { index: u64, start: u64, end: u64 },
    #[error("no proof leads from a tree of {size1} to one of {size2}")]
    Sizes { size1: u64, size2: u64 },
    #[error("leaves {start} to {end} are no subtree")]
    NotASubtree { start: u64, end: u64 },
    #[error("proof is too short")]
    TooShort,
    #[error("proof is too long")]
    TooLong,
    #[error("proof leads to another root")]
    Root,
    #[error("proof leads to another root of the smaller tree")]
    OldRoot,
}

/// Checks that in the tree of `size` leaves with that root, the leaf at `index` has that hash.
///
/// # Errors
/// Says what does not hold.
pub fn inclusion(
    size: u64,
    index: u64,
    leaf_hash: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    subtree_inclusion(index, 0, size, leaf_hash, proof, root)
}

/// Checks that the leaf is at `index` (counted in the whole tree) in the subtree `[start, end)` with that root.
///
/// # Errors
/// Says what does not hold.
pub fn subtree_inclusion(
    index: u64,
    start: u64,
    end: u64,
    leaf_hash: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index < start || index >= end {
        return Err(ProofError::Index { index, start, end });
    }
    check_subtree(start, end)?;
    let (mut at, mut last) = (index - start, end - start - 1);
    let mut computed = *leaf_hash;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::TooLong);
        }
        if at & 1 == 1 || at == last {
            computed = node_hash(sibling, &computed);
            // A last node without right sibling is its parent's hash: go up to where it is a right child.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            computed = node_hash(&computed, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::TooShort);
    }
    if computed != *root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// Checks that the tree of `size1` leaves with `root1` is the beginning of that of `size2` leaves with `root2`.
/// From size 0 nothing could be shown, so that is refused.
///
/// # Errors
/// Says what does not hold.
pub fn consistency(
    size1: u64,
    size2: u64,
    root1: &Hash,
    root2: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if size1 == 0 || size1 > size2 {
        return Err(ProofError::Sizes { size1, size2 });
    }
    subtree_consistency(0, size1, size2, root1, root2, proof)
}

/// Checks that the leaves `[start, end)` with `subtree_root` are in the tree of `size` leaves with `root`.
/// An empty range is in every tree; only its root and the empty proof are checked then.
///
/// # Errors
/// Says what does not hold.
pub fn subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    subtree_root: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if end > size {
        return Err(ProofError::Sizes {
            size1: end,
            size2: size,
        });
    }
    if start == end {
        let is_empty_proof = proof.is_empty();
        return match (is_empty_proof, *subtree_root == empty_root()) {
            (false, _) => Err(ProofError::TooLong),
            (true, false) => Err(ProofError::OldRoot),
            (true, true) => Ok(()),
        };
    }
    check_subtree(start, end)?;
    let mut at = Level {
        first: start,
        last: end - 1,
        tree_last: size - 1,
    };
    // Skip the levels below the subtree's own root or, when it is ragged inside the tree, below its last perfect part.
    let ends_with_tree = at.last == at.tree_last;
    while at.first != at.last && (ends_with_tree || at.last & 1 == 1) {
        at.go_up();
    }
    let mut rest = proof.iter();
    let is_perfect = at.first == at.last;
    let seed = if is_perfect {
        subtree_root
    } else {
        rest.next().ok_or(ProofError::TooShort)?
    };
    let (mut old, mut new) = (*seed, *seed);
    for sibling in rest {
        if at.tree_last == 0 {
            return Err(ProofError::TooLong);
        }
        if at.last & 1 == 1 || at.last == at.tree_last {
            if at.first < at.last {
                old = node_hash(sibling, &old);
            }
            new = node_hash(sibling, &new);
            // A last node without right sibling is its parent's hash: go up to where it is a right child.
            while at.last & 1 == 0 && at.last != 0 {
                at.go_up();
            }
        } else {
            new = node_hash(&new, sibling);
        }
        at.go_up();
    }
    if at.tree_last != 0 {
        return Err(ProofError::TooShort);
    }
    if old != *subtree_root {
        return Err(ProofError::OldRoot);
    }
    if new != *root {
        Err(ProofError::Root)
    } else {
        Ok(())
    }
}

/// Positions of the subtree's first and last node and the tree's last node on one level.
struct Level {
    first: u64,
    last: u64,
    tree_last: u64,
}

impl Level {
    fn go_up(&mut self) {
        self.first >>= 1;
        self.last >>= 1;
        self.tree_last >>= 1;
    }
}

/// A subtree begins at a multiple of the power of two that holds it, so that its shape is the same in every tree.
fn check_subtree(start: u64, end: u64) -> Result<(), ProofError> {
    let refused = ProofError::NotASubtree { start, end };
    let width = end.checked_sub(start).filter(|width| *width > 0).ok_or(refused)?;
    let is_aligned = width
        .checked_next_power_of_two()
        .map_or(start == 0, |period| start.is_multiple_of(period));
    if is_aligned { Ok(()) } else { Err(refused) }
}
