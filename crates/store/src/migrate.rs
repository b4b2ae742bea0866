//! Numbered migrations, each applied once and recorded with its digest.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Store, StoreError};

/// One file of `clickhouse/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

/// Every migration, in order. Old ones never change: their digest is recorded where they were applied.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "records",
        sql: include_str!("../../../clickhouse/0001_records.sql"),
    },
    Migration {
        number: 2,
        name: "store_identity",
        sql: include_str!("../../../clickhouse/0002_store_identity.sql"),
    },
    Migration {
        number: 3,
        name: "source_columns",
        sql: include_str!("../../../clickhouse/0003_source_columns.sql"),
    },
];

const TRACKING: &str = "CREATE TABLE IF NOT EXISTS schema_migrations
    (number UInt32, name String, digest String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6))
    ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert = 1";

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    number: u32,
    name: String,
    digest: String,
}

impl Migration {
    /// SHA-256 of the file, hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.sql.as_bytes()))
    }

    fn statements(&self) -> impl Iterator<Item = String> {
        let without_comments: String = self
            .sql
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .map(|line| format!("{line}\n"))
            .collect();
        let statements: Vec<String> = without_comments
            .split(";\n")
            .map(str::trim)
            .filter(|statement| !statement.is_empty())
            .map(str::to_owned)
            .collect();
        statements.into_iter()
    }
}

impl Store {
    /// Makes the database and applies what is missing. Idempotent, also when two programs start at
    /// once: every statement of a migration must be repeatable (`IF NOT EXISTS`).
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_with(MIGRATIONS).await
    }

    /// As [`Store::migrate`], with a list of the caller's.
    pub async fn migrate_with(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        let create = format!(
            "CREATE DATABASE IF NOT EXISTS `{}`",
            self.database.replace('`', "")
        );
        self.bounded(
            self.client
                .clone()
                .with_database("default")
                .query(&create)
                .execute(),
        )
        .await?;
        self.bounded(self.client.query(TRACKING).execute()).await?;
        let select = "SELECT number, name, digest FROM schema_migrations ORDER BY number";
        let applied = self
            .bounded(self.client.query(select).fetch_all::<Applied>())
            .await?;
        let known = migrations
            .iter()
            .map(|migration| migration.number)
            .max()
            .unwrap_or(0);
        for done in &applied {
            let Some(ours) = migrations
                .iter()
                .find(|migration| migration.number == done.number)
            else {
                return Err(StoreError::TooNew {
                    found: done.number,
                    known,
                });
            };
            if ours.digest() != done.digest {
                return Err(StoreError::ChangedMigration {
                    number: done.number,
                    applied: done.digest.clone(),
                    ours: ours.digest(),
                });
            }
        }
        for migration in migrations {
            if applied.iter().any(|done| done.number == migration.number) {
                continue;
            }
            for statement in migration.statements() {
                self.bounded(self.client.query(&statement).execute()).await?;
            }
            let row = Applied {
                number: migration.number,
                name: migration.name.to_owned(),
                digest: migration.digest(),
            };
            self.bounded(async {
                let mut insert = self.client.insert::<Applied>("schema_migrations").await?;
                insert.write(&row).await?;
                insert.end().await
            })
            .await?;
            tracing::info!(
                number = migration.number,
                name = migration.name,
                "applied clickhouse migration"
            );
        }
        Ok(())
    }
}
