//! Durable appends of 1 KB, ours beside Tessera's POSIX log, in one run.
//!
//! What is compared: Tessera's append counts once its entry is in the tree on disk (bench/tessera); ours once the edge
//! has answered 201, that is once the log acknowledged it, over HTTP with sign-in and validation. Ours is in a tree
//! only an epoch later; `bench latency` measures that.

use std::process::Command;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::Failure;
use crate::edge::send;
use crate::inputs::APPLICATION;
use crate::report::{Limit, Report};
use crate::running::Running;

const ENTRY_BYTES: usize = 1_024;
/// Writers at once, and appends of all of them together.
const LOADS: [(usize, usize); 2] = [(1, 1_000), (512, 25_600)];

#[derive(Deserialize)]
struct Theirs {
    appends_per_s: f64,
    p99_ms: f64,
}

pub(crate) async fn measure(running: &mut Running, report: &mut Report) -> Result<(), Failure> {
    let script = audit_tests::repository::root().join("scripts/build-tessera-bench.sh");
    let built = Command::new(script).output()?;
    if !built.status.success() {
        return Err(format!("tessera: {}", String::from_utf8_lossy(&built.stderr)).into());
    }
    let program = String::from_utf8(built.stdout)?;
    for (writers, appends) in LOADS {
        let theirs = theirs(program.trim(), writers, appends)?;
        report.raw(
            format!("Tessera POSIX, {writers} writers"),
            theirs.appends_per_s,
            "appends/s",
        );
        report.raw(
            format!("Tessera POSIX, {writers} writers: p99"),
            theirs.p99_ms,
            "ms",
        );
        let bodies: Vec<String> = (0..appends).map(|_| body()).collect();
        let (elapsed, latencies) = send(running, "/api/v1/audit/log", bodies, writers, 201).await?;
        running.sent(appends as u64);
        let rate = appends as f64 / elapsed.as_secs_f64();
        let limit = Limit::new("Tessera POSIX", theirs.appends_per_s);
        report.rate(
            format!("edge, 1 KB events, {writers} connections"),
            rate,
            "appends/s",
            &limit,
        );
        report.latency(
            format!("edge, 1 KB event, {writers} connections"),
            &latencies,
            None,
        );
        running.all_stored().await?;
    }
    Ok(())
}

fn theirs(program: &str, writers: usize, appends: usize) -> Result<Theirs, Failure> {
    let directory = tempfile::tempdir()?;
    let output = Command::new(program)
        .args(["-writers", &writers.to_string(), "-entries", &appends.to_string()])
        .args(["-size", &ENTRY_BYTES.to_string()])
        .arg("-dir")
        .arg(directory.path())
        .output()?;
    if !output.status.success() {
        return Err(format!("tessera: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// An event of about the entry's size.
fn body() -> String {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x".repeat(700)}]});
    json!({
        "event_id": Uuid::now_v7(), "application": APPLICATION, "provider": "openai",
        "request": {"body": request.to_string()},
    })
    .to_string()
}
