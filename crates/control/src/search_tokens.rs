//! The erasable index from keyed hashes of e-mail addresses to records.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::Control;

/// Rows of one statement.
const CHUNK: usize = 200;
/// Most entries one question is answered with.
const MOST_FOUND: usize = 10_000;

/// What a token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SearchScope {
    /// Records about a subject; the value is the id of the subject's key.
    Subject,
    /// Records of a user; the value is the user id as the records hold it.
    User,
    /// One event; the value is its id.
    Event,
}

impl SearchScope {
    fn as_str(self) -> &'static str {
        match self {
            SearchScope::Subject => "subject",
            SearchScope::User => "user",
            SearchScope::Event => "event",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Subject, Self::User, Self::Event]
            .into_iter()
            .find(|scope| scope.as_str() == name)
    }
}

/// One entry of the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchToken {
    /// Whose record.
    pub tenant: Uuid,
    /// Keyed hash of the address.
    pub token: [u8; 32],
    /// Whose erasure takes the entry away.
    pub subject_key_id: Uuid,
    /// What `value` is.
    pub scope: SearchScope,
    /// Where it leads.
    pub value: String,
}

impl Control {
    /// Stores entries; those that exist stay as they are.
    ///
    /// # Errors
    /// The database.
    pub async fn put_search_tokens(&self, tokens: &[SearchToken], now_us: i64) -> Result<(), ControlError> {
        for chunk in tokens.chunks(CHUNK) {
            let mut query = String::from(
                "INSERT INTO search_tokens (tenant, token, subject_key_id, scope, value, created_us) VALUES ",
            );
            for row in 0..chunk.len() {
                let first = row * 6 + 1;
                let comma = if row == 0 { "" } else { ", " };
                // Writing to a String cannot fail.
                let _ = write!(
                    query,
                    "{comma}(${}, ${}, ${}, ${}, ${}, ${})",
                    first,
                    first + 1,
                    first + 2,
                    first + 3,
                    first + 4,
                    first + 5
                );
            }
            query.push_str(" ON CONFLICT DO NOTHING");
            // Safe: only placeholders vary.
            let mut insert = sqlx::query(AssertSqlSafe(query));
            for token in chunk {
                insert = insert
                    .bind(token.tenant.to_string())
                    .bind(token.token.to_vec())
                    .bind(token.subject_key_id.to_string())
                    .bind(token.scope.as_str())
                    .bind(token.value.clone())
                    .bind(now_us);
            }
            insert.execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Where a token leads, at most 10,000 entries, newest first.
    ///
    /// # Errors
    /// The database.
    pub async fn find_search_token(
        &self,
        tenant: Uuid,
        token: &[u8; 32],
    ) -> Result<Vec<(SearchScope, String)>, ControlError> {
        let query = format!(
            "SELECT scope, value FROM search_tokens WHERE tenant = $1 AND token = $2 \
             ORDER BY created_us DESC, value LIMIT {MOST_FOUND}"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(tenant.to_string())
            .bind(token.to_vec())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let name: String = row.try_get("scope")?;
                let corrupt = || ControlError::Corrupt {
                    what: "scope",
                    value: name.clone(),
                };
                let scope = SearchScope::from_name(&name).ok_or_else(corrupt)?;
                Ok((scope, row.try_get("value")?))
            })
            .collect()
    }
}
