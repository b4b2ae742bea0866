//! `POST /api/v1/audit/log`.

use std::{sync::Arc, time::Instant};

use aal_service::{Problem, times::now_us};
use bytes::Buf;
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::{
    accept::{Prepared, Refusal},
    edge::{Edge, Received, off_thread},
};

/// The answer to an accepted event.
#[derive(Debug, Serialize)]
pub struct Accepted {
    pub event_id: Uuid,
    pub receipt: String,
}

/// Takes one event.
pub async fn post<S, B, E>(edge: Arc<Edge>, headers: HeaderMap, stream: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let received = edge
        .receive(&headers, stream, edge.limits.event_bytes, &["application/json"])
        .await?;
    edge.rate.take(&received.caller, 1, Instant::now())?;
    let edge_at_us = now_us();
    let Received {
        caller,
        body,
        _admitted,
    } = received;
    let bytes = body.len();
    let prepared = off_thread(&edge, bytes, move |edge| {
        edge.acceptor.event(&body, &caller, Uuid::now_v7(), edge_at_us)
    })
    .await?;
    deliver(&edge, prepared, bytes).await
}

/// Answers 201 when Kafka has the record.
pub async fn deliver(
    edge: &Edge,
    prepared: Result<Prepared, Refusal>,
    bytes: usize,
) -> Result<Response, Problem> {
    let begun = Instant::now();
    let counted = |problem: Problem| {
        edge.stats.refused(problem.status);
        problem
    };
    let prepared = prepared.map_err(|refusal| counted(*refusal.problem))?;
    let pending = edge.delivery.queue(&prepared).map_err(counted)?;
    edge.delivery.acknowledged(pending).await.map_err(counted)?;
    edge.stats.acknowledged_seconds.observe(begun.elapsed());
    edge.stats.accepted.inc();
    edge.stats.accepted_bytes.add(bytes as u64);
    let accepted = Accepted {
        event_id: prepared.event_id,
        receipt: prepared.receipt,
    };
    Ok(warp::reply::with_status(warp::reply::json(&accepted), StatusCode::CREATED).into_response())
}
