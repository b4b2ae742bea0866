//! Questions to ClickHouse: bound parameters only, limits always, and a scope before any record.

use std::time::Duration;

use aal_control::TenantScope;
use aal_service::Problem;
use clickhouse::{RowOwned, RowRead};
use uuid::Uuid;

use crate::app::App;
use crate::scope::Scope;

/// A statement under construction. Its text is static; whatever a caller sent is bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    binds: Vec<Bind>,
    is_lookup: bool,
}

#[derive(Clone, Debug)]
enum Bind {
    Text(String),
    Texts(Vec<String>),
    Signed(i64),
    Unsigned(u64),
    UnsignedList(Vec<u64>),
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<Uuid> for Bind {
    fn from(value: Uuid) -> Self {
        Self::Text(value.to_string())
    }
}

impl Sql {
    pub(crate) fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            binds: Vec::new(),
            is_lookup: false,
        }
    }

    /// Adds text; `?` in it is a parameter that the caller binds next.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// The statement looks one record up: it is planned for that, which takes ClickHouse half the time.
    pub(crate) fn lookup(&mut self) -> &mut Self {
        self.is_lookup = true;
        self
    }

    /// Adds another statement's text with its parameters.
    pub(crate) fn append(&mut self, other: Sql) -> &mut Self {
        self.text.push_str(&other.text);
        self.binds.extend(other.binds);
        self
    }

    /// `FROM records` limited to what the scope admits. This and the next are the only places that name the table.
    pub(crate) fn records(&mut self, scope: &Scope) -> &mut Self {
        self.push(" FROM records WHERE ").within(scope)
    }

    /// Like [`Sql::records`], each row beside its newest correction of price: `fixed_event_id` (nil: none),
    /// `fixed_cost` and `fixed_currency`.
    pub(crate) fn records_repriced(&mut self, scope: &Scope) -> &mut Self {
        self.push(
            " FROM records LEFT ANY JOIN (SELECT target_event_id AS fixed_event_id, \
             argMax(cost, (edge_at, shard, chain_index)) AS fixed_cost, \
             toString(argMax(currency, (edge_at, shard, chain_index))) AS fixed_currency \
             FROM records WHERE kind = 'reprice'",
        );
        if let TenantScope::One(tenant) = scope.tenants {
            self.push(" AND tenant = ?").bind_uuid(tenant);
        }
        self.push(" GROUP BY target_event_id) AS fixes ON event_id = fixed_event_id WHERE ")
            .within(scope)
    }

    fn within(&mut self, scope: &Scope) -> &mut Self {
        match scope.tenants {
            TenantScope::All => self.push("true"),
            TenantScope::One(tenant) => self.push("tenant = ?").bind_uuid(tenant),
        };
        if let Some(own) = scope.own_user_ids() {
            self.push(" AND user_id IN ?").bind_texts(own.to_vec());
        }
        self
    }

    pub(crate) fn bind_text(&mut self, value: &str) -> &mut Self {
        self.binds.push(value.into());
        self
    }

    pub(crate) fn bind_texts(&mut self, values: Vec<String>) -> &mut Self {
        self.binds.push(Bind::Texts(values));
        self
    }

    pub(crate) fn bind_uuid(&mut self, value: Uuid) -> &mut Self {
        self.binds.push(value.into());
        self
    }

    pub(crate) fn bind_uuids(&mut self, values: &[Uuid]) -> &mut Self {
        self.binds
            .push(Bind::Texts(values.iter().map(Uuid::to_string).collect()));
        self
    }

    pub(crate) fn bind_i64(&mut self, value: i64) -> &mut Self {
        self.binds.push(Bind::Signed(value));
        self
    }

    pub(crate) fn bind_u64(&mut self, value: u64) -> &mut Self {
        self.binds.push(Bind::Unsigned(value));
        self
    }

    pub(crate) fn bind_u64s(&mut self, values: Vec<u64>) -> &mut Self {
        self.binds.push(Bind::UnsignedList(values));
        self
    }

    /// The text, for tests.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn into_query(self, app: &App) -> clickhouse::query::Query {
        let seconds = app.query_timeout().as_secs().max(1);
        let mut query = app
            .store
            .client()
            .query(&self.text)
            .with_setting(aal_store::FOREGROUND.0, aal_store::FOREGROUND.1)
            .with_setting("max_execution_time", seconds.to_string())
            .with_setting("max_memory_usage", app.limits.query_memory_bytes.to_string());
        if self.is_lookup {
            for (name, value) in LOOKUP {
                query = query.with_setting(name, value);
            }
        }
        for bind in self.binds {
            query = match bind {
                Bind::Text(value) => query.bind(value),
                Bind::Texts(values) => query.bind(values),
                Bind::Signed(value) => query.bind(value),
                Bind::Unsigned(value) => query.bind(value),
                Bind::UnsignedList(values) => query.bind(values),
            };
        }
        query
    }
}

