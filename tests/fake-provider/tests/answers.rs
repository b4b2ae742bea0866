//! The provider over the wire: every dialect, every behaviour.

use std::time::Duration;

use aal_fake_provider::{Options, Running, start};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

type Http = Client<HttpConnector, Full<Bytes>>;

async fn provider() -> (Running, Http) {
    let options = Options {
        pace: Duration::ZERO,
        ..Options::default()
    };
    let running = start(options).await.unwrap();
    (running, Client::builder(TokioExecutor::new()).build_http())
}

struct Got {
    status: StatusCode,
    content_type: String,
    body: Bytes,
    is_whole: bool,
}

async fn post(running: &Running, http: &Http, path: &str, body: &Value, headers: &[(&str, &str)]) -> Got {
    let mut request = Request::post(format!("{}{path}", running.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_string())).unwrap();
    let response = http.request(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = response.into_body();
    let mut collected = Vec::new();
    let mut is_whole = true;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => collected.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..])),
            Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    Got {
        status,
        content_type: headers["content-type"].to_str().unwrap().to_owned(),
        body: collected.into(),
        is_whole,
    }
}

fn chat(text: &str, stream: bool) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "stream": stream})
}

#[tokio::test]
async fn every_dialect_answers_plain_and_streamed() {
    let (running, http) = provider().await;
    let prompt = chat("hello", false);
    let streamed = chat("hello", true);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]});
    let calls = [
        (
            "/v1/chat/completions",
            &prompt,
            "application/json",
            "chat.completion",
        ),
        (
            "/v1/chat/completions",
            &streamed,
            "text/event-stream",
            "data: [DONE]",
        ),
        (
            "/openai/deployments/d/chat/completions?api-version=1",
            &prompt,
            "application/json",
            "chat.completion",
        ),
        (
            "/openai/v1/chat/completions",
            &streamed,
            "text/event-stream",
            "x_groq",
        ),
        (
            "/v1/completions",
            &json!({"model": "m", "prompt": "hello"}),
            "application/json",
            "text_completion",
        ),
        (
            "/v1/responses",
            &json!({"model": "m", "input": "hello"}),
            "application/json",
            "output_text",
        ),
        (
            "/v1/responses",
            &json!({"model": "m", "input": "hello", "stream": true}),
            "text/event-stream",
            "response.completed",
        ),
        (
            "/v1/embeddings",
            &json!({"model": "m", "input": ["a", "b"]}),
            "application/json",
            "embedding",
        ),
        ("/v1/messages", &prompt, "application/json", "end_turn"),
        ("/v1/messages", &streamed, "text/event-stream", "message_stop"),
        (
            "/v1/chat",
            &json!({"message": "hello"}),
            "application/json",
            "COMPLETE",
        ),
        (
            "/v1/chat",
            &json!({"message": "hello", "stream": true}),
            "application/stream+json",
            "stream-end",
        ),
        ("/v2/chat", &prompt, "application/json", "COMPLETE"),
        ("/v2/chat", &streamed, "text/event-stream", "message-end"),
        (
            "/v2/embed",
            &json!({"texts": ["a"]}),
            "application/json",
            "embeddings_by_type",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            &gemini,
            "application/json",
            "usageMetadata",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            &gemini,
            "text/event-stream",
            "data: {",
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            &gemini,
            "application/json",
            "STOP",
        ),
        (
            "/v1/projects/p/locations/l/publishers/google/models/g:generateContent",
            &gemini,
            "application/json",
            "STOP",
        ),
        ("/api/chat", &prompt, "application/json", "done_reason"),
        ("/api/chat", &streamed, "application/x-ndjson", "eval_count"),
        (
            "/model/amazon.nova-lite-v1%3A0/converse",
            &converse,
            "application/json",
            "stopReason",
        ),
        (
            "/model/amazon.nova-lite-v1%3A0/converse-stream",
            &converse,
            "application/vnd.amazon.eventstream",
            "messageStop",
        ),
        (
            "/model/anthropic.claude-v2%3A1/invoke",
            &prompt,
            "application/json",
            "end_turn",
        ),
        (
            "/model/anthropic.claude-v2%3A1/invoke-with-response-stream",
            &prompt,
            "application/vnd.amazon.eventstream",
            "chunk",
        ),
    ];
    for (path, body, content_type, contained) in calls {
        let got = post(&running, &http, path, body, &[]).await;
        let text = String::from_utf8_lossy(&got.body);
        assert_eq!(got.status, 200, "{path}: {text}");
        assert!(
            got.content_type.starts_with(content_type),
            "{path}: {}",
            got.content_type
        );
        assert!(text.contains(contained), "{path}: {text}");
        let again = post(&running, &http, path, body, &[]).await;
        assert_eq!(got.body, again.body, "{path} is deterministic");
    }
}

#[tokio::test]
async fn misbehaviour_comes_on_request() {
    let (running, http) = provider().await;
    let with = |behaviour: &'static str| [("x-fake-behaviour", behaviour)];
    let path = "/v1/chat/completions";
    for (behaviour, status) in [("429", 429), ("500", 500)] {
        let got = post(&running, &http, path, &chat("x", false), &with(behaviour)).await;
        assert_eq!(got.status, status);
        assert!(serde_json::from_slice::<Value>(&got.body).unwrap()["error"]["message"].is_string());
    }
    for stream in [false, true] {
        let got = post(&running, &http, path, &chat("x [[fake:cut]]", stream), &[]).await;
        assert!(!got.is_whole && !got.body.is_empty(), "stream: {stream}");
        let got = post(&running, &http, path, &chat("x", stream), &with("bad-json")).await;
        assert!(got.is_whole && got.body.windows(7).any(|window| window == b"#broken"));
        let got = post(&running, &http, path, &chat("x", stream), &with("big")).await;
        assert!(
            got.is_whole && got.body.len() > 10 * 1024 * 1024,
            "{}",
            got.body.len()
        );
    }
    let got = post(&running, &http, path, &chat("x", false), &with("misspelt")).await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn tools_are_called_when_asked_for() {
    let (running, http) = provider().await;
    let mut body = chat("weather? [[fake:tool]]", false);
    body["tools"] = json!([{"type": "function", "function": {
        "name": "get_weather", "parameters": {"type": "object", "required": ["city"]},
    }}]);
    let got = post(&running, &http, "/v1/chat/completions", &body, &[]).await;
    let answer: Value = serde_json::from_slice(&got.body).unwrap();
    let function = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(function["name"], "get_weather");
    assert_eq!(function["arguments"], r#"{"city":"fake"}"#);
}

#[tokio::test]
async fn requests_are_listed_and_forgotten() {
    let (running, http) = provider().await;
    post(
        &running,
        &http,
        "/v1/chat/completions?a=1",
        &chat("x", false),
        &[("authorization", "Bearer t")],
    )
    .await;
    let listing = || async {
        let request = Request::get(format!("{}/_fake/requests", running.url()));
        let response = http
            .request(request.body(Full::default()).unwrap())
            .await
            .unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let listed = listing().await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["path"], "/v1/chat/completions?a=1");
    assert_eq!(listed[0]["headers"]["authorization"], json!(["Bearer t"]));
    let clear = Request::delete(format!("{}/_fake/requests", running.url()));
    let cleared = http.request(clear.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(cleared.status(), 204);
    assert_eq!(listing().await, json!([]));
}
