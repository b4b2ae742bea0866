//! What there is of keys, for administrators.

use serde::Serialize;
use uuid::Uuid;

use crate::{Keys, KeysError, RewrapProgress};

/// One key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KekStatus {
    /// Whose.
    pub tenant: Uuid,
    /// 0: derived from the key file.
    pub epoch: u64,
    /// Which key of the provider wrapped it; none for epoch 0.
    pub provider_key: Option<String>,
    /// `current`, `retired`, `destroyed`, or `derived` for epoch 0.
    pub state: &'static str,
    /// Data keys wrapped under it.
    pub data_keys: u64,
    /// When it was made, µs.
    pub created_us: Option<i64>,
}

/// All keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeysStatus {
    /// `key file`, `vault` or `kms`.
    pub provider: &'static str,
    /// The key or version that wraps at present; none while the provider does not answer.
    pub provider_key: Option<String>,
    /// Why the provider does not answer.
    pub provider_error: Option<String>,
    /// Key-encryption keys by tenant and epoch; those destroyed are there, too.
    pub keks: Vec<KekStatus>,
    /// Data keys that wrapping anew would move.
    pub data_keys_left: u64,
    /// Payload keys that still open messages, the current one included.
    pub payload_keys: u64,
    /// The payload key that seals.
    pub payload_key: Option<Uuid>,
    /// The last wrapping anew.
    pub rewrap: Option<RewrapProgress>,
}

impl Keys {
    /// What there is of keys.
    ///
    /// # Errors
    /// The control store.
    pub async fn status(&self) -> Result<KeysStatus, KeysError> {
        let control = &self.inner.control;
        let current = self.inner.provider.current().await;
        let counts = control.data_keys_by_kek().await?;
        let count_of = |tenant, epoch| {
            let found = counts
                .iter()
                .find(|count| count.tenant == tenant && count.epoch == epoch);
            found.map_or(0, |count| count.data_keys)
        };
        let derived = counts
            .iter()
            .filter(|count| count.epoch == 0)
            .map(|count| KekStatus {
                tenant: count.tenant,
                epoch: 0,
                provider_key: None,
                state: "derived",
                data_keys: count.data_keys,
                created_us: None,
            });
        let mut keks: Vec<KekStatus> = derived.collect();
        keks.extend(control.keks().await?.into_iter().map(|kek| KekStatus {
            tenant: kek.tenant,
            epoch: kek.epoch,
            state: match (kek.destroyed_us, kek.retired_us) {
                (Some(_), _) => "destroyed",
                (None, Some(_)) => "retired",
                (None, None) => "current",
            },
            data_keys: count_of(kek.tenant, kek.epoch),
            created_us: Some(kek.created_us),
            provider_key: Some(kek.provider_key),
        }));
        keks.sort_by_key(|kek| (kek.tenant, kek.epoch));
        let payload_keys = control.payload_keys().await?;
        Ok(KeysStatus {
            provider: self.inner.provider.name(),
            provider_error: current.as_ref().err().map(ToString::to_string),
            provider_key: current.ok(),
            keks,
            data_keys_left: self.data_keys_left().await?,
            payload_keys: payload_keys.len() as u64,
            payload_key: payload_keys
                .iter()
                .find(|key| key.retired_us.is_none())
                .map(|key| key.id),
            rewrap: self.rewrap_progress().await?,
        })
    }
}
