//! One sealer: loads where the log stands, and seals one epoch after the other.

mod log_tiles;
mod refill;
mod restore;
mod tiles;

use std::collections::BTreeMap;

use aal_ledger::{
    Checkpoint, CheckpointError, Cosigner, Hash, HeadsError, Manifest, NoteSigner, VerifierKey, ZERO_HASH,
};
use bytes::Bytes;
use tracing::{info, warn};

use crate::anchor::{Anchor, AnchorError};
use crate::core::{Epoch, EpochBuilder, EpochFacts, Notice, Refusal};
use crate::evidence::Evidence;
use crate::objects::Objects;
use crate::source::LeafSource;
use crate::state::SealerState;
use tiles::{Growth, TileKeeper};

/// What a sealer needs to be told.
#[derive(Clone, Debug)]
pub struct SealerSettings {
    /// First line of every checkpoint.
    pub origin: String,
    /// SHA-256 of the trust policy; zeros: none.
    pub policy_hash: Hash,
    /// Signs each checkpoint a second time, without a time: the log's ML-DSA-44 key.
    pub second_key: Option<Cosigner>,
    /// What witnesses and timestamping authorities answered lately.
    pub evidence: Evidence,
    /// Keys that signed earlier epochs and were replaced.
    pub former_keys: Vec<VerifierKey>,
    /// Rows asked for in one read of one shard.
    pub max_rows_per_read: usize,
    /// Leaves sealed in one epoch at most, so that a backlog does not delay the next epoch without end.
    pub max_leaves_per_epoch: u64,
    /// Whether partial tiles are removed once wider ones are there; not where objects are locked.
    pub delete_superseded: bool,
    /// Token of this sealer's lease; a sealer with a larger one stops this one. None: no lease.
    pub fence: Option<u64>,
}

impl SealerSettings {
    /// Settings for a log of that origin, with limits for one machine.
    pub fn new(origin: &str) -> SealerSettings {
        SealerSettings {
            origin: origin.to_owned(),
            policy_hash: ZERO_HASH,
            second_key: None,
            evidence: Evidence::default(),
            former_keys: Vec::new(),
            max_rows_per_read: 20_000,
            max_leaves_per_epoch: 500_000,
            delete_superseded: true,
            fence: None,
        }
    }
}

/// An epoch that is written and signed.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub manifest: Manifest,
    /// The signed note, to be published.
    pub checkpoint: Bytes,
    /// Leaves that this epoch sealed.
    pub new_leaves: u64,
    /// Shards that stand still because their rows are inconsistent: an alarm.
    pub refused: Vec<Refusal>,
    pub notices: Vec<Notice>,
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("stored leaves cannot be read")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("epoch {0} was sealed by another sealer; load again")]
    Superseded(u64),
    #[error("checkpoint of epoch {epoch} is not one of this log and key: {source}")]
    ForeignCheckpoint { epoch: u64, source: CheckpointError },
    #[error("checkpoint of epoch {0} does not agree with its manifests; nothing more is signed")]
    Contradiction(u64),
    #[error("stored leaves of chain {0} no longer give the root that was sealed; nothing more is signed")]
    Rewritten(aal_ledger::ChainId),
    #[error("chain {chain}: its stored tiles contradict its leaves: {what}")]
    Tiles {
        chain: aal_ledger::ChainId,
        what: String,
    },
    #[error("tiles of the anchor log contradict its manifests: {0}; nothing more is signed")]
    LogTiles(String),
    #[error(
        "lease token {own} is used up, the anchor store has seen token {newest}; nothing more is written"
    )]
    Fenced { own: u64, newest: u64 },
    #[error("heads of the new epoch contradict those of the last one: {0}")]
    Heads(#[from] HeadsError),
    #[error("checkpoint cannot be signed: {0}")]
    Sign(CheckpointError),
}

/// Seals one log.
#[derive(Debug)]
pub struct Sealer<O, S> {
    anchor: Anchor<O>,
    source: S,
    signer: NoteSigner,
    settings: SealerSettings,
    state: SealerState,
    tiles: TileKeeper,
    /// Shards whose chains' tiles contradict their leaves: they are sealed no further.
    set_aside: BTreeMap<u32, Refusal>,
}

impl<O: Objects, S: LeafSource> Sealer<O, S> {
    /// Reads where the log stands, and completes an epoch whose checkpoint a crash cut off.
    ///
    /// # Errors
    /// When anchor or source cannot be read, or contradict each other; then nothing may be signed.
    pub async fn load(
        anchor: Anchor<O>,
        source: S,
        signer: NoteSigner,
        settings: SealerSettings,
    ) -> Result<Sealer<O, S>, SealError> {
        let mut sealer = Sealer {
            anchor,
            source,
            signer,
            settings,
            state: SealerState::default(),
            tiles: TileKeeper::default(),
            set_aside: BTreeMap::new(),
        };
        sealer.take_over().await?;
        if let Some(epoch) = sealer.anchor.newest_epoch().await? {
            sealer.state = sealer.restore(epoch).await?;
            sealer.check_tiles().await?;
            info!(
                epoch,
                chains = sealer.state.chains.len(),
                "sealer goes on after epoch"
            );
        }
        Ok(sealer)
    }

