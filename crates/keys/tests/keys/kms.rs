//! AWS KMS as moto plays it, in a Python environment of pinned packages.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aal_keys::provider::kms::Kms;
use aal_keys::provider::{Provider, ProviderError};
use aal_keys::{KmsConfig, Place};
use serde_json::{Value, json};

use crate::{TENANT, until};

const PLACE: Place = Place::Kek {
    tenant: TENANT,
    epoch: 1,
};

struct Moto {
    child: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// `None`, with a line that says so, where Python or its packages cannot be had.
    async fn start() -> Option<Moto> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/python-venv.sh");
        let python = Command::new(script)
            .args(["moto", "moto[server,kms]==5.1.16"])
            .output()
            .unwrap();
        if !python.status.success() {
            eprintln!("skipped: {}", String::from_utf8_lossy(&python.stderr));
            return None;
        }
        let python = String::from_utf8(python.stdout).unwrap();
        let server = Path::new(python.trim()).with_file_name("moto_server");
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(server)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Moto {
            child,
            url: format!("http://127.0.0.1:{port}/"),
        };
        until("moto answers", || async { reqwest::get(&moto.url).await.ok() }).await;
        Some(moto)
    }

    /// An operation that this project's client has no need of.
    async fn call(&self, action: &str, request: Value) -> Value {
        let sent = reqwest::Client::new()
            .post(&self.url)
            .header("x-amz-target", format!("TrentService.{action}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=0")
            .body(request.to_string())
            .send();
        let text = sent.await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

fn kms(url: &str, key_id: &str) -> Kms {
    let config: KmsConfig = serde_json::from_value(json!({"key_id": key_id, "region": "eu-central-1",
        "endpoint": url, "timeout_ms": 5_000}))
    .unwrap();
    Kms::new(&config, |_| Some("test".to_owned())).unwrap()
}

#[tokio::test]
async fn kms_wraps_generates_and_opens_for_one_place() {
    let Some(moto) = Moto::start().await else { return };
    let made = moto.call("CreateKey", json!({})).await;
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap();
    let kms = kms(&moto.url, id);
    assert_eq!(kms.current().await.unwrap(), arn);

    let wrapped = kms.wrap(&PLACE, b"secret").await.unwrap();
    assert_eq!(wrapped.key, arn);
    assert_eq!(*kms.unwrap(&PLACE, &wrapped).await.unwrap(), b"secret");
    let elsewhere = kms.unwrap(&Place::Root, &wrapped).await.unwrap_err();
    assert!(matches!(elsewhere, ProviderError::NotOurs { .. }), "{elsewhere}");

    let (secret, wrapped) = kms.generate(&PLACE, 64).await.unwrap();
    assert_eq!(secret.len(), 64);
    assert_eq!(*kms.unwrap(&PLACE, &wrapped).await.unwrap(), *secret);
    kms.rotate().await.unwrap();
    assert_eq!(*kms.unwrap(&PLACE, &wrapped).await.unwrap(), *secret);
}

#[tokio::test]
async fn a_key_that_is_not_there_and_an_endpoint_that_does_not_answer() {
    let Some(moto) = Moto::start().await else { return };
    let missing = kms(&moto.url, "00000000-0000-4000-8000-000000000000");
    let gone = missing.current().await.unwrap_err();
    assert!(matches!(gone, ProviderError::KeyGone { .. }), "{gone}");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = kms(&format!("http://{free}/"), "k").current().await.unwrap_err();
    assert!(away.is_transient(), "{away}");

    let config: KmsConfig = serde_json::from_value(json!({"key_id": "k", "region": "eu-central-1"})).unwrap();
    let error = Kms::new(&config, |_| None).unwrap_err().to_string();
    assert!(error.contains("AWS_ACCESS_KEY_ID"), "{error}");
}
