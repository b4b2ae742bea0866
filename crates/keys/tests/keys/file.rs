//! The key file: shared by processes, rotated by one of them; and the way from it to a key service.

use aal_control::WantedKey;
use aal_keys::provider::file::FileProvider;
use aal_keys::provider::{Provider, ProviderError};
use aal_keys::{Keys, KeysConfig, Place, RewrapState};
use aal_seal::{DataKey, KeyRef, data_key_context};
use uuid::Uuid;

use crate::fake_vault::FakeVault;
use crate::{NOW_US, TENANT, control, fingerprint, key_file, subject};

#[tokio::test]
async fn a_rotation_by_one_process_is_seen_by_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let (_, config) = key_file(&dir);
    let path = config.file.unwrap();
    let one = FileProvider::open(&path).unwrap();
    let two = FileProvider::open(&path).unwrap();
    let old = two.wrap(&Place::Root, b"secret").await.unwrap();
    assert_eq!(one.rotate().await.unwrap(), "k3");
    let new = one.wrap(&Place::Root, b"secret").await.unwrap();
    assert_eq!(*two.unwrap(&Place::Root, &new).await.unwrap(), b"secret");
    assert_eq!(two.current().await.unwrap(), "k3");

    assert!(one.retire_older().await.unwrap());
    let gone = FileProvider::open(&path)
        .unwrap()
        .unwrap(&Place::Root, &old)
        .await
        .unwrap_err();
    assert!(matches!(gone, ProviderError::KeyGone { .. }), "{gone}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// A data key as it was wrapped before there were epochs.
async fn old_subject(control: &aal_control::Control, ring: &aal_seal::KeyRing) -> KeyRef {
    let subject_key_id = Uuid::from_u128(77);
    let wrapped = ring.tenant_kek(TENANT).wrap(
        &DataKey::from_bytes([9; 64]),
        &data_key_context(TENANT, subject_key_id),
    );
    let wanted = WantedKey {
        tenant: TENANT,
        lookup: [9; 32],
        new_subject_key_id: subject_key_id,
        new_wrapped_dek: wrapped.to_vec(),
        kek_epoch: 0,
        now_us: NOW_US,
    };
    control.ensure_subject_keys(&[wanted]).await.unwrap();
    KeyRef {
        subject_key_id,
        version: 1,
    }
}

#[tokio::test]
async fn keys_from_before_epochs_stay_readable_and_move() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let (ring, config) = key_file(&dir);
    let old = old_subject(&control, &ring).await;
    let keys = Keys::open(&config, control.clone()).await.unwrap();
    let before = fingerprint(&keys, old).await.unwrap();
    assert_eq!(keys.status().await.unwrap().data_keys_left, 1);
    keys.request_rewrap().await.unwrap();
    let done = keys.rewrap("test").await.unwrap().unwrap();
    assert_eq!((done.state, done.done), (RewrapState::Done, 1));
    assert_eq!(fingerprint(&keys, old).await, Some(before));
    assert_eq!(
        control
            .data_key(TENANT, old.subject_key_id, 1)
            .await
            .unwrap()
            .unwrap()
            .kek_epoch,
        1
    );
}

#[tokio::test]
async fn a_key_service_takes_the_key_file_over() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let (ring, file) = key_file(&dir);
    let old = old_subject(&control, &ring).await;
    let fake = FakeVault::start().await;
    let both = KeysConfig {
        file: file.file.clone(),
        ..fake.keys_config()
    };
    let keys = Keys::open(&both, control.clone()).await.unwrap();
    let before = fingerprint(&keys, old).await.unwrap();
    let (new, value) = subject(&keys, &control, 1).await;

    // The file is not needed from then on.
    let keys = Keys::open(&fake.keys_config(), control.clone()).await.unwrap();
    assert_eq!(fingerprint(&keys, old).await, Some(before));
    assert_eq!(fingerprint(&keys, new).await, Some(value));
    let token = |ring: &aal_seal::KeyRing| ring.tenant_index_key(TENANT).placeholder("PERSON", "Ada");
    assert_eq!(token(keys.ring()), token(&ring), "people keep their names");
}

#[tokio::test]
async fn a_configuration_without_a_provider_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&dir).await;
    let nothing: KeysConfig = serde_json::from_str("{}").unwrap();
    let error = Keys::open(&nothing, control.clone())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("`keys`") && error.contains("vault"), "{error}");
    let nowhere = KeysConfig::at(dir.path().join("none.json"));
    let error = Keys::open(&nowhere, control).await.unwrap_err().to_string();
    assert!(
        error.contains("none.json") && error.contains("keys.file"),
        "{error}"
    );
}
