//! What every handler can reach.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aal_control::Control;
use aal_control::auth::TokenKey;
use aal_kafka::{KafkaConfig, Producer};
use aal_ledger::TrustPolicy;
use aal_redact::Detector;
use aal_seal::KeyRing;
use aal_service::{Problem, Shutdown};
use aal_store::Store;
use object_store::ObjectStore;
use tokio::sync::Semaphore;

use crate::config::{Config, Limits, TrustConfig};
use crate::feed::Hub;
use crate::ledger::Anchors;
use crate::logs::Snapshots;

/// Longest wait for Kafka's acknowledgement of an access record or outcome.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// Purpose under which the token secret is derived from the key ring.
const TOKEN_PURPOSE: &str = "session tokens";

/// The parts that make up a running query API.
#[derive(Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) control: Control,
    pub(crate) producer: Producer,
    pub(crate) kafka: KafkaConfig,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) tokens: TokenKey,
    pub(crate) detector: Detector,
    pub(crate) reports: Arc<dyn ObjectStore>,
    pub(crate) anchors: Anchors,
    pub(crate) trust: Option<TrustPolicy>,
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
    /// The key file cannot be read.
    #[error("key file {file} (`keys.file`): {reason}")]
    Keys {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
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
        let keys = |reason: String| StartError::Keys {
            file: config.keys.file.clone(),
            reason,
        };
        let text = std::fs::read_to_string(&config.keys.file).map_err(|error| keys(error.to_string()))?;
        let ring = Arc::new(KeyRing::parse(&text).map_err(|error| keys(error.to_string()))?);
        let objects = async |section, config| {
            let opened = aal_service::objects::open_checked(config).await;
            opened.map_err(|source| StartError::Objects { section, source })
        };
        let limits = config.limits.clone();
        let producer = Producer::new(&config.kafka, "aal-query-api", DELIVERY_TIMEOUT)
            .map_err(|error| StartError::Kafka(error.to_string()))?;
        Ok(Arc::new(Self {
            store: Store::new(&config.store),
            control: Control::open(&config.control).await?,
            producer,
            kafka: config.kafka.clone(),
            tokens: TokenKey::new(*ring.derive(TOKEN_PURPOSE)),
            ring,
            detector: Detector::builtin(),
            reports: objects("reports.url", &config.reports).await?,
            anchors: Anchors::new(objects("anchors.url", &config.anchors).await?),
            is_log_public: config.ledger.public_log,
            trust: config.trust.as_ref().map(read_trust).transpose()?,
            console_dir: config.console.as_ref().map(|console| console.dir.clone()),
            query_permits: Semaphore::new(limits.concurrent_queries.max(1)),
            feed_permits: Arc::new(Semaphore::new(limits.feeds)),
            hub: Hub::new(limits.feed_buffer),
            snapshots: Snapshots::default(),
            limits,
            shutdown,
        }))
    }

    /// Longest time of one query.
    pub(crate) fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.limits.query_timeout_ms)
    }
}

fn read_trust(config: &TrustConfig) -> Result<TrustPolicy, StartError> {
    let refuse = |reason: String| StartError::Trust {
        file: config.policy.clone(),
        reason,
    };
    let text = std::fs::read_to_string(&config.policy).map_err(|error| refuse(error.to_string()))?;
    TrustPolicy::parse(&text).map_err(|error| refuse(error.to_string()))
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
