//! Tiles of a log that is sealed: lost ones are filled again, others are never written over; old sealers stop.

mod common;

use std::sync::{Arc, Mutex};

use aal_ledger::ChainId;
use aal_sealer::core::Fault;
use aal_sealer::{Anchor, SealError, Sealer, SealerSettings};
use bytes::Bytes;
use common::{Memory, START_US, STEP_US, Store, load, signer, tiles, verify};
use uuid::Uuid;

const CHAIN: &str = "log/chain/00000000-0000-0000-0000-000000000001/0";

/// Three epochs: the first chain passes its first full tile in the second one.
async fn sealed_log() -> (Memory, Store) {
    let (objects, store) = (Memory::default(), Store::default());
    let mut sealer = load(&objects, &store).await.unwrap();
    for (epoch, tenants) in [vec![1; 250], vec![1, 2, 1, 1, 1, 1, 1, 1, 1], vec![1, 1]]
        .iter()
        .enumerate()
    {
        store.block(0, tenants);
        sealer.seal(START_US + epoch as i64 * STEP_US).await.unwrap();
    }
    (objects, store)
}

fn names(objects: &Memory, start: &str) -> Vec<String> {
    let objects = objects.objects.lock().unwrap();
    let mut names: Vec<String> = objects
        .keys()
        .filter(|name| name.starts_with(start))
        .cloned()
        .collect();
    names.sort();
    names
}

fn set(objects: &Memory, name: &str, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    objects.objects.lock().unwrap().insert(name.to_owned(), bytes);
}

fn get(objects: &Memory, name: &str) -> Bytes {
    objects.objects.lock().unwrap()[name].clone()
}

async fn load_with(objects: &Memory, store: &Store, fence: u64) -> Result<Sealer<Memory, Store>, SealError> {
    let settings = SealerSettings {
        fence: Some(fence),
        ..SealerSettings::new(common::ORIGIN)
    };
    Sealer::load(
        Anchor::new(objects.clone(), "log"),
        store.clone(),
        signer(),
        settings,
    )
    .await
}

#[tokio::test]
async fn a_grown_chain_keeps_its_full_tiles_and_one_partial_tile_a_level() {
    let (objects, store) = sealed_log().await;
    assert_eq!(tiles::check(&objects, &store).await, 3);
    assert_eq!(
        names(&objects, CHAIN),
        [
            format!("{CHAIN}/tile/0/000"),
            format!("{CHAIN}/tile/0/001.p/4"),
            format!("{CHAIN}/tile/1/000.p/1"),
            format!("{CHAIN}/tile/entries/000"),
            format!("{CHAIN}/tile/entries/001.p/4"),
        ]
    );
    // The anchor log's partial tiles stay until the tile is full: for each of them there is a checkpoint.
    assert_eq!(names(&objects, "log/log/tile/entries").len(), 3);
}

#[tokio::test]
async fn the_anchor_log_drops_partial_tiles_once_the_full_one_is_there() {
    let (objects, store) = (Memory::default(), Store::default());
    let mut sealer = load(&objects, &store).await.unwrap();
    for epoch in 0..258 {
        sealer.seal(START_US + epoch * STEP_US).await.unwrap();
    }
    assert_eq!(
        names(&objects, "log/log/tile/entries"),
        [
            "log/log/tile/entries/000",
            "log/log/tile/entries/001.p/1",
            "log/log/tile/entries/001.p/2"
        ]
    );
    assert_eq!(tiles::check(&objects, &store).await, 1);
}

#[tokio::test]
async fn where_nothing_may_be_deleted_nothing_is() {
    let (objects, store) = (Memory::default(), Store::default());
    let settings = SealerSettings {
        delete_superseded: false,
        ..SealerSettings::new(common::ORIGIN)
    };
    let anchor = Anchor::new(objects.clone(), "log");
    let mut sealer = Sealer::load(anchor, store.clone(), signer(), settings)
        .await
        .unwrap();
    for epoch in 0..3 {
        store.block(0, &[1]);
        sealer.seal(START_US + epoch * STEP_US).await.unwrap();
    }
    assert_eq!(names(&objects, &format!("{CHAIN}/tile/0/")).len(), 3);
}

