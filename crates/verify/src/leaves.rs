//! Leaves of one chain by themselves: decoded, hashed, linked, and summed up to the tree's root.

use aal_ledger::merkle::CompactRange;
use aal_ledger::{Hash, LeafError, LeafView, leaf_hash};

use crate::bundle::{Fit, LeafRun};

/// What consecutive leaves of a chain come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeavesChecked {
    pub count: u64,
    /// Root of the tree; absent when the leaves do not begin at index 0.
    pub root: Option<Hash>,
    pub last_leaf_hash: Hash,
}

/// Why leaves are not a part of one chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    #[error("there are no leaves")]
    None,
    #[error("leaf {position}: {source}")]
    Leaf { position: u64, source: LeafError },
    #[error("leaf {0} is not the next one of the chain")]
    Order(u64),
    #[error("leaf {0} does not link to the one before it")]
    Link(u64),
}

/// Checks the leaves' bytes one after the other.
///
/// # Errors
/// At the first leaf that is none or does not follow.
pub fn check_leaves<'l>(leaves: impl IntoIterator<Item = &'l [u8]>) -> Result<LeavesChecked, LeavesError> {
    let mut run: Option<LeafRun> = None;
    let mut count = 0;
    for bytes in leaves {
        let position = count;
        let hash = leaf_hash(bytes);
        let leaf = LeafView::new(bytes).map_err(|source| LeavesError::Leaf { position, source })?;
        match &mut run {
            None => run = Some(LeafRun::begin(&leaf, hash)),
            Some(run) => match run.push(&leaf, hash) {
                Fit::Next => {}
                Fit::Elsewhere | Fit::OffsetOrder { .. } => return Err(LeavesError::Order(position)),
                Fit::BrokenLink => return Err(LeavesError::Link(position)),
            },
        }
        count += 1;
    }
    let run = run.ok_or(LeavesError::None)?;
    let mut range = CompactRange::new();
    let is_from_zero = run.first_index == 0
        && run
            .subtrees
            .iter()
            .all(|(level, root)| range.append_subtree(*level, *root));
    Ok(LeavesChecked {
        count,
        root: is_from_zero.then(|| range.root()),
        last_leaf_hash: run.last_leaf_hash,
    })
}
