//! The key ring: master keys, their text form (the key file), and what is derived from them.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::derive::derive;
use crate::index_key::IndexKey;
use crate::kek::Kek;

/// Length of a master key in bytes.
pub const MASTER_KEY_LEN: usize = 32;

const FORMAT: &str = "aal/key-ring/v1";
/// More keys than this in one file is a mistake, not a rotation history.
const MAX_KEYS: usize = 1024;

/// Master keys by id.
///
/// Two ids have a role. `current` wraps new data keys and changes with every rotation. `root` is what everything
/// that must stay the same is derived from (placeholders, lookups, the signing seed), so a rotation of the
/// wrapping key neither renames people in the records nor changes the log's identity.
#[derive(Clone)]
pub struct KeyRing {
    current: String,
    root: String,
    keys: Vec<MasterKey>,
}

#[derive(Clone)]
struct MasterKey {
    id: String,
    secret: Zeroizing<[u8; MASTER_KEY_LEN]>,
}

/// The key file as JSON; secrets are base64 of 32 bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: String,
    current: String,
    root: String,
    keys: Vec<KeyFileEntry>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyFileEntry {
    id: String,
    secret: String,
}

/// Why a key file was refused. Never quotes the file, which holds secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// Not the JSON document expected; line and column are 1-based.
    #[error("key file is not valid at line {line}, column {column}")]
    Syntax {
        /// Line of the first error.
        line: usize,
        /// Column of the first error.
        column: usize,
    },
    /// Another format or version.
    #[error("key file format is not {FORMAT}")]
    Format,
    /// An id is not 1 to 16 characters of `a-z`, `0-9`.
    #[error("key {position} has an id that is not 1 to 16 lower-case letters and digits")]
    KeyId {
        /// Its place in the file, from 0.
        position: usize,
    },
    /// The same id twice.
    #[error("key {position} repeats an earlier id")]
    Repeated {
        /// Its place in the file, from 0.
        position: usize,
    },
    /// A secret is not base64 of 32 bytes.
    #[error("key {position} is not base64 of {MASTER_KEY_LEN} bytes")]
    Secret {
        /// Its place in the file, from 0.
        position: usize,
    },
    /// `current` or `root` names no key of the file.
    #[error("`{role}` names a key that is not in the file")]
    Missing {
        /// `current` or `root`.
        role: &'static str,
    },
    /// More keys than a file may hold.
    #[error("key file holds more than {MAX_KEYS} keys")]
    TooMany,
}

impl KeyRing {
    /// A ring with one key, `k1`, from 32 bytes of a cryptographic random source.
    pub fn generate(random: [u8; MASTER_KEY_LEN]) -> KeyRing {
        let key = MasterKey {
            id: "k1".to_owned(),
            secret: Zeroizing::new(random),
        };
        KeyRing {
            current: key.id.clone(),
            root: key.id.clone(),
            keys: vec![key],
        }
    }

