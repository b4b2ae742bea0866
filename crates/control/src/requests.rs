//! Requests that a service carries out step by step: erasures and prunes.
//!
//! What a request says and how far it is are a JSON document of `crates/erasure` or `crates/prune`; this store keeps it,
//! finds it and makes sure that of two writers one loses.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, bool_of, uuid_of};
use crate::tenants::TenantScope;

/// One request as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRequest {
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

fn request_of(row: &AnyRow) -> Result<StoredRequest, ControlError> {
    let document: String = row.try_get("document")?;
    Ok(StoredRequest {
        id: uuid_of(row, "id")?,
        tenant: uuid_of(row, "tenant")?,
        stage: row.try_get("stage")?,
        is_open: bool_of(row, "is_open")?,
        requested_us: row.try_get("requested_us")?,
        version: row.try_get("version")?,
        // The text is not quoted: it may name people.
        document: serde_json::from_str(&document).map_err(|_| ControlError::Corrupt {
            what: "document of a request",
            value: format!("{} bytes", document.len()),
        })?,
    })
}

/// The requests of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Requests<'c> {
    control: &'c Control,
    table: &'static str,
    /// One of them, for errors.
    what: &'static str,
}

impl Control {
    /// Requests to erase a person's data.
    pub fn erasures(&self) -> Requests<'_> {
        Requests {
            control: self,
            table: "erasures",
            what: "erasure",
        }
    }

    /// Requests to prune records whose retention is over.
    pub fn prunes(&self) -> Requests<'_> {
        Requests {
            control: self,
            table: "prunes",
            what: "prune",
        }
    }
}

impl Requests<'_> {
    /// Adds a request.
    ///
    /// # Errors
    /// `Exists` for a used id.
    pub async fn create(&self, request: &StoredRequest) -> Result<(), ControlError> {
        let insert = format!(
            "INSERT INTO {} ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.table
        );
        let inserted = sqlx::query(AssertSqlSafe(insert))
            .bind(request.id.to_string())
            .bind(request.tenant.to_string())
            .bind(&request.stage)
            .bind(i64::from(request.is_open))
            .bind(request.requested_us)
            .bind(request.version)
            .bind(request.document.to_string())
            .execute(&self.control.pool)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Exists {
                what: self.what,
                value: request.id.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a changed request over the version it was made from; `false` when somebody else was faster and
    /// nothing was changed.
    ///
    /// # Errors
    /// The database.
    pub async fn save(&self, request: &StoredRequest) -> Result<bool, ControlError> {
        let update = format!(
            "UPDATE {} SET stage = $1, is_open = $2, document = $3, version = version + 1 \
             WHERE id = $4 AND version = $5",
            self.table
        );
        let done = sqlx::query(AssertSqlSafe(update))
            .bind(&request.stage)
            .bind(i64::from(request.is_open))
            .bind(request.document.to_string())
            .bind(request.id.to_string())
            .bind(request.version)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// One request inside `scope`.
    ///
    /// # Errors
    /// The database.
    pub async fn get(&self, scope: TenantScope, id: Uuid) -> Result<Option<StoredRequest>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM {} WHERE id = $1 AND ($2 = '*' OR tenant = $2)",
            self.table
        );
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(id.to_string())
            .bind(scope.to_string())
            .fetch_optional(&self.control.pool)
            .await?;
        row.as_ref().map(request_of).transpose()
    }

    /// A page of requests inside `scope`, newest first, older than `before` (requested_us, id).
    ///
    /// # Errors
    /// The database.
    pub async fn page(
        &self,
        scope: TenantScope,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<StoredRequest>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM {} WHERE ($1 = '*' OR tenant = $1) \
             AND (requested_us < $2 OR (requested_us = $2 AND id < $3)) \
             ORDER BY requested_us DESC, id DESC LIMIT $4",
            self.table
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
            .fetch_all(&self.control.pool)
            .await?;
        rows.iter().map(request_of).collect()
    }

    /// Requests that are not finished, oldest first, asked for after `after` (requested_us, id).
    ///
    /// # Errors
    /// The database.
    pub async fn open(
        &self,
        after: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<StoredRequest>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM {} WHERE is_open = 1 \
             AND (requested_us > $1 OR (requested_us = $1 AND id > $2)) ORDER BY requested_us, id LIMIT $3",
            self.table
        );
        let (after_us, after_id) = match after {
            Some((at_us, id)) => (at_us, id.to_string()),
            None => (i64::MIN, String::new()),
        };
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(after_us)
            .bind(after_id)
            .bind(i64::from(limit))
            .fetch_all(&self.control.pool)
            .await?;
        rows.iter().map(request_of).collect()
    }
}