/// What pays for itself with many rows only. Most of a lookup's time is planning.
const LOOKUP: [(&str, &str); 6] = [
    ("max_threads", "1"),
    ("output_format_parallel_formatting", "0"),
    ("compile_expressions", "0"),
    ("optimize_use_projections", "0"),
    ("use_query_condition_cache", "0"),
    ("use_skip_indexes_on_data_read", "0"),
];

/// A moment as ClickHouse compares it with its columns.
pub(crate) const MOMENT: &str = "fromUnixTimestamp64Micro(toInt64(?), 'UTC')";

impl App {
    /// All rows of a statement that has a LIMIT.
    pub(crate) async fn rows<T: RowOwned + RowRead>(&self, sql: Sql) -> Result<Vec<T>, Problem> {
        self.after_erasures()?;
        self.rows_or_error(sql)
            .await
            .map_err(|error| store_problem(&error))
    }

    /// As [`App::rows`], with the store's own error for those who read more from it.
    pub(crate) async fn rows_or_error<T: RowOwned + RowRead>(
        &self,
        sql: Sql,
    ) -> Result<Vec<T>, clickhouse::error::Error> {
        let asking = async {
            let _permit = self.query_permits.acquire().await;
            sql.into_query(self).fetch_all::<T>().await
        };
        let limit = self.query_timeout() + Duration::from_secs(1);
        let answered = tokio::time::timeout(limit, asking).await;
        answered.unwrap_or(Err(clickhouse::error::Error::TimedOut))
    }

    /// The first row, if any.
    pub(crate) async fn row<T: RowOwned + RowRead>(&self, sql: Sql) -> Result<Option<T>, Problem> {
        Ok(self.rows(sql).await?.into_iter().next())
    }

    /// The rows of a long answer one by one; the caller bounds the time.
    pub(crate) fn cursor<T: RowOwned + RowRead>(
        &self,
        sql: Sql,
    ) -> Result<clickhouse::query::RowCursor<T>, Problem> {
        self.after_erasures()?;
        sql.into_query(self)
            .fetch::<T>()
            .map_err(|error| store_problem(&error))
    }
}

impl App {
    /// 503 until the lists of erasures were applied: a restored backup must not show what was erased.
    fn after_erasures(&self) -> Result<(), Problem> {
        if self.erasures_applied.load(std::sync::atomic::Ordering::Acquire) {
            return Ok(());
        }
        let detail = "records are shown once the list of erasures was applied; try again";
        Err(Problem::unavailable(detail).with_retry_after(2))
    }
}

fn too_slow() -> Problem {
    Problem::unavailable("the query took too long; narrow the time range or the filters").with_retry_after(5)
}

/// What a caller is told of a failure of the store; the details go to the log.
pub(crate) fn store_problem(error: &clickhouse::error::Error) -> Problem {
    use clickhouse::error::Error;
    let text = error.to_string();
    let code = text
        .split("Code: ")
        .nth(1)
        .and_then(|rest| rest.split('.').next())
        .unwrap_or("");
    match (error, code) {
        (_, "159") | (Error::TimedOut, _) => too_slow(),
        (_, "241" | "396" | "158") => {
            Problem::validation("the query needs too much of the store; narrow the time range or the filters")
        }
        (Error::Network(_), _) => {
            tracing::warn!(error = text, "store unreachable");
            Problem::unavailable("the record store does not answer; try again").with_retry_after(2)
        }
        // 60, 81: no such table or database yet, before the first migration.
        (_, "60" | "81" | "202" | "210" | "242") => {
            tracing::warn!(error = text, "store not ready");
            Problem::unavailable("the record store is not ready; try again").with_retry_after(2)
        }
        _ => {
            tracing::error!(error = text, "store query failed");
            Problem::internal("the record store could not answer the question")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aal_control::Role;

    #[test]
    fn a_viewer_sees_one_tenant_and_own_records() {
        let scope = Scope::for_test(
            Role::Viewer,
            TenantScope::One(Uuid::from_u128(7)),
            Some(vec!["me".to_owned()]),
        );
        let mut sql = Sql::new("SELECT 1");
        sql.records(&scope);
        assert_eq!(
            sql.text(),
            "SELECT 1 FROM records WHERE tenant = ? AND user_id IN ?"
        );
        assert_eq!(sql.binds.len(), 2);
        assert!(scope.admits(Uuid::from_u128(7), "me"));
        assert!(!scope.admits(Uuid::from_u128(7), "you"));
        assert!(!scope.admits(Uuid::from_u128(8), "me"));
    }

    /// The table may be named in this file only, so that every question has a scope.
    #[test]
    fn nobody_else_names_the_table() {
        fn visit(dir: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    visit(&path, found);
                } else if path.file_name().is_some_and(|name| name != "sql.rs") {
                    let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
                    if text.contains("from records") || text.contains("join records") {
                        found.push(path.display().to_string());
                    }
                }
            }
        }
        let mut found = Vec::new();
        visit(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        assert!(found.is_empty(), "{found:?}");
    }
}
