//! Calls that end badly: what was seen until then is recorded, and the application learns no less than without us.

use std::time::Duration;

use serde_json::json;

use crate::rigging::{chat, gateway, notes, request_body, response_body, see, upstream};

const PATH: &str = "openai/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_chunks_arrive_although_the_answer_never_ends() {
    // A stalled stream proves it: whoever waits for the end before handing on would hand on nothing.
    let gateway = gateway(|_| {}).await;
    let mut response = gateway
        .post(PATH, &chat("x [[fake:stall]]", true))
        .send()
        .await
        .unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: {"));
    drop(response);
    let event = gateway.event().await;
    assert!(event.interrupted);
    assert_eq!(event.error.as_ref().unwrap().r#type, "client_disconnected");
    assert!(response_body(&event).starts_with(&first));
    let timing = event.timing.unwrap();
    assert!(timing.first_token_us.unwrap() <= timing.duration_us.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_stalls_is_given_up_after_the_configured_time() {
    let gateway = gateway(|gateway| gateway.timeouts.idle_ms = 300).await;
    let seen = see(gateway.post(PATH, &chat("x [[fake:stall]]", true))).await;
    assert!(!seen.is_whole && !seen.body.is_empty());
    let event = gateway.event().await;
    assert!(event.interrupted);
    assert_eq!(event.error.as_ref().unwrap().r#type, "provider_stalled");
    assert_eq!(response_body(&event), seen.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_leaves_before_the_answer_is_recorded_too() {
    let gateway = gateway(|gateway| {
        // Accepts connections and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        gateway
            .upstreams
            .insert("silent".to_owned(), upstream(&url, "openai"));
        std::thread::spawn(move || silent.incoming().map_while(Result::ok).collect::<Vec<_>>());
    })
    .await;
    let call = gateway.post("silent/v1/chat/completions", &chat("hello?", false));
    let task = tokio::spawn(call.send());
    gateway.metric("gateway_calls_under_way", 1).await;
    task.abort();
    let event = gateway.event().await;
    assert!(event.interrupted && event.response.is_none());
    assert_eq!(event.error.unwrap().r#type, "client_disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_is_502_and_one_that_is_mute_504() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gateway = gateway(|gateway| {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        gateway
            .upstreams
            .insert("silent".to_owned(), upstream(&url, "openai"));
        std::thread::spawn(move || silent.incoming().map_while(Result::ok).collect::<Vec<_>>());
        gateway
            .upstreams
            .insert("gone".to_owned(), upstream(&format!("http://{closed}"), "openai"));
        gateway.timeouts.head_ms = 300;
    })
    .await;
    for (path, status, kind) in [
        ("gone/v1/chat/completions", 502, "provider_unreachable"),
        ("silent/v1/chat/completions", 504, "provider_stalled"),
    ] {
        let body = chat(kind, false);
        let response = gateway.post(path, &body).send().await.unwrap();
        assert_eq!(response.status(), status);
        let id = response.headers()["x-audit-event-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let problem = crate::support::problem(response).await;
        assert!(
            problem["type"]
                .as_str()
                .unwrap()
                .starts_with("/problems/provider-"),
            "{problem}"
        );
        let events = gateway.events(if status == 502 { 1 } else { 2 }).await;
        let event = events
            .iter()
            .find(|event| event.event_id.to_string() == id)
            .unwrap();
        assert_eq!(event.error.as_ref().unwrap().r#type, kind);
        // Nothing is read from the application for a provider that is not there.
        let asked = if status == 502 {
            String::new()
        } else {
            body.to_string()
        };
        assert_eq!(request_body(event), asked.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything() {
    let gateway = gateway(|_| {}).await;
    let body = chat("much [[fake:big]]", true);
    let direct = see(gateway.direct(PATH, &body)).await;
    let mut response = gateway.post(PATH, &body).send().await.unwrap();
    let mut read = Vec::new();
    let mut chunks = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        read.extend_from_slice(&chunk);
        chunks += 1;
        // Slower than the provider: everything in between must wait, not grow and not give up.
        if chunks % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(direct.body == read, "the answers differ");
    assert!(response_body(&gateway.event().await) == read);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_pass_and_leave_their_digest() {
    let gateway = gateway(|gateway| gateway.limits.capture_bytes = 2_048).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x".repeat(10_000)}]});
    let direct = see(gateway.direct(PATH, &body)).await;
    let through = see(gateway.post(PATH, &body)).await;
    assert_eq!(direct, through);
    let event = gateway.event().await;
    let noted = &notes(&event)["request"];
    assert_eq!(noted["truncated"], true);
    assert_eq!(noted["bytes"], body.to_string().len());
    assert_eq!(noted["sha256"].as_str().unwrap().len(), 64);
    assert!(body.to_string().as_bytes().starts_with(request_body(&event)));
    assert!(request_body(&event).len() <= 2_048);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_under_way_are_recorded_when_the_gateway_stops() {
    let gateway = gateway(|gateway| gateway.timeouts.drain_ms = 200).await;
    let mut response = gateway
        .post(PATH, &chat("x [[fake:stall]]", true))
        .send()
        .await
        .unwrap();
    response.chunk().await.unwrap().unwrap();
    gateway.rig.shutdown.request();
    // After the time to drain the connection is cut.
    while let Ok(Some(_)) = response.chunk().await {}
    let event = gateway.event().await;
    assert!(event.interrupted);
    assert!(!response_body(&event).is_empty());
}
