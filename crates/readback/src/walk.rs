//! One chain as its rows are read back: each row by itself, its place, and the root over all. No I/O.

use std::collections::HashSet;

use aal_ledger::{ChainHead, Hash, ZERO_HASH, hash::to_hex, merkle::CompactRange};
use aal_verify::{StoredRecord, check_record};
use uuid::Uuid;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A row disagrees with its own leaf, with the sealed leaf, or with its place.
    Record {
        index: u64,
        /// As the leaf says it, or the column when the bytes are no leaf.
        event_id: Uuid,
        what: String,
    },
    /// Leaves from `first` to `last` are not stored.
    Missing { first: u64, last: u64 },
    /// The rows agree among themselves and not with the sealed root.
    Root { what: String },
}

/// What came of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub faults: Vec<Fault>,
    /// Data keys whose content is committed to and absent: right only if an erasure names them.
    pub absent_keys: Vec<Uuid>,
    /// Event id and edge time, µs, of a record of which only the leaf is left: right only if a prune leaf names it.
    pub pruned: Option<(Uuid, i64)>,
}

/// Progress through one chain up to a sealed head.
#[derive(Clone, Debug)]
pub struct Walk {
    head: ChainHead,
    next_index: u64,
    last_leaf_hash: Option<Hash>,
    last_offset: Option<u64>,
    range: CompactRange,
    /// The root cannot be recomputed once a leaf is missing.
    is_dense: bool,
}

impl Walk {
    /// From the first leaf to a head.
    pub fn whole(head: ChainHead) -> Walk {
        Walk::after(CompactRange::new(), ZERO_HASH, head)
    }

    /// From behind a known tree to a head. `last_leaf_hash` is that of the tree's last leaf, zeros for an empty one.
    pub fn after(range: CompactRange, last_leaf_hash: Hash, head: ChainHead) -> Walk {
        Walk {
            head,
            next_index: range.size(),
            last_leaf_hash: Some(last_leaf_hash),
            last_offset: None,
            range,
            is_dense: true,
        }
    }

    /// The head that is walked to.
    pub fn head(&self) -> &ChainHead {
        &self.head
    }

    /// The index that is to come next; the head's size when the walk is over.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Whether every leaf was walked by.
    pub fn is_over(&self) -> bool {
        self.next_index >= self.head.size
    }

    /// Takes the next row, in order of index. `sealed` is the leaf's hash in the sealed tree, where that is at hand.
    pub fn take(&mut self, record: &StoredRecord, sealed: Option<Hash>) -> Taken {
        let index = record.chain_index;
        let checked = check_record(record);
        let leaf = checked.leaf.as_ref();
        let event_id = leaf.map_or(record.event_id, |leaf| leaf.event_id);
        let mut taken = Taken {
            faults: Vec::new(),
            absent_keys: checked.absent_keys,
            pruned: leaf
                .filter(|_| checked.is_pruned)
                .map(|leaf| (leaf.event_id, leaf.t_edge_us)),
        };
        let mut wrong: Vec<String> = checked.findings.into_iter().map(|finding| finding.what).collect();
        if let Some(sealed) = sealed.filter(|sealed| *sealed != checked.leaf_hash) {
            wrong.push(format!(
                "stored leaf hashes to {}, the sealed tree says {}",
                to_hex(&checked.leaf_hash),
                to_hex(&sealed)
            ));
        }
        if index < self.next_index {
            wrong.push(format!("index {index} is stored twice"));
        } else {
            if index > self.next_index {
                taken.faults.push(Fault::Missing {
                    first: self.next_index,
                    last: index - 1,
                });
                self.is_dense = false;
                self.last_leaf_hash = None;
            }
            if let (Some(leaf), Some(last)) = (leaf, self.last_leaf_hash)
                && leaf.prev_leaf_hash != last
            {
                wrong.push(format!(
                    "leaf names {} as the leaf before it, stored there is {}",
                    to_hex(&leaf.prev_leaf_hash),
                    to_hex(&last)
                ));
            }
            if let Some(leaf) = leaf.filter(|leaf| leaf.has_offset()) {
                if self.last_offset.is_some_and(|last| leaf.offset <= last) {
                    wrong.push(format!(
                        "offset {} does not follow that of the leaf before",
                        leaf.offset
                    ));
                }
                self.last_offset = Some(leaf.offset);
            }
            self.last_leaf_hash = Some(checked.leaf_hash);
            self.next_index = index + 1;
            self.range.append(checked.leaf_hash);
        }
        if !wrong.is_empty() {
            taken.faults.push(Fault::Record {
                index,
                event_id,
                what: wrong.join("; "),
            });
        }
        taken
    }

    /// There are no more rows below the head.
    pub fn end(&mut self) -> Option<Fault> {
        if !self.is_over() {
            let first = std::mem::replace(&mut self.next_index, self.head.size);
            self.is_dense = false;
            return Some(Fault::Missing {
                first,
                last: self.head.size - 1,
            });
        }
        let root = self.range.root();
        if !self.is_dense || (root, self.last_leaf_hash) == (self.head.root, Some(self.head.last_leaf_hash)) {
            return None;
        }
        Some(Fault::Root {
            what: format!(
                "{} stored leaves have root {}, the sealed head says {}",
                self.head.size,
                to_hex(&root),
                to_hex(&self.head.root)
            ),
        })
    }

    /// Whether all leaves were there and gave the sealed root.
    pub fn agrees(&self) -> bool {
        self.is_over() && self.is_dense && self.range.root() == self.head.root
    }
}

/// The absent keys that no recorded erasure names.
pub fn unexplained(absent: &[Uuid], erased: &HashSet<Uuid>) -> Vec<Uuid> {
    absent
        .iter()
        .filter(|key| !erased.contains(key))
        .copied()
        .collect()
}
