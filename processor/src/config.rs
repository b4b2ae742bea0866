//! What a processor is told.

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
use aal_keys::KeysConfig;
use aal_schema_registry::RegistryConfig;
use aal_service::logging::LogConfig;
use aal_store::StoreConfig;
use serde::{Deserialize, Serialize};

/// Configuration of a processor. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub kafka: KafkaConfig,
    pub store: StoreConfig,
    pub control: ControlConfig,
    pub keys: KeysConfig,
    /// The registry of values in Confluent's framing; none: they go to the dead letter. All processors need the same.
    #[serde(default)]
    pub registry: Option<RegistryConfig>,
    #[serde(default)]
    pub processor: ProcessorConfig,
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<aal_service::HttpConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// How a processor works, and its limits. Nothing in here is secret: the ledger is told its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessorConfig {
    /// Consumer group; its committed offsets are a lag gauge, the store is the truth.
    pub group: String,
    /// How shards are shared out.
    pub assignment: Assignment,
    /// After so many milliseconds without a sign of life the group gives this processor's shards away.
    pub session_timeout_ms: u64,
    /// Most records in a block.
    pub max_block_rows: usize,
    /// Most bytes of Kafka values in a block.
    pub max_block_bytes: usize,
    /// How many messages of a shard may wait in memory before its partition is paused.
    pub max_queued: usize,
    /// After so many milliseconds without a message a shard gets a heartbeat; 0: never.
    pub heartbeat_ms: u64,
    /// How often the number of the topic's partitions is looked up, in milliseconds.
    pub partition_poll_ms: u64,
    /// How far this machine's clock may move against its monotonic clock within a second before that is recorded.
    pub clock_tolerance_ms: u64,
    /// The shard that partition 0 feeds. 0, unless the events topic was deleted and made again: then a number above
    /// every shard of the old topic, whose shards are closed.
    pub first_shard: u32,
}

impl Default for ProcessorConfig {
    fn default() -> Self {
        ProcessorConfig {
            group: "audit-processor".to_owned(),
            assignment: Assignment::Group,
            session_timeout_ms: 30_000,
            max_block_rows: 10_000,
            max_block_bytes: 32 * 1024 * 1024,
            max_queued: 20_000,
            heartbeat_ms: 300_000,
            partition_poll_ms: 10_000,
            clock_tolerance_ms: 1_000,
            first_shard: 0,
        }
    }
}

/// How a processor comes by its shards. Whatever is chosen, the store's compare-and-set decides who writes a
/// block, so that two processors on one shard cost work and never correctness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// The consumer group shares the shards among all processors.
    #[default]
    Group,
    /// This processor takes every shard at once: for one processor alone, which then need not wait for a dead
    /// predecessor's session to end.
    All,
}
