//! The anchor: manifests, heads and checkpoints as objects (ledger-format.md section 7.1).

use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::tile::number_path;
use aal_ledger::{Hash, Heads, Manifest};
use bytes::Bytes;

use crate::objects::{Objects, ObjectsError};
use crate::tile_objects::Tree;

/// Why the anchor is not usable.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    #[error("object {path} is missing")]
    Missing { path: String },
    #[error("object {path} is damaged: {what}")]
    Damaged { path: String, what: String },
    #[error("object {path} exists and holds something else; it is not written over")]
    Conflict { tree: Tree, path: String },
}

/// Objects of one log.
#[derive(Debug)]
pub struct Anchor<O> {
    pub(crate) objects: O,
    prefix: String,
}

impl<O: Objects> Anchor<O> {
    /// The anchor below a prefix, which may be empty.
    pub fn new(objects: O, prefix: &str) -> Anchor<O> {
        Anchor {
            objects,
            prefix: prefix.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    fn epoch_path(&self, epoch: u64, name: &str) -> String {
        self.path(&format!("epoch/{}/{name}", number_path(epoch)))
    }

    fn heads_path(&self, kind: &str, heads_root: &Hash) -> String {
        self.path(&format!("{kind}/{}", to_hex(heads_root)))
    }

    /// Bytes of an epoch's manifest; `None` when the epoch does not exist.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn manifest_bytes(&self, epoch: u64) -> Result<Option<Bytes>, AnchorError> {
        Ok(self.objects.get(&self.epoch_path(epoch, "manifest")).await?)
    }

    /// An epoch's manifest, which must exist.
    ///
    /// # Errors
    /// When it is missing or no manifest of that epoch.
    pub async fn manifest(&self, epoch: u64) -> Result<Manifest, AnchorError> {
        let path = self.epoch_path(epoch, "manifest");
        let bytes = self
            .objects
            .get(&path)
            .await?
            .ok_or_else(|| AnchorError::Missing { path: path.clone() })?;
        let damaged = |what: String| AnchorError::Damaged {
            path: path.clone(),
            what,
        };
        let manifest = Manifest::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.epoch != epoch {
            return Err(damaged(format!("it is of epoch {}", manifest.epoch)));
        }
        Ok(manifest)
    }

    /// Signed checkpoint after an epoch; `None` when it was not written yet.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn checkpoint(&self, epoch: u64) -> Result<Option<Bytes>, AnchorError> {
        Ok(self.objects.get(&self.epoch_path(epoch, "checkpoint")).await?)
    }

