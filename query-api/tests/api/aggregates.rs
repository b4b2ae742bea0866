//! Sessions, metrics and reports.

use aal_control::{JobFile, TenantScope};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{BANK, NOW_US, Rig};

pub async fn sessions(rig: &Rig, admin: &str) {
    let first = rig
        .get("/api/v1/audit/sessions?limit=2&from=2026-01-01T00:00:00Z", admin)
        .await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/audit/sessions?limit=2&from=2026-01-01T00:00:00Z&cursor={cursor}");
    let second = rig.get(&path, admin).await;
    let mut names: Vec<String> = Vec::new();
    for page in [&first, &second] {
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["session_id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(names, ["case-2", "case-1", "case-0", "ward-1"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let timeline = rig.get("/api/v1/audit/sessions/case-0", admin).await;
    assert_eq!(timeline["totals"]["calls"], 10);
    assert_eq!(timeline["totals"]["flagged"], 1);
    assert_eq!(timeline["totals"]["cost"], "0.0035");
    assert_eq!(
        timeline["items"].as_array().unwrap().len(),
        11,
        "ten calls and an outcome"
    );
    rig.refused("/api/v1/audit/sessions/none", admin, 404).await;
}

pub async fn metrics(rig: &Rig, admin: &str) {
    let day = rig
        .get(
            "/api/v1/metrics?from=2026-01-01T00:00:00Z&interval=day&group_by=application,model",
            admin,
        )
        .await;
    let series = day["series"].as_array().unwrap();
    let sum = |name: &str| -> u64 {
        series
            .iter()
            .map(|group| group["points"][0][name].as_u64().unwrap())
            .sum()
    };
    assert_eq!((sum("calls"), sum("errors"), sum("flagged")), (32, 1, 1));
    let totals = &day["totals"];
    assert_eq!(
        (&totals["calls"], &totals["errors"], &totals["overrides"]),
        (&json!(32), &json!(1), &json!(1))
    );
    assert_eq!(totals["latency_ms"], json!({"p50": 250, "p95": 250, "p99": 1250}));
    assert_eq!(totals["cost"], "0.0105", "30 calls of 0.00035, exactly");
    assert_eq!(series[0]["points"][0]["t"], "2026-01-01T00:00:00.000000Z");
    let loans = series
        .iter()
        .find(|group| group["group"]["application"] == "loans")
        .unwrap();
    let addresses = loans["points"][0]["redactions"]["EMAIL_ADDRESS"].as_u64();
    assert!(addresses >= Some(15), "{addresses:?}");
    for interval in ["minute", "hour", "week", "month"] {
        let path = format!("/api/v1/metrics?from=2026-01-01T00:00:00Z&interval={interval}");
        let answer = rig.get(&path, admin).await;
        let points = answer["series"][0]["points"].as_array().unwrap();
        let calls: u64 = points.iter().map(|point| point["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls, 32, "{interval}");
    }
    let week = rig
        .get("/api/v1/metrics?from=2026-01-01T00:00:00Z&interval=week", admin)
        .await;
    assert_eq!(
        week["series"][0]["points"][0]["t"], "2025-12-29T00:00:00.000000Z",
        "a Monday"
    );
}

pub async fn reports(rig: &Rig, officer: &str, viewer: &str) {
    let range = json!({"type": "range", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"});
    assert_eq!(
        rig.post("/api/v1/reports/generate", viewer, range.clone())
            .await
            .0,
        403
    );
    let (status, problem) = rig
        .post("/api/v1/reports/generate", officer, json!({"type": "novel"}))
        .await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (400, Some("/type"))
    );
    let (status, _) = rig
        .post("/api/v1/reports/generate", officer, json!({"type": "range"}))
        .await;
    assert_eq!(status, 400);
    let (status, job) = rig.post("/api/v1/reports/generate", officer, range).await;
    assert_eq!((status, job["status"].as_str()), (202, Some("queued")));
    let id: Uuid = job["id"].as_str().unwrap().parse().unwrap();
    let path = format!("/api/v1/reports/{id}");
    rig.refused(&format!("{path}?format=pdf"), officer, 409).await;

    let job = rig
        .control
        .claim_job(id, "worker", 1_000_000, NOW_US)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.tenant, TenantScope::One(BANK));
    std::fs::create_dir_all(rig.path("reports/r")).unwrap();
    std::fs::write(rig.path("reports/r/x.pdf"), b"%PDF-").unwrap();
    let file = JobFile {
        format: "pdf".into(),
        key: "r/x.pdf".into(),
        bytes: 5,
        sha256: "00".into(),
    };
    rig.control
        .finish_job(id, "worker", &[file], NOW_US)
        .await
        .unwrap();
    assert_eq!(rig.get(&path, officer).await["status"], "done");
    let pdf = rig
        .send(Method::GET, &format!("{path}?format=pdf"), officer, None)
        .await;
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    assert_eq!(pdf.bytes().await.unwrap(), &b"%PDF-"[..]);
    rig.refused(&format!("{path}?format=csv"), officer, 404).await;
    assert_eq!(
        rig.get("/api/v1/reports", officer).await["items"][0]["id"],
        json!(id)
    );
}
