//! Rotation, wrapping anew, sealed payloads and outages, through the handle that services hold.

use aal_event::{Event, Kind};
use aal_keys::{Keys, KeysError, OpenError, RewrapState};
use uuid::Uuid;

use crate::fake_vault::{Failure, FakeVault};
use crate::{TENANT, control, fingerprint, key_file, subject};

const TOPIC: &str = "audit.events";

#[tokio::test]
async fn after_a_rotation_everything_is_readable_and_nothing_old_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let fake = FakeVault::start().await;
    let keys = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    let mut subjects = Vec::new();
    for number in 0..600 {
        subjects.push(subject(&keys, &control, number).await);
    }
    let rotated = keys.rotate().await.unwrap();
    assert_eq!((rotated.provider_key.as_str(), rotated.tenants), ("vault:v2", 1));
    assert!(
        !keys.retire_provider_keys().await.unwrap(),
        "not while something is wrapped under the old version"
    );
    subjects.push(subject(&keys, &control, 600).await);
    assert_eq!(keys.status().await.unwrap().data_keys_left, 600);

    assert_eq!(keys.rewrap("one").await.unwrap(), None, "nobody asked yet");
    keys.request_rewrap().await.unwrap();
    let done = keys.rewrap("one").await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.done, done.destroyed_keks),
        (RewrapState::Done, 600, 1)
    );
    assert!(keys.retire_provider_keys().await.unwrap());
    assert!(!keys.retire_provider_keys().await.unwrap(), "once is enough");

    // A process that starts now gets by with what is left.
    let fresh = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    for (key, value) in &subjects {
        assert_eq!(fingerprint(&fresh, *key).await, Some(*value));
    }
    let destroyed = fresh.kek(TENANT, 1).await.unwrap_err();
    assert!(
        matches!(destroyed, KeysError::NoKek { epoch: 1, .. }),
        "{destroyed}"
    );
    let states: Vec<_> = fresh
        .status()
        .await
        .unwrap()
        .keks
        .iter()
        .map(|kek| (kek.epoch, kek.state))
        .collect();
    assert_eq!(states, [(1, "destroyed"), (2, "current")]);
}

#[tokio::test]
async fn wrapping_anew_goes_on_after_the_provider_was_away() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let fake = FakeVault::start().await;
    let keys = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    let (key, value) = subject(&keys, &control, 1).await;
    keys.rotate().await.unwrap();
    keys.request_rewrap().await.unwrap();
    // A process without any tenant's key in memory.
    let cold = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    fake.state().down = Some(Failure::Status(503, "Vault is sealed"));
    let error = cold.rewrap("cold").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    fake.state().down = None;
    let done = keys.rewrap("another").await.unwrap().unwrap();
    assert_eq!((done.state, done.done), (RewrapState::Done, 1));
    assert_eq!(fingerprint(&cold, key).await, Some(value));
}

fn event() -> Vec<u8> {
    aal_event::encode(&Event {
        kind: Kind::Event,
        event_id: Uuid::from_u128(5),
        tenant: TENANT,
        application: "loans".to_owned(),
        session_id: Some("session of Ada Lovelace".to_owned()),
        ..Event::default()
    })
    .unwrap()
}

#[tokio::test]
async fn payloads_of_old_keys_open_until_their_keys_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let (_, config) = key_file(&dir);
    let edge = Keys::open(&config, control.clone()).await.unwrap();
    let processor = Keys::open(&config, control.clone()).await.unwrap();
    let seal = |keys: &Keys| {
        keys.payload_sealer()
            .unwrap()
            .seal(TOPIC, b"tenant:session", &event())
            .unwrap()
    };
    let before = seal(&edge);
    let rotated = edge.rotate().await.unwrap();
    let after = seal(&edge);
    assert_eq!(before.key, after.key, "a session stays in its partition");
    assert!(!before.key.windows(7).any(|part| part == b"session"));
    assert!(!before.value.windows(5).any(|part| part == b"loans"));
    for sealed in [&before, &after] {
        // The processor has not heard of the new key yet.
        assert_eq!(
            *processor.open_payload(TOPIC, &sealed.value).await.unwrap(),
            *event()
        );
    }
    let again = edge
        .payload_sealer()
        .unwrap()
        .seal(TOPIC, &before.key, &before.value)
        .unwrap();
    assert_eq!(
        again, before,
        "what was sealed on its way through a spool stays as it is"
    );

    let elsewhere = processor
        .open_payload("audit.dead-letter", &after.value)
        .await
        .unwrap_err();
    assert!(
        matches!(elsewhere, OpenError::Payload(_)) && !elsewhere.must_wait(),
        "{elsewhere}"
    );
    assert_eq!(
        *processor.open_payload(TOPIC, &event()).await.unwrap(),
        *event(),
        "in the clear"
    );

    // Deleted with everything it sealed.
    let old = control
        .payload_keys()
        .await
        .unwrap()
        .into_iter()
        .find(|key| Some(key.id) != rotated.payload_key);
    let retired_us = old.unwrap().retired_us.unwrap();
    assert_eq!(edge.delete_spent_payload_keys(604_800_000).await.unwrap(), 0);
    assert_eq!(edge.delete_spent_payload_keys(-1).await.unwrap(), 0);
    assert_eq!(control.delete_payload_keys(retired_us + 1).await.unwrap(), 1);
    let fresh = Keys::open(&config, control.clone()).await.unwrap();
    let gone = fresh.open_payload(TOPIC, &before.value).await.unwrap_err();
    assert!(matches!(gone, OpenError::NoKey(_)) && !gone.must_wait(), "{gone}");
    assert_eq!(*fresh.open_payload(TOPIC, &after.value).await.unwrap(), *event());
}

#[tokio::test]
async fn while_the_provider_is_away_the_edge_goes_on_and_the_processor_waits() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let fake = FakeVault::start().await;
    let edge = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    let processor = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    let (key, value) = subject(&edge, &control, 1).await;
    // Made by a process that reaches the provider, unknown to the processor.
    edge.rotate().await.unwrap();
    fake.state().down = Some(Failure::Status(503, "Vault is sealed"));
    let sealed = edge
        .payload_sealer()
        .unwrap()
        .seal(TOPIC, b"k", &event())
        .unwrap();
    let waits = processor.open_payload(TOPIC, &sealed.value).await.unwrap_err();
    assert!(waits.must_wait(), "{waits}");
    let waits = processor.current_kek(TENANT).await.unwrap_err();
    assert!(waits.is_transient(), "{waits}");
    fake.state().down = None;
    assert_eq!(
        *processor.open_payload(TOPIC, &sealed.value).await.unwrap(),
        *event()
    );
    assert_eq!(fingerprint(&processor, key).await, Some(value));
}
