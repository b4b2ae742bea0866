//! Applications and what is stored of their texts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, bool_of, uuid_of};
use crate::tenants::{TenantScope, check_name};

/// What is stored of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    /// The text in the clear, personal spans sealed.
    #[default]
    Redacted,
    /// The whole text sealed.
    Sealed,
    /// A salted commitment only.
    Digest,
}

impl ContentMode {
    /// The name in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redacted => "redacted",
            Self::Sealed => "sealed",
            Self::Digest => "digest",
        }
    }
}

impl FromStr for ContentMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Redacted, Self::Sealed, Self::Digest]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a content mode; use redacted, sealed or digest"))
    }
}

/// One application of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Whose it is.
    pub tenant: Uuid,
    /// Its name in events.
    pub name: String,
    /// Whether everything of it is protected health information.
    pub phi: bool,
    /// What is stored of its texts.
    pub content_mode: ContentMode,
    /// Further policy, a JSON object.
    pub policy: serde_json::Value,
    /// When it was added, microseconds.
    #[serde(skip)]
    pub created_us: i64,
}

fn application_of(row: &AnyRow) -> Result<Application, ControlError> {
    let mode: String = row.try_get("content_mode")?;
    let policy: String = row.try_get("policy")?;
    Ok(Application {
        tenant: uuid_of(row, "tenant")?,
        name: row.try_get("name")?,
        phi: bool_of(row, "phi")?,
        content_mode: mode.parse().map_err(|_| ControlError::Corrupt {
            what: "content_mode",
            value: mode,
        })?,
        policy: serde_json::from_str(&policy).map_err(|_| ControlError::Corrupt {
            what: "policy",
            value: policy,
        })?,
        created_us: row.try_get("created_us")?,
    })
}

impl Control {
    /// Adds an application or changes it.
    ///
    /// # Errors
    /// `Refused` for a bad name or a policy that is no JSON object.
    pub async fn put_application(&self, application: &Application) -> Result<(), ControlError> {
        check_name("the application's name", &application.name)?;
        if !application.policy.is_object() {
            return Err(ControlError::Refused(
                "the policy must be a JSON object".to_owned(),
            ));
        }
        let upsert = "INSERT INTO applications (tenant, name, phi, content_mode, policy, created_us) \
                      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, name) DO UPDATE SET \
                      phi = excluded.phi, content_mode = excluded.content_mode, policy = excluded.policy";
        sqlx::query(upsert)
            .bind(application.tenant.to_string())
            .bind(&application.name)
            .bind(i64::from(application.phi))
            .bind(application.content_mode.as_str())
            .bind(application.policy.to_string())
            .bind(application.created_us)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Every application inside `scope`, by tenant and name.
    ///
    /// # Errors
    /// The database.
    pub async fn applications(&self, scope: TenantScope) -> Result<Vec<Application>, ControlError> {
        let query = "SELECT tenant, name, phi, content_mode, policy, created_us \
                     FROM applications ORDER BY tenant, name";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let all: Result<Vec<Application>, _> = rows.iter().map(application_of).collect();
        Ok(all?
            .into_iter()
            .filter(|application| scope.contains(application.tenant))
            .collect())
    }

    /// One application; `None` when it was never registered (the defaults apply to it).
    ///
    /// # Errors
    /// The database.
    pub async fn application(&self, tenant: Uuid, name: &str) -> Result<Option<Application>, ControlError> {
        let query = "SELECT tenant, name, phi, content_mode, policy, created_us \
                     FROM applications WHERE tenant = $1 AND name = $2";
        let row = sqlx::query(query)
            .bind(tenant.to_string())
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(application_of).transpose()
    }
}
