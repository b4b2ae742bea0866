//! Which address does what.

use std::sync::Arc;

use aal_service::problem;
use warp::{Filter, filters::BoxedFilter, reply::Response};

use crate::{batch, edge::Edge, openapi, otlp, outcome, single};

/// Every route of the edge, with problem documents for everything else.
pub fn routes(edge: Arc<Edge>) -> BoxedFilter<(Response,)> {
    let shared = warp::any().map(move || Arc::clone(&edge));
    let log =
        warp::path!("api" / "v1" / "audit" / "log")
            .and(warp::post())
            .and(shared.clone())
            .and(warp::header::headers_cloned())
            .and(warp::body::stream())
            .then(|edge, headers, stream| async move {
                problem::respond(single::post(edge, headers, stream).await)
            });
    let logs = warp::path!("api" / "v1" / "audit" / "logs")
        .and(warp::post())
        .and(shared.clone())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(
            |edge, headers, stream| async move { problem::respond(batch::post(edge, headers, stream).await) },
        );
    let outcomes = warp::path!("api" / "v1" / "audit" / "logs" / String / "outcomes")
        .and(warp::post())
        .and(shared.clone())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|target, edge, headers, stream| async move {
            problem::respond(outcome::post(edge, target, headers, stream).await)
        });
    let spans = warp::path!("v1" / "traces")
        .and(warp::post())
        .and(shared)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(otlp::post);
    let document = warp::path!("openapi.json").and(warp::get()).then(|| async {
        let reply = warp::reply::with_header(openapi::DOCUMENT, "content-type", "application/json");
        warp::reply::Reply::into_response(reply)
    });
    let found = log.or(logs).unify().or(outcomes).unify().or(spans).unify();
    let found = found.or(document).unify();
    found.recover(problem::recover).unify().boxed()
}
