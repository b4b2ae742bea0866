//! Wrapping anew: data keys move to the current key-encryption keys, those to the provider's current key, and what is
//! no longer used is destroyed. Online, a page at a time, and resumed by whoever is next when a process dies.

use aal_control::{Rewrapped, SubjectKey, WrappedKey};
use aal_seal::data_key_context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Keys, KeysError, Place, provider::Wrapped, root::ROOT, rotation::ROTATED};

/// Setting of the control store that holds [`RewrapProgress`].
const PROGRESS: &str = "keys.rewrap";
const LEASE: &str = "keys.rewrap";
const LEASE_US: i64 = 60_000_000;
/// Data keys of one transaction.
const PAGE: u32 = 500;

/// How far wrapping anew is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewrapState {
    /// Asked for, or under way.
    Running,
    /// Nothing is left.
    Done,
    /// It stopped; `error` says why.
    Failed,
}

/// Progress of wrapping anew, as the control store holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewrapProgress {
    /// Where it stands.
    pub state: RewrapState,
    /// When it was asked for, µs.
    pub started_us: i64,
    /// When it ended, µs.
    pub finished_us: Option<i64>,
    /// Data keys that were to be wrapped anew when it was asked for.
    pub total: u64,
    /// Data keys wrapped anew so far.
    pub done: u64,
    /// Key-encryption keys destroyed.
    pub destroyed_keks: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether the ledger was told of its end.
    #[serde(default)]
    pub is_told: bool,
}

impl Keys {
    /// Progress of the last, or the present, wrapping anew.
    ///
    /// # Errors
    /// The control store.
    pub async fn rewrap_progress(&self) -> Result<Option<RewrapProgress>, KeysError> {
        let text = self.inner.control.setting(PROGRESS).await?;
        // Written by this program alone; what cannot be read counts as never begun.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn put_progress(&self, progress: &RewrapProgress) -> Result<(), KeysError> {
        // Numbers and texts serialise.
        let text = serde_json::to_string(progress).unwrap_or_default();
        Ok(self.inner.control.put_setting(PROGRESS, &text).await?)
    }

    /// Asks for everything to be wrapped anew; [`Keys::rewrap`] does it. One that runs already goes on.
    ///
    /// # Errors
    /// The control store.
    pub async fn request_rewrap(&self) -> Result<RewrapProgress, KeysError> {
        if let Some(running) = self.rewrap_progress().await?
            && running.state == RewrapState::Running
        {
            return Ok(running);
        }
        let progress = RewrapProgress {
            state: RewrapState::Running,
            started_us: aal_service::times::now_us(),
            finished_us: None,
            total: self.data_keys_left().await?,
            done: 0,
            destroyed_keks: 0,
            error: None,
            is_told: false,
        };
        self.put_progress(&progress).await?;
        Ok(progress)
    }

    /// The last wrapping anew, when it ended and the ledger does not know yet.
    ///
    /// # Errors
    /// The control store.
    pub async fn untold_rewrap(&self) -> Result<Option<RewrapProgress>, KeysError> {
        let progress = self.rewrap_progress().await?;
        Ok(progress.filter(|progress| progress.state != RewrapState::Running && !progress.is_told))
    }

    /// Notes that the ledger was told of the end of `told`; nothing when another has been asked for since.
    ///
    /// # Errors
    /// The control store.
    pub async fn rewrap_told(&self, told: &RewrapProgress) -> Result<(), KeysError> {
        if self.untold_rewrap().await?.as_ref() != Some(told) {
            return Ok(());
        }
        let told = RewrapProgress {
            is_told: true,
            ..told.clone()
        };
        self.put_progress(&told).await
    }

    /// Data keys under anything but their tenant's current key-encryption key.
    pub(crate) async fn data_keys_left(&self) -> Result<u64, KeysError> {
        let newest = self.newest_epochs().await?;
        let counts = self.inner.control.data_keys_by_kek().await?;
        let is_old = |tenant: Uuid, epoch: u64| {
            newest
                .get(&tenant)
                .is_some_and(|newest| epoch < *newest || epoch == 0)
        };
        let left = counts.iter().filter(|count| is_old(count.tenant, count.epoch));
        Ok(left.map(|count| count.data_keys).sum())
    }

