//! Log set-up: one line per event on standard error, as text or JSON.

use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// Configuration of the log, section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// Filter directives of `tracing-subscriber`, e.g. `info,ingest=debug`. `RUST_LOG` wins over it.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info,librdkafka=warn".to_owned(),
        }
    }
}

/// Starts logging for this process. A second call changes nothing.
///
/// A filter that cannot be read falls back to `info` and says so.
pub fn init(config: &LogConfig) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| config.filter.clone());
    let (filter, refused) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // A closed stderr must not become a panic of whoever logs.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder.try_init().is_ok(),
        LogFormat::Json => builder.json().flatten_event(true).try_init().is_ok(),
    };
    if let (true, Some(error)) = (started, refused) {
        tracing::warn!(%error, filter = wanted, "log filter refused, using info");
    }
}
