//! The program itself: what it says when it cannot start, and how it stops.

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

use support::{event, rig};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ingest");

fn run_with(config: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ingest.toml");
    std::fs::write(&path, config).unwrap();
    Command::new(PROGRAM)
        .arg(&path)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

#[test]
fn a_wrong_configuration_names_the_key_and_ends_with_2() {
    for (config, expected) in [
        ("[kafka]\nbrokers = \"b\"\n", "keys"),
        (
            "[kafka]\nbrokers = \"b\"\n[keys]\nfile = \"k\"\n[limts]\n",
            "limts",
        ),
        (
            "[kafka]\nbrokers = \"b\"\n[keys]\nfile = \"missing.json\"\n",
            "missing.json",
        ),
        (
            "[kafka]\nbrokers = \"b\"\n[keys]\nfile = \"k\"\n[limits]\nbatch_events = 0\n",
            "limits.batch_events",
        ),
    ] {
        let output = run_with(config);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected} is not named in: {said}");
    }
}

/// Ends the program when the test fails before it has stopped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_events_until_sigterm_and_then_ends_with_0() {
    // The rig's own edge only lends its key, its control store and its brokers.
    let rig = rig(|_| {}).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ingest.toml");
    let config = format!(
        "operations = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n[kafka]\nbrokers = \"{}\"\n\
         [control]\nurl = \"{}\"\n[keys]\nfile = \"{}\"\nseal_payloads = false\n[log]\nformat = \"json\"\n",
        rig.cluster.bootstrap_servers(),
        rig.control_url(),
        rig.key_file().display(),
    );
    std::fs::write(&path, config).unwrap();
    let mut program = Running(
        Command::new(PROGRAM)
            .arg(&path)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(program.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let listening = lines.find(|line| line.contains("edge listening")).unwrap();
    // Somebody must go on reading: a program whose standard error is closed cannot log its stop.
    std::thread::spawn(move || lines.count());
    let listening: serde_json::Value = serde_json::from_str(&listening).unwrap();
    let address = listening["address"].as_str().unwrap();

    let client = aal_client::Client::new(&format!("http://{address}"), &rig.key).unwrap();
    client
        .record(&event())
        .await
        .expect("taken once the topic was seen");
    let killed = Command::new("kill")
        .args(["-TERM", &program.0.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let status = tokio::task::spawn_blocking(move || program.0.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rig.records(1).len(), 1);
}
