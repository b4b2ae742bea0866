//! The rows of the record store under a set of data keys: finding them, emptying them, seeing that they are empty.
//!
//! Which key a slot is under is read from the leaf (ledger-format.md, section 3), not from columns. Only hexadecimal
//! digits of UUIDs go into the statements' texts.

use std::fmt::Write as _;

use aal_store::{Rewriting, Store, StoreError};
use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::request::Found;

/// Data keys of one mutation, whose text names them a dozen times; the server takes 256 KiB.
pub const KEYS_AT_ONCE: usize = 100;
/// Data keys of one count. A record under keys of two such groups counts twice.
const KEYS_COUNTED_AT_ONCE: usize = 1_000;
/// First slot of a leaf counted from 1, as ClickHouse counts; the key stands 2 bytes behind the slot's number.
const SLOTS_AT: usize = 311 + 1;
const SLOT_BYTES: usize = 123;

/// Slots of the row's leaf that are under one of the keys, as an array of numbers.
fn slots_under(keys: &[Uuid]) -> String {
    let keys = key_list(keys);
    format!(
        "arrayMap(at -> reinterpretAsUInt16(reverse(substring(leaf, {SLOTS_AT} + {SLOT_BYTES} * at, 2))), \
         arrayFilter(at -> has([{keys}], substring(leaf, {SLOTS_AT} + 2 + {SLOT_BYTES} * at, 16)), \
         range(reinterpretAsUInt16(reverse(substring(leaf, 310, 2))))))"
    )
}

fn key_list(keys: &[Uuid]) -> String {
    let mut text = String::new();
    for key in keys {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}unhex('{}')", key.simple());
    }
    text
}

/// Rows of the tenant whose leaf names one of the keys, as a condition.
pub fn rows_under(tenant: Uuid, keys: &[Uuid]) -> String {
    // A cheap test first; 16 random bytes are found by chance in no leaf.
    let named: Vec<String> = keys
        .iter()
        .map(|key| format!("position(leaf, unhex('{}')) > 0", key.simple()))
        .collect();
    format!(
        "tenant = toUUID('{tenant}') AND ({}) AND notEmpty({})",
        named.join(" OR "),
        slots_under(keys)
    )
}

/// Rows that still hold something in one of the slots `gone`.
fn holds_something(gone: &str) -> String {
    let mut text = format!(
        "(arrayExists(slot -> has({gone}, slot), arrayConcat(template_slots, sealed_slots)) \
         OR length(template_slots) != length(template_salts) OR length(sealed_slots) != length(sealed_values)"
    );
    for (slot, column) in COLUMNS {
        let _ = write!(text, " OR ({column} != '' AND has({gone}, {slot}))");
    }
    text.push(')');
    text
}

/// Text columns with the template slot whose text, or part of whose text, they are.
const COLUMNS: [(u16, &str); 6] = [
    (0, "request_body"),
    (1, "response_body"),
    (2, "search_text"),
    (3, "attributes"),
    (3, "user_id"),
    (3, "session_id"),
];

/// The mutation that empties the rows.
fn mutation(tenant: Uuid, keys: &[Uuid]) -> String {
    let gone = slots_under(keys);
    let mut text = "ALTER TABLE records UPDATE ".to_owned();
    for (slot, column) in COLUMNS {
        let _ = write!(text, "{column} = if(has({gone}, {slot}), '', {column}), ");
    }
    for (slots, values) in [
        ("template_slots", "template_salts"),
        ("sealed_slots", "sealed_values"),
    ] {
        // A row whose two lists differ in length was tampered with; what has no number goes, too.
        let numbers = format!("arrayResize({slots}, length({values}), toUInt16({}))", u16::MAX);
        let _ = write!(
            text,
            "{values} = arrayFilter((value, slot) -> NOT has({gone}, slot), {values}, {numbers}), \
             {slots} = arrayFilter(slot -> NOT has({gone}, slot), {slots}), "
        );
    }
    text.truncate(text.len() - 2);
    let _ = write!(
        text,
        " WHERE {} AND {}",
        rows_under(tenant, keys),
        holds_something(&gone)
    );
    text
}

#[derive(Row, Deserialize)]
struct FoundRow {
    rows: u64,
    shared: u64,
    first_us: i64,
    last_us: i64,
    applications: Vec<String>,
}

/// What the rows under `keys` are. Rows whose texts are under somebody else's key count as shared.
pub(crate) async fn find(store: &Store, tenant: Uuid, keys: &[Uuid]) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for chunk in keys.chunks(KEYS_COUNTED_AT_ONCE) {
        let subject_keys: Vec<String> = chunk.iter().map(|key| format!("toUUID('{key}')")).collect();
        let query = format!(
            "SELECT count() AS rows, countIf(subject_key NOT IN ({})) AS shared, \
             if(rows = 0, 0, toInt64(toUnixTimestamp64Micro(min(occurred_at)))) AS first_us, \
             if(rows = 0, 0, toInt64(toUnixTimestamp64Micro(max(occurred_at)))) AS last_us, \
             arraySort(groupUniqArray(1000)(toString(application))) AS applications \
             FROM records WHERE {}",
            subject_keys.join(", "),
            rows_under(tenant, chunk)
        );
        let row: FoundRow = store
            .bounded(store.client().query(&query).fetch_one::<FoundRow>())
            .await?;
        if row.rows == 0 {
            continue;
        }
        found.first_us = if found.rows == 0 {
            row.first_us
        } else {
            found.first_us.min(row.first_us)
        };
        found.last_us = found.last_us.max(row.last_us);
        found.rows += row.rows;
        found.shared_rows += row.shared;
        found.applications.extend(row.applications);
    }
    found.applications.sort_unstable();
    found.applications.dedup();
    Ok(found)
}

