//! The layer: numbering, limits, context, `fail_closed`. Whole exchanges are compared by `tests/sdk-conformance`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aal_client::{
    Attribution, AuditLayer, AuditMiddleware, Client, Context, LayerSettings, RetryPolicy, Settings,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<Value>>>;

/// Takes events and calls of a provider alike; `statuses` are given for requests of the edge, then 201 and 207.
async fn serve(statuses: Vec<u16>) -> (String, Seen, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (events, calls) = (Seen::default(), Seen::default());
    let statuses = Arc::new(Mutex::new(VecDeque::from(statuses)));
    let shared = (events.clone(), calls.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (events, calls) = shared.clone();
            let statuses = statuses.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let (events, calls, statuses) = (events.clone(), calls.clone(), statuses.clone());
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await?.to_bytes();
                    let answer = |status: u16, body: Value| {
                        let builder = Response::builder()
                            .status(status)
                            .header("content-type", "application/json");
                        Ok::<_, hyper::Error>(builder.body(Full::new(Bytes::from(body.to_string()))).unwrap())
                    };
                    if !path.starts_with("/api/v1/audit/") {
                        calls.lock().unwrap().push(json!(path));
                        return answer(200, json!({"answer": 42}));
                    }
                    let status = statuses.lock().unwrap().pop_front();
                    if let Some(status) = status {
                        return answer(status, json!({"title": "no"}));
                    }
                    let lines: Vec<Value> = body
                        .split(|byte| *byte == b'\n')
                        .filter(|line| !line.is_empty())
                        .map(|line| serde_json::from_slice(line).unwrap())
                        .collect();
                    let item =
                        |event: &Value| json!({"status": 201, "event_id": event["event_id"], "receipt": "r"});
                    let items: Vec<Value> = lines.iter().map(item).collect();
                    events.lock().unwrap().extend(lines);
                    match path.ends_with("/log") {
                        true => answer(201, items[0].clone()),
                        false => answer(207, json!({"items": items})),
                    }
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, events, calls)
}

fn layer(address: &str, change: impl FnOnce(&mut LayerSettings)) -> AuditLayer {
    let retry = RetryPolicy {
        max_attempts: 3,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        give_up_after: Duration::from_secs(10),
    };
    let client = Client::with_settings(
        address,
        "aal_test",
        Settings {
            retry,
            ..Settings::default()
        },
    );
    let mut settings = LayerSettings {
        linger: Duration::from_millis(10),
        ..LayerSettings::new("tests")
    };
    change(&mut settings);
    AuditLayer::new(client.unwrap(), settings)
}

fn client(layer: &AuditLayer) -> reqwest_middleware::ClientWithMiddleware {
    reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(AuditMiddleware::new(layer.clone(), Some("own")))
        .build()
}

const SECONDS: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_is_recorded_with_its_context_and_its_answer_is_unchanged() {
    let (address, events, _) = serve(vec![]).await;
    let layer = layer(&address, |_| {});
    let context = Context::new(&Attribution {
        user_id: Some("u-1".into()),
        ..Attribution::default()
    });
    let response = context
        .scope(
            client(&layer)
                .post(format!("{address}/v1/x?key=abc&v=1"))
                .body("{}")
                .send(),
        )
        .await
        .unwrap();
    assert_eq!(response.url().path(), "/v1/x");
    assert_eq!(response.text().await.unwrap(), r#"{"answer":42}"#);
    assert!(layer.flush(SECONDS).await);
    let events = events.lock().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], json!(context.last_event_id()));
    assert_eq!(events[0]["user_id"], "u-1");
    assert_eq!(events[0]["request"]["url"], format!("{address}/v1/x?v=1"));
    assert_eq!(events[0]["response"]["body"], r#"{"answer":42}"#);
    assert_eq!(events[0]["source"]["sequence"], 0);
}

#[tokio::test]
async fn a_full_queue_drops_counts_and_leaves_a_gap() {
    let (address, events, _) = serve(vec![]).await;
    let layer = layer(&address, |settings| {
        settings.queue_events = 3;
        settings.linger = SECONDS;
    });
    let event = || json!({"provider": "own", "request": {"body": "x"}});
    for _ in 0..5 {
        layer.record(event()).unwrap();
    }
    assert!(layer.flush(SECONDS).await);
    layer.record(event()).unwrap();
    let counts = layer.close(SECONDS).await;
    assert_eq!((counts.recorded, counts.delivered, counts.dropped), (6, 4, 2));
    let sequences: Vec<u64> = events
        .lock()
        .unwrap()
        .iter()
        .map(|event| event["source"]["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [0, 1, 2, 5]);
    assert!(layer.record(event()).is_ok());
    assert_eq!(layer.counts().dropped, 3);
}

#[tokio::test]
async fn fail_closed_asks_first_and_does_not_call_without_an_answer() {
    let (address, events, calls) = serve(vec![503, 503, 503, 400]).await;
    let layer = layer(&address, |settings| settings.fail_closed = true);
    let call = || client(&layer).post(format!("{address}/v1/x")).body("{}").send();
    for _ in 0..2 {
        let error = call().await.unwrap_err();
        assert!(
            error.to_string().contains("intent was not acknowledged"),
            "{error}"
        );
    }
    assert!(calls.lock().unwrap().is_empty());
    call().await.unwrap().bytes().await.unwrap();
    assert!(layer.flush(SECONDS).await);
    let events = events.lock().unwrap();
    assert_eq!(events[0]["tags"], json!({"aal.capture": "intent"}));
    assert_eq!(events[1]["tags"], json!({"aal.intent": events[0]["event_id"]}));
    assert_eq!(calls.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_refused_as_a_whole_is_taken_apart_and_an_unknown_key_is_waited_for() {
    let (address, events, _) = serve(vec![401, 400, 400]).await;
    let layer = layer(&address, |settings| settings.linger = SECONDS);
    for _ in 0..2 {
        layer
            .record(json!({"provider": "own", "request": {"body": "x"}}))
            .unwrap();
    }
    assert!(layer.flush(SECONDS).await);
    let counts = layer.close(SECONDS).await;
    assert_eq!((counts.recorded, counts.delivered, counts.refused), (2, 1, 1));
    assert_eq!(events.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_delivered_until_the_end_is_counted_as_dropped() {
    let layer = layer("http://127.0.0.1:9", |_| {});
    layer
        .record(json!({"provider": "own", "request": {"body": "x"}}))
        .unwrap();
    let counts = layer.close(Duration::from_millis(100)).await;
    assert_eq!((counts.recorded, counts.dropped, counts.pending), (1, 1, 0));
}

#[tokio::test]
async fn what_record_is_given_is_checked_and_switched_off_it_does_nothing() {
    let layer_on = layer("http://127.0.0.1:9", |_| {});
    for event in [json!([]), json!({"request": {}}), json!({"provider": "own"})] {
        assert!(layer_on.record(event).is_err());
    }
    let off = layer("http://127.0.0.1:9", |settings| settings.enabled = false);
    assert_eq!(
        off.record(json!({"provider": "own", "request": {}})).unwrap(),
        None
    );
    assert_eq!(off.counts().recorded, 0);
}
