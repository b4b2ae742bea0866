//! The sealer's objects that go into a bundle (docs/ledger-format.md, section 7.1). Bytes are handed on as they are:
//! judging them is the verifier's business.

use std::collections::HashMap;
use std::sync::Arc;

use aal_bundle::CheckpointFiles;
use aal_bundle::limits::MAX_TOKENS;
use aal_ledger::hash::to_hex;
use aal_ledger::merkle::CompactRange;
use aal_ledger::tile::number_path;
use aal_ledger::{ChainId, Heads, Manifest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

/// Objects above this size are not read.
const MAX_OBJECT_BYTES: u64 = 256 << 20;

/// Why an object cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("cannot read {name} from the anchor store")]
    Store {
        name: String,
        source: object_store::Error,
    },
    #[error("the anchor store has no {0}")]
    Missing(String),
    #[error("the anchor store's {name} cannot be used: {reason}; run audit verify")]
    Damaged { name: String, reason: String },
}

/// The log in its object store.
#[derive(Debug, Clone)]
pub struct Log {
    objects: Arc<dyn ObjectStore>,
}

impl Log {
    /// The log whose objects lie in `objects`.
    #[must_use]
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    async fn find(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let failed = |source| ObjectError::Store {
            name: name.to_owned(),
            source,
        };
        let found = match self.objects.get(&Path::from(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if found.meta.size > MAX_OBJECT_BYTES {
            return Err(damaged(name, "it is too long"));
        }
        found
            .bytes()
            .await
            .map(|bytes| Some(bytes.to_vec()))
            .map_err(failed)
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>, ObjectError> {
        let found = self.find(name).await?;
        found.ok_or_else(|| ObjectError::Missing(name.to_owned()))
    }

    /// The newest epoch with a checkpoint; `None` before the first one.
    ///
    /// # Errors
    /// The store does not answer, or the hint is no number.
    pub async fn newest(&self) -> Result<Option<u64>, ObjectError> {
        let Some(text) = self.find("latest").await? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&text);
        let hint = text.trim_end().parse::<u64>();
        let hint = hint.map_err(|_| damaged("latest", "it is not a number"))?;
        // The hint is written last, so its epoch is complete.
        self.get(&epoch_object(hint, "checkpoint"))
            .await
            .map(|_| Some(hint))
    }

    /// A manifest, as bytes and read.
    ///
    /// # Errors
    /// The store does not answer, or the object is missing or none.
    pub async fn manifest(&self, epoch: u64) -> Result<(Vec<u8>, Manifest), ObjectError> {
        let name = epoch_object(epoch, "manifest");
        let bytes = self.get(&name).await?;
        let manifest = Manifest::parse(&bytes).map_err(|error| damaged(&name, &error.to_string()))?;
        Ok((bytes, manifest))
    }

    /// The checkpoint of an epoch with what others added to it.
    ///
    /// # Errors
    /// As [`Log::manifest`].
    pub async fn checkpoint(&self, epoch: u64) -> Result<CheckpointFiles, ObjectError> {
        let mut files = CheckpointFiles {
            note: self.get(&epoch_object(epoch, "checkpoint")).await?,
            cosigned: self.find(&epoch_object(epoch, "cosigned")).await?,
            tokens: Vec::new(),
        };
        for position in 0..MAX_TOKENS {
            let name = epoch_object(epoch, &format!("timestamp-{position}.tsr"));
            if let Some(token) = self.find(&name).await? {
                files.tokens.push((position, token));
            }
        }
        Ok(files)
    }

    /// The compact range of all manifests up to and with that epoch's.
    ///
    /// # Errors
    /// As [`Log::manifest`].
    pub async fn log_after(&self, epoch: u64) -> Result<CompactRange, ObjectError> {
        let name = epoch_object(epoch, "log");
        let range = CompactRange::from_bytes(&self.get(&name).await?);
        let range = range.map_err(|error| damaged(&name, &error.to_string()))?;
        if range.size() != epoch + 1 {
            return Err(damaged(&name, "it is of another size"));
        }
        Ok(range)
    }

    /// The heads that a manifest names.
    ///
    /// # Errors
    /// As [`Log::manifest`].
    pub async fn heads(&self, manifest: &Manifest) -> Result<Heads, ObjectError> {
        let name = format!("heads/{}", to_hex(&manifest.heads_root));
        let heads = Heads::parse(&self.get(&name).await?);
        let heads = heads.map_err(|error| damaged(&name, &error.to_string()))?;
        let checked = manifest.check_heads(&heads);
        checked.map_err(|error| damaged(&name, &error.to_string()))?;
        Ok(heads)
    }

    /// The compact range of every chain at an epoch.
    ///
    /// # Errors
    /// As [`Log::manifest`].
    pub async fn frontiers(
        &self,
        manifest: &Manifest,
    ) -> Result<HashMap<ChainId, CompactRange>, ObjectError> {
        let name = format!("frontier/{}", to_hex(&manifest.heads_root));
        let text = self.get(&name).await?;
        let parse = |line: &str| {
            let (chain, range) = line.split_once(' ')?;
            let range = CompactRange::from_bytes(&STANDARD.decode(range).ok()?).ok()?;
            Some((chain.parse().ok()?, range))
        };
        let lines = String::from_utf8(text).map_err(|_| damaged(&name, "it is not UTF-8"))?;
        let parsed: Option<HashMap<_, _>> = lines.lines().map(parse).collect();
        parsed.ok_or_else(|| damaged(&name, "a line is malformed"))
    }
}

impl ObjectError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store { .. })
    }
}

fn epoch_object(epoch: u64, name: &str) -> String {
    format!("epoch/{}/{name}", number_path(epoch))
}

fn damaged(name: &str, reason: &str) -> ObjectError {
    ObjectError::Damaged {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}
