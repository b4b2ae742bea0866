//! No broker holds clear text, whoever is looked for is found all the same, and keys are rotated under a running pipeline.

use std::{fs, path::Path, time::Duration};

use aal_kafka::{EVENTS, KafkaConfig, Producer};
use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};
use uuid::Uuid;

const EMAIL: &str = "Ada.Lovelace@analytical.example";
const IBAN: &str = "DE89370400440532013000";
const SESSION: &str = "session-of-countess-ada";
const TEXT: &str = "Please raise the limit of my account";

/// What must not be on a broker's disk.
const CLEAR: [&str; 6] = [
    EMAIL,
    IBAN,
    SESSION,
    TEXT,
    "subject-4711-of-the-bank",
    "192.0.2.77",
];

fn event(text: &str) -> Value {
    json!({
        "event_id": Uuid::now_v7(), "application": "loans-of-the-test", "decision_type": "chat",
        "session_id": SESSION, "user_id": "clerk-1", "user_email": EMAIL, "ip_address": "192.0.2.77",
        "subject": {"id": "subject-4711-of-the-bank", "email": "subject@bank.example"},
        "provider": "openai", "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions",
                    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}},
        "response": {"status": 200, "content_type": "application/json", "body": {
            "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": "Understood."}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}}},
    })
}

async fn send(pipeline: &Pipeline, key: &str, event: &Value) {
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let answer = pipeline.http.post(url).bearer_auth(key).json(event).send().await;
    let answer = answer.expect("the edge answers");
    let status = answer.status();
    assert_eq!(
        status.as_u16(),
        201,
        "{}",
        answer.text().await.unwrap_or_default()
    );
}

/// Every file below `folder`, one after the other.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes.extend(bytes_below(&path));
        } else {
            bytes.extend(fs::read(&path).unwrap_or_default());
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let lower = |bytes: &[u8]| bytes.to_ascii_lowercase();
    let (bytes, text) = (lower(bytes), lower(text.as_bytes()));
    // memchr of the first byte would be faster; this runs once.
    bytes.windows(text.len()).any(|window| window == text)
}

async fn stored(pipeline: &Pipeline, count: u64) {
    until("the events are stored", || async {
        (pipeline
            .count("application = 'loans-of-the-test' AND kind = 'event'")
            .await
            == count)
            .then_some(())
    })
    .await;
}

async fn found(pipeline: &Pipeline, token: &str, filter: &str) -> usize {
    let (status, answer) = pipeline.get(token, &format!("/api/v1/audit/logs?{filter}")).await;
    assert_eq!(status, 200, "{answer}");
    answer["items"].as_array().map_or(0, Vec::len)
}

fn keys(pipeline: &Pipeline, action: &str) -> Value {
    let output = pipeline.audit(&["keys", action, "--json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "audit keys {action}: {error}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn revealed(pipeline: &Pipeline, token: &str, id: &Value) -> Value {
    let path = format!(
        "/api/v1/audit/logs/{}?reveal=a+test+of+keys",
        id.as_str().expect("an id")
    );
    let (status, answer) = pipeline.get(token, &path).await;
    assert_eq!(status, 200, "{answer}");
    answer["revealed"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_sealed_and_keys_rotate_under_a_running_pipeline() {
    let mut pipeline = Pipeline::start(Start::default()).await;
    let token = pipeline.token().await;
    let key = pipeline.api_key(&token, "loans-of-the-test").await;
    let first = event(&format!("{TEXT}, IBAN {IBAN}"));
    send(&pipeline, &key, &first).await;
    stored(&pipeline, 1).await;

    // An application that produces itself, and a message that nobody can read: it becomes a dead letter.
    let producer = Producer::new(
        &KafkaConfig::new(pipeline.endpoints.kafka.clone()),
        "test",
        Duration::from_secs(20),
    )
    .expect("a producer");
    producer
        .send(EVENTS, b"k", b"no event, of no-such-person@nowhere.example")
        .await
        .expect("acknowledged");
    until("the message is rejected", || async {
        (pipeline.count("kind = 'rejected'").await == 1).then_some(())
    })
    .await;

    // Equality search, by keyed hashes.
    for filter in [
        "user_email=ada.lovelace@analytical.example",
        "subject=subject-4711-of-the-bank",
        "subject=Subject@Bank.example",
        &format!("q={IBAN}"),
        "q=DE89+3704+0044+0532+0130+00",
    ] {
        assert_eq!(found(&pipeline, &token, filter).await, 1, "{filter}");
    }
    for filter in [
        "user_email=someone@else.example",
        "subject=someone@else.example",
        "q=DE02120300000000202051",
    ] {
        assert_eq!(found(&pipeline, &token, filter).await, 0, "{filter}");
    }
    let before = revealed(&pipeline, &token, &first["event_id"]).await;
    assert_eq!(before["user_email"], EMAIL, "{before}");

    // Rotated while messages of the old payload key are in the topic, and wrapped anew.
    let status = keys(&pipeline, "status");
    assert_eq!(status["data_keys_left"], 0, "{status}");
    let rotated = keys(&pipeline, "rotate");
    assert_eq!(rotated["provider_key"], "k3", "{rotated}");
    send(&pipeline, &key, &event(TEXT)).await;
    stored(&pipeline, 2).await;
    let done = keys(&pipeline, "rewrap");
    assert_eq!(done["state"], "done", "{done}");
    let status = keys(&pipeline, "status");
    assert_eq!(status["data_keys_left"], 0, "{status}");
    let states: Vec<&str> = status["keks"]
        .as_array()
        .expect("keys")
        .iter()
        .filter_map(|kek| kek["state"].as_str())
        .collect();
    assert!(
        states.contains(&"destroyed") && states.contains(&"current"),
        "{states:?}"
    );
    assert!(!states.contains(&"retired"), "{states:?}");
    assert_eq!(revealed(&pipeline, &token, &first["event_id"]).await, before);
    until("the ledger heard of it", || async {
        // rotate, rotated, rewrap, rewrapped
        (pipeline
            .count("kind = 'key_change' AND header LIKE '%\"keys\"%'")
            .await
            == 4)
            .then_some(())
    })
    .await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");

    // A restart reads the old key file no more, and messages of both payload keys still open.
    pipeline.terminate().await;
    let disk = bytes_below(&pipeline.data().join("broker"));
    for text in CLEAR {
        assert!(
            !holds(&disk, text),
            "{text:?} is on the broker's disk in the clear"
        );
    }
    assert!(holds(&disk, "AALS\u{1}\u{1}"), "sealed payloads are there");
    // What an application put there itself is found, so that the search above can fail.
    assert!(holds(&disk, "no-such-person@nowhere.example"));
    pipeline.restart().await;
    let token = pipeline.token().await;
    assert_eq!(revealed(&pipeline, &token, &first["event_id"]).await, before);
}
