//! The gateway as a program of its own, killed while events wait.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    rigging::{Gateway, chat, gateway, metric_of, see},
    support::Rig,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");
const PATIENCE: Duration = Duration::from_secs(60);
const PATH: &str = "openai/v1/chat/completions";

/// Ends the program with the test.
struct Program {
    child: Child,
    address: String,
    operations: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(rig: &Rig, provider: &str, spool: &Path) -> String {
    format!(
        "operations = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n[kafka]\nbrokers = \"{}\"\n\
         [control]\nurl = \"{}\"\n[log]\nformat = \"json\"\n\
         [gateway.upstreams.openai]\nurl = \"{provider}\"\n\
         [gateway.upstreams.bedrock]\nurl = \"{provider}\"\nsign = {{ region = \"eu-central-1\" }}\n\
         [gateway.timeouts]\ndelivery_ms = 1000\n[gateway.spool]\ndirectory = \"{}\"\n",
        rig.cluster.bootstrap_servers(),
        rig.control_url(),
        spool.display()
    )
}

fn launch(config: &Path) -> Program {
    let mut child = Command::new(PROGRAM)
        .arg(config)
        .env_remove("RUST_LOG")
        .env_remove("AWS_SESSION_TOKEN")
        .env("AWS_ACCESS_KEY_ID", "test-id")
        .env("AWS_SECRET_ACCESS_KEY", "test-secret")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let listening = lines.find(|line| line.contains("gateway listening")).unwrap();
    std::thread::spawn(move || lines.count());
    let listening: serde_json::Value = serde_json::from_str(&listening).unwrap();
    let text = |name: &str| listening[name].as_str().unwrap().to_owned();
    Program {
        address: text("address"),
        operations: text("operations"),
        child,
    }
}

impl Program {
    async fn call(&self, gateway: &Gateway, number: usize) {
        let body = chat(&format!("call {number}"), false);
        let url = format!("http://{}/gateway/{PATH}", self.address);
        let request = gateway.rig.http.post(url).header("x-audit-key", &gateway.rig.key);
        let seen = see(request.body(body.to_string())).await;
        assert_eq!(seen.status, 200);
    }

    async fn metric(&self, gateway: &Gateway, name: &str, value: u64) {
        let begun = Instant::now();
        loop {
            let answer = gateway
                .rig
                .http
                .get(format!("http://{}/metrics", self.operations))
                .send()
                .await
                .unwrap();
            let text = answer.text().await.unwrap();
            if metric_of(&text, name) == value {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{name} is not {value}:\n{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spooled_events_survive_kill_9_and_reach_kafka_from_the_next_gateway() {
    // The rig's own edge only lends its key, its control store, its brokers and the provider.
    let gateway = gateway(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    let text = configuration(
        &gateway.rig,
        &gateway.provider.url(),
        &folder.path().join("spool"),
    );
    std::fs::write(&config, text).unwrap();
    let mut program = launch(&config);
    program.call(&gateway, 0).await;
    gateway.events(1).await;
    gateway.rig.cluster.broker_down(1).unwrap();
    for number in 1..=25 {
        program.call(&gateway, number).await;
    }
    program.metric(&gateway, "gateway_spool_records", 25).await;
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    drop(program);

    gateway.rig.cluster.broker_up(1).unwrap();
    let program = launch(&config);
    gateway.events(26).await;
    program.metric(&gateway, "gateway_spool_records", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_for_bedrock_are_signed_here_with_the_gateways_credentials() {
    let gateway = gateway(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    let text = configuration(
        &gateway.rig,
        &gateway.provider.url(),
        &folder.path().join("spool"),
    );
    std::fs::write(&config, text).unwrap();
    let program = launch(&config);
    let url = format!(
        "http://{}/gateway/bedrock/model/amazon.nova-lite-v1%3A0/converse",
        program.address
    );
    let body = r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#;
    let request = gateway.rig.http.post(url).header("x-audit-key", &gateway.rig.key);
    let seen = see(request
        .header("authorization", "signed for another address")
        .body(body))
    .await;
    assert_eq!(seen.status, 200);
    let asked = gateway.provider.seen.all().pop().unwrap();
    let authorization = asked.headers["authorization"].to_str().unwrap();
    let date = &asked.headers["x-amz-date"].to_str().unwrap()[..8];
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=test-id/{date}/eu-central-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date"
    );
    assert!(authorization.starts_with(&expected), "{authorization}");
    assert_eq!(
        (asked.path.as_str(), &asked.body[..]),
        ("/model/amazon.nova-lite-v1%3A0/converse", body.as_bytes())
    );
    assert_eq!(gateway.event().await.provider.as_deref(), Some("aws.bedrock"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_with_0_and_nothing_is_lost() {
    let gateway = gateway(|_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    let text = configuration(
        &gateway.rig,
        &gateway.provider.url(),
        &folder.path().join("spool"),
    );
    std::fs::write(&config, text).unwrap();
    let mut program = launch(&config);
    for number in 0..10 {
        program.call(&gateway, number).await;
    }
    let pid = program.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = tokio::task::spawn_blocking(move || program.child.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0));
    // A spooled event counts as kept; the next gateway delivers it.
    let _next = launch(&config);
    gateway.events(10).await;
}

#[test]
fn a_wrong_configuration_names_the_key_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let database = folder.path().join("control.db");
    for (text, expected) in [
        ("[gatway]\n", "gatway"),
        (
            "[gateway.upstreams.x]\nurl = \"ftp://h\"\n",
            "gateway.upstreams.x.url",
        ),
        ("[gateway]\nca_file = \"missing.pem\"\n", "gateway.ca_file"),
    ] {
        let control = format!(
            "[kafka]\nbrokers = \"b\"\n[control]\nurl = \"sqlite://{}\"\n{text}",
            database.display()
        );
        std::fs::write(&path, control).unwrap();
        let output = Command::new(PROGRAM)
            .arg(&path)
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected} is not named in: {said}");
    }
}
