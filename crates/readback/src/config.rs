//! What a read-back is told.

use std::path::PathBuf;

use aal_kafka::KafkaConfig;
use aal_service::{HttpConfig, logging::LogConfig, objects::ObjectsConfig};
use aal_store::StoreConfig;
use serde::Deserialize;

/// Configuration of a read-back. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where incidents are told.
    pub kafka: KafkaConfig,
    /// A user that may only read is enough.
    pub store: StoreConfig,
    /// Where the sealer keeps heads, checkpoints and tiles.
    pub anchor: ObjectsConfig,
    #[serde(default)]
    pub readback: ReadbackConfig,
    /// Where /healthz, /readyz and /metrics are served; none: nowhere.
    #[serde(default)]
    pub operations: Option<HttpConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// How a read-back works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadbackConfig {
    /// The trust policy whose keys must have signed the heads; without one heads are taken as the anchor store has
    /// them.
    pub policy: Option<PathBuf>,
    /// Most rows read in a second; bounds the load on ClickHouse.
    pub rows_per_second: u64,
    /// Rows of one query.
    pub page_rows: u64,
    /// With each new epoch the leaves of so many epochs before it are read again.
    pub recent_epochs: u64,
    /// How often a new epoch is looked for, in milliseconds.
    pub poll_ms: u64,
    /// Pause after a whole cycle, in milliseconds.
    pub cycle_pause_ms: u64,
    /// When nothing was checked for so many seconds, that is an incident.
    pub alarm_after_s: u64,
}

impl Default for ReadbackConfig {
    fn default() -> Self {
        ReadbackConfig {
            policy: None,
            rows_per_second: 2_000,
            page_rows: 500,
            recent_epochs: 3,
            poll_ms: 1_000,
            cycle_pause_ms: 1_000,
            alarm_after_s: 300,
        }
    }
}

impl ReadbackConfig {
    /// The first setting that makes no sense, with what to do about it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if !(1..=10_000_000).contains(&self.rows_per_second) {
            return Some("readback.rows_per_second must be 1 to 10000000");
        }
        if !(1..=10_000).contains(&self.page_rows) {
            return Some("readback.page_rows must be 1 to 10000");
        }
        if self.alarm_after_s == 0 {
            return Some("readback.alarm_after_s must be at least 1: checking nothing must be an alarm");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_limits_are_refused_by_name() {
        assert_eq!(ReadbackConfig::default().fault(), None);
        let refused = |change: fn(&mut ReadbackConfig)| {
            let mut config = ReadbackConfig::default();
            change(&mut config);
            config.fault().unwrap_or_default()
        };
        assert!(refused(|config| config.rows_per_second = 0).contains("rows_per_second"));
        assert!(refused(|config| config.page_rows = 100_000).contains("page_rows"));
        assert!(refused(|config| config.alarm_after_s = 0).contains("alarm_after_s"));
    }
}
