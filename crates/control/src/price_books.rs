//! Versions of tenants' own prices: written once, never changed.

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};

/// How far ahead of its writing a version comes into force, µs. A processor may rely on what it read for half of it;
/// the rest is for clocks that differ and for the writing itself.
pub const PRICE_CHANGE_DELAY_US: i64 = 10_000_000;
/// Most versions of a tenant's prices.
const MAX_VERSIONS: i64 = 10_000;

/// One version of a tenant's prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBookVersion {
    pub tenant: Uuid,
    /// From 1, dense.
    pub number: i64,
    /// Messages from this time on, µs.
    pub effective_us: i64,
    /// SHA-256 of the book, hexadecimal.
    pub digest: String,
    /// The JSON of the book.
    pub book: String,
    /// When it was written, µs.
    pub created_us: i64,
    /// Who wrote it.
    pub created_by: String,
}

fn version_of(row: &AnyRow) -> Result<PriceBookVersion, ControlError> {
    Ok(PriceBookVersion {
        tenant: uuid_of(row, "tenant")?,
        number: row.try_get("number")?,
        effective_us: row.try_get("effective_us")?,
        digest: row.try_get("digest")?,
        book: row.try_get("book")?,
        created_us: row.try_get("created_us")?,
        created_by: row.try_get("created_by")?,
    })
}

impl Control {
    /// The version that would follow `last`, the newest one so far.
    pub fn next_price_book(
        last: Option<&PriceBookVersion>,
        tenant: Uuid,
        book: &str,
        created_by: &str,
        now_us: i64,
    ) -> PriceBookVersion {
        let effective_us = now_us + PRICE_CHANGE_DELAY_US;
        PriceBookVersion {
            tenant,
            number: last.map_or(1, |last| last.number + 1),
            effective_us: last.map_or(effective_us, |last| effective_us.max(last.effective_us + 1)),
            digest: hex::encode(Sha256::digest(book.as_bytes())),
            book: book.to_owned(),
            created_us: now_us,
            created_by: created_by.to_owned(),
        }
    }

    /// Writes a version.
    ///
    /// # Errors
    /// `Refused` when somebody else wrote that number first, or when there are too many.
    pub async fn put_price_book(&self, version: &PriceBookVersion) -> Result<(), ControlError> {
        if version.number > MAX_VERSIONS {
            return Err(ControlError::Refused(format!(
                "a tenant has at most {MAX_VERSIONS} versions of its prices"
            )));
        }
        let insert = "INSERT INTO price_books (tenant, number, effective_us, digest, book, created_us, created_by) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let inserted = sqlx::query(insert)
            .bind(version.tenant.to_string())
            .bind(version.number)
            .bind(version.effective_us)
            .bind(&version.digest)
            .bind(&version.book)
            .bind(version.created_us)
            .bind(&version.created_by)
            .execute(&self.pool)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Refused(
                "somebody else changed the prices at the same moment; look at them and try again".to_owned(),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest version of a tenant's prices, in force or coming.
    ///
    /// # Errors
    /// The database.
    pub async fn last_price_book(&self, tenant: Uuid) -> Result<Option<PriceBookVersion>, ControlError> {
        self.price_book_before(tenant, i64::MAX).await
    }

    /// The version in force at a time.
    ///
    /// # Errors
    /// The database.
    pub async fn price_book_before(
        &self,
        tenant: Uuid,
        at_us: i64,
    ) -> Result<Option<PriceBookVersion>, ControlError> {
        let query = "SELECT tenant, number, effective_us, digest, book, created_us, created_by FROM price_books \
                     WHERE tenant = $1 AND effective_us <= $2 ORDER BY number DESC LIMIT 1";
        let row = sqlx::query(query)
            .bind(tenant.to_string())
            .bind(at_us)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(version_of).transpose()
    }

    /// Numbers and times of all versions of a tenant, ascending.
    ///
    /// # Errors
    /// The database.
    pub async fn price_book_times(&self, tenant: Uuid) -> Result<Vec<(i64, i64)>, ControlError> {
        let query = "SELECT number, effective_us FROM price_books WHERE tenant = $1 ORDER BY number";
        let rows = sqlx::query(query)
            .bind(tenant.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("number")?, row.try_get("effective_us")?)))
            .collect()
    }
}