    /// The last epoch sealed.
    pub fn last_manifest(&self) -> Option<&Manifest> {
        self.state.manifest.as_ref()
    }

    /// Seals what is stored now. `now_us` is the sealer's clock; it is recorded, and never trusted to go forward.
    ///
    /// # Errors
    /// [`SealError::Superseded`] when another sealer was faster: load again. After any other error the same call may
    /// be made again.
    pub async fn seal(&mut self, now_us: i64) -> Result<Sealed, SealError> {
        self.check_fence().await?;
        let (epoch, growth) = self.build_around_faults(now_us).await?;
        let number = epoch.manifest.epoch;
        if let Some(before) = &self.state.manifest {
            epoch.heads.check_follows(&self.state.heads()?)?;
            debug_assert_eq!(epoch.manifest.check_follows(Some(before)), Ok(()));
        }
        let note = self.sign(&epoch.checkpoint(&self.settings.origin))?;
        self.anchor.write_heads(&epoch.heads, &epoch.frontier).await?;
        self.check_fence().await?;
        if !self.anchor.create_manifest(&epoch.manifest).await? {
            return Err(SealError::Superseded(number));
        }
        // From here on the epoch is decided; what follows is completed by the next load if it is cut off.
        let before = self.state.anchor.clone();
        self.write_log_tiles(&before, &epoch.manifest).await?;
        if !self.anchor.create_checkpoint(number, note.clone()).await? {
            return Err(SealError::Contradiction(number));
        }
        let Epoch {
            manifest,
            state,
            refused,
            notices,
            new_leaves,
            ..
        } = epoch;
        self.anchor.publish_checkpoint(number + 1, note.clone()).await?;
        self.anchor.write_latest(number, &state.anchor).await?;
        self.settle(growth).await;
        self.state = state;
        for refusal in &refused {
            warn!(shard = refusal.shard, block = refusal.block, fault = %refusal.fault, "shard is not sealed further");
        }
        for notice in &notices {
            warn!(%notice, "sealed with a notice");
        }
        Ok(Sealed {
            manifest,
            checkpoint: note,
            new_leaves,
            refused,
            notices,
        })
    }

    /// Makes sure that no sealer with a larger token has taken over.
    async fn check_fence(&self) -> Result<(), SealError> {
        let Some(own) = self.settings.fence else {
            return Ok(());
        };
        match self.anchor.fence().await? {
            newest if newest > own => Err(SealError::Fenced { own, newest }),
            _ => Ok(()),
        }
    }

    /// Records this sealer's token, so that one with a smaller token stops.
    async fn take_over(&self) -> Result<(), SealError> {
        if let Some(own) = self.settings.fence {
            self.anchor.claim_fence(own).await?;
        }
        self.check_fence().await
    }

    /// Builds an epoch without the shards whose tiles contradict their leaves.
    async fn build_around_faults(&mut self, now_us: i64) -> Result<(Epoch, Growth), SealError> {
        loop {
            match self.build(now_us).await {
                Err(SealError::Tiles { chain, what }) if !self.set_aside.contains_key(&chain.shard) => {
                    self.set_aside(chain, what);
                }
                built => return built,
            }
        }
    }

    async fn build(&mut self, now_us: i64) -> Result<(Epoch, Growth), SealError> {
        let mut growth = Growth::default();
        let incarnation = self.source.incarnation().await.map_err(source_error)?;
        let mut builder = EpochBuilder::new(self.state.clone());
        let mut shards = builder.shards();
        shards.extend(self.source.shards().await.map_err(source_error)?);
        let mut left = self.settings.max_leaves_per_epoch;
        self.set_aside
            .values()
            .for_each(|refusal| builder.refuse(refusal.clone()));
        for shard in shards {
            while !builder.is_refused(shard) {
                let from_block = builder.next_block(shard);
                let max_rows = self.settings.max_rows_per_read;
                let rows = self
                    .source
                    .leaves(shard, from_block, max_rows)
                    .await
                    .map_err(source_error)?;
                builder.take(shard, &rows);
                self.grow(&mut growth, builder.drain_taken()).await?;
                left = left.saturating_sub(rows.len() as u64);
                if rows.is_empty() || left == 0 {
                    break;
                }
            }
        }
        self.write_partials(&growth).await?;
        let facts = EpochFacts {
            now_us,
            incarnation,
            policy_hash: self.settings.policy_hash,
            timestamp_hash: self
                .settings
                .evidence
                .timestamp_after(self.state.manifest.as_ref()),
            witness_hash: self.settings.evidence.witness_after(self.state.manifest.as_ref()),
        };
        let epoch = builder.finish(facts)?;
        Ok((epoch, growth))
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Result<Bytes, SealError> {
        let second: Vec<&Cosigner> = self.settings.second_key.iter().collect();
        checkpoint
            .sign_with(&[&self.signer], &second)
            .map(Bytes::from)
            .map_err(SealError::Sign)
    }
}

fn source_error<E: std::error::Error + Send + Sync + 'static>(error: E) -> SealError {
    SealError::Source(Box::new(error))
}
