//! Other people's checker accepts our logs: Tessera's fsck reads the anchor log and every chain over HTTP, re-hashes
//! all entries and compares all tiles (scripts/fetch-tessera.sh).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aal_ledger::tile::{TILE_WIDTH, decode_entries, entries_path};
use aal_ledger::{ChainHead, Checkpoint, Hash, Heads, Manifest, NoteSigner, TrustPolicy, leaf_hash};
use audit_tests::{Pipeline, Start, repository, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Enough that the busiest chain, about a fifth of them, has more than one full tile.
const DECISIONS: u64 = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn fsck_of_tessera_accepts_the_anchor_log_and_every_chain() {
    let fsck = fsck_program();
    let pipeline = Pipeline::start(Start::default()).await;
    let output = pipeline.audit(&["demo", "--decisions", &DECISIONS.to_string()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    until("the demo is stored", || async {
        (pipeline.count("kind = 'event'").await == DECISIONS).then_some(())
    })
    .await;
    pipeline.sealed().await;
    let text = std::fs::read_to_string(pipeline.data().join("trust-policy.toml")).unwrap();
    let policy = TrustPolicy::parse(&text).unwrap();
    let token = pipeline.token().await;
    let base = format!("http://{}/ledger", pipeline.endpoints.console);

    // The anchor log as anybody finds it, without a sign-in.
    let vkey = policy.log_keys[0].key.to_string();
    let said = run(&fsck, &format!("{base}/log/"), &policy.origin, &vkey, None).await;
    assert!(accepted(&said), "{said}\n{}", pipeline.output());

    // An auditor's copy of the heads: those of the newest manifest in the log that was just checked.
    let (manifest, heads) = newest_heads(&pipeline, &token, &policy).await;
    assert_eq!(heads.leaf_count().unwrap(), manifest.leaf_count);
    let longest = heads.chains().iter().map(|head| head.size).max().unwrap();
    assert!(longest > TILE_WIDTH, "no chain has a full tile: {longest}");
    for head in heads.chains() {
        let said = check_chain(&fsck, &base, &token, &policy.origin, head, head.root).await;
        assert!(accepted(&said), "chain {}: {said}", head.chain);
    }

    // The checker can fail: another root is refused, and so is a changed leaf.
    let head = heads.chains().iter().find(|head| head.size == longest).unwrap();
    let said = check_chain(&fsck, &base, &token, &policy.origin, head, [7; 32]).await;
    assert!(!accepted(&said) && said.contains("fsck failed"), "{said}");
    let folder = pipeline
        .data()
        .join(format!("anchor/chain/{}/{}", head.chain.tenant, head.chain.shard));
    let bundle = folder.join(entries_path(0, TILE_WIDTH as u16));
    let mut bytes = std::fs::read(&bundle).unwrap();
    let entries = decode_entries(&bytes).unwrap();
    let hashes: Vec<Hash> = entries.into_iter().map(leaf_hash).collect();
    assert_eq!(
        std::fs::read(folder.join("tile/0/000")).unwrap(),
        hashes.as_flattened()
    );
    assert_eq!(hashes.len() as u64, TILE_WIDTH);
    bytes[200] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let said = check_chain(&fsck, &base, &token, &policy.origin, head, head.root).await;
    assert!(!accepted(&said) && said.contains("fsck failed"), "{said}");
}

fn fsck_program() -> PathBuf {
    let script = repository::root().join("scripts/fetch-tessera.sh");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// fsck exits 0 whatever it finds; only this line says that all was well.
fn accepted(said: &str) -> bool {
    said.contains("Successfully fsck'd log with size") && !said.contains("fsck failed")
}

async fn run(fsck: &Path, url: &str, origin: &str, vkey: &str, token: Option<&str>) -> String {
    let mut key = tempfile::NamedTempFile::new().unwrap();
    key.write_all(vkey.as_bytes()).unwrap();
    let mut command = Command::new(fsck);
    command
        .args([
            "--ui=false",
            "--logtostderr",
            "--N",
            "4",
            "--storage_url",
            url,
            "--origin",
            origin,
        ])
        .arg("--public_key")
        .arg(key.path());
    if let Some(token) = token {
        command.args(["--bearer_token", token]);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    String::from_utf8_lossy(&output.await.unwrap().stderr).into_owned()
}

/// The newest manifest and its heads, checked against the pinned key as far as a signature reaches: the checkpoint is
/// the log's, and the manifest names the heads.
async fn newest_heads(pipeline: &Pipeline, token: &str, policy: &TrustPolicy) -> (Manifest, Heads) {
    let (_, list) = pipeline.get(token, "/api/v1/checkpoints?limit=1").await;
    let epoch = list["latest"]["epoch"].as_u64().unwrap();
    let (status, epoch) = pipeline.get(token, &format!("/api/v1/checkpoints/{epoch}")).await;
    assert_eq!(status, 200, "{epoch}");
    let note = epoch["checkpoint"].as_str().unwrap().as_bytes();
    let keys: Vec<_> = policy.log_keys.iter().map(|key| key.key.clone()).collect();
    let (checkpoint, _) = Checkpoint::open(note, &policy.origin, &keys).unwrap();
    let manifest = Manifest::parse(epoch["manifest"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(checkpoint.size, manifest.epoch + 1);
    let heads = Heads::parse(epoch["heads"].as_str().unwrap().as_bytes()).unwrap();
    manifest.check_heads(&heads).unwrap();
    (manifest, heads)
}

/// Lets fsck check one chain against a root: the auditor signs it with a key of his own, and a small server before
/// ours answers with that checkpoint and passes everything else on.
async fn check_chain(
    fsck: &Path,
    base: &str,
    token: &str,
    anchor_origin: &str,
    head: &ChainHead,
    root: Hash,
) -> String {
    let origin = format!("{anchor_origin}/chain/{}", head.chain);
    let auditor = NoteSigner::from_seed(&origin, &[5; 32]).unwrap();
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        size: head.size,
        root,
    };
    let note = checkpoint.sign(&[&auditor]).unwrap();
    let upstream = format!("{base}/chains/{}/{}", head.chain.tenant, head.chain.shard);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, upstream, note));
    let vkey = auditor.verifier_key().to_string();
    let said = run(fsck, &url, &origin, &vkey, Some(token)).await;
    serving.abort();
    said
}

async fn serve(listener: TcpListener, upstream: String, note: Vec<u8>) {
    let http = reqwest::Client::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(stream, http.clone(), upstream.clone(), note.clone()));
    }
}

/// One request a connection.
async fn answer(mut stream: TcpStream, http: reqwest::Client, upstream: String, note: Vec<u8>) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).ok()?;
    let path = request.split(' ').nth(1)?;
    let authorization = request
        .lines()
        .find_map(|line| line.strip_prefix("Authorization: "))
        .unwrap_or_default();
    let (status, body) = if path == "/checkpoint" {
        (200, note)
    } else {
        let passed = http
            .get(format!("{upstream}{path}"))
            .header("authorization", authorization);
        let answer = passed.send().await.ok()?;
        (answer.status().as_u16(), answer.bytes().await.ok()?.to_vec())
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()
}
