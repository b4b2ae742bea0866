//! One chain as its records come in: dense, linked, and with the root that its head says.

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::{ChainHead, ChainId, Hash, Leaf, ZERO_HASH};

use crate::report::{Place, Tally, Verdict};

/// Progress through one chain.
#[derive(Debug)]
pub(crate) struct ChainCheck {
    chain: ChainId,
    head: Option<ChainHead>,
    /// Text like "manifest of epoch 12", for findings.
    sealed_by: String,
    next_index: u64,
    last_leaf_hash: Hash,
    last_offset: Option<u64>,
    /// Block and row of the record before.
    last_row: Option<(u64, u32)>,
    range: CompactRange,
    /// The tree cannot be recomputed once a leaf is missing or out of place.
    is_dense: bool,
}

impl ChainCheck {
    pub(crate) fn new(chain: ChainId, head: Option<ChainHead>, sealed_by: String) -> ChainCheck {
        ChainCheck {
            chain,
            head,
            sealed_by,
            next_index: 0,
            last_leaf_hash: ZERO_HASH,
            last_offset: None,
            last_row: None,
            range: CompactRange::new(),
            is_dense: true,
        }
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.chain
    }

    /// Whether an index is below the sealed head.
    pub(crate) fn is_sealed(&self, index: u64) -> bool {
        self.head.is_some_and(|head| index < head.size)
    }

    /// Takes the next record: its stored position, the hash of its stored leaf, and the leaf if it decoded.
    pub(crate) fn record(
        &mut self,
        place: Place,
        index: u64,
        row: (u64, u32),
        leaf_hash: Hash,
        leaf: Option<&Leaf>,
        tally: &mut Tally,
    ) {
        tally.checked(Verdict::Scope, 1);
        if index < self.next_index {
            self.is_dense = false;
            return tally.refute(
                Verdict::Scope,
                place,
                format!("index {index} is stored twice or out of order"),
            );
        }
        if index > self.next_index {
            self.is_dense = false;
            let what = missing(self.next_index, index - 1);
            tally.refute(
                Verdict::Scope,
                Place::chain(self.chain),
                format!("{what} between stored ones"),
            );
        } else if let Some(leaf) = leaf {
            self.check_link(place, leaf, tally);
        }
        if self.last_row.is_some_and(|last| row <= last) {
            tally.refute(
                Verdict::Scope,
                place,
                "block and row do not follow those of the leaf before",
            );
        }
        if let Some(leaf) = leaf.filter(|leaf| leaf.has_offset()) {
            self.last_offset = Some(leaf.offset);
        }
        self.last_row = Some(row);
        self.last_leaf_hash = leaf_hash;
        self.next_index = index.saturating_add(1);
        if self.is_dense {
            self.range.append(leaf_hash);
            self.check_head(tally);
        }
    }

    fn check_link(&self, place: Place, leaf: &Leaf, tally: &mut Tally) {
        if leaf.prev_leaf_hash != self.last_leaf_hash {
            let what = format!(
                "leaf names {} as the leaf before it, stored there is {}",
                to_hex(&leaf.prev_leaf_hash),
                to_hex(&self.last_leaf_hash)
            );
            tally.refute(Verdict::Scope, place, what);
        }
        if let Some(last) = self.last_offset
            && leaf.has_offset()
            && leaf.offset <= last
        {
            let what = format!("offset {} does not follow offset {last}", leaf.offset);
            tally.refute(Verdict::Scope, place, what);
        }
    }

    /// When all sealed leaves have come: the root over them must be the head's.
    fn check_head(&self, tally: &mut Tally) {
        let Some(head) = self.head.filter(|head| head.size == self.range.size()) else {
            return;
        };
        tally.checked(Verdict::Scope, 1);
        let (size, sealed_by) = (head.size, &self.sealed_by);
        let root = self.range.root();
        if root != head.root {
            let what = format!(
                "root of {size} leaves is {}, {sealed_by} says {}",
                to_hex(&root),
                to_hex(&head.root)
            );
            tally.refute(Verdict::Scope, Place::chain(self.chain), what);
        } else if self.last_leaf_hash != head.last_leaf_hash {
            let what = format!("last of {size} leaves is not the one {sealed_by} says");
            tally.refute(Verdict::Scope, Place::chain(self.chain), what);
        }
    }

    /// After the chain's last record.
    pub(crate) fn finish(&self, tally: &mut Tally) {
        let Some(head) = self.head.filter(|head| head.size > self.next_index) else {
            return;
        };
        tally.checked(Verdict::Scope, 1);
        let what = format!(
            "{}: {} says size {}, stored {}",
            missing(self.next_index, head.size - 1),
            self.sealed_by,
            head.size,
            self.next_index
        );
        tally.refute(Verdict::Scope, Place::chain(self.chain), what);
    }
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        return format!("leaf {first} is missing");
    }
    format!("leaves {first}..{last} ({}) are missing", last - first + 1)
}
