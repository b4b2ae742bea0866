//! The Merkle tree of RFC 6962 and RFC 9162 §2.1 over SHA-256 (ledger-format.md section 4).
//!
//! [`CompactRange`] grows a tree in constant memory, [`prove`] makes proofs from any [`HashSource`], [`verify`]
//! checks them without one.

mod compact;
pub mod prove;
mod source;
pub mod verify;

pub use compact::{CompactRange, CompactRangeError};
pub use source::{HashSource, MemoryTree};
pub use verify::ProofError;

use crate::hash::{Hash, sha256};

/// Most hashes a proof in a tree of 2^64 − 1 leaves can have.
pub const MAX_PROOF_LEN: usize = 65;

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // One piece: hashing three apart costs as much again.
    let mut node = [0x01; 65];
    node[1..33].copy_from_slice(left);
    node[33..].copy_from_slice(right);
    sha256(&node)
}

/// Root of the tree without leaves.
pub fn empty_root() -> Hash {
    sha256(b"")
}

/// Root of the tree of these leaf hashes.
pub fn root_of<'a>(leaf_hashes: impl IntoIterator<Item = &'a Hash>) -> Hash {
    let mut range = CompactRange::new();
    for leaf_hash in leaf_hashes {
        range.append(*leaf_hash);
    }
    range.root()
}

/// The largest power of two below `leaf_count`, where RFC 9162 splits a tree; `leaf_count` is at least 2.
fn split_point(leaf_count: u64) -> u64 {
    1 << (leaf_count - 1).ilog2()
}
