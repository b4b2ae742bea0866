//! Sources that number their events: what of each is there, twice there, and missing.

use std::collections::HashMap;

use aal_service::Problem;
use aal_service::times::rfc3339_us;
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use warp::reply::Response;

use crate::call::{Call, json};
use crate::sql::{MOMENT, Sql};

/// Gaps listed of one source; more are only counted.
const MOST_GAPS: u64 = 100;

#[derive(Row, Deserialize)]
struct SourceRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    source_id: Uuid,
    source_epoch: u64,
    application_name: String,
    instance: String,
    sdk: String,
    records: u64,
    distinct: u64,
    first: u64,
    last: u64,
    first_at_us: i64,
    last_at_us: i64,
}

#[derive(Row, Deserialize)]
struct GapRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    #[serde(with = "clickhouse::serde::uuid")]
    source_id: Uuid,
    source_epoch: u64,
    first: i64,
    last: i64,
}

type Key = (Uuid, Uuid, u64);

/// `GET /api/v1/sources`: each (application, instance, epoch) with its gaps, those with gaps first. A source counts
/// from 0, so without `from` what is missing at the beginning shows too; what is missing at the end shows when the
/// source goes on, and by receipts.
pub(crate) async fn sources(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "application", "from", "to", "limit"])?;
    let limit = query.limit(100, 1_000)?;
    let from_us = query.time_us("from")?;
    let to_us = query.time_us("to")?;
    let scope = call.scope.narrowed(query.uuid("tenant")?)?;
    let application = query.text("application");
    let admitted = || {
        let mut sql = Sql::default();
        sql.records(&scope)
            .push(" AND source_id != toUUID('00000000-0000-0000-0000-000000000000')");
        if let Some(application) = application {
            // Of a pruned record the source is known, and not the application.
            sql.push(" AND (application = ? OR kind = 'pruned')")
                .bind_text(application);
        }
        for (moment, condition) in [(from_us, " AND edge_at >= "), (to_us, " AND edge_at < ")] {
            if let Some(moment) = moment {
                sql.push(condition).push(MOMENT).bind_i64(moment);
            }
        }
        sql
    };
    let mut sql = Sql::new(
        "SELECT tenant, source_id, source_epoch, max(application) AS application_name, \
         max(JSONExtractString(attributes, 'source', 'instance')) AS instance, \
         max(JSONExtractString(attributes, 'source', 'sdk')) AS sdk, count() AS records, \
         uniqExact(source_seq) AS distinct, min(source_seq) AS first, max(source_seq) AS last, \
         toUnixTimestamp64Micro(min(edge_at)) AS first_at_us, toUnixTimestamp64Micro(max(edge_at)) AS last_at_us",
    );
    sql.append(admitted())
        .push(" GROUP BY tenant, source_id, source_epoch");
    if let Some(application) = application {
        sql.push(" HAVING application_name = ?").bind_text(application);
    }
    sql.push(" ORDER BY last + 1 - ");
    sql.push(if from_us.is_some() { "first" } else { "0" });
    sql.push(" - distinct DESC, tenant, application_name, instance, source_epoch LIMIT ?")
        .bind_u64(limit.into());
    let rows: Vec<SourceRow> = call.app.rows(sql).await?;

    let mut sql = Sql::new(
        "SELECT tenant, source_id, source_epoch, before + 1 AS first, seq - 1 AS last FROM (\
         SELECT tenant, source_id, source_epoch, seq, lagInFrame(seq, 1, toInt64(-1)) OVER (PARTITION BY tenant, source_id, source_epoch ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) \
         AS before FROM (SELECT DISTINCT tenant, source_id, source_epoch, toInt64(source_seq) AS seq",
    );
    sql.append(admitted()).push(")) WHERE seq - before > 1");
    // With a beginning in time the first number seen is no gap.
    if from_us.is_some() {
        sql.push(" AND before >= 0");
    }
    sql.push(" ORDER BY tenant, source_id, source_epoch, first LIMIT ? BY tenant, source_id, source_epoch LIMIT 100000")
        .bind_u64(MOST_GAPS);
    let mut gaps: HashMap<Key, Vec<Value>> = HashMap::new();
    for gap in call.app.rows::<GapRow>(sql).await? {
        gaps.entry((gap.tenant, gap.source_id, gap.source_epoch))
            .or_default()
            .push(json!({"first": gap.first, "last": gap.last}));
    }
    let items: Vec<Value> = rows
        .iter()
        .map(|row| item(row, &mut gaps, from_us.is_some()))
        .collect();
    json(&json!({"items": items}))
}

fn item(row: &SourceRow, gaps: &mut HashMap<Key, Vec<Value>>, is_cut: bool) -> Value {
    let expected = if is_cut {
        row.last - row.first + 1
    } else {
        row.last + 1
    };
    let listed = gaps.remove(&(row.tenant, row.source_id, row.source_epoch));
    json!({
        "tenant": row.tenant, "source_id": row.source_id, "application": row.application_name, "instance": row.instance,
        "sdk": row.sdk, "epoch": row.source_epoch, "first": row.first, "last": row.last, "records": row.records,
        "missing": expected.saturating_sub(row.distinct), "repeated": row.records - row.distinct,
        "gaps": listed.unwrap_or_default(),
        "first_at": rfc3339_us(row.first_at_us), "last_at": rfc3339_us(row.last_at_us),
    })
}
