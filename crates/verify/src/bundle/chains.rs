//! Chains of the range from their base to their last head, joined from runs of leaves in order.

use std::collections::HashMap;

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::{ChainHead, ChainId, Hash, ZERO_HASH};

use crate::bundle::leaf_run::LeafRun;
use crate::report::{Place, Tally, Verdict};

/// One chain that grew in the range.
#[derive(Debug)]
pub(crate) struct ChainRange {
    pub(crate) chain: ChainId,
    /// Leaves before the range; empty at the chain's beginning.
    pub(crate) base: CompactRange,
    /// Of the last leaf before the range; zeros when there is none.
    pub(crate) base_leaf_hash: Hash,
    pub(crate) last: ChainHead,
}

/// Progress through all chains of the range.
#[derive(Debug)]
pub(crate) struct Chains {
    /// In the order that their leaves must come in.
    ranges: Vec<ChainRange>,
    positions: HashMap<ChainId, usize>,
    current: Option<Progress>,
    /// Chains before this one are done.
    next_position: usize,
    /// Chains whose every leaf was there.
    complete: usize,
}

#[derive(Debug)]
struct Progress {
    position: usize,
    next_index: u64,
    last_leaf_hash: Hash,
    last_offset: Option<u64>,
    range: CompactRange,
    /// The tree cannot be recomputed once a leaf is missing or out of place.
    is_dense: bool,
}

impl Chains {
    pub(crate) fn new(ranges: Vec<ChainRange>) -> Chains {
        let positions = ranges
            .iter()
            .enumerate()
            .map(|(position, range)| (range.chain, position));
        Chains {
            positions: positions.collect(),
            ranges,
            current: None,
            next_position: 0,
            complete: 0,
        }
    }

    /// Takes the next run of leaves.
    pub(crate) fn run(&mut self, run: &LeafRun, tally: &mut Tally) {
        let place = Place {
            chain: Some(run.chain),
            index: Some(run.first_index),
            event_id: None,
        };
        let Some(position) = self.positions.get(&run.chain).copied() else {
            let what = "leaves of a chain that has none in the range";
            return tally.refute(Verdict::Scope, place, what);
        };
        if self
            .current
            .as_ref()
            .is_none_or(|current| current.position != position)
        {
            self.end_chain(tally);
            if position < self.next_position {
                return tally.refute(
                    Verdict::Scope,
                    place,
                    "leaves of a chain come twice or out of order",
                );
            }
            self.skip_to(position, tally);
            let range = &self.ranges[position];
            self.current = Some(Progress {
                position,
                next_index: range.base.size(),
                last_leaf_hash: range.base_leaf_hash,
                last_offset: None,
                range: range.base.clone(),
                is_dense: true,
            });
            self.next_position = position + 1;
        }
        if let Some(current) = &mut self.current {
            current.join(run, place, tally);
        }
    }

    /// Chains of which no leaf came.
    fn skip_to(&mut self, position: usize, tally: &mut Tally) {
        for range in &self.ranges[self.next_position..position] {
            tally.checked(Verdict::Scope, 1);
            let what = missing(range.base.size(), range.last.size - 1);
            tally.refute(Verdict::Scope, Place::chain(range.chain), what);
        }
    }

    fn end_chain(&mut self, tally: &mut Tally) {
        let Some(current) = self.current.take() else {
            return;
        };
        let range = &self.ranges[current.position];
        if current.finish(range, tally) {
            self.complete += 1;
        }
    }

    /// After the last run; whether every chain had all its leaves.
    pub(crate) fn finish(&mut self, tally: &mut Tally) -> bool {
        self.end_chain(tally);
        self.skip_to(self.ranges.len(), tally);
        self.complete == self.ranges.len()
    }
}

impl Progress {
    fn join(&mut self, run: &LeafRun, place: Place, tally: &mut Tally) {
        if run.first_index != self.next_index {
            self.is_dense = false;
            let what = if run.first_index > self.next_index {
                format!(
                    "{} between those that are here",
                    missing(self.next_index, run.first_index - 1)
                )
            } else {
                format!("index {} comes twice or out of order", run.first_index)
            };
            tally.refute(Verdict::Scope, place, what);
        } else if run.first_prev != self.last_leaf_hash {
            let (named, before) = (to_hex(&run.first_prev), to_hex(&self.last_leaf_hash));
            let what = format!("leaf names {named} as the leaf before it, that is {before}");
            tally.refute(Verdict::Scope, place, what);
        }
        if let Some((first, last)) = run.offsets {
            if self.last_offset.is_some_and(|before| first <= before) {
                let what = format!("offset {first} does not follow the one before it");
                tally.refute(Verdict::Scope, place, what);
            }
            self.last_offset = Some(last);
        }
        self.next_index = run.next_index;
        self.last_leaf_hash = run.last_leaf_hash;
        for (level, root) in &run.subtrees {
            self.is_dense &= self.is_dense && self.range.append_subtree(*level, *root);
        }
    }

    fn finish(&self, range: &ChainRange, tally: &mut Tally) -> bool {
        let (place, last) = (Place::chain(range.chain), &range.last);
        tally.checked(Verdict::Scope, 1);
        if self.next_index < last.size {
            let what = missing(self.next_index, last.size - 1);
            tally.refute(
                Verdict::Scope,
                place,
                format!("{what}: the last head says {}", last.size),
            );
            return false;
        }
        if self.next_index > last.size {
            let what = format!(
                "leaves up to {} are here, the last head says {}",
                self.next_index, last.size
            );
            tally.refute(Verdict::Scope, place, what);
            return false;
        }
        if !self.is_dense {
            return false;
        }
        let root = self.range.root();
        if root != last.root || self.last_leaf_hash != last.last_leaf_hash {
            let what = format!(
                "{} leaves have root {}, the last head says {}",
                last.size,
                to_hex(&root),
                to_hex(&last.root)
            );
            tally.refute(Verdict::Scope, place, what);
            return false;
        }
        true
    }
}

impl ChainRange {
    /// A chain that begins in the range.
    pub(crate) fn from_the_beginning(last: ChainHead) -> ChainRange {
        ChainRange {
            chain: last.chain,
            base: CompactRange::new(),
            base_leaf_hash: ZERO_HASH,
            last,
        }
    }
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        return format!("leaf {first} is missing");
    }
    format!("leaves {first}..{last} ({}) are missing", last - first + 1)
}
