//! What a maker of bundles computes from heads and frontiers: the parts for a tenant or all of them, the spans of
//! leaves to read, what is handed over of a record, and the proof to the tip.

use std::collections::{BTreeMap, HashMap};

use aal_ledger::jcs::Members;
use aal_ledger::merkle::{CompactRange, HashSource, MemoryTree, node_hash, prove};
use aal_ledger::{ChainHead, ChainId, Hash, Heads, LeafView};
use uuid::Uuid;

use crate::entry::{Entry, Opening, Sealed};
use crate::error::FormError;
use crate::filter;
use crate::parts::{HeadLine, frontier_line};
use crate::scope::Scope;

/// Template slot of the attributes.
const SLOT_ATTRIBUTES: u16 = 3;

/// Members for heads and frontiers, and the leaves to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadsPlan {
    /// `heads/base`.
    pub base: Option<Vec<u8>>,
    /// `heads/last`.
    pub last: Vec<u8>,
    /// Chain lines of `heads/last`.
    pub chains: u64,
    /// `frontiers`.
    pub frontiers: Vec<u8>,
    /// In the order that the records must have.
    pub spans: Vec<ChainSpan>,
}

/// Leaves of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainSpan {
    pub chain: ChainId,
    /// First index.
    pub first: u64,
    /// Index after the last one.
    pub end: u64,
}

/// Plans the range between two heads; `frontiers` are the compact ranges at the base.
///
/// # Errors
/// When a chain that grew has no frontier.
pub fn plan(
    base: Option<(&Heads, &HashMap<ChainId, CompactRange>)>,
    last: &Heads,
    tenant: Option<Uuid>,
) -> Result<HeadsPlan, FormError> {
    let is_meant = |head: &&ChainHead| tenant.is_none_or(|tenant| head.chain.tenant == tenant);
    let before: HashMap<ChainId, u64> = base
        .iter()
        .flat_map(|(heads, _)| heads.chains())
        .map(|head| (head.chain, head.size))
        .collect();
    let mut plan = HeadsPlan {
        base: base.map(|(heads, _)| part_of(heads, tenant)),
        last: part_of(last, tenant),
        chains: 0,
        frontiers: Vec::new(),
        spans: Vec::new(),
    };
    for head in last.chains().iter().filter(is_meant) {
        plan.chains += 1;
        let first = before.get(&head.chain).copied().unwrap_or(0);
        if first >= head.size {
            continue;
        }
        if first > 0 {
            let range = base.and_then(|(_, frontiers)| frontiers.get(&head.chain));
            let range = range.ok_or_else(|| {
                FormError::content("frontiers", format!("chain {} has none at the base", head.chain))
            })?;
            plan.frontiers.extend(frontier_line(&head.chain, range).bytes());
        }
        plan.spans.push(ChainSpan {
            chain: head.chain,
            first,
            end: head.size,
        });
    }
    Ok(plan)
}

/// The heads as they are, or one tenant's lines with their proofs.
fn part_of(heads: &Heads, tenant: Option<Uuid>) -> Vec<u8> {
    let text = heads.to_text();
    let Some(tenant) = tenant else {
        return text.into_bytes();
    };
    let tree: MemoryTree = heads.line_hashes().collect();
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(head) = ChainHead::parse_line(line).filter(|head| head.chain.tenant == tenant) else {
            continue;
        };
        // The line is in the tree that was made of all lines.
        let Ok(path) = prove::inclusion(&tree, index as u64, tree.size()) else {
            continue;
        };
        let line = HeadLine {
            index: index as u64,
            path,
            head,
            line: line.to_owned(),
        };
        out.extend(line.to_text().bytes());
    }
    out
}

/// What the scope hands over of one record. Slots in any order.
///
/// # Errors
/// When leaf or header cannot be read; such a record is in no bundle.
pub fn select<'a>(
    scope: &Scope,
    leaf: &'a [u8],
    header: &'a [u8],
    mut openings: Vec<Opening<'a>>,
    mut ciphertexts: Vec<Sealed<'a>>,
) -> Result<Entry<'a>, FormError> {
    let refuse = |problem: String| FormError::content("a stored record", problem);
    let view = LeafView::new(leaf).map_err(|error| refuse(error.to_string()))?;
    if header.is_empty() && view.kind().is_prunable() {
        // Only the leaf is left of it; whether that is right, the prune leaves say.
        return Ok(Entry {
            is_match: false,
            leaf,
            header,
            openings: Vec::new(),
            ciphertexts: Vec::new(),
        });
    }
    let members = Members::read(header).map_err(|error| refuse(error.to_string()))?;
    let time_us = filter::time_us(&view, &members);
    let attributes = openings.iter().find(|opening| opening.slot == SLOT_ATTRIBUTES);
    let is_match = (scope.from_us..scope.to_us).contains(&time_us)
        && scope.filter.accepts(&view, &members)
        && scope
            .filter
            .accepts_attributes(attributes.map_or(&[], |opening| opening.text));
    if !(is_match && scope.disclosure.templates) {
        openings.clear();
    }
    if !(is_match && scope.disclosure.ciphertexts) {
        ciphertexts.clear();
    }
    openings.sort_by_key(|opening| opening.slot);
    ciphertexts.sort_by_key(|sealed| sealed.slot);
    Ok(Entry {
        is_match,
        leaf,
        header,
        openings,
        ciphertexts,
    })
}

/// A tree whose beginning is known by its compact range: enough to prove consistency from there to any later size.
#[derive(Clone, Debug)]
pub struct TipTree {
    first_size: u64,
    range: CompactRange,
    /// Roots of perfect subtrees by level and index: those of the beginning, and all made since.
    nodes: BTreeMap<(u32, u64), Hash>,
}

impl TipTree {
    /// A tree of that many leaves.
    pub fn new(range: CompactRange) -> TipTree {
        let mut nodes = BTreeMap::new();
        let mut start = 0u64;
        let levels = (0..64).rev().filter(|level| range.size() >> level & 1 == 1);
        for (level, hash) in levels.zip(range.hashes()) {
            nodes.insert((level, start >> level), *hash);
            start += 1 << level;
        }
        TipTree {
            first_size: range.size(),
            range,
            nodes,
        }
    }

    /// Adds a leaf.
    pub fn append(&mut self, leaf_hash: Hash) {
        let (mut level, mut index, mut node) = (0, self.range.size(), leaf_hash);
        self.nodes.insert((level, index), node);
        while index & 1 == 1
            && let Some(left) = self.nodes.get(&(level, index - 1))
        {
            node = node_hash(left, &node);
            (level, index) = (level + 1, index >> 1);
            self.nodes.insert((level, index), node);
        }
        self.range.append(leaf_hash);
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.range.size()
    }

    /// The proof from the beginning's size to the present one; `None` when the beginning was empty.
    pub fn proof(&self) -> Option<Vec<Hash>> {
        prove::consistency(self, self.first_size, self.size()).ok()
    }
}

impl HashSource for TipTree {
    type Error = ();

    fn node(&self, level: u32, index: u64) -> Result<Hash, ()> {
        self.nodes.get(&(level, index)).copied().ok_or(())
    }
}
