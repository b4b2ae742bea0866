//! One running `audit up`.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use aal_store::{Store, StoreConfig};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::until;

/// Where the programs are: AAL_BIN_DIR, else beside the test program.
pub fn bin(name: &str) -> PathBuf {
    let folder = std::env::var_os("AAL_BIN_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            let own = std::env::current_exe().expect("the test has a path");
            own.parent()
                .and_then(Path::parent)
                .expect("tests lie in target/PROFILE/deps")
                .to_owned()
        });
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is missing; run `make build` first",
        path.display()
    );
    path
}

/// The recorded exchanges beside the checkout.
pub fn recordings(name: &str) -> PathBuf {
    crate::repository::root().join("../shared/recordings").join(name)
}

/// Where the running services are, as `audit up` wrote it.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoints {
    pub console: SocketAddr,
    pub edge: SocketAddr,
    pub kafka: String,
    pub clickhouse: SocketAddr,
    pub clickhouse_password: String,
    pub pid: u32,
}

/// How to start.
#[derive(Clone, Debug)]
pub struct Start {
    pub epoch_ms: u64,
    pub console_dir: Option<PathBuf>,
    /// An address of an outside Kafka broker.
    pub kafka: Option<String>,
    /// Address of a schema registry.
    pub schema_registry: Option<String>,
    /// The shard that partition 0 of its events topic feeds.
    pub first_shard: u32,
    /// Providers of the gateway, NAME=URL.
    pub gateway_upstreams: Vec<String>,
    /// How long erasures wait for keys to leave memory.
    pub erasure_settle_ms: Option<u64>,
    /// Nothing stores, seals or reads back.
    pub read_only: bool,
}

impl Default for Start {
    fn default() -> Self {
        Start {
            epoch_ms: 500,
            console_dir: None,
            kafka: None,
            schema_registry: None,
            first_shard: 0,
            gateway_upstreams: Vec::new(),
            erasure_settle_ms: None,
            read_only: false,
        }
    }
}

/// A running pipeline; dropping it kills the whole tree.
#[derive(Debug)]
pub struct Pipeline {
    folder: TempDir,
    child: Option<Child>,
    start: Start,
    pub endpoints: Endpoints,
    pub password: String,
    pub http: reqwest::Client,
}

impl Pipeline {
    /// Starts on a new data directory.
    pub async fn start(start: Start) -> Pipeline {
        let folder = tempfile::Builder::new()
            .prefix("audit-test-")
            .tempdir()
            .expect("a temporary directory");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, endpoints, output) = launch(folder.path(), &start, [any, any]).await;
        let password = output
            .lines()
            .find_map(|line| line.strip_prefix("sign in")?.split_once("password  "))
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .expect("the first start prints a password")
            .to_owned();
        Pipeline {
            folder,
            child: Some(child),
            start,
            endpoints,
            password,
            http: reqwest::Client::new(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the program wrote so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("output")).unwrap_or_default()
    }

