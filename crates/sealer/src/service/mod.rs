//! The sealer as a service: a lease, a clock, ClickHouse to read from, an object store to write to.

pub mod clickhouse;
pub mod config;
mod incidents;
mod publish;

use std::{path::Path, sync::Arc, time::Duration};

use aal_control::{Control, ControlError};
use aal_kafka::{CHECKPOINTS, Producer, rdkafka::error::KafkaError};
use aal_ledger::{Cosigner, NoteSigner, TrustPolicy, VerifierKeyError, ZERO_HASH};
use aal_service::{
    Component, Health, Metrics, ServeError, Shutdown,
    metrics::{Counter, Gauge},
    objects::ObjectsError as OpenError,
};
use aal_store::{Store, StoreError};
use uuid::Uuid;

use crate::{
    Anchor, SealError, Sealed, Sealer, SealerSettings,
    service::{
        clickhouse::ClickHouseLeaves, config::Config, incidents::SealerIncidents, publish::Publishing,
    },
};

const LEASE: &str = "sealer";
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a sealer ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("anchor store: {0}")]
    Objects(#[from] OpenError),
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the key file {file} cannot be read: {source}")]
    KeyFile { file: String, source: std::io::Error },
    #[error("the key file {0} must hold 64 hexadecimal digits")]
    KeyText(String),
    #[error("the trust policy {file}: {reason}")]
    Policy { file: String, reason: String },
    #[error("witnesses: {0}")]
    Witnesses(String),
    #[error("timestamps: {0}")]
    Timestamps(String),
    #[error("the key: {0}")]
    Key(#[from] VerifierKeyError),
    #[error("{0}")]
    Seal(#[from] SealError),
    #[error("the lease passed to another sealer")]
    LeaseLost,
    #[error(transparent)]
    Tell(#[from] aal_announce::TellError),
}

struct Numbers {
    epochs: Counter,
    leaves: Counter,
    failures: Counter,
    refused: Gauge,
}

/// Reads the signing key.
pub fn read_signer(file: &Path, name: &str) -> Result<NoteSigner, ServiceError> {
    Ok(NoteSigner::from_seed(name, &read_seed(file)?)?)
}

fn read_seed(file: &Path) -> Result<[u8; 32], ServiceError> {
    let text = std::fs::read_to_string(file).map_err(|source| ServiceError::KeyFile {
        file: file.display().to_string(),
        source,
    })?;
    aal_ledger::hash::parse_hex(text.trim()).ok_or_else(|| ServiceError::KeyText(file.display().to_string()))
}

/// Seals an epoch every interval until `shutdown`, as long as it holds the lease.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), ServiceError> {
    let metrics = Metrics::default();
    let health = Health::default();
    let component = health.register(
        "sealer",
        Some(Duration::from_millis(config.sealer.interval_ms * 6)),
    );
    component.down("no epoch sealed yet");
    let operations = match &config.operations {
        Some(http) => Some(
            aal_service::ops::serve_operations(http.listen, health, metrics.clone(), shutdown.clone())
                .await?,
        ),
        None => None,
    };
    let numbers = Numbers {
        epochs: metrics.counter("aal_sealer_epochs_total", "epochs sealed", &[]),
        leaves: metrics.counter("aal_sealer_leaves_total", "leaves sealed", &[]),
        failures: metrics.counter(
            "aal_sealer_failures_total",
            "epochs that could not be sealed",
            &[],
        ),
        refused: metrics.gauge(
            "aal_sealer_refused_shards",
            "shards that are inconsistent and not sealed",
            &[],
        ),
    };
    let store = Store::new(&config.store);
    store.migrate().await?;
    let control = Control::open(&config.control).await?;
    let producer = Producer::new(&config.kafka, "aal-sealer", DELIVERY_TIMEOUT)?;
    let signer = read_signer(&config.key.file, &config.sealer.origin)?;
    let trust = read_trust(&config)?;
    let settings = settings_of(&config, trust.as_ref())?;
    let objects = aal_service::objects::open_checked(&config.anchor).await?;
    let publishing = Publishing::start(
        &config,
        trust.as_ref(),
        &objects,
        &settings.evidence,
        &metrics,
        &shutdown,
    )?;
    let mut told = SealerIncidents::load(&producer, &store, &metrics).await?;
    let verifier_key = signer.verifier_key().to_string();
    told.started(&config.sealer.origin, &verifier_key, settings.policy_hash)
        .await;
    let listeners = Listeners {
        producer,
        publishing,
        numbers,
        component,
    };
    let holder = Uuid::new_v4().to_string();
    let result = loop {
        let Some(fence) = shutdown
            .unless_requested(wait_for_lease(&control, &config, &holder))
            .await
        else {
            break Ok(());
        };
        let mut lease = Lease {
            control: &control,
            holder: &holder,
            fence: fence?,
            ttl_us: config.sealer.lease_ms as i64 * 1000,
        };
        let anchor = Anchor::new(Arc::clone(&objects), "");
        if !lease
            .raise_above(anchor.fence().await.map_err(SealError::from)?)
            .await?
        {
            continue;
        }
        let fence = lease.fence;
        let loaded = Sealer::load(
            anchor,
            ClickHouseLeaves::new(store.clone()),
            signer.clone(),
            SealerSettings {
                fence: Some(fence),
                ..settings.clone()
            },
        );
        match loaded.await {
            Ok(sealer) => {
                match seal_epochs(sealer, &lease, &config, &listeners, &mut told, &shutdown).await {
                    // Somebody else sealed: read where the log stands and stand by.
                    Err(ServiceError::Seal(SealError::Superseded(epoch))) => {
                        tracing::warn!(epoch, "another sealer was faster; reading the log again");
                    }
                    Err(ServiceError::LeaseLost) => tracing::warn!("the lease passed to another sealer"),
                    Err(ServiceError::Seal(error @ SealError::Fenced { .. })) => {
                        tracing::warn!(%error, "stood aside")
                    }
                    ended => {
                        let _ = control.release_lease(LEASE, &holder, fence).await;
                        break ended;
                    }
                }
            }
            Err(error @ SealError::Fenced { .. }) => tracing::warn!(%error, "stood aside"),
            Err(error) => {
                listeners.numbers.failures.inc();
                listeners.component.down(error.to_string());
                told.failed(&error).await;
                let _ = control.release_lease(LEASE, &holder, fence).await;
                break Err(error.into());
            }
        }
    };
    listeners.publishing.stop();
    if result.is_ok() {
        told.stopped().await;
    }
    if let Some(operations) = operations {
        shutdown.request();
        operations.stopped().await;
    }
    result
}

fn read_trust(config: &Config) -> Result<Option<TrustPolicy>, ServiceError> {
    let Some(file) = &config.sealer.policy else {
        return Ok(None);
    };
    let unreadable = |reason: String| ServiceError::Policy {
        file: file.display().to_string(),
        reason,
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let policy = TrustPolicy::parse(&text).map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(policy))
}

fn settings_of(config: &Config, trust: Option<&TrustPolicy>) -> Result<SealerSettings, ServiceError> {
    let mut settings = SealerSettings::new(&config.sealer.origin);
    // In a bucket with object lock a removal would only hide what stays there.
    settings.delete_superseded = config.anchor.object_lock_days.is_none();
    settings.policy_hash = trust.map_or(ZERO_HASH, |trust| trust.hash);
    if let Some(file) = &config.key.ml_dsa_44_file {
        let second = Cosigner::ml_dsa_44(&config.sealer.origin, &read_seed(file)?)?;
        settings.second_key = Some(second);
    }
    Ok(settings)
}

struct Lease<'a> {
    control: &'a Control,
    holder: &'a str,
    fence: u64,
    ttl_us: i64,
}

impl Lease<'_> {
    /// Makes the lease's token larger than the one the anchor store has seen, which an older copy of the control
    /// store no longer knows of; false when the lease is lost.
    async fn raise_above(&mut self, seen: u64) -> Result<bool, ServiceError> {
        if self.fence > seen {
            return Ok(true);
        }
        tracing::warn!(
            own = self.fence,
            seen,
            "lease token raised; was the control store restored?"
        );
        let now_us = aal_service::times::now_us();
        let raised = seen.saturating_add(1);
        let is_held = self
            .control
            .raise_fence(LEASE, self.holder, self.fence, raised, now_us)
            .await?;
        self.fence = raised;
        Ok(is_held)
    }

    async fn renew(&self) -> Result<(), ServiceError> {
        let now_us = aal_service::times::now_us();
        match self
            .control
            .renew_lease(LEASE, self.holder, self.fence, self.ttl_us, now_us)
            .await?
        {
            true => Ok(()),
            false => Err(ServiceError::LeaseLost),
        }
    }
}

