//! `POST /v1/traces` as the OTLP specification has it: what exporters get to see, and what is in Kafka then.

mod support;

use std::io::Write;

use aal_event::{Event, content_bytes};
use aal_ledger::{Receipt, VerifierKey};
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use prost::Message;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Rig, TENANT, rig};

const PATH: &str = "/v1/traces";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Seven calls under OpenLLMetry, as its exporter sent them.
const RECORDED: &[u8] = include_bytes!("../../crates/otlp/tests/golden/openllmetry-protobuf.pb");
const RECORDED_JSON: &[u8] = include_bytes!("../../crates/otlp/tests/golden/openllmetry-json.json");
const TRACE_ID: &str = "5b8efff798038103d269b633813fc60c";

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn export(rig: &Rig, content_type: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = rig.post(PATH).header("content-type", content_type);
    request.body(body).send().await.unwrap()
}

fn content_type(answer: &Response) -> &str {
    answer.headers()["content-type"].to_str().unwrap()
}

/// The `google.rpc.Status` of an answer in protobuf.
async fn status(answer: Response) -> Status {
    assert_eq!(content_type(&answer), PROTOBUF);
    Status::decode(answer.bytes().await.unwrap()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn span(number: u64, name: &str, attributes: Value) -> Value {
    json!({
        "traceId": TRACE_ID,
        "spanId": format!("{number:016x}"),
        "name": name,
        "startTimeUnixNano": "1795435200000000000",
        "endTimeUnixNano": "1795435201000000000",
        "attributes": attributes,
    })
}

fn model_call(number: u64, question: &str) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let messages = json!([{"role": "user", "parts": [{"type": "text", "content": question}]}]);
    let attributes = json!([
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o"),
        text("gen_ai.input.messages", &messages.to_string()),
    ]);
    span(number, "chat gpt-4o", attributes)
}

fn request(spans: &[Value]) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

fn events(rig: &Rig, count: usize) -> Vec<Event> {
    rig.records(count).into_iter().map(|(_, event)| event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_span_of_an_export_is_in_kafka_with_a_receipt_for_its_content() {
    let rig = rig(|_| {}).await;
    let answer = export(&rig, PROTOBUF, RECORDED).await;
    assert_eq!(
        (answer.status(), content_type(&answer)),
        (StatusCode::OK, PROTOBUF)
    );
    assert!(
        answer.bytes().await.unwrap().is_empty(),
        "full success is an empty message"
    );
    let known: VerifierKey = rig.running.receipt_key.parse().unwrap();
    for event in events(&rig, 7) {
        assert_eq!((event.tenant, event.application.as_str()), (TENANT, "loan-desk"));
        let receipt: Receipt = event.receipt.as_deref().unwrap().parse().unwrap();
        receipt.verify(std::slice::from_ref(&known)).unwrap();
        assert_eq!(receipt.event_id, event.event_id);
        assert_eq!(event.edge_at_us, Some(receipt.edge_at_us));
        let content = content_bytes(&event).unwrap();
        assert_eq!(receipt.body_sha256, <[u8; 32]>::from(Sha256::digest(content)));
    }
    let metrics = rig.metrics().await;
    for line in [
        "ingest_spans_total{outcome=\"event\"} 7\n".to_owned(),
        "ingest_events_accepted_total 7\n".to_owned(),
        format!("ingest_accepted_bytes_total {}\n", RECORDED.len()),
    ] {
        assert!(metrics.contains(&line), "{line} is missing from {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_gzip_and_the_gateways_key_header_are_understood() {
    let rig = rig(|_| {}).await;
    let packed = rig
        .http
        .post(format!("{}{PATH}", rig.base))
        .header("x-audit-key", &rig.key)
        .header("content-type", "application/json; charset=utf-8")
        .header("content-encoding", "GZIP")
        .body(gzip(RECORDED_JSON));
    let answer = packed.send().await.unwrap();
    assert_eq!((answer.status(), content_type(&answer)), (StatusCode::OK, JSON));
    assert_eq!(answer.text().await.unwrap(), "{}");
    assert_eq!(events(&rig, 7).len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_sent_again_brings_the_same_events() {
    let rig = rig(|_| {}).await;
    for _ in 0..2 {
        assert_eq!(export(&rig, PROTOBUF, RECORDED).await.status(), 200);
    }
    let mut contents: Vec<_> = events(&rig, 14)
        .iter()
        .map(|event| (event.event_id, content_bytes(event).unwrap()))
        .collect();
    contents.sort();
    contents.dedup();
    assert_eq!(
        contents.len(),
        7,
        "the processor records the second delivery as a duplicate"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_span_is_told_and_the_others_are_taken() {
    let rig = rig(|_| {}).await;
    let mut bad = model_call(2, "Why?");
    bad["traceId"] = json!("5b8e");
    let body = request(&[model_call(1, "Why?"), bad, span(3, "GET /", json!([]))]);
    let answer = export(&rig, JSON, body).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    let why = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(why.contains("0000000000000002"), "{why}");
    assert_eq!(rig.all_records().len(), 1);
    let metrics = rig.metrics().await;
    for (outcome, count) in [("event", 1), ("ignored", 1), ("rejected", 1)] {
        let line = format!("ingest_spans_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} is missing from {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_larger_than_kafka_takes_is_rejected_alone() {
    let rig = rig(|config| {
        config
            .kafka
            .options
            .insert("message.max.bytes".into(), "20000".into());
    })
    .await;
    let large = "why ".repeat(10_000);
    let body = request(&[
        model_call(1, "Why?"),
        model_call(2, &large),
        model_call(3, "Who?"),
    ]);
    let answer: Value = export(&rig, JSON, body).await.json().await.unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{answer}");
    assert_eq!(rig.all_records().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_whole_is_a_status_in_the_exporters_encoding() {
    let rig = rig(|_| {}).await;
    let url = format!("{}{PATH}", rig.base);
    let nobody = rig
        .http
        .post(&url)
        .header("content-type", PROTOBUF)
        .body(RECORDED);
    let nobody = nobody.send().await.unwrap();
    assert_eq!(
        (nobody.status().as_u16(), &nobody.headers()["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    assert_eq!(status(nobody).await.code, 16);

    let broken = export(&rig, PROTOBUF, &RECORDED[..RECORDED.len() - 1]).await;
    assert_eq!(broken.status(), 400);
    let broken = status(broken).await;
    assert!(
        broken.code == 3 && broken.message.contains("ExportTraceServiceRequest"),
        "{broken:?}"
    );
    let broken = export(&rig, JSON, "{\"resourceSpans\":").await;
    assert_eq!((broken.status().as_u16(), content_type(&broken)), (400, JSON));
    assert_eq!(broken.json::<Value>().await.unwrap()["code"], 3);

    let text = export(&rig, "text/plain", RECORDED).await;
    assert_eq!(text.status(), 415);
    assert!(status(text).await.message.contains(PROTOBUF));
    for (encoding, expected) in [("br", 415), ("gzip", 400)] {
        let packed = rig
            .post(PATH)
            .header("content-type", PROTOBUF)
            .header("content-encoding", encoding);
        let packed = packed.body(RECORDED).send().await.unwrap();
        assert_eq!(packed.status(), expected, "{encoding}");
        assert!(!status(packed).await.message.is_empty());
    }
    assert_eq!(rig.all_records().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_bounded_before_and_after_unpacking() {
    let rig = rig(|_| {}).await;
    let too_long = vec![0; 8 * 1024 * 1024 + 1];
    let plain = export(&rig, PROTOBUF, too_long.clone()).await;
    assert_eq!(plain.status(), 413);
    assert!(status(plain).await.message.contains("8388608"));
    let bomb = gzip(&too_long);
    assert!(bomb.len() < 10_000);
    let packed = rig
        .post(PATH)
        .header("content-type", PROTOBUF)
        .header("content-encoding", "gzip");
    let packed = packed.body(bomb).send().await.unwrap();
    assert_eq!(packed.status(), 413);
    assert!(status(packed).await.message.contains("when unzipped"));
    let many = vec![json!({}); 10_001];
    assert_eq!(export(&rig, JSON, request(&many)).await.status(), 413);
    assert_eq!(rig.all_records().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn faster_than_allowed_is_to_be_sent_later() {
    let rig = rig(|config| {
        config.rate = Some(ingest::RateConfig {
            events_per_second: 1,
            burst: 7,
        })
    })
    .await;
    assert_eq!(export(&rig, PROTOBUF, RECORDED).await.status(), 200);
    let refused = export(&rig, PROTOBUF, RECORDED).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(status(refused).await.code, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_it_is_to_be_sent_again_and_is_taken_when_kafka_is_back() {
    let rig = rig(|_| {}).await;
    rig.cluster.broker_down(1).unwrap();
    let refused = export(&rig, PROTOBUF, RECORDED).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(status(refused).await.code, 14);
    rig.cluster.broker_up(1).unwrap();
    support::until("the export is taken", || async {
        (export(&rig, PROTOBUF, RECORDED).await.status() == 200).then_some(())
    })
    .await;
    let mut ids: Vec<_> = rig
        .all_records()
        .into_iter()
        .map(|(_, event)| event.event_id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7);
}

/// Exporters give up on 408.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stalls_is_to_be_sent_again() {
    let rig = rig(|config| config.http.body_timeout_ms = 50).await;
    let stalled = stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let answer = export(&rig, PROTOBUF, reqwest::Body::wrap_stream(stalled)).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
}
