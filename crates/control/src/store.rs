//! Opening the store, and what all its parts share.

use std::time::Duration;

use serde::Deserialize;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::migrate;
use crate::tenants::TenantScope;

/// Configuration of the control store, section `[control]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// `sqlite:///absolute/path/control.db` (made when missing) or `postgres://user:password@host/db`.
    pub url: String,
    /// Most connections at once.
    pub max_connections: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout_ms: u64,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://control.db".to_owned(),
            max_connections: 8,
            acquire_timeout_ms: 5_000,
        }
    }
}

/// Which database is behind a store; queries are the same, pragmas and locks are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// An open control store. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) pool: AnyPool,
    pub(crate) dialect: Dialect,
}

impl Control {
    /// Opens the store and brings its tables up to date.
    ///
    /// Two processes may open the same store at once: one migrates, the other waits.
    ///
    /// # Errors
    /// An unsupported URL, a database that cannot be reached, or migrations that do not fit.
    pub async fn open(config: &ControlConfig) -> Result<Self, ControlError> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = dialect_of(&config.url)?;
        if dialect == Dialect::Sqlite {
            make_private_file(&url)?;
        }
        let options: AnyConnectOptions = url.parse()?;
        let pool = AnyPoolOptions::new()
            .max_connections(config.max_connections.max(1))
            .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if dialect == Dialect::Sqlite {
                        // FULL: an acknowledged key or erasure must survive a power cut.
                        let pragmas = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                                       PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;";
                        sqlx::raw_sql(pragmas).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        migrate::apply(&pool, dialect).await?;
        Ok(Self { pool, dialect })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What the database said.
    pub async fn ping(&self) -> Result<(), ControlError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection; for an orderly stop.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that writes: SQLite takes its write lock at once, because a read lock that
    /// turns into a write lock fails instead of waiting.
    pub(crate) async fn begin_write(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, ControlError> {
        begin_write(&self.pool, self.dialect).await
    }
}

pub(crate) async fn begin_write(
    pool: &AnyPool,
    dialect: Dialect,
) -> Result<sqlx::Transaction<'static, sqlx::Any>, ControlError> {
    let statement = match dialect {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    Ok(pool.begin_with(statement).await?)
}

fn dialect_of(url: &str) -> Result<(Dialect, String), ControlError> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let create = if path.contains('?') {
            "&mode=rwc"
        } else {
            "?mode=rwc"
        };
        let url = if path.contains("mode=") {
            url.to_owned()
        } else {
            format!("{url}{create}")
        };
        return Ok((Dialect::Sqlite, url));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Dialect::Postgres, url.to_owned()));
    }
    // Whatever it is, it may hold a password: show the scheme only.
    let scheme = url.split("://").next().unwrap_or("").chars().take(20).collect();
    Err(ControlError::UnsupportedUrl { url: scheme })
}

/// Makes the database file readable by its owner only; SQLite gives its journal files the same mode.
fn make_private_file(url: &str) -> Result<(), ControlError> {
    let path = url.strip_prefix("sqlite://").unwrap_or(url);
    let path = path.split('?').next().unwrap_or(path);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(ControlError::File {
            path: path.into(),
            source,
        }),
    }
}

/// A UUID column.
pub(crate) fn uuid_of(row: &AnyRow, column: &'static str) -> Result<Uuid, ControlError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| ControlError::Corrupt {
        what: column,
        value: text,
    })
}

/// A scope as the parameter of `$1 = '' OR tenant = $1`.
pub(crate) fn tenant_filter(scope: TenantScope) -> String {
    match scope {
        TenantScope::All => String::new(),
        TenantScope::One(tenant) => tenant.to_string(),
    }
}

/// A column of 0 and 1.
pub(crate) fn bool_of(row: &AnyRow, column: &'static str) -> Result<bool, ControlError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn the_database_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/control.db", dir.path().display());
        let config = ControlConfig {
            url,
            ..ControlConfig::default()
        };
        let control = Control::open(&config).await.unwrap();
        control.put_setting("a", "b").await.unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        }
        let url = "sqlite:///nowhere/at/all/control.db".to_owned();
        let error = Control::open(&ControlConfig {
            url,
            ..ControlConfig::default()
        })
        .await
        .unwrap_err();
        assert!(
            error.to_string().contains("/nowhere/at/all/control.db"),
            "{error}"
        );
    }

    #[test]
    fn urls() {
        assert_eq!(
            dialect_of("sqlite:///a/b.db").unwrap().1,
            "sqlite:///a/b.db?mode=rwc"
        );
        assert_eq!(dialect_of("postgres://h/db").unwrap().0, Dialect::Postgres);
        let secret = format!("mysql://root:{}@h/db", "hidden");
        assert!(!dialect_of(&secret).unwrap_err().to_string().contains("hidden"));
    }
}
