//! Roots and proofs of a stored tree, RFC 9162 §2.1.3.1 and §2.1.4.1, with O(log² n) hashes read at most.

use super::{HashSource, empty_root, node_hash, split_point};
use crate::hash::Hash;

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    #[error("leaf {index} is not in a tree of {size}")]
    Index { index: u64, size: u64 },
    #[error("there is no proof from a tree of {size1} to one of {size2}")]
    Sizes { size1: u64, size2: u64 },
    #[error("tree hash cannot be read")]
    Source(#[source] E),
}

/// Root of the first `size` leaves.
///
/// # Errors
/// As the source's.
pub fn root<S: HashSource>(source: &S, size: u64) -> Result<Hash, S::Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    range_root(source, 0, size)
}

/// The hashes that lead from leaf `index` to the root of the first `size` leaves, nearest first.
///
/// # Errors
/// When `index` is not below `size`, or as the source's.
pub fn inclusion<S: HashSource>(
    source: &S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if index >= size {
        return Err(ProveError::Index { index, size });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split_point(end - start);
        let (sibling_start, sibling_end);
        if index < middle {
            (sibling_start, sibling_end) = (middle, end);
            end = middle;
        } else {
            (sibling_start, sibling_end) = (start, middle);
            start = middle;
        }
        proof.push(range_root(source, sibling_start, sibling_end).map_err(ProveError::Source)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show the tree of `size1` leaves to be the beginning of that of `size2`.
///
/// # Errors
/// When `size1` is 0 or above `size2`, or as the source's.
pub fn consistency<S: HashSource>(
    source: &S,
    size1: u64,
    size2: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if size1 == 0 || size1 > size2 {
        return Err(ProveError::Sizes { size1, size2 });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size2);
    // Walk down to the subtree that ends where the old tree ends.
    while end != size1 {
        let middle = start + split_point(end - start);
        let (sibling_start, sibling_end);
        if size1 <= middle {
            (sibling_start, sibling_end) = (middle, end);
            end = middle;
        } else {
            (sibling_start, sibling_end) = (start, middle);
            start = middle;
        }
        proof.push(range_root(source, sibling_start, sibling_end).map_err(ProveError::Source)?);
    }
    // That subtree's root is known to the verifier only when it is the whole old tree.
    if start != 0 {
        proof.push(range_root(source, start, end).map_err(ProveError::Source)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Root of the leaves `[start, end)`, a subtree of the tree's shape: `start` is a multiple of the power of two
/// that is not below `end - start`.
fn range_root<S: HashSource>(source: &S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let mut left_roots = Vec::new();
    let mut at = start;
    loop {
        let left = end - at;
        if left.is_power_of_two() {
            let level = left.ilog2();
            let last = source.node(level, at >> level)?;
            return Ok(left_roots
                .iter()
                .rev()
                .fold(last, |right, left| node_hash(left, &right)));
        }
        let level = left.ilog2();
        left_roots.push(source.node(level, at >> level)?);
        at += 1 << level;
    }
}
