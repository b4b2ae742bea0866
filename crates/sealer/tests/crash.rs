//! Power cuts at every write, rival sealers, lost and damaged objects: one sequence of manifests, or a refusal.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use aal_ledger::{Checkpoint, NoteSigner};
use aal_sealer::{Anchor, AnchorError, Objects as _, SealError, Sealer, SealerSettings};
use bytes::Bytes;
use common::{Memory, ORIGIN, START_US, STEP_US, Store, load, signer, verify};
use object_store::ObjectStore;

fn manifests(objects: &Memory) -> HashMap<String, Bytes> {
    let objects = objects.objects.lock().unwrap();
    let is_decided = |path: &str| {
        path.contains("/epoch/") && (path.ends_with("/manifest") || path.ends_with("/checkpoint"))
    };
    objects
        .iter()
        .filter(|(path, _)| is_decided(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

#[tokio::test]
async fn epochs_are_sealed_and_verify() {
    let (objects, store) = (Memory::default(), Store::default());
    let mut sealer = load(&objects, &store).await.unwrap();
    store.block(0, &[1, 2, 1, 1]);
    store.block(1, &[1]);
    let first = sealer.seal(START_US).await.unwrap();
    assert_eq!((first.manifest.epoch, first.new_leaves), (0, 5));
    store.block(0, &[3, 1]);
    store.block(0, &[1; 5]);
    assert_eq!(sealer.seal(START_US + STEP_US).await.unwrap().new_leaves, 7);
    assert_eq!(sealer.seal(START_US + 2 * STEP_US).await.unwrap().new_leaves, 0);
    store.block(1, &[2]);
    let report = verify(&objects, &store).await;
    assert_eq!(report.exit_code(), 0, "{report}");
    assert_eq!((report.epochs, report.sealed, report.not_yet_sealed), (3, 12, 1));

    // A new sealer goes on where the old one stopped.
    let mut sealer = load(&objects, &store).await.unwrap();
    assert_eq!(sealer.last_manifest().unwrap().epoch, 2);
    assert_eq!(sealer.seal(START_US + 3 * STEP_US).await.unwrap().new_leaves, 1);
    assert_eq!(verify(&objects, &store).await.exit_code(), 0);
}

/// Seals three epochs; the power goes at the given call of the store, a read or a write, and comes back. Rows arrive and time passes meanwhile, so
/// that a second attempt at an epoch would look different. Returns false once no write is cut any more.
async fn survives_a_cut(call: u64, is_written: bool) -> bool {
    let (objects, store) = (Memory::default(), Store::default());
    // The second epoch fills a tile, the third begins the next one.
    store.block(0, &[1; 250]);
    store.block(0, &[1, 2]);
    let mut now_us = START_US;
    let mut sealer = load(&objects, &store).await.unwrap();
    sealer.seal(now_us).await.unwrap();
    let mut decided = manifests(&objects);
    objects.cut_after(call, is_written);
    let mut was_cut = false;
    for _ in 0..3 {
        store.block(0, &[2, 1, 1, 1, 3]);
        now_us += STEP_US;
        let mut result = sealer.seal(now_us).await;
        while result.is_err() {
            assert!(!was_cut, "only one cut");
            was_cut = true;
            objects.power_on();
            store.block(1, &[1]);
            now_us += STEP_US;
            let ahead: Vec<_> = manifests(&objects)
                .into_iter()
                .filter(|(path, _)| !decided.contains_key(path))
                .collect();
            sealer = load(&objects, &store).await.unwrap();
            let after = manifests(&objects);
            assert!(
                ahead.iter().all(|(path, bytes)| after.get(path) == Some(bytes)),
                "decided bytes stay"
            );
            result = sealer.seal(now_us).await;
        }
        let after = manifests(&objects);
        assert!(
            decided.iter().all(|(path, bytes)| after.get(path) == Some(bytes)),
            "decided bytes stay"
        );
        decided = after;
        let report = verify(&objects, &store).await;
        assert_eq!(report.exit_code(), 0, "cut at call {call}: {report}");
        assert_eq!(report.not_yet_sealed, 0);
        assert_eq!(
            common::tiles::check(&objects, &store).await,
            if was_cut { 5 } else { 4 },
            "cut at call {call}: the log and each chain have whole tiles"
        );
    }
    was_cut
}

#[tokio::test]
async fn a_power_cut_at_any_call_changes_no_epoch() {
    for is_written in [false, true] {
        let mut call = 0;
        while survives_a_cut(call, is_written).await {
            call += 1;
        }
        assert!(call >= 60, "three epochs of many calls were cut, not {call}");
    }
}

#[tokio::test]
async fn of_two_sealers_one_wins_each_epoch() {
    let (objects, store) = (Memory::default(), Store::default());
    store.block(0, &[1]);
    let mut first = load(&objects, &store).await.unwrap();
    let mut second = load(&objects, &store).await.unwrap();
    first.seal(START_US).await.unwrap();
    store.block(0, &[1]);
    assert!(matches!(
        second.seal(START_US + 1).await,
        Err(SealError::Superseded(0))
    ));
    let mut second = load(&objects, &store).await.unwrap();
    second.seal(START_US + STEP_US).await.unwrap();
    assert!(matches!(
        first.seal(START_US + STEP_US + 1).await,
        Err(SealError::Superseded(1))
    ));
    assert_eq!(verify(&objects, &store).await.exit_code(), 0);

    // Two that would seal the very same thing do not quarrel.
    let mut third = load(&objects, &store).await.unwrap();
    let mut fourth = load(&objects, &store).await.unwrap();
    let (a, b) = (
        third.seal(START_US + 3 * STEP_US).await.unwrap(),
        fourth.seal(START_US + 3 * STEP_US).await.unwrap(),
    );
    assert_eq!(a.checkpoint, b.checkpoint);
}

async fn sealed_log() -> (Memory, Store) {
    let (objects, store) = (Memory::default(), Store::default());
    let mut sealer = load(&objects, &store).await.unwrap();
    for epoch in 0..5 {
        store.block(0, &[1, 2, 1]);
        sealer.seal(START_US + epoch * STEP_US).await.unwrap();
    }
    (objects, store)
}

fn remove(objects: &Memory, is_removed: impl Fn(&str) -> bool) {
    objects
        .objects
        .lock()
        .unwrap()
        .retain(|path, _| !is_removed(path));
}

fn damage(objects: &Memory, is_damaged: impl Fn(&str) -> bool) {
    let mut objects = objects.objects.lock().unwrap();
    for (_, bytes) in objects.iter_mut().filter(|(path, _)| is_damaged(path)) {
        let mut changed = bytes.to_vec();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        *bytes = changed.into();
    }
}

#[tokio::test]
async fn short_cuts_may_be_lost_or_damaged() {
    let kinds: [fn(&str) -> bool; 5] = [
        |path| path.contains("/frontier/"),
        |path| path.ends_with("/log"),
        |path| path.ends_with("/latest"),
        |path| path.contains("/frontier/") || path.ends_with("/log") || path.ends_with("/latest"),
        |path| path.ends_with("003/log"),
    ];
    for (position, kind) in kinds.into_iter().enumerate() {
        for is_damaged in [false, true] {
            let (objects, store) = sealed_log().await;
            if is_damaged && !kind("log/latest") {
                damage(&objects, kind)
            } else {
                remove(&objects, kind)
            }
            let mut sealer = load(&objects, &store).await.unwrap();
            store.block(0, &[2]);
            sealer.seal(START_US + 9 * STEP_US).await.unwrap();
            let report = verify(&objects, &store).await;
            assert_eq!(
                (report.exit_code(), report.epochs),
                (0, 6),
                "{position}: {report}"
            );
        }
    }
}

#[tokio::test]
async fn evidence_that_was_tampered_with_stops_the_sealer() {
    type Tamper = fn(&Memory, &Store);
    type IsRight = fn(&SealError) -> bool;
    let cases: [(&str, Tamper, IsRight); 7] = [
        (
            "newest manifest removed",
            |objects, _| remove(objects, |path| path.ends_with("004/manifest")),
            |error| matches!(error, SealError::Anchor(AnchorError::Missing { .. })),
        ),
        (
            "newest manifest damaged",
            |objects, _| damage(objects, |path| path.ends_with("004/manifest")),
            |_| true,
        ),
        (
            "heads removed",
            |objects, _| remove(objects, |path| path.contains("/heads/")),
            |error| matches!(error, SealError::Anchor(AnchorError::Missing { .. })),
        ),
        (
            "heads damaged",
            |objects, _| damage(objects, |path| path.contains("/heads/")),
            |error| matches!(error, SealError::Anchor(AnchorError::Damaged { .. })),
        ),
        (
            "checkpoint damaged",
            |objects, _| damage(objects, |path| path.ends_with("004/checkpoint")),
            |error| matches!(error, SealError::ForeignCheckpoint { .. }),
        ),
        (
            "checkpoint of an older epoch in place",
            |objects, _| {
                let mut objects = objects.objects.lock().unwrap();
                let old = objects["log/epoch/003/checkpoint"].clone();
                objects.insert("log/epoch/004/checkpoint".to_owned(), old);
            },
            |error| matches!(error, SealError::Contradiction(4)),
        ),
        (
            "sealed leaves rewritten, frontier and tiles gone",
            |objects, store| {
                remove(objects, |path| {
                    path.contains("/frontier/") || path.contains("/chain/")
                });
                store.edit(4, |row| row.leaf[250] ^= 1);
            },
            |error| matches!(error, SealError::Rewritten(_)),
        ),
    ];
    for (name, tamper, is_right) in cases {
        let (objects, store) = sealed_log().await;
        tamper(&objects, &store);
        let before = manifests(&objects);
        match load(&objects, &store).await {
            Err(error) => assert!(is_right(&error), "{name}: {error}"),
            Ok(_) => panic!("{name}: loaded"),
        }
        assert_eq!(manifests(&objects), before, "{name}: nothing was written");
    }
}

#[tokio::test]
async fn another_key_goes_on_only_when_told_of_the_former_one() {
    let (objects, store) = sealed_log().await;
    let stranger = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let mut settings = SealerSettings::new(ORIGIN);
    let load = |settings: SealerSettings| {
        let anchor = Anchor::new(objects.clone(), "log");
        Sealer::load(anchor, store.clone(), stranger.clone(), settings)
    };
    let refused = load(settings.clone()).await;
    assert!(matches!(refused.err(), Some(SealError::ForeignCheckpoint { .. })));

    settings.former_keys.push(signer().verifier_key().clone());
    let mut sealer = load(settings).await.unwrap();
    let sealed = sealer.seal(START_US + 9 * STEP_US).await.unwrap();
    let keys = [stranger.verifier_key().clone()];
    let (checkpoint, _) = Checkpoint::open(&sealed.checkpoint, ORIGIN, &keys).unwrap();
    assert_eq!(checkpoint.size, 6);
}

#[tokio::test]
async fn a_directory_serves_as_anchor() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    let objects: Arc<dyn ObjectStore> = aal_service::objects::open(&url).unwrap();
    let store = Store::default();
    store.block(0, &[1, 2]);
    for epoch in 0..3 {
        let anchor = Anchor::new(objects.clone(), "");
        let mut sealer = Sealer::load(anchor, store.clone(), signer(), SealerSettings::new(ORIGIN))
            .await
            .unwrap();
        sealer.seal(START_US + epoch * STEP_US).await.unwrap();
    }
    assert!(directory.path().join("epoch/002/checkpoint").exists());
    assert_eq!(
        std::fs::read_to_string(directory.path().join("latest")).unwrap(),
        "2\n"
    );
    let first = std::fs::read(directory.path().join("epoch/000/manifest")).unwrap();
    assert!(
        !objects
            .create("epoch/000/manifest", Bytes::from_static(b"forged"))
            .await
            .unwrap()
    );
    assert_eq!(
        std::fs::read(directory.path().join("epoch/000/manifest")).unwrap(),
        first
    );
    assert_eq!(objects.get("epoch/003/manifest").await.unwrap(), None);
}
