//! The newest signed checkpoint, from the sealer's objects (ledger-format.md, section 7.1). Only read and quoted:
//! whether its signature is by the right key is for a verifier with its own trust policy to say.

use std::collections::HashMap;
use std::sync::Arc;

use aal_ledger::tile::number_path;
use aal_ledger::{Heads, Manifest};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use uuid::Uuid;

use crate::model::Checkpoint;

/// Reads the anchor.
#[derive(Debug, Clone)]
pub struct AnchorReader {
    objects: Arc<dyn ObjectStore>,
}

/// What the newest checkpoint says of one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedChain {
    /// Number of records covered.
    pub size: u64,
    /// Hash of the last of them.
    pub last_leaf_hash: [u8; 32],
}

/// What the newest checkpoint covers.
#[derive(Debug, Clone, Default)]
pub struct Sealed {
    /// The note; `None` when nothing was signed yet.
    pub checkpoint: Option<Checkpoint>,
    /// Chains covered, by tenant and shard.
    pub chains: HashMap<(Uuid, u32), SealedChain>,
}

impl AnchorReader {
    /// A reader of the log whose objects lie in `objects`.
    #[must_use]
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    /// The newest signed checkpoint and the chains it covers; nothing when the anchor is empty or not readable as one.
    ///
    /// # Errors
    /// The object store does not answer.
    pub async fn newest(&self) -> Result<Sealed, object_store::Error> {
        let Some(latest) = self.text("latest").await? else {
            return Ok(Sealed::default());
        };
        let Ok(hint) = latest.trim_end().parse::<u64>() else {
            return Ok(Sealed::default());
        };
        // The manifest of the newest epoch may be there before its checkpoint.
        for epoch in [Some(hint), hint.checked_sub(1)].into_iter().flatten() {
            let directory = format!("epoch/{}", number_path(epoch));
            let note = self.text(&format!("{directory}/checkpoint")).await?;
            let manifest = self.text(&format!("{directory}/manifest")).await?;
            if let (Some(note), Some(manifest)) = (note, manifest) {
                return self.covered(epoch, note, &manifest).await;
            }
        }
        Ok(Sealed::default())
    }

    async fn covered(&self, epoch: u64, note: String, manifest: &str) -> Result<Sealed, object_store::Error> {
        let origin = note.lines().next().unwrap_or_default().to_owned();
        let checkpoint = Some(Checkpoint { epoch, origin, note });
        let unknown = |checkpoint| {
            Ok(Sealed {
                checkpoint,
                chains: HashMap::new(),
            })
        };
        let Ok(manifest) = Manifest::parse(manifest.as_bytes()) else {
            return unknown(checkpoint);
        };
        let name = format!("heads/{}", hex::encode(manifest.heads_root));
        let Some(text) = self.text(&name).await? else {
            return unknown(checkpoint);
        };
        let Ok(heads) = Heads::parse(text.as_bytes()) else {
            return unknown(checkpoint);
        };
        if manifest.check_heads(&heads).is_err() {
            return unknown(checkpoint);
        }
        let of = |head: &aal_ledger::ChainHead| {
            let sealed = SealedChain {
                size: head.size,
                last_leaf_hash: head.last_leaf_hash,
            };
            ((head.chain.tenant, head.chain.shard), sealed)
        };
        Ok(Sealed {
            checkpoint,
            chains: heads.chains().iter().map(of).collect(),
        })
    }

    /// An object as text; `None` when there is none or it is no text.
    async fn text(&self, name: &str) -> Result<Option<String>, object_store::Error> {
        match self.objects.get(&Path::from(name)).await {
            Ok(found) => Ok(String::from_utf8(found.bytes().await?.to_vec()).ok()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
