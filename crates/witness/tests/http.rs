//! The witness over HTTP, with our client and by hand.

mod common;

use std::time::Duration;

use aal_ledger::hash::{sha256, to_hex};
use aal_ledger::{Cosigner, Note, VerifierKey};
use aal_service::Shutdown;
use aal_witness::{Answer, WitnessClient, WitnessConfig};
use common::{Log, ORIGIN};

struct Witness {
    url: String,
    keys: Vec<VerifierKey>,
    shutdown: Shutdown,
    running: aal_witness::Running,
}

async fn start(directory: &std::path::Path, requests_per_second: u32) -> Witness {
    let policy = directory.join("policy");
    std::fs::write(&policy, common::policy_text()).unwrap();
    let shutdown = Shutdown::new();
    let config = WitnessConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        directory: directory.join("data"),
        policy,
        name: "witness.example/w".to_owned(),
        requests_per_second,
    };
    let running = aal_witness::run(&config, shutdown.clone()).await.unwrap();
    Witness {
        url: format!("http://{}", running.bound.addr),
        keys: running.verifier_keys.clone(),
        shutdown,
        running,
    }
}

impl Witness {
    fn client(&self) -> WitnessClient {
        WitnessClient::new(
            &format!("{}/", self.url),
            self.keys.clone(),
            Duration::from_secs(30),
        )
        .unwrap()
    }

    async fn post(&self, body: Vec<u8>) -> (u16, String, String) {
        let url = format!("{}/add-checkpoint", self.url);
        let response = reqwest::Client::new().post(url).body(body).send().await.unwrap();
        let kind = response
            .headers()
            .get("content-type")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (response.status().as_u16(), kind, response.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn stop(self) {
        self.shutdown.request();
        self.running.bound.stopped().await;
    }
}

#[tokio::test]
async fn our_client_and_our_witness_agree_through_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(30);
    let witness = start(folder.path(), 1000).await;
    let keys = witness.keys.clone();
    let client = witness.client();
    for (old, new) in [(0, 5), (5, 6), (6, 30), (30, 30)] {
        let Answer::Cosigned(lines) = client.add_checkpoint(&log.request(old, new)).await.unwrap() else {
            panic!("{old} to {new} was not cosigned");
        };
        assert_eq!(lines.len(), 2, "one line of each key");
    }
    assert_eq!(
        client.add_checkpoint(&log.request(6, 30)).await.unwrap(),
        Answer::Size(30)
    );
    let second = aal_witness::run(
        &WitnessConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            directory: folder.path().join("data"),
            policy: folder.path().join("policy"),
            name: "witness.example/w".to_owned(),
            requests_per_second: 1,
        },
        Shutdown::new(),
    )
    .await;
    assert!(
        second.unwrap_err().to_string().contains("already uses"),
        "one directory is one witness"
    );
    witness.stop().await;

    let again = start(folder.path(), 1000).await;
    assert_eq!(again.keys, keys, "the key is made once");
    let fork = Log::forked_at(30, 10);
    let refused = again
        .client()
        .add_checkpoint(&fork.request(30, 30))
        .await
        .unwrap();
    assert_eq!(refused, Answer::Size(30), "a fork at the same size");
    again.stop().await;
}

