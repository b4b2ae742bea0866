//! Configuration: one TOML file per service, overridden by the environment.
//!
//! An unknown key is refused, and every error names the key and the fix. `AAL_HTTP__LISTEN=…` sets
//! `listen` in section `[http]`: the prefix, then the path in capitals with `__` between its parts.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Prefix of the variables that override a configuration file.
pub const ENV_PREFIX: &str = "AAL_";

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file {path}: {source}; check the path and its permissions")]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("configuration file {path} is not valid TOML: {message}")]
    Syntax {
        /// The file asked for.
        path: PathBuf,
        /// Line, column and reason.
        message: String,
    },
    /// A key has a value that cannot be used.
    #[error("configuration key `{key}`: {message}; correct it in the file or set {variable}")]
    Value {
        /// Dotted path of the key.
        key: String,
        /// What is wrong.
        message: String,
        /// The environment variable that overrides the key.
        variable: String,
    },
    /// Keys that mean nothing.
    #[error("unknown configuration key(s) {}; remove them or check their spelling", .keys.join(", "))]
    Unknown {
        /// Dotted paths.
        keys: Vec<String>,
    },
}

/// Reads the configuration from `path` (none: only defaults) and the process environment.
///
/// # Errors
/// [`ConfigError`]; its text is meant for the person who starts the program.
pub fn load<T: DeserializeOwned>(path: Option<&Path>) -> Result<T, ConfigError> {
    let text = match path {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?,
    };
    parse(&text, path.unwrap_or(Path::new("(none)")), std::env::vars())
}

/// [`load`] without I/O: `variables` are the environment.
///
/// # Errors
/// See [`ConfigError`].
pub fn parse<T: DeserializeOwned>(
    text: &str,
    path: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
    for (name, value) in variables {
        // Only names with a section: AAL_CHDB_LIB and the like are other programs' variables.
        if let Some(key) = name.strip_prefix(ENV_PREFIX).filter(|key| key.contains("__")) {
            let parts: Vec<String> = key.split("__").map(str::to_lowercase).collect();
            set(&mut table, &parts, scalar(&value));
        }
    }
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(Value::Table(table), &mut track);
    let parsed = serde_ignored::deserialize(tracked, |ignored| unknown.push(ignored.to_string()));
    let config: T = parsed.map_err(|error: toml::de::Error| {
        let key = track.path().to_string();
        let variable = format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"));
        ConfigError::Value {
            key,
            message: error.message().to_owned(),
            variable,
        }
    })?;
    if !unknown.is_empty() {
        return Err(ConfigError::Unknown { keys: unknown });
    }
    Ok(config)
}

/// A variable's text as a number, boolean or list when it reads as one, as a string otherwise.
fn scalar(text: &str) -> Value {
    let as_line: Result<Table, _> = format!("value = {text}").parse();
    match as_line.ok().and_then(|mut table| table.remove("value")) {
        Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn set(table: &mut Table, parts: &[String], value: Value) {
    let [first, rest @ ..] = parts else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let section = table
        .entry(first.clone())
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        set(section, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Http {
        listen: String,
        port: u16,
    }
    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Config {
        http: Http,
        name: String,
    }

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        parse(text, Path::new("service.toml"), variables)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = read(
            "name = \"x\"\n[http]\nport = 1\n",
            &[("AAL_HTTP__PORT", "2"), ("AAL_HTTP__LISTEN", "::1")],
        );
        let wanted = Config {
            http: Http {
                listen: "::1".to_owned(),
                port: 2,
            },
            name: "x".to_owned(),
        };
        assert_eq!(config.unwrap(), wanted);
    }

    #[test]
    fn errors_name_the_key_and_the_fix() {
        let unknown = read("[http]\nprot = 1\n", &[]).unwrap_err().to_string();
        assert!(unknown.contains("http.prot"), "{unknown}");
        let wrong = read("[http]\nport = \"x\"\n", &[]).unwrap_err().to_string();
        assert!(
            wrong.contains("`http.port`") && wrong.contains("AAL_HTTP__PORT"),
            "{wrong}"
        );
        let syntax = read("[http\n", &[]).unwrap_err().to_string();
        assert!(
            syntax.contains("service.toml") && syntax.contains("line 1"),
            "{syntax}"
        );
        let missing = load::<Config>(Some(Path::new("/nowhere/x.toml")))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/nowhere/x.toml"), "{missing}");
    }
}
