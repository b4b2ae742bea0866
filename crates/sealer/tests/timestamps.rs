//! Epochs stamped by an authority made with openssl, over HTTP, and judged by openssl and by our verifier.

mod common;

#[path = "../../timestamp/tests/common/mod.rs"]
mod authority;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aal_ledger::hash::sha256;
use aal_ledger::{TrustPolicy, ZERO_HASH};
use aal_sealer::publish::{Authority as Client, StampError, Timestamping};
use aal_sealer::{Anchor, Evidence, Sealer, SealerSettings};
use aal_verify::{Report, Status, Verdict, Verifier};
use authority::{Authority, Shape};
use common::{Memory, ORIGIN, START_US, Store, signer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

type Reply = Arc<dyn Fn(&[u8]) -> (u16, Vec<u8>) + Send + Sync>;

/// Answers every POST with what `reply` makes of its body.
async fn serve(reply: Reply) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut received = Vec::new();
            let body = loop {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.unwrap();
                received.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&received).to_lowercase();
                let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
                    continue;
                };
                assert!(
                    text.contains("content-type: application/timestamp-query"),
                    "{text}"
                );
                let (_, length) = text.split_once("content-length: ").unwrap();
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if received.len() >= end + 4 + length {
                    break received[end + 4..].to_vec();
                }
            };
            let (status, answer) = tokio::task::block_in_place(|| reply(&body));
            let head = format!(
                "HTTP/1.1 {status} answer\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    url
}

struct Rig {
    folder: tempfile::TempDir,
    tsa: Arc<Mutex<Authority>>,
    objects: Memory,
    store: Store,
    sealer: Sealer<Memory, Store>,
    evidence: Evidence,
}

impl Rig {
    async fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let tsa = Authority::new(&folder.path().join("tsa"), Shape::default());
        let (objects, store, evidence) = (Memory::default(), Store::default(), Evidence::default());
        let settings = SealerSettings {
            evidence: evidence.clone(),
            ..SealerSettings::new(ORIGIN)
        };
        let anchor = Anchor::new(objects.clone(), "");
        let sealer = Sealer::load(anchor, store.clone(), signer(), settings)
            .await
            .unwrap();
        Rig {
            folder,
            tsa: Arc::new(Mutex::new(tsa)),
            objects,
            store,
            sealer,
            evidence,
        }
    }

    fn anchor(&self) -> Anchor<Memory> {
        Anchor::new(self.objects.clone(), "")
    }

    async fn seal(&mut self, now_us: i64) -> u64 {
        self.store.block(0, &[1]);
        self.sealer.seal(now_us).await.unwrap().manifest.epoch
    }

    /// A client of the rig's own authority, or of something else that answers.
    async fn client(&self, reply: Option<Reply>, policy: &TrustPolicy) -> Timestamping<Memory> {
        let tsa = Arc::clone(&self.tsa);
        let own: Reply = Arc::new(move |query| (200, tsa.lock().unwrap().reply(query)));
        let url = serve(reply.unwrap_or(own)).await;
        let pinned = policy.timestamp_authorities.first();
        let client = Client::new("tsa", &url, Duration::from_secs(60), pinned).unwrap();
        Timestamping::new(self.anchor(), vec![client], self.evidence.clone())
    }

    fn trust(&self) -> TrustPolicy {
        trust(&self.tsa.lock().unwrap().root_pem())
    }

    async fn stored(&self, epoch: u64) -> Option<Vec<u8>> {
        let stored = self.anchor().timestamp(epoch, 0).await.unwrap();
        stored.map(|bytes| bytes.to_vec())
    }

    async fn note(&self, epoch: u64) -> Vec<u8> {
        self.anchor().checkpoint(epoch).await.unwrap().unwrap().to_vec()
    }

    async fn verified(&self, policy: TrustPolicy, stamps: &[(u64, Vec<u8>)]) -> Report {
        let manifest = self.sealer.last_manifest().unwrap();
        let mut verifier = Verifier::new(policy);
        for epoch in 0..=manifest.epoch {
            verifier.checkpoint(&self.note(epoch).await);
        }
        for (epoch, response) in stamps {
            verifier.timestamp(*epoch, response);
        }
        for epoch in 0..=manifest.epoch {
            verifier.manifest(&self.anchor().manifest_bytes(epoch).await.unwrap().unwrap());
        }
        let heads = self
            .anchor()
            .heads_bytes(&manifest.heads_root)
            .await
            .unwrap()
            .unwrap();
        verifier.heads(&heads);
        self.store
            .records()
            .iter()
            .for_each(|record| verifier.record(record));
        verifier.finish()
    }
}

fn trust(pem: &str) -> TrustPolicy {
    let text = TrustPolicy::render(ORIGIN, signer().verifier_key(), &[]);
    TrustPolicy::parse(&format!(
        "{text}\n[[timestamp_authority]]\nname = \"tsa\"\nroots = '''\n{pem}'''\n"
    ))
    .unwrap()
}

