//! `POST /api/v1/audit/logs`: NDJSON or a JSON array, each event answered for itself (207).

use std::{sync::Arc, time::Instant};

use aal_service::{Problem, times::now_us};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::{
    accept::{Prepared, Refusal},
    delivery::Pending,
    edge::{Edge, Received, off_thread},
};

const CONTENT_TYPES: [&str; 4] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json",
];

#[derive(Debug, Serialize)]
struct Reply207 {
    items: Vec<Item>,
}

/// One event's answer: what it would have been alone.
#[derive(Debug, Serialize)]
struct Item {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

impl Item {
    fn refused(event_id: Option<Uuid>, problem: Problem) -> Self {
        Self {
            status: problem.status,
            event_id,
            receipt: None,
            problem: Some(problem),
        }
    }
}

/// Takes many events. They reach Kafka in their order; when one finds the queue full, those after it are refused too,
/// so that no session is reordered.
pub async fn post<S, B, E>(edge: Arc<Edge>, headers: HeaderMap, stream: S) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
    E: std::fmt::Display,
{
    let received = edge
        .receive(&headers, stream, edge.limits.batch_bytes, &CONTENT_TYPES)
        .await?;
    let edge_at_us = now_us();
    let Received {
        caller,
        body,
        _admitted,
    } = received;
    let bytes = body.len();
    let events = off_thread(&edge, bytes, move |edge| {
        let spans = split(&body, edge.limits.batch_events)?;
        edge.rate.take(&caller, spans.len(), Instant::now())?;
        let prepare = |span: &Bytes| {
            let prepared = edge.acceptor.event(span, &caller, Uuid::now_v7(), edge_at_us);
            (span.len(), prepared)
        };
        Ok(spans.iter().map(prepare).collect::<Vec<_>>())
    })
    .await??;

    let begun = Instant::now();
    let mut queue_failure = None;
    let queued: Vec<Queued> = events
        .into_iter()
        .map(|(bytes, prepared)| queue(&edge, prepared, bytes, &mut queue_failure))
        .collect();
    let mut items = Vec::with_capacity(queued.len());
    for queued in queued {
        items.push(answer(&edge, queued).await);
    }
    edge.stats.acknowledged_seconds.observe(begun.elapsed());
    let reply = warp::reply::json(&Reply207 { items });
    Ok(warp::reply::with_status(reply, StatusCode::MULTI_STATUS).into_response())
}

enum Queued {
    OnItsWay {
        prepared: Prepared,
        pending: Pending,
        bytes: usize,
    },
    Refused(Item),
}

fn queue(
    edge: &Edge,
    prepared: Result<Prepared, Refusal>,
    bytes: usize,
    queue_failure: &mut Option<Problem>,
) -> Queued {
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => return Queued::Refused(Item::refused(refusal.event_id, *refusal.problem)),
    };
    if let Some(problem) = queue_failure {
        return Queued::Refused(Item::refused(Some(prepared.event_id), problem.clone()));
    }
    match edge.delivery.queue(&prepared) {
        Ok(pending) => Queued::OnItsWay {
            prepared,
            pending,
            bytes,
        },
        Err(problem) => {
            if problem.status == StatusCode::SERVICE_UNAVAILABLE.as_u16() {
                *queue_failure = Some(problem.clone());
            }
            Queued::Refused(Item::refused(Some(prepared.event_id), problem))
        }
    }
}

async fn answer(edge: &Edge, queued: Queued) -> Item {
    let item = match queued {
        Queued::Refused(item) => item,
        Queued::OnItsWay {
            prepared,
            pending,
            bytes,
        } => match edge.delivery.acknowledged(pending).await {
            Err(problem) => Item::refused(Some(prepared.event_id), problem),
            Ok(()) => {
                edge.stats.accepted.inc();
                edge.stats.accepted_bytes.add(bytes as u64);
                let status = StatusCode::CREATED.as_u16();
                let (event_id, receipt) = (Some(prepared.event_id), Some(prepared.receipt));
                return Item {
                    status,
                    event_id,
                    receipt,
                    problem: None,
                };
            }
        },
    };
    edge.stats.refused(item.status);
    item
}

/// The bytes of each event. A body that begins with `[` is an array, anything else is NDJSON.
fn split(body: &Bytes, most: usize) -> Result<Vec<Bytes>, Problem> {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let spans = if is_array {
        split_array(body)?
    } else {
        split_lines(body, most)
    };
    if spans.is_empty() {
        return Err(Problem::bad_request("the batch holds no event"));
    }
    if spans.len() > most {
        let detail = format!("the batch holds more than the limit of {most} events; send several batches");
        return Err(Problem::too_large(detail));
    }
    Ok(spans)
}

/// Blank lines are skipped. Stops after one line more than allowed.
fn split_lines(body: &Bytes, most: usize) -> Vec<Bytes> {
    let lines = body.split(|byte| *byte == b'\n');
    let filled = lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    filled.take(most + 1).map(|line| body.slice_ref(line)).collect()
}

fn split_array(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::bad_request(format!(
            "the body is not UTF-8: the first bad byte is at offset {}",
            error.valid_up_to()
        ))
    })?;
    let items: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    Ok(items
        .into_iter()
        .map(|item| body.slice_ref(item.get().as_bytes()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &'static str) -> Vec<String> {
        let spans = split(&Bytes::from_static(body.as_bytes()), 3).unwrap();
        spans
            .iter()
            .map(|span| String::from_utf8(span.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn lines_and_arrays_are_told_apart() {
        assert_eq!(texts("{\"a\":1}\n\n{\"b\":2}"), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(texts(" [ {\"a\": 1} ,2]"), ["{\"a\": 1}", "2"]);
        assert_eq!(texts("{\"a\":1}\r\n"), ["{\"a\":1}\r"]);
    }

    #[test]
    fn an_empty_or_too_long_batch_is_refused_as_a_whole() {
        let refused = |body: &'static str| split(&Bytes::from_static(body.as_bytes()), 3).unwrap_err().status;
        assert_eq!(refused(""), 400);
        assert_eq!(refused("[]"), 400);
        assert_eq!(refused("\n \n"), 400);
        assert_eq!(refused("[1,2"), 400);
        assert_eq!(refused("1\n2\n3\n4"), 413);
        assert_eq!(refused("[1,2,3,4]"), 413);
    }
}
