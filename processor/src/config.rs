//! What a processor is told.

use std::path::PathBuf;

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
use aal_service::logging::LogConfig;
use aal_store::StoreConfig;
use serde::Deserialize;

/// Configuration of a processor. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub kafka: KafkaConfig,
    pub store: StoreConfig,
    pub control: ControlConfig,
    pub keys: KeysConfig,
    #[serde(default)]
    pub processor: ProcessorConfig,
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<aal_service::HttpConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// Where the key ring is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The key file (mode 0600).
    pub file: PathBuf,
}

/// Limits of a processor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessorConfig {
    /// Consumer group; its committed offsets are a lag gauge, the store is the truth.
    pub group: String,
    /// After so many milliseconds without a sign of life the group gives this processor's shards away.
    pub session_timeout_ms: u64,
    /// Most records in a block.
    pub max_block_rows: usize,
    /// Most bytes of Kafka values in a block.
    pub max_block_bytes: usize,
    /// How many messages of a shard may wait in memory before its partition is paused.
    pub max_queued: usize,
}

impl Default for ProcessorConfig {
    fn default() -> Self {
        ProcessorConfig {
            group: "audit-processor".to_owned(),
            session_timeout_ms: 30_000,
            max_block_rows: 10_000,
            max_block_bytes: 32 * 1024 * 1024,
            max_queued: 20_000,
        }
    }
}
