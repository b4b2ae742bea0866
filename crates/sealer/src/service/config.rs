//! What a sealer is told.

use std::path::PathBuf;

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
/// Where manifests, checkpoints and tiles are kept: outside ClickHouse, best under other administrators.
pub use aal_service::objects::ObjectsConfig as AnchorConfig;
use aal_service::{HttpConfig, logging::LogConfig};
use aal_store::StoreConfig;
use serde::Deserialize;

/// Configuration of a sealer. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub kafka: KafkaConfig,
    pub store: StoreConfig,
    pub control: ControlConfig,
    pub anchor: AnchorConfig,
    pub key: KeyConfig,
    #[serde(default)]
    pub sealer: SealerConfig,
    /// Witnesses that cosign the log; none: nobody is asked.
    #[serde(default)]
    pub witnesses: Option<WitnessConfig>,
    /// RFC 3161 authorities; their positions name the stored answers.
    #[serde(default)]
    pub timestamps: Vec<TimestampConfig>,
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<HttpConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// The signing key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// File with the Ed25519 seed as 64 hexadecimal digits (mode 0600).
    pub file: PathBuf,
    /// File with the seed of an ML-DSA-44 key in the same form; with it each checkpoint is signed a second time.
    #[serde(default)]
    pub ml_dsa_44_file: Option<PathBuf>,
}

/// Who else sees the log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    /// A C2SP tlog-policy whose witnesses have URLs; none: the `witness_policy` of the trust policy.
    pub policy: Option<PathBuf>,
    /// Witnesses are asked for every so many epochs; 1: for each.
    pub every_epochs: u64,
    /// How long one request may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for WitnessConfig {
    fn default() -> Self {
        WitnessConfig {
            policy: None,
            every_epochs: 1,
            timeout_ms: 5_000,
        }
    }
}

/// One timestamping authority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampConfig {
    /// The name under which the trust policy pins its roots.
    pub name: String,
    /// Where it answers `application/timestamp-query`.
    pub url: String,
    /// Time between two timestamps, in seconds.
    #[serde(default = "default_interval_s")]
    pub interval_s: u64,
    /// How long one request may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

fn default_interval_s() -> u64 {
    600
}

fn default_timeout_ms() -> u64 {
    30_000
}

/// How the sealer works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SealerConfig {
    /// First line of every checkpoint and name of the signing key.
    pub origin: String,
    /// The trust policy that verifiers pin; every epoch names its hash.
    pub policy: Option<PathBuf>,
    /// Time between two epochs, in milliseconds; idle epochs are sealed too.
    pub interval_ms: u64,
    /// How long a sealer that went silent keeps the lease, in milliseconds.
    pub lease_ms: u64,
}

impl Default for SealerConfig {
    fn default() -> Self {
        SealerConfig {
            origin: "audit.local/anchor".to_owned(),
            policy: None,
            interval_ms: 10_000,
            lease_ms: 30_000,
        }
    }
}
