//! Subject keys: from the control store, unwrapped, cached for a few minutes at most.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aal_control::{Control, ControlError, WantedKey};
use aal_record::{Owner, SubjectKey};
use aal_seal::{DATA_KEY_LEN, DataKey, IndexKey, KeyRef, KeyRing, KeyRingError};
use rand::RngCore;
use uuid::Uuid;

/// How long an unwrapped key may stay in memory: an erasure is complete after this time.
const LONGEST_CACHED: Duration = Duration::from_secs(300);
const MOST_CACHED: usize = 100_000;

/// Why there is no key; the shard waits and tries again.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("control store: {0}")]
    Control(#[from] ControlError),
    #[error("the key file {file} cannot be read: {source}")]
    File { file: String, source: std::io::Error },
    #[error("the key file: {0}")]
    Ring(#[from] KeyRingError),
    #[error("no key in the key file opens data key {0}: the key file is not the one it was wrapped with")]
    NotOurs(Uuid),
}

/// A tenant and the keyed hash of who is looked up.
type Lookup = (Uuid, [u8; 32]);

struct Cached {
    key: SubjectKey,
    since: Instant,
}

/// The keys of all tenants.
#[derive(Clone)]
pub struct Keys {
    control: Control,
    ring: Arc<KeyRing>,
    cache: Arc<Mutex<HashMap<Lookup, Cached>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// What a data key is wrapped for: it opens nowhere else.
fn wrap_context(tenant: Uuid, subject_key_id: Uuid) -> Vec<u8> {
    [&b"aal/dek/v1"[..], tenant.as_bytes(), subject_key_id.as_bytes()].concat()
}

/// Reads a key ring from its file.
pub fn read_ring(file: &Path) -> Result<KeyRing, KeysError> {
    let text = std::fs::read_to_string(file).map_err(|source| KeysError::File {
        file: file.display().to_string(),
        source,
    })?;
    Ok(KeyRing::parse(&text)?)
}

impl Keys {
    /// Keys of `ring`, wrapped ones kept in `control`.
    pub fn new(control: Control, ring: Arc<KeyRing>) -> Keys {
        Keys {
            control,
            ring,
            cache: Arc::default(),
        }
    }

    /// The key for tokens, lookups and content digests of a tenant.
    pub fn index_key(&self, tenant: Uuid) -> IndexKey {
        self.ring.tenant_index_key(tenant)
    }

    /// The keys of these owners, in their order; missing ones are made. Whoever stores a key first wins, so all
    /// processors seal a subject's data with the same one.
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
            let wanted: Vec<WantedKey> = missing.iter().map(|lookup| self.fresh(*lookup, now_us)).collect();
            let stored = self.control.ensure_subject_keys(&wanted).await?;
            for (lookup, stored) in missing.iter().zip(stored) {
                let data_key = self.unwrap(lookup.0, stored.subject_key_id, &stored.wrapped_dek)?;
                let key = KeyRef {
                    subject_key_id: stored.subject_key_id,
                    version: stored.version,
                };
                found.insert(*lookup, SubjectKey { key, data_key });
            }
            self.remember(&missing, &found);
        }
        Ok(lookups
            .iter()
            .filter_map(|lookup| found.get(lookup).cloned())
            .collect())
    }

    fn fresh(&self, (tenant, lookup): Lookup, now_us: i64) -> WantedKey {
        let mut random = [0; DATA_KEY_LEN];
        rand::rng().fill_bytes(&mut random);
        let subject_key_id = Uuid::new_v4();
        let data_key = DataKey::from_bytes(random);
        let wrapped = self
            .ring
            .tenant_kek(tenant)
            .wrap(&data_key, &wrap_context(tenant, subject_key_id));
        WantedKey {
            tenant,
            lookup,
            new_subject_key_id: subject_key_id,
            new_wrapped_dek: wrapped.to_vec(),
            now_us,
        }
    }

    /// Opens a wrapped data key, with whichever key of the ring wrapped it.
    pub fn unwrap(&self, tenant: Uuid, subject_key_id: Uuid, wrapped: &[u8]) -> Result<DataKey, KeysError> {
        let context = wrap_context(tenant, subject_key_id);
        if let Ok(data_key) = self.ring.tenant_kek(tenant).unwrap(wrapped, &context) {
            return Ok(data_key);
        }
        let older = self
            .ring
            .key_ids()
            .filter_map(|id| self.ring.tenant_kek_of(id, tenant));
        older
            .filter_map(|kek| kek.unwrap(wrapped, &context).ok())
            .next()
            .ok_or(KeysError::NotOurs(subject_key_id))
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
