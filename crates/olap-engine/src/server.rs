//! The life of an engine process: open, listen, answer, stop.

use crate::config::Config;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::http::Service;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long nothing is accepted after the process ran out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a refused close waits before it is tried again.
const CLOSE_AGAIN: Duration = Duration::from_millis(20);

/// How an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every statement had ended and the data directory was closed.
    Clean,
    /// Statements still ran after [`Config::stop_timeout`]. Nothing acknowledged is lost (it is the state after a
    /// crash), but the engine's threads are alive: the process should end without running destructors.
    Abandoned,
}

/// An engine that is open and an address that is listened on.
#[derive(Debug)]
pub struct Server {
    engine: Arc<Engine>,
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
}

impl Server {
    /// Loads the library, opens the data directory and starts to listen.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn bind(config: Config) -> Result<Self, EngineError> {
        let io = |source| EngineError::Io {
            what: config.listen.to_string(),
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let opening = config.clone();
        let engine = tokio::task::spawn_blocking(move || Engine::open(&opening))
            .await
            .map_err(|error| EngineError::Io {
                what: "the engine".to_owned(),
                source: error.into(),
            })??;
        Ok(Self {
            engine: Arc::new(engine),
            listener,
            address,
            config,
        })
    }

    /// The address with the port it was really given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` completes, then lets running statements end and closes the data directory.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let service = Arc::new(Service::new(self.engine.clone(), self.config.clone()));
        let connections = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Answers are written whole; waiting for more to send would only add latency.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            let service = service.clone();
            let handler = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), handler);
            let connection = connections.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection ended");
                }
            });
        }
        drop(self.listener);
        self::stop(self.engine, service, connections, self.config.stop_timeout).await
    }
}

/// Statements first may end by themselves, then they are killed, then the engine closes. Each step has its part of
/// the time.
async fn stop(
    engine: Arc<Engine>,
    service: Arc<Service>,
    connections: GracefulShutdown,
    stop_timeout: Duration,
) -> Stopped {
    let start = Instant::now();
    if timeout_at(start + stop_timeout.mul_f32(0.4), connections.shutdown())
        .await
        .is_err()
    {
        let killing = engine.clone();
        // The answers of killed statements are errors; whether killing works shows in the next step.
        let killed = tokio::task::spawn_blocking(move || killing.kill_all());
        let killed = timeout_at(start + stop_timeout.mul_f32(0.6), killed).await;
        tracing::info!(?killed, "killed the statements that still ran");
    }
    if timeout_at(start + stop_timeout.mul_f32(0.7), service.idle())
        .await
        .is_err()
    {
        return Stopped::Abandoned;
    }
    let deadline = start + stop_timeout;
    // It refuses while a session is open, and one that kills an abandoned statement may be open for a moment still.
    let closing = tokio::task::spawn_blocking(move || {
        while !engine.close() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(CLOSE_AGAIN);
        }
        true
    });
    match timeout_at(deadline, closing).await {
        Ok(Ok(true)) => Stopped::Clean,
        _ => Stopped::Abandoned,
    }
}
