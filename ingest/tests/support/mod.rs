//! An edge with a mock Kafka cluster behind it, on free ports, in a directory of its own.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use aal_control::{Control, ControlConfig, TenantScope};
use aal_event::Event;
use aal_kafka::{
    EVENTS, KafkaConfig,
    rdkafka::{
        ClientConfig, Message, TopicPartitionList,
        consumer::{BaseConsumer, Consumer},
        mocking::MockCluster,
        producer::DefaultProducerContext,
    },
};
use aal_seal::KeyRing;
use aal_service::{HttpConfig, Shutdown};
use ingest::{Config, Running};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use uuid::Uuid;

pub const PARTITIONS: i32 = 3;
pub const TENANT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Rig {
    pub cluster: MockCluster<'static, DefaultProducerContext>,
    pub running: Running,
    pub key: String,
    pub http: reqwest::Client,
    pub shutdown: Shutdown,
    pub base: String,
    pub operations: String,
    control: Control,
    control_url: String,
    directory: tempfile::TempDir,
}

/// Starts an edge after `adjust` had its way with the configuration, and waits until it is ready.
pub async fn rig(adjust: impl FnOnce(&mut Config)) -> Rig {
    let rig = rig_without_waiting(adjust).await;
    rig.wait_until_ready().await;
    rig
}

/// Starts an edge that may never become ready.
pub async fn rig_without_waiting(adjust: impl FnOnce(&mut Config)) -> Rig {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(EVENTS, PARTITIONS, 1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let key_file = directory.path().join("keys.json");
    std::fs::write(&key_file, KeyRing::generate([7; 32]).to_text().as_bytes()).unwrap();
    let database = directory.path().join("control.db");
    let control_config = ControlConfig {
        url: format!("sqlite://{}", database.display()),
        ..ControlConfig::default()
    };
    let control_url = control_config.url.clone();
    let control = Control::open(&control_config).await.unwrap();
    let key = control
        .create_api_key(TENANT, "loan-desk", "test", 1)
        .await
        .unwrap()
        .presented;

    let mut config = Config::new(
        KafkaConfig::new(cluster.bootstrap_servers()),
        control_config,
        key_file,
    );
    config.http = HttpConfig::default();
    // The tests read what goes to Kafka; tests/sealed.rs has it sealed.
    config.keys.seal_payloads = false;
    config.admission.delivery_timeout_ms = 1_500;
    adjust(&mut config);
    let shutdown = Shutdown::new();
    let running = ingest::start(config, shutdown.clone()).await.unwrap();
    Rig {
        base: format!("http://{}", running.address),
        operations: format!("http://{}", running.operations),
        cluster,
        running,
        key,
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        shutdown,
        control,
        control_url,
        directory,
    }
}

impl Rig {
    pub async fn wait_until_ready(&self) {
        let begun = Instant::now();
        while !self.is_ready().await {
            assert!(begun.elapsed() < PATIENCE, "the edge did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn is_ready(&self) -> bool {
        self.http
            .get(format!("{}/readyz", self.operations))
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 200)
    }

    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    pub fn key_file(&self) -> PathBuf {
        self.directory.path().join("keys.json")
    }

    pub async fn revoke_key(&self) {
        let keys = self.control.api_keys(TenantScope::All).await.unwrap();
        self.control
            .revoke_api_key(TenantScope::All, keys[0].id, 2)
            .await
            .unwrap();
    }

    /// Until a request has been let in and is not answered yet.
    pub async fn wait_for_requests_under_way(&self) {
        let begun = Instant::now();
        while !self.metrics().await.contains("ingest_requests_under_way 1\n") {
            assert!(begun.elapsed() < PATIENCE, "no request is under way");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    pub async fn log(&self, event: &Value) -> Response {
        self.post("/api/v1/audit/log").json(event).send().await.unwrap()
    }

    pub async fn metrics(&self) -> String {
        self.http
            .get(format!("{}/metrics", self.operations))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// Reads `count` records of the topic, in order within each partition: key and event.
    pub fn records(&self, count: usize) -> Vec<(String, Event)> {
        let consumer = self.consumer();
        let begun = Instant::now();
        let mut records = Vec::new();
        while records.len() < count {
            assert!(
                begun.elapsed() < PATIENCE,
                "{} of {count} records arrived",
                records.len()
            );
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
                let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
                records.push((key, aal_event::decode(message.payload().unwrap()).unwrap()));
            }
        }
        records
    }

    /// Reads everything that is in the topic now.
    pub fn all_records(&self) -> Vec<(String, Event)> {
        let consumer = self.consumer();
        let ends = (0..PARTITIONS).map(|partition| {
            let (_, end) = consumer.fetch_watermarks(EVENTS, partition, PATIENCE).unwrap();
            usize::try_from(end).unwrap()
        });
        self.records(ends.sum())
    }

    fn consumer(&self) -> BaseConsumer {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "test")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            let start = aal_kafka::rdkafka::Offset::Beginning;
            partitions.add_partition_offset(EVENTS, partition, start).unwrap();
        }
        consumer.assign(&partitions).unwrap();
        consumer
    }
}

/// Asks until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An event that is all right.
pub fn event() -> Value {
    json!({
        "event_id": Uuid::now_v7(),
        "application": "loan-desk",
        "provider": "openai",
        "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": "{\"model\":\"gpt-4o\"}"},
        "response": {"status": 200, "content_type": "application/json", "body": "{}"},
    })
}

pub async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    response.json().await.unwrap()
}
