//! The trust policy a verifier pins (ledger-format.md section 9).

mod authority;

use std::fmt::Write as _;

use serde::Deserialize;

pub use authority::{RootsError, TimestampAuthority};

use crate::checkpoint::CheckpointError;
use crate::hash::{Hash, sha256};
use crate::vkey::{Algorithm, VerifierKey, VerifierKeyError};
use crate::witness_policy::{WitnessPolicy, WitnessPolicyError};

/// How far an edge's clock may be ahead of the sealer's when the policy does not say, in seconds.
pub const DEFAULT_CLOCK_TOLERANCE_S: u32 = 5;
/// How old the newest timestamp may be when the policy pins authorities and does not say, in seconds.
pub const DEFAULT_MAX_TIMESTAMP_DELAY_S: u32 = 86_400;

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
    /// Each checkpoint needs a signature of every algorithm among the keys for its size, not of one key only.
    pub require_every_algorithm: bool,
    /// Who must have seen the log, too.
    pub witness_policy: Option<WitnessPolicy>,
    /// By how much the newest epoch may be younger than the newest witnessed one, in seconds of their `closed`.
    pub max_witness_delay_s: u32,
    /// Whose timestamps count.
    pub timestamp_authorities: Vec<TimestampAuthority>,
    /// By how much the newest epoch may be younger than the newest timestamped one, in seconds of their `closed`.
    pub max_timestamp_delay_s: u32,
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
    #[error("{list} {vkey} has an algorithm that cannot be used there")]
    Algorithm { list: &'static str, vkey: String },
    #[error("witness_policy: {0}")]
    Witness(#[from] WitnessPolicyError),
    #[error("witness_policy asks for no witness (quorum none); leave it out instead")]
    NoQuorum,
    #[error("witness_policy names the log {0}, which is not among the log_key entries")]
    WitnessedLog(String),
    #[error("max_witness_delay_s without a witness_policy")]
    WitnessDelay,
    #[error("max_timestamp_delay_s without a timestamp_authority")]
    TimestampDelay,
    #[error("timestamp_authority {name}: {source}")]
    Roots { name: String, source: RootsError },
    #[error("timestamp_authority {0} stands twice in the trust policy or has no name of one line")]
    Authority(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: u32,
    origin: String,
    max_seal_delay_s: Option<u32>,
    clock_tolerance_s: Option<u32>,
    #[serde(default)]
    require_every_algorithm: bool,
    witness_policy: Option<String>,
    max_witness_delay_s: Option<u32>,
    max_timestamp_delay_s: Option<u32>,
    #[serde(default)]
    timestamp_authority: Vec<AuthorityEntry>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityEntry {
    name: String,
    roots: String,
}

impl TrustPolicy {
    /// The policy of this file's text.
    ///
    /// # Errors
    /// On unknown keys, a bad verifier key, a key in two places, an empty list of log keys, a bad witness policy, roots
    /// that are no PEM certificates.
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
            if !key.algorithm().is_for_logs() {
                return Err(PolicyError::Algorithm {
                    list: "log_key",
                    vkey: entry.vkey,
                });
            }
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
        if let Some(key) = receipt_keys
            .iter()
            .find(|key| key.algorithm() != Algorithm::Ed25519)
        {
            return Err(PolicyError::Algorithm {
                list: "receipt_key",
                vkey: key.to_string(),
            });
        }
        if file.max_witness_delay_s.is_some() && file.witness_policy.is_none() {
            return Err(PolicyError::WitnessDelay);
        }
        if file.max_timestamp_delay_s.is_some() && file.timestamp_authority.is_empty() {
            return Err(PolicyError::TimestampDelay);
        }
        let witness_policy = file
            .witness_policy
            .map(|text| WitnessPolicy::parse(text.as_bytes()));
        let witness_policy = witness_policy.transpose()?;
        if witness_policy
            .as_ref()
            .is_some_and(|policy| !policy.requires_witnesses())
        {
            return Err(PolicyError::NoQuorum);
        }
        let policy = TrustPolicy {
            require_every_algorithm: file.require_every_algorithm,
            witness_policy,
            max_witness_delay_s: file.max_witness_delay_s.unwrap_or(0),
            timestamp_authorities: parse_authorities(file.timestamp_authority)?,
            max_timestamp_delay_s: file
                .max_timestamp_delay_s
                .unwrap_or(DEFAULT_MAX_TIMESTAMP_DELAY_S),
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

    /// Whether those who signed a checkpoint of that size are enough.
    ///
    /// # Errors
    /// When every algorithm is required and one of the keys' algorithms did not sign.
    pub fn check_signers(&self, signed_by: &[&VerifierKey], size: u64) -> Result<(), CheckpointError> {
        if !self.require_every_algorithm {
            return Ok(());
        }
        for key in self.log_keys_for(size) {
            let algorithm = key.algorithm();
            if !signed_by.iter().any(|signer| signer.algorithm() == algorithm) {
                return Err(CheckpointError::Algorithm(algorithm));
            }
        }
        Ok(())
    }

    /// The text of a policy of one log key and these receipt keys, for an operator to hand to auditors.
    pub fn render(origin: &str, log_key: &VerifierKey, receipt_keys: &[VerifierKey]) -> String {
        TrustPolicy::render_keys(origin, std::slice::from_ref(log_key), receipt_keys)
    }

    /// The text of a policy of these log keys, any of which must sign, and these receipt keys.
    pub fn render_keys(origin: &str, log_keys: &[VerifierKey], receipt_keys: &[VerifierKey]) -> String {
        let mut text = format!("version = 1\norigin = {}\n", toml::Value::from(origin));
        // Writing to a string cannot fail. A verifier key needs no escapes but may hold any letter, so it is quoted.
        let quote = |key: &VerifierKey| toml::Value::from(key.to_string());
        for key in log_keys {
            let _ = write!(text, "\n[[log_key]]\nvkey = {}\n", quote(key));
        }
        for key in receipt_keys {
            let _ = write!(text, "\n[[receipt_key]]\nvkey = {}\n", quote(key));
        }
        text
    }

    fn check_keys_unique(&self) -> Result<(), PolicyError> {
        let mut seen: Vec<&[u8]> = Vec::new();
        let witnesses = self.witness_policy.iter().flat_map(WitnessPolicy::witnesses);
        let log_keys = self.log_keys.iter().map(|entry| &entry.key);
        for key in log_keys
            .chain(&self.receipt_keys)
            .chain(witnesses.map(|witness| &witness.key))
        {
            // The same public key under two names would let one signature be passed for another, and a log that is its
            // own witness has none.
            if seen.contains(&key.public_key()) {
                return Err(PolicyError::KeyTwice(key.to_string()));
            }
            seen.push(key.public_key());
        }
        for log in self.witness_policy.iter().flat_map(WitnessPolicy::logs) {
            if !self.log_keys.iter().any(|entry| entry.key == log.key) {
                return Err(PolicyError::WitnessedLog(log.key.to_string()));
            }
        }
        Ok(())
    }
}

fn parse_authorities(entries: Vec<AuthorityEntry>) -> Result<Vec<TimestampAuthority>, PolicyError> {
    let mut authorities: Vec<TimestampAuthority> = Vec::with_capacity(entries.len());
    for AuthorityEntry { name, roots } in entries {
        let is_known = authorities.iter().any(|known| known.name == name);
        if is_known || name.is_empty() || name.contains(char::is_control) {
            return Err(PolicyError::Authority(name));
        }
        match TimestampAuthority::from_pem(&name, &roots) {
            Ok(authority) => authorities.push(authority),
            Err(source) => return Err(PolicyError::Roots { name, source }),
        }
    }
    Ok(authorities)
}

fn parse_key(vkey: &str) -> Result<VerifierKey, PolicyError> {
    vkey.parse().map_err(|source| PolicyError::Key {
        vkey: vkey.to_owned(),
        source,
    })
}
