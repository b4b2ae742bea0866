//! `[gateway]`: providers, what happens when auditing is impossible, limits.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use uuid::Uuid;

/// Everything the gateway can be told; every key has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// For applications whose policy in the control store does not say.
    pub policy: CapturePolicy,
    /// Whether the providers with one public address are there without being listed (docs/gateway.md).
    pub well_known: bool,
    /// Providers by the name that stands in `/gateway/NAME/...`; one of a well-known name replaces it.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// Whose calls those without `x-audit-key` are; absent: they are refused with 401.
    pub anonymous: Option<AnonymousConfig>,
    /// Certificates (PEM) trusted besides the system's, for providers behind a company's own authority.
    pub ca_file: Option<PathBuf>,
    pub limits: GatewayLimits,
    pub timeouts: TimeoutsConfig,
    pub spool: SpoolConfig,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            policy: CapturePolicy::FailOpen,
            well_known: true,
            upstreams: BTreeMap::new(),
            anonymous: None,
            ca_file: None,
            limits: GatewayLimits::default(),
            timeouts: TimeoutsConfig::default(),
            spool: SpoolConfig::default(),
        }
    }
}

/// What happens when auditing is impossible (DESIGN.md, "Capture").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapturePolicy {
    /// The call goes on; the event waits in the spool.
    #[default]
    FailOpen,
    /// No acknowledged intent, no call.
    FailClosed,
}

impl CapturePolicy {
    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<CapturePolicy> {
        match name {
            "fail_open" => Some(CapturePolicy::FailOpen),
            "fail_closed" => Some(CapturePolicy::FailClosed),
            _ => None,
        }
    }
}

/// One provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// What takes the place of `/gateway/NAME`: scheme, host, and a path if the provider has one.
    pub url: String,
    /// The provider in events, as OpenTelemetry names it; when absent, what a well-known name stands for, else the name.
    #[serde(default)]
    pub provider: Option<String>,
    /// Calls are signed here for AWS, with the credentials of the environment (`AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`); whatever signature they came with is taken off.
    #[serde(default)]
    pub sign: Option<SignConfig>,
}

/// AWS Signature Version 4.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignConfig {
    pub region: String,
    #[serde(default = "default_service")]
    pub service: String,
}

fn default_service() -> String {
    "bedrock".to_owned()
}

/// Whose calls those without a key are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnonymousConfig {
    pub tenant: Uuid,
    pub application: String,
}

/// Sizes and counts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayLimits {
    /// Most bytes of one body that enter an event; a longer body passes, and the event has its digest.
    pub capture_bytes: usize,
    /// Most bytes of bodies held for events at once; beyond it bodies pass and only their digests are recorded.
    pub held_bytes: usize,
    /// Calls that are over and whose events are not made yet.
    pub queue_events: usize,
    /// Events handed to Kafka and not acknowledged yet.
    pub in_flight_events: usize,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            capture_bytes: 15 * 1024 * 1024,
            held_bytes: 512 * 1024 * 1024,
            queue_events: 65_536,
            in_flight_events: 4_096,
        }
    }
}

/// How long the gateway waits.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsConfig {
    /// For a connection to a provider.
    pub connect_ms: u64,
    /// For the head of its answer; as long as the longest computation without streaming.
    pub head_ms: u64,
    /// Between two chunks of an answer.
    pub idle_ms: u64,
    /// For Kafka's acknowledgement of an intent.
    pub intent_ms: u64,
    /// For Kafka's acknowledgement of an event, before it goes to the spool.
    pub delivery_ms: u64,
    /// For calls under way when the gateway stops.
    pub drain_ms: u64,
}

impl Default for TimeoutsConfig {
    fn default() -> Self {
        Self {
            connect_ms: 10_000,
            head_ms: 600_000,
            idle_ms: 600_000,
            intent_ms: 5_000,
            delivery_ms: 5_000,
            drain_ms: 30_000,
        }
    }
}

/// Where events wait while Kafka is down. The files hold clear text: keep the directory private.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// Made when missing; one gateway each.
    pub directory: PathBuf,
    /// When it is full, events are lost and counted.
    pub max_bytes: u64,
    /// A new file is begun after so many bytes.
    pub segment_bytes: u64,
    pub fsync: Fsync,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("gateway-spool"),
            max_bytes: 1024 * 1024 * 1024,
            segment_bytes: 8 * 1024 * 1024,
            fsync: Fsync::Always,
        }
    }
}

/// When spooled events are forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// Before an event counts as spooled; several at once share one call. Survives a power failure.
    #[default]
    Always,
    /// The system decides. Survives the death of the process, not of the machine.
    Never,
}

/// A value that parses but makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("configuration key `gateway.{key}`: {message}")]
pub struct GatewayConfigError {
    pub(crate) key: String,
    pub(crate) message: String,
}

impl GatewayConfigError {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

impl GatewayConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Names the first key whose value makes no sense, and what would.
    pub fn check(&self) -> Result<(), GatewayConfigError> {
        let wrong = |key: &str, message: &str| Err(GatewayConfigError::new(key, message));
        // Both bodies together stay below what Kafka takes (32 MiB a record).
        if !(1_024..=15 * 1024 * 1024).contains(&self.limits.capture_bytes) {
            return wrong("limits.capture_bytes", "must be between 1024 and 15728640");
        }
        if self.limits.held_bytes < self.limits.capture_bytes {
            return wrong(
                "limits.held_bytes",
                "must be at least gateway.limits.capture_bytes",
            );
        }
        if self.limits.queue_events == 0 || self.limits.in_flight_events == 0 {
            return wrong("limits", "queue_events and in_flight_events must be at least 1");
        }
        let timeouts = &self.timeouts;
        let all = [
            timeouts.connect_ms,
            timeouts.head_ms,
            timeouts.idle_ms,
            timeouts.intent_ms,
            timeouts.delivery_ms,
        ];
        if all.contains(&0) {
            return wrong("timeouts", "every time-out but drain_ms must be at least 1 ms");
        }
        if self.spool.segment_bytes < 1_024 || self.spool.max_bytes < self.spool.segment_bytes {
            return wrong(
                "spool",
                "segment_bytes must be at least 1024 and max_bytes not below segment_bytes",
            );
        }
        if self
            .anonymous
            .as_ref()
            .is_some_and(|anonymous| anonymous.application.is_empty())
        {
            return wrong("anonymous.application", "must name an application");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<GatewayConfig, aal_service::config::ConfigError> {
        aal_service::config::parse(text, Path::new("gateway.toml"), [])
    }

    #[test]
    fn nothing_is_needed_and_nothing_unknown_is_taken() {
        read("").unwrap().check().unwrap();
        let config =
            read("policy = \"fail_closed\"\n[upstreams.local]\nurl = \"http://127.0.0.1:8000\"\n").unwrap();
        assert_eq!(config.policy, CapturePolicy::FailClosed);
        assert_eq!(config.upstreams["local"].url, "http://127.0.0.1:8000");
        assert!(read("[upstreams.local]\nurls = \"x\"\n").is_err());
    }

    #[test]
    fn errors_name_the_key() {
        for (text, key) in [
            ("[limits]\ncapture_bytes = 1\n", "limits.capture_bytes"),
            ("[limits]\nheld_bytes = 2048\n", "limits.held_bytes"),
            ("[timeouts]\nidle_ms = 0\n", "timeouts"),
            ("[spool]\nmax_bytes = 2048\n", "spool"),
        ] {
            let error = read(text).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(&format!("`gateway.{key}`")), "{error}");
        }
    }
}
