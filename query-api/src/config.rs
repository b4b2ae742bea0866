//! What the query API is told at start.

use std::path::PathBuf;

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
pub use aal_keys::KeysConfig;
use aal_service::HttpConfig;
use aal_service::logging::LogConfig;
pub use aal_service::objects::ObjectsConfig;
use aal_store::StoreConfig;
use serde::Deserialize;

/// Configuration of the query API. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where and how it listens.
    #[serde(default)]
    pub http: HttpConfig,
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<HttpConfig>,
    /// ClickHouse.
    pub store: StoreConfig,
    /// Users, keys, jobs.
    pub control: ControlConfig,
    /// Where outcomes and access records go.
    pub kafka: KafkaConfig,
    /// The keys.
    pub keys: KeysConfig,
    /// Finished reports.
    pub reports: ObjectsConfig,
    /// Manifests and checkpoints, as the sealer wrote them.
    pub anchors: ObjectsConfig,
    /// Whose signatures this service believes; none: what depends on them is unproven.
    #[serde(default)]
    pub trust: Option<TrustConfig>,
    /// What of the ledger is served to everybody.
    #[serde(default)]
    pub ledger: LedgerConfig,
    /// Erasing a person's data.
    #[serde(default)]
    pub erasure: ErasureConfig,
    /// The built console; none: no console.
    #[serde(default)]
    pub console: Option<ConsoleConfig>,
    /// Limits of reads.
    #[serde(default)]
    pub limits: Limits,
    /// Log format and filter.
    #[serde(default)]
    pub log: LogConfig,
}

/// The trust policy (docs/ledger-format.md, section 9).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// The policy file.
    pub policy: PathBuf,
}

/// What of the ledger is served to everybody.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// Whether `/ledger/log/` serves the anchor log without a sign-in. Its manifests hold hashes, times and sums only.
    pub public_log: bool,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { public_log: true }
    }
}

/// Erasing a person's data (docs/erasure.md).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErasureConfig {
    /// Days between a request and its execution, unless two people cut it short.
    pub waiting_days: u32,
    /// Longest life of an unwrapped data key in the memory of any service, in milliseconds; rows are emptied once more
    /// after it. Services keep keys for five minutes.
    pub settle_ms: u64,
    /// How often open requests are looked at, in milliseconds.
    pub poll_ms: u64,
}

impl Default for ErasureConfig {
    fn default() -> Self {
        Self {
            waiting_days: 30,
            settle_ms: 310_000,
            poll_ms: 2_000,
        }
    }
}

/// The console's files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// The directory that holds `index.html`.
    pub dir: PathBuf,
}

/// Bounds of every read, so that no question can take the store away from the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// A query may take so long, in milliseconds; then the caller is asked to narrow it.
    pub query_timeout_ms: u64,
    /// Memory of one query in the store, in bytes.
    pub query_memory_bytes: u64,
    /// Queries at once; further ones wait, and are refused with 503 after `query_timeout_ms`.
    pub concurrent_queries: usize,
    /// Most points of one metrics answer.
    pub metric_points: usize,
    /// Most live feeds at once.
    pub feeds: usize,
    /// How often the live feed looks for new records, in milliseconds.
    pub feed_poll_ms: u64,
    /// Records that wait for a slow reader of the feed before it is told what it missed.
    pub feed_buffer: usize,
    /// A verification of the whole ledger may take so long, in seconds.
    pub verify_timeout_s: u64,
    /// Sign-in attempts of one account in 15 minutes.
    pub login_attempts_per_account: i64,
    /// Sign-in attempts from one address in 15 minutes.
    pub login_attempts_per_address: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_timeout_ms: 20_000,
            query_memory_bytes: 2 * 1024 * 1024 * 1024,
            concurrent_queries: 16,
            metric_points: 20_000,
            feeds: 64,
            feed_poll_ms: 300,
            feed_buffer: 2_000,
            verify_timeout_s: 6 * 3_600,
            login_attempts_per_account: 10,
            login_attempts_per_address: 50,
        }
    }
}
