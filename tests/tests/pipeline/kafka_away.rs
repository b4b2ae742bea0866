//! Kafka stands still under load: applications notice nothing, and nothing is missing afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aal_client::{AuditLayer, AuditMiddleware, Client, LayerSettings};
use aal_fake_provider::{Options, start};
use audit_tests::{Pipeline, Signal, Start, until};
use clickhouse::Row;
use reqwest_middleware::ClientWithMiddleware;
use serde::Deserialize;
use serde_json::json;

/// Applications at a time, and the pause between the calls of one.
const APPLICATIONS: usize = 4;
const PAUSE: Duration = Duration::from_millis(50);
/// Calls of all applications before and after the outage, and in it at least.
const CALLS: usize = 40;
/// How long Kafka stands still, in seconds; `AAL_KAFKA_AWAY_S=60` makes it the campaign of docs/gateway.md.
const AWAY_S: u64 = 5;
const DELIVERED_WITHIN: Duration = Duration::from_secs(120);

/// What the applications share.
struct Load {
    plain: reqwest::Client,
    audited: ClientWithMiddleware,
    provider: String,
    gateway: String,
    gateway_key: String,
    rounds: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    async fn answer(request: reqwest_middleware::RequestBuilder) -> (u16, Vec<u8>) {
        let answer = request.send().await.expect("the application gets an answer");
        let status = answer.status().as_u16();
        (status, answer.bytes().await.expect("a whole answer").to_vec())
    }

    /// One call three times: without us, through the gateway, and with the SDK.
    async fn round(&self, number: usize) {
        let text = format!("call {number}");
        let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}],
                          "stream": number.is_multiple_of(2)});
        let plain = ClientWithMiddleware::from(self.plain.clone());
        let ask = |client: &ClientWithMiddleware, base: &str| {
            let request = client.post(format!("{base}/v1/chat/completions"));
            let request = request.header("content-type", "application/json");
            request.body(body.to_string())
        };
        let alone = Self::answer(ask(&plain, &self.provider)).await;
        let through = ask(&plain, &self.gateway).header("x-audit-key", &self.gateway_key);
        assert!(alone == Self::answer(through).await, "the gateway changed {text}");
        let with_sdk = ask(&self.audited, &self.provider);
        assert!(alone == Self::answer(with_sdk).await, "the SDK changed {text}");
    }

    async fn application(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PAUSE);
        while !self.is_over.load(Ordering::Relaxed) {
            ticks.tick().await;
            self.round(self.rounds.fetch_add(1, Ordering::Relaxed)).await;
        }
    }

    async fn more_rounds(&self, more: usize) {
        let wanted = self.rounds.load(Ordering::Relaxed) + more;
        until("the applications go on", || async {
            (self.rounds.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }
}

#[derive(Debug, Row, Deserialize)]
struct Sent {
    events: u64,
    ids: u64,
    numbers: u64,
    last_number: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kafka_is_away_applications_notice_nothing_and_afterwards_nothing_is_missing() {
    let away_s = std::env::var("AAL_KAFKA_AWAY_S").map_or(AWAY_S, |text| text.parse().expect("seconds"));
    let provider = start(Options::default()).await.expect("the provider starts");
    let pipeline = Pipeline::start(Start {
        gateway_upstreams: vec![format!("openai={}", provider.url())],
        ..Start::default()
    })
    .await;
    let token = pipeline.token().await;
    let edge = format!("http://{}", pipeline.endpoints.edge);
    let client = Client::new(&edge, &pipeline.api_key(&token, "with-sdk").await).expect("a client");
    let sdk = AuditLayer::new(client, LayerSettings::new("with-sdk"));
    let plain = reqwest::Client::new();
    let audited = reqwest_middleware::ClientBuilder::new(plain.clone())
        .with(AuditMiddleware::new(sdk.clone(), Some("openai")))
        .build();
    let load = Arc::new(Load {
        plain,
        audited,
        provider: provider.url(),
        gateway: format!("{edge}/gateway/openai"),
        gateway_key: pipeline.api_key(&token, "by-gateway").await,
        rounds: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    });
    let applications: Vec<_> = (0..APPLICATIONS)
        .map(|_| tokio::spawn(load.clone().application()))
        .collect();

    load.more_rounds(CALLS).await;
    let before = load.rounds.load(Ordering::Relaxed);
    pipeline.signal("aal-log-engine", Signal::STOP);
    // The outage's length is what is tried here; what happens in it is waited for by count.
    tokio::time::sleep(Duration::from_secs(away_s)).await;
    load.more_rounds(CALLS).await;
    let meanwhile = load.rounds.load(Ordering::Relaxed) - before;
    pipeline.signal("aal-log-engine", Signal::CONT);
    load.more_rounds(CALLS).await;
    load.is_over.store(true, Ordering::Relaxed);
    for application in applications {
        application.await.expect("every answer was as without us");
    }

    let calls = load.rounds.load(Ordering::Relaxed) as u64;
    assert!(sdk.flush(DELIVERED_WITHIN).await, "{:?}", sdk.counts());
    let counts = sdk.counts();
    assert_eq!((counts.delivered, counts.dropped, counts.refused), (calls, 0, 0));
    until("every call is recorded", || async {
        let recorded = pipeline
            .count("kind = 'event' AND application IN ('with-sdk', 'by-gateway')")
            .await;
        (recorded >= 2 * calls).then_some(())
    })
    .await;
    let sql = "SELECT count() AS events, uniqExact(event_id) AS ids, \
               uniqExact(source_id, source_epoch, source_seq) AS numbers, max(source_seq) AS last_number \
               FROM records WHERE kind = 'event' AND application IN ('with-sdk', 'by-gateway') \
               GROUP BY application ORDER BY application";
    let sent = pipeline.store().client().query(sql).fetch_all::<Sent>().await;
    for sent in sent.expect("the store answers") {
        let once = (sent.events, sent.ids, sent.numbers, sent.last_number + 1);
        assert_eq!(once, (calls, calls, calls, calls), "{sent:?}");
    }
    assert_eq!(pipeline.count("kind = 'conflict'").await, 0);
    println!("kafka away for {away_s} s: {meanwhile} of {calls} calls three times each, every event once");
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_ne!(status, 1, "nothing is refuted: {report}");
}
