//! What every handler can reach.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aal_control::auth::TokenKey;
use aal_control::{Control, PolicyBook, Treatments};
use aal_kafka::{KafkaConfig, Producer};
use aal_keys::Keys;
use aal_ledger::TrustPolicy;
use aal_ledger::hash::{sha256, to_hex};
use aal_redact::Detector;
use aal_seal::KeyRing;
use aal_service::{Problem, Shutdown};
use aal_store::Store;
use object_store::ObjectStore;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::config::{Config, Limits, TrustConfig};
use crate::detectors::Detectors;
use crate::feed::Hub;
use crate::ledger::{Anchors, Verifications};
use crate::logs::Snapshots;
use crate::subjects;

/// Longest wait for Kafka's acknowledgement of an access record or outcome.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
const DAY_US: i64 = 86_400_000_000;
/// Purpose under which the token secret is derived from the key ring.
const TOKEN_PURPOSE: &str = "session tokens";

/// The parts that make up a running query API.
#[derive(Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) control: Control,
    pub(crate) producer: Producer,
    pub(crate) keys: Keys,
    pub(crate) kafka: KafkaConfig,
    pub(crate) ring: Arc<KeyRing>,
    /// How long Kafka keeps events, and so how long payload keys are needed; negative: for ever.
    pub(crate) retention_ms: i64,
    pub(crate) tokens: TokenKey,
    pub(crate) detectors: Detectors,
    pub(crate) policies: PolicyBook,
    pub(crate) reports: Arc<dyn ObjectStore>,
    pub(crate) anchors: Anchors,
    pub(crate) erasure: aal_erasure::Live,
    pub(crate) prunes: aal_prune::Live,
    pub(crate) erasure_waiting_us: i64,
    /// Whether what was erased stays erased, whatever backup was restored; nothing is read before.
    pub(crate) erasures_applied: AtomicBool,
    pub(crate) trust: Option<TrustPolicy>,
    /// SHA-256 of the trust policy's file, in hexadecimal; empty without one.
    pub(crate) trust_digest: String,
    pub(crate) verifications: Verifications,
    pub(crate) is_log_public: bool,
    pub(crate) console_dir: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) query_permits: Semaphore,
    pub(crate) feed_permits: Arc<Semaphore>,
    pub(crate) hub: Hub,
    pub(crate) snapshots: Snapshots,
    pub(crate) shutdown: Shutdown,
}

/// Why the query API did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There are no keys.
    #[error("keys (`keys`): {0}")]
    Keys(#[from] aal_keys::KeysError),
    /// The control store does not open.
    #[error("control store (`control.url`): {0}")]
    Control(#[from] aal_control::ControlError),
    /// The trust policy cannot be used.
    #[error("trust policy {file} (`trust.policy`): {reason}")]
    Trust {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An object store does not open.
    #[error("{section}: {source}")]
    Objects {
        /// `reports.url` or `anchors.url`.
        section: &'static str,
        /// What is wrong with it.
        source: aal_service::objects::ObjectsError,
    },
    /// The key that signs certificates cannot be made.
    #[error("certificate key (`keys.file`): {0}")]
    Signer(#[from] aal_ledger::VerifierKeyError),
    /// The Kafka client refuses its settings.
    #[error("kafka client (`kafka`): {0}")]
    Kafka(String),
    /// The address cannot be listened on.
    #[error(transparent)]
    Serve(#[from] aal_service::ServeError),
}

impl App {
    /// Opens what the configuration names. ClickHouse and Kafka may be down: reads answer 503 then.
    ///
    /// # Errors
    /// [`StartError`] names the section to correct.
    pub async fn open(config: &Config, shutdown: Shutdown) -> Result<Arc<Self>, StartError> {
        let control = Control::open(&config.control).await?;
        let keys = Keys::open(&config.keys, control.clone()).await?;
        let ring = Arc::clone(keys.ring());
        let objects = async |section, config| {
            let opened = aal_service::objects::open_checked(config).await;
            opened.map_err(|source| StartError::Objects { section, source })
        };
        let limits = config.limits.clone();
        let (trust, trust_digest) = config.trust.as_ref().map(read_trust).transpose()?.unzip();
        let producer = Producer::new(&config.kafka, "aal-query-api", DELIVERY_TIMEOUT)
            .map_err(|error| StartError::Kafka(error.to_string()))?
            .sealing(keys.payload_sealer());
        let store = Store::new(&config.store);
        let reports = objects("reports.url", &config.reports).await?;
        let erasure = subjects::live(
            config,
            &store,
            &control,
            &producer,
            &reports,
            &ring,
            trust.as_ref(),
        )?;
        let prunes = aal_prune::Live {
            control: control.clone(),
            store: store.clone(),
            producer: producer.clone(),
        };
        Ok(Arc::new(Self {
            store,
            policies: PolicyBook::new(control.clone()),
            control,
            keys,
            retention_ms: config.kafka.retention_ms,
            erasure,
            prunes,
            erasure_waiting_us: i64::from(config.erasure.waiting_days) * DAY_US,
            erasures_applied: AtomicBool::new(false),
            producer,
            kafka: config.kafka.clone(),
            tokens: TokenKey::new(*ring.derive(TOKEN_PURPOSE)),
            ring,
            detectors: Detectors::new(Detector::builtin()),
            reports,
            anchors: Anchors::new(objects("anchors.url", &config.anchors).await?),
            is_log_public: config.ledger.public_log,
            trust,
            trust_digest: trust_digest.unwrap_or_default(),
            verifications: Verifications::default(),
            console_dir: config.console.as_ref().map(|console| console.dir.clone()),
            query_permits: Semaphore::new(limits.concurrent_queries.max(1)),
            feed_permits: Arc::new(Semaphore::new(limits.feeds)),
            hub: Hub::new(limits.feed_buffer),
            snapshots: Snapshots::default(),
            limits,
            shutdown,
        }))
    }

    /// What holds for an application now.
    pub(crate) async fn treatments(&self, tenant: Uuid, application: &str) -> Result<Treatments, Problem> {
        let current = self
            .policies
            .current(tenant, application, aal_service::times::now_us());
        current.await.map_err(control_problem)
    }

    /// Longest time of one query.
    pub(crate) fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.limits.query_timeout_ms)
    }
}

/// The policy and the digest of its file.
fn read_trust(config: &TrustConfig) -> Result<(TrustPolicy, String), StartError> {
    let refuse = |reason: String| StartError::Trust {
        file: config.policy.clone(),
        reason,
    };
    let text = std::fs::read_to_string(&config.policy).map_err(|error| refuse(error.to_string()))?;
    let policy = TrustPolicy::parse(&text).map_err(|error| refuse(error.to_string()))?;
    Ok((policy, to_hex(&sha256(text.as_bytes()))))
}

/// A failed call of the control store, as the caller may see it.
pub(crate) fn control_problem(error: aal_control::ControlError) -> Problem {
    use aal_control::ControlError;
    match error {
        ControlError::Refused(reason) => Problem::validation(reason),
        ControlError::Exists { .. } => Problem::conflict(error.to_string()),
        other => {
            tracing::error!(error = %other, "control store failed");
            Problem::unavailable("the control store does not answer; try again").with_retry_after(2)
        }
    }
}

/// A failure of the keys, as the caller may see it.
pub(crate) fn key_problem(error: &aal_keys::KeysError) -> Problem {
    tracing::error!(%error, "no key");
    if error.is_transient() {
        return Problem::unavailable("the key provider or the control store does not answer; try again")
            .with_retry_after(5);
    }
    Problem::internal("a key cannot be opened; GET /api/v1/keys and the service's log say why")
}
