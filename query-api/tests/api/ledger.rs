//! Proofs and verification, before and after a change behind the ledger's back.

use aal_ledger::leaf_hash;
use aal_ledger::tile::{TILE_WIDTH, decode_entries, encode_entries, number_path};
use aal_verify::{StoredRecord, Verifier};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::records::bank_event;
use crate::support::{BANK, CLINIC, Rig, Writer};
use crate::whole;

pub async fn ledger(rig: &Rig, [admin, officer, viewer]: [&str; 3], writer: &Writer) {
    writer.seal(rig).await;
    let id = bank_event(10)["event_id"].as_str().unwrap().to_owned();
    let detail = rig.get(&format!("/api/v1/audit/logs/{id}"), officer).await;
    assert_eq!(
        (&detail["ledger"]["state"], &detail["ledger"]["epoch"]),
        (&json!("sealed"), &json!(0))
    );
    prove(rig, officer, &id, 0).await;
    // In trees of every shape up to seven epochs; the saved tree of one is lost, so its manifests are read.
    for epoch in 1..7 {
        writer.seal(rig).await;
        if epoch == 6 {
            std::fs::remove_file(rig.path("anchors/epoch/005/log")).unwrap();
        }
        prove(rig, officer, &id, epoch).await;
    }
    prove_from_the_store(rig, officer, &id).await;
    let (status, verdict) = rig.post("/api/v1/verify", officer, json!({"event_id": id})).await;
    assert_eq!(
        (status, verdict["verdict"].as_str()),
        (200, Some("pass")),
        "{verdict}"
    );

    let checkpoints = rig.get("/api/v1/checkpoints", admin).await;
    assert_eq!(checkpoints["items"].as_array().unwrap().len(), 7);
    let epoch = rig.get("/api/v1/checkpoints/0", admin).await;
    assert!(epoch["heads"].as_str().unwrap().starts_with("chain "));
    assert!(
        rig.get("/api/v1/checkpoints/0", officer)
            .await
            .get("heads")
            .is_none(),
        "heads name other tenants"
    );
    rig.refused("/api/v1/checkpoints/7", admin, 404).await;
    tiles(rig, admin, officer).await;
    assert_eq!(verify_all(rig, admin).await, 0, "proven");
    whole::proven(rig, admin, officer, viewer).await;

    // One byte of one text changed behind the ledger's back.
    let change = format!(
        "ALTER TABLE records UPDATE header = replaceOne(header, 'gpt', 'gtp') WHERE event_id = '{id}'"
    );
    rig.store
        .client()
        .query(&change)
        .with_setting("mutations_sync", "1")
        .execute()
        .await
        .unwrap();
    let (_, verdict) = rig.post("/api/v1/verify", officer, json!({"event_id": id})).await;
    assert_eq!(verdict["verdict"], "fail", "{verdict}");
    assert_eq!(verify_all(rig, admin).await, 1, "refuted");
    whole::refuted(rig, admin, &id).await;
}

