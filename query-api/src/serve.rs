//! Starting and stopping the service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aal_announce::Teller;
use aal_service::http::{Bound, Peer, serve_measured};
use aal_service::{Component, Health, Metrics, Problem, Shutdown};
use bytes::Bytes;
use http::{HeaderMap, Method};
use warp::Filter;
use warp::path::FullPath;
use warp::reply::{Reply, Response};

use crate::app::{App, StartError};
use crate::config::Config;
use crate::console;
use crate::feed;
use crate::key_work;
use crate::router::{Arrived, answer};
use crate::routes::routes;
use crate::subjects;

/// How often the components are looked at.
const HEALTH_EVERY: Duration = Duration::from_secs(5);
/// A component that is silent for so long counts as dead.
const HEALTH_DEADLINE: Duration = Duration::from_secs(60);
/// Sign-in attempts are forgotten after this time.
const ATTEMPTS_KEPT_US: i64 = 24 * 3_600 * 1_000_000;

/// A query API that answers.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the real port.
    pub addr: SocketAddr,
    bound: Bound,
    operations: Option<Bound>,
    teller: Teller,
}

impl Running {
    /// Waits until it has stopped.
    pub async fn stopped(self) {
        self.bound.stopped().await;
        if let Some(operations) = self.operations {
            operations.stopped().await;
        }
    }
}

/// Runs until the shutdown.
///
/// # Errors
/// [`StartError`] names the key to correct.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), StartError> {
    let running = start(config, shutdown).await?;
    let teller = running.teller.clone();
    teller.life("start").await;
    running.stopped().await;
    teller.life("stop").await;
    Ok(())
}

/// Starts and returns once it listens; the shutdown ends it.
///
/// # Errors
/// [`StartError`] names the key to correct.
pub async fn start(config: Config, shutdown: Shutdown) -> Result<Running, StartError> {
    let app = App::open(&config, shutdown.clone()).await?;
    subjects::apply_lists(&app).await;
    subjects::start(&app, Duration::from_millis(config.erasure.poll_ms.max(100)));
    let (health, metrics) = (Health::default(), Metrics::default());
    let poller = health.register("feed", None);
    tokio::spawn(feed::run_poller(Arc::clone(&app), poller));
    let components = Components {
        store: health.register("store", Some(HEALTH_DEADLINE)),
        control: health.register("control", Some(HEALTH_DEADLINE)),
    };
    tokio::spawn(watch(Arc::clone(&app), components));
    tokio::spawn(app.keys.clone().tend(shutdown.clone()));
    tokio::spawn(key_work::run(Arc::clone(&app)));
    let operations = match &config.operations {
        None => None,
        Some(http) => {
            let serving =
                aal_service::ops::serve_operations(http.listen, health, metrics.clone(), shutdown.clone());
            Some(serving.await?)
        }
    };
    let teller = Teller::new(app.producer.clone(), app.store.clone(), "query-api");
    let filter = filter(Arc::clone(&app), &config);
    let bound = serve_measured(filter, &config.http, shutdown, &metrics).await?;
    tracing::info!(address = %bound.addr, "query api listens");
    Ok(Running {
        addr: bound.addr,
        bound,
        operations,
        teller,
    })
}

struct Components {
    store: Component,
    control: Component,
}

async fn watch(app: Arc<App>, components: Components) {
    let shutdown = app.shutdown.clone();
    let looking = async {
        loop {
            match app.store.ping().await {
                Ok(()) => components.store.up(),
                Err(error) => components.store.down(error.to_string()),
            }
            match app.control.ping().await {
                Ok(()) => components.control.up(),
                Err(error) => components.control.down(error.to_string()),
            }
            let before_us = aal_service::times::now_us() - ATTEMPTS_KEPT_US;
            if let Err(error) = app.control.expire_attempts(before_us).await {
                tracing::debug!(%error, "old sign-in attempts not deleted");
            }
            tokio::time::sleep(HEALTH_EVERY).await;
        }
    };
    shutdown.unless_requested(looking).await;
}

fn filter(
    app: Arc<App>,
    config: &Config,
) -> impl Filter<Extract = (Response,), Error = std::convert::Infallible> + Clone + use<> {
    let feed_app = Arc::clone(&app);
    let socket = warp::path!("ws" / "feed")
        .and(warp::ws())
        .map(move |upgrade: warp::ws::Ws| {
            let app = Arc::clone(&feed_app);
            // A client sends one short message; anything long is not one of ours.
            upgrade
                .max_message_size(256 * 1024)
                .on_upgrade(move |socket| feed::serve(app, socket))
                .into_response()
        });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let everything = warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(aal_service::body::bytes(config.http.body_limit()))
        .then(move |method, path: FullPath, query, headers, peer: Peer, body| {
            let app = Arc::clone(&app);
            async move { answer_one(app, method, path.as_str(), query, headers, peer.0, body).await }
        });
    socket
        .or(everything)
        .unify()
        .boxed()
        .recover(aal_service::problem::recover)
        .unify()
}

async fn answer_one(
    app: Arc<App>,
    method: Method,
    path: &str,
    query: String,
    headers: HeaderMap,
    peer: SocketAddr,
    body: Result<Bytes, Problem>,
) -> Response {
    let is_api = path.starts_with("/api/")
        || path.starts_with("/ledger/")
        || path == "/openapi.json"
        || path == "/ws/feed";
    if !is_api && (method == Method::GET || method == Method::HEAD) {
        let served = console::file(app.console_dir.as_deref(), path).await;
        return served.unwrap_or_else(Reply::into_response);
    }
    let arrived = Arrived {
        method,
        path: path.to_owned(),
        query,
        headers,
        body,
        peer,
    };
    answer(app, routes(), arrived).await
}
