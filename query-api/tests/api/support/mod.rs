//! A query API over the real engine, a mock broker and a control store in a temporary directory.

mod writer;

use std::path::PathBuf;

use aal_control::{Control, ControlConfig, Role, TenantScope};
use aal_event::Event;
use aal_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use aal_kafka::rdkafka::mocking::MockCluster;
use aal_kafka::rdkafka::producer::DefaultProducerContext;
use aal_kafka::rdkafka::{Message, Offset, TopicPartitionList};
use aal_kafka::{EVENTS, KafkaConfig, REPORT_REQUESTS};
use aal_ledger::{NoteSigner, TrustPolicy};
use aal_seal::KeyRing;
use aal_service::{HttpConfig, Shutdown};
use aal_store::{Store, StoreConfig};
use query_api::Config;
use query_api::config::{ConsoleConfig, KeysConfig, LedgerConfig, Limits, ObjectsConfig, TrustConfig};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

pub use writer::{Writer, event};

const PARTITIONS: i32 = 2;
/// How long the mock broker may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
pub const ORIGIN: &str = "audit.test/anchor";
pub const NOW_US: i64 = 1_767_225_600_000_000;
pub const BANK: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_000a);
pub const CLINIC: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_000b);

pub struct Rig {
    pub base: String,
    pub http: reqwest::Client,
    pub control: Control,
    pub store: Store,
    pub ring: KeyRing,
    pub policy: TrustPolicy,
    pub dir: tempfile::TempDir,
    pub shutdown: Shutdown,
    config: Config,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

/// Starts everything; `None`, with a line that says so, when the engine library is not installed.
pub async fn rig() -> Option<Rig> {
    let Ok(library) = aal_olap_engine::default_library_path() else {
        eprintln!("skipped: no engine library; run scripts/fetch-engine.sh");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let engine = aal_olap_engine::Config::new(library, path("store"));
    let engine = aal_olap_engine::Server::bind(engine).await.unwrap();
    let store_config: StoreConfig =
        serde_json::from_value(json!({"url": format!("http://{}/", engine.address())})).unwrap();
    let shutdown = Shutdown::new();
    let engine_shutdown = shutdown.clone();
    tokio::spawn(engine.serve(async move { engine_shutdown.requested().await }));
    let store = Store::new(&store_config);
    store.migrate().await.unwrap();

    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(EVENTS, PARTITIONS, 1).unwrap();
    cluster.create_topic(REPORT_REQUESTS, 1, 1).unwrap();
    let ring = KeyRing::generate([7; 32]);
    std::fs::write(path("keys.json"), ring.to_text().as_bytes()).unwrap();
    let signer = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let policy_text = TrustPolicy::render(ORIGIN, signer.verifier_key(), &[]);
    std::fs::write(path("policy.toml"), &policy_text).unwrap();
    std::fs::create_dir(path("console")).unwrap();
    std::fs::write(
        path("console/index.html"),
        "<!doctype html><title>console</title>",
    )
    .unwrap();

    let control_config = ControlConfig {
        url: format!("sqlite://{}", path("control.db").display()),
        ..ControlConfig::default()
    };
    let control = Control::open(&control_config).await.unwrap();
    control.ensure_tenant("Bank", BANK, NOW_US).await.unwrap();
    control.ensure_tenant("Clinic", CLINIC, NOW_US).await.unwrap();
    let objects = |name: &str| ObjectsConfig::at(format!("file://{}", path(name).display()));
    let config = Config {
        http: HttpConfig::default(),
        operations: Some(HttpConfig::default()),
        store: store_config,
        control: control_config,
        kafka: KafkaConfig::new(cluster.bootstrap_servers()),
        keys: KeysConfig {
            // The tests read what goes to Kafka.
            seal_payloads: false,
            ..KeysConfig::at(path("keys.json"))
        },
        reports: objects("reports"),
        anchors: objects("anchors"),
        ledger: LedgerConfig::default(),
        erasure: Default::default(),
        trust: Some(TrustConfig {
            policy: path("policy.toml"),
        }),
        console: Some(ConsoleConfig { dir: path("console") }),
        limits: Limits {
            feed_poll_ms: 20,
            ..Limits::default()
        },
        log: aal_service::logging::LogConfig::default(),
    };
    let running = query_api::start(config.clone(), shutdown.clone()).await.unwrap();
    Some(Rig {
        base: format!("http://{}", running.addr),
        http: reqwest::Client::new(),
        control,
        store,
        ring,
        policy: TrustPolicy::parse(&policy_text).unwrap(),
        dir,
        shutdown,
        config,
        cluster,
    })
}

impl Rig {
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A second query API with another configuration.
    pub async fn with_config(&self, adjust: impl FnOnce(&mut Config)) -> String {
        let mut config = self.config.clone();
        adjust(&mut config);
        let running = query_api::start(config, self.shutdown.clone()).await.unwrap();
        format!("http://{}", running.addr)
    }

    pub async fn user(&self, email: &str, role: Role, tenant: TenantScope) -> String {
        let password = "correct horse battery";
        self.control
            .create_user(email, role, tenant, Some(password.to_owned()), NOW_US)
            .await
            .unwrap();
        let answer = self
            .send(
                Method::POST,
                "/api/v1/auth/login",
                "",
                Some(json!({"email": email, "password": password})),
            )
            .await;
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub async fn send(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        request.send().await.unwrap()
    }

    /// Everything that is on the topic of events now.
    pub fn recorded(&self) -> Vec<Event> {
        let kafka = KafkaConfig::new(self.cluster.bootstrap_servers());
        let consumer: BaseConsumer = kafka.client("test").set("group.id", "test").create().unwrap();
        let mut partitions = TopicPartitionList::new();
        let mut left = 0;
        for partition in 0..PARTITIONS {
            partitions
                .add_partition_offset(EVENTS, partition, Offset::Beginning)
                .unwrap();
            left += consumer.fetch_watermarks(EVENTS, partition, PATIENCE).unwrap().1;
        }
        consumer.assign(&partitions).unwrap();
        let mut events = Vec::new();
        while left > 0 {
            let message = consumer
                .poll(PATIENCE)
                .expect("a record within the time")
                .unwrap();
            events.push(aal_event::decode(message.payload().unwrap()).unwrap());
            left -= 1;
        }
        events
    }

    /// A GET that must succeed.
    pub async fn get(&self, path: &str, token: &str) -> Value {
        let answer = self.send(Method::GET, path, token, None).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A GET that must be refused: the problem.
    pub async fn refused(&self, path: &str, token: &str, status: u16) -> Value {
        problem(self.send(Method::GET, path, token, None).await, status).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        let answer = self.send(Method::POST, path, token, Some(body)).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

pub async fn problem(answer: Response, status: u16) -> Value {
    let found = answer.status().as_u16();
    let media_type = answer
        .headers()
        .get("content-type")
        .map(|value| value.to_str().unwrap().to_owned());
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(media_type.as_deref(), Some("application/problem+json"));
    serde_json::from_str(&text).unwrap()
}
