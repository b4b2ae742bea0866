//! API keys of applications: shown once, stored as hashes.
//!
//! A key reads `aal_<id>_<secret>`: 32 hex digits of its id, 64 hex digits of 256 random bits. The
//! secret is random enough that a plain SHA-256 protects it; a slow hash would only slow the edge.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::error::ControlError;
use crate::password::fill_random;
use crate::store::{Control, uuid_of};
use crate::tenants::{TenantScope, check_name};

const PREFIX: &str = "aal_";

/// One API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its id, part of the key.
    pub id: Uuid,
    /// The application whose events it may send.
    pub application: String,
    /// The tenant those events belong to.
    pub tenant: Uuid,
    /// What people call the key.
    pub name: String,
    /// When it was made, microseconds.
    pub created_us: i64,
    /// When it was revoked, microseconds; `None` while it is valid.
    pub revoked_us: Option<i64>,
}

/// A key that was just made; the only moment at which its text exists.
#[derive(Clone)]
pub struct NewApiKey {
    /// What is stored.
    pub key: ApiKey,
    /// `aal_…`, to be shown once.
    pub presented: String,
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NewApiKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn key_of(row: &AnyRow) -> Result<ApiKey, ControlError> {
    let revoked_us: i64 = row.try_get("revoked_us")?;
    Ok(ApiKey {
        id: uuid_of(row, "id")?,
        application: row.try_get("application")?,
        tenant: uuid_of(row, "tenant")?,
        name: row.try_get("name")?,
        created_us: row.try_get("created_us")?,
        revoked_us: (revoked_us != 0).then_some(revoked_us),
    })
}

/// The id and the secret's hash of `aal_<id>_<secret>`; `None` when it is not shaped so.
fn parse(presented: &str) -> Option<(Uuid, [u8; 32])> {
    let (id, secret) = presented.strip_prefix(PREFIX)?.split_once('_')?;
    let lower_hex = |text: &str, digits: usize| {
        text.len() == digits
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    if !lower_hex(id, 32) || !lower_hex(secret, 64) {
        return None;
    }
    Some((
        Uuid::try_parse(id).ok()?,
        Sha256::digest(secret.as_bytes()).into(),
    ))
}

impl Control {
    /// Makes a key for one application of one tenant. Older keys stay valid, so that keys can overlap.
    ///
    /// # Errors
    /// `Refused` for a bad name.
    pub async fn create_api_key(
        &self,
        tenant: Uuid,
        application: &str,
        name: &str,
        now_us: i64,
    ) -> Result<NewApiKey, ControlError> {
        check_name("the application's name", application)?;
        check_name("the key's name", name)?;
        let mut secret = [0_u8; 32];
        fill_random(&mut secret)?;
        let secret = hex::encode(secret);
        let id = Uuid::new_v4();
        let insert = "INSERT INTO api_keys (id, secret_hash, application, tenant, name, created_us, revoked_us) \
                      VALUES ($1, $2, $3, $4, $5, $6, 0)";
        sqlx::query(insert)
            .bind(id.to_string())
            .bind(Sha256::digest(secret.as_bytes()).to_vec())
            .bind(application)
            .bind(tenant.to_string())
            .bind(name)
            .bind(now_us)
            .execute(&self.pool)
            .await?;
        let key = ApiKey {
            id,
            application: application.to_owned(),
            tenant,
            name: name.to_owned(),
            created_us: now_us,
            revoked_us: None,
        };
        Ok(NewApiKey {
            key,
            presented: format!("{PREFIX}{}_{secret}", id.simple()),
        })
    }

    /// The valid key that `presented` is, compared in constant time; `None` for anything else.
    ///
    /// # Errors
    /// The database.
    pub async fn find_api_key(&self, presented: &str) -> Result<Option<ApiKey>, ControlError> {
        let Some((id, hash)) = parse(presented) else {
            return Ok(None);
        };
        let query = "SELECT id, secret_hash, application, tenant, name, created_us, revoked_us \
                     FROM api_keys WHERE id = $1";
        let Some(row) = sqlx::query(query)
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?
        else {
            return Ok(None);
        };
        let stored: Vec<u8> = row.try_get("secret_hash")?;
        if !bool::from(stored.ct_eq(&hash)) {
            return Ok(None);
        }
        let key = key_of(&row)?;
        Ok(key.revoked_us.is_none().then_some(key))
    }

    /// Every key inside `scope`, newest first, revoked ones too.
    ///
    /// # Errors
    /// The database.
    pub async fn api_keys(&self, scope: TenantScope) -> Result<Vec<ApiKey>, ControlError> {
        let query = "SELECT id, application, tenant, name, created_us, revoked_us \
                     FROM api_keys ORDER BY created_us DESC, id";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let keys: Result<Vec<ApiKey>, _> = rows.iter().map(key_of).collect();
        Ok(keys?
            .into_iter()
            .filter(|key| scope.contains(key.tenant))
            .collect())
    }

    /// Revokes a key inside `scope` for good; returns it. `None` when there is none that is still valid.
    ///
    /// # Errors
    /// The database.
    pub async fn revoke_api_key(
        &self,
        scope: TenantScope,
        id: Uuid,
        now_us: i64,
    ) -> Result<Option<ApiKey>, ControlError> {
        let key = self.api_keys(scope).await?.into_iter().find(|key| key.id == id);
        let Some(mut key) = key else { return Ok(None) };
        let update = "UPDATE api_keys SET revoked_us = $1 WHERE id = $2 AND revoked_us = 0";
        let done = sqlx::query(update)
            .bind(now_us.max(1))
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        key.revoked_us = Some(now_us.max(1));
        Ok((done.rows_affected() == 1).then_some(key))
    }
}
