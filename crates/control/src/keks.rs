//! Key-encryption keys of tenants, one epoch after another. The provider wrapped them; here they are only kept.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, Dialect, uuid_of};

/// A key-encryption key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kek {
    /// Whose.
    pub tenant: Uuid,
    /// From 1, dense.
    pub epoch: u64,
    /// Which key of the provider wrapped it.
    pub provider_key: String,
    /// Empty once destroyed.
    pub wrapped: Vec<u8>,
    /// Microseconds since the epoch, as all times here.
    pub created_us: i64,
    /// When a later epoch replaced it.
    pub retired_us: Option<i64>,
    /// When it was destroyed.
    pub destroyed_us: Option<i64>,
}

/// A key-encryption key to store as a tenant's current one.
#[derive(Clone, Debug)]
pub struct NewKek {
    /// Whose.
    pub tenant: Uuid,
    /// One more than the epoch it follows; 1 for the first.
    pub epoch: u64,
    /// Which key of the provider wrapped it.
    pub provider_key: String,
    /// As the provider wrapped it.
    pub wrapped: Vec<u8>,
    /// When.
    pub now_us: i64,
}

/// How many data keys are wrapped under one key-encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KekCount {
    /// Whose.
    pub tenant: Uuid,
    /// 0: derived from the key file.
    pub epoch: u64,
    /// Data keys.
    pub data_keys: u64,
}

const COLUMNS: &str = "tenant, epoch, provider_key, wrapped, created_us, retired_us, destroyed_us";

fn kek_of(row: &AnyRow) -> Result<Kek, ControlError> {
    let time = |column| -> Result<Option<i64>, ControlError> {
        let at_us: i64 = row.try_get(column)?;
        Ok((at_us != 0).then_some(at_us))
    };
    Ok(Kek {
        tenant: uuid_of(row, "tenant")?,
        epoch: row.try_get::<i64, _>("epoch")?.unsigned_abs(),
        provider_key: row.try_get("provider_key")?,
        wrapped: row.try_get("wrapped")?,
        created_us: row.try_get("created_us")?,
        retired_us: time("retired_us")?,
        destroyed_us: time("destroyed_us")?,
    })
}

/// An epoch as the database holds it.
pub(crate) fn stored(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

/// Makes sure, until the transaction ends, that `epoch` stays the tenant's current one: who rotates waits for it. So
/// once a rotation is stored no data key can appear under an older epoch.
pub(crate) async fn hold_current(
    transaction: &mut sqlx::AnyConnection,
    dialect: Dialect,
    tenant: Uuid,
    epoch: u64,
) -> Result<(), ControlError> {
    if epoch == 0 {
        return Ok(());
    }
    // SQLite's one writer is this transaction already.
    let lock = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR SHARE",
    };
    let query = format!("SELECT epoch FROM keks WHERE tenant = $1 AND epoch = $2 AND retired_us = 0{lock}");
    // Safe: compiled in.
    let found = sqlx::query(AssertSqlSafe(query))
        .bind(tenant.to_string())
        .bind(stored(epoch))
        .fetch_optional(transaction)
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(ControlError::KekRetired { tenant, epoch }),
    }
}

impl Control {
    /// The tenant's current key-encryption key.
    ///
    /// # Errors
    /// The database, here and below.
    pub async fn current_kek(&self, tenant: Uuid) -> Result<Option<Kek>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM keks WHERE tenant = $1 AND retired_us = 0 ORDER BY epoch DESC LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(tenant.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(kek_of).transpose()
    }

    /// One key-encryption key.
    ///
    /// # Errors
    /// The database.
    pub async fn kek(&self, tenant: Uuid, epoch: u64) -> Result<Option<Kek>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM keks WHERE tenant = $1 AND epoch = $2");
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(tenant.to_string())
            .bind(stored(epoch))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(kek_of).transpose()
    }

    /// Every key-encryption key, by tenant and epoch.
    ///
    /// # Errors
    /// The database.
    pub async fn keks(&self) -> Result<Vec<Kek>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM keks ORDER BY tenant, epoch");
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&self.pool).await?;
        rows.iter().map(kek_of).collect()
    }

    /// How many data keys each key-encryption key holds, epoch 0 included; none where there are none.
    ///
    /// # Errors
    /// The database.
    pub async fn data_keys_by_kek(&self) -> Result<Vec<KekCount>, ControlError> {
        let query = "SELECT tenant, kek_epoch, COUNT(*) AS keys FROM data_keys \
                     GROUP BY tenant, kek_epoch ORDER BY tenant, kek_epoch";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(KekCount {
                    tenant: uuid_of(row, "tenant")?,
                    epoch: row.try_get::<i64, _>("kek_epoch")?.unsigned_abs(),
                    data_keys: row.try_get::<i64, _>("keys")?.unsigned_abs(),
                })
            })
            .collect()
    }

    /// Makes `kek` the tenant's current one and retires its predecessors, in one step. `false`, and nothing is
    /// changed, when somebody else stored that epoch first.
    ///
    /// # Errors
    /// The database.
    pub async fn advance_kek(&self, kek: &NewKek) -> Result<bool, ControlError> {
        let mut transaction = self.begin_write().await?;
        // The predecessors first: this waits for transactions that store data keys under them.
        sqlx::query("UPDATE keks SET retired_us = $1 WHERE tenant = $2 AND retired_us = 0 AND epoch < $3")
            .bind(kek.now_us)
            .bind(kek.tenant.to_string())
            .bind(stored(kek.epoch))
            .execute(&mut *transaction)
            .await?;
        let insert =
            format!("INSERT INTO keks ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT DO NOTHING");
        let done = sqlx::query(AssertSqlSafe(insert))
            .bind(kek.tenant.to_string())
            .bind(stored(kek.epoch))
            .bind(&kek.provider_key)
            .bind(kek.wrapped.clone())
            .bind(kek.now_us)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Replaces the wrapping of a key-encryption key, for a provider key that goes. `false` when it is no longer `old`.
    ///
    /// # Errors
    /// The database.
    pub async fn rewrap_kek(
        &self,
        old: &Kek,
        provider_key: &str,
        wrapped: &[u8],
    ) -> Result<bool, ControlError> {
        let update = "UPDATE keks SET provider_key = $1, wrapped = $2 \
                      WHERE tenant = $3 AND epoch = $4 AND wrapped = $5 AND destroyed_us = 0";
        let done = sqlx::query(update)
            .bind(provider_key)
            .bind(wrapped.to_vec())
            .bind(old.tenant.to_string())
            .bind(stored(old.epoch))
            .bind(old.wrapped.clone())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Destroys retired key-encryption keys that no data key is wrapped under any more; answers how many.
    ///
    /// # Errors
    /// The database.
    pub async fn destroy_unused_keks(&self, now_us: i64) -> Result<u64, ControlError> {
        let update = "UPDATE keks SET wrapped = $1, destroyed_us = $2 \
                      WHERE retired_us <> 0 AND destroyed_us = 0 AND NOT EXISTS \
                      (SELECT 1 FROM data_keys d WHERE d.tenant = keks.tenant AND d.kek_epoch = keks.epoch)";
        let done = sqlx::query(update)
            .bind(Vec::<u8>::new())
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
