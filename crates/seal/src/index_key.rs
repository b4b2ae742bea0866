//! A tenant's index key: stable placeholders and lookups that only its holder can compute.

use zeroize::Zeroizing;

use crate::crockford::encode_80_bits;
use crate::derive::{derive, mac};

/// Keyed hashes of one tenant. Equal values give equal results within the tenant and unrelated ones elsewhere.
///
/// Whoever holds this key can test guesses of low-entropy values (dates, national ids): it belongs where the
/// key ring is and nowhere else.
#[derive(Clone)]
pub struct IndexKey {
    key_id: String,
    token: Zeroizing<[u8; 32]>,
    lookup: Zeroizing<[u8; 32]>,
    content: Zeroizing<[u8; 32]>,
}

impl IndexKey {
    /// Derives the tenant's three subkeys from `secret`; `key_id` (such as `k1`) shows in placeholders.
    pub fn new(key_id: impl Into<String>, secret: &[u8; 32]) -> IndexKey {
        IndexKey {
            key_id: key_id.into(),
            token: derive(secret, &[b"aal/index-token/v1"]),
            lookup: derive(secret, &[b"aal/index-lookup/v1"]),
            content: derive(secret, &[b"aal/index-content/v1"]),
        }
    }

    /// Id of the master key this key comes from.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// 80 bits of `HMAC-SHA256(token key, entity || 0x00 || canonical)`. Entity names hold no zero byte.
    pub fn token_bits(&self, entity: &str, canonical: &str) -> [u8; 10] {
        let full = mac(&self.token[..], &[entity.as_bytes(), &[0], canonical.as_bytes()]);
        let mut bits = [0_u8; 10];
        bits.copy_from_slice(&full[..10]);
        bits
    }

    /// [`IndexKey::token_bits`] as 16 characters of Crockford's base 32.
    pub fn token16(&self, entity: &str, canonical: &str) -> String {
        encode_80_bits(&self.token_bits(entity, canonical))
    }

    /// The placeholder that replaces a removed value: `[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]`.
    pub fn placeholder(&self, entity: &str, canonical: &str) -> String {
        format!("[[{entity}:{}:{}]]", self.key_id, self.token16(entity, canonical))
    }

    /// Key of the erasable subject directory for a value of one kind (`email`, `user_id`, `subject`, ...). The
    /// caller brings the value into its canonical form first.
    pub fn lookup(&self, kind: &str, value: &str) -> [u8; 32] {
        mac(&self.lookup[..], &[kind.as_bytes(), &[0], value.as_bytes()])
    }

    /// Entry of an e-mail address in the erasable search index; upper and lower case are the same address.
    pub fn email_lookup(&self, email: &str) -> [u8; 32] {
        self.lookup("email", &email.trim().to_lowercase())
    }

    /// Keyed digest of an event's content, to tell a repeated event from a conflicting one without a bare hash
    /// of personal data, which could be guessed.
    pub fn content_mac(&self, content: &[u8]) -> [u8; 32] {
        mac(&self.content[..], &[content])
    }
}

/// Never shows the key.
impl std::fmt::Debug for IndexKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("IndexKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
