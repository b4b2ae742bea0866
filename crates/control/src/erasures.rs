//! Requests for erasure, and the destruction of data keys.
//!
//! What a request says and how far it is are a JSON document of `crates/erasure`; this store keeps it, finds it and
//! makes sure that of two writers one loses.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, Dialect, bool_of, uuid_of};
use crate::tenants::TenantScope;

/// Keys looked up or deleted by one statement; far below both databases' limits of parameters.
const CHUNK: usize = 200;

/// One request for erasure as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredErasure {
    /// Its id.
    pub id: Uuid,
    /// Whose records it is about.
    pub tenant: Uuid,
    /// How far it is, as a name.
    pub stage: String,
    /// Whether anything is still to be done.
    pub is_open: bool,
    /// When it was asked for, microseconds.
    pub requested_us: i64,
    /// Grows with every change, from 0.
    pub version: i64,
    /// Everything else.
    pub document: Value,
}

const COLUMNS: &str = "id, tenant, stage, is_open, requested_us, version, document";

fn erasure_of(row: &AnyRow) -> Result<StoredErasure, ControlError> {
    let document: String = row.try_get("document")?;
    Ok(StoredErasure {
        id: uuid_of(row, "id")?,
        tenant: uuid_of(row, "tenant")?,
        stage: row.try_get("stage")?,
        is_open: bool_of(row, "is_open")?,
        requested_us: row.try_get("requested_us")?,
        version: row.try_get("version")?,
        // The text is not quoted: it may name people.
        document: serde_json::from_str(&document).map_err(|_| ControlError::Corrupt {
            what: "document of an erasure",
            value: format!("{} bytes", document.len()),
        })?,
    })
}

/// `$first, $first+1, …`: placeholders for `count` values.
fn placeholders(first: usize, count: usize) -> String {
    let numbers: Vec<String> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    numbers.join(", ")
}

impl Control {
    /// Adds a request.
    ///
    /// # Errors
    /// `Exists` for a used id.
    pub async fn create_erasure(&self, erasure: &StoredErasure) -> Result<(), ControlError> {
        let insert = format!("INSERT INTO erasures ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let inserted = sqlx::query(AssertSqlSafe(insert))
            .bind(erasure.id.to_string())
            .bind(erasure.tenant.to_string())
            .bind(&erasure.stage)
            .bind(i64::from(erasure.is_open))
            .bind(erasure.requested_us)
            .bind(erasure.version)
            .bind(erasure.document.to_string())
            .execute(&self.pool)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Exists {
                what: "erasure",
                value: erasure.id.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a changed request over the version it was made from; `false` when somebody else was faster and
    /// nothing was changed.
    ///
    /// # Errors
    /// The database.
    pub async fn save_erasure(&self, erasure: &StoredErasure) -> Result<bool, ControlError> {
        let update = "UPDATE erasures SET stage = $1, is_open = $2, document = $3, version = version + 1 \
                      WHERE id = $4 AND version = $5";
        let done = sqlx::query(update)
            .bind(&erasure.stage)
            .bind(i64::from(erasure.is_open))
            .bind(erasure.document.to_string())
            .bind(erasure.id.to_string())
            .bind(erasure.version)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// One request inside `scope`.
    ///
    /// # Errors
    /// The database.
    pub async fn erasure(&self, scope: TenantScope, id: Uuid) -> Result<Option<StoredErasure>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM erasures WHERE id = $1 AND ($2 = '*' OR tenant = $2)");
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(id.to_string())
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(erasure_of).transpose()
    }

    /// A page of requests inside `scope`, newest first, older than `before` (requested_us, id).
    ///
    /// # Errors
    /// The database.
    pub async fn erasures(
        &self,
        scope: TenantScope,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<StoredErasure>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM erasures WHERE ($1 = '*' OR tenant = $1) \
             AND (requested_us < $2 OR (requested_us = $2 AND id < $3)) \
             ORDER BY requested_us DESC, id DESC LIMIT $4"
        );
        let (before_us, before_id) = match before {
            Some((at_us, id)) => (at_us, id.to_string()),
            None => (i64::MAX, String::new()),
        };
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(scope.to_string())
            .bind(before_us)
            .bind(before_id)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(erasure_of).collect()
    }

    /// Requests that are not finished, oldest first, asked for after `after` (requested_us, id).
    ///
    /// # Errors
    /// The database.
    pub async fn open_erasures(
        &self,
        after: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<StoredErasure>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM erasures WHERE is_open = 1 \
             AND (requested_us > $1 OR (requested_us = $1 AND id > $2)) ORDER BY requested_us, id LIMIT $3"
        );
        let (after_us, after_id) = match after {
            Some((at_us, id)) => (at_us, id.to_string()),
            None => (i64::MIN, String::new()),
        };
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(after_us)
            .bind(after_id)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(erasure_of).collect()
    }

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
