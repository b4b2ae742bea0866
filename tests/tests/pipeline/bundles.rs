//! Evidence bundles of a running pipeline: asked for by command and with a report, verified offline.

use std::path::Path;
use std::process::Command;

use audit_tests::{Pipeline, Start, bin, until};
use serde_json::{Value, json};

const FROM: &str = "2026-05-01T00:00:00Z";
const TO: &str = "2026-06-02T00:00:00Z";

/// Exit status and report of `audit verify` on a file, with nothing but the policy.
fn verify(pipeline: &Pipeline, bundle: &Path) -> (i32, Value) {
    let output = Command::new(bin("audit"))
        .args(["verify", "--json", "--policy"])
        .arg(pipeline.data().join("trust-policy.toml"))
        .arg(bundle)
        .output()
        .expect("audit runs");
    let report = serde_json::from_slice(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output.status.code().expect("a status"),
        report.unwrap_or(Value::String(told)),
    )
}

fn status(report: &Value, verdict: &str) -> String {
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    let found = verdicts.iter().find(|found| found["verdict"] == verdict);
    found.expect("the verdict")["status"]
        .as_str()
        .expect("a status")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_proves_a_month_offline_and_any_change_is_refuted() {
    let pipeline = Pipeline::start(Start::default()).await;
    let demo = pipeline.audit(&["demo", "--decisions", "200", "--end", "2026-06-01T00:00:00Z"]);
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == 200).then_some(())
    })
    .await;
    pipeline.sealed().await;

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("month.audit.tar");
    let path = file.display().to_string();
    let made = pipeline.audit(&["bundle", "--from", FROM, "--to", TO, "--output", &path]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (exit, report) = verify(&pipeline, &file);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(report["bundle"]["complete_within_range"], true, "{report:#}");
    assert!(
        report["bundle"]["counts"]["matched"].as_u64() >= Some(200),
        "{report:#}"
    );

    // The request was recorded before the data was given out.
    until("the export is in the ledger", || async {
        (pipeline.count("kind = 'access'").await >= 2).then_some(())
    })
    .await;

    let mut bytes = std::fs::read(&file).expect("the bundle");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).expect("written");
    assert_eq!(verify(&pipeline, &file).0, 1);
    std::fs::write(&file, b"not a bundle").expect("written");
    assert_eq!(verify(&pipeline, &file).0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_with_the_bundle_of_its_records() {
    let pipeline = Pipeline::start(Start::default()).await;
    let demo = pipeline.audit(&["demo", "--decisions", "100", "--end", "2026-06-01T00:00:00Z"]);
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == 100).then_some(())
    })
    .await;
    let token = pipeline.token().await;
    let request = json!({"type": "range", "from": FROM, "to": TO, "format": ["json", "csv", "bundle"]});
    let (answered, job) = pipeline.post(&token, "/api/v1/reports/generate", &request).await;
    assert_eq!(answered, 202, "{job}");
    let id = job["id"].as_str().expect("an id").to_owned();
    until("the report is made", || async {
        let (_, job) = pipeline.get(&token, &format!("/api/v1/reports/{id}")).await;
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    let url = format!(
        "http://{}/api/v1/reports/{id}?format=bundle",
        pipeline.endpoints.console
    );
    let answer = pipeline
        .http
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .expect("it answers");
    let bytes = answer.bytes().await.expect("a body");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &bytes).expect("written");
    let (exit, report) = verify(&pipeline, file.path());
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(status(&report, "REPORT"), "pass", "{report:#}");

    let unknown = json!({"type": "bundle", "from": FROM, "to": TO, "filters": {"min_cost": "1"}});
    let (answered, problem) = pipeline.post(&token, "/api/v1/reports/generate", &unknown).await;
    assert_eq!(
        (answered, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/filters/min_cost"))
    );
}
