//! The pipeline that is measured, and what is needed to send to it.

use std::time::{Duration, Instant};

use aal_kafka::{KafkaConfig, Producer};
use aal_store::{Store, StoreConfig};
use audit_tests::{Pipeline, Start};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Failure,
    inputs::{self, APPLICATION},
};

/// Between two questions whether everything is stored.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Nothing new for so long means that the pipeline stands.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// A busy machine must not end a run: longer than the edge waits.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// Decisions that the pipeline is warmed with; they also make the tenants.
const WARM_UP: u64 = 200;

/// A running pipeline, one API key of one tenant, and the number of events sent so far.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pipeline: Pipeline,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    pub(crate) key: String,
    pub(crate) tenant: Uuid,
    /// A receipt as the edge gives it.
    pub(crate) receipt: String,
    pub(crate) kafka: KafkaConfig,
    pub(crate) producer: Producer,
    expected: u64,
}

impl Running {
    /// Starts one on a directory of its own, and warms it.
    pub(crate) async fn start(epoch_ms: u64) -> Result<Running, Failure> {
        eprintln!("bench: starting a pipeline");
        let pipeline = Pipeline::start(Start {
            epoch_ms,
            ..Start::default()
        })
        .await;
        let warmed = pipeline.audit(&[
            "demo",
            "--decisions",
            &WARM_UP.to_string(),
            "--end",
            "2026-01-01T00:00:00Z",
        ]);
        if !warmed.status.success() {
            return Err(format!("audit demo: {}", String::from_utf8_lossy(&warmed.stderr)).into());
        }
        let token = pipeline.token().await;
        let key = pipeline.api_key(&token, APPLICATION).await;
        let tenants = pipeline.get(&token, "/api/v1/tenants").await.1;
        let tenant = tenants["tenants"][0]["id"]
            .as_str()
            .ok_or("the API names no tenant")?
            .parse()?;
        let kafka = KafkaConfig::new(&pipeline.endpoints.kafka);
        let producer = Producer::new(&kafka, "bench", DELIVERY_TIMEOUT)?;
        let http = reqwest::Client::builder().pool_max_idle_per_host(64).build()?;
        let mut running = Running {
            pipeline,
            http,
            token,
            key,
            tenant,
            receipt: String::new(),
            kafka,
            producer,
            expected: WARM_UP,
        };
        running.take_a_receipt().await?;
        running.all_stored().await?;
        Ok(running)
    }

    async fn take_a_receipt(&mut self) -> Result<(), Failure> {
        let input = inputs::events(seed::RECEIPT, 1)
            .pop()
            .ok_or("the demo gives no event")?;
        let url = format!("http://{}/api/v1/audit/log", self.pipeline.endpoints.edge);
        let sent = self
            .http
            .post(url)
            .bearer_auth(&self.key)
            .header("content-type", "application/json");
        let answer: Value = sent
            .body(input.body)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        self.receipt = answer["receipt"]
            .as_str()
            .ok_or("the edge gives no receipt")?
            .to_owned();
        self.sent(1);
        Ok(())
    }

    /// Notes events that must be stored in the end.
    pub(crate) fn sent(&mut self, events: u64) {
        self.expected += events;
    }

    /// Waits until every event sent so far is stored.
    pub(crate) async fn all_stored(&self) -> Result<(), Failure> {
        let mut most = 0;
        let mut since = Instant::now();
        loop {
            let stored = self
                .pipeline
                .count("kind IN ('event', 'withheld', 'rejected')")
                .await;
            if stored >= self.expected {
                return Ok(());
            }
            if stored > most {
                (most, since) = (stored, Instant::now());
            }
            if since.elapsed() > STUCK_AFTER {
                let (secs, expected) = (STUCK_AFTER.as_secs(), self.expected);
                return Err(
                    format!("{stored} of {expected} events are stored, and none more for {secs} s").into(),
                );
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Another database of the same ClickHouse with a copy of the table's definition, for limits.
    pub(crate) async fn copy_of_the_table(&self) -> Result<Store, Failure> {
        let statements = [
            "CREATE DATABASE IF NOT EXISTS bench",
            "CREATE TABLE IF NOT EXISTS bench.records AS audit.records",
        ];
        for statement in statements {
            self.pipeline.store().client().query(statement).execute().await?;
        }
        Ok(Store::new(&StoreConfig {
            url: format!("http://{}", self.pipeline.endpoints.clickhouse),
            database: "bench".to_owned(),
            user: Some("default".to_owned()),
            password: Some(self.pipeline.endpoints.clickhouse_password.clone()),
            timeout_ms: 60_000,
        }))
    }
}

/// Each stage sends another month, so that no event id comes twice.
pub(crate) mod seed {
    pub(crate) const RECEIPT: u64 = 100;
    pub(crate) const RAW: u64 = 101;
    pub(crate) const SINGLES: u64 = 102;
    pub(crate) const BATCHES: u64 = 103;
    pub(crate) const PROCESSOR: u64 = 104;
    pub(crate) const LATENCY: u64 = 105;
    pub(crate) const VERIFY: u64 = 106;
    pub(crate) const READS: u64 = 107;
}
