//! What is measured: the fake provider itself, nginx, our gateway, and whatever else was started and named.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aal_control::{Control, ControlConfig};
use aal_kafka::{
    EVENTS,
    rdkafka::{mocking::MockCluster, producer::DefaultProducerContext},
};
use audit_tests::bin;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::load::Target;
use crate::Failure;

const PATH: &str = "/v1/chat/completions";
const READY_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(5);
const PARTITIONS: i32 = 4;
/// Names other gateways: a JSON array of [`Beside`].
const BESIDE: &str = "AAL_BENCH_BESIDE";

/// A gateway that somebody else started (bench/gateway-beside/run.sh).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    name: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The model it is asked for.
    #[serde(default = "default_model")]
    model: String,
}

fn default_model() -> String {
    "gpt-4o".to_owned()
}

/// A process that ends with the benchmark.
struct Process(Child);

impl Drop for Process {
    /// Asks first: a killed nginx would leave its workers behind.
    fn drop(&mut self) {
        let begun = Instant::now();
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        while begun.elapsed() < STOP_WITHIN && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything that runs for the measurement.
pub(crate) struct Started {
    provider: String,
    nginx: Option<String>,
    gateway: String,
    operations: String,
    key: String,
    _processes: Vec<Process>,
    _cluster: MockCluster<'static, DefaultProducerContext>,
    _folder: TempDir,
}

impl Started {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("bench-gateway-").tempdir()?;
        let (provider_process, provider) = provider()?;
        let mut processes = vec![provider_process];
        let nginx = match nginx(folder.path(), &provider)? {
            Some((process, address)) => {
                processes.push(process);
                Some(address)
            }
            None => {
                eprintln!("bench: nginx is not installed; nothing to compare with");
                None
            }
        };
        let cluster = MockCluster::new(1)?;
        cluster.create_topic(EVENTS, PARTITIONS, 1)?;
        let control = ControlConfig {
            url: format!("sqlite://{}", folder.path().join("control.db").display()),
            ..ControlConfig::default()
        };
        let key = Control::open(&control)
            .await?
            .create_api_key(Uuid::from_u128(1), "bench", "bench", 1)
            .await?
            .presented;
        let (process, gateway, operations) = gateway(
            folder.path(),
            &provider,
            &cluster.bootstrap_servers(),
            &control.url,
        )?;
        processes.push(process);
        let started = Self {
            provider,
            nginx,
            gateway,
            operations,
            key,
            _processes: processes,
            _cluster: cluster,
            _folder: folder,
        };
        for address in std::iter::once(&started.provider).chain(&started.nginx) {
            answers(address).await?;
        }
        Ok(started)
    }

    /// The provider itself first; everything else is held against it.
    pub(crate) fn targets(&self) -> Result<Vec<Target>, Failure> {
        let mut targets = vec![target(
            "direct",
            &format!("{}{PATH}", self.provider),
            &default_model(),
        )?];
        if let Some(nginx) = &self.nginx {
            targets.push(target("nginx", &format!("{nginx}{PATH}"), &default_model())?);
        }
        let mut ours = target(
            "gateway",
            &format!("{}/gateway/openai{PATH}", self.gateway),
            &default_model(),
        )?;
        ours.headers
            .insert("x-audit-key", HeaderValue::from_str(&self.key)?);
        ours.headers
            .insert("x-audit-user", HeaderValue::from_static("u-1"));
        ours.headers
            .insert("x-audit-session", HeaderValue::from_static("s-1"));
        targets.push(ours);
        if let Ok(text) = std::env::var(BESIDE) {
            let others: Vec<Beside> =
                serde_json::from_str(&text).map_err(|error| format!("{BESIDE}: {error}"))?;
            for other in others {
                let mut one = target(&other.name, &other.url, &other.model)?;
                for (name, value) in &other.headers {
                    let value = value.replace("{provider}", &self.provider);
                    one.headers
                        .insert(name.parse::<HeaderName>()?, HeaderValue::from_str(&value)?);
                }
                targets.push(one);
            }
        }
        Ok(targets)
    }

    /// Says where the gateway's events went, so that no figure comes from throwing them away.
    pub(crate) async fn accounted(&self) -> Result<String, Failure> {
        let text = reqwest::get(format!("{}/metrics", self.operations))
            .await?
            .text()
            .await?;
        let sum = |name: &str| -> u64 {
            let lines = text.lines().filter(|line| line.starts_with(name));
            lines
                .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .sum()
        };
        Ok(format!(
            "gateway: {} calls; events acknowledged by Kafka {}, through the spool {}, lost {}",
            sum("gateway_calls_total{"),
            sum("gateway_events_delivered_total "),
            sum("gateway_events_spooled_total "),
            sum("gateway_events_lost_total{"),
        ))
    }
}

fn target(name: &str, url: &str, model: &str) -> Result<Target, Failure> {
    let body = |stream: bool| {
        let body = json!({
            "model": model,
            "messages": [
                {"role": "system", "content": "You decide about loans. ".repeat(20)},
                {"role": "user", "content": "May this applicant have a loan of 20,000 over five years? ".repeat(5)},
            ],
            "stream": stream,
        });
        Bytes::from(body.to_string())
    };
    Ok(Target {
        name: name.to_owned(),
        uri: url.parse()?,
        headers: HeaderMap::new(),
        body: body(false),
        stream_body: body(true),
    })
}

fn first_line(child: &mut Child, contains: &'static str) -> Result<Value, Failure> {
    let output: Box<dyn std::io::Read + Send> = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), _) => Box::new(stdout),
        (None, Some(stderr)) => Box::new(stderr),
        (None, None) => return Err("the program's output is not read".into()),
    };
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let line = lines
        .find(|line| line.contains(contains))
        .ok_or("the program ended early")?;
    std::thread::spawn(move || lines.count());
    Ok(serde_json::from_str(&line)?)
}