    /// SIGKILL to the root of the tree; its children must follow by themselves.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; answers how the program ended.
    pub async fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let pid = Pid::from_raw(child.id() as i32).expect("a pid");
        kill_process(pid, Signal::TERM).expect("the process exists");
        tokio::task::spawn_blocking(move || child.wait().expect("it ends"))
            .await
            .expect("no panic")
    }

    /// Starts again on the same directory and the same addresses.
    pub async fn restart(&mut self) {
        let _ = std::fs::remove_file(self.data().join("endpoints.json"));
        let addresses = [self.endpoints.console, self.endpoints.edge];
        let (child, endpoints, _) = launch(self.folder.path(), &self.start, addresses).await;
        self.child = Some(child);
        self.endpoints = endpoints;
    }

    /// Starts again as `start` says.
    pub async fn restart_with(&mut self, start: Start) {
        self.start = start;
        self.restart().await;
    }

    /// Runs an `audit` command on this pipeline's data directory.
    pub fn audit(&self, arguments: &[&str]) -> Output {
        Command::new(bin("audit"))
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .expect("audit runs")
    }

    /// Runs `audit verify`; answers its exit status and its report.
    pub fn verify(&self) -> (i32, Value) {
        self.verify_with(&self.data().join("trust-policy.toml"), &[])
    }

    /// Runs `audit verify` with another policy and further options.
    pub fn verify_with(&self, policy: &Path, options: &[&str]) -> (i32, Value) {
        let target = format!("http://{}", self.endpoints.console);
        let policy = policy.display().to_string();
        let arguments = ["verify", &target, "--policy", &policy, "--json"];
        let output = self.audit(&[&arguments, options].concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = serde_json::from_str(&text)
            .unwrap_or_else(|_| Value::String(format!("{text}{}", String::from_utf8_lossy(&output.stderr))));
        (output.status.code().unwrap_or(-1), report)
    }

    /// A fresh session token of the administrator.
    pub async fn token(&self) -> String {
        let body = serde_json::json!({"email": "admin@audit.local", "password": self.password});
        let url = format!("http://{}/api/v1/auth/login", self.endpoints.console);
        let answer: Value = self
            .http
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("it answers")
            .json()
            .await
            .expect("JSON");
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("no token in {answer}"))
            .to_owned()
    }

    /// GET of the query API.
    pub async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.endpoints.console);
        let answer = self
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .expect("it answers");
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(Value::Null),
        )
    }

    /// POST of the query API.
    pub async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.endpoints.console);
        let answer = self
            .http
            .post(url)
            .bearer_auth(token)
            .json(body)
            .send()
            .await
            .expect("it answers");
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(Value::Null),
        )
    }

    /// An API key for an application of the first tenant; the demo's when there is none.
    pub async fn api_key(&self, token: &str, application: &str) -> String {
        let mut tenants = self.get(token, "/api/v1/tenants").await.1;
        if tenants["tenants"].as_array().is_none_or(Vec::is_empty) {
            // The demo makes its own.
            let made = self.audit(&["demo", "--decisions", "10", "--end", "2026-06-01T00:00:00Z"]);
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            tenants = self.get(token, "/api/v1/tenants").await.1;
        }
        let tenant = &tenants["tenants"][0]["id"];
        let body = serde_json::json!({"application": application, "name": "test", "tenant": tenant});
        let (status, answer) = self.post(token, "/api/v1/api-keys", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["key"].as_str().expect("a key").to_owned()
    }

    /// The store, with an administrator's rights.
    pub fn store(&self) -> Store {
        Store::new(&StoreConfig {
            url: format!("http://{}", self.endpoints.clickhouse),
            database: "audit".to_owned(),
            user: Some("default".to_owned()),
            password: Some(self.endpoints.clickhouse_password.clone()),
            timeout_ms: 30_000,
        })
    }

    /// Counts rows.
    pub async fn count(&self, condition: &str) -> u64 {
        let sql = format!("SELECT count() FROM records WHERE {condition}");
        self.store()
            .client()
            .query(&sql)
            .fetch_one::<u64>()
            .await
            .expect("the store answers")
    }

    /// Waits until every stored record is sealed.
    pub async fn sealed(&self) {
        let token = self.token().await;
        until("all records are sealed", || async {
            let stored = self.count("1").await;
            let (_, checkpoints) = self.get(&token, "/api/v1/checkpoints?limit=1").await;
            let sealed = checkpoints["items"][0]["leaves"].as_u64()?;
            (sealed >= stored && stored > 0).then_some(())
        })
        .await;
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let output = self.output();
            let lines: Vec<&str> = output.lines().collect();
            println!(
                "the pipeline's last lines:\n{}",
                lines[lines.len().saturating_sub(60)..].join("\n")
            );
            if std::env::var_os("AAL_KEEP_DATA").is_some() {
                self.folder.disable_cleanup(true);
                println!("its data stays in {}", self.folder.path().display());
            }
        }
    }
}

async fn launch(
    folder: &Path,
    start: &Start,
    [console, edge]: [SocketAddr; 2],
) -> (Child, Endpoints, String) {
    let output = File::create(folder.join("output")).expect("an output file");
    let mut command = Command::new(bin("audit"));
    command
        .args([
            "up",
            "--listen",
            &console.to_string(),
            "--edge-listen",
            &edge.to_string(),
        ])
        .args(["--epoch-ms", &start.epoch_ms.to_string()])
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a handle"))
        .stderr(output);
    if let Some(console_dir) = &start.console_dir {
        command.arg("--console-dir").arg(console_dir);
    }
    if let Some(kafka) = &start.kafka {
        command.arg("--kafka").arg(kafka);
        command.args(["--first-shard", &start.first_shard.to_string()]);
    }
    if let Some(registry) = &start.schema_registry {
        command.arg("--schema-registry").arg(registry);
    }
    if let Some(settle_ms) = start.erasure_settle_ms {
        command.args(["--erasure-settle-ms", &settle_ms.to_string()]);
    }
    if start.read_only {
        command.arg("--read-only");
    }
    for upstream in &start.gateway_upstreams {
        command.args(["--gateway-upstream", upstream]);
    }
    let mut child = command.spawn().expect("audit starts");
    let written = folder.join("output");
    let endpoints_file = folder.join("data").join("endpoints.json");
    let text = until("the pipeline is ready", || {
        let ended = child.try_wait().expect("it can be asked");
        let text = std::fs::read_to_string(&written).unwrap_or_default();
        assert!(ended.is_none(), "audit up ended:\n{text}");
        std::future::ready(text.contains("\nready ").then_some(text))
    })
    .await;
    let endpoints =
        std::fs::read_to_string(endpoints_file).expect("endpoints are written before the ready line");
    (
        child,
        serde_json::from_str(&endpoints).expect("endpoints are JSON"),
        text,
    )
}
