//! How often somebody may try to sign in. Kept in the store, so that neither a restart nor a second
//! process gives more attempts.

use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::error::ControlError;
use crate::store::Control;

/// At most `max_failures` within `window_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    /// Failures allowed in one window.
    pub max_failures: i64,
    /// Length of the window in microseconds.
    pub window_us: i64,
}

/// What stands for a source in the store: people mistype all kinds of things as their name, and a backup should not
/// tell who tried to sign in from where.
fn stored(source: &str) -> String {
    hex::encode(Sha256::digest(source.as_bytes()))
}

impl Control {
    /// Counts one attempt of `source` (`account:…`, `address:…`) before the password is looked at, so
    /// that many attempts at once do not slip through. `Err(wait)` in the inner result: refused for
    /// that many microseconds.
    ///
    /// # Errors
    /// The database.
    pub async fn count_attempt(
        &self,
        source: &str,
        limit: AttemptLimit,
        now_us: i64,
    ) -> Result<Result<(), i64>, ControlError> {
        let window_start_us = now_us.saturating_sub(limit.window_us);
        let upsert = "INSERT INTO login_attempts (source, failures, window_us) VALUES ($1, 1, $2) \
             ON CONFLICT (source) DO UPDATE SET \
             failures = CASE WHEN login_attempts.window_us <= $3 THEN 1 ELSE login_attempts.failures + 1 END, \
             window_us = CASE WHEN login_attempts.window_us <= $3 THEN $2 ELSE login_attempts.window_us END \
             RETURNING failures, window_us";
        let row = sqlx::query(upsert)
            .bind(stored(source))
            .bind(now_us)
            .bind(window_start_us)
            .fetch_one(&self.pool)
            .await?;
        let failures: i64 = row.try_get("failures")?;
        let window_us: i64 = row.try_get("window_us")?;
        if failures <= limit.max_failures {
            return Ok(Ok(()));
        }
        Ok(Err((window_us.saturating_add(limit.window_us) - now_us).max(1)))
    }

    /// Forgets the attempts of `source`, after a sign-in that worked.
    ///
    /// # Errors
    /// The database.
    pub async fn clear_attempts(&self, source: &str) -> Result<(), ControlError> {
        sqlx::query("DELETE FROM login_attempts WHERE source = $1")
            .bind(stored(source))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Deletes what is older than `before_us`; addresses are personal data.
    ///
    /// # Errors
    /// The database.
    pub async fn expire_attempts(&self, before_us: i64) -> Result<u64, ControlError> {
        let done = sqlx::query("DELETE FROM login_attempts WHERE window_us < $1")
            .bind(before_us)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
