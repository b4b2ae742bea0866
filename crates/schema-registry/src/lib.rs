//! Client of a schema registry with Confluent's HTTP API: the schema that a value in Confluent's framing was written with.
//!
//! A registry never gives an id another schema, so what was fetched once is kept. Whether an id is unknown for good or
//! the registry is only away is told apart with care: the first ends in the dead letter, the second must not.

mod config;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use aal_event::{MAX_SCHEMA_BYTES, WriterSchema};
use reqwest::{Client, StatusCode, Url, header::ACCEPT, redirect::Policy};
use serde::Deserialize;
use tokio::sync::Mutex;

pub use config::{ConfigError, RegistryConfig};

/// Longest answer that is read: a schema as a JSON string, each of its quotes escaped, and what stands beside it.
const MAX_ANSWER_BYTES: usize = 2 * MAX_SCHEMA_BYTES + 64 * 1024;
/// For how long an id is not asked for again that the registry did not know. Short: a registry's follower may come
/// to know it a moment later.
const UNKNOWN_FOR: Duration = Duration::from_secs(2);
/// Confluent's code for "this schema id is not there", as opposed to a 404 of a proxy or of another path.
const SCHEMA_NOT_FOUND: u32 = 40_403;
const ACCEPTED: &str = "application/vnd.schemaregistry.v1+json, application/json";

/// What the registry has under an id.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// A schema that events can be read with.
    Schema(Arc<WriterSchema>),
    /// Values of this id cannot be read, whenever they are tried; says why.
    Unusable(Arc<str>),
}

/// The registry gave no answer that could be relied on; the same question may be answered later.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the schema registry does not answer: {0}")]
    Away(String),
    #[error(
        "the schema registry answered {status} for schema id {id}; check [registry] url, user and password"
    )]
    Status { id: u32, status: u16 },
    #[error("the schema registry's answer for schema id {id} is none of its interface: {what}")]
    Strange { id: u32, what: String },
}

/// A registry and what is known of it. Shared by reference; its requests are made one after another.
#[derive(Debug)]
pub struct Registry {
    http: Client,
    base: Url,
    credentials: Option<(String, String)>,
    most: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    lookups: HashMap<u32, Lookup>,
    /// Ids in the order in which they were learnt; the oldest goes first.
    order: VecDeque<u32>,
    unknown: HashMap<u32, Instant>,
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Failure {
    error_code: u32,
}

impl Registry {
    /// A client of the registry at `config.url`. Asks nothing yet; redirects are not followed, for they would carry the
    /// credentials away.
    ///
    /// # Errors
    /// What is wrong with the configuration, by its key.
    pub fn new(config: &RegistryConfig) -> Result<Registry, ConfigError> {
        let base = config.checked()?;
        let http = Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            .redirect(Policy::none())
            .build()
            .map_err(|error| ConfigError::Client(error.to_string()))?;
        Ok(Registry {
            http,
            base,
            credentials: config.user.clone().zip(config.password.clone()),
            most: config.max_schemas,
            known: Mutex::default(),
        })
    }

    /// The schema with this id, asked for once.
    ///
    /// # Errors
    /// [`RegistryError`]: ask again later.
    pub async fn schema(&self, id: u32) -> Result<Lookup, RegistryError> {
        // Held while asking: several shards that meet a new id ask once.
        let mut known = self.known.lock().await;
        if let Some(lookup) = known.lookups.get(&id) {
            return Ok(lookup.clone());
        }
        known.unknown.retain(|_, since| since.elapsed() < UNKNOWN_FOR);
        if known.unknown.contains_key(&id) {
            return Ok(Lookup::Unusable(not_there(id)));
        }
        let Some(lookup) = self.ask(id).await? else {
            if known.unknown.len() < self.most {
                known.unknown.insert(id, Instant::now());
            }
            return Ok(Lookup::Unusable(not_there(id)));
        };
        if known.order.len() >= self.most
            && let Some(oldest) = known.order.pop_front()
        {
            known.lookups.remove(&oldest);
        }
        known.order.push_back(id);
        known.lookups.insert(id, lookup.clone());
        Ok(lookup)
    }

    /// None when the registry says that it has no such schema.
    async fn ask(&self, id: u32) -> Result<Option<Lookup>, RegistryError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["schemas", "ids", &id.to_string()]);
        }
        let mut request = self.http.get(url).header(ACCEPT, ACCEPTED);
        if let Some((user, password)) = &self.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let mut response = request.send().await.map_err(away)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                let what = format!("it has more than {MAX_ANSWER_BYTES} bytes");
                return Err(RegistryError::Strange { id, what });
            }
            body.extend_from_slice(&chunk);
        }
        if status == StatusCode::NOT_FOUND && is_not_found(&body) {
            return Ok(None);
        }
        if status != StatusCode::OK {
            let status = status.as_u16();
            return Err(RegistryError::Status { id, status });
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| RegistryError::Strange {
            id,
            what: error.to_string(),
        })?;
        Ok(Some(read(id, &answer)))
    }
}

fn away(error: reqwest::Error) -> RegistryError {
    // The URL is that of the configuration, the cause is what matters.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    RegistryError::Away(text)
}

fn is_not_found(body: &[u8]) -> bool {
    serde_json::from_slice::<Failure>(body).is_ok_and(|failure| failure.error_code == SCHEMA_NOT_FOUND)
}

fn not_there(id: u32) -> Arc<str> {
    format!("the schema registry has no schema with id {id}").into()
}

fn read(id: u32, answer: &Answer) -> Lookup {
    if let Some(other) = answer.schema_type.as_deref().filter(|kind| *kind != "AVRO") {
        return Lookup::Unusable(format!("the schema with id {id} is {other}, not AVRO").into());
    }
    if !answer.references.is_empty() {
        let reason = format!("the schema with id {id} refers to other subjects; register it in one piece");
        return Lookup::Unusable(reason.into());
    }
    match WriterSchema::parse(&answer.schema) {
        Ok(schema) => Lookup::Schema(Arc::new(schema)),
        Err(error) => Lookup::Unusable(format!("the schema with id {id} cannot be used: {error}").into()),
    }
}
