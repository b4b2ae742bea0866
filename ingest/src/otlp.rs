//! `POST /v1/traces`: OpenTelemetry spans over OTLP/HTTP, protobuf or JSON, plain or gzip. docs/opentelemetry.md.
//!
//! The answer is 200 only when Kafka has every event. When it has not, the whole request is to be sent again: a span's
//! event has the same id each time, so what arrived before is a duplicate.

use std::{io::Read, sync::Arc, time::Instant};

use aal_otlp::{Context, Limits as OtlpLimits, Mapped, Rejection, answer};
use aal_service::{
    Problem,
    body::{BodyLimit, expect_content_type, read_capped},
    problem,
    times::now_us,
};
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures_util::Stream;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};
use uuid::Uuid;
use warp::reply::Response;

use crate::{
    accept::Prepared,
    auth::Caller,
    edge::{Edge, off_thread},
};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// How the exporter speaks, and how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Self {
        let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = said
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim();
        if essence.eq_ignore_ascii_case(JSON) {
            Encoding::Json
        } else {
            Encoding::Protobuf
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Encoding::Protobuf => PROTOBUF,
            Encoding::Json => JSON,
        })
    }

    fn response(self, status: StatusCode, body: Vec<u8>) -> Response {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, self.content_type());
        response
    }

    /// A problem as the specification wants it: the same status and headers, the body a `google.rpc.Status`.
    fn failure(self, problem: Problem) -> Response {
        let (status, detail) = (problem.status_code(), problem.detail.clone());
        let body = match self {
            Encoding::Protobuf => answer::failure_protobuf(status.as_u16(), &detail),
            Encoding::Json => answer::failure_json(status.as_u16(), &detail),
        };
        // Retry-After and WWW-Authenticate stay.
        let mut response = problem::respond::<Response>(Err(problem));
        response.headers_mut().insert(CONTENT_TYPE, self.content_type());
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = body.into();
        response
    }
}

/// Takes the spans of one export. Never a problem document: exporters read protobuf or OTLP's JSON.
pub async fn post<S, B, E>(edge: Arc<Edge>, headers: HeaderMap, stream: S) -> Response
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let encoding = Encoding::of(&headers);
    match take(&edge, &headers, stream, encoding).await {
        Ok(body) => encoding.response(StatusCode::OK, body),
        Err(problem) => {
            edge.stats.refused(problem.status);
            encoding.failure(to_be_retried(problem))
        }
    }
}

/// An exporter gives a span up on every status but 429, 502, 503 and 504. A body that came too slowly is to be sent again.
fn to_be_retried(problem: Problem) -> Problem {
    if problem.status_code() == StatusCode::REQUEST_TIMEOUT {
        return Problem::unavailable(problem.detail).with_retry_after(1);
    }
    problem
}

async fn take<S, B, E>(
    edge: &Arc<Edge>,
    headers: &HeaderMap,
    stream: S,
    encoding: Encoding,
) -> Result<Vec<u8>, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let caller = edge.authenticator.caller(headers).await?;
    expect_content_type(headers, &[PROTOBUF, JSON])?;
    let is_gzip = is_gzip(headers)?;
    let limits = OtlpLimits::DEFAULT;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    // What is compressed takes the room of what it may become.
    let room = if is_gzip { None } else { announced };
    let _admitted = edge.admission.admit(room, limits.body_bytes as u64)?;
    let limit = BodyLimit {
        max_bytes: limits.body_bytes as u64,
        timeout: edge.body_timeout,
    };
    let received = read_capped(headers, stream, limit).await?;
    let bytes = received.len();
    let edge_at_us = now_us();
    // A few compressed bytes may be a lot of work.
    let weight_bytes = if is_gzip { limits.body_bytes } else { bytes };
    let (mut mapped, prepared) = off_thread(edge, weight_bytes, move |edge| {
        let body = if is_gzip {
            unzipped(&received, limits.body_bytes)?
        } else {
            received
        };
        prepare(edge, &body, encoding, &caller, &limits, edge_at_us)
    })
    .await??;
    let begun = Instant::now();
    let acknowledged = deliver(edge, prepared, &mut mapped).await?;
    edge.stats.acknowledged_seconds.observe(begun.elapsed());
    edge.stats.accepted_bytes.add(bytes as u64);
    edge.stats.spans(acknowledged, &mapped);
    let partial = answer::partial_success(&mapped);
    Ok(match encoding {
        Encoding::Protobuf => answer::success_protobuf(partial),
        Encoding::Json => answer::success_json(partial),
    })
}