fn text(value: &Value, name: &str) -> Result<String, Failure> {
    let text = value[name].as_str().ok_or("the program names no address")?;
    Ok(text.to_owned())
}

fn provider() -> Result<(Process, String), Failure> {
    let listen = std::env::var("AAL_BENCH_PROVIDER").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let mut process = Process(
        Command::new(bin("aal-fake-provider"))
            .args(["--listen", &listen, "--pace-ms", "0", "--keep", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let address = text(&first_line(&mut process.0, "address")?, "address")?;
    Ok((process, address))
}

fn gateway(
    folder: &Path,
    provider: &str,
    brokers: &str,
    control: &str,
) -> Result<(Process, String, String), Failure> {
    let config = folder.join("gateway.toml");
    let spool = folder.join("spool");
    let text_of_config = format!(
        "operations = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n[kafka]\nbrokers = \"{brokers}\"\n\
         [control]\nurl = \"{control}\"\n[log]\nformat = \"json\"\n[gateway.spool]\ndirectory = \"{}\"\n\
         [gateway.upstreams.openai]\nurl = \"{provider}\"\n",
        spool.display()
    );
    std::fs::write(&config, text_of_config)?;
    let mut process = Process(
        Command::new(bin("gateway"))
            .arg(&config)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let listening = first_line(&mut process.0, "gateway listening")?;
    let address = format!("http://{}", text(&listening, "address")?);
    let operations = format!("http://{}", text(&listening, "operations")?);
    Ok((process, address, operations))
}

/// nginx with nothing but a proxy in it; `None` when it is not installed.
fn nginx(folder: &Path, provider: &str) -> Result<Option<(Process, String)>, Failure> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let upstream = provider.trim_start_matches("http://");
    let prefix = folder.display();
    let config = format!(
        "daemon off;\nworker_processes auto;\npid {prefix}/nginx.pid;\nerror_log stderr error;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n access_log off;\n client_body_temp_path {prefix}/body;\n proxy_temp_path {prefix}/proxy;\n\
         fastcgi_temp_path {prefix}/fastcgi;\n uwsgi_temp_path {prefix}/uwsgi;\n scgi_temp_path {prefix}/scgi;\n\
         keepalive_requests 10000000;\n\
         upstream provider {{ server {upstream}; keepalive 512; keepalive_requests 10000000; }}\n\
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://provider;\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off; }} }}\n}}\n"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, config)?;
    let spawned = Command::new("nginx")
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(&path)
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => Ok(Some((Process(child), format!("http://127.0.0.1:{port}")))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn answers(address: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    let authority = address.trim_start_matches("http://");
    while tokio::net::TcpStream::connect(authority).await.is_err() {
        if begun.elapsed() > READY_WITHIN {
            return Err(format!("{address} does not answer").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
