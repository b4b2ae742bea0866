//! A growing tree in at most 64 hashes.

use super::{HashSource, empty_root, node_hash};
use crate::hash::Hash;

/// The roots of the perfect subtrees into which `[0, size)` splits, largest first: all that is needed to append
/// leaves and to know the root. Appending costs one hash per leaf on average.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CompactRange {
    size: u64,
    hashes: Vec<Hash>,
}

/// Why bytes are no compact range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompactRangeError {
    #[error("compact range needs 8 bytes of size, {0} are there")]
    Truncated(usize),
    #[error("compact range of {size} leaves needs {expected} bytes of hashes, {found} are there")]
    Length {
        size: u64,
        expected: usize,
        found: usize,
    },
}

impl CompactRange {
    /// The range without leaves.
    pub fn new() -> CompactRange {
        CompactRange::default()
    }

    /// The range of the first `size` leaves of a stored tree, from one hash for each one bit of the size.
    ///
    /// # Errors
    /// As the source's.
    pub fn of<S: HashSource>(source: &S, size: u64) -> Result<CompactRange, S::Error> {
        let (mut hashes, mut start) = (Vec::new(), 0u64);
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            hashes.push(source.node(level, start >> level)?);
            start += 1 << level;
        }
        Ok(CompactRange { size, hashes })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Adds one leaf by its leaf hash.
    pub fn append(&mut self, leaf_hash: Hash) {
        let mut root = leaf_hash;
        // Each trailing one bit of the size is a perfect subtree that the new leaf completes to a larger one.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else {
                break; // Not reached: there is a hash for each one bit of the size.
            };
            root = node_hash(&left, &root);
        }
        self.hashes.push(root);
        self.size += 1;
    }

    /// Adds the `1 << level` leaves of a perfect subtree by its root; false when the size is no multiple of that.
    pub fn append_subtree(&mut self, level: u32, root: Hash) -> bool {
        let Some(count) = 1u64
            .checked_shl(level)
            .filter(|count| self.size.is_multiple_of(*count))
        else {
            return false;
        };
        let mut root = root;
        for _ in 0..(self.size >> level).trailing_ones() {
            let Some(left) = self.hashes.pop() else {
                break; // Not reached: there is a hash for each one bit of the size.
            };
            root = node_hash(&left, &root);
        }
        self.hashes.push(root);
        self.size += count;
        true
    }

    /// Root of the tree of all leaves so far.
    pub fn root(&self) -> Hash {
        let join = |right: Hash, left: &Hash| node_hash(left, &right);
        match self.hashes.split_last() {
            None => empty_root(),
            Some((last, larger)) => larger.iter().rev().fold(*last, join),
        }
    }

    /// `u64 size || hashes`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        out.extend_from_slice(self.hashes.as_flattened());
        out
    }

    /// The range of these bytes. Whether the hashes are right shows only by comparing [`CompactRange::root`].
    ///
    /// # Errors
    /// When there are not exactly as many hashes as the size has one bits.
    pub fn from_bytes(bytes: &[u8]) -> Result<CompactRange, CompactRangeError> {
        let (size, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or(CompactRangeError::Truncated(bytes.len()))?;
        let size = u64::from_be_bytes(*size);
        let expected = size.count_ones() as usize * 32;
        let (hashes, odd_bytes) = rest.as_chunks::<32>();
        if rest.len() != expected || !odd_bytes.is_empty() {
            return Err(CompactRangeError::Length {
                size,
                expected,
                found: rest.len(),
            });
        }
        Ok(CompactRange {
            size,
            hashes: hashes.to_vec(),
        })
    }
}
