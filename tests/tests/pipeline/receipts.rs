//! Receipts that clients kept, against a running service: an event that was accepted and is not there is named.

use std::path::{Path, PathBuf};

use aal_ledger::{NoteSigner, Receipt};
use aal_seal::{KeyRing, purpose};
use audit_tests::{Pipeline, Start, recordings, until};
use serde_json::Value;
use uuid::Uuid;

const DECISIONS: u64 = 120;

/// The pinned policy with a promise of sealing short enough for a test.
fn promised(pipeline: &Pipeline) -> PathBuf {
    let pinned = std::fs::read_to_string(pipeline.data().join("trust-policy.toml")).expect("a policy");
    let file = pipeline.data().join("promised-policy.toml");
    std::fs::write(&file, format!("max_seal_delay_s = 2\n{pinned}")).expect("written");
    file
}

fn verify(pipeline: &Pipeline, policy: &Path, receipts: &Path) -> (i32, Value) {
    let target = format!("http://{}", pipeline.endpoints.console);
    let (policy, receipts) = (policy.display().to_string(), receipts.display().to_string());
    let arguments = [
        "verify",
        &target,
        "--policy",
        &policy,
        "--receipts",
        &receipts,
        "--json",
    ];
    let output = pipeline.audit(&arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(format!("{text}{error}")));
    (output.status.code().unwrap_or(-1), report)
}

fn run(pipeline: &Pipeline, arguments: &[&str]) {
    let output = pipeline.audit(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A receipt that the edge's own key signed, of an event that it then lost.
fn of_a_lost_event(pipeline: &Pipeline, event_id: Uuid, edge_at_us: i64) -> String {
    let ring = std::fs::read_to_string(pipeline.data().join("keys/ring.json")).expect("a key ring");
    let seed = KeyRing::parse(&ring)
        .expect("a key ring")
        .derive(purpose::RECEIPTS);
    let signer = NoteSigner::from_seed("audit.local/edge", &seed).expect("a key");
    Receipt::sign(event_id, [7; 32], edge_at_us, &signer).to_string()
}

/// SCOPE's findings about one event.
fn told_of(report: &Value, event_id: &str) -> Vec<String> {
    let verdicts = report["verdicts"].as_array().expect("verdicts");
    let scope = verdicts.iter().find(|verdict| verdict["verdict"] == "SCOPE");
    let findings = scope.expect("SCOPE")["findings"].as_array().expect("findings");
    findings
        .iter()
        .filter(|finding| finding["event_id"] == event_id)
        .map(|finding| finding["what"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_event_that_is_missing_is_named() {
    let pipeline = Pipeline::start(Start::default()).await;
    let policy = promised(&pipeline);
    let receipts = pipeline.data().join("receipts");
    let file = receipts.display().to_string();
    let decisions = DECISIONS.to_string();
    run(
        &pipeline,
        &[
            "demo",
            "--decisions",
            &decisions,
            "--end",
            "2026-06-01T00:00:00Z",
            "--receipts",
            &file,
        ],
    );
    let kept = || {
        std::fs::read_to_string(&receipts)
            .expect("receipts")
            .lines()
            .count() as u64
    };
    let of_demo = kept();
    assert!(of_demo >= DECISIONS, "outcomes have receipts, too: {of_demo}");
    let recording = recordings("openai.jsonl").display().to_string();
    run(&pipeline, &["replay", &recording, "--receipts", &file]);
    let all = kept();
    assert!(all > of_demo, "added to what was there");
    until("all of it is stored", || async {
        (pipeline.count("kind IN ('event', 'outcome')").await == all).then_some(())
    })
    .await;
    pipeline.sealed().await;

    // Nothing is missing.
    let (status, report) = verify(&pipeline, &policy, &receipts);
    assert_eq!(status, 0, "{report}");
    let told = &report["receipts"];
    assert_eq!(
        (&told["given"], &told["matched"], &told["missing"]),
        (&all.into(), &all.into(), &0.into()),
        "{report}"
    );

    // The ledger is whole, and yet the edge accepted an event that never came: only the receipt tells.
    let lost = Uuid::from_u128(0x0199_5555_0000_7000_8000_0000_0000_0001);
    let with_lost = pipeline.data().join("receipts-with-lost");
    let long_ago_us = 1_767_225_600_000_000;
    let text = std::fs::read_to_string(&receipts).expect("receipts");
    let line = of_a_lost_event(&pipeline, lost, long_ago_us);
    std::fs::write(&with_lost, format!("{text}{line}\n")).expect("written");
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "without receipts: {report}");
    let (status, report) = verify(&pipeline, &policy, &with_lost);
    assert_eq!(status, 1, "{report}");
    assert_eq!(
        report["receipts"]["missing_events"],
        serde_json::json!([lost]),
        "{report}"
    );
    let told = told_of(&report, &lost.to_string());
    assert!(
        told.len() == 1 && told[0].ends_with("accepted and not in the log"),
        "{told:?}"
    );

    // A receipt that nobody pinned signed proves nothing, and is no pass either.
    std::fs::write(&with_lost, format!("{text}{}\n", line.replace("5555", "5556"))).expect("written");
    let (status, report) = verify(&pipeline, &policy, &with_lost);
    assert_eq!(
        (status, &report["receipts"]["refused"]),
        (3, &1.into()),
        "{report}"
    );

    a_deleted_record_is_named(&pipeline, &policy, &receipts).await;
}

/// Somebody deletes the row of an accepted event.
async fn a_deleted_record_is_named(pipeline: &Pipeline, policy: &Path, receipts: &Path) {
    let store = pipeline.store();
    let client = store.client().clone().with_setting("mutations_sync", "2");
    let victim = client
        .query("SELECT toString(event_id) FROM records WHERE kind = 'event' ORDER BY event_id LIMIT 1")
        .fetch_one::<String>()
        .await
        .expect("a record");
    client
        .query(&format!(
            "ALTER TABLE records DELETE WHERE event_id = toUUID('{victim}') AND kind = 'event'"
        ))
        .execute()
        .await
        .expect("the administrator may do anything");
    // Missing is what should have been sealed by now; until the promised time has passed it is undecided.
    let report = until("the promised time has passed", || async {
        let (status, report) = verify(pipeline, policy, receipts);
        assert_eq!(status, 1, "{report}");
        (report["receipts"]["missing"] == 1).then_some(report)
    })
    .await;
    assert_eq!(
        report["receipts"]["missing_events"],
        serde_json::json!([victim]),
        "{report}"
    );
}
