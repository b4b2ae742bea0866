//! Looks after all open prunes, one process at a time under a lease.

use std::time::Duration;

use aal_control::StoredRequest;
use aal_service::Shutdown;
use aal_service::times::now_us;
use uuid::Uuid;

use crate::live::{Live, LiveError};
use crate::request::Prune;

const LEASE: &str = "prunes";
const RESTORED_LEASE: &str = "pruned-restored";
const RETRY: Duration = Duration::from_secs(10);
/// Open prunes read in one go.
const PAGE: u32 = 100;
/// How often it is looked for records that a restored backup brought back.
const AGAIN: Duration = Duration::from_secs(3_600);

/// A stored prune that is not of this program's form.
#[derive(Debug, thiserror::Error)]
#[error("prune {id} cannot be read: {reason}; use the program that wrote it")]
pub struct StoredFormError {
    pub id: Uuid,
    pub reason: String,
}

/// The row of a prune.
pub fn stored(prune: &Prune) -> StoredRequest {
    StoredRequest {
        id: prune.id,
        tenant: prune.tenant,
        stage: prune.stage.as_str().to_owned(),
        is_open: !prune.stage.is_end(),
        requested_us: prune.requested_us,
        version: prune.version,
        // Strings, numbers and lists of them: this cannot fail.
        document: serde_json::to_value(prune).unwrap_or_default(),
    }
}

/// The prune of a row.
///
/// # Errors
/// Another program's form.
pub fn load(row: StoredRequest) -> Result<Prune, StoredFormError> {
    let mut prune: Prune = serde_json::from_value(row.document).map_err(|error| StoredFormError {
        id: row.id,
        reason: error.to_string(),
    })?;
    prune.version = row.version;
    Ok(prune)
}

impl Live {
    /// Goes on with every open prune once.
    async fn round(&self, shutdown: &Shutdown) -> Result<(), LiveError> {
        let mut after = None;
        loop {
            let page = self.control.prunes().open(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.requested_us, last.id));
            for row in page {
                if shutdown.is_requested() {
                    return Ok(());
                }
                match load(row) {
                    Ok(mut prune) => {
                        // What failed was logged and is tried again in the next round.
                        let _ = self.go_on(&mut prune, now_us()).await;
                    }
                    Err(error) => tracing::error!(%error, "prune left alone"),
                }
            }
        }
    }
}

/// Looks after open prunes until `shutdown`, every `poll`, and after what a restored backup brings back. Of several
/// processes one does at a time.
pub async fn run(live: Live, poll: Duration, shutdown: Shutdown) {
    let (control, open, restored) = (live.control.clone(), live.clone(), live);
    let until = shutdown.clone();
    let round = move || {
        let (live, shutdown) = (open.clone(), until.clone());
        async move {
            // The versions of the rows keep two executors apart.
            if let Err(error) = live.round(&shutdown).await {
                tracing::warn!(%error, "open prunes cannot be looked after");
            }
        }
    };
    let again = move || {
        let live = restored.clone();
        async move {
            while let Err(error) = live.again().await {
                tracing::warn!(%error, "it is not known whether pruned records are back");
                tokio::time::sleep(RETRY).await;
            }
        }
    };
    let rounds = aal_erasure::under_lease(control.clone(), LEASE, poll, shutdown.clone(), round);
    let looks = aal_erasure::under_lease(control, RESTORED_LEASE, AGAIN, shutdown, again);
    tokio::join!(rounds, looks);
}
