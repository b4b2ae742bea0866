//! Stored records for the verifier, as they are: `audit verify` trusts nothing that is computed here.

use aal_service::Problem;
use aal_verify::{StoredCiphertext, StoredRecord, StoredTemplate};
use bytes::Bytes;
use clickhouse::Row;
use clickhouse::query::RowCursor;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;
use warp::reply::{Reply, Response};

use crate::access::AccessNote;
use crate::call::{Call, json};
use crate::ledger::rows::{COLUMNS, VerifyRow};
use crate::sql::Sql;

const DEFAULT_RECORDS: u32 = 1_000;
const MAX_RECORDS: u32 = 20_000;
/// Lines that are read ahead of the client.
const LINES_AHEAD: usize = 64;

#[derive(Row, Deserialize)]
struct ChainRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    shard: u32,
    size: u64,
    last_index: u64,
}

/// `GET /api/v1/verify/chains`: every chain inside the scope with the number of its records.
pub(crate) async fn chains(call: Call) -> Result<Response, Problem> {
    call.request.query.only(&["tenant"])?;
    let scope = call.scope.narrowed(call.request.query.uuid("tenant")?)?;
    let mut sql = Sql::new("SELECT tenant, shard, count() AS size, max(chain_index) AS last_index");
    sql.records(&scope).push(" GROUP BY tenant, shard ORDER BY tenant, shard LIMIT 1000000");
    let rows: Vec<ChainRow> = call.app.rows(sql).await?;
    let chains: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"tenant": row.tenant, "shard": row.shard, "size": row.size, "last_index": row.last_index})
        })
        .collect();
    json(&json!({"chains": chains}))
}

/// `GET /api/v1/verify/records`: NDJSON of [`StoredRecord`] from an index on, in order of the chain.
pub(crate) async fn records(call: Call) -> Result<Response, Problem> {
    let query = &call.request.query;
    query.only(&["tenant", "shard", "from", "limit"])?;
    let tenant = query.uuid("tenant")?.ok_or_else(|| crate::call::wrong("tenant", "given: a UUID"))?;
    let scope = call.scope.narrowed(Some(tenant))?;
    let shard: u32 = query.parsed("shard", "a shard number")?.unwrap_or(0);
    let from: u64 = query.parsed("from", "a chain index")?.unwrap_or(0);
    let limit = query.limit(DEFAULT_RECORDS, MAX_RECORDS)?;
    if from == 0 {
        // One note per chain, not one per page.
        let note = AccessNote {
            user: &call.scope.user,
            tenant,
            action: "verify",
            target: None,
            reason: None,
            detail: json!({"shard": shard}),
        };
        call.app.record_access(note).await?;
    }
    let mut sql = Sql::new(COLUMNS);
    sql.records(&scope)
        .push(" AND shard = ? AND chain_index >= ? ORDER BY chain_index, block, block_row LIMIT ?")
        .bind_u64(u64::from(shard))
        .bind_u64(from)
        .bind_u64(u64::from(limit));
    let rows = call.app.cursor::<VerifyRow>(sql)?;
    let (sender, mut lines) = mpsc::channel(LINES_AHEAD);
    tokio::spawn(copy_lines(rows, sender));
    let mut response = warp::reply::stream(stream::poll_fn(move |context| lines.poll_recv(context))).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// Copies rows until the end, an error or the client's leaving.
async fn copy_lines(mut rows: RowCursor<VerifyRow>, lines: mpsc::Sender<Result<Bytes, std::io::Error>>) {
    loop {
        let line = match rows.next().await {
            Ok(None) => return,
            Ok(Some(row)) => Ok(line_of(row)),
            // The broken chunked body tells the client that this was not the end.
            Err(error) => {
                tracing::warn!(%error, "export broke off");
                Err(std::io::Error::other("the record store broke off"))
            }
        };
        let is_broken = line.is_err();
        if lines.send(line).await.is_err() || is_broken {
            return;
        }
    }
}

fn line_of(row: VerifyRow) -> Bytes {
    let mut line = serde_json::to_vec(&stored(row)).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// The verifier's form of a row.
fn stored(row: VerifyRow) -> StoredRecord {
    let columns: Map<String, Value> = row.columns();
    let text_of = |slot: u16| match slot {
        aal_record::SLOT_REQUEST => row.request_body.to_vec(),
        aal_record::SLOT_RESPONSE => row.response_body.to_vec(),
        aal_record::SLOT_SEARCH => row.search_text.to_vec(),
        aal_record::SLOT_ATTRIBUTES => row.attributes.to_vec(),
        _ => Vec::new(),
    };
    let mut templates: Vec<StoredTemplate> = row
        .template_slots
        .iter()
        .zip(&row.template_salts)
        .map(|(slot, salt)| StoredTemplate { slot: *slot, text: text_of(*slot), salt: Some(salt.to_vec()) })
        .collect();
    for slot in aal_record::SLOT_REQUEST..=aal_record::SLOT_ATTRIBUTES {
        let is_salted = row.template_slots.contains(&slot);
        let text = text_of(slot);
        if !is_salted && !text.is_empty() {
            templates.push(StoredTemplate { slot, text, salt: None });
        }
    }
    let ciphertexts = row
        .sealed_slots
        .iter()
        .zip(&row.sealed_values)
        .map(|(slot, value)| StoredCiphertext { slot: *slot, ciphertext: value.to_vec() })
        .collect();
    StoredRecord {
        shard: row.shard,
        block: row.block,
        row: row.block_row,
        offset: row.kafka_offset,
        tenant: row.tenant,
        chain_index: row.chain_index,
        kind: row.kind.clone(),
        event_id: row.event_id,
        prev_leaf_hash: row.prev_leaf_hash.to_vec(),
        leaf_hash: row.leaf_hash.to_vec(),
        leaf: row.leaf.to_vec(),
        header: row.header.to_vec(),
        templates,
        ciphertexts,
        columns,
    }
}
