//! The destruction of data keys.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, Dialect, uuid_of};

/// Keys looked up or deleted by one statement; far below both databases' limits of parameters.
const CHUNK: usize = 200;

/// `$first, $first+1, …`: placeholders for `count` values.
fn placeholders(first: usize, count: usize) -> String {
    let numbers: Vec<String> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    numbers.join(", ")
}

impl Control {
    /// Destroys data keys: every version of each, the directory and search entries that lead to them, and a note that they
    /// were. One transaction; doing it again changes nothing. Answers how many wrapped keys were still there.
    ///
    /// # Errors
    /// The database; then nothing was destroyed.
    pub async fn destroy_keys(&self, tenant: Uuid, keys: &[Uuid], now_us: i64) -> Result<u64, ControlError> {
        let mut transaction = self.begin_write().await?;
        let mut destroyed = 0;
        for chunk in keys.chunks(CHUNK) {
            for key in chunk {
                sqlx::query(
                    "INSERT INTO erased_keys (tenant, subject_key_id, destroyed_us) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                )
                .bind(tenant.to_string())
                .bind(key.to_string())
                .bind(now_us)
                .execute(&mut *transaction)
                .await?;
            }
            for table in ["data_keys", "subjects", "search_tokens"] {
                let delete = format!(
                    "DELETE FROM {table} WHERE tenant = $1 AND subject_key_id IN ({})",
                    placeholders(2, chunk.len())
                );
                let mut delete = sqlx::query(AssertSqlSafe(delete)).bind(tenant.to_string());
                for key in chunk {
                    delete = delete.bind(key.to_string());
                }
                let done = delete.execute(&mut *transaction).await?;
                if table == "data_keys" {
                    destroyed += done.rows_affected();
                }
            }
        }
        transaction.commit().await?;
        Ok(destroyed)
    }

    /// Which of these keys still have a wrapped key or a directory entry.
    ///
    /// # Errors
    /// The database.
    pub async fn remaining_keys(&self, tenant: Uuid, keys: &[Uuid]) -> Result<Vec<Uuid>, ControlError> {
        let mut remaining = BTreeSet::new();
        for chunk in keys.chunks(CHUNK) {
            for table in ["data_keys", "subjects", "search_tokens"] {
                let query = format!(
                    "SELECT DISTINCT subject_key_id FROM {table} WHERE tenant = $1 AND subject_key_id IN ({})",
                    placeholders(2, chunk.len())
                );
                let mut query = sqlx::query(AssertSqlSafe(query)).bind(tenant.to_string());
                for key in chunk {
                    query = query.bind(key.to_string());
                }
                for row in query.fetch_all(&self.pool).await? {
                    remaining.insert(uuid_of(&row, "subject_key_id")?);
                }
            }
        }
        Ok(remaining.into_iter().collect())
    }

    /// Removes what deleted rows left behind in the database's own files: SQLite overwrites deleted rows
    /// (`secure_delete`), and the journal is emptied here; PostgreSQL's dead rows are vacuumed. Archived logs
    /// and backups of the database are its operator's.
    ///
    /// # Errors
    /// The database; the rows themselves are gone all the same.
    pub async fn scrub(&self) -> Result<(), ControlError> {
        match self.dialect {
            Dialect::Sqlite => {
                sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                    .execute(&self.pool)
                    .await?;
            }
            Dialect::Postgres => {
                for table in ["VACUUM data_keys", "VACUUM subjects", "VACUUM erasures"] {
                    sqlx::raw_sql(table).execute(&self.pool).await?;
                }
            }
        }
        Ok(())
    }

    /// Every destroyed key with its tenant, destroyed at or after `since_us`, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn erased_keys(&self, since_us: i64) -> Result<Vec<(Uuid, Uuid, i64)>, ControlError> {
        let query = "SELECT tenant, subject_key_id, destroyed_us FROM erased_keys WHERE destroyed_us >= $1 \
                     ORDER BY destroyed_us, tenant, subject_key_id";
        let rows = sqlx::query(query).bind(since_us).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let destroyed_us = row.try_get("destroyed_us")?;
                Ok((
                    uuid_of(row, "tenant")?,
                    uuid_of(row, "subject_key_id")?,
                    destroyed_us,
                ))
            })
            .collect()
    }
}
