//! The edge's configuration; every key has a default but the brokers and the key file.

use std::{net::SocketAddr, path::PathBuf};

use aal_control::ControlConfig;
use aal_kafka::KafkaConfig;
use aal_keys::KeysConfig;
use aal_service::{HttpConfig, logging::LogConfig};
use serde::Deserialize;

use crate::gateway::GatewayConfig;

/// Everything the edge can be told. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where events are taken; `[http]`. Body limits are in `[limits]`, the one here is not used.
    #[serde(default = "default_http")]
    pub http: HttpConfig,
    /// Where `/healthz`, `/readyz` and `/metrics` are answered; keep it away from the public.
    #[serde(default = "default_operations")]
    pub operations: SocketAddr,
    pub kafka: KafkaConfig,
    #[serde(default)]
    pub control: ControlConfig,
    pub keys: KeysConfig,
    #[serde(default)]
    pub receipt: ReceiptConfig,
    #[serde(default)]
    pub limits: LimitsConfig,
    #[serde(default)]
    pub admission: AdmissionConfig,
    #[serde(default)]
    pub key_cache: KeyCacheConfig,
    /// Absent: no limit.
    #[serde(default)]
    pub rate: Option<RateConfig>,
    /// Present: `/gateway/...` is answered on the edge's port, too. Absent: it is not.
    #[serde(default)]
    pub gateway: Option<GatewayConfig>,
    #[serde(default)]
    pub log: LogConfig,
}

/// How receipts are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptConfig {
    /// Name of the signing key, as it stands in trust policies.
    pub key_name: String,
}

impl Default for ReceiptConfig {
    fn default() -> Self {
        Self {
            key_name: "audit.local/edge".to_owned(),
        }
    }
}

/// Sizes of what is taken.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Longest event, in bytes of JSON.
    pub event_bytes: usize,
    /// Longest batch, in bytes.
    pub batch_bytes: usize,
    /// Most events of one batch.
    pub batch_events: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            event_bytes: 4 * 1024 * 1024,
            batch_bytes: 32 * 1024 * 1024,
            batch_events: 1_000,
        }
    }
}

/// How much may be under way before the edge sheds load with 503.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionConfig {
    /// Requests between their head and their answer.
    pub requests: usize,
    /// Bytes of their bodies; a chunked body counts with its limit. While it is parsed and encoded a request needs about
    /// three times its body.
    pub body_bytes: usize,
    /// How long Kafka may take to acknowledge before the answer is 503.
    pub delivery_timeout_ms: u64,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            requests: 4_096,
            body_bytes: 256 * 1024 * 1024,
            delivery_timeout_ms: 10_000,
        }
    }
}

/// How long the edge believes what the control store said about an API key.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyCacheConfig {
    /// After this the key is looked up again. A revoked key works at most this long while the control store answers.
    pub fresh_ms: u64,
    /// While the control store does not answer, a known key works up to this long after it was last seen; at most 30 s.
    pub stale_ms: u64,
}

impl Default for KeyCacheConfig {
    fn default() -> Self {
        Self {
            fresh_ms: 10_000,
            stale_ms: 30_000,
        }
    }
}

/// How fast one application may send; a batch counts its events.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    pub events_per_second: u32,
    /// What may be sent at once after a pause.
    pub burst: u32,
}

/// A value that parses but makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("configuration key `{key}`: {message}")]
pub struct ConfigError {
    key: &'static str,
    message: String,
}

impl Config {
    /// A configuration with defaults, free ports and a key file: for tests and embedded use.
    pub fn new(kafka: KafkaConfig, control: ControlConfig, key_file: PathBuf) -> Self {
        Self {
            http: HttpConfig::default(),
            operations: SocketAddr::from(([127, 0, 0, 1], 0)),
            kafka,
            control,
            keys: KeysConfig::at(key_file),
            receipt: ReceiptConfig::default(),
            limits: LimitsConfig::default(),
            admission: AdmissionConfig::default(),
            key_cache: KeyCacheConfig::default(),
            rate: None,
            gateway: None,
            log: LogConfig::default(),
        }
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// Names the first key whose value makes no sense, and what would.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, message: String| Err(ConfigError { key, message });
        let limits = &self.limits;
        // Kafka takes at most 32 MiB a record, and an event grows a little on its way there.
        if !(1_024..=16 * 1024 * 1024).contains(&limits.event_bytes) {
            return wrong("limits.event_bytes", "must be between 1024 and 16777216".into());
        }
        if limits.batch_bytes < limits.event_bytes {
            return wrong(
                "limits.batch_bytes",
                format!("must be at least limits.event_bytes ({})", limits.event_bytes),
            );
        }
        if limits.batch_events == 0 {
            return wrong("limits.batch_events", "must be at least 1".into());
        }
        if self.admission.requests == 0 {
            return wrong("admission.requests", "must be at least 1".into());
        }
        if self.admission.body_bytes < limits.batch_bytes {
            let message = format!("must be at least limits.batch_bytes ({})", limits.batch_bytes);
            return wrong("admission.body_bytes", message);
        }
        if self.key_cache.stale_ms > 30_000 || self.key_cache.fresh_ms > self.key_cache.stale_ms {
            return wrong(
                "key_cache.stale_ms",
                "must be at most 30000 and not below key_cache.fresh_ms".into(),
            );
        }
        if self
            .rate
            .is_some_and(|rate| rate.events_per_second == 0 || rate.burst == 0)
        {
            return wrong(
                "rate",
                "events_per_second and burst must be at least 1; leave [rate] out for no limit".into(),
            );
        }
        Ok(())
    }
}

fn default_http() -> HttpConfig {
    HttpConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
        ..HttpConfig::default()
    }
}

fn default_operations() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8091))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Config, aal_service::config::ConfigError> {
        aal_service::config::parse(text, Path::new("ingest.toml"), [])
    }

    const LEAST: &str = "[kafka]\nbrokers = \"localhost:9092\"\n[keys]\nfile = \"keys.json\"\n";

    #[test]
    fn brokers_and_key_file_are_enough() {
        let config = read(LEAST).unwrap();
        config.check().unwrap();
        assert_eq!(config.http.listen.port(), 8081);
        assert_eq!(config.limits.event_bytes, 4_194_304);
    }

    #[test]
    fn errors_name_the_key() {
        let unknown = read(&format!("{LEAST}[limits]\nevent_byte = 1\n"))
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("event_byte"), "{unknown}");
        let senseless = read(&format!("{LEAST}[key_cache]\nstale_ms = 60000\n")).unwrap();
        assert!(
            senseless
                .check()
                .unwrap_err()
                .to_string()
                .contains("key_cache.stale_ms")
        );
        let tiny = read(&format!("{LEAST}[limits]\nbatch_bytes = 2048\n")).unwrap();
        assert!(
            tiny.check()
                .unwrap_err()
                .to_string()
                .contains("limits.batch_bytes")
        );
    }
}