    /// Reads the text form written by [`KeyRing::to_text`].
    pub fn parse(text: &str) -> Result<KeyRing, KeyRingError> {
        let file: KeyFile = serde_json::from_str(text).map_err(|error| KeyRingError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
        if file.format != FORMAT {
            return Err(KeyRingError::Format);
        }
        if file.keys.len() > MAX_KEYS {
            return Err(KeyRingError::TooMany);
        }

        let mut keys: Vec<MasterKey> = Vec::with_capacity(file.keys.len());
        for (position, entry) in file.keys.iter().enumerate() {
            if !is_key_id(&entry.id) {
                return Err(KeyRingError::KeyId { position });
            }
            if keys.iter().any(|key| key.id == entry.id) {
                return Err(KeyRingError::Repeated { position });
            }
            let secret = decode_secret(&entry.secret).ok_or(KeyRingError::Secret { position })?;
            keys.push(MasterKey {
                id: entry.id.clone(),
                secret,
            });
        }
        let ring = KeyRing {
            current: file.current,
            root: file.root,
            keys,
        };
        if ring.find(&ring.current).is_none() {
            return Err(KeyRingError::Missing { role: "current" });
        }
        if ring.find(&ring.root).is_none() {
            return Err(KeyRingError::Missing { role: "root" });
        }
        Ok(ring)
    }

    /// The key file's text. Contains every secret: wiped when dropped, to be stored readable by its owner only.
    pub fn to_text(&self) -> Zeroizing<String> {
        let keys = self.keys.iter();
        let file = KeyFile {
            format: FORMAT.to_owned(),
            current: self.current.clone(),
            root: self.root.clone(),
            keys: keys
                .map(|key| KeyFileEntry {
                    id: key.id.clone(),
                    secret: STANDARD.encode(&key.secret[..]),
                })
                .collect(),
        };
        // Serialising strings into a string cannot fail.
        let mut text = serde_json::to_string_pretty(&file).expect("strings serialise");
        text.push('\n');
        Zeroizing::new(text)
    }

    /// Adds a master key from 32 random bytes and makes it `current`; returns its id. Older keys stay, so that
    /// data keys wrapped under them can be read until they are wrapped again.
    pub fn rotate(&mut self, random: [u8; MASTER_KEY_LEN]) -> &str {
        let numbers = self
            .keys
            .iter()
            .filter_map(|key| key.id.strip_prefix('k')?.parse::<u64>().ok());
        let next = numbers.max().unwrap_or(0).saturating_add(1);
        self.current = format!("k{next}");
        self.keys.push(MasterKey {
            id: self.current.clone(),
            secret: Zeroizing::new(random),
        });
        &self.current
    }

    /// Id of the key that wraps new data keys.
    pub fn current_id(&self) -> &str {
        &self.current
    }

    /// Ids of all keys, oldest first.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The tenant's key-encryption key under the current master key. Store [`KeyRing::current_id`] beside what
    /// it wraps.
    pub fn tenant_kek(&self, tenant: Uuid) -> Kek {
        kek_of(self.role_secret(&self.current), tenant)
    }

    /// The tenant's key-encryption key under the master key `key_id`, or `None` when the ring lacks that key.
    pub fn tenant_kek_of(&self, key_id: &str, tenant: Uuid) -> Option<Kek> {
        self.find(key_id).map(|secret| kek_of(secret, tenant))
    }

    /// The tenant's index key, from the root key.
    pub fn tenant_index_key(&self, tenant: Uuid) -> IndexKey {
        let secret = derive(
            self.role_secret(&self.root),
            &[b"aal/index-key/v1", tenant.as_bytes()],
        );
        IndexKey::new(self.root.clone(), &secret)
    }

    /// A secret for one purpose (`checkpoint signing`, `receipt signing`, `session tokens`, ...), from the root
    /// key. Different purposes give unrelated secrets.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        derive(
            self.role_secret(&self.root),
            &[b"aal/derive/v1\n", purpose.as_bytes()],
        )
    }

    /// Wraps any secret under the current master key, for the place that `context` names. Answers the key's id and
    /// the ciphertext: AES-256-SIV, 16 bytes longer than the secret.
    pub fn wrap_secret(&self, context: &[u8], secret: &[u8]) -> (&str, Vec<u8>) {
        let wrapped = wrapping_cipher(self.role_secret(&self.current))
            .encrypt([context], secret)
            // RFC 5297 limits only the number of associated-data strings (126); here it is one.
            .expect("one associated-data string");
        (&self.current, wrapped)
    }

    /// Unwraps what [`KeyRing::wrap_secret`] made with the same `context` under the master key `key_id`.
    pub fn unwrap_secret(
        &self,
        key_id: &str,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let master = self.find(key_id).ok_or(SecretError::NoKey)?;
        let secret = wrapping_cipher(master).decrypt([context], wrapped);
        secret.map(Zeroizing::new).map_err(|_| SecretError::NotOurs)
    }

    /// Forgets master keys: everything wrapped under them alone is unreadable from then on. The root and the current
    /// key stay. Answers the ids that went.
    pub fn forget_older(&mut self) -> Vec<String> {
        let stays = |key: &MasterKey| key.id == self.current || key.id == self.root;
        let gone = self.keys.iter().filter(|key| !stays(key));
        let gone: Vec<String> = gone.map(|key| key.id.clone()).collect();
        self.keys.retain(|key| !gone.contains(&key.id));
        gone
    }

    fn find(&self, id: &str) -> Option<&[u8; MASTER_KEY_LEN]> {
        self.keys.iter().find(|key| key.id == id).map(|key| &*key.secret)
    }

    fn role_secret(&self, id: &str) -> &[u8; MASTER_KEY_LEN] {
        // Every constructor checks that both roles name a key, and neither is ever removed.
        self.find(id).expect("role names a key of the ring")
    }
}

/// Why a wrapped secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The ring lacks the master key it was wrapped under.
    #[error("the key ring lacks the master key it was wrapped under")]
    NoKey,
    /// Damaged, or wrapped for another place.
    #[error("it was damaged, or wrapped for another place")]
    NotOurs,
}

/// Shows ids only.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.key_ids().collect();
        formatter
            .debug_struct("KeyRing")
            .field("current", &self.current)
            .field("root", &self.root)
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}

fn kek_of(master: &[u8; MASTER_KEY_LEN], tenant: Uuid) -> Kek {
    Kek::from_bytes(*derive::<64>(master, &[b"aal/kek/v1", tenant.as_bytes()]))
}

fn wrapping_cipher(master: &[u8; MASTER_KEY_LEN]) -> Aes256Siv {
    Aes256Siv::new((&*derive::<64>(master, &[b"aal/wrap/v1"])).into())
}

fn is_key_id(id: &str) -> bool {
    (1..=16).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn decode_secret(text: &str) -> Option<Zeroizing<[u8; MASTER_KEY_LEN]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    <[u8; MASTER_KEY_LEN]>::try_from(bytes.as_slice())
        .ok()
        .map(Zeroizing::new)
}
