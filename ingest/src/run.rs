//! Starting and stopping.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aal_control::{Control, ControlError};
use aal_kafka::rdkafka::error::KafkaError;
use aal_keys::{Keys, KeysError};
use aal_ledger::{NoteSigner, VerifierKeyError};
use aal_seal::purpose;
use aal_service::{
    Bound, Component, Health, Metrics, ServeError, Shutdown,
    http::{DRAIN_TIMEOUT, Routes, serve_measured, serve_with},
    ops::serve_operations,
};

use http::Request;
use hyper::body::Incoming;

use crate::{
    accept::Acceptor,
    admission::Admission,
    auth::Authenticator,
    config::{Config, ConfigError},
    delivery::Delivery,
    edge::Edge,
    gateway::{GatewayBody, GatewayError, GatewayService, PREFIX},
    life,
    rate::RateLimit,
    routes::routes,
    stats::Stats,
};

const CONTROL_CHECK_EVERY: Duration = Duration::from_secs(5);
/// After the last request was answered nothing should be queued; this bounds the surprise.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the edge did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("`receipt.key_name` cannot name a key: {0}")]
    KeyName(#[from] VerifierKeyError),
    #[error("the control store cannot be opened: {0}")]
    Control(#[from] ControlError),
    #[error("the kafka producer cannot be made: {0}; check [kafka] and its options")]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// An edge that listens.
#[derive(Debug)]
pub struct Running {
    /// Where events are taken.
    pub address: SocketAddr,
    /// Where health and metrics are answered.
    pub operations: SocketAddr,
    /// The public half of the receipt key, for trust policies.
    pub receipt_key: String,
    edge: Bound,
    operations_server: Bound,
    delivery: Delivery,
    gateway: Option<GatewayService>,
}

impl Running {
    /// Waits until a requested stop is complete: requests in flight are answered, then the producer is emptied.
    pub async fn stopped(self) {
        self.edge.stopped().await;
        if let Some(gateway) = self.gateway {
            gateway.stopped().await;
        }
        let delivery = self.delivery;
        if tokio::task::spawn_blocking(move || delivery.flush(FLUSH_TIMEOUT))
            .await
            .is_err()
        {
            tracing::error!("the producer's last flush ended badly");
        }
        self.operations_server.stopped().await;
    }
}

/// Runs the edge until `shutdown`.
///
/// # Errors
/// [`RunError`], only before it listens.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), RunError> {
    let running = start(config, shutdown.clone()).await?;
    tracing::info!(address = %running.address, operations = %running.operations, "edge listening");
    let delivery = running.delivery.clone();
    let telling = tokio::spawn(life::started(delivery.clone(), shutdown));
    running.stopped().await;
    if telling.await.is_err() {
        tracing::error!("telling of the start ended badly");
    }
    life::stopped(&delivery).await;
    Ok(())
}

/// Starts the edge and says where it listens.
///
/// # Errors
/// As [`run`].
pub async fn start(config: Config, shutdown: Shutdown) -> Result<Running, RunError> {
    config.check()?;
    let control = Control::open(&config.control).await?;
    let keys = Keys::open(&config.keys, control.clone()).await?;
    let signer = NoteSigner::from_seed(&config.receipt.key_name, &keys.ring().derive(purpose::RECEIPTS))?;
    let receipt_key = signer.verifier_key().to_string();
    let sealer = keys.payload_sealer();
    tokio::spawn(keys.tend(shutdown.clone()));
    let metrics = Metrics::default();
    let health = Health::default();
    let stats = Stats::new(&metrics);
    let delivery_timeout = Duration::from_millis(config.admission.delivery_timeout_ms);
    let delivery = Delivery::new(&config.kafka, delivery_timeout, stats.clone())?.sealing(sealer.clone());

    let kafka_health = health.register("kafka", None);
    tokio::spawn(
        delivery
            .clone()
            .watch(config.kafka.clone(), kafka_health, shutdown.clone()),
    );
    let control_health = health.register("control", None);
    tokio::spawn(watch_control(control.clone(), control_health, shutdown.clone()));

    let authenticator = Arc::new(Authenticator::new(Arc::new(control.clone()), config.key_cache));
    let drain = config.gateway.as_ref().map_or(DRAIN_TIMEOUT, |gateway| {
        Duration::from_millis(gateway.timeouts.drain_ms)
    });
    let gateway = match config.gateway {
        Some(gateway) => Some(GatewayService::start(
            gateway,
            &config.kafka,
            control,
            sealer,
            Arc::clone(&authenticator),
            &metrics,
        )?),
        None => None,
    };
    let edge = Edge {
        authenticator,
        admission: Admission::new(config.admission, stats.shed.clone(), stats.under_way.clone()),
        rate: RateLimit::new(config.rate),
        acceptor: Acceptor::new(signer, config.limits.event_bytes),
        delivery: delivery.clone(),
        limits: config.limits,
        body_timeout: Duration::from_millis(config.http.body_timeout_ms),
        stats,
    };
    // The operations port closes last, so that a draining edge can still be watched.
    let operations_shutdown = Shutdown::new();
    let operations_server = serve_operations(
        config.operations,
        health,
        metrics.clone(),
        operations_shutdown.clone(),
    )
    .await?;
    let routes = routes(Arc::new(edge));
    let served = match &gateway {
        None => serve_measured(routes, &config.http, shutdown, &metrics).await?,
        Some(service) => {
            let gateway = Arc::clone(&service.gateway);
            let routes = Routes::new(routes, &metrics);
            let answer = move |request: Request<Incoming>| {
                let (gateway, routes) = (Arc::clone(&gateway), routes.clone());
                async move {
                    if request.uri().path().starts_with(PREFIX) {
                        gateway.answer(request).await
                    } else {
                        routes.answer(request).await.map(GatewayBody::own)
                    }
                }
            };
            serve_with(answer, &config.http, drain, shutdown).await?
        }
    };
    let (address, operations) = (served.addr, operations_server.addr);
    let edge = Bound {
        addr: address,
        handle: tokio::spawn(async move {
            served.stopped().await;
            operations_shutdown.request();
        }),
    };
    Ok(Running {
        address,
        operations,
        receipt_key,
        edge,
        operations_server,
        delivery,
        gateway,
    })
}

/// Tells `health` whether the control store answers, until `shutdown`; then closes it.
pub(crate) async fn watch_control(control: Control, health: Component, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        match control.ping().await {
            Ok(()) => health.up(),
            Err(error) => {
                tracing::warn!(%error, "the control store does not answer");
                health.down("the control store does not answer");
            }
        }
        shutdown
            .unless_requested(tokio::time::sleep(CONTROL_CHECK_EVERY))
            .await;
    }
    control.close().await;
}
