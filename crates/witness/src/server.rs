//! The witness as an HTTP server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{WitnessPolicy, WitnessPolicyError};
use aal_service::body::{BodyLimit, bytes as body_bytes};
use aal_service::http::Peer;
use aal_service::metrics::Counter;
use aal_service::{Bound, HttpConfig, Metrics, Problem, ServeError, Shutdown};
use bytes::Bytes;
use http::{StatusCode, header};
use rustix::fs::{FlockOperation, flock};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::decide::Refusal;
use crate::disk::{Disk as _, LocalDisk};
use crate::keys::{KeyError, WitnessKeys};
use crate::limiter::Limiter;
use crate::request::{AddCheckpoint, MAX_REQUEST_BYTES};
use crate::state::{AddError, OpenError, State};

/// A request body must arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_CONNECTIONS: usize = 256;
const LOCK_FILE: &str = "lock";

/// What a witness is told.
#[derive(Clone, Debug)]
pub struct WitnessConfig {
    /// Where it answers; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its keys and what it cosigned last; must never be replaced by something older.
    pub directory: PathBuf,
    /// A C2SP tlog-policy whose `log` lines name the logs.
    pub policy: PathBuf,
    /// Its name in signature lines, like a URL without the scheme.
    pub name: String,
    /// Requests a second that one client address may send, ten times as many at once.
    pub requests_per_second: u32,
}

/// A running witness.
#[derive(Debug)]
pub struct Running {
    pub bound: Bound,
    /// What others put into their policies.
    pub verifier_keys: Vec<aal_ledger::VerifierKey>,
    /// Only one witness may use a directory; freed when this is dropped.
    _lock: std::fs::File,
}

impl Running {
    /// Waits until the witness has stopped; its directory is free again then.
    pub async fn stopped(self) {
        self.bound.stopped().await;
    }
}

/// Why a witness does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("witness directory {path}: {source}")]
    Directory { path: PathBuf, source: io::Error },
    #[error("another witness already uses {0}; one directory is one witness")]
    InUse(PathBuf),
    #[error("policy file {path}: {source}")]
    PolicyFile { path: PathBuf, source: io::Error },
    #[error("policy file {path}: {source}")]
    Policy {
        path: PathBuf,
        source: WitnessPolicyError,
    },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

struct Server {
    state: State,
    limiter: Limiter,
    cosigned: Counter,
    refused: Counter,
    failed: Counter,
    metrics: Metrics,
}

fn posix_seconds() -> u64 {
    u64::try_from(aal_service::times::now_us() / 1_000_000).unwrap_or(0)
}

/// Starts a witness; it answers until `shutdown`.
///
/// # Errors
/// See [`ServerError`].
pub async fn run(config: &WitnessConfig, shutdown: Shutdown) -> Result<Running, ServerError> {
    let in_directory = |source| ServerError::Directory {
        path: config.directory.clone(),
        source,
    };
    let disk = LocalDisk::open(&config.directory).map_err(in_directory)?;
    let lock = lock(&config.directory)?;
    let policy = std::fs::read(&config.policy).map_err(|source| ServerError::PolicyFile {
        path: config.policy.clone(),
        source,
    })?;
    let policy = WitnessPolicy::parse(&policy).map_err(|source| ServerError::Policy {
        path: config.policy.clone(),
        source,
    })?;
    let keys = WitnessKeys::open(&disk, &config.name)?;
    disk.sync_names().map_err(in_directory)?;
    let verifier_keys = keys.verifier_keys();
    let state = State::open(Box::new(disk), keys, &policy, posix_seconds)?;
    let metrics = Metrics::default();
    let answered = |result| {
        metrics.counter(
            "aal_witness_checkpoints_total",
            "checkpoints sent to this witness, by what it answered",
            &[("result", result)],
        )
    };
    let server = Arc::new(Server {
        cosigned: answered("cosigned"),
        refused: answered("refused"),
        failed: answered("failed"),
        metrics: metrics.clone(),
        limiter: Limiter::new(
            config.requests_per_second,
            config.requests_per_second.saturating_mul(10),
        ),
        state,
    });
    let http = HttpConfig {
        listen: config.listen,
        max_connections: MAX_CONNECTIONS,
        ..HttpConfig::default()
    };
    let bound = aal_service::http::serve_measured(routes(server).boxed(), &http, shutdown, &metrics).await?;
    Ok(Running {
        bound,
        verifier_keys,
        _lock: lock,
    })
}

fn lock(directory: &std::path::Path) -> Result<std::fs::File, ServerError> {
    let failed = |source| ServerError::Directory {
        path: directory.to_owned(),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(directory.join(LOCK_FILE)).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ServerError::InUse(directory.to_owned())),
        Err(errno) => Err(failed(errno.into())),
    }
}