#[tokio::test]
async fn status_codes_are_those_of_the_specification() {
    let folder = tempfile::tempdir().unwrap();
    let witness = start(folder.path(), 1000).await;
    let log = Log::of(30);
    let digest = to_hex(&sha256(ORIGIN.as_bytes()));
    let latest = format!("/checkpoints/{digest}");
    assert_eq!(witness.get(&latest).await.0, 404, "nothing cosigned yet");
    let (status, kind, lines) = witness.post(log.request(0, 8).to_bytes()).await;
    assert_eq!((status, kind.starts_with("text/plain")), (200, true));
    assert!(
        lines.starts_with("\u{2014} witness.example/w ") && lines.ends_with('\n'),
        "{lines}"
    );

    let conflict = witness.post(log.request(3, 9).to_bytes()).await;
    assert_eq!(conflict, (409, "text/x.tlog.size".to_owned(), "8\n".to_owned()));
    let other_root = witness.post(Log::forked_at(30, 2).request(8, 8).to_bytes()).await;
    assert_eq!(other_root, (409, "text/x.tlog.size".to_owned(), "8\n".to_owned()));
    assert_eq!(
        witness
            .post(Log::forked_at(30, 2).request(8, 9).to_bytes())
            .await
            .0,
        422
    );
    let mut above = log.request(8, 9);
    above.old_size = 10;
    assert_eq!(witness.post(above.to_bytes()).await.0, 400);
    let unknown = String::from_utf8(log.request(8, 9).to_bytes()).unwrap();
    assert_eq!(
        witness
            .post(unknown.replacen(ORIGIN, "other.example", 1).into_bytes())
            .await
            .0,
        404
    );
    let mut unsigned = log.request(8, 9);
    unsigned.note.signatures.remove(0);
    assert_eq!(
        witness.post(unsigned.to_bytes()).await.0,
        403,
        "the second key alone is not trusted"
    );
    assert_eq!(witness.post(b"old 0\n".to_vec()).await.0, 400);
    assert_eq!(witness.post(vec![b'a'; 200_000]).await.0, 413);
    assert_eq!(witness.get("/add-checkpoint").await.0, 405);
    assert_eq!(witness.get("/elsewhere").await.0, 404);
    assert_eq!(witness.get("/healthz").await, (200, "ok\n".to_owned()));

    let (status, text) = witness.get(&latest).await;
    assert_eq!(status, 200);
    let note = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(note.text, log.checkpoint(8).to_text());
    assert_eq!(note.signed_by(&witness.keys).unwrap().len(), 2);
    assert_eq!(note.verify(&[common::log_key()]).unwrap().len(), 1);
    assert_eq!(note.signatures.len(), 3, "lines of strangers are not kept");
    assert_eq!(
        witness.get("/checkpoints").await,
        (200, format!("{digest} {ORIGIN}\n"))
    );
    let (_, metrics) = witness.get("/metrics").await;
    assert!(
        metrics.contains("aal_witness_checkpoints_total{result=\"cosigned\"} 1"),
        "{metrics}"
    );
    let modes = std::fs::read_dir(folder.path().join("data"))
        .unwrap()
        .map(|entry| {
            use std::os::unix::fs::PermissionsExt as _;
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                entry.metadata().unwrap().permissions().mode() & 0o777,
            )
        });
    for (name, mode) in modes.filter(|(name, _)| name.ends_with(".seed")) {
        assert_eq!(mode, 0o600, "{name}");
    }
    witness.stop().await;
}

#[tokio::test]
async fn a_flood_is_slowed_down() {
    let folder = tempfile::tempdir().unwrap();
    let witness = start(folder.path(), 1).await;
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(witness.post(b"x".to_vec()).await.0);
    }
    assert_eq!(statuses[..10], [400; 10], "the burst is allowed");
    assert!(statuses.contains(&429), "{statuses:?}");
    witness.stop().await;
}

#[tokio::test]
async fn a_client_believes_nothing_without_a_valid_cosignature() {
    let folder = tempfile::tempdir().unwrap();
    let witness = start(folder.path(), 1000).await;
    let stranger = Cosigner::ed25519("witness.example/w", &[77; 32]).unwrap();
    let keys = vec![stranger.verifier_key().clone()];
    let client = WitnessClient::new(&witness.url, keys, Duration::from_secs(30)).unwrap();
    let answer = client.add_checkpoint(&Log::of(3).request(0, 3)).await;
    assert!(
        answer
            .unwrap_err()
            .to_string()
            .contains("without a valid cosignature")
    );
    witness.stop().await;
    let gone = client.add_checkpoint(&Log::of(3).request(0, 3)).await;
    assert!(gone.is_err());
}
