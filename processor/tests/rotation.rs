//! Two processors make and use subject keys while keys are rotated and wrapped anew under them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aal_control::{Control, ControlConfig};
use aal_keys::KeysConfig;
use aal_record::{Owner, SubjectKey};
use aal_seal::{KeyRing, SlotContext};
use processor::keys::Keys;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(1);
const SUBJECTS: usize = 400;
const ROTATIONS: usize = 3;

async fn open(config: &KeysConfig, url: &str) -> (Keys, aal_keys::Keys) {
    let control = ControlConfig {
        url: url.to_owned(),
        ..ControlConfig::default()
    };
    let control = Control::open(&control).await.unwrap();
    let keys = aal_keys::Keys::open(config, control.clone()).await.unwrap();
    (Keys::new(control, keys.clone()), keys)
}

/// What the data key makes of a value: differs for different keys.
fn sealed(key: &SubjectKey) -> [u8; 32] {
    let context = SlotContext {
        tenant: TENANT,
        event_id: Uuid::nil(),
        slot: 0,
        key: key.key,
    };
    key.data_key.seal(&context, b"value").unwrap().ct_hash
}

fn owner(number: usize) -> (Uuid, Owner) {
    (TENANT, Owner::Subject(format!("subject-{number}")))
}

/// A processor: one block after another, each of subjects that are new and subjects that are known.
async fn process(config: KeysConfig, url: String, done: Arc<AtomicBool>) -> HashMap<usize, [u8; 32]> {
    let (mut keys, _) = open(&config, &url).await;
    let mut seen = HashMap::new();
    let mut next = 0;
    while next < SUBJECTS || !done.load(Ordering::Acquire) {
        let numbers: Vec<usize> = if next < SUBJECTS {
            (next.saturating_sub(5)..(next + 5).min(SUBJECTS)).collect()
        } else {
            // Restarted, so that nothing is remembered and everything is opened anew.
            keys = open(&config, &url).await.0;
            (0..SUBJECTS).step_by(37).collect()
        };
        next = (next + 5).min(SUBJECTS);
        let owners: Vec<_> = numbers.iter().map(|number| owner(*number)).collect();
        let found = keys.subject_keys(&owners, 1).await.unwrap();
        assert_eq!(found.len(), owners.len());
        for (number, key) in numbers.into_iter().zip(&found) {
            let known = seen.insert(number, sealed(key));
            assert!(
                known.is_none_or(|known| known == sealed(key)),
                "subject {number} changed its key"
            );
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn two_processors_go_on_while_keys_are_rotated() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ring.json");
    let mut ring = KeyRing::generate([1; 32]);
    ring.rotate([2; 32]);
    aal_keys::write_secret(&file, ring.to_text().as_bytes()).unwrap();
    let config = KeysConfig::at(&file);
    let url = format!("sqlite://{}/control.db", dir.path().display());
    let (_, administrator) = open(&config, &url).await;

    let done = Arc::new(AtomicBool::new(false));
    let one = tokio::spawn(process(config.clone(), url.clone(), Arc::clone(&done)));
    let two = tokio::spawn(process(config.clone(), url.clone(), Arc::clone(&done)));
    for _ in 0..ROTATIONS {
        administrator.current_kek(TENANT).await.unwrap();
        administrator.rotate().await.unwrap();
        administrator.request_rewrap().await.unwrap();
        let rewrapped = administrator.rewrap("administrator").await.unwrap();
        rewrapped.expect("nobody else does it");
    }
    done.store(true, Ordering::Release);
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    assert_eq!(one.len(), SUBJECTS);
    assert_eq!(one, two, "both sealed with the same keys");

    administrator.request_rewrap().await.unwrap();
    administrator.rewrap("administrator").await.unwrap();
    let status = administrator.status().await.unwrap();
    assert_eq!(status.data_keys_left, 0);
    let states: Vec<&str> = status.keks.iter().map(|kek| kek.state).collect();
    assert_eq!(states, ["destroyed", "destroyed", "destroyed", "current"]);
    let (fresh, _) = open(&config, &url).await;
    let owners: Vec<_> = (0..SUBJECTS).map(owner).collect();
    let found = fresh.subject_keys(&owners, 1).await.unwrap();
    for (number, key) in found.iter().enumerate() {
        assert_eq!(one[&number], sealed(key), "subject {number}");
    }
}
