//! A whole pipeline with a witness that somebody else runs: `audit up`, `audit witness`, `audit verify`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use audit_tests::{Pipeline, Start, bin, until};
use serde_json::Value;

struct Witness {
    child: Child,
    address: String,
    keys: Vec<String>,
}

impl Witness {
    fn start(folder: &Path, listen: &str) -> Witness {
        let mut child = Command::new(bin("audit"))
            .args([
                "witness",
                "--listen",
                listen,
                "--name",
                "witness.example/e2e",
                "--json",
            ])
            .arg("--data")
            .arg(folder.join("witness"))
            .arg("--policy")
            .arg(folder.join("logs.policy"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("audit witness starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let keys = said["verifier_keys"].as_array().expect("keys").iter();
        Witness {
            child,
            address: said["address"].as_str().expect("an address").to_owned(),
            keys: keys.map(|key| key.as_str().expect("text").to_owned()).collect(),
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // SIGKILL: a witness must survive it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
    let log_keys: Vec<&str> = policy
        .lines()
        .skip_while(|line| *line != "[[log_key]]")
        .take_while(|line| *line != "[[receipt_key]]")
        .filter_map(|line| line.strip_prefix("vkey = \"")?.strip_suffix('"'))
        .collect();
    assert_eq!(log_keys.len(), 2, "Ed25519 and ML-DSA-44: {policy}");

    let folder = tempfile::tempdir().expect("a folder");
    let logs: String = log_keys.iter().map(|key| format!("log {key}\n")).collect();
    std::fs::write(folder.path().join("logs.policy"), format!("{logs}quorum none\n")).expect("written");
    let witness = Witness::start(folder.path(), "127.0.0.1:0");
    let (address, keys) = (witness.address.clone(), witness.keys.clone());
    // Both of its keys must sign, and both of the log's.
    let pinned = format!(
        "require_every_algorithm = true\nmax_witness_delay_s = 30\nwitness_policy = '''\nwitness a {} {address}\nwitness b {} {address}\ngroup both all a b\nquorum both\n'''\n{policy}",
        keys[0], keys[1]
    );
    std::fs::write(&policy_file, pinned).expect("written");
    let (status, report) = pipeline.verify();
    assert_eq!(
        (status, verdict(&report, "WITNESS")),
        (3, "unproven"),
        "nobody was asked yet: {report}"
    );

    pipeline.terminate().await;
    pipeline.restart().await;
    witnessed(&pipeline, 0).await;
    let (status, report) = pipeline.verify();
    assert_eq!((status, verdict(&report, "WITNESS")), (0, "pass"), "{report}");

    // The witness is killed: the pipeline goes on, and what is newer is not witnessed.
    drop(witness);
    let newest = newest(&pipeline).await;
    until("more epochs are sealed", || async {
        (self::newest(&pipeline).await > newest + 3).then_some(())
    })
    .await;
    let again = Witness::start(folder.path(), address.strip_prefix("http://").expect("http"));
    assert_eq!(again.keys, keys);
    let now = self::newest(&pipeline).await;
    witnessed(&pipeline, now).await;
    let (status, report) = pipeline.verify();
    assert_eq!((status, verdict(&report, "WITNESS")), (0, "pass"), "{report}");

    // A head that the witness keeps is one the log must lead to; one of another log is not.
    let digests = reqwest::get(format!("{address}/checkpoints"))
        .await
        .expect("it answers");
    let digests = digests.text().await.expect("text");
    let digest = digests.split(' ').next().expect("a digest");
    let kept = reqwest::get(format!("{address}/checkpoints/{digest}"))
        .await
        .expect("it answers");
    let kept = kept.text().await.expect("text");
    let head = folder.path().join("kept.note");
    std::fs::write(&head, &kept).expect("written");
    let verify = |head: &Path| {
        let target = format!("http://{}", pipeline.endpoints.console);
        let (policy, head) = (policy_file.display().to_string(), head.display().to_string());
        let output = pipeline.audit(&["verify", &target, "--policy", &policy, "--known-head", &head]);
        output.status.code()
    };
    until("the log has grown past the kept head", || async {
        let size: u64 = kept.lines().nth(1)?.parse().ok()?;
        (self::newest(&pipeline).await + 1 > size).then_some(())
    })
    .await;
    assert_eq!(verify(&head), Some(0));
    std::fs::write(&head, kept.replacen("audit.local", "other.local", 1)).expect("written");
    assert_eq!(verify(&head), Some(2), "no pinned key signed it");
}

async fn newest(pipeline: &Pipeline) -> u64 {
    let token = pipeline.token().await;
    let (_, answer) = pipeline.get(&token, "/api/v1/checkpoints?limit=1").await;
    answer["latest"]["epoch"].as_u64().expect("an epoch")
}

/// Waits until an epoch from `from` on is cosigned.
async fn witnessed(pipeline: &Pipeline, from: u64) {
    let token = pipeline.token().await;
    until("a quorum cosigned", || async {
        let (_, answer) = pipeline.get(&token, "/api/v1/verify/witnessed").await;
        let epoch = answer["cosigned"]["epoch"].as_u64()?;
        (epoch >= from).then_some(())
    })
    .await;
}
