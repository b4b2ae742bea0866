//! People who sign in, and their roles.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::password;
use crate::store::{Control, bool_of, uuid_of};
use crate::tenants::{TenantScope, scope_of};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, users and keys included.
    Admin,
    /// Reads, reveals, exports and verifies.
    ComplianceOfficer,
    /// Reads what concerns themselves.
    Viewer,
}

impl Role {
    /// The name in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ComplianceOfficer => "compliance_officer",
            Self::Viewer => "viewer",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Admin, Self::ComplianceOfficer, Self::Viewer]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a role; use admin, compliance_officer or viewer"))
    }
}

/// One user, without the password hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Stable id.
    pub id: Uuid,
    /// Lower case; unique.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// Where the user may do it.
    pub tenant: TenantScope,
    /// A disabled user cannot sign in and every token of theirs is refused.
    pub disabled: bool,
    /// Tokens of an older epoch are refused.
    #[serde(skip)]
    pub session_epoch: i64,
    /// When the user was added.
    #[serde(skip)]
    pub created_us: i64,
}

/// The administrator that the first start makes.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstAdmin {
    /// Sign-in name.
    pub email: String,
    /// To be shown once; only its hash is stored.
    pub password: String,
}

impl std::fmt::Debug for FirstAdmin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FirstAdmin")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// The outcome of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authenticated {
    /// The right password of an enabled user.
    Yes(User),
    /// Anything else; deliberately without a reason.
    No,
}

const COLUMNS: &str = "id, email, password_hash, role, tenant, disabled, session_epoch, created_us";

fn user_of(row: &AnyRow) -> Result<User, ControlError> {
    let role: String = row.try_get("role")?;
    Ok(User {
        id: uuid_of(row, "id")?,
        email: row.try_get("email")?,
        role: role.parse().map_err(|_| ControlError::Corrupt {
            what: "role",
            value: role,
        })?,
        tenant: scope_of(row, "tenant")?,
        disabled: bool_of(row, "disabled")?,
        session_epoch: row.try_get("session_epoch")?,
        created_us: row.try_get("created_us")?,
    })
}

fn clean_email(email: &str) -> Result<String, ControlError> {
    let email = email.trim().to_lowercase();
    let shaped = email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if shaped && email.len() <= 254 && !email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(email);
    }
    Err(ControlError::Refused(
        "the e-mail address must look like name@domain, at most 254 bytes".to_owned(),
    ))
}

