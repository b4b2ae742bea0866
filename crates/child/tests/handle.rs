//! Starting, stopping and orphaning a child.

use aal_child::{Child, ChildError};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const SOON: Duration = Duration::from_secs(20);

/// Cargo builds a package's examples for its tests, beside them.
fn waiting_child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/waiting-child")
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().unwrap().cast_signed()).unwrap()
}

#[tokio::test]
async fn a_child_is_ready_and_stops_when_asked() {
    let child = Child::start(Command::new(waiting_child()), SOON).await.unwrap();
    assert_eq!(child.address().port(), 9);
    assert!(child.terminate(SOON).await.unwrap().success());
}

#[tokio::test]
async fn a_deaf_child_is_killed() {
    let script = r#"trap '' TERM; echo '{"listening":"127.0.0.1:9"}'; while :; do sleep 1; done"#;
    let child = Child::start(shell(script), SOON).await.unwrap();
    let status = child.terminate(Duration::from_millis(50)).await.unwrap();
    assert!(!status.success());
}

#[tokio::test]
async fn what_is_not_ready_is_an_error() {
    let nothing = Child::start(Command::new("/nowhere/program"), SOON)
        .await
        .unwrap_err();
    assert!(matches!(nothing, ChildError::Start { .. }), "{nothing}");
    let ended = Child::start(shell("exit 3"), SOON).await.unwrap_err();
    assert!(
        matches!(&ended, ChildError::EndedEarly { status, .. } if status.contains('3')),
        "{ended}"
    );
    let chatty = Child::start(shell("echo hello; exec sleep 60"), SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(&chatty, ChildError::NotReadyLine { line, .. } if line == "hello"),
        "{chatty}"
    );
    let slow = Child::start(shell("exec sleep 60"), Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(
        matches!(slow, ChildError::TooSlow { waited_ms: 50, .. }),
        "{slow}"
    );
}

#[tokio::test]
async fn a_child_that_talks_on_is_not_blocked() {
    let script = r#"echo '{"listening":"127.0.0.1:9"}'; yes | head -c 1000000; exit 7"#;
    let mut child = Child::start(shell(script), SOON).await.unwrap();
    let status = tokio::time::timeout(SOON, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(7));
}

#[tokio::test]
async fn a_dropped_handle_takes_its_child_along() {
    let child = Child::start(Command::new(waiting_child()), SOON).await.unwrap();
    let pid = pid(&child);
    drop(child);
    gone(pid).await;
}

/// Two threads: the one that waits below must not be the one that reads the ready line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_outlives_the_thread_that_started_it() {
    let runtime = tokio::runtime::Handle::current();
    let start = move || runtime.block_on(Child::start(Command::new(waiting_child()), SOON));
    let child = std::thread::spawn(start).join().unwrap().unwrap();
    // The thread is gone and the kernel has told the child so; it still takes a request to stop as such.
    assert!(test_kill_process(pid(&child)).is_ok());
    assert!(child.terminate(SOON).await.unwrap().success());
}

#[tokio::test]
async fn a_child_ends_with_its_parent() {
    ends_with_its_parent("closes").await;
}

#[tokio::test]
async fn an_orphan_that_hangs_is_killed() {
    ends_with_its_parent("hangs").await;
}

async fn ends_with_its_parent(behaviour: &str) {
    let mut parent = shell(r#""$0" "$1" & echo $!; wait"#)
        .arg(waiting_child())
        .arg(behaviour)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    // The shell's line and the child's, whichever comes first.
    let first = lines.next_line().await.unwrap().unwrap();
    let second = lines.next_line().await.unwrap().unwrap();
    let (pid, ready) = if first.contains("listening") {
        (second, first)
    } else {
        (first, second)
    };
    assert!(ready.contains("listening"));
    let child = pid.parse().unwrap();
    parent.kill().await.unwrap();
    // The child held the pipe's other end.
    assert_eq!(
        tokio::time::timeout(SOON, lines.next_line())
            .await
            .unwrap()
            .unwrap(),
        None
    );
    let _ = kill_process(Pid::from_raw(child).unwrap(), Signal::KILL);
}

/// Waits until the process does not exist; the runtime reaps it.
async fn gone(pid: Pid) {
    let deadline = Instant::now() + SOON;
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < deadline, "the child still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
