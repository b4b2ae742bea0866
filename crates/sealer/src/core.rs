//! What an epoch seals: facts in, decision out. No I/O, no clock.

use std::collections::{BTreeMap, BTreeSet};

use aal_ledger::chain::ChainTip;
use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::merkle::CompactRange;
use aal_ledger::{
    ChainId, Checkpoint, Hash, Heads, HeadsError, Kind, Leaf, LeafError, LinkError, Manifest, ZERO_HASH, jcs,
    leaf_hash,
};
use uuid::Uuid;

use crate::source::StoredLeaf;
use crate::state::{ChainState, SealerState, ShardState};

/// Why stored rows of a shard are not sealed. The shard stays at its last head; the others go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shard {shard} block {block} row {row}: {fault}")]
pub struct Refusal {
    pub shard: u32,
    pub block: u64,
    pub row: u32,
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("block {expected} row {expected_row} should come next")]
    Place { expected: u64, expected_row: u32 },
    #[error("row is not of the shard that was asked for")]
    Shard,
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error("stored leaf hashes to {}, its leaf hash says {}", to_hex(computed), stored)]
    LeafHash { computed: Hash, stored: String },
    #[error("column {0} differs from the leaf")]
    Column(&'static str),
    #[error("stored header is not the one the leaf hashes")]
    Header,
    #[error("chain {chain}: {source}")]
    Link { chain: ChainId, source: LinkError },
    #[error("offset {found} was accounted for already, the next is {next}")]
    Offset { next: u64, found: u64 },
    #[error("chain {chain}: its stored tiles contradict its leaves: {what}")]
    Tiles { chain: ChainId, what: String },
}

/// Something to look at that does not hinder sealing: what is stored is stored, and is better sealed than not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    #[error("shard {shard}: no leaf accounts for offsets {first} to {last}")]
    OffsetsSkipped { shard: u32, first: u64, last: u64 },
    #[error("store {now} is read, the last epoch read store {before}: it was replaced or restored")]
    StoreReplaced { before: Uuid, now: Uuid },
    #[error("clock went back from {before_us} to {now_us}; the epoch closes at the former")]
    ClockBack { before_us: i64, now_us: i64 },
}

/// A leaf that was taken into an epoch, for its chain's tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLeaf {
    pub chain: ChainId,
    pub leaf: Vec<u8>,
    pub leaf_hash: Hash,
}

/// Collects the rows of one epoch.
#[derive(Debug)]
pub struct EpochBuilder {
    state: SealerState,
    taken: Vec<NewLeaf>,
    refused: BTreeMap<u32, Refusal>,
    notices: Vec<Notice>,
    new_leaves: u64,
}

/// What belongs to the epoch as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochFacts {
    /// The sealer's clock, µs.
    pub now_us: i64,
    /// The store that was read.
    pub incarnation: Uuid,
    /// SHA-256 of the trust policy; zeros: none.
    pub policy_hash: Hash,
    /// SHA-256 of the latest RFC 3161 token; zeros: none.
    pub timestamp_hash: Hash,
    /// SHA-256 of the latest cosigned checkpoint; zeros: none.
    pub witness_hash: Hash,
}

/// An epoch, decided but not yet written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub manifest: Manifest,
    pub heads: Heads,
    /// See [`SealerState::frontier`].
    pub frontier: String,
    /// The state once the manifest is written.
    pub state: SealerState,
    /// Shards that stand still, and why.
    pub refused: Vec<Refusal>,
    pub notices: Vec<Notice>,
    /// Leaves that this epoch seals.
    pub new_leaves: u64,
}

impl Epoch {
    /// The unsigned checkpoint of the anchor log after this epoch.
    pub fn checkpoint(&self, origin: &str) -> Checkpoint {
        let anchor = &self.state.anchor;
        Checkpoint {
            origin: origin.to_owned(),
            size: anchor.size(),
            root: anchor.root(),
        }
    }
}

impl EpochBuilder {
    /// An epoch that follows `state`.
    pub fn new(state: SealerState) -> EpochBuilder {
        EpochBuilder {
            state,
            taken: Vec::new(),
            refused: BTreeMap::new(),
            notices: Vec::new(),
            new_leaves: 0,
        }
    }

    /// The next block to read of a shard.
    pub fn next_block(&self, shard: u32) -> u64 {
        self.state.shards.get(&shard).map_or(0, |state| state.next_block)
    }

    /// Shards known from earlier epochs.
    pub fn shards(&self) -> BTreeSet<u32> {
        self.state.shards.keys().copied().collect()
    }

    /// Whether the shard was refused in this epoch, so that reading on is pointless.
    pub fn is_refused(&self, shard: u32) -> bool {
        self.refused.contains_key(&shard)
    }

    /// Leaves taken since this was asked last, in the order of their chains.
    pub fn drain_taken(&mut self) -> Vec<NewLeaf> {
        std::mem::take(&mut self.taken)
    }

