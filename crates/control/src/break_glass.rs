//! Emergency reveals, and who looked at them afterwards.

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};
use crate::tenants::TenantScope;

/// One emergency reveal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreakGlass {
    /// Of the leaf that records it, which says why.
    pub id: Uuid,
    pub tenant: Uuid,
    /// The event that was revealed.
    pub event_id: Uuid,
    /// Who revealed it.
    pub user_id: Uuid,
    pub purpose: String,
    #[serde(skip)]
    pub created_us: i64,
    /// None while nobody has looked at it.
    pub review: Option<BreakGlassReview>,
}

/// What a second person says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreakGlassReview {
    pub user_id: Uuid,
    #[serde(skip)]
    pub at_us: i64,
    /// `justified` or `unjustified`.
    pub verdict: String,
}

const COLUMNS: &str = "SELECT id, tenant, event_id, user_id, purpose, created_us, reviewed_by, reviewed_us, verdict \
                       FROM break_glass";

fn break_glass_of(row: &AnyRow) -> Result<BreakGlass, ControlError> {
    let at_us: i64 = row.try_get("reviewed_us")?;
    let review = if at_us == 0 {
        None
    } else {
        Some(BreakGlassReview {
            user_id: uuid_of(row, "reviewed_by")?,
            at_us,
            verdict: row.try_get("verdict")?,
        })
    };
    Ok(BreakGlass {
        id: uuid_of(row, "id")?,
        tenant: uuid_of(row, "tenant")?,
        event_id: uuid_of(row, "event_id")?,
        user_id: uuid_of(row, "user_id")?,
        purpose: row.try_get("purpose")?,
        created_us: row.try_get("created_us")?,
        review,
    })
}

impl Control {
    /// Lists an emergency reveal for review.
    ///
    /// # Errors
    /// The database.
    pub async fn add_break_glass(&self, made: &BreakGlass) -> Result<(), ControlError> {
        let insert = "INSERT INTO break_glass (id, tenant, event_id, user_id, purpose, created_us, reviewed_by, \
                      reviewed_us, verdict) VALUES ($1, $2, $3, $4, $5, $6, '', 0, '')";
        sqlx::query(insert)
            .bind(made.id.to_string())
            .bind(made.tenant.to_string())
            .bind(made.event_id.to_string())
            .bind(made.user_id.to_string())
            .bind(&made.purpose)
            .bind(made.created_us)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Emergency reveals inside `scope`, those without a review first, then newest first; at most `limit`.
    ///
    /// # Errors
    /// The database.
    pub async fn break_glass(&self, scope: TenantScope, limit: i64) -> Result<Vec<BreakGlass>, ControlError> {
        let query = format!(
            "{COLUMNS} WHERE $1 = '' OR tenant = $1 \
             ORDER BY CASE WHEN reviewed_us = 0 THEN 0 ELSE 1 END, created_us DESC, id LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(crate::store::tenant_filter(scope))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(break_glass_of).collect()
    }

    /// One emergency reveal.
    ///
    /// # Errors
    /// The database.
    pub async fn one_break_glass(
        &self,
        scope: TenantScope,
        id: Uuid,
    ) -> Result<Option<BreakGlass>, ControlError> {
        let query = format!("{COLUMNS} WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let found = row.as_ref().map(break_glass_of).transpose()?;
        Ok(found.filter(|made| scope.contains(made.tenant)))
    }

    /// Signs one off, once; whether it was open.
    ///
    /// # Errors
    /// `Refused` when the reviewer is who made it.
    pub async fn review_break_glass(
        &self,
        made: &BreakGlass,
        review: &BreakGlassReview,
    ) -> Result<bool, ControlError> {
        if made.user_id == review.user_id {
            return Err(ControlError::Refused(
                "an emergency reveal is signed off by somebody else than who made it".to_owned(),
            ));
        }
        let update = "UPDATE break_glass SET reviewed_by = $1, reviewed_us = $2, verdict = $3 \
                      WHERE id = $4 AND reviewed_us = 0";
        let updated = sqlx::query(update)
            .bind(review.user_id.to_string())
            .bind(review.at_us)
            .bind(&review.verdict)
            .bind(made.id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(updated.rows_affected() == 1)
    }
}
