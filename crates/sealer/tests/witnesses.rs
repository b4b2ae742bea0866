//! Epochs of a sealer before real witnesses: the quorum, recovery, alarms, and the manifest that names the result.

mod common;

use std::path::Path;
use std::time::Duration;

use aal_ledger::hash::sha256;
use aal_ledger::merkle::prove;
use aal_ledger::merkle::{CompactRange, MemoryTree};
use aal_ledger::{Cosigner, Hash, Note, TrustPolicy, WitnessPolicy, ZERO_HASH, leaf_hash};
use aal_sealer::grown::GrownLog;
use aal_sealer::publish::{Alarm, Witnessing, peers_of};
use aal_sealer::{Anchor, Evidence, Sealer, SealerSettings};
use aal_service::Shutdown;
use aal_verify::{Report, Status, Verdict, Verifier};
use aal_witness::{Running, WitnessConfig};
use common::{ORIGIN, START_US, STEP_US, Store, signer};
use proptest::prelude::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Witness {
    running: Running,
    shutdown: Shutdown,
}

async fn witness(folder: &Path, name: &str) -> Witness {
    let directory = folder.join(name);
    let policy = folder.join("logs.policy");
    std::fs::write(&policy, format!("log {}\nquorum none\n", signer().verifier_key())).unwrap();
    let shutdown = Shutdown::new();
    let config = WitnessConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        directory,
        policy,
        name: format!("witness.example/{name}"),
        requests_per_second: 1000,
    };
    let running = aal_witness::run(&config, shutdown.clone()).await.unwrap();
    Witness { running, shutdown }
}

impl Witness {
    /// A line of a policy, with the Ed25519 key or the ML-DSA-44 key.
    fn line(&self, name: &str, key: usize) -> String {
        let address = self.running.bound.addr;
        format!(
            "witness {name} {} http://{address}\n",
            self.running.verifier_keys[key]
        )
    }

    async fn stop(self) {
        self.shutdown.request();
        self.running.stopped().await;
    }
}

/// A sealer over a store in memory, with its second key, and the witnesses of a policy.
struct Rig {
    objects: common::Memory,
    store: Store,
    sealer: Sealer<common::Memory, Store>,
    witnessing: Witnessing<common::Memory>,
    epochs: u64,
}

fn second() -> Cosigner {
    Cosigner::ml_dsa_44(ORIGIN, &[4; 32]).unwrap()
}

impl Rig {
    async fn new(policy_text: &str) -> Rig {
        Rig::over(common::Memory::default(), Store::default(), policy_text).await
    }

    async fn over(objects: common::Memory, store: Store, policy_text: &str) -> Rig {
        let policy = WitnessPolicy::parse(policy_text.as_bytes()).unwrap();
        let evidence = Evidence::default();
        let settings = SealerSettings {
            evidence: evidence.clone(),
            second_key: Some(second()),
            ..SealerSettings::new(ORIGIN)
        };
        let anchor = || Anchor::new(objects.clone(), "");
        let sealer = Sealer::load(anchor(), store.clone(), signer(), settings)
            .await
            .unwrap();
        let epochs = sealer.last_manifest().map_or(0, |manifest| manifest.epoch + 1);
        let peers = peers_of(&policy, PATIENCE).unwrap();
        Rig {
            witnessing: Witnessing::new(anchor(), policy, peers, evidence),
            objects,
            store,
            sealer,
            epochs,
        }
    }

    async fn seal(&mut self) -> u64 {
        self.store.block(0, &[1]);
        let now_us = START_US + STEP_US * self.epochs as i64;
        self.epochs += 1;
        self.sealer.seal(now_us).await.unwrap().manifest.epoch
    }

    fn last(&self) -> &aal_ledger::Manifest {
        self.sealer.last_manifest().unwrap()
    }

    async fn cosigned(&self, epoch: u64) -> Option<Vec<u8>> {
        let anchor = Anchor::new(self.objects.clone(), "");
        anchor.cosigned(epoch).await.unwrap().map(|bytes| bytes.to_vec())
    }

    /// What the log's readers get as its newest checkpoint.
    fn published(&self) -> Vec<u8> {
        self.objects.objects.lock().unwrap()["log/checkpoint"].to_vec()
    }

    fn trust(&self, extra: &str, witnesses: &str) -> TrustPolicy {
        let keys = [signer().verifier_key().clone(), second().verifier_key().clone()];
        let text = TrustPolicy::render_keys(ORIGIN, &keys, &[]);
        let text =
            format!("require_every_algorithm = true\n{extra}\nwitness_policy = '''\n{witnesses}'''\n{text}");
        TrustPolicy::parse(&text).unwrap()
    }