fn routes(
    server: Arc<Server>,
) -> impl Filter<Extract = (Response,), Error = std::convert::Infallible> + Clone {
    let limit = BodyLimit {
        max_bytes: MAX_REQUEST_BYTES as u64,
        timeout: BODY_TIMEOUT,
    };
    let with_server = warp::any().map(move || Arc::clone(&server));
    let add = warp::path!("add-checkpoint")
        .and(warp::post())
        .and(with_server.clone())
        .and(warp::ext::get::<Peer>())
        .and(body_bytes(limit))
        .then(add_checkpoint);
    let list = warp::path!("checkpoints")
        .and(warp::get())
        .and(with_server.clone())
        .then(|server: Arc<Server>| async move { list(&server) });
    let latest = warp::path!("checkpoints" / String)
        .and(warp::get())
        .and(with_server.clone())
        .then(|digest: String, server: Arc<Server>| async move { latest(&server, &digest) });
    let health = warp::path!("healthz")
        .and(warp::get())
        .map(|| plain(StatusCode::OK, "ok\n"));
    let metrics = warp::path!("metrics")
        .and(warp::get())
        .and(with_server)
        .map(|server: Arc<Server>| plain(StatusCode::OK, server.metrics.render()));
    add.or(list)
        .unify()
        .or(latest)
        .unify()
        .or(health)
        .unify()
        .or(metrics)
        .unify()
        .recover(not_found)
        .map(warp::reply::Reply::into_response)
}

async fn not_found(rejection: Rejection) -> Result<Response, std::convert::Infallible> {
    if rejection.is_not_found() {
        return Ok(plain(
            StatusCode::NOT_FOUND,
            "this witness answers POST /add-checkpoint, GET /checkpoints, /checkpoints/SHA256-OF-ORIGIN, /healthz, /metrics\n",
        ));
    }
    Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n"))
}

async fn add_checkpoint(server: Arc<Server>, Peer(peer): Peer, body: Result<Bytes, Problem>) -> Response {
    if !server.limiter.allows(peer.ip(), Instant::now()) {
        let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests; try again\n");
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        return response;
    }
    let body = match body {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let request = match AddCheckpoint::parse(&body) {
        Ok(request) => request,
        Err(error) => {
            server.refused.inc();
            return plain(StatusCode::BAD_REQUEST, format!("{error}\n"));
        }
    };
    // Signing and fsync block, so they have a thread of their own. A client that goes away does not cut them off.
    let worker = Arc::clone(&server);
    let added = tokio::task::spawn_blocking(move || {
        let added = worker.state.add(&request);
        (request, added)
    });
    let Ok((request, added)) = added.await else {
        server.failed.inc();
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n");
    };
    let (origin, size) = (&request.checkpoint.origin, request.checkpoint.size);
    match added {
        Ok(cosignatures) => {
            server.cosigned.inc();
            tracing::info!(origin, size, "cosigned");
            let lines: String = cosignatures.iter().map(|line| line.to_line()).collect();
            plain(StatusCode::OK, lines)
        }
        Err(AddError::Refused(refusal)) => {
            server.refused.inc();
            tracing::warn!(origin, size, %refusal, "not cosigned");
            refused(&refusal)
        }
        Err(error) => {
            server.failed.inc();
            tracing::error!(origin, size, %error, "not cosigned");
            plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the witness cannot use its own state; its operator sees why in its log\n",
            )
        }
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::UnknownLog(_) => StatusCode::NOT_FOUND,
        Refusal::Unsigned(_) => StatusCode::FORBIDDEN,
        Refusal::OldAboveNew { .. } => StatusCode::BAD_REQUEST,
        Refusal::Proof(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::OldSize(size) | Refusal::OtherRoot(size) => {
            let mut response = plain(StatusCode::CONFLICT, format!("{size}\n"));
            let kind = header::HeaderValue::from_static("text/x.tlog.size");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            return response;
        }
    };
    plain(status, format!("{refusal}\n"))
}

/// One line for each log: digest of the origin, and the origin.
fn list(server: &Server) -> Response {
    let line = |origin: &str| format!("{} {origin}\n", to_hex(&sha256(origin.as_bytes())));
    plain(
        StatusCode::OK,
        server.state.origins().map(line).collect::<String>(),
    )
}

/// The checkpoint cosigned last of one log, for monitors.
fn latest(server: &Server, digest: &str) -> Response {
    let is_meant = |origin: &&str| to_hex(&sha256(origin.as_bytes())) == digest;
    let Some(origin) = server.state.origins().find(is_meant) else {
        return plain(StatusCode::NOT_FOUND, "no such log; see /checkpoints\n");
    };
    match server.state.last_note(origin) {
        Ok(Some(note)) => plain(StatusCode::OK, note.to_bytes()),
        Ok(None) => plain(StatusCode::NOT_FOUND, "nothing of this log was cosigned yet\n"),
        Err(error) => {
            tracing::error!(origin, %error, "state cannot be shown");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be read\n")
        }
    }
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
