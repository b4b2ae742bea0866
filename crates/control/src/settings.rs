//! Named values of the installation, such as its id.

use sqlx::Row;

use crate::error::ControlError;
use crate::store::Control;

impl Control {
    /// The value of `name`; stored as `value` first when there is none, so that all processes agree.
    ///
    /// # Errors
    /// The database.
    pub async fn setting_or_insert(&self, name: &str, value: &str) -> Result<String, ControlError> {
        sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get("value")?)
    }

    /// The value of `name`.
    ///
    /// # Errors
    /// The database.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, ControlError> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    /// Sets the value of `name`.
    ///
    /// # Errors
    /// The database.
    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), ControlError> {
        let upsert = "INSERT INTO settings (name, value) VALUES ($1, $2) \
                      ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(upsert)
            .bind(name)
            .bind(value)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
