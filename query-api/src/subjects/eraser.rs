//! The eraser inside the query API: the lists of erasures are applied before anything is served, and open requests are
//! looked after.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aal_control::Control;
use aal_erasure::{Live, LiveConfig};
use aal_kafka::Producer;
use aal_ledger::{NoteSigner, TrustPolicy, VerifierKeyError};
use aal_seal::KeyRing;
use aal_service::times::now_us;
use aal_store::Store;
use object_store::ObjectStore;

use crate::app::App;
use crate::config::Config;

/// Name of the key that signs certificates where no trust policy names the edge's.
const KEY_NAME: &str = "aal/erasure";
/// Longest wait at a start; then the API listens and answers 503 until the lists are applied.
const FIRST_TRY: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);
/// How often the lists are applied while the service runs.
const AGAIN: Duration = Duration::from_secs(3_600);

/// What the eraser works with. Certificates are signed with the edge's receipt key, under the name that the trust
/// policy gives it, so that whoever checks receipts can check them.
pub(crate) fn live(
    config: &Config,
    store: &Store,
    control: &Control,
    producer: &Producer,
    objects: &Arc<dyn ObjectStore>,
    ring: &Arc<KeyRing>,
    trust: Option<&TrustPolicy>,
) -> Result<Live, VerifierKeyError> {
    let seed = ring.derive(aal_seal::purpose::RECEIPTS);
    let named = trust.into_iter().flat_map(|policy| &policy.receipt_keys);
    let ours = named
        .filter_map(|key| {
            let signer = NoteSigner::from_seed(key.name(), &seed).ok()?;
            (signer.verifier_key() == key).then_some(signer)
        })
        .next();
    let signer = match ours {
        Some(signer) => signer,
        None => NoteSigner::from_seed(KEY_NAME, &seed)?,
    };
    Ok(Live {
        control: control.clone(),
        store: store.clone(),
        producer: producer.clone(),
        objects: Arc::clone(objects),
        ring: Arc::clone(ring),
        signer: Arc::new(signer),
        config: LiveConfig {
            settle: Duration::from_millis(config.erasure.settle_ms),
            topic_retention_ms: config.kafka.retention_ms,
        },
    })
}

/// Applies the lists once; whether everything on them is gone.
async fn try_apply(app: &App) -> bool {
    match aal_erasure::reapply(&app.store, &app.control, Some(app.reports.as_ref()), now_us()).await {
        Ok(done) => done.emptying.is_empty(),
        Err(error) => {
            tracing::warn!(%error, "the lists of erasures are not applied yet; nothing is served");
            false
        }
    }
}

async fn until_applied(app: &App) {
    while !try_apply(app).await {
        tokio::time::sleep(RETRY).await;
    }
    app.erasures_applied.store(true, Ordering::Release);
}

/// Applies the lists of erasures before anything is served; goes on in the background when that takes long.
pub(crate) async fn apply_lists(app: &Arc<App>) {
    if tokio::time::timeout(FIRST_TRY, until_applied(app)).await.is_ok() {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let shutdown = app.shutdown.clone();
        shutdown.unless_requested(until_applied(&app)).await;
    });
}

/// Looks after open erasures and prunes until the shutdown.
pub(crate) fn start(app: &Arc<App>, poll: Duration) {
    let live = app.erasure.clone();
    tokio::spawn(aal_erasure::run(live, poll, app.shutdown.clone()));
    tokio::spawn(aal_prune::run(app.prunes.clone(), poll, app.shutdown.clone()));
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let shutdown = app.shutdown.clone();
        let again = async {
            loop {
                tokio::time::sleep(AGAIN).await;
                try_apply(&app).await;
            }
        };
        shutdown.unless_requested(again).await;
    });
}