impl Control {
    /// Makes an administrator of all tenants with a random password, if there is no user at all yet.
    ///
    /// # Errors
    /// The database.
    pub async fn create_first_admin(
        &self,
        email: &str,
        now_us: i64,
    ) -> Result<Option<FirstAdmin>, ControlError> {
        let email = clean_email(email)?;
        let password = password::random()?;
        if !self.users(TenantScope::All).await?.is_empty() {
            return Ok(None);
        }
        let hash = password::hash(password.clone()).await?;
        // One statement, so that two processes starting at once make one administrator.
        let insert = "INSERT INTO users (id, email, password_hash, role, tenant, disabled, session_epoch, created_us) \
                      SELECT $1, $2, $3, $4, $5, 0, 0, $6 WHERE NOT EXISTS (SELECT 1 FROM users)";
        let mut transaction = self.begin_write().await?;
        let inserted = sqlx::query(insert)
            .bind(Uuid::new_v4().to_string())
            .bind(&email)
            .bind(hash)
            .bind(Role::Admin.as_str())
            .bind(TenantScope::All.to_string())
            .bind(now_us)
            .execute(&mut *transaction)
            .await;
        match inserted {
            Ok(done) if done.rows_affected() == 1 => transaction.commit().await?,
            Ok(_) => return Ok(None),
            Err(error) if ControlError::is_unique_violation(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        Ok(Some(FirstAdmin { email, password }))
    }

    /// Adds a user; without a password a random one is made. Returns the password to show once.
    ///
    /// # Errors
    /// `Exists` for a taken address, `Refused` for a bad address or a weak password.
    pub async fn create_user(
        &self,
        email: &str,
        role: Role,
        tenant: TenantScope,
        password: Option<String>,
        now_us: i64,
    ) -> Result<(User, String), ControlError> {
        let email = clean_email(email)?;
        let password = match password {
            Some(password) => password,
            None => password::random()?,
        };
        password::check_policy(&password)?;
        let hash = password::hash(password.clone()).await?;
        let id = Uuid::new_v4();
        let insert = "INSERT INTO users (id, email, password_hash, role, tenant, disabled, session_epoch, created_us) \
                      VALUES ($1, $2, $3, $4, $5, 0, 0, $6)";
        let inserted = sqlx::query(insert)
            .bind(id.to_string())
            .bind(&email)
            .bind(hash)
            .bind(role.as_str())
            .bind(tenant.to_string())
            .bind(now_us)
            .execute(&self.pool)
            .await;
        match inserted {
            Err(error) if ControlError::is_unique_violation(&error) => {
                return Err(ControlError::Exists {
                    what: "user",
                    value: email,
                });
            }
            other => other?,
        };
        let user = User {
            id,
            email,
            role,
            tenant,
            disabled: false,
            session_epoch: 0,
            created_us: now_us,
        };
        Ok((user, password))
    }

    /// Checks a sign-in. Takes the same time whether the account exists or not.
    ///
    /// # Errors
    /// The database.
    pub async fn authenticate(&self, email: &str, password: &str) -> Result<Authenticated, ControlError> {
        if password.len() > password::MAX_BYTES {
            return Ok(Authenticated::No);
        }
        let password = password.to_owned();
        let query = "SELECT id, email, password_hash, role, tenant, disabled, session_epoch, created_us \
                     FROM users WHERE email = $1";
        let row = sqlx::query(query)
            .bind(email.trim().to_lowercase())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else {
            password::verify_nothing(password).await?;
            return Ok(Authenticated::No);
        };
        let user = user_of(&row)?;
        let matches = password::verify(password, row.try_get("password_hash")?).await?;
        Ok(if matches && !user.disabled {
            Authenticated::Yes(user)
        } else {
            Authenticated::No
        })
    }

    /// The user with this id.
    ///
    /// # Errors
    /// The database.
    pub async fn user(&self, id: Uuid) -> Result<Option<User>, ControlError> {
        let query = "SELECT id, email, password_hash, role, tenant, disabled, session_epoch, created_us \
                     FROM users WHERE id = $1";
        let row = sqlx::query(query)
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(user_of).transpose()
    }

    /// Every user whose tenant is inside `scope`, by address.
    ///
    /// # Errors
    /// The database.
    pub async fn users(&self, scope: TenantScope) -> Result<Vec<User>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM users ORDER BY email");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&self.pool)
            .await?;
        let users: Result<Vec<User>, _> = rows.iter().map(user_of).collect();
        Ok(users?
            .into_iter()
            .filter(|user| scope == TenantScope::All || user.tenant == scope)
            .collect())
    }

    /// Changes role or state. Every token of the user ends with it. `false` when there is no such user.
    ///
    /// # Errors
    /// `Refused` when it would leave no enabled administrator of all tenants.
    pub async fn update_user(
        &self,
        id: Uuid,
        role: Option<Role>,
        disabled: Option<bool>,
    ) -> Result<bool, ControlError> {
        let mut transaction = self.begin_write().await?;
        // PostgreSQL: two changes at once must not each leave the other's administrator as the last.
        let lock = if self.dialect == crate::store::Dialect::Postgres {
            " FOR UPDATE"
        } else {
            ""
        };
        let query = format!("SELECT {COLUMNS} FROM users ORDER BY id{lock}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&mut *transaction)
            .await?;
        let mut users: Vec<User> = rows.iter().map(user_of).collect::<Result<_, _>>()?;
        let Some(user) = users.iter_mut().find(|user| user.id == id) else {
            return Ok(false);
        };
        user.role = role.unwrap_or(user.role);
        user.disabled = disabled.unwrap_or(user.disabled);
        let (new_role, new_disabled) = (user.role, user.disabled);
        let rules =
            |user: &User| user.role == Role::Admin && user.tenant == TenantScope::All && !user.disabled;
        if !users.iter().any(rules) {
            return Err(ControlError::Refused(
                "the last administrator of all tenants must stay".to_owned(),
            ));
        }
        let update =
            "UPDATE users SET role = $1, disabled = $2, session_epoch = session_epoch + 1 WHERE id = $3";
        sqlx::query(update)
            .bind(new_role.as_str())
            .bind(i64::from(new_disabled))
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Sets a new password and ends every sign-in of the user. `false` when there is no such user.
    ///
    /// # Errors
    /// `Refused` for a weak password.
    pub async fn set_password(&self, id: Uuid, password: &str) -> Result<bool, ControlError> {
        password::check_policy(password)?;
        let hash = password::hash(password.to_owned()).await?;
        let update = "UPDATE users SET password_hash = $1, session_epoch = session_epoch + 1 WHERE id = $2";
        let done = sqlx::query(update)
            .bind(hash)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
