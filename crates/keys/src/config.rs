//! Where the keys are, section `[keys]` of every service that needs them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

/// The keys of a service. Every service of an installation must be told the same provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file (mode 0600): the provider when there is neither `vault` nor `kms`. Beside one of them it is taken
    /// over at the first start, so that what it wrapped stays readable, and can be left out afterwards.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// HashiCorp Vault or OpenBao: its Transit engine wraps the keys.
    #[serde(default)]
    pub vault: Option<VaultConfig>,
    /// AWS KMS wraps the keys.
    #[serde(default)]
    pub kms: Option<KmsConfig>,
    /// Whether payloads are sealed before they go to Kafka. What others sealed is opened whatever this says.
    #[serde(default = "yes")]
    pub seal_payloads: bool,
    /// A payload key is replaced after so many hours.
    #[serde(default = "default_payload_key_hours")]
    pub payload_key_hours: u32,
    /// An old version of the provider's key is taken away at the earliest so many seconds after it was replaced.
    #[serde(default = "default_settle_s")]
    pub settle_s: u32,
}

/// Vault's Transit engine, entered by AppRole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// For example `https://vault.example:8200`.
    pub url: String,
    /// Namespace (Vault Enterprise, OpenBao).
    #[serde(default)]
    pub namespace: Option<String>,
    /// Where the Transit engine is mounted.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// Name of the Transit key; it must be of an AEAD type, `derived` or not.
    #[serde(default = "default_key")]
    pub key: String,
    /// Where AppRole is mounted.
    #[serde(default = "default_auth_mount")]
    pub auth_mount: String,
    /// AppRole's role id.
    pub role_id: String,
    /// AppRole's secret id; better in the environment (`AAL_KEYS__VAULT__SECRET_ID`) or in a file.
    #[serde(default)]
    pub secret_id: Option<SecretText>,
    /// File with the secret id, read at every sign-in, so that it may be replaced.
    #[serde(default)]
    pub secret_id_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Longest time of one request.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

/// AWS KMS. Credentials come from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsConfig {
    /// Id, ARN or alias of a symmetric key.
    pub key_id: String,
    /// For example `eu-central-1`.
    pub region: String,
    /// Another endpoint than the region's, for example of a VPC.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Longest time of one request.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

/// A text that does not show in logs and is wiped.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        drop(Zeroizing::new(std::mem::take(&mut self.0)));
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        SecretText(text)
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretText(..)")
    }
}

impl KeysConfig {
    /// The key file `file` and defaults for everything else.
    pub fn at(file: impl AsRef<Path>) -> KeysConfig {
        KeysConfig {
            file: Some(file.as_ref().to_owned()),
            vault: None,
            kms: None,
            seal_payloads: yes(),
            payload_key_hours: default_payload_key_hours(),
            settle_s: default_settle_s(),
        }
    }
}

fn yes() -> bool {
    true
}

fn default_payload_key_hours() -> u32 {
    24
}

fn default_settle_s() -> u32 {
    600
}

fn default_mount() -> String {
    "transit".to_owned()
}

fn default_key() -> String {
    "ai-audit-layer".to_owned()
}

fn default_auth_mount() -> String {
    "approle".to_owned()
}

fn default_timeout_ms() -> u64 {
    5_000
}
