//! What becomes of events while the edge is away, and of those of a process that was killed.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aal_client::{AuditLayer, AuditMiddleware, Client, LayerSettings, RetryPolicy, Settings, Spool};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SECONDS: Duration = Duration::from_secs(20);
const ROOM: u64 = 1 << 20;

#[derive(Clone, Default)]
struct Edge {
    events: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
    address: String,
}

impl Edge {
    async fn start() -> Edge {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let edge = Edge {
            address: format!("http://{}", listener.local_addr().unwrap()),
            ..Edge::default()
        };
        let shared = edge.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let edge = shared.clone();
                let service = service_fn(move |request| edge.clone().answer(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        edge
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let body = request.into_body().collect().await?.to_bytes();
        let mut lines = Vec::new();
        let (status, answer) = if self.is_away.load(Ordering::Relaxed) {
            (503, json!({"title": "away"}))
        } else {
            lines.extend(
                body.split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(|line| serde_json::from_slice::<Value>(line).unwrap()),
            );
            let item = |event: &Value| json!({"status": 201, "event_id": event["event_id"], "receipt": "r"});
            (207, json!({"items": lines.iter().map(item).collect::<Vec<_>>()}))
        };
        self.events.lock().unwrap().extend(lines);
        let builder = Response::builder()
            .status(status)
            .header("content-type", "application/json");
        Ok(builder.body(Full::new(Bytes::from(answer.to_string()))).unwrap())
    }

    fn sequences(&self, instance: &str) -> Vec<u64> {
        let events = self.events.lock().unwrap();
        let of = events.iter().map(|event| &event["source"]);
        of.filter(|source| source["instance"] == instance)
            .map(|source| source["sequence"].as_u64().unwrap())
            .collect()
    }
}

fn layer(address: &str, instance: &str, spool: Option<Spool>) -> AuditLayer {
    let settings = Settings {
        retry: RetryPolicy {
            max_attempts: 2,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            give_up_after: SECONDS,
        },
        ..Settings::default()
    };
    let client = Client::with_settings(address, "aal_test", settings).unwrap();
    let settings = LayerSettings {
        linger: Duration::from_millis(10),
        instance: Some(instance.to_owned()),
        queue_events: 10,
        ..LayerSettings::new("tests")
    };
    match spool {
        Some(spool) => AuditLayer::with_spool(client, settings, spool),
        None => AuditLayer::new(client, settings),
    }
}

fn record(layer: &AuditLayer) {
    let event = json!({"provider": "own", "request": {"body": "x"}});
    layer.record(event).unwrap();
}

async fn spooled(layer: &AuditLayer, count: u64) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let reached = async {
        while layer.counts().spooled < count {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(SECONDS, reached).await.unwrap();
}

#[tokio::test]
async fn the_spool_keeps_events_while_the_edge_is_away_and_empties_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let edge = Edge::start().await;
    edge.is_away.store(true, Ordering::Relaxed);
    let layer = layer(
        &edge.address,
        "one",
        Some(Spool::open(folder.path(), ROOM).unwrap()),
    );
    // More than the queue holds.
    for number in 1..=25 {
        record(&layer);
        spooled(&layer, number).await;
    }
    assert!(edge.sequences("one").is_empty());
    edge.is_away.store(false, Ordering::Relaxed);
    assert!(layer.flush(SECONDS).await);
    record(&layer);
    let counts = layer.close(SECONDS).await;
    let told = (
        counts.recorded,
        counts.delivered,
        counts.dropped,
        counts.spooled,
        counts.pending,
    );
    assert_eq!(told, (26, 26, 0, 0, 0));
    assert_eq!(edge.sequences("one"), (0..26).collect::<Vec<_>>());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left"
    );
}

#[tokio::test]
async fn what_a_closed_layer_leaves_another_process_delivers() {
    let folder = tempfile::tempdir().unwrap();
    let first = layer(
        "http://127.0.0.1:9",
        "one",
        Some(Spool::open(folder.path(), ROOM).unwrap()),
    );
    for _ in 0..3 {
        record(&first);
    }
    let counts = first.close(Duration::from_millis(50)).await;
    assert_eq!((counts.spooled, counts.dropped, counts.pending), (3, 0, 0));

    let edge = Edge::start().await;
    let second = layer(
        &edge.address,
        "two",
        Some(Spool::open(folder.path(), ROOM).unwrap()),
    );
    record(&second);
    assert!(second.flush(SECONDS).await);
    let counts = second.close(SECONDS).await;
    assert_eq!((counts.recorded, counts.delivered, counts.recovered), (1, 1, 3));
    assert_eq!(edge.sequences("one"), [0, 1, 2]);
}

#[tokio::test]
async fn a_full_spool_drops_counts_and_shows_it_by_a_closing_event() {
    let folder = tempfile::tempdir().unwrap();
    let edge = Edge::start().await;
    edge.is_away.store(true, Ordering::Relaxed);
    let layer = layer(&edge.address, "one", Some(Spool::open(folder.path(), 0).unwrap()));
    for _ in 0..25 {
        record(&layer);
    }
    let dropped = layer.counts().dropped;
    assert!(dropped >= 15, "the queue holds ten: {dropped}");
    edge.is_away.store(false, Ordering::Relaxed);
    let counts = layer.close(SECONDS).await;
    assert_eq!((counts.recorded, counts.delivered + counts.dropped), (26, 26));
    let sequences = edge.sequences("one");
    assert_eq!(sequences.last(), Some(&25), "{sequences:?}");
    let events = edge.events.lock().unwrap();
    let closing = events.last().unwrap();
    assert_eq!(closing["tags"], json!({"aal.capture": "closing"}));
}

#[tokio::test]
async fn dropped_at_the_end_shows_by_a_closing_event_without_a_spool_too() {
    let edge = Edge::start().await;
    edge.is_away.store(true, Ordering::Relaxed);
    let layer = layer(&edge.address, "one", None);
    for _ in 0..12 {
        record(&layer);
    }
    edge.is_away.store(false, Ordering::Relaxed);
    let counts = layer.close(SECONDS).await;
    assert_eq!((counts.recorded, counts.delivered, counts.dropped), (13, 11, 2));
    let expected: Vec<u64> = (0..10).chain([12]).collect();
    assert_eq!(edge.sequences("one"), expected);
}

#[tokio::test]
async fn calls_do_not_wait_for_an_edge_that_stalls() {
    // Connections wait in the kernel for an edge that never takes them.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let layer = layer(&format!("http://{}", mute.local_addr().unwrap()), "one", None);
    let provider = Edge::start().await;
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(AuditMiddleware::new(layer.clone(), Some("own")))
        .build();
    for _ in 0..15 {
        let answer = client.post(&provider.address).body("{}").send().await.unwrap();
        assert_eq!(
            answer.text().await.unwrap(),
            r#"{"items":[{"event_id":null,"receipt":"r","status":201}]}"#
        );
    }
    let counts = layer.counts();
    assert_eq!((counts.recorded, counts.dropped, counts.pending), (15, 5, 10));
}

/// Set in the process that is killed: where it spools, and where its edge is.
const CHILD: &str = "AAL_TEST_KILLED_CHILD";

#[tokio::test]
async fn a_killed_process_with_a_spool_shows_its_loss_as_a_gap() {
    if let Ok(told) = std::env::var(CHILD) {
        let (folder, address) = told.split_once('|').unwrap();
        let layer = layer(address, "killed", Some(Spool::open(folder, ROOM).unwrap()));
        (0..3).for_each(|_| record(&layer));
        assert!(layer.flush(SECONDS).await);
        // On one thread nothing is delivered between these and the end.
        (0..4).for_each(|_| record(&layer));
        println!("\nready");
        std::thread::sleep(SECONDS);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let edge = Edge::start().await;
    let told = format!("{}|{}", folder.path().display(), edge.address);
    let name = "a_killed_process_with_a_spool_shows_its_loss_as_a_gap";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, told)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let ready = tokio::task::spawn_blocking(move || {
        output.lines().any(|line| line.is_ok_and(|line| line == "ready"))
    });
    assert!(ready.await.unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(edge.sequences("killed"), [0, 1, 2]);

    let next = layer(
        &edge.address,
        "next",
        Some(Spool::open(folder.path(), ROOM).unwrap()),
    );
    assert!(next.flush(SECONDS).await);
    next.close(SECONDS).await;
    // 3, 4, 5 and 6 are missing below the closing event's number.
    assert_eq!(edge.sequences("killed"), [0, 1, 2, 7]);
    let closing = edge.events.lock().unwrap().last().unwrap().clone();
    assert_eq!(closing["tags"], json!({"aal.capture": "closing"}));
}