    /// Leaves a shard out of this epoch.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refused.insert(refusal.shard, refusal);
    }

    /// Takes the next whole blocks of one shard. A block is taken wholly or not at all; at the first fault the shard
    /// is refused and stays behind its last good block.
    pub fn take(&mut self, shard: u32, rows: &[StoredLeaf]) {
        for block in rows.chunk_by(|left, right| left.block == right.block) {
            if self.is_refused(shard) {
                return;
            }
            if let Err(refusal) = self.take_block(shard, block) {
                self.refused.insert(shard, refusal);
            }
        }
    }

    fn take_block(&mut self, shard: u32, rows: &[StoredLeaf]) -> Result<(), Refusal> {
        let mut shard_state = self.state.shards.get(&shard).copied().unwrap_or_default();
        let expected = shard_state.next_block;
        let mut chains: BTreeMap<ChainId, ChainState> = BTreeMap::new();
        let (mut notices, mut taken) = (Vec::new(), Vec::with_capacity(rows.len()));
        for (position, row) in rows.iter().enumerate() {
            let refuse = |fault| Refusal {
                shard,
                block: row.block,
                row: row.row,
                fault,
            };
            let expected_row = position as u32;
            if row.shard != shard {
                return Err(refuse(Fault::Shard));
            }
            if (row.block, row.row) != (expected, expected_row) {
                return Err(refuse(Fault::Place {
                    expected,
                    expected_row,
                }));
            }
            let (leaf, hash) = read_leaf(row).map_err(refuse)?;
            notices.extend(account_offset(&mut shard_state, row, &leaf).map_err(refuse)?);
            let chain = ChainId::of(&leaf);
            let known = || self.state.chains.get(&chain).cloned().unwrap_or_else(empty_chain);
            let chain_state = chains.entry(chain).or_insert_with(known);
            extend(chain, chain_state, &leaf, hash).map_err(refuse)?;
            taken.push(NewLeaf {
                chain,
                leaf: row.leaf.clone(),
                leaf_hash: hash,
            });
        }
        shard_state.next_block = expected + 1;
        self.new_leaves += rows.len() as u64;
        self.state.shards.insert(shard, shard_state);
        self.state.chains.extend(chains);
        self.taken.extend(taken);
        self.notices.extend(notices);
        Ok(())
    }

    /// Closes the epoch.
    ///
    /// # Errors
    /// Never for a state that was loaded or built by this crate.
    pub fn finish(self, facts: EpochFacts) -> Result<Epoch, HeadsError> {
        let EpochBuilder {
            mut state,
            refused,
            mut notices,
            new_leaves,
            ..
        } = self;
        let heads = state.heads()?;
        let frontier = state.frontier(&heads);
        let before = state.manifest.as_ref();
        let opened_us = before.map_or(facts.now_us, |manifest| manifest.closed_us);
        if facts.now_us < opened_us {
            notices.push(Notice::ClockBack {
                before_us: opened_us,
                now_us: facts.now_us,
            });
        }
        if let Some(incarnation) = before.map(|manifest| manifest.incarnation)
            && incarnation != facts.incarnation
        {
            notices.push(Notice::StoreReplaced {
                before: incarnation,
                now: facts.incarnation,
            });
        }
        let manifest = Manifest {
            epoch: before.map_or(0, |manifest| manifest.epoch + 1),
            previous: before.map_or(ZERO_HASH, Manifest::hash),
            opened_us,
            closed_us: facts.now_us.max(opened_us),
            incarnation: facts.incarnation,
            policy_hash: facts.policy_hash,
            timestamp_hash: facts.timestamp_hash,
            witness_hash: facts.witness_hash,
            head_count: heads.line_count(),
            heads_root: heads.root(),
            leaf_count: heads.leaf_count().unwrap_or(u64::MAX),
        };
        state.anchor.append(manifest.leaf_hash());
        state.manifest = Some(manifest.clone());
        let refused = refused.into_values().collect();
        Ok(Epoch {
            manifest,
            heads,
            frontier,
            state,
            refused,
            notices,
            new_leaves,
        })
    }
}

fn empty_chain() -> ChainState {
    ChainState {
        range: CompactRange::new(),
        last_leaf_hash: ZERO_HASH,
    }
}

/// The leaf of a row whose bytes, hash, columns and header agree.
fn read_leaf(row: &StoredLeaf) -> Result<(Leaf, Hash), Fault> {
    let computed = leaf_hash(&row.leaf);
    if row.leaf_hash != computed {
        let stored = row.leaf_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        return Err(Fault::LeafHash { computed, stored });
    }
    let leaf = Leaf::decode(&row.leaf)?;
    let columns = [
        ("tenant", leaf.tenant == row.tenant),
        ("shard", leaf.shard == row.shard),
        ("chain_index", leaf.index == row.chain_index),
    ];
    if let Some((name, _)) = columns.into_iter().find(|(_, holds)| !holds) {
        return Err(Fault::Column(name));
    }
    if sha256(&row.header) != leaf.header_hash {
        return Err(Fault::Header);
    }
    Ok((leaf, computed))
}

/// Moves the shard's next offset past the leaf; it must not have been passed already.
fn account_offset(state: &mut ShardState, row: &StoredLeaf, leaf: &Leaf) -> Result<Option<Notice>, Fault> {
    if !leaf.has_offset() {
        return Ok(None);
    }
    let next = state.next_offset;
    let first = match leaf.kind {
        Kind::Gap => gap_start(&row.header).unwrap_or(leaf.offset),
        _ => leaf.offset,
    };
    if first < next || leaf.offset < first {
        return Err(Fault::Offset { next, found: first });
    }
    state.next_offset = leaf.offset.saturating_add(1);
    let is_skipped = first > next;
    Ok(is_skipped.then(|| Notice::OffsetsSkipped {
        shard: row.shard,
        first: next,
        last: first - 1,
    }))
}

fn gap_start(header: &[u8]) -> Option<u64> {
    jcs::parse_strict(header).ok()?.get("first_offset")?.as_u64()
}

fn extend(chain: ChainId, state: &mut ChainState, leaf: &Leaf, hash: Hash) -> Result<(), Fault> {
    // Offsets are accounted for over the whole shard, so the chain's own check of them is not needed.
    let tip = ChainTip {
        size: state.range.size(),
        last_leaf_hash: state.last_leaf_hash,
        last_offset: None,
    };
    tip.extend(leaf, hash)
        .map_err(|source| Fault::Link { chain, source })?;
    state.range.append(hash);
    state.last_leaf_hash = hash;
    Ok(())
}
