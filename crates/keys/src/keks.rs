//! Key-encryption keys of tenants, in memory for five minutes at most.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aal_control::{Kek as StoredKek, NewKek, SubjectKey};
use aal_seal::{DATA_KEY_LEN, DataKey, KEK_LEN, Kek, WRAPPED_KEY_LEN, data_key_context};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    Keys, KeysError, Place,
    provider::{ProviderError, Wrapped},
};

/// How long an unwrapped key may stay in memory: an erasure or a rotation is complete after this time.
const LONGEST_CACHED: Duration = Duration::from_secs(300);
/// How many key-encryption keys are held at once.
const MOST_CACHED: usize = 10_000;
/// How often a change that somebody else makes at the same time is waited for.
const TRIES: usize = 5;
/// From wrapping a key to its being stored; far below `keys.settle_s`, after which its wrapping may be taken away.
const STORED_WITHIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct KekCache {
    keys: HashMap<(Uuid, u64), (Kek, Instant)>,
    current: HashMap<Uuid, (u64, Instant)>,
}

impl KekCache {
    fn tidy(&mut self) {
        self.keys.retain(|_, (_, since)| since.elapsed() < LONGEST_CACHED);
        self.current
            .retain(|_, (_, since)| since.elapsed() < LONGEST_CACHED);
        if self.keys.len() >= MOST_CACHED {
            self.keys.clear();
            self.current.clear();
        }
    }
}

pub(crate) fn kek_from(secret: &[u8]) -> Result<Kek, KeysError> {
    let bytes = <[u8; KEK_LEN]>::try_from(secret).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| ProviderError::Unexpected {
        provider: "key provider",
        reason: format!(
            "a key-encryption key of {} bytes instead of {KEK_LEN}",
            secret.len()
        ),
    })?;
    Ok(Kek::from_bytes(*bytes))
}

impl Keys {
    fn cache(&self) -> MutexGuard<'_, KekCache> {
        self.inner.keks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets unwrapped keys whose time is over.
    pub(crate) fn forget_old_keks(&self) {
        self.cache().tidy();
    }

    /// Forgets which key of a tenant is current: somebody rotated.
    pub fn forget_current_kek(&self, tenant: Uuid) {
        self.cache().current.remove(&tenant);
    }

