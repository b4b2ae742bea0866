//! Where the log stands, read from the anchor store: what a start, and a start after a crash, begins with.

use aal_ledger::merkle::CompactRange;
use aal_ledger::{ChainHead, Checkpoint, Heads, Manifest, ManifestError};
use tracing::{info, warn};

use super::{SealError, Sealer, source_error};
use crate::anchor::AnchorError;
use crate::objects::Objects;
use crate::source::LeafSource;
use crate::state::{FrontierError, SealerState};

impl<O: Objects, S: LeafSource> Sealer<O, S> {
    pub(super) async fn restore(&mut self, epoch: u64) -> Result<SealerState, SealError> {
        let manifest = self.anchor.manifest(epoch).await?;
        let heads = self.anchor.heads(&manifest).await?;
        let before = self.restore_log(&manifest).await?;
        let mut log = before.clone();
        log.append(manifest.leaf_hash());
        self.complete(&manifest, &before, &log).await?;
        let saved = self.anchor.frontier(&manifest.heads_root).await?;
        if let Some(frontier) = saved {
            match SealerState::restore(manifest.clone(), log.clone(), &heads, &frontier) {
                Ok(state) => return Ok(state),
                Err(error) => {
                    warn!(epoch, %error, "saved frontier is not usable, trees are read from their tiles")
                }
            }
        }
        self.rebuild(manifest, log, &heads).await
    }

    /// The tree of the anchor log before the manifest. It is taken as saved if its checkpoint holds; the manifest
    /// itself is always hashed again.
    async fn restore_log(&self, manifest: &Manifest) -> Result<CompactRange, SealError> {
        let epoch = manifest.epoch;
        if let Some(before) = epoch.checked_sub(1)
            && let Some(log) = self.anchor.saved_log(before).await?
            && self.is_signed(before, &log).await?
        {
            let previous = self.anchor.manifest(before).await?;
            check_follows(manifest, Some(&previous))?;
            return Ok(log);
        }
        // Nothing usable was saved: take every manifest, checking that each follows the one before.
        let mut log = CompactRange::new();
        let mut before: Option<Manifest> = None;
        for number in 0..epoch {
            let next = self.anchor.manifest(number).await?;
            check_follows(&next, before.as_ref())?;
            log.append(next.leaf_hash());
            before = Some(next);
        }
        check_follows(manifest, before.as_ref())?;
        Ok(log)
    }

    async fn is_signed(&self, epoch: u64, log: &CompactRange) -> Result<bool, SealError> {
        let Some(checkpoint) = self.own_checkpoint(epoch).await? else {
            return Ok(false);
        };
        Ok((checkpoint.size, checkpoint.root) == (log.size(), log.root()))
    }

    async fn own_checkpoint(&self, epoch: u64) -> Result<Option<Checkpoint>, SealError> {
        let Some(note) = self.anchor.checkpoint(epoch).await? else {
            return Ok(None);
        };
        let mut keys = vec![self.signer.verifier_key().clone()];
        keys.extend_from_slice(&self.settings.former_keys);
        let opened = Checkpoint::open(&note, &self.settings.origin, &keys);
        let (checkpoint, _) = opened.map_err(|source| SealError::ForeignCheckpoint { epoch, source })?;
        Ok(Some(checkpoint))
    }

    /// Writes what a crash cut off behind the manifest, or makes sure that what is there agrees.
    async fn complete(
        &mut self,
        manifest: &Manifest,
        before: &CompactRange,
        log: &CompactRange,
    ) -> Result<(), SealError> {
        let epoch = manifest.epoch;
        let checkpoint = Checkpoint {
            origin: self.settings.origin.clone(),
            size: log.size(),
            root: log.root(),
        };
        let written = self.own_checkpoint(epoch).await?;
        if written.as_ref().is_some_and(|written| *written != checkpoint) {
            return Err(SealError::Contradiction(epoch));
        }
        self.write_log_tiles(before, manifest).await?;
        if written.is_none() {
            info!(epoch, "checkpoint of the last epoch is completed");
            let note = self.sign(&checkpoint)?;
            if !self.anchor.create_checkpoint(epoch, note).await? {
                return Err(SealError::Contradiction(epoch));
            }
        }
        if let Some(note) = self.anchor.checkpoint(epoch).await? {
            self.anchor.publish_checkpoint(log.size(), note).await?;
        }
        Ok(self.anchor.write_latest(epoch, log).await?)
    }

    /// Takes every chain's tree from its tiles or, where these do not give the sealed root, from the stored leaf
    /// hashes, which must.
    async fn rebuild(
        &self,
        manifest: Manifest,
        log: CompactRange,
        heads: &Heads,
    ) -> Result<SealerState, SealError> {
        let mut state = SealerState::from_heads(manifest, log, heads);
        for head in heads.chains() {
            let range = match self.range_from_tiles(head).await? {
                Some(range) => range,
                None => self.rebuild_chain(head).await?,
            };
            let set = state.set_range(head, range);
            set.map_err(|_: FrontierError| SealError::Rewritten(head.chain))?;
        }
        Ok(state)
    }

    async fn rebuild_chain(&self, head: &ChainHead) -> Result<CompactRange, SealError> {
        let mut range = CompactRange::new();
        while range.size() < head.size {
            let wanted = usize::try_from(head.size - range.size()).unwrap_or(usize::MAX);
            let max_rows = wanted.min(self.settings.max_rows_per_read);
            let hashes = self
                .source
                .leaf_hashes(head.chain, range.size(), max_rows)
                .await
                .map_err(source_error)?;
            if hashes.is_empty() {
                break;
            }
            hashes
                .into_iter()
                .take(max_rows)
                .for_each(|hash| range.append(hash));
        }
        Ok(range)
    }
}

fn check_follows(manifest: &Manifest, before: Option<&Manifest>) -> Result<(), AnchorError> {
    let damaged = |error: ManifestError| AnchorError::Damaged {
        path: format!("manifest of epoch {}", manifest.epoch),
        what: error.to_string(),
    };
    manifest.check_follows(before).map_err(damaged)
}
