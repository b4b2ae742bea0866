//! Consistency proofs of a log that grew by little, from the compact range before and the leaf hashes since.

use aal_ledger::Hash;
use aal_ledger::merkle::prove::{self, ProveError};
use aal_ledger::merkle::{CompactRange, HashSource, root_of};

/// A log of `before.size()` leaves and those after it.
#[derive(Clone, Debug)]
pub struct GrownLog {
    before: CompactRange,
    /// Leaf hashes from `before.size()` on.
    since: Vec<Hash>,
}

/// A proof would need the inside of what is only known by its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subtree of level {level} at {index} is not known")]
pub struct Unknown {
    level: u32,
    index: u64,
}

impl GrownLog {
    /// A log that had the compact range and then grew by these leaves.
    pub fn new(before: CompactRange, since: Vec<Hash>) -> GrownLog {
        GrownLog { before, since }
    }

    /// The consistency proof from the size of the compact range to the size after all leaves; empty from size 0, where
    /// there is nothing to prove.
    ///
    /// # Errors
    /// Never: such a proof needs the subtrees of the range and what came after it only. The type cannot say so.
    pub fn consistency(&self) -> Result<Vec<Hash>, ProveError<Unknown>> {
        let size = self.before.size();
        if size == 0 {
            return Ok(Vec::new());
        }
        prove::consistency(self, size, size + self.since.len() as u64)
    }
}

impl HashSource for GrownLog {
    type Error = Unknown;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Unknown> {
        let unknown = Unknown { level, index };
        let (start, size) = (index << level, self.before.size());
        if let Some(offset) = start.checked_sub(size) {
            let leaves = usize::try_from(offset)
                .ok()
                .and_then(|offset| self.since.get(offset..));
            let leaves = leaves.and_then(|leaves| leaves.get(..1 << level));
            return leaves.map(root_of).ok_or(unknown);
        }
        // The range's subtrees, largest first, one for each bit of its size.
        let mut begin = 0;
        let bits = (0..u64::BITS).rev().filter(|bit| size >> bit & 1 == 1);
        for (bit, hash) in bits.zip(self.before.hashes()) {
            if (begin, bit) == (start, level) {
                return Ok(*hash);
            }
            begin += 1 << bit;
        }
        Err(unknown)
    }
}
