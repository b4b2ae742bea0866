//! An OpenTelemetry Collector and an edge, each alone with the same Apache Kafka: both only put spans on the log.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aal_kafka::KafkaConfig;
use audit_tests::{Kafka, bin, start_kafka};
use tokio::process::{Child, Command};

use crate::{Failure, kafka::create_topic, running::Running};

/// Names the program of scripts/build-collector.sh; without it ours is measured alone.
const PROGRAM: &str = "AAL_BENCH_COLLECTOR";
const TOPIC: &str = "bench.spans";
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(50);

/// What listens for exports. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: String,
    _child: Child,
}

/// Both, and their broker.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) collector: Listener,
    pub(crate) edge: Listener,
    _kafka: Kafka,
    _folder: tempfile::TempDir,
}

impl Beside {
    /// Starts them, when a Collector is named. The edge knows the pipeline's API keys; nobody processes what it takes.
    pub(crate) async fn start(running: &Running) -> Result<Option<Beside>, Failure> {
        let Some(program) = std::env::var_os(PROGRAM) else {
            return Ok(None);
        };
        let kafka = tokio::task::spawn_blocking(start_kafka).await?;
        let folder = tempfile::tempdir()?;
        create_topic(&KafkaConfig::new(&kafka.address), TOPIC).await?;
        let collector = collector(Path::new(&program), &kafka.address, folder.path()).await?;
        let edge = edge(running, &kafka.address, folder.path()).await?;
        Ok(Some(Beside {
            collector,
            edge,
            _kafka: kafka,
            _folder: folder,
        }))
    }
}

/// It answers an export when Kafka has acknowledged it: no queue, no repetition.
async fn collector(program: &Path, brokers: &str, folder: &Path) -> Result<Listener, Failure> {
    let address = free_address()?;
    let config = format!(
        "receivers:\n  otlp:\n    protocols:\n      http:\n        endpoint: {address}\n\
         exporters:\n  kafka:\n    brokers: [\"{brokers}\"]\n    traces:\n      topic: {TOPIC}\n    sending_queue:\n      \
         enabled: false\n    retry_on_failure:\n      enabled: false\n    producer:\n      required_acks: -1\n      \
         max_message_bytes: 4000000\n\
         service:\n  telemetry:\n    metrics:\n      level: none\n    logs:\n      level: error\n  pipelines:\n    \
         traces:\n      receivers: [otlp]\n      exporters: [kafka]\n"
    );
    let file = folder.join("collector.yaml");
    std::fs::write(&file, config)?;
    let mut command = Command::new(program);
    command.arg("--config").arg(format!("file:{}", file.display()));
    listen(command, address).await
}

/// The edge as a program of its own, as production runs it: payloads are sealed, events signed for.
async fn edge(running: &Running, brokers: &str, folder: &Path) -> Result<Listener, Failure> {
    let (address, operations) = (free_address()?, free_address()?);
    let data = running.pipeline.data();
    let (control, keys) = (data.join("control.db"), data.join("keys/ring.json"));
    let config = format!(
        "operations = \"{operations}\"\n[http]\nlisten = \"{address}\"\n[kafka]\nbrokers = \"{brokers}\"\n\
         [control]\nurl = \"sqlite://{}\"\n[keys]\nfile = \"{}\"\n",
        control.display(),
        keys.display()
    );
    let file = folder.join("ingest.toml");
    std::fs::write(&file, config)?;
    let mut command = Command::new(bin("ingest"));
    command.arg(&file).env("RUST_LOG", "warn");
    listen(command, address).await
}

fn free_address() -> Result<String, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

async fn listen(mut command: Command, address: String) -> Result<Listener, Failure> {
    let child = command.stdout(Stdio::null()).kill_on_drop(true).spawn()?;
    let listens = async {
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    tokio::time::timeout(READY_WITHIN, listens)
        .await
        .map_err(|_| format!("{command:?} does not listen; what it says is above"))?;
    Ok(Listener {
        address,
        _child: child,
    })
}
