//! What a sealer is told.

use std::path::PathBuf;

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
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
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<HttpConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// Where manifests and checkpoints are kept: outside ClickHouse, best under other administrators.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorConfig {
    /// `file:///directory` or another object store's URL.
    pub url: String,
}

/// The signing key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// File with the Ed25519 seed as 64 hexadecimal digits (mode 0600).
    pub file: PathBuf,
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
