//! The client against an edge that does everything wrong, one fault at a time.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aal_client::{Client, ClientError, Counts, RetryPolicy, Settings};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

/// What the fake does with the next request.
enum Act {
    /// Takes the event and answers as the edge does.
    Accept,
    /// Takes the event, then drops the connection without an answer.
    AcceptAndHangUp,
    /// Never answers.
    Stall,
    Status(u16, &'static str),
    /// 207 with these statuses.
    Multi(Vec<u16>),
}

#[derive(Default)]
struct Seen {
    bodies: Mutex<Vec<String>>,
    headers: Mutex<Vec<(String, Option<String>)>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

struct Fake {
    address: SocketAddr,
    seen: Arc<Seen>,
}

fn item(line: &str, status: u16) -> Value {
    let event: Value = serde_json::from_str(line).unwrap();
    match status {
        201 => json!({"status": 201, "event_id": event["event_id"], "receipt": "r"}),
        _ => json!({"status": status, "event_id": event["event_id"], "problem": {"title": "no"}}),
    }
}

async fn answer(act: Act, body: &str) -> Result<Response<Full<Bytes>>, &'static str> {
    let respond = |status: u16, body: String| {
        Ok(Response::builder()
            .status(status)
            .header("retry-after", "0")
            .body(Full::from(body))
            .unwrap())
    };
    match act {
        Act::Accept => {
            let event: Value = serde_json::from_str(body).unwrap();
            let event_id = event["event_id"]
                .as_str()
                .map_or_else(|| Uuid::nil().to_string(), str::to_owned);
            respond(
                201,
                json!({"event_id": event_id, "receipt": "signed"}).to_string(),
            )
        }
        Act::AcceptAndHangUp => Err("hang up"),
        Act::Stall => std::future::pending().await,
        Act::Status(status, body) => respond(status, body.to_owned()),
        Act::Multi(statuses) => {
            let items: Vec<Value> = body
                .lines()
                .zip(statuses)
                .map(|(line, status)| item(line, status))
                .collect();
            respond(207, json!({"items": items}).to_string())
        }
    }
}

/// Serves the acts in turn; once they are used up, everything is accepted.
async fn fake(acts: Vec<Act>) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let acts = Arc::new(Mutex::new(VecDeque::from(acts)));
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acts, seen) = (acts.clone(), shared.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (acts, seen) = (acts.clone(), seen.clone());
                async move {
                    let now = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                    seen.most_in_flight.fetch_max(now, Ordering::SeqCst);
                    let header = |name| {
                        request
                            .headers()
                            .get(name)
                            .map(|value| value.to_str().unwrap().to_owned())
                    };
                    let headers = (header("authorization").unwrap(), header("idempotency-key"));
                    seen.headers.lock().unwrap().push(headers);
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let body = String::from_utf8(body.to_vec()).unwrap();
                    seen.bodies.lock().unwrap().push(body.clone());
                    let act = acts.lock().unwrap().pop_front().unwrap_or(Act::Accept);
                    let answered = answer(act, &body).await;
                    seen.in_flight.fetch_sub(1, Ordering::SeqCst);
                    answered
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Fake { address, seen }
}

impl Fake {
    fn client(&self) -> Client {
        self.client_with(Settings::default().request_timeout)
    }

    fn client_with(&self, request_timeout: Duration) -> Client {
        let retry = RetryPolicy {
            max_attempts: 5,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            give_up_after: Duration::from_secs(60),
        };
        let settings = Settings {
            retry,
            request_timeout,
            max_in_flight: 4,
            ..Settings::default()
        };
        Client::with_settings(&format!("http://{}/", self.address), "aal_test_key", settings).unwrap()
    }

    fn bodies(&self) -> Vec<String> {
        self.seen.bodies.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn an_event_is_recorded_and_the_key_is_sent() {
    let fake = fake(vec![]).await;
    let client = fake.client();
    let event_id = Uuid::now_v7();
    let receipt = client
        .record(&json!({"event_id": event_id, "application": "a"}))
        .await
        .unwrap();
    assert_eq!(receipt.event_id, event_id);
    assert_eq!(receipt.receipt, "signed");
    assert_eq!(fake.seen.headers.lock().unwrap()[0].0, "Bearer aal_test_key");
    assert_eq!(client.counts().recorded, 1);
}

#[tokio::test]
async fn every_attempt_carries_the_same_event_id() {
    let fake = fake(vec![
        Act::Status(503, "{}"),
        Act::Status(429, "{}"),
        Act::AcceptAndHangUp,
        Act::Status(502, "<html>bad gateway</html>"),
    ])
    .await;
    let client = fake.client();
    client.record(&json!({"application": "a"})).await.unwrap();
    let bodies = fake.bodies();
    assert_eq!(bodies.len(), 5);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert!(bodies[0].contains("event_id"));
    let counts = client.counts();
    assert_eq!((counts.recorded, counts.retries, counts.given_up), (1, 4, 0));
    assert_eq!(counts.bytes_sent, 5 * bodies[0].len() as u64);
}

#[tokio::test]
async fn a_stalled_edge_costs_a_time_out_and_not_the_event() {
    let fake = fake(vec![Act::Stall]).await;
    let client = fake.client_with(Duration::from_millis(300));
    client.record(&json!({"application": "a"})).await.unwrap();
    assert_eq!(fake.bodies().len(), 2);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_names_what_is_wrong() {
    let problem = r#"{"type":"/problems/validation","title":"validation","detail":"2 errors",
        "errors":[{"pointer":"/provider","message":"is required"},{"pointer":"/x","message":"unknown key"}]}"#;
    let fake = fake(vec![Act::Status(400, problem)]).await;
    let client = fake.client();
    let error = client.record(&json!({"application": "a"})).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("400") && text.contains("/provider: is required") && text.contains("/x"),
        "{text}"
    );
    assert_eq!(fake.bodies().len(), 1);
    assert_eq!(
        client.counts(),
        Counts {
            refused: 1,
            bytes_sent: fake.bodies()[0].len() as u64,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn it_gives_up_and_says_why() {
    let fake = fake(
        (0..9)
            .map(|_| Act::Status(503, r#"{"detail":"kafka is down"}"#))
            .collect(),
    )
    .await;
    let client = fake.client();
    let error = client.record(&json!({"application": "a"})).await.unwrap_err();
    let ClientError::GaveUp { attempts, last, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(attempts, 5);
    assert_eq!(last, "status 503: kafka is down");
    assert_eq!(client.counts().given_up, 1);
}

#[tokio::test]
async fn nobody_listening_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Fake {
        address,
        seen: Arc::default(),
    }
    .client();
    let error = client.record(&json!({"application": "a"})).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("connect"), "{error}");
}

#[tokio::test]
async fn a_batch_sends_again_only_what_was_not_taken() {
    let fake = fake(vec![
        Act::Multi(vec![201, 503, 400, 503]),
        Act::Multi(vec![503, 201]),
        Act::Multi(vec![201]),
    ])
    .await;
    let client = fake.client();
    let lines: Vec<String> = (0..4)
        .map(|n| json!({"event_id": Uuid::from_u128(n), "n": n}).to_string())
        .collect();
    let reply = client.record_batch(Bytes::from(lines.join("\n"))).await.unwrap();
    let statuses: Vec<u16> = reply.items.iter().map(|item| item.status).collect();
    assert_eq!(statuses, [201, 201, 400, 201]);
    assert_eq!(reply.items[2].problem.as_ref().unwrap().title, "no");
    assert_eq!(fake.bodies()[1], format!("{}\n{}\n", lines[1], lines[3]));
    assert_eq!(fake.bodies()[2], format!("{}\n", lines[1]));
    let counts = client.counts();
    assert_eq!((counts.recorded, counts.refused, counts.given_up), (3, 1, 0));
}

#[tokio::test]
async fn an_outcome_keeps_its_idempotency_key() {
    let fake = fake(vec![Act::Status(503, "{}")]).await;
    fake.client()
        .record_outcome(Uuid::nil(), Uuid::from_u128(7), &json!({"outcome": "approved"}))
        .await
        .unwrap();
    let headers = fake.seen.headers.lock().unwrap().clone();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers[0].1, Some(Uuid::from_u128(7).to_string()));
    assert_eq!(headers[0].1, headers[1].1);
}

#[tokio::test]
async fn concurrency_is_bounded() {
    let fake = fake(vec![]).await;
    let client = fake.client();
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.record(&json!({"application": "a"})).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(fake.seen.most_in_flight.load(Ordering::SeqCst) <= 4);
    assert_eq!(client.counts().recorded, 40);
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_before_sending() {
    assert!(matches!(
        Client::new("127.0.0.1:1", "k"),
        Err(ClientError::Setup(_))
    ));
    assert!(matches!(
        Client::new("http://127.0.0.1:1", "line\nbreak"),
        Err(ClientError::Setup(_))
    ));
    let client = Client::new("http://127.0.0.1:1", "k").unwrap();
    assert!(matches!(
        client.record(&json!([1])).await,
        Err(ClientError::Event(_))
    ));
    assert!(matches!(
        client.record_batch(Bytes::from_static(b"{}\n")).await,
        Err(ClientError::Event(_))
    ));
}
