//! Calls through the gateway of `audit up`, all the way into the ledger.

use aal_fake_provider::{Options, start};
use audit_tests::{Pipeline, Start, until};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Row, Deserialize)]
struct Stored {
    event_id: String,
    provider: String,
    operation: String,
    model: String,
    status: u16,
    interrupted: bool,
    streamed: bool,
    input_tokens: u64,
    output_tokens: u64,
    session_id: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_through_the_gateway_become_records_that_verify() {
    let provider = start(Options::default()).await.expect("the provider starts");
    let url = provider.url();
    let pipeline = Pipeline::start(Start {
        gateway_upstreams: vec![format!("openai={url}"), format!("anthropic={url}")],
        ..Start::default()
    })
    .await;
    let token = pipeline.token().await;
    // A replay makes the first tenant, whose key the calls come with.
    pipeline.audit(&[
        "replay",
        &audit_tests::recordings("together.jsonl").display().to_string(),
    ]);
    let key = pipeline.api_key(&token, "loans").await;
    let call = |path: &'static str, body: Value| {
        let url = format!("http://{}/gateway/{path}", pipeline.endpoints.edge);
        let request = pipeline.http.post(url).header("x-audit-key", &key);
        let request = request
            .header("content-type", "application/json")
            .header("x-audit-session", "case-1");
        async move {
            let response = request.body(body.to_string()).send().await.expect("it answers");
            let id = response.headers()["x-audit-event-id"]
                .to_str()
                .expect("an id")
                .to_owned();
            let status = response.status().as_u16();
            // A cut stream ends with an error here; what is stored of it is looked at below.
            let _ = response.bytes().await;
            (id, status)
        }
    };
    let chat = |text: &str, stream: bool| {
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": 99,
               "stream_options": {"include_usage": true}})
    };
    let openai = "openai/v1/chat/completions";
    let anthropic = "anthropic/v1/messages";
    let cases = [
        ("plain", openai, chat("hello", false)),
        ("stream", openai, chat("hello", true)),
        ("message", anthropic, chat("hello", true)),
        ("limit", openai, chat("hello [[fake:429]]", false)),
        ("cut", openai, chat("hello [[fake:cut]]", true)),
    ];
    let mut ids = Vec::new();
    for (name, path, body) in cases {
        ids.push((name, call(path, body).await));
    }
    until("every call is stored", || async {
        (pipeline.count("kind = 'event' AND application = 'loans'").await >= ids.len() as u64).then_some(())
    })
    .await;
    let sql = "SELECT toString(event_id) AS event_id, provider, operation, model, status, interrupted, streamed, \
               input_tokens, output_tokens, session_id FROM records WHERE application = 'loans'";
    let stored: Vec<Stored> = pipeline
        .store()
        .client()
        .query(sql)
        .fetch_all()
        .await
        .expect("the store answers");
    assert_eq!(stored.len(), ids.len(), "none twice, none more: {stored:#?}");
    for (name, (id, status)) in &ids {
        let record = stored
            .iter()
            .find(|record| record.event_id == *id)
            .expect("it is stored");
        assert_eq!(record.status, *status, "{name}");
        assert_eq!(record.session_id, "case-1");
        assert_eq!(record.interrupted, *name == "cut", "{name}");
        assert_eq!(
            record.provider,
            if *name == "message" { "anthropic" } else { "openai" }
        );
        let operation = if *name == "message" { "messages" } else { "chat" };
        assert_eq!(record.operation, operation, "{name}: {record:?}");
        if ["plain", "stream", "message"].contains(name) {
            assert_eq!((record.input_tokens, record.output_tokens), (2, 12), "{name}");
            assert_eq!(record.model, "gpt-4o");
            assert_eq!(record.streamed, *name != "plain");
        }
    }
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_ne!(status, 1, "nothing is refuted: {report}");
}
