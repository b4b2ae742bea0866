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
    std::panic::set_hook(Box::new(log_panic));
    if let (true, Some(error)) = (started, refused) {
        tracing::warn!(%error, filter = wanted, "log filter refused, using info");
    }
}

/// Where a panic happened. Its words are logged only when they are constant: formatted ones may quote the text that
/// something fell over.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let words = constant_words(info.payload());
    tracing::error!(location, words, "panic");
}

fn constant_words(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("not shown: they were made at run time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_constant_words_of_a_panic_are_logged() {
        let constant = std::panic::catch_unwind(|| panic!("a constant")).unwrap_err();
        assert_eq!(constant_words(&*constant), "a constant");
        let text = "bob@example.com".to_owned();
        let formatted = std::panic::catch_unwind(|| panic!("cannot read {text}")).unwrap_err();
        assert!(!constant_words(&*formatted).contains("bob"));
    }
}
