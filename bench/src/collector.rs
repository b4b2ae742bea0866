//! An OpenTelemetry Collector that puts spans on the same broker, to measure ours beside.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::{Failure, kafka::create_topic, running::Running};

/// Names the program of scripts/build-collector.sh; without it ours is measured alone.
const PROGRAM: &str = "AAL_BENCH_COLLECTOR";
const TOPIC: &str = "bench.spans";
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(50);

/// It answers an export when Kafka has acknowledged it: no queue, no repetition. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: String,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Collector {
    pub(crate) async fn start(running: &Running) -> Result<Option<Collector>, Failure> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            return Ok(None);
        };
        create_topic(running, TOPIC).await?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .to_string();
        let config = format!(
            "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: {address}\n\
             exporters:\n  kafka:\n    brokers: [\"{}\"]\n    traces:\n      topic: {TOPIC}\n    sending_queue:\n      \
             enabled: false\n    retry_on_failure:\n      enabled: false\n    producer:\n      required_acks: -1\n      \
             max_message_bytes: 4000000\n\
             service:\n  telemetry:\n    metrics:\n      level: none\n    logs:\n      level: error\n  pipelines:\n    \
             traces:\n      receivers: [otlp]\n      exporters: [kafka]\n",
            running.pipeline.endpoints.kafka
        );
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("collector.yaml");
        std::fs::write(&file, config)?;
        let child = Command::new(program)
            .arg("--config")
            .arg(&file)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let listens = async {
            while tokio::net::TcpStream::connect(&address).await.is_err() {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        tokio::time::timeout(READY_WITHIN, listens)
            .await
            .map_err(|_| "the collector does not listen; what it says is above")?;
        Ok(Some(Collector {
            address,
            _child: child,
            _folder: folder,
        }))
    }
}
