//! The official Python clients of OpenAI and Anthropic through the gateway: what the application sees is the same.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::rigging::gateway;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Pinned; the environment lies in the cache and is made once.
fn python() -> String {
    let output = Command::new(root().join("scripts/python-venv.sh"))
        .args(["gateway-clients", "openai==3.57.0", "anthropic==2.14.0"])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the clients could not be installed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn calls(python: &str, base: String, key: Option<String>) -> Value {
    let mut command = Command::new(python);
    command
        .arg(root().join("ingest/tests/gateway/clients.py"))
        .arg(base)
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stderr(Stdio::inherit());
    if let Some(key) = key {
        command.env("AUDIT_KEY", key);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn official_clients_see_the_same_with_and_without_the_gateway() {
    let gateway = gateway(|_| {}).await;
    let python = tokio::task::spawn_blocking(python).await.unwrap();
    let direct = calls(&python, gateway.provider.url(), None).await;
    let through = calls(
        &python,
        format!("{}/gateway", gateway.rig.base),
        Some(gateway.rig.key.clone()),
    )
    .await;
    for (name, seen) in direct.as_object().unwrap() {
        assert_eq!(seen, &through[name], "{name}");
    }
    assert_eq!(direct["chat 429"]["status"], 429, "{}", direct["chat 429"]);
    assert!(
        direct["chat"]["choices"][0]["message"]["content"].is_string(),
        "{}",
        direct["chat"]
    );
    let events = gateway.events(direct.as_object().unwrap().len()).await;
    for event in events {
        assert_eq!(event.session_id.as_deref(), Some("clients"));
    }
}
