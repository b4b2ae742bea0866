//! The subject directory and the wrapped data keys: what an erasure deletes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::error::ControlError;
use crate::keks::hold_current;
use crate::store::{Control, uuid_of};

/// Rows of one statement; six parameters each stay far below both databases' limits.
const CHUNK: usize = 200;
/// The version of a key that was just made.
const FIRST_VERSION: u32 = 1;

/// A subject whose key is wanted, with the key to store if there is none yet.
#[derive(Clone, Debug)]
pub struct WantedKey {
    /// Whose subject.
    pub tenant: Uuid,
    /// Keyed hash of what identifies the subject.
    pub lookup: [u8; 32],
    /// Random id for a subject that is new.
    pub new_subject_key_id: Uuid,
    /// A fresh data key, wrapped, for a subject that is new.
    pub new_wrapped_dek: Vec<u8>,
    /// Epoch of the tenant's key-encryption key that wrapped it; 0: a key derived from the key file.
    pub kek_epoch: u64,
    /// When, in microseconds.
    pub now_us: i64,
}

/// The key of a subject as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectKey {
    /// Random id of the subject's key.
    pub subject_key_id: Uuid,
    /// Its newest version, from 1.
    pub version: u32,
    /// The data key, wrapped by the key encryption key.
    pub wrapped_dek: Vec<u8>,
    /// Epoch of the key encryption key; 0: derived from the key file.
    pub kek_epoch: u64,
}

type Wanted<'a> = BTreeMap<(Uuid, [u8; 32]), &'a WantedKey>;
type Found = BTreeMap<(Uuid, [u8; 32]), SubjectKey>;

fn key_of(row: &AnyRow) -> Result<SubjectKey, ControlError> {
    let version: i64 = row.try_get("version")?;
    Ok(SubjectKey {
        subject_key_id: uuid_of(row, "subject_key_id")?,
        version: u32::try_from(version).map_err(|_| ControlError::Corrupt {
            what: "version",
            value: version.to_string(),
        })?,
        wrapped_dek: row.try_get("wrapped")?,
        kek_epoch: row.try_get::<i64, _>("kek_epoch")?.unsigned_abs(),
    })
}

/// `($1, $2), ($3, $4)`: placeholders for `rows` rows of `columns`.
fn placeholders(rows: usize, columns: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let separator = if column == 0 { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}${}", row * columns + column + 1);
        }
        text.push(')');
    }
    text
}

/// Reads the newest key of each lookup that exists.
async fn find(
    executor: &mut sqlx::AnyConnection,
    wanted: &[(Uuid, [u8; 32])],
    found: &mut Found,
) -> Result<(), ControlError> {
    for chunk in wanted.chunks(CHUNK) {
        let query = format!(
            "SELECT s.tenant, s.lookup, s.subject_key_id, k.version, k.wrapped, k.kek_epoch FROM subjects s \
             JOIN data_keys k ON k.tenant = s.tenant AND k.subject_key_id = s.subject_key_id \
             WHERE (s.tenant, s.lookup) IN (VALUES {}) ORDER BY k.version",
            placeholders(chunk.len(), 2)
        );
        // Safe: only placeholders vary.
        let mut query = sqlx::query(AssertSqlSafe(query));
        for (tenant, lookup) in chunk {
            query = query.bind(tenant.to_string()).bind(lookup.to_vec());
        }
        for row in query.fetch_all(&mut *executor).await? {
            let lookup: Vec<u8> = row.try_get("lookup")?;
            let lookup: [u8; 32] = lookup.try_into().map_err(|_| ControlError::Corrupt {
                what: "lookup",
                value: "not 32 bytes".to_owned(),
            })?;
            // Ordered by version: the newest comes last and stays.
            found.insert((uuid_of(&row, "tenant")?, lookup), key_of(&row)?);
        }
    }
    Ok(())
}

