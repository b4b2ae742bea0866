//! Keys with every provider: the key file, a Vault that behaves as its API pages say, AWS KMS as moto plays it.

mod fake_vault;
mod file;
mod kms;
mod lifecycle;
mod vault;

use std::time::{Duration, Instant};

use aal_control::{Control, ControlConfig};
use aal_keys::{Keys, KeysConfig};
use aal_seal::{KeyRef, KeyRing};
use uuid::Uuid;

pub const TENANT: Uuid = Uuid::from_u128(0xA);
pub const NOW_US: i64 = 1_767_225_600_000_000;

/// A control store in a directory of its own.
pub async fn control(dir: &tempfile::TempDir) -> Control {
    let url = format!("sqlite://{}/control.db", dir.path().display());
    Control::open(&ControlConfig {
        url,
        ..ControlConfig::default()
    })
    .await
    .unwrap()
}

/// A key file in `dir`, and what names it.
pub fn key_file(dir: &tempfile::TempDir) -> (KeyRing, KeysConfig) {
    let mut ring = KeyRing::generate([7; 32]);
    ring.rotate([8; 32]);
    let path = dir.path().join("ring.json");
    aal_keys::write_secret(&path, ring.to_text().as_bytes()).unwrap();
    let config = KeysConfig {
        settle_s: 0,
        ..KeysConfig::at(path)
    };
    (ring, config)
}

/// Makes and stores a subject's data key; answers its name and what commits to it.
pub async fn subject(keys: &Keys, control: &Control, number: u64) -> (KeyRef, [u8; 32]) {
    let mut lookup = [0; 32];
    lookup[..8].copy_from_slice(&number.to_be_bytes());
    let subject_key_id = Uuid::new_v4();
    let (wrapped, kek_epoch) = keys.new_data_key(TENANT, subject_key_id).await.unwrap();
    let wanted = aal_control::WantedKey {
        tenant: TENANT,
        lookup,
        new_subject_key_id: subject_key_id,
        new_wrapped_dek: wrapped.to_vec(),
        kek_epoch,
        now_us: NOW_US,
    };
    let stored = control.ensure_subject_keys(&[wanted]).await.unwrap().remove(0);
    let key = KeyRef {
        subject_key_id: stored.subject_key_id,
        version: stored.version,
    };
    (key, fingerprint(keys, key).await.unwrap())
}

/// Tells data keys apart without showing them; `None` when the key was erased.
pub async fn fingerprint(keys: &Keys, key: KeyRef) -> Option<[u8; 32]> {
    let data_key = keys
        .data_key(TENANT, key.subject_key_id, key.version)
        .await
        .unwrap()?;
    let context = aal_seal::SlotContext {
        tenant: TENANT,
        event_id: Uuid::nil(),
        slot: 0,
        key,
    };
    Some(data_key.seal(&context, b"value").unwrap().ct_hash)
}

/// Asks until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "waited a minute in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