    /// Bytes of the heads with that root.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn heads_bytes(&self, heads_root: &Hash) -> Result<Option<Bytes>, AnchorError> {
        Ok(self.objects.get(&self.heads_path("heads", heads_root)).await?)
    }

    /// The heads that a manifest commits to.
    ///
    /// # Errors
    /// When they are missing or others.
    pub async fn heads(&self, manifest: &Manifest) -> Result<Heads, AnchorError> {
        let path = self.heads_path("heads", &manifest.heads_root);
        let bytes = self
            .objects
            .get(&path)
            .await?
            .ok_or_else(|| AnchorError::Missing { path: path.clone() })?;
        let damaged = |what: String| AnchorError::Damaged {
            path: path.clone(),
            what,
        };
        let heads = Heads::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        manifest
            .check_heads(&heads)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(heads)
    }

    /// The saved frontier of these heads; only a short cut, so the caller checks it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn frontier(&self, heads_root: &Hash) -> Result<Option<Bytes>, AnchorError> {
        Ok(self.objects.get(&self.heads_path("frontier", heads_root)).await?)
    }

    /// The saved tree of the anchor log after an epoch; only a short cut, so the caller checks it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn saved_log(&self, epoch: u64) -> Result<Option<CompactRange>, AnchorError> {
        let bytes = self.objects.get(&self.epoch_path(epoch, "log")).await?;
        let range = bytes.and_then(|bytes| CompactRange::from_bytes(&bytes).ok());
        Ok(range.filter(|range| range.size() == epoch + 1))
    }

    /// What `latest` says: a hint, never evidence.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn latest(&self) -> Result<Option<u64>, AnchorError> {
        let bytes = self.objects.get(&self.path("latest")).await?;
        Ok(bytes.and_then(|bytes| number_in(&bytes)))
    }

    /// The newest epoch that has a manifest, found in few steps from the hint, which may be wrong or gone.
    ///
    /// # Errors
    /// When `latest` names an epoch whose manifest is gone: somebody removed it.
    pub async fn newest_epoch(&self) -> Result<Option<u64>, AnchorError> {
        let hint = self.latest().await?;
        let start = hint.unwrap_or(0);
        if self.manifest_bytes(start).await?.is_none() {
            return match hint {
                Some(epoch) => Err(AnchorError::Missing {
                    path: self.epoch_path(epoch, "manifest"),
                }),
                None => Ok(None),
            };
        }
        // Double the step until an epoch is missing, then halve the interval.
        let (mut present, mut step) = (start, 1u64);
        while self.manifest_bytes(present.saturating_add(step)).await?.is_some() {
            present = present.saturating_add(step);
            step = step.saturating_mul(2);
        }
        let mut absent = present.saturating_add(step);
        while absent - present > 1 {
            let middle = present + (absent - present) / 2;
            if self.manifest_bytes(middle).await?.is_some() {
                present = middle
            } else {
                absent = middle
            }
        }
        Ok(Some(present))
    }

    /// Writes heads and frontier under their root. The same root means the same bytes, so writing twice is harmless.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn write_heads(&self, heads: &Heads, frontier: &str) -> Result<(), AnchorError> {
        let root = heads.root();
        self.objects
            .create(&self.heads_path("heads", &root), heads.to_text().into())
            .await?;
        self.objects
            .put(&self.heads_path("frontier", &root), frontier.to_owned().into())
            .await?;
        Ok(())
    }

    /// Writes an epoch's manifest if the epoch has none; false when it has another one.
    ///
    /// # Errors
    /// When the store does not answer; it may have been written all the same.
    pub async fn create_manifest(&self, manifest: &Manifest) -> Result<bool, AnchorError> {
        let path = self.epoch_path(manifest.epoch, "manifest");
        let bytes = Bytes::from(manifest.to_text());
        self.create_same(&path, bytes).await
    }

    /// Writes an epoch's checkpoint if it has none; false when it has another one.
    ///
    /// # Errors
    /// When the store does not answer; it may have been written all the same.
    pub async fn create_checkpoint(&self, epoch: u64, note: Bytes) -> Result<bool, AnchorError> {
        let path = self.epoch_path(epoch, "checkpoint");
        self.create_same(&path, note).await
    }

    /// Saves the anchor log's tree after an epoch and points `latest` to it, unless that is further already.
    ///
    /// # Errors
    /// When the store does not answer; nothing is lost by that.
    pub async fn write_latest(&self, epoch: u64, log: &CompactRange) -> Result<(), AnchorError> {
        self.objects
            .put(&self.epoch_path(epoch, "log"), log.to_bytes().into())
            .await?;
        let is_older = |bytes: &[u8]| number_in(bytes).is_none_or(|there| there < epoch);
        self.objects
            .advance(&self.path("latest"), format!("{epoch}\n").into(), &is_older)
            .await?;
        Ok(())
    }

    /// Serves the checkpoint as the anchor log's newest, unless a newer one is served already.
    ///
    /// # Errors
    /// When the store does not answer; nothing is lost by that.
    pub async fn publish_checkpoint(&self, size: u64, note: Bytes) -> Result<(), AnchorError> {
        // Of the same size the one with more signatures is newer: witnesses have added theirs.
        let length = note.len();
        let is_older =
            |bytes: &[u8]| checkpoint_size(bytes).is_none_or(|there| (there, bytes.len()) < (size, length));
        self.objects
            .advance(&self.path("log/checkpoint"), note, &is_older)
            .await?;
        Ok(())
    }

    /// The fencing token of the last sealer that took over; 0 before the first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn fence(&self) -> Result<u64, AnchorError> {
        let bytes = self.objects.get(&self.path("fence")).await?;
        Ok(bytes.and_then(|bytes| number_in(&bytes)).unwrap_or(0))
    }

    /// Records the fencing token of a sealer that takes over; false when a larger one is there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn claim_fence(&self, token: u64) -> Result<bool, AnchorError> {
        let is_older = |bytes: &[u8]| number_in(bytes).is_none_or(|there| there < token);
        Ok(self
            .objects
            .advance(&self.path("fence"), format!("{token}\n").into(), &is_older)
            .await?)
    }

    /// Creates the object, and reads back who won when it is there already: a retry of the same bytes has not lost.
    pub(crate) async fn create_same(&self, path: &str, bytes: Bytes) -> Result<bool, AnchorError> {
        if self.objects.create(path, bytes.clone()).await? {
            return Ok(true);
        }
        Ok(self.objects.get(path).await? == Some(bytes))
    }
}

/// The decimal number that such an object holds.
fn number_in(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.trim_end().parse().ok()
}

/// The size on the second line of a checkpoint.
fn checkpoint_size(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1)?.parse().ok()
}