/// Queues every record and waits until Kafka has them; answers how many it has. A record that is larger than Kafka
/// takes would be refused again: its span is rejected, the others are not.
async fn deliver(edge: &Edge, prepared: Vec<Prepared>, mapped: &mut Mapped) -> Result<usize, Problem> {
    let mut on_their_way = Vec::with_capacity(prepared.len());
    for prepared in prepared {
        match edge.delivery.queue(&prepared) {
            Ok(pending) => on_their_way.push((prepared.event_id, pending)),
            Err(problem) => reject_large(mapped, prepared.event_id, problem)?,
        }
    }
    let mut acknowledged = 0;
    for (event_id, pending) in on_their_way {
        match edge.delivery.acknowledged(pending).await {
            Ok(()) => acknowledged += 1,
            Err(problem) => reject_large(mapped, event_id, problem)?,
        }
    }
    Ok(acknowledged)
}

fn reject_large(mapped: &mut Mapped, event_id: Uuid, problem: Problem) -> Result<(), Problem> {
    if problem.status_code() != StatusCode::PAYLOAD_TOO_LARGE {
        return Err(problem);
    }
    let reason = format!("its event {event_id} is not acceptable: {}", problem.detail);
    mapped.rejected.push(Rejection {
        span_id: None,
        reason,
    });
    Ok(())
}

fn prepare(
    edge: &Edge,
    body: &Bytes,
    encoding: Encoding,
    caller: &Caller,
    limits: &OtlpLimits,
    edge_at_us: i64,
) -> Result<(Mapped, Vec<Prepared>), Problem> {
    let batch = match encoding {
        Encoding::Protobuf => aal_otlp::decode_protobuf(body, limits),
        Encoding::Json => aal_otlp::decode_json(body, limits),
    };
    let batch = batch.map_err(|error| match error.status() {
        413 => Problem::too_large(error.to_string()),
        _ => Problem::bad_request(error.to_string()),
    })?;
    let context = Context {
        tenant: caller.tenant,
        application: &caller.application,
        limits: edge.acceptor.limits(),
    };
    let mut mapped = aal_otlp::map(&batch, &context);
    edge.rate.take(caller, mapped.events.len(), Instant::now())?;
    let mut prepared = Vec::with_capacity(mapped.events.len());
    for event in std::mem::take(&mut mapped.events) {
        let span_id = event.trace.as_ref().and_then(|trace| trace.span_id.clone());
        match edge.acceptor.mapped(event, caller, edge_at_us) {
            Ok(accepted) => prepared.push(accepted),
            Err(refusal) => mapped.rejected.push(Rejection {
                span_id,
                reason: format!("its event is not acceptable: {}", refusal.problem.detail),
            }),
        }
    }
    Ok((mapped, prepared))
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let is = |said: &HeaderValue, name: &[u8]| said.as_bytes().eq_ignore_ascii_case(name);
    match headers.get(CONTENT_ENCODING) {
        None => Ok(false),
        Some(said) if is(said, b"identity") => Ok(false),
        Some(said) if is(said, b"gzip") => Ok(true),
        Some(_) => Err(Problem::unsupported_media_type(
            "this content encoding is not accepted; send gzip or none",
        )),
    }
}

fn unzipped(body: &[u8], limit_bytes: usize) -> Result<Bytes, Problem> {
    let mut out = Vec::new();
    let mut reader = MultiGzDecoder::new(body).take(limit_bytes as u64 + 1);
    reader
        .read_to_end(&mut out)
        .map_err(|_| Problem::bad_request("the body is not gzip as its header says"))?;
    if out.len() > limit_bytes {
        let detail =
            format!("the body has more than {limit_bytes} bytes when unzipped; export in smaller batches");
        return Err(Problem::too_large(detail));
    }
    Ok(out.into())
}
