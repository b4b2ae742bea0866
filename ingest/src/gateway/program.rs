//! The gateway as a service of its own, without the edge.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aal_control::{Control, ControlConfig, ControlError};
use aal_kafka::KafkaConfig;
use aal_keys::{Keys, KeysConfig, KeysError};
use aal_service::{
    Bound, Health, HttpConfig, Metrics, ServeError, Shutdown, http::serve_with, logging::LogConfig,
    ops::serve_operations,
};
use http::{Request, Response};
use hyper::body::Incoming;
use serde::Deserialize;
use warp::reply::Reply;

use super::{GatewayBody, GatewayConfig, GatewayError, GatewayService, proxy::Gateway, target::PREFIX};
use crate::{auth::Authenticator, config::KeyCacheConfig, run::watch_control};

/// Everything the program can be told. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayProgramConfig {
    /// Where calls are taken; body limits and body time-outs do not apply to calls.
    #[serde(default = "default_http")]
    pub http: HttpConfig,
    /// Where `/healthz`, `/readyz` and `/metrics` are answered; keep it away from the public.
    #[serde(default = "default_operations")]
    pub operations: SocketAddr,
    pub kafka: KafkaConfig,
    #[serde(default)]
    pub control: ControlConfig,
    /// What payloads are sealed with; absent: they go to Kafka, and into the spool, in the clear.
    #[serde(default)]
    pub keys: Option<KeysConfig>,
    #[serde(default)]
    pub key_cache: KeyCacheConfig,
    #[serde(default)]
    pub gateway: GatewayConfig,
    #[serde(default)]
    pub log: LogConfig,
}

fn default_http() -> HttpConfig {
    HttpConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 8082)),
        // A stream holds its connection for minutes.
        max_connections: 16_384,
        ..HttpConfig::default()
    }
}

fn default_operations() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8092))
}

/// Why the program did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayRunError {
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the control store cannot be opened: {0}")]
    Control(#[from] ControlError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// A gateway that listens.
#[derive(Debug)]
pub struct RunningGateway {
    /// Where calls are taken.
    pub address: SocketAddr,
    /// Where health and metrics are answered.
    pub operations: SocketAddr,
    server: Bound,
    operations_server: Bound,
    operations_shutdown: Shutdown,
    service: GatewayService,
}

impl RunningGateway {
    /// Waits until a requested stop is complete: calls drained, events in Kafka or in the spool.
    pub async fn stopped(self) {
        self.server.stopped().await;
        self.service.stopped().await;
        self.operations_shutdown.request();
        self.operations_server.stopped().await;
    }
}

/// Runs the gateway until `shutdown`.
///
/// # Errors
/// [`GatewayRunError`], only before it listens.
pub async fn run_gateway(config: GatewayProgramConfig, shutdown: Shutdown) -> Result<(), GatewayRunError> {
    let running = start_gateway(config, shutdown).await?;
    tracing::info!(address = %running.address, operations = %running.operations, "gateway listening");
    running.stopped().await;
    Ok(())
}

/// Starts the gateway and says where it listens.
///
/// # Errors
/// As [`run_gateway`].
pub async fn start_gateway(
    config: GatewayProgramConfig,
    shutdown: Shutdown,
) -> Result<RunningGateway, GatewayRunError> {
    let control = Control::open(&config.control).await?;
    let metrics = Metrics::default();
    let health = Health::default();
    let control_health = health.register("control", None);
    let authenticator = Arc::new(Authenticator::new(Arc::new(control.clone()), config.key_cache));
    let drain = Duration::from_millis(config.gateway.timeouts.drain_ms);
    let sealer = match &config.keys {
        None => None,
        Some(keys) => {
            let keys = Keys::open(keys, control.clone()).await?;
            let sealer = keys.payload_sealer();
            tokio::spawn(keys.tend(shutdown.clone()));
            sealer
        }
    };
    let service = GatewayService::start(
        config.gateway,
        &config.kafka,
        control.clone(),
        sealer,
        authenticator,
        &metrics,
    )?;
    tokio::spawn(watch_control(control, control_health, shutdown.clone()));
    let operations_shutdown = Shutdown::new();
    let operations_server =
        serve_operations(config.operations, health, metrics, operations_shutdown.clone()).await?;
    let gateway = Arc::clone(&service.gateway);
    let answer = move |request| only_gateway(Arc::clone(&gateway), request);
    let server = serve_with(answer, &config.http, drain, shutdown).await?;
    Ok(RunningGateway {
        address: server.addr,
        operations: operations_server.addr,
        server,
        operations_server,
        operations_shutdown,
        service,
    })
}

async fn only_gateway(gateway: Arc<Gateway>, request: Request<Incoming>) -> Response<GatewayBody> {
    if request.uri().path().starts_with(PREFIX) {
        return gateway.answer(request).await;
    }
    let problem = aal_service::Problem::not_found("the gateway answers below /gateway/PROVIDER/");
    problem.into_response().map(GatewayBody::own)
}
