//! Rotation: a new version of the provider's key, a new epoch for every tenant, a new payload key. What exists stays
//! readable; wrapping it anew is [`crate::rewrap`].

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::{Keys, KeysError};

/// Setting of the control store: when the provider's key was rotated last, µs.
pub(crate) const ROTATED: &str = "keys.rotated_us";
const TRIES: usize = 5;

/// What a rotation made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The provider's key or version that wraps from now on.
    pub provider_key: String,
    /// Tenants that got a new key-encryption key.
    pub tenants: u64,
    /// The payload key that seals from now on; none where payloads are not sealed.
    pub payload_key: Option<Uuid>,
}

impl Keys {
    /// Rotates everything. Ended half-way (a crash, a provider that stops to answer) it is simply done again.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn rotate(&self) -> Result<Rotated, KeysError> {
        let inner = &self.inner;
        let provider_key = inner.provider.rotate().await?;
        let now_us = aal_service::times::now_us();
        inner.control.put_setting(ROTATED, &now_us.to_string()).await?;
        let mut tenants = 0;
        for (tenant, epoch) in self.newest_epochs().await? {
            if self.make_kek(tenant, epoch + 1).await? {
                tenants += 1;
            }
            self.forget_current_kek(tenant);
        }
        let payload_key = if inner.seals_payloads {
            Some(self.rotate_payload_key().await?)
        } else {
            None
        };
        Ok(Rotated {
            provider_key,
            tenants,
            payload_key,
        })
    }

    /// Every tenant that has keys, with its newest epoch; 0 where all its data keys are older than epochs.
    pub(crate) async fn newest_epochs(&self) -> Result<BTreeMap<Uuid, u64>, KeysError> {
        let control = &self.inner.control;
        let counts = control.data_keys_by_kek().await?;
        let keks = control.keks().await?;
        let counted = counts.iter().map(|count| (count.tenant, 0));
        let stored = keks.iter().map(|kek| (kek.tenant, kek.epoch));
        let mut newest = BTreeMap::new();
        for (tenant, epoch) in counted.chain(stored) {
            let known = newest.entry(tenant).or_insert(0);
            *known = epoch.max(*known);
        }
        Ok(newest)
    }

    async fn rotate_payload_key(&self) -> Result<Uuid, KeysError> {
        for _ in 0..TRIES {
            let stored = self.inner.control.payload_keys().await?;
            let current = stored.iter().find(|key| key.retired_us.is_none());
            if let Some(id) = self.make_payload_key(current.map(|key| key.id)).await? {
                self.refresh_payload_keys().await?;
                return Ok(id);
            }
        }
        Err(KeysError::Contended)
    }
}
