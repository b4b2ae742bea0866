//! Reports: asked for over HTTP, rendered by the worker, downloaded and read.

use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};

async fn finished(pipeline: &Pipeline, token: &str, request: Value) -> String {
    let (status, job) = pipeline.post(token, "/api/v1/reports/generate", &request).await;
    assert_eq!(status, 202, "{job}");
    let id = job["id"].as_str().expect("an id").to_owned();
    until("the report is finished", || async {
        let (status, job) = pipeline.get(token, &format!("/api/v1/reports/{id}")).await;
        assert_eq!(status, 200, "{job}");
        assert_ne!(job["status"], "failed", "{job}");
        (job["status"] == "done").then_some(())
    })
    .await;
    id
}

async fn download(pipeline: &Pipeline, token: &str, id: &str, format: &str) -> Vec<u8> {
    let url = format!(
        "http://{}/api/v1/reports/{id}?format={format}",
        pipeline.endpoints.console
    );
    let answer = pipeline
        .http
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("it answers");
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("a body").to_vec()
}

fn text_of(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), pdf).expect("written");
    let output = std::process::Command::new("pdftotext")
        .arg("-layout")
        .arg(file.path())
        .arg("-")
        .output();
    String::from_utf8_lossy(&output.expect("pdftotext is installed").stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_and_a_month_are_reported_as_pdf_csv_and_json() {
    let pipeline = Pipeline::start(Start::default()).await;
    let output = pipeline.audit(&["demo", "--decisions", "300", "--end", "2026-06-01T00:00:00Z"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == 300).then_some(())
    })
    .await;
    pipeline.sealed().await;
    let token = pipeline.token().await;
    let (_, page) = pipeline
        .get(&token, "/api/v1/audit/logs?limit=1&has_pii=true")
        .await;
    let event_id = page["items"][0]["event_id"]
        .as_str()
        .expect("a decision with personal data")
        .to_owned();
    let tenant = page["items"][0]["tenant"].clone();

    let id = finished(
        &pipeline,
        &token,
        json!({"type": "decision", "event_id": event_id, "tenant": tenant}),
    )
    .await;
    let pdf = download(&pipeline, &token, &id, "pdf").await;
    assert!(pdf.starts_with(b"%PDF"));
    let text = text_of(&pdf);
    assert!(text.contains(&event_id), "the decision is not named in:\n{text}");
    assert!(text.contains("Page 1 of"), "pages are not numbered in:\n{text}");

    let month = json!({"type": "range", "from": "2026-05-01T00:00:00Z", "to": "2026-06-02T00:00:00Z", "tenant": tenant});
    let id = finished(&pipeline, &token, month).await;
    assert!(text_of(&download(&pipeline, &token, &id, "pdf").await).contains("Page 1 of"));
    let model: Value = serde_json::from_slice(&download(&pipeline, &token, &id, "json").await).expect("JSON");
    assert!(model.is_object());
    let csv = String::from_utf8(download(&pipeline, &token, &id, "csv").await).expect("UTF-8");
    let tenant_id = tenant.as_str().expect("an id");
    let stored = pipeline
        .count(&format!(
            "kind = 'event' AND tenant = toUUID('{tenant_id}') AND occurred_at >= '2026-05-01' AND occurred_at < '2026-06-02'"
        ))
        .await;
    assert_eq!(
        csv.lines().count() as u64,
        stored + 1,
        "one line a decision and a heading"
    );
}
