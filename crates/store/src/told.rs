//! What services told the ledger of themselves, read back so that nothing is told twice.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Store, StoreError};

/// A record of a system kind.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Told {
    #[serde(with = "clickhouse::serde::uuid")]
    pub event_id: Uuid,
    /// RFC 8785 JSON.
    pub header: String,
}

impl Told {
    /// The header's `facts`; empty when it has none.
    pub fn facts(&self) -> Map<String, Value> {
        let header: Value = serde_json::from_str(&self.header).unwrap_or_default();
        header
            .get("facts")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    }

    /// The header's `action`.
    pub fn action(&self) -> String {
        let header: Value = serde_json::from_str(&self.header).unwrap_or_default();
        header
            .get("action")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

impl Store {
    /// The last record of a kind that is about a component; of the installation, not of a tenant.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn last_told(&self, kind: &str, component: &str) -> Result<Option<Told>, StoreError> {
        let query = self
            .client
            .query(
                "SELECT event_id, header FROM records
                 WHERE tenant = toUUID('00000000-0000-0000-0000-000000000000') AND kind = ?
                   AND JSONExtractString(header, 'facts', 'component') = ?
                 ORDER BY edge_at DESC, kafka_offset DESC LIMIT 1",
            )
            .bind(kind)
            .bind(component);
        self.bounded(query.fetch_optional::<Told>()).await
    }

    /// The last record of each incident that a component told.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn incidents(&self, component: &str) -> Result<Vec<Told>, StoreError> {
        let query = self
            .client
            .query(
                "SELECT last.1 AS event_id, last.2 AS header FROM (
                 SELECT argMax((event_id, header), (edge_at, kafka_offset)) AS last FROM records
                 WHERE tenant = toUUID('00000000-0000-0000-0000-000000000000') AND kind = 'incident'
                   AND JSONExtractString(header, 'facts', 'component') = ?
                 GROUP BY JSONExtractString(header, 'facts', 'subject')) LIMIT 100000",
            )
            .bind(component);
        self.bounded(query.fetch_all::<Told>()).await
    }

    /// Shards below `first_shard` that hold records and that no shard_close record names, with the first offset
    /// that nothing in them accounts for.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn unclosed_shards(&self, first_shard: u32) -> Result<Vec<(u32, u64)>, StoreError> {
        let query = self
            .client
            .query(
                "SELECT shard, max(kafka_offset) + 1 AS next_offset FROM records WHERE shard < ?
                   AND shard NOT IN (
                       SELECT toUInt32(JSONExtractUInt(header, 'facts', 'shard')) FROM records
                       WHERE tenant = toUUID('00000000-0000-0000-0000-000000000000') AND kind = 'shard_close')
                 GROUP BY shard ORDER BY shard",
            )
            .bind(first_shard);
        self.bounded(query.fetch_all::<(u32, u64)>()).await
    }

    /// Shards that hold records, ascending.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn shards(&self) -> Result<Vec<u32>, StoreError> {
        let query = self
            .client
            .query("SELECT DISTINCT shard FROM records ORDER BY shard");
        self.bounded(query.fetch_all::<u32>()).await
    }
}
