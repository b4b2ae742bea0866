//! Collects removed values and seals them into slots.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aal_ledger::Slot;
use aal_policy::{Policy, Treatment};
use aal_redact::{Entity, Redacted, TokenMaker};
use aal_seal::{AEAD_AES_256_SIV, AEAD_CLEAR, IndexKey, SealError, SlotContext};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{MOST_VALUE_SLOTS, SLOT_FIRST_VALUE, SLOT_OVERFLOW, SubjectKey, pointers::PersonalKeys};

/// Placeholders by the tenant's index key: one value, one token.
pub(crate) struct Tokens<'k>(pub(crate) &'k IndexKey);

impl TokenMaker for Tokens<'_> {
    fn token(&self, entity: Entity, canonical: &str) -> String {
        self.0.placeholder(entity.name(), canonical)
    }
}

struct Removed {
    token: String,
    original: String,
    destroyed: bool,
}

/// What was removed from the texts of one event.
pub(crate) struct Collected {
    policy: Arc<Policy>,
    /// Whether the values of the field at hand are sealed at all.
    pub(crate) seals_values: bool,
    values: Vec<Removed>,
    by_token: HashMap<String, usize>,
    spans: Vec<Value>,
    pub(crate) counts: BTreeMap<String, u32>,
    /// The same by Safe Harbor identifier.
    pub(crate) identifiers: BTreeMap<String, u32>,
}

/// How many spans the attributes list in full; the counts are always complete.
const MOST_LISTED_SPANS: usize = 1_000;

impl Collected {
    pub(crate) fn new(policy: &Arc<Policy>) -> Collected {
        Collected {
            policy: Arc::clone(policy),
            seals_values: true,
            values: Vec::new(),
            by_token: HashMap::new(),
            spans: Vec::new(),
            counts: BTreeMap::new(),
            identifiers: BTreeMap::new(),
        }
    }

    /// Counts a value that stands in a field of its own.
    pub(crate) fn count(&mut self, entity: Entity) {
        *self.counts.entry(entity.name().to_owned()).or_default() += 1;
        if let Some(identifier) = entity.safe_harbor() {
            *self.identifiers.entry(identifier.name().to_owned()).or_default() += 1;
        }
    }

    /// Takes what was removed from a field; the field's text is the template.
    pub(crate) fn take(&mut self, field: &str, redacted: Redacted) -> String {
        let keys = PersonalKeys::of(&redacted.removed);
        for removed in redacted.removed {
            let next = self.values.len();
            let position = *self.by_token.entry(removed.token.clone()).or_insert(next);
            let destroyed = !self.seals_values || self.policy.treatment(removed.entity) == Treatment::Destroy;
            if position == next {
                self.values.push(Removed {
                    token: removed.token.clone(),
                    original: String::new(),
                    destroyed: true,
                });
            }
            let value = &mut self.values[position];
            if value.destroyed && !destroyed {
                // Elsewhere the same value stood in a text of which nothing is kept.
                value.original = removed.original;
                value.destroyed = false;
            }
            self.count(removed.entity);
            if self.spans.len() < MOST_LISTED_SPANS {
                let slot = if destroyed {
                    Value::Null
                } else {
                    Value::from(slot_of(position))
                };
                self.spans.push(json!({
                    "token": removed.token, "entity": removed.entity.name(), "band": removed.band.name(),
                    "score_permille": removed.score_permille, "rule": removed.rule, "field": field,
                    "pointer": keys.hidden(&removed.pointer), "slot": slot,
                }));
            }
        }
        redacted.template
    }

    /// The list of redactions for the attributes.
    pub(crate) fn spans(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.spans)
    }

    /// Seals the collected values; slots ascend.
    pub(crate) fn seal(&self, sealer: &mut Sealer, key: &SubjectKey) -> Result<(), SealError> {
        let mut packed = Vec::new();
        for (position, value) in self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.destroyed)
        {
            if position < MOST_VALUE_SLOTS {
                sealer.seal(slot_of(position), key, value.original.as_bytes())?;
            } else {
                packed.push(json!([value.token, value.original]));
            }
        }
        if !packed.is_empty() {
            sealer.seal(SLOT_OVERFLOW, key, Value::Array(packed).to_string().as_bytes())?;
        }
        Ok(())
    }
}

fn slot_of(position: usize) -> u16 {
    if position < MOST_VALUE_SLOTS {
        SLOT_FIRST_VALUE + position as u16
    } else {
        SLOT_OVERFLOW
    }
}

/// Makes the slots of one record; call it in ascending order of slots.
pub(crate) struct Sealer {
    pub(crate) tenant: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) slots: Vec<Slot>,
    pub(crate) salts: Vec<(u16, [u8; 32])>,
    pub(crate) ciphertexts: Vec<(u16, Vec<u8>)>,
}

impl Sealer {
    pub(crate) fn new(tenant: Uuid, event_id: Uuid) -> Self {
        Sealer {
            tenant,
            event_id,
            slots: Vec::new(),
            salts: Vec::new(),
            ciphertexts: Vec::new(),
        }
    }

    fn context(&self, slot: u16, key: &SubjectKey) -> SlotContext {
        SlotContext {
            tenant: self.tenant,
            event_id: self.event_id,
            slot,
            key: key.key,
        }
    }

    /// Commits to a text that is stored in the clear, with its salt.
    pub(crate) fn commit(&mut self, slot: u16, key: &SubjectKey, text: &str) {
        let salt = self.commit_only(slot, key, text);
        self.salts.push((slot, salt));
    }

    /// Commits to a text that is not stored; answers the salt.
    pub(crate) fn commit_only(&mut self, slot: u16, key: &SubjectKey, text: &str) -> [u8; 32] {
        let commitment = key
            .data_key
            .commit_clear(&self.context(slot, key), text.as_bytes());
        self.slots.push(Slot {
            slot,
            subject_key_id: key.key.subject_key_id,
            key_ver: key.key.version,
            aead: AEAD_CLEAR,
            padded_len: 0,
            ct_hash: [0; 32],
            pt_commit: commitment.pt_commit,
            key_commit: commitment.key_commit,
        });
        commitment.salt
    }

    /// Seals a value.
    pub(crate) fn seal(&mut self, slot: u16, key: &SubjectKey, value: &[u8]) -> Result<(), SealError> {
        let sealed = key.data_key.seal(&self.context(slot, key), value)?;
        self.slots.push(Slot {
            slot,
            subject_key_id: key.key.subject_key_id,
            key_ver: key.key.version,
            aead: AEAD_AES_256_SIV,
            padded_len: sealed.padded_len,
            ct_hash: sealed.ct_hash,
            pt_commit: sealed.pt_commit,
            key_commit: sealed.key_commit,
        });
        self.ciphertexts.push((slot, sealed.ciphertext));
        Ok(())
    }
}