    /// The key that wraps new data keys of a tenant, with its epoch; made when there is none.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn current_kek(&self, tenant: Uuid) -> Result<(u64, Kek), KeysError> {
        let known = self.cache().current.get(&tenant).copied();
        let known = known.filter(|(_, since)| since.elapsed() < LONGEST_CACHED);
        if let Some((epoch, _)) = known {
            return Ok((epoch, self.kek(tenant, epoch).await?));
        }
        for _ in 0..TRIES {
            let epoch = match self.inner.control.current_kek(tenant).await? {
                Some(stored) => stored.epoch,
                None => {
                    self.make_kek(tenant, 1).await?;
                    // Whoever was first: what is stored is used.
                    continue;
                }
            };
            let kek = self.kek(tenant, epoch).await?;
            self.cache().current.insert(tenant, (epoch, Instant::now()));
            return Ok((epoch, kek));
        }
        Err(KeysError::Contended)
    }

    /// Makes a tenant's key of `epoch` and stores it as the current one; `false` when somebody else did.
    pub(crate) async fn make_kek(&self, tenant: Uuid, epoch: u64) -> Result<bool, KeysError> {
        let making = async {
            let place = Place::Kek { tenant, epoch };
            let (_, wrapped) = self.inner.provider.generate(&place, KEK_LEN).await?;
            let kek = NewKek {
                tenant,
                epoch,
                provider_key: wrapped.key,
                wrapped: wrapped.ciphertext,
                now_us: aal_service::times::now_us(),
            };
            Ok(self.inner.control.advance_kek(&kek).await?)
        };
        let made = tokio::time::timeout(STORED_WITHIN, making).await;
        made.unwrap_or(Err(KeysError::Contended))
    }

    /// The key-encryption key of a tenant and epoch.
    ///
    /// # Errors
    /// [`KeysError::NoKek`] when it was destroyed.
    pub async fn kek(&self, tenant: Uuid, epoch: u64) -> Result<Kek, KeysError> {
        let cached = self.cache().keys.get(&(tenant, epoch)).cloned();
        if let Some((kek, _)) = cached.filter(|(_, since)| since.elapsed() < LONGEST_CACHED) {
            return Ok(kek);
        }
        let stored = self.inner.control.kek(tenant, epoch).await?;
        let stored = stored.filter(|kek| kek.destroyed_us.is_none());
        let stored = stored.ok_or(KeysError::NoKek { tenant, epoch })?;
        let kek = self.unwrap_kek(&stored).await?;
        let mut cache = self.cache();
        if cache.keys.len() >= MOST_CACHED {
            cache.tidy();
        }
        cache.keys.insert((tenant, epoch), (kek.clone(), Instant::now()));
        Ok(kek)
    }

    pub(crate) async fn unwrap_kek(&self, stored: &StoredKek) -> Result<Kek, KeysError> {
        let place = Place::Kek {
            tenant: stored.tenant,
            epoch: stored.epoch,
        };
        let wrapped = Wrapped {
            key: stored.provider_key.clone(),
            ciphertext: stored.wrapped.clone(),
        };
        let secret = self.inner.provider.unwrap(&place, &wrapped).await?;
        kek_from(&secret)
    }

    /// A fresh data key, wrapped for one subject under the tenant's current key, and that key's epoch.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn new_data_key(
        &self,
        tenant: Uuid,
        subject_key_id: Uuid,
    ) -> Result<([u8; WRAPPED_KEY_LEN], u64), KeysError> {
        let mut random = Zeroizing::new([0; DATA_KEY_LEN]);
        rand::RngCore::fill_bytes(&mut rand::rng(), &mut *random);
        let (epoch, kek) = self.current_kek(tenant).await?;
        let data_key = DataKey::from_bytes(*random);
        Ok((
            kek.wrap(&data_key, &data_key_context(tenant, subject_key_id)),
            epoch,
        ))
    }

    /// Opens a data key as it was read from the control store.
    ///
    /// # Errors
    /// [`KeysError::NoKek`] when it was wrapped anew since it was read, and the old key destroyed: read it again.
    pub async fn open_data_key(&self, tenant: Uuid, stored: &SubjectKey) -> Result<DataKey, KeysError> {
        let context = data_key_context(tenant, stored.subject_key_id);
        if stored.kek_epoch > 0 {
            let kek = self.kek(tenant, stored.kek_epoch).await?;
            let opened = kek.unwrap(&stored.wrapped_dek, &context);
            return opened.map_err(|_| KeysError::NotOurs(stored.subject_key_id));
        }
        // From before there were epochs: under a key derived from one of the key file's; the current one first.
        let ring = &self.inner.ring;
        let older = ring.key_ids().filter_map(|id| ring.tenant_kek_of(id, tenant));
        std::iter::once(ring.tenant_kek(tenant))
            .chain(older)
            .find_map(|kek| kek.unwrap(&stored.wrapped_dek, &context).ok())
            .ok_or(KeysError::NotOurs(stored.subject_key_id))
    }

    /// One version of a subject's data key; `None` when it was erased.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn data_key(
        &self,
        tenant: Uuid,
        subject_key_id: Uuid,
        version: u32,
    ) -> Result<Option<DataKey>, KeysError> {
        for _ in 0..TRIES {
            let stored = self
                .inner
                .control
                .data_key(tenant, subject_key_id, version)
                .await?;
            let Some(stored) = stored else { return Ok(None) };
            match self.open_data_key(tenant, &stored).await {
                // Wrapped anew between the two reads.
                Err(KeysError::NoKek { .. }) => {}
                opened => return opened.map(Some),
            }
        }
        Err(KeysError::NotOurs(subject_key_id))
    }
}
