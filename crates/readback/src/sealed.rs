//! What is sealed, read from the anchor store and never from ClickHouse.

use std::{collections::HashMap, sync::Arc};

use aal_ledger::{
    ChainHead, ChainId, Checkpoint, CheckpointError, Hash, Manifest, TrustPolicy,
    merkle::CompactRange,
    tile::{Resource, TILE_WIDTH, Tile},
};
use aal_sealer::{Anchor, AnchorError, Tree};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_store::ObjectStore;

/// Why heads cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("the checkpoint of epoch {epoch} is not signed by a key of the trust policy: {source}")]
    Checkpoint { epoch: u64, source: CheckpointError },
    #[error("the checkpoint of epoch {0} does not cover its manifest")]
    NotCovered(u64),
}

impl SealedError {
    /// Whether the anchor store contradicts itself or the policy, rather than not answering.
    pub fn is_contradiction(&self) -> bool {
        !matches!(self, SealedError::Anchor(AnchorError::Objects(_)))
    }
}

/// The heads of one epoch.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub manifest: Manifest,
    pub chains: Vec<ChainHead>,
}

/// A tree that was sealed, with the hash of its last leaf.
pub type Frontier = HashMap<ChainId, (CompactRange, Hash)>;

/// Reads epochs.
#[derive(Debug)]
pub struct Sealed {
    anchor: Anchor<Arc<dyn ObjectStore>>,
    policy: Option<TrustPolicy>,
}

impl Sealed {
    pub fn new(objects: Arc<dyn ObjectStore>, policy: Option<TrustPolicy>) -> Sealed {
        Sealed {
            anchor: Anchor::new(objects, ""),
            policy,
        }
    }

    /// The number of the newest epoch whose checkpoint is written; none before the first.
    ///
    /// # Errors
    /// The anchor store does not answer, or lost a manifest.
    pub async fn newest(&self) -> Result<Option<u64>, SealedError> {
        let Some(newest) = self.anchor.newest_epoch().await? else {
            return Ok(None);
        };
        // The checkpoint comes right after the manifest; until then the epoch before is the newest.
        if self.anchor.checkpoint(newest).await?.is_some() {
            return Ok(Some(newest));
        }
        Ok(newest.checked_sub(1))
    }

    /// The heads of an epoch, signed by a pinned key where there is a policy.
    ///
    /// # Errors
    /// The anchor store does not answer, or contradicts itself or the policy.
    pub async fn epoch(&self, number: u64) -> Result<Epoch, SealedError> {
        let manifest = self.anchor.manifest(number).await?;
        self.check_signed(&manifest).await?;
        let heads = self.anchor.heads(&manifest).await?;
        Ok(Epoch {
            chains: heads.chains().to_vec(),
            manifest,
        })
    }

    async fn check_signed(&self, manifest: &Manifest) -> Result<(), SealedError> {
        let Some(policy) = &self.policy else { return Ok(()) };
        let epoch = manifest.epoch;
        let note = self.anchor.checkpoint(epoch).await?;
        let note = note.ok_or(SealedError::NotCovered(epoch))?;
        let keys = policy.log_keys_for(epoch + 1);
        let refused = |source| SealedError::Checkpoint { epoch, source };
        let (checkpoint, signed_by) = Checkpoint::open(&note, &policy.origin, &keys).map_err(refused)?;
        policy.check_signers(&signed_by, epoch + 1).map_err(refused)?;
        // The saved tree before the epoch is only a short cut; with another one the root would not come out.
        let mut log = match epoch.checked_sub(1) {
            None => CompactRange::new(),
            Some(before) => match self.anchor.saved_log(before).await? {
                Some(log) => log,
                None => self.log_before(epoch).await?,
            },
        };
        log.append(manifest.leaf_hash());
        if (checkpoint.size, checkpoint.root) != (log.size(), log.root()) {
            return Err(SealedError::NotCovered(epoch));
        }
        Ok(())
    }

    async fn log_before(&self, epoch: u64) -> Result<CompactRange, SealedError> {
        let mut log = CompactRange::new();
        for number in 0..epoch {
            log.append(self.anchor.manifest(number).await?.leaf_hash());
        }
        Ok(log)
    }

    /// The trees of an epoch's chains as the sealer saved them; only a short cut, so each is checked against its
    /// head, and those that do not fit are left out.
    ///
    /// # Errors
    /// The anchor store does not answer.
    pub async fn frontier(&self, epoch: &Epoch) -> Result<Frontier, SealedError> {
        let Some(bytes) = self.anchor.frontier(&epoch.manifest.heads_root).await? else {
            return Ok(Frontier::new());
        };
        let text = String::from_utf8_lossy(&bytes);
        let heads: HashMap<ChainId, &ChainHead> =
            epoch.chains.iter().map(|head| (head.chain, head)).collect();
        let ranges = text.lines().filter_map(|line| {
            let (chain, encoded) = line.split_once(' ')?;
            let range = CompactRange::from_bytes(&STANDARD.decode(encoded).ok()?).ok()?;
            Some((chain.parse::<ChainId>().ok()?, range))
        });
        let fitting = ranges.filter_map(|(chain, range)| {
            let head = heads.get(&chain)?;
            let fits = (range.size(), range.root()) == (head.size, head.root);
            fits.then_some((chain, (range, head.last_leaf_hash)))
        });
        Ok(fitting.collect())
    }

    /// The hashes of a chain's leaves from `first` on as its tiles have them, as far as one tile goes; empty when
    /// the tile is not there. Tiles tell which leaf differs; that it does, the root tells.
    ///
    /// # Errors
    /// The anchor store does not answer.
    pub async fn leaf_hashes(&self, head: &ChainHead, first: u64) -> Result<Vec<Hash>, SealedError> {
        let index = first / TILE_WIDTH;
        let tile = Resource::Hashes(Tile {
            level: 0,
            index,
            width: TILE_WIDTH as u16,
        });
        let Some(width) = tile.width_at(head.size) else {
            return Ok(Vec::new());
        };
        let bytes = self
            .anchor
            .tile(Tree::Chain(head.chain), tile.with_width(width))
            .await?;
        let bytes = bytes.unwrap_or_default();
        let hashes = bytes
            .chunks_exact(32)
            .filter_map(|chunk| Hash::try_from(chunk).ok());
        Ok(hashes.skip((first % TILE_WIDTH) as usize).collect())
    }
}
