//! How long records are kept at least, by application and class.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};
use crate::tenants::{TenantScope, check_name};

/// Longest retention that can be set: a hundred years.
pub const MAX_RETENTION_DAYS: u32 = 36_525;

/// What kind of records a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionClass {
    /// Records without protected health information.
    Standard,
    /// Records with it.
    Phi,
}

impl RetentionClass {
    /// Both.
    pub const ALL: [RetentionClass; 2] = [RetentionClass::Standard, RetentionClass::Phi];

    /// The name in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Phi => "phi",
        }
    }

    /// The shortest retention that may be set, in days. Standard: six months, at least 183 days (EU AI Act, articles
    /// 19(1) and 26(6)). PHI: six years with their leap days (45 CFR 164.316(b)(2)(i)).
    pub fn minimum_days(self) -> u32 {
        match self {
            Self::Standard => 183,
            Self::Phi => 2_192,
        }
    }
}

impl FromStr for RetentionClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a class of records; use standard or phi"))
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// Whose records.
    pub tenant: Uuid,
    /// Of which application; empty for all without a rule of their own.
    pub application: String,
    /// Of which class.
    pub class: RetentionClass,
    /// For how many days at least.
    pub days: u32,
    /// When it was set, microseconds.
    pub set_us: i64,
    /// By which user.
    pub set_by: Uuid,
}

impl RetentionRule {
    /// Refuses what no rule may say.
    ///
    /// # Errors
    /// `Refused` says what to change.
    pub fn check(&self) -> Result<(), ControlError> {
        let minimum = self.class.minimum_days();
        if self.days < minimum {
            return Err(ControlError::Refused(format!(
                "records of class {} are kept for at least {minimum} days; {} is too short",
                self.class.as_str(),
                self.days
            )));
        }
        if self.days > MAX_RETENTION_DAYS {
            return Err(ControlError::Refused(format!(
                "retention is at most {MAX_RETENTION_DAYS} days; {} is too long",
                self.days
            )));
        }
        if self.application.is_empty() {
            return Ok(());
        }
        check_name("application", &self.application)
    }
}

/// The retention in days that `rules` of one tenant give an application and class: its own rule, else the tenant's,
/// else the minimum.
pub fn retention_days(rules: &[RetentionRule], application: &str, class: RetentionClass) -> u32 {
    let of = |name: &str| {
        rules
            .iter()
            .find(|rule| rule.class == class && rule.application == name)
            .map(|rule| rule.days)
    };
    of(application)
        .or_else(|| of(""))
        .unwrap_or_else(|| class.minimum_days())
}

fn rule_of(row: &AnyRow) -> Result<RetentionRule, ControlError> {
    let class: String = row.try_get("class")?;
    let days: i64 = row.try_get("days")?;
    Ok(RetentionRule {
        tenant: uuid_of(row, "tenant")?,
        application: row.try_get("application")?,
        class: class.parse().map_err(|_| ControlError::Corrupt {
            what: "class",
            value: class,
        })?,
        days: u32::try_from(days).map_err(|_| ControlError::Corrupt {
            what: "days",
            value: days.to_string(),
        })?,
        set_us: row.try_get("set_us")?,
        set_by: uuid_of(row, "set_by")?,
    })
}

impl Control {
    /// Sets a rule in place of the one for the same tenant, application and class.
    ///
    /// # Errors
    /// `Refused` for a retention below the class's minimum.
    pub async fn put_retention(&self, rule: &RetentionRule) -> Result<(), ControlError> {
        rule.check()?;
        let upsert = "INSERT INTO retention_rules (tenant, application, class, days, set_us, set_by) \
                      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, application, class) DO UPDATE \
                      SET days = excluded.days, set_us = excluded.set_us, set_by = excluded.set_by";
        sqlx::query(upsert)
            .bind(rule.tenant.to_string())
            .bind(&rule.application)
            .bind(rule.class.as_str())
            .bind(i64::from(rule.days))
            .bind(rule.set_us)
            .bind(rule.set_by.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The rules inside `scope`, by tenant, application and class.
    ///
    /// # Errors
    /// The database.
    pub async fn retention_rules(&self, scope: TenantScope) -> Result<Vec<RetentionRule>, ControlError> {
        let query = "SELECT tenant, application, class, days, set_us, set_by FROM retention_rules \
                     WHERE ($1 = '*' OR tenant = $1) ORDER BY tenant, application, class LIMIT 10000";
        let rows = sqlx::query(query)
            .bind(scope.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(rule_of).collect()
    }
}
