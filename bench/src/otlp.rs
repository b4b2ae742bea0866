//! OpenTelemetry spans over OTLP/HTTP in protobuf, singly and in hundreds; each becomes an event with a receipt.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::header::CONTENT_TYPE;

use crate::{
    Failure,
    collector::Beside,
    edge::spread,
    inputs::Sizes,
    report::{Limit, Report},
    running::Running,
};

const CONNECTIONS: usize = 32;
const BATCH_CONNECTIONS: usize = 4;
const BATCH_SPANS: usize = 100;
/// 2026-01-01T00:00:00Z, nanoseconds.
const STARTED_NS: u64 = 1_767_225_600_000_000_000;
const TOOK_NS: u64 = 800_000_000;
/// Of a question and of an answer: about what a chat message has.
const TEXT_BYTES: usize = 600;

/// Measures both ways of exporting; the processor stores at the same time.
pub(crate) async fn measure(
    running: &mut Running,
    sizes: Sizes,
    kafka: &Limit,
    report: &mut Report,
) -> Result<(), Failure> {
    let spans: Vec<Vec<u8>> = (0..2 * sizes.events).map(span).collect();
    let beside = Beside::start(running).await?;
    let (singles, batched) = spans.split_at(spans.len() / 2);
    let bytes: usize = singles.iter().map(Vec::len).sum();
    report.note(format!(
        "a span is {} bytes of protobuf",
        bytes / singles.len().max(1)
    ));
    for (name, spans, size, connections) in [
        ("OTLP, single spans", singles, 1, CONNECTIONS),
        ("OTLP, spans in hundreds", batched, BATCH_SPANS, BATCH_CONNECTIONS),
    ] {
        let requests: Vec<Bytes> = spans.chunks(size).map(request).collect();
        let per_s = |elapsed: Duration| spans.len() as f64 / elapsed.as_secs_f64();
        if let Some(Beside { collector, edge, .. }) = &beside {
            let (elapsed, latencies) =
                export(running, &collector.address, requests.clone(), connections).await?;
            let limit = Limit::new("the Collector, spans/s", per_s(elapsed));
            report.latency(format!("Collector: {name}, an export"), &latencies, None);
            let (elapsed, latencies) = export(running, &edge.address, requests.clone(), connections).await?;
            report.rate(
                format!("edge alone: {name}, {connections} connections"),
                per_s(elapsed),
                "spans/s",
                &limit,
            );
            report.latency(format!("edge alone: {name}, an export"), &latencies, None);
        }
        let edge = running.pipeline.endpoints.edge.to_string();
        let (elapsed, latencies) = export(running, &edge, requests, connections).await?;
        running.sent(spans.len() as u64);
        report.rate(
            format!("{name}, {connections} connections"),
            per_s(elapsed),
            "spans/s",
            kafka,
        );
        report.latency(format!("{name}, an export"), &latencies, None);
        running.all_stored().await?;
    }
    Ok(())
}

async fn export(
    running: &Running,
    address: &str,
    requests: Vec<Bytes>,
    connections: usize,
) -> Result<(Duration, crate::percentiles::Percentiles), Failure> {
    let url = format!("http://{address}/v1/traces");
    let (http, key) = (running.http.clone(), running.key.clone());
    let count = requests.len();
    let shared = Arc::new((http, url, key, requests));
    let post = move |number: usize| {
        let shared = Arc::clone(&shared);
        async move {
            let (http, url, key, requests) = &*shared;
            let request = http
                .post(url)
                .bearer_auth(key)
                .header(CONTENT_TYPE, "application/x-protobuf");
            let sent_at = Instant::now();
            let answer = request.body(requests[number].clone()).send().await?;
            let (status, body) = (answer.status(), answer.bytes().await?);
            let took = sent_at.elapsed();
            // Another body would be a partial success; the Collector says that of no span.
            if status != 200 || !matches!(&body[..], [] | [0x0a, 0]) {
                return Err(format!("{url} answered {status}: {}", String::from_utf8_lossy(&body)).into());
            }
            Ok(took)
        }
    };
    spread(count, connections, post).await
}

/// A protobuf field of bytes, a text or a message.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(&mut out, value.len() as u64);
    out.extend_from_slice(value);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn fixed64(number: u8, value: u64) -> Vec<u8> {
    let mut out = vec![number << 3 | 1];
    out.extend_from_slice(&value.to_le_bytes());
    out
}

/// An attribute of `Span`: field 9, a `KeyValue` with an `AnyValue`.
fn attribute(key: &str, any_value: &[u8]) -> Vec<u8> {
    field(9, &[field(1, key.as_bytes()), field(2, any_value)].concat())
}

fn text(key: &str, value: &str) -> Vec<u8> {
    attribute(key, &field(1, value.as_bytes()))
}

fn count(key: &str, value: u64) -> Vec<u8> {
    let mut any_value = vec![3 << 3];
    varint(&mut any_value, value);
    attribute(key, &any_value)
}

/// A chat call by the present GenAI conventions; another id for each number.
fn span(number: u64) -> Vec<u8> {
    let words = "the limit of 5000 is within what the rules allow for this product; ";
    let said = words.repeat(TEXT_BYTES / words.len());
    let message =
        |role: &str| format!(r#"[{{"role":"{role}","parts":[{{"type":"text","content":"{said}"}}]}}]"#);
    let started_ns = STARTED_NS + number;
    [
        field(1, &u128::from(number + 1).to_be_bytes()),
        field(2, &(number + 1).to_be_bytes()),
        field(5, b"chat gpt-4o"),
        fixed64(7, started_ns),
        fixed64(8, started_ns + TOOK_NS),
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o"),
        text("gen_ai.response.model", "gpt-4o-2024-08-06"),
        text("gen_ai.conversation.id", &format!("session-{}", number / 10)),
        count("gen_ai.usage.input_tokens", 140),
        count("gen_ai.usage.output_tokens", 130),
        text("gen_ai.input.messages", &message("user")),
        text("gen_ai.output.messages", &message("assistant")),
    ]
    .concat()
}

/// An `ExportTraceServiceRequest` with one resource and one scope.
fn request(spans: &[Vec<u8>]) -> Bytes {
    let spans: Vec<u8> = spans.iter().flat_map(|span| field(2, span)).collect();
    Bytes::from(field(1, &field(2, &spans)))
}
