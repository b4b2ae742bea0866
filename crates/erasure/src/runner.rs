//! Looks after all open requests, one process at a time under a lease.

use std::time::Duration;

use aal_control::{Control, StoredRequest};
use aal_service::Shutdown;
use uuid::Uuid;

use crate::advance::{Left, advance};
use crate::live::{Live, LiveError, now};
use crate::request::Erasure;

const LEASE: &str = "erasures";
const LEASE_US: i64 = 60_000_000;
/// Open requests read in one go.
const PAGE: u32 = 100;

/// A stored request that is not of this program's form.
#[derive(Debug, thiserror::Error)]
#[error("erasure {id} cannot be read: {reason}; use the program that wrote it")]
pub struct StoredFormError {
    pub id: Uuid,
    pub reason: String,
}

/// The row of a request.
pub fn stored(erasure: &Erasure) -> StoredRequest {
    StoredRequest {
        id: erasure.id,
        tenant: erasure.tenant,
        stage: erasure.stage.as_str().to_owned(),
        is_open: !(erasure.stage.is_end() && erasure.outbox.is_empty()),
        requested_us: erasure.requested_us,
        version: erasure.version,
        // Strings, numbers and lists of them: this cannot fail.
        document: serde_json::to_value(erasure).unwrap_or_default(),
    }
}

/// The request of a row.
///
/// # Errors
/// Another program's form.
pub fn load(row: StoredRequest) -> Result<Erasure, StoredFormError> {
    let mut erasure: Erasure = serde_json::from_value(row.document).map_err(|error| StoredFormError {
        id: row.id,
        reason: error.to_string(),
    })?;
    erasure.version = row.version;
    Ok(erasure)
}

impl Live {
    /// Goes on with one request as far as possible; notes in it why it does not go on.
    pub async fn go_on(&self, erasure: &mut Erasure) -> Result<Left, LiveError> {
        let left = advance(self, erasure, now(), self.settle_us()).await;
        if let Err(error) = &left
            && !matches!(error, LiveError::Overtaken)
        {
            tracing::warn!(erasure = %erasure.id, stage = erasure.stage.as_str(), %error, "erasure does not go on");
            if erasure.stuck(&error.to_string()) {
                self.control.erasures().save(&stored(erasure)).await?;
            }
        }
        left
    }

    /// Goes on with every open request once.
    async fn round(&self, shutdown: &Shutdown) -> Result<(), LiveError> {
        let mut after = None;
        loop {
            let page = self.control.erasures().open(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.requested_us, last.id));
            for row in page {
                if shutdown.is_requested() {
                    return Ok(());
                }
                match load(row) {
                    Ok(mut erasure) => {
                        // What failed was logged and is tried again in the next round.
                        let _ = self.go_on(&mut erasure).await;
                    }
                    Err(error) => tracing::error!(%error, "erasure left alone"),
                }
            }
        }
    }
}

/// Looks after open requests until `shutdown`, every `poll`. Of several processes one does at a time.
pub async fn run(live: Live, poll: Duration, shutdown: Shutdown) {
    let control = live.control.clone();
    let until = shutdown.clone();
    let round = move || {
        let (live, shutdown) = (live.clone(), until.clone());
        async move {
            if let Err(error) = live.round(&shutdown).await {
                tracing::warn!(%error, "open erasures cannot be looked after");
            }
        }
    };
    under_lease(control, LEASE, poll, shutdown, round).await;
}

/// Does `work` every `poll` until `shutdown`, in one process at a time. A long round outlives the lease: the work itself
/// must bear two who do it.
pub async fn under_lease<Round: Future<Output = ()>>(
    control: Control,
    lease: &'static str,
    poll: Duration,
    shutdown: Shutdown,
    mut work: impl FnMut() -> Round,
) {
    let holder = Uuid::new_v4().to_string();
    let mut fence = None;
    let working = async {
        loop {
            match control.acquire_lease(lease, &holder, LEASE_US, now()).await {
                Ok(held) => fence = held,
                Err(error) => {
                    fence = None;
                    tracing::debug!(%error, lease, "no lease");
                }
            }
            if fence.is_some() {
                work().await;
            }
            tokio::time::sleep(poll).await;
        }
    };
    shutdown.unless_requested(working).await;
    if let Some(fence) = fence {
        let _ = control.release_lease(lease, &holder, fence).await;
    }
}