#[tokio::test]
async fn lost_tiles_are_filled_again() {
    let all: fn(&str) -> bool = |name| name.contains("/tile/");
    type Case = (&'static str, fn(&str) -> bool);
    let cases: [Case; 5] = [
        ("all, as in a log begun without tiles", all),
        ("the chains'", |name| name.contains("/chain/")),
        ("the anchor log's", |name| name.starts_with("log/log/")),
        ("a partial bundle", |name| name.ends_with("entries/001.p/4")),
        ("a partial tile of level 1", |name| {
            name.ends_with("tile/1/000.p/1")
        }),
    ];
    for (what, is_lost) in cases {
        let (objects, store) = sealed_log().await;
        objects.objects.lock().unwrap().retain(|name, _| !is_lost(name));
        let mut sealer = load(&objects, &store).await.unwrap();
        assert_eq!(tiles::check(&objects, &store).await, 3, "{what}");
        store.block(0, &[1, 2, 3]);
        sealer.seal(START_US + 9 * STEP_US).await.unwrap();
        assert_eq!(tiles::check(&objects, &store).await, 4, "{what}");
        assert_eq!(verify(&objects, &store).await.exit_code(), 0, "{what}");
    }
}

#[tokio::test]
async fn a_frontier_that_is_lost_is_taken_from_the_tiles() {
    let (objects, store) = sealed_log().await;
    objects
        .objects
        .lock()
        .unwrap()
        .retain(|name, _| !name.contains("/frontier/"));
    // The stored rows are gone, too: only the tiles can have given the trees.
    let rows = std::mem::take(&mut *store.rows.lock().unwrap());
    let sealer = load(&objects, &store).await.unwrap();
    assert_eq!(sealer.last_manifest().unwrap().leaf_count, rows.len() as u64);
}

/// A shard whose chain's tiles say something else stands still; the other shards go on.
#[tokio::test]
async fn tiles_that_contradict_stop_their_shard_and_are_not_written_over() {
    let forged_ahead: fn(&Memory) -> String = |objects| {
        // A bundle as an epoch that was cut off could have left it, but of other leaves.
        let name = format!("{CHAIN}/tile/entries/001.p/6");
        let mut bytes = get(objects, &format!("{CHAIN}/tile/entries/001.p/4")).to_vec();
        let one = bytes.len() / 4;
        bytes.extend_from_within(..one);
        bytes.extend_from_within(..one);
        set(objects, &name, &bytes);
        name
    };
    type Case = (&'static str, fn(&Memory) -> String);
    let cases: [Case; 5] = [
        ("next partial tile there with other bytes", |objects| {
            let name = format!("{CHAIN}/tile/0/001.p/5");
            set(objects, &name, &[7; 160]);
            name
        }),
        ("sealed partial bundle damaged", |objects| {
            let name = format!("{CHAIN}/tile/entries/001.p/4");
            let mut bytes = get(objects, &name).to_vec();
            bytes[9] ^= 1;
            set(objects, &name, &bytes);
            name
        }),
        ("sealed partial tile damaged", |objects| {
            let name = format!("{CHAIN}/tile/1/000.p/1");
            set(objects, &name, &[7; 32]);
            name
        }),
        (
            "wider bundle that does not begin like the sealed one",
            |objects| {
                let name = format!("{CHAIN}/tile/entries/001.p/9");
                set(objects, &name, &[0; 18]);
                name
            },
        ),
        ("wider bundle that goes on differently", forged_ahead),
    ];
    for (what, tamper) in cases {
        let (objects, store) = sealed_log().await;
        store.block(1, &[2]);
        let name = tamper(&objects);
        let forged = get(&objects, &name);
        let mut sealer = load(&objects, &store).await.unwrap();
        store.block(0, &[1]);
        let sealed = sealer.seal(START_US + 9 * STEP_US).await.unwrap();
        let faults: Vec<_> = sealed
            .refused
            .iter()
            .map(|refusal| (refusal.shard, &refusal.fault))
            .collect();
        let chain = ChainId {
            tenant: Uuid::from_u128(1),
            shard: 0,
        };
        assert!(
            matches!(faults.as_slice(), [(0, Fault::Tiles { chain: found, .. })] if *found == chain),
            "{what}: {faults:?}"
        );
        assert_eq!(sealed.new_leaves, 1, "{what}: the other shard goes on");
        assert_eq!(get(&objects, &name), forged, "{what}: it is evidence and stays");
        // It stands still in the next epochs, too.
        let sealed = sealer.seal(START_US + 10 * STEP_US).await.unwrap();
        assert_eq!((sealed.refused.len(), sealed.new_leaves), (1, 0), "{what}");
    }
}

#[tokio::test]
async fn a_full_tile_with_other_bytes_is_not_written_over() {
    let (objects, store) = (Memory::default(), Store::default());
    store.block(0, &[1; 255]);
    let mut sealer = load(&objects, &store).await.unwrap();
    sealer.seal(START_US).await.unwrap();
    set(&objects, &format!("{CHAIN}/tile/0/000"), &[7; 8_192]);
    store.block(0, &[1]);
    let sealed = sealer.seal(START_US + STEP_US).await.unwrap();
    assert!(
        matches!(sealed.refused[0].fault, Fault::Tiles { .. }),
        "{:?}",
        sealed.refused
    );
    assert_eq!(get(&objects, &format!("{CHAIN}/tile/0/000"))[..], [7; 8_192]);
}

#[tokio::test]
async fn contradicting_tiles_of_the_anchor_log_stop_everything() {
    let (objects, store) = sealed_log().await;
    set(&objects, "log/log/tile/0/000.p/3", &[7; 96]);
    let refused = load(&objects, &store).await.err();
    assert!(matches!(refused, Some(SealError::LogTiles(_))), "{refused:?}");
    let before = objects.objects.lock().unwrap().len();
    assert!(load(&objects, &store).await.is_err());
    assert_eq!(objects.objects.lock().unwrap().len(), before);
}

#[tokio::test]
async fn a_newer_token_stops_the_older_sealer() {
    let (objects, store) = (Memory::default(), Store::default());
    store.block(0, &[1]);
    let mut old = load_with(&objects, &store, 7).await.unwrap();
    old.seal(START_US).await.unwrap();
    let mut new = load_with(&objects, &store, 8).await.unwrap();
    let before = objects.objects.lock().unwrap().clone();
    let stopped = old.seal(START_US + STEP_US).await.err();
    assert!(
        matches!(stopped, Some(SealError::Fenced { own: 7, newest: 8 })),
        "{stopped:?}"
    );
    assert_eq!(*objects.objects.lock().unwrap(), before, "it wrote nothing");
    new.seal(START_US + STEP_US).await.unwrap();
    let again = load_with(&objects, &store, 7).await.err();
    assert!(
        matches!(again, Some(SealError::Fenced { own: 7, newest: 8 })),
        "{again:?}"
    );
}

/// The old sealer is stopped at every one of its writes, while a new one takes over and seals; then it goes on.
#[tokio::test]
async fn a_sealer_that_was_stopped_at_any_write_lowers_nothing() {
    let mut write = 0;
    while stopped_at(write).await {
        write += 1;
    }
    assert!(write >= 8, "an epoch of several writes was stopped, not {write}");
}

/// False once the epoch has fewer writes.
async fn stopped_at(write: u64) -> bool {
    let (objects, store) = (Memory::default(), Store::default());
    store.block(0, &[1]);
    let mut old = load_with(&objects, &store, 1).await.unwrap();
    old.seal(START_US).await.unwrap();
    store.block(0, &[1, 2]);
    let count = Arc::new(Mutex::new(0));
    let rival = (objects.clone(), store.clone(), Arc::clone(&count));
    *objects.before_write.lock().unwrap() = Some(Box::new(move |_| {
        let (objects, store, count) = &rival;
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == write + 1 {
            take_over(objects, store);
        }
    }));
    let result = old.seal(START_US + STEP_US).await;
    *objects.before_write.lock().unwrap() = None;
    let was_stopped = *count.lock().unwrap() > write;
    if was_stopped {
        // The new one is three epochs further, whatever the old one did.
        let newest = Anchor::new(objects.clone(), "log")
            .newest_epoch()
            .await
            .unwrap()
            .unwrap();
        assert!(newest >= 3, "stopped at {write}: {newest} {result:?}");
        let latest = String::from_utf8(get(&objects, "log/latest").to_vec()).unwrap();
        assert_eq!(latest, format!("{newest}\n"), "stopped at write {write}");
        assert_eq!(get(&objects, "log/fence")[..], *b"2\n");
        assert_eq!(
            verify(&objects, &store).await.exit_code(),
            0,
            "stopped at write {write}"
        );
        tiles::check(&objects, &store).await;
        assert!(
            old.seal(START_US + 9 * STEP_US).await.is_err(),
            "it is fenced off"
        );
    } else {
        result.unwrap();
    }
    was_stopped
}

/// Another sealer, in another process, takes over and seals three epochs.
fn take_over(objects: &Memory, store: &Store) {
    // The same objects without the hook that called this.
    let objects = objects.without_hook();
    let store = store.clone();
    let sealing = async move {
        let mut new = load_with(&objects, &store, 2).await.unwrap();
        for epoch in 2..5 {
            store.block(0, &[1]);
            new.seal(START_US + epoch * STEP_US).await.unwrap();
        }
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    std::thread::spawn(move || runtime().block_on(sealing))
        .join()
        .unwrap();
}
