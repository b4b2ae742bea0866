//! Data keys that still are under an older key-encryption key, a page at a time.

use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::keks::stored;
use crate::store::{Control, uuid_of};

/// A wrapped data key with its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose subject.
    pub tenant: Uuid,
    /// The subject's key.
    pub subject_key_id: Uuid,
    /// Its version.
    pub version: u32,
    /// As stored.
    pub wrapped: Vec<u8>,
    /// Epoch of the key-encryption key; 0: derived from the key file.
    pub kek_epoch: u64,
}

/// The same data key, wrapped anew.
#[derive(Clone, Debug)]
pub struct Rewrapped {
    /// As it was read: nothing is stored when the row has changed or is gone since.
    pub old: WrappedKey,
    /// The new wrapping.
    pub wrapped: Vec<u8>,
    /// Epoch of its key-encryption key.
    pub kek_epoch: u64,
}

impl Control {
    /// At most `limit` data keys of a tenant that are wrapped under an epoch before `before`, in no special order.
    ///
    /// # Errors
    /// The database.
    pub async fn data_keys_before(
        &self,
        tenant: Uuid,
        before: u64,
        limit: u32,
    ) -> Result<Vec<WrappedKey>, ControlError> {
        let query = format!(
            "SELECT tenant, subject_key_id, version, wrapped, kek_epoch FROM data_keys \
             WHERE tenant = $1 AND kek_epoch < $2 LIMIT {limit}"
        );
        // Safe: only a number varies.
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(tenant.to_string())
            .bind(stored(before))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let version: i64 = row.try_get("version")?;
                Ok(WrappedKey {
                    tenant: uuid_of(row, "tenant")?,
                    subject_key_id: uuid_of(row, "subject_key_id")?,
                    version: u32::try_from(version).map_err(|_| ControlError::Corrupt {
                        what: "version",
                        value: version.to_string(),
                    })?,
                    wrapped: row.try_get("wrapped")?,
                    kek_epoch: row.try_get::<i64, _>("kek_epoch")?.unsigned_abs(),
                })
            })
            .collect()
    }

    /// Stores new wrappings in one transaction; answers how many. A key that was erased meanwhile stays erased.
    ///
    /// # Errors
    /// The database; then none is stored.
    pub async fn store_rewrapped(&self, keys: &[Rewrapped]) -> Result<u64, ControlError> {
        let mut transaction = self.begin_write().await?;
        let mut stored_keys = 0;
        for key in keys {
            let update = "UPDATE data_keys SET wrapped = $1, kek_epoch = $2 WHERE tenant = $3 \
                          AND subject_key_id = $4 AND version = $5 AND kek_epoch = $6 AND wrapped = $7";
            let done = sqlx::query(update)
                .bind(key.wrapped.clone())
                .bind(stored(key.kek_epoch))
                .bind(key.old.tenant.to_string())
                .bind(key.old.subject_key_id.to_string())
                .bind(i64::from(key.old.version))
                .bind(stored(key.old.kek_epoch))
                .bind(key.old.wrapped.clone())
                .execute(&mut *transaction)
                .await?;
            stored_keys += done.rows_affected();
        }
        transaction.commit().await?;
        Ok(stored_keys)
    }
}