    /// Verifies the log with the cosigned checkpoint of an epoch, if any.
    async fn verified(&self, policy: TrustPolicy, cosigned: Option<(u64, Vec<u8>)>) -> Report {
        let anchor = Anchor::new(self.objects.clone(), "");
        let last = self.last().epoch;
        let mut verifier = Verifier::new(policy);
        verifier.checkpoint(&anchor.checkpoint(last).await.unwrap().unwrap());
        if let Some((epoch, note)) = cosigned {
            verifier.cosigned(epoch, &note);
        }
        for epoch in 0..=last {
            verifier.manifest(&anchor.manifest_bytes(epoch).await.unwrap().unwrap());
        }
        let heads = anchor
            .heads_bytes(&self.last().heads_root)
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

#[tokio::test]
async fn a_quorum_cosigns_and_the_next_manifest_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        witness(folder.path(), "one").await,
        witness(folder.path(), "two").await,
    );
    let lines = format!(
        "{}{}group both all one two\nquorum both\n",
        one.line("one", 0),
        two.line("two", 1)
    );
    let mut rig = Rig::new(&lines).await;
    assert_eq!(rig.seal().await, 0);
    assert_eq!(rig.last().witness_hash, ZERO_HASH);
    for epoch in 0..5 {
        let round = rig.witnessing.round(epoch).await.unwrap();
        assert!(
            round.is_stored && round.alarms.is_empty() && round.failed.is_empty(),
            "{round:?}"
        );
        assert_eq!(round.cosigned.len(), 2);
        let stored = rig.cosigned(epoch).await.unwrap();
        assert_eq!(
            rig.published(),
            stored,
            "readers of the log see the witnesses' lines"
        );
        assert_eq!(rig.seal().await, epoch + 1);
        assert_eq!(rig.last().witness_hash, sha256(&stored));
        // The next one is larger and not witnessed yet; a late answer for the one before does not replace it.
        let next = Anchor::new(rig.objects.clone(), "")
            .checkpoint(epoch + 1)
            .await
            .unwrap();
        assert_eq!(rig.published(), next.unwrap());
        assert!(rig.witnessing.round(epoch).await.unwrap().is_stored);
        assert_ne!(rig.published(), stored);
    }
    // Epoch 5 is not witnessed yet.
    let note = rig.cosigned(4).await.unwrap();
    let lag = rig.verified(rig.trust("", &lines), Some((4, note.clone()))).await;
    assert_eq!(
        (lag.verdict(Verdict::Witness).status, lag.exit_code()),
        (Status::Unproven, 3)
    );
    let allowed = rig.trust("max_witness_delay_s = 10", &lines);
    let allowed = rig.verified(allowed, Some((4, note))).await;
    assert_eq!(
        (allowed.verdict(Verdict::Witness).status, allowed.exit_code()),
        (Status::Pass, 0),
        "{allowed}"
    );
    let stripped = rig.verified(rig.trust("", &lines), None).await;
    assert_eq!(
        (stripped.verdict(Verdict::Witness).status, stripped.exit_code()),
        (Status::Unproven, 3)
    );

    // What follows names the same one until there is a newer one, also after a restart.
    let named = rig.last().witness_hash;
    rig.seal().await;
    assert_eq!(rig.last().witness_hash, named);
    let mut again = Rig::over(rig.objects.clone(), rig.store.clone(), &lines).await;
    again.seal().await;
    assert_eq!(again.last().witness_hash, named);
    // The new process does not know where the witnesses stand; they say so.
    let epoch = again.last().epoch;
    assert!(again.witnessing.round(epoch).await.unwrap().is_stored);
    let note = again.cosigned(epoch).await.unwrap();
    let report = again.verified(again.trust("", &lines), Some((epoch, note))).await;
    assert_eq!(
        (report.verdict(Verdict::Witness).status, report.exit_code()),
        (Status::Pass, 0),
        "{report}"
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn without_a_quorum_nothing_is_stored_and_the_sealer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        witness(folder.path(), "one").await,
        witness(folder.path(), "two").await,
    );
    let lines = format!(
        "{}{}group both all one two\nquorum both\n",
        one.line("one", 0),
        two.line("two", 0)
    );
    let mut rig = Rig::new(&lines).await;
    two.stop().await;
    rig.seal().await;
    let round = rig.witnessing.round(0).await.unwrap();
    assert_eq!(
        (round.cosigned.len(), round.failed.len(), round.is_stored),
        (1, 1, false),
        "{round:?}"
    );
    assert_eq!(rig.cosigned(0).await, None);
    rig.seal().await;
    assert_eq!(rig.last().witness_hash, ZERO_HASH);
    let round = rig.witnessing.round(1).await.unwrap();
    assert_eq!(
        round.resting,
        ["witness.example/two"],
        "who failed is left alone for a while"
    );
    one.stop().await;
}