/// The trees as C2SP tlog-tiles: what is served, to whom, and what is refused.
async fn tiles(rig: &Rig, admin: &str, officer: &str) {
    let fetch = async |path: &str, token: &str| {
        let answer = rig.send(Method::GET, path, token, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let headers = (header("content-type"), header("cache-control"));
        (headers.0, headers.1, answer.bytes().await.unwrap())
    };
    let (kind, cache, note) = fetch("/ledger/log/checkpoint", "").await;
    assert_eq!(
        (kind.as_str(), cache.as_str()),
        ("text/plain; charset=utf-8", "public, max-age=2")
    );
    let latest = rig.get("/api/v1/checkpoints?limit=1", admin).await;
    assert_eq!(note, latest["latest"]["checkpoint"].as_str().unwrap());

    let (kind, cache, bundle) = fetch("/ledger/log/tile/entries/000.p/7", "").await;
    assert_eq!(
        (kind.as_str(), cache.as_str()),
        ("application/octet-stream", "public, max-age=31536000, immutable")
    );
    let manifests = decode_entries(&bundle).unwrap();
    assert_eq!(
        *manifests.last().unwrap(),
        latest["latest"]["manifest"].as_str().unwrap().as_bytes()
    );
    let (_, _, hashes) = fetch("/ledger/log/tile/0/000.p/7", "").await;
    let expected: Vec<[u8; 32]> = manifests.into_iter().map(leaf_hash).collect();
    assert_eq!(hashes, expected.as_flattened());

    let chains = rig.get("/api/v1/verify/chains", admin).await;
    let chains = chains["chains"].as_array().unwrap();
    let of = |tenant: Uuid| {
        let chain = chains
            .iter()
            .find(|chain| chain["tenant"] == tenant.to_string())
            .unwrap();
        let size = chain["size"].as_u64().unwrap();
        (format!("/ledger/chains/{tenant}/{}", chain["shard"]), size)
    };
    let (bank, size) = of(BANK);
    // The chain has full tiles and a partial one.
    let (last, width) = (number_path(size / TILE_WIDTH), size % TILE_WIDTH);
    assert!(size > TILE_WIDTH && width > 1, "{size}");
    let (_, cache, leaves) = fetch(&format!("{bank}/tile/entries/{last}.p/{width}"), officer).await;
    assert_eq!(cache, "private, max-age=31536000, immutable");
    assert_eq!(decode_entries(&leaves).unwrap().len() as u64, width);
    // A narrower tile that was superseded is the beginning of the wider or the full one.
    for (narrow, wide) in [
        (format!("{last}.p/1"), format!("{last}.p/{width}")),
        ("000.p/1".to_owned(), "000".to_owned()),
    ] {
        let (_, _, first) = fetch(&format!("{bank}/tile/0/{narrow}"), officer).await;
        let (_, _, all) = fetch(&format!("{bank}/tile/0/{wide}"), officer).await;
        assert!(first == all[..32], "{narrow}");
    }

    let (clinic, _) = of(CLINIC);
    for (path, token, status) in [
        (format!("{bank}/tile/entries/000.p/1"), "", 401),
        (format!("{clinic}/tile/entries/000.p/1"), officer, 403),
        (
            format!("/ledger/chains/{}/0/tile/0/000.p/1", Uuid::nil()),
            officer,
            403,
        ),
        (format!("{bank}/tile/0/{last}.p/{}", width + 1), officer, 404),
        (format!("{bank}/tile/0/{last}"), officer, 404),
        (format!("{bank}/tile/0/999.p/1"), officer, 404),
        (format!("/ledger/chains/{BANK}/99/tile/0/000.p/1"), officer, 404),
        (format!("{bank}/tile/00/000"), officer, 400),
        (format!("{bank}/tile/0/0"), officer, 400),
        (format!("{bank}/tile/0/..%2f..%2flatest"), officer, 400),
        (format!("{bank}/checkpoint"), officer, 400),
        (format!("/ledger/chains/{BANK}/00/tile/0/000.p/1"), officer, 400),
        ("/ledger/chains/x/0/tile/0/000.p/1".to_owned(), officer, 400),
        ("/ledger/log/tile/0/000.p/8".to_owned(), "", 404),
        ("/ledger/log/tile/0/000.p/7?x=1".to_owned(), "", 400),
        ("/ledger/log/latest".to_owned(), "", 400),
        ("/ledger/log/".to_owned(), "", 400),
        ("/ledger/".to_owned(), "", 404),
    ] {
        rig.refused(&path, token, status).await;
    }

    // Who does not want it public switches it off.
    let base = rig.with_config(|config| config.ledger.public_log = false).await;
    for path in ["checkpoint", "tile/0/000.p/7"] {
        let answer = rig
            .http
            .get(format!("{base}/ledger/log/{path}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

/// The proof of a record holds under the pinned policy.
async fn prove(rig: &Rig, officer: &str, id: &str, epoch: u64) {
    let path = format!("/api/v1/audit/logs/{id}/proof");
    let proof = rig
        .send(Method::GET, &path, officer, None)
        .await
        .text()
        .await
        .unwrap();
    let proven = aal_ledger::proof::verify_record_proof(proof.as_bytes(), &rig.policy).unwrap();
    assert_eq!(
        (proven.leaf.event_id.to_string().as_str(), proven.manifest.epoch),
        (id, epoch)
    );
}

/// Entry bundles that are gone, or hold other leaves, keep nobody from a proof: the store has the leaf, too.
async fn prove_from_the_store(rig: &Rig, officer: &str, id: &str) {
    let place = &rig.get(&format!("/api/v1/audit/logs/{id}"), officer).await["ledger"];
    let bundles = rig.path(&format!("anchors/chain/{BANK}/{}/tile/entries", place["shard"]));
    let away = bundles.with_extension("away");
    std::fs::rename(&bundles, &away).unwrap();
    prove(rig, officer, id, 6).await;

    std::fs::create_dir(&bundles).unwrap();
    for file in std::fs::read_dir(&away).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            let full = std::fs::read(file.path()).unwrap();
            let mut entries = decode_entries(&full).unwrap();
            entries.rotate_left(1);
            std::fs::write(bundles.join(file.file_name()), encode_entries(entries).unwrap()).unwrap();
        }
    }
    prove(rig, officer, id, 6).await;
    std::fs::write(bundles.join("000"), b"no bundle").unwrap();
    prove(rig, officer, id, 6).await;
    std::fs::remove_dir_all(&bundles).unwrap();
    std::fs::rename(&away, &bundles).unwrap();
}

/// What `audit verify` does over HTTP; its exit status.
pub async fn verify_all(rig: &Rig, admin: &str) -> u8 {
    let lines = async |path: String| {
        let answer = rig.send(Method::GET, &path, admin, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    let mut verifier = Verifier::new(rig.policy.clone());
    let checkpoints = rig.get("/api/v1/checkpoints?limit=1", admin).await;
    verifier.checkpoint(checkpoints["latest"]["checkpoint"].as_str().unwrap().as_bytes());
    for line in lines("/api/v1/verify/epochs?to=6".to_owned()).await.lines() {
        let epoch: Value = serde_json::from_str(line).unwrap();
        verifier.manifest(epoch["manifest"].as_str().unwrap().as_bytes());
        if let Some(heads) = epoch["heads"].as_str() {
            verifier.heads(heads.as_bytes());
        }
    }
    for chain in rig.get("/api/v1/verify/chains", admin).await["chains"]
        .as_array()
        .unwrap()
    {
        let path = format!(
            "/api/v1/verify/records?tenant={}&shard={}",
            chain["tenant"].as_str().unwrap(),
            chain["shard"]
        );
        let text = lines(path).await;
        assert_eq!(text.lines().count() as u64, chain["size"].as_u64().unwrap());
        for line in text.lines() {
            let record: StoredRecord = serde_json::from_str(line).unwrap();
            verifier.record(&record);
        }
    }
    let report = verifier.finish();
    eprintln!("{report}");
    report.exit_code()
}
