//! Kafka to ClickHouse, exactly once: consumes `audit.events`, prices, redacts, seals, chains, stores.
//!
//! Architecture invariant: progress is what the store holds. This service keeps no state of its own.

pub mod block;
pub mod config;
mod consumer;
mod erased;
mod feed;
pub mod keys;
mod metrics;
mod partition;
pub mod policies;
pub mod price_books;
mod reading;
mod search;
mod seen;
mod shards;
mod watch;
mod worker;

use std::{collections::HashMap, sync::Arc, time::Duration};

use aal_announce::Teller;
use aal_control::{Control, ControlError};
use aal_kafka::{Producer, TopicError, rdkafka::error::KafkaError};
use aal_record::Pipeline;
use aal_schema_registry::{ConfigError, Registry};
use aal_service::{Health, Metrics, ServeError, Shutdown};
use aal_store::{Store, StoreError};
use tokio::task::JoinHandle;

pub use aal_keys::KeysConfig;
pub use aal_schema_registry::RegistryConfig;
pub use config::{Assignment, Config, ProcessorConfig};

use crate::{
    consumer::Command, keys::Keys, metrics::ProcessorMetrics, policies::Policies, price_books::PriceBooks,
    search::SearchTokens, seen::SeenIds, shards::Shards, worker::Shared,
};

/// Why a processor ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Keys(#[from] aal_keys::KeysError),
    #[error(transparent)]
    Erasures(#[from] aal_erasure::ReapplyError),
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Topics(#[from] TopicError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Registry(#[from] ConfigError),
    #[error("the consumer ended: {0}")]
    Consumer(String),
}

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TOLD_WITHIN: Duration = Duration::from_secs(1);
const PARTS_INTERVAL: Duration = Duration::from_secs(5);

/// Runs until `shutdown`; what is in flight then is finished and settled.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), ProcessorError> {
    let metrics = Metrics::default();
    let health = Health::default();
    let ready = health.register("processor", None);
    ready.down("starting");
    let operations = match &config.operations {
        Some(http) => Some(
            aal_service::ops::serve_operations(http.listen, health, metrics.clone(), shutdown.clone())
                .await?,
        ),
        None => None,
    };
    let registry = config.registry.as_ref().map(Registry::new).transpose()?;
    let store = Store::new(&config.store);
    store.migrate().await?;
    aal_kafka::ensure_topics(&config.kafka).await?;
    let control = Control::open(&config.control).await?;
    let keys = aal_keys::Keys::open(&config.keys, control.clone()).await?;
    // Before anything is sealed: a restored control store must not bring destroyed keys back.
    aal_erasure::reapply(&store, &control, None, aal_service::times::now_us()).await?;
    let producer = Producer::new(&config.kafka, "aal-processor", DELIVERY_TIMEOUT)?;
    let producer = producer.sealing(keys.payload_sealer());
    let (consumer, mut events, thread) = consumer::start(&config.kafka, &config.processor)?;
    let shared = Arc::new(Shared {
        shards: Shards::new(config.processor.first_shard),
        teller: Teller::new(producer.clone(), store.clone(), "processor"),
        config: config.processor,
        kafka: config.kafka,
        store: store.clone(),
        price_books: PriceBooks::new(control.clone()),
        policies: Policies::new(Pipeline::builtin(), control.clone()),
        keys: Keys::new(control.clone(), keys.clone()),
        tokens: SearchTokens::default(),
        producer: producer.clone(),
        registry,
        seen: SeenIds::default(),
        metrics: ProcessorMetrics::new(&metrics),
        topic_hash: aal_ledger::hash::topic_hash(aal_kafka::EVENTS),
        consumer: consumer.clone(),
    });
    ready.up();
    let watches = [
        tokio::spawn(keys.tend(shutdown.clone())),
        tokio::spawn(erased::watch(control, shared.keys.clone(), shutdown.clone())),
        tokio::spawn(watch_parts(Arc::clone(&shared), shutdown.clone())),
        tokio::spawn(watch::announce(Arc::clone(&shared), shutdown.clone())),
        tokio::spawn(watch::watch_partitions(Arc::clone(&shared), shutdown.clone())),
        tokio::spawn(watch::watch_clock(Arc::clone(&shared), shutdown.clone())),
    ];
    let mut shards: HashMap<u32, (Shutdown, JoinHandle<()>)> = HashMap::new();
    let mut failed = None;
    while let Some(Some(event)) = shutdown.unless_requested(events.recv()).await {
        match event {
            consumer::Event::Assigned(shard) => {
                let revoked = Shutdown::new();
                let task = tokio::spawn(worker::run(Arc::clone(&shared), shard, revoked.clone()));
                shards.insert(shard, (revoked, task));
            }
            // The worker answers the rebalance itself once it has dropped everything.
            consumer::Event::Revoked(shard) => match shards.remove(&shard) {
                Some((revoked, _)) => revoked.request(),
                None => consumer.send(Command::Released { shard }),
            },
            consumer::Event::Failed(reason) => {
                failed = Some(ProcessorError::Consumer(reason));
                break;
            }
        }
    }
    for (revoked, task) in shards.into_values() {
        revoked.request();
        let _ = task.await;
    }
    // With nobody to answer them, the last revocations must not wait for answers.
    drop(events);
    consumer.send(Command::Stop);
    // Joining blocks for at most one poll; the runtime's other threads go on.
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    watches.iter().for_each(JoinHandle::abort);
    if failed.is_none() {
        say_stop(&shared.teller).await;
    }
    if let Err(error) = producer.flush(Duration::from_secs(5)) {
        tracing::warn!(%error, "the live feed was not flushed");
    }
    shutdown.request();
    if let Some(operations) = operations {
        operations.stopped().await;
    }
    failed.map_or(Ok(()), Err)
}

/// The last sign of life of a clean stop; the next start records it.
async fn say_stop(teller: &Teller) {
    match tokio::time::timeout(STOP_TOLD_WITHIN, teller.heartbeat("stop", None)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the ledger was not told of the stop"),
        Err(_) => tracing::warn!("the ledger was not told of the stop in time"),
    }
}

/// Watches how many parts merges have left, which slows blocks down when it grows.
async fn watch_parts(shared: Arc<Shared>, shutdown: Shutdown) {
    while shutdown
        .unless_requested(tokio::time::sleep(PARTS_INTERVAL))
        .await
        .is_some()
    {
        match shared.store.active_parts().await {
            Ok(parts) => shared.metrics.set_active_parts(parts),
            Err(error) => tracing::debug!(%error, "parts not counted"),
        }
        if shared.seen.is_full() {
            shared.seen.begin_rebuild();
            match shared.store.all_event_ids().await {
                Ok(ids) => shared.seen.rebuild(ids),
                Err(error) => tracing::warn!(%error, "event ids not re-read"),
            }
        }
    }
}
