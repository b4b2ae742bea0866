//! The trust policy a verifier pins (ledger-format.md section 9).

use std::fmt::Write as _;

use serde::Deserialize;

use crate::hash::{Hash, sha256};
use crate::vkey::{VerifierKey, VerifierKeyError};

/// How far an edge's clock may be ahead of the sealer's when the policy does not say, in seconds.
pub const DEFAULT_CLOCK_TOLERANCE_S: u32 = 5;

/// Who may sign for one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    /// First line of every checkpoint.
    pub origin: String,
    /// The operator's promise from receipt to sealed, in seconds.
    pub max_seal_delay_s: Option<u32>,
    /// How far an edge's clock may be ahead of the sealer's, in seconds.
    pub clock_tolerance_s: u32,
    /// At least one.
    pub log_keys: Vec<LogKey>,
    pub receipt_keys: Vec<VerifierKey>,
    /// SHA-256 of the file; the manifest's `policy`.
    pub hash: Hash,
}

/// A key that may sign checkpoints, with the window of tree sizes it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    pub key: VerifierKey,
    /// Smallest tree size.
    pub from_size: u64,
    /// Largest tree size; `None`: no end.
    pub to_size: Option<u64>,
}

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("trust policy is not valid: {0}")]
    Toml(String),
    #[error("trust policy has version {0}, only 1 is known")]
    Version(u32),
    #[error("trust policy needs an origin of one line")]
    Origin,
    #[error("trust policy has no log_key")]
    NoLogKey,
    #[error("verifier key {vkey:?} in the trust policy: {source}")]
    Key { vkey: String, source: VerifierKeyError },
    #[error("key {0} stands twice in the trust policy")]
    KeyTwice(String),
    #[error("log_key {0} ends before it begins")]
    Window(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: u32,
    origin: String,
    max_seal_delay_s: Option<u32>,
    clock_tolerance_s: Option<u32>,
    #[serde(default)]
    log_key: Vec<LogKeyEntry>,
    #[serde(default)]
    receipt_key: Vec<ReceiptKeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogKeyEntry {
    vkey: String,
    #[serde(default)]
    from_size: u64,
    to_size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptKeyEntry {
    vkey: String,
}

impl TrustPolicy {
    /// The policy of this file's text.
    ///
    /// # Errors
    /// On unknown keys, a bad verifier key, a key in two places, an empty list of log keys.
    pub fn parse(text: &str) -> Result<TrustPolicy, PolicyError> {
        let file: PolicyFile = toml::from_str(text).map_err(|error| PolicyError::Toml(error.to_string()))?;
        if file.version != 1 {
            return Err(PolicyError::Version(file.version));
        }
        if file.origin.is_empty() || file.origin.contains(char::is_control) {
            return Err(PolicyError::Origin);
        }
        let mut log_keys = Vec::with_capacity(file.log_key.len());
        for entry in file.log_key {
            let key = parse_key(&entry.vkey)?;
            if entry.to_size.is_some_and(|to_size| to_size < entry.from_size) {
                return Err(PolicyError::Window(entry.vkey));
            }
            log_keys.push(LogKey {
                key,
                from_size: entry.from_size,
                to_size: entry.to_size,
            });
        }
        if log_keys.is_empty() {
            return Err(PolicyError::NoLogKey);
        }
        let receipt_keys: Vec<VerifierKey> = file
            .receipt_key
            .iter()
            .map(|entry| parse_key(&entry.vkey))
            .collect::<Result<_, _>>()?;
        let policy = TrustPolicy {
            origin: file.origin,
            max_seal_delay_s: file.max_seal_delay_s,
            clock_tolerance_s: file.clock_tolerance_s.unwrap_or(DEFAULT_CLOCK_TOLERANCE_S),
            log_keys,
            receipt_keys,
            hash: sha256(text.as_bytes()),
        };
        policy.check_keys_unique()?;
        Ok(policy)
    }

    /// Keys that may sign a checkpoint of that size.
    pub fn log_keys_for(&self, size: u64) -> Vec<VerifierKey> {
        let holds =
            |entry: &&LogKey| entry.from_size <= size && entry.to_size.is_none_or(|to_size| size <= to_size);
        self.log_keys
            .iter()
            .filter(holds)
            .map(|entry| entry.key.clone())
            .collect()
    }

    /// The text of a policy of one log key and these receipt keys, for an operator to hand to auditors.
    pub fn render(origin: &str, log_key: &VerifierKey, receipt_keys: &[VerifierKey]) -> String {
        let mut text = format!("version = 1\norigin = {}\n", toml::Value::from(origin));
        // Writing to a string cannot fail. A verifier key needs no escapes but may hold any letter, so it is quoted.
        let quote = |key: &VerifierKey| toml::Value::from(key.to_string());
        let _ = write!(text, "\n[[log_key]]\nvkey = {}\n", quote(log_key));
        for key in receipt_keys {
            let _ = write!(text, "\n[[receipt_key]]\nvkey = {}\n", quote(key));
        }
        text
    }

    fn check_keys_unique(&self) -> Result<(), PolicyError> {
        let mut seen = Vec::new();
        for key in self
            .log_keys
            .iter()
            .map(|entry| &entry.key)
            .chain(&self.receipt_keys)
        {
            // The same public key under two names would let one signature be passed for another.
            if seen.contains(&key.public_key()) {
                return Err(PolicyError::KeyTwice(key.to_string()));
            }
            seen.push(key.public_key());
        }
        Ok(())
    }
}

fn parse_key(vkey: &str) -> Result<VerifierKey, PolicyError> {
    vkey.parse().map_err(|source| PolicyError::Key {
        vkey: vkey.to_owned(),
        source,
    })
}
