//! Where the store is, and what can go wrong with it.

use std::time::Duration;

use clickhouse::Client;
use serde::Deserialize;

/// Where ClickHouse is. The embedded engine and a server differ in the URL only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// HTTP address, for example `http://127.0.0.1:8123`.
    pub url: String,
    /// Database; it is made when missing.
    #[serde(default = "default_database")]
    pub database: String,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    /// How long one statement may take, in milliseconds; bounds how long a zombie's insert can live.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

fn default_database() -> String {
    "audit".to_owned()
}

fn default_timeout_ms() -> u64 {
    30_000
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("clickhouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("clickhouse did not answer within {0} ms")]
    TimedOut(u64),
    #[error(
        "migration {number} was applied as {applied}, but this program's has digest {ours}: an old migration must never change"
    )]
    ChangedMigration {
        number: u32,
        applied: String,
        ours: String,
    },
    #[error("the store is at migration {found}, this program knows {known}: use a newer program")]
    TooNew { found: u32, known: u32 },
    #[error("shard {shard}: {what}")]
    Broken { shard: u32, what: String },
}

/// The setting of a statement that somebody waits for: those in the background pause meanwhile, for a second at most.
pub const FOREGROUND: (&str, &str) = ("priority", "1");

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) database: String,
    pub(crate) timeout: Duration,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's own form would print the password.
        formatter
            .debug_struct("Store")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a handle; nothing is asked of the server yet.
    pub fn new(config: &StoreConfig) -> Store {
        let seconds = config.timeout_ms.div_ceil(1000).max(1);
        let mut client = Client::default()
            .with_url(&config.url)
            .with_database(&config.database)
            // Since 26.x asynchronous inserts are the default; they would acknowledge before a part exists.
            .with_setting("async_insert", "0")
            .with_setting("max_execution_time", seconds.to_string());
        if let Some(user) = &config.user {
            client = client.with_user(user);
        }
        if let Some(password) = &config.password {
            client = client.with_password(password);
        }
        Store {
            client,
            database: config.database.clone(),
            timeout: Duration::from_millis(config.timeout_ms),
        }
    }

    /// The same store for work that nobody waits for: ClickHouse lets statements of those who wait go first
    /// ([`FOREGROUND`]), and, where it has the right to (`CAP_SYS_NICE`), gives them the processor first.
    pub fn in_background(mut self) -> Store {
        for (name, value) in [("priority", "2"), ("os_threads_nice_value_query", "10")] {
            self.client = self.client.with_setting(name, value);
        }
        self
    }

    /// The client, for queries that are not the store's own.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.bounded(
            self.client
                .clone()
                .with_database("default")
                .query("SELECT 1")
                .fetch_one::<u8>(),
        )
        .await
        .map(|_| ())
    }

    /// Does some work on the store within the time that one statement has.
    ///
    /// # Errors
    /// The store does not answer, or not in time.
    pub async fn bounded<T>(
        &self,
        work: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(StoreError::TimedOut(self.timeout.as_millis() as u64)),
        }
    }
}