fn judged(report: &Report) -> (Status, u8) {
    (report.verdict(Verdict::Time).status, report.exit_code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamped_epoch_is_bounded_from_both_sides() {
    let mut rig = Rig::new().await;
    let policy = rig.trust();
    let client = rig.client(None, &policy).await;
    rig.seal(START_US).await;
    assert_eq!(
        judged(&rig.verified(policy.clone(), &[]).await),
        (Status::Unproven, 3),
        "none is there"
    );
    client.stamp(0, 0).await.unwrap();
    let stamp = rig.stored(0).await.unwrap();
    let note = rig.note(0).await;
    assert!(
        rig.tsa.lock().unwrap().openssl_accepts(&stamp, &sha256(&note)),
        "openssl ts -verify"
    );
    assert!(!rig.tsa.lock().unwrap().openssl_accepts(&stamp, &ZERO_HASH));

    // A second one of the same epoch changes nothing: the first stays.
    client.stamp(0, 0).await.unwrap();
    assert_eq!(rig.stored(0).await.unwrap(), stamp);
    rig.seal(aal_service::times::now_us()).await;
    assert_eq!(rig.sealer.last_manifest().unwrap().timestamp_hash, sha256(&stamp));
    client.stamp(1, 0).await.unwrap();
    let second = rig.stored(1).await.unwrap();
    rig.seal(aal_service::times::now_us()).await;
    assert_eq!(
        rig.sealer.last_manifest().unwrap().timestamp_hash,
        sha256(&second)
    );

    let both = [(0, stamp.clone()), (1, second.clone())];
    let control = rig.verified(policy.clone(), &both).await;
    assert_eq!(judged(&control), (Status::Pass, 0), "{control}");
    let swapped = [(1, stamp.clone()), (0, second.clone())];
    assert_eq!(
        judged(&rig.verified(policy.clone(), &swapped).await),
        (Status::Fail, 1),
        "swapped"
    );
    for position in [10, stamp.len() / 2, stamp.len() - 5] {
        let mut altered = second.clone();
        altered[position] ^= 1;
        let report = rig
            .verified(policy.clone(), &[(0, stamp.clone()), (1, altered)])
            .await;
        assert_ne!(report.exit_code(), 0, "byte {position}: {report}");
    }
    // An authority that the policy does not pin proves nothing, and harms nothing.
    let other = Authority::new(&rig.folder.path().join("other"), Shape::default());
    let unknown = trust(&other.root_pem());
    assert_eq!(judged(&rig.verified(unknown, &both).await), (Status::Unproven, 3));
    // Only an old epoch is stamped, and the policy wants a newer one.
    let old = rig.verified(policy.clone(), &[(0, stamp.clone())]).await;
    assert_eq!(judged(&old), (Status::Unproven, 3), "{old}");
    // Policies without authorities do not look at stamps at all.
    let plain = TrustPolicy::parse(&TrustPolicy::render(ORIGIN, signer().verifier_key(), &[])).unwrap();
    assert_eq!(judged(&rig.verified(plain, &swapped).await), (Status::Pass, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_out_of_order_are_refuted() {
    // Dated ahead: the epoch claims to have closed an hour after it was stamped.
    let mut ahead = Rig::new().await;
    let policy = ahead.trust();
    ahead.seal(aal_service::times::now_us() + 3_600_000_000).await;
    ahead.client(None, &policy).await.stamp(0, 0).await.unwrap();
    let stamp = ahead.stored(0).await.unwrap();
    let report = ahead.verified(policy, &[(0, stamp)]).await;
    assert_eq!(judged(&report), (Status::Fail, 1), "{report}");

    // Dated back: an epoch names a stamp that was made after it closed.
    let mut back = Rig::new().await;
    let policy = back.trust();
    back.seal(START_US).await;
    back.client(None, &policy).await.stamp(0, 0).await.unwrap();
    let stamp = back.stored(0).await.unwrap();
    back.seal(START_US + 1_000_000).await;
    let report = back.verified(policy, &[(0, stamp)]).await;
    assert_eq!(judged(&report), (Status::Fail, 1), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worthless_answers_are_not_stored() {
    let mut rig = Rig::new().await;
    rig.seal(START_US).await;
    let policy = rig.trust();
    let old = {
        let tsa = rig.tsa.lock().unwrap();
        let digest = sha256(b"something else");
        tsa.reply(&aal_timestamp::query(&digest, &[1; 16]).unwrap())
    };
    let other = Arc::new(Mutex::new(Authority::new(
        &rig.folder.path().join("other"),
        Shape::default(),
    )));
    let replies: Vec<(&str, Reply)> = vec![
        ("an error", Arc::new(|_| (500, b"no".to_vec()))),
        ("junk", Arc::new(|_| (200, b"<html>".to_vec()))),
        ("too much", Arc::new(|_| (200, vec![0x30; 400_000]))),
        ("an older answer", Arc::new(move |_| (200, old.clone()))),
        (
            "another authority's",
            Arc::new(move |query| (200, other.lock().unwrap().reply(query))),
        ),
    ];
    for (what, reply) in replies {
        let client = rig.client(Some(reply), &policy).await;
        assert!(client.stamp(0, 0).await.is_err(), "{what}");
        assert_eq!(rig.stored(0).await, None, "{what}");
    }
    let gone = Client::new("tsa", "http://127.0.0.1:1/", Duration::from_secs(5), None).unwrap();
    let client = Timestamping::new(rig.anchor(), vec![gone], rig.evidence.clone());
    assert!(matches!(client.stamp(0, 0).await, Err(StampError::Http { .. })));
    assert!(matches!(client.stamp(7, 0).await, Err(StampError::Checkpoint(7))));
    rig.seal(START_US + 1).await;
    assert_eq!(rig.sealer.last_manifest().unwrap().timestamp_hash, ZERO_HASH);
}
