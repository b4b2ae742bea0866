//! `/healthz`, `/readyz` and `/metrics`, on a port of their own so that they never meet the public.

use ::http::StatusCode;
use serde_json::json;
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::health::Health;
use crate::http::{Bound, HttpConfig, ServeError, serve};
use crate::metrics::Metrics;
use crate::problem;
use crate::shutdown::Shutdown;

/// Serves the operations port until `shutdown`.
///
/// # Errors
/// [`ServeError::Bind`].
pub async fn serve_operations(
    listen: std::net::SocketAddr,
    health: Health,
    metrics: Metrics,
    shutdown: Shutdown,
) -> Result<Bound, ServeError> {
    let config = HttpConfig {
        listen,
        max_connections: 64,
        ..HttpConfig::default()
    };
    let alive_health = health.clone();
    let alive = warp::path!("healthz").and(warp::get()).map(move || {
        let statuses = alive_health.statuses();
        status_page(statuses.iter().all(|status| status.alive), &statuses)
    });
    let ready = warp::path!("readyz").and(warp::get()).map(move || {
        let statuses = health.statuses();
        status_page(statuses.iter().all(|status| status.ready), &statuses)
    });
    let numbers = warp::path!("metrics").and(warp::get()).map(move || {
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        warp::reply::with_header(metrics.render(), "content-type", content_type).into_response()
    });
    let routes = alive
        .or(ready)
        .unify()
        .or(numbers)
        .unify()
        .recover(problem::recover);
    serve(routes, &config, shutdown).await
}

fn status_page(good: bool, statuses: &[crate::health::ComponentStatus]) -> Response {
    let page = json!({ "status": if good { "ok" } else { "failing" }, "components": statuses });
    let code = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    warp::reply::with_status(warp::reply::json(&page), code).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn get(addr: std::net::SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn readiness_follows_the_components() {
        let (health, metrics, shutdown) = (Health::default(), Metrics::default(), Shutdown::new());
        let store = health.register("store", None);
        metrics.counter("records_total", "Records.", &[]).inc();
        let listen = ([127, 0, 0, 1], 0).into();
        let bound = serve_operations(listen, health, metrics, shutdown.clone())
            .await
            .unwrap();
        let starting = get(bound.addr, "/readyz").await;
        assert!(
            starting.starts_with("HTTP/1.1 503") && starting.contains("starting"),
            "{starting}"
        );
        assert!(get(bound.addr, "/healthz").await.starts_with("HTTP/1.1 200"));
        store.up();
        assert!(get(bound.addr, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(bound.addr, "/metrics").await.contains("records_total 1"));
        shutdown.request();
        bound.stopped().await;
    }
}
