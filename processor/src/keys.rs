//! Subject keys: from the control store, unwrapped, cached for a few minutes at most.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aal_control::{Control, ControlError, SubjectKey as StoredKey, WantedKey};
use aal_keys::KeysError;
use aal_record::{Owner, SubjectKey};
use aal_seal::{IndexKey, KeyRef};
use uuid::Uuid;

/// How long an unwrapped key may stay in memory: an erasure is complete after this time.
const LONGEST_CACHED: Duration = Duration::from_secs(300);
const MOST_CACHED: usize = 100_000;
/// How often a rotation that happens at the same time is followed before the shard waits.
const TRIES: usize = 5;

/// A tenant and the keyed hash of who is looked up.
type Lookup = (Uuid, [u8; 32]);

struct Cached {
    key: SubjectKey,
    since: Instant,
}

/// The keys of all tenants' subjects.
#[derive(Clone)]
pub struct Keys {
    control: Control,
    keys: aal_keys::Keys,
    cache: Arc<Mutex<HashMap<Lookup, Cached>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Subject keys wrapped by `keys` and kept in `control`.
    pub fn new(control: Control, keys: aal_keys::Keys) -> Keys {
        Keys {
            control,
            keys,
            cache: Arc::default(),
        }
    }

    /// The keys above those of subjects.
    pub fn above(&self) -> &aal_keys::Keys {
        &self.keys
    }

    /// Where keys are kept.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// The key for tokens, lookups and content digests of a tenant.
    pub fn index_key(&self, tenant: Uuid) -> IndexKey {
        self.keys.index_key(tenant)
    }

    /// The keys of these owners, in their order; missing ones are made. Whoever stores a key first wins, so all
    /// processors seal a subject's data with the same one.
    ///
    /// # Errors
    /// There is no key; the shard waits and tries again.
    pub async fn subject_keys(
        &self,
        owners: &[(Uuid, Owner)],
        now_us: i64,
    ) -> Result<Vec<SubjectKey>, KeysError> {
        let lookups: Vec<Lookup> = owners
            .iter()
            .map(|(tenant, owner)| {
                let (kind, value) = owner.lookup();
                (*tenant, self.index_key(*tenant).lookup(kind, &value))
            })
            .collect();
        let mut found = self.cached(&lookups);
        let mut missing: Vec<Lookup> = lookups
            .iter()
            .filter(|lookup| !found.contains_key(*lookup))
            .copied()
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            found.extend(self.ensure(&missing, now_us).await?);
            self.remember(&missing, &found);
        }
        Ok(lookups
            .iter()
            .filter_map(|lookup| found.get(lookup).cloned())
            .collect())
    }

    /// Stores and opens keys. A rotation in between is followed: data keys are wrapped anew under the new key, or read
    /// again when somebody else has wrapped them anew.
    async fn ensure(
        &self,
        missing: &[Lookup],
        now_us: i64,
    ) -> Result<HashMap<Lookup, SubjectKey>, KeysError> {
        for _ in 0..TRIES {
            let mut wanted = Vec::with_capacity(missing.len());
            for lookup in missing {
                wanted.push(self.fresh(*lookup, now_us).await?);
            }
            let stored = match self.control.ensure_subject_keys(&wanted).await {
                Err(ControlError::KekRetired { .. }) => {
                    let tenants = missing.iter().map(|(tenant, _)| *tenant);
                    tenants.for_each(|tenant| self.keys.forget_current_kek(tenant));
                    continue;
                }
                stored => stored?,
            };
            match self.opened(missing, stored).await {
                Err(KeysError::NoKek { .. }) => continue,
                opened => return opened,
            }
        }
        Err(KeysError::Contended)
    }

    async fn opened(
        &self,
        lookups: &[Lookup],
        stored: Vec<StoredKey>,
    ) -> Result<HashMap<Lookup, SubjectKey>, KeysError> {
        let mut opened = HashMap::with_capacity(lookups.len());
        for (lookup, stored) in lookups.iter().zip(stored) {
            let data_key = self.keys.open_data_key(lookup.0, &stored).await?;
            let key = KeyRef {
                subject_key_id: stored.subject_key_id,
                version: stored.version,
            };
            opened.insert(*lookup, SubjectKey { key, data_key });
        }
        Ok(opened)
    }

    async fn fresh(&self, (tenant, lookup): Lookup, now_us: i64) -> Result<WantedKey, KeysError> {
        let subject_key_id = Uuid::new_v4();
        let (wrapped, kek_epoch) = self.keys.new_data_key(tenant, subject_key_id).await?;
        Ok(WantedKey {
            tenant,
            lookup,
            new_subject_key_id: subject_key_id,
            new_wrapped_dek: wrapped.to_vec(),
            kek_epoch,
            now_us,
        })
    }

    fn cached(&self, lookups: &[Lookup]) -> HashMap<Lookup, SubjectKey> {
        let cache = self
            .cache
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut found = HashMap::new();
        for lookup in lookups {
            if let Some(cached) = cache
                .get(lookup)
                .filter(|cached| cached.since.elapsed() < LONGEST_CACHED)
            {
                found.insert(*lookup, cached.key.clone());
            }
        }
        found
    }

    /// Drops these data keys from memory: they were destroyed.
    pub fn forget(&self, destroyed: &[(Uuid, Uuid)]) {
        let mut cache = self
            .cache
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        cache.retain(|(tenant, _), cached| !destroyed.contains(&(*tenant, cached.key.key.subject_key_id)));
    }

    fn remember(&self, lookups: &[Lookup], found: &HashMap<Lookup, SubjectKey>) {
        let mut cache = self
            .cache
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if cache.len() + lookups.len() > MOST_CACHED {
            cache.retain(|_, cached| cached.since.elapsed() < LONGEST_CACHED);
        }
        if cache.len() + lookups.len() > MOST_CACHED {
            cache.clear();
        }
        for lookup in lookups {
            if let Some(key) = found.get(lookup) {
                cache.insert(
                    *lookup,
                    Cached {
                        key: key.clone(),
                        since: Instant::now(),
                    },
                );
            }
        }
    }
}
