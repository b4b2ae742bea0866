//! What a maker needs to explain absent content: the data keys it belongs to, and proofs of erasures from a chain that
//! is read once.

use aal_ledger::jcs::Members;
use aal_ledger::leaf::AEAD_NONE;
use aal_ledger::merkle::CompactRange;
use aal_ledger::{CommittedSlots, Hash, LeafView};
use uuid::Uuid;

use crate::entry::Entry;
use crate::scope::Scope;

/// Data keys of slots that the scope hands over and that are absent from the entry.
pub fn absent_keys(scope: &Scope, entry: &Entry<'_>) -> Vec<Uuid> {
    let (Ok(leaf), Ok(header)) = (LeafView::new(entry.leaf), Members::read(entry.header)) else {
        return Vec::new();
    };
    if !entry.is_match {
        return Vec::new();
    }
    let committed = CommittedSlots::of(&header);
    let is_absent = |number: u16, is_template: bool| {
        if is_template {
            let is_due = scope.disclosure.templates && !committed.contains(number);
            is_due && !entry.openings.iter().any(|opening| opening.slot == number)
        } else {
            scope.disclosure.ciphertexts && !entry.ciphertexts.iter().any(|sealed| sealed.slot == number)
        }
    };
    leaf.slots()
        .filter(|slot| is_absent(slot.slot(), slot.aead() == AEAD_NONE))
        .map(|slot| slot.subject_key_id())
        .filter(|key| !key.is_nil())
        .collect()
}

/// Collects the inclusion proof of one leaf while all leaf hashes of its chain pass by, in memory of one proof.
#[derive(Clone, Debug)]
pub struct PathCollector {
    index: u64,
    size: u64,
    next: u64,
    /// Ranges beside the way from the root to the leaf, outermost first, with what was summed up of each.
    siblings: Vec<(u64, u64, CompactRange)>,
}

impl PathCollector {
    /// For the leaf at `index` in the tree of `size` leaves; `None` when it is not in it.
    pub fn new(index: u64, size: u64) -> Option<PathCollector> {
        if index >= size {
            return None;
        }
        let mut siblings = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + (1 << (end - start - 1).ilog2());
            if index < middle {
                siblings.push((middle, end, CompactRange::new()));
                end = middle;
            } else {
                siblings.push((start, middle, CompactRange::new()));
                start = middle;
            }
        }
        Some(PathCollector {
            index,
            size,
            next: 0,
            siblings,
        })
    }

    /// The next leaf hash of the chain, from index 0.
    pub fn push(&mut self, leaf_hash: Hash) {
        let position = self.next;
        self.next += 1;
        if position == self.index {
            return;
        }
        let sibling = self
            .siblings
            .iter_mut()
            .find(|(start, end, _)| (*start..*end).contains(&position));
        if let Some((_, _, range)) = sibling {
            range.append(leaf_hash);
        }
    }

    /// The proof, nearest hash first; `None` when not all leaves came.
    pub fn finish(self) -> Option<Vec<Hash>> {
        let is_whole = self.next == self.size;
        is_whole.then(|| {
            self.siblings
                .iter()
                .rev()
                .map(|(_, _, range)| range.root())
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use aal_ledger::merkle::{MemoryTree, prove};

    use super::PathCollector;

    #[test]
    fn the_collected_path_is_the_proof() {
        for size in 1..40u64 {
            let hashes: Vec<[u8; 32]> = (0..size).map(|position| [position as u8; 32]).collect();
            let tree: MemoryTree = hashes.iter().copied().collect();
            for index in 0..size {
                let mut collector = PathCollector::new(index, size).unwrap();
                hashes.iter().for_each(|hash| collector.push(*hash));
                assert_eq!(
                    collector.finish(),
                    prove::inclusion(&tree, index, size).ok(),
                    "{index} of {size}"
                );
            }
        }
        assert!(PathCollector::new(5, 5).is_none());
        assert_eq!(PathCollector::new(0, 2).unwrap().finish(), None);
    }
}
