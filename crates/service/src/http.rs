//! The HTTP server: warp filters in an accept loop of our own, because warp's own server has no
//! header time-out and no limit on connections.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::Request;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tower_service::Service;
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::metrics::{HttpMetrics, Metrics};
use crate::problem::Problem;
use crate::shutdown::Shutdown;

/// How long requests in flight may go on after a stop was requested.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Most header fields of one request.
const MAX_HEADERS: usize = 100;
/// Longest request head, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Concurrent streams of one HTTP/2 connection.
const MAX_HTTP2_STREAMS: u32 = 128;
/// After a failed `accept` (out of file descriptors), how long the loop rests.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Limits of one HTTP server, section `[http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Most connections at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// A connection that sends no complete request head for so long is closed, idle ones too.
    pub header_timeout_ms: u64,
    /// A request body must arrive within this time.
    pub body_timeout_ms: u64,
    /// Longest request body in bytes, where a route has no limit of its own.
    pub max_body_bytes: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            max_connections: 1024,
            header_timeout_ms: 30_000,
            body_timeout_ms: 30_000,
            max_body_bytes: 4 * 1024 * 1024,
        }
    }
}

impl HttpConfig {
    /// The body limit that this configuration asks for.
    pub fn body_limit(&self) -> crate::body::BodyLimit {
        crate::body::BodyLimit {
            max_bytes: self.max_body_bytes,
            timeout: Duration::from_millis(self.body_timeout_ms),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {listen}: {source}; choose another `http.listen`")]
    Bind {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A server that listens.
#[derive(Debug)]
pub struct Bound {
    /// The address with the real port.
    pub addr: SocketAddr,
    /// Ends when the server has drained after a stop.
    pub handle: JoinHandle<()>,
}

impl Bound {
    /// Waits until the server has stopped. A panic of the loop is logged, not passed on.
    pub async fn stopped(self) {
        if let Err(error) = self.handle.await {
            tracing::error!(%error, "http server ended badly");
        }
    }
}

/// The other end of the connection; read it with `warp::ext::get::<Peer>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Listens and answers with `filter` until `shutdown`, without metrics.
///
/// # Errors
/// [`ServeError::Bind`].
pub async fn serve<F>(filter: F, config: &HttpConfig, shutdown: Shutdown) -> Result<Bound, ServeError>
where
    F: Filter + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    serve_measured(filter, config, shutdown, &Metrics::default()).await
}

/// [`serve`] that also counts requests and their duration in `metrics`.
///
/// The filter is cloned for every request: pass a boxed one when it has many routes.
///
/// # Errors
/// [`ServeError::Bind`].
pub async fn serve_measured<F>(
    filter: F,
    config: &HttpConfig,
    shutdown: Shutdown,
    metrics: &Metrics,
) -> Result<Bound, ServeError>
where
    F: Filter + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    let routes = Routes::new(filter, metrics);
    let answer = move |request| routes.clone().answer(request);
    serve_with(answer, config, DRAIN_TIMEOUT, shutdown).await
}

/// Listens and answers with `answer` until `shutdown`; requests in flight may then go on for `drain`, after which their
/// connections are cut and their bodies dropped.
///
/// # Errors
/// [`ServeError::Bind`].
pub async fn serve_with<Answer, Answering, B>(
    answer: Answer,
    config: &HttpConfig,
    drain: Duration,
    shutdown: Shutdown,
) -> Result<Bound, ServeError>
where
    Answer: Fn(Request<Incoming>) -> Answering + Clone + Send + Sync + 'static,
    Answering: Future<Output = ::http::Response<B>> + Send + 'static,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listen = config.listen;
    let bind = |source| ServeError::Bind { listen, source };
    let listener = TcpListener::bind(listen).await.map_err(bind)?;
    let addr = listener.local_addr().map_err(bind)?;
    let header_timeout = Duration::from_millis(config.header_timeout_ms);
    let max_connections = config.max_connections.clamp(1, Semaphore::MAX_PERMITS);
    let loop_shutdown = shutdown;
    let handle = tokio::spawn(async move {
        let graceful = GracefulShutdown::new();
        let cut = Shutdown::new();
        let permits = Arc::new(Semaphore::new(max_connections));
        while let Some((stream, peer, permit)) = next_connection(&listener, &permits, &loop_shutdown).await {
            let answer = answer.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                let answering = answer(request);
                async move { Ok::<_, std::convert::Infallible>(answering.await) }
            });
            let builder = connection_builder(header_timeout);
            let connection = builder
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .into_owned();
            let watched = graceful.watch(connection);
            let cut = cut.clone();
            tokio::spawn(async move {
                // Time-outs, resets and half requests end a connection every day; none is an alarm.
                if let Some(Err(error)) = cut.unless_requested(watched).await {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                drop(permit);
            });
        }
        drop(listener);
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(%addr, "requests still in flight were cut off");
            cut.request();
        }
    });
    Ok(Bound { addr, handle })
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// The next connection for which there is room; `None` on a stop.
async fn next_connection(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    shutdown: &Shutdown,
) -> Option<Accepted> {
    let accepting = async {
        // The semaphore is never closed; should it be, the server stops taking connections.
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "cannot set TCP_NODELAY");
                    }
                    return Some((stream, peer, permit));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    shutdown.unless_requested(accepting).await.flatten()
}

fn connection_builder(header_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .keep_alive_interval(Some(header_timeout))
        .keep_alive_timeout(header_timeout);
    builder
}

/// Filters that answer requests, and what counts them. Cloned for every request.
#[derive(Clone)]
pub struct Routes<F> {
    filter: F,
    measured: HttpMetrics,
}

impl<F> std::fmt::Debug for Routes<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Routes").finish_non_exhaustive()
    }
}

impl<F> Routes<F>
where
    F: Filter + Clone + Send + Sync + 'static,
    F::Extract: Reply,
{
    /// Answers with `filter`; pass a boxed one when it has many routes.
    pub fn new(filter: F, metrics: &Metrics) -> Self {
        Self {
            filter,
            measured: HttpMetrics::register(metrics),
        }
    }

    /// Answers one request; a panic becomes a 500.
    pub async fn answer(self, request: Request<Incoming>) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let mut service = warp::service(self.filter);
        let answering = AssertUnwindSafe(service.call(request)).catch_unwind();
        let response = match answering.await {
            Ok(Ok(response)) => response,
            // The panic hook has already logged what and where.
            Err(_) => Problem::internal("the request could not be handled").into_response(),
        };
        self.measured
            .observe(&method, response.status(), started.elapsed());
        response
    }
}

#[cfg(test)]
mod tests;
