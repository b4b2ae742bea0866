//! `POST /api/v1/audit/logs/{event_id}/outcomes`.

use std::{sync::Arc, time::Instant};

use aal_service::{Problem, times::now_us};
use bytes::Buf;
use futures_util::Stream;
use http::HeaderMap;
use uuid::Uuid;
use warp::reply::Response;

use crate::{
    edge::{Edge, Received},
    single::deliver,
};

/// An outcome is a few names and a note.
const OUTCOME_BYTES: usize = 64 * 1024;

/// Takes what became of a decision. `Idempotency-Key` (a UUID) makes a repetition harmless.
pub async fn post<S, B, E>(
    edge: Arc<Edge>,
    target: String,
    headers: HeaderMap,
    stream: S,
) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let received = edge
        .receive(&headers, stream, OUTCOME_BYTES, &["application/json"])
        .await?;
    edge.rate.take(&received.caller, 1, Instant::now())?;
    let target = parse_id(&target).ok_or_else(|| {
        Problem::validation("the address names no event")
            .with_error("", "what it holds for the event is not a UUID")
    })?;
    let outcome_id = match headers.get("idempotency-key") {
        None => Uuid::now_v7(),
        Some(value) => value.to_str().ok().and_then(parse_id).ok_or_else(|| {
            Problem::validation("the header Idempotency-Key must be a UUID that is not nil")
        })?,
    };
    let Received {
        caller,
        body,
        _admitted,
    } = received;
    let prepared = edge
        .acceptor
        .outcome(&body, target, outcome_id, &caller, now_us());
    deliver(&edge, prepared, body.len()).await
}

/// The hyphenated form only, and not nil.
fn parse_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (text.len() == 36 && !id.is_nil()).then_some(id)
}
