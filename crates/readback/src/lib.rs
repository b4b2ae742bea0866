//! Reads back what ClickHouse holds, all the time: every row against its leaf and header, every leaf against the
//! sealed tree of the anchor store. The newest epochs come first, then the whole table, again and again.
//!
//! Architecture invariant: what is sealed is read from the anchor store alone; nothing that ClickHouse says is
//! believed before it was compared. This service writes to neither: it only tells the ledger of incidents.

mod config;
mod explained;
mod findings;
mod numbers;
mod pace;
mod reader;
mod rows;
mod sealed;
pub mod walk;

use std::time::Duration;

use aal_announce::{Incidents, TellError, Teller};
use aal_kafka::{Producer, rdkafka::error::KafkaError};
use aal_ledger::TrustPolicy;
use aal_service::{Health, Metrics, ServeError, Shutdown, background, objects::ObjectsError};
use aal_store::Store;

pub use config::{Config, ReadbackConfig};
pub use findings::{ANCHOR_INCONSISTENT, CHAIN_MISMATCH, RECORD_MISMATCH, RECORD_MISSING, STALLED};

use crate::{numbers::Numbers, reader::Reader, sealed::Sealed};

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
const STOP_TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Why a read-back ended.
#[derive(Debug, thiserror::Error)]
pub enum ReadbackError {
    #[error("{0}")]
    Config(&'static str),
    #[error("anchor store: {0}")]
    Objects(#[from] ObjectsError),
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Tell(#[from] TellError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the trust policy {file}: {reason}")]
    Policy { file: String, reason: String },
    #[error("a thread of its own: {0}")]
    Thread(#[from] std::io::Error),
}

/// Reads back until `shutdown`.
///
/// # Errors
/// At the start only: settings, policy, or a store that does not answer. Later failures are counted and tried again.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), ReadbackError> {
    // It computes hashes all day; nobody waits for them.
    background::yielding("readback", || read_back(config, shutdown)).await?
}

async fn read_back(config: Config, shutdown: Shutdown) -> Result<(), ReadbackError> {
    if let Some(fault) = config.readback.fault() {
        return Err(ReadbackError::Config(fault));
    }
    let metrics = Metrics::default();
    let health = Health::default();
    let component = health.register("readback", None);
    component.down("no cycle completed yet");
    let operations = match &config.operations {
        Some(http) => Some(
            aal_service::ops::serve_operations(http.listen, health, metrics.clone(), shutdown.clone())
                .await?,
        ),
        None => None,
    };
    let policy = config.readback.policy.as_deref().map(read_policy).transpose()?;
    let objects = aal_service::objects::open_checked(&config.anchor).await?;
    let store = Store::new(&config.store).in_background();
    let producer = Producer::new(&config.kafka, "aal-readback", DELIVERY_TIMEOUT)?;
    let teller = Teller::new(producer, store.clone(), "readback");
    let incidents = Incidents::load(teller.clone(), &metrics).await?;
    log_failure(teller.heartbeat("start", None).await);
    let mut reader = Reader::new(
        store,
        Sealed::new(objects, policy),
        incidents,
        Numbers::new(&metrics),
        component,
        config.readback,
        shutdown.clone(),
    );
    reader.run().await;
    if let Ok(told) = tokio::time::timeout(STOP_TOLD_WITHIN, teller.heartbeat("stop", None)).await {
        log_failure(told);
    }
    if let Some(operations) = operations {
        operations.stopped().await;
    }
    Ok(())
}

fn log_failure(told: Result<(), TellError>) {
    if let Err(error) = told {
        tracing::warn!(%error, "the ledger was not told of start or stop");
    }
}

fn read_policy(file: &std::path::Path) -> Result<TrustPolicy, ReadbackError> {
    let refused = |reason: String| ReadbackError::Policy {
        file: file.display().to_string(),
        reason,
    };
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    TrustPolicy::parse(&text).map_err(|error| refused(error.to_string()))
}
