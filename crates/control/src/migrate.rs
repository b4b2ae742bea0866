//! Numbered migrations, each applied once and recorded with the digest of its text.

use sha2::{Digest, Sha256};
use sqlx::{AnyPool, AssertSqlSafe, Row};

use crate::error::ControlError;
use crate::store::{Dialect, begin_write};

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "0001_control.sql",
        sql: include_str!("../migrations/0001_control.sql"),
    },
    Migration {
        number: 2,
        name: "0002_keys.sql",
        sql: include_str!("../migrations/0002_keys.sql"),
    },
    Migration {
        number: 3,
        name: "0003_policies.sql",
        sql: include_str!("../migrations/0003_policies.sql"),
    },
    Migration {
        number: 4,
        name: "0004_erasure.sql",
        sql: include_str!("../migrations/0004_erasure.sql"),
    },
    Migration {
        number: 5,
        name: "0005_prices.sql",
        sql: include_str!("../migrations/0005_prices.sql"),
    },
    Migration {
        number: 6,
        name: "0006_prunes.sql",
        sql: include_str!("../migrations/0006_prunes.sql"),
    },
];

/// Any number that is ours: processes that open the same PostgreSQL database at once queue here.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(4101760032)::text";

pub(crate) async fn apply(pool: &AnyPool, dialect: Dialect) -> Result<(), ControlError> {
    apply_all(pool, dialect, MIGRATIONS).await
}

async fn apply_all(pool: &AnyPool, dialect: Dialect, migrations: &[Migration]) -> Result<(), ControlError> {
    let mut transaction = begin_write(pool, dialect).await?;
    if dialect == Dialect::Postgres {
        sqlx::query(POSTGRES_LOCK).execute(&mut *transaction).await?;
    }
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL PRIMARY KEY, \
                 name TEXT NOT NULL, digest TEXT NOT NULL)";
    sqlx::query(table).execute(&mut *transaction).await?;
    let applied = sqlx::query("SELECT number, digest FROM schema_migrations ORDER BY number")
        .fetch_all(&mut *transaction)
        .await?;
    let mut numbers = Vec::with_capacity(applied.len());
    for row in &applied {
        let number: i64 = row.try_get("number")?;
        numbers.push(number);
        let digest: String = row.try_get("digest")?;
        let Some(known) = migrations.iter().find(|migration| migration.number == number) else {
            return Err(ControlError::NewerDatabase { number });
        };
        if digest_of(known.sql) != digest {
            return Err(ControlError::ChangedMigration {
                number,
                name: known.name.to_owned(),
            });
        }
    }
    // By number, not by count: a store may have got a later migration before one with a smaller number was released.
    let missing = migrations
        .iter()
        .filter(|migration| !numbers.contains(&migration.number));
    for migration in missing {
        let sql = match dialect {
            Dialect::Postgres => migration.sql.to_owned(),
            Dialect::Sqlite => migration.sql.replace("BYTEA", "BLOB"),
        };
        // Safe: the text is compiled in.
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO schema_migrations (number, name, digest) VALUES ($1, $2, $3)")
            .bind(migration.number)
            .bind(migration.name)
            .bind(digest_of(migration.sql))
            .execute(&mut *transaction)
            .await?;
        tracing::info!(migration = migration.name, "control store migrated");
    }
    transaction.commit().await?;
    Ok(())
}

fn digest_of(sql: &str) -> String {
    hex::encode(Sha256::digest(sql.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Control, ControlConfig};

    #[tokio::test]
    async fn a_number_that_was_left_out_is_applied_later() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/control.db?mode=rwc", dir.path().display());
        sqlx::any::install_default_drivers();
        let pool = AnyPool::connect(&url).await.unwrap();
        let table = |number, name, sql| Migration { number, name, sql };
        let first = || table(1, "0001_first.sql", "CREATE TABLE first (id TEXT NOT NULL)");
        let third = || table(3, "0003_third.sql", "CREATE TABLE third (id TEXT NOT NULL)");
        let second = table(2, "0002_second.sql", "CREATE TABLE second (id TEXT NOT NULL)");
        apply_all(&pool, Dialect::Sqlite, &[first(), third()])
            .await
            .unwrap();
        let all = [first(), second, third()];
        apply_all(&pool, Dialect::Sqlite, &all).await.unwrap();
        apply_all(&pool, Dialect::Sqlite, &all).await.unwrap();
        for query in [
            "SELECT id FROM first",
            "SELECT id FROM second",
            "SELECT id FROM third",
        ] {
            sqlx::query(query).fetch_all(&pool).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_changed_migration_and_a_newer_database_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/control.db", dir.path().display());
        let control = Control::open(&ControlConfig {
            url,
            ..ControlConfig::default()
        })
        .await
        .unwrap();
        let changed = [Migration {
            number: 1,
            name: "0001_control.sql",
            sql: "-- other",
        }];
        let error = apply_all(&control.pool, Dialect::Sqlite, &changed)
            .await
            .unwrap_err();
        assert!(
            matches!(error, ControlError::ChangedMigration { number: 1, .. }),
            "{error}"
        );
        let error = apply_all(&control.pool, Dialect::Sqlite, &[]).await.unwrap_err();
        assert!(
            matches!(error, ControlError::NewerDatabase { number: 1 }),
            "{error}"
        );
    }
}
