//! Jobs from claim to finished files, over the real engine, the real control store and a directory of objects.

mod bench;
mod common;

use std::collections::HashMap;

use aal_control::{JobStatus, TenantScope};
use aal_service::Shutdown;
use bench::{Bench, DECISIONS, SECOND_US};
use reporter::WorkerConfig;
use reporter::model::{Body, NumberRange, Report, VerdictState, sha256};
use serde_json::{Value, json};

fn month() -> Value {
    json!({"type": "range", "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"})
}

fn report_of(files: &HashMap<String, Vec<u8>>) -> Report {
    serde_json::from_slice(&files["json"]).unwrap()
}

fn verdict(report: &Report, name: &str) -> VerdictState {
    report
        .head
        .verdicts
        .iter()
        .find(|verdict| verdict.name == name)
        .unwrap()
        .state
}

fn text_of(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let output = std::process::Command::new("pdftotext")
        .arg("-layout")
        .arg(file.path())
        .arg("-")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// One engine serves all steps: opening it twice in a process is not possible.
#[tokio::test(flavor = "multi_thread")]
async fn reports_over_the_real_engine() {
    let bench = Bench::new().await;
    bench.fill().await;
    a_month(&bench).await;
    a_decision(&bench).await;
    refusals(&bench).await;
    a_dead_worker(&bench).await;
    too_many_attempts(&bench).await;
    an_engine_that_does_not_answer(&bench).await;
    a_stop(&bench).await;
    a_changed_header(&bench).await;
    missing_records(&bench).await;
    bench.stop().await;
}

async fn a_month(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    let Body::Range(range) = &report.body else {
        panic!("a range")
    };
    assert_eq!(report.head.tenant.name.as_deref(), Some("Hansebank AG"));
    assert_eq!(
        (range.totals.calls, range.totals.input_tokens),
        (DECISIONS, DECISIONS * 100)
    );
    assert_eq!(
        (range.totals.priced, range.totals.redactions),
        (DECISIONS, DECISIONS)
    );
    let oversight = &range.oversight;
    assert_eq!(
        (oversight.with_outcome, oversight.overridden, oversight.flagged),
        (4, 1, 1)
    );
    assert!(
        range.population.checks.iter().all(|check| check.holds),
        "{:?}",
        range.population.checks
    );
    let sources = &range.sources;
    assert_eq!(
        (
            sources.sources,
            sources.records,
            sources.missing,
            sources.repeated
        ),
        (1, DECISIONS, 2, 0)
    );
    let source = &sources.listed[0];
    assert_eq!(
        (
            source.application.as_str(),
            source.instance.as_str(),
            source.sdk.as_str(),
            source.epoch
        ),
        ("credit-decisions", "pod-7", "python", 4)
    );
    assert_eq!((source.first, source.last), (0, DECISIONS + 1));
    assert_eq!(source.gaps, [NumberRange { first: 5, last: 6 }]);
    assert_eq!(verdict(&report, "content"), VerdictState::Pass);
    assert_eq!(
        verdict(&report, "scope"),
        VerdictState::Unproven,
        "there is no checkpoint to compare with"
    );

    let text = text_of(&files["pdf"]);
    let digest = sha256(&files["json"]).to_string();
    let pages = text.matches("report.json SHA-256").count();
    assert!(
        pages > 1 && text.matches(&digest).count() == pages,
        "every page names the digest"
    );
    assert!(text.contains(&format!("Page 1 of {pages}")) && text.contains(&id.to_string()));
    assert!(
        text.contains("gpt-4o-2024-08-06") && text.contains("EMAIL_ADDRESS"),
        "{text}"
    );
    assert!(
        text.contains("Completeness of sources") && text.contains("pod-7"),
        "{text}"
    );
    assert!(!text.contains("@example.org"), "an address that was redacted");
    let csv = String::from_utf8(files["csv"].clone()).unwrap();
    assert_eq!(csv.lines().count() as u64, DECISIONS + 1);
    assert!(!csv.contains("@example.org"));
    let (head, first) = csv.split_once("\r\n").unwrap();
    assert!(head.ends_with(",source_id,source_epoch,source_seq"), "{head}");
    assert!(
        first
            .lines()
            .next()
            .unwrap()
            .ends_with(&format!(",{},4,0", source.source_id)),
        "{first}"
    );
}

async fn a_decision(bench: &Bench) {
    let id = bench.ask("decision", json!({"event_id": common::id(3)})).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    let Body::Decision(decision) = &report.body else {
        panic!("a decision")
    };
    assert_eq!(decision.event.model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(decision.outcomes.len(), 1);
    assert_eq!(decision.outcomes[0].reviewer.as_deref(), Some("clerk-2"));
    assert!(decision.outcomes[0].overridden);
    assert_eq!(decision.redactions.len(), 1);
    assert_eq!(
        decision
            .parameters
            .iter()
            .find(|p| p.name == "temperature")
            .unwrap()
            .value,
        "0.2"
    );
    assert!(
        decision
            .input
            .text
            .as_ref()
            .unwrap()
            .contains(&decision.redactions[0].token)
    );
    assert_eq!(decision.output.text.as_deref(), Some("Yes, <b>she</b> is."));
    assert!(decision.ledger.next_leaf_hash.is_some());
    let content = report
        .head
        .verdicts
        .iter()
        .find(|verdict| verdict.name == "content")
        .unwrap();
    assert_eq!(content.checked, 4, "the record, its neighbours and its outcome");
    assert!(content.detail.contains("2 links"), "{}", content.detail);
    assert_eq!(verdict(&report, "content"), VerdictState::Pass);
    let text = text_of(&files["pdf"]);
    assert!(text.contains("Yes, <b>she</b> is.") && text.contains("overrid") || text.contains("Override"));
    assert!(
        !String::from_utf8(files["json"].clone())
            .unwrap()
            .contains("@example.org")
    );
}

async fn refusals(bench: &Bench) {
    let stranger = TenantScope::One(common::id(77));
    let cases = [
        (
            bench.ask("decision", json!({"event_id": common::id(999)})).await,
            "no decision",
        ),
        (
            bench
                .ask_as(stranger, "decision", json!({"event_id": common::id(3)}))
                .await,
            "no decision",
        ),
        (
            bench.ask("quarterly", json!({})).await,
            "report type \"quarterly\" is not known",
        ),
        (
            bench.ask("range", json!({"from": "x", "to": "y"})).await,
            "from is not an RFC 3339 time",
        ),
        (
            bench
                .ask(
                    "range",
                    json!({"type": "range", "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z",
            "filters": {"colour": "red"}}),
                )
                .await,
            "filter \"colour\"",
        ),
    ];
    bench.work().await;
    for (id, reason) in cases {
        let job = bench.job(id).await;
        assert_eq!(job.status, JobStatus::Failed);
        assert!(job.error.contains(reason), "{}", job.error);
    }
}

async fn a_dead_worker(bench: &Bench) {
    let id = bench
        .ask(
            "range",
            json!({"format": ["json"], "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}),
        )
        .await;
    let control = &bench.worker.control;
    let now_us = aal_service::times::now_us();
    // A worker claimed it and is never heard of again; its lease has not ended.
    control
        .claim_job(id, "dead", 3_600 * SECOND_US, now_us)
        .await
        .unwrap()
        .unwrap();
    bench.work().await;
    assert_eq!(
        bench.job(id).await.status,
        JobStatus::Running,
        "nobody takes a leased job"
    );
    // Its lease ends.
    assert!(control.renew_job(id, "dead", -SECOND_US, now_us).await.unwrap());
    bench.work().await;
    let files = bench.files(id).await;
    assert_eq!(files.len(), 1);
    let job = bench.job(id).await;
    assert_eq!(job.attempts, 2);
    assert!(
        job.files[0].key.ends_with("/2/report.json"),
        "{}",
        job.files[0].key
    );
    // It comes back: too late to finish or to fail the job.
    assert!(!control.finish_job(id, "dead", &[], now_us).await.unwrap());
    assert!(!control.fail_job(id, "dead", "late", now_us).await.unwrap());
    assert_eq!(bench.job(id).await, job);
}

async fn too_many_attempts(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    let control = &bench.worker.control;
    for attempt in 0..WorkerConfig::default().attempts_max {
        let now_us = aal_service::times::now_us();
        control
            .claim_job(id, &format!("dead-{attempt}"), -SECOND_US, now_us)
            .await
            .unwrap()
            .unwrap();
    }
    bench.work().await;
    let job = bench.job(id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.error.contains("given up after 3 attempts"), "{}", job.error);
}

async fn an_engine_that_does_not_answer(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    let worker = bench.worker_without_engine().await;
    let control = &bench.worker.control;
    for attempt in 1..=WorkerConfig::default().attempts_max {
        worker.take_waiting(&Shutdown::new()).await.unwrap();
        let job = bench.job(id).await;
        assert_eq!(job.attempts, attempt);
        if attempt < WorkerConfig::default().attempts_max {
            assert_eq!(job.status, JobStatus::Running, "it is left to be taken again");
        } else {
            assert_eq!(job.status, JobStatus::Failed);
            assert!(
                job.error.starts_with("cannot read the records from the store"),
                "{}",
                job.error
            );
        }
    }
    assert!(control.waiting_jobs(i64::MAX, 10).await.unwrap().is_empty());
}

async fn a_stop(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    let stopping = Shutdown::new();
    stopping.request();
    bench.worker.take_waiting(&stopping).await.unwrap();
    assert_eq!(
        bench.job(id).await.status,
        JobStatus::Queued,
        "a stopping worker takes nothing"
    );
    bench.work().await;
    bench.files(id).await;
}

async fn a_changed_header(bench: &Bench) {
    let statement = "ALTER TABLE records UPDATE header = replaceOne(header, '\"input_tokens\":100', '\"input_tokens\":999') \
                     WHERE chain_index = 0 SETTINGS mutations_sync = 2";
    bench.execute(statement).await;
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    assert_eq!(verdict(&report, "content"), VerdictState::Fail);
    let text = text_of(&files["pdf"]);
    assert!(text.contains("A verification failed"), "{text}");
    assert!(text.contains("shard 0, index 0: header does not hash"), "{text}");
}

async fn missing_records(bench: &Bench) {
    bench
        .execute("ALTER TABLE records DELETE WHERE chain_index = 5 SETTINGS mutations_sync = 2")
        .await;
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let report = report_of(&bench.files(id).await);
    assert_eq!(verdict(&report, "scope"), VerdictState::Fail);
    let Body::Range(range) = &report.body else {
        panic!("a range")
    };
    let broken: Vec<_> = range
        .population
        .checks
        .iter()
        .filter(|check| !check.holds)
        .collect();
    assert_eq!(broken.len(), 1);
    assert!(broken[0].statement.contains("chain lengths"));
}
