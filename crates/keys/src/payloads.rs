//! Payload keys: what the edge seals under and the processor opens with.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use aal_control::PayloadKey as StoredKey;
use aal_kafka::{PayloadSealer, SealedRecord};
use aal_seal::{
    Envelope, KeyRing, NONCE_LEN, PAYLOAD_KEY_LEN, PayloadKey, PayloadPlace, partition_key, purpose,
};
use rand::RngCore;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    Keys, KeysError, OpenError, Place,
    provider::{ProviderError, Wrapped},
};

/// The payload keys in memory.
pub(crate) struct PayloadKeys {
    state: RwLock<State>,
    /// Hides sessions in the keys of Kafka records; never changes, so that a session stays in its partition.
    partitioning: Zeroizing<[u8; 32]>,
}

#[derive(Default)]
struct State {
    current: Option<Uuid>,
    keys: HashMap<Uuid, PayloadKey>,
}

impl PayloadKeys {
    pub(crate) fn new(ring: &KeyRing) -> PayloadKeys {
        PayloadKeys {
            state: RwLock::default(),
            partitioning: ring.derive(purpose::PARTITIONING),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Option<(Uuid, PayloadKey)> {
        let state = self.read();
        let id = state.current?;
        Some((id, state.keys.get(&id)?.clone()))
    }

    fn key(&self, id: Uuid) -> Option<PayloadKey> {
        self.read().keys.get(&id).cloned()
    }
}

fn key_from(secret: &[u8]) -> Result<PayloadKey, KeysError> {
    let bytes = <[u8; PAYLOAD_KEY_LEN]>::try_from(secret).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| ProviderError::Unexpected {
        provider: "key provider",
        reason: format!(
            "a payload key of {} bytes instead of {PAYLOAD_KEY_LEN}",
            secret.len()
        ),
    })?;
    Ok(PayloadKey::from_bytes(*bytes))
}

impl Keys {
    /// Takes up payload keys that others made, forgets those that are gone, and makes a new one when the current one
    /// is too old.
    ///
    /// # Errors
    /// [`KeysError`]; what is in memory stays.
    pub(crate) async fn refresh_payload_keys(&self) -> Result<(), KeysError> {
        let stored = self.inner.control.payload_keys().await?;
        let current = stored.iter().find(|key| key.retired_us.is_none());
        let now_us = aal_service::times::now_us();
        let is_due = current.is_none_or(|key| now_us - key.created_us >= self.inner.payload_key_age_us);
        if self.inner.seals_payloads && is_due {
            let made = self.make_payload_key(current.map(|key| key.id)).await;
            match (made, current) {
                // Whoever was first: what is stored is used.
                (Ok(_), _) => {
                    let stored = self.inner.control.payload_keys().await?;
                    return self.take_up(&stored).await;
                }
                (Err(error), None) => return Err(error),
                (Err(error), Some(_)) => tracing::warn!(%error, "payload key not replaced yet"),
            }
        }
        self.take_up(&stored).await
    }

    async fn take_up(&self, stored: &[StoredKey]) -> Result<(), KeysError> {
        let mut fresh = Vec::new();
        for key in stored {
            if self.inner.payloads.key(key.id).is_some() {
                continue;
            }
            match self.unwrap_payload_key(key).await {
                Ok(unwrapped) => fresh.push((key.id, unwrapped)),
                // An old key that is broken must not keep the others away.
                Err(error) if key.retired_us.is_some() && !error.is_transient() => {
                    tracing::error!(%error, payload_key = %key.id, "a payload key does not open");
                }
                Err(error) => return Err(error),
            }
        }
        let mut state = self
            .inner
            .payloads
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        state.keys.retain(|id, _| stored.iter().any(|key| key.id == *id));
        state.keys.extend(fresh);
        state.current = stored
            .iter()
            .find(|key| key.retired_us.is_none())
            .map(|key| key.id);
        Ok(())
    }

    pub(crate) async fn unwrap_payload_key(&self, stored: &StoredKey) -> Result<PayloadKey, KeysError> {
        let wrapped = Wrapped {
            key: stored.provider_key.clone(),
            ciphertext: stored.wrapped.clone(),
        };
        let place = Place::Payload { id: stored.id };
        key_from(&self.inner.provider.unwrap(&place, &wrapped).await?)
    }

    /// Makes a payload key in place of `replaced`; its id, or none when somebody else did.
    pub(crate) async fn make_payload_key(&self, replaced: Option<Uuid>) -> Result<Option<Uuid>, KeysError> {
        let id = Uuid::new_v4();
        let place = Place::Payload { id };
        let (_, wrapped) = self.inner.provider.generate(&place, PAYLOAD_KEY_LEN).await?;
        let key = StoredKey {
            id,
            provider_key: wrapped.key,
            wrapped: wrapped.ciphertext,
            created_us: aal_service::times::now_us(),
            retired_us: None,
        };
        let is_stored = self.inner.control.advance_payload_key(&key, replaced).await?;
        Ok(is_stored.then_some(id))
    }

    /// A value from Kafka in the clear: opened when it was sealed, as it is when it was not.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::must_wait`] says whether the value may open later.
    pub async fn open_payload<'v>(&self, topic: &str, value: &'v [u8]) -> Result<Cow<'v, [u8]>, OpenError> {
        if !Envelope::is_sealed(value) {
            return Ok(Cow::Borrowed(value));
        }
        let envelope = Envelope::parse(value)?;
        let key = match self.inner.payloads.key(envelope.key_id) {
            Some(key) => key,
            None => {
                // Made a moment ago by another process, or never.
                self.refresh_payload_keys().await?;
                let found = self.inner.payloads.key(envelope.key_id);
                found.ok_or(OpenError::NoKey(envelope.key_id))?
            }
        };
        let payload = key.open(topic, &envelope)?;
        if place_of(&payload) != envelope.place {
            return Err(OpenError::OtherEvent);
        }
        Ok(Cow::Owned(payload.to_vec()))
    }
}

fn place_of(payload: &[u8]) -> PayloadPlace {
    let peeked = aal_event::peek(payload);
    peeked.map_or_else(PayloadPlace::default, |peeked| PayloadPlace {
        tenant: peeked.tenant,
        event_id: peeked.event_id,
        schema: peeked.schema,
    })
}

impl PayloadSealer for Keys {
    fn seal(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<SealedRecord, String> {
        let sealed_key = partition_key(&self.inner.payloads.partitioning, key);
        // Sealed before, by a gateway that kept it on disk for a while.
        if Envelope::parse(value).is_ok() {
            return Ok(SealedRecord {
                key: sealed_key,
                value: value.to_vec(),
            });
        }
        let current = self.inner.payloads.current();
        let (id, payload_key) = current.ok_or_else(|| "there is no payload key yet".to_owned())?;
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let sealed = payload_key.seal(id, topic, &place_of(value), nonce, value);
        Ok(SealedRecord {
            key: sealed_key,
            value: sealed.map_err(|error| error.to_string())?,
        })
    }
}
