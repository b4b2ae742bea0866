//! A whole pipeline with a witness that somebody else runs: `audit up`, `audit witness`, `audit verify`.

use std::path::Path;

use audit_tests::{Pipeline, Start, Witness, until};
use serde_json::Value;

fn verdict<'r>(report: &'r Value, name: &str) -> &'r str {
    let verdicts = report["verdicts"].as_array().into_iter().flatten();
    let found = verdicts.into_iter().find(|verdict| verdict["verdict"] == name);
    found
        .and_then(|verdict| verdict["status"].as_str())
        .unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_witnessed_through_kills_and_verified_with_the_pinned_quorum() {
    let mut pipeline = Pipeline::start(Start::default()).await;
    let output = pipeline.audit(&["demo", "--decisions", "50", "--end", "2026-06-01T00:00:00Z"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    pipeline.sealed().await;
    let policy_file = pipeline.data().join("trust-policy.toml");
    let policy = std::fs::read_to_string(&policy_file).expect("a policy");
    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::start(folder.path(), "127.0.0.1:0", &policy);
    let (address, keys) = (witness.address.clone(), witness.keys.clone());
    std::fs::write(&policy_file, witness.pinned_in(&policy)).expect("written");
    let (status, report) = pipeline.verify();
    assert_eq!(
        (status, verdict(&report, "WITNESS")),
        (3, "unproven"),
        "nobody was asked yet: {report}"
    );

    pipeline.terminate().await;
    pipeline.restart().await;
    pipeline.witnessed(0).await;
    let (status, report) = pipeline.verify();
    assert_eq!((status, verdict(&report, "WITNESS")), (0, "pass"), "{report}");

    // The witness is killed: the pipeline goes on, and what is newer is not witnessed.
    drop(witness);
    let newest = pipeline.newest_epoch().await;
    until("more epochs are sealed", || async {
        (pipeline.newest_epoch().await > newest + 3).then_some(())
    })
    .await;
    let listen = address.strip_prefix("http://").expect("http");
    let again = Witness::start(folder.path(), listen, &policy);
    assert_eq!(again.keys, keys);
    pipeline.witnessed(pipeline.newest_epoch().await).await;
    let (status, report) = pipeline.verify();
    assert_eq!((status, verdict(&report, "WITNESS")), (0, "pass"), "{report}");

    // A head that the witness keeps is one the log must lead to; one of another log is not.
    let kept = again.kept_head().await;
    let head = folder.path().join("kept.note");
    std::fs::write(&head, &kept).expect("written");
    let verify = |head: &Path| {
        let head = head.display().to_string();
        pipeline.verify_with(&policy_file, &["--known-head", &head]).0
    };
    until("the log has grown past the kept head", || async {
        let size: u64 = kept.lines().nth(1)?.parse().ok()?;
        (pipeline.newest_epoch().await + 1 > size).then_some(())
    })
    .await;
    assert_eq!(verify(&head), 0);
    std::fs::write(&head, kept.replacen("audit.local", "other.local", 1)).expect("written");
    assert_eq!(verify(&head), 2, "no pinned key signed it");
}
