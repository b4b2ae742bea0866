//! Rewriting rows that must lose something: the store's mutations, and the files they replace.

use clickhouse::Row;
use serde::Deserialize;

use crate::{Store, StoreError};

/// How the rewriting of rows stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewriting {
    /// Nothing is left in any row.
    Done,
    /// The store rewrites its parts.
    Running,
    /// The store cannot do it; its own words.
    Failing(String),
}

#[derive(Row, Deserialize)]
struct MutationRow {
    reason: String,
}

impl Store {
    /// Looks after a mutation of `records` whose text holds `mark`; asks for it with `statement` when none is under way.
    /// It is asked for asynchronously, so that it may take longer than any statement.
    ///
    /// # Errors
    /// The store does not answer, or refuses the statement.
    pub async fn rewrite(&self, statement: &str, mark: &str) -> Result<Rewriting, StoreError> {
        let pending = self
            .client
            .query(
                "SELECT latest_fail_reason AS reason FROM system.mutations WHERE database = currentDatabase() \
                 AND table = 'records' AND is_done = 0 AND is_killed = 0 AND position(command, ?) > 0",
            )
            .bind(mark);
        let pending = self.bounded(pending.fetch_all::<MutationRow>()).await?;
        if let Some(failing) = pending.iter().find(|mutation| !mutation.reason.is_empty()) {
            return Ok(Rewriting::Failing(failing.reason.clone()));
        }
        if pending.is_empty() {
            let asked = self.client.query(statement).with_setting("mutations_sync", "0");
            self.bounded(asked.execute()).await?;
        }
        Ok(Rewriting::Running)
    }

    /// The store's clock, seconds.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn now_s(&self) -> Result<i64, StoreError> {
        let query = self.client.query("SELECT toInt64(toUnixTimestamp(now()))");
        self.bounded(query.fetch_one::<i64>()).await
    }

    /// Parts of `records` that were replaced at or before `before_s` and whose files are still there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn old_parts(&self, before_s: i64) -> Result<u64, StoreError> {
        let query = self
            .client
            .query(
                "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'records' \
                 AND active = 0 AND toInt64(toUnixTimestamp(remove_time)) <= ?",
            )
            .bind(before_s);
        let left = self.bounded(query.fetch_one::<u64>()).await?;
        if left > 0 {
            // On an idle table the store looks for old files every five minutes only; this wakes it. A server that does not
            // know the statement, or refuses it, cleans up in its own time.
            let nudge = self.client.query("SYSTEM START CLEANUP records");
            if let Err(error) = self.bounded(nudge.execute()).await {
                tracing::debug!(%error, "the record store cleans up in its own time");
            }
        }
        Ok(left)
    }
}
