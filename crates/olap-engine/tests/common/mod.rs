//! A running engine for the tests of one file: a child process over a directory of its own.
#![allow(dead_code)]

use aal_child::{Child, ChildError};
use clickhouse::Client;
use std::future::Future;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::runtime::Runtime;

pub const START_TIMEOUT: Duration = Duration::from_secs(60);

pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aal-olap-engine"));
    command.arg("--data").arg(data).arg("--follow-parent");
    command.env_remove("AAL_OLAP_PASSWORD");
    command
}

pub async fn start(data: &Path) -> Result<Child, ChildError> {
    Child::start(command(data), START_TIMEOUT).await
}

pub fn url(child: &Child) -> String {
    format!("http://{}/", child.address())
}

struct Shared {
    url: String,
    _data: TempDir,
    _child: Child,
    _runtime: Runtime,
}

/// The engine that the tests of a file share; it ends with the test process.
pub fn shared_url() -> &'static str {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        std::thread::spawn(|| {
            let runtime = Runtime::new().unwrap();
            let data = TempDir::new().unwrap();
            let child = runtime.block_on(start(data.path())).unwrap();
            Shared {
                url: url(&child),
                _data: data,
                _child: child,
                _runtime: runtime,
            }
        })
        .join()
        .unwrap()
    });
    &shared.url
}

/// A client of the shared engine in a database of its own.
pub async fn client(database: &str) -> Client {
    let client = Client::default().with_url(shared_url());
    client
        .query("CREATE DATABASE ?")
        .bind(clickhouse::sql::Identifier(database))
        .execute()
        .await
        .unwrap();
    client.with_database(database)
}

/// A statement in the body of a POST: status, `X-ClickHouse-Exception-Code` and text.
pub async fn post(parameters: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, Option<u32>, String) {
    let response = reqwest::Client::new()
        .post(shared_url())
        .query(parameters)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let code = response
        .headers()
        .get("x-clickhouse-exception-code")
        .map(|v| v.to_str().unwrap().parse().unwrap());
    (status, code, response.text().await.unwrap())
}

/// Asks until the answer is yes; fails after 20 s.
pub async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