impl Control {
    /// The keys of all `wanted` subjects, in their order. Where none exists the offered one is
    /// stored. Of two processes that offer at once, the first to be stored wins for both.
    ///
    /// All new rows of one call are stored in one transaction.
    ///
    /// # Errors
    /// [`ControlError::KekRetired`] when an offered key was wrapped under a key-encryption key that a rotation has
    /// replaced since: wrap it anew. The database. Then nothing of this call is stored.
    pub async fn ensure_subject_keys(&self, wanted: &[WantedKey]) -> Result<Vec<SubjectKey>, ControlError> {
        // Sorted, so that two writers lock rows in the same order; the same lookup twice is one.
        let mut by_lookup: Wanted<'_> = BTreeMap::new();
        for key in wanted {
            by_lookup.entry((key.tenant, key.lookup)).or_insert(key);
        }
        let lookups: Vec<_> = by_lookup.keys().copied().collect();
        let mut found = Found::new();
        find(&mut *self.pool.acquire().await?, &lookups, &mut found).await?;
        let missing: Vec<_> = lookups
            .into_iter()
            .filter(|lookup| !found.contains_key(lookup))
            .collect();
        if !missing.is_empty() {
            self.insert_missing(&by_lookup, &missing, &mut found).await?;
        }
        let key_for = |key: &WantedKey| {
            let lost = || ControlError::Corrupt {
                what: "subject without a data key",
                value: hex::encode(key.lookup),
            };
            found.get(&(key.tenant, key.lookup)).cloned().ok_or_else(lost)
        };
        wanted.iter().map(key_for).collect()
    }

    async fn insert_missing(
        &self,
        wanted: &Wanted<'_>,
        missing: &[(Uuid, [u8; 32])],
        found: &mut Found,
    ) -> Result<(), ControlError> {
        let mut transaction = self.begin_write().await?;
        let epochs: BTreeSet<(Uuid, u64)> = missing
            .iter()
            .filter_map(|lookup| wanted.get(lookup))
            .map(|key| (key.tenant, key.kek_epoch))
            .collect();
        for (tenant, epoch) in epochs {
            hold_current(&mut transaction, self.dialect, tenant, epoch).await?;
        }
        for chunk in missing.chunks(CHUNK) {
            let rows: Vec<&WantedKey> = chunk
                .iter()
                .filter_map(|lookup| wanted.get(lookup).copied())
                .collect();
            let subjects = format!(
                "INSERT INTO subjects (tenant, lookup, subject_key_id, created_us) VALUES {} \
                 ON CONFLICT (tenant, lookup) DO NOTHING RETURNING subject_key_id",
                placeholders(rows.len(), 4)
            );
            let mut insert = sqlx::query(AssertSqlSafe(subjects));
            for row in &rows {
                insert = insert
                    .bind(row.tenant.to_string())
                    .bind(row.lookup.to_vec())
                    .bind(row.new_subject_key_id.to_string())
                    .bind(row.now_us);
            }
            let inserted = insert.fetch_all(&mut *transaction).await?;
            let ids: Vec<Uuid> = inserted
                .iter()
                .map(|row| uuid_of(row, "subject_key_id"))
                .collect::<Result<_, _>>()?;
            let winners: Vec<&&WantedKey> = rows
                .iter()
                .filter(|row| ids.contains(&row.new_subject_key_id))
                .collect();
            if winners.is_empty() {
                continue;
            }
            let keys = format!(
                "INSERT INTO data_keys (tenant, subject_key_id, version, wrapped, created_us, kek_epoch) VALUES {}",
                placeholders(winners.len(), 6)
            );
            let mut insert = sqlx::query(AssertSqlSafe(keys));
            for row in winners {
                insert = insert
                    .bind(row.tenant.to_string())
                    .bind(row.new_subject_key_id.to_string())
                    .bind(i64::from(FIRST_VERSION))
                    .bind(row.new_wrapped_dek.clone())
                    .bind(row.now_us)
                    .bind(i64::try_from(row.kek_epoch).unwrap_or(i64::MAX));
            }
            insert.execute(&mut *transaction).await?;
        }
        find(&mut transaction, missing, found).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The newest key of a subject; `None` when it was never seen or was erased.
    ///
    /// # Errors
    /// The database.
    pub async fn subject_key(
        &self,
        tenant: Uuid,
        lookup: &[u8; 32],
    ) -> Result<Option<SubjectKey>, ControlError> {
        let mut found = Found::new();
        find(&mut *self.pool.acquire().await?, &[(tenant, *lookup)], &mut found).await?;
        Ok(found.into_values().next())
    }

    /// One version of a subject's wrapped data key; `None` when there is none or it was erased.
    ///
    /// # Errors
    /// The database.
    pub async fn data_key(
        &self,
        tenant: Uuid,
        subject_key_id: Uuid,
        version: u32,
    ) -> Result<Option<SubjectKey>, ControlError> {
        let query = "SELECT subject_key_id, version, wrapped, kek_epoch FROM data_keys \
                     WHERE tenant = $1 AND subject_key_id = $2 AND version = $3";
        let row = sqlx::query(query)
            .bind(tenant.to_string())
            .bind(subject_key_id.to_string())
            .bind(i64::from(version))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(key_of).transpose()
    }
}
