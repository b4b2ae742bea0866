//! Legal holds: what may be neither erased nor pruned while they stand.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};
use crate::tenants::TenantScope;

/// One legal hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalHold {
    /// Its id.
    pub id: Uuid,
    /// Whose records.
    pub tenant: Uuid,
    /// Records of this application only; empty for all.
    pub application: String,
    /// Records of these people only, as keyed hashes; none for everybody.
    pub lookups: Vec<[u8; 32]>,
    /// Why.
    pub reason: String,
    /// When, microseconds.
    pub placed_us: i64,
    /// The user who placed it.
    pub placed_by: Uuid,
    /// When, by whom and why it was released.
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// When, microseconds.
    pub at_us: i64,
    /// The user who released it.
    pub by: Uuid,
    /// Why.
    pub reason: String,
}

impl LegalHold {
    /// Whether it protects records of somebody with these `lookups` that lie in these `applications`.
    pub fn covers(&self, lookups: &[[u8; 32]], applications: &[String]) -> bool {
        let is_person = self.lookups.is_empty() || self.lookups.iter().any(|lookup| lookups.contains(lookup));
        let is_application = self.application.is_empty() || applications.contains(&self.application);
        self.released.is_none() && is_person && is_application
    }
}

const COLUMNS: &str = "id, tenant, application, lookups, reason, placed_us, placed_by, released_us, \
                       released_by, release_reason";

/// Keyed hashes as a JSON array of hexadecimal texts.
fn lookups_text(lookups: &[[u8; 32]]) -> String {
    let texts: Vec<String> = lookups.iter().map(hex::encode).collect();
    serde_json::Value::from(texts).to_string()
}

fn lookups_of(text: &str) -> Option<Vec<[u8; 32]>> {
    let texts: Vec<String> = serde_json::from_str(text).ok()?;
    texts
        .iter()
        .map(|text| hex::decode(text).ok()?.try_into().ok())
        .collect()
}

fn hold_of(row: &AnyRow) -> Result<LegalHold, ControlError> {
    let lookups: String = row.try_get("lookups")?;
    let released_us: i64 = row.try_get("released_us")?;
    let released = if released_us == 0 {
        None
    } else {
        Some(Release {
            at_us: released_us,
            by: uuid_of(row, "released_by")?,
            reason: row.try_get("release_reason")?,
        })
    };
    Ok(LegalHold {
        id: uuid_of(row, "id")?,
        tenant: uuid_of(row, "tenant")?,
        application: row.try_get("application")?,
        lookups: lookups_of(&lookups).ok_or(ControlError::Corrupt {
            what: "lookups of a legal hold",
            value: lookups,
        })?,
        reason: row.try_get("reason")?,
        placed_us: row.try_get("placed_us")?,
        placed_by: uuid_of(row, "placed_by")?,
        released,
    })
}

impl Control {
    /// Adds a hold.
    ///
    /// # Errors
    /// `Exists` for a used id.
    pub async fn place_hold(&self, hold: &LegalHold) -> Result<(), ControlError> {
        let insert =
            format!("INSERT INTO legal_holds ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', '')");
        let inserted = sqlx::query(AssertSqlSafe(insert))
            .bind(hold.id.to_string())
            .bind(hold.tenant.to_string())
            .bind(&hold.application)
            .bind(lookups_text(&hold.lookups))
            .bind(&hold.reason)
            .bind(hold.placed_us)
            .bind(hold.placed_by.to_string())
            .execute(&self.pool)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Exists {
                what: "legal hold",
                value: hold.id.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a hold; `false` when there is none inside `scope` that still stands.
    ///
    /// # Errors
    /// The database.
    pub async fn release_hold(
        &self,
        scope: TenantScope,
        id: Uuid,
        release: &Release,
    ) -> Result<bool, ControlError> {
        let update = "UPDATE legal_holds SET released_us = $1, released_by = $2, release_reason = $3 \
                      WHERE id = $4 AND released_us = 0 AND ($5 = '*' OR tenant = $5)";
        let done = sqlx::query(update)
            .bind(release.at_us)
            .bind(release.by.to_string())
            .bind(&release.reason)
            .bind(id.to_string())
            .bind(scope.to_string())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Holds inside `scope`, newest first; without `released` only those that stand.
    ///
    /// # Errors
    /// The database.
    pub async fn holds(&self, scope: TenantScope, released: bool) -> Result<Vec<LegalHold>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM legal_holds WHERE ($1 = '*' OR tenant = $1) AND ($2 = 1 OR released_us = 0) \
             ORDER BY placed_us DESC, id LIMIT 10000"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(scope.to_string())
            .bind(i64::from(released))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(hold_of).collect()
    }

    /// One hold inside `scope`.
    ///
    /// # Errors
    /// The database.
    pub async fn hold(&self, scope: TenantScope, id: Uuid) -> Result<Option<LegalHold>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM legal_holds WHERE id = $1 AND ($2 = '*' OR tenant = $2)");
        let row = sqlx::query(AssertSqlSafe(query))
            .bind(id.to_string())
            .bind(scope.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(hold_of).transpose()
    }
}
