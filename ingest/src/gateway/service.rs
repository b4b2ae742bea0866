//! The gateway's parts and tasks, put together, started and stopped in order.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use aal_control::Control;
use aal_kafka::{KafkaConfig, PayloadSealer, rdkafka::error::KafkaError};
use aal_service::{Health, Metrics, Shutdown};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    capture::Room,
    client::provider_client,
    config::{GatewayConfig, GatewayConfigError},
    courier::Courier,
    intent::Intents,
    policy::Policies,
    proxy::Gateway,
    recorder::{Recorder, record_all},
    replay::replay,
    spool::{Spool, SpoolError},
    stats::GatewayStats,
    target::Upstreams,
};
use crate::{auth::Authenticator, delivery::Delivery, stats::Stats};

/// Decoded bodies may be this much longer than what is kept of them as they come, in bytes both.
const DECODED_LIMIT_BYTES: usize = 15 * 1024 * 1024;

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Config(#[from] GatewayConfigError),
    #[error("the spool cannot be used: {0}")]
    Spool(#[from] SpoolError),
    #[error("the kafka producer cannot be made: {0}; check [kafka] and its options")]
    Kafka(#[from] KafkaError),
}

/// A gateway with its tasks.
pub(crate) struct GatewayService {
    pub(crate) gateway: Arc<Gateway>,
    stop_recording: Shutdown,
    recording: JoinHandle<()>,
    stop_replaying: Shutdown,
    replaying: JoinHandle<()>,
}

impl std::fmt::Debug for GatewayService {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("GatewayService").finish_non_exhaustive()
    }
}

impl GatewayService {
    /// Opens the spool and starts the tasks; Kafka need not answer yet.
    pub(crate) fn start(
        config: GatewayConfig,
        kafka: &KafkaConfig,
        control: Control,
        sealer: Option<Arc<dyn PayloadSealer>>,
        authenticator: Arc<Authenticator>,
        metrics: &Metrics,
    ) -> Result<Self, GatewayError> {
        config.check()?;
        let upstreams = Upstreams::new(&config, |name| std::env::var(name).ok())?;
        let client = provider_client(&config)?;
        let stats = GatewayStats::new(metrics);
        let spool = Spool::open(&config.spool, stats.clone())?;
        let delivery_timeout = Duration::from_millis(config.timeouts.delivery_ms);
        let delivery = Delivery::new(kafka, delivery_timeout, Stats::new(metrics))?.sealing(sealer);
        let stop_replaying = Shutdown::new();
        // Calls go on without Kafka, so its absence does not make the gateway unready: this health is nobody's.
        let watching = delivery.clone().watch(
            kafka.clone(),
            Health::default().register("kafka", None),
            stop_replaying.clone(),
        );
        tokio::spawn(watching);
        let replaying = tokio::spawn(replay(
            spool.clone(),
            delivery.clone(),
            stats.clone(),
            stop_replaying.clone(),
        ));
        let limits = config.limits;
        let courier = Courier::new(
            delivery.clone(),
            spool,
            limits.in_flight_events,
            delivery_timeout,
            stats.clone(),
        );
        let (recorder, queue) = Recorder::new(limits.queue_events, stats);
        let stop_recording = Shutdown::new();
        let recording = tokio::spawn(record_all(
            queue,
            courier,
            DECODED_LIMIT_BYTES,
            stop_recording.clone(),
        ));
        let gateway = Gateway {
            authenticator,
            policies: Policies::new(Arc::new(control), config.policy),
            upstreams,
            client,
            recorder,
            intents: Intents {
                delivery,
                timeout: Duration::from_millis(config.timeouts.intent_ms),
                limit_bytes: DECODED_LIMIT_BYTES,
            },
            room: Room::new(limits.held_bytes),
            config,
            instance: Uuid::now_v7().to_string(),
            next_sequence: AtomicI64::new(0),
        };
        Ok(Self {
            gateway: Arc::new(gateway),
            stop_recording,
            recording,
            stop_replaying,
            replaying,
        })
    }

    /// Stops after the server has: every call that is over becomes an event in Kafka or in the spool.
    pub(crate) async fn stopped(self) {
        self.stop_replaying.request();
        self.stop_recording.request();
        for task in [self.recording, self.replaying] {
            if task.await.is_err() {
                tracing::error!("a task of the gateway ended badly");
            }
        }
    }
}
