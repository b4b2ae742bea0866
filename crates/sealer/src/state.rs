//! What the sealer carries from one epoch to the next.

use std::collections::BTreeMap;

use aal_ledger::chain::ChainIdError;
use aal_ledger::merkle::{CompactRange, CompactRangeError};
use aal_ledger::{ChainHead, ChainId, Hash, Heads, HeadsError, Manifest, ShardHead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A chain's tree and the leaf its next one must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainState {
    pub range: CompactRange,
    pub last_leaf_hash: Hash,
}

/// How far a shard was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ShardState {
    pub next_block: u64,
    pub next_offset: u64,
}

/// Everything after the last epoch; small: at most 64 hashes a chain.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SealerState {
    /// The last epoch's manifest; `None` before epoch 0.
    pub manifest: Option<Manifest>,
    /// Tree of the manifests.
    pub anchor: CompactRange,
    pub chains: BTreeMap<ChainId, ChainState>,
    pub shards: BTreeMap<u32, ShardState>,
}

/// Why a saved frontier does not fit the heads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    #[error("frontier is not UTF-8 lines of chain and base64")]
    Form,
    #[error(transparent)]
    Chain(#[from] ChainIdError),
    #[error(transparent)]
    Range(#[from] CompactRangeError),
    #[error("frontier of chain {0} does not give the size and root of its head")]
    Head(ChainId),
}

impl SealerState {
    /// The heads of this state.
    ///
    /// # Errors
    /// Never for states that [`crate::core`] made; the type cannot say so.
    pub fn heads(&self) -> Result<Heads, HeadsError> {
        let chains = self.chains.iter().map(|(chain, state)| ChainHead {
            chain: *chain,
            size: state.range.size(),
            root: state.range.root(),
            last_leaf_hash: state.last_leaf_hash,
        });
        let shards = self.shards.iter().map(|(shard, state)| ShardHead {
            shard: *shard,
            next_block: state.next_block,
            next_offset: state.next_offset,
        });
        Heads::new(chains, shards)
    }

    /// The frontier of ledger-format.md section 7.1: the compact ranges in the order of the heads' lines.
    pub fn frontier(&self, heads: &Heads) -> String {
        let line = |head: &ChainHead| {
            let range = self
                .chains
                .get(&head.chain)
                .map(|state| state.range.to_bytes())
                .unwrap_or_default();
            format!("{} {}\n", head.chain, STANDARD.encode(range))
        };
        heads.chains().iter().map(line).collect()
    }

    /// The state that heads and frontier describe; each range is checked against its head.
    ///
    /// # Errors
    /// When the frontier does not belong to the heads.
    pub fn restore(
        manifest: Manifest,
        anchor: CompactRange,
        heads: &Heads,
        frontier: &[u8],
    ) -> Result<SealerState, FrontierError> {
        let text = std::str::from_utf8(frontier).map_err(|_| FrontierError::Form)?;
        let mut ranges = BTreeMap::new();
        for line in text.lines() {
            let (chain, encoded) = line.split_once(' ').ok_or(FrontierError::Form)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| FrontierError::Form)?;
            ranges.insert(chain.parse::<ChainId>()?, CompactRange::from_bytes(&bytes)?);
        }
        let mut state = SealerState::from_heads(manifest, anchor, heads);
        for head in heads.chains() {
            let range = ranges
                .remove(&head.chain)
                .ok_or(FrontierError::Head(head.chain))?;
            state.set_range(head, range)?;
        }
        Ok(state)
    }

    /// The state without its chains, which are added by [`SealerState::set_range`].
    pub fn from_heads(manifest: Manifest, anchor: CompactRange, heads: &Heads) -> SealerState {
        let shard = |head: &ShardHead| {
            (
                head.shard,
                ShardState {
                    next_block: head.next_block,
                    next_offset: head.next_offset,
                },
            )
        };
        SealerState {
            manifest: Some(manifest),
            anchor,
            chains: BTreeMap::new(),
            shards: heads.shards().iter().map(shard).collect(),
        }
    }

    /// Adds the tree of one chain.
    ///
    /// # Errors
    /// When it is not the tree of the head.
    pub fn set_range(&mut self, head: &ChainHead, range: CompactRange) -> Result<(), FrontierError> {
        if (range.size(), range.root()) != (head.size, head.root) {
            return Err(FrontierError::Head(head.chain));
        }
        self.chains.insert(
            head.chain,
            ChainState {
                range,
                last_leaf_hash: head.last_leaf_hash,
            },
        );
        Ok(())
    }
}
