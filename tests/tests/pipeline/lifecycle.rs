//! Starting, stopping, being killed.

use audit_tests::{Pipeline, Start, bin, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_used_once_and_survives_terminate_and_kill() {
    let mut pipeline = Pipeline::start(Start::default()).await;
    let data = pipeline.data().display().to_string();
    let second = std::process::Command::new(bin("audit"))
        .args([
            "up",
            "--data",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--edge-listen",
            "127.0.0.1:0",
        ])
        .output()
        .expect("audit runs");
    assert_eq!(second.status.code(), Some(2));
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains("already runs on"), "{message}");

    let output = pipeline.audit(&["demo", "--decisions", "100", "--end", "2026-06-01T00:00:00Z"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == 100).then_some(())
    })
    .await;

    let ended = pipeline.terminate().await;
    assert!(ended.success(), "ended with {ended}:\n{}", pipeline.output());
    pipeline.restart().await;
    assert_eq!(pipeline.count("kind = 'event'").await, 100);

    pipeline.kill();
    pipeline.restart().await;
    let output = pipeline.audit(&[
        "replay",
        &audit_tests::recordings("azure.jsonl").display().to_string(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("new events are stored", || async {
        (pipeline.count("application = 'replay'").await > 0).then_some(())
    })
    .await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engine_is_started_again() {
    let pipeline = Pipeline::start(Start::default()).await;
    let before = child_of(pipeline.endpoints.pid, "aal-olap-engine").expect("the engine runs");
    let pid = rustix::process::Pid::from_raw(before).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it exists");
    until("another engine runs", || {
        let now = child_of(pipeline.endpoints.pid, "aal-olap-engine");
        std::future::ready(now.filter(|now| *now != before))
    })
    .await;
    until("the store answers again", || async {
        pipeline.store().ping().await.ok()
    })
    .await;
    let output = pipeline.audit(&[
        "replay",
        &audit_tests::recordings("azure.jsonl").display().to_string(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("new events are stored", || async {
        (pipeline.count("application = 'replay'").await > 0).then_some(())
    })
    .await;
}

/// The pid of a child by its program's name, from /proc.
fn child_of(parent: u32, name: &str) -> Option<i32> {
    let children = std::fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let state = rest.split_whitespace().next()?;
        let ppid: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        // The kernel cuts names after 15 bytes.
        (ppid == parent && state != "Z" && head.contains(&name[..name.len().min(15)])).then_some(pid)
    });
    children.into_iter().next()
}