async fn wait_for_lease(control: &Control, config: &Config, holder: &str) -> Result<u64, ServiceError> {
    let ttl_us = config.sealer.lease_ms as i64 * 1000;
    loop {
        let now_us = aal_service::times::now_us();
        if let Some(fence) = control.acquire_lease(LEASE, holder, ttl_us, now_us).await? {
            return Ok(fence);
        }
        tokio::time::sleep(Duration::from_millis(config.sealer.interval_ms / 4)).await;
    }
}

/// Who hears of each epoch.
struct Listeners {
    producer: Producer,
    publishing: Publishing,
    numbers: Numbers,
    component: Component,
}

async fn seal_epochs<O: crate::Objects>(
    mut sealer: Sealer<O, ClickHouseLeaves>,
    lease: &Lease<'_>,
    config: &Config,
    listeners: &Listeners,
    told: &mut SealerIncidents,
    shutdown: &Shutdown,
) -> Result<(), ServiceError> {
    let Listeners {
        publishing,
        numbers,
        component,
        ..
    } = listeners;
    let mut ticks = tokio::time::interval(Duration::from_millis(config.sealer.interval_ms.max(100)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        if shutdown.unless_requested(ticks.tick()).await.is_none() {
            return Ok(());
        }
        lease.renew().await?;
        match sealer.seal(aal_service::times::now_us()).await {
            Ok(sealed) => {
                report(&sealed, listeners);
                publishing.sealed(sealed.manifest.epoch);
                told.sealed(&sealed).await;
            }
            Err(error @ (SealError::Source(_) | SealError::Anchor(_))) => {
                // Nothing was signed; the next tick tries again.
                numbers.failures.inc();
                component.down(error.to_string());
                told.failed(&error).await;
                tracing::warn!(%error, cause = ?std::error::Error::source(&error).map(ToString::to_string), "epoch not sealed");
            }
            Err(error) => {
                told.failed(&error).await;
                return Err(error.into());
            }
        }
    }
}

fn report(sealed: &Sealed, listeners: &Listeners) {
    let Listeners {
        producer,
        numbers,
        component,
        ..
    } = listeners;
    numbers.epochs.inc();
    numbers.leaves.add(sealed.new_leaves);
    numbers.refused.set(sealed.refused.len() as i64);
    for notice in &sealed.notices {
        tracing::warn!(epoch = sealed.manifest.epoch, ?notice, "sealer notice");
    }
    if sealed.refused.is_empty() {
        component.up();
    } else {
        component.down(format!(
            "{} shards are inconsistent and stand still",
            sealed.refused.len()
        ));
        for refusal in &sealed.refused {
            tracing::error!(
                epoch = sealed.manifest.epoch,
                ?refusal,
                "refused to seal a shard: its stored records are inconsistent"
            );
        }
    }
    // Best effort: the anchor store has it, and consumers of the topic may read it there.
    let key = sealed.manifest.epoch.to_string();
    if let Err(error) = producer.queue(CHECKPOINTS, key.as_bytes(), &sealed.checkpoint) {
        tracing::warn!(%error, "checkpoint not published to kafka");
    }
    tracing::debug!(
        epoch = sealed.manifest.epoch,
        leaves = sealed.new_leaves,
        "sealed an epoch"
    );
}
