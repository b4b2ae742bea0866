//! Keys of sealed payloads on Kafka, and secrets of the installation; both wrapped by the provider.

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};

/// A payload key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadKey {
    /// Names it in sealed payloads.
    pub id: Uuid,
    /// Which key of the provider wrapped it.
    pub provider_key: String,
    /// As the provider wrapped it.
    pub wrapped: Vec<u8>,
    /// Microseconds since the epoch.
    pub created_us: i64,
    /// When a later one replaced it.
    pub retired_us: Option<i64>,
}

/// A secret of the installation as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSecret {
    /// What it is.
    pub name: String,
    /// Which key of the provider wrapped it.
    pub provider_key: String,
    /// As the provider wrapped it.
    pub wrapped: Vec<u8>,
}

fn key_of(row: &AnyRow) -> Result<PayloadKey, ControlError> {
    let retired_us: i64 = row.try_get("retired_us")?;
    Ok(PayloadKey {
        id: uuid_of(row, "id")?,
        provider_key: row.try_get("provider_key")?,
        wrapped: row.try_get("wrapped")?,
        created_us: row.try_get("created_us")?,
        retired_us: (retired_us != 0).then_some(retired_us),
    })
}

impl Control {
    /// Every payload key that still exists, newest first.
    ///
    /// # Errors
    /// The database, here and below.
    pub async fn payload_keys(&self) -> Result<Vec<PayloadKey>, ControlError> {
        let query = "SELECT id, provider_key, wrapped, created_us, retired_us FROM payload_keys \
                     ORDER BY created_us DESC, id";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter().map(key_of).collect()
    }

    /// Makes `key` the current one in place of `replaced`; `None`: there is none yet. `false`, and nothing is changed,
    /// when another is current by now.
    ///
    /// # Errors
    /// The database.
    pub async fn advance_payload_key(
        &self,
        key: &PayloadKey,
        replaced: Option<Uuid>,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.begin_write().await?;
        if self.dialect == crate::store::Dialect::Postgres {
            // Two that find no key must not both store the first.
            sqlx::query("LOCK TABLE payload_keys IN EXCLUSIVE MODE")
                .execute(&mut *transaction)
                .await?;
        }
        let current = sqlx::query("SELECT id FROM payload_keys WHERE retired_us = 0")
            .fetch_optional(&mut *transaction)
            .await?;
        let current = current.as_ref().map(|row| uuid_of(row, "id")).transpose()?;
        if current != replaced {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query("UPDATE payload_keys SET retired_us = $1 WHERE retired_us = 0")
            .bind(key.created_us)
            .execute(&mut *transaction)
            .await?;
        let insert = "INSERT INTO payload_keys (id, provider_key, wrapped, created_us, retired_us) \
                      VALUES ($1, $2, $3, $4, 0)";
        sqlx::query(insert)
            .bind(key.id.to_string())
            .bind(&key.provider_key)
            .bind(key.wrapped.clone())
            .bind(key.created_us)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Replaces the wrapping of a payload key; `false` when it is gone or no longer `old`.
    ///
    /// # Errors
    /// The database.
    pub async fn rewrap_payload_key(
        &self,
        old: &PayloadKey,
        provider_key: &str,
        wrapped: &[u8],
    ) -> Result<bool, ControlError> {
        let update = "UPDATE payload_keys SET provider_key = $1, wrapped = $2 WHERE id = $3 AND wrapped = $4";
        let done = sqlx::query(update)
            .bind(provider_key)
            .bind(wrapped.to_vec())
            .bind(old.id.to_string())
            .bind(old.wrapped.clone())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes payload keys that were retired before `before_us`; answers how many. What they sealed is unreadable then.
    ///
    /// # Errors
    /// The database.
    pub async fn delete_payload_keys(&self, before_us: i64) -> Result<u64, ControlError> {
        let done = sqlx::query("DELETE FROM payload_keys WHERE retired_us <> 0 AND retired_us < $1")
            .bind(before_us)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }

    /// A secret of the installation.
    ///
    /// # Errors
    /// The database.
    pub async fn provider_secret(&self, name: &str) -> Result<Option<ProviderSecret>, ControlError> {
        let query = "SELECT name, provider_key, wrapped FROM provider_secrets WHERE name = $1";
        let row = sqlx::query(query).bind(name).fetch_optional(&self.pool).await?;
        row.map(|row| {
            Ok(ProviderSecret {
                name: row.try_get("name")?,
                provider_key: row.try_get("provider_key")?,
                wrapped: row.try_get("wrapped")?,
            })
        })
        .transpose()
    }

    /// Stores a secret unless there is one of that name already; answers the one that stands.
    ///
    /// # Errors
    /// The database.
    pub async fn provider_secret_or_insert(
        &self,
        secret: &ProviderSecret,
        now_us: i64,
    ) -> Result<ProviderSecret, ControlError> {
        let insert = "INSERT INTO provider_secrets (name, provider_key, wrapped, created_us) \
                      VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        sqlx::query(insert)
            .bind(&secret.name)
            .bind(&secret.provider_key)
            .bind(secret.wrapped.clone())
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        let lost = || ControlError::Corrupt {
            what: "secret that was just stored",
            value: secret.name.clone(),
        };
        self.provider_secret(&secret.name).await?.ok_or_else(lost)
    }

    /// Replaces the wrapping of a secret; `false` when it is no longer `old`.
    ///
    /// # Errors
    /// The database.
    pub async fn rewrap_secret(
        &self,
        old: &ProviderSecret,
        provider_key: &str,
        wrapped: &[u8],
    ) -> Result<bool, ControlError> {
        let update =
            "UPDATE provider_secrets SET provider_key = $1, wrapped = $2 WHERE name = $3 AND wrapped = $4";
        let done = sqlx::query(update)
            .bind(provider_key)
            .bind(wrapped.to_vec())
            .bind(&old.name)
            .bind(old.wrapped.clone())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