/// Rows that still hold a text, a salt or a ciphertext under one of `keys`.
///
/// # Errors
/// The store does not answer.
pub async fn left_in_rows(store: &Store, tenant: Uuid, keys: &[Uuid]) -> Result<u64, StoreError> {
    let mut left = 0;
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        let query = format!(
            "SELECT count() FROM records WHERE {} AND {}",
            rows_under(tenant, chunk),
            holds_something(&slots_under(chunk))
        );
        left += store
            .bounded(store.client().query(&query).fetch_one::<u64>())
            .await?;
    }
    Ok(left)
}

/// Empties the rows under `keys`: starts the store's mutation where something is left and none runs yet. It is asked
/// for asynchronously and looked after here, so that it may take longer than any statement.
pub(crate) async fn empty(store: &Store, tenant: Uuid, keys: &[Uuid]) -> Result<Rewriting, StoreError> {
    let mut running = false;
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        if left_in_rows(store, tenant, chunk).await? == 0 {
            continue;
        }
        running = true;
        let first = chunk.first().map(|key| key.simple().to_string());
        let mark = first.unwrap_or_default();
        if let failing @ Rewriting::Failing(_) = store.rewrite(&mutation(tenant, chunk), &mark).await? {
            return Ok(failing);
        }
    }
    Ok(if running {
        Rewriting::Running
    } else {
        Rewriting::Done
    })
}

/// Whether one of `events` lies under the keys.
pub(crate) async fn is_under(
    store: &Store,
    tenant: Uuid,
    event: Uuid,
    keys: &[Uuid],
) -> Result<bool, StoreError> {
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        let query = format!(
            "SELECT count() FROM records WHERE (event_id = toUUID('{event}') OR target_event_id = toUUID('{event}')) \
             AND {}",
            rows_under(tenant, chunk)
        );
        let count = store
            .bounded(store.client().query(&query).fetch_one::<u64>())
            .await?;
        if count > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Events under the keys that outcomes or intents refer to: what was said about them is under keys of their own.
pub(crate) async fn events_with_outcomes(
    store: &Store,
    tenant: Uuid,
    keys: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    let mut events = Vec::new();
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        let query = format!(
            "SELECT DISTINCT toString(event_id) FROM records WHERE {} AND event_id IN (SELECT target_event_id FROM \
             records WHERE tenant = toUUID('{tenant}') AND kind IN ('outcome', 'intent'))",
            rows_under(tenant, chunk)
        );
        let found = store
            .bounded(store.client().query(&query).fetch_all::<String>())
            .await?;
        events.extend(found.iter().filter_map(|text| Uuid::try_parse(text).ok()));
    }
    Ok(events)
}

/// Of these keys, those under which texts stand in rows again; by columns, for a quick look at a start. All texts of a row
/// are under the key that the column names. A ciphertext that is back without its text is not looked for: without the
/// key nobody can open it.
pub(crate) async fn texts_again(store: &Store, tenant: Uuid, keys: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    let mut found = Vec::new();
    for chunk in keys.chunks(KEYS_COUNTED_AT_ONCE * 4) {
        let list: Vec<String> = chunk.iter().map(|key| format!("toUUID('{key}')")).collect();
        let query = format!(
            "SELECT DISTINCT toString(subject_key) FROM records WHERE tenant = toUUID('{tenant}') \
             AND subject_key IN ({}) AND notEmpty(template_slots)",
            list.join(", ")
        );
        let keys = store
            .bounded(store.client().query(&query).fetch_all::<String>())
            .await?;
        found.extend(keys.iter().filter_map(|text| Uuid::try_parse(text).ok()));
    }
    Ok(found)
}

/// Which of these events are stored.
pub(crate) async fn stored_events(store: &Store, tenant: Uuid, events: &[Uuid]) -> Result<usize, StoreError> {
    let ids: Vec<String> = events.iter().map(Uuid::to_string).collect();
    let query = store
        .client()
        .query(
            "SELECT count(DISTINCT event_id) FROM records WHERE tenant = toUUID(?) AND kind = 'erasure_done' \
             AND toString(event_id) IN ?",
        )
        .bind(tenant.to_string())
        .bind(ids);
    Ok(store.bounded(query.fetch_one::<u64>()).await? as usize)
}

#[derive(Row, Deserialize)]
struct DoneRow {
    #[serde(with = "clickhouse::serde::uuid")]
    tenant: Uuid,
    header: String,
}

/// Every key that the ledger's `erasure_done` records name, with its tenant.
pub(crate) async fn keys_in_ledger(store: &Store) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let query = store
        .client()
        .query("SELECT tenant, header FROM records WHERE kind = 'erasure_done'");
    let rows = store.bounded(query.fetch_all::<DoneRow>()).await?;
    let mut keys = Vec::new();
    for row in rows {
        let header: serde_json::Value = serde_json::from_str(&row.header).unwrap_or_default();
        let named = header["subject_key_ids"].as_array().into_iter().flatten();
        let named = named
            .filter_map(serde_json::Value::as_str)
            .filter_map(|text| Uuid::try_parse(text).ok());
        keys.extend(named.map(|key| (row.tenant, key)));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_each_key_and_one_tenant() {
        let statement = mutation(Uuid::from_u128(7), &[Uuid::from_u128(1), Uuid::from_u128(2)]);
        for key in [
            "unhex('00000000000000000000000000000001')",
            "unhex('00000000000000000000000000000002')",
        ] {
            assert!(statement.contains(key), "{statement}");
        }
        assert_eq!(statement.matches("toUUID(").count(), 1, "{statement}");
    }
}
