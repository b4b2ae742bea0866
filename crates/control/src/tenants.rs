//! Tenants: the companies or departments whose records are kept apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};

/// Longest name of a tenant, application or key, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 200;

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The id that the ledger uses.
    pub id: Uuid,
    /// The name that people use; unique.
    pub name: String,
}

/// The tenants somebody or something may touch; `*` or a UUID as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TenantScope {
    /// Every tenant.
    All,
    /// One tenant.
    One(Uuid),
}

impl TenantScope {
    /// Whether `tenant` is inside.
    pub fn contains(&self, tenant: Uuid) -> bool {
        match self {
            Self::All => true,
            Self::One(own) => *own == tenant,
        }
    }
}

impl fmt::Display for TenantScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("*"),
            Self::One(tenant) => tenant.fmt(formatter),
        }
    }
}

impl FromStr for TenantScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::All);
        }
        text.parse()
            .map(Self::One)
            .map_err(|_| format!("{text:?} is neither a tenant id (UUID) nor \"*\""))
    }
}

impl TryFrom<String> for TenantScope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TenantScope> for String {
    fn from(scope: TenantScope) -> Self {
        scope.to_string()
    }
}

pub(crate) fn scope_of(row: &sqlx::any::AnyRow, column: &'static str) -> Result<TenantScope, ControlError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| ControlError::Corrupt {
        what: column,
        value: text,
    })
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<(), ControlError> {
    let fits = !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
    if fits && name.trim() == name {
        return Ok(());
    }
    Err(ControlError::Refused(format!(
        "{what} must have 1 to {MAX_NAME_BYTES} bytes, no control characters and no space at its ends"
    )))
}

impl Control {
    /// The tenant of this name, made with `new_id` when there is none yet.
    ///
    /// # Errors
    /// A name that is refused, or the database.
    pub async fn ensure_tenant(&self, name: &str, new_id: Uuid, now_us: i64) -> Result<Tenant, ControlError> {
        check_name("the tenant's name", name)?;
        let insert = "INSERT INTO tenants (id, name, created_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        sqlx::query(insert)
            .bind(new_id.to_string())
            .bind(name)
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT id, name FROM tenants WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) => Ok(Tenant {
                id: uuid_of(&row, "id")?,
                name: name.to_owned(),
            }),
            // Nothing inserted and nothing of this name: the id belongs to another tenant.
            None => Err(ControlError::Exists {
                what: "tenant",
                value: new_id.to_string(),
            }),
        }
    }

    /// Every tenant inside `scope`, by name.
    ///
    /// # Errors
    /// The database.
    pub async fn tenants(&self, scope: TenantScope) -> Result<Vec<Tenant>, ControlError> {
        let rows = sqlx::query("SELECT id, name FROM tenants ORDER BY name")
            .fetch_all(&self.pool)
            .await?;
        let mut tenants = Vec::with_capacity(rows.len());
        for row in &rows {
            let tenant = Tenant {
                id: uuid_of(row, "id")?,
                name: row.try_get("name")?,
            };
            if scope.contains(tenant.id) {
                tenants.push(tenant);
            }
        }
        Ok(tenants)
    }

    /// The tenant with this id.
    ///
    /// # Errors
    /// The database.
    pub async fn tenant(&self, id: Uuid) -> Result<Option<Tenant>, ControlError> {
        let row = sqlx::query("SELECT name FROM tenants WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(Tenant {
                id,
                name: row.try_get("name")?,
            })
        })
        .transpose()
    }
}
