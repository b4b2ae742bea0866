//! Versions of policies: written once, never changed.

use aal_policy::Policy;
use serde::Serialize;
use sqlx::{Any, AnyPool, Row, Transaction, any::AnyRow};
use uuid::Uuid;

use crate::applications::Application;
use crate::error::ControlError;
use crate::store::{Control, uuid_of};
use crate::tenants::TenantScope;

/// One version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyVersion {
    pub tenant: Uuid,
    /// `*` for the tenant's own.
    pub application: String,
    /// From 1, dense.
    pub number: i64,
    /// From this time on, microseconds.
    #[serde(skip)]
    pub effective_us: i64,
    /// SHA-256 of the policy, hexadecimal: what records name.
    pub digest: String,
    /// [`Policy::canonical`].
    #[serde(skip)]
    pub policy: String,
    /// When it was written, microseconds.
    #[serde(skip)]
    pub created_us: i64,
}

/// What putting an application would change of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutPolicy {
    /// Number and digest of the version so far; none: no policy was made yet.
    pub old: Option<(i64, String)>,
    /// The version to come; none: the policy is the one in force or coming.
    pub new: Option<PolicyVersion>,
}

const COLUMNS: &str = "SELECT tenant, application, number, effective_us, digest, policy, created_us \
                       FROM policy_versions";

fn version_of(row: &AnyRow) -> Result<PolicyVersion, ControlError> {
    Ok(PolicyVersion {
        tenant: uuid_of(row, "tenant")?,
        application: row.try_get("application")?,
        number: row.try_get("number")?,
        effective_us: row.try_get("effective_us")?,
        digest: row.try_get("digest")?,
        policy: row.try_get("policy")?,
        created_us: row.try_get("created_us")?,
    })
}

const LAST: &str = "SELECT tenant, application, number, effective_us, digest, policy, created_us \
                    FROM policy_versions WHERE tenant = $1 AND application = $2 ORDER BY number DESC LIMIT 1";

fn next_version(last: Option<PolicyVersion>, application: &Application, policy: &Policy) -> PutPolicy {
    let digest = hex_of(policy);
    let is_known = match &last {
        Some(last) => last.digest == digest,
        // Who never made a policy and makes none now has none.
        None => digest == hex_of(&Policy::default()),
    };
    let new = (!is_known).then(|| PolicyVersion {
        tenant: application.tenant,
        application: application.name.clone(),
        number: last.as_ref().map_or(1, |last| last.number + 1),
        effective_us: aal_policy::effective_us(
            application.created_us,
            last.as_ref().map(|last| last.effective_us),
        ),
        digest,
        policy: policy.canonical(),
        created_us: application.created_us,
    });
    PutPolicy {
        old: last.map(|last| (last.number, last.digest)),
        new,
    }
}

fn hex_of(policy: &Policy) -> String {
    hex::encode(policy.digest())
}

/// Writes the next version of an application's policy, unless it is the one it has.
pub(crate) async fn put_version(
    transaction: &mut Transaction<'static, Any>,
    application: &Application,
    policy: &Policy,
) -> Result<(), ControlError> {
    let last = sqlx::query(LAST)
        .bind(application.tenant.to_string())
        .bind(&application.name)
        .fetch_optional(&mut **transaction)
        .await?;
    let last = last.as_ref().map(version_of).transpose()?;
    let Some(new) = next_version(last, application, policy).new else {
        return Ok(());
    };
    let insert = "INSERT INTO policy_versions (tenant, application, number, effective_us, digest, policy, created_us) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let inserted = sqlx::query(insert)
        .bind(new.tenant.to_string())
        .bind(&new.application)
        .bind(new.number)
        .bind(new.effective_us)
        .bind(&new.digest)
        .bind(&new.policy)
        .bind(new.created_us)
        .execute(&mut **transaction)
        .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Refused(
            "somebody else changed this policy at the same moment; look at it and try again".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

async fn last_version(
    pool: &AnyPool,
    tenant: Uuid,
    application: &str,
) -> Result<Option<PolicyVersion>, ControlError> {
    let row = sqlx::query(LAST)
        .bind(tenant.to_string())
        .bind(application)
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(version_of).transpose()
}

impl Control {
    /// What [`Control::put_application`] is about to change, for the ledger to be told first.
    ///
    /// # Errors
    /// `Refused` for a policy that is not understood.
    pub async fn planned_policy(&self, application: &Application) -> Result<PutPolicy, ControlError> {
        let policy = application.read_policy()?;
        let last = last_version(&self.pool, application.tenant, &application.name).await?;
        Ok(next_version(last, application, &policy))
    }

    /// Every version that was written at `created_us` or later, in order of tenant, application and number.
    ///
    /// # Errors
    /// The database.
    pub async fn policy_versions_since(&self, created_us: i64) -> Result<Vec<PolicyVersion>, ControlError> {
        let query = format!("{COLUMNS} WHERE created_us >= $1 ORDER BY tenant, application, number");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(created_us)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(version_of).collect()
    }

    /// The versions inside `scope`, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database.
    pub async fn policy_versions(
        &self,
        scope: TenantScope,
        limit: i64,
    ) -> Result<Vec<PolicyVersion>, ControlError> {
        let query = format!(
            "{COLUMNS} WHERE $1 = '' OR tenant = $1 \
             ORDER BY created_us DESC, tenant, application, number DESC LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(crate::store::tenant_filter(scope))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(version_of).collect()
    }
}
