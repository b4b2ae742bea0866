//! Cosigned checkpoints and timestamps as objects (ledger-format.md section 7.1).

use aal_ledger::tile::number_path;
use bytes::Bytes;

use crate::anchor::{Anchor, AnchorError};
use crate::objects::Objects;

impl<O: Objects> Anchor<O> {
    fn evidence_path(&self, epoch: u64, name: &str) -> String {
        self.path(&format!("epoch/{}/{name}", number_path(epoch)))
    }

    /// The cosigned checkpoint of an epoch; `None` when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cosigned(&self, epoch: u64) -> Result<Option<Bytes>, AnchorError> {
        Ok(self.objects.get(&self.evidence_path(epoch, "cosigned")).await?)
    }

    /// Writes an epoch's cosigned checkpoint if it has none; gives what is stored then.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create_cosigned(&self, epoch: u64, note: Bytes) -> Result<Bytes, AnchorError> {
        let stored = self.create_or_read(self.evidence_path(epoch, "cosigned"), note);
        let stored = stored.await?;
        self.point("latest-cosigned", epoch).await?;
        Ok(stored)
    }

    /// The answer of the authority at that position of the configuration over an epoch's checkpoint.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn timestamp(&self, epoch: u64, authority: usize) -> Result<Option<Bytes>, AnchorError> {
        let path = self.evidence_path(epoch, &format!("timestamp-{authority}.tsr"));
        Ok(self.objects.get(&path).await?)
    }

    /// Writes an authority's answer if the epoch has none of it; gives what is stored then.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn create_timestamp(
        &self,
        epoch: u64,
        authority: usize,
        response: Bytes,
    ) -> Result<Bytes, AnchorError> {
        let path = self.evidence_path(epoch, &format!("timestamp-{authority}.tsr"));
        let stored = self.create_or_read(path, response).await?;
        self.point(&format!("latest-timestamp-{authority}"), epoch)
            .await?;
        Ok(stored)
    }

    /// Says where to look first; like `latest` a hint, never evidence.
    async fn point(&self, name: &str, epoch: u64) -> Result<(), AnchorError> {
        let hint = format!("{epoch}\n").into();
        Ok(self.objects.put(&self.path(name), hint).await?)
    }

    async fn create_or_read(&self, path: String, bytes: Bytes) -> Result<Bytes, AnchorError> {
        if self.objects.create(&path, bytes.clone()).await? {
            return Ok(bytes);
        }
        let stored = self.objects.get(&path).await?;
        stored.ok_or(AnchorError::Missing { path })
    }
}
