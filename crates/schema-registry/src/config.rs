//! Where the registry is.

use reqwest::Url;
use serde::Deserialize;

/// A schema registry. Unknown keys are refused.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Its address, with the path before `/schemas/ids/...` where there is one.
    pub url: String,
    /// For basic authentication, with `password`.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    /// How long one question may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// How many schemas are kept in memory; beyond it the oldest is asked for again.
    #[serde(default = "default_max_schemas")]
    pub max_schemas: usize,
}

/// The password stays out of logs.
impl std::fmt::Debug for RegistryConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RegistryConfig")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

fn default_timeout_ms() -> u64 {
    5_000
}

fn default_max_schemas() -> usize {
    1_000
}

/// What is wrong with a [`RegistryConfig`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("`registry.url` is no address of a registry: {0}")]
    Url(String),
    #[error("`registry.user` and `registry.password` go together; give both or neither")]
    Credentials,
    #[error("`registry.{key}` is {found}; give {least} to {most}")]
    Range {
        key: &'static str,
        found: u64,
        least: u64,
        most: u64,
    },
    #[error("no HTTP client for [registry]: {0}")]
    Client(String),
}

impl RegistryConfig {
    /// A registry without credentials, everything else by default.
    pub fn at(url: impl Into<String>) -> RegistryConfig {
        RegistryConfig {
            url: url.into(),
            user: None,
            password: None,
            timeout_ms: default_timeout_ms(),
            max_schemas: default_max_schemas(),
        }
    }

    pub(crate) fn checked(&self) -> Result<Url, ConfigError> {
        let url = Url::parse(&self.url).map_err(|error| ConfigError::Url(error.to_string()))?;
        let refused = |why: &str| Err(ConfigError::Url(why.to_owned()));
        if !matches!(url.scheme(), "http" | "https") {
            return refused("it must begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("credentials go into `registry.user` and `registry.password`");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refused("it must have neither a query nor a fragment");
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(ConfigError::Credentials);
        }
        within("timeout_ms", self.timeout_ms, 100, 60_000)?;
        within("max_schemas", self.max_schemas as u64, 1, 100_000)?;
        Ok(url)
    }
}

fn within(key: &'static str, found: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(ConfigError::Range {
        key,
        found,
        least,
        most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_by_its_key() {
        let said = |change: fn(&mut RegistryConfig)| {
            let mut config = RegistryConfig::at("https://registry.example/base");
            change(&mut config);
            config.checked().unwrap_err().to_string()
        };
        RegistryConfig::at("https://registry.example/base")
            .checked()
            .unwrap();
        assert!(said(|config| config.url = "registry:8081".into()).contains("`registry.url`"));
        assert!(said(|config| config.url = "http://a:b@c/".into()).contains("`registry.user`"));
        assert!(said(|config| config.url.push_str("?x")).contains("query"));
        assert!(said(|config| config.user = Some("u".into())).contains("both or neither"));
        assert!(
            said(|config| config.timeout_ms = 1).contains("`registry.timeout_ms` is 1; give 100 to 60000")
        );
        assert!(said(|config| config.max_schemas = 0).contains("`registry.max_schemas`"));
    }

    #[test]
    fn the_password_is_not_printed() {
        let config = RegistryConfig {
            user: Some("u".into()),
            password: Some("hidden".into()),
            ..RegistryConfig::at("http://a")
        };
        assert!(!format!("{config:?}").contains("hidden"));
    }
}
