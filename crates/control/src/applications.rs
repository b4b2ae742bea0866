//! Applications and what is stored of their texts.

use aal_policy::{ContentMode, Policy, TENANT_WIDE};
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, bool_of, uuid_of};
use crate::tenants::{TenantScope, check_name};

/// One application of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Whose it is.
    pub tenant: Uuid,
    /// Its name in events.
    pub name: String,
    /// Whether everything of it is protected health information.
    pub phi: bool,
    /// What is stored of its texts; none: `sealed` where there is health information, else `redacted`.
    pub content_mode: Option<ContentMode>,
    /// Further policy, a JSON object that [`Policy::read`] takes.
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
        content_mode: match mode.as_str() {
            "" => None,
            _ => Some(mode.parse().map_err(|_| ControlError::Corrupt {
                what: "content_mode",
                value: mode,
            })?),
        },
        policy: serde_json::from_str(&policy).map_err(|_| ControlError::Corrupt {
            what: "policy",
            value: policy,
        })?,
        created_us: row.try_get("created_us")?,
    })
}

impl Application {
    /// Its policy, read strictly.
    ///
    /// # Errors
    /// `Refused`, with the place in the policy object.
    pub fn read_policy(&self) -> Result<Policy, ControlError> {
        let is_tenant_wide = self.name == TENANT_WIDE;
        Policy::read(self.phi, self.content_mode, &self.policy, is_tenant_wide)
            .map_err(|error| ControlError::Refused(format!("policy{error}")))
    }
}

impl Control {
    /// Adds an application or changes it, and puts its policy into force where that is another one than before:
    /// a moment after `created_us`, the time of the call ([`aal_policy::effective_us`]).
    ///
    /// # Errors
    /// `Refused` for a bad name or a policy that is not understood.
    pub async fn put_application(&self, application: &Application) -> Result<(), ControlError> {
        check_name("the application's name", &application.name)?;
        let policy = application.read_policy()?;
        let mut transaction = self.begin_write().await?;
        let upsert = "INSERT INTO applications (tenant, name, phi, content_mode, policy, created_us) \
                      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, name) DO UPDATE SET \
                      phi = excluded.phi, content_mode = excluded.content_mode, policy = excluded.policy";
        sqlx::query(upsert)
            .bind(application.tenant.to_string())
            .bind(&application.name)
            .bind(i64::from(application.phi))
            .bind(application.content_mode.map_or("", ContentMode::as_str))
            .bind(application.policy.to_string())
            .bind(application.created_us)
            .execute(&mut *transaction)
            .await?;
        crate::policies::put_version(&mut transaction, application, &policy).await?;
        transaction.commit().await?;
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