#[tokio::test]
async fn a_fork_is_refused_by_the_witness_and_refuted_by_the_verifier() {
    let folder = tempfile::tempdir().unwrap();
    let one = witness(folder.path(), "one").await;
    let lines = format!("{}quorum one\n", one.line("one", 0));
    let mut first = Rig::new(&lines).await;
    for epoch in 0..3 {
        assert_eq!(first.seal().await, epoch);
        assert!(first.witnessing.round(epoch).await.unwrap().is_stored);
    }
    let witnessed = first.cosigned(2).await.unwrap();

    // The same operator begins again with the same keys and other records.
    let mut second = Rig::new(&lines).await;
    second.store.block(7, &[2, 3]);
    second.seal().await;
    let behind = second.witnessing.round(0).await.unwrap();
    let ahead = Alarm::Ahead { size: 3, log_size: 1 };
    assert_eq!(behind.alarms, [("witness.example/one".to_owned(), ahead)]);
    for _ in 0..3 {
        second.seal().await;
    }
    let mut asks = Rig::over(second.objects.clone(), second.store.clone(), &lines).await;
    let forked = asks.witnessing.round(3).await.unwrap();
    assert_eq!(
        forked.alarms,
        [("witness.example/one".to_owned(), Alarm::Forked { size: 3 })]
    );
    asks.epochs = 4;

    // By itself the fork looks right but for the witness; one witnessed checkpoint of the other refutes it.
    let alone = second.verified(second.trust("", &lines), None).await;
    assert_eq!(alone.exit_code(), 3, "{alone}");
    let shown = second
        .verified(second.trust("", &lines), Some((2, witnessed.clone())))
        .await;
    assert_eq!(shown.verdict(Verdict::Witness).status, Status::Fail, "{shown}");
    assert_eq!(
        (shown.verdict(Verdict::Identity).status, shown.exit_code()),
        (Status::Fail, 1)
    );
    // The same as a head that an auditor kept.
    let mut verifier = Verifier::new(second.trust("", &lines));
    verifier.checkpoint(&witnessed);
    let anchor = Anchor::new(second.objects.clone(), "");
    for epoch in 0..=second.last().epoch {
        verifier.manifest(&anchor.manifest_bytes(epoch).await.unwrap().unwrap());
    }
    assert_eq!(verifier.finish().exit_code(), 1);
    // A log cut back behind what was witnessed is refuted, too.
    let mut cut = Verifier::new(first.trust("", &lines));
    let anchor = Anchor::new(first.objects.clone(), "");
    cut.cosigned(2, &witnessed);
    cut.manifest(&anchor.manifest_bytes(0).await.unwrap().unwrap());
    let cut = cut.finish();
    assert_eq!(cut.verdict(Verdict::Witness).status, Status::Fail, "{cut}");
    one.stop().await;
}

#[tokio::test]
async fn forged_or_misplaced_cosignatures_are_refuted() {
    let folder = tempfile::tempdir().unwrap();
    let one = witness(folder.path(), "one").await;
    let lines = format!("{}quorum one\n", one.line("one", 0));
    let mut rig = Rig::new(&lines).await;
    rig.seal().await;
    rig.seal().await;
    rig.witnessing.round(1).await.unwrap();
    let good = rig.cosigned(1).await.unwrap();
    let control = rig.verified(rig.trust("", &lines), Some((1, good.clone()))).await;
    assert_eq!(control.exit_code(), 0, "{control}");
    let change = |change: fn(&mut Note)| {
        let mut note = Note::parse(&good).unwrap();
        change(&mut note);
        note.to_bytes()
    };
    for (what, epoch, note, code) in [
        ("another epoch", 0, good.clone(), 1),
        ("time", 1, change(|note| note.signatures[2].signature[7] ^= 1), 1),
        (
            "signature",
            1,
            change(|note| note.signatures[2].signature[40] ^= 1),
            1,
        ),
        (
            "log's second signature",
            1,
            change(|note| note.signatures[1].signature[900] ^= 1),
            1,
        ),
        (
            "log's second signature gone",
            1,
            change(|note| drop(note.signatures.remove(1))),
            1,
        ),
        (
            "size",
            1,
            change(|note| note.text = note.text.replace("\n2\n", "\n3\n")),
            1,
        ),
        ("junk", 1, b"junk".to_vec(), 1),
        ("witness gone", 1, change(|note| drop(note.signatures.pop())), 3),
    ] {
        let report = rig.verified(rig.trust("", &lines), Some((epoch, note))).await;
        assert_eq!(report.exit_code(), code, "{what}: {report}");
    }
    one.stop().await;
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn proofs_of_a_grown_log_are_those_of_the_whole_tree(before in 0u64..200, growth in 0u64..120) {
        let all = leaves(before + growth);
        let mut range = CompactRange::new();
        all.iter().take(before as usize).for_each(|hash| range.append(*hash));
        let grown = GrownLog::new(range, all[before as usize..].to_vec());
        let tree: MemoryTree = all.into_iter().collect();
        let expected = match before {
            0 => Vec::new(),
            before => prove::consistency(&tree, before, before + growth).unwrap(),
        };
        prop_assert_eq!(grown.consistency().unwrap(), expected);
    }
}
