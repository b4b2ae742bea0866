//! Leases: one holder of a name at a time, with a fence number that grows with every new holder.

use sqlx::Row;

use crate::error::ControlError;
use crate::store::Control;

impl Control {
    /// Takes the lease `name` for `ttl_us` when it is free, has ended or is `holder`'s own.
    ///
    /// Returns the fence: larger than every one given out before, so that what it guards can refuse
    /// a former holder that does not know yet that it lost the lease. `None`: somebody else holds it.
    ///
    /// # Errors
    /// The database.
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        ttl_us: i64,
        now_us: i64,
    ) -> Result<Option<u64>, ControlError> {
        let upsert = "INSERT INTO leases (name, holder, fence, expires_us) VALUES ($1, $2, 1, $3) \
                      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
                      fence = leases.fence + 1, expires_us = excluded.expires_us \
                      WHERE leases.expires_us <= $4 OR leases.holder = excluded.holder RETURNING fence";
        let row = sqlx::query(upsert)
            .bind(name)
            .bind(holder)
            .bind(now_us.saturating_add(ttl_us))
            .bind(now_us)
            .fetch_optional(&self.pool)
            .await?;
        let fence = row.map(|row| row.try_get::<i64, _>("fence")).transpose()?;
        Ok(fence.map(i64::unsigned_abs))
    }

    /// Prolongs the lease; `false` when it is no longer held with this fence or has ended.
    ///
    /// # Errors
    /// The database.
    pub async fn renew_lease(
        &self,
        name: &str,
        holder: &str,
        fence: u64,
        ttl_us: i64,
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let update = "UPDATE leases SET expires_us = $1 \
                      WHERE name = $2 AND holder = $3 AND fence = $4 AND expires_us > $5";
        let done = sqlx::query(update)
            .bind(now_us.saturating_add(ttl_us))
            .bind(name)
            .bind(holder)
            .bind(i64::try_from(fence).unwrap_or(i64::MAX))
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes the fence of a lease that is held larger; `false` when it is no longer held with `fence` or has ended.
    ///
    /// For a control store that was restored from an older copy and so has forgotten fences it gave out.
    ///
    /// # Errors
    /// The database.
    pub async fn raise_fence(
        &self,
        name: &str,
        holder: &str,
        fence: u64,
        raised: u64,
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let update = "UPDATE leases SET fence = $1 \
                      WHERE name = $2 AND holder = $3 AND fence = $4 AND fence < $1 AND expires_us > $5";
        let done = sqlx::query(update)
            .bind(i64::try_from(raised).unwrap_or(i64::MAX))
            .bind(name)
            .bind(holder)
            .bind(i64::try_from(fence).unwrap_or(i64::MAX))
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives the lease up early, for an orderly stop. The fence number stays and goes on growing.
    ///
    /// # Errors
    /// The database.
    pub async fn release_lease(&self, name: &str, holder: &str, fence: u64) -> Result<(), ControlError> {
        sqlx::query("UPDATE leases SET expires_us = 0 WHERE name = $1 AND holder = $2 AND fence = $3")
            .bind(name)
            .bind(holder)
            .bind(i64::try_from(fence).unwrap_or(i64::MAX))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