    /// Carries on with a wrapping anew that was asked for, until it is done; `None` when there is none, or when another
    /// process is at it. `holder` names this process.
    ///
    /// # Errors
    /// [`KeysError`]; a passing one leaves the rest for the next call, another is part of the progress.
    pub async fn rewrap(&self, holder: &str) -> Result<Option<RewrapProgress>, KeysError> {
        let control = &self.inner.control;
        let Some(mut progress) = self.rewrap_progress().await? else {
            return Ok(None);
        };
        if progress.state != RewrapState::Running {
            return Ok(None);
        }
        let now_us = aal_service::times::now_us();
        let Some(fence) = control.acquire_lease(LEASE, holder, LEASE_US, now_us).await? else {
            return Ok(None);
        };
        let worked = self.rewrap_all(&mut progress, holder, fence).await;
        let result = match worked {
            Ok(false) => Ok(None),
            Ok(true) => {
                progress.state = RewrapState::Done;
                progress.finished_us = Some(aal_service::times::now_us());
                self.put_progress(&progress).await.map(|()| Some(progress))
            }
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                progress.state = RewrapState::Failed;
                progress.finished_us = Some(aal_service::times::now_us());
                progress.error = Some(error.to_string());
                self.put_progress(&progress).await?;
                Err(error)
            }
        };
        control.release_lease(LEASE, holder, fence).await?;
        result
    }

    /// `false`: the lease passed to another process.
    async fn rewrap_all(
        &self,
        progress: &mut RewrapProgress,
        holder: &str,
        fence: u64,
    ) -> Result<bool, KeysError> {
        let control = &self.inner.control;
        for tenant in self.newest_epochs().await?.into_keys() {
            self.forget_current_kek(tenant);
            loop {
                let (epoch, _) = self.current_kek(tenant).await?;
                let page = control.data_keys_before(tenant, epoch, PAGE).await?;
                if page.is_empty() {
                    break;
                }
                progress.done += self.rewrap_page(&page).await?;
                self.put_progress(progress).await?;
                let now_us = aal_service::times::now_us();
                if !control
                    .renew_lease(LEASE, holder, fence, LEASE_US, now_us)
                    .await?
                {
                    return Ok(false);
                }
            }
        }
        // The unused first: what is destroyed need not be wrapped anew.
        let now_us = aal_service::times::now_us();
        progress.destroyed_keks += control.destroy_unused_keks(now_us).await?;
        self.rewrap_upper_keys().await?;
        Ok(true)
    }

    /// Wraps a page of one tenant's data keys under its current key; answers how many were stored.
    async fn rewrap_page(&self, page: &[WrappedKey]) -> Result<u64, KeysError> {
        let mut rewrapped = Vec::with_capacity(page.len());
        let mut first_error = None;
        for old in page {
            let (epoch, kek) = self.current_kek(old.tenant).await?;
            let stored = SubjectKey {
                subject_key_id: old.subject_key_id,
                version: old.version,
                wrapped_dek: old.wrapped.clone(),
                kek_epoch: old.kek_epoch,
            };
            match self.open_data_key(old.tenant, &stored).await {
                Ok(data_key) => {
                    let context = data_key_context(old.tenant, old.subject_key_id);
                    rewrapped.push(Rewrapped {
                        old: old.clone(),
                        wrapped: kek.wrap(&data_key, &context).to_vec(),
                        kek_epoch: epoch,
                    });
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::error!(%error, subject_key = %old.subject_key_id, "a data key cannot be wrapped anew");
                    first_error = Some(error);
                }
            }
        }
        // Those that do not open come again in every page: when only they are left, it ends.
        match first_error {
            Some(error) if rewrapped.is_empty() => Err(error),
            _ => Ok(self.inner.control.store_rewrapped(&rewrapped).await?),
        }
    }

    /// Key-encryption keys, payload keys and the root: to the provider's current key.
    async fn rewrap_upper_keys(&self) -> Result<(), KeysError> {
        let (control, provider) = (&self.inner.control, &self.inner.provider);
        let current = provider.current().await?;
        for kek in control.keks().await? {
            if kek.destroyed_us.is_some() || kek.provider_key == current {
                continue;
            }
            let place = Place::Kek {
                tenant: kek.tenant,
                epoch: kek.epoch,
            };
            let again = self.wrap_again(&place, &kek.provider_key, &kek.wrapped).await?;
            control.rewrap_kek(&kek, &again.key, &again.ciphertext).await?;
        }
        for key in control.payload_keys().await? {
            if key.provider_key != current {
                let place = Place::Payload { id: key.id };
                let again = self.wrap_again(&place, &key.provider_key, &key.wrapped).await?;
                control
                    .rewrap_payload_key(&key, &again.key, &again.ciphertext)
                    .await?;
            }
        }
        if let Some(root) = control.provider_secret(ROOT).await?
            && root.provider_key != current
        {
            let again = self
                .wrap_again(&Place::Root, &root.provider_key, &root.wrapped)
                .await?;
            control
                .rewrap_secret(&root, &again.key, &again.ciphertext)
                .await?;
        }
        Ok(())
    }

    async fn wrap_again(&self, place: &Place, key: &str, ciphertext: &[u8]) -> Result<Wrapped, KeysError> {
        let wrapped = Wrapped {
            key: key.to_owned(),
            ciphertext: ciphertext.to_vec(),
        };
        let secret = self.inner.provider.unwrap(place, &wrapped).await?;
        Ok(self.inner.provider.wrap(place, &secret).await?)
    }

    /// Takes older keys or versions away from the provider, once nothing is wrapped under them and a rotation has
    /// settled; `true` when that was done now.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn retire_provider_keys(&self) -> Result<bool, KeysError> {
        let (control, provider) = (&self.inner.control, &self.inner.provider);
        let rotated_us = control.setting(ROTATED).await?;
        let Some(rotated_us) = rotated_us
            .and_then(|text| text.parse::<i64>().ok())
            .filter(|us| *us > 0)
        else {
            return Ok(false);
        };
        let is_settled = aal_service::times::now_us() - rotated_us >= self.inner.settle_us;
        if !is_settled || self.data_keys_left().await? > 0 {
            return Ok(false);
        }
        let current = provider.current().await?;
        let keks = control.keks().await?;
        let payload_keys = control.payload_keys().await?;
        let root = control.provider_secret(ROOT).await?;
        let used = keks
            .iter()
            .filter(|kek| kek.destroyed_us.is_none())
            .map(|kek| &kek.provider_key)
            .chain(payload_keys.iter().map(|key| &key.provider_key))
            .chain(root.iter().map(|root| &root.provider_key));
        if used.into_iter().any(|key| *key != current) {
            return Ok(false);
        }
        let is_gone = provider.retire_older().await?;
        // Once is enough, also where the provider keeps what is old.
        control.put_setting(ROTATED, "0").await?;
        Ok(is_gone)
    }

    /// Deletes payload keys whose messages Kafka no longer keeps; answers how many. `retention_ms` is Kafka's; a
    /// negative one keeps messages, and so keys, for ever.
    ///
    /// # Errors
    /// The control store.
    pub async fn delete_spent_payload_keys(&self, retention_ms: i64) -> Result<u64, KeysError> {
        /// Kafka deletes whole segments, some time after the last message in them is too old.
        const MARGIN_MS: i64 = 8 * 24 * 3_600_000;
        if retention_ms < 0 {
            return Ok(0);
        }
        let age_us = retention_ms.saturating_add(MARGIN_MS).saturating_mul(1_000);
        let before_us = aal_service::times::now_us().saturating_sub(age_us);
        Ok(self.inner.control.delete_payload_keys(before_us).await?)
    }
}
